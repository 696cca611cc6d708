/* SPDX-License-Identifier: MIT */
/*
 * test_grace_shared.c - threads that share a record enter and leave at once, and none of that is lost.
 *
 * The other one comes after each instruction of the first one in turn.
 */
#include "../support/meddle.h"
#include "unit.h"

#include "base/grace.h"

static struct wq_record record = { .shared = true };

static void begin(void)
{
	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	wq_membarrier_init();
	wq_grace_self = &record;
}

static void other_enters(void)
{
	wq_grace_enter_shared(&record);
}

static void other_leaves(void)
{
	wq_grace_leave_shared(&record);
}

/* From so many inside, by the call alone to so many. */
static void must_add(void (*call)(void), uint64_t before, uint64_t after)
{
	long n;

	for (n = 1;; n++) {
		record.section = before;
		if (!meddle_after(n, call, other_enters))
			break;
		must(record.section == after + 1);
		record.section = before + 1;
		must(meddle_after(n, call, other_leaves));
		must(record.section == after);
	}
	must(n > 1 && record.section == after);
}

static void enter(void)
{
	wq_grace_enter();
}

static void enter_locked(void)
{
	wq_grace_enter_locked();
}

static void leave(void)
{
	wq_grace_leave();
}

static void nobody_who_enters_a_shared_record_is_lost(void)
{
	begin();
	must_add(enter, 0, 1);
	must_add(enter_locked, 0, 1);
}

static void nobody_who_leaves_a_shared_record_is_lost(void)
{
	begin();
	must_add(leave, 3, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(nobody_who_enters_a_shared_record_is_lost),
		child_test(nobody_who_leaves_a_shared_record_is_lost),
	};

	return cmocka_run_group_tests_name("grace_shared", tests, NULL, NULL);
}
