/* SPDX-License-Identifier: MIT */
/*
 * defer.h - what is queued while a process is copied by fork().
 *
 * Meanwhile nobody may change what the child will look at. But who queues must not wait: he may be a
 * handler that has interrupted malloc(), for whose lock fork() waits. So he leaves the item, pending,
 * for who forks to land it: as if in transit, but by a word that is idle in the child.
 */
#ifndef WQ_OPS_DEFER_H
#define WQ_OPS_DEFER_H

#include "core/types.h"

/* Calls that queue, when wq_grace_enter_or_defer() was false. Signal handlers may. */
bool wq_defer_work(struct workqueue_struct *wq, struct work_struct *work, int cpu);
/*
 * For who owns PENDING of a delayed item, by wq_submit_take_deferred() with this mark: arm its timer,
 * which has all it needs. From then on the item may be gone.
 */
#define WQ_DEFER_DELAYED 0u
void wq_defer(struct work_struct *work);

/* Who forks: all is locked, now others may defer. */
void wq_defer_open(void);
/* In the parent: queue and arm what was deferred, in order. All is locked still. */
void wq_defer_land(void);
/* In the child: nothing was. */
void wq_defer_forget(void);

#endif /* WQ_OPS_DEFER_H */
