/* SPDX-License-Identifier: MIT */
/*
 * punctual.c - delayed items whose timers really fire: never early (I2), none lost (A4).
 *
 * Each belongs to one client, who knows by the answers which acceptance the next run stands for,
 * and so when it is due; runs note when they came. An acceptance has a number, counted without
 * those that were taken back.
 */
#include <stdlib.h>
#include <unistd.h>

#include "oracle/calls.h"

enum {
	OWN_ITEMS = 24,
	NR_QUEUES = 3,
	REMEMBERED = 4, /* more than runs that were not looked at yet */
	TURN_OPS = 200,
	MS_NS = 1000000,
};

struct punctual {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	long nr, checked; /* the client's */
	long long due[REMEMBERED];
	atomic_long entered, left;
	atomic_llong came[REMEMBERED];
};

static struct workqueue_struct *queue[NR_QUEUES];
static struct punctual *items[MAX_CLIENTS];

static void run_once(struct punctual *own)
{
	long nth = look_at(&own->entered) + 1;

	atomic_store(&own->came[nth % REMEMBERED], clock_ns());
	add_own(&own->entered, 1);
	add_own(&own->left, 1);
}

static void run_punctual(struct work_struct *work)
{
	struct punctual *own = container_of(to_delayed_work(work), struct punctual, dwork);

	run_once(own);
	if (seeded(SEED_RUN_TWICE))
		run_once(own);
}

/* How many runs there were; each of them is looked at once. */
static long check_runs(struct punctual *item)
{
	long entered = look_at(&item->entered);

	law(entered <= item->nr, "A4, G1: %ld runs, %ld were asked for", entered, item->nr);
	for (; item->checked < entered; item->checked++) {
		int slot = (int)((item->checked + 1) % REMEMBERED);

		law(atomic_load(&item->came[slot]) >= item->due[slot], "I2: %lld ns early",
		    item->due[slot] - atomic_load(&item->came[slot]));
	}
	return entered;
}

static void accept_next(struct punctual *item, long long due)
{
	item->nr++;
	item->due[item->nr % REMEMBERED] = due;
}

static void arm(struct punctual *item, const struct place *at, unsigned long delay)
{
	long entered = check_runs(item);
	long long due = clock_ns() + (long long)delay * MS_NS;
	bool accepted = call_arm(at, &item->dwork, delay);

	law(accepted || entered < item->nr, "A1: an idle item was refused");
	if (accepted)
		accept_next(item, due);
}

static void mod(struct punctual *item, const struct place *at, unsigned long delay)
{
	long entered = check_runs(item);
	long long due = clock_ns() + (long long)delay * MS_NS;
	bool was_pending = call_mod(at, &item->dwork, delay);

	law(!was_pending || entered < item->nr, "A4: an idle item was pending");
	if (was_pending)
		item->due[item->nr % REMEMBERED] = due;
	else
		accept_next(item, due);
}

static void take(struct punctual *item, enum take how)
{
	long entered = check_runs(item);
	bool was_taken = call_take(how, false, &item->dwork);

	law(!was_taken || entered < item->nr, "G1: an idle item was taken back");
	item->nr -= was_taken;
	entered = check_runs(item);
	if (how == CANCEL_SYNC)
		law(look_at(&item->left) == item->nr, "G2, A4: %ld of %ld runs",
		    look_at(&item->left), item->nr);
}

/* E3: it comes now, and that is not early. */
static void flush(struct punctual *item)
{
	check_runs(item);
	item->due[item->nr % REMEMBERED] = 0;
	call_flush_delayed(&item->dwork);
	law(check_runs(item) == item->nr && look_at(&item->left) == item->nr, "E3: %ld of %ld runs",
	    look_at(&item->left), item->nr);
}

static void act(struct punctual *item, struct rng *rng)
{
	struct place at = { item->wq, rng_below(rng, 2) ? -1 : any_cpu(rng) };
	unsigned int dice = rng_below(rng, 256);
	unsigned long delay = 1 + rng_below(rng, 12);

	if (dice < 100)
		arm(item, &at, delay);
	else if (dice < 200)
		mod(item, &at, dice < 190 ? delay : FAR);
	else if (dice < 230)
		take(item, CANCEL);
	else if (dice < 235)
		take(item, CANCEL_SYNC);
	else if (dice < 236)
		flush(item);
	else
		law(call_pending(false, &item->dwork) || check_runs(item) + 1 >= item->nr,
		    "I3: armed, and not pending");
}

static void turn_punctual(int client, struct rng *rng)
{
	for (int i = 0; i < TURN_OPS; i++)
		act(&items[client][rng_below(rng, OWN_ITEMS)], rng);
}

static void begin_punctual(void)
{
	queue[0] = call_alloc(WQ_PERCPU, 0, "punctual");
	queue[1] = call_alloc(WQ_UNBOUND, 0, "punctual_unbound");
	queue[2] = call_alloc_ordered("punctual_ordered");
	for (int client = 0; client < oracle.clients; client++) {
		items[client] = must_alloc(OWN_ITEMS * sizeof(*items[client]));
		for (int i = 0; i < OWN_ITEMS; i++) {
			INIT_DELAYED_WORK(&items[client][i].dwork, run_punctual);
			items[client][i].wq = queue[i % NR_QUEUES];
		}
	}
}

static void end_punctual(void)
{
	for (int client = 0; client < oracle.clients; client++) {
		for (int i = 0; i < OWN_ITEMS; i++)
			take(&items[client][i], CANCEL_SYNC);
		free(items[client]);
	}
	for (int nth = 0; nth < NR_QUEUES; nth++)
		call_destroy(queue[nth]);
}

const struct scene scene_punctual = { "punctual", begin_punctual, turn_punctual, end_punctual, 10 };
