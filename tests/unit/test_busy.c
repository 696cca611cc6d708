/* SPDX-License-Identifier: MIT */
/*
 * test_busy.c - work_busy() between the steps of others.
 */
#include "unit.h"

#include <workq/workqueue.h>

#include "base/grace.h"
#include "core/pool.h"
#include "core/submit.h"
#include "core/wq.h"

static struct workqueue_struct *wq;
static struct gate go;
static atomic_int nr_begun, nr_over;

static void wait_inside(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_begun, 1);
	gate_wait(&go);
	atomic_fetch_add(&nr_over, 1);
}

static DECLARE_WORK(work, wait_inside);

/* It runs, and is pending and not pushed yet. In a section. */
static struct wq_pool *put_in_transit(unsigned int flags)
{
	struct wq_pool *pool;
	unsigned long word;

	gate_init(&go);
	wq = alloc_workqueue("busy", flags, 1);
	must(wq);
	must(queue_work_on(0, wq, &work));
	wait_until(atomic_load(&nr_begun) == 1);
	must(work_busy(&work) == WORK_BUSY_RUNNING);
	wq_grace_enter();
	must(wq_submit_take_pending(wq, &work, &word));
	must(work_busy(&work) == (WORK_BUSY_RUNNING | WORK_BUSY_PENDING));
	pool = wq_submit_prepare(wq, &work, word, wq_wq_pwq_of(wq, 0));
	must(pool);
	return pool;
}

static void see_both(unsigned int flags)
{
	struct wq_pool *pool = put_in_transit(flags);

	must(work_busy(&work) == (WORK_BUSY_RUNNING | WORK_BUSY_PENDING));
	wq_pool_push(pool, &work);
	wq_grace_leave();
	must(work_busy(&work) == (WORK_BUSY_RUNNING | WORK_BUSY_PENDING));
	gate_open(&go);
	flush_work(&work);
	must(atomic_load(&nr_over) == 2);
	must(!work_busy(&work));
	destroy_workqueue(wq);
}

/* A3, B4 */
static void item_in_transit_that_runs_is_pending_and_running(void)
{
	see_both(WQ_PERCPU);
}

static void unbound_item_in_transit_that_runs_is_pending_and_running(void)
{
	see_both(WQ_UNBOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(item_in_transit_that_runs_is_pending_and_running),
		child_test(unbound_item_in_transit_that_runs_is_pending_and_running),
	};

	return cmocka_run_group_tests_name("busy", tests, NULL, NULL);
}
