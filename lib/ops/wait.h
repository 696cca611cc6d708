/* SPDX-License-Identifier: MIT */
/*
 * wait.h - waiting for one item; shared by flush and cancel.
 */
#ifndef WQ_OPS_WAIT_H
#define WQ_OPS_WAIT_H

#include "core/types.h"

/*
 * Lock the pool that a queued item is filed in; *word is then its state word.
 * NULL: it is not filed: in transit, or it has started or moved; look again.
 */
struct wq_pool *wq_wait_lock_pool(struct work_struct *work, unsigned long *word);

/*
 * Who runs this filed item on another pool than the one it is filed in, as a slot; 0: nobody. So
 * it can be only with an ordered queue whose attributes were changed since that run began: then B4
 * does not hold (B9).
 */
uint32_t wq_wait_slot_elsewhere(struct work_struct *work);

/*
 * Wait until the worker in this slot, taken from the item's off-queue word, does
 * not run the item. True if it did. From inside that run: reported as a fault of
 * `caller`, not waited.
 */
bool wq_wait_for_run(struct work_struct *work, uint32_t slot, const char *caller);

/* Is the calling thread inside this item's function? Then reports it as a fault of `caller`. */
bool wq_wait_is_for_self(struct work_struct *work, const char *caller);

#endif /* WQ_OPS_WAIT_H */
