/* SPDX-License-Identifier: MIT */
/*
 * plot.c - workq-bench plot: pictures of results that were measured before.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "bench.h"
#include "results.h"

struct plot {
	struct results results;
	const char *dir;
};

enum { OPT_OUT = 512 };

static const struct argp_option options[] = {
	{ "out", OPT_OUT, "DIR", 0, "Where the pictures go; it is made if it is not there", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct plot *plot = state->input;

	switch (key) {
	case OPT_OUT:
		plot->dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		bench_results_read(&plot->results, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which file?");
		return 0;
	case ARGP_KEY_END:
		if (!plot->dir)
			argp_error(state, "--out: into which directory?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void draw(const struct plot *plot)
{
	static struct picture pictures[BENCH_MAX_PICTURES];
	unsigned int nr;

	/* Where gnuplot is missing, its absence shall be told, not the broken pipe. */
	signal(SIGPIPE, SIG_IGN);
	if (mkdir(plot->dir, 0777) != 0 && errno != EEXIST)
		err(EXIT_FAILURE, "%s", plot->dir);
	nr = bench_pictures_draw(&plot->results, plot->dir, pictures);
	bench_page_write(&plot->results, plot->dir, pictures, nr);
	for (unsigned int i = 0; i < nr; i++)
		printf("%s/%s\n", plot->dir, pictures[i].file);
	printf("%s/index.html\n", plot->dir);
}

static int main_plot(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "FILE...",
		.doc = "Draws what other commands wrote with --json: SVG, by gnuplot, and a page of "
		       "HTML that shows all of it. Of results with the same name the last one counts.",
	};
	struct plot plot = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &plot);
	if (!plot.results.nr)
		errx(EXIT_FAILURE, "there is no result in these files");
	draw(&plot);
	bench_results_free(&plot.results);
	return EXIT_SUCCESS;
}

const struct bench_command bench_plot = {
	.name = "plot",
	.summary = "pictures of results that were written with --json",
	.main = main_plot,
};
