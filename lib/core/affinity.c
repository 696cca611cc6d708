/* SPDX-License-Identifier: MIT */
/*
 * affinity.c - the machine's topology, and the CPUs for unbound queues (contracts in affinity.h).
 */
#include "core/affinity.h"

#include <errno.h>
#include <string.h>

#include "base/options.h"
#include "base/report.h"

_Static_assert((int)WQ_TOPO_CPU == (int)WQ_AFFN_CPU && (int)WQ_TOPO_SMT == (int)WQ_AFFN_SMT &&
		       (int)WQ_TOPO_CACHE == (int)WQ_AFFN_CACHE &&
		       (int)WQ_TOPO_CACHE_SHARD == (int)WQ_AFFN_CACHE_SHARD &&
		       (int)WQ_TOPO_NUMA == (int)WQ_AFFN_NUMA &&
		       (int)WQ_TOPO_SYSTEM == (int)WQ_AFFN_SYSTEM,
	       "topo.h has the order of enum wq_affn_scope");

struct wq_topo *wq_affinity_topo;
unsigned int wq_affinity_default_scope;
struct wq_affinity_cpus wq_affinity_cpus;

static const char *const scope_names[WQ_AFFN_NR_TYPES] = {
	[WQ_AFFN_DFL] = "default",
	[WQ_AFFN_CPU] = "cpu",
	[WQ_AFFN_SMT] = "smt",
	[WQ_AFFN_CACHE] = "cache",
	[WQ_AFFN_CACHE_SHARD] = "cache_shard",
	[WQ_AFFN_NUMA] = "numa",
	[WQ_AFFN_SYSTEM] = "system",
};

const char *wq_affinity_scope_name(unsigned int scope)
{
	return scope_names[scope];
}

int wq_affinity_scope_named(const char *name)
{
	int i;

	for (i = 0; i < WQ_AFFN_NR_TYPES; i++) {
		if (!strcmp(name, scope_names[i]))
			return i;
	}
	return -1;
}

/* ---------------------------------------------------------------- options */

static void start_scope(void)
{
	int scope = wq_affinity_scope_named(wq_options.affinity_scope);

	if (scope <= WQ_AFFN_DFL) {
		struct wq_msg msg;

		wq_msg_note(&msg, "WORKQ_AFFINITY_SCOPE=");
		wq_msg_text(&msg, wq_options.affinity_scope);
		wq_msg_text(&msg, " is not one of cpu smt cache cache_shard numa system; "
				  "using cache_shard");
		wq_msg_send(&msg);
		scope = WQ_AFFN_CACHE_SHARD;
	}
	wq_affinity_default_scope = (unsigned int)scope;
}

static void start_cpus(void)
{
	struct wq_affinity_cpus *cpus = &wq_affinity_cpus;
	const char *list = wq_options.unbound_cpus;
	struct wq_msg msg;

	/* those, too, that may come later */
	wq_cpuset_fill(&cpus->housekeeping, wq_nr_cpus);
	cpus->requested = cpus->housekeeping;
	if (!*list)
		goto combine;
	if (wq_cpuset_parse_list(&cpus->requested, list) && wq_affinity_combine(cpus))
		return;
	wq_msg_note(&msg, "WORKQ_UNBOUND_CPUS=");
	wq_msg_text(&msg, list);
	wq_msg_text(&msg, " names no CPU that this process may use; using all");
	wq_msg_send(&msg);
	cpus->requested = cpus->housekeeping;
combine:
	wq_affinity_combine(cpus);
}

int wq_affinity_start(void)
{
	wq_assert_held(&wq_config_lock);
	if (wq_affinity_topo)
		return 0;
	wq_affinity_topo = wq_topo_read(wq_options.sysfs_root, &wq_allowed_cpus);
	if (!wq_affinity_topo)
		return -ENOMEM;
	start_scope();
	start_cpus();
	return 0;
}

/* ------------------------------------------------------------------- sets */

bool wq_affinity_combine(struct wq_affinity_cpus *cpus)
{
	wq_cpuset_and(&cpus->unbound, &cpus->requested, &cpus->housekeeping);
	wq_cpuset_and(&cpus->unbound, &cpus->unbound, &wq_allowed_cpus);
	return !wq_cpuset_is_empty(&cpus->unbound);
}

void wq_affinity_follow(void)
{
	wq_assert_held(&wq_config_lock);
	/* those asked for may have gone, and come back */
	if (!wq_affinity_combine(&wq_affinity_cpus))
		wq_affinity_cpus.unbound = wq_allowed_cpus;
}

void wq_affinity_effective(const struct wq_attrs *attrs, struct wq_cpuset *cpus)
{
	wq_assert_held(&wq_config_lock);
	wq_cpuset_and(cpus, &attrs->cpus, &wq_affinity_cpus.unbound);
	if (wq_cpuset_is_empty(cpus))
		*cpus = wq_affinity_cpus.unbound;
}

unsigned int wq_affinity_nr_nodes(void)
{
	return wq_topo_nr_pods(wq_affinity_topo, WQ_TOPO_NUMA);
}

unsigned int wq_affinity_node_of(const struct wq_cpuset *cpus)
{
	unsigned int first = wq_cpuset_next(cpus, 0);
	unsigned int node = wq_topo_pod_of(wq_affinity_topo, WQ_TOPO_NUMA, first);
	struct wq_cpuset of_node;

	wq_topo_pod_cpus(wq_affinity_topo, WQ_TOPO_NUMA, node, &of_node);
	return wq_cpuset_is_subset(cpus, &of_node) ? node : wq_affinity_nr_nodes();
}
