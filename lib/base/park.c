/* SPDX-License-Identifier: MIT */
/*
 * park.c - wait for a word to change (contracts in park.h).
 */
#include "base/park.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/os.h"

enum { EMPTY, TOKEN, ASLEEP };

#define NS_PER_SEC 1000000000ull

void wq_futex_wait(uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	struct timespec ts, *timeout = NULL;
	int saved = errno;

	if (deadline_ns != WQ_FOREVER) {
		ts.tv_sec = (time_t)(deadline_ns / NS_PER_SEC);
		ts.tv_nsec = (long)(deadline_ns % NS_PER_SEC);
		timeout = &ts;
	}
	/* the bitset form takes an absolute time on CLOCK_MONOTONIC */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, timeout, NULL,
		FUTEX_BITSET_MATCH_ANY);
	errno = saved;
}

static void futex_wake(uint32_t *word, int count)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
	errno = saved;
}

void wq_futex_wake_one(uint32_t *word)
{
	futex_wake(word, 1);
}

void wq_futex_wake_all(uint32_t *word)
{
	futex_wake(word, INT_MAX);
}

bool wq_park_wait(struct wq_park *park, uint64_t deadline_ns)
{
	uint32_t found = EMPTY;

	/* order: PARK-WAIT pairs with PARK-WAKE; what was stored before the wake is seen */
	if (!wq_cas_acq_rel(&park->word, &found, ASLEEP))
		goto token;
	for (;;) {
		wq_futex_wait(&park->word, ASLEEP, deadline_ns);
		if (wq_load_acquire(&park->word) == TOKEN)
			goto token;
		if (deadline_ns == WQ_FOREVER || wq_os_now_ns() < deadline_ns)
			continue;
		found = ASLEEP;
		if (wq_cas_acq_rel(&park->word, &found, EMPTY))
			return false;
		goto token;
	}
token:
	wq_xchg_acquire(&park->word, EMPTY);
	return true;
}

void wq_park_wake(struct wq_park *park)
{
	/* order: PARK-WAKE pairs with PARK-WAIT */
	if (wq_xchg_acq_rel(&park->word, TOKEN) == ASLEEP)
		wq_futex_wake_one(&park->word);
}

enum {
	BACKOFF_SPINS = 6,   /* 1, 2, 4 ... pauses */
	BACKOFF_YIELDS = 16, /* then so many yields */
};
#define BACKOFF_FIRST_SLEEP_NS 20000u
#define BACKOFF_MAX_DOUBLINGS  6

void wq_backoff_wait(struct wq_backoff *backoff)
{
	unsigned int i, sleeps, round = backoff->round++;

	if (round < BACKOFF_SPINS) {
		for (i = 0; i < 1u << round; i++)
			wq_cpu_relax();
	} else if (round < BACKOFF_SPINS + BACKOFF_YIELDS) {
		wq_os_yield();
	} else {
		sleeps = round - BACKOFF_SPINS - BACKOFF_YIELDS;
		if (sleeps > BACKOFF_MAX_DOUBLINGS)
			sleeps = BACKOFF_MAX_DOUBLINGS;
		wq_os_sleep_ns((uint64_t)BACKOFF_FIRST_SLEEP_NS << sleeps);
	}
}
