/* SPDX-License-Identifier: MIT */
/*
 * test_watchdog.c - what counts as a stall, and when it is reported (R1).
 *
 * The clock is the test's: it goes on from one test to the next, by leaps after
 * which nothing seen before counts.
 */
#include "handmade.h"

#include "base/options.h"
#include "watch/watchdog.h"

#define NS_PER_S 1000000000ull

/* The threshold is a second; so looks come each half of one. */
#define LOOK_NS (NS_PER_S / 2)

static uint64_t now = NS_PER_S;
static int nr_lockups;
static char lockup[512];
static struct wq_worker *worker;

static void catch_lockup(const char *line)
{
	if (strncmp(line, "workq: BUG: workqueue lockup", 28) == 0) {
		nr_lockups++;
		snprintf(lockup, sizeof(lockup), "%s", line);
	}
}

/* How often it was reported since the last time. */
static int take_lockups(void)
{
	int nr = nr_lockups;

	nr_lockups = 0;
	return nr;
}

/* A worker has an item, and one more waits. */
static int watchdog_begin(void **state)
{
	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	wq_store_release(&wq_nr_pools, POOL_ID + 1);
	wq_options.watchdog_ms = 1000;
	wq_report_set_fn(catch_lockup);
	take_lockups();
	wq_pool_lock(&pool);
	file(0);
	file(1);
	worker = new_worker();
	begin_item(worker, &item[0]);
	unlock_only();
	now += 100 * NS_PER_S;
	return unit_begin(state);
}

static int watchdog_end(void **state)
{
	wq_report_set_fn(NULL);
	handmade_end();
	return unit_end(state);
}

#define watchdog_test(fn) cmocka_unit_test_setup_teardown(fn, watchdog_begin, watchdog_end)

static bool look(void)
{
	bool is_waiting = wq_watchdog_look(now);

	now += LOOK_NS;
	return is_waiting;
}

static void look_times(int nr)
{
	while (nr--)
		assert_true(look());
}

/* R1 */
static void stall_is_reported_after_the_threshold(void **state)
{
	look_times(2);
	assert_int_equal(take_lockups(), 0);
	look_times(1);
	assert_int_equal(take_lockups(), 1);
	assert_string_equal(lockup, "workq: BUG: workqueue lockup - pool 1: cpus=0 flags=0x0 "
				    "nice=0 stuck for 1s!");
}

/* R1 */
static void stall_is_reported_again_each_threshold(void **state)
{
	look_times(3);
	assert_int_equal(take_lockups(), 1);
	look_times(1);
	assert_int_equal(take_lockups(), 0);
	look_times(1);
	assert_int_equal(take_lockups(), 1);
	assert_non_null(strstr(lockup, " stuck for 2s!"));
}

/* R1 */
static void item_started_begins_anew(void **state)
{
	for (int i = 0; i < 5; i++) {
		look_times(2);
		worker->nr_started++;
	}
	assert_int_equal(take_lockups(), 0);
	look_times(3);
	assert_int_equal(take_lockups(), 1);
}

static void pool_without_waiting_items_is_none_of_its_concern(void **state)
{
	look_times(2);
	wq_pool_lock(&pool);
	wq_list_del(wq_work_node(&item[1]));
	unlock_only();
	for (int i = 0; i < 5; i++)
		assert_false(look());
	/* waits since now, whatever was before */
	wq_pool_lock(&pool);
	wq_list_add_tail(wq_work_node(&item[1]), &pool.worklist);
	unlock_only();
	look_times(2);
	assert_int_equal(take_lockups(), 0);
	look_times(1);
	assert_int_equal(take_lockups(), 1);
}

static void item_in_the_intake_waits_too(void **state)
{
	wq_pool_lock(&pool);
	wq_list_del(wq_work_node(&item[1]));
	unlock_only();
	push(2);
	look_times(3);
	assert_int_equal(take_lockups(), 1);
}

static void touched_pool_begins_anew(void **state)
{
	static const int cpus[] = { 0, -1, WORK_CPU_UNBOUND };

	for (int i = 0; i < 3; i++) {
		look_times(2);
		wq_watchdog_touch_pools(cpus[i]);
	}
	look_times(2);
	assert_int_equal(take_lockups(), 0);
	look_times(1);
	assert_int_equal(take_lockups(), 1);
}

static void touching_another_cpu_does_not_help(void **state)
{
	look_times(2);
	wq_watchdog_touch_pools(1);
	look_times(1);
	assert_int_equal(take_lockups(), 1);
}

/* Nobody can say what has not got on while the whole process was stopped. */
static void late_look_begins_anew(void **state)
{
	look_times(2);
	now += NS_PER_S;
	look_times(2);
	assert_int_equal(take_lockups(), 0);
	look_times(1);
	assert_int_equal(take_lockups(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		watchdog_test(stall_is_reported_after_the_threshold),
		watchdog_test(stall_is_reported_again_each_threshold),
		watchdog_test(item_started_begins_anew),
		watchdog_test(pool_without_waiting_items_is_none_of_its_concern),
		watchdog_test(item_in_the_intake_waits_too),
		watchdog_test(touched_pool_begins_anew),
		watchdog_test(touching_another_cpu_does_not_help),
		watchdog_test(late_look_begins_anew),
	};

	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
