/* SPDX-License-Identifier: MIT */
/*
 * layout.c - which pwqs a queue has, and which serves which CPU (contracts in layout.h).
 */
#include "core/layout.h"

#include <errno.h>

#include "base/grace.h"
#include "base/os.h"
#include "base/report.h"
#include "core/affinity.h"
#include "core/limit.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/pwq.h"
#include "core/retire.h"
#include "core/worker.h"
#include "core/wq.h"

static struct wq_pwq *pwq_of(struct wq_list *node)
{
	return wq_list_entry(node, struct wq_pwq, node);
}

/* ----------------------------------------------------------------- making */

/* For the queue's rescuer, who cannot count on memory. */
static bool reserve_slot(struct wq_pwq *pwq)
{
	wq_pool_lock(pwq->pool);
	pwq->rescue = wq_worker_reserve_locked(pwq->pool);
	if (pwq->rescue)
		pwq->rescue->rescues = pwq;
	wq_pool_unlock(pwq->pool);
	return pwq->rescue;
}

/* A new pwq of the layout; NULL: no memory. */
static struct wq_pwq *add(struct wq_layout *layout, struct workqueue_struct *wq,
			  struct wq_pool *pool, struct wq_limit *limit)
{
	struct wq_pwq *pwq = wq_pwq_create(wq, pool, limit);

	if (pwq && wq->rescuer && !reserve_slot(pwq)) {
		wq_pwq_free(pwq);
		pwq = NULL;
	}
	if (pwq)
		wq_list_add_tail(&pwq->node, &layout->pwqs);
	return pwq;
}

/* The next CPU with pools, beginning anew behind the last. */
static unsigned int next_with_pools(unsigned int cpu)
{
	do
		cpu = cpu + 1 < wq_nr_cpus ? cpu + 1 : 0;
	while (!wq_pools_has_cpu(cpu));
	return cpu;
}

/* A CPU without pools is served by one that has them, each by another if there are several. */
static void fill_gaps(struct wq_table *table)
{
	unsigned int cpu, stand_in = wq_nr_cpus;

	for (cpu = 0; cpu < wq_nr_cpus; cpu++) {
		if (table->of_cpu[cpu])
			continue;
		stand_in = next_with_pools(stand_in);
		table->of_cpu[cpu] = table->of_cpu[stand_in];
	}
}

static bool has_pwq_of(const struct wq_table *table, unsigned int cpu)
{
	return table && table->of_cpu[cpu]->pool->cpu == (int)cpu;
}

bool wq_layout_lacks_cpus(const struct workqueue_struct *wq)
{
	unsigned int cpu;

	wq_assert_held(&wq_config_lock);
	for (cpu = 0; cpu < wq_nr_cpus; cpu++) {
		if (wq_pools_has_cpu(cpu) && !has_pwq_of(wq->table, cpu))
			return true;
	}
	return false;
}

/* The pwqs that the queue has keep the CPUs that they serve, but for those with pools by now. */
static int make_bound(struct workqueue_struct *wq, struct wq_layout *layout)
{
	struct wq_table *table = layout->table, *old = wq->table;
	unsigned int cpu;

	for (cpu = 0; cpu < wq_nr_cpus; cpu++) {
		if (old)
			table->of_cpu[cpu] = old->of_cpu[cpu];
		if (!wq_pools_has_cpu(cpu) || has_pwq_of(old, cpu))
			continue;
		table->of_cpu[cpu] = add(layout, wq, wq_pools_of_cpu(cpu, wq_wq_flags(wq)), NULL);
		if (!table->of_cpu[cpu])
			return -ENOMEM;
	}
	fill_gaps(table);
	return 0;
}

/* The pwq for items queued in this pod; *wide is the one of pods without usable CPUs (O3). */
static struct wq_pwq *add_unbound(struct wq_layout *layout, struct workqueue_struct *wq,
				  const struct wq_cpuset *usable, unsigned int scope,
				  unsigned int index, struct wq_pwq **wide)
{
	bool is_strict = wq->attrs->is_strict, is_wide;
	struct wq_cpuset pod;
	struct wq_pool *pool;
	struct wq_pwq *pwq;

	wq_topo_pod_cpus(wq_affinity_topo, (enum wq_topo_scope)scope, index, &pod);
	wq_cpuset_and(&pod, &pod, usable);
	is_wide = wq_cpuset_is_empty(&pod);
	if (is_wide && *wide)
		return *wide;
	if (is_wide)
		pod = *usable;
	pool = wq_pools_get_unbound(wq->attrs->nice, &pod, is_strict ? &pod : usable);
	if (!pool)
		return NULL;
	pwq = add(layout, wq, pool, &wq->limits[wq_affinity_node_of(&pod)]);
	if (!pwq)
		wq_pools_put(pool);
	else if (is_wide)
		*wide = pwq;
	return pwq;
}

static int fill_unbound(struct workqueue_struct *wq, struct wq_layout *layout,
			const struct wq_cpuset *usable, unsigned int scope, struct wq_pwq **of_pod)
{
	struct wq_pwq *wide = NULL;
	unsigned int cpu, pod;

	for (cpu = 0; cpu < wq_nr_cpus; cpu++) {
		pod = wq_topo_pod_of(wq_affinity_topo, (enum wq_topo_scope)scope, cpu);
		if (!of_pod[pod])
			of_pod[pod] = add_unbound(layout, wq, usable, scope, pod, &wide);
		if (!of_pod[pod])
			return -ENOMEM;
		layout->table->of_cpu[cpu] = of_pod[pod];
	}
	return 0;
}

/* Items queued on CPUs that are not for unbound items go round those that are (O5). */
static void make_ring(struct wq_table *table)
{
	const struct wq_cpuset *unbound = &wq_affinity_cpus.unbound;
	unsigned int cpu;

	if (wq_cpuset_is_subset(&wq_allowed_cpus, unbound))
		return;
	for (cpu = 0; cpu < wq_nr_cpus; cpu++) {
		table->is_outside[cpu] = !wq_cpuset_has(unbound, cpu);
		if (!table->is_outside[cpu])
			table->ring[table->nr_ring++] = table->of_cpu[cpu];
	}
}

static int make_unbound(struct workqueue_struct *wq, struct wq_layout *layout)
{
	unsigned int scope = wq_wq_flags(wq) & __WQ_ORDERED ? (unsigned int)WQ_AFFN_SYSTEM :
							      wq_affinity_scope(wq->attrs);
	unsigned int nr_pods = wq_topo_nr_pods(wq_affinity_topo, (enum wq_topo_scope)scope);
	struct wq_pwq **of_pod = wq_os_alloc(nr_pods * sizeof(struct wq_pwq *), sizeof(void *));
	struct wq_cpuset usable;
	int err;

	if (!of_pod)
		return -ENOMEM;
	wq_affinity_effective(wq->attrs, &usable);
	err = fill_unbound(wq, layout, &usable, scope, of_pod);
	wq_os_free(of_pod);
	if (!err)
		make_ring(layout->table);
	return err;
}

/* A table with room for the ring behind it. */
static struct wq_table *alloc_table(void)
{
	size_t pointers = wq_nr_cpus * sizeof(struct wq_pwq *);
	struct wq_table *table =
		wq_os_alloc(sizeof(*table) + 2 * pointers + wq_nr_cpus, WQ_CACHE_LINE);

	if (table) {
		table->ring = table->of_cpu + wq_nr_cpus;
		table->is_outside = (bool *)(table->ring + wq_nr_cpus);
	}
	return table;
}

int wq_layout_make(struct workqueue_struct *wq, struct wq_layout *layout)
{
	int err = -ENOMEM;

	wq_assert_held(&wq_config_lock);
	wq_list_init(&layout->pwqs);
	layout->table = alloc_table();
	if (layout->table)
		err = wq->attrs ? make_unbound(wq, layout) : make_bound(wq, layout);
	if (err)
		wq_layout_free(layout);
	return err;
}

/* ---------------------------------------------------------------- freeing */

void wq_layout_free_pwq(struct wq_pwq *pwq)
{
	struct wq_pool *pool = pwq->pool;

	wq_pool_lock(pool);
	wq_worker_forget_pwq_locked(pool, pwq);
	wq_limit_share_locked(pwq, false);
	if (pwq->rescue)
		wq_worker_unreserve_locked(pwq->rescue);
	wq_pool_unlock(pool);
	if (pool->cpu < 0)
		wq_pools_put(pool);
	wq_pwq_free(pwq);
}

void wq_layout_free(struct wq_layout *layout)
{
	struct wq_list *node;

	while (!wq_list_is_empty(&layout->pwqs)) {
		node = layout->pwqs.next;
		wq_list_del(node);
		wq_layout_free_pwq(pwq_of(node));
	}
	wq_os_free(layout->table);
	layout->table = NULL;
}

/* ----------------------------------------------------------------- limits */

static unsigned int clamp(unsigned int value, unsigned int min, unsigned int max)
{
	if (value < min)
		return min;
	return value > max ? max : value;
}

/* A node's share of max_active, by its CPUs (C3). */
static unsigned int node_max(const struct workqueue_struct *wq, unsigned int node,
			     const struct wq_cpuset *usable)
{
	/* 0 is for freezing: pwqs of a node that has lost its CPUs may still hold items back */
	unsigned int max = (unsigned int)wq->max_active;
	unsigned int min = wq->min_active ? (unsigned int)wq->min_active : 1;
	unsigned int nr_cpus, nr_all = wq_cpuset_count(usable);
	struct wq_cpuset cpus;

	if (node == wq_affinity_nr_nodes())
		return max;
	wq_topo_pod_cpus(wq_affinity_topo, WQ_TOPO_NUMA, node, &cpus);
	wq_cpuset_and(&cpus, &cpus, usable);
	nr_cpus = wq_cpuset_count(&cpus);
	return clamp((max * nr_cpus + nr_all - 1) / nr_all, min, max);
}

static void set_node_limits(struct workqueue_struct *wq, bool is_frozen)
{
	struct wq_cpuset usable;
	unsigned int node;

	wq_affinity_effective(wq->attrs, &usable);
	for (node = 0; node <= wq_affinity_nr_nodes(); node++)
		wq_store_relaxed(&wq->limits[node].max,
				 is_frozen ? 0 : node_max(wq, node, &usable));
}

/* What was queued before a change is filed as it was before (N1). */
static void drain_pools(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq;

	wq_wq_for_each_pwq(pwq, wq)
	{
		wq_pool_lock(pwq->pool);
		wq_pool_drain_locked(pwq->pool);
		wq_pool_unlock(pwq->pool);
	}
}

static void set_limits_locked(struct workqueue_struct *wq)
{
	bool is_frozen = wq_wq_is_frozen(wq);
	struct wq_pwq *pwq;

	drain_pools(wq);
	if (wq->limits)
		set_node_limits(wq, is_frozen);
	wq_wq_for_each_pwq(pwq, wq)
	{
		wq_pool_lock(pwq->pool);
		if (!wq->limits)
			wq_store_relaxed(&pwq->own.max,
					 is_frozen ? 0 : (unsigned int)wq->max_active);
		wq_limit_serve_locked(pwq);
		wq_pool_unlock(pwq->pool);
	}
}

void wq_layout_set_limits(struct workqueue_struct *wq)
{
	wq_assert_held(&wq_config_lock);
	wq_lock_acquire(&wq->flush_lock);
	set_limits_locked(wq);
	wq_lock_release(&wq->flush_lock);
}

/* ------------------------------------------------------------- installing */

static void set_shared(struct wq_pwq *pwq, bool is_shared)
{
	wq_pool_lock(pwq->pool);
	wq_pool_drain_locked(pwq->pool);
	wq_limit_share_locked(pwq, is_shared);
	wq_pool_unlock(pwq->pool);
}

/* Pwqs that have their limit alone count without RMWs. */
static void share_limits(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq;

	wq_wq_for_each_pwq(pwq, wq)
	{
		if ((pwq->limit->nr_pwqs > 1) != pwq->shares_limit)
			set_shared(pwq, pwq->limit->nr_pwqs > 1);
	}
}

/* New pwqs behind the old ones; each begins with the open colour. */
static void link_pwqs(struct workqueue_struct *wq, struct wq_layout *layout)
{
	bool is_first = wq_list_is_empty(&wq->pwqs);
	struct wq_pwq *pwq;

	wq_wq_for_each_pwq(pwq, wq) pwq->is_replaced = wq->attrs;
	while (!wq_list_is_empty(&layout->pwqs)) {
		pwq = pwq_of(layout->pwqs.next);
		wq_list_del(&pwq->node);
		wq_list_add_tail(&pwq->node, &wq->pwqs);
		pwq->color = wq->work_color;
		pwq->limit->nr_pwqs++;
		/* what is queued there waits until the older ones are through (B9) */
		pwq->is_plugged = !is_first && wq_wq_flags(wq) & __WQ_ORDERED;
	}
}

static void set_ring_flag(struct workqueue_struct *wq, bool has_ring)
{
	if (has_ring)
		wq_fetch_or_acq_rel(&wq->flags, (unsigned int)__WQ_RING);
	else
		wq_fetch_and_acq_rel(&wq->flags, ~(unsigned int)__WQ_RING);
}

/* Under the flush lock none of them can be freed. */
static void retire_replaced(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq;

	if (!wq->attrs)
		return;
	wq->has_retired = true;
	wq_lock_acquire(&wq->flush_lock);
	wq_wq_for_each_pwq(pwq, wq)
	{
		if (pwq->is_replaced && !pwq->is_retired) {
			pwq->is_retired = true;
			wq_retire(pwq);
		}
	}
	wq_lock_release(&wq->flush_lock);
}

void wq_layout_install(struct workqueue_struct *wq, struct wq_layout *layout)
{
	struct wq_table *old = wq->table;

	wq_assert_held(&wq_config_lock);
	wq_lock_acquire(&wq->flush_lock);
	link_pwqs(wq, layout);
	share_limits(wq);
	set_limits_locked(wq);
	set_ring_flag(wq, layout->table->nr_ring);
	/* order: TABLE-PUBLISH pairs with TABLE-LOOK */
	wq_store_release(&wq->table, layout->table);
	wq_lock_release(&wq->flush_lock);
	if (!old)
		return;
	/* order: SYNCHRONIZE: who took the old table has pushed */
	wq_grace_synchronize();
	retire_replaced(wq);
	wq_os_free(old);
}

/* ----------------------------------------------------------- and unlinking */

static void unplug_oldest(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq = wq_wq_next_pwq(wq, NULL);

	/* those of the table are there */
	wq_assert(pwq);
	wq_pool_lock(pwq->pool);
	if (pwq->is_plugged) {
		wq_pool_drain_locked(pwq->pool);
		pwq->is_plugged = false;
		wq_limit_serve_locked(pwq);
	}
	wq_pool_unlock(pwq->pool);
}

void wq_layout_unlink_locked(struct wq_pwq *pwq)
{
	struct workqueue_struct *wq = pwq->wq;

	wq_assert_held(&wq->flush_lock);
	wq_list_del(&pwq->node);
	wq->nr_filed_gone += pwq->nr_filed;
	pwq->limit->nr_pwqs--;
	share_limits(wq);
	unplug_oldest(wq);
}
