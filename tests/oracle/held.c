/* SPDX-License-Identifier: MIT */
/*
 * held.c - the exact model: items behind one that holds their queue up.
 *
 * Each client has a row of its own, that is, a queue with room for one, and a blocker that has that
 * room. Until the blocker is let go nothing moves that the client does not move, so that every
 * answer is known beforehand, and the order of the runs to come: the model is a list. What
 * runs read was stored plainly before the calls, also before those that were refused (A5, A6):
 * ThreadSanitizer judges that too.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

#include "oracle/calls.h"

enum {
	HELD_ITEMS = 16,
	NR_PLAIN = 8, /* the others are delayed ones */
	MAX_DEPTH = 4,
	MAX_AGAIN = 2,
	TRACE_MAX = HELD_ITEMS * (1 + MAX_AGAIN) * 2,
	TURN_OPS = 400,
};

struct held;

struct held_item {
	struct delayed_work dwork;
	struct held *held;
	bool is_plain;
	/* plain, handed over by queueing and by waiting for the run */
	int again; /* how often it will queue itself */
	long stored, seen, runs;
	/* the model */
	bool is_armed, is_queued;
	int depth;
	long owed; /* runs */
};

struct held {
	struct place at;
	struct held_item item[HELD_ITEMS];
	struct work_struct blocker;
	sem_t gate;
	int order[TRACE_MAX]; /* the model */
	int nr_order;
	int trace[TRACE_MAX];  /* written by runs, one after another */
	atomic_long nr_traced; /* and how many of it are there */
	long serial;
};

static struct held *rows[MAX_CLIENTS];

/* ------------------------------------------------------------- what items do */

static void run_blocker(struct work_struct *work)
{
	struct held *held = container_of(work, struct held, blocker);

	workq_block_begin();
	while (sem_wait(&held->gate) && errno == EINTR)
		;
	workq_block_end();
}

/* A3: no longer pending, and one more run for asking twice. */
static void queue_itself(struct held_item *own)
{
	law(call_queue(&own->held->at, &own->dwork.work), "A3: an item refused to queue itself");
	law(!call_queue(&own->held->at, &own->dwork.work), "A3: an item is pending twice");
}

static void run_once(struct held_item *own)
{
	struct held *held = own->held;
	long nth = look_at(&held->nr_traced);

	law(nth < TRACE_MAX, "A4: more runs than were asked for");
	held->trace[nth] = (int)(own - held->item);
	own->seen = seeded(SEED_QUEUE_STALE) ? own->seen : own->stored;
	own->runs++;
	if (own->again > 0) {
		own->again--;
		queue_itself(own);
	}
	add_own(&held->nr_traced, 1);
}

static void run_held(struct work_struct *work)
{
	struct held_item *own = container_of(to_delayed_work(work), struct held_item, dwork);

	law(call_current() == work, "current_work() is another item");
	law(!call_pending(own->is_plain, &own->dwork), "A3: pending inside its function");
	run_once(own);
	if (seeded(SEED_RUN_TWICE))
		run_once(own);
}

/* ---------------------------------------------------------- the model's steps */

static bool is_pending(const struct held_item *item)
{
	return item->is_armed || item->is_queued;
}

static void append(struct held *held, struct held_item *item)
{
	law(held->nr_order < TRACE_MAX, "the model is full");
	held->order[held->nr_order++] = (int)(item - held->item);
	item->owed++;
}

/* The first one from @from on. */
static bool strike_out(struct held *held, struct held_item *item, int from)
{
	int nr = (int)(item - held->item);

	for (int i = from; i < held->nr_order; i++) {
		if (held->order[i] != nr)
			continue;
		held->nr_order--;
		for (; i < held->nr_order; i++)
			held->order[i] = held->order[i + 1];
		item->owed--;
		return true;
	}
	return false;
}

static void become_idle(struct held *held, struct held_item *item)
{
	if (item->is_queued)
		law(strike_out(held, item, 0), "the model is wrong");
	item->is_armed = item->is_queued = false;
}

static void become_pending(struct held *held, struct held_item *item, bool later)
{
	become_idle(held, item);
	item->is_armed = later;
	item->is_queued = !later;
	if (!later)
		append(held, item);
}

/* ---------------------------------------------------- operations while it is held */

static void queue_one(struct held *held, struct held_item *item, struct rng *rng)
{
	bool later = !item->is_plain && rng_below(rng, 4) == 0;
	bool expected = !is_pending(item) && !item->depth;
	bool answer;

	item->stored = ++held->serial;
	item->again = rng_below(rng, 8) ? 0 : (int)rng_below(rng, MAX_AGAIN + 1);
	if (item->is_plain || rng_below(rng, 4) == 0) {
		later = false;
		answer = call_queue(&held->at, &item->dwork.work);
	} else {
		answer = call_arm(&held->at, &item->dwork, later ? FAR : 0);
	}
	law(answer == expected, "A1, A7, H1: queueing says %d, pending %d, depth %d", answer,
	    is_pending(item), item->depth);
	if (expected)
		become_pending(held, item, later);
}

static void mod_one(struct held *held, struct held_item *item, struct rng *rng)
{
	bool later = rng_below(rng, 3) == 0;
	bool expected = is_pending(item);
	bool answer;

	item->stored = ++held->serial;
	answer = call_mod(&held->at, &item->dwork, later ? FAR : 0);
	law(answer == expected, "A4, H4, I4: mod_delayed_work() says %d, pending %d, depth %d",
	    answer, is_pending(item), item->depth);
	if (!item->depth)
		become_pending(held, item, later);
}

static void take_one(struct held *held, struct held_item *item, enum take how)
{
	bool expected = is_pending(item);
	bool answer;

	if (take_disables(how) && item->depth == MAX_DEPTH)
		how = CANCEL;
	answer = call_take(how, item->is_plain, &item->dwork);
	law(answer == expected, "G1, H1, H3: taking back (%d) says %d, pending %d, depth %d", how,
	    answer, expected, item->depth);
	become_idle(held, item);
	item->depth += take_disables(how);
}

static void enable_one(struct held *held, struct held_item *item, struct rng *rng)
{
	bool also_queue = item->is_plain && held->at.cpu < 0 && rng_below(rng, 2);
	bool answer;

	if (item->depth == 0)
		return;
	item->depth--;
	item->stored = ++held->serial;
	if (also_queue)
		answer = call_enable_and_queue(held->at.wq, &item->dwork);
	else
		answer = call_enable(item->is_plain, &item->dwork);
	law(answer == !item->depth, "H2: enabling says %d, depth left %d", answer, item->depth);
	if (also_queue && answer)
		become_pending(held, item, false);
}

static void look_at_one(struct held_item *item)
{
	law(call_pending(item->is_plain, &item->dwork) == is_pending(item),
	    "I3, G1, H2: pending should be %d", is_pending(item));
	law(call_busy(&item->dwork.work) == (is_pending(item) ? WORK_BUSY_PENDING : 0u),
	    "work_busy() of an item that does not run, and is pending: %d", is_pending(item));
}

/* E3: only what is queued is waited for; and that would take for ever here. */
static void flush_one(struct held_item *item)
{
	if (item->is_queued)
		return;
	law(!call_flush(&item->dwork.work), "E3: flush_work() waited for an item not queued");
	if (!item->is_armed && !item->is_plain)
		law(!call_flush_delayed(&item->dwork), "flush_delayed_work() of an idle item");
}

static void act(struct held *held, struct rng *rng)
{
	struct held_item *item = &held->item[rng_below(rng, HELD_ITEMS)];
	unsigned int dice = rng_below(rng, 64);

	if (dice < 24 || (dice < 34 && item->is_plain))
		queue_one(held, item, rng);
	else if (dice < 34)
		mod_one(held, item, rng);
	else if (dice < 40)
		take_one(held, item, CANCEL + rng_below(rng, 2));
	else if (dice < 44)
		take_one(held, item, DISABLE + rng_below(rng, 2));
	else if (dice < 52)
		enable_one(held, item, rng);
	else if (dice < 62)
		look_at_one(item);
	else
		flush_one(item);
}

/* -------------------------------------------------------------- letting it go */

/* By how often they will queue themselves: behind all that is there then. */
static void foresee_again(struct held *held)
{
	int again[HELD_ITEMS];

	for (int i = 0; i < HELD_ITEMS; i++)
		again[i] = held->item[i].again;
	for (int i = 0; i < held->nr_order; i++)
		if (again[held->order[i]]-- > 0)
			append(held, &held->item[held->order[i]]);
}

static void check_trace(struct held *held)
{
	long nr = look_at(&held->nr_traced);

	law(nr == held->nr_order, "A4, D1, F2: %ld runs, %d are due", nr, held->nr_order);
	for (int i = 0; i < held->nr_order; i++)
		law(held->trace[i] == held->order[i], "B8, B9, C2: %d runs, %d is to come",
		    held->trace[i], held->order[i]);
}

static void check_item(struct held_item *item)
{
	law(item->runs == item->owed, "A4: %ld runs, %ld are due", item->runs, item->owed);
	if (item->is_queued)
		law(item->seen == item->stored, "A5, A6: the run saw %ld, %ld was stored",
		    item->seen, item->stored);
	item->is_queued = false;
	look_at_one(item);
}

/* D1, D2: all that are queued now; nothing that is armed. */
static void wait_for_queued(struct held *held)
{
	int nr_queued = held->nr_order;

	foresee_again(held);
	sem_post(&held->gate);
	call_flush_queue(held->at.wq);
	law(look_at(&held->nr_traced) >= nr_queued, "D1: %ld of %d have run",
	    look_at(&held->nr_traced), nr_queued);
	if (held->nr_order > nr_queued)
		call_drain(held->at.wq);
}

/* E1, E2: the last one of those that are queued now, and so all of them. */
static void wait_for_last(struct held *held, struct rng *rng)
{
	int nr_queued = held->nr_order;
	int last = nr_queued ? held->order[nr_queued - 1] : 0;

	foresee_again(held);
	sem_post(&held->gate);
	call_flush(&held->item[last].dwork.work);
	law(look_at(&held->nr_traced) >= nr_queued, "E1: %ld of %d have run",
	    look_at(&held->nr_traced), nr_queued);
	if (held->nr_order > nr_queued || rng_below(rng, 2))
		call_drain(held->at.wq);
	else
		call_flush(&held->blocker);
}

static void drain_it(struct held *held)
{
	foresee_again(held);
	sem_post(&held->gate);
	call_drain(held->at.wq);
}

/* G1, G2: true, and no run; or false, and the run is over. */
static void take_while_it_runs(struct held *held)
{
	sem_post(&held->gate);
	for (int i = HELD_ITEMS - 1; i >= 0; i--) {
		struct held_item *item = &held->item[i];
		bool was_taken;

		if (!item->is_queued)
			continue;
		was_taken = call_take(CANCEL_SYNC, item->is_plain, &item->dwork);
		if (was_taken) {
			law(strike_out(held, item, 0), "the model is wrong");
			item->is_queued = false;
		}
		law(item->runs == item->owed, "G1, G2: said %d, ran %ld times, not %ld", was_taken,
		    item->runs, item->owed);
	}
	call_flush(&held->blocker);
}

static void let_go(struct held *held, struct rng *rng)
{
	bool none_again = true;

	for (int i = 0; i < HELD_ITEMS; i++) {
		if (!held->item[i].is_queued)
			held->item[i].again = 0;
		none_again &= !held->item[i].again;
	}
	switch (rng_below(rng, none_again ? 8 : 5)) {
	case 0:
	case 1:
	case 2:
		wait_for_queued(held);
		break;
	case 3:
		wait_for_last(held, rng);
		break;
	case 4:
		drain_it(held);
		break;
	default:
		take_while_it_runs(held);
		break;
	}
}

/* E3: nothing is queued now; each is, and has run. */
static void flush_some_armed(struct held *held, struct rng *rng)
{
	for (int i = NR_PLAIN; i < HELD_ITEMS; i++) {
		struct held_item *item = &held->item[i];

		if (!item->is_armed || rng_below(rng, 4))
			continue;
		become_pending(held, item, false);
		call_flush_delayed(&item->dwork);
		check_item(item);
	}
}

static void turn_held(int client, struct rng *rng)
{
	struct held *held = rows[client];

	held->nr_order = 0;
	atomic_store(&held->nr_traced, 0);
	law(call_queue(&held->at, &held->blocker), "A1: the blocker is idle");
	for (int i = 0; i < TURN_OPS; i++)
		act(held, rng);
	let_go(held, rng);
	check_trace(held);
	for (int i = 0; i < HELD_ITEMS; i++)
		check_item(&held->item[i]);
	flush_some_armed(held, rng);
	check_trace(held);
}

/* -------------------------------------------------------------------- epochs */

static void begin_held(void)
{
	struct rng rng = rng_of(1, 0);

	for (int client = 0; client < oracle.clients; client++) {
		struct held *held = rows[client] = must_alloc(sizeof(*held));

		held->at = make_row(&rng, "held");
		sem_init(&held->gate, 0, 0);
		INIT_WORK(&held->blocker, run_blocker);
		for (int i = 0; i < HELD_ITEMS; i++) {
			INIT_DELAYED_WORK(&held->item[i].dwork, run_held);
			held->item[i].held = held;
			held->item[i].is_plain = i < NR_PLAIN;
		}
	}
}

static void end_held(void)
{
	for (int client = 0; client < oracle.clients; client++) {
		struct held *held = rows[client];

		for (int i = 0; i < HELD_ITEMS; i++) {
			take_one(held, &held->item[i], CANCEL_SYNC);
			check_item(&held->item[i]);
		}
		call_destroy(held->at.wq);
		sem_destroy(&held->gate);
		free(held);
	}
}

const struct scene scene_held = { "held", begin_held, turn_held, end_held, 24 };
