/* SPDX-License-Identifier: MIT */
/*
 * test_init.c - calls that would be the library's first one, in a program without memory.
 *
 * Each of them fails as its header says, and does what it should when there is memory again. Without
 * sanitizers: the allocator is the test's.
 */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>

#include <workq/kthread.h>
#include <workq/kthread_worker.h>
#include <workq/sched.h>
#include <workq/timer.h>
#include <workq/workq.h>
#include <workq/workqueue.h>

#include "lines.h"

static bool is_short_of_memory;

#if !TESTS_SANITIZED
void *aligned_alloc(size_t align, size_t size)
{
	void *(*real)(size_t align, size_t size);

	if (is_short_of_memory)
		return NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "aligned_alloc");
	return real(align, size);
}
#endif

static atomic_int nr_runs;

static void count_run(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_runs, 1);
}

static long do_nothing(void *arg)
{
	(void)arg;
	return 1;
}

static DECLARE_WORK(work, count_run);
static DECLARE_WORK(second, count_run);
static DECLARE_DELAYED_WORK(dwork, count_run);
static struct rcu_work rwork;

static void begin(void)
{
	if (TESTS_SANITIZED)
		exit(EXIT_SKIPPED);
	wq_report_set_fn(lines_catch);
	is_short_of_memory = true;
}

/* The first call with memory starts the library. */
static void must_work_with_memory(void)
{
	is_short_of_memory = false;
	must(queue_work(system_percpu_wq, &work));
	must(flush_work(&work) || atomic_load(&nr_runs) == 1);
	must(atomic_load(&nr_runs) == 1);
}

static void queueing_without_memory_queues_nothing(void)
{
	begin();
	must(!queue_work(system_percpu_wq, &work));
	must(!queue_work_node(0, system_unbound_wq, &work));
	must(!queue_delayed_work(system_percpu_wq, &dwork, 1));
	must(!mod_delayed_work(system_percpu_wq, &dwork, 1));
	INIT_RCU_WORK(&rwork, count_run);
	must(!queue_rcu_work(system_percpu_wq, &rwork));
	must(!flush_rcu_work(&rwork));
	delayed_work_timer_fn(&dwork.timer);
	must(!work_pending(&work) && !delayed_work_pending(&dwork));
	must_work_with_memory();
}

/* The first memory that is wanted then is that of the option. */
static void option_that_is_a_text_is_read_when_there_is_memory(void)
{
	char scope[16];

	setenv("WORKQ_AFFINITY_SCOPE", "cpu", 1);
	begin();
	must(!queue_work(system_percpu_wq, &work));
	must_work_with_memory();
	must(workq_attr_read("parameters/default_affinity_scope", scope, sizeof(scope)) > 0);
	must(!strcmp(scope, "cpu"));
}

static void taking_back_without_memory_finds_nothing(void)
{
	begin();
	must(!cancel_work(&work) && !cancel_work_sync(&work));
	must(!cancel_delayed_work(&dwork) && !cancel_delayed_work_sync(&dwork));
	must(!flush_work(&work) && !flush_delayed_work(&dwork));
	must_work_with_memory();
}

static void waiting_for_queues_without_memory_returns(void)
{
	begin();
	__flush_workqueue(system_percpu_wq);
	drain_workqueue(system_unbound_wq);
	must(workq_shutdown(0) == 0);
	must_work_with_memory();
}

static void questions_without_memory_are_answered_no(void)
{
	char name[32] = "before";

	begin();
	must(!work_busy(&work));
	must(!workqueue_congested(0, system_percpu_wq));
	must(!freeze_workqueues_busy());
	must(!workq_worker_comm(1, name, sizeof(name)) && !*name);
	must(!workq_worker_comm(1, NULL, 0));
	must(!workq_current_task());
	must_work_with_memory();
}

static void reports_without_memory_say_nothing_of_workers(void)
{
	begin();
	show_all_workqueues();
	show_freezable_workqueues();
	show_one_workqueue(system_percpu_wq);
	print_worker_info("", 1);
	wq_watchdog_touch(-1);
	must_work_with_memory();
}

static void settings_without_memory_give_errors_and_change_nothing(void)
{
	struct workqueue_attrs attrs = { .nice = 0 };
	char text[64];

	cpumask_setall(attrs.cpumask);
	begin();
	must(!alloc_workqueue_attrs());
	must(apply_workqueue_attrs(system_unbound_wq, &attrs) == -ENOMEM);
	must(workqueue_unbound_housekeeping_update(attrs.cpumask) == -EINVAL);
	must(workqueue_sysfs_register(system_percpu_wq) == -EINVAL);
	must(workq_attr_read("cpumask", text, sizeof(text)) == -EAGAIN);
	must(workq_attr_write("cpumask", "1") == -EAGAIN);
	workqueue_set_max_active(system_percpu_wq, 1);
	workqueue_set_min_active(system_unbound_wq, 1);
	freeze_workqueues_begin();
	thaw_workqueues();
	must_work_with_memory();
}

static void calls_on_cpus_without_memory_give_errors(void)
{
	begin();
	must(work_on_cpu(0, do_nothing, NULL) == -EAGAIN);
	must(schedule_on_each_cpu(count_run) == -EAGAIN);
	must(atomic_load(&nr_runs) == 0);
	must_work_with_memory();
}

static void count_kthread_run(struct kthread_work *kwork)
{
	(void)kwork;
	atomic_fetch_add(&nr_runs, 1);
}

static void kthread_workers_without_memory_do_nothing(void)
{
	static struct kthread_worker worker;
	static struct kthread_work kwork;

	kthread_init_worker(&worker);
	kthread_init_work(&kwork, count_kthread_run);
	begin();
	kwork.worker = &worker;
	kthread_flush_work(&kwork);
	must(!kthread_cancel_work_sync(&kwork));
	must(kthread_worker_fn(&worker) == 0);
	must(kthread_worker_fn(NULL) == 0);
	kwork.worker = NULL;
	must(!kthread_queue_work(&worker, &kwork));
	must_work_with_memory();
}

/* The parent's, in a child without memory. */
static struct task_struct *parents;

static int wait_to_be_stopped(void *unused)
{
	(void)unused;
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void ask_of_a_kthread(void)
{
	must(kthread_stop(parents) == -EINVAL);
	must(kthread_park(parents) == -ENOSYS);
	must(!flush_work(&work));
	is_short_of_memory = false;
	must(kthread_stop(parents) == -EINTR);
}

/* U1: it begins anew, which needs memory. */
static void kthreads_of_the_parent_are_not_to_be_had_without_memory(void)
{
	int status;
	pid_t pid;

	need_threads_after_fork();
	begin();
	must_work_with_memory();
	parents = kthread_run(wait_to_be_stopped, NULL, "parents");
	must(!IS_ERR(parents));
	is_short_of_memory = true;
	pid = fork();
	if (pid == 0) {
		ask_of_a_kthread();
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0);
	is_short_of_memory = false;
	must(kthread_stop(parents) == 0);
}

static void thread_without_memory_for_a_task_serves_nobody(void)
{
	static struct kthread_worker worker;

	begin();
	must_work_with_memory();
	kthread_init_worker(&worker);
	is_short_of_memory = true;
	must(kthread_worker_fn(&worker) == 0 && !worker.task);
	must(!alloc_workqueue_attrs() && errno == ENOMEM);
	is_short_of_memory = false;
}

static struct gate go;
static atomic_int nr_inside;

static void wait_inside(struct work_struct *waiting)
{
	(void)waiting;
	atomic_fetch_add(&nr_inside, 1);
	gate_wait(&go);
}

/* K2: there are slots for some more, but not what a new thread is told. */
static void worker_without_memory_for_its_thread_comes_later(void)
{
	static DECLARE_WORK(first, wait_inside);

	begin();
	must_work_with_memory();
	gate_init(&go);
	must(queue_work(system_unbound_wq, &first));
	wait_until(atomic_load(&nr_inside));
	lines_take();
	is_short_of_memory = true;
	must(queue_work(system_unbound_wq, &work));
	must(queue_work(system_bh_wq, &second));
	wait_until(atomic_load(&lines_caught));
	must(strstr(line_kept[0], "ENOMEM"));
	is_short_of_memory = false;
	flush_work(&work);
	gate_open(&go);
	flush_work(&first);
	flush_work(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(queueing_without_memory_queues_nothing),
		child_test(option_that_is_a_text_is_read_when_there_is_memory),
		child_test(taking_back_without_memory_finds_nothing),
		child_test(waiting_for_queues_without_memory_returns),
		child_test(questions_without_memory_are_answered_no),
		child_test(reports_without_memory_say_nothing_of_workers),
		child_test(settings_without_memory_give_errors_and_change_nothing),
		child_test(calls_on_cpus_without_memory_give_errors),
		child_test(kthread_workers_without_memory_do_nothing),
		child_test(kthreads_of_the_parent_are_not_to_be_had_without_memory),
		child_test(thread_without_memory_for_a_task_serves_nobody),
		child_test(worker_without_memory_for_its_thread_comes_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
