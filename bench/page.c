/* SPDX-License-Identifier: MIT */
/*
 * page.c - one page of HTML that shows the pictures, and all results as a table.
 */
#include <err.h>
#include <stdlib.h>

#include "results.h"

static void write_escaped(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		default:
			fputc(*text, f);
		}
	}
}

static void write_head(FILE *f, const struct results *results)
{
	char caption[256];

	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	      "<title>libworkq: benchmarks</title>\n<style>\n"
	      "body { font-family: sans-serif; color: #222; max-width: 1480px; margin: 2em auto; "
	      "padding: 0 1em; }\n"
	      "img { max-width: 100%; border: 1px solid #ddd; }\n"
	      "table { border-collapse: collapse; font-size: 90%; }\n"
	      "th, td { border-bottom: 1px solid #ddd; padding: 0.2em 0.7em; text-align: right; }\n"
	      "th:first-child, td:first-child { text-align: left; }\n"
	      "</style>\n<h1>libworkq: benchmarks</h1>\n<p>",
	      f);
	bench_results_caption(results, caption, sizeof(caption));
	write_escaped(f, caption);
	fputs("</p>\n", f);
}

static void write_picture(FILE *f, const struct picture *picture)
{
	fputs("<h2>", f);
	write_escaped(f, picture->title);
	fputs("</h2>\n<p>", f);
	write_escaped(f, picture->text);
	fprintf(f, "</p>\n<img src=\"%s\" alt=\"", picture->file);
	write_escaped(f, picture->title);
	fputs("\">\n", f);
}

/* Empty where there is none. */
static void write_cell(FILE *f, double value, int decimals)
{
	if (value < 0)
		fputs("<td></td>", f);
	else
		fprintf(f, "<td>%.*f</td>", decimals, value);
}

static void write_row(FILE *f, const struct result *r)
{
	char name[160];

	bench_result_name(r, name, sizeof(name));
	fputs("<tr><td>", f);
	write_escaped(f, name);
	fprintf(f,
		"</td><td>%lld</td><td>%d</td><td>%.2f</td><td>%.2f .. %.2f</td><td>%d</td>"
		"<td>%s</td>",
		r->items, r->producers, r->median, r->min, r->max, r->runs, r->unit);
	write_cell(f, bench_result_number(r->extra, "p50"), 2);
	write_cell(f, bench_result_number(r->extra, "p99"), 2);
	write_cell(f, bench_result_number(r->extra, "worst"), 1);
	write_cell(f, bench_result_number(r->extra, "cpu_ns_per_item"), 1);
	write_cell(f, bench_result_number(r->extra, "voluntary_switches_per_item"), 5);
	write_cell(f, bench_result_number(r->extra, "system_calls_per_item"), 5);
	fputs("</tr>\n", f);
}

static void write_table(FILE *f, const struct results *results)
{
	fputs("<h2>All results</h2>\n<table>\n<tr><th>workload</th><th>items</th><th>producers</th>"
	      "<th>median</th><th>min .. max</th><th>runs</th><th>unit</th><th>p50, µs</th>"
	      "<th>p99, µs</th><th>worst, µs</th><th>CPU ns per item</th><th>voluntary switches</th>"
	      "<th>system calls</th></tr>\n",
	      f);
	for (size_t i = 0; i < results->nr; i++)
		write_row(f, &results->list[i]);
	fputs("</table>\n", f);
}

void bench_page_write(const struct results *results, const char *dir,
		      const struct picture pictures[], unsigned int nr)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/index.html", dir);
	f = fopen(path, "we");
	if (!f)
		err(EXIT_FAILURE, "%s", path);
	write_head(f, results);
	for (unsigned int i = 0; i < nr; i++)
		write_picture(f, &pictures[i]);
	write_table(f, results);
	fputs("</html>\n", f);
	if (fclose(f) != 0)
		err(EXIT_FAILURE, "%s", path);
}
