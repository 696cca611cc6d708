/* SPDX-License-Identifier: MIT */
/*
 * check.h - is a pool's state what it must be? Debug builds ask after every lock hold.
 */
#ifndef WQ_CORE_CHECK_H
#define WQ_CORE_CHECK_H

#include "core/types.h"

/* Everything that can be derived agrees with what is stored. Lock held; walks all lists. */
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
