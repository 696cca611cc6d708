/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - callers that wait for one item (contracts in barrier.h).
 */
#include "core/barrier.h"

#include "core/pool.h"
#include "core/work.h"

static struct wq_barrier *barrier_of(struct wq_list *node)
{
	return wq_list_entry(node, struct wq_barrier, node);
}

void wq_barrier_add_filed_locked(struct wq_pool *pool, struct wq_barrier *barrier,
				 struct work_struct *work)
{
	wq_assert_held(&pool->lock);
	barrier->work = work;
	wq_list_add_tail(&barrier->node, &pool->barriers[wq_work_bucket(work)]);
	wq_fetch_or_acq_rel(&work->data, WQ_WORK_BARRIER);
}

void wq_barrier_move_locked(struct wq_worker *worker, struct work_struct *work)
{
	struct wq_list *node, *next;

	wq_assert_held(&worker->pool->lock);
	wq_list_for_each_safe(node, next, &worker->pool->barriers[wq_work_bucket(work)]) {
		if (barrier_of(node)->work != work)
			continue;
		wq_list_del(node);
		wq_list_add_tail(node, &worker->waiters);
	}
}

/* After is_done the barrier's memory belongs to its caller again. */
static void complete(struct wq_pool *pool, struct wq_barrier *barrier)
{
	struct wq_park *park = barrier->park;

	wq_list_del(&barrier->node);
	/* order: DONE pairs with WAIT-DONE */
	wq_store_release(&barrier->is_done, 1u);
	if (park)
		wq_pool_due_locked(pool, park);
}

void wq_barrier_release_locked(struct wq_pool *pool, struct work_struct *work)
{
	struct wq_list *node, *next;

	wq_assert_held(&pool->lock);
	wq_list_for_each_safe(node, next, &pool->barriers[wq_work_bucket(work)]) {
		if (barrier_of(node)->work == work)
			complete(pool, barrier_of(node));
	}
}

void wq_barrier_complete_locked(struct wq_worker *worker)
{
	wq_assert_held(&worker->pool->lock);
	while (!wq_list_is_empty(&worker->waiters))
		complete(worker->pool, barrier_of(worker->waiters.next));
}
