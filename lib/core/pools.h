/* SPDX-License-Identifier: MIT */
/*
 * pools.h - all pools: making, finding and sharing them.
 *
 * Bound ones are made when the library starts. Unbound ones are shared by all
 * queues with the same attributes (Q6), and left when no pwq uses them any more.
 */
#ifndef WQ_CORE_POOLS_H
#define WQ_CORE_POOLS_H

#include "core/types.h"

enum {
	WQ_MAX_POOLS = 65535, /* ids are 1 ... and fit 16 bits */
};

/* By id; entry 0 is unused. A: set once, before the id can be found in any word. */
extern struct wq_pool *wq_pools[WQ_MAX_POOLS + 1];
/* A: ids below this are in use. */
extern unsigned int wq_nr_pools;

#define wq_pools_for_each(pool, id)                                                                \
	for ((id) = 1; (id) < wq_load_acquire(&wq_nr_pools) && ((pool) = wq_pools[id]); (id)++)

/* An empty pool without workers, in place; cpu < 0: unbound. */
void wq_pools_init(struct wq_pool *pool, unsigned int id, int cpu, int nice);
/* Make the pools of every allowed CPU. 0 or -ENOMEM. Configuration lock held. */
int wq_pools_create_bound(void);
/* The pool of an allowed CPU for a per-CPU queue with these flags. */
struct wq_pool *wq_pools_of_cpu(unsigned int cpu, unsigned int flags);

/*
 * The pool whose workers have this nice value, are woken in `pod` and may run on `cpus`;
 * it counts one more pwq. NULL: no memory. Configuration lock held.
 */
struct wq_pool *wq_pools_get_unbound(int nice, const struct wq_cpuset *pod,
				     const struct wq_cpuset *cpus);
/* A pwq less; the caller's last touch of the pool. */
void wq_pools_put(struct wq_pool *pool);

#endif /* WQ_CORE_POOLS_H */
