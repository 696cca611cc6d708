/* SPDX-License-Identifier: MIT */
/*
 * gomp.c - for workq-bench compare: tasks of OpenMP, as gcc's libgomp has them.
 *
 * One thread of a parallel region makes the tasks and waits for them by taskwait,
 * as in OpenMP's own examples of tasks; the other threads run them, and so does
 * the one that waits. Tasks belong to their region: nobody can make any from
 * outside. With more than 64 of them waiting for each thread, libgomp runs a new
 * one at once, in the thread that makes it.
 */
#include <omp.h>
#include <stdio.h>

#include "peer.h"

static unsigned int nr_threads;

static void enter(void (*fn)(void *arg), void *arg)
{
#pragma omp parallel num_threads(nr_threads)
#pragma omp master
	fn(arg);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

/* The first region makes the threads, those that follow find them. */
static void start(unsigned int threads)
{
	nr_threads = threads;
	enter(do_nothing, NULL);
}

/* They spin for a while after a region, which would disturb whoever is next. */
static void stop(void)
{
	omp_pause_resource_all(omp_pause_hard);
}

static void submit(struct peer_item *item)
{
#pragma omp task firstprivate(item)
	item->fn(item);
}

static void spray(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		struct peer_item *item = peer_item_at(items, stride, i);

#pragma omp task firstprivate(item)
		item->fn(item);
	}
}

static void wait_for_own(void)
{
#pragma omp taskwait
}

static void wait_for(struct peer_item *item)
{
	(void)item;
	wait_for_own();
}

/* libgomp does not tell its own: it comes with the compiler. */
static const char *version(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "of gcc %d.%d, OpenMP %d", __GNUC__, __GNUC_MINOR__, _OPENMP);
	return text;
}

const struct bench_peer bench_peer_gomp = {
	.version = version,
	.note = "runs tasks at once, in the producer, beyond 64 waiting for each thread; its idle "
		"threads spin, see the CPU time of idle-wake",
	.inline_tasks = true,
	.cannot = {
		[PEER_SPRAY_2] = "tasks belong to a parallel region, another producer has another",
		[PEER_MEMORY] = "it does not queue that many tasks",
	},
	.start = start,
	.stop = stop,
	.enter = enter,
	.submit = submit,
	.resubmit = submit,
	.spray = spray,
	.wait_all = wait_for_own,
	.wait_for = wait_for,
	.attend = wait_for_own,
};
