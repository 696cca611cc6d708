/* SPDX-License-Identifier: MIT */
/*
 * test_own_wait.c - functions that would wait for themselves: E7, G7, D6 and
 * their likes. Where the kernel hangs, the call is reported and returns.
 *
 * Every test runs in a process of its own, since a kind may be reported once.
 */
#include "support/api.h"

/* An item that calls something which would wait for it. */
struct own_waiter {
	struct work_struct work;
	struct workqueue_struct *wq;
	bool (*wait)(struct own_waiter *own);
	bool answer;
	atomic_int returned;
};

static bool flush_self(struct own_waiter *own)
{
	return flush_work(&own->work);
}

/* Waits for its next run even, which cannot begin before this one ends. */
static bool requeue_and_flush_self(struct own_waiter *own)
{
	if (atomic_load(&own->returned) || !queue_work(own->wq, &own->work))
		return false;
	return flush_work(&own->work);
}

static bool cancel_sync_self(struct own_waiter *own)
{
	return cancel_work_sync(&own->work);
}

static bool disable_sync_self(struct own_waiter *own)
{
	return disable_work_sync(&own->work);
}

static bool flush_own_queue(struct own_waiter *own)
{
	flush_workqueue(own->wq);
	return false;
}

static bool drain_own_queue(struct own_waiter *own)
{
	drain_workqueue(own->wq);
	return false;
}

static bool destroy_own_queue(struct own_waiter *own)
{
	destroy_workqueue(own->wq);
	return false;
}

static void wait_for_oneself(struct work_struct *work)
{
	struct own_waiter *own = container_of(work, struct own_waiter, work);

	own->answer = own->wait(own);
	atomic_fetch_add(&own->returned, 1);
}

/* It returns, false, and is told of; item and queue are as good as before. */
static void check_own_wait(enum queue_kind kind, bool (*wait)(struct own_waiter *own),
			   bool is_first)
{
	struct own_waiter own = { .wq = queue_of_kind(kind), .wait = wait };

	INIT_WORK(&own.work, wait_for_oneself);
	queue_work(own.wq, &own.work);
	wait_until(atomic_load(&own.returned) >= 1);
	drain_workqueue(own.wq);
	assert_false(own.answer);
	if (is_first)
		assert_warned();
	report_take();
	run_one_item_on(own.wq);
	destroy_workqueue(own.wq);
}

static void check_own_wait_on_all_kinds(bool (*wait)(struct own_waiter *own))
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++)
		check_own_wait(kind, wait, kind == 0);
}

/* E7 */
static void flush_work_of_itself_is_reported_and_returns(void **state)
{
	(void)state;
	check_own_wait_on_all_kinds(flush_self);
}

/* E7 */
static void flush_work_of_itself_queued_again_is_reported_and_returns(void **state)
{
	(void)state;
	check_own_wait_on_all_kinds(requeue_and_flush_self);
}

/* G7 */
static void cancel_work_sync_of_itself_is_reported_and_returns(void **state)
{
	(void)state;
	check_own_wait_on_all_kinds(cancel_sync_self);
}

/* G7 */
static void disable_work_sync_of_itself_is_reported_and_returns(void **state)
{
	(void)state;
	check_own_wait_on_all_kinds(disable_sync_self);
}

/* D6 */
static void flush_workqueue_of_its_own_is_reported_and_returns(void **state)
{
	(void)state;
	check_own_wait_on_all_kinds(flush_own_queue);
}

static void drain_of_its_own_queue_is_reported_and_returns(void **state)
{
	(void)state;
	check_own_wait_on_all_kinds(drain_own_queue);
}

static void destroy_of_its_own_queue_is_reported_and_not_done(void **state)
{
	(void)state;
	check_own_wait_on_all_kinds(destroy_own_queue);
}

static void run_as_another(struct work_struct *work)
{
	(void)work;
}

static void become_another_and_flush(struct work_struct *work)
{
	INIT_WORK(work, run_as_another);
	assert_false(flush_work(work));
}

/* B7: made anew it is another one, which is idle. */
static void item_made_anew_in_its_own_function_is_not_itself(void **state)
{
	struct work_struct work;

	(void)state;
	INIT_WORK(&work, become_another_and_flush);
	assert_true(schedule_work(&work));
	flush_workqueue(system_percpu_wq);
	report_take();
}

static void flush_scheduled(struct work_struct *work)
{
	(void)work;
	flush_scheduled_work();
}

/* G7 */
static void flush_scheduled_work_in_one_of_its_items_does_not_wait(void **state)
{
	struct work_struct work;

	(void)state;
	INIT_WORK(&work, flush_scheduled);
	assert_true(schedule_work(&work));
	flush_work(&work);
	assert_true(report_says("an item would wait for its own queue"));
	assert_told(1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_work_of_itself_is_reported_and_returns),
		api_test(flush_work_of_itself_queued_again_is_reported_and_returns),
		api_test(cancel_work_sync_of_itself_is_reported_and_returns),
		api_test(disable_work_sync_of_itself_is_reported_and_returns),
		api_test(flush_workqueue_of_its_own_is_reported_and_returns),
		api_test(drain_of_its_own_queue_is_reported_and_returns),
		api_test(destroy_of_its_own_queue_is_reported_and_not_done),
		api_test(item_made_anew_in_its_own_function_is_not_itself),
		api_test(flush_scheduled_work_in_one_of_its_items_does_not_wait),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
