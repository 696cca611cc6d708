/* SPDX-License-Identifier: MIT */
/*
 * stress_delayed.c - many threads on the same few delayed items.
 *
 * Threads arm, mod, cancel, flush, disable and queue at random; functions arm
 * themselves again. When all is quiet, what was accepted must have run or been
 * taken back (A4). A mod_delayed_work() that answers false has accepted the item,
 * unless it was disabled or being cancelled: so there are items that nobody
 * disables, where the books must balance, and items where what fell together with
 * a disabling is uncertain. An item that stays with its queue must never run twice
 * at once (B3). Beside it single owners see to it that nothing is early (I2), and
 * queues are destroyed with items armed (F6).
 */
#include <sched.h>

#include "support/stress.h"

enum kind {
	EXACT,     /* nobody disables it, or waits while cancelling it */
	UNCERTAIN, /* everything */
	WANDERER,  /* moved between queues; nobody disables it */
	NR_KINDS,
};

enum queue {
	PERCPU,
	UNBOUND,
	ORDERED,
	HIGHPRI_ONE,
	NR_QUEUES,
};

enum {
	NR_ITEMS = NR_KINDS * NR_QUEUES,
	CPUS = 8,        /* ids asked for; those not there stand for others */
	FAR = 3600 * HZ, /* not within this run */
};

struct item {
	struct delayed_work dwork;
	enum kind kind;
	enum queue home;
	atomic_int inside;
	atomic_long accepted;  /* queue_*() said true, mod_*() false */
	atomic_long uncertain; /* of these: perhaps refused */
	atomic_long taken;     /* cancel and disable said true */
	atomic_long runs;
	atomic_long disables_begun, disables_ended;
};

static struct workqueue_struct *queue[NR_QUEUES];
static struct item item[NR_ITEMS];
static atomic_bool stopping;
static atomic_long operations;

/* Mostly soon; some for ever, until somebody moves or takes them. */
static unsigned long any_delay(struct rng *rng)
{
	static const unsigned long delays[] = { 0, 0, 0,  1,  1,   1,   2,        2,
						3, 5, 64, 70, 500, FAR, LONG_MAX, ULONG_MAX };

	return delays[rng_below(rng, 16)];
}

static struct workqueue_struct *queue_for(struct item *any, struct rng *rng)
{
	return queue[any->kind == WANDERER ? rng_below(rng, NR_QUEUES) : any->home];
}

/* --------------------------------------------------------- what threads do */

static void arm(struct item *any, struct rng *rng)
{
	struct workqueue_struct *wq = queue_for(any, rng);
	unsigned long delay = any_delay(rng);
	bool accepted;

	if (rng_below(rng, 4) == 0)
		accepted = queue_work_on(rng_below(rng, CPUS), wq, &any->dwork.work);
	else if (rng_below(rng, 2))
		accepted = queue_delayed_work(wq, &any->dwork, delay);
	else
		accepted = queue_delayed_work_on(rng_below(rng, CPUS), wq, &any->dwork, delay);
	atomic_fetch_add(&any->accepted, accepted);
}

/* If a disabling overlapped the call, it may have done nothing. */
static void mod(struct item *any, struct rng *rng)
{
	long ended = atomic_load(&any->disables_ended);
	struct workqueue_struct *wq = queue_for(any, rng);
	bool was_pending;

	if (rng_below(rng, 2))
		was_pending = mod_delayed_work(wq, &any->dwork, any_delay(rng));
	else
		was_pending =
			mod_delayed_work_on(rng_below(rng, CPUS), wq, &any->dwork, any_delay(rng));
	if (was_pending)
		return;
	atomic_fetch_add(&any->accepted, 1);
	if (atomic_load(&any->disables_begun) != ended)
		atomic_fetch_add(&any->uncertain, 1);
}

static void take_item(struct item *any, bool (*take)(struct delayed_work *dwork))
{
	atomic_fetch_add(&any->taken, take(&any->dwork));
}

static void disable_begin(struct item *any)
{
	atomic_fetch_add(&any->disables_begun, 1);
}

static void disable_end(struct item *any)
{
	atomic_fetch_add(&any->disables_ended, 1);
}

/* It disables the item while it waits (G3). */
static void cancel_sync(struct item *any)
{
	disable_begin(any);
	take_item(any, cancel_delayed_work_sync);
	disable_end(any);
}

/* While we have it disabled and are done waiting, it must not run (H1). */
static void disable_and_enable(struct item *any, struct rng *rng)
{
	bool sync = rng_below(rng, 2);
	long runs;

	disable_begin(any);
	take_item(any, sync ? disable_delayed_work_sync : disable_delayed_work);
	runs = atomic_load(&any->runs);
	if (rng_below(rng, 2))
		sched_yield();
	if (sync)
		law(atomic_load(&any->runs) == runs && !atomic_load(&any->inside),
		    "a disabled item runs");
	enable_delayed_work(&any->dwork);
	disable_end(any);
}

static void look_at(struct item *any)
{
	(void)work_busy(&any->dwork.work);
	(void)delayed_work_pending(&any->dwork);
}

static void act_on_item(struct item *any, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 256);

	if (dice < 90)
		arm(any, rng);
	else if (dice < 160)
		mod(any, rng);
	else if (dice < 185)
		take_item(any, cancel_delayed_work);
	else if (dice < 210 && any->kind == UNCERTAIN)
		rng_below(rng, 2) ? cancel_sync(any) : disable_and_enable(any, rng);
	else if (dice < 225)
		flush_delayed_work(&any->dwork);
	else if (dice < 235)
		flush_work(&any->dwork.work);
	else if (dice < 251)
		look_at(any);
	else if (dice < 253)
		flush_workqueue(queue[any->home]);
	else
		usleep(rng_below(rng, 1500));
}

static void *mix(void *nth)
{
	struct rng rng = rng_of(1, (int)(intptr_t)nth);

	for (long op = 0; op < stress.ops; op++)
		act_on_item(&item[rng_below(&rng, NR_ITEMS)], &rng);
	atomic_fetch_add(&operations, stress.ops);
	return NULL;
}

/* ------------------------------------------------------------ what items do */

static void act(struct item *own, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 64);

	if (atomic_load(&stopping))
		return;
	if (dice < 12)
		arm(own, rng);
	else if (dice < 24)
		mod(own, rng);
	else if (dice < 28)
		take_item(own, cancel_delayed_work);
	else if (dice < 32)
		usleep(rng_below(rng, 60));
}

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(to_delayed_work(work), struct item, dwork);
	long run = atomic_fetch_add(&own->runs, 1);
	struct rng rng = rng_of(1000 + (int)(own - item), (int)run);
	int others = atomic_fetch_add(&own->inside, 1);

	law(others == 0 || own->kind == WANDERER, "an item runs twice at once");
	law(current_work() == work, "current_work() is another item");
	act(own, &rng);
	atomic_fetch_sub(&own->inside, 1);
}

/* --------------------------------------------------------- never early, I2 */

enum {
	OWNED = 64,
	ROUND = 4000, /* operations of the others for one round here */
};

struct owned {
	struct delayed_work dwork;
	long long due_ns; /* plain: queueing hands it over */
	atomic_int runs;
};

static long long clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void run_owned(struct work_struct *work)
{
	struct owned *owned = container_of(to_delayed_work(work), struct owned, dwork);
	long long now = clock_ns();

	law(now >= owned->due_ns, "%lld ns early", owned->due_ns - now);
	atomic_fetch_add(&owned->runs, 1);
}

/* Some are moved to a later time: only the last one counts. */
static void arm_owned(struct owned *owned, struct rng *rng)
{
	unsigned long delay = 1 + rng_below(rng, 30);
	struct workqueue_struct *wq = queue[rng_below(rng, NR_QUEUES)];

	if (rng_below(rng, 3) == 0)
		queue_delayed_work(wq, &owned->dwork, FAR);
	owned->due_ns = clock_ns() + (long long)delay * 1000000;
	mod_delayed_work_on(rng_below(rng, CPUS), wq, &owned->dwork, delay);
}

static void *be_punctual(void *nth)
{
	struct owned *owned = calloc(OWNED, sizeof(*owned));
	struct rng rng = rng_of(2, (int)(intptr_t)nth);

	if (!owned)
		abort();
	for (int i = 0; i < OWNED; i++)
		INIT_DELAYED_WORK(&owned[i].dwork, run_owned);
	for (long round = 1; round <= 1 + stress.ops / ROUND; round++) {
		for (int i = 0; i < OWNED; i++)
			arm_owned(&owned[i], &rng);
		for (int i = 0; i < OWNED; i++)
			while (atomic_load(&owned[i].runs) < round)
				usleep(500);
	}
	for (int i = 0; i < OWNED; i++)
		law(!cancel_delayed_work_sync(&owned[i].dwork), "more than asked for");
	free(owned);
	return NULL;
}

/* ------------------------------------------------- destroyed while armed, F6 */

enum {
	VISITORS = 8,
};

struct visitor {
	struct delayed_work dwork;
	atomic_int runs;
};

static void run_visitor(struct work_struct *work)
{
	struct visitor *visitor = container_of(to_delayed_work(work), struct visitor, dwork);

	atomic_fetch_add(&visitor->runs, 1);
}

static void check_visitor(struct visitor *visitor)
{
	law(atomic_load(&visitor->runs) <= 1, "queued once, ran more often");
	law(!delayed_work_pending(&visitor->dwork) && !work_busy(&visitor->dwork.work),
	    "destroyed, and not idle");
	destroy_delayed_work_on_stack(&visitor->dwork);
	memset(visitor, 0xa5, sizeof(*visitor));
}

/* Each of them ran, or was left idle, or was refused while the queue drained. */
static void visit(struct workqueue_struct *wq, struct rng *rng)
{
	struct visitor visitor[VISITORS];

	for (int i = 0; i < VISITORS; i++) {
		INIT_DELAYED_WORK_ONSTACK(&visitor[i].dwork, run_visitor);
		atomic_init(&visitor[i].runs, 0);
		law(queue_delayed_work_on(rng_below(rng, CPUS), wq, &visitor[i].dwork,
					  any_delay(rng)),
		    "an idle item was not accepted");
	}
	if (rng_below(rng, 2))
		usleep(rng_below(rng, 3000));
	destroy_workqueue(wq);
	for (int i = 0; i < VISITORS; i++)
		check_visitor(&visitor[i]);
}

static void *come_and_go(void *nth)
{
	struct rng rng = rng_of(3, (int)(intptr_t)nth);

	for (long i = 0; i < 1 + stress.ops / 500; i++) {
		struct workqueue_struct *wq =
			alloc_workqueue("visited", rng_below(&rng, 2) ? WQ_PERCPU : WQ_UNBOUND,
					(int)rng_below(&rng, 4));

		if (wq)
			visit(wq, &rng);
		else
			fault("no queue");
	}
	return NULL;
}

/* -------------------------------------------------------------------- the run */

/* Only what becomes of visitors is misuse that we mean. */
static void judge_report(const char *line)
{
	if (strstr(line, "WARNING") && !strstr(line, "visited"))
		fault("%s", line);
}

static void make_queues(void)
{
	queue[PERCPU] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[UNBOUND] = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	queue[ORDERED] = alloc_ordered_workqueue("ordered", 0);
	queue[HIGHPRI_ONE] = alloc_workqueue("high", WQ_PERCPU | WQ_HIGHPRI, 1);
	for (int i = 0; i < NR_ITEMS; i++) {
		INIT_DELAYED_WORK(&item[i].dwork, run_item);
		item[i].kind = i / NR_QUEUES;
		item[i].home = i % NR_QUEUES;
	}
}

/* Functions that began before `stopping` may still arm; afterwards nobody does. */
static void come_to_rest(void)
{
	atomic_store(&stopping, true);
	for (int i = 0; i < NR_QUEUES; i++)
		flush_workqueue(queue[i]);
	for (int i = 0; i < NR_ITEMS; i++)
		take_item(&item[i], cancel_delayed_work_sync);
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(queue[i]);
}

static void check_item(int nr)
{
	struct item *own = &item[nr];
	long lost = own->accepted - own->runs - own->taken;

	law(lost >= 0 && lost <= own->uncertain,
	    "item %d: accepted %ld, ran %ld, taken back %ld, perhaps refused %ld", nr,
	    own->accepted, own->runs, own->taken, own->uncertain);
	law(own->kind == UNCERTAIN || !own->uncertain, "disabled by nobody");
	law(!own->inside && !work_busy(&own->dwork.work), "item %d is not idle", nr);
	law(own->runs > 0, "item %d never ran", nr);
}

static void *any_role(void *nth)
{
	int role = (int)(intptr_t)nth;

	if (role < stress.threads)
		return mix(nth);
	return role == stress.threads ? be_punctual(nth) : come_and_go(nth);
}

int main(int argc, char **argv)
{
	long runs = 0;

	stress_begin("stress_delayed", argc, argv, 300000, 4);
	workq_set_report_fn(judge_report);
	make_queues();
	stress_threads(stress.threads + 2, any_role);
	come_to_rest();
	for (int i = 0; i < NR_ITEMS; i++) {
		check_item(i);
		runs += item[i].runs;
	}
	printf("%ld operations, %ld runs\n", atomic_load(&operations), runs);
	return stress_end();
}
