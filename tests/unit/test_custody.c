/* SPDX-License-Identifier: MIT */
/*
 * test_custody.c - a library that checks itself tells which function has changed its thread.
 *
 * api/test_custody has what is looked at; others do not look, and there nothing is told.
 */
#include "unit.h"

#include <sys/prctl.h>

#include "base/options.h"
#include "core/custody.h"
#include "core/worker.h"
#include "lines.h"

static void change_name(bool is_checked)
{
	struct wq_custody custody;

	wq_options.check_items = is_checked;
	must(!prctl(PR_SET_NAME, "before"));
	wq_custody_begin(&custody);
	must(!prctl(PR_SET_NAME, "after"));
	wq_custody_end(&custody, (uintptr_t)change_name);
}

static bool is_named(const char *expected)
{
	char name[16] = "";

	must(!prctl(PR_GET_NAME, name));
	return !strcmp(name, expected);
}

static void change_is_told_of_once_and_undone_each_time(void)
{
	wq_report_set_fn(lines_catch);
	for (int i = 0; i < 2; i++) {
		change_name(true);
		must(is_named(TESTS_DEBUG ? "before" : "after"));
		must(atomic_load(&lines_caught) == TESTS_DEBUG);
	}
	must(!TESTS_DEBUG ||
	     (strstr(line_kept[0], "changed: ") && strstr(line_kept[0], ", thread name")));
}

static void change_that_is_not_looked_for_stays(void)
{
	wq_report_set_fn(lines_catch);
	change_name(false);
	must(is_named("after") && !atomic_load(&lines_caught));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(change_is_told_of_once_and_undone_each_time),
		child_test(change_that_is_not_looked_for_stays),
	};

	return cmocka_run_group_tests_name("custody", tests, NULL, NULL);
}
