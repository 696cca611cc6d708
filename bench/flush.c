/* SPDX-License-Identifier: MIT */
/*
 * flush.c - workq-bench flush: queue_work() and flush_work(), there and back.
 *
 * From before queue_work() until flush_work() of that item returned; the
 * caller does nothing else, so each round trip finds the pool idle.
 */
#include <err.h>
#include <stdlib.h>

#include "bench.h"

static void do_nothing(struct work_struct *work)
{
	(void)work;
}

static uint64_t round_trip_ns(struct bench_case *c)
{
	struct work_struct *work = c->data;
	uint64_t start_ns = bench_now_ns();

	if (!queue_work_on(c->target_cpu, c->wq, work))
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
	flush_work(work);
	return bench_now_ns() - start_ns;
}

static double run(struct bench_case *c)
{
	return bench_run_latency(c, round_trip_ns);
}

static void *make(void)
{
	struct work_struct *work = bench_alloc(1, sizeof(*work));

	INIT_WORK(work, do_nothing);
	return work;
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	(void)opts;
	bench_plan_add_latency(plan, "flush", run, make);
}

const struct bench_command bench_flush = {
	.name = "flush",
	.summary = "queue_work() and flush_work() of one item, time of a round trip",
	.doc = "From before queue_work() until flush_work() returned; the caller is pinned to the "
	       "CPU of the item, or to another.\v"
	       "--items is the number of round trips in a run (5000).",
	.items = 5000,
	.quick_items = 100,
	.setup = setup,
};
