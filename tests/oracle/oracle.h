/* SPDX-License-Identifier: MIT */
/*
 * oracle.h - frame of the stress with an oracle: what was asked for, verdict, random numbers.
 *
 * A run is a row of epochs. Each has clients, that is, threads which do operations of the public
 * API in the scenes below, and every scene knows by a model what each answer must be. The first
 * answer that is none of those ends the process: everything after it would be noise.
 */
#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <workq/workq.h>
#include <workq/workqueue.h>

#include "oracle/seeds.h"
#include "support/sanitized.h"

enum {
	MAX_CLIENTS = 32,
	MAX_CPUS = 8, /* so many of them are used */
	CACHE_LINE = 64,
	FAR = 24 * 3600 * HZ, /* not within this run */
};

struct oracle {
	uint64_t seed;
	long ops;    /* of all clients together */
	int seconds; /* no epoch begins later; 0: whatever it takes */
	int clients;
	int epoch;
	enum seed seeded; /* the fault of the library that is played, or SEED_NONE */
	int nr_cpus;      /* that queue_work_on() is called with */
	int cpu[MAX_CPUS];
	int nr_nodes; /* limits are for each (C3) */
};

extern struct oracle oracle;

/* ------------------------------------------------------------------- verdict */

/* Says what was wrong, seed and counts, and ends the process. From any thread. */
__attribute__((noreturn, format(printf, 1, 2))) void oracle_fault(const char *fmt, ...);

#define law(cond, fmt, ...)                                                                        \
	do {                                                                                       \
		if (!(cond))                                                                       \
			oracle_fault("%s:%d: " fmt, __FILE__, __LINE__, ##__VA_ARGS__);            \
	} while (0)

/* Of the program, not of the library. */
void *must_alloc(size_t size);

/* ------------------------------------------------------------ random numbers */

struct rng {
	uint64_t state;
};

/* splitmix64: any seed is a good one. */
static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline unsigned int rng_below(struct rng *rng, unsigned int bound)
{
	return (unsigned int)((rng_next(rng) >> 33) * bound >> 31);
}

/* Of the nth user of a kind, in this epoch. */
static inline struct rng rng_of(unsigned int kind, unsigned int nth)
{
	struct rng rng = { oracle.seed ^ (uint64_t)kind << 48 ^ (uint64_t)nth << 32 ^
			   (uint64_t)oracle.epoch };

	rng_next(&rng);
	return rng;
}

/* ----------------------------------------------------------- counts of a thread */

/* A counter that one thread writes and others read, at times. */
static inline void add_own(atomic_long *counter, long n)
{
	long value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + n, memory_order_release);
}

static inline long look_at(atomic_long *counter)
{
	return atomic_load_explicit(counter, memory_order_acquire);
}

/*
 * The same where only how much counts. ThreadSanitizer shall not take these counts for what orders
 * the library's users; on x86, where it is used, they come in order all the same.
 */
#if TESTS_THREAD_SANITIZED
#define COUNT_LOAD  memory_order_relaxed
#define COUNT_STORE memory_order_relaxed
#else
#define COUNT_LOAD  memory_order_acquire
#define COUNT_STORE memory_order_release
#endif

static inline long count_of(atomic_long *counter)
{
	return atomic_load_explicit(counter, COUNT_LOAD);
}

static inline void count_own(atomic_long *counter, long n)
{
	atomic_store_explicit(counter, count_of(counter) + n, COUNT_STORE);
}

/* -------------------------------------------------------------------- places */

/* Where an item is queued: with a CPU below 0 by the call that takes none. */
struct place {
	struct workqueue_struct *wq;
	int cpu;
};

static inline int any_cpu(struct rng *rng)
{
	return oracle.cpu[rng_below(rng, (unsigned int)oracle.nr_cpus)];
}

/* A queue on which one item is active at a time, in queueing order (B9, C1, C2). */
struct place make_row(struct rng *rng, const char *name);

/* -------------------------------------------------------------------- waiting */

long long clock_ns(void);

/* For what others are sure to do: waits a moment, or ends the process when patience is over. */
void wait_until_deadline(long long deadline, const char *what);
long long deadline_from_now(void);

#define wait_until(cond)                                                                           \
	do {                                                                                       \
		long long deadline_ = deadline_from_now();                                         \
                                                                                                   \
		while (!(cond))                                                                    \
			wait_until_deadline(deadline_, #cond);                                     \
	} while (0)

/* -------------------------------------------------------------------- scenes */

/*
 * Each has its own state, made for an epoch by begin(), which runs alone; end() is called when
 * all clients have ended, and judges what is left. A turn is some hundred operations, or one
 * story of a few.
 */
struct scene {
	const char *name;
	void (*begin)(void);
	void (*turn)(int client, struct rng *rng);
	void (*end)(void);
	unsigned int weight;
};

extern const struct scene scene_hot, scene_held, scene_shared, scene_row, scene_limit,
	scene_punctual, scene_story;

#endif /* TESTS_ORACLE_H */
