/* SPDX-License-Identifier: MIT */
/*
 * charts.h - the three kinds of pictures: lines, distributions and bars.
 *
 * A picture is a sheet of panels, one beside the other. Who wants one says of
 * each result in which panel and on which curve it belongs, if at all.
 */
#ifndef WORKQ_BENCH_CHARTS_H
#define WORKQ_BENCH_CHARTS_H

#include "results.h"

/**
 * struct place - where a result belongs
 * @panel:  title of the panel
 * @series: title of the curve, or of the bar
 * @x:      for lines
 */
struct place {
	char panel[96];
	char series[96];
	double x;
};

/**
 * struct chart - a picture
 * @file:    its name, without directory
 * @title:   above all panels
 * @columns: panels side by side
 * @x_label: of lines
 * @log_y:   of lines: their heights differ by more than a picture can show otherwise
 * @place:   false: the result is not in this picture
 * @arg:     for @place
 */
struct chart {
	const char *file;
	const char *title;
	int columns;
	const char *x_label;
	bool log_y;
	bool (*place)(const struct result *result, const void *arg, struct place *place);
	const void *arg;
};

/* They return false, and draw nothing, if there is too little to see. */

/* Medians against x, with the spread; panels with one x only are left out. */
bool bench_chart_lines(const struct results *results, const char *dir, const struct chart *chart);
/* What part of the single times is how long, and the tail of it; each panel is two. */
bool bench_chart_distributions(const struct results *results, const char *dir,
			       const struct chart *chart);
/* Medians as bars with the spread, the shortest on top; ours stand out. */
bool bench_chart_bars(const struct results *results, const char *dir, const struct chart *chart);

#endif /* WORKQ_BENCH_CHARTS_H */
