/* SPDX-License-Identifier: MIT */
/*
 * test_watchdog_panic.c - a process that stalls ends, if the environment asks for that (R2).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/stuck.h"

/* What becomes of a process with these variables whose pool is stuck for good. */
static int end_of_stuck_process(const char *at_report, const char *after_ms)
{
	struct stuck_pool stuck;
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		return status;
	}
	setenv("WORKQ_WATCHDOG_THRESH_MS", "100", 1);
	/* otherwise who computes is stepped around, and nothing is stuck (L4) */
	setenv("WORKQ_CPU_INTENSIVE_THRESH_US", "0", 1);
	setenv("WORKQ_PANIC_ON_STALL", at_report, 1);
	setenv("WORKQ_PANIC_ON_STALL_MS", after_ms, 1);
	/* neither a core nor a test that never ends */
	signal(SIGABRT, SIG_DFL);
	/* before the gate gives up: that would be an abort, too */
	alarm(DEADLINE_S - 10);
	stuck_pool_make(&stuck);
	for (;;)
		pause();
}

static bool is_abort(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* R2 */
static void stuck_process_ends_at_the_report_asked_for(void **state)
{
	(void)state;
	assert_true(is_abort(end_of_stuck_process("1", "0")));
	assert_true(is_abort(end_of_stuck_process("3", "0")));
}

/* R2 */
static void stuck_process_ends_when_stuck_for_long(void **state)
{
	(void)state;
	assert_true(is_abort(end_of_stuck_process("0", "250")));
}

int main(void)
{
	/* the parent must not have used the library */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stuck_process_ends_at_the_report_asked_for),
		cmocka_unit_test(stuck_process_ends_when_stuck_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
