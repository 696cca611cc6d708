/* SPDX-License-Identifier: MIT */
/*
 * scale.c - workq-bench scale: does an item cost the same, however much there is of everything?
 *
 * Four axes: producers, queues, items in flight, pending timers. Beside those that
 * need more memory with each point stands a control, which touches as many cache lines
 * in the same order without the library: what grows there is the machine's.
 */
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scale.h"
#include "timers.h"

enum {
	TIMER_BATCH = 1000,
	QUICK_TIMER_BATCH = 20,
};

struct scale_item *scale_items;

static void count_run(struct work_struct *work)
{
	struct scale_item *item = from_work(item, work, work);

	item->nr_runs++;
}

static void make_items(unsigned long nr)
{
	scale_items = bench_alloc(nr, sizeof(*scale_items));
	for (unsigned long i = 0; i < nr; i++)
		INIT_WORK(&scale_items[i].work, count_run);
}

void scale_check_all_ran(const struct bench_case *c, unsigned long nr, unsigned long times)
{
	for (unsigned long i = 0; i < nr; i++) {
		if (scale_items[i].nr_runs != times)
			errx(EXIT_FAILURE, "%s: item %lu ran %lu times, not %lu", c->workload, i,
			     scale_items[i].nr_runs, times);
		scale_items[i].nr_runs = 0;
	}
}

/* -------------------------------------------------------------------- axes */

static void add_timers(struct bench_plan *plan, unsigned long pending)
{
	unsigned long batch = plan->opts->quick ? QUICK_TIMER_BATCH : TIMER_BATCH;

	bench_timer_add_operations(plan, &bench_timers_workq, pending, batch);
	bench_timer_add_operations(plan, &bench_timers_wheel, pending, batch);
}

/**
 * struct axis - what there is more and more of
 * @name:       value of --axis
 * @first:      the smallest point
 * @last:       the largest
 * @quick_last: the same with --quick
 * @factor:     from one point to the next
 * @bytes:      that each one takes, with its control, roughly
 * @add:        the cases of a point
 */
struct axis {
	const char *name;
	unsigned long first;
	unsigned long last;
	unsigned long quick_last;
	unsigned long factor;
	unsigned long bytes;
	void (*add)(struct bench_plan *plan, unsigned long point);
};

static const struct axis axes[] = {
	{ "producers", 1, 256, 4, 2, 16384, scale_add_producers },
	{ "queues", 1, 1000000, 100, 10, 6000, scale_add_queues },
	{ "items", 1000, 10000000, 1000, 10, sizeof(struct scale_item), scale_add_items },
	{ "timers", 1000, 10000000, 1000, 10, 2 * sizeof(struct delayed_work), add_timers },
};

enum { NR_AXES = sizeof(axes) / sizeof(axes[0]) };

static const struct axis *wanted; /* NULL: all */
static unsigned long limit;       /* 0: none */

static unsigned long last_point(const struct bench_options *opts, const struct axis *axis)
{
	unsigned long last = opts->quick ? axis->quick_last : axis->last;

	return limit && limit < last ? limit : last;
}

static bool is_wanted(const struct axis *axis)
{
	return !wanted || wanted == axis;
}

/* As many as any axis needs. */
static unsigned long count_items(const struct bench_options *opts)
{
	unsigned long nr = opts->items, last;

	for (int i = 0; i < NR_AXES; i++) {
		last = last_point(opts, &axes[i]);
		if (is_wanted(&axes[i]) && axes[i].add == scale_add_items && last > nr)
			nr = last;
	}
	return nr;
}

static void add_axis(struct bench_plan *plan, const struct axis *axis)
{
	unsigned long last = last_point(plan->opts, axis);

	for (unsigned long point = axis->first; point <= last; point *= axis->factor) {
		if (point * axis->bytes > bench_available_memory() / 2) {
			warnx("no memory for %lu %s: left out", point, axis->name);
			return;
		}
		axis->add(plan, point);
	}
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	make_items(count_items(opts));
	for (int i = 0; i < NR_AXES; i++) {
		if (is_wanted(&axes[i]))
			add_axis(plan, &axes[i]);
	}
}

/* ----------------------------------------------------------------- verdict */

/* One row of the result: a workload, on which of its axis's points. */
struct point {
	size_t prefix; /* length of the name without the point */
	unsigned long at;
	double ns;
	double control_ns; /* 0: there is none */
	double cpu_ns;     /* that the process used */
};

static double median(const struct bench_case *c)
{
	return bench_summarise(c->figures.value, c->figures.nr).median;
}

/* The same workload and point, without the library. */
static double control_of(const struct bench_plan *plan, const struct bench_case *c)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *other = &plan->cases[i];

		if (other->system && other->pending == c->pending &&
		    strcmp(other->workload, c->workload) == 0)
			return median(other);
	}
	return 0;
}

/* "queues-1000" is 1000 on the axis "queues"; of "timer-arm" the pending timers are. */
static struct point point_of(const struct bench_plan *plan, const struct bench_case *c)
{
	const char *dash = strrchr(c->workload, '-');
	struct point point = {
		.prefix = strlen(c->workload),
		.at = c->pending,
		.ns = median(c),
		.control_ns = control_of(plan, c),
		.cpu_ns = (double)c->usage.cpu_ns / (double)c->usage.items,
	};

	if (!c->pending && dash && isdigit((unsigned char)dash[1])) {
		point.prefix = (size_t)(dash - c->workload);
		point.at = strtoul(dash + 1, NULL, 10);
	}
	return point;
}

static bool is_same_axis(const struct bench_case *a, const struct bench_case *b, size_t prefix)
{
	return !b->system && strncmp(a->workload, b->workload, prefix) == 0 &&
	       (!b->workload[prefix] ||
		(b->workload[prefix] == '-' && isdigit((unsigned char)b->workload[prefix + 1])));
}

/* Dearest and cheapest of some points. */
struct extremes {
	struct point low;
	struct point high;
};

static void widen(struct extremes *extremes, struct point point)
{
	if (!extremes->low.at || point.ns < extremes->low.ns)
		extremes->low = point;
	if (!extremes->high.at || point.ns > extremes->high.ns)
		extremes->high = point;
}

/* What it would be if the memory of each point cost as little as that of the smallest does. */
static struct point without_memory(struct point point, double least_control_ns)
{
	point.ns -= point.control_ns - least_control_ns;
	return point;
}

static struct point on_cpu(struct point point)
{
	point.ns = point.cpu_ns;
	return point;
}

static void print_extremes(const char *what, const struct extremes *extremes)
{
	printf("%s %.2f at %lu, %.2f at %lu: %.2f times", what, extremes->low.ns, extremes->low.at,
	       extremes->high.ns, extremes->high.at, extremes->high.ns / extremes->low.ns);
}

/* The smallest point, where what is done once counts most, is left out. */
static void judge(const struct bench_plan *plan, unsigned int first)
{
	const struct bench_case *c = &plan->cases[first];
	struct point smallest = point_of(plan, c);
	struct extremes all = { 0 }, net = { 0 }, cpu = { 0 };

	for (unsigned int i = first + 1; i < plan->nr_cases; i++) {
		struct point point;

		if (!is_same_axis(c, &plan->cases[i], smallest.prefix))
			continue;
		point = point_of(plan, &plan->cases[i]);
		widen(&all, point);
		widen(&net, without_memory(point, smallest.control_ns));
		widen(&cpu, on_cpu(point));
	}
	if (!all.low.at)
		return;
	printf("%-24.*s", (int)smallest.prefix, c->workload);
	print_extremes("", &all);
	if (smallest.control_ns > 0)
		print_extremes("; but for memory", &net);
	print_extremes("; CPU time", &cpu);
	printf("  %s\n", c->unit);
}

static bool is_first_of_axis(const struct bench_plan *plan, unsigned int index)
{
	const struct bench_case *c = &plan->cases[index];
	size_t prefix = point_of(plan, c).prefix;

	for (unsigned int i = 0; i < index; i++) {
		if (is_same_axis(c, &plan->cases[i], prefix))
			return false;
	}
	return !c->system;
}

static void finish(struct bench_plan *plan)
{
	if (!plan->opts->json)
		printf("\ncheapest and dearest, beyond the smallest point\n");
	for (unsigned int i = 0; i < plan->nr_cases && !plan->opts->json; i++) {
		if (is_first_of_axis(plan, i))
			judge(plan, i);
	}
}

/* ----------------------------------------------------------------- options */

enum { OPT_AXIS = 512, OPT_LIMIT };

static const struct argp_option axis_options[] = {
	{ "axis", OPT_AXIS, "AXIS", 0, "Only producers, queues, items or timers", 0 },
	{ "limit", OPT_LIMIT, "N", 0, "No point of an axis beyond N", 0 },
	{ 0 },
};

static void choose_axis(struct argp_state *state, const char *name)
{
	for (int i = 0; i < NR_AXES; i++) {
		if (strcmp(axes[i].name, name) == 0)
			wanted = &axes[i];
	}
	if (!wanted)
		argp_error(state, "--axis: '%s' is none of producers, queues, items, timers", name);
}

static error_t parse_axis(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_AXIS:
		choose_axis(state, arg);
		return 0;
	case OPT_LIMIT:
		limit = bench_parse_number(state, "limit", arg, 1, 100000000);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp axis_argp = {
	.options = axis_options,
	.parser = parse_axis,
};

static const struct argp_child children[] = {
	{ &axis_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_scale = {
	.name = "scale",
	.summary = "cost per item against producers, queues, items in flight, pending timers",
	.doc = "Up to 256 threads that queue, a million queues, ten million items in flight, ten "
	       "million timers pending. Where more memory is in use with each point, a control "
	       "beside it touches the same lines in the same order without the library. At the end: "
	       "for each axis the cheapest and the dearest point beyond the smallest.\v"
	       "--items is how many items a run has (1000000). One axis at a time gives the better "
	       "figures: threads and memory of the others are not there then.",
	.children = children,
	.items = 1000000,
	.quick_items = 2000,
	.runs = 5,
	.setup = setup,
	.finish = finish,
};
