/* SPDX-License-Identifier: MIT */
/*
 * two_nodes.h - a machine made up for tests of unbound queues: CPUs 0 to 11, cores of two,
 * caches of four, CPUs 0 to 7 on one node and 8 to 11 on another. Ids go up to 15.
 *
 * The process may use all of them unless the test says otherwise.
 */
#ifndef TESTS_TWO_NODES_H
#define TESTS_TWO_NODES_H

#include "machine.h"
#include "sysfs.h"

enum {
	NR_IDS = 16,
	NR_ONLINE = 12,
	NR_NODES = 2,
};

static const char two_nodes[] = "cpu/online\t0-11\n"
				"cpu/cpu{0-1}/topology/core_cpus_list\t0-1\n"
				"cpu/cpu{2-3}/topology/core_cpus_list\t2-3\n"
				"cpu/cpu{4-5}/topology/core_cpus_list\t4-5\n"
				"cpu/cpu{6-7}/topology/core_cpus_list\t6-7\n"
				"cpu/cpu{8-9}/topology/core_cpus_list\t8-9\n"
				"cpu/cpu{10-11}/topology/core_cpus_list\t10-11\n"
				"cpu/cpu{0-11}/cache/index0/level\t3\n"
				"cpu/cpu{0-11}/cache/index0/type\tUnified\n"
				"cpu/cpu{0-3}/cache/index0/shared_cpu_list\t0-3\n"
				"cpu/cpu{4-7}/cache/index0/shared_cpu_list\t4-7\n"
				"cpu/cpu{8-11}/cache/index0/shared_cpu_list\t8-11\n"
				"node/online\t0-1\n"
				"node/node0/cpulist\t0-7\n"
				"node/node1/cpulist\t8-11\n";

/* In a process of its own, with a sysfs that goes when it has ended. */
#define node_test(fn)                                                                              \
	{                                                                                          \
#fn, run_child_test, sysfs_begin, sysfs_end, (void *)(fn)                          \
	}

static inline struct wq_cpuset set_of(const char *list)
{
	struct wq_cpuset set;

	must(wq_cpuset_parse_list(&set, list));
	return set;
}

static inline bool is_list(const struct wq_cpuset *set, const char *list)
{
	struct wq_cpuset expected = set_of(list);

	return wq_cpuset_is_equal(set, &expected);
}

static inline void set_two_nodes(const char *allowed)
{
	sysfs_add(two_nodes);
	wq_allowed_cpus = set_of(allowed);
	wq_nr_cpus = NR_IDS;
	wq_options.defer_ms = DEFER;
	set_options();
	wq_options.sysfs_root = sysfs_root;
}

static inline void start_two_nodes(const char *allowed)
{
	set_two_nodes(allowed);
	create_pools_and_shards();
	init_system();
	wq_grace_claim();
	was_woken(&wq_manager_park);
}

#endif /* TESTS_TWO_NODES_H */
