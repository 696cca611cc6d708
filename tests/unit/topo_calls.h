/* SPDX-License-Identifier: MIT */
/*
 * topo_calls.h - tests of topologies: what always holds, and what is expected.
 *
 * Whatever is read, the pods are checked to be partitions that nest as promised.
 */
#ifndef TESTS_TOPO_CALLS_H
#define TESTS_TOPO_CALLS_H

#include "sysfs.h"

#include "base/topo.h"

static struct wq_topo *topo;
static const struct wq_cpuset no_cpus;
static struct wq_cpuset cpus, all; /* all: of the machine */

/* --------------------------------------------------------- what always holds */

static inline void assert_is_partition(enum wq_topo_scope scope)
{
	unsigned int nr = wq_topo_nr_pods(topo, scope), sum = 0, lowest = 0, cpu;

	for (unsigned int pod = 0; pod < nr; pod++) {
		wq_topo_pod_cpus(topo, scope, pod, &cpus);
		assert_false(wq_cpuset_is_empty(&cpus));
		assert_true(wq_cpuset_is_subset(&cpus, &all));
		assert_true(pod == 0 || wq_cpuset_next(&cpus, 0) > lowest);
		lowest = wq_cpuset_next(&cpus, 0);
		wq_cpuset_for_each(cpu, &cpus)
			assert_int_equal(wq_topo_pod_of(topo, scope, cpu), pod);
		sum += wq_cpuset_count(&cpus);
	}
	assert_int_equal(sum, wq_cpuset_count(&all));
	wq_topo_pod_cpus(topo, scope, nr, &cpus);
	assert_true(wq_cpuset_is_empty(&cpus));
	assert_int_equal(wq_topo_pod_of(topo, scope, WQ_MAX_CPUS - 1), 0);
	assert_int_equal(wq_topo_pod_of(topo, scope, UINT32_MAX), 0);
}

static inline void assert_nests(enum wq_topo_scope inner, enum wq_topo_scope outer)
{
	struct wq_cpuset around;

	for (unsigned int pod = 0; pod < wq_topo_nr_pods(topo, inner); pod++) {
		wq_topo_pod_cpus(topo, inner, pod, &cpus);
		wq_topo_pod_cpus(topo, outer, wq_topo_pod_of(topo, outer, wq_cpuset_next(&cpus, 0)),
				 &around);
		assert_true(wq_cpuset_is_subset(&cpus, &around));
	}
}

static inline unsigned int nr_cores_of(const struct wq_cpuset *set)
{
	unsigned int nr = 0;

	for (unsigned int core = 0; core < wq_topo_nr_pods(topo, WQ_TOPO_SMT); core++) {
		struct wq_cpuset siblings;

		wq_topo_pod_cpus(topo, WQ_TOPO_SMT, core, &siblings);
		nr += wq_cpuset_is_subset(&siblings, set);
	}
	return nr;
}

/* O4 */
static inline void assert_is_cut(unsigned int cache)
{
	unsigned int nr_cores, nr, nr_shards = 0;
	struct wq_cpuset whole;

	wq_topo_pod_cpus(topo, WQ_TOPO_CACHE, cache, &whole);
	nr_cores = nr_cores_of(&whole);
	nr = nr_cores / 8 + (nr_cores % 8 >= 4);
	nr = nr ? nr : 1;
	for (unsigned int shard = 0; shard < wq_topo_nr_pods(topo, WQ_TOPO_CACHE_SHARD); shard++) {
		wq_topo_pod_cpus(topo, WQ_TOPO_CACHE_SHARD, shard, &cpus);
		if (!wq_cpuset_is_subset(&cpus, &whole))
			continue;
		assert_int_equal(nr_cores_of(&cpus),
				 nr_cores / nr + (nr_shards < nr_cores % nr ? 1 : 0));
		nr_shards++;
	}
	assert_int_equal(nr_shards, nr);
}

static inline void assert_nodes_have_names(void)
{
	int nr = (int)wq_topo_nr_pods(topo, WQ_TOPO_NUMA);

	for (int pod = 0; pod < nr; pod++)
		assert_int_equal(wq_topo_pod_of_node(topo,
						     wq_topo_node_of_pod(topo, (unsigned int)pod)),
				 pod);
	assert_int_equal(wq_topo_node_of_pod(topo, (unsigned int)nr), -1);
	assert_int_equal(wq_topo_pod_of_node(topo, -1), -1);
	assert_int_equal(wq_topo_pod_of_node(topo, 70000), -1);
}

static inline void assert_is_valid(void)
{
	wq_topo_pod_cpus(topo, WQ_TOPO_SYSTEM, 0, &all);
	for (unsigned int scope = WQ_TOPO_CPU; scope < WQ_TOPO_NR_SCOPES; scope++)
		assert_is_partition(scope);
	assert_int_equal(wq_topo_nr_pods(topo, WQ_TOPO_CPU), wq_cpuset_count(&all));
	assert_int_equal(wq_topo_nr_pods(topo, WQ_TOPO_SYSTEM), 1);
	assert_nests(WQ_TOPO_SMT, WQ_TOPO_CACHE_SHARD);
	assert_nests(WQ_TOPO_CACHE_SHARD, WQ_TOPO_CACHE);
	for (unsigned int cache = 0; cache < wq_topo_nr_pods(topo, WQ_TOPO_CACHE); cache++)
		assert_is_cut(cache);
	assert_nodes_have_names();
}

/* ---------------------------------------------------------------- expectations */

static inline int topo_begin(void **state)
{
	topo = NULL;
	return sysfs_begin(state);
}

static inline int topo_end(void **state)
{
	wq_topo_free(topo);
	return sysfs_end(state);
}

#define topo_test(fn) cmocka_unit_test_setup_teardown(fn, topo_begin, topo_end)

static inline void read_with(const struct wq_cpuset *wanted)
{
	wq_topo_free(topo);
	topo = wq_topo_read(sysfs_root, wanted);
	assert_non_null(topo);
	assert_is_valid();
}

static inline void read_machine(const char *name)
{
	sysfs_load(name);
	read_with(&no_cpus);
}

static inline void read_tree(const char *text)
{
	sysfs_add(text);
	read_with(&no_cpus);
}

static inline void assert_pod(enum wq_topo_scope scope, unsigned int pod, const char *list)
{
	char text[SYSFS_PATH];

	wq_topo_pod_cpus(topo, scope, pod, &cpus);
	wq_cpuset_print_list(&cpus, text, sizeof(text));
	assert_string_equal(text, list);
}

/* All of them, such as "0-1 2-3". */
static inline void assert_pods(enum wq_topo_scope scope, const char *lists)
{
	char text[SYSFS_PATH], *rest = text;
	unsigned int nr = 0;

	snprintf(text, sizeof(text), "%s", lists);
	for (char *list = strsep(&rest, " "); list; list = strsep(&rest, " "))
		assert_pod(scope, nr++, list);
	assert_int_equal(wq_topo_nr_pods(topo, scope), nr);
}

static inline void assert_all_together(const char *everybody)
{
	assert_pods(WQ_TOPO_CACHE, everybody);
	assert_pods(WQ_TOPO_NUMA, everybody);
	assert_pods(WQ_TOPO_SYSTEM, everybody);
	assert_int_equal(wq_topo_node_of_pod(topo, 0), 0);
}

#endif /* TESTS_TOPO_CALLS_H */
