/* SPDX-License-Identifier: MIT */
/*
 * manager.h - the one thread that makes and reaps workers, and samples.
 */
#ifndef WQ_CORE_MANAGER_H
#define WQ_CORE_MANAGER_H

#include "core/types.h"

/* Start the thread; 0 or -EAGAIN. Configuration lock held. */
int wq_manager_start(void);
/* In the child of fork(): the thread is not there. Configuration lock held. */
void wq_manager_reset(void);

/* From now on each pool that may be used has a worker before there is work for it (Q1). */
void wq_manager_prepare(void);
/* A pool has come into use. */
void wq_manager_note_pool(void);

/* Who wakes this park asks the manager to look at all pools. */
extern struct wq_park wq_manager_park;

/*
 * All queues are shut: it ends the workers, each when it is idle, and then itself. Returns at once;
 * and has that happened?
 */
void wq_manager_ask_to_end(void);
bool wq_manager_is_gone(void);

/*
 * C: once it has started; NULL: nobody. Called by its thread, now and then while it is awake, and
 * for as long as the answer is true: work waits somewhere.
 */
extern bool (*wq_manager_watch_fn)(uint64_t now);

/* AQ: by the manager: it looks at the pools by itself, so nobody needs to wake it */
extern bool wq_manager_samples;

static inline bool wq_manager_is_sampling(void)
{
	return wq_load_relaxed(&wq_manager_samples);
}

/* A worker left the idle state: the manager must sample from now on. Pool lock held. */
void wq_manager_note_busy_locked(struct wq_pool *pool);

#endif /* WQ_CORE_MANAGER_H */
