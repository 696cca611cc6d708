/* SPDX-License-Identifier: MIT */
/*
 * api.h - frame of the API tests.
 *
 * Each test begins with nothing reported and ends so: a report that the test
 * did not take (report_take()) fails it. A test that hangs is ended by SIGALRM.
 */
#ifndef TESTS_API_H
#define TESTS_API_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <workq/workq.h>
#include <workq/workqueue.h>

#include "call.h"
#include "gate.h"
#include "item.h"
#include "report.h"
#include "sanitized.h"

enum {
	TEST_SECONDS = 5 * DEADLINE_S,
	LOOK_MS = 20,
};

static void test_hangs(int sig)
{
	static const char text[] = "the test hangs\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

/* For tests of what comes before the library is started, or of how that goes. */
static inline int test_begin_unstarted(void **state)
{
	(void)state;
	signal(SIGALRM, test_hangs);
	alarm(TEST_SECONDS);
	report_take();
	workq_set_report_fn(report_catch);
	/* a blocker that spins holds its CPU for as long as the test wishes */
	setenv("WORKQ_CPU_INTENSIVE_THRESH_US", "0", /* overwrite */ 0);
	return 0;
}

static inline int test_begin(void **state)
{
	test_begin_unstarted(state);
	/* starts the library, as any first call does; workers are made on need */
	return workq_attr_read("cpumask", NULL, 0) > 0 ? 0 : -1;
}

/*
 * Whoever computes sleeps now and then for locks of the emulator's or of ThreadSanitizer's, which
 * has one for each atomic variable: of an item of a WQ_BH queue that is told.
 */
static inline bool is_tool_reported(void)
{
	return (TESTS_EMULATED || TESTS_THREAD_SANITIZED) && report_count() == 1 &&
	       report_says("an item of a WQ_BH queue sleeps while others wait for it");
}

static int test_end(void **state)
{
	(void)state;
	alarm(0);
	if (!report_count() || is_tool_reported())
		return 0;
	report_print();
	return -1;
}

#define api_test(fn) cmocka_unit_test_setup_teardown(fn, test_begin, test_end)

/*
 * @cond must not become true yet. Looked at for LOOK_MS: a slow machine can make
 * this blind, not wrong.
 */
#define assert_not_yet(cond)                                                                       \
	do {                                                                                       \
		long long until_ = now_ns() + LOOK_MS * 1000000LL;                                 \
		do {                                                                               \
			assert_false(cond);                                                        \
			nap_us(200);                                                               \
		} while (now_ns() < until_);                                                       \
	} while (0)

/* Told of as often as the kernel does it, at least once; and begin anew. */
#define assert_warned()                                                                            \
	do {                                                                                       \
		assert_true(reports_are_well_formed());                                            \
		assert_true(report_take() > 0);                                                    \
	} while (0)

/* Exactly so many warnings and notes since the last look. */
#define assert_told(warnings, notes)                                                               \
	do {                                                                                       \
		if (report_count() != (warnings) || note_count() != (notes))                       \
			report_print();                                                            \
		assert_true(reports_are_well_formed());                                            \
		assert_int_equal(note_count(), (notes));                                           \
		assert_int_equal(report_take(), (warnings));                                       \
	} while (0)

#define assert_reported(warnings) assert_told((warnings), 0)
#define assert_noted(notes)       assert_told(0, (notes))

/* The queue works. */
static inline void run_one_item_on(struct workqueue_struct *wq)
{
	struct item item;

	item_init(&item);
	assert_true(queue_work(wq, &item.work));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
}

#define need_cpus(nr)                                                                              \
	do {                                                                                       \
		if (nr_allowed_cpus() < (nr))                                                      \
			skip();                                                                    \
	} while (0)

/* Each test in a process of its own: the library reports a kind of misuse once. */
static inline int run_in_processes(const struct CMUnitTest *tests, size_t nr)
{
	int failed = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct CMUnitTest one[] = { tests[i] };
		int status = 0;
		pid_t pid;

		fflush(NULL);
		pid = fork();
		if (pid == 0)
			exit(cmocka_run_group_tests_name(tests[i].name, one, NULL, NULL));
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			failed++;
	}
	return failed;
}

#endif /* TESTS_API_H */
