/* SPDX-License-Identifier: MIT */
/*
 * park.h - wait for a word to change; the only user of futex.
 *
 * A park belongs to one thread, which alone waits on it. It holds at most one
 * token: wake leaves a token, wait takes it or sleeps until there is one. So a
 * wake before the wait is not lost. Wake-ups may be spurious (a token left
 * from an earlier wait): callers look at their condition again. Its memory must
 * never be freed: the waker's futex call may come after the waiter has left.
 */
#ifndef WQ_BASE_PARK_H
#define WQ_BASE_PARK_H

#include <stdbool.h>
#include <stdint.h>

struct wq_park {
	uint32_t word;
};

/* For a deadline: never. */
#define WQ_FOREVER UINT64_MAX

/* Sleep until there is a token, and take it. False: the deadline (wq_os_now_ns()) came first. */
bool wq_park_wait(struct wq_park *park, uint64_t deadline_ns);

/* Leave a token; a system call only if the owner sleeps. Signal handlers may. */
void wq_park_wake(struct wq_park *park);

/* The bare futex: sleep while *word is value; a spurious return is possible. */
void wq_futex_wait(uint32_t *word, uint32_t value, uint64_t deadline_ns);
void wq_futex_wake_one(uint32_t *word);
void wq_futex_wake_all(uint32_t *word);

/* Waiting for somebody who is nearly done: spins, then yields, then sleeps, so that he can run. */
struct wq_backoff {
	unsigned int round;
};

void wq_backoff_wait(struct wq_backoff *backoff);

#endif /* WQ_BASE_PARK_H */
