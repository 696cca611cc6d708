/* SPDX-License-Identifier: MIT */
/*
 * test_options_off.c - what an option turns off does not happen; and a process with fewer CPUs than
 * its nodes have.
 *
 * Each test has a process of its own: options are read once.
 */
#include "support/topology.h"

#include "support/stuck.h"

static int begin_without_watchdog(void **state)
{
	setenv("WORKQ_WATCHDOG_THRESH_MS", "0", 1);
	return begin_flat(state);
}

/* R1 */
static void watchdog_that_is_turned_off_reports_nothing(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("off", WQ_PERCPU, 0);
	struct blocker blocker;

	(void)state;
	blocker_spin_on(&blocker, allowed_cpu(0), wq);
	run_one_item_on(system_dfl_wq);
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_reported(0);
}

/* Of two nodes with a CPU each. */
static int begin_with_the_first_cpu(void **state)
{
	char cpu[16];

	snprintf(cpu, sizeof(cpu), "%d", allowed_cpu(0));
	setenv("WORKQ_CPUS", cpu, 1);
	return begin_two_nodes(state);
}

/* O6 */
static void item_for_a_node_without_usable_cpus_runs_where_it_can(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("nodes", WQ_UNBOUND, 0);
	struct item item;

	(void)state;
	need_cpus(2);
	for (int node = 0; node < 3; node++) {
		item_init(&item);
		assert_true(queue_work_node(node, wq, &item.work));
		flush_work(&item.work);
		assert_int_equal(item_runs(&item), 1);
	}
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(watchdog_that_is_turned_off_reports_nothing,
						begin_without_watchdog, test_end),
		cmocka_unit_test_setup_teardown(
			item_for_a_node_without_usable_cpus_runs_where_it_can,
			begin_with_the_first_cpu, test_end),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
