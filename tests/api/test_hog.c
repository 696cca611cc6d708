/* SPDX-License-Identifier: MIT */
/*
 * test_hog.c - items that compute for long hold the others of their CPU off, but not for ever.
 *
 * Each test has a process of its own, with tunables of its own.
 */
#include "support/api.h"

enum {
	NR_HOGS = 20, /* reports at the 4th, 5th, 7th, 11th and 19th */
};

static atomic_int nr_reports;
static char last_report[256];

static void catch_hog(const char *line)
{
	if (!strstr(line, "hogged CPU"))
		return;
	snprintf(last_report, sizeof(last_report), "%s", line);
	atomic_fetch_add(&nr_reports, 1);
}

static int begin_with(void **state, const char *thresh_us)
{
	int err;

	setenv("WORKQ_CPU_INTENSIVE_THRESH_US", thresh_us, /* overwrite */ 1);
	err = test_begin(state);
	workq_set_report_fn(catch_hog);
	return err;
}

static int begin_usual(void **state)
{
	return begin_with(state, "10000");
}

static int begin_without_limit(void **state)
{
	return begin_with(state, "0");
}

static int begin_silent(void **state)
{
	setenv("WORKQ_CPU_INTENSIVE_WARNING_THRESH", "0", /* overwrite */ 1);
	return begin_usual(state);
}

static int begin_told_from_the_first(void **state)
{
	setenv("WORKQ_CPU_INTENSIVE_WARNING_THRESH", "1", /* overwrite */ 1);
	return begin_usual(state);
}

#define usual_test(fn) cmocka_unit_test_setup_teardown(fn, begin_usual, test_end)

/* A hog, behind which another item starts; both are through. */
static void be_held_off_for_a_while(struct workqueue_struct *wq, struct workqueue_struct *other)
{
	struct blocker hog;
	struct item item;

	item_init(&item);
	blocker_spin_on(&hog, allowed_cpu(0), wq);
	assert_true(queue_work_on(allowed_cpu(0), other, &item.work));
	wait_until(item_runs(&item) == 1);
	assert_true(item_is_running(&hog.item));
	blocker_release(&hog);
	flush_workqueue(other);
}

/* ------------------------------------------------------------- stepped around */

/* L4 */
static void item_behind_one_that_computes_for_long_starts_beside_it(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("hog", WQ_PERCPU, 0);
	struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 0);

	be_held_off_for_a_while(wq, wq);
	be_held_off_for_a_while(wq, other);
	be_held_off_for_a_while(system_percpu_wq, wq);
	destroy_workqueue(wq);
	destroy_workqueue(other);
}

/* L4, L6 */
static void item_of_high_priority_is_stepped_around_too(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("hog", WQ_PERCPU | WQ_HIGHPRI, 0);

	be_held_off_for_a_while(wq, wq);
	destroy_workqueue(wq);
}

static void compute_until_reported(void)
{
	struct workqueue_struct *wq = alloc_workqueue("hog", WQ_PERCPU, 0);
	struct blocker hog;

	blocker_spin_on(&hog, allowed_cpu(0), wq);
	wait_until(atomic_load(&nr_reports) == 1);
	blocker_release(&hog);
	destroy_workqueue(wq);
}

/* Not only while somebody waits: who is queued later starts at once. */
/* L4 */
static void hog_is_noticed_though_nobody_waits(void **state)
{
	compute_until_reported();
}

/* L4: the mark goes with the item. */
static void next_item_of_the_worker_holds_others_off_again(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("hog", WQ_PERCPU, 0);

	for (int i = 0; i < 3; i++)
		be_held_off_for_a_while(wq, wq);
	assert_int_equal(atomic_load(&nr_reports), 0);
	destroy_workqueue(wq);
}

/* For locks of an emulator it does: others start then, and it is no hog. */
#define need_who_computes_not_to_sleep()                                                           \
	do {                                                                                       \
		if (TESTS_EMULATED)                                                                \
			skip();                                                                    \
	} while (0)

/* L1 */
static void without_a_limit_who_computes_holds_others_off(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("hog", WQ_PERCPU, 0);
	struct blocker hog;
	struct item item;

	need_who_computes_not_to_sleep();
	item_init(&item);
	blocker_spin_on(&hog, allowed_cpu(0), wq);
	queue_work_on(allowed_cpu(0), wq, &item.work);
	nap_us(100000);
	assert_int_equal(item_runs(&item), 0);
	blocker_release(&hog);
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	assert_int_equal(atomic_load(&nr_reports), 0);
	destroy_workqueue(wq);
}

/* --------------------------------------------------------------- reported */

static void hog_times(int nr)
{
	struct workqueue_struct *wq = alloc_workqueue("hog", WQ_PERCPU, 0);

	for (int i = 0; i < nr; i++)
		be_held_off_for_a_while(wq, wq);
	destroy_workqueue(wq);
}

/* L5 */
static void hogs_are_reported_from_the_fourth_time_on_ever_more_rarely(void **state)
{
	static const int at[] = { 4, 5, 7, 11, 19 };
	char text[32];
	int told = 0;

	need_who_computes_not_to_sleep();
	for (int i = 1; i <= NR_HOGS; i++) {
		hog_times(1);
		if (told < (int)(sizeof(at) / sizeof(at[0])) && i == at[told]) {
			/* the manager says it when it has let the next item go */
			wait_until(atomic_load(&nr_reports) == told + 1);
			told++;
			snprintf(text, sizeof(text), "us %d times, ", i);
			assert_non_null(strstr(last_report, text));
		}
		assert_int_equal(atomic_load(&nr_reports), told);
	}
}

/* L5 */
static void report_names_the_function_and_the_limit(void **state)
{
	compute_until_reported();
	assert_non_null(strstr(last_report, "workq: note: "));
	assert_non_null(strstr(last_report, " hogged CPU for >10000us 1 times, "
					    "consider switching to WQ_UNBOUND"));
}

/* L5 */
static void reports_can_be_switched_off(void **state)
{
	hog_times(6);
	assert_int_equal(atomic_load(&nr_reports), 0);
}

/* ------------------------------------------------------------------- no hogs */

/* Sleeps again and again, computes in between. */
static atomic_bool may_return;
/* So often half of the limit was used between two sleeps: a hypervisor's own time may be counted. */
static atomic_int nr_long;

static long long own_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void compute_and_sleep(struct work_struct *work)
{
	long long before = own_cpu_ns(), until, used;

	(void)work;
	while (!atomic_load(&may_return)) {
		until = now_ns() + 1000000;
		while (now_ns() < until)
			;
		nap_us(1000);
		used = own_cpu_ns() - before;
		if (used > 5000000)
			atomic_fetch_add(&nr_long, 1);
		before += used;
	}
}

/* L4: the clock starts anew when it wakes up. */
static void who_sleeps_now_and_then_is_no_hog(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("polite", WQ_PERCPU, 0);
	struct work_struct work;

	INIT_WORK_ONSTACK(&work, compute_and_sleep);
	queue_work_on(allowed_cpu(0), wq, &work);
	nap_us(200000);
	atomic_store(&may_return, true);
	flush_work(&work);
	assert_true(atomic_load(&nr_reports) <= atomic_load(&nr_long));
	destroy_work_on_stack(&work);
	destroy_workqueue(wq);
}

/* L3, L7, M1 */
static void other_kinds_of_queues_have_no_hogs(void **state)
{
	static const unsigned int kinds[] = { WQ_UNBOUND, WQ_PERCPU | WQ_CPU_INTENSIVE, WQ_BH };
	struct workqueue_struct *wq;
	struct blocker hog;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		wq = alloc_workqueue("free", kinds[i], 0);
		blocker_spin_on(&hog, allowed_cpu(0), wq);
		nap_us(50000);
		assert_int_equal(atomic_load(&nr_reports), 0);
		blocker_release(&hog);
		destroy_workqueue(wq);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		usual_test(item_behind_one_that_computes_for_long_starts_beside_it),
		usual_test(item_of_high_priority_is_stepped_around_too),
		cmocka_unit_test_setup_teardown(hog_is_noticed_though_nobody_waits,
						begin_told_from_the_first, test_end),
		usual_test(next_item_of_the_worker_holds_others_off_again),
		cmocka_unit_test_setup_teardown(without_a_limit_who_computes_holds_others_off,
						begin_without_limit, test_end),
		usual_test(hogs_are_reported_from_the_fourth_time_on_ever_more_rarely),
		cmocka_unit_test_setup_teardown(report_names_the_function_and_the_limit,
						begin_told_from_the_first, test_end),
		cmocka_unit_test_setup_teardown(reports_can_be_switched_off, begin_silent,
						test_end),
		cmocka_unit_test_setup_teardown(who_sleeps_now_and_then_is_no_hog,
						begin_told_from_the_first, test_end),
		cmocka_unit_test_setup_teardown(other_kinds_of_queues_have_no_hogs,
						begin_told_from_the_first, test_end),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
