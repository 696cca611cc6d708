/* SPDX-License-Identifier: MIT */
/*
 * retire.h - pwqs that their queue no longer uses: released when empty (O7).
 *
 * Producers hold no lock: one may be about to queue on a pwq that was replaced,
 * because it took the table before, or because the item still runs there (B4).
 * So a retired pwq that is empty is looked at again after a grace period; if
 * nothing was filed meanwhile nobody can know it any more. That is done by an
 * item, on a queue of our own, since it may sleep.
 */
#ifndef WQ_CORE_RETIRE_H
#define WQ_CORE_RETIRE_H

#include "core/types.h"

/* Before the first pwq is replaced. 0, -ENOMEM or -EAGAIN. Configuration lock held. */
int wq_retire_start(void);

void wq_retire_init(struct wq_pwq *pwq);

/*
 * The pwq is in no table any more, and whoever has seen it there has pushed. It is released,
 * with its place in its pool, as soon as it is empty, which may be at once.
 */
void wq_retire(struct wq_pwq *pwq);

/* An item of a retired pwq is through. Lock of its pool held. */
void wq_retire_if_empty_locked(struct wq_pwq *pwq);

/* Serves the release of pwqs. */
extern struct workqueue_struct wq_release_wq;

#endif /* WQ_CORE_RETIRE_H */
