/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - workq-bench cancel: what it costs to take items back, and to refuse them.
 *
 * In batches, since one call is too short for the clock. Items are kept
 * pending by another that computes on their CPU, or by one that sleeps and uses
 * up max_active. A batch of which something ran meanwhile is done again: it is
 * the library's right to run it.
 */
#include <err.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

enum {
	BATCHES = 50,
	QUICK_BATCHES = 2,
	MAX_SPOILED = 1000,
	RUNNING_NS = 100000,
	RACERS = 2,
	FAR_MS = 600000,
};

/* An item that keeps others from running: it computes until the flag is set, or sleeps. */
struct blocker {
	struct work_struct work;
	bool computes;
	atomic_bool is_over;
	sem_t has_begun;
	sem_t may_end;
};

struct batch {
	unsigned long nr;
	unsigned long repetitions;
	struct work_struct *works;
	struct blocker *blocker;
	/* In a loop of its own; returns how many were as expected. */
	unsigned long (*do_to_all)(struct work_struct *works, unsigned long nr);
};

static void do_nothing(struct work_struct *work)
{
	(void)work;
}

/* ----------------------------------------------------------------- blocker */

static void block(struct work_struct *work)
{
	struct blocker *blocker = from_work(blocker, work, work);

	sem_post(&blocker->has_begun);
	if (!blocker->computes) {
		while (sem_wait(&blocker->may_end) != 0)
			;
		return;
	}
	while (!atomic_load_explicit(&blocker->is_over, memory_order_acquire))
		;
}

static struct blocker *make_blocker(bool computes)
{
	struct blocker *blocker = bench_alloc(1, sizeof(*blocker));

	INIT_WORK(&blocker->work, block);
	blocker->computes = computes;
	sem_init(&blocker->has_begun, 0, 0);
	sem_init(&blocker->may_end, 0, 0);
	return blocker;
}

static void begin_block(const struct bench_case *c, struct blocker *blocker)
{
	atomic_store(&blocker->is_over, false);
	if (!queue_work_on(c->target_cpu, c->wq, &blocker->work))
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
	while (sem_wait(&blocker->has_begun) != 0)
		;
}

static void end_block(struct blocker *blocker)
{
	if (blocker->computes)
		atomic_store_explicit(&blocker->is_over, true, memory_order_release);
	else
		sem_post(&blocker->may_end);
	flush_work(&blocker->work);
}

/* ----------------------------------------------------------------- batches */

static unsigned long cancel_sync_idle(struct work_struct *works, unsigned long nr)
{
	unsigned long nr_idle = 0;

	for (unsigned long i = 0; i < nr; i++)
		nr_idle += !cancel_work_sync(&works[i]);
	return nr_idle;
}

static unsigned long cancel_sync_pending(struct work_struct *works, unsigned long nr)
{
	unsigned long nr_pending = 0;

	for (unsigned long i = 0; i < nr; i++)
		nr_pending += cancel_work_sync(&works[i]);
	return nr_pending;
}

static unsigned long cancel_pending(struct work_struct *works, unsigned long nr)
{
	unsigned long nr_pending = 0;

	for (unsigned long i = 0; i < nr; i++)
		nr_pending += cancel_work(&works[i]);
	return nr_pending;
}

static unsigned long disable_and_enable(struct work_struct *works, unsigned long nr)
{
	unsigned long nr_enabled = 0;

	for (unsigned long i = 0; i < nr; i++) {
		disable_work(&works[i]);
		nr_enabled += enable_work(&works[i]);
	}
	return nr_enabled;
}

static void queue_all(const struct bench_case *c, const struct batch *batch)
{
	for (unsigned long i = 0; i < batch->nr; i++)
		queue_work_on(c->target_cpu, c->wq, &batch->works[i]);
}

/* The time of one batch; 0 if some of the items were not as they should be. */
static uint64_t time_batch(struct bench_case *c, const struct batch *batch)
{
	struct bench_usage usage = c->usage;
	unsigned long nr_expected;
	uint64_t ns;

	if (batch->blocker) {
		begin_block(c, batch->blocker);
		queue_all(c, batch);
	}
	bench_measure_begin(c);
	nr_expected = batch->do_to_all(batch->works, batch->nr);
	ns = bench_measure_end(c, batch->nr);
	if (batch->blocker)
		end_block(batch->blocker);
	if (nr_expected == batch->nr)
		return ns;
	flush_workqueue(c->wq);
	c->usage = usage;
	return 0;
}

static double run_batches(struct bench_case *c)
{
	const struct batch *batch = c->data;
	unsigned long spoiled = 0;
	uint64_t sum_ns = 0;

	for (unsigned long done = 0; done < batch->repetitions;) {
		uint64_t ns = time_batch(c, batch);

		sum_ns += ns;
		if (ns)
			done++;
		else if (++spoiled == MAX_SPOILED)
			errx(EXIT_FAILURE, "%s: %lu batches ran in part", c->workload, spoiled);
	}
	return (double)sum_ns / (double)(batch->repetitions * batch->nr);
}

static void fini_batch(struct bench_case *c)
{
	struct batch *batch = c->data;

	free(batch->works);
	free(batch->blocker);
	free(batch);
}

static unsigned long repetitions(const struct bench_options *opts)
{
	return opts->quick ? QUICK_BATCHES : BATCHES;
}

static struct batch *make_batch(const struct bench_options *opts,
				unsigned long (*do_to_all)(struct work_struct *, unsigned long),
				struct blocker *blocker)
{
	struct batch *batch = bench_alloc(1, sizeof(*batch));

	batch->nr = opts->items;
	batch->repetitions = repetitions(opts);
	batch->works = bench_alloc(batch->nr, sizeof(*batch->works));
	for (unsigned long i = 0; i < batch->nr; i++)
		INIT_WORK(&batch->works[i], do_nothing);
	batch->blocker = blocker;
	batch->do_to_all = do_to_all;
	return batch;
}

/* By a caller on the CPU, which is not the items' one if that is kept busy. */
static void add_batches(struct bench_plan *plan, const char *name, int caller_cpu,
			struct workqueue_struct *wq, struct batch *batch)
{
	bench_name(bench_plan_add(plan,
				  &(struct bench_case){
					  .unit = "ns/op",
					  .items = batch->nr,
					  .producers = 1,
					  .producer_cpu = caller_cpu,
					  .target_cpu = plan->opts->cpu,
					  .wq = wq,
					  .run = run_batches,
					  .fini = fini_batch,
					  .data = batch,
				  }),
		   "%s", name);
}

/* Per-CPU: of such a queue a computing item holds the others off. */
static struct workqueue_struct *make_queue(int max_active)
{
	struct workqueue_struct *wq = alloc_workqueue("bench_cancel", WQ_PERCPU, max_active);

	if (!wq)
		err(EXIT_FAILURE, "alloc_workqueue");
	return wq;
}

static void add_all_batches(struct bench_plan *plan, int cpu, int other)
{
	const struct bench_options *opts = plan->opts;

	add_batches(plan, "cancel-sync-idle", cpu, NULL, make_batch(opts, cancel_sync_idle, NULL));
	add_batches(plan, "cancel-disable-enable", cpu, NULL,
		    make_batch(opts, disable_and_enable, NULL));
	add_batches(plan, "cancel-held-back", cpu, make_queue(1),
		    make_batch(opts, cancel_pending, make_blocker(/* computes */ false)));
	if (other == cpu)
		return;
	add_batches(plan, "cancel-pending", other, make_queue(WQ_MAX_ACTIVE),
		    make_batch(opts, cancel_pending, make_blocker(/* computes */ true)));
	add_batches(plan, "cancel-sync-pending", other, make_queue(WQ_MAX_ACTIVE),
		    make_batch(opts, cancel_sync_pending, make_blocker(/* computes */ true)));
}

/* ----------------------------------------------------------- running items */

struct runner {
	struct work_struct work;
	sem_t has_begun;
	uint64_t end_ns;
};

static void run_a_while(struct work_struct *work)
{
	struct runner *runner = from_work(runner, work, work);

	sem_post(&runner->has_begun);
	bench_sleep_until(bench_now_ns() + RUNNING_NS);
	runner->end_ns = bench_now_ns();
}

/* From the last line of the function to the return of the call that waits for it. */
static uint64_t wait_ns(struct bench_case *c)
{
	struct runner *runner = c->data;
	uint64_t now_ns;

	if (!queue_work_on(c->target_cpu, c->wq, &runner->work))
		errx(EXIT_FAILURE, "%s: an idle item was not taken", c->workload);
	while (sem_wait(&runner->has_begun) != 0)
		;
	cancel_work_sync(&runner->work);
	now_ns = bench_now_ns();
	return now_ns - runner->end_ns;
}

static double run_running(struct bench_case *c)
{
	return bench_run_latency(c, wait_ns);
}

static void *make_runner(void)
{
	struct runner *runner = bench_alloc(1, sizeof(*runner));

	INIT_WORK(&runner->work, run_a_while);
	sem_init(&runner->has_begun, 0, 0);
	return runner;
}

/* ------------------------------------------------------------------- races */

/* Two threads at one delayed item, which never becomes due. */
struct race {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	struct bench_team *team;
	unsigned long nr;
	unsigned int first;
	bool cancels;
	atomic_ulong nr_runs;
};

static void count_run(struct work_struct *work)
{
	struct race *race = container_of(to_delayed_work(work), struct race, dwork);

	atomic_fetch_add(&race->nr_runs, 1);
}

static void race_on(void *arg, unsigned int member)
{
	struct race *race = arg;

	bench_pin(bench_cpus_nth(race->first + member));
	if (member && race->cancels) {
		for (unsigned long i = 0; i < race->nr; i++)
			cancel_delayed_work(&race->dwork);
	} else {
		for (unsigned long i = 0; i < race->nr; i++)
			mod_delayed_work(race->wq, &race->dwork, FAR_MS + i % 1000);
	}
}

static double run_race(struct bench_case *c)
{
	struct race *race = c->data;
	uint64_t ns;

	race->wq = c->wq;
	bench_measure_begin(c);
	bench_team_run(race->team, race_on, race);
	ns = bench_measure_end(c, race->nr * RACERS);
	cancel_delayed_work_sync(&race->dwork);
	if (atomic_load(&race->nr_runs) || delayed_work_pending(&race->dwork))
		errx(EXIT_FAILURE, "%s: the item ran, or is still pending", c->workload);
	return (double)ns / (double)race->nr;
}

static void fini_race(struct bench_case *c)
{
	struct race *race = c->data;

	bench_team_destroy(race->team);
	free(race);
}

static void add_race(struct bench_plan *plan, const char *name, bool cancels)
{
	const struct bench_options *opts = plan->opts;
	struct race *race = bench_alloc(1, sizeof(*race));

	INIT_DELAYED_WORK(&race->dwork, count_run);
	race->team = bench_team_create(RACERS);
	race->nr = opts->items * repetitions(opts);
	race->first = (unsigned int)bench_cpus_index(opts->cpu);
	race->cancels = cancels;
	bench_name(bench_plan_add(plan,
				  &(struct bench_case){
					  .unit = "ns/op",
					  .items = race->nr,
					  .producers = RACERS,
					  .producer_cpu = opts->cpu,
					  .target_cpu = -1,
					  .run = run_race,
					  .fini = fini_race,
					  .data = race,
				  }),
		   "%s", name);
}

/* ------------------------------------------------------------------- setup */

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	int other = bench_cpus_nth((unsigned int)bench_cpus_index(opts->cpu) + 1);

	add_all_batches(plan, opts->cpu, other);
	add_race(plan, "cancel-mod-mod-race", /* cancels */ false);
	add_race(plan, "cancel-mod-cancel-race", /* cancels */ true);
	bench_plan_add_latency(plan, "cancel-sync-running", run_running, make_runner);
}

const struct bench_command bench_cancel = {
	.name = "cancel",
	.summary = "taking items back, or refusing them, whatever they are doing",
	.doc = "cancel_work() and cancel_work_sync() of items that are idle, pending, held back by "
	       "max_active, or running; disable_work() with enable_work(); and two threads at one "
	       "delayed item.\v"
	       "--items is how many items are taken back in a batch (1000), and how many "
	       "running ones in a run; a run has 50 batches.",
	.items = 1000,
	.quick_items = 20,
	.setup = setup,
};
