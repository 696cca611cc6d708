/* SPDX-License-Identifier: MIT */
/*
 * test_watchdog.c - pools that do not get on are reported (R1).
 *
 * With a short threshold; each test has a process of its own.
 */
#include <dirent.h>

#include "support/api.h"
#include "support/shown.h"
#include "support/stuck.h"
#include "support/thread.h"

#define THRESHOLD_MS 200

static atomic_int lockups;

static void catch_lockup(const char *line)
{
	shown_catch(line);
	if (report_begins(line, "workq: BUG: workqueue lockup - pool "))
		atomic_fetch_add(&lockups, 1);
}

/* With its lockups counted. */
static void stuck_pool_watch(struct stuck_pool *stuck)
{
	workq_set_report_fn(catch_lockup);
	stuck_pool_make(stuck);
}

/* R1 */
static void pool_stuck_behind_a_computing_item_is_reported_and_shown(void **state)
{
	struct stuck_pool stuck;
	char text[64];
	int line;

	stuck_pool_watch(&stuck);
	wait_until(atomic_load(&lockups));
	wait_until(shown_after(0, "workq: pool ") > 0);
	snprintf(text, sizeof(text), ": cpus=%d flags=0x0 nice=0 stuck for ", allowed_cpu(0));
	assert_shown(text);
	line = shown_after(0, "Showing busy workqueues and worker pools:");
	assert_true(line > 0);
	line = shown_after(line, "workqueue stuck: ");
	assert_true(line > 0);
	assert_true(shown_after(line, "pending: ") > line);
	stuck_pool_free(&stuck);
}

/* R1 */
static void pool_still_stuck_is_reported_again(void **state)
{
	struct stuck_pool stuck;

	stuck_pool_watch(&stuck);
	wait_until(atomic_load(&lockups) >= 3);
	stuck_pool_free(&stuck);
}

/* It is the items that wait which must get on. */
/* R1 */
static void item_that_takes_long_while_none_waits_is_not_reported(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("long", WQ_PERCPU, 0);
	long long until = now_ns() + 3 * THRESHOLD_MS * 1000000LL;
	struct blocker blocker;

	workq_set_report_fn(catch_lockup);
	blocker_spin_on(&blocker, allowed_cpu(0), wq);
	while (now_ns() < until) {
		assert_int_equal(atomic_load(&lockups), 0);
		nap_us(1000);
	}
	blocker_release(&blocker);
	destroy_workqueue(wq);
}

static int manager_tid(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int tid = 0;

	assert_non_null(dir);
	while (!tid && (entry = readdir(dir))) {
		char path[300], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && !strcmp(name, "kworker/manager\n"))
			tid = atoi(entry->d_name);
		if (f)
			fclose(f);
	}
	closedir(dir);
	return tid;
}

/* For longer than the watchdog would sleep between two looks. */
static bool sleeps_through(int tid)
{
	long before = thread_sleeps(tid);

	nap_us(3 * THRESHOLD_MS * 1000);
	return thread_sleeps(tid) == before;
}

/* Nobody wakes up to look at pools without items. */
/* R1 */
static void watchdog_of_an_idle_process_sleeps(void **state)
{
	int tid;

	run_one_item_on(system_percpu_wq);
	wait_until((tid = manager_tid()));
	wait_until(sleeps_through(tid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(pool_stuck_behind_a_computing_item_is_reported_and_shown),
		api_test(pool_still_stuck_is_reported_again),
		api_test(item_that_takes_long_while_none_waits_is_not_reported),
		api_test(watchdog_of_an_idle_process_sleeps),
	};

	setenv("WORKQ_WATCHDOG_THRESH_MS", "200", /* overwrite */ 1);
	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
