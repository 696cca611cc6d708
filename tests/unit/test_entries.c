/* SPDX-License-Identifier: MIT */
/*
 * test_entries.c - lists of what was seen, in lines: merged, broken, counted.
 */
#include "lines.h"

#include "watch/entries.h"

#define NS_PER_S 1000000000ull

static struct wq_entries entries;

static int entries_begin(void **state)
{
	memset(&entries, 0, sizeof(entries));
	return lines_begin(state);
}

#define entries_test(fn) cmocka_unit_test_setup_teardown(fn, entries_begin, lines_end)

static void one(struct work_struct *work)
{
	(void)work;
}

static void two(struct work_struct *work)
{
	(void)work;
	abort();
}

static void add_item(work_func_t func)
{
	wq_entries_add(&entries,
		       (struct wq_entry){ .kind = WQ_ENTRY_ITEMS, .nr = 1, .func = func });
}

static void add_idle(uint32_t tid)
{
	wq_entries_add(&entries, (struct wq_entry){ .kind = WQ_ENTRY_IDLE, .tid = tid });
}

static void add_waiter(uint32_t tid)
{
	wq_entries_add(&entries, (struct wq_entry){ .kind = WQ_ENTRY_WAITER, .tid = tid });
}

static void none_is_no_line(void **state)
{
	wq_entries_report(&entries, "head:", 0);
	assert_int_equal(lines_take(), 0);
}

static void threads_stand_in_one_line(void **state)
{
	for (uint32_t tid = 1; tid < 4; tid++)
		add_idle(tid);
	wq_entries_report(&entries, "  idle:", 0);
	assert_string_equal(line_take(), "workq:   idle: 1 2 3");
}

static void run_tells_whole_seconds(void **state)
{
	struct wq_entry run = { .kind = WQ_ENTRY_RUN, .tid = 7, .since_ns = 5 * NS_PER_S };
	const char *line;

	run.func = one;
	wq_entries_add(&entries, run);
	add_waiter(8);
	add_waiter(9);
	wq_entries_report(&entries, "in-flight:", 8 * NS_PER_S - 1);
	line = line_take();
	assert_int_equal(strncmp(line, "workq: in-flight: 7:", 20), 0);
	assert_non_null(strstr(line, " for 2s BAR(8) BAR(9)"));
}

/* Another thread looked later, but dated it earlier than we asked the clock. */
static void run_from_the_future_is_of_no_age(void **state)
{
	struct wq_entry run = { .kind = WQ_ENTRY_RUN, .tid = 7, .since_ns = 5 * NS_PER_S };

	run.func = one;
	wq_entries_add(&entries, run);
	wq_entries_report(&entries, "in-flight:", NS_PER_S);
	assert_non_null(strstr(line_take(), " for 0s"));
}

static void items_in_a_row_with_one_function_are_counted(void **state)
{
	const char *line;

	add_item(one);
	add_item(one);
	add_item(two);
	add_item(one);
	add_waiter(7);
	add_item(one);
	assert_int_equal(entries.nr, 5);
	wq_entries_report(&entries, "pending:", 0);
	line = line_take();
	assert_int_equal(strncmp(line, "workq: pending: 2*", 18), 0);
	assert_non_null(strstr(line, " BAR(7), "));
}

static void long_list_goes_on_in_further_lines(void **state)
{
	for (uint32_t i = 0; i < 40; i++)
		add_idle(1000000000 + i);
	wq_entries_report(&entries, "  idle:", 0);
	assert_int_equal(atomic_load(&lines_caught), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(strncmp(line_kept[i], "workq:   idle: 10000000", 23), 0);
	assert_non_null(strstr(line_kept[0], " 1000000019"));
	assert_non_null(strstr(line_kept[1], " 1000000039"));
	assert_int_equal(strlen(line_kept[0]) + strlen(line_kept[1]), 2 * 14 + 40 * 11 - 2 + 2);
	lines_take();
}

/* Wherever a line happens to be full, what stands in it is whole. */
static void no_entry_is_cut_where_a_line_ends(void **state)
{
	enum { NR = 30, LEN = 11 };

	for (uint32_t i = 0; i < NR; i++)
		add_idle(1000000000 + i);
	for (int len = 1; len <= LEN; len++) {
		char head[LEN + 1] = "";
		size_t all = 0;
		int nr;

		memset(head, 'h', (size_t)len);
		wq_entries_report(&entries, head, 0);
		nr = atomic_load(&lines_caught);
		assert_in_range(nr, 1, LINES_KEPT);
		for (int i = 0; i < nr; i++)
			all += strlen(line_kept[i]);
		assert_int_equal(all, (size_t)nr * (strlen("workq: ") + (size_t)len) + NR * LEN);
		lines_take();
	}
}

static void what_does_not_fit_is_counted(void **state)
{
	for (uint32_t i = 0; i < WQ_MAX_ENTRIES + 5; i++)
		add_idle(1 + i % 9);
	/* nobody's waiters */
	add_waiter(7);
	wq_entries_report(&entries, "  idle:", 0);
	assert_non_null(strstr(line_take(), ", and 5 more"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		entries_test(none_is_no_line),
		entries_test(threads_stand_in_one_line),
		entries_test(run_tells_whole_seconds),
		entries_test(run_from_the_future_is_of_no_age),
		entries_test(items_in_a_row_with_one_function_are_counted),
		entries_test(long_list_goes_on_in_further_lines),
		entries_test(no_entry_is_cut_where_a_line_ends),
		entries_test(what_does_not_fit_is_counted),
	};

	return cmocka_run_group_tests_name("entries", tests, NULL, NULL);
}
