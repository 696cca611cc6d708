/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a mutex that knows its rank, and may be biased to a thread.
 *
 * Locks are taken in the order of their ranks only; debug builds check that,
 * and who holds what. Not recursive, not fair. Signal handlers may only
 * try, and release.
 *
 * A thread that takes a lock again and again, mostly alone, may have it biased to itself: then it
 * takes it without a read-modify-write, by saying so in a word of its own. Who else wants the lock
 * revokes the bias first, by a heavy barrier, and waits until that thread is outside.
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

/* Of a thread that locks may be biased to, one at a time. Its memory is never freed. */
struct wq_bias {
	uint32_t is_inside; /* A: by the thread: it holds the lock, or is about to look whether it may */
};

struct wq_lock {
	uintptr_t word;    /* 0, WQ_LOCK_HELD, or a struct wq_bias and what follows */
	uint32_t sleepers; /* not 0: somebody sleeps or is about to; see lock.c */
#ifdef WORKQ_DEBUG
	const void *owner; /* names a thread, for wq_assert_held() */
#endif
	uint16_t rank;
};

#define WQ_LOCK_HELD    ((uintptr_t)1)
/* In the word, with the address of a bias; `is_inside` there says whether it is held. */
#define WQ_LOCK_BIASED  ((uintptr_t)2)
/* The same, and somebody revokes it: its thread may not enter any more. */
#define WQ_LOCK_REVOKED ((uintptr_t)3)

/*
 * O: how often the thread went to sleep for a lock, and how often it came back: odd while it sleeps.
 * Others may read it as long as they know that the thread lives.
 */
extern __thread uint32_t wq_lock_sleeps __attribute__((tls_model("initial-exec")));

void wq_lock_init(struct wq_lock *lock, enum wq_lock_rank rank);

#define WQ_LOCK_INITIALIZER(r)                                                                     \
	{                                                                                          \
		.rank = (r)                                                                        \
	}

/* Also where the lock is biased, to the caller too. */
void wq_lock_acquire_slow(struct wq_lock *lock);
/*
 * For who holds others already, in any order: false if he cannot have it by then, and must let go of
 * those, since it may be for one of them that the holder waits.
 */
bool wq_lock_acquire_until(struct wq_lock *lock, uint64_t deadline_ns);
bool wq_lock_release_slow(struct wq_lock *lock);
/* For who is soon back for the lock he released: lets him in who waits. */
void wq_lock_let_in(struct wq_lock *lock);

#ifdef WORKQ_DEBUG
void wq_lock_note_wanted(const struct wq_lock *lock);
void wq_lock_note_acquired(struct wq_lock *lock);
void wq_lock_note_released(struct wq_lock *lock);
void wq_assert_held(const struct wq_lock *lock);
/* In the child of fork(): the calling thread is to hold none, whatever it held. */
void wq_lock_forget_held(void);
#else
static inline void wq_lock_forget_held(void)
{
}
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

static inline uintptr_t wq_lock_biased_to(const struct wq_bias *bias)
{
	return (uintptr_t)bias | WQ_LOCK_BIASED;
}

/* Without waiting, hence in any order. */
static inline bool wq_lock_try(struct wq_lock *lock)
{
	uintptr_t found = 0;

	/* order: LOCK-ACQUIRE pairs with LOCK-RELEASE */
	if (!wq_cas_acquire(&lock->word, &found, WQ_LOCK_HELD))
		return false;
	wq_lock_note_acquired(lock);
	return true;
}

static inline void wq_lock_acquire(struct wq_lock *lock)
{
	uintptr_t found = 0;

	wq_lock_note_wanted(lock);
	/* order: LOCK-ACQUIRE pairs with LOCK-RELEASE */
	if (wq_unlikely(!wq_cas_acquire(&lock->word, &found, WQ_LOCK_HELD)))
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
	wq_store_release(&lock->word, (uintptr_t)0);
	wq_light_barrier();
	return wq_unlikely(wq_load_relaxed(&lock->sleepers)) && wq_lock_release_slow(lock);
}

/* ------------------------------------------------------------------- biased */

/* Outside again. True: as wq_lock_release(). */
static inline bool wq_lock_leave(struct wq_lock *lock, struct wq_bias *bias)
{
	/* order: BIAS-LEAVE pairs with BIAS-REVOKE; LOCK-FREE pairs with LOCK-SLEEP */
	wq_store_release(&bias->is_inside, 0u);
	wq_light_barrier();
	return wq_unlikely(wq_load_relaxed(&lock->sleepers)) && wq_lock_release_slow(lock);
}

/* The caller, to whose thread `bias` belongs: is the lock biased to it, and free? Then takes it. */
static inline bool wq_lock_enter(struct wq_lock *lock, struct wq_bias *bias)
{
	if (wq_unlikely(wq_load_relaxed(&lock->word) != wq_lock_biased_to(bias) ||
			wq_load_relaxed(&bias->is_inside)))
		return false;
	wq_store_relaxed(&bias->is_inside, 1u);
	/* order: BIAS-ENTER pairs with BIAS-REVOKE (Dekker) */
	wq_light_barrier();
	if (wq_unlikely(wq_load_relaxed(&lock->word) != wq_lock_biased_to(bias))) {
		wq_lock_leave(lock, bias);
		return false;
	}
	wq_lock_note_acquired(lock);
	return true;
}

/* Release a lock that may be biased. */
static inline bool wq_lock_release_any(struct wq_lock *lock)
{
	uintptr_t word = wq_load_relaxed(&lock->word);

	if (wq_unlikely(word == WQ_LOCK_HELD))
		return wq_lock_release(lock);
	wq_lock_note_released(lock);
	return wq_lock_leave(lock, (struct wq_bias *)(word & ~WQ_LOCK_REVOKED));
}

/* Held, not biased: from now on it is biased to the calling thread. */
void wq_lock_bias(struct wq_lock *lock, struct wq_bias *bias);
/* Held: from now on it is not. */
void wq_lock_unbias(struct wq_lock *lock);

#endif /* WQ_BASE_LOCK_H */
