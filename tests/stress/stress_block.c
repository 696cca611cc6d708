/* SPDX-License-Identifier: MIT */
/*
 * stress_block.c - chains of items that wait for each other, at random and several at once.
 *
 * Each thread makes chains on queues of its own: as long as max_active allows, on
 * one CPU or all, waiting in every way, with items among them that compute or sleep for a while
 * and wait for nobody. Whatever the pools think of who waits, each chain comes to
 * its end (C4, C8), in order, and every item has run once (A4).
 */
#include <sched.h>

#include "support/item.h"
#include "support/stress.h"
#include "support/waits.h"

enum {
	LINKS = 16, /* at most, and the queues' max_active */
	STRANGERS = 4,
	STRANGER_US = 2000,
	NR_QUEUES = 4,
};

struct link {
	struct work_struct work;
	struct baton baton;
	struct link *before;
	bool is_last;
	int *place; /* of the next one to end, counted down; theirs alone: one after the other */
	int nth;
	unsigned int pause_us;
	atomic_int runs;
};

/* An item between them. */
struct stranger {
	struct work_struct work;
	unsigned int us;
	bool computes;
	atomic_int runs;
};

struct gang {
	struct rng rng;
	struct workqueue_struct *wq[NR_QUEUES];
	struct link link[LINKS];
	struct stranger stranger[STRANGERS];
	int place;
};

static void follow(struct work_struct *work)
{
	struct link *link = container_of(work, struct link, work);

	if (link->pause_us)
		usleep(link->pause_us);
	if (!link->is_last)
		baton_wait(&link->baton);
	law(--*link->place == link->nth, "link %d ends out of order", link->nth);
	law(atomic_fetch_add(&link->runs, 1) == 0, "link %d runs again", link->nth);
	if (link->before)
		baton_pass(&link->before->baton);
}

static void be_strange(struct work_struct *work)
{
	struct stranger *stranger = container_of(work, struct stranger, work);
	long long until = now_ns() + stranger->us * 1000LL;

	if (stranger->computes)
		while (now_ns() < until)
			;
	else
		usleep(stranger->us);
	atomic_fetch_add(&stranger->runs, 1);
}

/* -------------------------------------------------------------------- chains */

static void make_chain(struct gang *gang, int len)
{
	gang->place = len;
	for (int i = 0; i < len; i++) {
		struct link *link = &gang->link[i];

		INIT_WORK(&link->work, follow);
		baton_init(&link->baton, (enum wait_kind)rng_below(&gang->rng, NR_WAIT_KINDS));
		link->before = i ? &gang->link[i - 1] : NULL;
		link->is_last = i == len - 1;
		link->place = &gang->place;
		link->nth = i;
		link->pause_us = rng_below(&gang->rng, 8) ? 0 : rng_below(&gang->rng, 500);
		atomic_store(&link->runs, 0);
	}
	for (int i = 0; i < STRANGERS; i++) {
		struct stranger *stranger = &gang->stranger[i];

		INIT_WORK(&stranger->work, be_strange);
		stranger->us = rng_below(&gang->rng, STRANGER_US);
		stranger->computes = rng_below(&gang->rng, 2);
		atomic_store(&stranger->runs, 0);
	}
}

static int some_cpu(struct gang *gang, int usual)
{
	int nr = nr_allowed_cpus();

	return usual < 0 ? allowed_cpu((int)rng_below(&gang->rng, (unsigned int)nr)) : usual;
}

/* From the first link or from the last; @cpu -1: each anywhere. */
static void queue_chain(struct gang *gang, int len, struct workqueue_struct *wq, int cpu)
{
	bool backwards = rng_below(&gang->rng, 2);

	for (int i = 0; i < len; i++) {
		struct link *link = &gang->link[backwards ? len - 1 - i : i];

		if (i < STRANGERS)
			queue_work_on(some_cpu(gang, cpu), system_percpu_wq,
				      &gang->stranger[i].work);
		law(queue_work_on(some_cpu(gang, cpu), wq, &link->work), "it was not idle");
	}
}

static void judge_chain(struct gang *gang, int len)
{
	for (int i = 0; i < STRANGERS; i++) {
		flush_work(&gang->stranger[i].work);
		law(atomic_load(&gang->stranger[i].runs) == (i < len), "a stranger");
	}
	for (int i = 0; i < len; i++) {
		flush_work(&gang->link[i].work);
		law(atomic_load(&gang->link[i].runs) == 1, "link %d", i);
		baton_fini(&gang->link[i].baton);
	}
	law(gang->place == 0, "%d links are missing", gang->place);
}

/* ------------------------------------------------------------------- the run */

/* min_active: so many of an unbound queue may run on each node (C3). */
static void make_queues(struct gang *gang)
{
	gang->wq[0] = alloc_workqueue("bound", WQ_PERCPU, LINKS);
	gang->wq[1] = alloc_workqueue("high", WQ_PERCPU | WQ_HIGHPRI, LINKS);
	gang->wq[2] = alloc_workqueue("heavy", WQ_PERCPU | WQ_CPU_INTENSIVE, LINKS);
	gang->wq[3] = alloc_workqueue("loose", WQ_UNBOUND, LINKS);
	for (int i = 0; i < NR_QUEUES; i++)
		if (!gang->wq[i])
			abort();
	workqueue_set_min_active(gang->wq[3], LINKS);
}

static void *live(void *nth)
{
	struct gang *gang = calloc(1, sizeof(*gang));

	if (!gang)
		abort();
	gang->rng = rng_of(1, (int)(intptr_t)nth);
	make_queues(gang);
	for (long op = 0; op < stress.ops; op++) {
		int len = 1 + (int)rng_below(&gang->rng, LINKS);
		struct workqueue_struct *wq = gang->wq[rng_below(&gang->rng, NR_QUEUES)];

		make_chain(gang, len);
		queue_chain(gang, len, wq, rng_below(&gang->rng, 3) ? some_cpu(gang, -1) : -1);
		judge_chain(gang, len);
	}
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(gang->wq[i]);
	free(gang);
	return NULL;
}

static void judge_report(const char *line)
{
	if (strstr(line, "WARNING"))
		fault("%s", line);
}

int main(int argc, char **argv)
{
	stress_begin("stress_block", argc, argv, 200, 4);
	/* so that workers are made and reaped all the time */
	setenv("WORKQ_IDLE_TIMEOUT_MS", "1", 1);
	workq_set_report_fn(judge_report);
	stress_threads(stress.threads, live);
	return stress_end();
}
