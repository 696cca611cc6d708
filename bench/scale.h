/* SPDX-License-Identifier: MIT */
/*
 * scale.h - what the axes of scale.c have in common.
 */
#ifndef WORKQ_BENCH_SCALE_H
#define WORKQ_BENCH_SCALE_H

#include "bench.h"

/* An item in a struct of the user's: a cache line. */
struct scale_item {
	struct work_struct work;
	unsigned long nr_runs;
	void *seen; /* by the control */
} __attribute__((aligned(64)));

/* Shared by all cases, which run one after the other; all idle between two runs. */
extern struct scale_item *scale_items;

/* The system of a control: as many lines and locked instructions, without the library. */
#define SCALE_CONTROL "memory"

/* How many items are queued before their worker is waited for: fewer than max_active. */
enum { SCALE_BURST = 1000 };

/* Add the cases of one point of an axis. */
void scale_add_producers(struct bench_plan *plan, unsigned long nr_producers);
void scale_add_queues(struct bench_plan *plan, unsigned long nr_queues);
void scale_add_items(struct bench_plan *plan, unsigned long nr_in_flight);

/* Ends the program unless each of the first @nr items ran @times times since the last call. */
void scale_check_all_ran(const struct bench_case *c, unsigned long nr, unsigned long times);

#endif /* WORKQ_BENCH_SCALE_H */
