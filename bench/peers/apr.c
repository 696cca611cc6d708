/* SPDX-License-Identifier: MIT */
/*
 * apr.c - for workq-bench compare: apr_thread_pool of the Apache Portable Runtime.
 *
 * apr_thread_pool_push(): "Schedule a task to the bottom of the tasks of same
 * priority." All threads are made at once: "init_threads: The number of threads
 * to be created initially, this number will also be used as the initial value
 * for the maximum number of idle threads." Nothing waits for tasks.
 */
#include <err.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_thread_pool.h>
#include <apu_version.h>

#include "peer.h"

static apr_pool_t *memory;
static apr_thread_pool_t *pool;

static void check(const char *what, apr_status_t status)
{
	char text[128];

	if (status != APR_SUCCESS)
		errx(EXIT_FAILURE, "%s: %s", what, apr_strerror(status, text, sizeof(text)));
}

static void *APR_THREAD_FUNC run_item(apr_thread_t *thread, void *arg)
{
	struct peer_item *item = arg;

	(void)thread;
	item->fn(item);
	return NULL;
}

static void start(unsigned int threads)
{
	check("apr_initialize", apr_initialize());
	check("apr_pool_create", apr_pool_create(&memory, NULL));
	check("apr_thread_pool_create", apr_thread_pool_create(&pool, threads, threads, memory));
}

static void stop(void)
{
	check("apr_thread_pool_destroy", apr_thread_pool_destroy(pool));
	apr_pool_destroy(memory);
	apr_terminate();
}

static void submit(struct peer_item *item)
{
	apr_status_t status =
		apr_thread_pool_push(pool, run_item, item, APR_THREAD_TASK_PRIORITY_NORMAL, NULL);

	check("apr_thread_pool_push", status);
}

static void spray(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		submit(peer_item_at(items, stride, i));
}

const struct bench_peer bench_peer_apr = {
	.version = apu_version_string,
	.note = "a push takes longer the more tasks there are: it goes through all of the same priority",
	.start = start,
	.stop = stop,
	.submit = submit,
	.resubmit = submit,
	.spray = spray,
};
