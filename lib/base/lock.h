/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a mutex that knows its rank.
 *
 * Locks are taken in the order of their ranks only; debug builds check that,
 * and who holds what. Not recursive, not fair. Signal handlers may only
 * try, and release.
 */
#ifndef WQ_BASE_LOCK_H
#define WQ_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/membarrier.h"

/* Who holds a lock may take those of a higher rank only. */
enum wq_lock_rank {
	WQ_RANK_KWORKER, /* kthread_workers; 0, so that zeroed memory is such a lock */
	WQ_RANK_CONFIG,  /* starting, making and destroying queues */
	WQ_RANK_FLUSH,   /* a queue's flushers */
	WQ_RANK_POOL,    /* a pool; two pools are never locked at once */
	WQ_RANK_LIMIT,   /* what pwqs on several pools share; two are never locked at once */
	WQ_RANK_SHARD,   /* a shard of timers; two are never locked at once */
	WQ_RANK_TASK,    /* the life of tasks */
	WQ_NR_RANKS,
};

struct wq_lock {
	uint32_t word;     /* 1: held */
	uint32_t sleepers; /* 1: somebody sleeps or is about to; 2: he has waited for long */
#ifdef WORKQ_DEBUG
	const void *owner; /* names a thread, for wq_assert_held() */
#endif
	uint16_t rank;
};

void wq_lock_init(struct wq_lock *lock, enum wq_lock_rank rank);

#define WQ_LOCK_INITIALIZER(r)                                                                     \
	{                                                                                          \
		.rank = (r)                                                                        \
	}

void wq_lock_acquire_slow(struct wq_lock *lock);
bool wq_lock_release_slow(struct wq_lock *lock);
/* For who is soon back for the lock he released: lets him in who waits. */
void wq_lock_let_in(struct wq_lock *lock);

#ifdef WORKQ_DEBUG
void wq_lock_note_wanted(const struct wq_lock *lock);
void wq_lock_note_acquired(struct wq_lock *lock);
void wq_lock_note_released(struct wq_lock *lock);
void wq_assert_held(const struct wq_lock *lock);
#else
static inline void wq_lock_note_wanted(const struct wq_lock *lock)
{
	(void)lock;
}
static inline void wq_lock_note_acquired(struct wq_lock *lock)
{
	(void)lock;
}
static inline void wq_lock_note_released(struct wq_lock *lock)
{
	(void)lock;
}
static inline void wq_assert_held(const struct wq_lock *lock)
{
	(void)lock;
}
#endif

/* Without waiting, hence in any order. */
static inline bool wq_lock_try(struct wq_lock *lock)
{
	uint32_t found = 0;

	/* order: LOCK-ACQUIRE pairs with LOCK-RELEASE */
	if (!wq_cas_acquire(&lock->word, &found, 1))
		return false;
	wq_lock_note_acquired(lock);
	return true;
}

static inline void wq_lock_acquire(struct wq_lock *lock)
{
	uint32_t found = 0;

	wq_lock_note_wanted(lock);
	/* order: LOCK-ACQUIRE pairs with LOCK-RELEASE */
	if (wq_unlikely(!wq_cas_acquire(&lock->word, &found, 1)))
		wq_lock_acquire_slow(lock);
	wq_lock_note_acquired(lock);
}

/*
 * A plain store: who wants to sleep pays for the barrier between it and the load.
 * True: somebody has lost the race for the lock before, see wq_lock_let_in().
 */
static inline bool wq_lock_release(struct wq_lock *lock)
{
	wq_lock_note_released(lock);
	/* order: LOCK-RELEASE pairs with LOCK-ACQUIRE; LOCK-FREE pairs with LOCK-SLEEP */
	wq_store_release(&lock->word, 0u);
	wq_light_barrier();
	return wq_unlikely(wq_load_relaxed(&lock->sleepers)) && wq_lock_release_slow(lock);
}

#endif /* WQ_BASE_LOCK_H */
