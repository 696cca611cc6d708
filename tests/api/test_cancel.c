/* SPDX-License-Identifier: MIT */
/*
 * test_cancel.c - taking items back: guarantees G1 to G7, G9 and G10.
 * G8 speaks of armed delayed work: test_cancel_delayed.c.
 */
#include "support/api.h"

/* --------------------------------------------------------------------- G1 */

/* G1 G2 */
static void cancel_idle_item_returns_false(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	assert_false(cancel_work(&item.work));
	assert_false(cancel_work_sync(&item.work));
	queue_work(wq, &item.work);
	flush_work(&item.work);
	assert_false(cancel_work(&item.work));
	assert_false(cancel_work_sync(&item.work));
	destroy_workqueue(wq);
}

static void check_cancel_of_waiting_item(struct workqueue_struct *wq,
					 bool (*cancel)(struct work_struct *work))
{
	struct item first, second;
	struct blocker blocker;

	blocker_start_on(&blocker, allowed_cpu(0), wq);
	item_init(&first);
	item_init(&second);
	queue_work_on(allowed_cpu(0), wq, &first.work);
	queue_work_on(allowed_cpu(0), wq, &second.work);
	assert_true(cancel(&first.work));
	assert_false(work_pending(&first.work));
	assert_false(cancel(&first.work));
	assert_true(item_is_running(&blocker.item));
	gate_open(&blocker.go);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&first), 0);
	assert_int_equal(item_runs(&second), 1);
}

/* G1 G2 */
static void cancel_item_held_back_returns_true_and_it_never_runs(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU_ONE, UNBOUND_ONE, ORDERED };

	(void)state;
	for (int i = 0; i < 3; i++) {
		check_cancel_of_waiting_item(queue_of_kind(kinds[i]), cancel_work);
		check_cancel_of_waiting_item(queue_of_kind(kinds[i]), cancel_work_sync);
	}
}

/*
 * An active item that has not started: behind a computing one. The pool may see
 * through a long computation, so "never ran" or "was not cancelled".
 */
/* G1 */
static void cancel_active_item_not_started_runs_or_is_cancelled(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker spinner;
	struct item item[8];
	int cancelled[8];

	(void)state;
	need_cpus(2);
	blocker_spin_on(&spinner, allowed_cpu(1), wq);
	for (int i = 0; i < 8; i++) {
		item_init(&item[i]);
		queue_work_on(allowed_cpu(1), wq, &item[i].work);
	}
	for (int i = 0; i < 8; i++)
		cancelled[i] = cancel_work(&item[i].work);
	blocker_release(&spinner);
	destroy_workqueue(wq);
	for (int i = 0; i < 8; i++)
		assert_int_equal(item_runs(&item[i]), !cancelled[i]);
}

/* G1 */
static void cancel_running_item_returns_false_without_waiting(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;

		blocker_start(&blocker, wq);
		assert_false(cancel_work(&blocker.item.work));
		assert_true(item_is_running(&blocker.item));
		blocker_release(&blocker);
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&blocker.item), 1);
	}
}

/* G1 */
static void cancel_running_and_pending_item_takes_the_second_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;

		blocker_start(&blocker, wq);
		assert_true(queue_work(wq, &blocker.item.work));
		assert_true(cancel_work(&blocker.item.work));
		assert_true(item_is_running(&blocker.item));
		gate_open(&blocker.go);
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&blocker.item), 1);
	}
}

/* The second run waits on the running worker's own list, not on the pool's. */
/* G1 */
static void cancel_item_on_the_list_of_its_worker_takes_it(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker blocker;
	struct item behind;

	(void)state;
	blocker_start_on(&blocker, allowed_cpu(0), wq);
	queue_work_on(allowed_cpu(0), wq, &blocker.item.work);
	item_init(&behind);
	queue_work_on(allowed_cpu(0), wq, &behind.work);
	flush_work(&behind.work);
	assert_true(cancel_work(&blocker.item.work));
	gate_open(&blocker.go);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&blocker.item), 1);
}

/* --------------------------------------------------------------------- G2 */

/* G2 */
static void cancel_sync_running_item_waits_and_returns_false(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;
		struct call cancel;

		blocker_start(&blocker, wq);
		call_start(&cancel, do_cancel_work_sync, &blocker.item.work);
		assert_true(call_blocks(&cancel));
		gate_open(&blocker.go);
		assert_false(call_join(&cancel));
		assert_int_equal(atomic_load(&blocker.item.finished), 1);
		destroy_workqueue(wq);
	}
}

/* G2 */
static void cancel_sync_running_and_pending_item_waits_and_returns_true(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;
		struct call cancel;

		blocker_start(&blocker, wq);
		queue_work(wq, &blocker.item.work);
		call_start(&cancel, do_cancel_work_sync, &blocker.item.work);
		assert_true(call_blocks(&cancel));
		gate_open(&blocker.go);
		assert_true(call_join(&cancel));
		assert_int_equal(atomic_load(&blocker.item.finished), 1);
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&blocker.item), 1);
	}
}

/* Cancelled once already: the word must still name who runs it. */
/* G2 */
static void cancel_sync_after_cancel_of_the_second_run_waits_for_the_first(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;
		struct call cancel;

		blocker_start(&blocker, wq);
		queue_work(wq, &blocker.item.work);
		assert_true(cancel_work(&blocker.item.work));
		call_start(&cancel, do_cancel_work_sync, &blocker.item.work);
		assert_true(call_blocks(&cancel));
		gate_open(&blocker.go);
		assert_false(call_join(&cancel));
		assert_int_equal(atomic_load(&blocker.item.finished), 1);
		destroy_workqueue(wq);
	}
}

struct effect {
	struct work_struct work;
	int value; /* plain: cancel_work_sync() must make it visible */
};

static void write_effect(struct work_struct *work)
{
	container_of(work, struct effect, work)->value++;
}

/* G2 */
static void cancel_sync_sees_the_effects_of_the_run_it_waited_for(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct effect effect = { 0 };
	int runs = 0;

	(void)state;
	INIT_WORK(&effect.work, write_effect);
	for (int i = 0; i < 2000; i++) {
		assert_true(queue_work(wq, &effect.work));
		if (i % 2)
			sched_yield();
		runs += !cancel_work_sync(&effect.work);
		assert_int_equal(effect.value, runs);
	}
	destroy_workqueue(wq);
}

/* --------------------------------------------------------------------- G3 */

struct requeuer {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct gate go;
	atomic_int runs;
	bool answer;
};

static void wait_then_requeue(struct work_struct *work)
{
	struct requeuer *requeuer = container_of(work, struct requeuer, work);

	if (atomic_fetch_add(&requeuer->runs, 1))
		return;
	gate_wait(&requeuer->go);
	requeuer->answer = queue_work(requeuer->wq, work);
}

/* G3 */
static void cancel_sync_waiting_refuses_queueing_by_all(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct requeuer requeuer = { .wq = queue_of_kind(kind), .answer = true };
		struct call cancel;

		gate_init(&requeuer.go);
		INIT_WORK(&requeuer.work, wait_then_requeue);
		queue_work(requeuer.wq, &requeuer.work);
		wait_until(atomic_load(&requeuer.runs) == 1);
		call_start(&cancel, do_cancel_work_sync, &requeuer.work);
		assert_true(call_blocks(&cancel));
		assert_false(queue_work(requeuer.wq, &requeuer.work));
		gate_open(&requeuer.go);
		assert_false(call_join(&cancel));
		assert_false(requeuer.answer);
		assert_int_equal(atomic_load(&requeuer.runs), 1);
		assert_true(queue_work(requeuer.wq, &requeuer.work));
		destroy_workqueue(requeuer.wq);
		assert_int_equal(atomic_load(&requeuer.runs), 2);
	}
}

/* G3 */
static void cancel_sync_of_disabled_item_leaves_it_disabled(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker blocker;
	struct call cancel;

	(void)state;
	blocker_start(&blocker, wq);
	assert_false(disable_work(&blocker.item.work));
	call_start(&cancel, do_cancel_work_sync, &blocker.item.work);
	assert_true(call_blocks(&cancel));
	gate_open(&blocker.go);
	assert_false(call_join(&cancel));
	assert_false(queue_work(wq, &blocker.item.work));
	assert_true(enable_work(&blocker.item.work));
	assert_true(queue_work(wq, &blocker.item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&blocker.item), 2);
}

/* --------------------------------------------------------------------- G4 */

/* G4 */
static void cancel_sync_stops_an_item_that_requeues_for_ever(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct endless endless = { .wq = queue_of_kind(kind) };

		INIT_WORK(&endless.work, requeue_for_ever);
		for (int i = 0; i < 20; i++) {
			int runs = atomic_load(&endless.runs);

			assert_true(queue_work(endless.wq, &endless.work));
			wait_until(atomic_load(&endless.runs) > runs);
			cancel_work_sync(&endless.work);
			runs = atomic_load(&endless.runs);
			assert_int_equal(work_busy(&endless.work), 0);
			flush_workqueue(endless.wq);
			assert_int_equal(atomic_load(&endless.runs), runs);
		}
		destroy_workqueue(endless.wq);
	}
}

/* G4 */
static void cancel_sync_item_memory_may_be_reused_at_once(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct item *item = malloc(sizeof(*item));

		assert_non_null(item);
		item_init(item);
		queue_work(wq, &item->work);
		if (i % 3 == 0)
			sched_yield();
		cancel_work_sync(&item->work);
		assert_false(item_is_running(item));
		memset(item, 0xa5, sizeof(*item));
		free(item);
	}
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- G5, G6 */

/* G5 */
static void cancel_item_that_moved_to_another_queue_finds_it(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU_ONE, UNBOUND_ONE, ORDERED };
	struct workqueue_struct *before = alloc_workqueue("before", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = queue_of_kind(kinds[i]);
		struct blocker blocker;

		blocker_start_on(&blocker, allowed_cpu(0), wq);
		queue_work(before, &item.work);
		flush_work(&item.work);
		assert_true(queue_work_on(allowed_cpu(0), wq, &item.work));
		assert_true(cancel_work_sync(&item.work));
		blocker_release(&blocker);
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&item), i + 1);
	}
	destroy_workqueue(before);
}

/* G5 */
static void cancel_sync_item_that_moved_waits_for_the_last_queue(void **state)
{
	struct workqueue_struct *before = alloc_workqueue("before", WQ_UNBOUND, 0);
	struct workqueue_struct *after = alloc_workqueue("after", WQ_PERCPU, 0);
	struct call cancel;
	struct gate go;
	struct item item;

	(void)state;
	item_init(&item);
	queue_work(before, &item.work);
	flush_work(&item.work);
	gate_init(&go);
	item.hold = &go;
	queue_work(after, &item.work);
	wait_until(item_runs(&item) == 2);
	call_start(&cancel, do_cancel_work_sync, &item.work);
	assert_true(call_blocks(&cancel));
	gate_open(&go);
	assert_false(call_join(&cancel));
	assert_int_equal(atomic_load(&item.finished), 2);
	destroy_workqueue(before);
	destroy_workqueue(after);
}

enum {
	CANCELLERS = 6,
};

/* G6 */
static void cancel_sync_by_several_all_wait_and_one_gets_true(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct call cancel[CANCELLERS];
		struct blocker blocker;
		int won = 0;

		blocker_start(&blocker, wq);
		queue_work(wq, &blocker.item.work);
		for (int i = 0; i < CANCELLERS; i++)
			call_start(&cancel[i], do_cancel_work_sync, &blocker.item.work);
		for (int i = 0; i < CANCELLERS; i++)
			assert_true(call_blocks(&cancel[i]));
		gate_open(&blocker.go);
		for (int i = 0; i < CANCELLERS; i++)
			won += call_join(&cancel[i]);
		assert_int_equal(won, 1);
		assert_int_equal(atomic_load(&blocker.item.finished), 1);
		assert_true(queue_work(wq, &blocker.item.work));
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&blocker.item), 2);
	}
}

struct duel {
	struct work_struct *work;
	atomic_int *round;
	atomic_int *arrived;
};

enum {
	DUEL_ROUNDS = 1000,
};

static long cancel_each_round(void *arg)
{
	struct duel *duel = arg;
	long won = 0;

	for (int round = 1; round <= DUEL_ROUNDS; round++) {
		while (atomic_load(duel->round) < round)
			sched_yield();
		won += cancel_work_sync(duel->work);
		atomic_fetch_add(duel->arrived, 1);
	}
	return won;
}

/* G6 */
static void cancel_sync_racing_on_a_pending_item_one_gets_true(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	atomic_int round = 0, arrived = 0;
	struct blocker blocker;
	struct call rival[2];
	struct item item;
	struct duel duel = { .work = &item.work, .round = &round, .arrived = &arrived };
	long won = 0;

	(void)state;
	blocker_start(&blocker, wq);
	item_init(&item);
	for (int i = 0; i < 2; i++)
		call_start(&rival[i], cancel_each_round, &duel);
	for (int i = 1; i <= DUEL_ROUNDS; i++) {
		assert_true(queue_work(wq, &item.work));
		atomic_store(&round, i);
		while (atomic_load(&arrived) < 2 * i)
			sched_yield();
	}
	for (int i = 0; i < 2; i++)
		won += call_join(&rival[i]);
	assert_int_equal(won, DUEL_ROUNDS);
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
}

/* --------------------------------------------------------------------- G7 */

struct self_canceller {
	struct work_struct work;
	struct workqueue_struct *wq;
	bool (*cancel)(struct work_struct *work);
	atomic_int runs;
	bool queued, cancelled;
};

static void queue_and_cancel_itself(struct work_struct *work)
{
	struct self_canceller *own = container_of(work, struct self_canceller, work);

	atomic_fetch_add(&own->runs, 1);
	own->queued = queue_work(own->wq, work);
	own->cancelled = own->cancel(work);
}

static struct self_canceller run_self_canceller(enum queue_kind kind,
						bool (*cancel)(struct work_struct *work))
{
	struct self_canceller own = { .wq = queue_of_kind(kind), .cancel = cancel };

	INIT_WORK(&own.work, queue_and_cancel_itself);
	queue_work(own.wq, &own.work);
	destroy_workqueue(own.wq);
	return own;
}

/* G7 */
static void cancel_from_its_own_function_takes_the_next_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct self_canceller own = run_self_canceller(kind, cancel_work);

		assert_true(own.queued);
		assert_true(own.cancelled);
		assert_int_equal(atomic_load(&own.runs), 1);
	}
}

/* G7 */
static void cancel_sync_from_its_own_function_is_reported_and_not_waited(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct self_canceller own = run_self_canceller(kind, cancel_work_sync);

		assert_true(own.queued);
		assert_true(own.cancelled);
		assert_int_equal(atomic_load(&own.runs), 1);
	}
	assert_true(reports_are_well_formed());
	assert_true(report_take() > 0);
}

/* ---------------------------------------------------------------- G9, G10 */

struct canceller {
	struct work_struct work;
	struct work_struct *target;
	bool answer;
};

static void cancel_target(struct work_struct *work)
{
	struct canceller *canceller = container_of(work, struct canceller, work);

	canceller->answer = cancel_work_sync(canceller->target);
}

/* test_end() sees to it that nothing is reported. */
/* G9 */
static void cancel_sync_from_a_reclaim_queue_of_another_is_not_reported(void **state)
{
	struct workqueue_struct *reclaim = alloc_workqueue("r", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	struct workqueue_struct *plain = alloc_ordered_workqueue("plain", 0);
	struct canceller canceller = { 0 };
	struct blocker blocker;
	struct item item;

	(void)state;
	blocker_start(&blocker, plain);
	item_init(&item);
	queue_work(plain, &item.work);
	canceller.target = &item.work;
	INIT_WORK(&canceller.work, cancel_target);
	queue_work(reclaim, &canceller.work);
	destroy_workqueue(reclaim);
	assert_true(canceller.answer);
	blocker_release(&blocker);
	destroy_workqueue(plain);
	assert_int_equal(item_runs(&item), 0);
}

/*
 * Freezing parks items the way max_active does, and is not there yet: a parked
 * item is taken back at once.
 */
/* G10 */
static void cancel_sync_of_a_parked_item_does_not_block(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("parked", WQ_PERCPU | WQ_FREEZABLE, 1);
	struct blocker blocker;
	struct item item;

	(void)state;
	blocker_start_on(&blocker, allowed_cpu(0), wq);
	item_init(&item);
	queue_work_on(allowed_cpu(0), wq, &item.work);
	assert_true(cancel_work_sync(&item.work));
	assert_true(item_is_running(&blocker.item));
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(cancel_idle_item_returns_false),
		api_test(cancel_item_held_back_returns_true_and_it_never_runs),
		api_test(cancel_active_item_not_started_runs_or_is_cancelled),
		api_test(cancel_running_item_returns_false_without_waiting),
		api_test(cancel_running_and_pending_item_takes_the_second_run),
		api_test(cancel_item_on_the_list_of_its_worker_takes_it),
		api_test(cancel_sync_running_item_waits_and_returns_false),
		api_test(cancel_sync_running_and_pending_item_waits_and_returns_true),
		api_test(cancel_sync_after_cancel_of_the_second_run_waits_for_the_first),
		api_test(cancel_sync_sees_the_effects_of_the_run_it_waited_for),
		api_test(cancel_sync_waiting_refuses_queueing_by_all),
		api_test(cancel_sync_of_disabled_item_leaves_it_disabled),
		api_test(cancel_sync_stops_an_item_that_requeues_for_ever),
		api_test(cancel_sync_item_memory_may_be_reused_at_once),
		api_test(cancel_item_that_moved_to_another_queue_finds_it),
		api_test(cancel_sync_item_that_moved_waits_for_the_last_queue),
		api_test(cancel_sync_by_several_all_wait_and_one_gets_true),
		api_test(cancel_sync_racing_on_a_pending_item_one_gets_true),
		api_test(cancel_from_its_own_function_takes_the_next_run),
		api_test(cancel_sync_from_its_own_function_is_reported_and_not_waited),
		api_test(cancel_sync_from_a_reclaim_queue_of_another_is_not_reported),
		api_test(cancel_sync_of_a_parked_item_does_not_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
