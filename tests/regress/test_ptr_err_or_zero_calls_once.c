/* SPDX-License-Identifier: MIT */
/*
 * test_ptr_err_or_zero_calls_once.c - a thread made inside of PTR_ERR_OR_ZERO().
 *
 * err = PTR_ERR_OR_ZERO(task = kthread_run(...)) is what code for the kernel looks like, where that
 * is a function. Here it was a macro that evaluated its argument twice if it was an error: a
 * second thread was asked for, and if that could be had, the error returned was its
 * address. Tests gave it plain pointers only; the walk through the failure points lost threads.
 */
#include <workq/err.h>

#include "support/api.h"

static int nr_calls;

/* Works at the second try. */
static void *fail_once(void)
{
	return nr_calls++ ? &nr_calls : ERR_PTR(-EAGAIN);
}

static void ptr_err_or_zero_of_a_call_makes_it_once(void **state)
{
	void *object;

	assert_int_equal(PTR_ERR_OR_ZERO(object = fail_once()), -EAGAIN);
	assert_int_equal(nr_calls, 1);
	assert_true(IS_ERR(object));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(ptr_err_or_zero_of_a_call_makes_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
