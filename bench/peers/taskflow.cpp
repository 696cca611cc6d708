/* SPDX-License-Identifier: MIT */
/*
 * taskflow.cpp - for workq-bench compare: an executor of Taskflow.
 *
 * tf::Executor::silent_async() "is more efficient than tf::Executor::async and is
 * encouraged to use when applications do not need a std::future", and "is
 * thread-safe"; wait_for_all() "waits until all submitted tasks (e.g., taskflows,
 * asynchronous tasks) finish".
 */
#include <taskflow/taskflow.hpp>

#include "peer.h"

namespace
{
tf::Executor *executor;

void start(unsigned int threads)
{
	executor = new tf::Executor(threads);
}

void stop()
{
	delete executor;
}

void submit(struct peer_item *item)
{
	executor->silent_async([item] { item->fn(item); });
}

void spray(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		submit(peer_item_at(items, stride, i));
}

void wait_all()
{
	executor->wait_for_all();
}

struct bench_peer make_peer()
{
	struct bench_peer peer = {};

	peer.version = tf::version;
	peer.start = start;
	peer.stop = stop;
	peer.submit = submit;
	peer.resubmit = submit;
	peer.spray = spray;
	peer.wait_all = wait_all;
	return peer;
}
} // namespace

const struct bench_peer bench_peer_taskflow = make_peer();
