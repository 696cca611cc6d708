/* SPDX-License-Identifier: MIT */
/*
 * mix.c - workq-bench mix: a bit of everything, as a program does it.
 *
 * Several producers, each with tasks of its own, which it queues on a per-CPU,
 * an unbound and an ordered queue, has queued a little later, takes back and
 * waits for; and with timeouts, which are put off again and again and hardly
 * ever fire. What happens when is drawn by lot, from --seed: in each run the same.
 * A task that was lost, or ran once too often, ends the program.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum {
	TASKS_PER_KIND = 16,
	MAX_SPINS = 256,
	MAX_SHORT_MS = 5,
	MIN_TIMEOUT_MS = 20,
	MAX_TIMEOUT_MS = 2000,
	PER_MILLE = 1000,
};

enum kind { PERCPU, UNBOUND, ORDERED, SHORT, TIMEOUT, NR_KINDS };

/*
 * One that runs as an item of one queue. is_busy: from before it is queued until its function
 * is nearly through, or it has been taken back; while it is not set, all is the
 * producer's, else queued_ns and what follows is the function's.
 */
struct task {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	enum kind kind;
	unsigned int nr_spins;
	unsigned long nr_queued;
	unsigned long nr_taken_back;
	atomic_bool is_busy;
	bool has_latency;
	uint64_t queued_ns;
	uint64_t latency_ns;
	unsigned long nr_runs;
} __attribute__((aligned(64)));

struct producer {
	const struct bench_case *c;
	struct task (*tasks)[TASKS_PER_KIND]; /* of each kind */
	uint64_t random;
	unsigned long nr_operations;
	struct bench_samples latency;
};

struct mix {
	struct workqueue_struct *unbound;
	struct workqueue_struct *ordered;
	struct bench_team *team;
	struct producer *producers;
};

static unsigned long seed = 1;

/* ------------------------------------------------------------------- tasks */

static void compute(unsigned int nr_spins)
{
	uint64_t random = 1;

	for (unsigned int i = 0; i < nr_spins; i++)
		bench_random(&random);
	__asm__ volatile("" : : "r"(random));
}

static void serve(struct work_struct *work)
{
	uint64_t now_ns = bench_now_ns();
	struct task *task = container_of(to_delayed_work(work), struct task, dwork);

	task->latency_ns = now_ns - task->queued_ns;
	compute(task->nr_spins);
	task->nr_runs++;
	atomic_store_explicit(&task->is_busy, false, memory_order_release);
}

static bool is_busy(const struct task *task)
{
	return atomic_load_explicit(&task->is_busy, memory_order_acquire);
}

static struct task *choose(struct producer *p, enum kind kind)
{
	return &p->tasks[kind][bench_random(&p->random) % TASKS_PER_KIND];
}

/* The first that is idle from a random one on; if none is, the random one, when it has run. */
static struct task *choose_idle(struct producer *p, enum kind kind)
{
	struct task *first = p->tasks[kind];
	struct task *chosen = choose(p, kind);
	unsigned int begin = (unsigned int)(chosen - first);

	for (unsigned int i = 0; i < TASKS_PER_KIND; i++) {
		struct task *task = &first[(begin + i) % TASKS_PER_KIND];

		if (!is_busy(task))
			return task;
	}
	flush_delayed_work(&chosen->dwork);
	return chosen;
}

/* Of an idle task: how long its last run was waited for. */
static void keep_latency(struct producer *p, struct task *task)
{
	if (task->has_latency)
		bench_samples_add(&p->latency, (double)task->latency_ns / 1000);
	task->has_latency = false;
}

static void prepare(struct producer *p, struct task *task)
{
	keep_latency(p, task);
	task->nr_queued++;
	atomic_store_explicit(&task->is_busy, true, memory_order_relaxed);
}

static void note_taken_back(struct task *task)
{
	task->nr_taken_back++;
	task->has_latency = false;
	atomic_store_explicit(&task->is_busy, false, memory_order_relaxed);
}

/* -------------------------------------------------------------- operations */

static void queue(struct producer *p, enum kind kind)
{
	struct task *task = choose_idle(p, kind);

	prepare(p, task);
	task->has_latency = true;
	task->queued_ns = bench_now_ns();
	if (!queue_work(task->wq, &task->dwork.work))
		errx(EXIT_FAILURE, "mix: an idle item was not taken");
}

static void queue_percpu(struct producer *p)
{
	queue(p, PERCPU);
}

static void queue_unbound(struct producer *p)
{
	queue(p, UNBOUND);
}

static void queue_ordered(struct producer *p)
{
	queue(p, ORDERED);
}

static void queue_soon(struct producer *p)
{
	struct task *task = choose_idle(p, SHORT);

	prepare(p, task);
	queue_delayed_work(task->wq, &task->dwork, 1 + bench_random(&p->random) % MAX_SHORT_MS);
}

/* False from mod_delayed_work(): it had fired, or been taken back, and begins anew. */
static void put_timeout_off(struct producer *p)
{
	struct task *task = choose(p, TIMEOUT);
	unsigned long delay =
		MIN_TIMEOUT_MS + bench_random(&p->random) % (MAX_TIMEOUT_MS - MIN_TIMEOUT_MS);

	if (!mod_delayed_work(task->wq, &task->dwork, delay))
		task->nr_queued++;
}

static void end_timeout(struct producer *p)
{
	struct task *task = choose(p, TIMEOUT);

	task->nr_taken_back += cancel_delayed_work(&task->dwork);
}

static void take_back(struct producer *p)
{
	struct task *task = choose(p, (enum kind)(bench_random(&p->random) % TIMEOUT));

	if (cancel_delayed_work(&task->dwork))
		note_taken_back(task);
}

static void wait_for_item(struct producer *p)
{
	flush_work(&choose(p, (enum kind)(bench_random(&p->random) % SHORT))->dwork.work);
}

static void wait_for_queue(struct producer *p)
{
	flush_workqueue(choose(p, (enum kind)(bench_random(&p->random) % SHORT))->wq);
}

static const struct {
	unsigned int per_mille;
	void (*perform)(struct producer *p);
} operations[] = {
	{ 400, queue_percpu }, { 120, queue_unbound },   { 60, queue_ordered },
	{ 60, queue_soon },    { 250, put_timeout_off }, { 60, end_timeout },
	{ 40, take_back },     { 8, wait_for_item },     { 2, wait_for_queue },
};

static void perform_next(struct producer *p)
{
	unsigned int lot = (unsigned int)(bench_random(&p->random) % PER_MILLE);
	unsigned int i = 0;

	while (lot >= operations[i].per_mille)
		lot -= operations[i++].per_mille;
	operations[i].perform(p);
}

/* --------------------------------------------------------------------- run */

static void produce(void *arg, unsigned int member)
{
	struct mix *mix = arg;
	struct producer *p = &mix->producers[member];

	bench_pin(bench_cpus_nth(member));
	for (unsigned long i = 0; i < p->nr_operations; i++)
		perform_next(p);
}

static void begin(struct bench_case *c)
{
	struct mix *mix = c->data;

	for (unsigned int i = 0; i < c->producers; i++) {
		mix->producers[i].random = seed + i;
		mix->producers[i].latency.nr = 0;
	}
}

static void end_task(const struct bench_case *c, struct producer *p, struct task *task)
{
	if (task->kind == TIMEOUT)
		task->nr_taken_back += cancel_delayed_work_sync(&task->dwork);
	else
		flush_delayed_work(&task->dwork);
	if (delayed_work_pending(&task->dwork) ||
	    task->nr_queued != task->nr_runs + task->nr_taken_back)
		errx(EXIT_FAILURE,
		     "%s: a task was queued %lu times, ran %lu times, was taken back %lu",
		     c->workload, task->nr_queued, task->nr_runs, task->nr_taken_back);
	keep_latency(p, task);
}

static void end(struct bench_case *c)
{
	struct mix *mix = c->data;

	for (unsigned int i = 0; i < c->producers; i++) {
		struct producer *p = &mix->producers[i];

		for (enum kind kind = PERCPU; kind < NR_KINDS; kind++) {
			for (unsigned int k = 0; k < TASKS_PER_KIND; k++)
				end_task(c, p, &p->tasks[kind][k]);
		}
		for (size_t k = 0; k < p->latency.nr; k++)
			bench_samples_add(&c->latency, p->latency.value[k]);
	}
}

static double run(struct bench_case *c)
{
	struct mix *mix = c->data;
	uint64_t ns;

	begin(c);
	bench_measure_begin(c);
	bench_team_run(mix->team, produce, mix);
	flush_workqueue(c->wq);
	flush_workqueue(mix->unbound);
	flush_workqueue(mix->ordered);
	ns = bench_measure_end(c, c->items);
	end(c);
	return (double)ns / (double)c->items;
}

/* ------------------------------------------------------------------- setup */

static struct workqueue_struct *queue_of(const struct bench_case *c, enum kind kind)
{
	const struct mix *mix = c->data;

	if (kind == UNBOUND)
		return mix->unbound;
	return kind == ORDERED ? mix->ordered : c->wq;
}

static void make_tasks(struct bench_case *c, struct producer *p)
{
	uint64_t random = 1;

	p->tasks = bench_alloc(NR_KINDS, sizeof(*p->tasks));
	for (enum kind kind = PERCPU; kind < NR_KINDS; kind++) {
		for (unsigned int i = 0; i < TASKS_PER_KIND; i++) {
			struct task *task = &p->tasks[kind][i];

			INIT_DELAYED_WORK(&task->dwork, serve);
			task->kind = kind;
			task->wq = queue_of(c, kind);
			task->nr_spins = (unsigned int)(bench_random(&random) % MAX_SPINS);
		}
	}
}

static void make_producers(struct bench_case *c)
{
	struct mix *mix = c->data;

	mix->producers = bench_alloc(c->producers, sizeof(*mix->producers));
	for (unsigned int i = 0; i < c->producers; i++) {
		struct producer *p = &mix->producers[i];

		p->nr_operations = c->items * (i + 1) / c->producers - c->items * i / c->producers;
		bench_samples_init(&p->latency, p->nr_operations + 1);
		make_tasks(c, p);
	}
}

static void fini(struct bench_case *c)
{
	struct mix *mix = c->data;

	for (unsigned int i = 0; i < c->producers; i++) {
		bench_samples_fini(&mix->producers[i].latency);
		free(mix->producers[i].tasks);
	}
	bench_team_destroy(mix->team);
	destroy_workqueue(mix->unbound);
	destroy_workqueue(mix->ordered);
	free(mix->producers);
	free(mix);
}

static struct mix *make_mix(unsigned int producers)
{
	struct mix *mix = bench_alloc(1, sizeof(*mix));

	mix->unbound = alloc_workqueue("bench_unbound", WQ_UNBOUND, 0);
	mix->ordered = alloc_ordered_workqueue("bench_ordered", 0);
	if (!mix->unbound || !mix->ordered)
		err(EXIT_FAILURE, "alloc_workqueue");
	mix->team = bench_team_create(producers);
	return mix;
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	unsigned int cpus = bench_cpus_count() > 1 ? bench_cpus_count() : 2;
	unsigned int producers = opts->producers.nr ? (unsigned int)opts->producers.value[0] : cpus;
	struct bench_case like = {
		.unit = "ns/op",
		.items = opts->items,
		.producers = producers,
		.producer_cpu = -1,
		.target_cpu = -1,
		.wq = alloc_workqueue("bench_percpu", WQ_PERCPU, opts->max_active),
		.run = run,
		.fini = fini,
		.data = make_mix(producers),
		.kept_per_run = opts->items,
	};
	struct bench_case *c;

	if (!like.wq)
		err(EXIT_FAILURE, "alloc_workqueue");
	c = bench_plan_add(plan, &like);
	bench_name(c, "mix");
	make_producers(c);
}

static void finish(struct bench_plan *plan)
{
	struct bench_case *c = &plan->cases[0];

	if (!plan->opts->json)
		printf("\n%.0f operations per second, by %u producers\n",
		       1e9 / bench_summarise(c->figures.value, c->figures.nr).median, c->producers);
}

enum { OPT_SEED = 512 };

static const struct argp_option options[] = {
	{ "seed", OPT_SEED, "N", 0, "What the operations are drawn from (1)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != OPT_SEED)
		return ARGP_ERR_UNKNOWN;
	seed = bench_parse_number(state, "seed", arg, 1, 1000000000);
	return 0;
}

static const struct argp mix_argp = {
	.options = options,
	.parser = parse,
};

static const struct argp_child children[] = {
	{ &bench_producers_argp, 0, NULL, 0 },
	{ &mix_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_mix = {
	.name = "mix",
	.summary = "a bit of everything: time per operation, and from queueing to the start",
	.doc = "Producers, one per CPU, do in fixed proportions what programs do: queue items on a "
	       "per-CPU, an unbound and an ordered queue, at once or some milliseconds later, put "
	       "timeouts off and end them, take items back, and wait for items and queues.\v"
	       "--items is the number of operations in a run, of all producers (200000). The single "
	       "times are from queueing at once to the start of the function.",
	.children = children,
	.items = 200000,
	.quick_items = 2000,
	.own_queue = "per-CPU, unbound and ordered queues",
	.setup = setup,
	.finish = finish,
};
