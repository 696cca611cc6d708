/* SPDX-License-Identifier: MIT */
/*
 * contend.h - what threads that contend for a lock do while they have it.
 */
#ifndef TESTS_UNIT_CONTEND_H
#define TESTS_UNIT_CONTEND_H

#include <sched.h>

#include "unit.h"

static long count; /* under the lock: a lost order is a data race */
static bool is_inside;

static inline void count_inside(int round)
{
	must(!is_inside);
	is_inside = true;
	count++;
	/* now and then gives up its CPU, so that others must sleep */
	if (round % 64 == 0)
		sched_yield();
	is_inside = false;
}

#endif /* TESTS_UNIT_CONTEND_H */
