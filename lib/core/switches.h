/* SPDX-License-Identifier: MIT */
/*
 * switches.h - workers' waits seen as they begin.
 *
 * Where items were found to wait, or always if it is so wished, each worker of the pool has a ring
 * of its switches (base/ring.h), and a thread sleeps until one of them tells something: that
 * it waits, and the pool must go on without it, or that it is back. Without permission
 * for such rings nothing here has an effect.
 */
#ifndef WQ_CORE_SWITCHES_H
#define WQ_CORE_SWITCHES_H

#include "core/types.h"

/*
 * Workers of the pool that go to work from now on are watched, for some seconds: one was found to
 * wait. Lock held.
 */
void wq_switches_want_locked(struct wq_pool *pool, uint64_t now);
/* Is the wish over, or is it for ever? Asked when a worker is made, and at looks. Lock held. */
void wq_switches_renew_locked(struct wq_pool *pool, uint64_t now);

/* The manager's thread, as it begins: workers are to be watched from their first item on. */
void wq_switches_begin(void);
/* The manager: makes the thread, if a pool has asked for it. */
void wq_switches_serve(void);

/* The calling worker's thread is about to work: opens or closes its ring, as its pool wants. */
void wq_switches_follow_slow(struct wq_worker *worker);

static inline void wq_switches_follow(struct wq_worker *worker)
{
	if (wq_unlikely(wq_load_relaxed(&worker->pool->is_watched) != (worker->ring != NULL)))
		wq_switches_follow_slow(worker);
}

/* In the child of fork(), at once: no worker is watched, and the parent's poller is let go. */
void wq_switches_reset(void);

/* The worker's thread ends. Lock held. */
void wq_switches_end_locked(struct wq_worker *worker);

/*
 * The manager has ended, and all workers: has the thread, which is told to here? To be asked until
 * it has. Configuration lock held.
 */
bool wq_switches_shut_locked(void);

#endif /* WQ_CORE_SWITCHES_H */
