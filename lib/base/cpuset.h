/* SPDX-License-Identifier: MIT */
/*
 * cpuset.h - sets of CPU ids.
 *
 * Ids may be sparse: nothing here assumes that they are counted from 0 without gaps.
 */
#ifndef WQ_BASE_CPUSET_H
#define WQ_BASE_CPUSET_H

#include <stdbool.h>

/* Ids are below this, as WORK_CPU_UNBOUND of the public header promises. */
#define WQ_MAX_CPUS         8192
#define WQ_CPUSET_WORD_BITS 64

struct wq_cpuset {
	unsigned long bits[WQ_MAX_CPUS / WQ_CPUSET_WORD_BITS];
};

void wq_cpuset_clear(struct wq_cpuset *set);
void wq_cpuset_add(struct wq_cpuset *set, unsigned int cpu);
bool wq_cpuset_has(const struct wq_cpuset *set, unsigned int cpu);
unsigned int wq_cpuset_count(const struct wq_cpuset *set);

/* The first id >= cpu in the set, or WQ_MAX_CPUS if there is none. */
unsigned int wq_cpuset_next(const struct wq_cpuset *set, unsigned int cpu);

#define wq_cpuset_for_each(cpu, set)                                                               \
	for ((cpu) = wq_cpuset_next((set), 0); (cpu) < WQ_MAX_CPUS;                                \
	     (cpu) = wq_cpuset_next((set), (cpu) + 1))

#endif /* WQ_BASE_CPUSET_H */
