/* SPDX-License-Identifier: MIT */
/*
 * queue.c - workq-bench queue: a burst of distinct items, per item.
 *
 * A producer queues a whole burst and then waits with flush_workqueue(): from
 * before the first queue_work() until the flush returned, divided by the size
 * of the burst. The big burst spills into max_active and out of the near
 * caches; the small ones show what the wake-up and the flush cost beside.
 */
#include <err.h>
#include <stdlib.h>

#include "bench.h"

enum {
	BIG_BURSTS_PER_RUN = 4,
	MAX_BURSTS_PER_RUN = 1000,
	MAX_BURSTS_PER_QUICK_RUN = 20,
	DEFAULT_PRODUCERS = 2,
};

/* An item in a struct of the user's: a cache line, of which the work function writes one word. */
struct item {
	struct work_struct work;
	unsigned long nr_runs;
} __attribute__((aligned(64)));

/* What a case adds: its items, and who queues them. local: by queue_work(), each on its own CPU. */
struct burst {
	struct item *items;
	unsigned long rounds;
	bool local;
	struct bench_team *team;
};

static void count_run(struct work_struct *work)
{
	struct item *item = from_work(item, work, work);

	item->nr_runs++;
}

/* Queues one producer's share of the items. */
static void queue_share(const struct bench_case *c, unsigned int member)
{
	const struct burst *burst = c->data;
	unsigned long begin = c->items * member / c->producers;
	unsigned long end = c->items * (member + 1) / c->producers;
	bool all = true;

	if (burst->local) {
		for (unsigned long i = begin; i < end; i++)
			all &= queue_work(c->wq, &burst->items[i].work);
	} else {
		for (unsigned long i = begin; i < end; i++)
			all &= queue_work_on(c->target_cpu, c->wq, &burst->items[i].work);
	}
	if (!all)
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
}

static void produce(struct bench_case *c, unsigned int member, unsigned long rounds)
{
	for (unsigned long round = 0; round < rounds; round++) {
		queue_share(c, member);
		flush_workqueue(c->wq);
	}
}

static void produce_warm_up(void *arg, unsigned int member)
{
	struct bench_case *c = arg;
	unsigned int first = (unsigned int)bench_cpus_index(c->producer_cpu);

	bench_pin(bench_cpus_nth(first + member));
	produce(c, member, 1);
}

static void produce_measured(void *arg, unsigned int member)
{
	struct bench_case *c = arg;
	const struct burst *burst = c->data;

	produce(c, member, burst->rounds);
}

static void check_all_ran(const struct bench_case *c, unsigned long times)
{
	const struct burst *burst = c->data;

	for (unsigned long i = 0; i < c->items; i++) {
		if (burst->items[i].nr_runs != times)
			errx(EXIT_FAILURE, "%s: item %lu ran %lu times, not %lu", c->workload, i,
			     burst->items[i].nr_runs, times);
		burst->items[i].nr_runs = 0;
	}
}

static void in_all_producers(struct bench_case *c, bench_member_fn fn)
{
	const struct burst *burst = c->data;

	if (burst->team)
		bench_team_run(burst->team, fn, c);
	else
		fn(c, 0);
}

static double run(struct bench_case *c)
{
	const struct burst *burst = c->data;
	uint64_t nr_items = c->items * burst->rounds;
	uint64_t wall_ns;

	in_all_producers(c, produce_warm_up);
	bench_measure_begin(c);
	in_all_producers(c, produce_measured);
	wall_ns = bench_measure_end(c, nr_items);
	check_all_ran(c, burst->rounds + 1);
	return (double)wall_ns / (double)nr_items;
}

static void fini(struct bench_case *c)
{
	struct burst *burst = c->data;

	if (burst->team)
		bench_team_destroy(burst->team);
	free(burst->items);
	free(burst);
}

/* A run takes some milliseconds: a few big bursts, many small ones. */
static unsigned long choose_rounds(const struct bench_options *opts, unsigned long items)
{
	unsigned long rounds = BIG_BURSTS_PER_RUN * opts->items / items;
	unsigned long max_rounds = opts->quick ? MAX_BURSTS_PER_QUICK_RUN : MAX_BURSTS_PER_RUN;

	return rounds < max_rounds ? rounds : max_rounds;
}

static struct burst *make_burst(const struct bench_options *opts, unsigned long items,
				unsigned int producers, bool local)
{
	struct burst *burst = bench_alloc(1, sizeof(*burst));

	burst->items = bench_alloc(items, sizeof(*burst->items));
	for (unsigned long i = 0; i < items; i++)
		INIT_WORK(&burst->items[i].work, count_run);
	burst->rounds = choose_rounds(opts, items);
	burst->local = local;
	if (producers > 1)
		burst->team = bench_team_create(producers);
	return burst;
}

static struct bench_case *add(struct bench_plan *plan, unsigned long items, unsigned int producers,
			      int producer_cpu, bool local)
{
	return bench_plan_add(plan, &(struct bench_case){
					    .unit = "ns/item",
					    .items = items,
					    .producers = producers,
					    .producer_cpu = producer_cpu,
					    .target_cpu = plan->opts->cpu,
					    .run = run,
					    .fini = fini,
					    .data = make_burst(plan->opts, items, producers, local),
				    });
}

static void add_one_producer(struct bench_plan *plan, unsigned long items)
{
	int cpu = plan->opts->cpu;
	int other = bench_cpus_nth((unsigned int)bench_cpus_index(cpu) + 1);

	bench_name(add(plan, items, 1, cpu, true), "queue-same-cpu");
	if (other != cpu)
		bench_name(add(plan, items, 1, other, false), "queue-other-cpu");
}

static void add_producers(struct bench_plan *plan, unsigned int producers)
{
	unsigned long items = plan->opts->items;
	int cpu = plan->opts->cpu;

	bench_name(add(plan, items, producers, cpu, true), "queue-%u-producers", producers);
	bench_name(add(plan, items, producers, cpu, false), "queue-%u-producers-one-cpu",
		   producers);
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	add_one_producer(plan, opts->items);
	if (!opts->items_given) {
		add_one_producer(plan, opts->items / 100);
		add_one_producer(plan, opts->items / 1000);
	}
	for (unsigned int i = 0; i < opts->producers.nr; i++)
		add_producers(plan, (unsigned int)opts->producers.value[i]);
	if (!opts->producers.nr && bench_cpus_count() > 1)
		add_producers(plan, DEFAULT_PRODUCERS);
}

static const struct argp_child children[] = {
	{ &bench_producer_list_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_queue = {
	.name = "queue",
	.summary = "bursts of distinct items, time per item",
	.doc = "From before the first queue_work() of a burst until flush_workqueue() returned, "
	       "divided by the items of the burst.\v"
	       "--items is the size of a burst (100000). If it is not given, bursts of a 100th "
	       "and a 1000th of that are measured too.",
	.children = children,
	.items = 100000,
	.quick_items = 2000,
	.setup = setup,
};
