/* SPDX-License-Identifier: MIT */
/*
 * test_bh.c - WQ_BH queues: where, in which order and beside whom their items
 * run (M1). What the verbs do with them is in test_bh_verbs.c.
 *
 * Items that have to stay inside compute: they must not sleep. Each test has a
 * process of its own, since sleeping is reported once.
 */
#include "support/api.h"

enum {
	NR_BH_KINDS = 2,
	ROW = 40,
};

static struct workqueue_struct *bh_queue(int kind)
{
	if (kind)
		return alloc_workqueue("bh_highpri", WQ_BH | WQ_PERCPU | WQ_HIGHPRI, 0);
	return alloc_workqueue("bh", WQ_BH | WQ_PERCPU, 0);
}

/* ------------------------------------------------------- where, in which order */

static void check_row(struct workqueue_struct *wq, int cpu)
{
	static struct item item[ROW];
	struct trail trail = { 0 };

	for (int i = 0; i < ROW; i++) {
		item_init(&item[i]);
		item[i].id = i;
		item[i].trail = &trail;
		assert_true(queue_work_on(cpu, wq, &item[i].work));
	}
	flush_workqueue(wq);
	assert_true(trail_is_ascending(&trail, 0, ROW));
	for (int i = 0; i < ROW; i++)
		assert_int_equal(atomic_load(&item[i].cpu), cpu);
}

/* M1 */
static void bh_items_run_on_the_cpu_asked_for_in_queueing_order(void **state)
{
	for (int kind = 0; kind < NR_BH_KINDS; kind++) {
		struct workqueue_struct *wq = bh_queue(kind);

		assert_non_null(wq);
		for (int i = 0; allowed_cpu(i) >= 0; i++)
			check_row(wq, allowed_cpu(i));
		destroy_workqueue(wq);
	}
}

struct local_queueing {
	struct workqueue_struct *wq;
	struct item item;
	int cpu;
};

static long queue_from_cpu(void *arg)
{
	struct local_queueing *local = arg;

	pin_self(local->cpu);
	return queue_work(local->wq, &local->item.work);
}

/* M1 */
static void bh_item_runs_on_the_cpu_that_queues_it(void **state)
{
	struct local_queueing local = { .wq = bh_queue(0) };
	struct call call;

	for (int i = 0; allowed_cpu(i) >= 0; i++) {
		local.cpu = allowed_cpu(i);
		item_init(&local.item);
		call_start(&call, queue_from_cpu, &local);
		assert_true(call_join(&call));
		flush_work(&local.item.work);
		assert_int_equal(atomic_load(&local.item.cpu), local.cpu);
	}
	destroy_workqueue(local.wq);
}

/* ------------------------------------------------------------ beside whom */

/* @other must not start while an item of @holder computes; both on one CPU. */
static void check_holds_off(struct workqueue_struct *holder, struct workqueue_struct *other)
{
	struct blocker spinner;
	struct item item;

	blocker_spin_on(&spinner, allowed_cpu(0), holder);
	item_init(&item);
	assert_true(queue_work_on(allowed_cpu(0), other, &item.work));
	assert_not_yet(item_runs(&item));
	assert_true(work_pending(&item.work));
	blocker_release(&spinner);
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
}

/* M1 */
static void bh_item_running_holds_every_bh_item_of_its_cpu_off(void **state)
{
	for (int holder = 0; holder < NR_BH_KINDS; holder++) {
		for (int other = 0; other < NR_BH_KINDS; other++) {
			struct workqueue_struct *wq[] = { bh_queue(holder), bh_queue(other) };

			check_holds_off(wq[0], wq[0]);
			check_holds_off(wq[0], wq[1]);
			destroy_workqueue(wq[0]);
			destroy_workqueue(wq[1]);
		}
	}
}

/* M1 */
static void bh_normal_and_highpri_items_never_overlap(void **state)
{
	struct workqueue_struct *wq[] = { bh_queue(0), bh_queue(1), bh_queue(0), bh_queue(1) };
	static struct item item[400];
	struct meter meter = { 0 };

	for (int i = 0; i < 400; i++) {
		item_init(&item[i]);
		item[i].meter = &meter;
		assert_true(queue_work_on(allowed_cpu(0), wq[i % 4], &item[i].work));
	}
	for (int i = 0; i < 4; i++)
		destroy_workqueue(wq[i]);
	for (int i = 0; i < 400; i++)
		assert_int_equal(item_runs(&item[i]), 1);
	assert_int_equal(atomic_load(&meter.most), 1);
}

/* M1 */
static void bh_items_of_two_queues_share_one_order(void **state)
{
	struct workqueue_struct *wq[] = { bh_queue(0), bh_queue(0) };
	static struct item item[ROW];
	struct trail trail = { 0 };
	struct blocker spinner;

	blocker_spin_on(&spinner, allowed_cpu(0), wq[0]);
	for (int i = 0; i < ROW; i++) {
		item_init(&item[i]);
		item[i].id = i;
		item[i].trail = &trail;
		assert_true(queue_work_on(allowed_cpu(0), wq[i % 3 != 0], &item[i].work));
	}
	blocker_release(&spinner);
	destroy_workqueue(wq[0]);
	destroy_workqueue(wq[1]);
	assert_true(trail_is_ascending(&trail, 0, ROW));
}

/* M1 */
static void bh_items_of_two_cpus_run_at_once(void **state)
{
	struct workqueue_struct *wq;
	struct blocker spinner[2];

	need_cpus(2);
	wq = bh_queue(0);
	for (int i = 0; i < 2; i++)
		blocker_spin_on(&spinner[i], allowed_cpu(i), wq);
	for (int i = 0; i < 2; i++)
		blocker_release(&spinner[i]);
	destroy_workqueue(wq);
}

static void check_goes_on_beside(struct workqueue_struct *computing, struct workqueue_struct *wq)
{
	struct blocker spinner;
	struct item item;

	blocker_spin_on(&spinner, allowed_cpu(0), computing);
	item_init(&item);
	assert_true(queue_work_on(allowed_cpu(0), wq, &item.work));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	assert_true(item_is_running(&spinner.item));
	blocker_release(&spinner);
}

/* M1 L6 */
static void bh_item_does_not_wait_for_computing_items_of_other_queues(void **state)
{
	struct workqueue_struct *wq = bh_queue(0);
	struct workqueue_struct *other[] = {
		alloc_workqueue("percpu", WQ_PERCPU, 0),
		alloc_workqueue("percpu_one", WQ_PERCPU, 1),
		alloc_workqueue("unbound", WQ_UNBOUND, 0),
	};

	for (int i = 0; i < 3; i++) {
		check_goes_on_beside(other[i], wq);
		destroy_workqueue(other[i]);
	}
	destroy_workqueue(wq);
}

/* M1 L6 */
static void bh_item_computing_holds_no_other_queue_off(void **state)
{
	struct workqueue_struct *wq = bh_queue(0);
	struct workqueue_struct *other[] = {
		alloc_workqueue("percpu", WQ_PERCPU, 0),
		alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 0),
		alloc_workqueue("unbound", WQ_UNBOUND, 0),
	};

	for (int i = 0; i < 3; i++) {
		check_goes_on_beside(wq, other[i]);
		destroy_workqueue(other[i]);
	}
	destroy_workqueue(wq);
}

/* --------------------------------------------------------------- sleeping */

static void check_sleeping_is_reported(int sleeping_kind, int waiting_kind)
{
	struct workqueue_struct *wq[] = { bh_queue(sleeping_kind), bh_queue(waiting_kind) };
	struct blocker sleeper;
	struct item item;

	blocker_start_on(&sleeper, allowed_cpu(0), wq[0]);
	item_init(&item);
	assert_true(queue_work_on(allowed_cpu(0), wq[1], &item.work));
	wait_until(report_count() > 0);
	assert_true(reports_are_well_formed());
	/* Nobody takes its place. */
	assert_not_yet(item_runs(&item));
	blocker_release(&sleeper);
	destroy_workqueue(wq[0]);
	destroy_workqueue(wq[1]);
	assert_int_equal(item_runs(&item), 1);
	report_take();
}

/* M1 */
static void bh_item_that_sleeps_while_others_wait_is_reported(void **state)
{
	check_sleeping_is_reported(0, 0);
}

/* M1 */
static void bh_item_that_sleeps_while_highpri_ones_wait_is_reported(void **state)
{
	check_sleeping_is_reported(0, 1);
}

/* M1 */
static void bh_highpri_item_that_sleeps_while_normal_ones_wait_is_reported(void **state)
{
	check_sleeping_is_reported(1, 0);
}

/* M1 */
static void bh_item_that_sleeps_with_nobody_waiting_is_not_reported(void **state)
{
	struct workqueue_struct *wq = bh_queue(0);
	struct blocker sleeper;

	blocker_start_on(&sleeper, allowed_cpu(0), wq);
	assert_not_yet(report_count());
	blocker_release(&sleeper);
	destroy_workqueue(wq);
}

/* ---------------------------------------------------------------- requeueing */

struct repeater {
	struct work_struct work;
	struct workqueue_struct *wq;
	int left;
	atomic_int runs, refused;
};

static void repeat(struct work_struct *work)
{
	struct repeater *own = container_of(work, struct repeater, work);

	atomic_fetch_add(&own->runs, 1);
	if (--own->left > 0 && !queue_work(own->wq, work))
		atomic_fetch_add(&own->refused, 1);
}

/* M1 A3 */
static void bh_item_that_requeues_itself_runs_each_time(void **state)
{
	for (int kind = 0; kind < NR_BH_KINDS; kind++) {
		struct repeater own = { .wq = bh_queue(kind), .left = 1000 };

		INIT_WORK(&own.work, repeat);
		assert_true(queue_work(own.wq, &own.work));
		wait_until(atomic_load(&own.runs) == 1000);
		flush_work(&own.work);
		assert_int_equal(atomic_load(&own.runs), 1000);
		assert_int_equal(atomic_load(&own.refused), 0);
		destroy_workqueue(own.wq);
	}
}

/* M2 G3 */
static void bh_item_that_requeues_itself_for_ever_is_stopped_by_cancel_sync(void **state)
{
	for (int kind = 0; kind < NR_BH_KINDS; kind++) {
		struct endless endless = { .wq = bh_queue(kind) };
		int runs;

		INIT_WORK(&endless.work, requeue_for_ever);
		assert_true(queue_work(endless.wq, &endless.work));
		wait_until(atomic_load(&endless.runs) > 100);
		cancel_work_sync(&endless.work);
		runs = atomic_load(&endless.runs);
		assert_int_equal(work_busy(&endless.work), 0);
		assert_not_yet(atomic_load(&endless.runs) != runs);
		destroy_workqueue(endless.wq);
	}
}

/* B8 M1 */
static void bh_item_that_requeues_itself_lets_the_others_have_their_turn(void **state)
{
	for (int kind = 0; kind < NR_BH_KINDS; kind++) {
		struct workqueue_struct *wq[] = { bh_queue(0), bh_queue(1) };
		struct endless endless = { .wq = bh_queue(kind) };

		INIT_WORK(&endless.work, requeue_for_ever);
		assert_true(queue_work_on(allowed_cpu(0), endless.wq, &endless.work));
		wait_until(atomic_load(&endless.runs) > 10);
		for (int i = 0; i < 2; i++)
			check_row(wq[i], allowed_cpu(0));
		cancel_work_sync(&endless.work);
		for (int i = 0; i < 2; i++)
			destroy_workqueue(wq[i]);
		destroy_workqueue(endless.wq);
	}
}

enum {
	NR_HOPS = 500,
	HOPS_AT_A_TIME = 50, /* have a deadline: each waits for its CPU */
};

/* Each queues the other one, on another queue and another CPU if there is one. */
struct hopper {
	struct work_struct left, right;
	struct workqueue_struct *wq[2];
	int cpu[2];
	atomic_int hops;
};

static void hop(struct hopper *hopper, struct work_struct *next, int to)
{
	if (atomic_fetch_add(&hopper->hops, 1) + 1 < NR_HOPS)
		queue_work_on(hopper->cpu[to], hopper->wq[to], next);
}

static void hop_to_right(struct work_struct *work)
{
	struct hopper *hopper = container_of(work, struct hopper, left);

	hop(hopper, &hopper->right, 1);
}

static void hop_to_left(struct work_struct *work)
{
	struct hopper *hopper = container_of(work, struct hopper, right);

	hop(hopper, &hopper->left, 0);
}

static void check_hopping(struct workqueue_struct *wq[2], int cpu0, int cpu1)
{
	struct hopper hopper = { .wq = { wq[0], wq[1] }, .cpu = { cpu0, cpu1 } };

	INIT_WORK(&hopper.left, hop_to_right);
	INIT_WORK(&hopper.right, hop_to_left);
	assert_true(queue_work_on(cpu0, wq[0], &hopper.left));
	for (int hops = HOPS_AT_A_TIME; hops <= NR_HOPS; hops += HOPS_AT_A_TIME)
		wait_until(atomic_load(&hopper.hops) >= hops);
	flush_workqueue(wq[0]);
	flush_workqueue(wq[1]);
}

/* M1 A4 */
static void bh_items_queue_each_other_across_priorities_and_cpus(void **state)
{
	struct workqueue_struct *wq[] = { bh_queue(0), bh_queue(1) };
	int other_cpu = allowed_cpu(1) >= 0 ? allowed_cpu(1) : allowed_cpu(0);

	check_hopping(wq, allowed_cpu(0), allowed_cpu(0));
	check_hopping(wq, allowed_cpu(0), other_cpu);
	check_hopping((struct workqueue_struct *[]){ wq[0], wq[0] }, allowed_cpu(0), other_cpu);
	destroy_workqueue(wq[0]);
	destroy_workqueue(wq[1]);
}

/* B4 */
static void bh_item_running_queued_for_another_cpu_runs_again_where_it_is(void **state)
{
	struct workqueue_struct *wq;
	struct blocker spinner;

	need_cpus(2);
	wq = bh_queue(0);
	blocker_spin_on(&spinner, allowed_cpu(0), wq);
	assert_true(queue_work_on(allowed_cpu(1), wq, &spinner.item.work));
	assert_not_yet(item_runs(&spinner.item) > 1);
	blocker_release(&spinner);
	assert_int_equal(item_runs(&spinner.item), 2);
	assert_int_equal(atomic_load(&spinner.item.cpu), allowed_cpu(0));
	destroy_workqueue(wq);
}

enum {
	NR_MORTALS = 500,
};

struct mortal {
	struct work_struct work;
	atomic_int *deaths;
};

static void free_itself(struct work_struct *work)
{
	struct mortal *mortal = container_of(work, struct mortal, work);
	atomic_int *deaths = mortal->deaths;

	memset(mortal, 0xa5, sizeof(*mortal));
	free(mortal);
	atomic_fetch_add(deaths, 1);
}

/* B2 */
static void bh_item_may_free_itself(void **state)
{
	struct workqueue_struct *wq = bh_queue(0);
	struct mortal *mortal[NR_MORTALS];
	atomic_int deaths = 0;

	/* all beforehand: a malloc() beside its free() would have it sleep for libc's lock */
	for (int i = 0; i < NR_MORTALS; i++) {
		mortal[i] = malloc(sizeof(*mortal[i]));
		assert_non_null(mortal[i]);
		mortal[i]->deaths = &deaths;
		INIT_WORK(&mortal[i]->work, free_itself);
	}
	for (int i = 0; i < NR_MORTALS; i++)
		assert_true(queue_work(wq, &mortal[i]->work));
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&deaths), NR_MORTALS);
}

/* ------------------------------------------------------------- many threads */

enum {
	NR_SHARED = 12,
	NR_THREADS = 4,
	ROUNDS = 3000,
};

struct shared_item {
	struct work_struct work;
	struct workqueue_struct *wq;
	int cpu;
	atomic_int queued, taken, runs, inside;
};

/* What each CPU has inside, and what was seen wrong. */
static struct meter cpu_meter[2];
static struct shared_item shared[NR_SHARED];
static atomic_int overlaps;

static void run_shared(struct work_struct *work)
{
	struct shared_item *own = container_of(work, struct shared_item, work);
	struct meter *meter = &cpu_meter[sched_getcpu() == allowed_cpu(1)];

	meter_enter(meter);
	if (atomic_fetch_add(&own->inside, 1))
		atomic_fetch_add(&overlaps, 1);
	atomic_fetch_add(&own->runs, 1);
	atomic_fetch_sub(&own->inside, 1);
	meter_leave(meter);
}

static void shake(struct shared_item *any, unsigned int dice)
{
	if (dice < 5)
		atomic_fetch_add(&any->queued, queue_work_on(any->cpu, any->wq, &any->work));
	else if (dice == 5)
		atomic_fetch_add(&any->taken, cancel_work(&any->work));
	else if (dice == 6)
		atomic_fetch_add(&any->taken, cancel_work_sync(&any->work));
	else
		flush_work(&any->work);
}

static long shake_all(void *seed)
{
	unsigned int random = *(unsigned int *)seed;

	for (int i = 0; i < ROUNDS; i++) {
		random = random * 1103515245u + 12345u;
		shake(&shared[(random >> 16) % NR_SHARED], random >> 28 & 7);
	}
	return 0;
}

/* M1 B3 A4 */
static void bh_items_of_many_threads_are_neither_lost_nor_run_two_at_once(void **state)
{
	struct workqueue_struct *wq[] = { bh_queue(0), bh_queue(1), bh_queue(0) };
	unsigned int seed[NR_THREADS];
	struct call call[NR_THREADS];

	for (int i = 0; i < NR_SHARED; i++) {
		shared[i].wq = wq[i % 3];
		shared[i].cpu = allowed_cpu(i / 3 % 2 && allowed_cpu(1) >= 0);
		INIT_WORK(&shared[i].work, run_shared);
	}
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		seed[i] = i;
		call_start(&call[i], shake_all, &seed[i]);
	}
	for (int i = 0; i < NR_THREADS; i++)
		call_join(&call[i]);
	for (int i = 0; i < 3; i++)
		destroy_workqueue(wq[i]);
	for (int i = 0; i < NR_SHARED; i++)
		assert_int_equal(atomic_load(&shared[i].queued),
				 atomic_load(&shared[i].runs) + atomic_load(&shared[i].taken));
	assert_true(atomic_load(&cpu_meter[0].most) <= 1 && atomic_load(&cpu_meter[1].most) <= 1);
	assert_int_equal(atomic_load(&overlaps), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(bh_items_run_on_the_cpu_asked_for_in_queueing_order),
		api_test(bh_item_runs_on_the_cpu_that_queues_it),
		api_test(bh_item_running_holds_every_bh_item_of_its_cpu_off),
		api_test(bh_normal_and_highpri_items_never_overlap),
		api_test(bh_items_of_two_queues_share_one_order),
		api_test(bh_items_of_two_cpus_run_at_once),
		api_test(bh_item_does_not_wait_for_computing_items_of_other_queues),
		api_test(bh_item_computing_holds_no_other_queue_off),
		api_test(bh_item_that_sleeps_while_others_wait_is_reported),
		api_test(bh_item_that_sleeps_while_highpri_ones_wait_is_reported),
		api_test(bh_highpri_item_that_sleeps_while_normal_ones_wait_is_reported),
		api_test(bh_item_that_sleeps_with_nobody_waiting_is_not_reported),
		api_test(bh_item_that_requeues_itself_runs_each_time),
		api_test(bh_item_that_requeues_itself_for_ever_is_stopped_by_cancel_sync),
		api_test(bh_item_that_requeues_itself_lets_the_others_have_their_turn),
		api_test(bh_items_queue_each_other_across_priorities_and_cpus),
		api_test(bh_item_running_queued_for_another_cpu_runs_again_where_it_is),
		api_test(bh_item_may_free_itself),
		api_test(bh_items_of_many_threads_are_neither_lost_nor_run_two_at_once),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
