/* SPDX-License-Identifier: MIT */
/*
 * test_told.c - what functions were reported for, each once.
 */
#include "../support/meddle.h"
#include "unit.h"

#include "base/symbol.h"
#include "base/told.h"
#include "lines.h"

static void each_function_is_told_of_once(void **state)
{
	struct wq_told told = { { 0 } };

	assert_true(wq_told_is_first(&told, 1000));
	assert_true(wq_told_is_first(&told, 2000));
	assert_false(wq_told_is_first(&told, 1000));
	assert_false(wq_told_is_first(&told, 2000));
}

static void when_it_is_full_no_more_are_told_of(void **state)
{
	struct wq_told told = { { 0 } };

	for (unsigned int i = 0; i < WQ_MAX_TOLD; i++)
		assert_true(wq_told_is_first(&told, 1 + i));
	assert_false(wq_told_is_first(&told, 1 + WQ_MAX_TOLD));
	assert_false(wq_told_is_first(&told, 1));
}

static void warning_names_the_function_once(void **state)
{
	struct wq_told told = { { 0 } };
	char name[96], line[128];

	wq_symbol_name((uintptr_t)abort, name, sizeof(name));
	snprintf(line, sizeof(line), "workq: WARNING: what it does: %s", name);
	wq_told_warn(&told, "what it does", (uintptr_t)abort);
	wq_told_warn(&told, "what it does", (uintptr_t)abort);
	assert_string_equal(line_take(), line);
}

static struct wq_told raced;
static bool is_first, is_other_first;

static void tell_of_one(void)
{
	is_first = wq_told_is_first(&raced, 1000);
}

static void tell_of_another(void)
{
	is_other_first = wq_told_is_first(&raced, 2000);
}

static void tell_of_the_same(void)
{
	is_other_first = wq_told_is_first(&raced, 1000);
}

static void two_who_tell_at_once_are_both_heard(void **state)
{
	need_steps();
	raced = (struct wq_told){ { 0 } };
	for (long n = 1; meddle_after(n, tell_of_one, tell_of_another); n++) {
		assert_true(is_first && is_other_first);
		assert_int_equal(raced.functions[0] + raced.functions[1], 3000);
		raced = (struct wq_told){ { 0 } };
	}
}

static void of_two_who_tell_the_same_at_once_one_is_first(void **state)
{
	need_steps();
	raced = (struct wq_told){ { 0 } };
	for (long n = 1; meddle_after(n, tell_of_one, tell_of_the_same); n++) {
		assert_true(is_first != is_other_first);
		assert_int_equal(raced.functions[0], 1000);
		assert_int_equal(raced.functions[1], 0);
		raced = (struct wq_told){ { 0 } };
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(each_function_is_told_of_once),
		room_test(when_it_is_full_no_more_are_told_of),
		room_test(two_who_tell_at_once_are_both_heard),
		room_test(of_two_who_tell_the_same_at_once_one_is_first),
		lines_test(warning_names_the_function_once),
	};

	return cmocka_run_group_tests_name("told", tests, NULL, NULL);
}
