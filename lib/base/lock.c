/* SPDX-License-Identifier: MIT */
/*
 * lock.c - a mutex that knows its rank, and may be biased (contracts in lock.h).
 */
#include "base/lock.h"

#include <stddef.h>

#include "base/os.h"
#include "base/park.h"
#include "base/report.h"

/*
 * Sections are short: a holder on another CPU is nearly done. Measured in
 * pauses; about as long as going to sleep and being woken would cost. Fewer in tests.
 */
#ifndef LOCK_SPINS
#define LOCK_SPINS 100
#endif
/* How long who releases it waits for a sleeper that lost the race before, in yields. */
#define LOCK_YIELDS 50

/* Values of `sleepers`. */
enum { NOBODY, SOMEBODY, SOMEBODY_FOR_LONG, REVOKER };

void wq_lock_init(struct wq_lock *lock, enum wq_lock_rank rank)
{
	*lock = (struct wq_lock)WQ_LOCK_INITIALIZER((uint16_t)rank);
}

static bool is_biased(uintptr_t word)
{
	return (word & WQ_LOCK_REVOKED) == WQ_LOCK_BIASED;
}

/* Ends early where waiting is in vain. */
static bool spin_for(struct wq_lock *lock)
{
	uintptr_t found;
	unsigned int i;

	for (i = 0; i < LOCK_SPINS; i++) {
		found = wq_load_relaxed(&lock->word);
		if (found == 0 && wq_cas_acquire(&lock->word, &found, WQ_LOCK_HELD))
			return true;
		if (is_biased(found))
			return false;
		wq_cpu_relax();
	}
	return false;
}

static bool has_come(uint64_t deadline_ns)
{
	return deadline_ns != WQ_FOREVER && wq_os_now_ns() >= deadline_ns;
}

/* To be woken by the next release, unless there was one since. */
__thread uint32_t wq_lock_sleeps __attribute__((tls_model("initial-exec")));

static void sleep_until_released(struct wq_lock *lock, uint32_t urgency, uint64_t deadline_ns)
{
	wq_store_relaxed(&wq_lock_sleeps, wq_lock_sleeps + 1);
	wq_futex_wait(&lock->sleepers, urgency, deadline_ns);
	wq_store_relaxed(&wq_lock_sleeps, wq_lock_sleeps + 1);
}

static void announce_sleeper(struct wq_lock *lock, uint32_t urgency)
{
	/* order: LOCK-SLEEP pairs with LOCK-FREE (Dekker) */
	wq_store_relaxed(&lock->sleepers, urgency);
	wq_heavy_barrier();
}

/* ------------------------------------------------------------------ revoking */

static bool spin_until_outside(const struct wq_bias *bias)
{
	unsigned int i;

	for (i = 0; i < LOCK_SPINS; i++) {
		/* order: BIAS-REVOKE, its second look, pairs with BIAS-LEAVE */
		if (!wq_load_acquire(&bias->is_inside))
			return true;
		wq_cpu_relax();
	}
	return false;
}

static bool wait_until_outside(struct wq_lock *lock, const struct wq_bias *bias,
			       uint64_t deadline_ns)
{
	while (!spin_until_outside(bias)) {
		if (has_come(deadline_ns))
			return false;
		/* a value of his own: that of those who wait for him says nothing of his thread */
		announce_sleeper(lock, REVOKER);
		if (wq_load_relaxed(&bias->is_inside))
			sleep_until_released(lock, REVOKER, deadline_ns);
	}
	return true;
}

/* Nobody else changes the word of a lock that is being revoked. */
static bool revoke(struct wq_lock *lock, uintptr_t word, uint64_t deadline_ns)
{
	struct wq_bias *bias = (struct wq_bias *)(word & ~WQ_LOCK_BIASED);

	if (!wq_cas_acquire(&lock->word, &word, (uintptr_t)bias | WQ_LOCK_REVOKED))
		return false;
	/* order: BIAS-REVOKE pairs with BIAS-ENTER (Dekker) */
	wq_heavy_barrier();
	if (wait_until_outside(lock, bias, deadline_ns)) {
		wq_store_relaxed(&lock->word, WQ_LOCK_HELD);
		return true;
	}
	/* as it was; who sleeps until the revoker is through must try for himself */
	wq_store_release(&lock->word, word);
	/* order: LOCK-FREE pairs with LOCK-SLEEP */
	wq_light_barrier();
	wq_lock_release_slow(lock);
	return false;
}

/* Without spinning: false: somebody else has it, or was faster, or the time has come. */
static bool take_biased(struct wq_lock *lock, uint64_t deadline_ns)
{
	uintptr_t word = wq_load_relaxed(&lock->word);

	return is_biased(word) && revoke(lock, word, deadline_ns);
}

void wq_lock_bias(struct wq_lock *lock, struct wq_bias *bias)
{
	wq_assert_held(lock);
	wq_store_relaxed(&bias->is_inside, 1u);
	/* order: LOCK-RELEASE: who revokes sees what was done under the lock, and is_inside */
	wq_store_release(&lock->word, wq_lock_biased_to(bias));
}

void wq_lock_unbias(struct wq_lock *lock)
{
	uintptr_t word = wq_load_relaxed(&lock->word);

	wq_assert_held(lock);
	/* else it is revoked already, and will be the revoker's */
	if (is_biased(word) && wq_cas_acquire(&lock->word, &word, WQ_LOCK_HELD))
		wq_store_relaxed(&((struct wq_bias *)(word & ~WQ_LOCK_BIASED))->is_inside, 0u);
}

/* ----------------------------------------------------------------- acquiring */

static bool acquire_until(struct wq_lock *lock, uint64_t deadline_ns)
{
	uint32_t urgency = SOMEBODY;
	uintptr_t word;

	while (!spin_for(lock) && !take_biased(lock, deadline_ns)) {
		if (has_come(deadline_ns))
			return false;
		announce_sleeper(lock, urgency);
		word = wq_load_relaxed(&lock->word);
		if (word && !is_biased(word))
			sleep_until_released(lock, urgency, deadline_ns);
		urgency = SOMEBODY_FOR_LONG;
	}
	return true;
}

void wq_lock_acquire_slow(struct wq_lock *lock)
{
	acquire_until(lock, WQ_FOREVER);
}

bool wq_lock_acquire_until(struct wq_lock *lock, uint64_t deadline_ns)
{
	if (!acquire_until(lock, deadline_ns))
		return false;
	wq_lock_note_acquired(lock);
	return true;
}

bool wq_lock_release_slow(struct wq_lock *lock)
{
	uint32_t urgency = wq_xchg_acquire(&lock->sleepers, NOBODY);

	if (urgency)
		wq_futex_wake_all(&lock->sleepers);
	return urgency > SOMEBODY;
}

void wq_lock_let_in(struct wq_lock *lock)
{
	unsigned int i;

	for (i = 0; i < LOCK_YIELDS && !wq_load_relaxed(&lock->word); i++)
		wq_os_yield();
}

#ifdef WORKQ_DEBUG
/* How many locks of each rank the calling thread holds. Its address also names the thread. */
static __thread unsigned int nr_held[WQ_NR_RANKS] __attribute__((tls_model("initial-exec")));

void wq_lock_note_wanted(const struct wq_lock *lock)
{
	unsigned int rank;

	for (rank = lock->rank; rank < WQ_NR_RANKS; rank++) {
		if (nr_held[rank])
			wq_bug("lock order", lock);
	}
}

void wq_lock_note_acquired(struct wq_lock *lock)
{
	nr_held[lock->rank]++;
	wq_store_relaxed(&lock->owner, (const void *)nr_held);
}

void wq_lock_note_released(struct wq_lock *lock)
{
	wq_assert_held(lock);
	wq_store_relaxed(&lock->owner, (const void *)NULL);
	nr_held[lock->rank]--;
}

void wq_assert_held(const struct wq_lock *lock)
{
	if (wq_load_relaxed(&lock->owner) != (const void *)nr_held)
		wq_bug("lock not held", lock);
}

void wq_lock_forget_held(void)
{
	unsigned int rank;

	for (rank = 0; rank < WQ_NR_RANKS; rank++)
		nr_held[rank] = 0;
}
#endif
