/* SPDX-License-Identifier: MIT */
/*
 * affinity.h - the machine's topology, and the CPUs for unbound queues.
 *
 * All under the configuration lock, but for what is const once started.
 */
#ifndef WQ_CORE_AFFINITY_H
#define WQ_CORE_AFFINITY_H

#include "base/topo.h"
#include "core/types.h"

/* C: once started */
extern struct wq_topo *wq_affinity_topo;

/* Read the topology and the options. 0 or -ENOMEM. */
int wq_affinity_start(void);

/* C: NUMA nodes, by their pods. */
unsigned int wq_affinity_nr_nodes(void);
/* The node that all of these CPUs are in; nr_nodes: there is none. */
unsigned int wq_affinity_node_of(const struct wq_cpuset *cpus);

/* What WQ_AFFN_DFL is now. */
extern unsigned int wq_affinity_default_scope; /* G */
static inline unsigned int wq_affinity_scope(const struct wq_attrs *attrs)
{
	return attrs->scope ? attrs->scope : wq_affinity_default_scope;
}

/* CPUs for unbound queues: allowed, asked for, and not isolated (O6). Never empty. */
struct wq_affinity_cpus {
	struct wq_cpuset requested;
	struct wq_cpuset housekeeping;
	struct wq_cpuset unbound; /* the result */
};
extern struct wq_affinity_cpus wq_affinity_cpus; /* G */

/* Set `unbound` from the others; false: it would be empty. */
bool wq_affinity_combine(struct wq_affinity_cpus *cpus);

/* The allowed CPUs have changed. Configuration lock held. */
void wq_affinity_follow(void);

/* Where the items of an unbound queue may run (O3). */
void wq_affinity_effective(const struct wq_attrs *attrs, struct wq_cpuset *cpus);

/* "cpu", "smt" ... of a scope; and back: 0 is WQ_AFFN_DFL, "default"; -1: no such. */
const char *wq_affinity_scope_name(unsigned int scope);
int wq_affinity_scope_named(const char *name);

#endif /* WQ_CORE_AFFINITY_H */
