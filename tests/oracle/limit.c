/* SPDX-License-Identifier: MIT */
/*
 * limit.c - max_active: bursts of items on queues with limits, and meters inside (C1, C3).
 *
 * A per-CPU queue has its limit on each CPU: there the clients name one. On an unbound one it is
 * for each memory node, and judged if there is but one. Items live on the heap and are freed by
 * their own runs (B2): what the library does with them afterwards AddressSanitizer sees.
 */
#include <sched.h>
#include <stdlib.h>

#include "oracle/calls.h"

enum {
	NR_LIMITS = 4,
	BURST = 32,
};

struct limit {
	struct place at;
	int max_active;
	bool is_judged;
	atomic_int inside;
	atomic_long runs, queued;
};

struct limited {
	struct work_struct work;
	struct limit *limit;
	unsigned int naps;
};

static struct limit limits[NR_LIMITS];

static void run_limited(struct work_struct *work)
{
	struct limited *own = container_of(work, struct limited, work);
	struct limit *limit = own->limit;
	int inside = atomic_fetch_add(&limit->inside, 1) + 1;

	law(!limit->is_judged || inside <= limit->max_active, "C1, C3: %d inside, %d may be",
	    inside, limit->max_active);
	for (unsigned int nap = 0; nap < own->naps; nap++)
		sched_yield();
	free(own);
	atomic_fetch_add(&limit->runs, 1);
	atomic_fetch_sub(&limit->inside, 1);
}

static void turn_limit(int client, struct rng *rng)
{
	struct limit *limit = &limits[rng_below(rng, NR_LIMITS)];
	long before;

	(void)client;
	for (int i = 0; i < BURST; i++) {
		struct limited *one = must_alloc(sizeof(*one));

		INIT_WORK(&one->work, run_limited);
		one->limit = limit;
		one->naps = rng_below(rng, 64) ? 0 : 2;
		law(call_queue(&limit->at, &one->work), "A1: a new item was refused");
	}
	before = atomic_fetch_add(&limit->queued, BURST) + BURST;
	if (rng_below(rng, 2))
		return;
	call_flush_queue(limit->at.wq);
	law(atomic_load(&limit->runs) >= before, "D1: %ld of %ld runs", atomic_load(&limit->runs),
	    before);
}

static void begin_limit(void)
{
	struct rng rng = rng_of(4, 0);

	for (int nth = 0; nth < NR_LIMITS; nth++) {
		struct limit *limit = &limits[nth];
		bool is_percpu = nth < NR_LIMITS / 2;

		limit->max_active = 1 + (int)rng_below(&rng, 4);
		limit->at.wq =
			call_alloc(is_percpu ? WQ_PERCPU : WQ_UNBOUND, limit->max_active, "limit");
		limit->at.cpu = is_percpu ? any_cpu(&rng) : -1;
		limit->is_judged = is_percpu || oracle.nr_nodes == 1;
	}
}

static void end_limit(void)
{
	for (int nth = 0; nth < NR_LIMITS; nth++) {
		struct limit *limit = &limits[nth];

		call_destroy(limit->at.wq);
		law(atomic_load(&limit->runs) == atomic_load(&limit->queued), "F4: %ld of %ld runs",
		    atomic_load(&limit->runs), atomic_load(&limit->queued));
		limit->runs = limit->queued = 0;
	}
}

const struct scene scene_limit = { "limit", begin_limit, turn_limit, end_limit, 8 };
