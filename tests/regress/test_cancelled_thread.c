/* SPDX-License-Identifier: MIT */
/*
 * test_cancelled_thread.c - pthread_cancel() of a thread that is inside the library.
 *
 * The library wrote its reports with write() and slept between looks with
 * clock_nanosleep(): both are cancellation points. A thread that was to be cancelled
 * died there: in queue_work() with the item taken for ever and inside a section, so
 * that every destroy_workqueue() from then on, also of other queues, waited for a dead
 * thread; in destroy_workqueue() with the queue half destroyed. Both are bare system
 * calls now, and whoever waits for a section asks now and then whether its thread lives.
 */
#include "support/api.h"

static struct workqueue_struct *draining;
static struct blocker blocker;
static struct call drainer;
static struct item refused;

/* From here on the queue refuses what others queue, and reports that. */
static void drain_begin(void)
{
	draining = alloc_workqueue("draining", WQ_UNBOUND, 0);
	blocker_start(&blocker, draining);
	call_start(&drainer, do_drain_workqueue, draining);
	assert_true(call_blocks(&drainer));
	item_init(&refused);
}

static void drain_end(void)
{
	blocker_release(&blocker);
	call_join(&drainer);
	destroy_workqueue(draining);
}

static long queue_refused(void *arg)
{
	return queue_work(draining, &refused.work);
}

static long cancel_self_and_queue_refused(void *arg)
{
	pthread_cancel(pthread_self());
	return queue_refused(arg);
}

static long destroy_another_queue(void *arg)
{
	destroy_workqueue(alloc_workqueue("another", WQ_PERCPU, 0));
	return 0;
}

/* A8 */
static void queue_work_that_reports_with_a_cancel_pending_returns(void **state)
{
	struct call queuer;

	drain_begin();
	/* to standard error, by the library itself */
	workq_set_report_fn(NULL);
	call_start(&queuer, cancel_self_and_queue_refused, NULL);
	assert_true(call_join(&queuer));
	assert_false(work_pending(&refused.work));
	destroy_another_queue(NULL);
	drain_end();
	assert_int_equal(item_runs(&refused), 0);
}

static struct gate sitting, go_on;

static void sit_in_report(const char *line)
{
	report_catch(line);
	gate_open(&sitting);
	wait_until(gate_is_open(&go_on));
}

/* Reports come from inside the section of the one who queues: destroying must wait for it. */
static void destroy_cancelled_while_it_waits_returns(void **state)
{
	struct call sitter, destroyer;

	drain_begin();
	gate_init(&sitting);
	gate_init(&go_on);
	workq_set_report_fn(sit_in_report);
	call_start(&sitter, queue_refused, NULL);
	gate_wait(&sitting);
	call_start(&destroyer, destroy_another_queue, NULL);
	assert_true(call_blocks(&destroyer));
	pthread_cancel(destroyer.thread);
	assert_not_yet(call_is_back(&destroyer));
	gate_open(&go_on);
	call_join(&destroyer);
	assert_true(call_join(&sitter));
	drain_end();
	assert_warned();
}

static void die_in_report(const char *line)
{
	report_catch(line);
	pthread_exit(NULL);
}

/* Forbidden, but what asynchronous cancellation comes to: only the item is lost. */
static void destroy_after_a_thread_died_in_queue_work_returns(void **state)
{
	struct call dying, destroyer;

	drain_begin();
	workq_set_report_fn(die_in_report);
	call_start(&dying, queue_refused, NULL);
	pthread_join(dying.thread, NULL);
	assert_false(call_is_back(&dying));
	call_start(&destroyer, destroy_another_queue, NULL);
	call_join(&destroyer);
	drain_end();
	assert_warned();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_work_that_reports_with_a_cancel_pending_returns),
		api_test(destroy_cancelled_while_it_waits_returns),
		api_test(destroy_after_a_thread_died_in_queue_work_returns),
	};

	/* the refusal is reported once per process */
	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
