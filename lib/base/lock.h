/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a mutex of one word that knows its rank.
 *
 * Locks are taken in the order of their ranks only; debug builds check that,
 * and who holds what. Not recursive, not fair. Not for signal handlers.
 */
#ifndef WQ_BASE_LOCK_H
#define WQ_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

/* Who holds a lock may take those of a higher rank only. */
enum wq_lock_rank {
	WQ_RANK_CONFIG = 1, /* starting, making and destroying queues */
	WQ_RANK_FLUSH,      /* a queue's flushers */
	WQ_RANK_POOL,       /* a pool; two pools are never locked at once */
};

struct wq_lock {
	uint32_t word; /* 0 free, 1 held, 2 held and somebody may sleep */
#ifdef WORKQ_DEBUG
	uint32_t owner; /* thread id, for wq_assert_held() */
#endif
	uint16_t rank;
};

void wq_lock_init(struct wq_lock *lock, enum wq_lock_rank rank);

#define WQ_LOCK_INITIALIZER(r)                                                                     \
	{                                                                                          \
		.rank = (r)                                                                        \
	}

void wq_lock_acquire_slow(struct wq_lock *lock);
void wq_lock_release_slow(struct wq_lock *lock);

#ifdef WORKQ_DEBUG
void wq_lock_note_acquired(struct wq_lock *lock);
void wq_lock_note_released(struct wq_lock *lock);
void wq_assert_held(const struct wq_lock *lock);
#else
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

static inline void wq_lock_acquire(struct wq_lock *lock)
{
	uint32_t found = 0;

	/* order: LOCK-ACQUIRE pairs with LOCK-RELEASE */
	if (wq_unlikely(!wq_cas_acquire(&lock->word, &found, 1)))
		wq_lock_acquire_slow(lock);
	wq_lock_note_acquired(lock);
}

static inline void wq_lock_release(struct wq_lock *lock)
{
	wq_lock_note_released(lock);
	/* order: LOCK-RELEASE pairs with LOCK-ACQUIRE */
	if (wq_unlikely(wq_xchg_release(&lock->word, 0) == 2))
		wq_lock_release_slow(lock);
}

#endif /* WQ_BASE_LOCK_H */
