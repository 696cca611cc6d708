/* SPDX-License-Identifier: MIT */
/*
 * barrier.h - callers that wait for one item.
 *
 * A barrier is not an item: it has no place on a worklist and counts nowhere
 * (C5). While the item is filed it sits in pool->barriers, and bit B of the
 * item's word says so; when the item starts it moves to the worker, who
 * completes it when the item has run. All with the pool's lock held.
 */
#ifndef WQ_CORE_BARRIER_H
#define WQ_CORE_BARRIER_H

#include "core/types.h"

/* Behind a filed item. */
void wq_barrier_add_filed_locked(struct wq_pool *pool, struct wq_barrier *barrier,
				 struct work_struct *work);
/* The filed item starts on this worker. */
void wq_barrier_move_locked(struct wq_worker *worker, struct work_struct *work);
/* The filed item will not run. */
void wq_barrier_release_locked(struct wq_pool *pool, struct work_struct *work);
/* The worker's item has run. */
void wq_barrier_complete_locked(struct wq_worker *worker);

#endif /* WQ_CORE_BARRIER_H */
