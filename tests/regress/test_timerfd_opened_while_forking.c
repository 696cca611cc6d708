/* SPDX-License-Identifier: MIT */
/*
 * test_timerfd_opened_while_forking.c - the first timer is armed, then the process forks.
 *
 * The timer thread gave its descriptor a number beyond the table's end: in a process with threads the
 * system took some 10 ms to make a larger table. Until then the first timer could not fire, and
 * a child inherited a descriptor whose number nobody had yet: 50 of 50 times, 3 ms after arming.
 */
#include <dirent.h>
#include <string.h>
#include <sys/wait.h>

#include "support/api.h"
#include "support/child.h"

enum {
	ROUNDS = 10,
};

static struct delayed_work far_off;

static int nr_timerfds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	char path[300], target[64];
	struct dirent *entry;
	int nr = 0;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		memset(target, 0, sizeof(target));
		if (readlink(path, target, sizeof(target) - 1) > 0)
			nr += strstr(target, "timerfd") != NULL;
	}
	closedir(dir);
	return nr;
}

static void look_for_timerfds(void)
{
	child_must(nr_timerfds() == 0);
}

static void do_nothing(struct work_struct *work)
{
	(void)work;
}

/* A process that uses the library for the first time. */
static void arm_and_fork(int round)
{
	INIT_DELAYED_WORK(&far_off, do_nothing);
	child_must(queue_delayed_work(system_dfl_wq, &far_off, 3600 * HZ));
	nap_us(round * 400);
	child_must(child_does(look_for_timerfds));
	_exit(EXIT_SUCCESS);
}

/* U3 */
static void child_of_a_process_with_a_new_timer_has_no_timerfd(void **state)
{
	/* its children end at once, and may not start threads */
	if (TESTS_THREAD_SANITIZED)
		skip();
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid = fork();

		if (!pid)
			arm_and_fork(round);
		assert_true(child_end(pid));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(child_of_a_process_with_a_new_timer_has_no_timerfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
