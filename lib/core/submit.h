/* SPDX-License-Identifier: MIT */
/*
 * submit.h - an item whose owner wants it queued: may it be, and where?
 *
 * Called in a section. Signal handlers may.
 */
#ifndef WQ_CORE_SUBMIT_H
#define WQ_CORE_SUBMIT_H

#include "core/types.h"

/* For who owns PENDING: may the item be queued? False: refused, and idle again (A8). */
bool wq_submit_accept(struct workqueue_struct *wq, struct work_struct *work);

/*
 * For who owns PENDING of an accepted item: write its word for the pool that it must be pushed to
 * now, which is returned: `pwq`'s, or where it still runs (B4). `word` is what the word held
 * besides PENDING.
 */
struct wq_pool *wq_submit_place(struct workqueue_struct *wq, struct work_struct *work,
				unsigned long word, struct wq_pwq *pwq);

/* Both. NULL: refused. */
struct wq_pool *wq_submit_prepare(struct workqueue_struct *wq, struct work_struct *work,
				  unsigned long word, struct wq_pwq *pwq);

/*
 * For who owns PENDING, the whole of it: prepare and push; false: refused. *wake:
 * whom to wake once no lock is held, or NULL. From then on the item may be gone.
 */
bool wq_submit(struct workqueue_struct *wq, struct work_struct *work, unsigned int cpu,
	       struct wq_park **wake);

/*
 * Take PENDING of an item in whatever state; *word is what its word held besides.
 * False: it is pending, or disabled.
 */
bool wq_submit_take_pending(struct workqueue_struct *wq, struct work_struct *work,
			    unsigned long *word);

/*
 * The same in one step, so that a child of fork() finds it idle, whenever it was copied: with the tag
 * of this process, and `mark` in the bits of the depth.
 */
bool wq_submit_take_deferred(struct workqueue_struct *wq, struct work_struct *work,
			     unsigned int mark);

/* Was the item never initialised? Then reports it: it cannot be queued. */
bool wq_submit_has_no_func(const struct workqueue_struct *wq, const struct work_struct *work);

/*
 * For who owns PENDING, and would have the item queued later: will it be refused then, because the
 * queue is being destroyed? Then reports it (A8). Who asks in a section that began after the
 * destroyer's first grace period, and hears no, is in an item that the destroyer waits for.
 */
bool wq_submit_is_too_late(struct workqueue_struct *wq, struct work_struct *work);

#endif /* WQ_CORE_SUBMIT_H */
