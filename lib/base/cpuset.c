/* SPDX-License-Identifier: MIT */
/*
 * cpuset.c - sets of CPU ids.
 */
#include "base/cpuset.h"

#include <string.h>

#define NR_WORDS (sizeof(((struct wq_cpuset *)0)->bits) / sizeof(unsigned long))

static unsigned long bit_of(unsigned int cpu)
{
	return 1UL << (cpu % WQ_CPUSET_WORD_BITS);
}

void wq_cpuset_clear(struct wq_cpuset *set)
{
	memset(set, 0, sizeof(*set));
}

void wq_cpuset_add(struct wq_cpuset *set, unsigned int cpu)
{
	if (cpu < WQ_MAX_CPUS)
		set->bits[cpu / WQ_CPUSET_WORD_BITS] |= bit_of(cpu);
}

bool wq_cpuset_has(const struct wq_cpuset *set, unsigned int cpu)
{
	return cpu < WQ_MAX_CPUS && (set->bits[cpu / WQ_CPUSET_WORD_BITS] & bit_of(cpu));
}

unsigned int wq_cpuset_count(const struct wq_cpuset *set)
{
	unsigned int i, n = 0;

	for (i = 0; i < NR_WORDS; i++)
		n += (unsigned int)__builtin_popcountl(set->bits[i]);
	return n;
}

unsigned int wq_cpuset_next(const struct wq_cpuset *set, unsigned int cpu)
{
	unsigned int i = cpu / WQ_CPUSET_WORD_BITS;
	unsigned long word;

	if (cpu >= WQ_MAX_CPUS)
		return WQ_MAX_CPUS;
	word = set->bits[i] & ~(bit_of(cpu) - 1);
	while (!word) {
		if (++i == NR_WORDS)
			return WQ_MAX_CPUS;
		word = set->bits[i];
	}
	return i * WQ_CPUSET_WORD_BITS + (unsigned int)__builtin_ctzl(word);
}
