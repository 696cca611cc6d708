/* SPDX-License-Identifier: MIT */
/*
 * stress_attrs.c - queues change how they are served while everybody uses them.
 *
 * Threads queue, cancel, flush and drain on unbound and ordered queues; others apply random
 * attributes, limits and masks, freeze and thaw, make and destroy queues. When all is quiet,
 * what was accepted must have run, been taken back, or been dropped by a drain (A4). An item
 * never runs twice at once (B3), ordered queues keep their order (B9), and max_active holds
 * for old and new pools together (C3). WORKQ_SYSFS_ROOT may name another topology.
 */
#include <sched.h>

#include "support/stress.h"

enum kind {
	PLAIN,
	HIGHPRI,
	THREE,   /* max_active stays 3 */
	LIMITED, /* max_active and min_active change */
	FREEZABLE,
	ORDERED,
	DRAINED, /* drain_workqueue() is called on the last two */
	DRAINED_ORDERED,
	NR_KINDS,
};

enum {
	PER_QUEUE = 6,
	NR_ITEMS = NR_KINDS * PER_QUEUE,
	ROWS = 2,
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

static struct workqueue_struct *queue[NR_KINDS], *row_queue[ROWS];
static struct item item[NR_ITEMS];
static atomic_int inside_queue[NR_KINDS];
static atomic_long drains_begun[NR_KINDS], drains_ended[NR_KINDS];
static atomic_long changes;
static atomic_int users; /* threads that are not done using the queues */
static int nodes;        /* max_active is for each NUMA node (C3) */

/* ------------------------------------------------------------ what items do */

static int most_inside(enum kind kind)
{
	if (kind == ORDERED || kind == DRAINED_ORDERED)
		return 1;
	return kind == THREE ? 3 * nodes : PER_QUEUE;
}

static void act(struct item *own, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 64);
	int behind = NR_ITEMS - (own->kind + 1) * PER_QUEUE;

	/* Chained: a drain in progress accepts it (F1), so nothing is uncertain. */
	if (dice < 16)
		atomic_fetch_add(&own->queued, queue_work(queue[own->kind], &own->work));
	/* Of a kind behind our own: whoever waits in a circle would wait for ever. */
	else if (dice < 17 && behind > 0)
		flush_work(&item[NR_ITEMS - 1 - rng_below(rng, behind)].work);
	else if (dice < 20)
		usleep(rng_below(rng, 60));
	else if (dice < 22)
		sched_yield();
}

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(work, struct item, work);
	long run = atomic_fetch_add(&own->runs, 1);
	struct rng rng = rng_of(1000 + own->kind, (int)run);

	law(atomic_fetch_add(&own->inside, 1) == 0, "an item of queue %d, twice at once",
	    own->kind);
	law(atomic_fetch_add(&inside_queue[own->kind], 1) < most_inside(own->kind), "queue %d",
	    own->kind);
	act(own, &rng);
	atomic_fetch_sub(&inside_queue[own->kind], 1);
	atomic_fetch_sub(&own->inside, 1);
}

/* --------------------------------------------------------- what threads do */

static bool is_drained(enum kind kind)
{
	return kind >= DRAINED;
}

/* From outside: if a drain overlapped the call, it may have been dropped. */
static void queue_item(struct item *any, struct rng *rng)
{
	enum kind kind = any->kind;
	long ended = atomic_load(&drains_ended[kind]);
	unsigned int how = rng_below(rng, 8);
	bool queued;

	if (how < 4)
		queued = queue_work(queue[kind], &any->work);
	else if (how < 7)
		queued = queue_work_on(rng_below(rng, CPUS), queue[kind], &any->work);
	else
		queued = queue_work_node(rng_below(rng, 3), queue[kind], &any->work);
	if (!queued)
		return;
	atomic_fetch_add(&any->queued, 1);
	if (atomic_load(&drains_begun[kind]) != ended)
		atomic_fetch_add(&any->uncertain, 1);
}

/* While we have it disabled and are done waiting, it must not run (H1). */
static void disable_and_enable(struct item *any)
{
	long runs;

	atomic_fetch_add(&any->taken, disable_work_sync(&any->work));
	runs = atomic_load(&any->runs);
	sched_yield();
	law(atomic_load(&any->runs) == runs && !atomic_load(&any->inside),
	    "an item of queue %d is disabled and runs", any->kind);
	enable_work(&any->work);
}

static void wait_for_queue(enum kind kind, struct rng *rng)
{
	if (!is_drained(kind) || rng_below(rng, 4)) {
		flush_workqueue(queue[kind]);
		return;
	}
	atomic_fetch_add(&drains_begun[kind], 1);
	drain_workqueue(queue[kind]);
	atomic_fetch_add(&drains_ended[kind], 1);
}

static void act_on_item(struct item *any, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 256);

	if (dice < 180)
		queue_item(any, rng);
	else if (dice < 205)
		atomic_fetch_add(&any->taken, cancel_work(&any->work));
	else if (dice < 220)
		atomic_fetch_add(&any->taken, cancel_work_sync(&any->work));
	else if (dice < 235)
		flush_work(&any->work);
	else if (dice < 245)
		disable_and_enable(any);
	else if (dice < 253)
		(void)workqueue_congested(rng_below(rng, CPUS), queue[any->kind]);
	else
		wait_for_queue(any->kind, rng);
}

static void mix(int nth)
{
	struct rng rng = rng_of(1, nth);

	for (long op = 0; op < stress.ops; op++)
		act_on_item(&item[rng_below(&rng, NR_ITEMS)], &rng);
}

/* ------------------------------------------------------------- what changes */

static void apply_any(struct workqueue_struct *wq, struct rng *rng)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();

	if (!attrs)
		abort();
	attrs->nice = rng_below(rng, 3);
	attrs->affn_scope = rng_below(rng, WQ_AFFN_NR_TYPES);
	attrs->affn_strict = rng_below(rng, 2);
	if (rng_below(rng, 2)) {
		cpumask_clear(attrs->cpumask);
		cpumask_set_cpu(rng_below(rng, CPUS), attrs->cpumask);
		cpumask_set_cpu(rng_below(rng, CPUS), attrs->cpumask);
	}
	law(apply_workqueue_attrs(wq, attrs) == 0, "attributes refused");
	free_workqueue_attrs(attrs);
}

/* A mask without an allowed CPU is refused, and so may be what is too much for memory. */
static void write_mask(struct rng *rng)
{
	char mask[32];

	snprintf(mask, sizeof(mask), "%x", 1 + rng_below(rng, (1 << CPUS) - 1));
	(void)workq_attr_write("cpumask", rng_below(rng, 4) ? mask : "ffffffff");
}

static void write_text(struct rng *rng)
{
	static const char *const scope[] = {
		"cpu", "smt", "cache_shard", "cache", "numa", "system"
	};
	const char *name = scope[rng_below(rng, 6)];
	char text[64];

	switch (rng_below(rng, 4)) {
	case 0:
		law(!workq_attr_write("parameters/default_affinity_scope", name), "%s", name);
		break;
	case 1:
		law(!workq_attr_write("plain/affinity_scope", name), "%s", name);
		break;
	case 2:
		law(!workq_attr_write("ordered/affinity_scope", name), "%s", name);
		break;
	default:
		law(workq_attr_read("plain/affinity_scope", text, sizeof(text)) > 0, "no text");
	}
}

static void change(struct rng *rng)
{
	unsigned int dice = rng_below(rng, 16);

	if (dice < 6)
		apply_any(queue[rng_below(rng, NR_KINDS)], rng);
	else if (dice < 8)
		apply_any(row_queue[rng_below(rng, ROWS)], rng);
	else if (dice < 10)
		write_mask(rng);
	else if (dice < 12)
		write_text(rng);
	else if (dice < 14)
		workqueue_set_max_active(queue[LIMITED], 1 + rng_below(rng, 12));
	else
		workqueue_set_min_active(queue[LIMITED], rng_below(rng, 12));
}

/* As long as the queues are used. */
static void change_all(int nth)
{
	struct rng rng = rng_of(2, nth);

	while (atomic_load(&users)) {
		change(&rng);
		atomic_fetch_add(&changes, 1);
		usleep(rng_below(&rng, 200));
	}
}

static void freeze_and_thaw(int nth)
{
	struct rng rng = rng_of(3, nth);

	while (atomic_load(&users)) {
		freeze_workqueues_begin();
		for (int i = 0; i < 50 && freeze_workqueues_busy(); i++)
			usleep(50);
		if (!freeze_workqueues_busy()) {
			law(atomic_load(&inside_queue[FREEZABLE]) == 0, "one runs though frozen");
			usleep(rng_below(&rng, 500));
			law(!freeze_workqueues_busy(), "a frozen queue is busy again");
		}
		thaw_workqueues();
		usleep(1000 + rng_below(&rng, 3000));
	}
}

/* ---------------------------------------------------------------- order, B9 */

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

static void produce_in_order(int nth)
{
	struct row *row = calloc(1, sizeof(*row));
	struct rng rng = rng_of(4, nth);

	if (!row)
		abort();
	for (int i = 0; i < ROW; i++) {
		INIT_WORK(&row->number[i].work, run_number);
		row->number[i].row = row;
		atomic_init(&row->number[i].done, i - ROW);
	}
	for (long nr = 0; nr < stress.ops / 4; nr++) {
		struct number *number = &row->number[nr % ROW];

		if (atomic_load(&number->done) != nr - ROW)
			flush_work(&number->work);
		number->nr = nr;
		law(queue_work_on(rng_below(&rng, CPUS), row_queue[nth], &number->work),
		    "an item that ran cannot be queued");
	}
	flush_workqueue(row_queue[nth]);
	law(row->next == stress.ops / 4, "%ld of %ld ran", row->next, stress.ops / 4);
	free(row);
}

/* ------------------------------------------------------ queues come and go, F4 */

enum {
	VISITORS = 8,
};

struct visitor {
	struct work_struct work;
	atomic_int runs;
};

static void run_visitor(struct work_struct *work)
{
	atomic_fetch_add(&container_of(work, struct visitor, work)->runs, 1);
}

static void visit(struct workqueue_struct *wq, struct rng *rng)
{
	struct visitor visitor[VISITORS];
	int nr = rng_below(rng, VISITORS + 1);

	for (int i = 0; i < nr; i++) {
		INIT_WORK_ONSTACK(&visitor[i].work, run_visitor);
		atomic_init(&visitor[i].runs, 0);
		if (rng_below(rng, 3) == 0)
			apply_any(wq, rng);
		queue_work_on(rng_below(rng, CPUS), wq, &visitor[i].work);
	}
	destroy_workqueue(wq);
	for (int i = 0; i < nr; i++) {
		law(atomic_load(&visitor[i].runs) == 1, "destroyed with items left");
		destroy_work_on_stack(&visitor[i].work);
	}
}

static void come_and_go(int nth)
{
	struct rng rng = rng_of(5, nth);

	for (long i = 0; i < stress.ops / 128; i++) {
		unsigned int flags = WQ_SYSFS | (rng_below(&rng, 2) ? WQ_FREEZABLE : 0);
		struct workqueue_struct *wq;

		if (rng_below(&rng, 3) == 0)
			wq = alloc_ordered_workqueue("visited", flags);
		else
			wq = alloc_workqueue("visited", flags | WQ_UNBOUND, rng_below(&rng, 10));
		if (!wq)
			abort();
		visit(wq, &rng);
	}
}

/* -------------------------------------------------------------------- the run */

/* Only a drain's refusal is misuse that we mean. */
static void judge_report(const char *line)
{
	if (!strstr(line, "drain") && strstr(line, "WARNING"))
		fault("%s", line);
}

static void make_queues(void)
{
	queue[PLAIN] = alloc_workqueue("plain", WQ_UNBOUND | WQ_SYSFS, 0);
	queue[HIGHPRI] = alloc_workqueue("high", WQ_UNBOUND | WQ_HIGHPRI, 0);
	queue[THREE] = alloc_workqueue("three", WQ_UNBOUND, 3);
	queue[LIMITED] = alloc_workqueue("limited", WQ_UNBOUND, 4);
	queue[FREEZABLE] = alloc_workqueue("freezable", WQ_UNBOUND | WQ_FREEZABLE, 4);
	queue[ORDERED] = alloc_ordered_workqueue("ordered", WQ_SYSFS);
	queue[DRAINED] = alloc_workqueue("drained", WQ_UNBOUND, 0);
	queue[DRAINED_ORDERED] = alloc_ordered_workqueue("drained_ordered", 0);
	for (int i = 0; i < ROWS; i++)
		row_queue[i] = alloc_ordered_workqueue("row", i ? WQ_HIGHPRI : 0);
	for (int i = 0; i < NR_ITEMS; i++) {
		INIT_WORK(&item[i].work, run_item);
		item[i].kind = i / PER_QUEUE;
	}
}

static void destroy_queues(void)
{
	for (int kind = 0; kind < NR_KINDS; kind++)
		destroy_workqueue(queue[kind]);
	for (int i = 0; i < ROWS; i++)
		destroy_workqueue(row_queue[i]);
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

static void use(void (*fn)(int nth), int nth)
{
	fn(nth);
	atomic_fetch_sub(&users, 1);
}

/* Two that change, one that freezes, two rows, one that makes queues; the rest use them. */
static void *any_role(void *nth)
{
	int role = (int)(intptr_t)nth;

	if (role < 2)
		change_all(role);
	else if (role == 2)
		freeze_and_thaw(role);
	else if (role < 3 + ROWS)
		use(produce_in_order, role - 3);
	else if (role == 3 + ROWS)
		use(come_and_go, role);
	else
		use(mix, role);
	return NULL;
}

static int count_nodes(void)
{
	const char *root = getenv("WORKQ_SYSFS_ROOT");
	char path[512];

	snprintf(path, sizeof(path), "%s/devices/system/node/node1", root ? root : "/sys");
	return access(path, F_OK) ? 1 : 3; /* with what spans nodes */
}

int main(int argc, char **argv)
{
	long runs = 0;

	stress_begin("stress_attrs", argc, argv, 150000, 3);
	workq_set_report_fn(judge_report);
	nodes = count_nodes();
	make_queues();
	atomic_store(&users, stress.threads + ROWS + 1);
	stress_threads(stress.threads + ROWS + 4, any_role);
	destroy_queues();
	for (int i = 0; i < NR_ITEMS; i++) {
		check_item(i);
		runs += item[i].runs;
	}
	printf("%ld changes, %ld runs\n", atomic_load(&changes), runs);
	return stress_end();
}
