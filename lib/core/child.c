/* SPDX-License-Identifier: MIT */
/*
 * child.c - pools, shards, queues and items for the child of fork() (contracts in child.h).
 *
 * Items that wait are in an intake, about to run again, on a worklist, with a worker, or held back; or their timer is
 * armed. In transit is none: sections are closed. Items that wait for a grace period of liburcu's
 * are the exception: those cannot be found, see wq_word_is_stale().
 */
#include "core/child.h"

#include "base/grace.h"
#include "core/cpus.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/shard.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"

/* ------------------------------------------------------------------ locking */

/* G: so many are locked, from the first on */
static unsigned int nr_pools, nr_shards;

bool wq_child_lock_all(uint64_t deadline_ns)
{
	while (nr_pools + 1 < wq_nr_pools) {
		if (!wq_lock_acquire_until(&wq_pools[nr_pools + 1]->lock, deadline_ns))
			goto fail;
		nr_pools++;
	}
	while (nr_shards < wq_nr_shards) {
		if (!wq_lock_acquire_until(&wq_shards[nr_shards]->lock, deadline_ns))
			goto fail;
		nr_shards++;
	}
	return true;
fail:
	wq_child_unlock_all();
	return false;
}

void wq_child_unlock_all(void)
{
	while (nr_shards)
		wq_shard_unlock(wq_shards[--nr_shards]);
	while (nr_pools)
		wq_pool_unlock(wq_pools[nr_pools--]);
}

/* ------------------------------------------------------------------ items */

static void forget(struct work_struct *work)
{
	work->entry.next = NULL;
	work->entry.prev = NULL;
	wq_store_relaxed(&work->data, wq_word_off(0, 0));
}

static void forget_list(struct wq_list *head)
{
	struct wq_list *node, *next;

	wq_list_for_each_safe(node, next, head)
		forget(wq_node_work(node));
}

static void forget_pool(struct wq_pool *pool)
{
	struct work_struct *work, *next;
	unsigned int i;

	for (work = pool->intake; work; work = next) {
		next = work->entry.next;
		if (work != &pool->kick)
			forget(work);
	}
	if (pool->again)
		forget(pool->again->work);
	forget_list(&pool->worklist);
	for (i = 0; i < pool->nr_slots; i++)
		forget_list(&wq_worker_at_locked(pool, i)->scheduled);
}

static void forget_held_back(struct workqueue_struct *wq)
{
	struct wq_list *node;

	wq_list_for_each(node, &wq->pwqs)
		forget_list(&wq_list_entry(node, struct wq_pwq, node)->inactive);
}

static void forget_timer(struct wq_wheel_timer *link, void *unused)
{
	struct timer_list *timer = wq_wheel_to_timer(link);
	struct delayed_work *dwork = wq_timer_dwork(timer);

	(void)unused;
	timer->entry.next = NULL;
	timer->entry.prev = NULL;
	wq_store_relaxed(&timer->state, 0u);
	if (dwork)
		forget(&dwork->work);
}

static void forget_shard(struct wq_shard *shard)
{
	struct wq_wheel_timer *timer, *next;
	struct wq_list *node, *tmp;

	for (timer = shard->intake; timer; timer = next) {
		next = (struct wq_wheel_timer *)(void *)timer->link.next;
		forget_timer(timer, NULL);
	}
	wq_wheel_for_each(&shard->wheel, forget_timer, NULL);
	wq_list_for_each_safe(node, tmp, &shard->expired)
		forget_timer(wq_list_entry(node, struct wq_wheel_timer, link), NULL);
}

/* Who waits in cancel_work_sync() has disabled the item for so long, and is not there any more. */
static void enable(void *debt)
{
	struct work_struct *work = debt;
	unsigned long word = wq_load_relaxed(&work->data);

	if (!(word & WQ_WORK_PENDING) && wq_word_depth(word))
		wq_store_relaxed(&work->data, word - (1ul << WQ_WORK_DEPTH_SHIFT));
}

void wq_child_forget_items(void)
{
	struct wq_pool *pool;
	struct wq_list *node;
	unsigned int i;

	wq_pools_for_each(pool, i) forget_pool(pool);
	for (i = 0; i < wq_nr_shards; i++)
		forget_shard(wq_shards[i]);
	wq_list_for_each(node, &wq_all)
		forget_held_back(wq_list_entry(node, struct workqueue_struct, node));
	wq_grace_for_each_debt(enable);
}

/* ------------------------------------------------------------- all the rest */

void wq_child_reset(void)
{
	wq_assert_held(&wq_config_lock);
	nr_pools = 0;
	nr_shards = 0;
	wq_grace_reset();
	wq_pools_reset();
	wq_shard_reset_all();
	wq_wq_reset_all();
	wq_manager_reset();
	wq_cpus_reset();
}
