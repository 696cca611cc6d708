/* SPDX-License-Identifier: MIT */
/*
 * workload.c - for workq-bench compare: what is done with each pool.
 *
 * Each run makes the pool, warms it up, measures, ends it and looks whether
 * every task ran exactly once. So no pool has idle threads while another is
 * measured. Pools are made by an unpinned thread, since theirs inherit its
 * affinity; only then the producers are pinned.
 */
#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "workload.h"

enum {
	CACHE_LINE = 64,
	MAX_WARM_UP = 1000,
	IDLE_NS = 600000,
	DEADLINE_S = 60,
};

/* Whose tasks run, and of which case: one at a time. */
static const struct bench_peer *peer;
static const struct bench_case *current;

/* Tasks that count down have not all run as long as this is above 0. */
static _Atomic unsigned long nr_unfinished;
static sem_t done;

/* ------------------------------------------------------------------- tasks */

static void count(struct peer_item *item)
{
	item->nr_runs++;
}

static void count_down(struct peer_item *item)
{
	item->nr_runs++;
	if (atomic_fetch_sub(&nr_unfinished, 1) == 1)
		sem_post(&done);
}

static void count_and_post(struct peer_item *item)
{
	item->nr_runs++;
	sem_post(&done);
}

static void stamp_and_post(struct peer_item *item)
{
	item->ns = bench_now_ns();
	count_and_post(item);
}

static void hop(struct peer_item *item)
{
	if (--item->left) {
		item->nr_runs++;
		peer->resubmit(item);
	} else {
		stamp_and_post(item);
	}
}

static void set_fn(struct peer_case *part, void (*fn)(struct peer_item *item))
{
	for (unsigned long i = 0; i < part->nr_items; i++)
		peer_item_at(part->items, part->stride, i)->fn = fn;
}

static void check_all_ran(const struct peer_case *part, unsigned long nr_items, unsigned long times)
{
	for (unsigned long i = 0; i < nr_items; i++) {
		struct peer_item *item = peer_item_at(part->items, part->stride, i);

		if (item->nr_runs != times)
			errx(EXIT_FAILURE, "%s, %s: task %lu ran %lu times, not %lu",
			     current->workload, current->system, i, item->nr_runs, times);
		item->nr_runs = 0;
	}
}

/* ----------------------------------------------------------------- waiting */

static void wait_until_done(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += DEADLINE_S;
	while (sem_clockwait(&done, CLOCK_MONOTONIC, &until) != 0) {
		if (errno != EINTR)
			errx(EXIT_FAILURE, "%s, %s: a task has not run for %d s", current->workload,
			     current->system, DEADLINE_S);
	}
}

static void attend(void)
{
	if (peer->attend)
		peer->attend();
}

static void enter(void (*fn)(void *arg), struct bench_case *c)
{
	if (peer->enter)
		peer->enter(fn, c);
	else
		fn(c);
}

/* --------------------------------------------------------------- producers */

static void in_all_producers(struct bench_case *c, bench_member_fn fn)
{
	const struct peer_case *part = c->data;

	if (part->team)
		bench_team_run(part->team, fn, c);
	else
		fn(c, 0);
}

static void spray_share(const struct bench_case *c, unsigned int member, unsigned long nr)
{
	const struct peer_case *part = c->data;
	unsigned long begin = nr * member / c->producers;
	unsigned long end = nr * (member + 1) / c->producers;

	peer->spray(peer_item_at(part->items, part->stride, begin), part->stride, end - begin);
}

static unsigned long count_warm_up(const struct peer_case *part)
{
	return part->nr_items < MAX_WARM_UP ? part->nr_items : MAX_WARM_UP;
}

static void spray_warm_up(void *arg, unsigned int member)
{
	const struct bench_case *c = arg;

	spray_share(c, member, count_warm_up(c->data));
}

static void spray_measured(void *arg, unsigned int member)
{
	const struct bench_case *c = arg;

	spray_share(c, member, c->items);
}

static void pin_producer(void *arg, unsigned int member)
{
	const struct bench_case *c = arg;
	unsigned int first = (unsigned int)bench_cpus_index(c->producer_cpu);

	bench_pin(bench_cpus_nth(first + member));
}

static void warm_up_inside(void *arg)
{
	in_all_producers(arg, spray_warm_up);
	attend();
}

static void warm_up(struct bench_case *c)
{
	struct peer_case *part = c->data;
	unsigned long nr = count_warm_up(part);

	set_fn(part, count_down);
	nr_unfinished = nr;
	enter(warm_up_inside, c);
	wait_until_done();
	check_all_ran(part, nr, 1);
}

/* --------------------------------------------------------------- workloads */

static void spray_inside(void *arg)
{
	struct bench_case *c = arg;
	struct peer_case *part = c->data;

	bench_measure_begin(c);
	in_all_producers(c, spray_measured);
	if (peer->wait_all)
		peer->wait_all();
	else
		wait_until_done();
	part->latest = (double)bench_measure_end(c, c->items) / (double)c->items;
}

static void run_spray(struct bench_case *c)
{
	struct peer_case *part = c->data;

	set_fn(part, peer->wait_all ? count : count_down);
	nr_unfinished = c->items;
	enter(spray_inside, c);
	part->nr_ops = 1;
}

static void start_chain_inside(void *arg)
{
	const struct peer_case *part = ((struct bench_case *)arg)->data;

	peer->submit(part->items);
	attend();
}

static void run_chain(struct bench_case *c)
{
	struct peer_case *part = c->data;
	struct peer_item *item = part->items;
	uint64_t start_ns;

	set_fn(part, hop);
	item->left = c->items;
	bench_measure_begin(c);
	start_ns = bench_now_ns();
	enter(start_chain_inside, c);
	wait_until_done();
	bench_measure_end(c, c->items);
	part->latest = (double)(item->ns - start_ns) / (double)c->items;
	part->nr_ops = c->items;
}

static uint64_t round_trip_ns(struct bench_case *c)
{
	struct peer_case *part = c->data;
	uint64_t start_ns = bench_now_ns();

	peer->submit(part->items);
	if (peer->wait_for)
		peer->wait_for(part->items);
	else
		wait_until_done();
	part->nr_ops++;
	return bench_now_ns() - start_ns;
}

static void make_round_trips_inside(void *arg)
{
	struct bench_case *c = arg;
	struct peer_case *part = c->data;

	part->latest = bench_run_latency(c, round_trip_ns);
}

static void run_round_trips(struct bench_case *c)
{
	struct peer_case *part = c->data;

	part->nr_ops = 0;
	set_fn(part, peer->wait_for ? count : count_and_post);
	enter(make_round_trips_inside, c);
}

/* The pause is after the task, so that the pool has been idle as long before the next one. */
static uint64_t wake_ns(struct bench_case *c)
{
	struct peer_case *part = c->data;
	struct peer_item *item = part->items;
	uint64_t start_ns = bench_now_ns();

	peer->submit(item);
	bench_sleep_until(start_ns + IDLE_NS);
	attend();
	wait_until_done();
	part->nr_ops++;
	return item->ns - start_ns;
}

static void wake_inside(void *arg)
{
	struct bench_case *c = arg;
	struct peer_case *part = c->data;

	part->latest = bench_run_latency(c, wake_ns);
}

static void run_wakes(struct bench_case *c)
{
	struct peer_case *part = c->data;

	part->nr_ops = 0;
	set_fn(part, stamp_and_post);
	enter(wake_inside, c);
}

static void run_pool(struct bench_case *c, void (*run)(struct bench_case *c))
{
	struct peer_case *part = c->data;

	peer = part->peer;
	current = c;
	sem_init(&done, 0, 0);
	bench_unpin();
	peer->start(bench_cpus_count());
	if (c->producers > 1)
		part->team = bench_team_create(c->producers);
	warm_up(c);
	in_all_producers(c, pin_producer);

	run(c);

	if (part->team)
		bench_team_destroy(part->team);
	part->team = NULL;
	peer->stop();
	check_all_ran(part, part->nr_items, part->nr_ops);
	sem_destroy(&done);
}

/* Threads of the pool pinned as the producer is would be something else. */
static void run_memory(struct bench_case *c)
{
	struct peer_case *part = c->data;

	bench_unpin();
	bench_measure_begin(c);
	part->latest = bench_peer_spawn_memory(c->system, c->items);
	bench_measure_end(c, c->items);
}

static void look_up_embedded(struct bench_case *c)
{
	struct peer_case *part = c->data;

	bench_measure_begin(c);
	part->latest = (double)part->peer->node_size;
	bench_measure_end(c, c->items);
}

double bench_peer_run(struct bench_case *c)
{
	static void (*const runs[])(struct bench_case * c) = {
		[PEER_SPRAY_1] = run_spray,   [PEER_SPRAY_2] = run_spray,
		[PEER_CHAIN] = run_chain,     [PEER_ROUND_TRIP] = run_round_trips,
		[PEER_IDLE_WAKE] = run_wakes,
	};
	struct peer_case *part = c->data;

	if (part->which == PEER_MEMORY) {
		run_memory(c);
	} else if (part->which == PEER_EMBEDDED) {
		look_up_embedded(c);
	} else {
		run_pool(c, runs[part->which]);
		bench_samples_add(&c->ratios, part->latest / part->ours->latest);
	}
	return part->latest;
}

/* ------------------------------------------------------------------- cases */

size_t bench_peer_stride(const struct bench_peer *of)
{
	size_t size = sizeof(struct peer_item) + of->node_size;

	return (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

struct peer_case *bench_peer_case_create(const struct bench_peer *of, enum peer_workload which,
					 unsigned long items)
{
	struct peer_case *part = bench_alloc(1, sizeof(*part));

	part->peer = of;
	part->which = which;
	part->nr_items = which == PEER_SPRAY_1 || which == PEER_SPRAY_2 ? items : 1;
	part->stride = bench_peer_stride(of);
	part->items = bench_alloc(part->nr_items, part->stride);
	for (unsigned long i = 0; of->init_item && i < part->nr_items; i++)
		of->init_item(peer_item_at(part->items, part->stride, i));
	return part;
}

void bench_peer_case_fini(struct bench_case *c)
{
	struct peer_case *part = c->data;

	free(part->items);
	free(part);
}
