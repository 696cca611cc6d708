/* SPDX-License-Identifier: MIT */
/*
 * charts.c - lines, distributions and bars, by gnuplot.
 *
 * Every picture says what it shows: units at the axes, and below all of it on
 * what and when it was measured.
 */
#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "charts.h"

enum {
	PANEL_WIDTH = 480,
	PANEL_HEIGHT = 380,
	BAR_HEIGHT = 26,
	BARS_FRAME = 90,
	HEAD = 40,
	FOOT = 26,
	MAX_COLORS = 8,
	MAX_TIMES_OURS = 12,
};

/* All legible on white; the first is ours. */
static const char *const colors[MAX_COLORS] = {
	"#1b6ca8", "#d1495b", "#2e8b57", "#c77d0a", "#6a4c93", "#00798c", "#8d5524", "#5f6b76",
};

/* How far the axes go: right of the longest bar, above the highest median, beside the points. */
static const double room_for_value = 1.35;
static const double room_above = 1.4;
static const double room_beside = 1.3;

/* A result that is in the picture; is_first: in its panel, or on its curve. */
struct entry {
	const struct result *result;
	struct place place;
	bool is_first_of_panel;
	bool is_first_of_series;
};

struct entries {
	struct entry *list;
	size_t nr;
};

/* What is drawn on; next: the panel that comes next. */
struct sheet {
	FILE *f;
	char path[512];
	int width;
	int height;
	int columns;
	int rows;
	int next;
};

/* ----------------------------------------------------------------- entries */

static bool is_in_panel(const struct entry *entry, const char *panel)
{
	return strcmp(entry->place.panel, panel) == 0;
}

static bool is_in_series(const struct entry *entry, const struct place *place)
{
	return is_in_panel(entry, place->panel) && strcmp(entry->place.series, place->series) == 0;
}

/* Anew after entries were dropped. */
static void find_first(struct entries *entries)
{
	for (size_t i = 0; i < entries->nr; i++) {
		struct entry *entry = &entries->list[i];

		entry->is_first_of_panel = true;
		entry->is_first_of_series = true;
		for (size_t k = 0; k < i; k++) {
			if (is_in_panel(&entries->list[k], entry->place.panel))
				entry->is_first_of_panel = false;
			if (is_in_series(&entries->list[k], &entry->place))
				entry->is_first_of_series = false;
		}
	}
}

static struct entries collect(const struct results *results, const struct chart *chart)
{
	struct entries entries = { .list = calloc(results->nr + 1, sizeof(*entries.list)) };

	if (!entries.list)
		err(EXIT_FAILURE, "no memory");
	for (size_t i = 0; i < results->nr; i++) {
		struct entry *entry = &entries.list[entries.nr];

		if (!chart->place(&results->list[i], chart->arg, &entry->place))
			continue;
		entry->result = &results->list[i];
		entries.nr++;
	}
	find_first(&entries);
	return entries;
}

/* Drops what @keep does not want; it sees the entries as they were. */
static void filter(struct entries *entries,
		   bool (*keep)(const struct entries *entries, const struct entry *entry))
{
	bool *kept = calloc(entries->nr + 1, sizeof(*kept));
	size_t nr = 0;

	if (!kept)
		err(EXIT_FAILURE, "no memory");
	for (size_t i = 0; i < entries->nr; i++)
		kept[i] = keep(entries, &entries->list[i]);
	for (size_t i = 0; i < entries->nr; i++) {
		if (kept[i])
			entries->list[nr++] = entries->list[i];
	}
	entries->nr = nr;
	free(kept);
	find_first(entries);
}

static int count_panels(const struct entries *entries)
{
	int nr = 0;

	for (size_t i = 0; i < entries->nr; i++)
		nr += entries->list[i].is_first_of_panel;
	return nr;
}

static int count_in_panel(const struct entries *entries, const char *panel)
{
	int nr = 0;

	for (size_t i = 0; i < entries->nr; i++)
		nr += is_in_panel(&entries->list[i], panel);
	return nr;
}

/* ------------------------------------------------------------------- sheet */

static void write_label(FILE *f, int tag, const char *text, const char *where, const char *style)
{
	fprintf(f, "set label %d ", tag);
	bench_gnuplot_quote(f, text);
	fprintf(f, " at screen %s %s\n", where, style);
}

static struct sheet open_sheet(const struct results *results, const char *dir,
			       const struct chart *chart, int nr_panels, int panel_height)
{
	struct sheet sheet = { .columns = chart->columns < nr_panels ? chart->columns : nr_panels };
	char caption[256];

	snprintf(sheet.path, sizeof(sheet.path), "%s/%s", dir, chart->file);
	sheet.rows = (nr_panels + sheet.columns - 1) / sheet.columns;
	sheet.width = sheet.columns * PANEL_WIDTH;
	sheet.height = sheet.rows * panel_height + HEAD + FOOT;
	sheet.f = bench_gnuplot_open(sheet.path, sheet.width, sheet.height);
	fputs("set multiplot\nset key below\nset grid lc rgb '#dddddd' lt 1\n"
	      "set border lc rgb '#555555'\n",
	      sheet.f);
	write_label(sheet.f, 1, chart->title, "0.5, screen 1 offset 0,-1.2", "center font ',16'");
	bench_results_caption(results, caption, sizeof(caption));
	write_label(sheet.f, 2, caption, "0.5, screen 0 offset 0,0.8",
		    "center font ',10' textcolor rgb '#555555'");
	return sheet;
}

/* The labels of the sheet come with its first panel. */
static void begin_panel(struct sheet *sheet, const char *title)
{
	int column = sheet->next % sheet->columns, row = sheet->next / sheet->columns;
	double height = (double)(sheet->height - HEAD - FOOT) / sheet->rows;
	double bottom = FOOT + height * (sheet->rows - 1 - row);

	if (sheet->next++)
		fputs("unset label\n", sheet->f);
	fprintf(sheet->f, "set origin %g,%g\nset size %g,%g\nset title ",
		(double)column / sheet->columns, bottom / sheet->height, 1.0 / sheet->columns,
		height / sheet->height);
	bench_gnuplot_quote(sheet->f, title);
	fputc('\n', sheet->f);
}

static void close_sheet(struct sheet *sheet)
{
	fputs("unset multiplot\n", sheet->f);
	bench_gnuplot_close(sheet->f, sheet->path);
}

static void write_axis_label(FILE *f, char axis, const char *text)
{
	fprintf(f, "set %clabel ", axis);
	bench_gnuplot_quote(f, strcmp(text, "us") == 0 ? "µs" : text);
	fputs(axis == 'x' ? " offset 0,0.5\n" : "\n", f);
}

static void write_style(FILE *f, const char *title, int curve)
{
	fprintf(f, " linewidth 2 dashtype %d linecolor rgb '%s' title ", curve / MAX_COLORS + 1,
		colors[curve % MAX_COLORS]);
	bench_gnuplot_quote(f, title);
}

/* ------------------------------------------------------------------- lines */

static bool has_several_x(const struct entries *entries, const struct entry *entry)
{
	for (size_t i = 0; i < entries->nr; i++) {
		const struct place *place = &entries->list[i].place;

		if (is_in_panel(&entries->list[i], entry->place.panel) &&
		    place->x != entry->place.x)
			return true;
	}
	return false;
}

static void write_points(FILE *f, const struct entries *entries, const struct place *place,
			 int curve)
{
	fprintf(f, "$d%d << EOD\n", curve);
	for (size_t i = 0; i < entries->nr; i++) {
		const struct result *r = entries->list[i].result;

		if (is_in_series(&entries->list[i], place))
			fprintf(f, "%g %g %g %g\n", entries->list[i].place.x, r->median, r->min,
				r->max);
	}
	fputs("EOD\n", f);
}

/* 1000 as 1k, and so on. */
static void write_tic(FILE *f, double x)
{
	static const char prefixes[] = " kMG";
	double rest = x;
	int i = 0;

	while (rest >= 1000 && prefixes[i + 1]) {
		rest /= 1000;
		i++;
	}
	fprintf(f, "'%g%.*s' %g", rest, i > 0, &prefixes[i], x);
}

/* Tics where points are. Outliers may end above the panel: what counts is how the medians lie. */
static void write_ranges(FILE *f, const struct entries *entries, const char *panel, bool log_y)
{
	double min_x = HUGE_VAL, max_x = 0, min_y = HUGE_VAL, max_y = 0;
	const char *separator = "set xtics (";

	for (size_t i = 0; i < entries->nr; i++) {
		const struct entry *entry = &entries->list[i];

		if (!is_in_panel(entry, panel))
			continue;
		min_x = fmin(min_x, entry->place.x);
		max_x = fmax(max_x, entry->place.x);
		min_y = fmin(min_y, entry->result->median);
		max_y = fmax(max_y, entry->result->median);
		fputs(separator, f);
		write_tic(f, entry->place.x);
		separator = ", ";
	}
	fprintf(f, ")\nset xrange [%g:%g]\nset yrange [%g:%g]\n", min_x / room_beside,
		max_x * room_beside, log_y ? min_y / room_above : 0, max_y * room_above);
}

static void write_lines(FILE *f, const struct entries *entries, const char *panel)
{
	const char *separator = "plot ";
	int curve = 0;

	for (size_t i = 0; i < entries->nr; i++) {
		const struct entry *entry = &entries->list[i];

		if (entry->is_first_of_series && is_in_panel(entry, panel))
			write_points(f, entries, &entry->place, curve++);
	}
	curve = 0;
	for (size_t i = 0; i < entries->nr; i++) {
		const struct entry *entry = &entries->list[i];

		if (!entry->is_first_of_series || !is_in_panel(entry, panel))
			continue;
		fprintf(f, "%s$d%d with yerrorlines pointtype 7 pointsize 0.5", separator, curve);
		write_style(f, entry->place.series, curve++);
		separator = ", ";
	}
	fputc('\n', f);
}

bool bench_chart_lines(const struct results *results, const char *dir, const struct chart *chart)
{
	struct entries entries = collect(results, chart);
	struct sheet sheet;

	filter(&entries, has_several_x);
	if (!entries.nr) {
		free(entries.list);
		return false;
	}
	sheet = open_sheet(results, dir, chart, count_panels(&entries), PANEL_HEIGHT);
	fprintf(sheet.f, "set logscale %s\n", chart->log_y ? "xy" : "x");
	write_axis_label(sheet.f, 'x', chart->x_label);
	for (size_t i = 0; i < entries.nr; i++) {
		const struct entry *entry = &entries.list[i];

		if (!entry->is_first_of_panel)
			continue;
		begin_panel(&sheet, entry->place.panel);
		write_axis_label(sheet.f, 'y', entry->result->unit);
		write_ranges(sheet.f, &entries, entry->place.panel, chart->log_y);
		write_lines(sheet.f, &entries, entry->place.panel);
	}
	close_sheet(&sheet);
	free(entries.list);
	return true;
}

/* ----------------------------------------------------------- distributions */

static bool has_distribution(const struct entries *entries, const struct entry *entry)
{
	(void)entries;
	return json_array_size(entry->result->cdf) > 1;
}

static void write_distribution(FILE *f, const struct result *result, int curve)
{
	size_t i;
	json_t *point;

	fprintf(f, "$d%d << EOD\n", curve);
	json_array_foreach(result->cdf, i, point)
		fprintf(f, "%g %g\n", json_number_value(json_array_get(point, 0)),
			json_number_value(json_array_get(point, 1)));
	fputs("EOD\n", f);
}

static void write_curves(FILE *f, const struct entries *entries, const char *panel,
			 const char *columns)
{
	const char *separator = "plot ";
	int curve = 0;

	for (size_t i = 0; i < entries->nr; i++) {
		const struct entry *entry = &entries->list[i];

		if (!is_in_panel(entry, panel))
			continue;
		fprintf(f, "%s$d%d using %s with steps", separator, curve, columns);
		write_style(f, entry->place.series, curve++);
		separator = ", ";
	}
	fputc('\n', f);
}

static void draw_distribution(struct sheet *sheet, const struct entries *entries, const char *panel)
{
	int curve = 0;

	for (size_t i = 0; i < entries->nr; i++) {
		if (is_in_panel(&entries->list[i], panel))
			write_distribution(sheet->f, entries->list[i].result, curve++);
	}
	begin_panel(sheet, panel);
	fputs("unset logscale y\nset yrange [0:100]\nset format y '%g'\n", sheet->f);
	write_axis_label(sheet->f, 'y', "percent that took no longer");
	write_curves(sheet->f, entries, panel, "2:1");
	begin_panel(sheet, "the tail of it");
	fputs("set logscale y\nset yrange [*:100]\n", sheet->f);
	write_axis_label(sheet->f, 'y', "percent that took longer");
	write_curves(sheet->f, entries, panel, "2:(100-$1)");
}

bool bench_chart_distributions(const struct results *results, const char *dir,
			       const struct chart *chart)
{
	struct entries entries = collect(results, chart);
	struct sheet sheet;

	filter(&entries, has_distribution);
	if (!entries.nr) {
		free(entries.list);
		return false;
	}
	sheet = open_sheet(results, dir, chart, 2 * count_panels(&entries), PANEL_HEIGHT);
	fputs("set logscale x\n", sheet.f);
	write_axis_label(sheet.f, 'x', "microseconds");
	for (size_t i = 0; i < entries.nr; i++) {
		if (entries.list[i].is_first_of_panel)
			draw_distribution(&sheet, &entries, entries.list[i].place.panel);
	}
	close_sheet(&sheet);
	free(entries.list);
	return true;
}

/* -------------------------------------------------------------------- bars */

static bool has_rivals(const struct entries *entries, const struct entry *entry)
{
	return count_in_panel(entries, entry->place.panel) > 1;
}

static int compare_medians(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	return (a->result->median > b->result->median) - (a->result->median < b->result->median);
}

/* What the others are measured by: our usual queue. */
static double own_median(const struct entries *entries, const char *panel)
{
	for (size_t i = 0; i < entries->nr; i++) {
		const struct result *r = entries->list[i].result;

		if (is_in_panel(&entries->list[i], panel) && strcmp(r->system, "libworkq") == 0)
			return r->median;
	}
	return 0;
}

/* The median, and how many times ours it is: in the same rounds, if they were compared so. What
 * is not a time may be 0. */
static void write_value(FILE *f, const struct result *r, double own)
{
	double ratio = bench_result_number(json_object_get(r->extra, "ratio"), "median");
	int decimals = r->median < 10 ? 2 : r->median < 100 ? 1 : 0;

	if (ratio < 0 && own > 0 && strcmp(r->unit, "bytes") != 0)
		ratio = r->median / own;
	fprintf(f, "\"  %.*f", decimals, r->median);
	if (ratio >= 0)
		fprintf(f, "   %.*fx", ratio < 10 ? 2 : 0, ratio);
	fputc('"', f);
}

/* How long bars may be: one that is very much longer than ours is cut, else ours is not seen. */
static double longest_bar(const struct entries *entries, const char *panel, double own)
{
	double max = 0;

	for (size_t i = 0; i < entries->nr; i++) {
		if (is_in_panel(&entries->list[i], panel))
			max = fmax(max, entries->list[i].result->max);
	}
	return own > 0 ? fmin(max, MAX_TIMES_OURS * own) : max;
}

/* Row, median, min, max, color, value, system. The value is written at the end of the whisker. */
static void write_bars(FILE *f, const struct entries *entries, const char *panel)
{
	double own = own_median(entries, panel);
	double max = longest_bar(entries, panel, own);
	int row = 0;

	fputs("$d << EOD\n", f);
	for (size_t i = 0; i < entries->nr; i++) {
		const struct result *r = entries->list[i].result;

		if (!is_in_panel(&entries->list[i], panel))
			continue;
		fprintf(f, "%d %g %g %g %s ", row++, r->median, fmin(r->min, max),
			fmin(r->max, max), bench_result_is_ours(r) ? "0x1b6ca8" : "0xaab4be");
		write_value(f, r, own);
		fprintf(f, " \"%s\"\n", entries->list[i].place.series);
	}
	fprintf(f, "EOD\nset yrange [%g:-0.6]\nset xrange [0:%g]\n", row - 0.4,
		room_for_value * max);
	fputs("plot $d using 2:1:(0):2:($1-0.36):($1+0.36):5:ytic(7) with boxxyerror fill solid "
	      "linecolor rgb variable notitle, "
	      "$d using 2:1:3:4 with xerrorbars pointtype 0 linecolor rgb '#333333' notitle, "
	      "$d using 4:1:6 with labels left font ',11' notitle\n",
	      f);
}

static int longest_panel(const struct entries *entries)
{
	int longest = 0;

	for (size_t i = 0; i < entries->nr; i++) {
		int nr = count_in_panel(entries, entries->list[i].place.panel);

		longest = nr > longest ? nr : longest;
	}
	return longest;
}

bool bench_chart_bars(const struct results *results, const char *dir, const struct chart *chart)
{
	struct entries entries = collect(results, chart);
	struct entry *sorted;
	struct entries in_order;
	struct sheet sheet;

	filter(&entries, has_rivals);
	if (!entries.nr) {
		free(entries.list);
		return false;
	}
	sorted = calloc(entries.nr, sizeof(*sorted));
	if (!sorted)
		err(EXIT_FAILURE, "no memory");
	memcpy(sorted, entries.list, entries.nr * sizeof(*sorted));
	qsort(sorted, entries.nr, sizeof(*sorted), compare_medians);
	in_order = (struct entries){ .list = sorted, .nr = entries.nr };

	sheet = open_sheet(results, dir, chart, count_panels(&entries),
			   longest_panel(&entries) * BAR_HEIGHT + BARS_FRAME);
	fputs("set grid noytics\nset ytics nomirror scale 0\n", sheet.f);
	for (size_t i = 0; i < entries.nr; i++) {
		const struct entry *entry = &entries.list[i];

		if (!entry->is_first_of_panel)
			continue;
		begin_panel(&sheet, entry->place.panel);
		write_axis_label(sheet.f, 'x', entry->result->unit);
		write_bars(sheet.f, &in_order, entry->place.panel);
	}
	close_sheet(&sheet);
	free(sorted);
	free(entries.list);
	return true;
}
