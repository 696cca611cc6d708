/* SPDX-License-Identifier: MIT */
/*
 * glib.c - for workq-bench compare: GLib's GThreadPool, an exclusive one.
 *
 * g_thread_pool_new(): "If exclusive is TRUE, max_threads threads are started
 * immediately and they will run exclusively for this thread pool until it is
 * destroyed". To wait for all tasks is to destroy it: "If wait_ is TRUE, this
 * function does not return before all tasks to be processed [...] are ready."
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib.h>

#include "peer.h"

static GThreadPool *pool;

static void run_item(gpointer data, gpointer user_data)
{
	struct peer_item *item = data;

	(void)user_data;
	item->fn(item);
}

static void start(unsigned int threads)
{
	GError *error = NULL;

	pool = g_thread_pool_new(run_item, NULL, (gint)threads, /* exclusive */ TRUE, &error);
	if (error)
		errx(EXIT_FAILURE, "g_thread_pool_new: %s", error->message);
}

static void wait_all(void)
{
	g_thread_pool_free(pool, /* immediate */ FALSE, /* wait_ */ TRUE);
	pool = NULL;
}

static void stop(void)
{
	if (pool)
		wait_all();
}

static void submit(struct peer_item *item)
{
	g_thread_pool_push(pool, item, NULL);
}

static void spray(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		g_thread_pool_push(pool, peer_item_at(items, stride, i), NULL);
}

static const char *version(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "%u.%u.%u", glib_major_version, glib_minor_version,
		 glib_micro_version);
	return text;
}

const struct bench_peer bench_peer_glib = {
	.version = version,
	.start = start,
	.stop = stop,
	.submit = submit,
	.resubmit = submit,
	.spray = spray,
	.wait_all = wait_all,
};
