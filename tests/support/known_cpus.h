/* SPDX-License-Identifier: MIT */
/*
 * known_cpus.h - how many CPUs the library takes the process to have.
 */
#ifndef TESTS_KNOWN_CPUS_H
#define TESTS_KNOWN_CPUS_H

#include "api.h"

static atomic_int nr_each;

static inline void count_each(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_each, 1);
}

/* The library asks while there is something to do. */
static inline int nr_known_cpus(void)
{
	atomic_store(&nr_each, 0);
	assert_int_equal(schedule_on_each_cpu(count_each), 0);
	return atomic_load(&nr_each);
}

#endif /* TESTS_KNOWN_CPUS_H */
