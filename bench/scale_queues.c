/* SPDX-License-Identifier: MIT */
/*
 * scale_queues.c - for scale.c: ever more queues, the items spread over them at random.
 *
 * A point is a row of cases: the queues are made, used, and destroyed. Between the first
 * and the last there is the control, with objects as large that refer to each
 * other in the same way, so that one cache miss waits for another as it does in the library.
 */
#include <err.h>
#include <semaphore.h>
#include <stdlib.h>

#include "scale.h"

/* As the library lays out a queue, on two CPUs: where the lines are that an item touches. */
enum {
	LINE = 64,
	TABLE_AT = 9 * LINE,
	SHARE_AT = 16 * LINE,
	SHARE_LINES = 3,
	CONTROL_SIZE = 36 * LINE,
};

struct share {
	struct {
		unsigned long value;
		char rest[LINE - sizeof(unsigned long)];
	} line[SHARE_LINES];
};

/* Where a control's queue and table say what comes next. */
struct link {
	struct link *next;
};

struct queues {
	const struct bench_options *opts;
	unsigned long nr;
	struct workqueue_struct **wqs;
	char *controls; /* nr of CONTROL_SIZE */
	unsigned int *of_item;
};

/* ------------------------------------------------------------ make, destroy */

static struct link *control_at(const struct queues *queues, unsigned long i, unsigned long offset)
{
	return (struct link *)(void *)(queues->controls + i * CONTROL_SIZE + offset);
}

static void make_controls(struct queues *queues)
{
	queues->controls = bench_alloc(queues->nr, CONTROL_SIZE);
	for (unsigned long i = 0; i < queues->nr; i++) {
		control_at(queues, i, 0)->next = control_at(queues, i, TABLE_AT);
		control_at(queues, i, TABLE_AT)->next = control_at(queues, i, SHARE_AT);
	}
}

static double run_alloc(struct bench_case *c)
{
	struct queues *queues = c->data;
	uint64_t ns;

	bench_measure_begin(c);
	for (unsigned long i = 0; i < queues->nr; i++)
		queues->wqs[i] = bench_alloc_queue(queues->opts);
	ns = bench_measure_end(c, queues->nr);
	make_controls(queues);
	return (double)ns / (double)queues->nr;
}

static double run_destroy(struct bench_case *c)
{
	struct queues *queues = c->data;
	uint64_t ns;

	free(queues->controls);
	bench_measure_begin(c);
	for (unsigned long i = 0; i < queues->nr; i++)
		destroy_workqueue(queues->wqs[i]);
	ns = bench_measure_end(c, queues->nr);
	return (double)ns / (double)queues->nr;
}

/* --------------------------------------------------------------------- use */

/* Holds up the worker until a burst is queued. */
static struct {
	struct work_struct work;
	sem_t may_go;
} gate;

static void wait_at_gate(struct work_struct *work)
{
	(void)work;
	while (sem_wait(&gate.may_go) != 0)
		;
}

/*
 * The items of a burst run in order, one after the other: the last one is waited for. Without the
 * gate it would be up to the scheduler how often the worker has nothing to do meanwhile.
 */
static void do_burst(const struct bench_case *c, unsigned long begin, unsigned long end)
{
	const struct queues *queues = c->data;
	bool all = queue_work_on(c->target_cpu, c->wq, &gate.work);

	for (unsigned long i = begin; i < end; i++)
		all &= queue_work_on(c->target_cpu, queues->wqs[queues->of_item[i]],
				     &scale_items[i].work);
	if (!all)
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
	sem_post(&gate.may_go);
	flush_work(&scale_items[end - 1].work);
	flush_work(&gate.work);
}

/*
 * What do_burst() and the worker cannot but touch, in their order. An item is taken by one locked
 * instruction, and given back by another: over those no processor looks ahead to the next miss.
 */
static void do_burst_control(const struct bench_case *c, unsigned long begin, unsigned long end)
{
	const struct queues *queues = c->data;

	for (unsigned long i = begin; i < end; i++) {
		struct link *queue = control_at(queues, queues->of_item[i], 0);
		struct share *share = (struct share *)(void *)queue->next->next;

		if (!share->line[0].value)
			__atomic_store_n(&scale_items[i].seen, share, __ATOMIC_SEQ_CST);
	}
	for (unsigned long i = begin; i < end; i++) {
		struct share *share =
			__atomic_exchange_n(&scale_items[i].seen, NULL, __ATOMIC_SEQ_CST);

		for (unsigned int line = 1; line < SHARE_LINES; line++)
			share->line[line].value++;
		scale_items[i].nr_runs++;
	}
}

static double run_bursts(struct bench_case *c,
			 void (*burst)(const struct bench_case *c, unsigned long begin,
				       unsigned long end))
{
	uint64_t ns;

	bench_measure_begin(c);
	for (unsigned long begin = 0; begin < c->items; begin += SCALE_BURST) {
		unsigned long end = begin + SCALE_BURST;

		burst(c, begin, end < c->items ? end : c->items);
	}
	ns = bench_measure_end(c, c->items);
	return (double)ns / (double)c->items;
}

/* Of queues that are not for one CPU the last item need not be through last. */
static double run_use(struct bench_case *c)
{
	double ns;

	INIT_WORK(&gate.work, wait_at_gate);
	sem_init(&gate.may_go, 0, 0);
	ns = run_bursts(c, do_burst);
	sem_destroy(&gate.may_go);

	for (unsigned long i = 0; i < c->items; i++)
		flush_work(&scale_items[i].work);
	scale_check_all_ran(c, c->items, 1);
	return ns;
}

static double run_use_control(struct bench_case *c)
{
	double ns = run_bursts(c, do_burst_control);

	scale_check_all_ran(c, c->items, 1);
	return ns;
}

/* ------------------------------------------------------------------- setup */

/* The destroying case comes last. */
static void fini_destroy(struct bench_case *c)
{
	struct queues *queues = c->data;

	free(queues->of_item);
	free(queues->wqs);
	free(queues);
}

static struct queues *make_queues(const struct bench_options *opts, unsigned long nr)
{
	struct queues *queues = bench_alloc(1, sizeof(*queues));
	uint64_t random = 1;

	queues->opts = opts;
	queues->nr = nr;
	queues->wqs = bench_alloc(nr, sizeof(struct workqueue_struct *));
	queues->of_item = bench_alloc(opts->items, sizeof(*queues->of_item));
	for (unsigned long i = 0; i < opts->items; i++)
		queues->of_item[i] = (unsigned int)(bench_random(&random) % nr);
	return queues;
}

static void add(struct bench_plan *plan, const char *name, const struct bench_case *part,
		struct queues *queues)
{
	struct bench_case like = *part;

	like.producers = 1;
	like.producer_cpu = plan->opts->cpu;
	like.target_cpu = plan->opts->cpu;
	like.data = queues;
	bench_name(bench_plan_add(plan, &like), "%s-%lu", name, queues->nr);
}

void scale_add_queues(struct bench_plan *plan, unsigned long nr_queues)
{
	struct queues *queues = make_queues(plan->opts, nr_queues);
	unsigned long items = plan->opts->items;

	add(plan, "alloc",
	    &(struct bench_case){ .unit = "ns/queue", .items = nr_queues, .run = run_alloc },
	    queues);
	add(plan, "queues",
	    &(struct bench_case){ .unit = "ns/item", .items = items, .run = run_use }, queues);
	add(plan, "queues",
	    &(struct bench_case){ .unit = "ns/item",
				  .items = items,
				  .run = run_use_control,
				  .system = SCALE_CONTROL },
	    queues);
	add(plan, "destroy",
	    &(struct bench_case){ .unit = "ns/queue",
				  .items = nr_queues,
				  .run = run_destroy,
				  .fini = fini_destroy },
	    queues);
}
