/* SPDX-License-Identifier: MIT */
/*
 * stress_mix.c - everything against everything.
 *
 * Threads queue, cancel, flush, disable, drain and adjust at random, on items of
 * queues of all kinds; functions queue themselves again and flush others. An
 * item stays with its queue, so that it must never run twice at once (B3). When
 * all is quiet, what was accepted must have run, been taken back, or been
 * dropped by a drain (A4). Beside it single producers see to the order of an
 * ordered queue (B9), and queues come and go (F4).
 */
#include <sched.h>

#include "support/stress.h"

enum kind {
	PERCPU,
	PERCPU_ONE,
	UNBOUND,
	ORDERED,
	HIGHPRI_INTENSIVE,
	UNBOUND_THREE,
	DRAINED_PERCPU, /* drain_workqueue() is called on the last two */
	DRAINED_UNBOUND,
	NR_KINDS,
};

enum {
	PER_QUEUE = 6,
	NR_ITEMS = NR_KINDS * PER_QUEUE,
	CPUS = 8, /* ids asked for; those not there stand for others */
};

struct item {
	struct work_struct work;
	enum kind kind;
	atomic_int inside;
	atomic_long queued;    /* queue_work() said true */
	atomic_long uncertain; /* of these: perhaps dropped by a drain */
	atomic_long taken;     /* cancel and disable said true */
	atomic_long runs;
};

static struct workqueue_struct *queue[NR_KINDS];
static atomic_int inside_ordered, inside_three;
static atomic_long drains_begun[NR_KINDS], drains_ended[NR_KINDS];
static atomic_long operations;
static struct item item[NR_ITEMS];
static int nodes; /* max_active of an unbound queue is for each NUMA node (C3) */

/* ------------------------------------------------------------ what items do */

/* Chained: a drain in progress accepts it (F1), so nothing is uncertain. */
static void requeue(struct item *own)
{
	atomic_fetch_add(&own->queued, queue_work(queue[own->kind], &own->work));
}

/* Of a kind behind our own: whoever waits in a circle would wait for ever. */
static void flush_another(struct item *own, struct rng *rng)
{
	int behind = NR_ITEMS - (own->kind + 1) * PER_QUEUE;

	if (behind > 0)
		flush_work(&item[NR_ITEMS - 1 - rng_below(rng, behind)].work);
}

static void act(struct item *own, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 64);

	if (dice < 16)
		requeue(own);
	else if (dice < 18)
		flush_another(own, rng);
	else if (dice < 20)
		usleep(rng_below(rng, 60));
	else if (dice < 22)
		sched_yield();
}

static void enter(struct item *own)
{
	law(atomic_fetch_add(&own->inside, 1) == 0, "item %d runs twice at once", own->kind);
	if (own->kind == ORDERED)
		law(atomic_fetch_add(&inside_ordered, 1) == 0, "an ordered queue");
	if (own->kind == UNBOUND_THREE)
		law(atomic_fetch_add(&inside_three, 1) < 3 || nodes > 1, "max_active is 3");
}

static void leave(struct item *own)
{
	if (own->kind == ORDERED)
		atomic_fetch_sub(&inside_ordered, 1);
	if (own->kind == UNBOUND_THREE)
		atomic_fetch_sub(&inside_three, 1);
	atomic_fetch_sub(&own->inside, 1);
}

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(work, struct item, work);
	long run = atomic_fetch_add(&own->runs, 1);
	struct rng rng = rng_of(1000 + own->kind, run);

	enter(own);
	law(current_work() == work, "current_work() is another item");
	act(own, &rng);
	leave(own);
}

/* --------------------------------------------------------- what threads do */

static bool is_drained(enum kind kind)
{
	return kind >= DRAINED_PERCPU;
}

/* From outside: if a drain overlapped the call, it may have been dropped. */
static void queue_item(struct item *any, struct rng *rng)
{
	enum kind kind = any->kind;
	long ended = atomic_load(&drains_ended[kind]);
	bool queued;

	if (rng_below(rng, 2))
		queued = queue_work(queue[kind], &any->work);
	else
		queued = queue_work_on(rng_below(rng, CPUS), queue[kind], &any->work);
	if (!queued)
		return;
	atomic_fetch_add(&any->queued, 1);
	if (atomic_load(&drains_begun[kind]) != ended)
		atomic_fetch_add(&any->uncertain, 1);
}

static void take_item(struct item *any, bool (*take)(struct work_struct *work))
{
	atomic_fetch_add(&any->taken, take(&any->work));
}

/* While we have it disabled and are done waiting, it must not run (H1). */
static void disable_and_enable(struct item *any, struct rng *rng)
{
	bool sync = rng_below(rng, 2);
	long runs;

	take_item(any, sync ? disable_work_sync : disable_work);
	runs = atomic_load(&any->runs);
	if (rng_below(rng, 2))
		sched_yield();
	if (sync)
		law(atomic_load(&any->runs) == runs && !atomic_load(&any->inside),
		    "a disabled item runs");
	enable_work(&any->work);
}

static void drain(enum kind kind)
{
	atomic_fetch_add(&drains_begun[kind], 1);
	drain_workqueue(queue[kind]);
	atomic_fetch_add(&drains_ended[kind], 1);
}

static void act_on_queue(enum kind kind, struct rng *rng)
{
	if (is_drained(kind) && rng_below(rng, 4) == 0)
		drain(kind);
	else if (kind != ORDERED && kind != UNBOUND_THREE && kind != PERCPU_ONE &&
		 rng_below(rng, 2))
		workqueue_set_max_active(queue[kind], 1 + rng_below(rng, 16));
	else
		flush_workqueue(queue[kind]);
}

static void act_on_item(struct item *any, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 256);

	if (dice < 160)
		queue_item(any, rng);
	else if (dice < 190)
		take_item(any, cancel_work);
	else if (dice < 205)
		take_item(any, cancel_work_sync);
	else if (dice < 220)
		flush_work(&any->work);
	else if (dice < 235)
		disable_and_enable(any, rng);
	else if (dice < 250)
		(void)work_busy(&any->work);
	else if (dice < 253)
		(void)workqueue_congested(rng_below(rng, CPUS), queue[any->kind]);
	else
		act_on_queue(any->kind, rng);
}

static void *mix(void *nth)
{
	struct rng rng = rng_of(1, (int)(intptr_t)nth);

	for (long op = 0; op < stress.ops; op++)
		act_on_item(&item[rng_below(&rng, NR_ITEMS)], &rng);
	atomic_fetch_add(&operations, stress.ops);
	return NULL;
}

/* ----------------------------------------------------------- order, B9 and A5 */

enum {
	ROW = 32,
};

struct number {
	struct work_struct work;
	struct row *row;
	long nr;          /* plain: queue_work() hands it over */
	atomic_long done; /* the last number that was read */
};

struct row {
	struct workqueue_struct *wq;
	struct number number[ROW];
	long next; /* plain: one at a time */
};

static void run_number(struct work_struct *work)
{
	struct number *number = container_of(work, struct number, work);
	long nr = number->nr;

	law(nr == number->row->next, "item %ld runs, %ld was to come", nr, number->row->next);
	number->row->next = nr + 1;
	atomic_store(&number->done, nr);
}

static void *produce_in_order(void *nth)
{
	struct row *row = calloc(1, sizeof(*row));
	struct rng rng = rng_of(2, (int)(intptr_t)nth);

	if (!row)
		abort();
	row->wq = alloc_ordered_workqueue("row", 0);
	for (int i = 0; i < ROW; i++) {
		INIT_WORK(&row->number[i].work, run_number);
		row->number[i].row = row;
		atomic_init(&row->number[i].done, i - ROW);
	}
	for (long nr = 0; nr < stress.ops; nr++) {
		struct number *number = &row->number[nr % ROW];

		if (atomic_load(&number->done) != nr - ROW)
			flush_work(&number->work);
		number->nr = nr;
		law(queue_work_on(rng_below(&rng, CPUS), row->wq, &number->work),
		    "an item that ran cannot be queued");
	}
	destroy_workqueue(row->wq);
	law(row->next == stress.ops, "%ld of %ld ran", row->next, stress.ops);
	free(row);
	return NULL;
}

/* ------------------------------------------------------ queues come and go, F4 */

enum {
	VISITORS = 8,
};

struct visitor {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int rest; /* how often it queues itself again */
	atomic_int runs;
};

static void run_visitor(struct work_struct *work)
{
	struct visitor *visitor = container_of(work, struct visitor, work);

	atomic_fetch_add(&visitor->runs, 1);
	if (atomic_fetch_sub(&visitor->rest, 1) > 0)
		law(queue_work(visitor->wq, work), "a chained item was refused");
}

static struct workqueue_struct *any_queue(struct rng *rng)
{
	static const unsigned int kinds[] = { WQ_PERCPU, WQ_UNBOUND, WQ_PERCPU | WQ_HIGHPRI,
					      WQ_PERCPU | WQ_CPU_INTENSIVE };

	if (rng_below(rng, 4) == 0)
		return alloc_ordered_workqueue("visited", 0);
	return alloc_workqueue("visited_%u", kinds[rng_below(rng, 4)], rng_below(rng, 3),
			       rng_below(rng, 10));
}

static void visit(struct workqueue_struct *wq, struct rng *rng)
{
	struct visitor visitor[VISITORS];
	int planned[VISITORS];
	int nr = rng_below(rng, VISITORS + 1);

	for (int i = 0; i < nr; i++) {
		INIT_WORK_ONSTACK(&visitor[i].work, run_visitor);
		visitor[i].wq = wq;
		planned[i] = rng_below(rng, 4);
		atomic_init(&visitor[i].rest, planned[i]);
		atomic_init(&visitor[i].runs, 0);
		queue_work_on(rng_below(rng, CPUS), wq, &visitor[i].work);
	}
	destroy_workqueue(wq);
	for (int i = 0; i < nr; i++) {
		law(atomic_load(&visitor[i].runs) == planned[i] + 1, "destroyed with items left");
		destroy_work_on_stack(&visitor[i].work);
	}
}

static void *come_and_go(void *nth)
{
	struct rng rng = rng_of(3, (int)(intptr_t)nth);

	for (long i = 0; i < stress.ops / 64; i++) {
		struct workqueue_struct *wq = any_queue(&rng);

		if (wq)
			visit(wq, &rng);
		else
			fault("no queue");
	}
	return NULL;
}

/* -------------------------------------------------------------------- the run */

/* Only a drain's refusal is misuse that we mean. */
static void judge_report(const char *line)
{
	if (strstr(line, "drain"))
		return;
	if (strstr(line, "WARNING"))
		fault("%s", line);
}

static void make_queues(void)
{
	queue[PERCPU] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[PERCPU_ONE] = alloc_workqueue("percpu_one", WQ_PERCPU, 1);
	queue[UNBOUND] = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	queue[ORDERED] = alloc_ordered_workqueue("ordered", 0);
	queue[HIGHPRI_INTENSIVE] =
		alloc_workqueue("high", WQ_PERCPU | WQ_HIGHPRI | WQ_CPU_INTENSIVE, 0);
	queue[UNBOUND_THREE] = alloc_workqueue("three", WQ_UNBOUND, 3);
	queue[DRAINED_PERCPU] = alloc_workqueue("drained_percpu", WQ_PERCPU, 0);
	queue[DRAINED_UNBOUND] = alloc_workqueue("drained_unbound", WQ_UNBOUND, 0);
	for (int i = 0; i < NR_ITEMS; i++) {
		INIT_WORK(&item[i].work, run_item);
		item[i].kind = i / PER_QUEUE;
	}
}

static void check_item(int nr)
{
	struct item *own = &item[nr];
	long lost = own->queued - own->runs - own->taken;

	law(lost >= 0 && lost <= own->uncertain,
	    "item %d of queue %d: queued %ld, ran %ld, taken back %ld, perhaps dropped %ld", nr,
	    own->kind, own->queued, own->runs, own->taken, own->uncertain);
	law(is_drained(own->kind) || !own->uncertain, "drained by nobody");
	law(!own->inside && !work_busy(&own->work), "item %d is not idle", nr);
}

static void *any_role(void *nth)
{
	int role = (int)(intptr_t)nth;

	if (role < stress.threads)
		return mix(nth);
	if (role < stress.threads + 2)
		return produce_in_order(nth);
	return come_and_go(nth);
}

int main(int argc, char **argv)
{
	long runs = 0;

	stress_begin("stress_mix", argc, argv, 400000, 4);
	workq_set_report_fn(judge_report);
	nodes = access("/sys/devices/system/node/node1", F_OK) ? 1 : 2;
	make_queues();
	stress_threads(stress.threads + 4, any_role);
	for (int kind = 0; kind < NR_KINDS; kind++)
		destroy_workqueue(queue[kind]);
	for (int i = 0; i < NR_ITEMS; i++) {
		check_item(i);
		runs += item[i].runs;
	}
	printf("%ld operations, %ld runs\n", atomic_load(&operations), runs);
	return stress_end();
}
