/* SPDX-License-Identifier: MIT */
/*
 * cpus.h - the CPUs that the process may use: they come and go (P).
 *
 * What the system leaves it (cpusets, CPUs that are offline), of that what somebody who set
 * its affinity meant it to have, and of that what WORKQ_CPUS says. Nobody tells a
 * process of a change, so the manager's thread asks: now and then while it is awake.
 */
#ifndef WQ_CORE_CPUS_H
#define WQ_CORE_CPUS_H

#include "core/types.h"

/*
 * Before anything is made by the allowed CPUs, which are the affinity of the process: takes
 * WORKQ_CPUS into account. Configuration lock held.
 */
void wq_cpus_start(void);

/* The allowed CPUs, without the configuration lock. Signal handlers may. */
void wq_cpus_copy_allowed(struct wq_cpuset *cpus);

/* The manager's thread learns, as it begins, whether the affinity of the process is a restriction. */
void wq_cpus_begin(void);
/* It asks, unless it did a short while ago, and has the pools and the queues follow. */
void wq_cpus_watch(uint64_t now);

/*
 * The pools of CPUs: at home, or, while their CPU may not be used, on the CPUs for unbound work
 * (P1, P2). Configuration lock held.
 */
void wq_cpus_place_pools(void);

/*
 * A worker's affinity may change while it is inside an item: by the item, by this room, by the
 * system, by who sets those of all threads. These show in what is seen of the manager's thread.
 */
struct wq_cpus_sight {
	unsigned int nr_moves;       /* O: of the thread that looks */
	struct wq_cpuset of_manager; /* O: of the thread that looks */
};
void wq_cpus_see(struct wq_cpus_sight *sight);
/* Since then: may it have been others who gave the calling thread these CPUs? */
bool wq_cpus_is_by_others(const struct wq_cpus_sight *before, const struct wq_cpuset *cpus);

/*
 * In the child of fork(): the CPUs that the process had are those that it has; the manager will look
 * anew. Configuration lock held.
 */
void wq_cpus_reset(void);

#endif /* WQ_CORE_CPUS_H */
