/* SPDX-License-Identifier: MIT */
/*
 * test_fork_first.c - fork() before, and while, the library starts; and children that only call
 * exec (U1, U6, U7). A process for each test.
 */
#include <errno.h>
#include <pthread.h>
#include <spawn.h>

#include "support/api.h"
#include "support/child.h"

static void use_system_queues(void)
{
	child_runs_item_on(system_percpu_wq);
	child_runs_item_on(system_dfl_wq);
}

static void run_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	_exit(EXIT_FAILURE);
}

/* U1, U6 */
static void fork_before_the_first_use(void **state)
{
	assert_true(child_does(run_program));
	assert_true(child_does(use_system_queues));
	run_one_item_on(system_percpu_wq);
	assert_true(child_does(use_system_queues));
}

static atomic_bool may_start;

static void *start_library(void *unused)
{
	while (!atomic_load(&may_start))
		;
	workq_start();
	return NULL;
}

/* U1 */
static void fork_while_others_start_the_library(void **state)
{
	pthread_t thread[4];
	pid_t child;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, start_library, NULL), 0);
	atomic_store(&may_start, true);
	child = child_begin(use_system_queues);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_true(child_end(child));
	run_one_item_on(system_percpu_wq);
}

/* U6 */
static void child_may_call_exec(void **state)
{
	struct blocker blocker;

	blocker_start(&blocker, system_dfl_wq);
	assert_true(child_does(run_program));
	blocker_release(&blocker);
}

static bool was_forked;

static void note_fork(void)
{
	was_forked = true;
}

/* U6 */
static void posix_spawn_and_vfork_are_untouched(void **state)
{
	char *argv[] = { (char *)"true", NULL }, *envp[] = { NULL };
	struct blocker blocker;
	pid_t pid;

	assert_int_equal(pthread_atfork(note_fork, NULL, NULL), 0);
	blocker_start(&blocker, system_dfl_wq);
	assert_int_equal(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp), 0);
	assert_true(child_end(pid));
	assert_false(was_forked);
	pid = vfork();
	if (!pid) {
		execve("/bin/true", argv, envp);
		_exit(EXIT_FAILURE);
	}
	assert_true(child_end(pid));
	/* ThreadSanitizer makes fork() of it */
	assert_false(was_forked && !TESTS_SANITIZED);
	blocker_release(&blocker);
}

/* ---------------------------------------------------------- after the end */

static void start_anew(void)
{
	struct delayed_item armed;
	struct workqueue_struct *wq = alloc_workqueue("of the child", WQ_UNBOUND, 0);

	child_must(wq);
	child_must(workq_start() == 0);
	child_runs_item_on(wq);
	delayed_init(&armed);
	child_uses_delayed(wq, &armed);
	destroy_workqueue(wq);
	use_system_queues();
	child_must(workq_shutdown(10000) == 0);
	child_must(workq_start() == -ESHUTDOWN);
}

/* U1 */
static void child_of_who_has_shut_down_starts_anew(void **state)
{
	struct delayed_item armed;

	delayed_init(&armed);
	queue_delayed_work(system_dfl_wq, &armed.dwork, 1);
	wait_until(delayed_runs(&armed) == 1);
	assert_int_equal(workq_shutdown(10000), 0);
	assert_true(child_does(start_anew));
	assert_int_equal(workq_start(), -ESHUTDOWN);
}

static long shut_down_after_a_while(void *unused)
{
	return workq_shutdown(10000);
}

/* U1 */
static void child_of_who_shuts_down_starts_anew(void **state)
{
	struct blocker blocker;
	struct call call;

	blocker_start(&blocker, system_dfl_wq);
	call_start(&call, shut_down_after_a_while, NULL);
	assert_true(call_blocks(&call));
	assert_true(child_does(start_anew));
	gate_open(&blocker.go);
	assert_int_equal(call_join(&call), 0);
}

/* ---------------------------------------------------------------- handlers */

static pid_t pid_of_handler;

static void fork_in_handler(int sig)
{
	pid_of_handler = _Fork();
	if (!pid_of_handler)
		run_program();
}

/* In the middle of queue_work(), in a section. */
static void interrupt(const char *line)
{
	raise(SIGUSR1);
}

/* U7 */
static void handler_may_call__Fork_whatever_it_interrupts(void **state)
{
	struct stuck_queue stuck;
	struct call drain;
	struct item item;

	signal(SIGUSR1, fork_in_handler);
	stuck_queue_make(&stuck);
	item_init(&item);
	call_start(&drain, do_drain_workqueue, stuck.wq);
	assert_true(call_blocks(&drain));
	workq_set_report_fn(interrupt);
	queue_work(stuck.wq, &item.work);
	workq_set_report_fn(report_catch);
	assert_true(pid_of_handler > 0);
	assert_true(child_end(pid_of_handler));
	gate_open(&stuck.blocker.go);
	call_join(&drain);
	stuck_queue_free(&stuck);
}

/* test_begin() starts the library. */
#define unstarted_test(fn) cmocka_unit_test(fn)

int main(void)
{
	const struct CMUnitTest tests[] = {
		unstarted_test(fork_before_the_first_use),
		unstarted_test(fork_while_others_start_the_library),
		api_test(child_may_call_exec),
		api_test(posix_spawn_and_vfork_are_untouched),
		api_test(child_of_who_has_shut_down_starts_anew),
		api_test(child_of_who_shuts_down_starts_anew),
		api_test(handler_may_call__Fork_whatever_it_interrupts),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
