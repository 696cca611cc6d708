/* SPDX-License-Identifier: MIT */
/*
 * test_flush_workqueue.c - waiting for a whole queue: guarantees D1 and D3 to D8.
 * D2 speaks of armed delayed work and comes with it.
 */
#include "support/api.h"

/* --------------------------------------------------------------------- D1 */

struct record {
	struct work_struct work;
	int effect; /* plain: flush_workqueue() must make it visible */
};

static void write_effect(struct work_struct *work)
{
	container_of(work, struct record, work)->effect++;
}

/* D1 */
static void flush_workqueue_returns_with_all_effects_visible(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct record record[32] = { 0 };
		int cpus = nr_allowed_cpus();

		for (int i = 0; i < 32; i++) {
			INIT_WORK(&record[i].work, write_effect);
			queue_work_on(allowed_cpu(i % cpus), wq, &record[i].work);
		}
		flush_workqueue(wq);
		for (int i = 0; i < 32; i++)
			assert_int_equal(record[i].effect, 1);
		destroy_workqueue(wq);
	}
}

/* D1 */
static void flush_workqueue_many_rounds_each_sees_its_item_done(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("rounds", WQ_UNBOUND, 0);
	struct record record = { 0 };

	(void)state;
	INIT_WORK(&record.work, write_effect);
	for (int i = 1; i <= 1000; i++) {
		assert_true(queue_work(wq, &record.work));
		flush_workqueue(wq);
		assert_int_equal(record.effect, i);
	}
	destroy_workqueue(wq);
}

static void check_flush_waits_for(struct workqueue_struct *wq, int nr)
{
	struct gate go;
	struct item item[4];
	struct call flush;

	gate_init(&go);
	for (int i = 0; i < nr; i++) {
		item_init_held(&item[i], &go);
		queue_work_on(allowed_cpu(0), wq, &item[i].work);
	}
	call_start(&flush, do_flush_workqueue, wq);
	assert_true(call_blocks(&flush));
	gate_open(&go);
	call_join(&flush);
	for (int i = 0; i < nr; i++)
		assert_int_equal(atomic_load(&item[i].finished), 1);
	destroy_workqueue(wq);
}

/* D1 */
static void flush_workqueue_waits_for_running_items(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++)
		check_flush_waits_for(queue_of_kind(kind), 1);
}

/* D1 */
static void flush_workqueue_waits_for_items_held_back(void **state)
{
	(void)state;
	check_flush_waits_for(alloc_workqueue("one", WQ_PERCPU, 1), 4);
	check_flush_waits_for(alloc_workqueue("one", WQ_UNBOUND, 1), 4);
	check_flush_waits_for(alloc_ordered_workqueue("ordered", 0), 4);
}

/* D1 */
static void flush_workqueue_waits_for_active_items_not_started(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 0);
	struct blocker spinner;
	struct call flush;
	struct item item;

	(void)state;
	need_cpus(2);
	blocker_spin_on(&spinner, allowed_cpu(1), other);
	item_init(&item);
	queue_work_on(allowed_cpu(1), wq, &item.work);
	call_start(&flush, do_flush_workqueue, wq);
	/* A pool may see through a long computation and start the item. */
	if (!call_blocks(&flush))
		assert_int_equal(item_runs(&item), 1);
	blocker_release(&spinner);
	call_join(&flush);
	assert_int_equal(item_runs(&item), 1);
	destroy_workqueue(wq);
	destroy_workqueue(other);
}

/* D1 */
static void flush_workqueue_does_not_wait_for_items_queued_later(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU, UNBOUND, HIGHPRI };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = queue_of_kind(kinds[i]);
		struct blocker early, late;
		struct call flush;

		blocker_start(&early, wq);
		call_start(&flush, do_flush_workqueue, wq);
		assert_true(call_blocks(&flush));
		blocker_start(&late, wq);
		assert_false(call_is_back(&flush));
		gate_open(&early.go);
		call_join(&flush);
		assert_true(item_is_running(&late.item));
		blocker_release(&late);
		destroy_workqueue(wq);
	}
}

/* D1 */
static void flush_workqueue_is_not_held_up_by_items_that_requeue(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct endless endless = { .wq = queue_of_kind(kind) };
		struct item item;

		INIT_WORK(&endless.work, requeue_for_ever);
		queue_work(endless.wq, &endless.work);
		for (int i = 0; i < 20; i++) {
			int runs = atomic_load(&endless.runs);

			item_init(&item);
			queue_work(endless.wq, &item.work);
			flush_workqueue(endless.wq);
			assert_int_equal(item_runs(&item), 1);
			wait_until(atomic_load(&endless.runs) > runs);
		}
		cancel_work_sync(&endless.work);
		destroy_workqueue(endless.wq);
	}
}

struct parent {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct gate go;
	struct item child;
};

static void queue_child(struct work_struct *work)
{
	struct parent *parent = container_of(work, struct parent, work);

	gate_wait(&parent->go);
	queue_work(parent->wq, &parent->child.work);
}

/* D1 */
static void flush_workqueue_does_not_wait_for_chained_items(void **state)
{
	struct parent parent = { .wq = alloc_workqueue("chain", WQ_UNBOUND, 0) };
	struct gate hold;
	struct call flush;

	(void)state;
	gate_init(&hold);
	gate_init(&parent.go);
	item_init_held(&parent.child, &hold);
	INIT_WORK(&parent.work, queue_child);
	queue_work(parent.wq, &parent.work);
	call_start(&flush, do_flush_workqueue, parent.wq);
	assert_true(call_blocks(&flush));
	gate_open(&parent.go);
	call_join(&flush);
	assert_int_equal(atomic_load(&parent.child.finished), 0);
	gate_open(&hold);
	drain_workqueue(parent.wq);
	destroy_workqueue(parent.wq);
}

enum {
	LITMUS_ROUNDS = 3000,
};

struct litmus {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int event, seen;
	atomic_bool stop;
	int refused;
};

static void see_event(struct work_struct *work)
{
	struct litmus *litmus = container_of(work, struct litmus, work);
	int event = atomic_load_explicit(&litmus->event, memory_order_relaxed);

	atomic_store_explicit(&litmus->seen, event, memory_order_relaxed);
}

static long queue_all_the_time(void *arg)
{
	struct litmus *litmus = arg;

	while (!atomic_load(&litmus->stop))
		queue_work(litmus->wq, &litmus->work);
	return 0;
}

static void litmus_round(struct litmus *litmus, int round)
{
	atomic_store_explicit(&litmus->event, round, memory_order_relaxed);
	litmus->refused += !queue_work(litmus->wq, &litmus->work);
	flush_workqueue(litmus->wq);
	assert_true(atomic_load_explicit(&litmus->seen, memory_order_relaxed) >= round);
}

/*
 * False means that somebody else's queueing is pending, perhaps still on its way:
 * the flush has to wait for it all the same.
 */
/* D1 */
static void flush_workqueue_after_queue_work_false_waits_for_that_run(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU, UNBOUND, ORDERED };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct litmus litmus = { .wq = queue_of_kind(kinds[i]) };
		long long end = rounds_end_ns();
		struct call other;

		INIT_WORK(&litmus.work, see_event);
		call_start(&other, queue_all_the_time, &litmus);
		for (int round = 1; round <= LITMUS_ROUNDS && now_ns() < end; round++)
			litmus_round(&litmus, round);
		atomic_store(&litmus.stop, true);
		call_join(&other);
		destroy_workqueue(litmus.wq);
	}
}

enum {
	SLOTS = 4096,
	STOPS = 300,
	STOP_MS = 3,
};

/*
 * A producer that is stopped by a signal wherever it is: often between taking an
 * item and handing it over.
 */
struct stopped {
	struct workqueue_struct *wq;
	struct litmus slot[SLOTS];
	atomic_int at; /* the slot being queued */
	atomic_int stops_begun, stops_ended;
	atomic_bool go_on, end;
};

static struct stopped *stopped;
static int transit_cpu;

/* Until the test says so, but not for long: a flush that waits for us is right. */
static void stop_here(int sig)
{
	long long until = now_ns() + STOP_MS * 1000000LL;

	(void)sig;
	atomic_fetch_add(&stopped->stops_begun, 1);
	while (!atomic_load(&stopped->go_on) && now_ns() < until)
		sched_yield();
	atomic_fetch_add(&stopped->stops_ended, 1);
}

static long queue_slots(void *arg)
{
	struct stopped *own = arg;

	for (int at = 0; !atomic_load(&own->end); at = (at + 1) % SLOTS) {
		atomic_store_explicit(&own->at, at, memory_order_relaxed);
		queue_work_on(transit_cpu, own->wq, &own->slot[at].work);
	}
	return 0;
}

/* @return whether the item was pending, so that the flush had to wait for it. */
static bool stop_round(struct stopped *own, struct call *producer, int round)
{
	struct litmus *slot;
	bool was_pending;

	atomic_store(&own->go_on, false);
	pthread_kill(producer->thread, SIGUSR1);
	wait_until(atomic_load(&own->stops_begun) == round);
	slot = &own->slot[atomic_load(&own->at)];
	atomic_store_explicit(&slot->event, round, memory_order_relaxed);
	was_pending = !queue_work(own->wq, &slot->work);
	flush_workqueue(own->wq);
	assert_true(atomic_load_explicit(&slot->seen, memory_order_relaxed) >= round);
	atomic_store(&own->go_on, true);
	wait_until(atomic_load(&own->stops_ended) == round);
	return was_pending;
}

static void stopped_make(void)
{
	stopped = calloc(1, sizeof(*stopped));
	assert_non_null(stopped);
	stopped->wq = alloc_workqueue("transit", WQ_PERCPU, WQ_MAX_ACTIVE);
	for (int i = 0; i < SLOTS; i++)
		INIT_WORK(&stopped->slot[i].work, see_event);
	transit_cpu = allowed_cpu(1);
	signal(SIGUSR1, stop_here);
}

/*
 * An item that requeues keeps the worker awake: else the producer would mostly
 * be stopped where it wakes it.
 */
/* D1 */
static void flush_workqueue_meets_item_in_transit_waits_for_its_run(void **state)
{
	long long end = rounds_end_ns();
	struct endless endless = { 0 };
	struct call producer;
	int round, met = 0;

	(void)state;
	need_cpus(2);
	stopped_make();
	endless.wq = stopped->wq;
	INIT_WORK(&endless.work, requeue_for_ever);
	queue_work_on(transit_cpu, endless.wq, &endless.work);
	call_start(&producer, queue_slots, stopped);
	for (round = 1; round <= STOPS && now_ns() < end; round++)
		met += stop_round(stopped, &producer, round);
	atomic_store(&stopped->end, true);
	call_join(&producer);
	print_message("%d of %d met a pending item\n", met, round - 1);
	cancel_work_sync(&endless.work);
	destroy_workqueue(stopped->wq);
	free(stopped);
}

/* ----------------------------------------------------------------- D3, D4 */

enum {
	FLUSHERS = 24,
	COLOURS = 10, /* fewer than there are: these flushes have one each */
};

struct flushers {
	struct workqueue_struct *wq;
	struct item item[FLUSHERS];
	struct gate go[FLUSHERS];
	struct call call[FLUSHERS];
	struct flusher {
		struct flushers *all;
		int nr;
	} flusher[FLUSHERS];
};

/* @return how many of the items queued before were unfinished on return. */
static long flush_and_look(void *arg)
{
	struct flusher *flusher = arg;
	long unfinished = 0;

	flush_workqueue(flusher->all->wq);
	for (int i = 0; i <= flusher->nr; i++)
		unfinished += atomic_load(&flusher->all->item[i].finished) != 1;
	return unfinished;
}

/* Item 0, flusher 0, item 1, flusher 1, ... : flusher n waits for items 0..n. */
static void flushers_start(struct flushers *all, struct workqueue_struct *wq)
{
	all->wq = wq;
	for (int i = 0; i < FLUSHERS; i++) {
		gate_init(&all->go[i]);
		item_init_held(&all->item[i], &all->go[i]);
		queue_work(wq, &all->item[i].work);
		all->flusher[i].all = all;
		all->flusher[i].nr = i;
		call_start(&all->call[i], flush_and_look, &all->flusher[i]);
		assert_true(call_blocks(&all->call[i]));
	}
}

static void flushers_end(struct flushers *all)
{
	for (int i = 0; i < FLUSHERS; i++)
		gate_open(&all->go[i]);
	for (int i = 0; i < FLUSHERS; i++)
		assert_int_equal(call_join(&all->call[i]), 0);
	destroy_workqueue(all->wq);
}

/* D3 */
static void flush_workqueue_many_at_once_each_waits_for_its_own(void **state)
{
	static struct flushers all;

	(void)state;
	flushers_start(&all, alloc_workqueue("flushed", WQ_UNBOUND, 0));
	for (int i = 0; i < COLOURS; i++) {
		gate_open(&all.go[i]);
		wait_until(call_is_back(&all.call[i]));
		assert_false(call_is_back(&all.call[i + 1]));
	}
	flushers_end(&all);
}

/* D3 */
static void flush_workqueue_more_than_colours_none_returns_early(void **state)
{
	static struct flushers all;

	(void)state;
	flushers_start(&all, alloc_workqueue("flushed", WQ_PERCPU, 0));
	/* The last items end first: that may release nobody. */
	for (int i = FLUSHERS - 1; i > 0; i--)
		gate_open(&all.go[i]);
	for (int i = 1; i < FLUSHERS; i++)
		wait_until(atomic_load(&all.item[i].finished));
	for (int i = 0; i < FLUSHERS; i++)
		assert_true(call_blocks(&all.call[i]));
	flushers_end(&all);
}

/* D4 */
static void flush_workqueue_later_one_does_not_return_before_earlier_items(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("flushed", WQ_UNBOUND, 0);
	struct blocker first, second;
	struct call early, late;

	(void)state;
	blocker_start(&first, wq);
	call_start(&early, do_flush_workqueue, wq);
	assert_true(call_blocks(&early));
	blocker_start(&second, wq);
	call_start(&late, do_flush_workqueue, wq);
	assert_true(call_blocks(&late));
	blocker_release(&second);
	assert_not_yet(call_is_back(&late) || call_is_back(&early));
	blocker_release(&first);
	call_join(&early);
	call_join(&late);
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------- D5, D6, D7, D8 */

/* D5 */
static void flush_workqueue_covers_an_item_that_is_being_flushed(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("barrier", WQ_PERCPU, 0);
	struct call one, all;
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, wq);
	call_start(&one, do_flush_work, &blocker.item.work);
	assert_true(call_blocks(&one));
	call_start(&all, do_flush_workqueue, wq);
	assert_true(call_blocks(&all));
	gate_open(&blocker.go);
	call_join(&all);
	assert_true(call_join(&one));
	assert_int_equal(atomic_load(&blocker.item.finished), 1);
	destroy_workqueue(wq);
}

struct self_flusher {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int finished;
};

static void flush_own_queue(struct work_struct *work)
{
	struct self_flusher *own = container_of(work, struct self_flusher, work);

	flush_workqueue(own->wq);
	atomic_fetch_add(&own->finished, 1);
}

/* D6 */
static void flush_workqueue_from_its_own_item_is_reported_and_returns(void **state)
{
	struct self_flusher own = { .wq = alloc_workqueue("self", WQ_UNBOUND, 0) };

	(void)state;
	INIT_WORK(&own.work, flush_own_queue);
	queue_work(own.wq, &own.work);
	wait_until(atomic_load(&own.finished) == 1);
	destroy_workqueue(own.wq);
	assert_true(reports_are_well_formed());
	assert_int_equal(report_take(), 1);
}

/* D6 */
static void flush_workqueue_from_an_item_of_another_queue_waits(void **state)
{
	struct workqueue_struct *outer = alloc_workqueue("outer", WQ_PERCPU, 0);
	struct self_flusher flusher = { .wq = alloc_workqueue("inner", WQ_PERCPU, 0) };
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, flusher.wq);
	INIT_WORK(&flusher.work, flush_own_queue);
	queue_work(outer, &flusher.work);
	assert_not_yet(atomic_load(&flusher.finished));
	blocker_release(&blocker);
	flush_work(&flusher.work);
	assert_int_equal(atomic_load(&flusher.finished), 1);
	destroy_workqueue(outer);
	destroy_workqueue(flusher.wq);
}

/*
 * Freezing parks items the way max_active does, and is not there yet: a flush
 * waits for parked items until somebody lets them start.
 */
/* D7 */
static void flush_workqueue_with_parked_items_waits_until_they_are_let_start(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("parked", WQ_PERCPU | WQ_FREEZABLE, 1);
	struct blocker blocker;
	struct item parked;
	struct call flush;

	(void)state;
	blocker_start_on(&blocker, allowed_cpu(0), wq);
	item_init(&parked);
	queue_work_on(allowed_cpu(0), wq, &parked.work);
	call_start(&flush, do_flush_workqueue, wq);
	assert_true(call_blocks(&flush));
	workqueue_set_max_active(wq, 2);
	wait_until(item_runs(&parked) == 1);
	assert_not_yet(call_is_back(&flush));
	blocker_release(&blocker);
	call_join(&flush);
	destroy_workqueue(wq);
}

/* D8 */
static void flush_workqueue_empty_queue_returns(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct item item;

		flush_workqueue(wq);
		item_init(&item);
		queue_work(wq, &item.work);
		flush_workqueue(wq);
		flush_workqueue(wq);
		destroy_workqueue(wq);
	}
}

/* D8 */
static void flush_workqueue_empty_queue_beside_a_busy_one_returns(void **state)
{
	struct workqueue_struct *busy = alloc_workqueue("busy", WQ_PERCPU, 1);
	struct workqueue_struct *empty = alloc_workqueue("empty", WQ_PERCPU, 1);
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, busy);
	flush_workqueue(empty);
	assert_true(item_is_running(&blocker.item));
	blocker_release(&blocker);
	destroy_workqueue(busy);
	destroy_workqueue(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_workqueue_returns_with_all_effects_visible),
		api_test(flush_workqueue_many_rounds_each_sees_its_item_done),
		api_test(flush_workqueue_waits_for_running_items),
		api_test(flush_workqueue_waits_for_items_held_back),
		api_test(flush_workqueue_waits_for_active_items_not_started),
		api_test(flush_workqueue_does_not_wait_for_items_queued_later),
		api_test(flush_workqueue_is_not_held_up_by_items_that_requeue),
		api_test(flush_workqueue_does_not_wait_for_chained_items),
		api_test(flush_workqueue_after_queue_work_false_waits_for_that_run),
		api_test(flush_workqueue_meets_item_in_transit_waits_for_its_run),
		api_test(flush_workqueue_many_at_once_each_waits_for_its_own),
		api_test(flush_workqueue_more_than_colours_none_returns_early),
		api_test(flush_workqueue_later_one_does_not_return_before_earlier_items),
		api_test(flush_workqueue_covers_an_item_that_is_being_flushed),
		api_test(flush_workqueue_from_its_own_item_is_reported_and_returns),
		api_test(flush_workqueue_from_an_item_of_another_queue_waits),
		api_test(flush_workqueue_with_parked_items_waits_until_they_are_let_start),
		api_test(flush_workqueue_empty_queue_returns),
		api_test(flush_workqueue_empty_queue_beside_a_busy_one_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
