/* SPDX-License-Identifier: MIT */
/*
 * test_node_without_cpus_lets_items_go.c - items that a limit holds back on a node, and
 * then the queue may not use that node any more.
 *
 * They stay on the node's old pwq, which is left when they are through. The limit of a node
 * without a usable CPU was min_active; with workqueue_set_min_active(wq, 0) that was 0,
 * which is what freezing means: they never ran, and who flushed, drained or destroyed the
 * queue waited for ever. The limit is 1 at least now. Other tests of such a node had
 * min_active 1, or nothing held back.
 */
#include "support/topology.h"

enum {
	ROW = 5,
};

static struct workqueue_struct *wq;
static struct blocker blocker;
static struct item row[ROW];

/* One item runs on the second node, the others are held back there. */
static void hold_items_back(unsigned int flags)
{
	wq = alloc_workqueue("q", WQ_UNBOUND | flags, 1);
	assert_non_null(wq);
	workqueue_set_min_active(wq, 0);
	blocker_start_on(&blocker, allowed_cpu(1), wq);
	for (int i = 0; i < ROW; i++) {
		item_init(&row[i]);
		assert_true(queue_work_on(allowed_cpu(1), wq, &row[i].work));
	}
	for (int i = 0; i < ROW; i++)
		assert_not_yet(item_runs(&row[i]));
}

static void check_all_run(void)
{
	struct call flusher;

	gate_open(&blocker.go);
	call_start(&flusher, do_flush_workqueue, wq);
	call_join(&flusher);
	for (int i = 0; i < ROW; i++)
		assert_int_equal(item_runs(&row[i]), 1);
	run_one_item_on(wq);
	call_start(&flusher, do_destroy_workqueue, wq);
	call_join(&flusher);
}

/* C7 O6 */
static void items_held_back_run_after_the_unbound_mask_took_their_node(void **state)
{
	hold_items_back(0);
	assert_int_equal(set_unbound_mask(1), 0);
	check_all_run();
}

/* C7 O7 */
static void items_held_back_run_after_the_queues_cpumask_took_their_node(void **state)
{
	hold_items_back(0);
	assert_int_equal(apply(wq, .cpus = 1), 0);
	check_all_run();
}

/* C7 N2 */
static void items_held_back_run_when_thawed_after_their_node_was_taken(void **state)
{
	hold_items_back(WQ_FREEZABLE);
	freeze_workqueues_begin();
	assert_int_equal(set_unbound_mask(1), 0);
	gate_open(&blocker.go);
	wait_until(!freeze_workqueues_busy());
	for (int i = 0; i < ROW; i++)
		assert_int_equal(item_runs(&row[i]), 0);
	thaw_workqueues();
	check_all_run();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		two_nodes_test(items_held_back_run_after_the_unbound_mask_took_their_node),
		two_nodes_test(items_held_back_run_after_the_queues_cpumask_took_their_node),
		two_nodes_test(items_held_back_run_when_thawed_after_their_node_was_taken),
	};

	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
