/* SPDX-License-Identifier: MIT */
/*
 * test_attrs_ordered.c - ordered queues whose attributes change: guarantee B9.
 *
 * An item that is queued after a change waits in a pool of its own until everything from
 * before the change is through. Here that is arranged with a blocker in the first pool, and
 * searched for with producers on both CPUs.
 */
#include "support/topology.h"

/* Each changes the queue's pool, another way for another nr. */
typedef void (*change_fn)(struct workqueue_struct *wq, int nr);

static void change_attrs(struct workqueue_struct *wq, int nr)
{
	assert_int_equal(apply(wq, .nice = 10 + nr % 5, .scope = nr % WQ_AFFN_NR_TYPES,
			       .strict = nr % 2, .cpus = nr % 4),
			 0);
}

static void change_unbound_mask(struct workqueue_struct *wq, int nr)
{
	(void)wq;
	assert_int_equal(set_unbound_mask(1 + nr % 3), 0);
}

static void change_housekeeping(struct workqueue_struct *wq, int nr)
{
	struct cpumask mask = mask_of(1 + nr % 3);

	(void)wq;
	assert_int_equal(workqueue_unbound_housekeeping_update(&mask), 0);
}

static void change_default_scope(struct workqueue_struct *wq, int nr)
{
	static const char *const name[] = { "cpu", "smt", "cache_shard", "cache", "numa", "system" };

	(void)wq;
	assert_int_equal(workq_attr_write("parameters/default_affinity_scope", name[nr % 6]), 0);
}

/* Without housekeeping: with a mask that is taken out of it nothing would be left. */
static void change_all(struct workqueue_struct *wq, int nr)
{
	static const change_fn change[] = { change_attrs, change_unbound_mask,
					    change_default_scope };

	change[nr % 3](wq, nr / 3);
}

/* ------------------------------------------------------- a row, held by a blocker */

enum {
	ROW = 24,
};

struct row {
	struct workqueue_struct *wq;
	struct blocker blocker;
	struct item item[ROW];
	struct trail trail;
	struct meter meter;
};

/* The first of them is inside, in the first pool. */
static void row_begin(struct row *row, struct workqueue_struct *wq)
{
	memset(row, 0, sizeof(*row));
	assert_non_null(wq);
	row->wq = wq;
	for (int i = 0; i < ROW; i++) {
		item_init(&row->item[i]);
		row->item[i].id = i;
		row->item[i].trail = &row->trail;
		row->item[i].meter = &row->meter;
	}
	blocker_start(&row->blocker, wq);
}

static void row_queue(struct row *row, int nth)
{
	assert_true(queue_work_on(allowed_cpu(nth % 2), row->wq, &row->item[nth].work));
}

static void row_check(struct row *row, int first, int nr)
{
	assert_int_equal(atomic_load(&row->meter.most), 1);
	assert_true(trail_is_ascending(&row->trail, first, nr));
}

/* A change after every @per items. */
static void check_changes(change_fn change, int per)
{
	static struct row row;

	row_begin(&row, alloc_ordered_workqueue("ordered", 0));
	for (int i = 0; i < ROW; i++) {
		if (i % per == 0)
			change(row.wq, i / per);
		row_queue(&row, i);
	}
	assert_not_yet(atomic_load(&row.trail.len) > 0);
	blocker_release(&row.blocker);
	destroy_workqueue(row.wq);
	row_check(&row, 0, ROW);
}

/* B9 */
static void ordered_queue_attrs_change_before_each_item_keeps_order(void **state)
{
	(void)state;
	check_changes(change_attrs, 1);
	check_changes(change_attrs, 4);
}

/* B9 O6 */
static void ordered_queue_unbound_mask_changes_keep_order(void **state)
{
	(void)state;
	check_changes(change_unbound_mask, 1);
	check_changes(change_housekeeping, 3);
}

/* B9 */
static void ordered_queue_default_scope_changes_keep_order(void **state)
{
	(void)state;
	check_changes(change_default_scope, 1);
}

/* B9 */
static void ordered_queue_all_kinds_of_changes_keep_order(void **state)
{
	(void)state;
	check_changes(change_all, 1);
	check_changes(change_all, 2);
}

/* B9 */
static void ordered_queue_many_changes_without_items_keeps_order(void **state)
{
	static struct row row;

	(void)state;
	row_begin(&row, alloc_ordered_workqueue("ordered", 0));
	row_queue(&row, 0);
	for (int i = 0; i < 50; i++)
		change_all(row.wq, i);
	row_queue(&row, 1);
	assert_not_yet(atomic_load(&row.trail.len) > 0);
	blocker_release(&row.blocker);
	destroy_workqueue(row.wq);
	row_check(&row, 0, 2);
}

/* B9 O7 */
static void ordered_queue_later_items_are_served_as_the_change_says(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", WQ_HIGHPRI);
	struct blocker blocker;
	struct witness witness[3];

	(void)state;
	blocker_start(&blocker, wq);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(apply(wq, .nice = 11 + i, .cpus = 1 + i, .strict = true), 0);
		witness_init(&witness[i], NULL);
		assert_true(queue_work(wq, &witness[i].item.work));
	}
	blocker_release(&blocker);
	destroy_workqueue(wq);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(witness[i].nice, 11 + i);
		assert_int_equal(witness[i].cpus, 1 + i);
	}
}

/* --------------------------------------------------------- items that come again */

struct rejoiner {
	struct item item;
	struct workqueue_struct *wq;
	int rest; /* plain: one run at a time */
};

static void rejoin(struct work_struct *work)
{
	struct rejoiner *rejoiner = container_of(work, struct rejoiner, item.work);
	bool again = rejoiner->rest-- > 0;

	item_fn(work);
	if (again)
		queue_work(rejoiner->wq, work);
}

static void rejoiner_init(struct rejoiner *rejoiner, struct row *row, int id, int rest)
{
	item_init(&rejoiner->item);
	rejoiner->item.work.func = rejoin;
	rejoiner->item.id = id;
	rejoiner->item.trail = &row->trail;
	rejoiner->item.meter = &row->meter;
	rejoiner->wq = row->wq;
	rejoiner->rest = rest;
}

/* Held inside the old pool; it comes again as the last, not at once (B4 is for others). */
/* B9 */
static void ordered_queue_running_item_that_requeues_goes_behind_the_change(void **state)
{
	static struct row row;
	struct rejoiner rejoiner;
	struct gate go;

	(void)state;
	row_begin(&row, alloc_ordered_workqueue("ordered", 0));
	blocker_release(&row.blocker);
	gate_init(&go);
	rejoiner_init(&rejoiner, &row, 0, 1);
	rejoiner.item.hold = &go;
	assert_true(queue_work(row.wq, &rejoiner.item.work));
	wait_until(item_is_running(&rejoiner.item));
	row_queue(&row, 1);
	change_attrs(row.wq, 1);
	row_queue(&row, 2);
	gate_open(&go);
	drain_workqueue(row.wq);
	destroy_workqueue(row.wq);
	assert_int_equal(atomic_load(&row.trail.id[3]), 0);
	atomic_fetch_sub(&row.trail.len, 1);
	row_check(&row, 0, 3);
}

/* B9 */
static void ordered_queue_items_that_requeue_take_turns_across_changes(void **state)
{
	static struct row row;
	struct rejoiner rejoiner[4];

	(void)state;
	row_begin(&row, alloc_ordered_workqueue("ordered", 0));
	for (int i = 0; i < 4; i++) {
		change_attrs(row.wq, i);
		rejoiner_init(&rejoiner[i], &row, i, 200);
		assert_true(queue_work(row.wq, &rejoiner[i].item.work));
	}
	blocker_release(&row.blocker);
	for (int i = 0; i < 30; i++)
		change_all(row.wq, i);
	drain_workqueue(row.wq);
	destroy_workqueue(row.wq);
	assert_int_equal(atomic_load(&row.meter.most), 1);
	assert_int_equal(atomic_load(&row.trail.len), 4 * 201);
	for (int i = 0; i < 4 * 201; i++)
		assert_int_equal(atomic_load(&row.trail.id[i]), i % 4);
}

/* ------------------------------------------------------------- several producers */

enum {
	PRODUCERS = 3,
	PER_PRODUCER = 600,
};

struct ticket {
	struct work_struct work;
	struct line *line;
	int producer, nr;
};

struct line {
	struct workqueue_struct *wq;
	struct meter meter;
	struct ticket ticket[PRODUCERS][PER_PRODUCER];
	int next[PRODUCERS]; /* plain: one at a time is what is tested */
	int out_of_order;
	atomic_int begun, producing;
};

static void serve_ticket(struct work_struct *work)
{
	struct ticket *ticket = container_of(work, struct ticket, work);
	struct line *line = ticket->line;

	meter_enter(&line->meter);
	line->out_of_order += ticket->nr != line->next[ticket->producer]++;
	if (ticket->nr % 64 == 0)
		nap_us(100);
	meter_leave(&line->meter);
}

static long queue_tickets(void *arg)
{
	struct line *line = arg;
	int producer = atomic_fetch_add(&line->begun, 1);

	pin_self(allowed_cpu(producer % 2));
	for (int i = 0; i < PER_PRODUCER; i++) {
		struct ticket *ticket = &line->ticket[producer][i];

		ticket->line = line;
		ticket->producer = producer;
		ticket->nr = i;
		INIT_WORK(&ticket->work, serve_ticket);
		queue_work(line->wq, &ticket->work);
		if (i % 100 == 0)
			flush_work(&ticket->work);
	}
	atomic_fetch_sub(&line->producing, 1);
	return 0;
}

static void check_line(change_fn change)
{
	struct line *line = calloc(1, sizeof(*line));
	struct call call[PRODUCERS];

	assert_non_null(line);
	line->wq = alloc_ordered_workqueue("ordered", 0);
	line->producing = PRODUCERS;
	for (int i = 0; i < PRODUCERS; i++)
		call_start(&call[i], queue_tickets, line);
	for (int i = 0; i < 30 || atomic_load(&line->producing); i++)
		change(line->wq, i);
	for (int i = 0; i < PRODUCERS; i++)
		call_join(&call[i]);
	destroy_workqueue(line->wq);
	assert_int_equal(atomic_load(&line->meter.most), 1);
	assert_int_equal(line->out_of_order, 0);
	for (int i = 0; i < PRODUCERS; i++)
		assert_int_equal(line->next[i], PER_PRODUCER);
	free(line);
}

/* B9 */
static void ordered_queue_producers_while_attrs_change_stay_in_order(void **state)
{
	(void)state;
	check_line(change_attrs);
}

/* B9 O6 */
static void ordered_queue_producers_while_the_mask_changes_stay_in_order(void **state)
{
	(void)state;
	check_line(change_unbound_mask);
}

/* B9 */
static void ordered_queue_producers_while_everything_changes_stay_in_order(void **state)
{
	(void)state;
	check_line(change_all);
}

/* --------------------------------------------------- the verbs, while later ones wait */

/* Item 0 behind the blocker in its pool, 1 behind one change, 2 behind another. */
static void row_behind_two_changes(struct row *row)
{
	row_begin(row, alloc_ordered_workqueue("ordered", 0));
	row_queue(row, 0);
	change_attrs(row->wq, 1);
	row_queue(row, 1);
	change_attrs(row->wq, 2);
	row_queue(row, 2);
}

/* B9 D1 */
static void ordered_queue_waits_for_all_pools(void **state)
{
	static long (*const wait_fn[])(void *) = { do_flush_workqueue, do_drain_workqueue,
						   do_destroy_workqueue };

	(void)state;
	for (int i = 0; i < 3; i++) {
		static struct row row;
		struct call call;

		row_behind_two_changes(&row);
		call_start(&call, wait_fn[i], row.wq);
		assert_true(call_blocks(&call));
		assert_int_equal(atomic_load(&row.trail.len), 0);
		gate_open(&row.blocker.go);
		call_join(&call);
		row_check(&row, 0, 3);
		if (wait_fn[i] != do_destroy_workqueue)
			destroy_workqueue(row.wq);
	}
}

/* B9 E1 */
static void ordered_queue_flush_work_behind_a_change_waits_for_its_turn(void **state)
{
	static struct row row;
	struct call call[3];

	(void)state;
	row_behind_two_changes(&row);
	for (int i = 0; i < 3; i++) {
		call_start(&call[i], do_flush_work, &row.item[i].work);
		assert_true(call_blocks(&call[i]));
	}
	gate_open(&row.blocker.go);
	for (int i = 0; i < 3; i++)
		assert_true(call_join(&call[i]));
	row_check(&row, 0, 3);
	destroy_workqueue(row.wq);
}

/* Cancelled while it waits for its turn: those behind do not wait for it. */
static void check_cancelled(int cancelled, bool (*cancel)(struct work_struct *work), bool early)
{
	static struct row row;

	row_behind_two_changes(&row);
	if (early)
		assert_not_yet(atomic_load(&row.trail.len) > 0);
	assert_true(cancel(&row.item[cancelled].work));
	assert_not_yet(atomic_load(&row.trail.len) > 0);
	blocker_release(&row.blocker);
	destroy_workqueue(row.wq);
	assert_int_equal(item_runs(&row.item[cancelled]), 0);
	assert_int_equal(atomic_load(&row.meter.most), 1);
	assert_int_equal(atomic_load(&row.trail.len), 2);
	assert_int_equal(atomic_load(&row.trail.id[0]), cancelled == 0 ? 1 : 0);
	assert_int_equal(atomic_load(&row.trail.id[1]), cancelled == 2 ? 1 : 2);
}

/* B9 G1 */
static void ordered_queue_cancel_behind_a_change_lets_the_next_pass(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		check_cancelled(i, cancel_work, false);
		check_cancelled(i, cancel_work, true);
		check_cancelled(i, cancel_work_sync, false);
		check_cancelled(i, disable_work_sync, true);
	}
}

/* B9 G2 */
static void ordered_queue_cancel_of_the_running_one_opens_the_next_pool(void **state)
{
	static struct row row;
	struct call call;

	(void)state;
	row_behind_two_changes(&row);
	call_start(&call, do_cancel_work_sync, &row.blocker.item.work);
	assert_true(call_blocks(&call));
	assert_int_equal(atomic_load(&row.trail.len), 0);
	gate_open(&row.blocker.go);
	assert_false(call_join(&call));
	wait_until(atomic_load(&row.trail.len) == 3);
	destroy_workqueue(row.wq);
	row_check(&row, 0, 3);
}

/* Running in the old pool, and pending in the new one. */
static void check_waits_for_the_run(long (*sync_fn)(void *work))
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct blocker blocker;
	struct call call;

	blocker_start(&blocker, wq);
	change_attrs(wq, 1);
	assert_true(queue_work(wq, &blocker.item.work));
	call_start(&call, sync_fn, &blocker.item.work);
	if (!call_blocks(&call))
		fail_msg("it is back while the function runs");
	gate_open(&blocker.go);
	assert_true(call_join(&call));
	assert_int_equal(atomic_load(&blocker.item.finished), sync_fn == do_flush_work ? 2 : 1);
	destroy_workqueue(wq);
}

/* B9 E1 G2 H1 */
static void ordered_queue_sync_of_an_item_on_both_sides_of_a_change_waits(void **state)
{
	(void)state;
	check_waits_for_the_run(do_flush_work);
	check_waits_for_the_run(do_cancel_work_sync);
	check_waits_for_the_run(do_disable_work_sync);
}

/* B9 */
static void ordered_queue_items_behind_a_change_are_pending_and_congested(void **state)
{
	static struct row row;

	(void)state;
	row_begin(&row, alloc_ordered_workqueue("ordered", 0));
	change_attrs(row.wq, 1);
	row_queue(&row, 0);
	assert_false(queue_work(row.wq, &row.item[0].work));
	assert_int_equal(work_busy(&row.item[0].work), WORK_BUSY_PENDING);
	assert_true(workqueue_congested(WORK_CPU_UNBOUND, row.wq));
	blocker_release(&row.blocker);
	flush_work(&row.item[0].work);
	assert_false(workqueue_congested(WORK_CPU_UNBOUND, row.wq));
	destroy_workqueue(row.wq);
}

/* B9 N1 N2 */
static void ordered_queue_frozen_while_it_changes_thaws_in_order(void **state)
{
	static struct row row;

	(void)state;
	row_begin(&row, alloc_ordered_workqueue("ordered", WQ_FREEZABLE));
	row_queue(&row, 0);
	freeze_workqueues_begin();
	change_attrs(row.wq, 1);
	row_queue(&row, 1);
	blocker_release(&row.blocker);
	wait_until(!freeze_workqueues_busy());
	change_attrs(row.wq, 2);
	row_queue(&row, 2);
	assert_not_yet(atomic_load(&row.trail.len) > 0);
	thaw_workqueues();
	destroy_workqueue(row.wq);
	row_check(&row, 0, 3);
}

/* B9 */
static void ordered_queue_limits_stay_as_they_are(void **state)
{
	static struct row row;

	(void)state;
	row_begin(&row, alloc_ordered_workqueue("ordered", 0));
	workqueue_set_max_active(row.wq, 5);
	assert_warned();
	workqueue_set_min_active(row.wq, 5);
	assert_warned();
	for (int i = 0; i < ROW; i++)
		row_queue(&row, i);
	change_attrs(row.wq, 1);
	assert_not_yet(atomic_load(&row.trail.len) > 0);
	blocker_release(&row.blocker);
	destroy_workqueue(row.wq);
	row_check(&row, 0, ROW);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		flat_test(ordered_queue_attrs_change_before_each_item_keeps_order),
		flat_test(ordered_queue_unbound_mask_changes_keep_order),
		flat_test(ordered_queue_default_scope_changes_keep_order),
		flat_test(ordered_queue_all_kinds_of_changes_keep_order),
		two_nodes_test(ordered_queue_all_kinds_of_changes_keep_order),
		flat_test(ordered_queue_many_changes_without_items_keeps_order),
		flat_test(ordered_queue_later_items_are_served_as_the_change_says),
		flat_test(ordered_queue_running_item_that_requeues_goes_behind_the_change),
		flat_test(ordered_queue_items_that_requeue_take_turns_across_changes),
		two_nodes_test(ordered_queue_producers_while_attrs_change_stay_in_order),
		flat_test(ordered_queue_producers_while_the_mask_changes_stay_in_order),
		flat_test(ordered_queue_producers_while_everything_changes_stay_in_order),
		flat_test(ordered_queue_waits_for_all_pools),
		flat_test(ordered_queue_flush_work_behind_a_change_waits_for_its_turn),
		flat_test(ordered_queue_cancel_behind_a_change_lets_the_next_pass),
		flat_test(ordered_queue_cancel_of_the_running_one_opens_the_next_pool),
		flat_test(ordered_queue_sync_of_an_item_on_both_sides_of_a_change_waits),
		flat_test(ordered_queue_items_behind_a_change_are_pending_and_congested),
		flat_test(ordered_queue_frozen_while_it_changes_thaws_in_order),
		flat_test(ordered_queue_limits_stay_as_they_are),
	};

	(void)argc;
	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
