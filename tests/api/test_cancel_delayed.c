/* SPDX-License-Identifier: MIT */
/*
 * test_cancel_delayed.c - taking delayed items back: guarantees G1 to G8 for
 * delayed items. Disabling takes back, too; what else it does is in
 * test_disable_delayed.c.
 */
#include "support/api.h"
#include "support/delayed.h"

typedef bool (*take_fn)(struct delayed_work *dwork);

/* All ways to take an item back. */
static const take_fn takes[] = {
	cancel_delayed_work,
	cancel_delayed_work_sync,
	disable_delayed_work,
	disable_delayed_work_sync,
};

enum {
	NR_TAKES = 4,
	NR_CANCELS = 2, /* of these; the others disable */
};

/* --------------------------------------------------------------------- G1 */

/* G1 G2 H1 */
static void take_idle_item_returns_false(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);

	(void)state;
	for (int i = 0; i < NR_TAKES; i++) {
		struct delayed_item item;

		delayed_init(&item);
		assert_false(takes[i](&item.dwork));
		if (i >= NR_CANCELS)
			assert_true(enable_delayed_work(&item.dwork));
		queue_delayed_work(wq, &item.dwork, 1);
		wait_until(delayed_runs(&item));
		flush_work(&item.dwork.work);
		assert_false(takes[i](&item.dwork));
	}
	destroy_workqueue(wq);
}

/* G1 G2 H1 H3 */
static void take_armed_item_returns_true_and_it_never_runs(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item[NR_TAKES];
		bool taken[NR_TAKES]; /* on a slow machine it may have run */

		for (int i = 0; i < NR_TAKES; i++) {
			delayed_init(&item[i]);
			assert_true(queue_delayed_work(wq, &item[i].dwork, 2 * SOON));
			taken[i] = takes[i](&item[i].dwork);
			assert_false(delayed_is_pending(&item[i]));
			assert_false(takes[i](&item[i].dwork));
		}
		if (kind == 0)
			assert_not_yet(taken[0] && delayed_runs(&item[0]));
		destroy_workqueue(wq);
		for (int i = 0; i < NR_TAKES; i++)
			assert_int_equal(delayed_runs(&item[i]), !taken[i]);
	}
}

/* G1 G2 H1 H3 */
static void take_item_armed_for_later_always_returns_true(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	for (int i = 0; i < 1000; i++) {
		assert_true(queue_delayed_work(wq, &item.dwork, FAR + i % 7));
		assert_true(takes[i % NR_TAKES](&item.dwork));
		assert_true(delayed_is_idle(&item));
		if (i % NR_TAKES >= NR_CANCELS)
			assert_true(enable_delayed_work(&item.dwork));
	}
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 0);
}

static void check_take_of_filed_item(take_fn take, unsigned long delay)
{
	struct stuck_queue stuck;
	struct delayed_item item;

	stuck_queue_make(&stuck);
	delayed_init(&item);
	assert_true(queue_delayed_work(stuck.wq, &item.dwork, delay));
	wait_until(stuck_queue_holds_items(&stuck));
	assert_true(take(&item.dwork));
	assert_false(delayed_is_pending(&item));
	assert_false(take(&item.dwork));
	stuck_queue_free(&stuck);
	assert_int_equal(delayed_runs(&item), 0);
}

/* G1 G2 H1 */
static void take_item_that_became_due_takes_it_off_its_queue(void **state)
{
	(void)state;
	for (int i = 0; i < NR_TAKES; i++) {
		check_take_of_filed_item(takes[i], 0);
		check_take_of_filed_item(takes[i], 1);
	}
}

/* G1 */
static void cancel_running_item_returns_false_without_waiting(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;
		struct gate go;

		delayed_run_until_released(&item, &go, wq);
		assert_false(cancel_delayed_work(&item.dwork));
		assert_false(disable_delayed_work(&item.dwork));
		assert_true(delayed_is_running(&item));
		delayed_release(&item);
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 1);
	}
}

/* G1 */
static void cancel_running_and_armed_item_takes_the_second_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;
		struct gate go;

		delayed_run_until_released(&item, &go, wq);
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		assert_true(cancel_delayed_work(&item.dwork));
		assert_true(delayed_is_running(&item));
		assert_true(queue_delayed_work(wq, &item.dwork, 0));
		assert_true(cancel_delayed_work(&item.dwork));
		delayed_release(&item);
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 1);
	}
}

/* --------------------------------------------------------------------- G2 */

static void check_sync_take_waits(enum queue_kind kind, long (*take)(void *dwork), bool armed)
{
	struct workqueue_struct *wq = queue_of_kind(kind);
	struct delayed_item item;
	struct call call;
	struct gate go;

	delayed_run_until_released(&item, &go, wq);
	if (armed)
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	call_start(&call, take, &item.dwork);
	assert_true(call_blocks(&call));
	gate_open(&go);
	assert_int_equal(call_join(&call), armed);
	assert_int_equal(atomic_load(&item.finished), 1);
	assert_true(delayed_is_idle(&item));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* G2 */
static void cancel_sync_running_item_waits_and_says_whether_it_was_armed(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		check_sync_take_waits(kind, do_cancel_delayed_work_sync, /* armed */ false);
		check_sync_take_waits(kind, do_cancel_delayed_work_sync, /* armed */ true);
	}
}

/* G2 H1 */
static void disable_sync_running_item_waits_and_says_whether_it_was_armed(void **state)
{
	(void)state;
	check_sync_take_waits(PERCPU, do_disable_delayed_work_sync, /* armed */ false);
	check_sync_take_waits(UNBOUND, do_disable_delayed_work_sync, /* armed */ true);
}

struct effect {
	struct delayed_work dwork;
	int value; /* plain: cancel_delayed_work_sync() must make it visible */
};

static void write_effect(struct work_struct *work)
{
	container_of(to_delayed_work(work), struct effect, dwork)->value++;
}

/* G2 */
static void cancel_sync_sees_the_effects_of_the_run_it_waited_for(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct effect effect = { 0 };
	int runs = 0;

	(void)state;
	INIT_DELAYED_WORK(&effect.dwork, write_effect);
	for (int i = 0; i < 400; i++) {
		assert_true(queue_delayed_work(wq, &effect.dwork, i % 2));
		nap_us(i % 5 * 500);
		runs += !cancel_delayed_work_sync(&effect.dwork);
		assert_int_equal(effect.value, runs);
	}
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- G3, G4 */

struct requeuer {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	struct gate go;
	atomic_int runs;
	bool answer;
};

static void wait_then_rearm(struct work_struct *work)
{
	struct requeuer *requeuer = container_of(to_delayed_work(work), struct requeuer, dwork);

	if (atomic_fetch_add(&requeuer->runs, 1))
		return;
	gate_wait(&requeuer->go);
	requeuer->answer = queue_delayed_work(requeuer->wq, &requeuer->dwork, 1);
}

/* G3 G4 */
static void cancel_sync_waiting_refuses_arming_by_all(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct requeuer requeuer = { .wq = queue_of_kind(kind), .answer = true };
		struct call cancel;

		gate_init(&requeuer.go);
		INIT_DELAYED_WORK(&requeuer.dwork, wait_then_rearm);
		queue_delayed_work(requeuer.wq, &requeuer.dwork, 0);
		wait_until(atomic_load(&requeuer.runs) == 1);
		call_start(&cancel, do_cancel_delayed_work_sync, &requeuer.dwork);
		assert_true(call_blocks(&cancel));
		assert_false(queue_delayed_work(requeuer.wq, &requeuer.dwork, FAR));
		assert_false(queue_delayed_work(requeuer.wq, &requeuer.dwork, 0));
		gate_open(&requeuer.go);
		assert_false(call_join(&cancel));
		assert_false(requeuer.answer);
		assert_int_equal(atomic_load(&requeuer.runs), 1);
		assert_true(queue_delayed_work(requeuer.wq, &requeuer.dwork, 1));
		wait_until(atomic_load(&requeuer.runs) == 2);
		destroy_workqueue(requeuer.wq);
	}
}

struct periodic {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	unsigned long period;
	atomic_int runs;
};

static void rearm_for_ever(struct work_struct *work)
{
	struct periodic *periodic = container_of(to_delayed_work(work), struct periodic, dwork);

	atomic_fetch_add(&periodic->runs, 1);
	queue_delayed_work(periodic->wq, &periodic->dwork, periodic->period);
}

/* G4 */
static void cancel_sync_stops_an_item_that_arms_itself_for_ever(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct periodic periodic = { .wq = queue_of_kind(kind) };

		INIT_DELAYED_WORK(&periodic.dwork, rearm_for_ever);
		for (int i = 0; i < 12; i++) {
			int runs = atomic_load(&periodic.runs);

			periodic.period = i % 3;
			assert_true(queue_delayed_work(periodic.wq, &periodic.dwork, 0));
			wait_until(atomic_load(&periodic.runs) > runs);
			nap_us(i * 100);
			cancel_delayed_work_sync(&periodic.dwork);
			runs = atomic_load(&periodic.runs);
			assert_int_equal(work_busy(&periodic.dwork.work), 0);
			flush_workqueue(periodic.wq);
			assert_int_equal(atomic_load(&periodic.runs), runs);
		}
		destroy_workqueue(periodic.wq);
	}
}

/* The timer thread, too, must have let go of it. */
/* G4 */
static void cancel_sync_item_memory_may_be_reused_at_once(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct delayed_item *item = malloc(sizeof(*item));

		assert_non_null(item);
		delayed_init(item);
		queue_delayed_work(wq, &item->dwork, i % 3);
		nap_us(i % 8 * 250);
		cancel_delayed_work_sync(&item->dwork);
		assert_false(delayed_is_running(item));
		memset(item, 0xa5, sizeof(*item));
		free(item);
	}
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------- G5, G6, G7 */

/* G5 */
static void cancel_item_that_moved_to_another_queue_finds_it(void **state)
{
	struct workqueue_struct *before = alloc_workqueue("before", WQ_PERCPU, 0);
	struct stuck_queue stuck;
	struct delayed_item item;

	(void)state;
	stuck_queue_make(&stuck);
	delayed_init(&item);
	for (int i = 0; i < 4; i++) {
		queue_delayed_work(before, &item.dwork, 0);
		flush_work(&item.dwork.work);
		assert_true(queue_delayed_work(stuck.wq, &item.dwork, i % 2 ? FAR : 0));
		assert_true(cancel_delayed_work_sync(&item.dwork));
		assert_true(queue_delayed_work(before, &item.dwork, FAR));
		assert_true(mod_delayed_work(stuck.wq, &item.dwork, i % 2 ? 0 : FAR));
		assert_true(cancel_delayed_work(&item.dwork));
		assert_int_equal(delayed_runs(&item), i + 1);
	}
	stuck_queue_free(&stuck);
	destroy_workqueue(before);
	assert_int_equal(delayed_runs(&item), 4);
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
		struct delayed_item item;
		struct gate go;
		int won = 0;

		delayed_run_until_released(&item, &go, wq);
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		for (int i = 0; i < CANCELLERS; i++)
			call_start(&cancel[i], do_cancel_delayed_work_sync, &item.dwork);
		for (int i = 0; i < CANCELLERS; i++)
			assert_true(call_blocks(&cancel[i]));
		gate_open(&go);
		for (int i = 0; i < CANCELLERS; i++)
			won += call_join(&cancel[i]);
		assert_int_equal(won, 1);
		assert_true(queue_delayed_work(wq, &item.dwork, 0));
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 2);
	}
}

struct duel {
	struct delayed_work *dwork;
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
		won += cancel_delayed_work_sync(duel->dwork);
		atomic_fetch_add(duel->arrived, 1);
	}
	return won;
}

/* G6 */
static void cancel_sync_racing_on_an_armed_item_one_gets_true(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	atomic_int round = 0, arrived = 0;
	struct call rival[2];
	struct delayed_item item;
	struct duel duel = { .dwork = &item.dwork, .round = &round, .arrived = &arrived };
	long won = 0;

	(void)state;
	delayed_init(&item);
	for (int i = 0; i < 2; i++)
		call_start(&rival[i], cancel_each_round, &duel);
	for (int i = 1; i <= DUEL_ROUNDS; i++) {
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		atomic_store(&round, i);
		while (atomic_load(&arrived) < 2 * i)
			sched_yield();
	}
	for (int i = 0; i < 2; i++)
		won += call_join(&rival[i]);
	assert_int_equal(won, DUEL_ROUNDS);
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 0);
}

/* Just as the timer fires. */
/* G1 G6 */
static void cancel_racing_with_expiry_either_runs_or_returns_true(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;
	int runs = 0;

	(void)state;
	delayed_init(&item);
	for (int i = 0; i < 600; i++) {
		assert_true(delayed_arm(&item, wq, 1));
		while (now_ns() < item.due_ns + i % 60 * 20000LL)
			;
		if (i % 2)
			runs += !cancel_delayed_work_sync(&item.dwork);
		else
			runs += !cancel_delayed_work(&item.dwork);
		flush_work(&item.dwork.work);
		assert_int_equal(delayed_runs(&item), runs);
	}
	destroy_workqueue(wq);
}

struct self_canceller {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	take_fn cancel;
	atomic_int runs;
	bool armed, cancelled;
};

static void arm_and_cancel_itself(struct work_struct *work)
{
	struct self_canceller *own =
		container_of(to_delayed_work(work), struct self_canceller, dwork);

	atomic_fetch_add(&own->runs, 1);
	own->armed = queue_delayed_work(own->wq, &own->dwork, FAR);
	own->cancelled = own->cancel(&own->dwork);
}

static void check_self_cancel(enum queue_kind kind, take_fn cancel)
{
	struct self_canceller own = { .wq = queue_of_kind(kind), .cancel = cancel };

	INIT_DELAYED_WORK(&own.dwork, arm_and_cancel_itself);
	queue_delayed_work(own.wq, &own.dwork, 0);
	destroy_workqueue(own.wq);
	assert_true(own.armed);
	assert_true(own.cancelled);
	assert_int_equal(atomic_load(&own.runs), 1);
}

/* G7 */
static void cancel_from_its_own_function_takes_the_next_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		check_self_cancel(kind, cancel_delayed_work);
		check_self_cancel(kind, disable_delayed_work);
	}
}

/* G7 */
static void cancel_sync_from_its_own_function_is_reported_and_not_waited(void **state)
{
	(void)state;
	check_self_cancel(PERCPU, cancel_delayed_work_sync);
	assert_warned();
	check_self_cancel(ORDERED, disable_delayed_work_sync);
	report_take(); /* the same kind of misuse */
}

/* --------------------------------------------------------------------- G8 */

static long (*const inner_takes[])(void *work) = {
	do_cancel_work,
	do_cancel_work_sync,
	do_disable_work,
	do_disable_work_sync,
};

/* G8 */
static void cancel_work_inside_an_armed_item_waits_until_the_timer_has_fired(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct stuck_queue stuck;
		struct delayed_item item;

		stuck_queue_make(&stuck);
		delayed_init(&item);
		assert_true(delayed_arm(&item, stuck.wq, 4 * SOON));
		assert_true(inner_takes[i](&item.dwork.work));
		assert_true(now_ns() >= item.due_ns);
		assert_false(delayed_is_pending(&item));
		stuck_queue_free(&stuck);
		assert_int_equal(delayed_runs(&item), 0);
	}
}

/* G8 */
static void cancel_work_inside_an_armed_item_returns_if_others_take_it(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct delayed_item item;
		struct call call;

		delayed_init(&item);
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		call_start(&call, inner_takes[i], &item.dwork.work);
		assert_true(call_blocks(&call));
		assert_true(cancel_delayed_work(&item.dwork));
		assert_false(call_join(&call));
		assert_false(delayed_is_pending(&item));
		assert_int_equal(delayed_runs(&item), 0);
	}
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(take_idle_item_returns_false),
		api_test(take_armed_item_returns_true_and_it_never_runs),
		api_test(take_item_armed_for_later_always_returns_true),
		api_test(take_item_that_became_due_takes_it_off_its_queue),
		api_test(cancel_running_item_returns_false_without_waiting),
		api_test(cancel_running_and_armed_item_takes_the_second_run),
		api_test(cancel_sync_running_item_waits_and_says_whether_it_was_armed),
		api_test(disable_sync_running_item_waits_and_says_whether_it_was_armed),
		api_test(cancel_sync_sees_the_effects_of_the_run_it_waited_for),
		api_test(cancel_sync_waiting_refuses_arming_by_all),
		api_test(cancel_sync_stops_an_item_that_arms_itself_for_ever),
		api_test(cancel_sync_item_memory_may_be_reused_at_once),
		api_test(cancel_item_that_moved_to_another_queue_finds_it),
		api_test(cancel_sync_by_several_all_wait_and_one_gets_true),
		api_test(cancel_sync_racing_on_an_armed_item_one_gets_true),
		api_test(cancel_racing_with_expiry_either_runs_or_returns_true),
		api_test(cancel_from_its_own_function_takes_the_next_run),
		api_test(cancel_sync_from_its_own_function_is_reported_and_not_waited),
		api_test(cancel_work_inside_an_armed_item_waits_until_the_timer_has_fired),
		api_test(cancel_work_inside_an_armed_item_returns_if_others_take_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
