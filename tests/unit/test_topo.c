/* SPDX-License-Identifier: MIT */
/*
 * test_topo.c - the topology of known machines, of systems that say little, and of caches.
 */
#include "topo_calls.h"

/* -------------------------------------------------------------------- machines */

/*
 * Pods of `size` neighbours each, from 0 to below `nr`, and the same ones `nr`
 * higher: their second threads, if there are.
 */
static void assert_regular_pods(enum wq_topo_scope scope, unsigned int size, unsigned int nr,
				bool has_second_threads)
{
	char list[SYSFS_PATH];

	assert_int_equal(wq_topo_nr_pods(topo, scope), nr / size);
	for (unsigned int pod = 0; pod < nr / size; pod++) {
		wq_cpuset_clear(&cpus);
		for (unsigned int cpu = pod * size; cpu < (pod + 1) * size; cpu++) {
			wq_cpuset_add(&cpus, cpu);
			if (has_second_threads)
				wq_cpuset_add(&cpus, cpu + nr);
		}
		wq_cpuset_print_list(&cpus, list, sizeof(list));
		assert_pod(scope, pod, list);
	}
}

/* O4 */
static void laptop_has_four_cores_in_one_cache(void **state)
{
	read_machine("laptop");
	assert_pods(WQ_TOPO_CPU, "0 1 2 3 4 5 6 7");
	assert_pods(WQ_TOPO_SMT, "0,4 1,5 2,6 3,7");
	assert_pods(WQ_TOPO_CACHE, "0-7");
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-7");
	assert_pods(WQ_TOPO_NUMA, "0-7");
	assert_pods(WQ_TOPO_SYSTEM, "0-7");
}

/* O4 */
static void two_sockets_are_two_nodes_of_two_shards(void **state)
{
	read_machine("two_socket");
	assert_regular_pods(WQ_TOPO_SMT, 1, 32, /* has_second_threads */ true);
	assert_pods(WQ_TOPO_CACHE, "0-15,32-47 16-31,48-63");
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-7,32-39 8-15,40-47 16-23,48-55 24-31,56-63");
	assert_pods(WQ_TOPO_NUMA, "0-15,32-47 16-31,48-63");
	assert_pods(WQ_TOPO_SYSTEM, "0-63");
}

/* O4 */
static void many_caches_are_a_pod_each(void **state)
{
	read_machine("multi_llc");
	assert_regular_pods(WQ_TOPO_CPU, 1, 128, /* has_second_threads */ false);
	assert_regular_pods(WQ_TOPO_SMT, 1, 128, /* has_second_threads */ false);
	assert_regular_pods(WQ_TOPO_CACHE, 8, 128, /* has_second_threads */ false);
	assert_regular_pods(WQ_TOPO_CACHE_SHARD, 8, 128, /* has_second_threads */ false);
	assert_pods(WQ_TOPO_NUMA, "0-63 64-127");
	assert_pods(WQ_TOPO_SYSTEM, "0-127");
}

/* O4 */
static void hybrid_shares_the_last_cache_not_the_clusters(void **state)
{
	read_machine("hybrid");
	assert_pods(WQ_TOPO_SMT, "0-1 2-3 4-5 6-7 8-9 10-11 12-13 14-15 "
				 "16 17 18 19 20 21 22 23");
	assert_pods(WQ_TOPO_CACHE, "0-23");
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-15 16-23");
	assert_pods(WQ_TOPO_NUMA, "0-23");
}

static void single_cpu_is_one_pod_of_each_scope(void **state)
{
	read_machine("single");
	for (unsigned int scope = WQ_TOPO_CPU; scope < WQ_TOPO_NR_SCOPES; scope++)
		assert_pods(scope, "0");
}

/* O4 */
static void cache_of_72_cores_is_nine_shards(void **state)
{
	read_machine("arm_server");
	assert_regular_pods(WQ_TOPO_SMT, 1, 72, /* has_second_threads */ false);
	assert_pods(WQ_TOPO_CACHE, "0-71");
	assert_regular_pods(WQ_TOPO_CACHE_SHARD, 8, 72, /* has_second_threads */ false);
	assert_pods(WQ_TOPO_NUMA, "0-71");
}

static void sparse_ids_are_kept(void **state)
{
	read_machine("sparse");
	assert_pods(WQ_TOPO_CPU, "0 1 4 5 8 9 12 13 80 81 84 85 88 89 92 93");
	assert_pods(WQ_TOPO_SMT, "0-1 4-5 8-9 12-13 80-81 84-85 88-89 92-93");
	assert_pods(WQ_TOPO_CACHE, "0-1,4-5 8-9,12-13 80-81,84-85 88-89,92-93");
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-1,4-5 8-9,12-13 80-81,84-85 88-89,92-93");
	assert_pods(WQ_TOPO_NUMA, "0-1,4-5,8-9,12-13 80-81,84-85,88-89,92-93");
	assert_pods(WQ_TOPO_SYSTEM, "0-1,4-5,8-9,12-13,80-81,84-85,88-89,92-93");
}

static void sparse_node_ids_have_pods_unless_they_are_memory_only(void **state)
{
	read_machine("sparse");
	assert_int_equal(wq_topo_pod_of_node(topo, 0), 0);
	assert_int_equal(wq_topo_pod_of_node(topo, 8), 1);
	assert_int_equal(wq_topo_pod_of_node(topo, 1), -1);
	assert_int_equal(wq_topo_pod_of_node(topo, 252), -1);
	assert_int_equal(wq_topo_node_of_pod(topo, 0), 0);
	assert_int_equal(wq_topo_node_of_pod(topo, 1), 8);
}

static void recorded_machine_is_described(void **state)
{
	read_machine("vm");
	assert_pods(WQ_TOPO_SMT, "0 1");
	assert_pods(WQ_TOPO_CACHE, "0-1");
	assert_pods(WQ_TOPO_NUMA, "0-1");
}

static void machine_of_this_test_is_described(void **state)
{
	struct wq_cpuset allowed;

	wq_cpuset_clear(&allowed);
	wq_cpuset_add(&allowed, (unsigned int)sched_getcpu());
	topo = wq_topo_read("/sys", &allowed);
	assert_non_null(topo);
	assert_is_valid();
	assert_true(wq_cpuset_is_subset(&allowed, &all));
}

/* -------------------------------------------------------------- what is missing */

/* O4 */
static void container_with_online_cpus_only_is_one_pod_of_single_cores(void **state)
{
	read_tree("cpu/online\t0-11\n");
	assert_pods(WQ_TOPO_SMT, "0 1 2 3 4 5 6 7 8 9 10 11");
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-5 6-11");
	assert_all_together("0-11");
}

static void container_with_nothing_has_the_cpus_given(void **state)
{
	struct wq_cpuset given;

	assert_true(wq_cpuset_parse_list(&given, "2-3,700"));
	read_with(&given);
	assert_pods(WQ_TOPO_SMT, "2 3 700");
	assert_all_together("2-3,700");
}

static void no_cpu_at_all_is_cpu_0(void **state)
{
	read_with(&no_cpus);
	for (unsigned int scope = WQ_TOPO_CPU; scope < WQ_TOPO_NR_SCOPES; scope++)
		assert_pods(scope, "0");
	assert_int_equal(wq_topo_node_of_pod(topo, 0), 0);
}

static void old_names_of_lists_are_known(void **state)
{
	read_tree("cpu/online\t0-7\n"
		  "cpu/cpu{0-1}/topology/thread_siblings_list\t0-1\n"
		  "cpu/cpu{2-3}/topology/thread_siblings_list\t2-3\n"
		  "cpu/cpu{0-3}/topology/core_siblings_list\t0-3\n"
		  "cpu/cpu{4-7}/topology/core_siblings_list\t4-7\n");
	assert_pods(WQ_TOPO_SMT, "0-1 2-3 4 5 6 7");
	assert_pods(WQ_TOPO_CACHE, "0-3 4-7");
	assert_pods(WQ_TOPO_NUMA, "0-7");
}

static void new_names_of_lists_go_first(void **state)
{
	read_tree("cpu/online\t0-3\n"
		  "cpu/cpu{0-1}/topology/core_cpus_list\t0-1\n"
		  "cpu/cpu{0-3}/topology/thread_siblings_list\t0-3\n"
		  "cpu/cpu{0-1}/topology/package_cpus_list\t0-1\n"
		  "cpu/cpu{2-3}/topology/package_cpus_list\t2-3\n"
		  "cpu/cpu{0-3}/topology/core_siblings_list\t0-3\n");
	assert_pods(WQ_TOPO_SMT, "0-1 2-3");
	assert_pods(WQ_TOPO_CACHE, "0-1 2-3");
}

static void cpus_without_cache_and_package_are_together_by_node(void **state)
{
	read_tree("cpu/online\t0-5\n"
		  "node/online\t0-1\n"
		  "node/node0/cpulist\t0,2,4\n"
		  "node/node1/cpulist\t1,3,5\n");
	assert_pods(WQ_TOPO_CACHE, "0,2,4 1,3,5");
	assert_pods(WQ_TOPO_NUMA, "0,2,4 1,3,5");
}

static void cpus_without_cache_join_the_first_one_of_their_node(void **state)
{
	read_tree("cpu/online\t0-7\n"
		  "cpu/cpu{1-2}/cache/index0/level\t3\n"
		  "cpu/cpu{1-2}/cache/index0/shared_cpu_list\t1-2\n"
		  "cpu/cpu{4-5}/cache/index0/level\t3\n"
		  "cpu/cpu4/cache/index0/shared_cpu_list\t4\n"
		  "cpu/cpu5/cache/index0/shared_cpu_list\t5\n"
		  "node/online\t0-1\n"
		  "node/node0/cpulist\t0-3\n"
		  "node/node1/cpulist\t4-7\n");
	assert_pods(WQ_TOPO_CACHE, "0-3 4,6-7 5");
}

static void cpus_given_that_are_not_online_join_the_first_pods(void **state)
{
	struct wq_cpuset given;

	sysfs_load("two_socket");
	assert_true(wq_cpuset_parse_list(&given, "3,64-65,8191"));
	wq_topo_free(topo);
	topo = wq_topo_read(sysfs_root, &given);
	assert_non_null(topo);
	assert_pod(WQ_TOPO_SMT, 32, "64");
	assert_pod(WQ_TOPO_SMT, 34, "8191");
	assert_pods(WQ_TOPO_CACHE, "0-15,32-47,64-65,8191 16-31,48-63");
	assert_pods(WQ_TOPO_NUMA, "0-15,32-47,64-65,8191 16-31,48-63");
	assert_pods(WQ_TOPO_SYSTEM, "0-65,8191");
}

static void cpus_that_no_node_has_join_the_first_node_with_cpus(void **state)
{
	read_tree("cpu/online\t0-5\n"
		  "node/online\t3,5\n"
		  "node/node3/cpulist\t4-5\n"
		  "node/node5/cpulist\t2-3\n");
	assert_pods(WQ_TOPO_NUMA, "0-3 4-5");
	assert_int_equal(wq_topo_node_of_pod(topo, 0), 5);
	assert_int_equal(wq_topo_node_of_pod(topo, 1), 3);
	assert_int_equal(wq_topo_pod_of_node(topo, 0), -1);
}

static void nodes_are_found_by_possible_ones_too(void **state)
{
	read_tree("cpu/online\t0-3\n"
		  "node/possible\t0-7\n"
		  "node/node0/cpulist\t0-1\n"
		  "node/node4/cpulist\t2-3\n");
	assert_pods(WQ_TOPO_NUMA, "0-1 2-3");
}

/* ---------------------------------------------------------------------- caches */

static void last_cache_is_the_highest_level_that_holds_data(void **state)
{
	read_tree("cpu/online\t0-3\n"
		  "cpu/cpu{0-3}/cache/index0/level\t2\n"
		  "cpu/cpu{0-3}/cache/index0/type\tUnified\n"
		  "cpu/cpu{0-1}/cache/index0/shared_cpu_list\t0-1\n"
		  "cpu/cpu{2-3}/cache/index0/shared_cpu_list\t2-3\n"
		  "cpu/cpu{0-3}/cache/index1/level\t1\n"
		  "cpu/cpu{0-3}/cache/index1/type\tData\n"
		  "cpu/cpu{0-3}/cache/index1/shared_cpu_list\t0-3\n"
		  "cpu/cpu{0-3}/cache/index2/level\t3\n"
		  "cpu/cpu{0-3}/cache/index2/type\tInstruction\n"
		  "cpu/cpu{0-3}/cache/index2/shared_cpu_list\t0-3\n");
	assert_pods(WQ_TOPO_CACHE, "0-1 2-3");
}

static void cache_may_span_nodes_and_a_node_caches(void **state)
{
	read_tree("cpu/online\t0-5\n"
		  "cpu/cpu{0-3}/cache/index0/level\t3\n"
		  "cpu/cpu{0-3}/cache/index0/shared_cpu_list\t0-3\n"
		  "cpu/cpu{4-5}/cache/index0/level\t3\n"
		  "cpu/cpu{4-5}/cache/index0/shared_cpu_list\t4-5\n"
		  "node/online\t0-1\n"
		  "node/node0/cpulist\t0-1\n"
		  "node/node1/cpulist\t2-5\n");
	assert_pods(WQ_TOPO_CACHE, "0-3 4-5");
	assert_pods(WQ_TOPO_NUMA, "0-1 2-5");
}

static void add_cache_of(unsigned int nr_cpus)
{
	char text[SYSFS_PATH];

	snprintf(text, sizeof(text),
		 "cpu/online\t0-%u\n"
		 "cpu/cpu0/cache/index0/level\t3\n"
		 "cpu/cpu0/cache/index0/shared_cpu_list\t0-%u\n",
		 nr_cpus - 1, nr_cpus - 1);
	sysfs_add(text);
}

/* O4 */
static void shards_are_cores_by_eight_rounded(void **state)
{
	static const struct {
		unsigned int nr_cores, nr_shards;
	} expected[] = { { 1, 1 },  { 4, 1 },  { 8, 1 },  { 11, 1 }, { 12, 2 },
			 { 19, 2 }, { 20, 3 }, { 64, 8 }, { 72, 9 }, { 76, 10 } };

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		add_cache_of(expected[i].nr_cores);
		read_with(&no_cpus);
		assert_int_equal(wq_topo_nr_pods(topo, WQ_TOPO_CACHE_SHARD), expected[i].nr_shards);
	}
}

/* O4 */
static void first_shards_are_one_core_larger(void **state)
{
	add_cache_of(13);
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-6 7-12");
	add_cache_of(23);
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-7 8-15 16-22");
	add_cache_of(25);
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-8 9-16 17-24");
}

/* O4 */
static void caches_of_all_sizes_are_cut(void **state)
{
	for (unsigned int nr = 1; nr <= 80; nr++) {
		add_cache_of(nr);
		read_with(&no_cpus);
	}
}

/* O4 */
static void shards_keep_siblings_together(void **state)
{
	read_tree("cpu/online\t0-25\n"
		  "cpu/cpu0/cache/index0/level\t3\n"
		  "cpu/cpu0/cache/index0/shared_cpu_list\t0-25\n"
		  "cpu/cpu0/topology/core_cpus_list\t0,25\n"
		  "cpu/cpu5/topology/core_cpus_list\t5,14-24\n");
	assert_pods(WQ_TOPO_CACHE_SHARD, "0-6,14-25 7-13");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		topo_test(laptop_has_four_cores_in_one_cache),
		topo_test(two_sockets_are_two_nodes_of_two_shards),
		topo_test(many_caches_are_a_pod_each),
		topo_test(hybrid_shares_the_last_cache_not_the_clusters),
		topo_test(single_cpu_is_one_pod_of_each_scope),
		topo_test(cache_of_72_cores_is_nine_shards),
		topo_test(sparse_ids_are_kept),
		topo_test(sparse_node_ids_have_pods_unless_they_are_memory_only),
		topo_test(recorded_machine_is_described),
		topo_test(machine_of_this_test_is_described),
		topo_test(container_with_online_cpus_only_is_one_pod_of_single_cores),
		topo_test(container_with_nothing_has_the_cpus_given),
		topo_test(no_cpu_at_all_is_cpu_0),
		topo_test(old_names_of_lists_are_known),
		topo_test(new_names_of_lists_go_first),
		topo_test(cpus_without_cache_and_package_are_together_by_node),
		topo_test(cpus_without_cache_join_the_first_one_of_their_node),
		topo_test(cpus_given_that_are_not_online_join_the_first_pods),
		topo_test(cpus_that_no_node_has_join_the_first_node_with_cpus),
		topo_test(nodes_are_found_by_possible_ones_too),
		topo_test(last_cache_is_the_highest_level_that_holds_data),
		topo_test(cache_may_span_nodes_and_a_node_caches),
		topo_test(shards_are_cores_by_eight_rounded),
		topo_test(first_shards_are_one_core_larger),
		topo_test(caches_of_all_sizes_are_cut),
		topo_test(shards_keep_siblings_together),
	};

	return cmocka_run_group_tests_name("topo", tests, NULL, NULL);
}
