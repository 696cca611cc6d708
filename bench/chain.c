/* SPDX-License-Identifier: MIT */
/*
 * chain.c - workq-bench chain: an item that queues itself, per hop.
 *
 * From before the queue_work() that starts the chain until the last run reads
 * the clock, divided by the number of runs. One worker, nobody to wake: what
 * is left is the bare way of an item through its pool.
 */
#include <err.h>
#include <semaphore.h>
#include <stdlib.h>

#include "bench.h"

/* Written by the driver while the chain stands still, by the worker while it runs. */
struct chain {
	struct work_struct work;
	struct workqueue_struct *wq;
	unsigned long left;
	uint64_t end_ns;
	sem_t done;
} __attribute__((aligned(64)));

static void hop(struct work_struct *work)
{
	struct chain *chain = from_work(chain, work, work);

	if (--chain->left) {
		queue_work(chain->wq, work);
		return;
	}
	chain->end_ns = bench_now_ns();
	sem_post(&chain->done);
}

static void start(struct bench_case *c, unsigned int index)
{
	struct chain *chain = (struct chain *)c->data + index;
	unsigned int first = (unsigned int)bench_cpus_index(c->target_cpu);

	chain->wq = c->wq;
	chain->left = c->items;
	if (!queue_work_on(bench_cpus_nth(first + index), c->wq, &chain->work))
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
}

/* Returns when the chain ended. */
static uint64_t wait_for(const struct bench_case *c, unsigned int index)
{
	struct chain *chain = (struct chain *)c->data + index;

	while (sem_wait(&chain->done) != 0)
		;
	return chain->end_ns;
}

/* All chains at once: the time of a hop is that of one chain. */
static double run(struct bench_case *c)
{
	uint64_t end_ns = 0;
	uint64_t start_ns;

	bench_measure_begin(c);
	start_ns = bench_now_ns();
	for (unsigned int i = 0; i < c->producers; i++)
		start(c, i);
	for (unsigned int i = 0; i < c->producers; i++) {
		uint64_t ns = wait_for(c, i);

		end_ns = ns > end_ns ? ns : end_ns;
	}
	bench_measure_end(c, c->items * c->producers);
	return (double)(end_ns - start_ns) / (double)c->items;
}

static void fini(struct bench_case *c)
{
	struct chain *chains = c->data;

	for (unsigned int i = 0; i < c->producers; i++)
		sem_destroy(&chains[i].done);
	free(chains);
}

static struct chain *make_chains(unsigned int nr)
{
	struct chain *chains = bench_alloc(nr, sizeof(*chains));

	for (unsigned int i = 0; i < nr; i++) {
		INIT_WORK(&chains[i].work, hop);
		sem_init(&chains[i].done, 0, 0);
	}
	return chains;
}

static struct bench_case *add(struct bench_plan *plan, unsigned int nr_chains)
{
	return bench_plan_add(plan, &(struct bench_case){
					    .unit = "ns/hop",
					    .items = plan->opts->items,
					    .producers = nr_chains,
					    .producer_cpu = plan->opts->cpu,
					    .target_cpu = plan->opts->cpu,
					    .run = run,
					    .fini = fini,
					    .data = make_chains(nr_chains),
				    });
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	unsigned int nr_chains = opts->producers.nr ? (unsigned int)opts->producers.value[0] : 1;

	bench_name(add(plan, 1), "chain");
	if (nr_chains > 1)
		bench_name(add(plan, nr_chains), "chain-%u-at-once", nr_chains);
}

static const struct argp_child children[] = {
	{ &bench_producers_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_chain = {
	.name = "chain",
	.summary = "an item that queues itself again and again, time per hop",
	.doc = "From before the first queue_work() until the last run of the item, divided by the "
	       "number of runs.\v"
	       "--items is the number of runs (1000000). With --producers N also N chains at once, "
	       "each on the next CPU.",
	.children = children,
	.items = 1000000,
	.quick_items = 10000,
	.setup = setup,
};
