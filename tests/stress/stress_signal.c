/* SPDX-License-Identifier: MIT */
/*
 * stress_signal.c - queue_work() in signal handlers.
 *
 * Handlers queue items wherever they find the thread: in a queue_work(), a
 * cancel, a flush, a malloc(), or another handler. When all is quiet, what was
 * accepted must have run or been taken back (A4), and errno must have survived.
 */
#include <sched.h>

#include "support/interrupt.h"

enum {
	NR_QUEUES = 4,
	PER_QUEUE = 8,
	NR_ITEMS = NR_QUEUES * PER_QUEUE,
	CPUS = 8,
};

struct item {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int inside;
	atomic_long queued, taken, runs;
};

static struct workqueue_struct *queue[NR_QUEUES];
static struct item item[NR_ITEMS];

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(work, struct item, work);

	law(atomic_fetch_add(&own->inside, 1) == 0, "an item runs twice at once");
	atomic_fetch_add(&own->runs, 1);
	atomic_fetch_sub(&own->inside, 1);
}

/* -------------------------------------------------------------- interrupting */

static bool interrupt_act(struct rng *rng)
{
	struct item *any = &item[rng_below(rng, NR_ITEMS)];
	bool queued;

	if (rng_below(rng, 2))
		queued = queue_work(any->wq, &any->work);
	else
		queued = queue_work_on(rng_below(rng, CPUS), any->wq, &any->work);
	atomic_fetch_add(&any->queued, queued);
	return queued;
}

/* ---------------------------------------------------------- being interrupted */

static void take_any(struct rng *rng, bool (*take)(struct work_struct *work))
{
	struct item *any = &item[rng_below(rng, NR_ITEMS)];

	atomic_fetch_add(&any->taken, take(&any->work));
}

static void disable_and_enable(struct rng *rng)
{
	struct item *any = &item[rng_below(rng, NR_ITEMS)];

	atomic_fetch_add(&any->taken, rng_below(rng, 2) ? disable_work_sync(&any->work) :
							  disable_work(&any->work));
	enable_work(&any->work);
}

/* Its pools are those that the handlers use. */
static void come_and_go(struct rng *rng)
{
	struct workqueue_struct *wq =
		alloc_workqueue("visited", rng_below(rng, 2) ? WQ_PERCPU : WQ_UNBOUND, 1);
	struct item own = { .wq = wq };

	INIT_WORK(&own.work, run_item);
	law(queue_work(wq, &own.work), "an idle item was not queued");
	destroy_workqueue(wq);
	law(own.runs == 1, "destroyed with an item left");
}

static void act(struct rng *rng)
{
	unsigned int dice = rng_below(rng, 256);

	if (dice < 150)
		interrupt_act(rng);
	else if (dice < 180)
		take_any(rng, cancel_work);
	else if (dice < 200)
		take_any(rng, cancel_work_sync);
	else if (dice < 220)
		flush_work(&item[rng_below(rng, NR_ITEMS)].work);
	else if (dice < 232)
		disable_and_enable(rng);
	else if (dice < 240)
		flush_workqueue(queue[rng_below(rng, NR_QUEUES)]);
	else if (dice < 252)
		free(malloc(1 + rng_below(rng, 5000)));
	else if (dice < 254)
		workqueue_set_max_active(queue[0], 1 + rng_below(rng, 9));
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
	if (strstr(line, "WARNING"))
		note_unexpected(line);
}

static void make_queues(void)
{
	queue[0] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[1] = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	queue[2] = alloc_ordered_workqueue("ordered", 0);
	queue[3] = alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 1);
	for (int i = 0; i < NR_ITEMS; i++) {
		item[i].wq = queue[i / PER_QUEUE];
		INIT_WORK(&item[i].work, run_item);
	}
}

int main(int argc, char **argv)
{
	stress_begin("stress_signal", argc, argv, 100000, 2);
	workq_set_report_fn(judge_report);
	make_queues();
	catch_signals();
	stress_threads(stress.threads, be_interrupted);
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(queue[i]);
	for (int i = 0; i < NR_ITEMS; i++)
		law(item[i].queued == item[i].runs + item[i].taken,
		    "item %d: queued %ld, ran %ld, taken back %ld", i, item[i].queued, item[i].runs,
		    item[i].taken);
	law(signals > 0, "no signal came");
	printf("%ld signals (%ld within another) queued %ld items\n", signals, nested,
	       acts_of_handlers);
	return stress_end();
}
