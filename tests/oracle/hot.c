/* SPDX-License-Identifier: MIT */
/*
 * hot.c - an item that is queued again and again while it runs and is pending (A1, A5, A6).
 *
 * The client stores a number and queues, in a loop, whatever the answer; the run reads the number
 * first of all. By the answers the client knows which run each call stands for: that run must
 * have read this number or a later one. Nothing else orders the two threads, no barrier of ours,
 * so that a store or load that the library lets slip past is seen as an event that was lost.
 */
#include <stdlib.h>

#include "oracle/calls.h"

enum {
	REMEMBERED = 4, /* more than runs that were not looked at yet */
	TURN_OPS = 400,
};

struct hot {
	_Alignas(CACHE_LINE) struct work_struct work;
	_Alignas(CACHE_LINE) atomic_long number;
	_Alignas(CACHE_LINE) atomic_long entered;
	atomic_long read[REMEMBERED];
	/* the client's */
	_Alignas(CACHE_LINE) struct place at;
	long nr, checked, last;
	long stored[REMEMBERED];
};

static struct hot *items[MAX_CLIENTS];

static void run_once(struct hot *own, long number)
{
	long nth = look_at(&own->entered) + 1;

	atomic_store_explicit(&own->read[nth % REMEMBERED], number, memory_order_relaxed);
	add_own(&own->entered, 1);
}

static void run_hot(struct work_struct *work)
{
	struct hot *own = container_of(work, struct hot, work);
	long number = atomic_load_explicit(&own->number, memory_order_relaxed);

	run_once(own, number);
	if (seeded(SEED_RUN_TWICE))
		run_once(own, number);
}

static long check_runs(struct hot *item)
{
	long entered = look_at(&item->entered);

	law(entered <= item->nr, "A4: %ld runs, %ld were asked for", entered, item->nr);
	for (; item->checked < entered; item->checked++) {
		int slot = (int)((item->checked + 1) % REMEMBERED);
		long number = atomic_load_explicit(&item->read[slot], memory_order_relaxed);

		law(number >= item->stored[slot], "A5, A6: the run read %ld, %ld was stored",
		    number, item->stored[slot]);
	}
	return entered;
}

static void queue_again(struct hot *item)
{
	long entered = check_runs(item);
	bool accepted;

	item->last++;
	atomic_store_explicit(&item->number, item->last, memory_order_relaxed);
	accepted = call_queue(&item->at, &item->work);
	law(accepted || entered < item->nr, "A1: an idle item was refused");
	item->nr += accepted;
	item->stored[item->nr % REMEMBERED] = item->last;
}

static void turn_hot(int client, struct rng *rng)
{
	struct hot *item = items[client];

	(void)rng;
	for (int i = 0; i < TURN_OPS; i++)
		queue_again(item);
}

static void begin_hot(void)
{
	struct rng rng = rng_of(6, 0);

	for (int client = 0; client < oracle.clients; client++) {
		struct hot *item = items[client] = must_alloc(sizeof(*item));

		item->at.wq = call_alloc(client % 2 ? WQ_UNBOUND : WQ_PERCPU, 0, "hot");
		item->at.cpu = client % 2 ? -1 : any_cpu(&rng);
		INIT_WORK(&item->work, run_hot);
	}
}

static void end_hot(void)
{
	for (int client = 0; client < oracle.clients; client++) {
		call_destroy(items[client]->at.wq);
		law(check_runs(items[client]) == items[client]->nr, "F4: %ld of %ld runs",
		    items[client]->checked, items[client]->nr);
		free(items[client]);
	}
}

const struct scene scene_hot = { "hot", begin_hot, turn_hot, end_hot, 6 };
