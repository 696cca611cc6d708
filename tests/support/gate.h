/* SPDX-License-Identifier: MIT */
/*
 * gate.h - how tests arrange races: gates, meters and trails.
 *
 * A gate is an event that is set once; handlers wait on it. A meter counts how
 * many are inside at once, a trail records who came by in which order. Every
 * wait has a deadline of DEADLINE_S, or as many seconds as WORKQ_TEST_DEADLINE_S
 * says: who misses it says so and aborts, from any thread, since CMocka's own
 * failures are for the test's thread only.
 * Nothing here sleeps to let something happen.
 */
#ifndef TESTS_GATE_H
#define TESTS_GATE_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* So long that a machine which stands still for half a minute fails no test. */
#ifndef TESTS_DEADLINE_S
#define TESTS_DEADLINE_S 60
#endif

enum {
	DEADLINE_S = TESTS_DEADLINE_S,
	ROUNDS_S = 10,
	TRAIL_MAX = 4096,
};

static inline long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* For who expects that it is missed: tests/museum. */
static inline int deadline_s(void)
{
	const char *seconds = getenv("WORKQ_TEST_DEADLINE_S");

	return seconds ? atoi(seconds) : DEADLINE_S;
}

static inline long long deadline_ns(void)
{
	return now_ns() + deadline_s() * 1000000000LL;
}

/* When to be content with fewer rounds of a race than wanted, where each one takes long. */
static inline long long rounds_end_ns(void)
{
	return now_ns() + ROUNDS_S * 1000000000LL;
}

static inline void nap_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline void missed_deadline(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: after %d s still not: %s\n", file, line, deadline_s(), what);
	abort();
}

/* Wait until @cond holds. */
#define wait_until(cond)                                                                           \
	do {                                                                                       \
		long long give_up_ = deadline_ns();                                                \
		while (!(cond)) {                                                                  \
			if (now_ns() > give_up_)                                                   \
				missed_deadline(__FILE__, __LINE__, #cond);                        \
			nap_us(100);                                                               \
		}                                                                                  \
	} while (0)

/* ------------------------------------------------------------------- gates */

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	atomic_bool is_passed; /* what happened before it was opened is seen by who sees this */
	atomic_bool open;
};

static inline void gate_init(struct gate *gate)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&gate->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&gate->opened, &attr);
	pthread_condattr_destroy(&attr);
	atomic_init(&gate->is_passed, false);
	atomic_init(&gate->open, false);
}

static inline void gate_open(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	atomic_store(&gate->is_passed, true);
	atomic_store(&gate->open, true);
	pthread_cond_broadcast(&gate->opened);
	pthread_mutex_unlock(&gate->lock);
}

static inline bool gate_is_open(struct gate *gate)
{
	return atomic_load(&gate->open);
}

/* In slices, since condition variables of older glibc may lose a wake-up. */
static inline void gate_wait_slice(struct gate *gate)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 200000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&gate->opened, &gate->lock, &until);
}

#define gate_wait(gate) gate_wait_at((gate), __FILE__, __LINE__, #gate " open")

static inline void gate_wait_at(struct gate *gate, const char *file, int line, const char *what)
{
	long long give_up = deadline_ns();

	pthread_mutex_lock(&gate->lock);
	while (!gate_is_open(gate)) {
		if (now_ns() > give_up)
			missed_deadline(file, line, what);
		gate_wait_slice(gate);
	}
	pthread_mutex_unlock(&gate->lock);
}

/*
 * Wait by computing, never by sleeping. ThreadSanitizer has a lock for each atomic variable, for
 * which a load with acquire sleeps while the variable is written; a relaxed one takes none. Hence
 * relaxed until the gate is open, and acquire on what was written before that and is not written
 * any more.
 */
static inline void gate_spin(struct gate *gate)
{
	long long give_up = deadline_ns();

	while (!atomic_load_explicit(&gate->open, memory_order_relaxed))
		if (now_ns() > give_up)
			missed_deadline(__FILE__, __LINE__, "a gate that is spun on is open");
	while (!atomic_load_explicit(&gate->is_passed, memory_order_acquire))
		;
}

/* ------------------------------------------------------------------ meters */

struct meter {
	atomic_int inside;
	atomic_int most;
};

static inline void meter_enter(struct meter *meter)
{
	int inside = atomic_fetch_add(&meter->inside, 1) + 1;
	int most = atomic_load(&meter->most);

	while (inside > most && !atomic_compare_exchange_weak(&meter->most, &most, inside))
		;
}

static inline void meter_leave(struct meter *meter)
{
	atomic_fetch_sub(&meter->inside, 1);
}

/* ------------------------------------------------------------------ trails */

struct trail {
	atomic_int len;
	atomic_int id[TRAIL_MAX];
};

static inline void trail_add(struct trail *trail, int id)
{
	int at = atomic_fetch_add(&trail->len, 1);

	if (at < TRAIL_MAX)
		atomic_store(&trail->id[at], id);
}

/* Is the trail first, first + 1, ... and @len long? */
static inline bool trail_is_ascending(struct trail *trail, int first, int len)
{
	if (atomic_load(&trail->len) != len || len > TRAIL_MAX)
		return false;
	for (int i = 0; i < len; i++)
		if (atomic_load(&trail->id[i]) != first + i)
			return false;
	return true;
}

#endif /* TESTS_GATE_H */
