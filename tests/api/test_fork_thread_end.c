/* SPDX-License-Identifier: MIT */
/*
 * test_fork_thread_end.c - functions that call fork(), and in the child end the thread, or return on
 * a rescuer's: there it is no worker of anything any more (U4). And rescuers for which there is no
 * thread for a while.
 *
 * Each test has a process of its own: see rescued.h.
 */
#include "support/rescued.h"

#include <workq/kthread.h>

#include "support/child.h"
#include "support/kwork.h"

static pid_t child;

static void fork_here(void)
{
	child = child_fork();
	child_ends_by_exit = !child;
}

static void fork_and_exit(struct work_struct *work)
{
	(void)work;
	fork_here();
	if (!child)
		pthread_exit(NULL);
}

static void fork_and_return(struct work_struct *work)
{
	(void)work;
	fork_here();
}

static void fork_and_exit_of_kthread(struct kthread_work *work)
{
	(void)work;
	fork_here();
	if (!child)
		pthread_exit(NULL);
}

/* The child ends as a program does whose only thread ends, and the queue is as before. */
static void check_child_of(struct workqueue_struct *wq, work_func_t func)
{
	struct work_struct work;

	INIT_WORK(&work, func);
	assert_true(queue_work(wq, &work));
	flush_work(&work);
	assert_true(child_end(child));
	run_one_item_on(wq);
}

/* U4 */
static void worker_that_ends_in_the_child_ends_it(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("forks", WQ_UNBOUND, 0);

	(void)state;
	check_child_of(wq, fork_and_exit);
	destroy_workqueue(wq);
}

/* U4 */
static void rescuer_that_returns_or_ends_in_the_child_ends_it(void **state)
{
	struct workqueue_struct *wq = rescued_of_kind(R_UNBOUND, 0);

	(void)state;
	threads_refuse();
	check_child_of(wq, fork_and_return);
	check_child_of(wq, fork_and_exit);
	threads_allow();
	destroy_workqueue(wq);
	report_take();
}

/* U4 */
static void kthread_that_ends_in_the_child_ends_it(void **state)
{
	DEFINE_KTHREAD_WORK(work, fork_and_exit_of_kthread);
	struct kthread_worker *worker = kworker("forks");

	(void)state;
	kthread_queue_work(worker, &work);
	kthread_flush_work(&work);
	assert_true(child_end(child));
	kthread_destroy_worker(worker);
}

/* --------------------------------------------------------------- rescuers */

static void exit_thread(struct work_struct *work)
{
	(void)work;
	pthread_exit(NULL);
}

/* T1 K1 */
static void rescuer_that_is_lost_is_replaced_as_soon_as_can_be(void **state)
{
	struct workqueue_struct *wq = rescued_of_kind(R_UNBOUND, 0);
	struct work_struct work;
	struct item next;

	(void)state;
	threads_refuse();
	INIT_WORK(&work, exit_thread);
	item_init(&next);
	queue_work(wq, &work);
	wait_until(report_says("no thread for the rescuer"));
	queue_work(wq, &next.work);
	threads_allow();
	flush_work(&work);
	flush_work(&next.work);
	assert_int_equal(item_runs(&next), 1);
	destroy_workqueue(wq);
	report_take();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(worker_that_ends_in_the_child_ends_it),
		api_test(rescuer_that_returns_or_ends_in_the_child_ends_it),
		api_test(kthread_that_ends_in_the_child_ends_it),
		api_test(rescuer_that_is_lost_is_replaced_as_soon_as_can_be),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
