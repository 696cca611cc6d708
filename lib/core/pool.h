/* SPDX-License-Identifier: MIT */
/*
 * pool.h - pools: their intake, worklist, and whom to wake.
 */
#ifndef WQ_CORE_POOL_H
#define WQ_CORE_POOL_H

#include "core/check.h"
#include "core/manager.h"
#include "core/types.h"
#include "core/work.h"
#include "core/worker.h"

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

/*
 * The same for a worker of the pool, who mostly finds the lock free, and then files the item at once;
 * or leaves it for himself, if it is what he runs.
 */
void wq_pool_push_own(struct wq_worker *worker, struct work_struct *work);

static inline void wq_pool_lock(struct wq_pool *pool)
{
	struct wq_worker *worker = wq_worker_self;

	if (!worker || !wq_lock_enter(&pool->lock, &worker->bias))
		wq_lock_acquire(&pool->lock);
}

/* The whole of wq_pool_unlock(). */
void wq_pool_unlock_and_wake(struct wq_pool *pool);

/* Without the wake rule: for who has changed nothing that it looks at. */
static WQ_INLINE void wq_pool_release(struct wq_pool *pool)
{
	wq_pool_check_locked(pool);
	if (wq_unlikely(wq_lock_release_any(&pool->lock)))
		wq_lock_let_in(&pool->lock);
}

/* Ends every lock hold: applies the wake rule, unlocks, then wakes. */
static WQ_INLINE void wq_pool_unlock(struct wq_pool *pool)
{
	/* of a CPU, and one of its workers runs: there is nobody to wake, nor to offer */
	if (wq_unlikely(!pool->is_bound || !pool->nr_running || pool->offer || pool->nr_due)) {
		wq_pool_unlock_and_wake(pool);
		return;
	}
	wq_pool_release(pool);
}

/* The rest: lock held. */

/* The same, but there is something. */
void wq_pool_drain_some_locked(struct wq_pool *pool);

/* File everything in the intake, and what is to run again, which came before. */
static inline void wq_pool_drain_locked(struct wq_pool *pool)
{
	wq_assert_held(&pool->lock);
	if (wq_load_relaxed(&pool->intake) || pool->again)
		wq_pool_drain_some_locked(pool);
}

static inline struct wq_worker **wq_pool_busy_bucket(struct wq_pool *pool,
						     const struct work_struct *work)
{
	return &pool->busy[wq_work_bucket(work)];
}

/* The worker whose unsettled item has this address and function (B5, B7). */
static inline struct wq_worker *
wq_pool_find_busy_locked(struct wq_pool *pool, const struct work_struct *work, work_func_t func)
{
	struct wq_worker *worker;

	wq_assert_held(&pool->lock);
	for (worker = *wq_pool_busy_bucket(pool, work); worker; worker = worker->next_busy) {
		if (worker->work == work && worker->func == func)
			return worker;
	}
	return NULL;
}

static inline void wq_pool_add_busy_locked(struct wq_pool *pool, struct wq_worker *worker)
{
	struct wq_worker **bucket = wq_pool_busy_bucket(pool, worker->work);

	wq_assert_held(&pool->lock);
	worker->next_busy = *bucket;
	*bucket = worker;
}

static inline void wq_pool_del_busy_locked(struct wq_pool *pool, struct wq_worker *worker)
{
	struct wq_worker **link = wq_pool_busy_bucket(pool, worker->work);

	wq_assert_held(&pool->lock);
	while (*link != worker)
		link = &(*link)->next_busy;
	*link = worker->next_busy;
}

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
static inline bool wq_pool_has_others_running_locked(const struct wq_worker *worker)
{
	unsigned int itself = worker->is_uncounted ? 0 : 1;

	wq_assert_held(&worker->pool->lock);
	return worker->pool->is_bound && worker->pool->nr_running > itself;
}

/*
 * Is there no idle worker to take over when those at work wait (Q2)? Only workers on their way to
 * be idle count for one. None is kept for WQ_BH (M1), nor beyond max_running.
 */
bool wq_pool_lacks_spare_locked(const struct wq_pool *pool);
/* A worker goes to work: if there is no spare one, the manager is asked for it. */
void wq_pool_want_spare_locked(struct wq_pool *pool);

/* The worker leaves, or comes back into, nr_running while it has an item. */
void wq_pool_uncount_locked(struct wq_worker *worker);
void wq_pool_recount_locked(struct wq_worker *worker);

#endif /* WQ_CORE_POOL_H */
