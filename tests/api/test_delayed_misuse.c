/* SPDX-License-Identifier: MIT */
/*
 * test_delayed_misuse.c - wrong uses of delayed items: the documented result
 * follows, and a report. Every test runs in a process of its own, since a kind
 * of misuse may be reported once.
 */
#include "support/api.h"
#include "support/delayed.h"

static struct workqueue_struct *volatile no_wq;
static struct delayed_work *volatile no_dwork;

/* ------------------------------------------------------- no queue, no item */

static void queue_delayed_work_without_item_or_queue_is_reported_and_false(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_false(queue_delayed_work(no_wq, &item.dwork, SOON));
	assert_warned();
	assert_false(queue_delayed_work(no_wq, &item.dwork, 0));
	assert_false(queue_delayed_work(wq, no_dwork, SOON));
	assert_false(queue_delayed_work(wq, no_dwork, 0));
	assert_false(schedule_delayed_work(no_dwork, 1));
	report_take();
	assert_true(delayed_is_idle(&item));
	assert_true(queue_delayed_work(wq, &item.dwork, 0));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

static void mod_delayed_work_without_item_or_queue_is_reported_and_false(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_false(mod_delayed_work(wq, no_dwork, SOON));
	assert_warned();
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_false(mod_delayed_work(no_wq, &item.dwork, 0));
	assert_warned();
	assert_true(delayed_is_pending(&item));
	assert_true(cancel_delayed_work(&item.dwork));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 0);
}

static void waiting_and_taking_back_without_item_is_reported_and_false(void **state)
{
	(void)state;
	assert_false(flush_delayed_work(no_dwork));
	assert_warned();
	assert_false(cancel_delayed_work(no_dwork));
	assert_warned();
	assert_false(cancel_delayed_work_sync(no_dwork));
	assert_false(disable_delayed_work(no_dwork));
	assert_false(disable_delayed_work_sync(no_dwork));
	assert_false(enable_delayed_work(no_dwork));
	report_take();
}

static void looking_at_no_item_is_not_pending(void **state)
{
	(void)state;
	assert_false(delayed_work_pending(no_dwork));
	destroy_delayed_work_on_stack(no_dwork);
	delayed_work_timer_fn(NULL);
	report_take();
}

/* ------------------------------------------------------- never initialised */

static void check_dropped_at_once(struct workqueue_struct *wq, struct delayed_work *zero,
				  unsigned long delay)
{
	assert_true(queue_delayed_work(wq, zero, delay));
	assert_warned();
	assert_false(delayed_work_pending(zero));
	assert_int_equal(work_busy(&zero->work), 0);
	assert_true(queue_delayed_work(wq, zero, delay));
	report_take(); /* the same kind of misuse */
}

static void queue_delayed_work_zeroed_item_is_reported_true_and_dropped(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("zero", WQ_PERCPU, 0);
	struct delayed_work zero = { 0 };

	(void)state;
	check_dropped_at_once(wq, &zero, SOON);
	flush_workqueue(wq);
	destroy_workqueue(wq);
	assert_reported(0);
}

static void queue_delayed_work_zeroed_item_without_delay_is_dropped_too(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("zero", WQ_PERCPU, 0);
	struct delayed_work zero = { 0 };

	(void)state;
	check_dropped_at_once(wq, &zero, 0);
	destroy_workqueue(wq);
	assert_reported(0);
}

static void mod_delayed_work_zeroed_item_is_reported_false_and_dropped(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("zero", WQ_PERCPU, 0);
	struct delayed_work zero = { 0 };

	(void)state;
	assert_false(mod_delayed_work(wq, &zero, SOON));
	assert_warned();
	assert_false(delayed_work_pending(&zero));
	assert_false(mod_delayed_work(wq, &zero, 0));
	assert_false(delayed_work_pending(&zero));
	report_take(); /* the same kind of misuse */
	destroy_workqueue(wq);
}

static void flush_and_cancel_sync_zeroed_item_are_reported_and_false(void **state)
{
	struct delayed_work zero = { 0 };

	(void)state;
	assert_false(flush_delayed_work(&zero));
	assert_warned();
	assert_false(cancel_delayed_work_sync(&zero));
	assert_warned();
	assert_false(disable_delayed_work_sync(&zero));
	report_take(); /* the same kind of misuse */
}

/* Of a plain item, although it has a timer. */
static void queue_delayed_work_of_an_item_without_timer_is_reported(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("half", WQ_PERCPU, 0);
	struct delayed_work half = { 0 };

	(void)state;
	INIT_WORK(&half.work, delayed_fn);
	assert_true(queue_delayed_work(wq, &half, SOON));
	assert_warned();
	assert_false(delayed_work_pending(&half));
	destroy_workqueue(wq);
}

/* -------------------------------------------------------------------- other */

static void enable_armed_item_never_disabled_is_reported_and_drops_the_run(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_true(enable_delayed_work(&item.dwork));
	assert_reported(1);
	assert_true(delayed_is_idle(&item));
	assert_true(queue_delayed_work(wq, &item.dwork, 1));
	wait_until(delayed_runs(&item));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

static void destroy_delayed_work_on_stack_while_armed_is_reported(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_work dwork;

	(void)state;
	INIT_DELAYED_WORK_ONSTACK(&dwork, delayed_fn);
	destroy_delayed_work_on_stack(&dwork);
	assert_reported(0);
	queue_delayed_work(wq, &dwork, FAR);
	destroy_delayed_work_on_stack(&dwork);
	assert_warned();
	assert_true(cancel_delayed_work_sync(&dwork));
	destroy_delayed_work_on_stack(&dwork);
	assert_reported(0);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_delayed_work_without_item_or_queue_is_reported_and_false),
		api_test(mod_delayed_work_without_item_or_queue_is_reported_and_false),
		api_test(waiting_and_taking_back_without_item_is_reported_and_false),
		api_test(looking_at_no_item_is_not_pending),
		api_test(queue_delayed_work_zeroed_item_is_reported_true_and_dropped),
		api_test(queue_delayed_work_zeroed_item_without_delay_is_dropped_too),
		api_test(mod_delayed_work_zeroed_item_is_reported_false_and_dropped),
		api_test(flush_and_cancel_sync_zeroed_item_are_reported_and_false),
		api_test(queue_delayed_work_of_an_item_without_timer_is_reported),
		api_test(enable_armed_item_never_disabled_is_reported_and_drops_the_run),
		api_test(destroy_delayed_work_on_stack_while_armed_is_reported),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
