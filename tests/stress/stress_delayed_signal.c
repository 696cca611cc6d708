/* SPDX-License-Identifier: MIT */
/*
 * stress_delayed_signal.c - queue_delayed_work() in signal handlers.
 *
 * As stress_signal.c, with delayed items: handlers arm and queue items wherever
 * they find the thread, which may be arming, moving, cancelling or flushing the
 * same item, or be in the middle of a call that locks what arming would need. Half of the
 * items are never disabled: on these mod_delayed_work() is called, whose answer
 * then is certain. When all is quiet, what was accepted must have run or been taken
 * back (A4), and errno must have survived.
 */
#include <sched.h>

#include "support/interrupt.h"

enum {
	NR_QUEUES = 4,
	PER_QUEUE = 4,
	NR_ITEMS = NR_QUEUES * PER_QUEUE,
	CPUS = 8,
	FAR = 3600 * HZ, /* not within this run */
};

struct item {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	bool is_modded; /* else it is disabled now and then */
	atomic_int inside;
	atomic_long accepted, taken, runs;
};

static struct workqueue_struct *queue[NR_QUEUES];
static struct item item[NR_ITEMS];
/* Whose calls hold the locks that arming would need. */
static struct timer_list jiffy_timer[NR_QUEUES];

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(to_delayed_work(work), struct item, dwork);

	law(atomic_fetch_add(&own->inside, 1) == 0, "an item runs twice at once");
	atomic_fetch_add(&own->runs, 1);
	atomic_fetch_sub(&own->inside, 1);
}

static void do_nothing(struct timer_list *any)
{
	(void)any;
}

static struct item *any_item(struct rng *rng)
{
	return &item[rng_below(rng, NR_ITEMS)];
}

static unsigned long any_delay(struct rng *rng)
{
	static const unsigned long delays[] = { 0, 1, 1, 1, 2, 3, 70, FAR };

	return delays[rng_below(rng, 8)];
}

/* -------------------------------------------------------------- interrupting */

static bool interrupt_act(struct rng *rng)
{
	struct item *any = any_item(rng);
	unsigned int dice = rng_below(rng, 4);
	bool accepted;

	if (dice == 0)
		accepted = queue_work(any->wq, &any->dwork.work);
	else if (dice == 1)
		accepted = queue_delayed_work_on(rng_below(rng, CPUS), any->wq, &any->dwork,
						 any_delay(rng));
	else
		accepted = queue_delayed_work(any->wq, &any->dwork, any_delay(rng));
	atomic_fetch_add(&any->accepted, accepted);
	return accepted;
}

/* ---------------------------------------------------------- being interrupted */

static void mod(struct item *any, struct rng *rng)
{
	bool was_pending;

	if (rng_below(rng, 2))
		was_pending = mod_delayed_work(any->wq, &any->dwork, any_delay(rng));
	else
		was_pending = mod_delayed_work_on(rng_below(rng, CPUS), any->wq, &any->dwork,
						  any_delay(rng));
	atomic_fetch_add(&any->accepted, !was_pending);
}

/* It disables the item, if only while it waits. */
static void take_for_a_while(struct item *any, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 3);

	if (dice == 0) {
		atomic_fetch_add(&any->taken, cancel_delayed_work_sync(&any->dwork));
		return;
	}
	atomic_fetch_add(&any->taken, dice == 1 ? disable_delayed_work(&any->dwork) :
						  disable_delayed_work_sync(&any->dwork));
	enable_delayed_work(&any->dwork);
}

static void act_on_timer(struct timer_list *any, struct rng *rng)
{
	if (rng_below(rng, 2))
		mod_timer(any, jiffies + any_delay(rng));
	else
		timer_delete_sync(any);
}

/* Destroyed with an item armed, while handlers arm others on the same CPUs. */
static void come_and_go(struct rng *rng)
{
	struct workqueue_struct *wq =
		alloc_workqueue("visited", rng_below(rng, 2) ? WQ_PERCPU : WQ_UNBOUND, 1);
	struct item own = { .wq = wq };

	INIT_DELAYED_WORK(&own.dwork, run_item);
	law(queue_delayed_work(wq, &own.dwork, any_delay(rng)), "an idle item was not accepted");
	destroy_workqueue(wq);
	law(own.runs <= 1 && !work_busy(&own.dwork.work), "destroyed, and not idle");
}

static void act(struct rng *rng)
{
	struct item *any = any_item(rng);
	unsigned int dice = rng_below(rng, 256);

	if (dice < 70)
		interrupt_act(rng);
	else if (dice < 150 && any->is_modded)
		mod(any, rng);
	else if (dice < 150)
		take_for_a_while(any, rng);
	else if (dice < 190)
		atomic_fetch_add(&any->taken, cancel_delayed_work(&any->dwork));
	else if (dice < 215)
		flush_delayed_work(&any->dwork);
	else if (dice < 235)
		act_on_timer(&jiffy_timer[rng_below(rng, NR_QUEUES)], rng);
	else if (dice < 240)
		flush_workqueue(any->wq);
	else if (dice < 254)
		free(malloc(1 + rng_below(rng, 5000)));
	else
		come_and_go(rng);
}

static void *be_interrupted(void *nth)
{
	be_interrupted_in(act, (int)(intptr_t)nth);
	return NULL;
}

/* -------------------------------------------------------------------- the run */

static void judge_report(const char *line)
{
	if (strstr(line, "WARNING") && !strstr(line, "visited"))
		note_unexpected(line);
}

static void make_queues(void)
{
	queue[0] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[1] = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	queue[2] = alloc_ordered_workqueue("ordered", 0);
	queue[3] = alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 1);
	for (int i = 0; i < NR_QUEUES; i++)
		timer_setup(&jiffy_timer[i], do_nothing, 0);
	for (int i = 0; i < NR_ITEMS; i++) {
		item[i].wq = queue[i / PER_QUEUE];
		item[i].is_modded = i % 2;
		INIT_DELAYED_WORK(&item[i].dwork, run_item);
	}
}

static void come_to_rest(void)
{
	for (int i = 0; i < NR_ITEMS; i++)
		atomic_fetch_add(&item[i].taken, cancel_delayed_work_sync(&item[i].dwork));
	for (int i = 0; i < NR_QUEUES; i++) {
		timer_shutdown_sync(&jiffy_timer[i]);
		destroy_workqueue(queue[i]);
	}
}

int main(int argc, char **argv)
{
	stress_begin("stress_delayed_signal", argc, argv, 100000, 2);
	workq_set_report_fn(judge_report);
	make_queues();
	catch_signals();
	stress_threads(stress.threads, be_interrupted);
	come_to_rest();
	for (int i = 0; i < NR_ITEMS; i++)
		law(item[i].accepted == item[i].runs + item[i].taken,
		    "item %d: accepted %ld, ran %ld, taken back %ld", i, item[i].accepted,
		    item[i].runs, item[i].taken);
	law(signals > 0, "no signal came");
	printf("%ld signals (%ld within another) armed %ld items\n", signals, nested,
	       acts_of_handlers);
	return stress_end();
}
