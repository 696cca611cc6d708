/* SPDX-License-Identifier: MIT */
/*
 * block.h - a worker waits, or computes for long: its pool must go on without it.
 *
 * Three sources: told, by wq_block_begin() around a wait; seen, by the thread that watches
 * rings of switches, at once; sampled, by the manager looking at workers that have not
 * got on. Only the last one also finds those that compute for long.
 */
#ifndef WQ_CORE_BLOCK_H
#define WQ_CORE_BLOCK_H

#include "core/types.h"

/* The calling thread is about to wait, or is back. Nests; nothing if it is no worker. */
void wq_block_begin(void);
void wq_block_end(void);

/* The calling thread waits for a barrier or a flusher until *is_done. May sleep. */
void wq_block_wait_done(uint32_t *is_done, struct wq_park *park);

/* One sleep of such a wait, until woken; park may be NULL. */
void wq_block_sleep(struct wq_park *park, struct wq_backoff *backoff);

/* The park for such a wait of the calling thread, or NULL: it will have to poll. */
struct wq_park *wq_block_park(void);

/* The worker's ring has news: it waits, or is back. False: neither is new. Takes the lock. */
bool wq_block_see(struct wq_worker *worker);

/* Look once at a pool; true if it found somebody to step around. Takes the lock. */
bool wq_block_sample(struct wq_pool *pool);

#endif /* WQ_CORE_BLOCK_H */
