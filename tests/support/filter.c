/* SPDX-License-Identifier: MIT */
/*
 * filter.c - one test of a program, or some.
 *
 * WORKQ_TEST names those that are run, as a pattern (* and ?); the others are left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void choose_tests(void)
{
	cmocka_set_test_filter(getenv("WORKQ_TEST"));
}
