/* SPDX-License-Identifier: MIT */
/*
 * lateness.c - workq-bench lateness: how long after its time a delayed item starts.
 *
 * Due is the moment of the call of queue_delayed_work() plus the delay; start
 * is the first line of the function. Beside it the machine's own lateness: a
 * thread that sleeps on a timerfd until times as random. Both alone, and
 * with a thread per CPU that computes all the time.
 */
#include <err.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bench.h"

enum {
	DEFAULT_SPAN_MS = 5000,
	QUICK_SPAN_MS = 50,
	MAX_SPAN_MS = 3600000,
	NS_PER_JIFFY = 1000000,
	MAX_ARMING_MS = 200,
	ARMING_NS_PER_ITEM = 1000,
	PAUSES = 64,
};

static unsigned long span_ms;
static bool with_load;

struct shot {
	struct delayed_work dwork;
	uint64_t due_ns;
	uint64_t start_ns;
};

/* Threads that compute, one per CPU. */
struct load {
	atomic_bool is_over;
	pthread_t *threads;
};

struct lateness {
	struct load *load;
	struct shot *shots;
	uint64_t random;
};

/* Of the one run that goes on. */
static atomic_ulong left;
static sem_t done;

/* -------------------------------------------------------------------- load */

struct computer {
	struct load *load;
	int cpu;
};

static void *compute(void *arg)
{
	struct computer *computer = arg;
	struct load *load = computer->load;

	bench_pin(computer->cpu);
	free(computer);
	while (!atomic_load_explicit(&load->is_over, memory_order_relaxed))
		;
	return NULL;
}

static void load_begin(struct load *load)
{
	atomic_store(&load->is_over, false);
	for (unsigned int i = 0; i < bench_cpus_count(); i++) {
		struct computer *computer = bench_alloc(1, sizeof(*computer));
		int error;

		computer->load = load;
		computer->cpu = bench_cpus_nth(i);
		error = pthread_create(&load->threads[i], NULL, compute, computer);
		if (error)
			errx(EXIT_FAILURE, "cannot create a thread for CPU %d: %d", computer->cpu,
			     error);
	}
}

static void load_end(struct load *load)
{
	atomic_store(&load->is_over, true);
	for (unsigned int i = 0; i < bench_cpus_count(); i++)
		pthread_join(load->threads[i], NULL);
}

static struct load *load_create(void)
{
	struct load *load = bench_alloc(1, sizeof(*load));

	load->threads = bench_alloc(bench_cpus_count(), sizeof(*load->threads));
	return load;
}

static void load_destroy(struct load *load)
{
	if (!load)
		return;
	free(load->threads);
	free(load);
}

/* --------------------------------------------------------------------- run */

static void keep(struct bench_case *c, uint64_t due_ns, uint64_t start_ns)
{
	bench_samples_add(&c->latency, (double)(int64_t)(start_ns - due_ns) / 1000);
}

static void note_start(struct work_struct *work)
{
	uint64_t now_ns = bench_now_ns();
	struct shot *shot = container_of(to_delayed_work(work), struct shot, dwork);

	shot->start_ns = now_ns;
	if (atomic_fetch_sub_explicit(&left, 1, memory_order_acq_rel) == 1)
		sem_post(&done);
}

/* The delay is the shortest that does not end before @target_ns. */
static void arm(const struct bench_case *c, struct shot *shot, uint64_t target_ns)
{
	uint64_t now_ns = bench_now_ns();
	uint64_t delay = target_ns > now_ns ? (target_ns - now_ns) / NS_PER_JIFFY + 1 : 1;

	shot->due_ns = now_ns + delay * NS_PER_JIFFY;
	if (!queue_delayed_work_on(c->target_cpu, c->wq, &shot->dwork, delay))
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
}

/* With pauses: the moments of the calls shall lie anywhere between two jiffies. */
static void arm_all(const struct bench_case *c)
{
	struct lateness *lateness = c->data;
	uint64_t arming_ms = span_ms < MAX_ARMING_MS ? span_ms : MAX_ARMING_MS;
	uint64_t first_ns =
		bench_now_ns() + arming_ms * NS_PER_JIFFY + c->items * ARMING_NS_PER_ITEM;

	for (unsigned long i = 0; i < c->items; i++) {
		uint64_t after_ns = bench_random(&lateness->random) % (span_ms * NS_PER_JIFFY);

		if (i % (c->items / PAUSES + 1) == 0)
			bench_sleep_until(bench_now_ns() + after_ns % NS_PER_JIFFY);
		arm(c, &lateness->shots[i], first_ns + after_ns);
	}
}

static void fire_items(struct bench_case *c)
{
	struct lateness *lateness = c->data;

	sem_init(&done, 0, 0);
	atomic_store(&left, c->items);
	bench_measure_begin(c);
	arm_all(c);
	while (sem_wait(&done) != 0)
		;
	bench_measure_end(c, c->items);
	flush_workqueue(c->wq);
	sem_destroy(&done);
	for (unsigned long i = 0; i < c->items; i++)
		keep(c, lateness->shots[i].due_ns, lateness->shots[i].start_ns);
}

/* Sleeps on @fd until then; returns when it woke up. */
static uint64_t sleep_on(int fd, uint64_t due_ns)
{
	struct itimerspec spec = {
		.it_value = {
			.tv_sec = (time_t)(due_ns / 1000000000u),
			.tv_nsec = (long)(due_ns % 1000000000u),
		},
	};
	uint64_t nr;

	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0 ||
	    read(fd, &nr, sizeof(nr)) != sizeof(nr))
		err(EXIT_FAILURE, "timerfd");
	return bench_now_ns();
}

static void fire_timerfd(struct bench_case *c)
{
	struct lateness *lateness = c->data;
	uint64_t max_sleep_ns = 2 * span_ms * NS_PER_JIFFY / c->items + 1;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd < 0)
		err(EXIT_FAILURE, "timerfd_create");
	bench_measure_begin(c);
	for (unsigned long i = 0; i < c->items; i++) {
		uint64_t due_ns = bench_now_ns() + bench_random(&lateness->random) % max_sleep_ns;

		keep(c, due_ns, sleep_on(fd, due_ns));
	}
	bench_measure_end(c, c->items);
	close(fd);
}

static double run(struct bench_case *c)
{
	struct lateness *lateness = c->data;
	double *mine = c->latency.value + c->latency.nr;

	if (lateness->load)
		load_begin(lateness->load);
	if (lateness->shots)
		fire_items(c);
	else
		fire_timerfd(c);
	if (lateness->load)
		load_end(lateness->load);
	return bench_percentile(mine, c->kept_per_run, 50);
}

/* ------------------------------------------------------------------- setup */

static void fini(struct bench_case *c)
{
	struct lateness *lateness = c->data;

	load_destroy(lateness->load);
	free(lateness->shots);
	free(lateness);
}

static struct shot *make_shots(unsigned long nr)
{
	struct shot *shots = bench_alloc(nr, sizeof(*shots));

	for (unsigned long i = 0; i < nr; i++)
		INIT_DELAYED_WORK(&shots[i].dwork, note_start);
	return shots;
}

/* @pending delayed items, or @items sleeps on a timerfd if that is 0. */
static void add(struct bench_plan *plan, unsigned long pending, unsigned long items, bool loaded)
{
	struct lateness *lateness = bench_alloc(1, sizeof(*lateness));

	lateness->random = 1;
	lateness->load = loaded ? load_create() : NULL;
	lateness->shots = pending ? make_shots(pending) : NULL;
	bench_name(bench_plan_add(plan,
				  &(struct bench_case){
					  .system = pending ? NULL : "timerfd",
					  .unit = "us",
					  .items = items,
					  .pending = pending,
					  .producers = 1,
					  .producer_cpu = -1,
					  .target_cpu = plan->opts->cpu,
					  .run = run,
					  .fini = fini,
					  .data = lateness,
					  .kept_per_run = items,
					  .is_lateness = true,
				  }),
		   loaded ? "lateness-loaded" : "lateness-idle");
}

static void add_all(struct bench_plan *plan, const unsigned long *pending, unsigned int nr,
		    bool loaded)
{
	for (unsigned int i = 0; i < nr; i++)
		add(plan, pending[i], pending[i], loaded);
	add(plan, 0, plan->opts->items, loaded);
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	static const unsigned long usual[] = { 10000, 1000000 };
	static const unsigned long quick[] = { 100, 1000 };
	const unsigned long *pending = opts->quick ? quick : usual;
	unsigned int nr = 2;

	if (opts->pending.nr) {
		pending = opts->pending.value;
		nr = opts->pending.nr;
	}
	if (!span_ms)
		span_ms = opts->quick ? QUICK_SPAN_MS : DEFAULT_SPAN_MS;
	add_all(plan, pending, nr, false);
	if (with_load)
		add_all(plan, pending, nr, true);
}

/* Nothing may be early; seen only now, so that the report shows how much of it was. */
static void finish(struct bench_plan *plan)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		size_t early = bench_count_below(c->latency.value, c->latency.nr, 0);

		if (!c->system && early)
			errx(EXIT_FAILURE, "%s, %lu pending: %zu items started early", c->workload,
			     c->pending, early);
	}
}

/* ----------------------------------------------------------------- options */

enum {
	OPT_SPAN = 512,
	OPT_LOAD,
};

static const struct argp_option options[] = {
	{ "span", OPT_SPAN, "MSEC", 0, "All items are due within that time (5000)", 0 },
	{ "load", OPT_LOAD, NULL, 0, "Also with a computing thread on each allowed CPU", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_SPAN:
		span_ms = bench_parse_number(state, "span", arg, 1, MAX_SPAN_MS);
		return 0;
	case OPT_LOAD:
		with_load = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp lateness_argp = {
	.options = options,
	.parser = parse,
};

static const struct argp_child children[] = {
	{ &bench_pending_argp, 0, NULL, 0 },
	{ &lateness_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_lateness = {
	.name = "lateness",
	.summary = "delayed items: time from when one is due to the start of the function",
	.doc = "Many delayed items are pending, to be due at random times; how late does each "
	       "start? Beside it a thread that sleeps on a timerfd.\v"
	       "--pending is how many are pending (10000,1000000), --items the sleeps on the "
	       "timerfd in a run (1000). --runs is 5 if not given.",
	.children = children,
	.items = 1000,
	.quick_items = 20,
	.runs = 5,
	.setup = setup,
	.finish = finish,
};
