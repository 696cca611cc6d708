/* SPDX-License-Identifier: MIT */
/*
 * test_idle.c - a worker without items sleeps.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "support/api.h"

/* The state letter of a thread of ours, from its stat file; 0: it is gone. */
static char state_of(const char *task)
{
	char path[300], text[512] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/stat", task);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	/* the name, in parentheses, may contain anything */
	end = strrchr(text, ')');
	return end && strstr(text, "(kworker/") && strlen(end) > 2 ? end[2] : 0;
}

/* Runnable, and in uninterruptible sleep, are what the system counts as load. */
static int nr_counted_as_load(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	int nr = 0;
	char state;

	assert_non_null(tasks);
	while ((task = readdir(tasks))) {
		state = state_of(task->d_name);
		nr += state == 'R' || state == 'D';
	}
	closedir(tasks);
	return nr;
}

/* Q5 */
static void workers_without_items_are_no_load(void **state)
{
	struct workqueue_struct *queues[] = { system_percpu_wq, system_highpri_wq, system_dfl_wq,
					      system_bh_wq };
	size_t i;

	for (i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		run_one_item_on(queues[i]);
	wait_until(!nr_counted_as_load());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(workers_without_items_are_no_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
