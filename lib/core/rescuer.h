/* SPDX-License-Identifier: MIT */
/*
 * rescuer.h - the thread that a WQ_MEM_RECLAIM queue has for itself (K1 to K5).
 *
 * Made with the queue, asleep. Where items of the queue wait in a pool and no
 * worker can be made, the manager calls it; it then stands in for a worker of
 * that pool, but runs this queue's items only.
 */
#ifndef WQ_CORE_RESCUER_H
#define WQ_CORE_RESCUER_H

#include "core/types.h"

/* Give the queue its rescuer. 0, -ENOMEM or -EAGAIN. Configuration lock held. */
int wq_rescuer_create(struct workqueue_struct *wq);
/* The queue is empty: end its rescuer, if it has one, and wait for that. May sleep; no lock held. */
void wq_rescuer_stop(struct workqueue_struct *wq);
/* Not waiting: it ends when it is through. Then, when that has happened. Configuration lock held. */
void wq_rescuer_ask_to_stop(struct workqueue_struct *wq);
bool wq_rescuer_is_gone(const struct workqueue_struct *wq);
/* In the child of fork(): its thread is not there. Configuration lock held. */
void wq_rescuer_forget(struct workqueue_struct *wq);

/* Items wait in the pool, and no worker can be made: call the rescuers of their queues. */
void wq_rescuer_call(struct wq_pool *pool);

#endif /* WQ_CORE_RESCUER_H */
