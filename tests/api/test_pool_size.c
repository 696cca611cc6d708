/* SPDX-License-Identifier: MIT */
/*
 * test_pool_size.c - how many workers a pool has, by the names of the process's threads.
 *
 * One from the start; one that is idle for when the others wait; a few idle ones that stay. All
 * of that is done by the manager in its own time: tests wait for it. A worker is named
 * after its CPU, so what a pool has can be counted; those of unbound pools are
 * told apart by the pool's number. Each test is a process.
 */
#include "support/rescued.h"

enum {
	NR_BLOCKED = 6,
	NR_BURST = 20,
	NR_HELD = 8,
	IDLE_STAY = 2,
	IDLE_RATIO = 4,
};

static struct item item[NR_BURST];
static struct gate go;

/* Started, and inside until the gate opens. */
static void hold_one(struct item *held, struct workqueue_struct *wq)
{
	item_init_held(held, &go);
	assert_true(queue_work_on(allowed_cpu(0), wq, &held->work));
	wait_until(item_is_running(held));
}

static void release_all(struct workqueue_struct *wq)
{
	gate_open(&go);
	flush_workqueue(wq);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------ at start */

/* Q1 */
static void start_makes_a_worker_for_each_pool_of_a_cpu(void **state)
{
	for (int i = 0; i < nr_allowed_cpus(); i++) {
		wait_until(nr_workers_of(allowed_cpu(i), "") == 1);
		wait_until(nr_workers_of(allowed_cpu(i), "H") == 1);
	}
	assert_not_yet(nr_workers_of(allowed_cpu(0), "") != 1);
	assert_not_yet(nr_workers_of(allowed_cpu(0), "H") != 1);
}

/* Q1 */
static void first_item_runs_on_the_worker_that_was_made_at_the_start(void **state)
{
	struct witness seen;

	wait_until(nr_workers_of(allowed_cpu(0), "") == 1);
	threads_refuse();
	seen = witness_on(0, system_percpu_wq);
	assert_int_equal(item_runs(&seen.item), 1);
	threads_allow();
}

/* ------------------------------------------------------------- an idle one */

static void check_one_more_than_blocked(unsigned int flags, const char *kind)
{
	struct workqueue_struct *wq = alloc_workqueue("blocked", flags, 0);

	gate_init(&go);
	for (int i = 0; i < NR_BLOCKED; i++) {
		hold_one(&item[i], wq);
		wait_until(nr_workers_of(allowed_cpu(0), kind) == i + 2);
	}
	assert_not_yet(nr_workers_of(allowed_cpu(0), kind) != NR_BLOCKED + 1);
	release_all(wq);
}

/* Q2 */
static void pool_of_blocked_workers_gets_an_idle_one(void **state)
{
	check_one_more_than_blocked(WQ_PERCPU, "");
	check_one_more_than_blocked(WQ_PERCPU | WQ_HIGHPRI, "H");
}

/* Q2 */
static void pool_of_a_computing_worker_gets_an_idle_one(void **state)
{
	struct blocker blocker;

	blocker_spin_on(&blocker, allowed_cpu(0), system_percpu_wq);
	wait_until(nr_workers_of(allowed_cpu(0), "") == 2);
	assert_not_yet(nr_workers_of(allowed_cpu(0), "") != 2);
	blocker_release(&blocker);
}

static bool name_is_of_unbound_pool(const char *name, const void *arg)
{
	int pool;

	return sscanf(name, "kworker/u%d:", &pool) == 1 && pool == *(const int *)arg;
}

static int nr_unbound_workers_of(int pool)
{
	return nr_threads_that(name_is_of_unbound_pool, &pool);
}

static void tell_and_wait(struct work_struct *work)
{
	workq_block_begin();
	item_fn(work);
	workq_block_end();
}

/* As long as fewer run than the pod has CPUs; who waits does not run. */
/* Q2 */
static void unbound_pool_of_blocked_workers_gets_an_idle_one(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("loose", WQ_UNBOUND, 0);
	struct witness seen;

	need_cpus(2);
	workqueue_set_min_active(wq, NR_BLOCKED + 1);
	seen = witness_on(0, wq);
	gate_init(&go);
	for (int i = 0; i < NR_BLOCKED; i++) {
		item_init_held(&item[i], &go);
		INIT_WORK(&item[i].work, tell_and_wait);
		assert_true(queue_work_on(allowed_cpu(0), wq, &item[i].work));
		wait_until(item_is_running(&item[i]));
		wait_until(nr_unbound_workers_of(seen.pool) == i + 2);
	}
	release_all(wq);
}

/* Q2 M1 */
static void pool_for_bh_has_one_worker(void **state)
{
	struct blocker blocker;
	struct item next;

	blocker_start_on(&blocker, allowed_cpu(0), system_bh_wq);
	item_init(&next);
	assert_true(queue_work_on(allowed_cpu(0), system_bh_wq, &next.work));
	assert_not_yet(nr_workers_of(allowed_cpu(0), "B") != 1);
	blocker_release(&blocker);
	flush_work(&next.work);
	report_take(); /* that it slept */
}

/* Q2 Q3 */
static void idle_worker_that_cannot_be_made_is_tried_for_again(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("blocked", WQ_PERCPU, 0);
	struct item other;

	gate_init(&go);
	wait_until(nr_workers_of(allowed_cpu(0), "") == 1);
	wait_until(nr_workers_of(allowed_cpu(0), "H") == 1);
	threads_refuse();
	/* its start needs no other one, and other pools go on */
	hold_one(&item[0], wq);
	wait_for_refusals(2);
	item_init(&other);
	assert_true(queue_work_on(allowed_cpu(0), system_highpri_wq, &other.work));
	flush_work(&other.work);
	assert_int_equal(nr_workers_of(allowed_cpu(0), ""), 1);
	threads_allow();
	wait_until(nr_workers_of(allowed_cpu(0), "") == 2);
	release_all(wq);
}

static bool has_high_number(const char *name, const void *least)
{
	int cpu, number;

	return sscanf(name, "kworker/%d:%d", &cpu, &number) == 2 && number >= *(const int *)least;
}

/* Q2 Q3 */
static void workers_that_could_not_be_made_take_no_numbers(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("blocked", WQ_PERCPU, 0);
	const int refused = 2;

	gate_init(&go);
	wait_until(nr_workers_of(allowed_cpu(0), "") == 1);
	threads_refuse();
	hold_one(&item[0], wq);
	wait_for_refusals(refused);
	threads_allow();
	wait_until(nr_workers_of(allowed_cpu(0), "") == 2);
	assert_int_equal(nr_threads_that(has_high_number, &refused), 0);
	release_all(wq);
}

/* -------------------------------------------------------------------- reaping */

static void hold_many(struct workqueue_struct *wq, int nr, struct gate *held_by)
{
	gate_init(held_by);
	for (int i = 0; i < nr; i++) {
		item_init_held(&item[i], held_by);
		assert_true(queue_work_on(allowed_cpu(0), wq, &item[i].work));
	}
	for (int i = 0; i < nr; i++)
		wait_until(item_is_running(&item[i]));
}

/* Q4 */
static void two_idle_workers_stay(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("burst", WQ_PERCPU, 0);

	hold_many(wq, NR_BURST, &go);
	assert_true(nr_workers_of(allowed_cpu(0), "") >= NR_BURST);
	release_all(wq);
	wait_until(nr_workers_of(allowed_cpu(0), "") == IDLE_STAY);
	assert_not_yet(nr_workers_of(allowed_cpu(0), "") != IDLE_STAY);
}

static bool has_between(int least, int most)
{
	int nr = nr_workers_of(allowed_cpu(0), "");

	return nr >= least && nr <= most;
}

/* Q4 */
static void one_idle_worker_for_four_busy_ones_stays_beside_the_two(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("burst", WQ_PERCPU, 0);
	int most = NR_HELD + IDLE_STAY + (NR_HELD - 1) / IDLE_RATIO;
	struct gate for_long;

	hold_many(wq, NR_BURST, &go);
	gate_open(&go);
	flush_workqueue(wq);
	hold_many(wq, NR_HELD, &for_long);
	/* perhaps all idle ones were gone before these items came: then one is made */
	wait_until(has_between(NR_HELD + 1, most));
	assert_not_yet(!has_between(NR_HELD + 1, most));
	gate_open(&for_long);
	flush_workqueue(wq);
	destroy_workqueue(wq);
}

/* As programs do that want their workers at once; a pool for all CPUs, whatever they share. */
static int begin(void **state)
{
	setenv("WORKQ_AFFINITY_SCOPE", "system", 1);
	return test_begin(state) ? -1 : workq_start();
}

static int begin_impatient(void **state)
{
	setenv("WORKQ_IDLE_TIMEOUT_MS", "1", 1);
	return begin(state);
}

#define patient_test(fn)   cmocka_unit_test_setup_teardown(fn, begin, test_end)
#define impatient_test(fn) cmocka_unit_test_setup_teardown(fn, begin_impatient, test_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		patient_test(start_makes_a_worker_for_each_pool_of_a_cpu),
		patient_test(first_item_runs_on_the_worker_that_was_made_at_the_start),
		patient_test(pool_of_blocked_workers_gets_an_idle_one),
		patient_test(pool_of_a_computing_worker_gets_an_idle_one),
		patient_test(unbound_pool_of_blocked_workers_gets_an_idle_one),
		patient_test(pool_for_bh_has_one_worker),
		patient_test(idle_worker_that_cannot_be_made_is_tried_for_again),
		patient_test(workers_that_could_not_be_made_take_no_numbers),
		impatient_test(two_idle_workers_stay),
		impatient_test(one_idle_worker_for_four_busy_ones_stays_beside_the_two),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
