/* SPDX-License-Identifier: MIT */
/*
 * test_item_that_queues_itself_is_not_forgotten.c - its worker has other things to do first.
 *
 * An item that queues itself is left to the worker that runs it. A worker that came back from a wait
 * while another one ran (L2), or whose thread the item ended, settled its item and never looked: it
 * did not run again until something else was pushed to the pool. Before the fix both tests failed
 * each time.
 */
#include "support/api.h"

static struct workqueue_struct *wq;
static struct gate waits, computes, may_go;
static atomic_int nr_runs;

/* They look at the pool when they are made, and would find what was forgotten. */
static void let_spare_threads_start(void)
{
	nap_us(100000);
}

static void wait_then_queue_itself(struct work_struct *work)
{
	if (atomic_fetch_add(&nr_runs, 1))
		return;
	gate_open(&waits);
	workq_block_begin();
	gate_wait(&may_go);
	workq_block_end();
	queue_work_on(allowed_cpu(0), wq, work);
}

/* Runs on the same CPU when the first one is back, then waits for its second run. */
static void run_until_it_has_returned(struct work_struct *work)
{
	long long enough = now_ns() + 300000000;

	gate_open(&computes);
	/* computes until the first one has queued itself and returned, beside it on the same CPU */
	while (now_ns() < enough)
		;
	workq_block_begin();
	wait_until(atomic_load(&nr_runs) == 2);
	workq_block_end();
}

/* L2, B1 */
static void item_queued_while_others_run_runs_again(void **state)
{
	DECLARE_WORK(first, wait_then_queue_itself);
	DECLARE_WORK(second, run_until_it_has_returned);

	wq = alloc_workqueue("again", WQ_PERCPU, 0);
	gate_init(&waits);
	gate_init(&computes);
	gate_init(&may_go);
	queue_work_on(allowed_cpu(0), wq, &first);
	gate_wait(&waits);
	queue_work_on(allowed_cpu(0), wq, &second);
	gate_wait(&computes);
	let_spare_threads_start();
	gate_open(&may_go);
	/* nobody touches the pool meanwhile */
	wait_until(atomic_load(&nr_runs) == 2);
	flush_work(&second);
	flush_work(&first);
	assert_int_equal(atomic_load(&nr_runs), 2);
	destroy_workqueue(wq);
}

static void queue_itself_and_end_the_thread(struct work_struct *work)
{
	if (atomic_fetch_add(&nr_runs, 1))
		return;
	let_spare_threads_start();
	queue_work_on(allowed_cpu(0), wq, work);
	pthread_exit(NULL);
}

/* B1 */
static void item_that_ends_its_thread_runs_again(void **state)
{
	DECLARE_WORK(item, queue_itself_and_end_the_thread);

	wq = alloc_workqueue("again", WQ_PERCPU, 0);
	workq_set_report_fn(report_catch);
	queue_work_on(allowed_cpu(0), wq, &item);
	wait_until(atomic_load(&nr_runs) == 2);
	flush_work(&item);
	destroy_workqueue(wq);
	assert_warned();
}

static void take_second_step(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_runs, 1);
}

/* Nobody can start it before this returns, so its function may still be changed. */
static void queue_itself_with_another_function(struct work_struct *work)
{
	queue_work_on(allowed_cpu(0), wq, work);
	work->func = take_second_step;
	/* files what waits on the pool */
	cancel_work(work);
	queue_work_on(allowed_cpu(0), wq, work);
	work->func = take_second_step;
}

/* B7 */
static void item_whose_function_changes_after_it_queued_itself_runs(void **state)
{
	DECLARE_WORK(item, queue_itself_with_another_function);

	wq = alloc_workqueue("steps", WQ_PERCPU, 0);
	queue_work_on(allowed_cpu(0), wq, &item);
	wait_until(atomic_load(&nr_runs) == 1);
	flush_work(&item);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(item_queued_while_others_run_runs_again),
		api_test(item_that_ends_its_thread_runs_again),
		api_test(item_whose_function_changes_after_it_queued_itself_runs),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
