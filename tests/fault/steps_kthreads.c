/* SPDX-License-Identifier: MIT */
/*
 * steps_kthreads.c - the script's steps with threads of its own: kthreads, sleep, kthread_workers.
 */
#include "fault/script.h"

#define FAR (3600ul * HZ)

/* ---------------------------------------------------------------- kthreads */

static atomic_uint nr_rounds;

/* Sleeps until it is to stop; where there is no task for it, that is a busy wait. */
static int serve_until_stopped(void *data)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop() && !kthread_should_park())
			schedule();
		__set_current_state(TASK_RUNNING);
		if (kthread_should_park())
			kthread_parkme();
		atomic_fetch_add(&nr_rounds, 1);
	}
	return 42;
}

static int return_at_once(void *data)
{
	return 7;
}

static void park_and_stop(struct task_struct *task)
{
	unsigned int before;

	must(kthread_func(task) && !kthread_data(task));
	must(!kthread_park(task));
	kthread_unpark(task);
	before = atomic_load(&nr_rounds);
	wait_until((wake_up_process(task), atomic_load(&nr_rounds) > before));
	get_task_struct(task);
	must(kthread_stop_put(task) == 42);
}

void step_kthreads(void)
{
	struct task_struct *task;

	insist(PTR_ERR_OR_ZERO(task = kthread_run(serve_until_stopped, NULL, "server")));
	park_and_stop(task);
	insist(PTR_ERR_OR_ZERO(task = kthread_create(return_at_once, NULL, "%s", "once")));
	kthread_bind(task, (unsigned int)script_cpu(0));
	get_task_struct(task);
	wake_up_process(task);
	must(kthread_stop(task) == 7);
	put_task_struct(task);
	insist(PTR_ERR_OR_ZERO(task = kthread_run_on_cpu(serve_until_stopped, NULL,
							 (unsigned int)script_cpu(1), "on/%u")));
	must(kthread_stop(task) == 42);
	insist(PTR_ERR_OR_ZERO(task = kthread_create_on_cpu(return_at_once, NULL,
							    (unsigned int)script_cpu(0), "c")));
	must(kthread_stop(task) == -EINTR);
	insist(PTR_ERR_OR_ZERO(task = kthread_create_on_node(return_at_once, NULL, 0, "new")));
	must(kthread_stop(task) == -EINTR);
}

/* ------------------------------------------------------------------- sleep */

/* A thread of the program: it gets a task, or does without. */
void step_sleep(void)
{
	long long start = now_ns();

	insist(workq_current_task() ? 0 : ENOMEM);
	set_current_state(TASK_UNINTERRUPTIBLE);
	__set_current_state(TASK_RUNNING);
	msleep(1);
	must(!msleep_interruptible(1));
	usleep_range(10, 20);
	ssleep(0);
	must(now_ns() - start >= 2000000);
	schedule_timeout_interruptible(1);
	schedule_timeout_uninterruptible(1);
	schedule_timeout_idle(1);
	must(schedule_timeout(0) == 0);
	schedule();
	must(!cond_resched());
}

/* --------------------------------------------------------- kthread workers */

struct kjob {
	struct kthread_work work;
	struct kthread_delayed_work delayed;
	atomic_uint runs;
};

static struct gate hold_kjob;

static void kjob_fn(struct kthread_work *work)
{
	atomic_fetch_add(&container_of(work, struct kjob, work)->runs, 1);
	atomic_fetch_add(&script_account.runs, 1);
}

static void kjob_delayed_fn(struct kthread_work *work)
{
	atomic_fetch_add(&container_of(work, struct kjob, delayed.work)->runs, 1);
	atomic_fetch_add(&script_account.runs, 1);
}

static void kjob_hold_fn(struct kthread_work *work)
{
	gate_wait(&hold_kjob);
}

static void kjob_init(struct kjob *job)
{
	atomic_init(&job->runs, 0);
	kthread_init_work(&job->work, kjob_fn);
	kthread_init_delayed_work(&job->delayed, kjob_delayed_fn);
	must(job->delayed.timer.function == kthread_delayed_work_timer_fn);
}

static void take_back(struct kthread_worker *worker, struct kjob *job)
{
	struct kthread_work hold;

	gate_init(&hold_kjob);
	kthread_init_work(&hold, kjob_hold_fn);
	must(kthread_queue_work(worker, &hold));
	must(count_queued(kthread_queue_work(worker, &job->work)));
	must(count_taken(kthread_cancel_work_sync(&job->work)));
	must(count_queued(kthread_queue_delayed_work(worker, &job->delayed, FAR)));
	must(count_taken(kthread_cancel_delayed_work_sync(&job->delayed)));
	gate_open(&hold_kjob);
	kthread_flush_work(&hold);
}

static void serve(struct kthread_worker *worker)
{
	struct kjob job;

	kjob_init(&job);
	must(count_queued(kthread_queue_work(worker, &job.work)));
	kthread_flush_work(&job.work);
	must(job.runs == 1);
	must(count_queued(kthread_queue_delayed_work(worker, &job.delayed, FAR)));
	must(kthread_mod_delayed_work(worker, &job.delayed, 1));
	wait_until(atomic_load(&job.runs) == 2);
	kthread_flush_worker(worker);
	take_back(worker, &job);
	must(job.runs == 2);
}

static int serve_own(void *worker)
{
	return kthread_worker_fn(worker);
}

/* A worker of the program's own, and a thread for it. */
static void serve_by_own_thread(void)
{
	struct kthread_worker worker;
	struct task_struct *task;

	kthread_init_worker(&worker);
	insist(PTR_ERR_OR_ZERO(task = kthread_run(serve_own, &worker, "own")));
	serve(&worker);
	must(kthread_stop(task) == 0);
}

void step_kthread_workers(void)
{
	struct kthread_worker *worker;

	insist(PTR_ERR_OR_ZERO(worker = kthread_run_worker(0, "worker")));
	serve(worker);
	kthread_destroy_worker(worker);
	insist(PTR_ERR_OR_ZERO(worker = kthread_create_worker_on_cpu(script_cpu(0), 0, "w/%u")));
	serve(worker);
	kthread_destroy_worker(worker);
	insist(PTR_ERR_OR_ZERO(worker = kthread_create_worker_on_node(0, 0, "node")));
	kthread_destroy_worker(worker);
	serve_by_own_thread();
}
