/* SPDX-License-Identifier: MIT */
/*
 * test_exit.c - the process ends while workers run, items queue themselves and timers fire.
 *
 * Each way to end is gone by a process of its own, which is this program run again with
 * the name of that way. The library does nothing then: neither may it hang nor crash.
 */
#include "support/api.h"
#include "support/exec_self.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <workq/kthread.h>
#include <workq/timer.h>

enum {
	CHILD_SECONDS = 180,
	STATUS = 42,
	BUSY = 8,
	AT_EXIT_US = 20000,
};

/* ------------------------------------------------------------ a busy process */

static struct endless endless[BUSY];
static struct blocker blocker;
static struct workqueue_struct *queue;
static atomic_int nr_fired;

static void fire_again(struct timer_list *timer)
{
	atomic_fetch_add(&nr_fired, 1);
	mod_timer(timer, jiffies + 1);
}

static DEFINE_TIMER(timer, fire_again);

static int sleep_until_stopped(void *data)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void be_busy(void)
{
	queue = alloc_workqueue("busy", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	for (int i = 0; i < BUSY; i++) {
		endless[i].wq = i % 2 ? queue : system_percpu_wq;
		INIT_WORK(&endless[i].work, requeue_for_ever);
		queue_work(endless[i].wq, &endless[i].work);
	}
	mod_timer(&timer, jiffies);
	kthread_run(sleep_until_stopped, NULL, "sleeper");
	blocker_start(&blocker, system_dfl_wq);
	wait_until(atomic_load(&nr_fired) > 2);
	for (int i = 0; i < BUSY; i++)
		wait_until(atomic_load(&endless[i].runs));
}

/* Handlers of exit() take their time: everything goes on meanwhile. */
static void see_it_go_on(void)
{
	int runs = atomic_load(&endless[0].runs);

	wait_until(atomic_load(&endless[0].runs) > runs + 1);
	nap_us(AT_EXIT_US);
}

static void destroy_queue(void)
{
	for (int i = 0; i < BUSY; i++)
		cancel_work_sync(&endless[i].work);
	destroy_workqueue(queue);
}

static void shut_down(void)
{
	if (workq_shutdown(0) != -ETIMEDOUT)
		_exit(EXIT_FAILURE);
}

/* ------------------------------------------------------------------ the ways */

static int return_from_main(void)
{
	atexit(see_it_go_on);
	return STATUS;
}

static int call_exit(void)
{
	atexit(see_it_go_on);
	exit(STATUS);
}

static int call_exit_destroying(void)
{
	atexit(destroy_queue);
	exit(STATUS);
}

static int call_exit_shutting_down(void)
{
	atexit(shut_down);
	exit(STATUS);
}

static int call_quick_exit(void)
{
	at_quick_exit(see_it_go_on);
	quick_exit(STATUS);
}

static int call_underscore_exit(void)
{
	_exit(STATUS);
}

static int call_abort(void)
{
	abort();
}

static int be_terminated(void)
{
	raise(SIGTERM);
	return EXIT_FAILURE;
}

static void exit_in_item(struct work_struct *work)
{
	atexit(see_it_go_on);
	exit(STATUS);
}

static int wait_for_good(void)
{
	for (;;)
		pause();
	return EXIT_FAILURE;
}

static int wait_for_item(struct workqueue_struct *wq, work_func_t func)
{
	static struct work_struct work;

	INIT_WORK(&work, func);
	queue_work(wq, &work);
	return wait_for_good();
}

static int exit_in_percpu_item(void)
{
	return wait_for_item(system_highpri_wq, exit_in_item);
}

static int exit_in_unbound_item(void)
{
	return wait_for_item(queue, exit_in_item);
}

static int exit_in_bh_item(void)
{
	return wait_for_item(system_bh_wq, exit_in_item);
}

static void destroy_own_queue(void)
{
	destroy_workqueue(queue);
}

/* It would wait for itself: that is reported, and the process ends all the same. */
static void exit_destroying_own_queue(struct work_struct *work)
{
	atexit(destroy_own_queue);
	exit(STATUS);
}

static int exit_in_item_destroying_its_queue(void)
{
	return wait_for_item(queue, exit_destroying_own_queue);
}

static void exit_in_callback(struct timer_list *unused)
{
	exit(STATUS);
}

static int exit_in_timer(void)
{
	static DEFINE_TIMER(ending, exit_in_callback);

	mod_timer(&ending, jiffies);
	return wait_for_good();
}

static int exit_kthread(void *data)
{
	exit(STATUS);
	return 0;
}

static int exit_in_kthread(void)
{
	kthread_run(exit_kthread, NULL, "exiting");
	return wait_for_good();
}

static void abort_in_item(struct work_struct *work)
{
	abort();
}

static int abort_in_an_item(void)
{
	return wait_for_item(system_percpu_wq, abort_in_item);
}

static void fault(struct work_struct *work)
{
	/* a page that nobody may touch: NULL would be a matter for UndefinedBehaviorSanitizer */
	volatile int *forbidden =
		mmap(NULL, sizeof(*forbidden), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* that of a sanitizer */
	signal(SIGSEGV, SIG_DFL);
	*forbidden = 1;
}

static int fault_in_an_item(void)
{
	return wait_for_item(system_percpu_wq, fault);
}

#define STATUS_OF_EXIT (STATUS << 8)

#define way(fn, status)                                                                            \
	{                                                                                          \
#fn, fn, status                                                                    \
	}

static const struct way {
	const char *name;
	int (*fn)(void);
	int status; /* as of waitpid() */
} ways[] = {
	way(return_from_main, STATUS_OF_EXIT),
	way(call_exit, STATUS_OF_EXIT),
	way(call_exit_destroying, STATUS_OF_EXIT),
	way(call_exit_shutting_down, STATUS_OF_EXIT),
	way(call_quick_exit, STATUS_OF_EXIT),
	way(call_underscore_exit, STATUS_OF_EXIT),
	way(call_abort, SIGABRT),
	way(be_terminated, SIGTERM),
	way(exit_in_percpu_item, STATUS_OF_EXIT),
	way(exit_in_unbound_item, STATUS_OF_EXIT),
	way(exit_in_bh_item, STATUS_OF_EXIT),
	way(exit_in_item_destroying_its_queue, STATUS_OF_EXIT),
	way(exit_in_timer, STATUS_OF_EXIT),
	way(exit_in_kthread, STATUS_OF_EXIT),
	way(abort_in_an_item, SIGABRT),
	/* of the sanitizers the signal is AddressSanitizer's own */
	way(fault_in_an_item, TESTS_SANITIZED ? -1 : SIGSEGV),
};

/* --------------------------------------------------------------------- tests */

static int go_way(const char *name)
{
	static const struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	alarm(CHILD_SECONDS);
	workq_set_report_fn(report_catch);
	be_busy();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(name, ways[i].name))
			return ways[i].fn();
	return EXIT_FAILURE;
}

static int status_of(const char *name)
{
	char program[] = "test_exit";
	char *const args[] = { program, (char *)(uintptr_t)name, NULL };
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		exec_self(args);
		_exit(EXIT_FAILURE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status & ~0x80; /* whether there was a core does not matter */
}

/* T3 */
static void process_ends_at_once_however_busy_the_library_is(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].status < 0)
			continue;
		print_message("%s\n", ways[i].name);
		assert_int_equal(status_of(ways[i].name), ways[i].status);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		api_test(process_ends_at_once_however_busy_the_library_is),
	};

	if (argc > 1)
		return go_way(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
