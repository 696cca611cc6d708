/* SPDX-License-Identifier: MIT */
/*
 * gnuplot.c - gnuplot at the other end of a pipe.
 */
#include <err.h>
#include <stdlib.h>

#include "results.h"

FILE *bench_gnuplot_open(const char *file, int width, int height)
{
	FILE *f = popen("gnuplot", "we");

	if (!f)
		err(EXIT_FAILURE, "gnuplot");
	fprintf(f,
		"set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,12' "
		"background '#ffffff'\nset encoding utf8\nset output ",
		width, height);
	bench_gnuplot_quote(f, file);
	fputc('\n', f);
	return f;
}

void bench_gnuplot_close(FILE *f, const char *file)
{
	if (pclose(f) != 0)
		errx(EXIT_FAILURE, "gnuplot did not draw %s; is it installed?", file);
}

/* In its single quotes only the quote itself is special. */
void bench_gnuplot_quote(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', f);
		fputc(*text, f);
	}
	fputc('\'', f);
}
