/* SPDX-License-Identifier: MIT */
/*
 * test_delayed_flush.c - waiting for delayed items and for their queues: E3, D2,
 * F5, and A8 for what becomes due while a queue is drained.
 */
#include "support/api.h"
#include "support/delayed.h"

/* --------------------------------------------------------------------- E3 */

/* E3 */
static void flush_delayed_work_armed_item_runs_it_now(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;

		delayed_init(&item);
		for (int i = 1; i <= 3; i++) {
			assert_true(queue_delayed_work(wq, &item.dwork, FAR));
			assert_true(flush_delayed_work(&item.dwork));
			assert_int_equal(atomic_load(&item.finished), i);
			assert_true(delayed_is_idle(&item));
		}
		destroy_workqueue(wq);
	}
}

/* E3 */
static void flush_delayed_work_idle_item_returns_false(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_false(flush_delayed_work(&item.dwork));
	assert_true(queue_delayed_work(wq, &item.dwork, 1));
	wait_until(delayed_runs(&item));
	flush_work(&item.dwork.work);
	assert_false(flush_delayed_work(&item.dwork));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* E1 E3 */
static void flush_delayed_work_filed_item_waits_and_returns_true(void **state)
{
	struct stuck_queue stuck;
	struct delayed_item item;
	struct call flush;

	(void)state;
	stuck_queue_make(&stuck);
	delayed_init(&item);
	queue_delayed_work(stuck.wq, &item.dwork, 1);
	wait_until(stuck_queue_holds_items(&stuck));
	call_start(&flush, do_flush_delayed_work, &item.dwork);
	assert_true(call_blocks(&flush));
	stuck_queue_free(&stuck);
	assert_true(call_join(&flush));
	assert_int_equal(atomic_load(&item.finished), 1);
}

/* E1 E3 */
static void flush_delayed_work_running_item_waits_and_returns_true(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;
		struct call flush;
		struct gate go;

		delayed_run_until_released(&item, &go, wq);
		call_start(&flush, do_flush_delayed_work, &item.dwork);
		assert_true(call_blocks(&flush));
		gate_open(&go);
		assert_true(call_join(&flush));
		assert_int_equal(atomic_load(&item.finished), 1);
		destroy_workqueue(wq);
	}
}

/* E1 E3 */
static void flush_delayed_work_running_and_armed_item_waits_for_both_runs(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;
		struct call flush;
		struct gate go;

		delayed_run_until_released(&item, &go, wq);
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		call_start(&flush, do_flush_delayed_work, &item.dwork);
		assert_true(call_blocks(&flush));
		gate_open(&go);
		assert_true(call_join(&flush));
		assert_int_equal(atomic_load(&item.finished), 2);
		destroy_workqueue(wq);
	}
}

/* E3 */
static void flush_delayed_work_armed_item_runs_on_its_queue_and_cpu(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);

	(void)state;
	for (int nth = 0; nth < nr_allowed_cpus(); nth++) {
		struct delayed_item item;

		delayed_init(&item);
		assert_true(queue_delayed_work_on(allowed_cpu(nth), wq, &item.dwork, FAR));
		assert_true(flush_delayed_work(&item.dwork));
		assert_int_equal(atomic_load(&item.cpu), allowed_cpu(nth));
	}
	destroy_workqueue(wq);
}

enum {
	FLUSHERS = 4,
};

/* E3 E5 */
static void flush_delayed_work_by_several_all_return_after_the_run(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct call flush[FLUSHERS];
	struct delayed_item item;
	struct gate go;

	(void)state;
	gate_init(&go);
	delayed_init_held(&item, &go);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	for (int i = 0; i < FLUSHERS; i++)
		call_start(&flush[i], do_flush_delayed_work, &item.dwork);
	for (int i = 0; i < FLUSHERS; i++)
		assert_true(call_blocks(&flush[i]));
	gate_open(&go);
	for (int i = 0; i < FLUSHERS; i++)
		assert_true(call_join(&flush[i]));
	assert_int_equal(atomic_load(&item.finished), 1);
	destroy_workqueue(wq);
}

/* E3 */
static void flush_work_armed_item_returns_false_at_once(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_false(flush_work(&item.dwork.work));
	assert_int_equal(delayed_runs(&item), 0);
	assert_true(delayed_is_pending(&item));
	assert_true(cancel_delayed_work(&item.dwork));
	destroy_workqueue(wq);
}

/* E3 */
static void flush_work_running_and_armed_item_waits_for_the_run_only(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;
	struct call flush;
	struct gate go;

	(void)state;
	delayed_run_until_released(&item, &go, wq);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	call_start(&flush, do_flush_work, &item.dwork.work);
	assert_true(call_blocks(&flush));
	gate_open(&go);
	assert_true(call_join(&flush));
	assert_int_equal(atomic_load(&item.finished), 1);
	assert_true(cancel_delayed_work(&item.dwork));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* --------------------------------------------------------------------- D2 */

/* D2 */
static void flush_workqueue_does_not_wait_for_armed_items(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item far, now;

		delayed_init(&far);
		delayed_init(&now);
		assert_true(queue_delayed_work(wq, &far.dwork, FAR));
		assert_true(queue_delayed_work(wq, &now.dwork, 0));
		flush_workqueue(wq);
		assert_int_equal(atomic_load(&now.finished), 1);
		assert_true(delayed_is_pending(&far));
		drain_workqueue(wq);
		assert_true(delayed_is_pending(&far));
		assert_true(cancel_delayed_work(&far.dwork));
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&far), 0);
	}
}

/* ----------------------------------------------------------------- F5, A8 */

struct drained {
	struct workqueue_struct *wq;
	struct blocker blocker;
	struct call drain;
};

/* A drain that waits for an item that runs. */
static void drained_begin(struct drained *drained, enum queue_kind kind)
{
	drained->wq = queue_of_kind(kind);
	blocker_start(&drained->blocker, drained->wq);
	call_start(&drained->drain, do_drain_workqueue, drained->wq);
	assert_true(call_blocks(&drained->drain));
}

static void drained_end(struct drained *drained)
{
	blocker_release(&drained->blocker);
	call_join(&drained->drain);
}

/* The item became due during the drain: told of, idle, and of use again. */
static void check_dropped(struct delayed_item *item)
{
	wait_until(!delayed_is_pending(item));
	assert_int_equal(delayed_runs(item), 0);
	assert_true(delayed_is_idle(item));
	wait_until(report_count());
	assert_reported(1);
}

/* A8 */
static void delayed_item_due_while_draining_is_reported_and_dropped(void **state)
{
	struct drained drained;
	struct delayed_item item;

	(void)state;
	drained_begin(&drained, PERCPU);
	delayed_init(&item);
	assert_true(queue_delayed_work(drained.wq, &item.dwork, SOON));
	check_dropped(&item);
	drained_end(&drained);
	assert_true(delayed_arm(&item, drained.wq, SOON));
	wait_until(delayed_runs(&item));
	assert_true(delayed_was_not_early(&item));
	destroy_workqueue(drained.wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* A8 F1 */
static void delayed_item_armed_before_the_drain_and_due_in_it_is_dropped(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct delayed_item item;
	struct blocker blocker;
	struct call drain;

	(void)state;
	blocker_start(&blocker, wq);
	delayed_init(&item);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	call_start(&drain, do_drain_workqueue, wq);
	assert_true(call_blocks(&drain));
	assert_true(mod_delayed_work(wq, &item.dwork, SOON));
	check_dropped(&item);
	blocker_release(&blocker);
	call_join(&drain);
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 0);
}

/* A8 */
static void queue_delayed_work_delay_zero_while_draining_is_dropped_at_once(void **state)
{
	struct drained drained;
	struct delayed_item item;

	(void)state;
	drained_begin(&drained, UNBOUND);
	delayed_init(&item);
	assert_true(queue_delayed_work(drained.wq, &item.dwork, 0));
	assert_true(delayed_is_idle(&item));
	assert_reported(1);
	assert_false(mod_delayed_work(drained.wq, &item.dwork, 0));
	assert_true(delayed_is_idle(&item));
	drained_end(&drained);
	destroy_workqueue(drained.wq);
	assert_int_equal(delayed_runs(&item), 0);
	report_take();
}

/* F1 */
static void delayed_item_due_after_the_drain_runs(void **state)
{
	struct drained drained;
	struct delayed_item item;

	(void)state;
	drained_begin(&drained, PERCPU);
	delayed_init(&item);
	assert_true(queue_delayed_work(drained.wq, &item.dwork, FAR));
	drained_end(&drained);
	assert_true(delayed_is_pending(&item));
	assert_true(flush_delayed_work(&item.dwork));
	destroy_workqueue(drained.wq);
	assert_int_equal(delayed_runs(&item), 1);
}

struct chained {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct delayed_item later; /* armed by the chained item */
	unsigned long delay;
	struct gate armed, go;
	bool answer;
};

static void arm_from_inside(struct work_struct *work)
{
	struct chained *chained = container_of(work, struct chained, work);

	gate_wait(&chained->armed);
	chained->answer = queue_delayed_work(chained->wq, &chained->later.dwork, chained->delay);
	gate_wait(&chained->go);
}

/* An item that arms another one while its queue is drained. */
static void chained_begin(struct chained *chained, struct call *drain, unsigned long delay)
{
	chained->wq = alloc_workqueue("chained", WQ_PERCPU, 0);
	chained->delay = delay;
	gate_init(&chained->armed);
	gate_init(&chained->go);
	delayed_init(&chained->later);
	INIT_WORK(&chained->work, arm_from_inside);
	queue_work(chained->wq, &chained->work);
	call_start(drain, do_drain_workqueue, chained->wq);
	assert_true(call_blocks(drain));
	gate_open(&chained->armed);
}

/* F5 */
static void delayed_item_armed_by_a_chained_item_is_dropped_if_due_in_the_drain(void **state)
{
	struct chained chained;
	struct call drain;

	(void)state;
	chained_begin(&chained, &drain, SOON);
	wait_until(report_count());
	check_dropped(&chained.later);
	gate_open(&chained.go);
	call_join(&drain);
	assert_true(chained.answer);
	destroy_workqueue(chained.wq);
	assert_int_equal(delayed_runs(&chained.later), 0);
}

/* F1: without a timer it is a chained item like others. */
/* F5 */
static void delayed_item_queued_by_a_chained_item_without_delay_runs(void **state)
{
	struct chained chained;
	struct call drain;

	(void)state;
	chained_begin(&chained, &drain, 0);
	gate_open(&chained.go);
	call_join(&drain);
	assert_true(chained.answer);
	assert_int_equal(atomic_load(&chained.later.finished), 1);
	destroy_workqueue(chained.wq);
}

/* A drain sees no timers: it ends before the item that it let be armed. */
/* F5 */
static void drain_does_not_wait_for_what_a_chained_item_armed(void **state)
{
	struct chained chained;
	struct call drain;

	(void)state;
	chained_begin(&chained, &drain, FAR);
	gate_open(&chained.go);
	call_join(&drain);
	assert_true(chained.answer);
	assert_true(delayed_is_pending(&chained.later));
	assert_int_equal(delayed_runs(&chained.later), 0);
	assert_true(flush_delayed_work(&chained.later.dwork));
	destroy_workqueue(chained.wq);
	assert_int_equal(delayed_runs(&chained.later), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_delayed_work_armed_item_runs_it_now),
		api_test(flush_delayed_work_idle_item_returns_false),
		api_test(flush_delayed_work_filed_item_waits_and_returns_true),
		api_test(flush_delayed_work_running_item_waits_and_returns_true),
		api_test(flush_delayed_work_running_and_armed_item_waits_for_both_runs),
		api_test(flush_delayed_work_armed_item_runs_on_its_queue_and_cpu),
		api_test(flush_delayed_work_by_several_all_return_after_the_run),
		api_test(flush_work_armed_item_returns_false_at_once),
		api_test(flush_work_running_and_armed_item_waits_for_the_run_only),
		api_test(flush_workqueue_does_not_wait_for_armed_items),
		api_test(delayed_item_due_while_draining_is_reported_and_dropped),
		api_test(delayed_item_armed_before_the_drain_and_due_in_it_is_dropped),
		api_test(queue_delayed_work_delay_zero_while_draining_is_dropped_at_once),
		api_test(delayed_item_due_after_the_drain_runs),
		api_test(delayed_item_armed_by_a_chained_item_is_dropped_if_due_in_the_drain),
		api_test(delayed_item_queued_by_a_chained_item_without_delay_runs),
		api_test(drain_does_not_wait_for_what_a_chained_item_armed),
	};

	/* a refusal is reported once for each process */
	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
