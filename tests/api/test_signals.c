/* SPDX-License-Identifier: MIT */
/*
 * test_signals.c - signals: whose threads they reach, and calls that they interrupt.
 *
 * Each test has a process of its own. Handlers that queue stand in stress_signal.c.
 */
#include "support/api.h"

#include <sys/mman.h>

#include <workq/kthread.h>
#include <workq/timer.h>

#include "support/delayed.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	STORM = 2000,
	STATUS = 42,
	EVERY_US = 100, /* a thread is interrupted */
	ROUNDS = 60,
	LONG_MS = 20000,
};

static void handle(int sig, void (*handler)(int sig))
{
	/* not restarted: what sleeps sees EINTR */
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(sig, &action, NULL), 0);
}

/* ------------------------------------------------------ whose threads they reach */

static int main_tid;
static atomic_int nr_handled, nr_elsewhere;

static void count_signal(int sig)
{
	atomic_fetch_add(&nr_handled, 1);
	atomic_fetch_add(&nr_elsewhere, (int)syscall(SYS_gettid) != main_tid);
}

static atomic_int nr_fired;

static void fire_again(struct timer_list *timer)
{
	atomic_fetch_add(&nr_fired, 1);
	mod_timer(timer, jiffies + 1);
}

static int sleep_until_stopped(void *data)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Threads of every kind that the library has. */
static struct {
	struct workqueue_struct *wq;
	struct endless endless, bh;
	struct timer_list timer;
	struct task_struct *task;
} busy;

static void be_busy(void)
{
	busy.wq = alloc_workqueue("stormy", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	busy.endless.wq = busy.wq;
	busy.bh.wq = system_bh_wq;
	INIT_WORK(&busy.endless.work, requeue_for_ever);
	INIT_WORK(&busy.bh.work, requeue_for_ever);
	timer_setup(&busy.timer, fire_again, 0);
	queue_work(busy.wq, &busy.endless.work);
	queue_work(system_bh_wq, &busy.bh.work);
	mod_timer(&busy.timer, jiffies);
	busy.task = kthread_run(sleep_until_stopped, NULL, "sleeper");
	wait_until(atomic_load(&busy.endless.runs) && atomic_load(&busy.bh.runs));
	wait_until(atomic_load(&nr_fired));
}

static void be_quiet(void)
{
	kthread_stop(busy.task);
	timer_shutdown_sync(&busy.timer);
	cancel_work_sync(&busy.endless.work);
	cancel_work_sync(&busy.bh.work);
	destroy_workqueue(busy.wq);
}

/* T6 */
static void signals_to_the_process_reach_no_thread_of_the_library(void **state)
{
	main_tid = (int)syscall(SYS_gettid);
	handle(SIGUSR1, count_signal);
	handle(SIGRTMIN, count_signal);
	be_busy();
	for (int i = 0; i < STORM; i++) {
		kill(getpid(), SIGUSR1);
		kill(getpid(), SIGRTMIN);
	}
	be_quiet();
	assert_true(atomic_load(&nr_handled) > 0);
	assert_int_equal(atomic_load(&nr_elsewhere), 0);
}

/* T6 */
static void signal_that_all_others_block_waits_for_them(void **state)
{
	sigset_t set;

	main_tid = (int)syscall(SYS_gettid);
	handle(SIGUSR1, count_signal);
	be_busy();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	assert_not_yet(atomic_load(&nr_handled));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	wait_until(atomic_load(&nr_handled) == 1);
	assert_int_equal(atomic_load(&nr_elsewhere), 0);
	be_quiet();
}

static struct work_struct faulty;

static void end_if_in_item(int sig)
{
	_exit(current_work() == &faulty ? STATUS : EXIT_FAILURE);
}

static void fault(struct work_struct *work)
{
	/* a page that nobody may touch: NULL would be a matter for UndefinedBehaviorSanitizer */
	volatile int *forbidden =
		mmap(NULL, sizeof(*forbidden), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*forbidden = 1;
}

static int status_of_fault(void)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		handle(SIGSEGV, end_if_in_item);
		INIT_WORK(&faulty, fault);
		queue_work(system_percpu_wq, &faulty);
		flush_work(&faulty);
		_exit(EXIT_FAILURE);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* T6 */
static void handler_of_a_fault_runs_on_the_worker(void **state)
{
	if (TESTS_SANITIZED)
		skip();
	assert_int_equal(status_of_fault(), STATUS << 8);
}

/* -------------------------------------------------------------------- EINTR */

static timer_t hammer;
static struct workqueue_struct *wq;

static void do_nothing(int sig)
{
	atomic_fetch_add(&nr_handled, 1);
}

static void hammer_begin(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2 };
	struct itimerspec when = { .it_interval.tv_nsec = EVERY_US * 1000,
				   .it_value.tv_nsec = EVERY_US * 1000 };

	handle(SIGUSR2, do_nothing);
	event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &hammer), 0);
	assert_int_equal(timer_settime(hammer, 0, &when, NULL), 0);
}

static void hammer_end(void)
{
	timer_delete(hammer);
	assert_true(atomic_load(&nr_handled) > 0);
}

static void sleep_a_little(struct work_struct *work)
{
	struct item *item = container_of(work, struct item, work);

	nap_us(500);
	atomic_fetch_add(&item->started, 1);
}

static void queue_sleeper(struct item *item)
{
	item_init(item);
	INIT_WORK(&item->work, sleep_a_little);
	assert_true(queue_work(wq, &item->work));
}

static void use_waits_once(void)
{
	struct delayed_item delayed;
	struct item item;

	wq = alloc_workqueue("hammered", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	assert_non_null(wq);
	queue_sleeper(&item);
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	queue_sleeper(&item);
	flush_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
	queue_sleeper(&item);
	drain_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
	queue_sleeper(&item);
	assert_int_equal(cancel_work_sync(&item.work) + item_runs(&item), 1);
	delayed_init(&delayed);
	queue_delayed_work(wq, &delayed.dwork, 1);
	assert_true(flush_delayed_work(&delayed.dwork) || delayed_runs(&delayed));
	queue_sleeper(&item);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
}

static int return_seven(void *data)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 7;
}

/* T6 */
static void calls_that_wait_do_not_mind_being_interrupted(void **state)
{
	struct task_struct *task;

	hammer_begin();
	for (int i = 0; i < ROUNDS; i++)
		use_waits_once();
	task = kthread_run(return_seven, NULL, "seven");
	assert_int_equal(kthread_stop(task), 7);
	assert_int_equal(schedule_timeout_uninterruptible(2), 0);
	hammer_end();
}

/* T6, T4 */
static void shutdown_does_not_mind_being_interrupted(void **state)
{
	struct item items[20];

	hammer_begin();
	wq = alloc_workqueue("hammered", WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	for (int i = 0; i < 20; i++)
		queue_sleeper(&items[i]);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	hammer_end();
	for (int i = 0; i < 20; i++)
		assert_int_equal(item_runs(&items[i]), 1);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* it forks: no thread must have been made */
		cmocka_unit_test(handler_of_a_fault_runs_on_the_worker),
		api_test(signals_to_the_process_reach_no_thread_of_the_library),
		api_test(signal_that_all_others_block_waits_for_them),
		api_test(calls_that_wait_do_not_mind_being_interrupted),
		api_test(shutdown_does_not_mind_being_interrupted),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
