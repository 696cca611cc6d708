/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - draws how late things were, as bars of text.
 *
 * The ranges grow like 1, 2, 5, 10: from a microsecond to a second everything
 * occurs, and the rare ones matter.
 */
#include <math.h>
#include <stdio.h>

#include "bench.h"

static size_t count_between(const struct bench_case *c, double low, double high)
{
	return bench_count_below(c->latency.value, c->latency.nr, high) -
	       bench_count_below(c->latency.value, c->latency.nr, low);
}

static double percent_between(const struct bench_case *c, double low, double high)
{
	return 100 * (double)count_between(c, low, high) / (double)c->latency.nr;
}

enum { MAX_BAR = 60 };

static const double edges[] = {
	-HUGE_VAL, 0,    1,    2,     5,     10,    20,     50,     100,    200,     500,
	1000,      2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, HUGE_VAL,
};

enum { NR_BINS = sizeof(edges) / sizeof(edges[0]) - 1 };

static void print_range(double low, double high)
{
	if (low < 0)
		printf("  %-20s", "early");
	else if (isinf(high))
		printf("  %8.0f and more   ", low);
	else
		printf("  %8.0f .. %8.0f", low, high);
}

static void print_bar(double percent)
{
	int length = (int)ceil(percent * MAX_BAR / 100);

	printf(" %6.2f %% ", percent);
	for (int i = 0; i < length; i++)
		putchar('#');
	putchar('\n');
}

static void print_bars(const struct bench_case *c)
{
	int first = 0, last = NR_BINS - 1;

	while (first < last && !count_between(c, edges[first], edges[first + 1]))
		first++;
	while (last > first && !count_between(c, edges[last], edges[last + 1]))
		last--;
	for (int i = first; i <= last; i++) {
		print_range(edges[i], edges[i + 1]);
		print_bar(percent_between(c, edges[i], edges[i + 1]));
	}
}

void bench_histogram_print(const struct bench_plan *plan)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];

		printf("\n%s, %s", c->workload, bench_system(c));
		if (c->pending)
			printf(", %lu pending", c->pending);
		printf(", %s late:\n", c->unit);
		print_bars(c);
	}
}
