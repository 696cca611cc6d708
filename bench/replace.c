/* SPDX-License-Identifier: MIT */
/*
 * replace.c - workq-bench replace: how soon a worker that waits is replaced.
 *
 * From the last instruction before a read() that waits to the first line of the
 * next item of the same CPU, both by CLOCK_MONOTONIC. The library learns that
 * the worker waits because it is told, sees it, or looks from time to time. Pauses of
 * random length keep its looks from being in step with the waits.
 */
#include <err.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <workq/workq.h>

#include "bench.h"

enum {
	PAUSE_MIN_US = 500,
	PAUSE_MAX_US = 5000, /* more than twice the time between two looks */
};

/* A value of --source: how the library is to learn what it is not told. */
static const struct source {
	const char *name;
	const char *sample_us;      /* WORKQ_SAMPLE_US; NULL: as it is */
	const char *watch_switches; /* WORKQ_WATCH_SWITCHES */
} sources[] = {
	{ "untold", NULL, NULL },
	{ "seen", "60000000", "2" },
	{ "sampled", NULL, "0" },
};

static const struct source *source = &sources[0];

struct relay {
	struct work_struct first, waiter, next;
	struct workqueue_struct *wq;
	bool tells;
	int pipe[2];
	uint64_t wait_ns, next_ns;
	uint64_t random;
};

/* ------------------------------------------------------------------- items */

/* On the CPU's worker, so that the other two wait one behind the other before either starts. */
static void queue_both(struct work_struct *work)
{
	struct relay *relay = from_work(relay, work, first);

	queue_work(relay->wq, &relay->waiter);
	queue_work(relay->wq, &relay->next);
}

static void wait_in_read(struct work_struct *work)
{
	struct relay *relay = from_work(relay, work, waiter);
	char byte;

	relay->wait_ns = bench_now_ns();
	if (relay->tells)
		workq_block_begin();
	if (read(relay->pipe[0], &byte, 1) != 1)
		err(EXIT_FAILURE, "read");
	if (relay->tells)
		workq_block_end();
}

static void end_wait(struct work_struct *work)
{
	struct relay *relay = from_work(relay, work, next);

	relay->next_ns = bench_now_ns();
	if (write(relay->pipe[1], "", 1) != 1)
		err(EXIT_FAILURE, "write");
}

/* -------------------------------------------------------------------- runs */

static void pause_at_random(struct relay *relay)
{
	uint64_t us = PAUSE_MIN_US + bench_random(&relay->random) % (PAUSE_MAX_US - PAUSE_MIN_US);

	bench_sleep_until(bench_now_ns() + us * 1000);
}

static uint64_t replace_ns(struct bench_case *c)
{
	struct relay *relay = c->data;

	pause_at_random(relay);
	relay->wq = c->wq;
	if (!queue_work_on(c->target_cpu, c->wq, &relay->first))
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
	flush_work(&relay->first);
	flush_work(&relay->next);
	flush_work(&relay->waiter);
	return relay->next_ns - relay->wait_ns;
}

static double run(struct bench_case *c)
{
	return bench_run_latency(c, replace_ns);
}

static struct relay *make_relay(bool tells)
{
	struct relay *relay = bench_alloc(1, sizeof(*relay));

	INIT_WORK(&relay->first, queue_both);
	INIT_WORK(&relay->waiter, wait_in_read);
	INIT_WORK(&relay->next, end_wait);
	relay->tells = tells;
	relay->random = 1;
	if (pipe(relay->pipe))
		err(EXIT_FAILURE, "pipe");
	return relay;
}

static void fini(struct bench_case *c)
{
	struct relay *relay = c->data;

	close(relay->pipe[0]);
	close(relay->pipe[1]);
	free(relay);
}

/* Whatever --flags says: the items of other queues do not wait for each other's CPU. */
static void add_case(struct bench_plan *plan, bool tells)
{
	const struct bench_options *opts = plan->opts;
	struct bench_case like = {
		.unit = "us",
		.items = opts->items,
		.producers = 1,
		.producer_cpu = -1,
		.target_cpu = opts->cpu,
		.wq = alloc_workqueue("bench_wq", WQ_PERCPU, 0),
		.run = run,
		.fini = fini,
		.data = make_relay(tells),
		.kept_per_run = opts->items,
	};

	if (!like.wq)
		err(EXIT_FAILURE, "alloc_workqueue");
	bench_name(bench_plan_add(plan, &like), "replace-%s", tells ? "told" : source->name);
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	(void)opts;
	add_case(plan, /* tells */ true);
	add_case(plan, /* tells */ false);
}

/* ----------------------------------------------------------------- options */

/* Without it who waits would be noticed after a minute. */
static bool switches_can_be_seen(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.context_switch = 1,
		.exclude_kernel = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

static const struct source *find_source(const char *name)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (strcmp(sources[i].name, name) == 0)
			return &sources[i];
	}
	return NULL;
}

enum { OPT_SOURCE = 512 };

static const struct argp_option options[] = {
	{ "source", OPT_SOURCE, "SOURCE", 0, "How it learns what it is not told; see below", 0 },
	{ 0 },
};

/* The library reads its environment when it starts, which is later. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != OPT_SOURCE)
		return ARGP_ERR_UNKNOWN;
	source = find_source(arg);
	if (!source)
		argp_error(state, "--source: '%s' is none of untold, seen, sampled", arg);
	if (strcmp(arg, "seen") == 0 && !switches_can_be_seen())
		err(EXIT_FAILURE, "--source: perf_event_open");
	if (source->sample_us)
		setenv("WORKQ_SAMPLE_US", source->sample_us, 1);
	if (source->watch_switches)
		setenv("WORKQ_WATCH_SWITCHES", source->watch_switches, 1);
	return 0;
}

static const struct argp replace_argp = {
	.options = options,
	.parser = parse,
};

static const struct argp_child children[] = {
	{ &replace_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_replace = {
	.name = "replace",
	.summary = "worker that waits in read(): time until the CPU's next item starts",
	.doc = "From before a read() that waits to the first line of the item behind, on a per-CPU "
	       "queue: with workq_block_begin() before the read(), and without.\v"
	       "--items is the number of waits in a run (100). --source is how the library learns "
	       "that its worker waits if it is not told: 'seen' by the system's record of context "
	       "switches, 'sampled' by looking from time to time, 'untold' (the default) as it "
	       "does without this option.",
	.children = children,
	.items = 100,
	.quick_items = 10,
	.runs = 11,
	.own_queue = "per-CPU queues",
	.setup = setup,
};
