/* SPDX-License-Identifier: MIT */
/*
 * cpumask.h - sets of CPU ids, by the kernel's names.
 *
 * As many ids as queue_work_on() takes. A cpumask_var_t is the set itself, so
 * that a struct may hold one; pass it on as a pointer. Nothing here is atomic.
 */
#ifndef WORKQ_CPUMASK_H
#define WORKQ_CPUMASK_H

#include <workq/abi.h>

/* Ids are below this. */
enum { WORKQ_NR_CPUS = 8192, WORKQ_CPUMASK_WORDS = WORKQ_NR_CPUS / 64 };

/**
 * struct cpumask - a set of CPU ids
 * @bits: bit c % 64 of word c / 64 stands for CPU c
 */
struct cpumask {
	unsigned long bits[WORKQ_CPUMASK_WORDS];
};

typedef struct cpumask cpumask_t;
typedef struct cpumask cpumask_var_t[1];

/**
 * cpumask_set_cpu, cpumask_clear_cpu, cpumask_test_cpu - one CPU of a set
 * @cpu: the CPU; an id out of range is in no set, and changes none
 * @mask: the set
 *
 * Context: any thread, signal handler. Return: cpumask_test_cpu(): is it in the set?
 */
static inline void cpumask_set_cpu(unsigned int cpu, struct cpumask *mask)
{
	if (cpu < WORKQ_NR_CPUS)
		mask->bits[cpu / 64] |= 1ul << cpu % 64;
}

static inline void cpumask_clear_cpu(unsigned int cpu, struct cpumask *mask)
{
	if (cpu < WORKQ_NR_CPUS)
		mask->bits[cpu / 64] &= ~(1ul << cpu % 64);
}

static inline bool cpumask_test_cpu(unsigned int cpu, const struct cpumask *mask)
{
	return cpu < WORKQ_NR_CPUS && (mask->bits[cpu / 64] >> cpu % 64 & 1ul);
}

/**
 * cpumask_clear, cpumask_setall, cpumask_copy - a whole set
 * @mask: the set
 *
 * cpumask_copy(to, from) takes two. Context: any thread, signal handler.
 */
static inline void cpumask_clear(struct cpumask *mask)
{
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		mask->bits[i] = 0;
}

static inline void cpumask_setall(struct cpumask *mask)
{
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		mask->bits[i] = ~0ul;
}

static inline void cpumask_copy(struct cpumask *to, const struct cpumask *from)
{
	*to = *from;
}

/**
 * cpumask_and, cpumask_or, cpumask_andnot - sets from sets
 * @to: gets what is in both, in one of them, in @a but not in @b; may be @a or @b
 * @a:  a set
 * @b:  a set
 *
 * Context: any thread, signal handler. Return: cpumask_and(), cpumask_andnot(): is there any?
 */
static inline bool cpumask_and(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		any |= to->bits[i] = a->bits[i] & b->bits[i];
	return any;
}

static inline void cpumask_or(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		to->bits[i] = a->bits[i] | b->bits[i];
}

static inline bool cpumask_andnot(struct cpumask *to, const struct cpumask *a,
				  const struct cpumask *b)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		any |= to->bits[i] = a->bits[i] & ~b->bits[i];
	return any;
}

/**
 * cpumask_empty, cpumask_equal, cpumask_subset, cpumask_intersects - compare sets
 * @a: a set
 *
 * cpumask_empty() takes one; cpumask_subset(a, b) asks whether all of a is in b.
 *
 * Context: any thread, signal handler. Return: is it so?
 */
static inline bool cpumask_empty(const struct cpumask *a)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		any |= a->bits[i];
	return !any;
}

static inline bool cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
	unsigned long differ = 0;
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		differ |= a->bits[i] ^ b->bits[i];
	return !differ;
}

static inline bool cpumask_subset(const struct cpumask *a, const struct cpumask *b)
{
	unsigned long outside = 0;
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		outside |= a->bits[i] & ~b->bits[i];
	return !outside;
}

static inline bool cpumask_intersects(const struct cpumask *a, const struct cpumask *b)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		any |= a->bits[i] & b->bits[i];
	return any;
}

/**
 * cpumask_weight - how many CPUs are in a set?
 * @mask: the set
 *
 * Context: any thread, signal handler. Return: their number.
 */
static inline unsigned int cpumask_weight(const struct cpumask *mask)
{
	unsigned int i, nr = 0;

	for (i = 0; i < WORKQ_CPUMASK_WORDS; i++)
		nr += (unsigned int)__builtin_popcountl(mask->bits[i]);
	return nr;
}

static inline unsigned int workq_cpumask_from(const struct cpumask *mask, unsigned int cpu)
{
	while (cpu < WORKQ_NR_CPUS && !(mask->bits[cpu / 64] >> cpu % 64))
		cpu = (cpu / 64 + 1) * 64;
	if (cpu >= WORKQ_NR_CPUS)
		return WORKQ_NR_CPUS;
	return cpu + (unsigned int)__builtin_ctzl(mask->bits[cpu / 64] >> cpu % 64);
}

/**
 * cpumask_first, cpumask_next - walk through a set
 * @mask: the set
 *
 * cpumask_next(n, mask) is the first CPU after n. Context: any thread, signal handler.
 * Return: the CPU, or WORKQ_NR_CPUS if there is none.
 */
static inline unsigned int cpumask_first(const struct cpumask *mask)
{
	return workq_cpumask_from(mask, 0);
}

static inline unsigned int cpumask_next(int n, const struct cpumask *mask)
{
	return workq_cpumask_from(mask, (unsigned int)(n + 1));
}

/**
 * for_each_cpu - for each CPU of a set
 * @cpu:  an integer variable
 * @mask: the set
 */
#define for_each_cpu(cpu, mask)                                                                    \
	for ((cpu) = cpumask_first(mask); (unsigned int)(cpu) < WORKQ_NR_CPUS;                     \
	     (cpu) = cpumask_next((int)(cpu), (mask)))

#endif /* WORKQ_CPUMASK_H */
