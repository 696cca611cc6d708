/* SPDX-License-Identifier: MIT */
/*
 * pictures.c - which pictures there are: what is in them, and what they are called.
 */
#include <stdlib.h>
#include <string.h>

#include "charts.h"

/* ------------------------------------------------------------------- lines */

static bool place_timer(const struct result *r, const void *arg, struct place *place)
{
	(void)arg;
	if (strcmp(r->command, "timer") != 0 || !r->pending)
		return false;
	snprintf(place->panel, sizeof(place->panel), "%s", r->workload);
	snprintf(place->series, sizeof(place->series), "%s", r->system);
	place->x = (double)r->pending;
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool place_producers(const struct result *r, const void *arg, struct place *place)
{
	const char *who;

	(void)arg;
	if (strcmp(r->command, "queue") != 0)
		return false;
	if (ends_with(r->workload, "-producers"))
		who = "each to its own CPU";
	else if (ends_with(r->workload, "-producers-one-cpu"))
		who = "all to one CPU";
	else
		return false;
	snprintf(place->panel, sizeof(place->panel), "bursts of %lld items, %s queue", r->items,
		 r->flags);
	snprintf(place->series, sizeof(place->series), "%s", who);
	place->x = r->producers;
	return true;
}

static bool place_burst(const struct result *r, const void *arg, struct place *place)
{
	const char *who;

	(void)arg;
	if (strcmp(r->workload, "queue-same-cpu") == 0)
		who = "producer on the items' CPU";
	else if (strcmp(r->workload, "queue-other-cpu") == 0)
		who = "producer on another CPU";
	else
		return false;
	snprintf(place->panel, sizeof(place->panel), "%s queue", r->flags);
	snprintf(place->series, sizeof(place->series), "%s", who);
	place->x = (double)r->items;
	return true;
}

/* "queues-1000" is the point 1000 of "queues"; timers are told apart by how many are pending. */
static bool place_scale(const struct result *r, const void *arg, struct place *place)
{
	size_t length = strcspn(r->workload, "0123456789");

	(void)arg;
	if (strcmp(r->command, "scale") != 0)
		return false;
	place->x = r->pending ? (double)r->pending : strtod(r->workload + length, NULL);
	if (place->x < 1)
		return false;
	while (!r->pending && length && r->workload[length - 1] == '-')
		length--;
	snprintf(place->panel, sizeof(place->panel), "%.*s", (int)length, r->workload);
	snprintf(place->series, sizeof(place->series), "%s", r->system);
	return true;
}

static const struct {
	struct chart chart;
	const char *text;
} lines[] = {
	{ { .file = "bursts.svg",
	    .title = "A burst of items: cost per item",
	    .columns = 2,
	    .x_label = "items in the burst",
	    .log_y = true,
	    .place = place_burst },
	  "Queueing a burst of items and waiting for all of them, per item. In small bursts the "
	  "wake-up and the flush weigh as much as the items." },
	{ { .file = "producers.svg",
	    .title = "Several producers: cost per item",
	    .columns = 2,
	    .x_label = "producers",
	    .place = place_producers },
	  "A burst that several threads share. With more producers than CPUs they take turns." },
	{ { .file = "timers.svg",
	    .title = "Timers: cost of an operation, with others pending",
	    .columns = 3,
	    .x_label = "others pending",
	    .place = place_timer },
	  "Arming, re-arming, cancelling and expiring one timer while others are pending; the "
	  "wheel is the library's own without lock, clock and queue." },
	{ { .file = "scale.svg",
	    .title = "Ever more of it: cost of one",
	    .columns = 3,
	    .x_label = "how many",
	    .place = place_scale },
	  "Cost per item or operation with more and more producers, queues, items and timers; "
	  "memory does to the same cache lines what the library must do at least, without it." },
};

/* ----------------------------------------------------------- distributions */

/* Of compare each workload is a picture, of the other commands all together are one. */
static bool is_of_same_picture(const struct result *a, const struct result *b)
{
	return strcmp(a->command, b->command) == 0 &&
	       (strcmp(a->command, "compare") != 0 || strcmp(a->workload, b->workload) == 0);
}

static bool place_distribution(const struct result *r, const void *arg, struct place *place)
{
	const struct result *first = arg;
	char name[160];

	if (!is_of_same_picture(r, first))
		return false;
	snprintf(place->panel, sizeof(place->panel), "%s",
		 strcmp(r->command, "compare") == 0 ? r->workload : r->command);
	if (strcmp(r->command, "compare") == 0)
		snprintf(name, sizeof(name), "%s", r->system);
	else
		bench_result_name(r, name, sizeof(name));
	snprintf(place->series, sizeof(place->series), "%.*s", (int)sizeof(place->series) - 1,
		 name);
	return true;
}

static bool is_first_of_picture(const struct results *results, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (results->list[i].cdf &&
		    is_of_same_picture(&results->list[i], &results->list[index]))
			return false;
	}
	return results->list[index].cdf;
}

static bool draw_distribution(const struct results *results, const char *dir,
			      const struct result *first, struct picture *picture)
{
	bool is_compare = strcmp(first->command, "compare") == 0;
	const struct chart chart = {
		.file = picture->file,
		.title = picture->title,
		.columns = 2,
		.place = place_distribution,
		.arg = first,
	};

	snprintf(picture->file, sizeof(picture->file), "%s%.40s.svg", is_compare ? "compare-" : "",
		 is_compare ? first->workload : first->command);
	snprintf(picture->title, sizeof(picture->title), "Distribution of the single times: %.50s",
		 is_compare ? first->workload : first->command);
	picture->text =
		"On the left, what part of the single times was no longer than that; on the "
		"right, what part was longer, down to the rare ones.";
	return bench_chart_distributions(results, dir, &chart);
}

/* -------------------------------------------------------------------- bars */

static bool place_compared(const struct result *r, const void *arg, struct place *place)
{
	(void)arg;
	if (strcmp(r->command, "compare") != 0)
		return false;
	snprintf(place->panel, sizeof(place->panel), "%s", r->workload);
	snprintf(place->series, sizeof(place->series), "%s", r->system);
	return true;
}

static const struct chart compared = {
	.file = "compare.svg",
	.title = "Beside other libraries",
	.columns = 2,
	.place = place_compared,
};

/* -------------------------------------------------------------------- all */

unsigned int bench_pictures_draw(const struct results *results, const char *dir,
				 struct picture pictures[])
{
	unsigned int nr = 0;

	if (bench_chart_bars(results, dir, &compared))
		pictures[nr++] = (struct picture){
			"compare.svg", "Beside other libraries",
			"The same workload on each library, medians with the spread; the figure is "
			"followed by how many times that of libworkq's usual queue it is. What is more "
			"than twelve times as long is cut."
		};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct chart *chart = &lines[i].chart;

		if (!bench_chart_lines(results, dir, chart))
			continue;
		snprintf(pictures[nr].file, sizeof(pictures[nr].file), "%s", chart->file);
		snprintf(pictures[nr].title, sizeof(pictures[nr].title), "%s", chart->title);
		pictures[nr++].text = lines[i].text;
	}
	for (size_t i = 0; i < results->nr && nr < BENCH_MAX_PICTURES; i++) {
		if (is_first_of_picture(results, i) &&
		    draw_distribution(results, dir, &results->list[i], &pictures[nr]))
			nr++;
	}
	return nr;
}
