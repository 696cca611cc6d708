/* SPDX-License-Identifier: MIT */
/*
 * workload.h - the workloads of workq-bench compare, on any pool.
 */
#ifndef WORKQ_BENCH_WORKLOAD_H
#define WORKQ_BENCH_WORKLOAD_H

#include "../bench.h"
#include "peer.h"

/**
 * struct peer_case - what a case of compare adds
 * @peer:   whose pool
 * @which:  workload
 * @ours:   the same workload on this library, the case that the ratios refer to
 * @latest: figure of the latest run
 * @items:  one for each task of a spray, otherwise one
 * @nr_items: how many these are
 * @stride: bytes from one to the next
 * @nr_ops: single operations of this run
 * @team:   while a run of several producers lasts
 */
struct peer_case {
	const struct bench_peer *peer;
	enum peer_workload which;
	const struct peer_case *ours;
	double latest;
	void *items;
	unsigned long nr_items;
	size_t stride;
	unsigned long nr_ops;
	struct bench_team *team;
};

/* One repetition: @run of a case whose @data is a struct peer_case. Takes the ratio of times. */
double bench_peer_run(struct bench_case *c);
/* The @data of a case; and its @fini. */
struct peer_case *bench_peer_case_create(const struct bench_peer *peer, enum peer_workload which,
					 unsigned long items);
void bench_peer_case_fini(struct bench_case *c);

size_t bench_peer_stride(const struct bench_peer *peer);

/* ------------------------------------------------------------------ memory */

/* Is there a way to measure memory here? */
bool bench_peer_can_measure_memory(void);
/* Bytes per queued item of the system of that name, measured in a process of its own. */
double bench_peer_spawn_memory(const char *system, unsigned long nr);
/* What that process does. */
double bench_peer_measure_memory(const struct bench_peer *peer, unsigned long nr);

#endif /* WORKQ_BENCH_WORKLOAD_H */
