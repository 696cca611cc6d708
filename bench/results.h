/* SPDX-License-Identifier: MIT */
/*
 * results.h - results as workq-bench --json writes them, for whoever draws them.
 *
 * Read once, from any number of files; then nobody changes them.
 */
#ifndef WORKQ_BENCH_RESULTS_H
#define WORKQ_BENCH_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * struct result - a line of JSON; see README.md
 * @json:   the line, whose texts the members point to
 * @config: what of it is not in the members that follow
 * @extra:  the same
 * @cdf:    pairs, a percentage and a time; NULL if there were no single times
 */
struct result {
	json_t *json;
	const char *workload;
	const char *system;
	const char *unit;
	double median;
	double min;
	double max;
	int runs;
	const char *command;
	const char *flags;
	long long items;
	long long pending;
	int producers;
	json_t *config;
	json_t *extra;
	json_t *cdf;
};

struct results {
	struct result *list;
	size_t nr;
};

/* Adds those of the file; what has the name of an earlier one replaces it. Ends the program
 * if the file cannot be read or is something else. */
void bench_results_read(struct results *results, const char *file);
void bench_results_free(struct results *results);

/* Its name among others of its command: the workload, and what tells it apart. */
void bench_result_name(const struct result *result, char *name, size_t size);
/* Is it about this library? */
bool bench_result_is_ours(const struct result *result);
/* Of "config" or "extra", a text or a number; "-" or a negative one if there is none. */
const char *bench_result_text(const json_t *part, const char *key);
double bench_result_number(const json_t *part, const char *key);

/* ---------------------------------------------------------------- pictures */

/**
 * struct picture - a file that was drawn
 * @file:  its name, without directory
 * @title: of the picture
 * @text:  what it shows
 */
struct picture {
	char file[64];
	char title[96];
	const char *text;
};

enum { BENCH_MAX_PICTURES = 64 };

/* Draws what there is something of into the directory; returns how many. */
unsigned int bench_pictures_draw(const struct results *results, const char *dir,
				 struct picture pictures[]);
/* A page that shows them, and all results. */
void bench_page_write(const struct results *results, const char *dir,
		      const struct picture pictures[], unsigned int nr);
/* On what and when it was measured, one line. */
void bench_results_caption(const struct results *results, char *text, size_t size);

/* ----------------------------------------------------------------- gnuplot */

/* gnuplot, which draws what is written to it, into a file of that size. */
FILE *bench_gnuplot_open(const char *file, int width, int height);
void bench_gnuplot_close(FILE *f, const char *file);
/* A text in its quotes. */
void bench_gnuplot_quote(FILE *f, const char *text);

#endif /* WORKQ_BENCH_RESULTS_H */
