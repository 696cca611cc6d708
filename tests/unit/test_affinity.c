/* SPDX-License-Identifier: MIT */
/*
 * test_affinity.c - the machine's topology, scopes by name, and the CPUs for unbound queues.
 *
 * Each test has a process of its own.
 */
#include "two_nodes.h"

#include "lines.h"

static void start_affinity(void)
{
	wq_report_set_fn(lines_catch);
	wq_lock_acquire(&wq_config_lock);
	must(wq_affinity_start() == 0);
	wq_lock_release(&wq_config_lock);
}

static void begin(void)
{
	set_two_nodes("0-11");
	start_affinity();
}

static void must_have_noted(const char *what)
{
	must(atomic_load(&lines_caught) == 1);
	must(strstr(line_kept[0], "workq: note: ") && strstr(line_kept[0], what));
}

/* ------------------------------------------------------------------- scopes */

/* O2 */
static void scopes_have_the_names_of_sysfs(void)
{
	static const char *const names[WQ_AFFN_NR_TYPES] = {
		[WQ_AFFN_DFL] = "default",   [WQ_AFFN_CPU] = "cpu",
		[WQ_AFFN_SMT] = "smt",       [WQ_AFFN_CACHE] = "cache",
		[WQ_AFFN_NUMA] = "numa",     [WQ_AFFN_CACHE_SHARD] = "cache_shard",
		[WQ_AFFN_SYSTEM] = "system",
	};

	for (int scope = 0; scope < WQ_AFFN_NR_TYPES; scope++) {
		must(!strcmp(wq_affinity_scope_name((unsigned int)scope), names[scope]));
		must(wq_affinity_scope_named(names[scope]) == scope);
	}
}

static void names_that_are_no_scopes_are_none(void)
{
	must(wq_affinity_scope_named("") == -1);
	must(wq_affinity_scope_named("CPU") == -1);
	must(wq_affinity_scope_named("cpu ") == -1);
	must(wq_affinity_scope_named("cache_shards") == -1);
	must(wq_affinity_scope_named("0") == -1);
}

static void must_start_with_scope(const char *name, unsigned int scope)
{
	set_two_nodes("0-11");
	wq_options.affinity_scope = name;
	start_affinity();
	must(wq_affinity_default_scope == scope);
}

static void default_scope_is_that_of_the_option(void)
{
	must_start_with_scope("numa", WQ_AFFN_NUMA);
	must(atomic_load(&lines_caught) == 0);
}

static void bad_scope_is_noted_and_cache_shard_taken(void)
{
	must_start_with_scope("socket", WQ_AFFN_CACHE_SHARD);
	must_have_noted("WORKQ_AFFINITY_SCOPE=socket is not one of cpu smt cache cache_shard "
			"numa system; using cache_shard");
}

/* It would stand for itself. */
static void default_scope_cannot_be_the_default(void)
{
	must_start_with_scope("default", WQ_AFFN_CACHE_SHARD);
	must_have_noted("WORKQ_AFFINITY_SCOPE=default");
}

static void attributes_without_a_scope_have_the_default(void)
{
	struct wq_attrs attrs = { .scope = WQ_AFFN_DFL };

	begin();
	must(wq_affinity_scope(&attrs) == WQ_AFFN_CACHE_SHARD);
	wq_affinity_default_scope = WQ_AFFN_SMT;
	must(wq_affinity_scope(&attrs) == WQ_AFFN_SMT);
	attrs.scope = WQ_AFFN_SYSTEM;
	must(wq_affinity_scope(&attrs) == WQ_AFFN_SYSTEM);
}

/* ---------------------------------------------------------- CPUs for unbound queues */

/* O6 */
static void all_allowed_cpus_are_for_unbound_queues(void)
{
	set_two_nodes("1-3,8");
	start_affinity();
	must(is_list(&wq_affinity_cpus.unbound, "1-3,8"));
	/* those that may come later are among them */
	must(is_list(&wq_affinity_cpus.requested, "0-15"));
	must(is_list(&wq_affinity_cpus.housekeeping, "0-15"));
	must(atomic_load(&lines_caught) == 0);
}

static void start_with_unbound(const char *list)
{
	set_two_nodes("0-7");
	wq_options.unbound_cpus = list;
	start_affinity();
}

/* O6 */
static void option_names_the_cpus_for_unbound_queues(void)
{
	start_with_unbound("2-3,6,9");
	must(is_list(&wq_affinity_cpus.unbound, "2-3,6"));
	must(is_list(&wq_affinity_cpus.requested, "2-3,6,9"));
	must(is_list(&wq_affinity_cpus.housekeeping, "0-15"));
	must(atomic_load(&lines_caught) == 0);
}

/* O6 */
static void option_that_names_no_allowed_cpu_is_noted_and_all_taken(void)
{
	start_with_unbound("8-9");
	must_have_noted("WORKQ_UNBOUND_CPUS=8-9");
	must(is_list(&wq_affinity_cpus.unbound, "0-7"));
	must(is_list(&wq_affinity_cpus.requested, "0-15"));
}

/* O6 */
static void option_that_is_no_list_is_noted_and_all_taken(void)
{
	start_with_unbound("1-");
	must_have_noted("WORKQ_UNBOUND_CPUS=1-");
	must(is_list(&wq_affinity_cpus.unbound, "0-7"));
	must(is_list(&wq_affinity_cpus.requested, "0-15"));
}

/* O6 */
static void unbound_cpus_are_requested_housekeeping_and_allowed(void)
{
	struct wq_affinity_cpus cpus;

	set_two_nodes("0-7");
	start_affinity();
	cpus.requested = set_of("2-11");
	cpus.housekeeping = set_of("0-3,7-9");
	must(wq_affinity_combine(&cpus));
	must(is_list(&cpus.unbound, "2-3,7"));
	cpus.housekeeping = set_of("0-1");
	must(!wq_affinity_combine(&cpus));
	cpus.housekeeping = set_of("8-11");
	must(!wq_affinity_combine(&cpus));
}

static void must_be_effective(const char *cpus, const char *effective)
{
	struct wq_attrs attrs = { .cpus = set_of(cpus) };
	struct wq_cpuset usable;

	wq_lock_acquire(&wq_config_lock);
	wq_affinity_effective(&attrs, &usable);
	wq_lock_release(&wq_config_lock);
	must(is_list(&usable, effective));
}

/* O3 */
static void queue_runs_where_its_mask_and_the_unbound_one_meet_or_on_the_latter(void)
{
	start_with_unbound("2-5");
	must_be_effective("0-11", "2-5");
	must_be_effective("0-3", "2-3");
	must_be_effective("5-8191", "5");
	must_be_effective("0-1,6-11", "2-5");
	must_be_effective("", "2-5");
}

/* --------------------------------------------------------------------- nodes */

static unsigned int node_of(const char *list)
{
	struct wq_cpuset cpus = set_of(list);

	return wq_affinity_node_of(&cpus);
}

/* C3 */
static void cpus_within_one_node_are_of_it(void)
{
	begin();
	must(wq_affinity_nr_nodes() == NR_NODES);
	must(node_of("0") == 0 && node_of("0-7") == 0 && node_of("3,6") == 0);
	must(node_of("8") == 1 && node_of("8-11") == 1);
}

/* C3 */
static void cpus_of_several_nodes_are_of_none(void)
{
	begin();
	must(node_of("0-11") == NR_NODES);
	must(node_of("7-8") == NR_NODES);
	must(node_of("0,11") == NR_NODES);
}

static void machine_that_says_nothing_has_one_node(void)
{
	set_two_nodes("0-11");
	wq_options.sysfs_root = "/nonexistent";
	start_affinity();
	must(wq_affinity_nr_nodes() == 1);
	must(node_of("0-11") == 0);
}

/* Starting may be tried again after a later step has failed. */
static void topology_is_read_once(void)
{
	struct wq_topo *topo;

	begin();
	topo = wq_affinity_topo;
	wq_options.affinity_scope = "cpu";
	start_affinity();
	must(wq_affinity_topo == topo);
	must(wq_affinity_default_scope == WQ_AFFN_CACHE_SHARD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(scopes_have_the_names_of_sysfs),
		child_test(names_that_are_no_scopes_are_none),
		node_test(default_scope_is_that_of_the_option),
		node_test(bad_scope_is_noted_and_cache_shard_taken),
		node_test(default_scope_cannot_be_the_default),
		node_test(attributes_without_a_scope_have_the_default),
		node_test(all_allowed_cpus_are_for_unbound_queues),
		node_test(option_names_the_cpus_for_unbound_queues),
		node_test(option_that_names_no_allowed_cpu_is_noted_and_all_taken),
		node_test(option_that_is_no_list_is_noted_and_all_taken),
		node_test(unbound_cpus_are_requested_housekeeping_and_allowed),
		node_test(queue_runs_where_its_mask_and_the_unbound_one_meet_or_on_the_latter),
		node_test(cpus_within_one_node_are_of_it),
		node_test(cpus_of_several_nodes_are_of_none),
		node_test(machine_that_says_nothing_has_one_node),
		node_test(topology_is_read_once),
	};

	return cmocka_run_group_tests_name("affinity", tests, NULL, NULL);
}
