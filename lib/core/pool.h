/* SPDX-License-Identifier: MIT */
/*
 * pool.h - pools: their intake, worklist, and whom to wake.
 */
#ifndef WQ_CORE_POOL_H
#define WQ_CORE_POOL_H

#include "core/manager.h"
#include "core/types.h"

/* Take whom the push must wake; NULL: somebody else has taken him. */
struct wq_park *wq_pool_take_waker(struct wq_pool *pool);

/*
 * Push an item that the caller owns and whose word names a pwq of the pool.
 * From the CAS on the item may be gone. Returns whom to wake, or NULL.
 */
static inline struct wq_park *wq_pool_push_quietly(struct wq_pool *pool, struct work_struct *work)
{
	struct work_struct *head = wq_load_relaxed(&pool->intake);

	/* order: INTAKE-PUSH pairs with INTAKE-TAKE, and with INTAKE-LOOK */
	do
		work->entry.next = head;
	while (!wq_cas_weak_seq_cst(&pool->intake, &head, work));
	/* order: WAKER-LOOK pairs with WAKER-OFFER */
	if (wq_unlikely(wq_load_seq_cst(&pool->waker) != NULL)) {
		struct wq_park *park = wq_pool_take_waker(pool);

		if (park)
			return park;
	}
	/* who took the waker may be stopped before waking him: then the manager must look */
	return wq_unlikely(!wq_manager_is_sampling()) ? &wq_manager_park : NULL;
}

static inline void wq_pool_push(struct wq_pool *pool, struct work_struct *work)
{
	struct wq_park *park = wq_pool_push_quietly(pool, work);

	if (wq_unlikely(park != NULL))
		wq_park_wake(park);
}

/* The same for a worker of the pool, who mostly finds the lock free: files the item at once. */
void wq_pool_push_own(struct wq_worker *worker, struct work_struct *work);

static inline void wq_pool_lock(struct wq_pool *pool)
{
	wq_lock_acquire(&pool->lock);
}

/* Ends every lock hold: applies the wake rule, unlocks, then wakes. */
void wq_pool_unlock(struct wq_pool *pool);

/* The rest: lock held. */

/* File everything in the intake. */
void wq_pool_drain_locked(struct wq_pool *pool);
/* The worker whose unsettled item has this address and function (B5, B7). */
struct wq_worker *wq_pool_find_busy_locked(struct wq_pool *pool, struct work_struct *work,
					   work_func_t func);
void wq_pool_add_busy_locked(struct wq_pool *pool, struct wq_worker *worker);
void wq_pool_del_busy_locked(struct wq_pool *pool, struct wq_worker *worker);
/* Wake him when the lock is released. */
void wq_pool_due_locked(struct wq_pool *pool, struct wq_park *park);
/* A worker without an item joins the idle list, or is taken off it to run (counted at once). */
void wq_pool_idle_locked(struct wq_pool *pool, struct wq_worker *worker);
void wq_pool_unidle_locked(struct wq_pool *pool, struct wq_worker *worker);

/* A worker begins, or ceases, to look for items: it counts as running. */
void wq_pool_enter_locked(struct wq_pool *pool);
void wq_pool_leave_locked(struct wq_pool *pool);

/* Should one more worker run? Asked when work waits. */
bool wq_pool_needs_worker_locked(struct wq_pool *pool);
/*
 * Does another one run on this worker's CPU? Then it must start no new item: after it came back
 * from a wait (L2), or after an item that did not count (L3).
 */
bool wq_pool_has_others_running_locked(const struct wq_worker *worker);
/* The worker leaves, or comes back into, nr_running while it has an item. */
void wq_pool_uncount_locked(struct wq_worker *worker);
void wq_pool_recount_locked(struct wq_worker *worker);

#endif /* WQ_CORE_POOL_H */
