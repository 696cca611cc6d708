/* SPDX-License-Identifier: MIT */
/*
 * wait.h - waiting for one item; shared by flush and cancel.
 */
#ifndef WQ_OPS_WAIT_H
#define WQ_OPS_WAIT_H

#include "core/types.h"

/* The pool that the item's word, which is *word then, names; NULL: it is off queue. */
struct wq_pool *wq_wait_named_pool(struct work_struct *work, unsigned long *word);

/*
 * Lock the pool that a queued item is filed in; *word is then its state word.
 * NULL: it is not filed: in transit, or it has started or moved; look again.
 */
struct wq_pool *wq_wait_lock_pool(struct work_struct *work, unsigned long *word);

/*
 * With the lock that wq_wait_lock_pool() took: take the filed item off its list, see
 * wq_pwq_unfile_locked(). Like that, but also finds a run on another pool.
 */
uint32_t wq_wait_unfile(struct wq_pool *pool, struct work_struct *work, unsigned long word,
			unsigned long rest);

/*
 * Wait until the worker in this slot, taken from the item's off-queue word, does
 * not run the item. True if it did. From inside that run: reported as a fault of
 * `caller`, not waited.
 */
bool wq_wait_for_run(struct work_struct *work, uint32_t slot, const char *caller);

/* Is the calling thread inside this item's function? Then reports it as a fault of `caller`. */
bool wq_wait_is_for_self(struct work_struct *work, const char *caller);

#endif /* WQ_OPS_WAIT_H */
