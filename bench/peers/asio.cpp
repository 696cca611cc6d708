/* SPDX-License-Identifier: MIT */
/*
 * asio.cpp - for workq-bench compare: Boost.Asio's thread_pool.
 *
 * Its own example: "Submit a function to the pool. boost::asio::post(pool,
 * my_task); [...] Wait for all tasks in the pool to complete. pool.join();". A
 * task that goes on uses defer(), which "may allow the executor to optimise
 * queueing for cases when the function object represents a continuation of the
 * current call context".
 */
#include <boost/asio/defer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/version.hpp>

#include "peer.h"

namespace
{
boost::asio::thread_pool *pool;

void start(unsigned int threads)
{
	pool = new boost::asio::thread_pool(threads);
}

void stop()
{
	delete pool;
}

void submit(struct peer_item *item)
{
	boost::asio::post(*pool, [item] { item->fn(item); });
}

void resubmit(struct peer_item *item)
{
	boost::asio::defer(*pool, [item] { item->fn(item); });
}

void spray(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		submit(peer_item_at(items, stride, i));
}

void wait_all()
{
	pool->join();
}

const char *version()
{
	return BOOST_LIB_VERSION;
}

struct bench_peer make_peer()
{
	struct bench_peer peer = {};

	peer.version = version;
	peer.start = start;
	peer.stop = stop;
	peer.submit = submit;
	peer.resubmit = resubmit;
	peer.spray = spray;
	peer.wait_all = wait_all;
	return peer;
}
} // namespace

const struct bench_peer bench_peer_asio = make_peer();
