/* SPDX-License-Identifier: MIT */
/*
 * cpuset.h - sets of CPU ids, and the texts in which sysfs writes them.
 *
 * Ids may be sparse: nothing here assumes that they are counted from 0 without gaps.
 */
#ifndef WQ_BASE_CPUSET_H
#define WQ_BASE_CPUSET_H

#include <stdbool.h>
#include <stddef.h>

/* Ids are below this, as WORK_CPU_UNBOUND of the public header promises. */
#define WQ_MAX_CPUS         8192
#define WQ_CPUSET_WORD_BITS 64

struct wq_cpuset {
	unsigned long bits[WQ_MAX_CPUS / WQ_CPUSET_WORD_BITS];
};

void wq_cpuset_clear(struct wq_cpuset *set);
/* All ids below nr_cpus. */
void wq_cpuset_fill(struct wq_cpuset *set, unsigned int nr_cpus);
/* Ids from nr_cpus on are taken out. */
void wq_cpuset_truncate(struct wq_cpuset *set, unsigned int nr_cpus);
void wq_cpuset_add(struct wq_cpuset *set, unsigned int cpu);
bool wq_cpuset_has(const struct wq_cpuset *set, unsigned int cpu);
void wq_cpuset_remove(struct wq_cpuset *set, unsigned int cpu);
unsigned int wq_cpuset_count(const struct wq_cpuset *set);

/* dst may be a or b. */
void wq_cpuset_and(struct wq_cpuset *dst, const struct wq_cpuset *a, const struct wq_cpuset *b);
void wq_cpuset_or(struct wq_cpuset *dst, const struct wq_cpuset *a, const struct wq_cpuset *b);
/* Word by word, so that the one may be changed while others copy the other: they find some of both. */
void wq_cpuset_copy_atomic(struct wq_cpuset *dst, const struct wq_cpuset *src);
bool wq_cpuset_is_empty(const struct wq_cpuset *set);
bool wq_cpuset_is_equal(const struct wq_cpuset *a, const struct wq_cpuset *b);
/* Is all of a in b? */
bool wq_cpuset_is_subset(const struct wq_cpuset *a, const struct wq_cpuset *b);

/* The first id >= cpu in the set, or WQ_MAX_CPUS if there is none. */
unsigned int wq_cpuset_next(const struct wq_cpuset *set, unsigned int cpu);

#define wq_cpuset_for_each(cpu, set)                                                               \
	for ((cpu) = wq_cpuset_next((set), 0); (cpu) < WQ_MAX_CPUS;                                \
	     (cpu) = wq_cpuset_next((set), (cpu) + 1))

/*
 * A list such as "0-3,8-11", or "0-31:2/4", the first two of each four of these;
 * one newline may end it; without any number it is the empty set. False if it is
 * malformed, a range is reversed, or a number is WQ_MAX_CPUS or more: then the
 * set is unspecified.
 */
bool wq_cpuset_parse_list(struct wq_cpuset *set, const char *text);
/*
 * A mask such as "ff,ffffffff": groups of at most eight hexadecimal digits of
 * either case, 32 CPUs each, the most significant first; "0x" may lead, one
 * newline may end it. False if it is malformed, empty included, or names a CPU
 * of WQ_MAX_CPUS or more: then the set is unspecified.
 */
bool wq_cpuset_parse_mask(struct wq_cpuset *set, const char *text);

/*
 * The same texts, without a newline. Return: the length of the whole text; what
 * does not fit into `size` bytes with the NUL behind it is cut off, as by snprintf().
 */
size_t wq_cpuset_print_list(const struct wq_cpuset *set, char *buf, size_t size);
/* Of the CPUs below nr_cpus, which say how many digits there are: 4 "f", 40 "ff,ffffffff". */
size_t wq_cpuset_print_mask(const struct wq_cpuset *set, unsigned int nr_cpus, char *buf,
			    size_t size);

#endif /* WQ_BASE_CPUSET_H */
