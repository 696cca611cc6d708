/* SPDX-License-Identifier: MIT */
/*
 * timers.h - what timer.c measures: this library's delayed items, and other timers beside.
 *
 * Each kind does its operations in batches, in a loop of its own: a call
 * through a pointer for each would be part of what is measured.
 */
#ifndef WORKQ_BENCH_TIMERS_H
#define WORKQ_BENCH_TIMERS_H

#include "bench.h"

/* What is done to one timer; the delay is in milliseconds. */
struct bench_timer_op {
	unsigned int index;
	unsigned int delay;
};

typedef void (*bench_timer_batch_fn)(void *timers, const struct bench_timer_op *ops,
				     unsigned long nr);

/**
 * struct bench_timers - a kind of timers
 * @system:     as in struct bench_case
 * @timer_size: bytes that one takes
 * @create:     @nr idle timers, on @wq if they are items
 * @destroy:    frees them, all idle
 * @arm:        idle ones
 * @rearm:      to another delay, armed or not
 * @rearm_same: so that they are due when they were due before; armed ones
 * @cancel:     armed ones, though one may have fired since
 * @settle:     waits until none of those that fired still runs; may be NULL
 * @expire:     all @nr, all idle before and after: arms them, timer i to be due i * @step_ns after
 *              the first; returns the time from when that was due until the last one ran
 */
struct bench_timers {
	const char *system;
	size_t timer_size;
	void *(*create)(unsigned long nr, struct workqueue_struct *wq);
	void (*destroy)(void *timers);
	bench_timer_batch_fn arm;
	bench_timer_batch_fn rearm;
	bench_timer_batch_fn rearm_same;
	bench_timer_batch_fn cancel;
	void (*settle)(void *timers);
	uint64_t (*expire)(void *timers, unsigned long nr, uint64_t step_ns, struct bench_case *c);
};

extern const struct bench_timers bench_timers_workq, bench_timers_libuv, bench_timers_wheel;

/* Cases for each operation but expiry, on a sample of @batch timers while @pending others wait. */
void bench_timer_add_operations(struct bench_plan *plan, const struct bench_timers *kind,
				unsigned long pending, unsigned long batch);

enum { BENCH_NS_PER_JIFFY = 1000000 };

/* How long before the first timer is due they are armed: enough for arming all. */
static inline uint64_t bench_arming_ns(unsigned long nr)
{
	return 10 * BENCH_NS_PER_JIFFY + nr * 1000;
}

/*
 * Around the expiries: begins shortly before the first is due, at @first_ns. The wait for it
 * does not count as wall time.
 */
void bench_expire_begin(struct bench_case *c, uint64_t first_ns);
void bench_expire_end(struct bench_case *c, uint64_t first_ns);

#endif /* WORKQ_BENCH_TIMERS_H */
