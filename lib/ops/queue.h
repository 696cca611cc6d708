/* SPDX-License-Identifier: MIT */
/*
 * queue.h - where an item goes.
 */
#ifndef WQ_OPS_QUEUE_H
#define WQ_OPS_QUEUE_H

#include "core/types.h"

/* Of an item that was queued while on CPU `here`, for any queue. In a section. */
struct wq_pwq *wq_queue_choose_pwq(struct workqueue_struct *wq, int cpu, unsigned int here);

#endif /* WQ_OPS_QUEUE_H */
