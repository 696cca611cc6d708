/* SPDX-License-Identifier: MIT */
/*
 * test_delayed_pending.c - PENDING and delayed items: guarantees A1 to A7.
 */
#include "support/api.h"
#include "support/delayed.h"

enum {
	CROWD = 8,
};

/* --------------------------------------------------------------------- A1 */

/* A1 */
static void queue_delayed_work_pending_item_returns_false_and_changes_nothing(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct delayed_item far, soon;
	struct stuck_queue stuck;
	bool accepted;

	(void)state;
	stuck_queue_make(&stuck);
	delayed_init(&far);
	delayed_init(&soon);
	assert_true(queue_delayed_work(wq, &far.dwork, FAR));
	assert_true(delayed_arm(&soon, wq, 2 * SOON));
	assert_false(queue_delayed_work(wq, &far.dwork, 1));
	assert_false(queue_delayed_work(wq, &far.dwork, 0));
	assert_false(queue_work(wq, &far.dwork.work));
	accepted = queue_delayed_work(stuck.wq, &soon.dwork, FAR); /* if it has begun already */
	wait_until(delayed_runs(&soon) == 1);
	assert_true(delayed_was_not_early(&soon));
	assert_int_equal(cancel_delayed_work_sync(&soon.dwork), accepted);
	assert_not_yet(delayed_runs(&far));
	assert_true(cancel_delayed_work_sync(&far.dwork));
	stuck_queue_free(&stuck);
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&soon), 1);
	assert_int_equal(delayed_runs(&far), 0);
}

/* --------------------------------------------------------------------- A2 */

enum {
	RACERS = 4,
	RACE_ROUNDS = 1000,
};

struct race {
	struct workqueue_struct *wq;
	struct delayed_item item;
	atomic_int round;   /* racers wait for theirs */
	atomic_int arrived; /* in all rounds */
	atomic_int winners;
};

static long race_to_arm(void *arg)
{
	struct race *race = arg;

	for (int round = 1; round <= RACE_ROUNDS; round++) {
		while (atomic_load(&race->round) < round)
			sched_yield();
		if (queue_delayed_work(race->wq, &race->item.dwork, FAR + round))
			atomic_fetch_add(&race->winners, 1);
		atomic_fetch_add(&race->arrived, 1);
	}
	return 0;
}

/* A2 */
static void queue_delayed_work_racing_callers_exactly_one_gets_true(void **state)
{
	struct race race = { .wq = alloc_workqueue("percpu", WQ_PERCPU, 0) };
	struct call racer[RACERS];

	(void)state;
	delayed_init(&race.item);
	for (int i = 0; i < RACERS; i++)
		call_start(&racer[i], race_to_arm, &race);
	for (int round = 1; round <= RACE_ROUNDS; round++) {
		atomic_store(&race.winners, 0);
		atomic_store(&race.round, round);
		wait_until(atomic_load(&race.arrived) == round * RACERS);
		assert_int_equal(atomic_load(&race.winners), 1);
		assert_true(cancel_delayed_work(&race.item.dwork));
	}
	for (int i = 0; i < RACERS; i++)
		call_join(&racer[i]);
	destroy_workqueue(race.wq);
	assert_int_equal(delayed_runs(&race.item), 0);
}

/* --------------------------------------------------------------------- A3 */

struct introspect {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	atomic_int runs;
	bool pending_inside;
	bool first, second; /* answers of queue_delayed_work() inside */
	bool pending_after;
	bool is_current;
	bool on_timer_thread;
};

static void arm_itself_twice(struct work_struct *work)
{
	struct introspect *own = container_of(to_delayed_work(work), struct introspect, dwork);

	own->is_current = current_work() == work;
	own->on_timer_thread = is_timer_thread(own_tid());
	if (atomic_fetch_add(&own->runs, 1))
		return;
	own->pending_inside = delayed_work_pending(&own->dwork);
	own->first = queue_delayed_work(own->wq, &own->dwork, FAR);
	own->second = queue_delayed_work(own->wq, &own->dwork, 0);
	own->pending_after = delayed_work_pending(&own->dwork);
}

/* A3 */
static void queue_delayed_work_inside_own_function_true_once(void **state)
{
	(void)state;
	assert_null(current_work());
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct introspect own = { .wq = queue_of_kind(kind) };

		INIT_DELAYED_WORK(&own.dwork, arm_itself_twice);
		assert_true(queue_delayed_work(own.wq, &own.dwork, 1));
		wait_until(atomic_load(&own.runs) == 1);
		flush_work(&own.dwork.work);
		assert_true(flush_delayed_work(&own.dwork));
		destroy_workqueue(own.wq);
		assert_int_equal(atomic_load(&own.runs), 2);
		assert_false(own.pending_inside);
		assert_true(own.first);
		assert_false(own.second);
		assert_true(own.pending_after);
		assert_true(own.is_current);
		assert_false(own.on_timer_thread);
	}
}

/* --------------------------------------------------------------------- A4 */

enum {
	CROWD_OPS = 3000,
};

struct crowd {
	struct workqueue_struct *wq;
	struct delayed_item item[CROWD];
	atomic_int queued[CROWD];
	atomic_int cancelled[CROWD];
	atomic_uint seed;
};

static long arm_and_cancel_at_random(void *arg)
{
	struct crowd *crowd = arg;
	unsigned int seed = atomic_fetch_add(&crowd->seed, 7919) + 1;

	for (int op = 0; op < CROWD_OPS; op++) {
		int dice = rand_r(&seed) / 4;
		int i = dice % CROWD;
		struct delayed_work *dwork = &crowd->item[i].dwork;

		dice /= CROWD;
		if (dice % 3)
			atomic_fetch_add(&crowd->queued[i],
					 queue_delayed_work(crowd->wq, dwork, dice / 3 % 3));
		else
			atomic_fetch_add(&crowd->cancelled[i],
					 dice % 2 ? cancel_delayed_work(dwork) :
						    cancel_delayed_work_sync(dwork));
	}
	return 0;
}

/* A4 */
static void queue_delayed_work_and_cancel_racing_every_true_is_a_run_or_a_cancel(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct crowd crowd = { .wq = queue_of_kind(kind) };
		struct call call[4];

		for (int i = 0; i < CROWD; i++)
			delayed_init(&crowd.item[i]);
		for (int i = 0; i < 4; i++)
			call_start(&call[i], arm_and_cancel_at_random, &crowd);
		for (int i = 0; i < 4; i++)
			call_join(&call[i]);
		for (int i = 0; i < CROWD; i++)
			flush_delayed_work(&crowd.item[i].dwork);
		destroy_workqueue(crowd.wq);
		for (int i = 0; i < CROWD; i++)
			assert_int_equal(atomic_load(&crowd.queued[i]),
					 delayed_runs(&crowd.item[i]) +
						 atomic_load(&crowd.cancelled[i]));
	}
}

/* ------------------------------------------------------------- A5, A6, A7 */

struct letter {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	int written; /* plain: only the library orders it */
	int read;
	atomic_int runs;
	bool queued;
	atomic_bool sent;
};

static void read_letter(struct work_struct *work)
{
	struct letter *letter = container_of(to_delayed_work(work), struct letter, dwork);

	letter->read = letter->written;
	atomic_fetch_add_explicit(&letter->runs, 1, memory_order_relaxed);
}

/* A5 */
static void queue_delayed_work_true_run_sees_stores_before_it(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("letters", WQ_UNBOUND, 0);
	struct letter letter = { 0 };

	(void)state;
	INIT_DELAYED_WORK(&letter.dwork, read_letter);
	for (int i = 1; i <= 100; i++) {
		letter.written = i;
		assert_true(queue_delayed_work(wq, &letter.dwork, i % 3));
		wait_until(atomic_load_explicit(&letter.runs, memory_order_relaxed) == i);
		flush_work(&letter.dwork.work);
		cancel_delayed_work_sync(&letter.dwork);
		assert_int_equal(letter.read, i);
	}
	destroy_workqueue(wq);
}

/* Tells of it by a relaxed store only: the order must come from queueing. */
static long write_then_queue_pending(void *arg)
{
	struct letter *letter = arg;

	letter->written = 42;
	letter->queued = queue_delayed_work(letter->wq, &letter->dwork, 1);
	atomic_store_explicit(&letter->sent, true, memory_order_relaxed);
	return 0;
}

/* A6 */
static void queue_delayed_work_false_armed_run_sees_stores_before_it(void **state)
{
	struct letter letter = { .wq = alloc_workqueue("letters", WQ_PERCPU, 0) };
	struct call call;

	(void)state;
	INIT_DELAYED_WORK(&letter.dwork, read_letter);
	assert_true(queue_delayed_work(letter.wq, &letter.dwork, FAR));
	call_start(&call, write_then_queue_pending, &letter);
	wait_until(atomic_load_explicit(&letter.sent, memory_order_relaxed));
	assert_true(flush_delayed_work(&letter.dwork));
	assert_int_equal(letter.read, 42);
	call_join(&call);
	assert_false(letter.queued);
	destroy_workqueue(letter.wq);
}

enum {
	LITMUS_SIDES = 2,
	LITMUS_ROUNDS = 300,
};

struct litmus {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	atomic_int event[LITMUS_SIDES];
	atomic_int seen[LITMUS_SIDES];
	atomic_int side;
};

static void see_events(struct work_struct *work)
{
	struct litmus *litmus = container_of(to_delayed_work(work), struct litmus, dwork);

	for (int side = 0; side < LITMUS_SIDES; side++) {
		int event = atomic_load_explicit(&litmus->event[side], memory_order_relaxed);

		atomic_store_explicit(&litmus->seen[side], event, memory_order_relaxed);
	}
}

/* "Set flag, queue": whatever it answers, the flag must be seen. */
static long signal_events(void *arg)
{
	struct litmus *litmus = arg;
	int side = atomic_fetch_add(&litmus->side, 1);

	for (int event = 1; event <= LITMUS_ROUNDS; event++) {
		atomic_store_explicit(&litmus->event[side], event, memory_order_relaxed);
		queue_delayed_work(litmus->wq, &litmus->dwork, event % 2);
		wait_until(atomic_load_explicit(&litmus->seen[side], memory_order_relaxed) >=
			   event);
	}
	return 0;
}

/* A5 A6 */
static void queue_delayed_work_after_setting_a_flag_no_event_is_lost(void **state)
{
	struct litmus litmus = { .wq = alloc_workqueue("unbound", WQ_UNBOUND, 0) };
	struct call call[LITMUS_SIDES];

	(void)state;
	INIT_DELAYED_WORK(&litmus.dwork, see_events);
	for (int i = 0; i < LITMUS_SIDES; i++)
		call_start(&call[i], signal_events, &litmus);
	for (int i = 0; i < LITMUS_SIDES; i++)
		while (!call_is_back(&call[i]))
			nap_us(1000); /* the rounds have their deadlines */
	for (int i = 0; i < LITMUS_SIDES; i++)
		call_join(&call[i]);
	cancel_delayed_work_sync(&litmus.dwork);
	destroy_workqueue(litmus.wq);
}

/* A7 */
static void queue_delayed_work_false_without_run_if_cancelled_or_disabled(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_false(queue_delayed_work(wq, &item.dwork, 0));
	assert_true(cancel_delayed_work(&item.dwork));
	assert_false(disable_delayed_work(&item.dwork));
	assert_false(queue_delayed_work(wq, &item.dwork, 0));
	assert_false(queue_delayed_work(wq, &item.dwork, 1));
	assert_false(delayed_is_pending(&item));
	assert_not_yet(delayed_runs(&item));
	assert_true(enable_delayed_work(&item.dwork));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_delayed_work_pending_item_returns_false_and_changes_nothing),
		api_test(queue_delayed_work_racing_callers_exactly_one_gets_true),
		api_test(queue_delayed_work_inside_own_function_true_once),
		api_test(queue_delayed_work_and_cancel_racing_every_true_is_a_run_or_a_cancel),
		api_test(queue_delayed_work_true_run_sees_stores_before_it),
		api_test(queue_delayed_work_false_armed_run_sees_stores_before_it),
		api_test(queue_delayed_work_after_setting_a_flag_no_event_is_lost),
		api_test(queue_delayed_work_false_without_run_if_cancelled_or_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
