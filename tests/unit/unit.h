/* SPDX-License-Identifier: MIT */
/*
 * unit.h - frame of the unit tests.
 *
 * must() is the assertion that threads, signal handlers and child processes may
 * use; CMocka's own are for the test's thread only. child_test() runs a test in
 * a process of its own: the library's state is as at its start there, and may be
 * spoiled. A test that hangs is ended by SIGALRM.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/call.h"
#include "../support/gate.h"
#include "../support/must.h"
#include "../support/sanitized.h"
#include "base/report.h"

#ifdef WORKQ_DEBUG
#define TESTS_DEBUG 1
#else
#define TESTS_DEBUG 0
#endif

enum {
	UNIT_SECONDS = 4 * DEADLINE_S,
	CHILD_SECONDS = 3 * DEADLINE_S,
	DUEL_SECONDS = 3,
	EXIT_SKIPPED = 77,
	EXIT_WRONG_REPORT = 78,
};

static inline void unit_hangs(int sig)
{
	static const char text[] = "the test hangs\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

static inline int unit_begin(void **state)
{
	(void)state;
	signal(SIGALRM, unit_hangs);
	alarm(UNIT_SECONDS);
	return 0;
}

static inline int unit_end(void **state)
{
	(void)state;
	alarm(0);
	return 0;
}

#define room_test(fn) cmocka_unit_test_setup_teardown(fn, unit_begin, unit_end)

/* --------------------------------------------------- processes of their own */

/* Its wait status. */
static inline int run_in_child(void (*fn)(void))
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		signal(SIGALRM, unit_hangs);
		alarm(CHILD_SECONDS);
		fn();
		exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

static inline void assert_child_passes(void (*fn)(void))
{
	int status = run_in_child(fn);

	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static inline void run_child_test(void **state)
{
	assert_child_passes((void (*)(void)) * state);
}

#define child_test(fn)                                                                             \
	{                                                                                          \
#fn, run_child_test, unit_begin, unit_end, (void *)(fn)                            \
	}

/* ---------------------------------------------------- broken invariants */

static const char *expected_bug;

static inline void expect_bug(const char *line)
{
	if (!strstr(line, "BUG in libworkq") || !strstr(line, expected_bug))
		_exit(EXIT_WRONG_REPORT);
}

static inline bool aborts(void (*fn)(void), const char *what)
{
	static const struct rlimit no_core = { 0, 0 };
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGALRM, SIG_DFL);
		alarm(CHILD_SECONDS);
		expected_bug = what;
		wq_report_set_fn(expect_bug);
		fn();
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* The library finds its state broken, reports `what`, and aborts. */
#define assert_aborts(fn, what)                                                                    \
	do {                                                                                       \
		if (!TESTS_DEBUG)                                                                  \
			skip();                                                                    \
		assert_true(aborts((fn), (what)));                                                 \
	} while (0)

/* ------------------------------------------------------------------- duels */

/*
 * Two threads, 0 and 1, that race round by round: both leave meet() at about the
 * same time. For child tests, since the threads are pinned, and the process is
 * skipped where there are no two CPUs.
 */
struct duel {
	struct {
		atomic_int round;
		atomic_llong start_ns;
	} __attribute__((aligned(64))) at[2];
	atomic_bool is_over;
	long long end_ns; /* enough tried */
	cpu_set_t cpus;
	unsigned int delay; /* for one of them, see close_in(); changed by one between rounds */
};

/* Before the threads take their places. */
static inline void duel_begin(struct duel *duel)
{
	duel->end_ns = now_ns() + DUEL_SECONDS * 1000000000LL;
	pthread_getaffinity_np(pthread_self(), sizeof(duel->cpus), &duel->cpus);
	if (CPU_COUNT(&duel->cpus) < 2)
		exit(EXIT_SKIPPED);
}

static inline void duel_take_place(struct duel *duel, int who)
{
	cpu_set_t place;

	CPU_ZERO(&place);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &duel->cpus) && who-- == 0)
			CPU_SET(cpu, &place);
	pthread_setaffinity_np(pthread_self(), sizeof(place), &place);
}

static inline void spin_until_round(atomic_int *at, int round)
{
	unsigned int n = 0;

	while (atomic_load(at) < round)
		if (++n > 1000) /* he does not run at all */
			sched_yield();
}

/*
 * Thread 0 says when they start, so that the way of the news does not count.
 * False, for both: the duel has lasted long enough.
 */
static inline bool meet(struct duel *duel, int who, int round)
{
	long long start;

	if (who) {
		atomic_store(&duel->at[1].round, round);
		spin_until_round(&duel->at[0].round, round);
		start = atomic_load(&duel->at[0].start_ns);
	} else {
		spin_until_round(&duel->at[1].round, round);
		start = now_ns() + 300;
		if (start > duel->end_ns)
			atomic_store(&duel->is_over, true);
		atomic_store(&duel->at[0].start_ns, start);
		atomic_store(&duel->at[0].round, round);
	}
	while (now_ns() < start)
		;
	return !atomic_load(&duel->is_over);
}

/* Nanoseconds, roughly: who of two comes first should differ. */
static inline void dawdle(unsigned int n)
{
	for (volatile unsigned int i = 0; i < n; i++)
		;
}

/* The delay nears the moment when both collide, and stays there: nobody knows it beforehand. */
static inline void close_in(struct duel *duel, bool was_too_early)
{
	if (was_too_early)
		duel->delay += 1 + duel->delay / 16;
	else
		duel->delay -= duel->delay ? 1 + duel->delay / 16 : 0;
}

/* ----------------------------------------------------------------- random */

/* xorshift64; the seed is printed by who begins with it */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* 0 .. bound - 1 */
static inline unsigned int random_below(uint64_t *state, unsigned int bound)
{
	return (unsigned int)(next_random(state) % bound);
}

/* WORKQ_TEST_SEED repeats a run. */
static inline uint64_t random_seed(void)
{
	const char *text = getenv("WORKQ_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)now_ns();

	printf("seed %llu\n", (unsigned long long)seed);
	return seed ? seed : 1;
}

/* In a child_test(): children that make threads die in qemu-user 7.2 (plugins/core.c). */
static inline void need_threads_after_fork(void)
{
	if (TESTS_EMULATED)
		exit(EXIT_SKIPPED);
}

#endif /* TESTS_UNIT_H */
