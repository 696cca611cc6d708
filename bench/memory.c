/* SPDX-License-Identifier: MIT */
/*
 * memory.c - workq-bench memory: what a queue, a worker, a waiting item takes.
 *
 * Memory is what the system says of the process: anonymous pages that are there,
 * before and after. Nothing is freed until all was measured, so that nothing is
 * used a second time. Hence each case measures once, however many runs there are.
 */
#include <err.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <workq/workq.h>

#include "bench.h"

enum {
	NR_WORKERS = 64,
	NR_RECLAIM = 100,
	LONG_DELAY = 3600000,
	SETTLE_NS = 20000000,
	MAX_SETTLES = 100,
};

/* The file has lines such as "Anonymous:   12 kB"; 0: not this one. */
static uint64_t read_bytes(const char *file, const char *name)
{
	size_t length = strlen(name);
	FILE *f = fopen(file, "r");
	uint64_t kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			kib = strtoull(line + length + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return kib * 1024;
}

uint64_t bench_available_memory(void)
{
	return read_bytes("/proc/meminfo", "MemAvailable");
}

static uint64_t resident(void)
{
	uint64_t bytes = read_bytes("/proc/self/smaps_rollup", "Anonymous");

	if (!bytes)
		errx(EXIT_FAILURE, "the system does not say how much memory is in use");
	return bytes;
}

/* Threads that were asked for may still be on their way. */
static uint64_t settled(void)
{
	uint64_t last = 0, now = resident();

	for (int i = 0; i < MAX_SETTLES && now != last; i++) {
		last = now;
		bench_sleep_until(bench_now_ns() + SETTLE_NS);
		now = resident();
	}
	return now;
}

/* ----------------------------------------------------------------- objects */

/* What is made: @nr of something. */
struct load {
	unsigned long nr;
	unsigned int flags;
	bool is_ordered;
	void (*make)(struct bench_case *c);
	void (*unmake)(struct bench_case *c);
	void *objects;
	bool is_measured;
	double bytes;
	struct bench_usage usage;
};

static void make_queues(struct bench_case *c)
{
	struct load *load = c->data;
	struct workqueue_struct **wqs = load->objects;

	for (unsigned long i = 0; i < load->nr; i++) {
		wqs[i] = load->is_ordered ? alloc_ordered_workqueue("bench", load->flags) :
					    alloc_workqueue("bench", load->flags, 0);
		if (!wqs[i])
			err(EXIT_FAILURE, "alloc_workqueue");
	}
}

static void unmake_queues(struct bench_case *c)
{
	struct load *load = c->data;
	struct workqueue_struct **wqs = load->objects;

	for (unsigned long i = 0; i < load->nr; i++)
		destroy_workqueue(wqs[i]);
}

/* Of the workers that all wait at the same time. */
static atomic_ulong nr_waiting;
static sem_t go_on;

static void wait_for_others(struct work_struct *work)
{
	(void)work;
	workq_block_begin();
	atomic_fetch_add(&nr_waiting, 1);
	while (sem_wait(&go_on) != 0)
		;
	workq_block_end();
}

static void make_workers(struct bench_case *c)
{
	struct load *load = c->data;
	struct work_struct *works = load->objects;

	sem_init(&go_on, 0, 0);
	for (unsigned long i = 0; i < load->nr; i++) {
		INIT_WORK(&works[i], wait_for_others);
		queue_work_on(c->target_cpu, c->wq, &works[i]);
	}
	while (atomic_load(&nr_waiting) < load->nr)
		bench_sleep_until(bench_now_ns() + SETTLE_NS);
}

static void unmake_workers(struct bench_case *c)
{
	const struct load *load = c->data;

	for (unsigned long i = 0; i < load->nr; i++)
		sem_post(&go_on);
	flush_workqueue(c->wq);
	sem_destroy(&go_on);
}

static void do_nothing(struct work_struct *work)
{
	(void)work;
}

/* All in a queue that is frozen: they wait. */
static void make_items(struct bench_case *c)
{
	const struct load *load = c->data;
	struct work_struct *works = load->objects;

	freeze_workqueues_begin();
	for (unsigned long i = 0; i < load->nr; i++)
		queue_work_on(c->target_cpu, c->wq, &works[i]);
}

static void unmake_items(struct bench_case *c)
{
	thaw_workqueues();
	flush_workqueue(c->wq);
}

static void make_timers(struct bench_case *c)
{
	const struct load *load = c->data;
	struct delayed_work *dworks = load->objects;

	for (unsigned long i = 0; i < load->nr; i++)
		queue_delayed_work(c->wq, &dworks[i], LONG_DELAY + i % LONG_DELAY);
}

static void unmake_timers(struct bench_case *c)
{
	const struct load *load = c->data;
	struct delayed_work *dworks = load->objects;

	for (unsigned long i = 0; i < load->nr; i++)
		cancel_delayed_work_sync(&dworks[i]);
}

/* --------------------------------------------------------------------- run */

static double run(struct bench_case *c)
{
	struct load *load = c->data;
	uint64_t before;

	if (load->is_measured) {
		c->usage = load->usage;
		return load->bytes;
	}
	before = settled();
	bench_measure_begin(c);
	if (load->make)
		load->make(c);
	bench_measure_end(c, load->nr);
	load->usage = c->usage;
	load->is_measured = true;
	load->bytes = ((double)settled() - (double)before) / (double)load->nr;
	if (load->bytes < 0)
		load->bytes = 0;
	return load->bytes;
}

static void fini(struct bench_case *c)
{
	struct load *load = c->data;

	free(load->objects);
	free(load);
}

/* While its queue is there. */
static void finish(struct bench_plan *plan)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		struct load *load = plan->cases[i].data;

		if (load->unmake)
			load->unmake(&plan->cases[i]);
	}
}

/* ------------------------------------------------------------------- setup */

static uint64_t before_start, start_ns;

static void prepare(void)
{
	before_start = resident();
	start_ns = bench_now_ns();
}

static struct load *add(struct bench_plan *plan, const char *name, const char *unit,
			const struct load *like)
{
	struct load *load = bench_alloc(1, sizeof(*load));
	struct bench_case *c = bench_plan_add(plan, &(struct bench_case){
							    .unit = unit,
							    .items = like->nr,
							    .producers = 1,
							    .producer_cpu = plan->opts->cpu,
							    .target_cpu = plan->opts->cpu,
							    .run = run,
							    .fini = fini,
							    .data = load,
						    });

	*load = *like;
	bench_name(c, "%s", name);
	/* --flags may be that of a queue on which no two items run at the same time */
	destroy_workqueue(c->wq);
	c->wq = alloc_workqueue("bench", WQ_PERCPU | WQ_FREEZABLE, 0);
	if (!c->wq)
		err(EXIT_FAILURE, "alloc_workqueue");
	return load;
}

static void add_queues(struct bench_plan *plan, const char *name, unsigned long nr,
		       unsigned int flags, bool is_ordered)
{
	struct load *load = add(plan, name, "B/queue",
				&(struct load){ .nr = nr,
						.flags = flags,
						.is_ordered = is_ordered,
						.make = make_queues,
						.unmake = unmake_queues });

	load->objects = bench_alloc(nr, sizeof(struct workqueue_struct *));
}

static void add_workers(struct bench_plan *plan)
{
	struct load *load = add(
		plan, "worker", "B/worker",
		&(struct load){ .nr = NR_WORKERS, .make = make_workers, .unmake = unmake_workers });

	load->objects = bench_alloc(NR_WORKERS, sizeof(struct work_struct));
}

static void add_items(struct bench_plan *plan, unsigned long nr)
{
	struct load *load =
		add(plan, "pending-item", "B/item",
		    &(struct load){ .nr = nr, .make = make_items, .unmake = unmake_items });
	struct work_struct *works = bench_alloc(nr, sizeof(*works));

	for (unsigned long i = 0; i < nr; i++)
		INIT_WORK(&works[i], do_nothing);
	load->objects = works;
}

static void add_timers(struct bench_plan *plan, unsigned long nr)
{
	struct load *load =
		add(plan, "pending-timer", "B/timer",
		    &(struct load){ .nr = nr, .make = make_timers, .unmake = unmake_timers });
	struct delayed_work *dworks = bench_alloc(nr, sizeof(*dworks));

	for (unsigned long i = 0; i < nr; i++)
		INIT_DELAYED_WORK(&dworks[i], do_nothing);
	load->objects = dworks;
}

/* It has been made: the driver's stack is in it. */
static void add_library(struct bench_plan *plan)
{
	uint64_t now = settled();
	struct load *load = add(plan, "library", "B", &(struct load){ .nr = 1 });

	load->is_measured = true;
	load->bytes = (double)now - (double)before_start;
	load->usage = (struct bench_usage){ .items = 1, .wall_ns = start_ns };
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	unsigned long nr = opts->items / 1000 ? opts->items / 1000 : 1;

	start_ns = bench_now_ns() - start_ns;
	add_library(plan);
	add_queues(plan, "queue-percpu", nr, WQ_PERCPU, false);
	add_queues(plan, "queue-unbound", nr, WQ_UNBOUND, false);
	add_queues(plan, "queue-ordered", nr, 0, true);
	add_queues(plan, "queue-reclaim", nr < NR_RECLAIM ? nr : NR_RECLAIM,
		   WQ_PERCPU | WQ_MEM_RECLAIM, false);
	add_workers(plan);
	add_items(plan, opts->items);
	add_timers(plan, opts->items);
}

const struct bench_command bench_memory = {
	.name = "memory",
	.summary = "bytes that a queue, a worker, a pending item or timer takes",
	.doc = "Anonymous memory of the process before and after many of them are made, divided by "
	       "how many. What is the user's, the items themselves, is there before.\v"
	       "--items is how many items, and then timers, are pending at once (1000000); a 1000th "
	       "of that is how many queues of each kind are made.",
	.items = 1000000,
	.quick_items = 10000,
	.runs = 1,
	.own_queue = "queues of several kinds",
	.prepare = prepare,
	.setup = setup,
	.finish = finish,
};
