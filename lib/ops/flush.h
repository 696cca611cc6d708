/* SPDX-License-Identifier: MIT */
/*
 * flush.h - flush_workqueue() for those who flush in turn.
 */
#ifndef WQ_OPS_FLUSH_H
#define WQ_OPS_FLUSH_H

#include "core/types.h"

/* Waits for everything queued so far; no checks. */
void wq_flush_queue(struct workqueue_struct *wq);

/* May the caller wait for this queue? If not, reports why. */
bool wq_flush_is_usable(struct workqueue_struct *wq, const char *caller);

#endif /* WQ_OPS_FLUSH_H */
