/* SPDX-License-Identifier: MIT */
/*
 * test_timer_without_timerfd.c - a program that has used up its file descriptors.
 *
 * Without a timerfd the timer thread sleeps in its park, and whoever arms an earlier
 * timer wakes it there. But the thread itself, too, told "the sleeper" of the next
 * deadline before it slept: it woke its own park, and never slept at all. One timer
 * armed for an hour cost a whole CPU. The thread now only notes the deadline.
 */
#include <sys/resource.h>

#include "support/api.h"
#include "support/delayed.h"

enum {
	LOOK_NS = 1000000000,
	MOST_MS = 200, /* went wrong with all that the machine gave: about a second */
};

static struct delayed_item far, soon;

static long cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct rlimit use_up_descriptors(void)
{
	struct rlimit usual, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none = usual;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return usual;
}

/* I2 */
static void timer_thread_without_a_descriptor_sleeps_and_fires(void **state)
{
	struct rlimit usual = use_up_descriptors();
	long cpu;

	delayed_init(&far);
	delayed_init(&soon);
	assert_true(delayed_arm(&far, system_percpu_wq, FAR));
	assert_true(delayed_arm(&soon, system_percpu_wq, SOON));
	wait_until(delayed_runs(&soon) == 1);
	assert_true(delayed_was_not_early(&soon));
	cpu = cpu_ms();
	nap_us(LOOK_NS / 1000);
	assert_true(cpu_ms() - cpu < MOST_MS);
	assert_true(cancel_delayed_work_sync(&far.dwork));
	setrlimit(RLIMIT_NOFILE, &usual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(timer_thread_without_a_descriptor_sleeps_and_fires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
