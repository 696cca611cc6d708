/* SPDX-License-Identifier: MIT */
/*
 * pools.c - all pools: making, finding and sharing them (contracts in pools.h).
 */
#include "core/pools.h"

#include <errno.h>

#include "base/os.h"
#include "base/report.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/worker.h"

struct wq_pool *wq_pools[WQ_MAX_POOLS + 1];
unsigned int wq_nr_pools = 1;

unsigned int wq_nr_cpus;
struct wq_cpuset wq_allowed_cpus;

/* Each allowed CPU has one of each kind, with ids in this order. */
enum kind { NORMAL, HIGHPRI, BH, BH_HIGHPRI, NR_KINDS };

/* C: once started: by CPU: id of its first pool; 0: not allowed */
static unsigned int *bound_ids;
/* C: once started: by CPU */
static struct wq_turn *turns;

/* ------------------------------------------------------------------ making */

static void init_lists(struct wq_pool *pool)
{
	unsigned int i;

	wq_list_init(&pool->worklist);
	wq_list_init(&pool->idle);
	wq_list_init(&pool->holding);
	for (i = 0; i < WQ_BUSY_BUCKETS; i++)
		wq_list_init(&pool->barriers[i]);
}

void wq_pools_init(struct wq_pool *pool, unsigned int id, int cpu, int nice)
{
	*pool = (struct wq_pool){ .id = id, .cpu = cpu, .nice = nice, .is_bound = cpu >= 0 };
	wq_lock_init(&pool->lock, WQ_RANK_POOL);
	init_lists(pool);
	/* the first push asks the manager for the first worker */
	pool->waker = pool->offer = &wq_manager_park;
	if (pool->is_bound)
		wq_cpuset_add(&pool->cpus, (unsigned int)cpu);
	else
		pool->cpus = wq_allowed_cpus;
	pool->max_running = wq_cpuset_count(&pool->cpus);
}

static struct wq_pool *create(int cpu, int nice)
{
	struct wq_pool *pool;

	if (wq_nr_pools > WQ_MAX_POOLS)
		return NULL;
	pool = wq_os_alloc(sizeof(*pool), WQ_CACHE_LINE);
	if (!pool)
		return NULL;
	wq_pools_init(pool, wq_nr_pools, cpu, nice);
	wq_store_release(&wq_pools[pool->id], pool);
	wq_store_release(&wq_nr_pools, wq_nr_pools + 1);
	return pool;
}

/* ------------------------------------------------------------------- bound */

static int create_of_cpu(unsigned int cpu)
{
	unsigned int kind, first = wq_nr_pools;
	struct wq_pool *pool;

	for (kind = 0; kind < NR_KINDS; kind++) {
		pool = create((int)cpu,
			      kind == HIGHPRI || kind == BH_HIGHPRI ? WQ_HIGHPRI_NICE : 0);
		if (!pool)
			return -ENOMEM;
		if (kind >= BH)
			pool->turn = &turns[cpu];
	}
	bound_ids[cpu] = first;
	return 0;
}

int wq_pools_create_bound(void)
{
	unsigned int cpu;

	wq_assert_held(&wq_config_lock);
	if (!bound_ids)
		bound_ids = wq_os_alloc(wq_nr_cpus * sizeof(*bound_ids), sizeof(*bound_ids));
	if (!turns)
		turns = wq_os_alloc(wq_nr_cpus * sizeof(*turns), sizeof(*turns));
	if (!bound_ids || !turns)
		return -ENOMEM;
	wq_cpuset_for_each(cpu, &wq_allowed_cpus)
	{
		if (!bound_ids[cpu] && create_of_cpu(cpu))
			return -ENOMEM;
	}
	return 0;
}

struct wq_pool *wq_pools_of_cpu(unsigned int cpu, unsigned int flags)
{
	unsigned int kind = (flags & WQ_HIGHPRI ? HIGHPRI : NORMAL) + (flags & WQ_BH ? BH : NORMAL);

	return wq_pools[bound_ids[cpu] + kind];
}

/* ----------------------------------------------------------------- unbound */

static bool is_same(const struct wq_pool *pool, int nice, const struct wq_cpuset *pod,
		    const struct wq_cpuset *cpus)
{
	return pool->nice == nice && wq_cpuset_is_equal(&pool->pod, pod) &&
	       wq_cpuset_is_equal(&pool->cpus, cpus);
}

static struct wq_pool *find_same(int nice, const struct wq_cpuset *pod,
				 const struct wq_cpuset *cpus)
{
	struct wq_pool *pool;
	unsigned int id;

	wq_pools_for_each(pool, id)
	{
		if (!pool->is_bound && is_same(pool, nice, pod, cpus))
			return pool;
	}
	return NULL;
}

static void become_locked(struct wq_pool *pool, int nice, const struct wq_cpuset *pod,
			  const struct wq_cpuset *cpus)
{
	wq_assert_held(&pool->lock);
	pool->nice = nice;
	pool->pod = *pod;
	pool->cpus = *cpus;
	pool->max_running = wq_cpuset_count(pod);
}

/* Without pwqs nobody can queue there, so that without workers it is nobody's. */
static bool become_if_unused(struct wq_pool *pool, int nice, const struct wq_cpuset *pod,
			     const struct wq_cpuset *cpus)
{
	bool is_unused;

	if (pool->is_bound || wq_load_relaxed(&pool->nr_pwqs))
		return false;
	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	is_unused = !pool->nr_workers;
	if (is_unused)
		become_locked(pool, nice, pod, cpus);
	wq_pool_unlock(pool);
	return is_unused;
}

static struct wq_pool *reuse(int nice, const struct wq_cpuset *pod, const struct wq_cpuset *cpus)
{
	struct wq_pool *pool;
	unsigned int id;

	wq_pools_for_each(pool, id)
	{
		if (become_if_unused(pool, nice, pod, cpus))
			return pool;
	}
	return NULL;
}

struct wq_pool *wq_pools_get_unbound(int nice, const struct wq_cpuset *pod,
				     const struct wq_cpuset *cpus)
{
	struct wq_pool *pool = find_same(nice, pod, cpus);

	wq_assert_held(&wq_config_lock);
	if (!pool)
		pool = reuse(nice, pod, cpus);
	if (!pool) {
		pool = create(-1, nice);
		if (pool && !become_if_unused(pool, nice, pod, cpus))
			return NULL;
	}
	if (pool)
		wq_fetch_add_seq_cst(&pool->nr_pwqs, 1u);
	return pool;
}

void wq_pools_put(struct wq_pool *pool)
{
	/* the last one: its workers may go */
	if (wq_fetch_sub_seq_cst(&pool->nr_pwqs, 1u) == 1)
		wq_park_wake(&wq_manager_park);
}
