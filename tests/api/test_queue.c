/* SPDX-License-Identifier: MIT */
/*
 * test_queue.c - PENDING and queueing: guarantees A1 to A10.
 */
#include <sys/resource.h>

#include "support/api.h"

/* --------------------------------------------------------------------- A1 */

/* A1 */
static void queue_work_idle_item_runs_once(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct item item;

		assert_non_null(wq);
		item_init(&item);
		assert_true(queue_work(wq, &item.work));
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&item), 1);
		assert_false(work_pending(&item.work));
	}
}

/* A1 */
static void queue_work_pending_item_returns_false_and_runs_once(void **state)
{
	struct stuck_queue stuck;
	struct item item;

	(void)state;
	stuck_queue_make(&stuck);
	item_init(&item);
	assert_true(queue_work(stuck.wq, &item.work));
	for (int i = 0; i < 3; i++)
		assert_false(queue_work(stuck.wq, &item.work));
	assert_true(work_pending(&item.work));
	stuck_queue_free(&stuck);
	assert_int_equal(item_runs(&item), 1);
}

/* A1 */
static void queue_work_pending_item_keeps_its_position(void **state)
{
	struct stuck_queue stuck;
	struct trail trail = { 0 };
	struct item item[3];

	(void)state;
	stuck_queue_make(&stuck);
	for (int i = 0; i < 3; i++) {
		item_init(&item[i]);
		item[i].id = i;
		item[i].trail = &trail;
		assert_true(queue_work(stuck.wq, &item[i].work));
	}
	assert_false(queue_work(stuck.wq, &item[0].work));
	stuck_queue_free(&stuck);
	assert_true(trail_is_ascending(&trail, 0, 3));
}

/* A1 */
static void queue_work_pending_item_stays_on_its_queue(void **state)
{
	struct workqueue_struct *other = alloc_workqueue("other", WQ_UNBOUND, 0);
	struct stuck_queue stuck;
	struct item item;

	(void)state;
	stuck_queue_make(&stuck);
	item_init(&item);
	assert_true(queue_work(stuck.wq, &item.work));
	assert_false(queue_work(other, &item.work));
	destroy_workqueue(other);
	assert_int_equal(item_runs(&item), 0);
	stuck_queue_free(&stuck);
	assert_int_equal(item_runs(&item), 1);
}

/* A1 */
static void queue_work_on_pending_item_keeps_its_cpu(void **state)
{
	struct workqueue_struct *wq;
	struct blocker blocker;
	struct item item;

	(void)state;
	need_cpus(2);
	wq = alloc_workqueue("percpu_one", WQ_PERCPU, 1);
	blocker_start_on(&blocker, allowed_cpu(1), wq);
	item_init(&item);
	assert_true(queue_work_on(allowed_cpu(1), wq, &item.work));
	assert_false(queue_work_on(allowed_cpu(0), wq, &item.work));
	assert_not_yet(item_runs(&item));
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
	assert_int_equal(atomic_load(&item.cpu), allowed_cpu(1));
}

/* --------------------------------------------------------------------- A2 */

enum {
	RACERS = 4,
	RACE_ROUNDS = 2000,
};

struct race {
	struct workqueue_struct *wq;
	struct item item;
	atomic_int round;   /* racers wait for theirs */
	atomic_int arrived; /* in all rounds */
	atomic_int winners;
};

static long race_to_queue(void *arg)
{
	struct race *race = arg;

	for (int round = 1; round <= RACE_ROUNDS; round++) {
		while (atomic_load(&race->round) < round)
			sched_yield();
		if (queue_work(race->wq, &race->item.work))
			atomic_fetch_add(&race->winners, 1);
		atomic_fetch_add(&race->arrived, 1);
	}
	return 0;
}

static void race_round(struct race *race, int round)
{
	long long give_up = deadline_ns();

	atomic_store(&race->winners, 0);
	atomic_store(&race->round, round);
	while (atomic_load(&race->arrived) < round * RACERS && now_ns() < give_up)
		sched_yield();
	assert_int_equal(atomic_load(&race->arrived), round * RACERS);
	assert_int_equal(atomic_load(&race->winners), 1);
	assert_true(cancel_work(&race->item.work));
}

/* A2 */
static void queue_work_racing_callers_exactly_one_gets_true(void **state)
{
	struct stuck_queue stuck;
	struct race race = { 0 };
	struct call racer[RACERS];

	(void)state;
	stuck_queue_make(&stuck);
	race.wq = stuck.wq;
	item_init(&race.item);
	for (int i = 0; i < RACERS; i++)
		call_start(&racer[i], race_to_queue, &race);
	for (int round = 1; round <= RACE_ROUNDS; round++)
		race_round(&race, round);
	for (int i = 0; i < RACERS; i++)
		call_join(&racer[i]);
	stuck_queue_free(&stuck);
	assert_int_equal(item_runs(&race.item), 0);
}

/* --------------------------------------------------------------------- A3 */

struct introspect {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int runs;
	bool pending_inside;
	bool first, second; /* answers of queue_work() inside */
	bool pending_after;
};

static void queue_itself_twice(struct work_struct *work)
{
	struct introspect *own = container_of(work, struct introspect, work);

	if (atomic_fetch_add(&own->runs, 1))
		return;
	own->pending_inside = work_pending(work);
	own->first = queue_work(own->wq, work);
	own->second = queue_work(own->wq, work);
	own->pending_after = work_pending(work);
}

/* A3 */
static void queue_work_inside_own_function_true_once(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct introspect own = { .wq = queue_of_kind(kind) };

		INIT_WORK(&own.work, queue_itself_twice);
		assert_true(queue_work(own.wq, &own.work));
		wait_until(atomic_load(&own.runs) == 2);
		destroy_workqueue(own.wq);
		assert_int_equal(atomic_load(&own.runs), 2);
		assert_false(own.pending_inside);
		assert_true(own.first);
		assert_false(own.second);
		assert_true(own.pending_after);
	}
}

/* A3 */
static void queue_work_running_item_runs_once_more(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, wq);
	assert_false(work_pending(&blocker.item.work));
	assert_true(queue_work(wq, &blocker.item.work));
	assert_false(queue_work(wq, &blocker.item.work));
	assert_true(work_pending(&blocker.item.work));
	blocker_release(&blocker);
	assert_int_equal(item_runs(&blocker.item), 2);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&blocker.item), 2);
}

/* --------------------------------------------------------------------- A4 */

enum {
	CROWD = 8,
	CROWD_OPS = 4000,
};

struct crowd {
	struct workqueue_struct *wq;
	struct item item[CROWD];
	atomic_int queued[CROWD];
	atomic_int cancelled[CROWD];
	atomic_uint seed;
};

static long queue_and_cancel_at_random(void *arg)
{
	struct crowd *crowd = arg;
	unsigned int seed = atomic_fetch_add(&crowd->seed, 7919) + 1;

	for (int op = 0; op < CROWD_OPS; op++) {
		int dice = rand_r(&seed);
		int i = dice % CROWD;

		if (dice / CROWD % 3)
			atomic_fetch_add(&crowd->queued[i],
					 queue_work(crowd->wq, &crowd->item[i].work));
		else if (dice / CROWD % 2)
			atomic_fetch_add(&crowd->cancelled[i], cancel_work(&crowd->item[i].work));
		else
			atomic_fetch_add(&crowd->cancelled[i],
					 cancel_work_sync(&crowd->item[i].work));
	}
	return 0;
}

/* Four threads; then what was accepted must have run or been cancelled. */
static void check_conservation(enum queue_kind kind)
{
	struct crowd crowd = { .wq = queue_of_kind(kind) };
	struct call call[4];

	for (int i = 0; i < CROWD; i++)
		item_init(&crowd.item[i]);
	for (int i = 0; i < 4; i++)
		call_start(&call[i], queue_and_cancel_at_random, &crowd);
	for (int i = 0; i < 4; i++)
		call_join(&call[i]);
	destroy_workqueue(crowd.wq);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(atomic_load(&crowd.queued[i]),
				 item_runs(&crowd.item[i]) + atomic_load(&crowd.cancelled[i]));
}

/* A4 */
static void queue_and_cancel_racing_every_true_is_a_run_or_a_cancel(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++)
		check_conservation(kind);
}

/* ------------------------------------------------------------------ A5, A6 */

struct letter {
	struct work_struct work;
	int written; /* plain: only the library orders it */
	int read;
};

static void read_letter(struct work_struct *work)
{
	struct letter *letter = container_of(work, struct letter, work);

	letter->read = letter->written;
}

/* A5 */
static void queue_work_true_run_sees_stores_before_it(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("letters", WQ_UNBOUND, 0);
	struct letter letter = { 0 };

	(void)state;
	INIT_WORK(&letter.work, read_letter);
	for (int i = 1; i <= 3000; i++) {
		letter.written = i;
		assert_true(queue_work(wq, &letter.work));
		flush_work(&letter.work);
		assert_int_equal(letter.read, i);
	}
	destroy_workqueue(wq);
}

struct late_letter {
	struct letter letter;
	struct workqueue_struct *wq;
	bool queued;
	atomic_bool sent;
};

/* Tells of it by a relaxed store only: the order must come from queue_work(). */
static long write_then_queue_pending(void *arg)
{
	struct late_letter *late = arg;

	late->letter.written = 42;
	late->queued = queue_work(late->wq, &late->letter.work);
	atomic_store_explicit(&late->sent, true, memory_order_relaxed);
	return 0;
}

/* A6 */
static void queue_work_false_pending_run_sees_stores_before_it(void **state)
{
	struct late_letter late = { 0 };
	struct stuck_queue stuck;
	struct call call;

	(void)state;
	stuck_queue_make(&stuck);
	late.wq = stuck.wq;
	INIT_WORK(&late.letter.work, read_letter);
	assert_true(queue_work(stuck.wq, &late.letter.work));
	call_start(&call, write_then_queue_pending, &late);
	wait_until(atomic_load_explicit(&late.sent, memory_order_relaxed));
	stuck_queue_free(&stuck);
	assert_int_equal(late.letter.read, 42);
	call_join(&call);
	assert_false(late.queued);
}

enum {
	LITMUS_SIDES = 2,
	LITMUS_ROUNDS = 10000,
};

struct litmus {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int event[LITMUS_SIDES];
	atomic_int seen[LITMUS_SIDES];
	atomic_int side;
	atomic_int refused;
};

static void see_events(struct work_struct *work)
{
	struct litmus *litmus = container_of(work, struct litmus, work);

	for (int side = 0; side < LITMUS_SIDES; side++) {
		int event = atomic_load_explicit(&litmus->event[side], memory_order_relaxed);

		atomic_store_explicit(&litmus->seen[side], event, memory_order_relaxed);
	}
}

/* "Set flag, queue_work()": whatever it answers, the flag must be seen. */
static long signal_events(void *arg)
{
	struct litmus *litmus = arg;
	int side = atomic_fetch_add(&litmus->side, 1);

	for (int event = 1; event <= LITMUS_ROUNDS; event++) {
		long long give_up = deadline_ns();

		atomic_store_explicit(&litmus->event[side], event, memory_order_relaxed);
		if (!queue_work(litmus->wq, &litmus->work))
			atomic_fetch_add(&litmus->refused, 1);
		while (atomic_load_explicit(&litmus->seen[side], memory_order_relaxed) < event) {
			if (now_ns() > give_up)
				return event;
			sched_yield();
		}
	}
	return 0;
}

static void check_no_event_lost(enum queue_kind kind)
{
	struct litmus litmus = { .wq = queue_of_kind(kind) };
	struct call call[LITMUS_SIDES];

	INIT_WORK(&litmus.work, see_events);
	for (int i = 0; i < LITMUS_SIDES; i++)
		call_start(&call[i], signal_events, &litmus);
	for (int i = 0; i < LITMUS_SIDES; i++) {
		wait_until(call_is_back(&call[i]));
		assert_int_equal(call_join(&call[i]), 0);
	}
	destroy_workqueue(litmus.wq);
}

/* A5 A6 */
static void queue_work_after_setting_a_flag_no_event_is_lost(void **state)
{
	(void)state;
	check_no_event_lost(PERCPU);
	check_no_event_lost(UNBOUND);
	check_no_event_lost(ORDERED);
}

/* ------------------------------------------------------------------ A7, A8 */

/* A7 */
static void queue_work_false_without_run_if_pending_one_is_cancelled(void **state)
{
	struct stuck_queue stuck;
	struct item item;

	(void)state;
	stuck_queue_make(&stuck);
	item_init(&item);
	assert_true(queue_work(stuck.wq, &item.work));
	assert_false(queue_work(stuck.wq, &item.work));
	assert_true(cancel_work(&item.work));
	stuck_queue_free(&stuck);
	assert_int_equal(item_runs(&item), 0);
}

/* A7 */
static void queue_work_false_without_run_if_disabled(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	assert_false(disable_work(&item.work));
	assert_false(queue_work(wq, &item.work));
	assert_false(work_pending(&item.work));
	assert_true(enable_work(&item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
}

/* A8 */
static void queue_work_draining_queue_returns_true_and_drops(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("drained", WQ_PERCPU, 0);
	struct blocker blocker;
	struct call drain;
	struct item item;

	(void)state;
	blocker_start(&blocker, wq);
	item_init(&item);
	call_start(&drain, do_drain_workqueue, wq);
	assert_true(call_blocks(&drain));
	assert_true(queue_work(wq, &item.work));
	assert_false(work_pending(&item.work));
	assert_true(queue_work(wq, &item.work));
	blocker_release(&blocker);
	call_join(&drain);
	flush_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
	assert_true(queue_work(wq, &item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
	assert_true(reports_are_well_formed());
	assert_int_equal(report_take(), 1);
}

/* --------------------------------------------------------------------- A9 */

enum {
	MANY = 1000,
};

static long queue_many(struct workqueue_struct *wq, struct item *item)
{
	long accepted = 0;

	for (int i = 0; i < MANY; i++)
		accepted += queue_work(wq, &item[i].work);
	return accepted;
}

static struct item *items_alloc(int nr)
{
	struct item *item = calloc(nr, sizeof(*item));

	assert_non_null(item);
	for (int i = 0; i < nr; i++)
		item_init(&item[i]);
	return item;
}

/* A9 */
static void queue_work_all_workers_waiting_does_not_block(void **state)
{
	struct item *item = items_alloc(MANY);
	struct stuck_queue stuck;
	struct rusage before, after;

	(void)state;
	stuck_queue_make(&stuck);
	getrusage(RUSAGE_THREAD, &before);
	assert_int_equal(queue_many(stuck.wq, item), MANY);
	getrusage(RUSAGE_THREAD, &after);
	/* A sanitizer's own locks may sleep, or an emulator's; queue_work() may not. */
	if (!TESTS_SANITIZED && !TESTS_EMULATED)
		assert_int_equal(after.ru_nvcsw, before.ru_nvcsw);
	stuck_queue_free(&stuck);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(item_runs(&item[i]), 1);
	free(item);
}

/* A9 */
static void queue_work_no_memory_left_is_accepted_and_runs(void **state)
{
	struct rlimit usual, none;
	struct stuck_queue stuck;
	struct item *item;
	long accepted;

	(void)state;
	if (TESTS_SANITIZED)
		skip();
	item = items_alloc(MANY);
	stuck_queue_make(&stuck);
	getrlimit(RLIMIT_AS, &usual);
	none = usual;
	none.rlim_cur = 1;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	accepted = queue_many(stuck.wq, item);
	setrlimit(RLIMIT_AS, &usual);
	assert_int_equal(accepted, MANY);
	stuck_queue_free(&stuck);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(item_runs(&item[i]), 1);
	free(item);
	report_take(); /* it may say that it got no thread */
}

/* -------------------------------------------------------------------- A10 */

struct transit {
	struct workqueue_struct *wq;
	struct item item;
	atomic_bool stop;
	atomic_int queued;
};

static long queue_until_stopped(void *arg)
{
	struct transit *transit = arg;

	while (!atomic_load(&transit->stop))
		if (queue_work(transit->wq, &transit->item.work))
			atomic_fetch_add(&transit->queued, 1);
	return 0;
}

/* A10 */
static void cancel_meets_queue_in_transit_both_go_on(void **state)
{
	struct transit transit = { .wq = alloc_workqueue("transit", WQ_PERCPU, 0) };
	struct call producer[2];
	int cancelled = 0;

	(void)state;
	item_init(&transit.item);
	for (int i = 0; i < 2; i++)
		call_start(&producer[i], queue_until_stopped, &transit);
	wait_until(atomic_load(&transit.queued));
	for (int i = 0; i < 2000; i++) {
		cancelled += cancel_work(&transit.item.work);
		flush_work(&transit.item.work);
		cancelled += cancel_work_sync(&transit.item.work);
	}
	atomic_store(&transit.stop, true);
	for (int i = 0; i < 2; i++)
		call_join(&producer[i]);
	destroy_workqueue(transit.wq);
	assert_int_equal(atomic_load(&transit.queued), item_runs(&transit.item) + cancelled);
	assert_int_equal(work_busy(&transit.item.work), 0);
}

/* ------------------------------------------------------- to another queue */

static struct moving {
	struct work_struct work;
	struct workqueue_struct *to;
	struct gate go;
	atomic_int runs;
} moving;

static void move_once(struct work_struct *work)
{
	if (atomic_fetch_add(&moving.runs, 1))
		gate_wait(&moving.go);
	else
		assert_true(queue_work(moving.to, work));
}

/* D1: of the run that it has asked for there the first queue knows nothing. */
static void queue_work_inside_own_function_on_another_queue_leaves_the_first(void **state)
{
	struct workqueue_struct *from = alloc_workqueue("from", WQ_PERCPU, 0);
	struct call flush;

	(void)state;
	gate_init(&moving.go);
	INIT_WORK(&moving.work, move_once);
	moving.to = alloc_workqueue("to", WQ_PERCPU, 0);
	/* the next one of a worker that has run already, which may do without filing it */
	run_one_item_on(from);
	assert_true(queue_work_on(allowed_cpu(0), from, &moving.work));
	wait_until(atomic_load(&moving.runs) == 2);
	flush_workqueue(from);
	call_start(&flush, do_flush_workqueue, moving.to);
	assert_true(call_blocks(&flush));
	gate_open(&moving.go);
	call_join(&flush);
	destroy_workqueue(from);
	destroy_workqueue(moving.to);
	assert_int_equal(atomic_load(&moving.runs), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_work_idle_item_runs_once),
		api_test(queue_work_pending_item_returns_false_and_runs_once),
		api_test(queue_work_pending_item_keeps_its_position),
		api_test(queue_work_pending_item_stays_on_its_queue),
		api_test(queue_work_on_pending_item_keeps_its_cpu),
		api_test(queue_work_racing_callers_exactly_one_gets_true),
		api_test(queue_work_inside_own_function_true_once),
		api_test(queue_work_inside_own_function_on_another_queue_leaves_the_first),
		api_test(queue_work_running_item_runs_once_more),
		api_test(queue_and_cancel_racing_every_true_is_a_run_or_a_cancel),
		api_test(queue_work_true_run_sees_stores_before_it),
		api_test(queue_work_false_pending_run_sees_stores_before_it),
		api_test(queue_work_after_setting_a_flag_no_event_is_lost),
		api_test(queue_work_false_without_run_if_pending_one_is_cancelled),
		api_test(queue_work_false_without_run_if_disabled),
		api_test(queue_work_draining_queue_returns_true_and_drops),
		api_test(queue_work_all_workers_waiting_does_not_block),
		api_test(queue_work_no_memory_left_is_accepted_and_runs),
		api_test(cancel_meets_queue_in_transit_both_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
