/* SPDX-License-Identifier: MIT */
/*
 * scale_load.c - for scale.c: ever more producers, ever more items in flight.
 *
 * Each point handles the same number of items, so that what a run costs once
 * weighs the same at all of them.
 */
#include <err.h>
#include <stdlib.h>

#include "scale.h"

/* --------------------------------------------------------------- producers */

/* one_pool: all to the pool of --cpu, else each producer to that of its own CPU. */
struct producers {
	struct bench_team *team;
	bool one_pool;
};

static void queue_range(const struct bench_case *c, unsigned long begin, unsigned long end)
{
	const struct producers *producers = c->data;
	bool all = true;

	if (producers->one_pool) {
		for (unsigned long i = begin; i < end; i++)
			all &= queue_work_on(c->target_cpu, c->wq, &scale_items[i].work);
	} else {
		for (unsigned long i = begin; i < end; i++)
			all &= queue_work(c->wq, &scale_items[i].work);
	}
	if (!all)
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
}

static void queue_share(void *arg, unsigned int member)
{
	const struct bench_case *c = arg;

	queue_range(c, c->items * member / c->producers, c->items * (member + 1) / c->producers);
}

/* A thread's first steps in the library fall into this. */
static void go_to_cpu(void *arg, unsigned int member)
{
	const struct bench_case *c = arg;

	bench_pin(bench_cpus_nth((unsigned int)bench_cpus_index(c->producer_cpu) + member));
	queue_range(c, member, member + 1);
}

static void in_all(struct bench_case *c, bench_member_fn fn)
{
	const struct producers *producers = c->data;

	if (producers->team)
		bench_team_run(producers->team, fn, c);
	else
		fn(c, 0);
	flush_workqueue(c->wq);
}

static double run_producers(struct bench_case *c)
{
	struct producers *producers = c->data;
	uint64_t ns;

	if (c->producers > 1)
		producers->team = bench_team_create(c->producers);
	in_all(c, go_to_cpu);
	for (unsigned long i = 0; i < c->producers; i++)
		scale_items[i].nr_runs = 0;
	bench_measure_begin(c);
	in_all(c, queue_share);
	ns = bench_measure_end(c, c->items);
	if (producers->team)
		bench_team_destroy(producers->team);
	producers->team = NULL;
	scale_check_all_ran(c, c->items, 1);
	return (double)ns / (double)c->items;
}

static void fini_data(struct bench_case *c)
{
	free(c->data);
}

static void add_producers(struct bench_plan *plan, unsigned int nr, bool one_pool)
{
	struct producers *producers = bench_alloc(1, sizeof(*producers));
	struct bench_case *c = bench_plan_add(plan, &(struct bench_case){
							    .unit = "ns/item",
							    .items = plan->opts->items,
							    .producers = nr,
							    .producer_cpu = plan->opts->cpu,
							    .target_cpu = plan->opts->cpu,
							    .run = run_producers,
							    .fini = fini_data,
							    .data = producers,
						    });

	producers->one_pool = one_pool;
	bench_name(c, one_pool ? "producers-one-pool-%u" : "producers-%u", nr);
}

void scale_add_producers(struct bench_plan *plan, unsigned long nr_producers)
{
	if (nr_producers > plan->opts->items)
		return;
	add_producers(plan, (unsigned int)nr_producers, /* one_pool */ false);
	add_producers(plan, (unsigned int)nr_producers, /* one_pool */ true);
}

/* --------------------------------------------------------- items in flight */

struct flight {
	unsigned long rounds;
};

static void queue_all(const struct bench_case *c)
{
	bool all = true;

	for (unsigned long i = 0; i < c->items; i++)
		all &= queue_work_on(c->target_cpu, c->wq, &scale_items[i].work);
	if (!all)
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
}

/* The queue is frozen until all of them wait in it. */
static double run_flight(struct bench_case *c)
{
	const struct flight *flight = c->data;
	uint64_t ns;

	bench_measure_begin(c);
	for (unsigned long round = 0; round < flight->rounds; round++) {
		freeze_workqueues_begin();
		queue_all(c);
		thaw_workqueues();
		flush_workqueue(c->wq);
	}
	ns = bench_measure_end(c, c->items * flight->rounds);
	scale_check_all_ran(c, c->items, flight->rounds);
	return (double)ns / (double)(c->items * flight->rounds);
}

/*
 * Who queues takes an item, who runs it gives it back, each by a locked instruction: no library can
 * do with less.
 */
static double run_flight_control(struct bench_case *c)
{
	const struct flight *flight = c->data;
	uint64_t ns;

	bench_measure_begin(c);
	for (unsigned long round = 0; round < flight->rounds; round++) {
		for (unsigned long i = 0; i < c->items; i++)
			__atomic_store_n(&scale_items[i].seen, c, __ATOMIC_SEQ_CST);
		for (unsigned long i = 0; i < c->items; i++) {
			if (__atomic_exchange_n(&scale_items[i].seen, NULL, __ATOMIC_SEQ_CST) == c)
				scale_items[i].nr_runs++;
		}
	}
	ns = bench_measure_end(c, c->items * flight->rounds);
	scale_check_all_ran(c, c->items, flight->rounds);
	return (double)ns / (double)(c->items * flight->rounds);
}

static struct workqueue_struct *alloc_freezable(const struct bench_options *opts)
{
	struct workqueue_struct *wq;

	if (opts->kind->ordered)
		wq = alloc_ordered_workqueue("bench", WQ_FREEZABLE);
	else
		wq = alloc_workqueue("bench", opts->kind->flags | WQ_FREEZABLE, opts->max_active);
	if (!wq)
		err(EXIT_FAILURE, "cannot make a queue: alloc_workqueue");
	return wq;
}

static struct bench_case *add_flight(struct bench_plan *plan, unsigned long nr, const char *system,
				     double (*run)(struct bench_case *c))
{
	struct flight *flight = bench_alloc(1, sizeof(*flight));
	struct bench_case *c = bench_plan_add(plan, &(struct bench_case){
							    .system = system,
							    .unit = "ns/item",
							    .items = nr,
							    .producers = 1,
							    .producer_cpu = plan->opts->cpu,
							    .target_cpu = plan->opts->cpu,
							    .run = run,
							    .fini = fini_data,
							    .data = flight,
						    });

	flight->rounds = plan->opts->items > nr ? plan->opts->items / nr : 1;
	bench_name(c, "items-%lu", nr);
	return c;
}

void scale_add_items(struct bench_plan *plan, unsigned long nr_in_flight)
{
	struct bench_case *c = add_flight(plan, nr_in_flight, NULL, run_flight);

	destroy_workqueue(c->wq);
	c->wq = alloc_freezable(plan->opts);
	add_flight(plan, nr_in_flight, SCALE_CONTROL, run_flight_control);
}
