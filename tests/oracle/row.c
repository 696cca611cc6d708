/* SPDX-License-Identifier: MIT */
/*
 * row.c - order: all clients queue on a few rows, that is, queues with room for one (B8, B9).
 *
 * Each item belongs to one client, who queues it when it has run. What one client queued must run
 * in that order; of what two queued, the call that had returned before the other one began
 * comes first: a clock of the row stamps calls. What runs write is plain: no two of them
 * are at once.
 */
#include <stdlib.h>

#include "oracle/calls.h"

enum {
	NR_ROWS = 3,
	OWN_ITEMS = 24, /* of each client in each row */
};

struct row_item {
	struct work_struct work;
	struct row *row;
	int client;
	long serial;   /* plain: queueing hands it over */
	long latest;   /* of the runs before, when one was called for last; handed back by runs */
	long queued;   /* the client's */
	long returned; /* when the call that queued it had returned */
	atomic_long runs; /* the run's last word */
};

struct row {
	struct place at;
	atomic_long clock;
	/* of runs */
	long latest;
	long serial[MAX_CLIENTS];
	long runs;
	/* of clients */
	struct row_item item[MAX_CLIENTS][OWN_ITEMS];
	long next_serial[MAX_CLIENTS];
	long begun[MAX_CLIENTS][OWN_ITEMS];
};

static struct row *row[NR_ROWS];

static void run_once(struct row_item *own)
{
	struct row *of = own->row;
	int nth = (int)(own - of->item[own->client]);

	law(of->serial[own->client] < own->serial, "B8, B9: %ld runs after %ld", own->serial,
	    of->serial[own->client]);
	of->serial[own->client] = own->serial;
	own->latest = of->latest;
	if (of->begun[own->client][nth] > of->latest)
		of->latest = of->begun[own->client][nth];
	of->runs++;
	add_own(&own->runs, 1);
}

static void run_in_row(struct work_struct *work)
{
	struct row_item *own = container_of(work, struct row_item, work);

	run_once(own);
	if (seeded(SEED_RUN_TWICE))
		run_once(own);
}

/* Had all calls begun before ours returned, that were served before us? */
static void check_overtaken(const struct row_item *item)
{
	law(item->queued == 0 || item->latest <= item->returned,
	    "B8, B9: one runs before us that was queued after: at %ld, we at %ld", item->latest,
	    item->returned);
}

static void queue_next(struct row *of, int client, int nth)
{
	struct row_item *item = &of->item[client][nth];

	if (look_at(&item->runs) != item->queued) {
		call_flush(&item->work);
		law(look_at(&item->runs) == item->queued, "E1: %ld of %ld runs",
		    look_at(&item->runs), item->queued);
	}
	check_overtaken(item);
	item->serial = ++of->next_serial[client];
	of->begun[client][nth] = atomic_fetch_add(&of->clock, 1);
	law(call_queue(&of->at, &item->work), "A1: an item that has run was refused");
	item->returned = atomic_fetch_add(&of->clock, 1);
	item->queued++;
}

/* E1, B9: the last one has run, and so have those before it. */
static void wait_for_last(struct row *of, int client, int last)
{
	call_flush(&of->item[client][last].work);
	for (int nth = 0; nth < OWN_ITEMS; nth++)
		law(look_at(&of->item[client][nth].runs) == of->item[client][nth].queued,
		    "E1, B9: the last one has run, another has not");
}

static void turn_row(int client, struct rng *rng)
{
	struct row *of = row[rng_below(rng, NR_ROWS)];
	int nr = 1 + (int)rng_below(rng, 2 * OWN_ITEMS);

	for (int i = 0; i < nr; i++)
		queue_next(of, client, i % OWN_ITEMS);
	if (rng_below(rng, 2))
		wait_for_last(of, client, (nr - 1) % OWN_ITEMS);
}

static void begin_row(void)
{
	struct rng rng = rng_of(3, 0);

	for (int nth = 0; nth < NR_ROWS; nth++) {
		struct row *of = row[nth] = must_alloc(sizeof(*of));

		of->at = make_row(&rng, "row");
		for (int i = 0; i < oracle.clients * OWN_ITEMS; i++) {
			struct row_item *item = &of->item[i / OWN_ITEMS][i % OWN_ITEMS];

			INIT_WORK(&item->work, run_in_row);
			item->row = of;
			item->client = i / OWN_ITEMS;
		}
	}
}

/* F4: what waits has run when the queue is gone. */
static void end_row(void)
{
	for (int nth = 0; nth < NR_ROWS; nth++) {
		struct row *of = row[nth];
		long queued = 0;

		call_destroy(of->at.wq);
		for (int i = 0; i < oracle.clients * OWN_ITEMS; i++) {
			struct row_item *item = &of->item[i / OWN_ITEMS][i % OWN_ITEMS];

			check_overtaken(item);
			law(look_at(&item->runs) == item->queued, "F4: %ld of %ld runs",
			    look_at(&item->runs), item->queued);
			queued += item->queued;
		}
		law(of->runs == queued, "A4: %ld of %ld runs", of->runs, queued);
		free(of);
	}
}

const struct scene scene_row = { "row", begin_row, turn_row, end_row, 10 };
