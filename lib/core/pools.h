/* SPDX-License-Identifier: MIT */
/*
 * pools.h - all pools: making, finding and sharing them.
 *
 * Those of a CPU are made when it may first be used, and stay: without their CPU they are
 * served elsewhere (P1). Unbound ones are shared by all queues with the same attributes (Q6),
 * and left when no pwq uses them any more.
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

/* NULL behind the last one. */
static inline struct wq_pool *wq_pools_at(unsigned int id)
{
	return id < wq_load_acquire(&wq_nr_pools) ? wq_pools[id] : NULL;
}

#define wq_pools_for_each(pool, id) for ((id) = 1; ((pool) = wq_pools_at(id)) != NULL; (id)++)

/* An empty pool without workers, in place; cpu < 0: unbound. */
void wq_pools_init(struct wq_pool *pool, unsigned int id, int cpu, int nice);
/* Make the pools of every allowed CPU that has none. 0 or -ENOMEM. Configuration lock held. */
int wq_pools_create_bound(void);
/* Has the CPU pools? Since it is allowed, or was. Configuration lock held, as for the next. */
bool wq_pools_has_cpu(unsigned int cpu);
/* Of such a CPU the pool for a per-CPU queue with these flags. */
struct wq_pool *wq_pools_of_cpu(unsigned int cpu, unsigned int flags);

/*
 * A CPU's pool: its workers belong on their CPU (P2), or, if that is gone, on these others, and do
 * not hold each other off there (P1). Configuration lock held.
 */
void wq_pools_place(struct wq_pool *pool, const struct wq_cpuset *elsewhere);

/*
 * The pool whose workers have this nice value, are woken in `pod` and may run on `cpus`;
 * it counts one more pwq. NULL: no memory. Configuration lock held.
 */
struct wq_pool *wq_pools_get_unbound(int nice, const struct wq_cpuset *pod,
				     const struct wq_cpuset *cpus);
/* A pwq less; the caller's last touch of the pool. */
void wq_pools_put(struct wq_pool *pool);

/*
 * So many workers at once, for each unbound pool; 0: as many as its pod has CPUs, but no more
 * than `quota` says, unless that is 0. Configuration lock held.
 */
void wq_pools_set_max_running(unsigned int each, unsigned int quota);

/* In the child of fork(): pools without items, pwqs and workers. Configuration lock held. */
void wq_pools_reset(void);

#endif /* WQ_CORE_POOLS_H */
