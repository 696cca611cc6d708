/* SPDX-License-Identifier: MIT */
/*
 * test_membarrier_refused_later.c - a sandbox takes membarrier() away from a running program.
 *
 * Producers pay no fence because whoever waits for them makes all of them execute one,
 * by membarrier(). The library asked at its start whether the call is to be had, and
 * then ignored what it returned: a program that put itself into a sandbox later had no
 * barrier at all, and destroy_workqueue() could free what a queue_work() still looked
 * at. A refusal is noted now, and producers pay for their fences from then on.
 */
#include "support/syscall_stand_in.h"
#include "support/api.h"

static atomic_bool in_sandbox;

static bool syscall_is_refused(long nr)
{
	if (nr != SYS_membarrier || !atomic_load(&in_sandbox))
		return false;
	errno = EPERM;
	return true;
}

static bool has_membarrier(void)
{
	/* MEMBARRIER_CMD_QUERY, MEMBARRIER_CMD_PRIVATE_EXPEDITED */
	return syscall(SYS_membarrier, 0, 0, 0) >= 1 << 3;
}

static void destroy_with_membarrier_refused_is_noted_once_and_works(void **state)
{
	if (!has_membarrier())
		skip();
	atomic_store(&in_sandbox, true);
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
	assert_int_equal(note_count(), 1);
	assert_non_null(strstr(report_line[0], "membarrier"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(destroy_with_membarrier_refused_is_noted_once_and_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
