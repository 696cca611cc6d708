/* SPDX-License-Identifier: MIT */
/*
 * test_options.c - tunables: defaults, bounds, and what is said about bad values.
 */
#include "lines.h"
#include "memory.h"

#include <errno.h>

#include "base/options.h"

enum {
	IDLE_TIMEOUT_MS = 300000,
	SAMPLE_US = 2000,
	WATCHDOG_MS = 30000,
	DEFER_MS = 1000,
	CPU_WATCH_MS = 100,
};

static int options_begin(void **state)
{
	unsetenv("WORKQ_IDLE_TIMEOUT_MS");
	unsetenv("WORKQ_SAMPLE_US");
	unsetenv("WORKQ_WATCHDOG_THRESH_MS");
	unsetenv("WORKQ_CHECK_ITEMS");
	unsetenv("WORKQ_DEFER_MS");
	unsetenv("WORKQ_POWER_EFFICIENT");
	unsetenv("WORKQ_AFFINITY_SCOPE");
	unsetenv("WORKQ_SYSFS_ROOT");
	unsetenv("WORKQ_UNBOUND_CPUS");
	unsetenv("WORKQ_CGROUP_ROOT");
	unsetenv("WORKQ_CPUS");
	unsetenv("WORKQ_CPU_WATCH_MS");
	unsetenv("WORKQ_MAX_RUNNING");
	return lines_begin(state);
}

#define options_test(fn) cmocka_unit_test_setup_teardown(fn, options_begin, lines_end)

static uint64_t sample_us_from(const char *text)
{
	setenv("WORKQ_SAMPLE_US", text, 1);
	wq_options_read();
	return wq_options.sample_us;
}

static void unset_variables_give_the_defaults(void **state)
{
	memset(&wq_options, 0xff, sizeof(wq_options));
	wq_options_read();
	assert_int_equal(wq_options.idle_timeout_ms, IDLE_TIMEOUT_MS);
	assert_int_equal(wq_options.sample_us, SAMPLE_US);
	assert_int_equal(wq_options.watchdog_ms, WATCHDOG_MS);
	assert_int_equal(wq_options.defer_ms, DEFER_MS);
	assert_int_equal(wq_options.power_efficient, 0);
	assert_string_equal(wq_options.affinity_scope, "cache_shard");
	assert_string_equal(wq_options.sysfs_root, "/sys");
	assert_string_equal(wq_options.unbound_cpus, "");
	assert_string_equal(wq_options.cgroup_root, "");
	assert_string_equal(wq_options.cpus, "");
	assert_int_equal(wq_options.cpu_watch_ms, CPU_WATCH_MS);
	assert_int_equal(wq_options.max_running, 0);
	assert_int_equal(lines_take(), 0);
}

static void each_variable_sets_its_own_option(void **state)
{
	setenv("WORKQ_IDLE_TIMEOUT_MS", "17", 1);
	wq_options_read();
	assert_int_equal(wq_options.idle_timeout_ms, 17);
	assert_int_equal(wq_options.sample_us, SAMPLE_US);
	unsetenv("WORKQ_IDLE_TIMEOUT_MS");
	assert_int_equal(sample_us_from("12345"), 12345);
	assert_int_equal(wq_options.idle_timeout_ms, IDLE_TIMEOUT_MS);
	assert_int_equal(lines_take(), 0);
}

/* 0 is in its range: off. */
static void watchdog_may_be_turned_off(void **state)
{
	setenv("WORKQ_WATCHDOG_THRESH_MS", "0", 1);
	wq_options_read();
	assert_int_equal(wq_options.watchdog_ms, 0);
	assert_int_equal(lines_take(), 0);
}

static void power_efficient_is_yes_or_no(void **state)
{
	setenv("WORKQ_POWER_EFFICIENT", "1", 1);
	wq_options_read();
	assert_int_equal(wq_options.power_efficient, 1);
	setenv("WORKQ_POWER_EFFICIENT", "2", 1);
	wq_options_read();
	assert_int_equal(wq_options.power_efficient, 0);
	assert_int_equal(lines_take(), 1);
}

/* Who uses them says what is wrong with them. */
static void texts_are_taken_as_they_are(void **state)
{
	setenv("WORKQ_AFFINITY_SCOPE", "no such scope", 1);
	setenv("WORKQ_SYSFS_ROOT", "", 1);
	wq_options_read();
	assert_string_equal(wq_options.affinity_scope, "no such scope");
	assert_string_equal(wq_options.sysfs_root, "");
	assert_string_equal(wq_options.unbound_cpus, "");
	setenv("WORKQ_UNBOUND_CPUS", "0-3,8 ", 1);
	unsetenv("WORKQ_SYSFS_ROOT");
	wq_options_read();
	assert_string_equal(wq_options.unbound_cpus, "0-3,8 ");
	assert_string_equal(wq_options.sysfs_root, "/sys");
	assert_int_equal(lines_take(), 0);
}

/* A program may overwrite what it gave to putenv(), and free it when it has taken it back. */
static void texts_stay_when_the_environment_changes(void **state)
{
	static char variable[] = "WORKQ_CGROUP_ROOT=/before";

	assert_int_equal(putenv(variable), 0);
	setenv("WORKQ_CPUS", "0-3", 1);
	assert_int_equal(wq_options_read(), 0);
	memset(strchr(variable, '/'), 'x', strlen("/before"));
	setenv("WORKQ_CPUS", "7", 1);
	assert_string_equal(wq_options.cgroup_root, "/before");
	assert_string_equal(wq_options.cpus, "0-3");
	unsetenv("WORKQ_CGROUP_ROOT");
	unsetenv("WORKQ_CPUS");
	assert_string_equal(wq_options.cgroup_root, "/before");
	assert_string_equal(wq_options.cpus, "0-3");
}

static void text_without_memory_is_an_error_until_there_is_some(void)
{
	need_end_of_memory();
	wq_report_set_fn(lines_catch);
	setenv("WORKQ_SYSFS_ROOT", "/elsewhere", 1);
	setenv("WORKQ_UNBOUND_CPUS", "1", 1);
	setenv("WORKQ_SAMPLE_US", "bad", 1);
	errno = 4711;
	for (int nr = 0; nr < 2; nr++) {
		allocs_left = nr;
		must(wq_options_read() == -ENOMEM);
		must(!lines_take());
	}
	must(errno == 4711);
	allocs_left = -1;
	must(wq_options_read() == 0 && lines_take() == 1);
	must(!strcmp(wq_options.sysfs_root, "/elsewhere"));
	must(!strcmp(wq_options.unbound_cpus, "1"));
}

static void bounds_themselves_are_taken(void **state)
{
	assert_int_equal(sample_us_from("100"), 100);
	assert_int_equal(sample_us_from("60000000"), 60000000);
	assert_int_equal(sample_us_from("000100"), 100);
	assert_int_equal(lines_take(), 0);
}

static void bad_value_is_reported_and_the_default_taken(void **state)
{
	static const char *const bad[] = {
		"",
		"99",
		"60000001",
		"0",
		"-1",
		"+200",
		" 200",
		"200 ",
		"0x200",
		"200u",
		"2e2",
		"200.0",
		"abc",
		"18446744073709551616",
		"-18446744073709551116",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(sample_us_from(bad[i]), SAMPLE_US);
		assert_int_equal(lines_take(), 1);
	}
}

static void report_names_variable_value_bounds_and_default(void **state)
{
	sample_us_from("nonsense");
	assert_string_equal(line_take(), "workq: note: WORKQ_SAMPLE_US=nonsense is not a number "
					 "from 100 to 60000000; using 2000");
}

static void overlong_value_is_reported_in_one_line(void **state)
{
	static char text[4096];

	memset(text, '7', sizeof(text) - 1);
	assert_int_equal(sample_us_from(text), SAMPLE_US);
	assert_null(strchr(line_take(), '\n'));
}

static void one_bad_value_does_not_spoil_the_others(void **state)
{
	setenv("WORKQ_IDLE_TIMEOUT_MS", "0", 1);
	assert_int_equal(sample_us_from("4000"), 4000);
	assert_int_equal(wq_options.idle_timeout_ms, IDLE_TIMEOUT_MS);
	assert_int_equal(lines_take(), 1);
}

static void errno_is_untouched(void **state)
{
	errno = 4711;
	sample_us_from("99999999999999999999");
	assert_int_equal(errno, 4711);
	sample_us_from("500");
	assert_int_equal(errno, 4711);
	lines_take();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		options_test(unset_variables_give_the_defaults),
		options_test(each_variable_sets_its_own_option),
		options_test(watchdog_may_be_turned_off),
		options_test(power_efficient_is_yes_or_no),
		options_test(texts_are_taken_as_they_are),
		options_test(texts_stay_when_the_environment_changes),
		child_test(text_without_memory_is_an_error_until_there_is_some),
		options_test(bounds_themselves_are_taken),
		options_test(bad_value_is_reported_and_the_default_taken),
		options_test(report_names_variable_value_bounds_and_default),
		options_test(overlong_value_is_reported_in_one_line),
		options_test(one_bad_value_does_not_spoil_the_others),
		options_test(errno_is_untouched),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
