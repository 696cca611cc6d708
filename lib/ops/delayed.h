/* SPDX-License-Identifier: MIT */
/*
 * delayed.h - delayed items, for who destroys their queue, and for who lands deferred ones.
 */
#ifndef WQ_OPS_DELAYED_H
#define WQ_OPS_DELAYED_H

#include "core/types.h"

/*
 * Disarm every delayed item that is armed for the queue, which takes no more, and report how
 * many of which functions; they are idle then.
 */
void wq_delayed_disarm_all(struct workqueue_struct *wq);

/* It is armed on this shard, which is locked: it becomes idle. */
void wq_delayed_disarm_locked(struct wq_shard *shard, struct delayed_work *dwork);

/* A deferred item, of which only the timer remains to be armed. From then on it may be gone. */
void wq_delayed_land(struct delayed_work *dwork);

#endif /* WQ_OPS_DELAYED_H */
