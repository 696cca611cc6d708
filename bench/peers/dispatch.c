/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - for workq-bench compare: libdispatch, a concurrent queue.
 *
 * dispatch_async_f() to a queue of one's own, with DISPATCH_QUEUE_CONCURRENT. A
 * barrier in it waits for everything before: that is what dispatch_barrier_sync_f()
 * is for. How many threads there are is libdispatch's affair, as many as CPUs.
 */
#include <dispatch/dispatch.h>

#include "peer.h"

static dispatch_queue_t queue;

static void run_item(void *arg)
{
	struct peer_item *item = arg;

	item->fn(item);
}

static void start(unsigned int threads)
{
	(void)threads;
	queue = dispatch_queue_create("compare", DISPATCH_QUEUE_CONCURRENT);
}

static void stop(void)
{
	dispatch_release(queue);
}

static void submit(struct peer_item *item)
{
	dispatch_async_f(queue, item, run_item);
}

static void spray(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		dispatch_async_f(queue, peer_item_at(items, stride, i), run_item);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static void wait_all(void)
{
	dispatch_barrier_sync_f(queue, NULL, do_nothing);
}

static const char *version(void)
{
	return "does not tell its version";
}

const struct bench_peer bench_peer_dispatch = {
	.version = version,
	.start = start,
	.stop = stop,
	.submit = submit,
	.resubmit = submit,
	.spray = spray,
	.wait_all = wait_all,
};
