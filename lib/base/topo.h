/* SPDX-License-Identifier: MIT */
/*
 * topo.h - which CPUs share a core, a cache, a node: pods, by scope.
 *
 * Read once from sysfs, whose root is a parameter; never changed after that, so
 * that any thread may ask. A CPU is always in exactly one pod of each scope. A
 * core is within one cache shard, and that within one cache; nothing else need
 * nest. Pods are numbered from 0 by their lowest CPU.
 */
#ifndef WQ_BASE_TOPO_H
#define WQ_BASE_TOPO_H

#include "base/cpuset.h"

/* From narrow to wide; the order and values of enum wq_affn_scope, whose 0 is "the default". */
enum wq_topo_scope {
	WQ_TOPO_CPU = 1,     /* each CPU by itself */
	WQ_TOPO_SMT,         /* CPUs of one core */
	WQ_TOPO_CACHE,       /* CPUs that share the last level cache */
	WQ_TOPO_CACHE_SHARD, /* parts of that of about eight cores (O4) */
	WQ_TOPO_NUMA,        /* CPUs of a memory node */
	WQ_TOPO_SYSTEM,      /* all */
	WQ_TOPO_NR_SCOPES,
};

struct wq_topo;

/*
 * Describe the machine whose sysfs is mounted at `root` (such as "/sys"): the
 * CPUs that are online there, and those of `cpus`, which it need not know; CPU 0
 * if these are none. NULL: no memory.
 *
 * What is missing there or not understood (containers, odd machines):
 *  - no core: the CPU is a core by itself;
 *  - no node: the node of the lowest CPU that has one; if none has, all are node 0;
 *  - no cache: the CPUs of the package that have none either; no package: the
 *    first cache of the CPU's node.
 * Where lists contradict each other, that of the lowest CPU or node counts; what
 * is said of a core's first CPU counts for its siblings.
 */
struct wq_topo *wq_topo_read(const char *root, const struct wq_cpuset *cpus);
void wq_topo_free(struct wq_topo *topo);

unsigned int wq_topo_nr_pods(const struct wq_topo *topo, enum wq_topo_scope scope);
/* The pod of a CPU; of one that is not described: pod 0. */
unsigned int wq_topo_pod_of(const struct wq_topo *topo, enum wq_topo_scope scope, unsigned int cpu);
/* Its CPUs; empty if there is no such pod. */
void wq_topo_pod_cpus(const struct wq_topo *topo, enum wq_topo_scope scope, unsigned int pod,
		      struct wq_cpuset *cpus);
/* The NUMA pod that the system calls node `id` (ids may be sparse); -1: there is none with CPUs. */
int wq_topo_pod_of_node(const struct wq_topo *topo, int id);
/* What the system calls this NUMA pod; -1: there is no such pod. */
int wq_topo_node_of_pod(const struct wq_topo *topo, unsigned int pod);

#endif /* WQ_BASE_TOPO_H */
