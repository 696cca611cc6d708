/* SPDX-License-Identifier: MIT */
/*
 * cpuset.c - sets of CPU ids (contracts in cpuset.h).
 */
#include "base/cpuset.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"

#define NR_WORDS (sizeof(((struct wq_cpuset *)0)->bits) / sizeof(unsigned long))

/* In the text of a mask. */
#define GROUP_BITS   32
#define GROUP_DIGITS 8

static unsigned long bit_of(unsigned int cpu)
{
	return 1UL << (cpu % WQ_CPUSET_WORD_BITS);
}

void wq_cpuset_clear(struct wq_cpuset *set)
{
	memset(set, 0, sizeof(*set));
}

void wq_cpuset_fill(struct wq_cpuset *set, unsigned int nr_cpus)
{
	unsigned int cpu;

	wq_cpuset_clear(set);
	for (cpu = 0; cpu < nr_cpus; cpu++)
		wq_cpuset_add(set, cpu);
}

void wq_cpuset_truncate(struct wq_cpuset *set, unsigned int nr_cpus)
{
	unsigned int cpu;

	for (cpu = nr_cpus; cpu < WQ_MAX_CPUS; cpu++)
		wq_cpuset_remove(set, cpu);
}

void wq_cpuset_add(struct wq_cpuset *set, unsigned int cpu)
{
	if (cpu < WQ_MAX_CPUS)
		set->bits[cpu / WQ_CPUSET_WORD_BITS] |= bit_of(cpu);
}

void wq_cpuset_remove(struct wq_cpuset *set, unsigned int cpu)
{
	if (cpu < WQ_MAX_CPUS)
		set->bits[cpu / WQ_CPUSET_WORD_BITS] &= ~bit_of(cpu);
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

void wq_cpuset_and(struct wq_cpuset *dst, const struct wq_cpuset *a, const struct wq_cpuset *b)
{
	unsigned int i;

	for (i = 0; i < NR_WORDS; i++)
		dst->bits[i] = a->bits[i] & b->bits[i];
}

void wq_cpuset_or(struct wq_cpuset *dst, const struct wq_cpuset *a, const struct wq_cpuset *b)
{
	unsigned int i;

	for (i = 0; i < NR_WORDS; i++)
		dst->bits[i] = a->bits[i] | b->bits[i];
}

void wq_cpuset_copy_atomic(struct wq_cpuset *dst, const struct wq_cpuset *src)
{
	unsigned int i;

	for (i = 0; i < NR_WORDS; i++)
		wq_store_relaxed(&dst->bits[i], wq_load_relaxed(&src->bits[i]));
}

bool wq_cpuset_is_empty(const struct wq_cpuset *set)
{
	return wq_cpuset_next(set, 0) == WQ_MAX_CPUS;
}

bool wq_cpuset_is_equal(const struct wq_cpuset *a, const struct wq_cpuset *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool wq_cpuset_is_subset(const struct wq_cpuset *a, const struct wq_cpuset *b)
{
	unsigned int i;

	for (i = 0; i < NR_WORDS; i++)
		if (a->bits[i] & ~b->bits[i])
			return false;
	return true;
}

/* --------------------------------------------------------------- parsing */

/* At the end, or at the newline that may stand there. */
static bool is_end(const char *text)
{
	return !text[text[0] == '\n'];
}

/* Takes a number below WQ_MAX_CPUS off the text. False: there is none. */
static bool take_number(const char **text, unsigned int *number)
{
	const char *at = *text;
	unsigned int n = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		n = n * 10 + (unsigned int)(*at - '0');
		/* here, before more digits make it wrap */
		if (n >= WQ_MAX_CPUS)
			return false;
	}
	if (at == *text)
		return false;
	*text = at;
	*number = n;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* Takes "FIRST", "FIRST-LAST" or "FIRST-LAST:USED/GROUP" off the text. */
static bool take_range(const char **text, struct wq_cpuset *set)
{
	unsigned int first, last, used = 1, group = 1, cpu;

	if (!take_number(text, &first))
		return false;
	last = first;
	if (take_char(text, '-')) {
		if (!take_number(text, &last))
			return false;
		if (take_char(text, ':') && !(take_number(text, &used) && take_char(text, '/') &&
					      take_number(text, &group)))
			return false;
	}
	if (last < first || !used || used > group)
		return false;
	for (cpu = first; cpu <= last; cpu++)
		if ((cpu - first) % group < used)
			wq_cpuset_add(set, cpu);
	return true;
}

bool wq_cpuset_parse_list(struct wq_cpuset *set, const char *text)
{
	wq_cpuset_clear(set);
	if (is_end(text))
		return true;
	do
		if (!take_range(&text, set))
			return false;
	while (take_char(&text, ','));
	return is_end(text);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool take_group(const char **text, uint32_t *group)
{
	const char *at = *text;

	for (*group = 0; digit_of(*at) >= 0 && at - *text < GROUP_DIGITS; at++)
		*group = *group << 4 | (uint32_t)digit_of(*at);
	if (at == *text)
		return false;
	*text = at;
	return true;
}

static size_t count_groups(const char *text)
{
	size_t nr = 1;

	for (; *text; text++)
		nr += *text == ',';
	return nr;
}

bool wq_cpuset_parse_mask(struct wq_cpuset *set, const char *text)
{
	size_t at, per_word = WQ_CPUSET_WORD_BITS / GROUP_BITS;
	uint32_t group;

	wq_cpuset_clear(set);
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	at = count_groups(text);
	do {
		if (!take_group(&text, &group))
			return false;
		at--;
		if (at < WQ_MAX_CPUS / GROUP_BITS)
			set->bits[at / per_word] |= (unsigned long)group
						    << at % per_word * GROUP_BITS;
		else if (group)
			return false;
	} while (take_char(&text, ','));
	return is_end(text);
}

/* -------------------------------------------------------------- printing */

/* A text that grows, and goes on counting when there is no room any more. */
struct output {
	char *buf;
	size_t size, len;
};

#define print(output, ...)                                                                         \
	((output)->len += (size_t)snprintf(rest_of(output), room_in(output), __VA_ARGS__))

static size_t room_in(const struct output *output)
{
	return output->len < output->size ? output->size - output->len : 0;
}

static char *rest_of(const struct output *output)
{
	return room_in(output) ? output->buf + output->len : NULL;
}

/* The first id >= cpu that is not in the set. */
static unsigned int next_absent(const struct wq_cpuset *set, unsigned int cpu)
{
	while (wq_cpuset_has(set, cpu))
		cpu++;
	return cpu;
}

size_t wq_cpuset_print_list(const struct wq_cpuset *set, char *buf, size_t size)
{
	struct output output = { .buf = buf, .size = size };
	unsigned int first = wq_cpuset_next(set, 0), end;

	print(&output, "%s", "");
	for (; first < WQ_MAX_CPUS; first = wq_cpuset_next(set, end)) {
		end = next_absent(set, first);
		print(&output, "%s%u", output.len ? "," : "", first);
		if (end - first > 1)
			print(&output, "-%u", end - 1);
	}
	return output.len;
}

/* CPUs 32 * at and on, those below nr_cpus. */
static uint32_t group_of(const struct wq_cpuset *set, unsigned int at, unsigned int nr_cpus)
{
	unsigned int i, cpu;
	uint32_t group = 0;

	for (i = 0; i < GROUP_BITS; i++) {
		cpu = at * GROUP_BITS + i;
		if (cpu < nr_cpus && wq_cpuset_has(set, cpu))
			group |= (uint32_t)1 << i;
	}
	return group;
}

size_t wq_cpuset_print_mask(const struct wq_cpuset *set, unsigned int nr_cpus, char *buf,
			    size_t size)
{
	struct output output = { .buf = buf, .size = size };
	unsigned int last, at;

	if (nr_cpus < 1)
		nr_cpus = 1;
	last = (nr_cpus - 1) / GROUP_BITS;
	print(&output, "%0*x", (int)((nr_cpus - 1) % GROUP_BITS / 4 + 1),
	      group_of(set, last, nr_cpus));
	for (at = last; at-- > 0;)
		print(&output, ",%08x", group_of(set, at, nr_cpus));
	return output.len;
}
