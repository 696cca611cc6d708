/* SPDX-License-Identifier: MIT */
/*
 * scope.c - workq-bench scope: an unbound queue under each affinity scope.
 *
 * The idea is the kernel's own test of its workqueues: one thread bound to each
 * CPU queues an item of its own, waits until it has run, and does so again. What
 * is timed is the call of queue_work() alone; items per second are whole round trips.
 */
#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include <workq/workq.h>

#include "bench.h"

static const struct {
	const char *name;
	enum wq_affn_scope scope;
} scopes[] = {
	{ "cpu", WQ_AFFN_CPU },
	{ "smt", WQ_AFFN_SMT },
	{ "cache_shard", WQ_AFFN_CACHE_SHARD },
	{ "cache", WQ_AFFN_CACHE },
	{ "numa", WQ_AFFN_NUMA },
	{ "system", WQ_AFFN_SYSTEM },
};

struct trip {
	struct work_struct work;
	sem_t is_done;
};

/* A case's threads and what they need. */
struct crew {
	struct bench_case *c;
	struct bench_team *team;
	struct trip *trips;
};

static void end_trip(struct work_struct *work)
{
	struct trip *trip = from_work(trip, work, work);

	sem_post(&trip->is_done);
}

static void make_trips(void *arg, unsigned int member)
{
	struct crew *crew = arg;
	struct bench_case *c = crew->c;
	struct trip *trip = &crew->trips[member];
	double *us = c->latency.value + c->latency.nr + member * c->items;

	bench_pin(bench_cpus_nth(member));
	for (unsigned long i = 0; i < c->items; i++) {
		uint64_t start_ns;

		INIT_WORK(&trip->work, end_trip);
		start_ns = bench_now_ns();
		queue_work(c->wq, &trip->work);
		us[i] = (double)(bench_now_ns() - start_ns) / 1000;
		while (sem_wait(&trip->is_done) && errno == EINTR)
			;
	}
}

static double run(struct bench_case *c)
{
	struct crew *crew = c->data;
	uint64_t ns;

	crew->c = c;
	bench_measure_begin(c);
	bench_team_run(crew->team, make_trips, crew);
	flush_workqueue(c->wq);
	ns = bench_measure_end(c, c->items * c->producers);
	c->latency.nr += c->kept_per_run;
	return (double)ns / 1000 / (double)c->items;
}

static void fini(struct bench_case *c)
{
	struct crew *crew = c->data;

	bench_team_destroy(crew->team);
	free(crew->trips);
	free(crew);
}

static struct crew *make_crew(unsigned int size)
{
	struct crew *crew = bench_alloc(1, sizeof(*crew));

	crew->team = bench_team_create(size);
	crew->trips = bench_alloc(size, sizeof(*crew->trips));
	for (unsigned int i = 0; i < size; i++)
		sem_init(&crew->trips[i].is_done, 0, 0);
	return crew;
}

static struct workqueue_struct *make_queue(enum wq_affn_scope scope, int max_active)
{
	struct workqueue_struct *wq = alloc_workqueue("bench_wq", WQ_UNBOUND, max_active);
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();

	if (!wq || !attrs)
		err(EXIT_FAILURE, "alloc_workqueue");
	attrs->affn_scope = scope;
	if (apply_workqueue_attrs(wq, attrs))
		errx(EXIT_FAILURE, "apply_workqueue_attrs");
	free_workqueue_attrs(attrs);
	return wq;
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	unsigned int size = opts->producers.nr ? (unsigned int)opts->producers.value[0] :
						 bench_cpus_count();

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		struct bench_case like = {
			.unit = "us",
			.items = opts->items,
			.producers = size,
			.producer_cpu = -1,
			.target_cpu = -1,
			.wq = make_queue(scopes[i].scope, opts->max_active),
			.run = run,
			.fini = fini,
			.data = make_crew(size),
			.kept_per_run = opts->items * size,
		};

		bench_name(bench_plan_add(plan, &like), "scope-%s", scopes[i].name);
	}
}

/* As the kernel's test prints it; the table has sorted the single times. */
static void finish(struct bench_plan *plan)
{
	if (plan->opts->json)
		return;
	printf("\ntest_workqueue: running %u threads, %lu items/thread\n", plan->cases[0].producers,
	       plan->opts->items);
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		struct bench_case *c = &plan->cases[i];
		double *us = c->latency.value;
		size_t nr = c->latency.nr;
		double trip_us = bench_summarise(c->figures.value, c->figures.nr).median;

		printf("test_workqueue:   %-16s %.0f items/sec\tp50=%.0f\tp90=%.0f\tp95=%.0f ns\n",
		       scopes[i].name, c->producers / trip_us * 1e6, us[nr / 2] * 1000,
		       us[nr * 90 / 100] * 1000, us[nr * 95 / 100] * 1000);
	}
}

static const struct argp_child children[] = {
	{ &bench_producers_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_scope = {
	.name = "scope",
	.summary = "unbound queue: round trips and cost of queue_work() under each affinity scope",
	.doc = "One thread bound to each CPU queues an item of its own, waits until it has run, and "
	       "does so again. The figure is the time of a round trip; the single times are those of "
	       "queue_work() alone.\v"
	       "--items is the number of round trips of each thread in a run (20000); --producers "
	       "is the number of threads.",
	.children = children,
	.items = 20000,
	.quick_items = 200,
	.own_queue = "unbound queues",
	.setup = setup,
	.finish = finish,
};
