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

unsigned int wq_nr_cpus WQ_READ_MOSTLY;
struct wq_cpuset wq_allowed_cpus;

/* Each allowed CPU has one of each kind, with ids in this order. */
enum kind { NORMAL, HIGHPRI, BH, BH_HIGHPRI, NR_KINDS };

/* G: by CPU: id of its first pool; 0: it has none */
static unsigned int *bound_ids;
/* C: once started: by CPU */
static struct wq_turn *turns;
/* G: see wq_pools_set_max_running() */
static unsigned int max_running_each, max_running_quota;

/* ------------------------------------------------------------------ making */

static unsigned int max_running_on(const struct wq_cpuset *cpus)
{
	unsigned int nr = wq_cpuset_count(cpus);

	if (max_running_each)
		return max_running_each;
	return max_running_quota && max_running_quota < nr ? max_running_quota : nr;
}

/* Nothing waits or runs there, and it has no workers. */
static void start_empty(struct wq_pool *pool)
{
	unsigned int i;

	wq_lock_init(&pool->lock, WQ_RANK_POOL);
	/* the first push asks the manager for the first worker */
	pool->waker = pool->offer = &wq_manager_park;
	wq_list_init(&pool->worklist);
	wq_list_init(&pool->idle);
	wq_list_init(&pool->holding);
	for (i = 0; i < WQ_BUSY_BUCKETS; i++)
		wq_list_init(&pool->barriers[i]);
}

void wq_pools_init(struct wq_pool *pool, unsigned int id, int cpu, int nice)
{
	*pool = (struct wq_pool){ .id = id, .cpu = cpu, .nice = nice, .is_bound = cpu >= 0 };
	start_empty(pool);
	if (pool->is_bound)
		wq_cpuset_add(&pool->cpus, (unsigned int)cpu);
	else
		pool->cpus = wq_allowed_cpus;
	pool->max_running = max_running_on(&pool->cpus);
}

/* From now on others find it. */
static void publish(struct wq_pool *pool)
{
	wq_store_release(&wq_pools[pool->id], pool);
	wq_store_release(&wq_nr_pools, pool->id + 1);
}

static struct wq_pool *create_unbound(int nice)
{
	struct wq_pool *pool;

	if (wq_nr_pools > WQ_MAX_POOLS)
		return NULL;
	pool = wq_os_alloc(sizeof(*pool), WQ_CACHE_LINE);
	if (!pool)
		return NULL;
	wq_pools_init(pool, wq_nr_pools, /* cpu */ -1, nice);
	publish(pool);
	return pool;
}

/* ------------------------------------------------------------------- bound */

/* All or none. */
static bool alloc_pools(struct wq_pool *pools[NR_KINDS])
{
	unsigned int kind;

	for (kind = 0; kind < NR_KINDS; kind++) {
		pools[kind] = wq_os_alloc(sizeof(struct wq_pool), WQ_CACHE_LINE);
		if (pools[kind])
			continue;
		while (kind)
			wq_os_free(pools[--kind]);
		return false;
	}
	return true;
}

static int create_of_cpu(unsigned int cpu)
{
	unsigned int kind, first = wq_nr_pools;
	struct wq_pool *pools[NR_KINDS];

	if (first + NR_KINDS > WQ_MAX_POOLS || !alloc_pools(pools))
		return -ENOMEM;
	for (kind = 0; kind < NR_KINDS; kind++) {
		wq_pools_init(pools[kind], first + kind, (int)cpu,
			      kind == HIGHPRI || kind == BH_HIGHPRI ? WQ_HIGHPRI_NICE : 0);
		if (kind >= BH)
			pools[kind]->turn = &turns[cpu];
		publish(pools[kind]);
	}
	bound_ids[cpu] = first;
	wq_manager_note_pool();
	return 0;
}

int wq_pools_create_bound(void)
{
	unsigned int cpu;

	wq_assert_held(&wq_config_lock);
	if (!bound_ids)
		bound_ids = wq_os_alloc(wq_nr_cpus * sizeof(*bound_ids), sizeof(*bound_ids));
	if (!turns)
		turns = wq_os_alloc(wq_nr_cpus * sizeof(*turns), WQ_CACHE_LINE);
	if (!bound_ids || !turns)
		return -ENOMEM;
	wq_cpuset_for_each(cpu, &wq_allowed_cpus)
	{
		if (!bound_ids[cpu] && create_of_cpu(cpu))
			return -ENOMEM;
	}
	return 0;
}

bool wq_pools_has_cpu(unsigned int cpu)
{
	wq_assert_held(&wq_config_lock);
	return bound_ids[cpu];
}

struct wq_pool *wq_pools_of_cpu(unsigned int cpu, unsigned int flags)
{
	unsigned int kind = (flags & WQ_HIGHPRI ? HIGHPRI : NORMAL) + (flags & WQ_BH ? BH : NORMAL);

	return wq_pools[bound_ids[cpu] + kind];
}

void wq_pools_place(struct wq_pool *pool, const struct wq_cpuset *elsewhere)
{
	wq_assert_held(&wq_config_lock);
	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	wq_cpuset_clear(&pool->cpus);
	if (elsewhere)
		pool->cpus = *elsewhere;
	else
		wq_cpuset_add(&pool->cpus, (unsigned int)pool->cpu);
	/* items of WQ_BH run one after another anywhere (M1) */
	wq_store_relaxed(&pool->is_bound, !elsewhere || pool->turn);
	pool->max_running = max_running_on(&pool->cpus);
	/* who waited for somebody that runs need not any more */
	wq_pool_unlock(pool);
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
		if (pool->cpu < 0 && is_same(pool, nice, pod, cpus))
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
	pool->max_running = max_running_on(pod);
}

/*
 * Without pwqs nobody can queue there, so that without workers it is nobody's. False: it is
 * somebody's; a new one is not.
 */
static bool become_if_unused(struct wq_pool *pool, int nice, const struct wq_cpuset *pod,
			     const struct wq_cpuset *cpus)
{
	bool is_unused;

	if (pool->cpu >= 0 || wq_load_relaxed(&pool->nr_pwqs))
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
		pool = create_unbound(nice);
		if (pool)
			become_if_unused(pool, nice, pod, cpus);
	}
	if (pool && !wq_fetch_add_seq_cst(&pool->nr_pwqs, 1u))
		wq_manager_note_pool();
	return pool;
}

void wq_pools_put(struct wq_pool *pool)
{
	/* the last one: its workers may go */
	if (wq_fetch_sub_seq_cst(&pool->nr_pwqs, 1u) == 1)
		wq_park_wake(&wq_manager_park);
}

static void set_max_running_locked(struct wq_pool *pool)
{
	wq_assert_held(&pool->lock);
	pool->max_running = max_running_on(pool->cpu < 0 ? &pool->pod : &pool->cpus);
}

void wq_pools_set_max_running(unsigned int each, unsigned int quota)
{
	struct wq_pool *pool;
	unsigned int id;

	wq_assert_held(&wq_config_lock);
	max_running_each = each;
	max_running_quota = quota;
	wq_pools_for_each(pool, id)
	{
		wq_pool_lock(pool);
		set_max_running_locked(pool);
		wq_pool_unlock(pool);
	}
}

/* ----------------------------------------------------------------- a child */

static void reset(struct wq_pool *pool)
{
	unsigned int i;

	pool->intake = NULL;
	pool->again = NULL;
	pool->nr_running = 0;
	pool->nr_due = 0;
	pool->nr_idle = 0;
	pool->nr_workers = 0;
	pool->nr_starting = 0;
	pool->wants_worker = false;
	pool->is_watched = false;
	pool->nr_sharing = 0;
	pool->is_kicked = 0;
	pool->nr_pwqs = 0;
	pool->waiting_since_ns = 0;
	for (i = 0; i < WQ_BUSY_BUCKETS; i++)
		pool->busy[i] = NULL;
	start_empty(pool);
	wq_worker_reset_slots(pool);
	if (pool->turn)
		*pool->turn = (struct wq_turn){ 0 };
}

void wq_pools_reset(void)
{
	struct wq_pool *pool;
	unsigned int id;

	wq_assert_held(&wq_config_lock);
	wq_pools_for_each(pool, id) reset(pool);
}
