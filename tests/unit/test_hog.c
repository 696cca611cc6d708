/* SPDX-License-Identifier: MIT */
/*
 * test_hog.c - when it is said that a function computes for long.
 */
#include "unit.h"

#include "base/options.h"
#include "core/hog.h"
#include "lines.h"

enum {
	THRESHOLD = 4,
	MANY = 1000,
	MAX_HOGS = 128, /* as hog.c has it */
};

/* Functions are told apart by their addresses only. */
static work_func_t function_at(unsigned int n)
{
	return (work_func_t)(uintptr_t)(64 * (n + 1)); // NOLINT(performance-no-int-to-ptr)
}

/* Those of the next so many times after which a line comes, as bits. */
static unsigned long lines_of_times(unsigned int n, unsigned int times)
{
	unsigned long lines = 0;

	for (unsigned int i = 1; i <= times; i++) {
		wq_hog_note(function_at(n));
		lines |= (unsigned long)lines_take() << i;
	}
	return lines;
}

/* L5 */
static void lines_come_at_the_threshold_and_then_ever_more_rarely(void **state)
{
	wq_options.intensive_warn = THRESHOLD;
	assert_int_equal(lines_of_times(0, 36),
			 1ul << 4 | 1ul << 5 | 1ul << 7 | 1ul << 11 | 1ul << 19 | 1ul << 35);
}

static void each_function_is_counted_by_itself(void **state)
{
	wq_options.intensive_warn = THRESHOLD;
	assert_int_equal(lines_of_times(1, 3), 0);
	assert_int_equal(lines_of_times(2, 4), 1ul << 4);
	assert_int_equal(lines_of_times(1, 1), 1ul << 1);
}

static void no_threshold_gives_no_line(void **state)
{
	wq_options.intensive_warn = 0;
	assert_int_equal(lines_of_times(3, 10), 0);
}

/* They are not worth more memory: of others nothing is said. */
static void functions_beyond_many_are_not_counted(void **state)
{
	unsigned int nr = 0;

	wq_options.intensive_warn = 1;
	for (unsigned int n = 0; n < MANY; n++)
		nr += lines_of_times(n, 40) != 0;
	assert_int_equal(nr, MAX_HOGS);
	assert_int_equal(lines_of_times(MANY, 10), 0);
	assert_int_not_equal(lines_of_times(0, 60), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lines_test(lines_come_at_the_threshold_and_then_ever_more_rarely),
		lines_test(each_function_is_counted_by_itself),
		lines_test(no_threshold_gives_no_line),
		lines_test(functions_beyond_many_are_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
