/* SPDX-License-Identifier: MIT */
/*
 * test_fork_kthread.c - kthreads and kthread_workers of the parent, in the child of fork() (U5).
 */
#include <workq/sched.h>

#include "support/child.h"
#include "support/kwork.h"

static struct kthread_worker *worker;
static struct task_struct *task;
static struct kwork busy, queued, armed;
static struct gate go;

static int return_seven_when_stopped(void *unused)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 7;
}

static void stop_and_make_another(void)
{
	child_must(kthread_park(task) == -ENOSYS);
	kthread_unpark(task);
	wake_up_process(task);
	child_must(kthread_stop(task) == -EINTR);
	task = kthread_run(return_seven_when_stopped, NULL, "another");
	child_must(!IS_ERR(task));
	child_must(kthread_stop(task) == 7);
}

/* U5 */
static void kthread_of_the_parent_has_ended_in_the_child(void **state)
{
	task = kthread_run(return_seven_when_stopped, NULL, "parent's");
	assert_true(child_does(stop_and_make_another));
	assert_int_equal(kthread_stop(task), 7);
}

static int end_at_once(void *unused)
{
	return 9;
}

static void expect_result(void)
{
	child_must(kthread_stop(task) == 9);
	put_task_struct(task);
}

/* U5 */
static void kthread_that_had_ended_gives_its_result(void **state)
{
	task = get_task_struct(kthread_create(end_at_once, NULL, "short"));
	wake_up_process(task);
	assert_int_equal(kthread_stop(task), 9);
	assert_true(child_does(expect_result));
	put_task_struct(task);
}

static void use_works(void)
{
	workq_set_report_fn(report_catch);
	child_must(!kthread_queue_work(worker, kwork_work(&queued)));
	child_must(report_take() > 0);
	child_must(!kthread_mod_delayed_work(worker, &armed.dwork, 1));
	child_must(report_says("in the parent of this process: kthread_mod_delayed_work()"));
	report_take();
	child_must(!kthread_cancel_work_sync(kwork_work(&queued)));
	child_must(!kthread_cancel_delayed_work_sync(&armed.dwork));
	kthread_flush_work(kwork_work(&busy));
	kthread_flush_worker(worker);
	kthread_destroy_worker(worker);
	child_must(!report_take());
	worker = kthread_run_worker(0, "child");
	child_must(!IS_ERR(worker));
	queued.hold = NULL;
	child_must(kthread_queue_work(worker, kwork_work(&queued)));
	child_must(kthread_queue_delayed_work(worker, &armed.dwork, 1));
	wait_until(kwork_runs(&queued) == 1);
	wait_until(kwork_runs(&armed) == 1);
	kthread_destroy_worker(worker);
}

/* U5 */
static void kthread_worker_of_the_parent_refuses_and_can_be_destroyed(void **state)
{
	worker = kworker("parent");
	kwork_init(&queued);
	kwork_init(&armed);
	kwork_run_until_released(worker, &busy, &go);
	queued.hold = &go;
	kthread_queue_work(worker, kwork_work(&queued));
	kthread_queue_delayed_work(worker, &armed.dwork, KFAR);
	assert_true(child_does(use_works));
	gate_open(&go);
	kthread_flush_work(kwork_work(&queued));
	assert_int_equal(kwork_runs(&queued), 1);
	assert_true(kthread_cancel_delayed_work_sync(&armed.dwork));
	kthread_destroy_worker(worker);
}

static long cancel_busy(void *unused)
{
	return kthread_cancel_work_sync(kwork_work(&busy));
}

static void queue_busy(void)
{
	worker = kthread_run_worker(0, "child");
	child_must(!IS_ERR(worker));
	busy.hold = NULL;
	child_must(kthread_queue_work(worker, kwork_work(&busy)));
	kthread_flush_work(kwork_work(&busy));
	child_must(kwork_runs(&busy) == 2);
	kthread_destroy_worker(worker);
}

/* U5 */
static void work_that_is_being_cancelled_can_be_queued_in_the_child(void **state)
{
	struct call call;

	worker = kworker("parent");
	kwork_run_until_released(worker, &busy, &go);
	call_start(&call, cancel_busy, NULL);
	assert_true(call_blocks(&call));
	assert_true(child_does(queue_busy));
	gate_open(&go);
	call_join(&call);
	kthread_destroy_worker(worker);
}

/* ------------------------------------------------------ a worker of one's own */

static struct kthread_worker own;

static int serve_own(void *unused)
{
	return kthread_worker_fn(&own);
}

static void serve_in_the_child(void)
{
	task = kthread_run(serve_own, NULL, "own");
	child_must(!IS_ERR(task));
	wait_until(__atomic_load_n(&own.task, __ATOMIC_RELAXED) == task);
	child_must(kthread_queue_work(&own, kwork_work(&queued)));
	wait_until(kwork_runs(&queued) == 1);
}

/* U5 */
static void worker_that_a_thread_serves_anew_works(void **state)
{
	kthread_init_worker(&own);
	kwork_init(&queued);
	task = kthread_run(serve_own, NULL, "own");
	wait_until(__atomic_load_n(&own.task, __ATOMIC_RELAXED));
	assert_true(child_does(serve_in_the_child));
	kthread_stop(task);
}

/* --------------------------------------------------------- who forks is one */

static pid_t child;

static void fork_and_return(struct kthread_work *work)
{
	child = child_fork();
	child_ends_by_exit = !child;
}

/* U4 */
static void kthread_work_that_returns_in_the_child_ends_it(void **state)
{
	DEFINE_KTHREAD_WORK(work, fork_and_return);

	worker = kworker("forks");
	kthread_queue_work(worker, &work);
	kthread_flush_work(&work);
	assert_true(child_end(child));
	kthread_destroy_worker(worker);
}

static struct task_struct *sleeper;

static void wake_sleeper(struct work_struct *work)
{
	while (!wake_up_process(sleeper))
		cond_resched();
}

static void sleep_until_woken(void)
{
	DECLARE_WORK(waker, wake_sleeper);

	set_current_state(TASK_UNINTERRUPTIBLE);
	child_must(queue_work(system_dfl_wq, &waker));
	schedule();
	flush_work(&waker);
}

static void sleep_for_a_while(void)
{
	child_must(schedule_timeout_uninterruptible(2) == 0);
	msleep(2);
}

/* U5 */
static void task_of_who_forks_sleeps_on_in_the_child(void **state)
{
	sleeper = workq_current_task();
	assert_true(child_does(sleep_for_a_while));
	assert_true(child_does(sleep_until_woken));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(kthread_of_the_parent_has_ended_in_the_child),
		api_test(kthread_that_had_ended_gives_its_result),
		api_test(kthread_worker_of_the_parent_refuses_and_can_be_destroyed),
		api_test(work_that_is_being_cancelled_can_be_queued_in_the_child),
		api_test(worker_that_a_thread_serves_anew_works),
		api_test(kthread_work_that_returns_in_the_child_ends_it),
		api_test(task_of_who_forks_sleeps_on_in_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
