/* SPDX-License-Identifier: MIT */
/*
 * test_cpus.c - CPUs that leave and come back, and affinities that others change: guarantees
 * P1 to P5, M3.
 *
 * On a machine that plays them (support/cpus_stand_in.h). The CPU that comes and goes is the
 * second one, `away`; the other one is `stay`.
 */
#include "support/cpus_stand_in.h"
#include "support/topology.h"
#include "support/known_cpus.h"

static int stay, away;

static int begin_watching(const char *ms, void **state)
{
	if (!cpus_begin())
		exit(0);
	stay = allowed_cpu(0);
	away = allowed_cpu(1);
	setenv("WORKQ_CPU_WATCH_MS", ms, 1);
	return begin_flat(state);
}

/* The manager asks as often as it may. */
static int begin_watched(void **state)
{
	return begin_watching("1", state);
}

static int begin_unwatched(void **state)
{
	return begin_watching("0", state);
}

#define watched_test(fn)   cmocka_unit_test_setup_teardown(fn, begin_watched, test_end)
#define unwatched_test(fn) cmocka_unit_test_setup_teardown(fn, begin_unwatched, test_end)

/* ---------------------------------------------------------------- what is seen of it */

static bool is_pinned(int tid, int cpu)
{
	cpu_set_t set;

	return !sched_getaffinity(tid, sizeof(set), &set) && CPU_COUNT(&set) == 1 &&
	       CPU_ISSET(cpu, &set);
}

#define wait_until_known(nr) wait_until(nr_known_cpus() == (nr))

/* An item for the CPU that comes and goes: which thread ran it. */
static int tid_of_away(void)
{
	return witness_on(1, system_percpu_wq).tid;
}

static bool runs_pinned_to(int cpu)
{
	return is_pinned(tid_of_away(), cpu);
}

/* ------------------------------------------------------------------- it leaves */

/* P1 */
static void cpu_that_leaves_runs_what_waits_there_elsewhere(void **state)
{
	enum { NR = 8 };
	struct blocker blocker;
	struct item item[NR];

	(void)state;
	blocker_spin_on(&blocker, away, system_percpu_wq);
	for (int i = 0; i < NR; i++) {
		item_init(&item[i]);
		assert_true(queue_work_on(away, system_percpu_wq, &item[i].work));
	}
	cpu_leaves(away);
	for (int i = 0; i < NR; i++)
		wait_until(item_runs(&item[i]) == 1);
	assert_true(item_is_running(&blocker.item));
	blocker_release(&blocker);
}

/* P1 */
static void workers_of_a_cpu_that_leaves_may_run_where_unbound_work_may(void **state)
{
	(void)state;
	wait_until(runs_pinned_to(away));
	cpu_leaves(away);
	wait_until(runs_pinned_to(stay));
}

/* P1: a worker that is inside an item, and does not ask. */
static void worker_inside_an_item_is_moved(void **state)
{
	struct witness witness;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	witness_hold_on(&witness, 1, system_percpu_wq, &gate);
	assert_true(is_pinned(witness.tid, away));
	cpu_leaves(away);
	wait_until(is_pinned(witness.tid, stay));
	cpu_comes_back(away);
	wait_until(is_pinned(witness.tid, away));
	gate_open(&gate);
	flush_work(&witness.item.work);
}

static int cpu_for_away(struct workqueue_struct *wq)
{
	struct witness witness = witness_on(1, wq);

	return atomic_load(&witness.item.cpu);
}

/* The CPUs are known first, then the pools' threads are moved; here the CPU is still there. */
#define wait_until_away_is(cpu, wq) wait_until(cpu_for_away(wq) == (cpu))

/* P3 */
static void item_for_a_cpu_that_is_gone_runs_elsewhere(void **state)
{
	(void)state;
	cpu_leaves(away);
	wait_until_away_is(stay, system_percpu_wq);
	wait_until_away_is(stay, system_highpri_wq);
}

/* P3: also of a queue that is made meanwhile. */
static void queue_made_without_the_cpu_serves_it_all_the_same(void **state)
{
	struct workqueue_struct *wq;

	(void)state;
	cpu_leaves(away);
	wait_until_known(1);
	wq = alloc_workqueue("late", WQ_PERCPU, 0);
	wait_until_away_is(stay, wq);
	cpu_comes_back(away);
	wait_until_away_is(away, wq);
	destroy_workqueue(wq);
}

/* In a thread of its own, which may be pinned. */
static void *arm_on_away(void *dwork)
{
	pin_self(away);
	queue_delayed_work(system_percpu_wq, dwork, msecs_to_jiffies(50));
	return NULL;
}

static atomic_int fired;

static void fire(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&fired, 1);
}

/* P5 */
static void timer_armed_on_a_cpu_that_leaves_fires_without_it(void **state)
{
	struct delayed_work dwork;
	pthread_t thread;

	(void)state;
	INIT_DELAYED_WORK(&dwork, fire);
	assert_int_equal(pthread_create(&thread, NULL, arm_on_away, &dwork), 0);
	pthread_join(thread, NULL);
	cpu_leaves(away);
	wait_until(atomic_load(&fired) == 1);
	assert_true(queue_delayed_work_on(away, system_percpu_wq, &dwork, 1));
	wait_until(atomic_load(&fired) == 2);
	flush_delayed_work(&dwork);
}

/* M3, M1 */
static void bh_items_of_a_cpu_that_is_gone_run_one_after_another(void **state)
{
	enum { NR = 20 };
	static struct trail trail;
	static struct meter meter;
	struct item item[NR];

	(void)state;
	cpu_leaves(away);
	wait_until_away_is(stay, system_bh_wq);
	for (int i = 0; i < NR; i++) {
		item_init(&item[i]);
		item[i].id = i;
		item[i].trail = &trail;
		item[i].meter = &meter;
		assert_true(queue_work_on(away, system_bh_wq, &item[i].work));
	}
	for (int i = 0; i < NR; i++)
		flush_work(&item[i].work);
	assert_true(trail_is_ascending(&trail, 0, NR));
	assert_int_equal(atomic_load(&meter.most), 1);
	assert_int_equal(atomic_load(&item[0].cpu), stay);
}

/* --------------------------------------------------------------- it comes back */

/* P2 */
static void workers_of_a_cpu_that_comes_back_are_bound_to_it_again(void **state)
{
	(void)state;
	cpu_leaves(away);
	wait_until_known(1);
	cpu_comes_back(away);
	wait_until(runs_pinned_to(away));
	wait_until_known(2);
}

/* P2: it was never known to be gone. */
static void pins_that_the_system_lifted_are_restored(void **state)
{
	struct witness witness;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	witness_hold_on(&witness, 1, system_percpu_wq, &gate);
	system_lifts_pins();
	wait_until(is_pinned(witness.tid, away));
	gate_open(&gate);
	flush_work(&witness.item.work);
}

/* B9, P4 */
static void ordered_items_keep_their_order_while_a_cpu_comes_and_goes(void **state)
{
	enum { NR = TRAIL_MAX };
	struct workqueue_struct *wq = alloc_ordered_workqueue("row", 0);
	static struct trail trail;
	static struct item item[NR];

	(void)state;
	for (int i = 0; i < NR; i++) {
		item_init(&item[i]);
		item[i].id = i;
		item[i].trail = &trail;
		assert_true(queue_work_on(away, wq, &item[i].work));
		if (i % 40 == 10)
			cpu_leaves(away);
		if (i % 40 == 30)
			cpu_comes_back(away);
		if (i % 10 == 0)
			nap_us(1000);
	}
	destroy_workqueue(wq);
	assert_true(trail_is_ascending(&trail, 0, NR));
}

/* ------------------------------------------------------------------ unbound queues */

static unsigned int cpus_for_away(struct workqueue_struct *wq)
{
	return witness_on(1, wq).cpus;
}

/* P4 */
static void pods_follow_the_cpus(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("strict", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(wq, .scope = WQ_AFFN_CPU, .strict = true), 0);
	assert_int_equal(cpus_for_away(wq), 2);
	cpu_leaves(away);
	wait_until(cpus_for_away(wq) == 1);
	cpu_comes_back(away);
	wait_until(cpus_for_away(wq) == 2);
	destroy_workqueue(wq);
}

/* P4: all that the mask allows is gone, and it is kept for when that is back. */
static void mask_whose_cpus_are_gone_counts_again_when_they_are_back(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("masked", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(wq, .cpus = 2), 0);
	assert_int_equal(set_unbound_mask(2), 0);
	assert_int_equal(cpus_for_away(wq), 2);
	cpu_leaves(away);
	wait_until(cpus_for_away(wq) == 1);
	cpu_comes_back(away);
	wait_until(cpus_for_away(wq) == 2);
	wait_until(cpus_for_away(system_dfl_wq) == 2);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------- others set affinities */

static cpu_set_t set_of_one(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return set;
}

/* P1, P2: taskset --all-tasks --pid. */
static void affinity_set_for_all_threads_restricts_the_process(void **state)
{
	cpu_set_t one = set_of_one(stay), all = all_cpus();

	(void)state;
	wait_until_known(2);
	set_cpus_of_all(&one);
	wait_until(runs_pinned_to(stay));
	wait_until_known(1);
	/* and it lasts, whatever else changes */
	cpu_leaves(away);
	cpu_comes_back(away);
	for (int i = 0; i < 20; i++)
		assert_int_equal(nr_known_cpus(), 1);
	set_cpus_of_all(&all);
	wait_until(runs_pinned_to(away));
	wait_until_known(2);
}

/* Also of workers that are inside an item, in a pool that had more CPUs. */
static void restriction_holds_for_unbound_items_that_run(void **state)
{
	cpu_set_t one = set_of_one(stay);
	struct witness witness;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	witness_hold_on(&witness, 1, system_dfl_wq, &gate);
	set_cpus_of_all(&one);
	wait_until(runs_pinned_to(stay));
	assert_not_yet(!is_pinned(witness.tid, stay));
	gate_open(&gate);
	flush_work(&witness.item.work);
}

/* P3: the item that runs on the only CPU left. */
static void restriction_without_any_cpu_left_is_ignored(void **state)
{
	cpu_set_t one = set_of_one(away);

	(void)state;
	wait_until_known(2);
	set_cpus_of_all(&one);
	wait_until_known(1);
	cpu_leaves(away);
	wait_until(runs_pinned_to(stay));
	cpu_comes_back(away);
	wait_until(runs_pinned_to(away));
}

static void without_looking_nothing_changes(void **state)
{
	(void)state;
	cpu_leaves(away);
	for (int i = 0; i < 20; i++)
		assert_int_equal(nr_known_cpus(), 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		watched_test(cpu_that_leaves_runs_what_waits_there_elsewhere),
		watched_test(workers_of_a_cpu_that_leaves_may_run_where_unbound_work_may),
		watched_test(worker_inside_an_item_is_moved),
		watched_test(item_for_a_cpu_that_is_gone_runs_elsewhere),
		watched_test(queue_made_without_the_cpu_serves_it_all_the_same),
		watched_test(timer_armed_on_a_cpu_that_leaves_fires_without_it),
		watched_test(bh_items_of_a_cpu_that_is_gone_run_one_after_another),
		watched_test(workers_of_a_cpu_that_comes_back_are_bound_to_it_again),
		watched_test(pins_that_the_system_lifted_are_restored),
		watched_test(ordered_items_keep_their_order_while_a_cpu_comes_and_goes),
		watched_test(pods_follow_the_cpus),
		watched_test(mask_whose_cpus_are_gone_counts_again_when_they_are_back),
		watched_test(affinity_set_for_all_threads_restricts_the_process),
		watched_test(restriction_holds_for_unbound_items_that_run),
		watched_test(restriction_without_any_cpu_left_is_ignored),
		unwatched_test(without_looking_nothing_changes),
	};

	(void)argc;
	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
