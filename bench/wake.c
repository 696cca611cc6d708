/* SPDX-License-Identifier: MIT */
/*
 * wake.c - workq-bench wake: how soon an idle pool starts an item.
 *
 * From before queue_work() to the first line of the work function, both by
 * CLOCK_MONOTONIC. After queue_work() the caller sleeps, long enough for the
 * item to run and the worker to fall asleep again: on the worker's own CPU the
 * caller's way to sleep is part of the time.
 */
#include <err.h>
#include <stdlib.h>

#include "bench.h"

enum {
	DEFAULT_PAUSE_US = 500,
	MAX_PAUSE_US = 100000,
};

static unsigned long pause_us = DEFAULT_PAUSE_US;

struct stamp {
	struct work_struct work;
	uint64_t ns;
};

static void take_stamp(struct work_struct *work)
{
	struct stamp *stamp = from_work(stamp, work, work);

	stamp->ns = bench_now_ns();
}

static void sleep_until_idle(void)
{
	struct timespec pause = { .tv_nsec = (long)pause_us * 1000 };

	nanosleep(&pause, NULL);
}

static uint64_t wake_ns(struct bench_case *c)
{
	struct stamp *stamp = c->data;
	uint64_t start_ns = bench_now_ns();

	if (!queue_work_on(c->target_cpu, c->wq, &stamp->work))
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
	sleep_until_idle();
	flush_work(&stamp->work);
	return stamp->ns - start_ns;
}

static double run(struct bench_case *c)
{
	return bench_run_latency(c, wake_ns);
}

static void *make(void)
{
	struct stamp *stamp = bench_alloc(1, sizeof(*stamp));

	INIT_WORK(&stamp->work, take_stamp);
	return stamp;
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	(void)opts;
	bench_plan_add_latency(plan, "wake", run, make);
}

enum { OPT_PAUSE = 512 };

static const struct argp_option options[] = {
	{ "pause", OPT_PAUSE, "USEC", 0, "How long to sleep after each item (500)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != OPT_PAUSE)
		return ARGP_ERR_UNKNOWN;
	pause_us = bench_parse_number(state, "pause", arg, 1, MAX_PAUSE_US);
	return 0;
}

static const struct argp wake_argp = {
	.options = options,
	.parser = parse,
};

static const struct argp_child children[] = {
	{ &wake_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_wake = {
	.name = "wake",
	.summary = "idle pool: time from queue_work() to the start of the function",
	.doc = "From before queue_work() to the first line of the work function, with the pool "
	       "idle and its worker asleep.\v"
	       "--items is the number of wake-ups in a run (400).",
	.children = children,
	.items = 400,
	.quick_items = 20,
	.setup = setup,
};
