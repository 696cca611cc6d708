/* SPDX-License-Identifier: MIT */
/*
 * test_freeze.c - freezing: what stops and what goes on (N1), what thawing starts
 * (N2), misuse (N3). What the other verbs do meanwhile is in test_freeze_verbs.c.
 *
 * A freeze is the whole process's: each test has a process of its own.
 */
#include "support/api.h"
#include "support/delayed.h"
#include "support/freezable.h"

enum {
	CROWD = 24,
};

static const enum freezable_kind one_at_a_time[] = { F_PERCPU_ONE, F_UNBOUND_ONE, F_ORDERED };

/* ------------------------------------------------------------ what stops */

/* N1 N2 */
static void begin_holds_back_what_is_queued_afterwards(void **state)
{
	struct frozen frozen;

	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		frozen_make(&frozen, kind);
		assert_held_back(&frozen.item);
		assert_false(queue_work(frozen.wq, &frozen.item.work));
		frozen_free(&frozen, 1);
	}
}

/* N1 N2 */
static void begin_holds_back_items_of_the_system_freezable_queues(void **state)
{
	struct workqueue_struct *const wq[] = { system_freezable_wq,
						system_freezable_power_efficient_wq };
	struct item item[2];

	freeze();
	for (int i = 0; i < 2; i++)
		queue_item(wq[i], &item[i]);
	for (int i = 0; i < 2; i++)
		assert_held_back(&item[i]);
	thaw_workqueues();
	for (int i = 0; i < 2; i++) {
		flush_work(&item[i].work);
		assert_int_equal(item_runs(&item[i]), 1);
	}
}

/* N1 */
static void begin_lets_running_items_finish_and_is_busy_until_then(void **state)
{
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		struct workqueue_struct *wq = freezable_of_kind(kind);
		struct blocker blocker;

		blocker_start(&blocker, wq);
		freeze_workqueues_begin();
		assert_true(freeze_workqueues_busy());
		assert_true(item_is_running(&blocker.item));
		blocker_release(&blocker);
		wait_until(!freeze_workqueues_busy());
		thaw_workqueues();
		destroy_workqueue(wq);
	}
}

/* N1 */
static void begin_lets_active_items_that_have_not_started_run(void **state)
{
	struct workqueue_struct *wq = freezable_of_kind(F_PERCPU);
	struct blocker spinner;
	struct item item;

	blocker_spin_on(&spinner, allowed_cpu(0), wq);
	queue_item(wq, &item);
	freeze_workqueues_begin();
	assert_true(freeze_workqueues_busy());
	gate_open(&spinner.go);
	wait_until(item_runs(&item) == 1);
	wait_until(!freeze_workqueues_busy());
	thaw_workqueues();
	destroy_workqueue(wq);
}

/* N1 */
static void begin_keeps_what_the_limit_held_back_already(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = freezable_of_kind(one_at_a_time[i]);
		struct blocker blocker;
		struct item item;

		blocker_start_on(&blocker, allowed_cpu(0), wq);
		queue_item(wq, &item);
		freeze_workqueues_begin();
		blocker_release(&blocker);
		wait_until(!freeze_workqueues_busy());
		assert_held_back(&item);
		thaw_workqueues();
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&item), 1);
	}
}

/* N1 N2 */
static void begin_stops_an_item_that_requeues_itself(void **state)
{
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		struct endless endless = { .wq = freezable_of_kind(kind) };
		int runs;

		INIT_WORK(&endless.work, requeue_for_ever);
		assert_true(queue_work(endless.wq, &endless.work));
		wait_until(atomic_load(&endless.runs) > 10);
		freeze();
		runs = atomic_load(&endless.runs);
		assert_not_yet(atomic_load(&endless.runs) != runs);
		assert_true(work_pending(&endless.work));
		thaw_workqueues();
		wait_until(atomic_load(&endless.runs) > runs + 10);
		cancel_work_sync(&endless.work);
		destroy_workqueue(endless.wq);
	}
}

/* N1 N2 */
static void queue_made_while_frozen_is_frozen(void **state)
{
	struct workqueue_struct *wq[NR_FREEZABLE_KINDS];
	struct item item[NR_FREEZABLE_KINDS];

	freeze_workqueues_begin();
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		wq[kind] = freezable_of_kind(kind);
		assert_non_null(wq[kind]);
		queue_item(wq[kind], &item[kind]);
	}
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++)
		assert_held_back(&item[kind]);
	thaw_workqueues();
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		destroy_workqueue(wq[kind]);
		assert_int_equal(item_runs(&item[kind]), 1);
	}
}

/* The first use of the library is the freeze. */
static int begin_unstarted(void **state)
{
	signal(SIGALRM, test_hangs);
	alarm(TEST_SECONDS);
	workq_set_report_fn(report_catch);
	return 0;
}

/* N1 N2 */
static void begin_before_anything_else_freezes(void **state)
{
	struct workqueue_struct *wq;
	struct item item[2];

	freeze();
	wq = freezable_of_kind(F_ORDERED);
	queue_item(wq, &item[0]);
	queue_item(system_freezable_wq, &item[1]);
	for (int i = 0; i < 2; i++)
		assert_held_back(&item[i]);
	thaw_workqueues();
	for (int i = 0; i < 2; i++) {
		flush_work(&item[i].work);
		assert_int_equal(item_runs(&item[i]), 1);
	}
	destroy_workqueue(wq);
}

/* N1 I2 */
static void delayed_item_due_while_frozen_waits_for_thawing(void **state)
{
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		struct workqueue_struct *wq = freezable_of_kind(kind);
		struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 0);
		struct delayed_item item, later;

		delayed_init(&item);
		delayed_init(&later);
		freeze();
		assert_true(delayed_arm(&item, wq, SOON));
		/* When this one has run, the first is over too. */
		assert_true(delayed_arm(&later, other, 2 * SOON));
		wait_until(delayed_runs(&later));
		assert_not_yet(delayed_runs(&item));
		assert_true(delayed_is_pending(&item));
		thaw_workqueues();
		wait_until(delayed_runs(&item) == 1);
		assert_true(delayed_was_not_early(&item));
		destroy_workqueue(other);
		destroy_workqueue(wq);
	}
}

/* ----------------------------------------------------------- what goes on */

/* N1 */
static void queues_not_freezable_go_on(void **state)
{
	struct frozen frozen;

	frozen_make(&frozen, F_PERCPU);
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
	run_one_item_on(system_percpu_wq);
	run_one_item_on(system_dfl_wq);
	run_one_item_on(system_bh_wq);
	assert_int_equal(item_runs(&frozen.item), 0);
	frozen_free(&frozen, 1);
}

/* N1 */
static void items_running_on_other_queues_do_not_make_it_busy(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker blocker;

	blocker_start(&blocker, wq);
	freeze_workqueues_begin();
	assert_false(freeze_workqueues_busy());
	thaw_workqueues();
	blocker_release(&blocker);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------- thawing */

/* Five held back by the limit, the rest by the freeze. */
static void check_order_after_thaw(struct workqueue_struct *wq)
{
	static struct item item[CROWD];
	struct trail trail = { 0 };
	struct blocker blocker;

	blocker_start_on(&blocker, allowed_cpu(0), wq);
	for (int i = 0; i < CROWD; i++) {
		if (i == 5)
			freeze_workqueues_begin();
		item_init(&item[i]);
		item[i].id = i;
		item[i].trail = &trail;
		assert_true(queue_work_on(allowed_cpu(0), wq, &item[i].work));
	}
	blocker_release(&blocker);
	wait_until(!freeze_workqueues_busy());
	assert_int_equal(atomic_load(&trail.len), 0);
	thaw_workqueues();
	destroy_workqueue(wq);
	assert_true(trail_is_ascending(&trail, 0, CROWD));
}

/* N2 B8 B9 C2 */
static void thaw_starts_what_was_held_back_in_order(void **state)
{
	check_order_after_thaw(freezable_of_kind(F_PERCPU_ONE));
	check_order_after_thaw(freezable_of_kind(F_ORDERED));
}

/* Items that stay inside until the test ends. */
struct crowd {
	struct workqueue_struct *wq;
	struct item item[CROWD];
	struct trail trail;
	struct gate go;
};

static void crowd_queue(struct crowd *crowd, struct workqueue_struct *wq)
{
	assert_non_null(wq);
	crowd->wq = wq;
	memset(&crowd->trail, 0, sizeof(crowd->trail));
	gate_init(&crowd->go);
	for (int i = 0; i < CROWD; i++) {
		item_init_held(&crowd->item[i], &crowd->go);
		crowd->item[i].trail = &crowd->trail;
		assert_true(queue_work_on(allowed_cpu(0), wq, &crowd->item[i].work));
	}
}

static void crowd_starts_exactly(struct crowd *crowd, int nr)
{
	wait_until(atomic_load(&crowd->trail.len) >= nr);
	assert_not_yet(atomic_load(&crowd->trail.len) != nr);
}

static void crowd_free(struct crowd *crowd)
{
	gate_open(&crowd->go);
	destroy_workqueue(crowd->wq);
	assert_int_equal(atomic_load(&crowd->trail.len), CROWD);
}

/* N2 C1 C3 */
static void thaw_restores_the_limits(void **state)
{
	static const unsigned int flags[] = { WQ_PERCPU | WQ_FREEZABLE, WQ_UNBOUND | WQ_FREEZABLE };
	static struct crowd crowd;

	for (int i = 0; i < 2; i++) {
		freeze();
		crowd_queue(&crowd, alloc_workqueue("limited", flags[i], 3));
		thaw_workqueues();
		crowd_starts_exactly(&crowd, 3);
		crowd_free(&crowd);
		freeze();
		crowd_queue(&crowd, alloc_workqueue("default", flags[i], 0));
		thaw_workqueues();
		crowd_starts_exactly(&crowd, CROWD);
		crowd_free(&crowd);
	}
}

/* N2 C6 */
static void set_max_active_while_frozen_takes_effect_at_thawing(void **state)
{
	static const unsigned int flags[] = { WQ_PERCPU | WQ_FREEZABLE, WQ_UNBOUND | WQ_FREEZABLE };
	static const int limits[][2] = { { 1, 4 }, { 4, 1 } };
	static struct crowd crowd;

	for (int i = 0; i < 4; i++) {
		const int *limit = limits[i / 2];

		freeze();
		crowd_queue(&crowd, alloc_workqueue("changed", flags[i % 2], limit[0]));
		workqueue_set_max_active(crowd.wq, limit[1]);
		assert_not_yet(atomic_load(&crowd.trail.len));
		thaw_workqueues();
		crowd_starts_exactly(&crowd, limit[1]);
		crowd_free(&crowd);
	}
}

/* N1 O7 B9 */
static void apply_attrs_while_frozen_does_not_thaw(void **state)
{
	static const enum freezable_kind kinds[] = { F_UNBOUND, F_UNBOUND_ONE, F_ORDERED };
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();

	assert_non_null(attrs);
	for (int i = 0; i < 3; i++) {
		struct frozen frozen;
		struct item later;

		frozen_make(&frozen, kinds[i]);
		attrs->affn_scope = i % 2 ? WQ_AFFN_CPU : WQ_AFFN_SYSTEM;
		assert_int_equal(apply_workqueue_attrs(frozen.wq, attrs), 0);
		queue_item(frozen.wq, &later);
		assert_held_back(&frozen.item);
		assert_held_back(&later);
		frozen_free(&frozen, 1);
		assert_int_equal(item_runs(&later), 1);
	}
	free_workqueue_attrs(attrs);
}

struct producer {
	struct endless endless[NR_FREEZABLE_KINDS]; /* they do not requeue: see count_run() */
	atomic_int accepted[NR_FREEZABLE_KINDS];
	atomic_bool stop;
};

static void count_run(struct work_struct *work)
{
	atomic_fetch_add(&container_of(work, struct endless, work)->runs, 1);
}

static long produce(void *arg)
{
	struct producer *producer = arg;

	for (int i = 0; !atomic_load(&producer->stop); i = (i + 1) % NR_FREEZABLE_KINDS) {
		struct endless *endless = &producer->endless[i];

		atomic_fetch_add(&producer->accepted[i], queue_work(endless->wq, &endless->work));
	}
	return 0;
}

static int runs_of_all(struct producer *producer)
{
	int runs = 0;

	for (int i = 0; i < NR_FREEZABLE_KINDS; i++)
		runs += atomic_load(&producer->endless[i].runs);
	return runs;
}

/* A4 N1 N2 */
static void freeze_and_thaw_again_and_again_loses_nothing(void **state)
{
	struct producer producer = { 0 };
	struct call call;

	for (int i = 0; i < NR_FREEZABLE_KINDS; i++) {
		producer.endless[i].wq = freezable_of_kind(i);
		INIT_WORK(&producer.endless[i].work, count_run);
	}
	call_start(&call, produce, &producer);
	for (int round = 0; round < 100; round++) {
		int runs;

		freeze();
		runs = runs_of_all(&producer);
		nap_us(200);
		assert_int_equal(runs_of_all(&producer), runs);
		thaw_workqueues();
		wait_until(runs_of_all(&producer) > runs);
	}
	atomic_store(&producer.stop, true);
	call_join(&call);
	for (int i = 0; i < NR_FREEZABLE_KINDS; i++) {
		destroy_workqueue(producer.endless[i].wq);
		assert_int_equal(atomic_load(&producer.endless[i].runs),
				 atomic_load(&producer.accepted[i]));
	}
}

/* -------------------------------------------------------------------- misuse */

/* N3 */
static void begin_twice_is_reported_and_thawed_once(void **state)
{
	struct frozen frozen;

	frozen_make(&frozen, F_PERCPU);
	freeze_workqueues_begin();
	assert_warned();
	assert_held_back(&frozen.item);
	frozen_free(&frozen, 1);
	assert_reported(0);
}

/* N3 */
static void busy_outside_of_a_freeze_is_reported_and_false(void **state)
{
	struct workqueue_struct *wq = freezable_of_kind(F_PERCPU);
	struct blocker blocker;

	blocker_start(&blocker, wq);
	assert_false(freeze_workqueues_busy());
	assert_warned();
	blocker_release(&blocker);
	destroy_workqueue(wq);
}

/* N3 */
static void thaw_without_begin_does_nothing(void **state)
{
	struct workqueue_struct *wq = freezable_of_kind(F_PERCPU);

	thaw_workqueues();
	run_one_item_on(wq);
	freeze();
	thaw_workqueues();
	thaw_workqueues();
	run_one_item_on(wq);
	destroy_workqueue(wq);
	assert_reported(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(begin_holds_back_what_is_queued_afterwards),
		api_test(begin_holds_back_items_of_the_system_freezable_queues),
		api_test(begin_lets_running_items_finish_and_is_busy_until_then),
		api_test(begin_lets_active_items_that_have_not_started_run),
		api_test(begin_keeps_what_the_limit_held_back_already),
		api_test(begin_stops_an_item_that_requeues_itself),
		api_test(queue_made_while_frozen_is_frozen),
		cmocka_unit_test_setup_teardown(begin_before_anything_else_freezes, begin_unstarted,
						test_end),
		api_test(delayed_item_due_while_frozen_waits_for_thawing),
		api_test(queues_not_freezable_go_on),
		api_test(items_running_on_other_queues_do_not_make_it_busy),
		api_test(thaw_starts_what_was_held_back_in_order),
		api_test(thaw_restores_the_limits),
		api_test(set_max_active_while_frozen_takes_effect_at_thawing),
		api_test(apply_attrs_while_frozen_does_not_thaw),
		api_test(freeze_and_thaw_again_and_again_loses_nothing),
		api_test(begin_twice_is_reported_and_thawed_once),
		api_test(busy_outside_of_a_freeze_is_reported_and_false),
		api_test(thaw_without_begin_does_nothing),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
