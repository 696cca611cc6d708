/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - draws how late things were: bars of text, or a picture by gnuplot.
 *
 * Both axes of time are logarithmic: from a microsecond to a second everything
 * occurs, and the rare ones matter.
 */
#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* -------------------------------------------------------------------- text */

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

/* ----------------------------------------------------------------- picture */

enum {
	BINS_PER_DECADE = 10,
	DECADES = 6,
	PANEL_WIDTH = 480,
	PANEL_HEIGHT = 420,
};

/* $dN: the middle of each bin, and what part of the N-th case's times is in it. */
static void write_data(FILE *f, const struct bench_case *c, unsigned int index)
{
	fprintf(f, "$d%u << EOD\n", index);
	for (int i = 0; i < DECADES * BINS_PER_DECADE; i++) {
		double low = pow(10, (double)i / BINS_PER_DECADE);
		double high = pow(10, (double)(i + 1) / BINS_PER_DECADE);

		fprintf(f, "%.5g %.5g\n", sqrt(low * high), percent_between(c, low, high));
	}
	fputs("EOD\n", f);
}

static void write_curve(FILE *f, const struct bench_case *c, unsigned int index)
{
	fprintf(f, "$d%u with histeps linewidth 2 title '%s", index, bench_system(c));
	if (c->pending)
		fprintf(f, ", %lu pending", c->pending);
	fputs("'", f);
}

/* One panel: all cases of the workload. */
static void write_panel(FILE *f, const struct bench_plan *plan, const char *workload)
{
	const char *separator = "plot ";

	fprintf(f, "set title '%s'\n", workload);
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		if (strcmp(plan->cases[i].workload, workload) != 0)
			continue;
		fputs(separator, f);
		write_curve(f, &plan->cases[i], i);
		separator = ", ";
	}
	fputs("\n", f);
}

/* In gnuplot's single quotes only the quote itself is special. */
static void write_quoted(FILE *f, const char *text)
{
	putc('\'', f);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', f);
		putc(*text, f);
	}
	putc('\'', f);
}

static void write_settings(FILE *f, const char *file, int nr_panels)
{
	fprintf(f,
		"set terminal svg size %d,%d font 'sans-serif,12' background '#ffffff'\n"
		"set output ",
		PANEL_WIDTH * nr_panels, PANEL_HEIGHT);
	write_quoted(f, file);
	fprintf(f,
		"\nset multiplot layout 1,%d\n"
		"set logscale x\nset xrange [1:1e%d]\nset format x '10^{%%L}'\n"
		"set yrange [0:*]\nset grid\nset key below\n"
		"set xlabel 'microseconds late' offset 0,0.6\n"
		"set ylabel 'percent of the times in each tenth of a decade'\n",
		nr_panels, DECADES);
}

static void write_script(FILE *f, const struct bench_plan *plan, const char *file)
{
	int nr_panels = 0;

	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		write_data(f, &plan->cases[i], i);
		nr_panels += bench_plan_is_first(plan, i);
	}
	write_settings(f, file, nr_panels);
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		if (bench_plan_is_first(plan, i))
			write_panel(f, plan, plan->cases[i].workload);
	}
}

void bench_histogram_plot(const struct bench_plan *plan, const char *file)
{
	FILE *f = popen("gnuplot", "w");

	if (!f)
		err(EXIT_FAILURE, "gnuplot");
	write_script(f, plan, file);
	if (pclose(f) != 0)
		errx(EXIT_FAILURE, "gnuplot did not draw %s; is it installed?", file);
}
