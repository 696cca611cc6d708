/* SPDX-License-Identifier: MIT */
/*
 * test_disable.c - disabling items: guarantees H1, H2 and H5.
 * H3 and H4 speak of delayed work and come with it.
 */
#include "support/api.h"

/* --------------------------------------------------------------------- H1 */

/* H1 */
static void disable_idle_item_refuses_queueing(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct item item;

		item_init(&item);
		assert_false(disable_work(&item.work));
		assert_false(queue_work(wq, &item.work));
		assert_false(queue_work_on(allowed_cpu(0), wq, &item.work));
		assert_false(work_pending(&item.work));
		assert_true(enable_work(&item.work));
		assert_true(queue_work(wq, &item.work));
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&item), 1);
	}
}

static void check_disable_of_pending_item(bool (*disable)(struct work_struct *work))
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct blocker blocker;
	struct item item;

	blocker_start(&blocker, wq);
	item_init(&item);
	queue_work(wq, &item.work);
	assert_true(disable(&item.work));
	assert_false(work_pending(&item.work));
	assert_false(disable(&item.work));
	assert_false(enable_work(&item.work));
	assert_true(enable_work(&item.work));
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
}

/* H1 */
static void disable_pending_item_returns_true_and_it_never_runs(void **state)
{
	(void)state;
	check_disable_of_pending_item(disable_work);
	check_disable_of_pending_item(disable_work_sync);
}

/* H1 */
static void disable_running_item_returns_false_without_waiting(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, wq);
	assert_false(disable_work(&blocker.item.work));
	assert_true(item_is_running(&blocker.item));
	assert_false(queue_work(wq, &blocker.item.work));
	blocker_release(&blocker);
	assert_true(enable_work(&blocker.item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&blocker.item), 1);
}

/* H1 */
static void disable_sync_running_item_waits_and_leaves_it_disabled(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;
		struct call disable;

		blocker_start(&blocker, wq);
		call_start(&disable, do_disable_work_sync, &blocker.item.work);
		assert_true(call_blocks(&disable));
		assert_false(queue_work(wq, &blocker.item.work));
		gate_open(&blocker.go);
		assert_false(call_join(&disable));
		assert_int_equal(atomic_load(&blocker.item.finished), 1);
		assert_false(queue_work(wq, &blocker.item.work));
		assert_true(enable_work(&blocker.item.work));
		assert_true(queue_work(wq, &blocker.item.work));
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&blocker.item), 2);
	}
}

struct requeuer {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct gate go;
	atomic_int runs;
	bool answer;
};

static void wait_then_requeue(struct work_struct *work)
{
	struct requeuer *requeuer = container_of(work, struct requeuer, work);

	atomic_fetch_add(&requeuer->runs, 1);
	gate_wait(&requeuer->go);
	requeuer->answer = queue_work(requeuer->wq, work);
}

/* H1 */
static void disable_running_item_refuses_its_own_requeueing(void **state)
{
	struct requeuer requeuer = { .wq = alloc_workqueue("percpu", WQ_PERCPU, 0),
				     .answer = true };

	(void)state;
	gate_init(&requeuer.go);
	INIT_WORK(&requeuer.work, wait_then_requeue);
	queue_work(requeuer.wq, &requeuer.work);
	wait_until(atomic_load(&requeuer.runs) == 1);
	assert_false(disable_work(&requeuer.work));
	gate_open(&requeuer.go);
	destroy_workqueue(requeuer.wq);
	assert_false(requeuer.answer);
	assert_int_equal(atomic_load(&requeuer.runs), 1);
}

struct producers {
	struct workqueue_struct *wq;
	struct item item;
	atomic_bool stop;
	atomic_int queued;
};

static long queue_until_stopped(void *arg)
{
	struct producers *producers = arg;

	while (!atomic_load(&producers->stop))
		if (queue_work(producers->wq, &producers->item.work))
			atomic_fetch_add(&producers->queued, 1);
	return 0;
}

/* On return it is idle, and stays so whatever the producers do. */
static int disable_and_look(struct producers *producers)
{
	int taken = disable_work_sync(&producers->item.work);
	int runs = item_runs(&producers->item);

	for (int i = 0; i < 20; i++) {
		assert_false(item_is_running(&producers->item));
		assert_int_equal(item_runs(&producers->item), runs);
		if (i % 8 == 7)
			sched_yield();
	}
	assert_true(enable_work(&producers->item.work));
	return taken;
}

/* H1 */
static void disable_sync_under_producers_leaves_the_item_idle(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU, UNBOUND, ORDERED };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct producers producers = { .wq = queue_of_kind(kinds[i]) };
		struct call call[2];
		int taken = 0;

		item_init(&producers.item);
		for (int j = 0; j < 2; j++)
			call_start(&call[j], queue_until_stopped, &producers);
		wait_until(atomic_load(&producers.queued));
		for (int round = 0; round < 500; round++)
			taken += disable_and_look(&producers);
		atomic_store(&producers.stop, true);
		for (int j = 0; j < 2; j++)
			call_join(&call[j]);
		destroy_workqueue(producers.wq);
		assert_int_equal(atomic_load(&producers.queued),
				 item_runs(&producers.item) + taken);
	}
}

/* H1 */
static void disable_nested_refuses_queueing_until_the_last_enable(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	for (int i = 0; i < 3; i++)
		assert_false(disable_work(&item.work));
	for (int i = 0; i < 2; i++) {
		assert_false(enable_work(&item.work));
		assert_false(queue_work(wq, &item.work));
	}
	assert_true(enable_work(&item.work));
	assert_true(queue_work(wq, &item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
}

struct togglers {
	struct item item;
	int rounds;
};

static long disable_and_enable(void *arg)
{
	struct togglers *togglers = arg;

	for (int i = 0; i < togglers->rounds; i++) {
		disable_work(&togglers->item.work);
		enable_work(&togglers->item.work);
	}
	return 0;
}

/* H1 */
static void disable_and_enable_racing_lose_no_count(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct togglers togglers = { .rounds = 5000 };
	struct call call[3];

	(void)state;
	item_init(&togglers.item);
	assert_false(disable_work(&togglers.item.work));
	for (int i = 0; i < 3; i++)
		call_start(&call[i], disable_and_enable, &togglers);
	while (!call_is_back(&call[0]) || !call_is_back(&call[1]))
		assert_false(queue_work(wq, &togglers.item.work));
	for (int i = 0; i < 3; i++)
		call_join(&call[i]);
	assert_false(queue_work(wq, &togglers.item.work));
	assert_true(enable_work(&togglers.item.work));
	assert_true(queue_work(wq, &togglers.item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&togglers.item), 1);
}

/* --------------------------------------------------------------------- H2 */

/* H2 */
static void enable_queues_nothing_refused_requests_are_lost(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	disable_work(&item.work);
	for (int i = 0; i < 3; i++)
		queue_work(wq, &item.work);
	assert_true(enable_work(&item.work));
	assert_int_equal(work_busy(&item.work), 0);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
}

/* H2 */
static void enable_and_queue_queues_only_at_depth_zero(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	disable_work(&item.work);
	disable_work(&item.work);
	assert_false(enable_and_queue_work(wq, &item.work));
	flush_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
	assert_true(enable_and_queue_work(wq, &item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
}

/* H2 */
static void enable_item_whose_function_runs_lets_it_be_queued(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, wq);
	disable_work(&blocker.item.work);
	assert_true(enable_work(&blocker.item.work));
	assert_true(queue_work(wq, &blocker.item.work));
	gate_open(&blocker.go);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&blocker.item), 2);
}

/* --------------------------------------------------------------------- H5 */

/* H5 */
static void disable_depth_survives_runs_and_cancels(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, wq);
	disable_work(&blocker.item.work);
	disable_work(&blocker.item.work);
	blocker_release(&blocker);
	cancel_work(&blocker.item.work);
	cancel_work_sync(&blocker.item.work);
	flush_work(&blocker.item.work);
	assert_false(queue_work(wq, &blocker.item.work));
	assert_false(enable_work(&blocker.item.work));
	assert_true(enable_work(&blocker.item.work));
	destroy_workqueue(wq);
}

/* H5 */
static void init_work_resets_the_disable_depth(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	for (int i = 0; i < 5; i++)
		disable_work(&item.work);
	INIT_WORK(&item.work, item_fn);
	assert_true(queue_work(wq, &item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(disable_idle_item_refuses_queueing),
		api_test(disable_pending_item_returns_true_and_it_never_runs),
		api_test(disable_running_item_returns_false_without_waiting),
		api_test(disable_sync_running_item_waits_and_leaves_it_disabled),
		api_test(disable_running_item_refuses_its_own_requeueing),
		api_test(disable_sync_under_producers_leaves_the_item_idle),
		api_test(disable_nested_refuses_queueing_until_the_last_enable),
		api_test(disable_and_enable_racing_lose_no_count),
		api_test(enable_queues_nothing_refused_requests_are_lost),
		api_test(enable_and_queue_queues_only_at_depth_zero),
		api_test(enable_item_whose_function_runs_lets_it_be_queued),
		api_test(disable_depth_survives_runs_and_cancels),
		api_test(init_work_resets_the_disable_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
