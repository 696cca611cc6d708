/* SPDX-License-Identifier: MIT */
/*
 * stats.c - order statistics over arrays of figures.
 *
 * No means and no deviations: times on a shared machine have a long tail on
 * one side, of which a mean tells more than of the thing measured.
 */
#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { CACHE_LINE = 64 };

void *bench_alloc(size_t nr, size_t size)
{
	size_t bytes = (nr * size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	void *memory = aligned_alloc(CACHE_LINE, bytes);

	if (!memory)
		err(EXIT_FAILURE, "no memory for %zu objects of %zu bytes", nr, size);
	return memset(memory, 0, bytes);
}

/* All memory is touched here, so that no page fault falls into a run. */
void bench_samples_init(struct bench_samples *samples, size_t max_nr)
{
	samples->nr = 0;
	samples->max_nr = max_nr;
	samples->value = bench_alloc(max_nr, sizeof(*samples->value));
}

void bench_samples_fini(struct bench_samples *samples)
{
	free(samples->value);
	samples->value = NULL;
	samples->nr = 0;
	samples->max_nr = 0;
}

void bench_samples_add(struct bench_samples *samples, double value)
{
	if (samples->nr < samples->max_nr)
		samples->value[samples->nr++] = value;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Whoever asks for several percentiles of millions sorts them once. */
static void sort(double *value, size_t nr)
{
	size_t i = 1;

	while (i < nr && value[i - 1] <= value[i])
		i++;
	if (i < nr)
		qsort(value, nr, sizeof(*value), compare);
}

struct bench_summary bench_summarise(double *value, size_t nr)
{
	sort(value, nr);
	return (struct bench_summary){
		.median = (value[(nr - 1) / 2] + value[nr / 2]) / 2,
		.min = value[0],
		.max = value[nr - 1],
	};
}

/* By nearest rank: always a figure that was measured. */
double bench_percentile(double *value, size_t nr, double percent)
{
	size_t rank = (size_t)ceil(percent / 100 * (double)nr);

	sort(value, nr);
	return value[rank ? rank - 1 : 0];
}

size_t bench_count_below(const double *value, size_t nr, double limit)
{
	size_t low = 0;

	while (low < nr) {
		size_t middle = low + (nr - low) / 2;

		if (value[middle] >= limit)
			nr = middle;
		else
			low = middle + 1;
	}
	return low;
}
