/* SPDX-License-Identifier: MIT */
/*
 * peer.h - what workq-bench compare measures: a pool of threads of somebody's.
 *
 * Each pool is one file that defines a struct bench_peer; this library's queues
 * are two among them. All do the same work with the same items, each in the
 * way that its own documentation advises. There is one pool at a time, so that
 * a peer keeps its pool in static variables.
 */
#ifndef WORKQ_BENCH_PEER_H
#define WORKQ_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct peer_item - what a task is about: a struct of the user's
 * @fn:      what the task calls, on this item
 * @nr_runs: how often it has run
 * @left:    how many runs are to follow
 * @ns:      when it ran
 *
 * Items are at least 64 bytes, on cache lines of their own. Behind these 32 bytes there is room
 * for what the pool wants to be embedded.
 */
struct peer_item {
	void (*fn)(struct peer_item *item);
	unsigned long nr_runs;
	unsigned long left;
	uint64_t ns;
};

static inline void *peer_node(struct peer_item *item)
{
	return item + 1;
}

static inline struct peer_item *peer_item_of(void *node)
{
	return (struct peer_item *)node - 1;
}

/* Item @i of an array; see bench_peer_stride(). */
static inline struct peer_item *peer_item_at(void *items, size_t stride, unsigned long i)
{
	return (struct peer_item *)((char *)items + i * stride);
}

enum peer_workload {
	PEER_SPRAY_1,
	PEER_SPRAY_2,
	PEER_CHAIN,
	PEER_ROUND_TRIP,
	PEER_IDLE_WAKE,
	PEER_MEMORY,
	PEER_EMBEDDED,
	PEER_NR_WORKLOADS,
};

/**
 * struct bench_peer - a pool of threads, and how to use it
 * @version:   of the library that is running
 * @note:      what the reader of its figures should know; may be NULL
 * @node_size: bytes that the pool wants in each item
 * @max_hops:  of a chain, if it is slow; 0: as long as the others'
 * @inline_tasks: whoever waits runs tasks meanwhile; it is one of the threads
 * @cannot:    why a workload is not possible; NULL: it is
 * @start:     makes the pool of @threads threads, all of which are there on return; they inherit
 *             the affinity of the caller, which may use all CPUs
 * @stop:      ends the pool; no task is left
 * @enter:     calls fn(arg) where tasks can be submitted, returns when these are through; NULL:
 *             they can be submitted anywhere
 * @init_item: once per item, before it is used; may be NULL
 * @submit:    one task, by any thread
 * @resubmit:  the same from inside of the item's task
 * @spray:     many tasks; a loop of its own, so that nothing but the pool's own call is in it. May
 *             wait for them, if each thread waits for what it submitted.
 * @wait_all:  waits until all is through that was sprayed; @submit is not used any more after it.
 *             NULL: the pool has nothing for that, the tasks count down an atomic variable
 * @wait_for:  waits for this thread's one task; NULL: the task posts a semaphore
 * @attend:    called by the thread that submitted while it waits for the semaphore; NULL: it sleeps
 */
struct bench_peer {
	const char *(*version)(void);
	const char *note;
	size_t node_size;
	unsigned long max_hops;
	bool inline_tasks;
	const char *cannot[PEER_NR_WORKLOADS];
	void (*start)(unsigned int threads);
	void (*stop)(void);
	void (*enter)(void (*fn)(void *arg), void *arg);
	void (*init_item)(struct peer_item *item);
	void (*submit)(struct peer_item *item);
	void (*resubmit)(struct peer_item *item);
	void (*spray)(void *items, size_t stride, unsigned long nr);
	void (*wait_all)(void);
	void (*wait_for)(struct peer_item *item);
	void (*attend)(void);
};

/* Those that were not found when this was built are not there: their address is NULL. */
#define BENCH_PEER_MAYBE extern const struct bench_peer __attribute__((weak))

extern const struct bench_peer bench_peer_workq, bench_peer_workq_unbound, bench_peer_mutex;
BENCH_PEER_MAYBE bench_peer_glib, bench_peer_libuv, bench_peer_onetbb, bench_peer_onetbb_enqueue,
	bench_peer_asio, bench_peer_taskflow, bench_peer_apr, bench_peer_gomp, bench_peer_dispatch;

#ifdef __cplusplus
}
#endif

#endif /* WORKQ_BENCH_PEER_H */
