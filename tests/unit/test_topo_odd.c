/* SPDX-License-Identifier: MIT */
/*
 * test_topo_odd.c - the topology of systems whose files contradict each other, or make no sense.
 */
#include "topo_calls.h"

#include "fault.h"

/* -------------------------------------------------- contradictions */

static void lists_of_cpus_that_have_a_place_do_not_count(void **state)
{
	sysfs_load("laptop");
	sysfs_add("cpu/cpu4/topology/core_cpus_list\t4-7\n"
		  "cpu/cpu5/topology/core_cpus_list\t5\n"
		  "cpu/cpu{1-7}/cache/index3/shared_cpu_list\t1-7\n");
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_SMT, "0,4 1,5 2,6 3,7");
	assert_pods(WQ_TOPO_CACHE, "0-7");
}

static void overlapping_lists_leave_what_is_placed(void **state)
{
	read_tree("cpu/online\t0-5\n"
		  "cpu/cpu0/topology/core_cpus_list\t0-1\n"
		  "cpu/cpu2/topology/core_cpus_list\t1-3\n"
		  "cpu/cpu4/topology/core_cpus_list\t0-5\n"
		  "node/online\t0-1\n"
		  "node/node0/cpulist\t0-3\n"
		  "node/node1/cpulist\t2-5\n");
	assert_pods(WQ_TOPO_SMT, "0-1 2-3 4-5");
	assert_pods(WQ_TOPO_NUMA, "0-3 4-5");
}

static void list_without_its_own_cpu_does_not_count(void **state)
{
	read_tree("cpu/online\t0-3\n"
		  "cpu/cpu0/topology/core_cpus_list\t1-2\n"
		  "cpu/cpu0/cache/index0/level\t3\n"
		  "cpu/cpu0/cache/index0/shared_cpu_list\t2-3\n");
	assert_pods(WQ_TOPO_SMT, "0 1 2 3");
	assert_pods(WQ_TOPO_CACHE, "0-3");
}

static void cpus_that_are_not_online_are_left_out(void **state)
{
	read_tree("cpu/online\t0-1\n"
		  "cpu/cpu{0-1}/topology/core_cpus_list\t0-7\n"
		  "cpu/cpu{0-1}/cache/index0/level\t3\n"
		  "cpu/cpu{0-1}/cache/index0/shared_cpu_list\t0-8191\n"
		  "node/online\t0\n"
		  "node/node0/cpulist\t0-63\n");
	for (unsigned int scope = WQ_TOPO_SMT; scope < WQ_TOPO_NR_SCOPES; scope++)
		assert_pods(scope, "0-1");
}

static void core_in_two_caches_stays_in_that_of_its_first_cpu(void **state)
{
	read_tree("cpu/online\t0-3\n"
		  "cpu/cpu{0-3}/topology/core_cpus_list\t0,3\n"
		  "cpu/cpu{0-3}/cache/index0/level\t3\n"
		  "cpu/cpu{0-1}/cache/index0/shared_cpu_list\t0-1\n"
		  "cpu/cpu{2-3}/cache/index0/shared_cpu_list\t2-3\n");
	assert_pods(WQ_TOPO_SMT, "0,3 1 2");
	assert_pods(WQ_TOPO_CACHE, "0-1,3 2");
	sysfs_add("cpu/cpu0/topology/core_cpus_list\t0-1\n"
		  "cpu/cpu{2-3}/topology/core_cpus_list\t\n"
		  "cpu/cpu0/cache/index0/shared_cpu_list\t0\n"
		  "cpu/cpu1/cache/index0/shared_cpu_list\t1-3\n"
		  "cpu/cpu2/cache/index0/shared_cpu_list\t2\n"
		  "cpu/cpu3/cache/index0/shared_cpu_list\t3\n");
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_CACHE, "0-1 2 3");
}

static void caches_without_end_are_read_up_to_the_tenth(void **state)
{
	read_tree("cpu/online\t0-3\n"
		  "cpu/cpu{0-3}/cache/index{0-11}/level\t1\n"
		  "cpu/cpu{0-3}/cache/index9/level\t2\n"
		  "cpu/cpu{0-3}/cache/index10/level\t3\n"
		  "cpu/cpu{0-1}/cache/index{0-11}/shared_cpu_list\t0-1\n"
		  "cpu/cpu{2-3}/cache/index{0-11}/shared_cpu_list\t2-3\n"
		  "cpu/cpu{0-3}/cache/index{0,10}/shared_cpu_list\t0-3\n");
	assert_pods(WQ_TOPO_CACHE, "0-1 2-3");
}

static void empty_files_are_as_missing_ones(void **state)
{
	sysfs_load("laptop");
	sysfs_write("cpu/cpu{0-7}/topology/core_cpus_list", "");
	sysfs_write("cpu/cpu{0-7}/cache/index{0-3}/level", "");
	sysfs_write("node/online", "");
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_SMT, "0 1 2 3 4 5 6 7");
	assert_all_together("0-7");
}

static void garbage_is_as_missing_files(void **state)
{
	sysfs_load("two_socket");
	sysfs_write("cpu/cpu{0-63}/topology/core_cpus_list", "0-,\n");
	sysfs_write("cpu/cpu{0-63}/cache/index{0-3}/level", "42\n");
	sysfs_write("cpu/cpu{0-63}/topology/package_cpus_list", "99999999999999999999\n");
	sysfs_write("node/node{0-1}/cpulist", "\001\377none");
	read_with(&no_cpus);
	assert_int_equal(wq_topo_nr_pods(topo, WQ_TOPO_SMT), 64);
	assert_all_together("0-63");
}

static void older_names_of_lists_count_if_they_have_the_cpu(void **state)
{
	read_tree("cpu/online\t0-3\n"
		  "cpu/cpu{0-1}/topology/thread_siblings_list\t0-1\n"
		  "cpu/cpu2/topology/thread_siblings_list\t0-1\n"
		  "cpu/cpu3/topology/thread_siblings_list\tgarbage\n"
		  "cpu/cpu{0-1}/topology/core_siblings_list\t0-1\n"
		  "cpu/cpu2/topology/core_siblings_list\t0-1\n"
		  "cpu/cpu3/topology/core_siblings_list\tgarbage\n");
	assert_pods(WQ_TOPO_SMT, "0-1 2 3");
}

static void level_that_is_no_digit_is_none(void **state)
{
	read_tree("cpu/online\t0-1\n"
		  "cpu/cpu{0-1}/cache/index0/level\t:\n"
		  "cpu/cpu{0-1}/cache/index1/level\t12\n"
		  "cpu/cpu0/cache/index1/shared_cpu_list\t0\n"
		  "cpu/cpu0/cache/index0/shared_cpu_list\t0\n");
	assert_pods(WQ_TOPO_CACHE, "0-1");
}

static void level_may_end_without_a_new_line(void **state)
{
	read_tree("cpu/online\t0-1\n"
		  "cpu/cpu{0-1}/cache/index0/level\t3\n"
		  "cpu/cpu0/cache/index0/shared_cpu_list\t0\n"
		  "cpu/cpu1/cache/index0/shared_cpu_list\t1\n");
	sysfs_write("cpu/cpu{0-1}/cache/index0/level", "3");
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_CACHE, "0 1");
}

static void list_of_cpus_that_is_none_leaves_the_first(void **state)
{
	read_tree("cpu/online\tgarbage\n");
	assert_pods(WQ_TOPO_SMT, "0");
}

static void nodes_are_those_possible_where_none_are_said_to_be_online(void **state)
{
	read_tree("cpu/online\t0-3\n"
		  "node/online\tgarbage\n"
		  "node/possible\t0-1\n"
		  "node/node0/cpulist\t0-1\n"
		  "node/node1/cpulist\t2-3\n");
	assert_pods(WQ_TOPO_NUMA, "0-1 2-3");
	read_tree("cpu/online\t0-3\n"
		  "node/possible\tgarbage\n");
	assert_pods(WQ_TOPO_NUMA, "0-3");
}

static void root_that_is_too_long_is_as_a_missing_one(void **state)
{
	static char root[1 << 20];

	memset(root, '/', sizeof(root) - 1);
	for (size_t len = 4000; len < sizeof(root); len = len < 4100 ? len + 1 : len * 2) {
		root[len] = '\0';
		topo = wq_topo_read(root, &no_cpus);
		assert_non_null(topo);
		assert_pods(WQ_TOPO_CPU, "0");
		wq_topo_free(topo);
		root[len] = '/';
	}
	topo = NULL;
}

static void list_of_thousands_of_numbers_is_read(void **state)
{
	char text[SYSFS_TEXT];
	size_t len = 0;

	for (unsigned int cpu = 0; cpu < WQ_MAX_CPUS; cpu += 3)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u-%u", cpu ? "," : "",
					cpu, cpu + 1);
	sysfs_write("cpu/online", "0-8190\n");
	sysfs_write("node/online", "0-1\n");
	sysfs_write("node/node1/cpulist", text);
	sysfs_write("node/node0/cpulist", "2-8190:1/3\n");
	topo = wq_topo_read(sysfs_root, &no_cpus);
	assert_non_null(topo);
	assert_int_equal(wq_topo_nr_pods(topo, WQ_TOPO_NUMA), 2);
	for (unsigned int cpu = 0; cpu < WQ_MAX_CPUS - 1; cpu++)
		assert_int_equal(wq_topo_pod_of(topo, WQ_TOPO_NUMA, cpu), cpu % 3 == 2);
}

/* Its beginning alone would make sense. */
static void list_that_is_longer_than_any_is_as_a_missing_one(void **state)
{
	char text[SYSFS_TEXT];

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? ',' : '1';
	text[sizeof(text) - 1] = '\0';
	sysfs_write("cpu/online", text);
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_CPU, "0");
	text[4 * WQ_MAX_CPUS - 3] = '\0';
	sysfs_write("cpu/online", text);
	read_with(&no_cpus);
	assert_pods(WQ_TOPO_CPU, "1");
}

/* What a file may hold, a third of it nonsense. */
static const char *random_content(uint64_t *seed)
{
	static const char *const contents[] = {
		"0-3\n",   "4-7\n",         "0-7\n", "0,2,4,6\n", "1-6:1/2\n", "7\n",
		"0\n",     "1\n",           "2\n",   "3\n",       "2-5",       "0-8191\n",
		"1,6-7\n", "Instruction\n", "",      "\n",        "7-0\n",     "8192\n",
		"0-3,\n",  "-1\n",          "x\n",   "0x3\n",     " 1\n",      "0,0,0\n\n"
	};

	return contents[random_below(seed, sizeof(contents) / sizeof(contents[0]))];
}

static void write_at_random(uint64_t *seed)
{
	static const struct {
		const char *directory, *file;
	} files[] = {
		{ "cpu/cpu", "/topology/core_cpus_list" },
		{ "cpu/cpu", "/topology/package_cpus_list" },
		{ "cpu/cpu", "/cache/index0/level" },
		{ "cpu/cpu", "/cache/index0/shared_cpu_list" },
		{ "cpu/cpu", "/cache/index1/level" },
		{ "cpu/cpu", "/cache/index1/type" },
		{ "cpu/cpu", "/cache/index1/shared_cpu_list" },
		{ "node/node", "/cpulist" },
	};
	unsigned int i = random_below(seed, sizeof(files) / sizeof(files[0]));
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), "%s%u%s", files[i].directory, random_below(seed, 8),
		 files[i].file);
	sysfs_write(path, random_content(seed));
}

/* O4 */
static void random_trees_give_partitions_that_nest(void **state)
{
	uint64_t seed = random_seed();

	for (int round = 0; round < 400; round++) {
		for (int i = 0; i < 20; i++)
			write_at_random(&seed);
		sysfs_write("cpu/online", random_below(&seed, 2) ? "0-7\n" : "1,3-6\n");
		sysfs_write("node/online", random_content(&seed));
		read_with(&no_cpus);
	}
}

/* ---------------------------------------------------------------------- other */

static void errno_is_untouched(void **state)
{
	sysfs_load("single");
	errno = 4711;
	topo = wq_topo_read(sysfs_root, &no_cpus);
	wq_topo_free(topo);
	topo = wq_topo_read("/nowhere", &no_cpus);
	assert_int_equal(errno, 4711);
}

static void free_of_nothing_does_nothing(void **state)
{
	wq_topo_free(NULL);
}

static void no_memory_is_null(void)
{
	fault_syscall(SYS_mmap, ENOMEM);
	must(!wq_topo_read("/sys", &no_cpus));
	_exit(0); /* at exit the sanitizers want memory */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		topo_test(lists_of_cpus_that_have_a_place_do_not_count),
		topo_test(overlapping_lists_leave_what_is_placed),
		topo_test(list_without_its_own_cpu_does_not_count),
		topo_test(cpus_that_are_not_online_are_left_out),
		topo_test(core_in_two_caches_stays_in_that_of_its_first_cpu),
		topo_test(caches_without_end_are_read_up_to_the_tenth),
		topo_test(empty_files_are_as_missing_ones),
		topo_test(garbage_is_as_missing_files),
		topo_test(older_names_of_lists_count_if_they_have_the_cpu),
		topo_test(level_that_is_no_digit_is_none),
		topo_test(level_may_end_without_a_new_line),
		topo_test(list_of_cpus_that_is_none_leaves_the_first),
		topo_test(nodes_are_those_possible_where_none_are_said_to_be_online),
		topo_test(root_that_is_too_long_is_as_a_missing_one),
		topo_test(list_of_thousands_of_numbers_is_read),
		topo_test(list_that_is_longer_than_any_is_as_a_missing_one),
		topo_test(random_trees_give_partitions_that_nest),
		topo_test(errno_is_untouched),
		room_test(free_of_nothing_does_nothing),
		child_test(no_memory_is_null),
	};

	return cmocka_run_group_tests_name("topo_odd", tests, NULL, NULL);
}
