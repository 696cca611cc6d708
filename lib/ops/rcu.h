/* SPDX-License-Identifier: MIT */
/*
 * rcu.h - items that wait for a grace period, for who destroys their queue.
 */
#ifndef WQ_OPS_RCU_H
#define WQ_OPS_RCU_H

#include "core/types.h"

/*
 * Wait until no item of the queue waits for a grace period; those that did are queued, or
 * refused. May sleep. False: the caller is in a read-side critical section, which the items
 * wait for; reported as a fault of `caller`.
 */
bool wq_rcu_wait(struct workqueue_struct *wq, const char *caller);

#endif /* WQ_OPS_RCU_H */
