/* SPDX-License-Identifier: MIT */
/*
 * pwq.h - a queue's share of a pool: its items and their flush colours.
 *
 * All with the pool's lock held, but for creating and freeing.
 */
#ifndef WQ_CORE_PWQ_H
#define WQ_CORE_PWQ_H

#include "core/types.h"

/* `limit` NULL: one of its own, with room for none yet. */
struct wq_pwq *wq_pwq_create(struct workqueue_struct *wq, struct wq_pool *pool,
			     struct wq_limit *limit);
void wq_pwq_free(struct wq_pwq *pwq);

/* File an item that came out of the intake: on the worklist or, over the limit, inactive. */
void wq_pwq_file_locked(struct wq_pwq *pwq, struct work_struct *work, unsigned long word);
/* Put the first inactive item, which the limit has counted, on the worklist. */
void wq_pwq_activate_first_locked(struct wq_pwq *pwq);

/* An item has run. */
void wq_pwq_settle_locked(struct wq_pwq *pwq, unsigned int color);

/*
 * Take a filed item off its list; its word becomes `rest`, off queue with a depth or PENDING, but
 * names the worker of the pool that runs it, if one does. Whoever waits for the run is
 * released (E6). Returns the slot that it names, or 0.
 */
uint32_t wq_pwq_unfile_locked(struct wq_pwq *pwq, struct work_struct *work, unsigned long word,
			      unsigned long rest);

/* Items filed and not settled. */
unsigned int wq_pwq_in_flight_locked(const struct wq_pwq *pwq);

#endif /* WQ_CORE_PWQ_H */
