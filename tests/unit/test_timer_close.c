/* SPDX-License-Identifier: MIT */
/*
 * test_timer_close.c - two callers of workq_shutdown() close the timerfd at once: it is closed once.
 *
 * A process for each point at which one of them is overtaken by the other: there is no second
 * timerfd to be had.
 */
#include "../support/meddle.h"
#include "../support/syscall_stand_in.h"
#include "../support/delayed.h"
#include "unit.h"

#include "core/timer.h"
#include "ops/init.h"

enum {
	MAX_POINTS = 400, /* the last ones: before, all in flight is waited for */
	STRIDE = 3,
};

static int nr_closed;
static _Thread_local bool counts; /* the manager closes files of its own meanwhile */

static bool syscall_is_refused(long nr)
{
	if (nr == SYS_close && counts)
		nr_closed++;
	return false;
}

static struct delayed_item item;
static long point, nr_points;

static void begin(void)
{
	must(wq_init_use());
	delayed_init(&item);
	must(delayed_arm(&item, system_percpu_wq, 1));
	wait_until(delayed_runs(&item) == 1);
	wq_timer_stop();
	wait_until(wq_timer_is_gone());
	nr_closed = 0;
	counts = true;
}

static void close_overtaken(void)
{
	begin();
	meddle_after(point, wq_timer_close, wq_timer_close);
	must(nr_closed == 1);
	_exit(0);
}

static void count_points(void)
{
	begin();
	meddle_after(0, wq_timer_close, wq_timer_close);
	must(nr_closed == 1);
	nr_points = step_nth;
}

static void must_pass(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		fn();
	must(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Before the library is used here: each child has its own. */
static void timerfd_that_two_close_at_once_is_closed_once(void)
{
	long first;

	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	must_pass(close_overtaken);
	count_points();
	counts = false;
	first = nr_points > MAX_POINTS ? nr_points - MAX_POINTS : 1;
	for (point = first; point < nr_points; point += STRIDE)
		must_pass(close_overtaken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(timerfd_that_two_close_at_once_is_closed_once),
	};

	return cmocka_run_group_tests_name("timer_close", tests, NULL, NULL);
}
