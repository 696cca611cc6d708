/* SPDX-License-Identifier: MIT */
/*
 * lock.c - a mutex that knows its rank (contracts in lock.h).
 */
#include "base/lock.h"

#include <stddef.h>

#include "base/os.h"
#include "base/park.h"
#include "base/report.h"

/*
 * Sections are short: a holder on another CPU is nearly done. Measured in
 * pauses; about as long as going to sleep and being woken would cost.
 */
#define LOCK_SPINS  100
/* How long who releases it waits for a sleeper that lost the race before, in yields. */
#define LOCK_YIELDS 50

void wq_lock_init(struct wq_lock *lock, enum wq_lock_rank rank)
{
	*lock = (struct wq_lock)WQ_LOCK_INITIALIZER((uint16_t)rank);
}

static bool spin_for(struct wq_lock *lock)
{
	unsigned int i;
	uint32_t found;

	for (i = 0; i < LOCK_SPINS; i++) {
		found = wq_load_relaxed(&lock->word);
		if (found == 0 && wq_cas_acquire(&lock->word, &found, 1))
			return true;
		wq_cpu_relax();
	}
	return false;
}

void wq_lock_acquire_slow(struct wq_lock *lock)
{
	uint32_t urgency = 1;

	while (!spin_for(lock)) {
		/* order: LOCK-SLEEP pairs with LOCK-FREE (Dekker) */
		wq_store_relaxed(&lock->sleepers, urgency);
		wq_heavy_barrier();
		if (wq_load_relaxed(&lock->word))
			wq_futex_wait(&lock->sleepers, urgency, WQ_FOREVER);
		urgency = 2;
	}
}

bool wq_lock_release_slow(struct wq_lock *lock)
{
	uint32_t urgency = wq_xchg_acquire(&lock->sleepers, 0u);

	if (urgency)
		wq_futex_wake_all(&lock->sleepers);
	return urgency > 1;
}

void wq_lock_let_in(struct wq_lock *lock)
{
	unsigned int i;

	for (i = 0; i < LOCK_YIELDS && !wq_load_relaxed(&lock->word); i++)
		wq_os_yield();
}

#ifdef WORKQ_DEBUG
/* How many locks of each rank the calling thread holds. Its address also names the thread. */
static __thread unsigned char nr_held[WQ_NR_RANKS] __attribute__((tls_model("initial-exec")));

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
#endif
