/* SPDX-License-Identifier: MIT */
/*
 * limits.h - max_active and min_active.
 */
#ifndef WQ_OPS_LIMITS_H
#define WQ_OPS_LIMITS_H

#include "core/types.h"

/* max_active of a new queue with these flags, from what its maker has asked for. */
int wq_limits_initial(const struct workqueue_struct *wq, int max_active);

/* Can max_active be changed? */
bool wq_limits_is_fixed(const struct workqueue_struct *wq);
/* Change it. Configuration lock held. */
void wq_limits_set_max(struct workqueue_struct *wq, int max_active);

#endif /* WQ_OPS_LIMITS_H */
