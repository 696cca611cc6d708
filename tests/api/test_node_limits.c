/* SPDX-License-Identifier: MIT */
/*
 * test_node_limits.c - how many items of an unbound queue are active at once, on machines of
 * two nodes and of one with two pods: guarantees C3, C4, C6, C7; and queue_work_node().
 */
#include "support/topology.h"

/* ------------------------------------------------------------- items that stay inside */

enum {
	CROWD = 64,
};

struct crowd {
	struct workqueue_struct *wq;
	struct item item[CROWD];
	struct gate go[CROWD];
	struct trail trail;
	int next; /* id of the one to be queued next */
	int due;  /* how many must have run in the end */
};

static struct crowd crowd;

/* Even ids are for the first CPU, odd ones for the second. */
static void crowd_begin(int max_active, struct wish wish)
{
	memset(&crowd, 0, sizeof(crowd));
	crowd.wq = alloc_workqueue("crowd", WQ_UNBOUND, max_active);
	assert_non_null(crowd.wq);
	assert_int_equal(apply_wish(crowd.wq, wish), 0);
	for (int i = 0; i < CROWD; i++) {
		gate_init(&crowd.go[i]);
		item_init_held(&crowd.item[i], &crowd.go[i]);
		crowd.item[i].trail = &crowd.trail;
		crowd.item[i].id = i;
	}
}

/* The next @nr of a side; @return the last of them. */
static int crowd_queue(int side, int nr)
{
	int id = -1;

	for (; nr > 0; nr--) {
		id = crowd.next + (crowd.next % 2 != side);
		assert_true(id < CROWD);
		assert_true(queue_work_on(allowed_cpu(side), crowd.wq, &crowd.item[id].work));
		crowd.next = id + 1;
		crowd.due++;
	}
	return id;
}

/* Is exact when nobody leaves meanwhile. */
static int inside(int side)
{
	int nr = 0;

	for (int id = side; id < crowd.next; id += 2)
		nr += item_is_running(&crowd.item[id]);
	return nr;
}

/* So many of each side, and it stays so. */
static void assert_inside(int first, int second)
{
	wait_until(inside(0) >= first && inside(1) >= second);
	assert_not_yet(inside(0) != first || inside(1) != second);
}

static void assert_inside_in_all(int nr)
{
	wait_until(inside(0) + inside(1) >= nr);
	assert_not_yet(inside(0) + inside(1) != nr);
}

/* Let the first of a side that is inside leave. */
static void crowd_let_one_go(int side)
{
	for (int id = side; id < crowd.next; id += 2) {
		if (!item_is_running(&crowd.item[id]))
			continue;
		gate_open(&crowd.go[id]);
		wait_until(!item_is_running(&crowd.item[id]));
		return;
	}
	fail_msg("nobody of side %d is inside", side);
}

static void crowd_let_go(void)
{
	for (int id = 0; id < CROWD; id++)
		gate_open(&crowd.go[id]);
}

static void crowd_end(void)
{
	crowd_let_go();
	destroy_workqueue(crowd.wq);
	assert_int_equal(atomic_load(&crowd.trail.len), crowd.due);
}

static bool is_congested(int side)
{
	return workqueue_congested(allowed_cpu(side), crowd.wq);
}

/* ---------------------------------------------------------------------- C3: two nodes */

/* @max_active and @min_active make @limit on each of two nodes of one CPU each. */
static void check_share(int max_active, int min_active, int limit, enum wq_affn_scope scope)
{
	crowd_begin(max_active, (struct wish){ .scope = scope });
	workqueue_set_min_active(crowd.wq, min_active);
	crowd_queue(0, limit + 2);
	assert_inside(limit, 0);
	crowd_queue(1, limit + 2);
	assert_inside(limit, limit);
	crowd_let_one_go(1);
	crowd_let_one_go(0);
	assert_inside(limit, limit);
	crowd_end();
}

/* C3 */
static void node_limit_is_its_share_of_max_active_rounded_up(void **state)
{
	(void)state;
	check_share(6, 1, 3, WQ_AFFN_NUMA);
	check_share(5, 1, 3, WQ_AFFN_NUMA);
	check_share(2, 1, 1, WQ_AFFN_CPU);
	check_share(1, 1, 1, WQ_AFFN_NUMA);
}

/* C3 */
static void node_limit_is_at_least_min_active(void **state)
{
	(void)state;
	check_share(6, 5, 5, WQ_AFFN_NUMA);
	check_share(6, 6, 6, WQ_AFFN_CPU);
	check_share(3, 0, 2, WQ_AFFN_NUMA);
}

/* C3 */
static void node_limit_of_a_strict_queue_is_the_same(void **state)
{
	(void)state;
	crowd_begin(4, (struct wish){ .scope = WQ_AFFN_CPU, .strict = true, .nice = 11 });
	workqueue_set_min_active(crowd.wq, 1);
	crowd_queue(0, 4);
	crowd_queue(1, 4);
	assert_inside(2, 2);
	crowd_end();
}

/* C4 */
static void node_limit_of_a_new_queue_lets_eight_meet_on_each_node(void **state)
{
	(void)state;
	for (int max_active = 8; max_active <= 16; max_active += 8) {
		crowd_begin(max_active, (struct wish){ .scope = WQ_AFFN_NUMA });
		crowd_queue(0, 10);
		crowd_queue(1, 10);
		assert_inside(8, 8);
		crowd_end();
	}
}

/* C4 */
static void node_limit_of_a_small_queue_is_max_active_on_each_node(void **state)
{
	(void)state;
	crowd_begin(3, (struct wish){ .scope = WQ_AFFN_NUMA });
	crowd_queue(0, 5);
	crowd_queue(1, 5);
	assert_inside(3, 3);
	crowd_end();
}

/* A pool that spans the nodes belongs to none of them. */
/* C3 */
static void node_limit_of_pods_across_nodes_is_max_active(void **state)
{
	(void)state;
	crowd_begin(5, (struct wish){ .scope = WQ_AFFN_SYSTEM });
	workqueue_set_min_active(crowd.wq, 1);
	crowd_queue(0, 4);
	crowd_queue(1, 4);
	assert_inside_in_all(5);
	crowd_let_one_go(inside(0) ? 0 : 1);
	assert_inside_in_all(5);
	crowd_end();
}

/* C3 */
static void node_limit_of_a_mask_on_one_node_is_max_active_there(void **state)
{
	(void)state;
	crowd_begin(5, (struct wish){ .scope = WQ_AFFN_NUMA, .cpus = 1 });
	workqueue_set_min_active(crowd.wq, 1);
	crowd_queue(0, 7);
	assert_inside(5, 0);
	crowd_end();
}

/* C7 */
static void node_limit_without_an_allowed_cpu_is_min_active(void **state)
{
	(void)state;
	crowd_begin(10, (struct wish){ .scope = WQ_AFFN_NUMA });
	workqueue_set_min_active(crowd.wq, 2);
	crowd_queue(1, 8);
	assert_inside(0, 5);
	/* The second node loses its CPU; what is queued there finishes there. */
	assert_int_equal(apply(crowd.wq, .scope = WQ_AFFN_NUMA, .cpus = 1), 0);
	for (int rest = 4; rest >= 2; rest--) {
		crowd_let_one_go(1);
		assert_inside(0, rest);
	}
	crowd_let_one_go(1);
	assert_inside(0, 2);
	crowd_queue(0, 12);
	assert_inside(10, 2);
	crowd_end();
}

/* --------------------------------------------------------------- C6, set_min_active */

/* C6 */
static void node_limit_raised_starts_waiting_ones_on_all_nodes(void **state)
{
	(void)state;
	crowd_begin(2, (struct wish){ .scope = WQ_AFFN_NUMA });
	workqueue_set_min_active(crowd.wq, 1);
	crowd_queue(0, 9);
	crowd_queue(1, 9);
	assert_inside(1, 1);
	workqueue_set_max_active(crowd.wq, 7);
	assert_inside(4, 4);
	workqueue_set_min_active(crowd.wq, 6);
	assert_inside(6, 6);
	workqueue_set_max_active(crowd.wq, 100);
	assert_inside(9, 9);
	crowd_end();
}

/* C6 */
static void node_limit_lowered_stops_nobody_and_then_holds(void **state)
{
	(void)state;
	crowd_begin(8, (struct wish){ .scope = WQ_AFFN_NUMA });
	workqueue_set_min_active(crowd.wq, 1);
	crowd_queue(0, 6);
	crowd_queue(1, 6);
	assert_inside(4, 4);
	workqueue_set_max_active(crowd.wq, 4);
	assert_inside(4, 4);
	crowd_let_one_go(0);
	crowd_let_one_go(0);
	assert_inside(2, 4);
	crowd_let_one_go(0);
	assert_inside(2, 4);
	crowd_let_one_go(1);
	assert_inside(2, 3);
	crowd_end();
}

/* C6 */
static void set_max_active_lowered_lowers_min_active_for_good(void **state)
{
	(void)state;
	crowd_begin(10, (struct wish){ .scope = WQ_AFFN_NUMA });
	workqueue_set_max_active(crowd.wq, 2);
	crowd_queue(0, 11);
	assert_inside(2, 0);
	workqueue_set_max_active(crowd.wq, 10);
	assert_inside(5, 0);
	crowd_end();
}

/* C4 */
static void set_min_active_out_of_range_is_clamped(void **state)
{
	(void)state;
	crowd_begin(6, (struct wish){ .scope = WQ_AFFN_NUMA });
	workqueue_set_min_active(crowd.wq, -7);
	crowd_queue(0, 8);
	assert_inside(3, 0);
	workqueue_set_min_active(crowd.wq, 1000);
	assert_inside(6, 0);
	crowd_end();
}

/* C4 */
static void set_min_active_of_others_than_plain_unbound_is_reported(void **state)
{
	struct workqueue_struct *wq[] = {
		alloc_workqueue("percpu", WQ_PERCPU, 4),
		alloc_workqueue("bh", WQ_BH, 0),
		alloc_ordered_workqueue("ordered", 0),
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_non_null(wq[i]);
		workqueue_set_min_active(wq[i], 2);
		assert_warned();
		run_one_item_on(wq[i]);
		destroy_workqueue(wq[i]);
	}
}

/* --------------------------------------------------------- one node, two pods share */

static const struct wish two_pods = { .scope = WQ_AFFN_CPU };

/* C3 */
static void pods_of_one_node_share_its_limit(void **state)
{
	(void)state;
	crowd_begin(2, two_pods);
	crowd_queue(0, 4);
	assert_inside(2, 0);
	crowd_queue(1, 4);
	assert_inside(2, 0);
	assert_true(is_congested(1));
	crowd_let_one_go(0);
	assert_inside_in_all(2);
	crowd_let_one_go(inside(0) ? 0 : 1);
	assert_inside_in_all(2);
	crowd_end();
}

/* B10 */
static void pods_of_one_node_with_max_active_one_run_one_at_a_time(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("one", WQ_UNBOUND, 1);
	static struct item item[CROWD];
	struct meter meter = { 0 };

	(void)state;
	assert_int_equal(apply(wq, .scope = WQ_AFFN_CPU, .strict = true), 0);
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < CROWD; i++) {
			if (round == 0) {
				item_init(&item[i]);
				item[i].meter = &meter;
			}
			queue_work_on(allowed_cpu(i % 2), wq, &item[i].work);
		}
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&meter.most), 1);
	for (int i = 0; i < CROWD; i++)
		assert_true(item_runs(&item[i]) > 0);
}

/* Both pods wait: nobody gets a third turn while the other waits. */
/* C4 */
static void pods_of_one_node_are_served_in_turn(void **state)
{
	int row = 0;

	(void)state;
	crowd_begin(1, two_pods);
	crowd_queue(0, 10);
	crowd_queue(1, 10);
	wait_until(is_congested(0) && is_congested(1));
	crowd_let_go();
	destroy_workqueue(crowd.wq);
	assert_int_equal(atomic_load(&crowd.trail.len), 20);
	for (int i = 1; i < 20; i++) {
		row = crowd.trail.id[i] % 2 == crowd.trail.id[i - 1] % 2 ? row + 1 : 0;
		assert_true(row < 2 || i > 17);
	}
}

/* C6 */
static void pods_of_one_node_raised_limit_starts_waiting_ones_of_both(void **state)
{
	(void)state;
	crowd_begin(1, two_pods);
	crowd_queue(0, 4);
	crowd_queue(1, 4);
	assert_inside_in_all(1);
	workqueue_set_max_active(crowd.wq, 8);
	assert_inside(4, 4);
	crowd_end();
}

/* The first CPU's pod or the second's waits longer, and its item is cancelled. */
static void check_cancelled(int side)
{
	int cancelled, next;

	crowd_begin(1, two_pods);
	crowd_queue(0, 1);
	assert_inside(1, 0);
	cancelled = crowd_queue(side, 1);
	assert_true(is_congested(side));
	next = crowd_queue(!side, 1);
	assert_true(is_congested(!side));
	assert_true(cancel_work(&crowd.item[cancelled].work));
	crowd.due--;
	assert_false(is_congested(side));
	crowd_let_one_go(0);
	wait_until(item_is_running(&crowd.item[next]));
	crowd_end();
}

/* C3 G1 */
static void pods_of_one_node_cancelled_one_does_not_stop_the_next(void **state)
{
	(void)state;
	check_cancelled(0);
	check_cancelled(1);
}

/* C3 */
static void pods_of_one_node_congested_is_told_of_each(void **state)
{
	(void)state;
	crowd_begin(1, two_pods);
	crowd_queue(0, 1);
	assert_inside(1, 0);
	assert_false(is_congested(0));
	assert_false(is_congested(1));
	crowd_queue(1, 1);
	assert_false(is_congested(0));
	assert_true(is_congested(1));
	crowd_end();
}

/* C3 D1 */
static void pods_of_one_node_flush_waits_for_those_held_back_on_another(void **state)
{
	struct call call;

	(void)state;
	crowd_begin(1, two_pods);
	crowd_queue(0, 1);
	crowd_queue(1, 2);
	call_start(&call, do_flush_workqueue, crowd.wq);
	assert_true(call_blocks(&call));
	crowd_let_go();
	call_join(&call);
	assert_int_equal(atomic_load(&crowd.trail.len), 3);
	crowd_end();
}

/* ------------------------------------------------------- limits while attributes change */

/* C3 O7 */
static void limit_holds_for_old_and_new_pools_together(void **state)
{
	(void)state;
	crowd_begin(2, (struct wish){ .nice = 11 });
	crowd_queue(0, 3);
	assert_inside(2, 0);
	assert_int_equal(apply(crowd.wq, .nice = 12), 0);
	crowd_queue(1, 3);
	assert_inside_in_all(2);
	for (int i = 0; i < 4; i++) {
		crowd_let_one_go(inside(0) ? 0 : 1);
		assert_inside_in_all(2);
	}
	crowd_end();
}

/* C3 O7 */
static void limit_holds_across_scope_changes_of_two_nodes(void **state)
{
	(void)state;
	crowd_begin(4, (struct wish){ .scope = WQ_AFFN_NUMA });
	workqueue_set_min_active(crowd.wq, 1);
	crowd_queue(0, 4);
	crowd_queue(1, 4);
	assert_inside(2, 2);
	assert_int_equal(apply(crowd.wq, .scope = WQ_AFFN_CPU, .strict = true), 0);
	crowd_queue(0, 2);
	assert_inside(2, 2);
	crowd_let_one_go(0);
	crowd_let_one_go(0);
	assert_inside(2, 2);
	crowd_end();
}

/* ----------------------------------------------------------------- queue_work_node() */

static struct witness witness_of_node(int node, struct workqueue_struct *wq)
{
	struct witness witness;

	witness_init(&witness, NULL);
	assert_true(queue_work_node(node, wq, &witness.item.work));
	flush_work(&witness.item.work);
	assert_int_equal(item_runs(&witness.item), 1);
	return witness;
}

static int begin_sparse_nodes(void **state)
{
	topology_fake(&(struct topology){ .node = { 2, 9 } });
	return test_begin(state);
}

/* O2 */
static void queue_work_node_runs_on_that_node(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(wq, .scope = WQ_AFFN_NUMA, .strict = true), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(witness_of_node(2, wq).cpus, 1);
		assert_int_equal(witness_of_node(9, wq).cpus, 2);
	}
	destroy_workqueue(wq);
}

/* O2 */
static void queue_work_node_that_is_not_there_runs_as_queue_work(void **state)
{
	static const int node[] = { -1, 0, 3, 10, 1 << 20, -(1 << 30) };
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(node) / sizeof(node[0]); i++)
		witness_of_node(node[i], wq);
	destroy_workqueue(wq);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		two_nodes_test(node_limit_is_its_share_of_max_active_rounded_up),
		two_nodes_test(node_limit_is_at_least_min_active),
		two_nodes_test(node_limit_of_a_strict_queue_is_the_same),
		two_nodes_test(node_limit_of_a_new_queue_lets_eight_meet_on_each_node),
		two_nodes_test(node_limit_of_a_small_queue_is_max_active_on_each_node),
		two_nodes_test(node_limit_of_pods_across_nodes_is_max_active),
		two_nodes_test(node_limit_of_a_mask_on_one_node_is_max_active_there),
		two_nodes_test(node_limit_without_an_allowed_cpu_is_min_active),
		two_nodes_test(node_limit_raised_starts_waiting_ones_on_all_nodes),
		two_nodes_test(node_limit_lowered_stops_nobody_and_then_holds),
		two_nodes_test(set_max_active_lowered_lowers_min_active_for_good),
		two_nodes_test(set_min_active_out_of_range_is_clamped),
		flat_test(set_min_active_of_others_than_plain_unbound_is_reported),
		flat_test(pods_of_one_node_share_its_limit),
		flat_test(pods_of_one_node_with_max_active_one_run_one_at_a_time),
		flat_test(pods_of_one_node_are_served_in_turn),
		flat_test(pods_of_one_node_raised_limit_starts_waiting_ones_of_both),
		flat_test(pods_of_one_node_cancelled_one_does_not_stop_the_next),
		flat_test(pods_of_one_node_congested_is_told_of_each),
		flat_test(pods_of_one_node_flush_waits_for_those_held_back_on_another),
		flat_test(limit_holds_for_old_and_new_pools_together),
		two_nodes_test(limit_holds_across_scope_changes_of_two_nodes),
		cmocka_unit_test_setup_teardown(queue_work_node_runs_on_that_node,
						begin_sparse_nodes, test_end),
		cmocka_unit_test_setup_teardown(queue_work_node_that_is_not_there_runs_as_queue_work,
						begin_sparse_nodes, test_end),
	};

	(void)argc;
	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
