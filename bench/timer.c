/* SPDX-License-Identifier: MIT */
/*
 * timer.c - workq-bench timer: arm, re-arm, cancel and expire, with many others pending.
 *
 * Operations are timed in batches, on a random sample of the timers. Whatever
 * leads a batch into its state comes before and is not timed; it leaves the
 * timers of the sample in the cache, as the program would that deals with
 * them, but not their neighbours in the wheel or heap.
 */
#include <err.h>
#include <stdlib.h>

#include "timers.h"

enum {
	MAX_DELAY = 600000,
	OPERATIONS_PER_RUN = 100000,
	MIN_BATCHES = 3,
	MAX_BATCHES = 1000,
	MAX_EXPIRE = 1000000,
	PACE_NS = 1000,
	BEFORE_FIRST_NS = 2000000,
	CLOCK_READINGS = 1000000,
	QUICK_CLOCK_READINGS = 1000,
};

static const struct bench_timers *const kinds[] = {
	&bench_timers_workq,
#ifdef BENCH_HAS_LIBUV
	&bench_timers_libuv,
#endif
	&bench_timers_wheel,
};

enum { NR_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* In the order of their cases: the first fills the bed, the last empties it. */
enum operation { ARM, REARM, REARM_SAME, CANCEL, NR_OPERATIONS };

static const char *const operation_names[] = {
	[ARM] = "timer-arm",
	[REARM] = "timer-rearm",
	[REARM_SAME] = "timer-rearm-same",
	[CANCEL] = "timer-cancel",
};

/* Timers that are pending, and a batch of them. */
struct bed {
	const struct bench_timers *kind;
	void *timers;
	unsigned long nr;
	unsigned long batch;
	unsigned long batches;
	struct bench_timer_op *ops;
	uint64_t random;
};

struct part {
	struct bed *bed;
	enum operation operation;
};

/* ----------------------------------------------------------------- batches */

static void choose_delays(struct bed *bed)
{
	for (unsigned long i = 0; i < bed->batch; i++)
		bed->ops[i].delay = (unsigned int)(bench_random(&bed->random) % MAX_DELAY) + 1;
}

static void shuffle(struct bed *bed)
{
	for (unsigned long i = bed->batch - 1; i > 0; i--) {
		unsigned long other = bench_random(&bed->random) % (i + 1);
		struct bench_timer_op op = bed->ops[i];

		bed->ops[i] = bed->ops[other];
		bed->ops[other] = op;
	}
}

/* Each from a stretch of its own, so that none is chosen twice. */
static void choose_sample(struct bed *bed)
{
	for (unsigned long i = 0; i < bed->batch; i++) {
		unsigned long begin = bed->nr * i / bed->batch;
		unsigned long end = bed->nr * (i + 1) / bed->batch;

		begin += bench_random(&bed->random) % (end - begin);
		bed->ops[i].index = (unsigned int)begin;
	}
	shuffle(bed);
	choose_delays(bed);
}

/* All of them in the order of their memory. */
static void do_to_all(struct bed *bed, bench_timer_batch_fn fn)
{
	for (unsigned long done = 0; done < bed->nr; done += bed->batch) {
		unsigned long nr = bed->nr - done < bed->batch ? bed->nr - done : bed->batch;

		for (unsigned long i = 0; i < nr; i++)
			bed->ops[i].index = (unsigned int)(done + i);
		choose_delays(bed);
		fn(bed->timers, bed->ops, nr);
	}
}

static bench_timer_batch_fn function_of(const struct bed *bed, enum operation operation)
{
	const struct bench_timers *kind = bed->kind;

	switch (operation) {
	case ARM:
		return kind->arm;
	case REARM:
		return kind->rearm;
	case REARM_SAME:
		return kind->rearm_same;
	default:
		return kind->cancel;
	}
}

/* Before and after it the whole bed is pending. */
static uint64_t run_batch(struct bench_case *c, struct bed *bed, enum operation operation)
{
	const struct bench_timers *kind = bed->kind;
	bench_timer_batch_fn fn = function_of(bed, operation);
	uint64_t ns;

	choose_sample(bed);
	if (operation == ARM)
		kind->cancel(bed->timers, bed->ops, bed->batch);
	else
		kind->rearm(bed->timers, bed->ops, bed->batch);
	choose_delays(bed);

	bench_measure_begin(c);
	fn(bed->timers, bed->ops, bed->batch);
	ns = bench_measure_end(c, bed->batch);

	if (operation == CANCEL)
		kind->arm(bed->timers, bed->ops, bed->batch);
	return ns;
}

static double run_operation(struct bench_case *c)
{
	const struct part *part = c->data;
	struct bed *bed = part->bed;
	uint64_t ns = 0;

	if (part->operation == ARM)
		do_to_all(bed, bed->kind->arm);
	for (unsigned long i = 0; i < bed->batches; i++)
		ns += run_batch(c, bed, part->operation);
	if (part->operation == CANCEL) {
		do_to_all(bed, bed->kind->cancel);
		if (bed->kind->settle)
			bed->kind->settle(bed->timers);
	}
	return (double)ns / (double)(bed->batches * bed->batch);
}

static void fini_operation(struct bench_case *c)
{
	struct part *part = c->data;
	struct bed *bed = part->bed;

	if (part->operation == CANCEL) {
		bed->kind->destroy(bed->timers);
		free(bed->ops);
		free(bed);
	}
	free(part);
}

static unsigned long choose_batches(const struct bench_options *opts, unsigned long batch)
{
	unsigned long nr = opts->quick ? MIN_BATCHES : OPERATIONS_PER_RUN / batch;

	if (nr > MAX_BATCHES)
		return MAX_BATCHES;
	return nr < MIN_BATCHES ? MIN_BATCHES : nr;
}

static struct bed *make_bed(const struct bench_options *opts, const struct bench_timers *kind,
			    unsigned long pending, unsigned long batch)
{
	struct bed *bed = bench_alloc(1, sizeof(*bed));

	bed->kind = kind;
	bed->batch = batch;
	bed->batches = choose_batches(opts, batch);
	bed->nr = pending + bed->batch;
	bed->ops = bench_alloc(bed->batch, sizeof(*bed->ops));
	bed->random = 1;
	return bed;
}

static void *make_part(struct bed *bed, enum operation operation)
{
	struct part *part = bench_alloc(1, sizeof(*part));

	part->bed = bed;
	part->operation = operation;
	return part;
}

void bench_timer_add_operations(struct bench_plan *plan, const struct bench_timers *kind,
				unsigned long pending, unsigned long batch)
{
	struct bed *bed = make_bed(plan->opts, kind, pending, batch);

	for (enum operation operation = ARM; operation < NR_OPERATIONS; operation++) {
		struct bench_case *c =
			bench_plan_add(plan, &(struct bench_case){
						     .system = kind->system,
						     .unit = "ns/op",
						     .items = bed->batch,
						     .pending = pending,
						     .producers = 1,
						     .producer_cpu = plan->opts->cpu,
						     .target_cpu = plan->opts->cpu,
						     .run = run_operation,
						     .fini = fini_operation,
						     .data = make_part(bed, operation),
					     });

		bench_name(c, "%s", operation_names[operation]);
		if (operation == ARM)
			bed->timers = kind->create(bed->nr, c->wq);
	}
}

/* ------------------------------------------------------------------ expiry */

struct expiry {
	const struct bench_timers *kind;
	void *timers;
	uint64_t step_ns;
};

void bench_expire_begin(struct bench_case *c, uint64_t first_ns)
{
	bench_sleep_until(first_ns - BEFORE_FIRST_NS);
	bench_measure_begin(c);
}

void bench_expire_end(struct bench_case *c, uint64_t first_ns)
{
	uint64_t begin_ns = c->before.wall_ns;

	bench_measure_end(c, c->items);
	if (begin_ns < first_ns)
		c->usage.wall_ns -= first_ns - begin_ns;
}

static double run_expiry(struct bench_case *c)
{
	const struct expiry *expiry = c->data;
	uint64_t ns = expiry->kind->expire(expiry->timers, c->items, expiry->step_ns, c);

	return (double)ns / (double)c->items;
}

static void fini_expiry(struct bench_case *c)
{
	struct expiry *expiry = c->data;

	expiry->kind->destroy(expiry->timers);
	free(expiry);
}

static void add_expiry(struct bench_plan *plan, const struct bench_timers *kind,
		       const char *workload, unsigned long nr, uint64_t step_ns)
{
	struct expiry *expiry = bench_alloc(1, sizeof(*expiry));
	struct bench_case *c = bench_plan_add(plan, &(struct bench_case){
							    .system = kind->system,
							    .unit = "ns/expiry",
							    .items = nr,
							    .pending = nr,
							    .producers = 1,
							    .producer_cpu = plan->opts->cpu,
							    .target_cpu = plan->opts->cpu,
							    .run = run_expiry,
							    .fini = fini_expiry,
							    .data = expiry,
						    });

	bench_name(c, "%s", workload);
	expiry->kind = kind;
	expiry->step_ns = step_ns;
	expiry->timers = kind->create(nr, c->wq);
}

/* ------------------------------------------------------------------- clock */

static double run_clock(struct bench_case *c)
{
	uint64_t ns;

	bench_measure_begin(c);
	for (unsigned long i = 0; i < c->items; i++)
		bench_now_ns();
	ns = bench_measure_end(c, c->items);
	return (double)ns / (double)c->items;
}

static void add_clock(struct bench_plan *plan)
{
	bench_name(bench_plan_add(plan,
				  &(struct bench_case){
					  .system = "libc",
					  .unit = "ns/op",
					  .items = plan->opts->quick ? QUICK_CLOCK_READINGS :
								       CLOCK_READINGS,
					  .producers = 1,
					  .producer_cpu = plan->opts->cpu,
					  .target_cpu = plan->opts->cpu,
					  .run = run_clock,
				  }),
		   "timer-clock");
}

/* ------------------------------------------------------------------- setup */

/* All kinds have theirs at the same time; half of the memory stays free. */
static bool fits_memory(unsigned long pending)
{
	uint64_t size = 0;

	for (int i = 0; i < NR_KINDS; i++)
		size += kinds[i]->timer_size;
	return size * pending <= bench_available_memory() / 2;
}

static void add_all(struct bench_plan *plan, const unsigned long *pending, unsigned int nr)
{
	unsigned long paced = 0;

	for (unsigned int i = 0; i < nr; i++) {
		for (int k = 0; k < NR_KINDS; k++) {
			bench_timer_add_operations(plan, kinds[k], pending[i], plan->opts->items);
			if (pending[i] <= MAX_EXPIRE)
				add_expiry(plan, kinds[k], "timer-expire", pending[i], 0);
		}
		if (pending[i] <= MAX_EXPIRE && pending[i] > paced)
			paced = pending[i];
	}
	for (int k = 0; paced && k < NR_KINDS; k++)
		add_expiry(plan, kinds[k], "timer-expire-paced", paced, PACE_NS);
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	static const unsigned long usual[] = { 1000, 10000, 100000, 1000000, 10000000 };
	static const unsigned long quick[] = { 50, 200 };
	unsigned int nr = sizeof(usual) / sizeof(usual[0]);

	if (opts->pending.nr) {
		add_all(plan, opts->pending.value, opts->pending.nr);
	} else if (opts->quick) {
		add_all(plan, quick, sizeof(quick) / sizeof(quick[0]));
	} else {
		while (nr > 1 && !fits_memory(usual[nr - 1])) {
			warnx("no memory for %lu pending timers: left out", usual[nr - 1]);
			nr--;
		}
		add_all(plan, usual, nr);
	}
	add_clock(plan);
}

static const struct argp_child children[] = {
	{ &bench_pending_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_timer = {
	.name = "timer",
	.summary = "arm, re-arm, cancel and expire delayed items, with many others pending",
	.doc = "Batches of operations on a random sample of delayed items, with random delays from "
	       "1 ms to 10 min, while others are pending; and how long it takes until all have run "
	       "that become due at once, or at 10^6 per second. Everything on one CPU. Beside it "
	       "libuv's timers, where libuv was found, and the library's timing wheel by itself.\v"
	       "--pending is how many are pending (1000,10000,100000,1000000,10000000; the last if "
	       "there is memory), --items the operations of a batch (1000).",
	.children = children,
	.items = 1000,
	.quick_items = 20,
	.one_cpu = true,
	.setup = setup,
};
