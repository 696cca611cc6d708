/* SPDX-License-Identifier: MIT */
/*
 * test_timerfd_closed_while_idle.c - a program that closes all descriptors.
 *
 * Daemons and sandboxes do. The timer thread slept in a read of its timerfd; with
 * nothing armed no alarm would ever end that read, and nobody could set one any
 * more: no timer fired again. Whoever cannot set the timerfd now has the
 * manager make another thread, with another timerfd.
 */
#include <dirent.h>

#include "support/api.h"
#include "support/delayed.h"

static struct delayed_item item;

static void close_from(int first)
{
	for (int fd = first; fd < 1024; fd++)
		close(fd);
}

static int nr_timer_threads_asleep(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	int nr = 0;

	assert_non_null(tasks);
	while ((task = readdir(tasks))) {
		int tid = atoi(task->d_name);

		nr += tid && is_timer_thread(tid) && thread_state(tid) == 'S';
	}
	closedir(tasks);
	return nr;
}

/* Not only for a moment: a thread on its way to sleep finds out that its timerfd is closed. */
static bool stay_asleep(int nr)
{
	for (int look = 0; look < 5; look++) {
		if (nr_timer_threads_asleep() != nr)
			return false;
		nap_us(1000);
	}
	return true;
}

static void run_once(void)
{
	int runs = delayed_runs(&item);

	assert_true(delayed_arm(&item, system_percpu_wq, SOON));
	wait_until(delayed_runs(&item) == runs + 1);
	assert_true(delayed_was_not_early(&item));
}

/* I2 */
static void timers_fire_after_all_descriptors_were_closed(void **state)
{
	(void)state;
	delayed_init(&item);
	for (int round = 1; round <= 3; round++) {
		run_once();
		run_once();
		/* one more for each that sleeps for ever in what was closed */
		wait_until(stay_asleep(round));
		close_from(3);
	}
	run_once();
	assert_noted(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(timers_fire_after_all_descriptors_were_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
