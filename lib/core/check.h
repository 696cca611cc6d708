/* SPDX-License-Identifier: MIT */
/*
 * check.h - is a pool's state what it must be? Debug builds ask after every lock hold.
 */
#ifndef WQ_CORE_CHECK_H
#define WQ_CORE_CHECK_H

#include "core/types.h"

/* Workers, idle list, counts and worklist agree with one another. Lock held; walks all slots. */
bool wq_pool_is_valid_locked(struct wq_pool *pool);

#ifdef WORKQ_DEBUG
void wq_pool_check_locked(struct wq_pool *pool);
#else
static inline void wq_pool_check_locked(struct wq_pool *pool)
{
	(void)pool;
}
#endif

#endif /* WQ_CORE_CHECK_H */
