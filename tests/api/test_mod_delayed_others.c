/* SPDX-License-Identifier: MIT */
/*
 * test_mod_delayed_others.c - mod_delayed_work() and others: another queue or CPU
 * than before, those who wait for the item, threads that race for it.
 */
#include "support/api.h"
#include "support/delayed.h"

/* ------------------------------------------------- to another queue, or CPU */

static void mod_item_to_another_queue_runs_there(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct stuck_queue stuck;
	struct delayed_item item;

	(void)state;
	stuck_queue_make(&stuck);
	delayed_init(&item);
	assert_true(queue_delayed_work(stuck.wq, &item.dwork, FAR));
	assert_true(delayed_mod(&item, wq, 1)); /* armed */
	wait_until(delayed_runs(&item) == 1);
	assert_true(delayed_was_not_early(&item));
	flush_work(&item.dwork.work);
	assert_true(queue_delayed_work(stuck.wq, &item.dwork, 0));
	assert_true(mod_delayed_work(wq, &item.dwork, 0)); /* filed */
	wait_until(delayed_runs(&item) == 2);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_true(mod_delayed_work(stuck.wq, &item.dwork, 0));
	flush_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 2);
	stuck_queue_free(&stuck);
	assert_int_equal(delayed_runs(&item), 3);
	destroy_workqueue(wq);
}

/* I5 */
static void mod_item_to_another_cpu_runs_there(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	need_cpus(2);
	delayed_init(&item);
	for (int i = 0; i < 10; i++) {
		int here = allowed_cpu(i % 2), there = allowed_cpu((i + 1) % 2);

		assert_true(queue_delayed_work_on(here, wq, &item.dwork, FAR));
		assert_true(mod_delayed_work_on(there, wq, &item.dwork, i % 3));
		wait_until(delayed_runs(&item) == i + 1);
		assert_int_equal(atomic_load(&item.cpu), there);
		flush_work(&item.dwork.work);
	}
	destroy_workqueue(wq);
}

struct mod_on {
	int cpu;
	unsigned long delay;
	struct delayed_item *item;
};

static long mod_on_cpu(void *arg)
{
	struct mod_on *mod = arg;

	pin_self(mod->cpu);
	return mod_delayed_work(system_percpu_wq, &mod->item->dwork, mod->delay);
}

static bool mod_from_cpu(int cpu, struct delayed_item *item, unsigned long delay)
{
	struct mod_on mod = { .cpu = cpu, .delay = delay, .item = item };
	struct call call;

	call_start(&call, mod_on_cpu, &mod);
	return call_join(&call);
}

/* Not on the CPU that armed it before. */
/* I5 */
static void mod_armed_item_without_cpu_runs_on_the_callers(void **state)
{
	struct delayed_item item;

	(void)state;
	need_cpus(2);
	delayed_init(&item);
	for (int i = 0; i < 6; i++) {
		int here = allowed_cpu(i % 2), there = allowed_cpu((i + 1) % 2);

		assert_false(mod_from_cpu(here, &item, FAR));
		assert_true(mod_from_cpu(there, &item, i % 3));
		wait_until(delayed_runs(&item) == i + 1);
		flush_work(&item.dwork.work);
		assert_int_equal(atomic_load(&item.cpu), there);
	}
}

/* ------------------------------------------------------ those who wait for it */

/* E6 */
static void mod_filed_item_releases_those_who_flush_it(void **state)
{
	static const unsigned long delays[] = { FAR, 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct call flush, flush_delayed;
		struct stuck_queue stuck;
		struct delayed_item item;

		stuck_queue_make(&stuck);
		delayed_init(&item);
		queue_delayed_work(stuck.wq, &item.dwork, 0);
		call_start(&flush, do_flush_work, &item.dwork.work);
		call_start(&flush_delayed, do_flush_delayed_work, &item.dwork);
		assert_true(call_blocks(&flush));
		assert_true(call_blocks(&flush_delayed));
		assert_true(mod_delayed_work(stuck.wq, &item.dwork, delays[i]));
		call_join(&flush);
		call_join(&flush_delayed);
		assert_int_equal(delayed_runs(&item), 0);
		assert_true(cancel_delayed_work(&item.dwork));
		stuck_queue_free(&stuck);
	}
}

/* D2 */
static void mod_filed_item_to_later_is_not_waited_for_by_flush_workqueue(void **state)
{
	struct stuck_queue stuck;
	struct delayed_item item;
	struct call flush;

	(void)state;
	stuck_queue_make(&stuck);
	delayed_init(&item);
	queue_delayed_work(stuck.wq, &item.dwork, 0);
	call_start(&flush, do_flush_workqueue, stuck.wq);
	assert_true(call_blocks(&flush));
	assert_true(mod_delayed_work(stuck.wq, &item.dwork, FAR));
	assert_true(call_blocks(&flush));
	gate_open(&stuck.blocker.go);
	call_join(&flush);
	assert_int_equal(delayed_runs(&item), 0);
	assert_true(cancel_delayed_work(&item.dwork));
	stuck_queue_free(&stuck);
}

/* The place that it had under max_active is free again. */
/* C1 */
static void mod_filed_item_to_later_lets_the_next_one_start(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("two", WQ_UNBOUND, 2);
	struct delayed_item first, second;
	struct blocker blocker[2];

	(void)state;
	blocker_start(&blocker[0], wq);
	blocker_start(&blocker[1], wq);
	delayed_init(&first);
	delayed_init(&second);
	queue_delayed_work(wq, &first.dwork, 0);
	queue_delayed_work(wq, &second.dwork, 0);
	assert_true(mod_delayed_work(wq, &first.dwork, FAR));
	blocker_release(&blocker[0]);
	wait_until(delayed_runs(&second));
	blocker_release(&blocker[1]);
	assert_true(cancel_delayed_work(&first.dwork));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&first), 0);
}

/* ------------------------------------------------------------------ racing */

enum {
	RACERS = 3,
	RACE_OPS = 4000,
};

struct race {
	struct workqueue_struct *wq[2];
	struct delayed_item item;
	atomic_int accepted; /* mod_delayed_work() said false, queue_delayed_work() true */
	atomic_int cancelled;
	atomic_uint seed;
};

static long mod_at_random(void *arg)
{
	struct race *race = arg;
	unsigned int seed = atomic_fetch_add(&race->seed, 7919) + 1;

	for (int op = 0; op < RACE_OPS; op++) {
		unsigned int dice = (unsigned int)rand_r(&seed) / 8;
		struct workqueue_struct *wq = race->wq[dice % 2];
		struct delayed_work *dwork = &race->item.dwork;
		unsigned long delay = dice / 2 % 3;

		dice /= 6;
		if (dice % 8 < 5)
			atomic_fetch_add(&race->accepted, !mod_delayed_work(wq, dwork, delay));
		else if (dice % 8 < 7)
			atomic_fetch_add(&race->accepted, queue_delayed_work(wq, dwork, delay));
		else
			atomic_fetch_add(&race->cancelled, cancel_delayed_work(dwork));
		if (dice / 8 % 64 == 0)
			nap_us(700);
	}
	return 0;
}

/* Of several threads, with expiry, and between queues. */
/* A4 */
static void mod_racing_every_acceptance_is_a_run_or_a_cancel(void **state)
{
	struct race race = { .wq = { alloc_workqueue("percpu", WQ_PERCPU, 0),
				     alloc_ordered_workqueue("ordered", 0) } };
	struct call call[RACERS];

	(void)state;
	delayed_init(&race.item);
	for (int i = 0; i < RACERS; i++)
		call_start(&call[i], mod_at_random, &race);
	for (int i = 0; i < RACERS; i++)
		call_join(&call[i]);
	flush_delayed_work(&race.item.dwork);
	for (int i = 0; i < 2; i++)
		destroy_workqueue(race.wq[i]);
	assert_true(delayed_is_idle(&race.item));
	assert_int_equal(atomic_load(&race.accepted),
			 delayed_runs(&race.item) + atomic_load(&race.cancelled));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(mod_item_to_another_queue_runs_there),
		api_test(mod_item_to_another_cpu_runs_there),
		api_test(mod_armed_item_without_cpu_runs_on_the_callers),
		api_test(mod_filed_item_releases_those_who_flush_it),
		api_test(mod_filed_item_to_later_is_not_waited_for_by_flush_workqueue),
		api_test(mod_filed_item_to_later_lets_the_next_one_start),
		api_test(mod_racing_every_acceptance_is_a_run_or_a_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
