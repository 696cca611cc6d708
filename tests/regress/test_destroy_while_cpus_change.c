/* SPDX-License-Identifier: MIT */
/*
 * test_destroy_while_cpus_change.c - a queue goes while another thread changes all queues.
 *
 * A change of the CPUs for unbound work, or of the default scope, also replaced the pwqs
 * of queues that were just being destroyed. destroy_workqueue() had looked for replaced
 * ones before that: it freed these with their release queued, and then the queue, and the
 * release worked on what was no longer there. Now a queue is off the list of all before
 * anybody looks. Other tests changed all queues, but destroyed theirs afterwards.
 *
 * Both sides meet by chance: it went wrong within the first few hundred queues.
 */
#include "support/topology.h"

enum {
	QUEUES = 250,
};

static atomic_bool is_enough;

static long change_mask(void *arg)
{
	for (unsigned int i = 0; !atomic_load(&is_enough); i++)
		assert_int_equal(set_unbound_mask(i % 2 ? 1 : 3), 0);
	return 0;
}

static long change_housekeeping(void *arg)
{
	for (unsigned int i = 0; !atomic_load(&is_enough); i++) {
		struct cpumask cpus = mask_of(i % 2 ? 1 : 3);

		assert_int_equal(workqueue_unbound_housekeeping_update(&cpus), 0);
	}
	return 0;
}

static long change_scope(void *arg)
{
	for (unsigned int i = 0; !atomic_load(&is_enough); i++)
		assert_int_equal(workq_attr_write("parameters/default_affinity_scope",
						  i % 2 ? "cpu" : "system"),
				 0);
	return 0;
}

static void check_destroying_while(long (*change)(void *arg))
{
	struct workqueue_struct *wq;
	struct item item;
	struct call changer;

	atomic_store(&is_enough, false);
	call_start(&changer, change, NULL);
	for (int i = 0; i < QUEUES; i++) {
		wq = i % 2 ? alloc_ordered_workqueue("q%d", 0, i) :
			     alloc_workqueue("q%d", WQ_UNBOUND, 0, i);
		assert_non_null(wq);
		item_init(&item);
		assert_true(queue_work(wq, &item.work));
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&item), 1);
	}
	atomic_store(&is_enough, true);
	call_join(&changer);
	run_one_item_on(system_dfl_wq);
}

/* F4 O6 */
static void destroy_while_the_unbound_mask_changes_leaves_nothing_behind(void **state)
{
	check_destroying_while(change_mask);
}

/* F4 O6 */
static void destroy_while_housekeeping_changes_leaves_nothing_behind(void **state)
{
	check_destroying_while(change_housekeeping);
}

/* F4 O7 */
static void destroy_while_the_default_scope_changes_leaves_nothing_behind(void **state)
{
	check_destroying_while(change_scope);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		two_nodes_test(destroy_while_the_unbound_mask_changes_leaves_nothing_behind),
		two_nodes_test(destroy_while_housekeeping_changes_leaves_nothing_behind),
		two_nodes_test(destroy_while_the_default_scope_changes_leaves_nothing_behind),
	};

	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
