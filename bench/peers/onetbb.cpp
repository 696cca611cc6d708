/* SPDX-License-Identifier: MIT */
/*
 * onetbb.cpp - for workq-bench compare: oneTBB, in its two ways.
 *
 * A task_group: run() and wait(), where the thread that waits runs tasks. And
 * task_arena::enqueue(): "Enqueues a task into the arena to process a functor, and
 * immediately returns. Does not require the calling thread to join the arena". The
 * caller is not one of the threads then, and nothing waits for tasks.
 */
#include <err.h>
#include <sched.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <new>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

#include "peer.h"

namespace
{
using std::chrono::steady_clock;

tbb::task_scheduler_handle *handle;
tbb::global_control *control;
tbb::task_group *group;
tbb::task_arena *arena;

/* Threads come with the first task, and inherit the affinity of who submitted that: wait here. */
template <class Submit> void await_worker(Submit submit)
{
	std::atomic<bool> ran(false);
	auto deadline = steady_clock::now() + std::chrono::seconds(10);

	submit([&ran] { ran = true; });
	while (!ran) {
		if (steady_clock::now() > deadline)
			errx(EXIT_FAILURE, "oneTBB starts no thread");
		sched_yield();
	}
}

void attach(unsigned int threads)
{
	handle = new tbb::task_scheduler_handle(tbb::attach{});
	control = new tbb::global_control(tbb::global_control::max_allowed_parallelism, threads);
}

/* Its threads spin for a while after the last task, which would disturb whoever is next. */
void detach()
{
	delete control;
	if (!tbb::finalize(*handle, std::nothrow))
		errx(EXIT_FAILURE, "oneTBB does not end its threads");
	delete handle;
}

/* -------------------------------------------------------------- task_group */

/* The caller is one of the threads. */
void start_group(unsigned int threads)
{
	attach(threads);
	group = new tbb::task_group;
	if (threads > 1)
		await_worker([](const auto &fn) { group->run(fn); });
	group->wait();
}

void stop_group()
{
	group->wait();
	delete group;
	detach();
}

void submit_to_group(struct peer_item *item)
{
	group->run([item] { item->fn(item); });
}

/* A group of each producer's: only one thread may wait for a group. */
void spray_group(void *items, size_t stride, unsigned long nr)
{
	tbb::task_group own;

	for (unsigned long i = 0; i < nr; i++) {
		struct peer_item *item = peer_item_at(items, stride, i);

		own.run([item] { item->fn(item); });
	}
	own.wait();
}

/* spray_group() has waited. */
void wait_all_groups()
{
}

void wait_in_group(struct peer_item *item)
{
	(void)item;
	group->wait();
}

void attend_group()
{
	group->wait();
}

/* ----------------------------------------------------------------- enqueue */

/* One more than threads: the caller counts as one, but never takes part. */
void start_arena(unsigned int threads)
{
	attach(threads + 1);
	arena = new tbb::task_arena(static_cast<int>(threads), /* reserved_for_masters */ 0);
	await_worker([](const auto &fn) { arena->enqueue(fn); });
}

void stop_arena()
{
	delete arena;
	detach();
}

void enqueue(struct peer_item *item)
{
	arena->enqueue([item] { item->fn(item); });
}

void spray_arena(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		enqueue(peer_item_at(items, stride, i));
}

/* ------------------------------------------------------------------------- */

struct bench_peer make_group()
{
	struct bench_peer peer = {};

	peer.version = TBB_runtime_version;
	peer.inline_tasks = true;
	peer.start = start_group;
	peer.stop = stop_group;
	peer.submit = submit_to_group;
	peer.resubmit = submit_to_group;
	peer.spray = spray_group;
	peer.wait_all = wait_all_groups;
	peer.wait_for = wait_in_group;
	peer.attend = attend_group;
	return peer;
}

struct bench_peer make_arena()
{
	struct bench_peer peer = {};

	peer.version = TBB_runtime_version;
	peer.start = start_arena;
	peer.stop = stop_arena;
	peer.submit = enqueue;
	peer.resubmit = enqueue;
	peer.spray = spray_arena;
	return peer;
}
} // namespace

const struct bench_peer bench_peer_onetbb = make_group();
const struct bench_peer bench_peer_onetbb_enqueue = make_arena();
