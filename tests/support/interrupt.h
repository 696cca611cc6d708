/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - threads that signal handlers interrupt at any point.
 *
 * Each thread has two timers, whose handlers may also interrupt each other. They
 * are set anew for each operation, since periodic ones may leave a slow machine
 * no time to go on. Handlers call interrupt_act(), which the program defines,
 * and errno must survive that. A program includes this once.
 */
#ifndef TESTS_INTERRUPT_H
#define TESTS_INTERRUPT_H

#include <errno.h>
#include <sys/syscall.h>

#include "support/stress.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	LATEST_US = 30, /* of an operation's interruption, after its beginning */
	STRANGE_ERRNO = 4711,
	ACTS = 2, /* of a handler */
};

static atomic_long signals, nested;
/* How often interrupt_act() said true in a handler. */
static atomic_long acts_of_handlers;
static __thread struct rng handler_rng;
static __thread volatile sig_atomic_t interrupt_depth;

static bool interrupt_act(struct rng *rng);

static void on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	atomic_fetch_add(&signals, 1);
	atomic_fetch_add(&nested, interrupt_depth++ > 0);
	errno = STRANGE_ERRNO;
	for (int i = 0; i < ACTS; i++)
		atomic_fetch_add(&acts_of_handlers, interrupt_act(&handler_rng));
	if (errno != STRANGE_ERRNO)
		atomic_fetch_add(&stress.faults, 1);
	interrupt_depth--;
	errno = saved;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

static timer_t make_timer(int sig)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig };
	timer_t timer;

	event.sigev_notify_thread_id = syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer)) {
		perror("timer_create");
		exit(EXIT_FAILURE);
	}
	return timer;
}

static void interrupt_soon(timer_t timer, struct rng *rng)
{
	struct itimerspec when = { 0 };

	when.it_value.tv_nsec = 1 + rng_below(rng, LATEST_US * 1000);
	timer_settime(timer, 0, &when, NULL);
}

/* The calling thread, the nth of its kind, acts and is interrupted. */
static void be_interrupted_in(void (*act)(struct rng *rng), int nth)
{
	struct rng rng = rng_of(1, nth);
	timer_t alarm_timer = make_timer(SIGALRM);
	timer_t other_timer = make_timer(SIGUSR1);

	handler_rng = rng_of(2, nth);
	for (long op = 0; op < stress.ops; op++) {
		interrupt_soon(alarm_timer, &rng);
		if (rng_below(&rng, 4) == 0)
			interrupt_soon(other_timer, &rng);
		act(&rng);
	}
	timer_delete(alarm_timer);
	timer_delete(other_timer);
}

/* For a handler, too: a report that nobody expects. */
static inline void note_unexpected(const char *line)
{
	static const char begin[] = "unexpected report: ";

	atomic_fetch_add(&stress.faults, 1);
	(void)!write(STDERR_FILENO, begin, sizeof(begin) - 1);
	(void)!write(STDERR_FILENO, line, strlen(line));
	(void)!write(STDERR_FILENO, "\n", 1);
}

#endif /* TESTS_INTERRUPT_H */
