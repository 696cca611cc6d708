/* SPDX-License-Identifier: MIT */
/*
 * test_stray.c - items that do not return to the worker that called them.
 *
 * What longjmp() into a frame that is gone does is undefined; where it seems to work, another
 * item's call returns than the worker has begun last. Here the item makes it look so.
 */
#include "handmade.h"

#include <pthread.h>

#include "lines.h"
#include "real_worker.h"

static atomic_int runs;
static struct gate go;

static void return_as_another(struct work_struct *work)
{
	wq_store_relaxed(&wq_worker_self->current, &item[ITEMS - 1]);
	atomic_fetch_add(&runs, 1);
}

static void just_run(struct work_struct *work)
{
	atomic_fetch_add(&runs, 1);
}

static void end_thread(struct work_struct *work)
{
	gate_wait(&go);
	pthread_exit(NULL);
}

static bool is_settled(void)
{
	bool is_settled;

	wq_pool_lock(&pool);
	is_settled = !wq_pwq_in_flight_locked(pwq) && wq_pool_is_valid_locked(&pool);
	wq_pool_unlock(&pool);
	return is_settled;
}

/* T1 */
static void item_left_by_a_jump_is_reported_once_and_settled(void)
{
	struct wq_worker *worker;
	struct call call;

	wq_report_set_fn(lines_catch);
	handmade_begin(WQ_UNBOUND, WQ_DFL_ACTIVE);
	INIT_WORK(&item[0], return_as_another);
	INIT_WORK(&item[1], just_run);
	worker = start_worker(&pool, &call);
	for (int round = 1; round <= 2; round++) {
		push(0);
		push(1);
		wait_until(atomic_load(&runs) == 2 * round && is_settled());
	}
	must(atomic_load(&lines_caught) == 1);
	must(strstr(line_kept[0], "an item was left by longjmp()"));
	reap(worker);
	call_join(&call);
	handmade_end();
}

/* T1, B5 */
static void item_that_ends_its_thread_leaves_slot_and_counts_in_order(void)
{
	struct wq_worker *worker;

	wq_report_set_fn(lines_catch);
	gate_init(&go);
	handmade_begin(WQ_UNBOUND, /* max_active */ 1);
	INIT_WORK(&item[0], end_thread);
	wq_pool_lock(&pool);
	worker = wq_worker_alloc_locked(&pool);
	pool.nr_starting++;
	pool.nr_running++;
	wq_pool_unlock(&pool);
	must(wq_os_thread_create(wq_worker_main, worker, &pool.cpus) == 0);
	push(0);
	wait_until(wq_load_acquire(&worker->current) == &item[0]);
	/* comes to the same worker, which will not be there; and held back */
	push(0);
	push(1);
	gate_open(&go);
	wait_until(!wq_load_relaxed(&pool.nr_workers));
	wq_pool_lock(&pool);
	must(pool.nr_running == 0 && pool.free_slots == worker && !worker->work);
	must(nr_active(pwq) == 1 && wq_node_work(pool.worklist.next) == &item[0]);
	must(wq_pool_is_valid_locked(&pool));
	wq_pool_unlock(&pool);
	/* somebody must come */
	must(was_woken(&wq_manager_park));
	must(atomic_load(&lines_caught) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(item_left_by_a_jump_is_reported_once_and_settled),
		child_test(item_that_ends_its_thread_leaves_slot_and_counts_in_order),
	};

	return cmocka_run_group_tests_name("stray", tests, NULL, NULL);
}
