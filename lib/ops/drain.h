/* SPDX-License-Identifier: MIT */
/*
 * drain.h - emptying a queue for good.
 */
#ifndef WQ_OPS_DRAIN_H
#define WQ_OPS_DRAIN_H

#include "core/types.h"

/* Refuses other callers' items and waits until the queue is empty; no checks. */
void wq_drain_queue(struct workqueue_struct *wq, const char *caller);

/*
 * The same in parts. From the grace period after the first on only the queue's own items are
 * accepted; are there none left?
 */
void wq_drain_begin_locked(struct workqueue_struct *wq);
bool wq_drain_is_empty(struct workqueue_struct *wq);

#endif /* WQ_OPS_DRAIN_H */
