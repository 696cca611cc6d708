/* SPDX-License-Identifier: MIT */
/*
 * test_flush_work.c - waiting for one item: guarantees E1, E2 and E4 to E7.
 * E3 speaks of armed delayed work and comes with it.
 */
#include "support/api.h"

/* --------------------------------------------------------------------- E1 */

/* E1 */
static void flush_work_idle_item_returns_false(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct item item;

		item_init(&item);
		assert_false(flush_work(&item.work));
		queue_work(wq, &item.work);
		flush_workqueue(wq);
		assert_false(flush_work(&item.work));
		destroy_workqueue(wq);
		assert_false(flush_work(&item.work));
	}
}

/* E1 */
static void flush_work_running_item_waits_and_returns_true(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;
		struct call flush;

		blocker_start(&blocker, wq);
		call_start(&flush, do_flush_work, &blocker.item.work);
		assert_true(call_blocks(&flush));
		gate_open(&blocker.go);
		assert_true(call_join(&flush));
		assert_int_equal(atomic_load(&blocker.item.finished), 1);
		destroy_workqueue(wq);
	}
}

static void check_flush_of_waiting_item(struct workqueue_struct *wq)
{
	struct blocker blocker;
	struct call flush;
	struct item item;

	blocker_start_on(&blocker, allowed_cpu(0), wq);
	item_init(&item);
	queue_work_on(allowed_cpu(0), wq, &item.work);
	call_start(&flush, do_flush_work, &item.work);
	assert_true(call_blocks(&flush));
	gate_open(&blocker.go);
	assert_true(call_join(&flush));
	assert_int_equal(atomic_load(&item.finished), 1);
	destroy_workqueue(wq);
}

/* E1 */
static void flush_work_item_held_back_waits_and_returns_true(void **state)
{
	(void)state;
	check_flush_of_waiting_item(alloc_workqueue("one", WQ_PERCPU, 1));
	check_flush_of_waiting_item(alloc_workqueue("one", WQ_UNBOUND, 1));
	check_flush_of_waiting_item(alloc_ordered_workqueue("ordered", 0));
}

/* E1 */
static void flush_work_active_item_not_started_waits(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker spinner;
	struct call flush;
	struct item item;

	(void)state;
	need_cpus(2);
	blocker_spin_on(&spinner, allowed_cpu(1), wq);
	item_init(&item);
	queue_work_on(allowed_cpu(1), wq, &item.work);
	call_start(&flush, do_flush_work, &item.work);
	/* A pool may see through a long computation and start the item. */
	if (!call_blocks(&flush))
		assert_int_equal(item_runs(&item), 1);
	blocker_release(&spinner);
	call_join(&flush);
	assert_int_equal(atomic_load(&item.finished), 1);
	destroy_workqueue(wq);
}

/* Holds its first run at one gate and its second one at another. */
struct twice {
	struct item item;
	struct gate first, second;
};

static void hold_twice(struct work_struct *work)
{
	struct twice *twice = container_of(work, struct twice, item.work);

	if (atomic_fetch_add(&twice->item.started, 1) == 0)
		gate_wait(&twice->first);
	else
		gate_wait(&twice->second);
	atomic_fetch_add(&twice->item.finished, 1);
}

static void twice_start(struct twice *twice, struct workqueue_struct *wq)
{
	item_init(&twice->item);
	gate_init(&twice->first);
	gate_init(&twice->second);
	INIT_WORK(&twice->item.work, hold_twice);
	queue_work(wq, &twice->item.work);
	wait_until(item_runs(&twice->item) == 1);
}

/* E1 */
static void flush_work_running_and_pending_item_waits_for_the_second_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct twice twice;
		struct call flush;

		twice_start(&twice, wq);
		queue_work(wq, &twice.item.work);
		call_start(&flush, do_flush_work, &twice.item.work);
		assert_true(call_blocks(&flush));
		gate_open(&twice.first);
		wait_until(item_runs(&twice.item) == 2);
		assert_true(call_blocks(&flush));
		gate_open(&twice.second);
		assert_true(call_join(&flush));
		assert_int_equal(atomic_load(&twice.item.finished), 2);
		destroy_workqueue(wq);
	}
}

struct result {
	struct work_struct work;
	int value; /* plain: flush_work() must make it visible */
};

static void write_result(struct work_struct *work)
{
	container_of(work, struct result, work)->value++;
}

/* E1 */
static void flush_work_many_rounds_each_sees_the_effect(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU, UNBOUND, ORDERED };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = queue_of_kind(kinds[i]);
		struct result result = { 0 };

		INIT_WORK(&result.work, write_result);
		for (int round = 1; round <= 2000; round++) {
			assert_true(queue_work(wq, &result.work));
			flush_work(&result.work);
			assert_int_equal(result.value, round);
		}
		destroy_workqueue(wq);
	}
}

/* E1 */
static void flush_work_does_not_wait_for_others(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct blocker blocker;
	struct item row[6];
	struct gate hold;

	(void)state;
	gate_init(&hold);
	blocker_start(&blocker, wq);
	for (int i = 0; i < 6; i++) {
		item_init(&row[i]);
		if (i == 3)
			row[i].hold = &hold;
		queue_work(wq, &row[i].work);
	}
	gate_open(&blocker.go);
	flush_work(&row[2].work);
	for (int i = 0; i < 3; i++)
		assert_int_equal(atomic_load(&row[i].finished), 1);
	assert_int_equal(atomic_load(&row[3].finished), 0);
	gate_open(&hold);
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- E2, E4 */

/* E2 */
static void flush_work_queued_again_after_the_call_is_not_waited_for(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct twice twice;
		struct call flush;

		twice_start(&twice, wq);
		call_start(&flush, do_flush_work, &twice.item.work);
		assert_true(call_blocks(&flush));
		assert_true(queue_work(wq, &twice.item.work));
		gate_open(&twice.first);
		assert_true(call_join(&flush));
		assert_int_equal(atomic_load(&twice.item.finished), 1);
		gate_open(&twice.second);
		destroy_workqueue(wq);
	}
}

/* E2 */
static void flush_work_item_that_requeues_for_ever_returns(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct endless endless = { .wq = queue_of_kind(kind) };

		INIT_WORK(&endless.work, requeue_for_ever);
		queue_work(endless.wq, &endless.work);
		for (int i = 0; i < 20; i++)
			flush_work(&endless.work);
		assert_true(atomic_load(&endless.runs) > 0);
		cancel_work_sync(&endless.work);
		destroy_workqueue(endless.wq);
	}
}

struct meeting {
	struct workqueue_struct *wq;
	struct item item;
	atomic_bool stop;
};

static long queue_until_stopped(void *arg)
{
	struct meeting *meeting = arg;
	long queued = 0;

	while (!atomic_load(&meeting->stop))
		queued += queue_work(meeting->wq, &meeting->item.work);
	return queued;
}

/* E4 */
static void flush_work_meets_queue_in_transit_always_returns(void **state)
{
	struct meeting meeting = { .wq = alloc_workqueue("meeting", WQ_UNBOUND, 0) };
	struct call producer;
	long queued;

	(void)state;
	item_init(&meeting.item);
	call_start(&producer, queue_until_stopped, &meeting);
	for (int i = 0; i < 3000; i++)
		flush_work(&meeting.item.work);
	atomic_store(&meeting.stop, true);
	queued = call_join(&producer);
	flush_work(&meeting.item.work);
	assert_int_equal(item_runs(&meeting.item), queued);
	destroy_workqueue(meeting.wq);
}

/* --------------------------------------------------------------------- E5 */

enum {
	FLUSHERS = 8,
};

static void check_many_flushers(struct item *item, struct gate *go)
{
	struct call flush[FLUSHERS];

	for (int i = 0; i < FLUSHERS; i++)
		call_start(&flush[i], do_flush_work, &item->work);
	for (int i = 0; i < FLUSHERS; i++)
		assert_true(call_blocks(&flush[i]));
	gate_open(go);
	for (int i = 0; i < FLUSHERS; i++)
		assert_true(call_join(&flush[i]));
	assert_int_equal(atomic_load(&item->finished), 1);
}

/* E5 */
static void flush_work_many_threads_all_wait(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;

		blocker_start(&blocker, wq);
		check_many_flushers(&blocker.item, &blocker.go);
		destroy_workqueue(wq);
	}
}

/* E5 */
static void flush_work_many_threads_of_item_held_back_all_wait(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct blocker blocker;
	struct item item;

	(void)state;
	blocker_start(&blocker, wq);
	item_init(&item);
	queue_work(wq, &item.work);
	check_many_flushers(&item, &blocker.go);
	destroy_workqueue(wq);
}

/* --------------------------------------------------------------------- E6 */

/* E6 */
static void flush_work_item_held_back_cancelled_flusher_is_released(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU_ONE, UNBOUND_ONE, ORDERED };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = queue_of_kind(kinds[i]);
		struct blocker blocker;
		struct call flush;
		struct item item;

		blocker_start_on(&blocker, allowed_cpu(0), wq);
		item_init(&item);
		queue_work_on(allowed_cpu(0), wq, &item.work);
		call_start(&flush, do_flush_work, &item.work);
		assert_true(call_blocks(&flush));
		assert_true(cancel_work(&item.work));
		call_join(&flush);
		assert_true(item_is_running(&blocker.item));
		blocker_release(&blocker);
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&item), 0);
	}
}

/* E6 */
static void flush_work_second_run_cancelled_flusher_is_released(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct twice twice;
	struct call flush;

	(void)state;
	twice_start(&twice, wq);
	queue_work(wq, &twice.item.work);
	call_start(&flush, do_flush_work, &twice.item.work);
	assert_true(call_blocks(&flush));
	assert_true(cancel_work(&twice.item.work));
	gate_open(&twice.first);
	call_join(&flush);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&twice.item), 1);
}

/* --------------------------------------------------------------------- E7 */

struct self_flusher {
	struct work_struct work;
	struct work_struct *target;
	atomic_bool entered;
	bool answer;
};

static void flush_target(struct work_struct *work)
{
	struct self_flusher *own = container_of(work, struct self_flusher, work);

	atomic_store(&own->entered, true);
	own->answer = flush_work(own->target);
}

/* E7 */
static void flush_work_of_itself_is_reported_and_not_waited(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("self", WQ_PERCPU, 0);
	struct self_flusher own = { .target = &own.work };

	(void)state;
	INIT_WORK(&own.work, flush_target);
	queue_work(wq, &own.work);
	destroy_workqueue(wq);
	assert_true(atomic_load(&own.entered));
	assert_false(own.answer);
	assert_true(reports_are_well_formed());
	assert_int_equal(report_take(), 1);
}

/* E7 */
static void flush_work_of_item_behind_in_ordered_queue_ends_with_its_cancel(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct self_flusher front = { 0 };
	struct blocker blocker;
	struct item behind;

	(void)state;
	blocker_start(&blocker, wq);
	item_init(&behind);
	front.target = &behind.work;
	INIT_WORK(&front.work, flush_target);
	queue_work(wq, &front.work);
	queue_work(wq, &behind.work);
	gate_open(&blocker.go);
	wait_until(atomic_load(&front.entered));
	assert_true(cancel_work(&behind.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&behind), 0);
	report_take(); /* a library may notice the deadlock */
}

/* E7 */
static void flush_work_of_another_queue_from_a_function_waits(void **state)
{
	struct workqueue_struct *outer = alloc_ordered_workqueue("outer", 0);
	struct workqueue_struct *inner = alloc_ordered_workqueue("inner", 0);
	struct self_flusher flusher = { 0 };
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, inner);
	flusher.target = &blocker.item.work;
	INIT_WORK(&flusher.work, flush_target);
	queue_work(outer, &flusher.work);
	wait_until(atomic_load(&flusher.entered));
	gate_open(&blocker.go);
	flush_work(&flusher.work);
	assert_int_equal(atomic_load(&blocker.item.finished), 1);
	destroy_workqueue(outer);
	destroy_workqueue(inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_work_idle_item_returns_false),
		api_test(flush_work_running_item_waits_and_returns_true),
		api_test(flush_work_item_held_back_waits_and_returns_true),
		api_test(flush_work_active_item_not_started_waits),
		api_test(flush_work_running_and_pending_item_waits_for_the_second_run),
		api_test(flush_work_many_rounds_each_sees_the_effect),
		api_test(flush_work_does_not_wait_for_others),
		api_test(flush_work_queued_again_after_the_call_is_not_waited_for),
		api_test(flush_work_item_that_requeues_for_ever_returns),
		api_test(flush_work_meets_queue_in_transit_always_returns),
		api_test(flush_work_many_threads_all_wait),
		api_test(flush_work_many_threads_of_item_held_back_all_wait),
		api_test(flush_work_item_held_back_cancelled_flusher_is_released),
		api_test(flush_work_second_run_cancelled_flusher_is_released),
		api_test(flush_work_of_itself_is_reported_and_not_waited),
		api_test(flush_work_of_item_behind_in_ordered_queue_ends_with_its_cancel),
		api_test(flush_work_of_another_queue_from_a_function_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
