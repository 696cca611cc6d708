/* SPDX-License-Identifier: MIT */
/*
 * workq.c - for workq-bench compare: this library's queues.
 *
 * A per-CPU queue, which is what a user gets who asks for nothing else, and an
 * unbound one, whose items may run on any CPU as the tasks of the other pools
 * may. queue_work() and the flushes, nothing that is not in the manual's first
 * example.
 */
#include <err.h>
#include <stdlib.h>

#include <workq/workq.h>
#include <workq/workqueue.h>

#include "peer.h"

static struct workqueue_struct *wq;

static void run_item(struct work_struct *work)
{
	struct peer_item *item = peer_item_of(work);

	item->fn(item);
}

static void make_queue(unsigned int flags)
{
	wq = alloc_workqueue("compare", flags, 0);
	if (!wq)
		err(EXIT_FAILURE, "alloc_workqueue");
}

/* The workers of CPUs are there already, and how many there are is the library's affair. */
static void start_percpu(unsigned int threads)
{
	(void)threads;
	make_queue(WQ_PERCPU);
}

static void start_unbound(unsigned int threads)
{
	(void)threads;
	make_queue(WQ_UNBOUND);
}

static void stop(void)
{
	destroy_workqueue(wq);
}

static void init_item(struct peer_item *item)
{
	struct work_struct *work = peer_node(item);

	INIT_WORK(work, run_item);
}

static void submit(struct peer_item *item)
{
	if (!queue_work(wq, peer_node(item)))
		errx(EXIT_FAILURE, "an idle item was not taken");
}

static void spray(void *items, size_t stride, unsigned long nr)
{
	bool all = true;

	for (unsigned long i = 0; i < nr; i++)
		all &= queue_work(wq, peer_node(peer_item_at(items, stride, i)));
	if (!all)
		errx(EXIT_FAILURE, "an idle item was not taken");
}

static void wait_all(void)
{
	flush_workqueue(wq);
}

static void wait_for(struct peer_item *item)
{
	flush_work(peer_node(item));
}

const struct bench_peer bench_peer_workq = {
	.version = workq_version,
	.node_size = sizeof(struct work_struct),
	.start = start_percpu,
	.stop = stop,
	.init_item = init_item,
	.submit = submit,
	.resubmit = submit,
	.spray = spray,
	.wait_all = wait_all,
	.wait_for = wait_for,
};

const struct bench_peer bench_peer_workq_unbound = {
	.version = workq_version,
	.node_size = sizeof(struct work_struct),
	.start = start_unbound,
	.stop = stop,
	.init_item = init_item,
	.submit = submit,
	.resubmit = submit,
	.spray = spray,
	.wait_all = wait_all,
	.wait_for = wait_for,
};
