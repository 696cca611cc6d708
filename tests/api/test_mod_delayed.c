/* SPDX-License-Identifier: MIT */
/*
 * test_mod_delayed.c - mod_delayed_work() in every state of the item, and what it
 * answers: I4 and H4.
 */
#include "support/api.h"
#include "support/delayed.h"

/* ------------------------------------------------------------- idle, armed */

static void mod_idle_item_returns_false_and_arms_it(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;

		delayed_init(&item);
		assert_false(delayed_mod(&item, wq, SOON));
		wait_until(delayed_runs(&item) == 1);
		assert_true(delayed_was_not_early(&item));
		flush_work(&item.dwork.work);
		assert_false(mod_delayed_work(wq, &item.dwork, FAR));
		assert_true(delayed_is_pending(&item));
		assert_true(cancel_delayed_work(&item.dwork));
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 1);
	}
}

static void mod_armed_item_to_sooner_returns_true_and_it_runs_then(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	for (int i = 1; i <= 10; i++) {
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		assert_true(delayed_mod(&item, wq, i));
		wait_until(delayed_runs(&item) == i);
		assert_true(delayed_was_not_early(&item));
		flush_work(&item.dwork.work);
	}
	destroy_workqueue(wq);
}

static void mod_armed_item_to_later_returns_true_and_it_does_not_run(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;
	int began;

	(void)state;
	delayed_init(&item);
	queue_delayed_work(wq, &item.dwork, 2 * SOON);
	began = !mod_delayed_work(wq, &item.dwork, FAR); /* on a slow machine */
	assert_not_yet(delayed_runs(&item) > began);
	assert_true(cancel_delayed_work_sync(&item.dwork));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), began);
}

static void mod_armed_item_to_zero_runs_at_once(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;

		delayed_init(&item);
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		assert_true(mod_delayed_work(wq, &item.dwork, 0));
		flush_work(&item.dwork.work);
		assert_int_equal(atomic_load(&item.finished), 1);
		assert_false(mod_delayed_work(wq, &item.dwork, 0));
		flush_work(&item.dwork.work);
		assert_int_equal(atomic_load(&item.finished), 2);
		destroy_workqueue(wq);
	}
}

static void mod_armed_item_to_an_endless_delay_keeps_it_pending(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_false(mod_delayed_work(wq, &item.dwork, ULONG_MAX));
	assert_true(mod_delayed_work(wq, &item.dwork, LONG_MAX));
	assert_true(mod_delayed_work(wq, &item.dwork, ULONG_MAX));
	assert_not_yet(delayed_runs(&item));
	assert_true(delayed_mod(&item, wq, 1));
	wait_until(delayed_runs(&item));
	assert_true(delayed_was_not_early(&item));
	destroy_workqueue(wq);
}

enum {
	MOVES = 6,
	MOVED_ROUNDS = 60,
};

/*
 * Back and forth by a few jiffies, as within a slot of the wheel: only the last
 * delay counts. A false answer means that a run has begun, or is over.
 */
static void mod_armed_item_many_times_the_last_delay_counts(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;
	unsigned int seed = 4711;
	int runs = 0;

	(void)state;
	delayed_init(&item);
	for (int round = 0; round < MOVED_ROUNDS; round++) {
		for (int i = 0; i < MOVES; i++)
			runs += !delayed_mod(&item, wq, 1 + rand_r(&seed) % 20);
		wait_until(delayed_runs(&item) == runs);
		assert_true(delayed_was_not_early(&item));
		assert_false(delayed_is_pending(&item));
	}
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), runs);
}

/* ------------------------------------------------------------------- filed */

/* Held back by max_active. */
/* I4 */
static void mod_item_held_back_takes_it_off_its_queue(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU_ONE, UNBOUND_ONE, ORDERED };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = queue_of_kind(kinds[i]);
		struct delayed_item item;
		struct blocker blocker;

		blocker_start_on(&blocker, allowed_cpu(0), wq);
		delayed_init(&item);
		assert_true(queue_delayed_work_on(allowed_cpu(0), wq, &item.dwork, 0));
		assert_true(mod_delayed_work_on(allowed_cpu(0), wq, &item.dwork, FAR));
		assert_true(delayed_is_pending(&item));
		blocker_release(&blocker);
		flush_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 0);
		assert_true(flush_delayed_work(&item.dwork));
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 1);
	}
}

/* The timer has fired; the item waits for its queue. */
/* I4 */
static void mod_item_that_became_due_takes_it_off_its_queue(void **state)
{
	struct stuck_queue stuck;
	struct delayed_item item;

	(void)state;
	stuck_queue_make(&stuck);
	delayed_init(&item);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(mod_delayed_work(stuck.wq, &item.dwork, 1), i > 0);
		wait_until(stuck_queue_holds_items(&stuck));
		assert_true(mod_delayed_work(stuck.wq, &item.dwork, FAR));
		assert_false(stuck_queue_holds_items(&stuck));
		assert_true(delayed_is_pending(&item));
	}
	assert_true(cancel_delayed_work(&item.dwork));
	stuck_queue_free(&stuck);
	assert_int_equal(delayed_runs(&item), 0);
}

/*
 * Active but not started: behind a computing item. The pool may see through a
 * long computation, so "never ran" or "was not pending".
 */
/* I4 */
static void mod_active_item_not_started_runs_or_is_pulled_back(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item[8];
	struct blocker spinner;
	int pulled[8];

	(void)state;
	need_cpus(2);
	blocker_spin_on(&spinner, allowed_cpu(1), wq);
	for (int i = 0; i < 8; i++) {
		delayed_init(&item[i]);
		queue_delayed_work_on(allowed_cpu(1), wq, &item[i].dwork, 0);
	}
	for (int i = 0; i < 8; i++)
		pulled[i] = mod_delayed_work_on(allowed_cpu(1), wq, &item[i].dwork, FAR);
	blocker_release(&spinner);
	flush_workqueue(wq);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(delayed_runs(&item[i]), !pulled[i]);
		assert_true(cancel_delayed_work(&item[i].dwork));
	}
	destroy_workqueue(wq);
}

/* It starts anew: behind those that came meanwhile. */
static void mod_filed_item_to_zero_goes_behind_the_others(void **state)
{
	struct delayed_item item[4];
	struct trail trail = { 0 };
	struct stuck_queue stuck;

	(void)state;
	stuck_queue_make(&stuck);
	for (int i = 0; i < 4; i++) {
		delayed_init(&item[i]);
		item[i].id = i ? i : 4;
		item[i].trail = &trail;
		assert_true(queue_delayed_work(stuck.wq, &item[i].dwork, 0));
	}
	assert_true(mod_delayed_work(stuck.wq, &item[0].dwork, 0));
	stuck_queue_free(&stuck);
	assert_true(trail_is_ascending(&trail, 1, 4));
}

/* I4 */
static void mod_again_and_again_postpones_the_run_for_ever(void **state)
{
	struct stuck_queue stuck;
	struct delayed_item item;

	(void)state;
	stuck_queue_make(&stuck);
	delayed_init(&item);
	assert_false(mod_delayed_work(stuck.wq, &item.dwork, 0));
	for (int i = 0; i < 3000; i++)
		assert_true(mod_delayed_work(stuck.wq, &item.dwork, i % 3 ? FAR + i : 0));
	assert_true(mod_delayed_work(stuck.wq, &item.dwork, FAR));
	blocker_release(&stuck.blocker);
	flush_workqueue(stuck.wq);
	for (int i = 0; i < 3000; i++)
		assert_true(mod_delayed_work(stuck.wq, &item.dwork, FAR - i));
	assert_int_equal(delayed_runs(&item), 0);
	assert_true(mod_delayed_work(stuck.wq, &item.dwork, 0));
	destroy_workqueue(stuck.wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* ----------------------------------------------------------------- running */

static void mod_running_item_returns_false_and_it_runs_once_more(void **state)
{
	static const unsigned long delays[] = { 0, 1, SOON };

	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++)
		for (int i = 0; i < 3; i++) {
			struct workqueue_struct *wq = queue_of_kind(kind);
			struct delayed_item item;
			struct gate go;

			delayed_run_until_released(&item, &go, wq);
			assert_false(delayed_mod(&item, wq, delays[i]));
			assert_true(delayed_is_pending(&item));
			assert_not_yet(delayed_runs(&item) > 1);
			gate_open(&go);
			wait_until(delayed_runs(&item) == 2);
			assert_true(delayed_was_not_early(&item));
			destroy_workqueue(wq);
			assert_int_equal(delayed_runs(&item), 2);
		}
}

static void mod_running_and_armed_item_returns_true_and_moves_the_second_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;
		struct gate go;

		delayed_run_until_released(&item, &go, wq);
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		assert_true(delayed_mod(&item, wq, 1));
		gate_open(&go);
		wait_until(delayed_runs(&item) == 2);
		assert_true(delayed_was_not_early(&item));
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 2);
	}
}

/* Also if the second run waits on the list of the worker that runs the first. */
static void mod_running_and_queued_item_returns_true_and_takes_the_second_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;
		struct gate go;

		delayed_run_until_released(&item, &go, wq);
		assert_true(queue_delayed_work(wq, &item.dwork, 0));
		assert_true(mod_delayed_work(wq, &item.dwork, FAR));
		delayed_release(&item);
		flush_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 1);
		assert_true(cancel_delayed_work(&item.dwork));
		destroy_workqueue(wq);
	}
}

struct self_mod {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	bool first, second;
	atomic_int runs;
};

static void mod_itself_twice(struct work_struct *work)
{
	struct self_mod *own = container_of(to_delayed_work(work), struct self_mod, dwork);

	if (atomic_fetch_add(&own->runs, 1))
		return;
	own->first = mod_delayed_work(own->wq, &own->dwork, FAR);
	own->second = mod_delayed_work(own->wq, &own->dwork, 1);
}

static void mod_from_its_own_function_arms_the_next_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct self_mod own = { .wq = queue_of_kind(kind) };

		INIT_DELAYED_WORK(&own.dwork, mod_itself_twice);
		queue_delayed_work(own.wq, &own.dwork, 0);
		wait_until(atomic_load(&own.runs) == 2);
		destroy_workqueue(own.wq);
		assert_false(own.first);
		assert_true(own.second);
		assert_int_equal(atomic_load(&own.runs), 2);
	}
}

/* --------------------------------------------------------------- disabled, H4 */

/* H4 */
static void mod_disabled_item_returns_false_and_does_nothing(void **state)
{
	static const unsigned long delays[] = { 0, 1, FAR };
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_false(disable_delayed_work(&item.dwork));
	for (int i = 0; i < 3; i++) {
		assert_false(mod_delayed_work(wq, &item.dwork, delays[i]));
		assert_true(delayed_is_idle(&item));
	}
	assert_true(enable_delayed_work(&item.dwork));
	flush_workqueue(wq);
	assert_not_yet(delayed_runs(&item));
	assert_false(mod_delayed_work(wq, &item.dwork, 0));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* H4 G3 */
static void mod_item_being_cancelled_returns_false_and_does_nothing(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;
		struct call cancel;
		struct gate go;

		delayed_run_until_released(&item, &go, wq);
		call_start(&cancel, do_cancel_delayed_work_sync, &item.dwork);
		assert_true(call_blocks(&cancel));
		assert_false(mod_delayed_work(wq, &item.dwork, 0));
		assert_false(mod_delayed_work(wq, &item.dwork, FAR));
		assert_false(delayed_is_pending(&item));
		gate_open(&go);
		assert_false(call_join(&cancel));
		assert_false(mod_delayed_work(wq, &item.dwork, FAR));
		assert_true(cancel_delayed_work(&item.dwork));
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(mod_idle_item_returns_false_and_arms_it),
		api_test(mod_armed_item_to_sooner_returns_true_and_it_runs_then),
		api_test(mod_armed_item_to_later_returns_true_and_it_does_not_run),
		api_test(mod_armed_item_to_zero_runs_at_once),
		api_test(mod_armed_item_to_an_endless_delay_keeps_it_pending),
		api_test(mod_armed_item_many_times_the_last_delay_counts),
		api_test(mod_item_held_back_takes_it_off_its_queue),
		api_test(mod_item_that_became_due_takes_it_off_its_queue),
		api_test(mod_active_item_not_started_runs_or_is_pulled_back),
		api_test(mod_filed_item_to_zero_goes_behind_the_others),
		api_test(mod_again_and_again_postpones_the_run_for_ever),
		api_test(mod_running_item_returns_false_and_it_runs_once_more),
		api_test(mod_running_and_armed_item_returns_true_and_moves_the_second_run),
		api_test(mod_running_and_queued_item_returns_true_and_takes_the_second_run),
		api_test(mod_from_its_own_function_arms_the_next_run),
		api_test(mod_disabled_item_returns_false_and_does_nothing),
		api_test(mod_item_being_cancelled_returns_false_and_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
