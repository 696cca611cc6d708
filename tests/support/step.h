/* SPDX-License-Identifier: MIT */
/*
 * step.h - interrupt a call after each of its instructions.
 *
 * Where a race is a few instructions wide, chance does not find it. Between step_begin() and
 * step_end() the calling thread has a signal handler run after every instruction that it
 * executes outside of the kernel, and step_fn is called there with the number of the
 * instruction. x86-64 has a flag for that; without it, or under sanitizers, whose own code
 * must not be interrupted so, need_steps() skips. A program includes this once.
 */
#ifndef TESTS_STEP_H
#define TESTS_STEP_H

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include <cmocka.h>

#include "sanitized.h"

#if defined(__x86_64__) && !TESTS_SANITIZED
#define STEPS_EXIST 1
#else
#define STEPS_EXIST 0
#endif

static void (*step_fn)(long nth);
static __thread volatile sig_atomic_t step_is_on;
static __thread volatile long step_nth;
static __thread const ucontext_t *step_context;

/* Whether the interrupted thread traps after its next instruction, too. */
static void step_set_trap(ucontext_t *context, bool is_on)
{
#if STEPS_EXIST
	greg_t *flags = &context->uc_mcontext.gregs[REG_EFL], trap = 0x100;

	*flags = is_on ? *flags | trap : *flags & ~trap;
#else
	(void)context;
	(void)is_on;
#endif
}

/* Within step_fn: the instruction that comes next. */
static inline uintptr_t step_pc(void)
{
#if STEPS_EXIST
	return (uintptr_t)step_context->uc_mcontext.gregs[REG_RIP];
#else
	return 0;
#endif
}

/* Within step_fn: the top of the stack; where a function begins, its return address. */
static inline uintptr_t step_top_of_stack(void)
{
#if STEPS_EXIST
	return *(const uintptr_t *)step_context->uc_mcontext.gregs[REG_RSP];
#else
	return 0;
#endif
}

static void step_trap(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)info;
	step_context = context;
	step_set_trap(context, step_is_on);
	if (step_is_on)
		step_fn(++step_nth);
	errno = saved;
}

/* From here on; also on a worker, of which asynchronous signals are kept away. */
static void step_begin(void (*fn)(long nth))
{
	struct sigaction action = { .sa_sigaction = step_trap, .sa_flags = SA_SIGINFO };

	step_fn = fn;
	step_nth = 0;
	step_is_on = true;
	sigemptyset(&action.sa_mask);
	sigaction(SIGTRAP, &action, NULL);
	pthread_kill(pthread_self(), SIGTRAP);
}

static void step_end(void)
{
	step_is_on = false;
}

#define need_steps()                                                                               \
	do {                                                                                       \
		if (!STEPS_EXIST)                                                                  \
			skip();                                                                    \
	} while (0)

#endif /* TESTS_STEP_H */
