/* SPDX-License-Identifier: MIT */
/*
 * test_attrs_change.c - attributes change while items are in flight (O7), and the pools that
 * queues then share, or leave (Q6).
 */
#include "support/topology.h"

/* ------------------------------------------------------------ items in flight, O7 */

/* O7 */
static void apply_attrs_items_queued_before_finish_where_they_are(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 1);
	struct witness running, held_back, late;
	struct gate go;

	(void)state;
	gate_init(&go);
	assert_int_equal(apply(wq, .nice = 12), 0);
	witness_hold_on(&running, 0, wq, &go);
	witness_init(&held_back, NULL);
	assert_true(queue_work_on(allowed_cpu(0), wq, &held_back.item.work));
	assert_int_equal(apply(wq, .nice = 13), 0);
	witness_init(&late, NULL);
	assert_true(queue_work_on(allowed_cpu(0), wq, &late.item.work));
	gate_open(&go);
	flush_workqueue(wq);
	assert_int_equal(running.nice, 12);
	assert_int_equal(held_back.nice, 12);
	assert_int_equal(held_back.pool, running.pool);
	assert_int_equal(late.nice, 13);
	assert_int_not_equal(late.pool, running.pool);
	destroy_workqueue(wq);
}

struct stayer {
	struct witness witness;
	struct workqueue_struct *wq;
	int moves; /* plain: one run at a time */
	atomic_bool stop;
};

static void run_and_stay(struct work_struct *work)
{
	struct stayer *stayer = container_of(work, struct stayer, witness.item.work);
	int pool = stayer->witness.pool;

	witness_fn(work);
	stayer->moves += item_runs(&stayer->witness.item) > 1 && stayer->witness.pool != pool;
	if (!atomic_load(&stayer->stop))
		queue_work(stayer->wq, work);
}

/* O7 B4 */
static void apply_attrs_item_that_queues_itself_again_stays_until_it_stops(void **state)
{
	struct stayer stayer = { .wq = alloc_workqueue("unbound", WQ_UNBOUND, 0) };
	int runs;

	(void)state;
	witness_init(&stayer.witness, NULL);
	stayer.witness.item.work.func = run_and_stay;
	assert_int_equal(apply(stayer.wq, .nice = 12), 0);
	assert_true(queue_work(stayer.wq, &stayer.witness.item.work));
	wait_until(item_runs(&stayer.witness.item) > 10);
	assert_int_equal(apply(stayer.wq, .nice = 13), 0);
	runs = item_runs(&stayer.witness.item);
	wait_until(item_runs(&stayer.witness.item) > runs + 50);
	atomic_store(&stayer.stop, true);
	while (flush_work(&stayer.witness.item.work))
		;
	assert_int_equal(stayer.moves, 0);
	assert_int_equal(stayer.witness.nice, 12);
	assert_true(queue_work(stayer.wq, &stayer.witness.item.work));
	flush_work(&stayer.witness.item.work);
	assert_int_equal(stayer.witness.nice, 13);
	destroy_workqueue(stayer.wq);
}

/* O7 */
static void apply_attrs_waits_of_others_cover_the_old_pool(void **state)
{
	static long (*const wait_fn[])(void *) = { do_flush_workqueue, do_drain_workqueue,
						   do_destroy_workqueue };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
		struct witness running;
		struct call call;
		struct gate go;

		gate_init(&go);
		witness_hold_on(&running, 0, wq, &go);
		assert_int_equal(apply(wq, .nice = 12), 0);
		assert_int_equal(witness_on(0, wq).nice, 12);
		call_start(&call, wait_fn[i], wq);
		assert_true(call_blocks(&call));
		gate_open(&go);
		call_join(&call);
		assert_int_equal(atomic_load(&running.item.finished), 1);
		if (wait_fn[i] != do_destroy_workqueue)
			destroy_workqueue(wq);
	}
}

/* O7 */
static void apply_attrs_again_and_again_runs_everything_once(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	static struct witness row[40];
	struct gate go;

	(void)state;
	gate_init(&go);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(apply(wq, .nice = 10 + i % 5, .scope = i % WQ_AFFN_NR_TYPES), 0);
		witness_hold_on(&row[i], i % 2, wq, &go);
	}
	gate_open(&go);
	destroy_workqueue(wq);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(row[i].nice, 10 + i % 5);
		assert_int_equal(atomic_load(&row[i].item.finished), 1);
	}
}

/* --------------------------------------------------------------- pools, Q6 O7 */

/* Q6 */
static void queues_of_equal_attributes_share_a_pool(void **state)
{
	struct workqueue_struct *one = alloc_workqueue("one", WQ_UNBOUND, 0);
	struct workqueue_struct *two = alloc_workqueue("two", WQ_UNBOUND, 5);
	struct workqueue_struct *ordered = alloc_ordered_workqueue("ordered", 0);
	int pool;

	(void)state;
	assert_int_equal(apply(one, .nice = 12, .scope = WQ_AFFN_CACHE, .strict = true), 0);
	/* Another scope, the same CPUs. */
	assert_int_equal(apply(two, .nice = 12, .scope = WQ_AFFN_NUMA, .strict = true), 0);
	assert_int_equal(apply(ordered, .nice = 12, .scope = WQ_AFFN_CACHE, .strict = true), 0);
	pool = witness_on(0, one).pool;
	assert_true(pool >= 0);
	assert_int_equal(witness_on(0, two).pool, pool);
	assert_int_equal(witness_on(0, ordered).pool, pool);
	assert_int_equal(apply(two, .nice = 12, .scope = WQ_AFFN_CPU, .strict = true), 0);
	assert_int_not_equal(witness_on(0, two).pool, pool);
	assert_int_equal(apply(two, .nice = 11, .scope = WQ_AFFN_CACHE, .strict = true), 0);
	assert_int_not_equal(witness_on(0, two).pool, pool);
	destroy_workqueue(one);
	destroy_workqueue(two);
	destroy_workqueue(ordered);
}

enum {
	CREW = 4,
};

/* Several threads of a pool that only this queue uses. */
static void make_crew(struct workqueue_struct *wq, struct witness *crew, struct gate *go)
{
	gate_init(go);
	assert_int_equal(apply(wq, .nice = 14), 0);
	for (int i = 0; i < CREW; i++)
		witness_hold_on(&crew[i], 0, wq, go);
}

static void check_crew_goes(const struct witness *crew)
{
	for (int i = 0; i < CREW; i++)
		wait_until(!is_thread_alive(crew[i].tid));
}

/* O7 */
static void old_pool_once_drained_has_no_threads(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct witness crew[CREW];
	struct gate go;

	(void)state;
	make_crew(wq, crew, &go);
	assert_int_equal(apply(wq, .nice = 13), 0);
	for (int i = 0; i < CREW; i++)
		assert_true(is_thread_alive(crew[i].tid));
	gate_open(&go);
	check_crew_goes(crew);
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

/* O7 */
static void pool_of_a_destroyed_queue_has_no_threads(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct witness crew[CREW];
	struct gate go;

	(void)state;
	make_crew(wq, crew, &go);
	gate_open(&go);
	destroy_workqueue(wq);
	check_crew_goes(crew);
}

/* --------------------------------------------------------------- under load, A4 */

enum {
	PRODUCERS = 3,
	LOADS = 64,
	ROUNDS = 4000,
};

struct load {
	struct workqueue_struct *wq;
	struct item item[LOADS];
	atomic_long accepted;
	atomic_int producing;
};

static long produce(void *arg)
{
	struct load *load = arg;

	for (int i = 0; i < ROUNDS; i++)
		if (queue_work_on(allowed_cpu(i % 2), load->wq, &load->item[i % LOADS].work))
			atomic_fetch_add(&load->accepted, 1);
	atomic_fetch_sub(&load->producing, 1);
	return 0;
}

/* A4 O7 */
static void apply_attrs_under_load_loses_nothing(void **state)
{
	static struct load load = { .producing = PRODUCERS };
	struct call call[PRODUCERS];
	long runs = 0;

	(void)state;
	load.wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	for (int i = 0; i < LOADS; i++)
		item_init(&load.item[i]);
	for (int i = 0; i < PRODUCERS; i++)
		call_start(&call[i], produce, &load);
	for (int i = 0; i < 20 || atomic_load(&load.producing); i++)
		assert_int_equal(apply(load.wq, .nice = 10 + i % 3, .scope = i % WQ_AFFN_NR_TYPES,
				       .cpus = i % 4, .strict = i & 1),
				 0);
	for (int i = 0; i < PRODUCERS; i++)
		call_join(&call[i]);
	destroy_workqueue(load.wq);
	for (int i = 0; i < LOADS; i++)
		runs += item_runs(&load.item[i]);
	assert_int_equal(runs, atomic_load(&load.accepted));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		flat_test(apply_attrs_items_queued_before_finish_where_they_are),
		flat_test(apply_attrs_item_that_queues_itself_again_stays_until_it_stops),
		flat_test(apply_attrs_waits_of_others_cover_the_old_pool),
		flat_test(apply_attrs_again_and_again_runs_everything_once),
		flat_test(queues_of_equal_attributes_share_a_pool),
		flat_test(old_pool_once_drained_has_no_threads),
		flat_test(pool_of_a_destroyed_queue_has_no_threads),
		flat_test(apply_attrs_under_load_loses_nothing),
	};

	(void)argc;
	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
