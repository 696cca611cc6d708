/* SPDX-License-Identifier: MIT */
/*
 * drain.h - emptying a queue for good.
 */
#ifndef WQ_OPS_DRAIN_H
#define WQ_OPS_DRAIN_H

#include "core/types.h"

/* Refuses other callers' items and waits until the queue is empty; no checks. */
void wq_drain_queue(struct workqueue_struct *wq, const char *caller);

#endif /* WQ_OPS_DRAIN_H */
