/* SPDX-License-Identifier: MIT */
/*
 * libuv.c - for workq-bench compare: libuv's thread pool, uv_queue_work().
 *
 * "Note that even though a global thread pool which is shared across all events
 * loops is used, the functions are not thread safe": only the loop's thread may
 * queue. So the producer is that thread, and a chain goes on in the callback
 * there, after the task. "Its default size is 4, but it can be changed at startup
 * time by setting the UV_THREADPOOL_SIZE environment variable". It stays for good,
 * asleep.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

#include "peer.h"

static uv_loop_t loop;

static void check(const char *what, int error)
{
	if (error)
		errx(EXIT_FAILURE, "%s: %s", what, uv_strerror(error));
}

static void run_item(uv_work_t *req)
{
	struct peer_item *item = peer_item_of(req);

	item->fn(item);
}

static void go_on(uv_work_t *req, int status);

static void submit(struct peer_item *item)
{
	uv_work_t *req = peer_node(item);

	req->data = NULL;
	check("uv_queue_work", uv_queue_work(&loop, req, run_item, go_on));
}

/* In the loop's thread, once the task has returned. */
static void go_on(uv_work_t *req, int status)
{
	check("a task", status);
	if (req->data)
		submit(req->data);
}

static void resubmit(struct peer_item *item)
{
	uv_work_t *req = peer_node(item);

	req->data = item;
}

static void spray(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		submit(peer_item_at(items, stride, i));
}

static void run_loop(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void wait_for(struct peer_item *item)
{
	(void)item;
	run_loop();
}

static void do_nothing(uv_work_t *req)
{
	(void)req;
}

/* The first task of the process brings the threads into being. */
static void start(unsigned int threads)
{
	uv_work_t first = { 0 };
	char text[16];

	snprintf(text, sizeof(text), "%u", threads);
	setenv("UV_THREADPOOL_SIZE", text, /* overwrite */ 1);
	check("uv_loop_init", uv_loop_init(&loop));
	check("uv_queue_work", uv_queue_work(&loop, &first, do_nothing, NULL));
	run_loop();
}

static void stop(void)
{
	check("uv_loop_close", uv_loop_close(&loop));
}

const struct bench_peer bench_peer_libuv = {
	.version = uv_version_string,
	.note = "each hop of its chain goes from the pool to the loop's thread and back",
	.node_size = sizeof(uv_work_t),
	.max_hops = 5000,
	.cannot = {
		[PEER_SPRAY_2] = "only the thread of the loop may call uv_queue_work()",
	},
	.start = start,
	.stop = stop,
	.submit = submit,
	.resubmit = resubmit,
	.spray = spray,
	.wait_all = run_loop,
	.wait_for = wait_for,
	.attend = run_loop,
};
