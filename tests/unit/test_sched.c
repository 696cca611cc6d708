/* SPDX-License-Identifier: MIT */
/*
 * test_sched.c - the fences of who says that he will sleep, and of who wakes him; a sleep that
 * somebody ends too early.
 *
 * Whether two CPUs miss each other without fences is chance. So the calls are stepped through, with a
 * machine in mind whose stores wait in a buffer for as long as they may: until a fence, or a locked
 * instruction.
 */
#include "../support/insn.h"
#include "../support/step.h"
#include "unit.h"

#include <workq/sched.h>

#include "ops/task.h"

static struct task_struct *self;

static int sched_begin(void **state)
{
	self = workq_current_task();
	return self ? unit_begin(state) : -1;
}

#define sched_test(fn) cmocka_unit_test_setup_teardown(fn, sched_begin, unit_end)

/* Behind this instruction all stores in front of it are seen by the other CPUs. */
static bool empties_buffer(uintptr_t pc)
{
	enum insn_kind kind = insn_kind((const unsigned char *)pc);

	return kind == INSN_FENCE || kind == INSN_RMW;
}

/* ------------------------------------------------------------------ the sleeper */

static bool is_seen; /* by others: the state */

static void watch_sleeper(long nth)
{
	(void)nth;
	if (wq_load_relaxed(&self->state) == TASK_INTERRUPTIBLE && empties_buffer(step_pc()))
		is_seen = true;
}

/* A4: the condition is looked at next, perhaps by a plain load. */
static void state_is_seen_by_others_before_set_current_state_returns(void **state)
{
	need_steps();
	is_seen = false;
	step_begin(watch_sleeper);
	set_current_state(TASK_INTERRUPTIBLE);
	step_end();
	__set_current_state(TASK_RUNNING);
	assert_true(is_seen);
}

/* -------------------------------------------------------------------- the waker */

static struct task_struct sleeper;
static bool is_emptied; /* by the instruction before */

/* It sleeps if it has missed what was stored before the call, and says so as late as it can. */
static void sleep_behind_fence(long nth)
{
	(void)nth;
	if (is_emptied) {
		step_end();
		wq_store_relaxed(&sleeper.state, (uint32_t)TASK_INTERRUPTIBLE);
	}
	is_emptied = empties_buffer(step_pc());
}

/* A4: the condition was made true before, perhaps by a plain store. */
static void state_is_looked_at_behind_a_fence_by_wake_up_process(void **state)
{
	int woken;

	need_steps();
	is_emptied = false;
	step_begin(sleep_behind_fence);
	woken = wake_up_process(&sleeper);
	step_end();
	assert_int_equal(woken, 1);
	assert_int_equal(wq_load_relaxed(&sleeper.state), TASK_RUNNING);
}

/* ---------------------------------------------------------------- a long sleep */

enum {
	NAP_MS = 5,
	MS_NS = 1000000,
};

static long long clock_ns; /* what it is for who looks next, but for a millisecond; 0: the system's */
static int nr_wakes;

/* Not under sanitizers: their run-time libraries have one of their own. */
#if !TESTS_SANITIZED
/* Time passes by being looked at; and whoever sleeps then is woken. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (!clock_ns)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	clock_ns += MS_NS;
	ts->tv_sec = (time_t)(clock_ns / (1000 * MS_NS));
	ts->tv_nsec = (long)(clock_ns % (1000 * MS_NS));
	nr_wakes += wake_up_process(self);
	return 0;
}
#endif

/* T6 */
static void msleep_goes_on_when_it_is_woken(void **state)
{
	long long begin = now_ns(), end;

	if (TESTS_SANITIZED)
		skip();
	nr_wakes = 0;
	clock_ns = begin;
	msleep(NAP_MS);
	end = clock_ns;
	clock_ns = 0;
	assert_true(nr_wakes > 0);
	assert_true(end - begin >= NAP_MS * MS_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sched_test(state_is_seen_by_others_before_set_current_state_returns),
		sched_test(state_is_looked_at_behind_a_fence_by_wake_up_process),
		sched_test(msleep_goes_on_when_it_is_woken),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
