/* SPDX-License-Identifier: MIT */
/*
 * test_in_transit.c - items whose word says more than is there yet: who queues or arms them is not
 * through (A10). Who flushes or cancels them waits for him; who looks sees all there is.
 *
 * The library is started; the words are written by the test.
 */
#include "unit.h"

#include <workq/workq.h>
#include <workq/workqueue.h>

#include "base/grace.h"
#include "base/os.h"
#include "base/park.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/shard.h"
#include "core/submit.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"
#include "lines.h"
#include "ops/init.h"

static struct workqueue_struct *wq;
static struct gate go;
static atomic_int nr_runs, nr_inside;

static void count_run(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_runs, 1);
}

static DECLARE_WORK(work, count_run);
static DECLARE_DELAYED_WORK(dwork, count_run);

static void begin(void)
{
	wq_report_set_fn(lines_catch);
	gate_init(&go);
	wq = alloc_workqueue("transit", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	must(wq && wq_init_use());
}

/* The timer has been in no shard so far, and is in none yet. */
static void cancel_of_an_item_that_is_about_to_be_armed_waits(void)
{
	struct wq_shard *shard;
	struct call call;

	begin();
	dwork.work.data = WQ_WORK_PENDING | WQ_WORK_TIMER;
	call_start(&call, do_cancel_delayed_work_sync, &dwork);
	must(call_blocks(&call));
	dwork.wq = wq;
	shard = wq_shards[0];
	wq_shard_arm(&dwork.timer, shard, wq_shard_now(), wq_shard_now() + 100000);
	must(call_join(&call) == 1);
	must(!atomic_load(&nr_runs) && !dwork.work.data);
	destroy_workqueue(wq);
}

static void flush_in_transit(struct work_struct *flusher)
{
	(void)flusher;
	atomic_fetch_add(&nr_inside, 1);
	must(!flush_work(&work));
}

/* C1: it says that it is queued, and is on no list. */
static void flush_by_a_reclaim_item_of_one_that_is_about_to_be_queued_waits(void)
{
	static DECLARE_WORK(flusher, flush_in_transit);
	struct wq_pwq *pwq;

	begin();
	pwq = wq->table->of_cpu[0];
	work.data = wq_word_queued(pwq, pwq->color);
	must(queue_work(wq, &flusher));
	wait_until(atomic_load(&nr_inside));
	for (int i = 0; i < 20; i++) {
		must(work_busy(&flusher) & WORK_BUSY_RUNNING);
		nap_us(500);
	}
	wq_store_release(&work.data, wq_word_off(0, 0));
	flush_work(&flusher);
	must(!work_busy(&flusher) && !atomic_load(&lines_caught));
	destroy_workqueue(wq);
}

static atomic_bool is_taken;

/* What queue_work() does in one go. */
static long queue_in_two_steps(void *unused)
{
	struct wq_park *wake;

	(void)unused;
	must(wq_init_use());
	wq_grace_enter();
	wq_fetch_or_acq_rel(&work.data, WQ_WORK_PENDING);
	atomic_store(&is_taken, true);
	gate_wait(&go);
	must(wq_submit(wq, &work, wq_os_cpu(), &wake));
	wq_grace_leave();
	if (wake)
		wq_park_wake(wake);
	return 0;
}

/* D1 */
static void flush_of_the_queue_of_one_that_is_about_to_be_queued_waits(void)
{
	struct call producer, flusher;

	begin();
	call_start(&producer, queue_in_two_steps, NULL);
	wait_until(atomic_load(&is_taken));
	/* who is told so has it waited for */
	must(!queue_work(wq, &work));
	call_start(&flusher, do_flush_workqueue, wq);
	must(call_blocks(&flusher));
	must(!atomic_load(&nr_runs));
	gate_open(&go);
	call_join(&flusher);
	must(atomic_load(&nr_runs) == 1);
	call_join(&producer);
	destroy_workqueue(wq);
}

static void run_inside(struct work_struct *running)
{
	(void)running;
	atomic_fetch_add(&nr_inside, 1);
	gate_wait(&go);
}

/* Pending on the CPU of the run, by who has not pushed it yet. -> where it is to be pushed */
static struct wq_pool *take_while_it_runs(struct work_struct *running)
{
	unsigned long word;

	must(queue_work_on(0, wq, running));
	wait_until(atomic_load(&nr_inside));
	must(work_busy(running) == WORK_BUSY_RUNNING);
	wq_grace_enter();
	must(wq_submit_take_pending(wq, running, &word));
	must(work_busy(running) == (WORK_BUSY_RUNNING | WORK_BUSY_PENDING));
	return wq_submit_prepare(wq, running, word, wq->table->of_cpu[0]);
}

/* A3, B4 */
static void item_that_runs_and_is_about_to_be_queued_is_seen_to_run(void)
{
	static DECLARE_WORK(running, run_inside);
	struct wq_pool *pool;

	begin();
	pool = take_while_it_runs(&running);
	must(work_busy(&running) == (WORK_BUSY_RUNNING | WORK_BUSY_PENDING));
	wq_pool_push(pool, &running);
	wq_grace_leave();
	must(work_busy(&running) == (WORK_BUSY_RUNNING | WORK_BUSY_PENDING));
	gate_open(&go);
	flush_work(&running);
	must(atomic_load(&nr_inside) == 2 && !work_busy(&running));
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------- who wakes */

enum { ASLEEP = 2 }; /* a park, see base/park.c */

static struct workqueue_struct *frozen;

static void begin_frozen(void)
{
	begin();
	/* no other queue has a part in its pool, and looks there as well */
	frozen = alloc_ordered_workqueue("frozen", WQ_HIGHPRI | WQ_FREEZABLE);
	must(frozen);
	freeze_workqueues_begin();
}

/* Who sleeps there and waits for the next push; then the pool stays locked. NULL: nobody yet. */
static struct wq_park *lock_with_a_sleeper(struct wq_pool *pool)
{
	struct wq_park *park;

	wq_pool_lock(pool);
	park = wq_load_relaxed(&pool->waker);
	if (park && park != &wq_manager_park && wq_load_relaxed(&park->word) == ASLEEP)
		return park;
	wq_pool_unlock(pool);
	return NULL;
}

static long mod_now(void *unused)
{
	(void)unused;
	return mod_delayed_work_on(0, wq, &dwork, 0);
}

/* I5: as long as its pool is locked nobody finds the item there and wakes in its stead. */
static void mod_of_an_item_that_is_held_back_wakes_who_is_to_run_it(void)
{
	struct wq_park *sleeper;
	struct wq_pool *pool;
	struct call call;

	begin_frozen();
	must(queue_work_on(0, wq, &work));
	must(queue_delayed_work(frozen, &dwork, 0));
	pool = wq->table->of_cpu[0]->pool;
	wait_until(atomic_load(&nr_runs) == 1 && (sleeper = lock_with_a_sleeper(pool)));
	call_start(&call, mod_now, NULL);
	must(call_join(&call));
	must(wq_load_relaxed(&sleeper->word) != ASLEEP);
	wq_pool_unlock(pool);
	wait_until(atomic_load(&nr_runs) == 2);
	thaw_workqueues();
	destroy_workqueue(frozen);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------ the end */

static long shut_down(void *unused)
{
	(void)unused;
	return workq_shutdown(0);
}

/* Its producer was not refused yet, and pushes when every queue is shut. */
static void item_that_is_pushed_in_the_end_is_taken_back(void)
{
	struct wq_shard *shard;
	struct wq_pwq *pwq;
	struct call call;

	begin_frozen();
	pwq = frozen->table->of_cpu[0];
	shard = wq_shards[0];
	wq_grace_enter();
	call_start(&call, shut_down, NULL);
	wait_until(wq_wq_flags(frozen) & __WQ_DRAINING);
	/* a section that ends only when the queues are shut begins between two grace periods */
	wq_lock_acquire(&shard->lock);
	wq_grace_leave();
	wait_until(wq_load_relaxed(&shard->lock.sleepers));
	wq_grace_enter();
	wq_lock_release(&shard->lock);
	wait_until(wq_wq_flags(frozen) & __WQ_SHUT);
	wq_xchg_acq_rel(&work.data, wq_word_queued(pwq, wq_load_relaxed(&pwq->color)));
	wq_pool_push_quietly(pwq->pool, &work);
	wq_grace_leave();
	call_join(&call);
	must(!work_pending(&work) && !atomic_load(&nr_runs));
	lines_take();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(cancel_of_an_item_that_is_about_to_be_armed_waits),
		child_test(flush_by_a_reclaim_item_of_one_that_is_about_to_be_queued_waits),
		child_test(flush_of_the_queue_of_one_that_is_about_to_be_queued_waits),
		child_test(item_that_runs_and_is_about_to_be_queued_is_seen_to_run),
		child_test(mod_of_an_item_that_is_held_back_wakes_who_is_to_run_it),
		child_test(item_that_is_pushed_in_the_end_is_taken_back),
	};

	return cmocka_run_group_tests_name("in_transit", tests, NULL, NULL);
}
