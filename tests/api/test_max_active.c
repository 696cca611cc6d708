/* SPDX-License-Identifier: MIT */
/*
 * test_max_active.c - how many at once: guarantees C1 to C8.
 */
#include "support/api.h"

enum {
	CROWD = 24,
};

/* Items that are inside until the test lets them go, one by one or all. */
struct crowd {
	struct workqueue_struct *wq;
	struct item item[CROWD];
	struct gate go[CROWD];
	struct trail trail;
};

static void crowd_init(struct crowd *crowd, struct workqueue_struct *wq)
{
	assert_non_null(wq);
	crowd->wq = wq;
	memset(&crowd->trail, 0, sizeof(crowd->trail));
	for (int i = 0; i < CROWD; i++) {
		gate_init(&crowd->go[i]);
		item_init_held(&crowd->item[i], &crowd->go[i]);
		crowd->item[i].id = i;
		crowd->item[i].trail = &crowd->trail;
	}
}

static void crowd_queue_on(struct crowd *crowd, int cpu, int first, int nr)
{
	for (int i = first; i < first + nr; i++)
		assert_true(queue_work_on(cpu, crowd->wq, &crowd->item[i].work));
}

static int crowd_started(struct crowd *crowd)
{
	return atomic_load(&crowd->trail.len);
}

static void crowd_let_go(struct crowd *crowd)
{
	for (int i = 0; i < CROWD; i++)
		gate_open(&crowd->go[i]);
	flush_workqueue(crowd->wq);
}

static void crowd_free(struct crowd *crowd)
{
	crowd_let_go(crowd);
	destroy_workqueue(crowd->wq);
}

static void assert_starts_exactly(struct crowd *crowd, int nr)
{
	wait_until(crowd_started(crowd) >= nr);
	assert_not_yet(crowd_started(crowd) != nr);
}

static bool is_one_node(void)
{
	return access("/sys/devices/system/node/node1", F_OK) != 0;
}

/* --------------------------------------------------------------------- C1 */

static void check_limit_on_one_cpu(int limit)
{
	static struct crowd crowd;

	crowd_init(&crowd, alloc_workqueue("percpu", WQ_PERCPU, limit));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 2 * limit + 2);
	assert_starts_exactly(&crowd, limit);
	gate_open(&crowd.go[0]);
	assert_starts_exactly(&crowd, limit + 1);
	gate_open(&crowd.go[1]);
	assert_starts_exactly(&crowd, limit + 2);
	crowd_free(&crowd);
	assert_int_equal(crowd_started(&crowd), 2 * limit + 2);
}

/* C1 */
static void percpu_queue_starts_max_active_items(void **state)
{
	(void)state;
	check_limit_on_one_cpu(1);
	check_limit_on_one_cpu(2);
	check_limit_on_one_cpu(5);
}

/* C1 */
static void percpu_queue_limit_is_for_each_cpu(void **state)
{
	static struct crowd crowd;

	(void)state;
	need_cpus(2);
	crowd_init(&crowd, alloc_workqueue("percpu", WQ_PERCPU, 2));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 5);
	assert_starts_exactly(&crowd, 2);
	crowd_queue_on(&crowd, allowed_cpu(1), 5, 5);
	assert_starts_exactly(&crowd, 4);
	crowd_free(&crowd);
}

/* C1 */
static void percpu_queue_limit_does_not_hold_another_queue(void **state)
{
	static struct crowd crowd;
	struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 1);
	struct item item;

	(void)state;
	crowd_init(&crowd, alloc_workqueue("percpu", WQ_PERCPU, 1));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 4);
	assert_starts_exactly(&crowd, 1);
	item_init(&item);
	queue_work_on(allowed_cpu(0), other, &item.work);
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	destroy_workqueue(other);
	crowd_free(&crowd);
}

/* C1 */
static void queue_of_default_limit_starts_many_waiting_items(void **state)
{
	static struct crowd crowd;

	(void)state;
	crowd_init(&crowd, alloc_workqueue("percpu", WQ_PERCPU, 0));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, CROWD);
	wait_until(crowd_started(&crowd) == CROWD);
	crowd_free(&crowd);
}

/* C1 */
static void congested_only_while_items_are_held_back(void **state)
{
	static struct crowd crowd;
	int cpu = allowed_cpu(0);

	(void)state;
	crowd_init(&crowd, alloc_workqueue("percpu", WQ_PERCPU, 1));
	assert_false(workqueue_congested(cpu, crowd.wq));
	crowd_queue_on(&crowd, cpu, 0, 1);
	assert_starts_exactly(&crowd, 1);
	assert_false(workqueue_congested(cpu, crowd.wq));
	crowd_queue_on(&crowd, cpu, 1, 2);
	assert_true(workqueue_congested(cpu, crowd.wq));
	assert_true(cancel_work(&crowd.item[1].work));
	assert_true(workqueue_congested(cpu, crowd.wq));
	assert_true(cancel_work(&crowd.item[2].work));
	assert_false(workqueue_congested(cpu, crowd.wq));
	crowd_free(&crowd);
}

/* C1: also where nobody has looked at it since it was queued. */
static void item_queued_while_another_computes_is_held_back_at_once(void **state)
{
	static struct crowd crowd;
	int cpu = allowed_cpu(0);

	(void)state;
	crowd_init(&crowd, alloc_workqueue("percpu", WQ_PERCPU, 1));
	crowd.item[0].spins = true;
	crowd_queue_on(&crowd, cpu, 0, 1);
	wait_until(crowd_started(&crowd) == 1);
	crowd_queue_on(&crowd, cpu, 1, 1);
	assert_true(workqueue_congested(cpu, crowd.wq));
	crowd_free(&crowd);
}

struct asker {
	struct workqueue_struct *wq;
	int cpu;
};

static long ask_congested_locally(void *arg)
{
	struct asker *asker = arg;

	pin_self(asker->cpu);
	return workqueue_congested(WORK_CPU_UNBOUND, asker->wq);
}

static bool congested_seen_from(int cpu, struct workqueue_struct *wq)
{
	struct asker asker = { .wq = wq, .cpu = cpu };
	struct call call;

	call_start(&call, ask_congested_locally, &asker);
	return call_join(&call);
}

/* C1 */
static void congested_is_told_of_one_cpu(void **state)
{
	static struct crowd crowd;

	(void)state;
	need_cpus(2);
	crowd_init(&crowd, alloc_workqueue("percpu", WQ_PERCPU, 1));
	crowd_queue_on(&crowd, allowed_cpu(1), 0, 3);
	assert_starts_exactly(&crowd, 1);
	assert_true(workqueue_congested(allowed_cpu(1), crowd.wq));
	assert_false(workqueue_congested(allowed_cpu(0), crowd.wq));
	assert_true(congested_seen_from(allowed_cpu(1), crowd.wq));
	assert_false(congested_seen_from(allowed_cpu(0), crowd.wq));
	crowd_free(&crowd);
}

/* --------------------------------------------------------------------- C2 */

enum {
	QUEUE_LEN = 3000,
};

struct marcher {
	struct work_struct work;
	int nr;
};

static int marched; /* plain: max_active 1 orders it */
static int overtaken;

static void march(struct work_struct *work)
{
	overtaken += container_of(work, struct marcher, work)->nr != marched++;
}

/* C2 */
static void queue_work_while_items_complete_overtakes_nobody(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("march", WQ_PERCPU, 1);
	struct marcher *marcher = calloc(QUEUE_LEN, sizeof(*marcher));

	(void)state;
	assert_non_null(marcher);
	marched = overtaken = 0;
	for (int i = 0; i < QUEUE_LEN; i++) {
		marcher[i].nr = i;
		INIT_WORK(&marcher[i].work, march);
		queue_work_on(allowed_cpu(0), wq, &marcher[i].work);
	}
	destroy_workqueue(wq);
	assert_int_equal(marched, QUEUE_LEN);
	assert_int_equal(overtaken, 0);
	free(marcher);
}

/* C2 */
static void held_back_items_start_one_per_completion_in_order(void **state)
{
	static struct crowd crowd;

	(void)state;
	crowd_init(&crowd, alloc_workqueue("percpu", WQ_PERCPU, 1));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 4);
	for (int i = 0; i < 4; i++) {
		wait_until(crowd_started(&crowd) == i + 1);
		crowd_queue_on(&crowd, allowed_cpu(0), 4 + i, 1);
		gate_open(&crowd.go[i]);
	}
	crowd_let_go(&crowd);
	assert_true(trail_is_ascending(&crowd.trail, 0, 8));
	crowd_free(&crowd);
}

/* ----------------------------------------------------------------- C3, C4 */

/* C3 */
static void unbound_queue_limit_is_for_all_cpus(void **state)
{
	static struct crowd crowd;
	int cpus = nr_allowed_cpus();

	(void)state;
	if (!is_one_node())
		skip();
	crowd_init(&crowd, alloc_workqueue("unbound", WQ_UNBOUND, 3));
	for (int i = 0; i < 10; i++)
		crowd_queue_on(&crowd, allowed_cpu(i % cpus), i, 1);
	assert_starts_exactly(&crowd, 3);
	crowd_free(&crowd);
	assert_int_equal(crowd_started(&crowd), 10);
}

/* C3 */
static void unbound_queue_completion_on_one_cpu_starts_item_of_another(void **state)
{
	static struct crowd crowd;

	(void)state;
	need_cpus(2);
	if (!is_one_node())
		skip();
	crowd_init(&crowd, alloc_workqueue("unbound", WQ_UNBOUND, 1));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 1);
	assert_starts_exactly(&crowd, 1);
	crowd_queue_on(&crowd, allowed_cpu(1), 1, 1);
	assert_not_yet(crowd_started(&crowd) > 1);
	gate_open(&crowd.go[0]);
	wait_until(crowd_started(&crowd) == 2);
	crowd_free(&crowd);
}

/* All of WQ_DFL_MIN_ACTIVE must be inside before any may leave. */
static void check_items_can_meet(struct workqueue_struct *wq, int cpu_step)
{
	static struct crowd crowd;
	int cpus = nr_allowed_cpus();

	crowd_init(&crowd, wq);
	for (int i = 0; i < WQ_DFL_MIN_ACTIVE; i++)
		crowd_queue_on(&crowd, allowed_cpu(i * cpu_step % cpus), i, 1);
	wait_until(crowd_started(&crowd) == WQ_DFL_MIN_ACTIVE);
	crowd_free(&crowd);
}

/* C4 */
static void unbound_queue_eight_interdependent_items_meet(void **state)
{
	(void)state;
	check_items_can_meet(alloc_workqueue("unbound", WQ_UNBOUND, WQ_DFL_MIN_ACTIVE), 1);
	check_items_can_meet(alloc_workqueue("unbound", WQ_UNBOUND, WQ_DFL_MIN_ACTIVE), 0);
	check_items_can_meet(alloc_workqueue("unbound", WQ_UNBOUND, 0), 1);
}

/* C4 */
static void percpu_queue_eight_interdependent_items_meet(void **state)
{
	(void)state;
	check_items_can_meet(alloc_workqueue("percpu", WQ_PERCPU, WQ_DFL_MIN_ACTIVE), 0);
	check_items_can_meet(alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 0), 0);
}

/* --------------------------------------------------------------------- C5 */

static void check_barrier_takes_no_place(unsigned int flags)
{
	static struct crowd crowd;
	struct call flush[3];

	crowd_init(&crowd, alloc_workqueue("barrier", flags, 2));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 1);
	wait_until(crowd_started(&crowd) == 1);
	for (int i = 0; i < 3; i++) {
		call_start(&flush[i], do_flush_work, &crowd.item[0].work);
		assert_true(call_blocks(&flush[i]));
	}
	assert_false(workqueue_congested(allowed_cpu(0), crowd.wq));
	crowd_queue_on(&crowd, allowed_cpu(0), 1, 1);
	wait_until(crowd_started(&crowd) == 2);
	crowd_let_go(&crowd);
	for (int i = 0; i < 3; i++)
		assert_true(call_join(&flush[i]));
	crowd_free(&crowd);
}

/* C5 */
static void flush_work_waiting_takes_no_place_of_max_active(void **state)
{
	(void)state;
	check_barrier_takes_no_place(WQ_PERCPU);
	check_barrier_takes_no_place(WQ_UNBOUND);
}

/* C5 */
static void flush_work_of_item_held_back_gives_its_place_on(void **state)
{
	static struct crowd crowd;
	struct call flush;

	(void)state;
	crowd_init(&crowd, alloc_workqueue("barrier", WQ_PERCPU, 1));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 3);
	wait_until(crowd_started(&crowd) == 1);
	call_start(&flush, do_flush_work, &crowd.item[1].work);
	assert_true(call_blocks(&flush));
	gate_open(&crowd.go[0]);
	gate_open(&crowd.go[1]);
	assert_true(call_join(&flush));
	assert_starts_exactly(&crowd, 3);
	crowd_free(&crowd);
}

/* --------------------------------------------------------------------- C6 */

static void check_raising(unsigned int flags)
{
	static struct crowd crowd;

	crowd_init(&crowd, alloc_workqueue("raise", flags, 1));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 10);
	assert_starts_exactly(&crowd, 1);
	workqueue_set_max_active(crowd.wq, 3);
	assert_starts_exactly(&crowd, 3);
	workqueue_set_max_active(crowd.wq, 4);
	assert_starts_exactly(&crowd, 4);
	workqueue_set_max_active(crowd.wq, 100);
	assert_starts_exactly(&crowd, 10);
	crowd_free(&crowd);
}

/* C6 */
static void set_max_active_raised_starts_held_back_items(void **state)
{
	(void)state;
	check_raising(WQ_PERCPU);
	check_raising(WQ_UNBOUND);
}

static void check_lowering(unsigned int flags)
{
	static struct crowd crowd;

	crowd_init(&crowd, alloc_workqueue("lower", flags, 4));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 6);
	assert_starts_exactly(&crowd, 4);
	workqueue_set_max_active(crowd.wq, 2);
	for (int i = 0; i < 4; i++)
		wait_until(item_is_running(&crowd.item[i]));
	/* Two leave: still two inside, so nobody starts; a third makes room. */
	gate_open(&crowd.go[0]);
	gate_open(&crowd.go[1]);
	wait_until(!item_is_running(&crowd.item[0]) && !item_is_running(&crowd.item[1]));
	assert_not_yet(crowd_started(&crowd) > 4);
	gate_open(&crowd.go[2]);
	assert_starts_exactly(&crowd, 5);
	crowd_free(&crowd);
}

/* C6 */
static void set_max_active_lowered_stops_nobody_and_then_holds(void **state)
{
	(void)state;
	check_lowering(WQ_PERCPU);
	check_lowering(WQ_UNBOUND);
}

/* C6 */
static void set_max_active_zero_or_less_counts_as_one(void **state)
{
	(void)state;
	for (int limit = 0; limit >= -5; limit -= 5) {
		static struct crowd crowd;

		crowd_init(&crowd, alloc_workqueue("zero", WQ_PERCPU, 4));
		workqueue_set_max_active(crowd.wq, limit);
		crowd_queue_on(&crowd, allowed_cpu(0), 0, 3);
		assert_starts_exactly(&crowd, 1);
		crowd_free(&crowd);
		report_take(); /* the clamping may be reported */
	}
}

/* ----------------------------------------------------------------- C7, C8 */

/*
 * A CPU the process may not use is to it what an offline one is to the kernel:
 * its items keep a place to run.
 */
/* C7 */
static void queue_work_on_cpu_not_allowed_still_runs(void **state)
{
	static const unsigned int flags[] = { WQ_PERCPU, WQ_UNBOUND };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct workqueue_struct *wq = alloc_workqueue("elsewhere", flags[i], 1);
		struct item item;

		item_init(&item);
		assert_true(queue_work_on(WORK_CPU_UNBOUND - 1, wq, &item.work));
		flush_work(&item.work);
		assert_int_equal(item_runs(&item), 1);
		destroy_workqueue(wq);
	}
	report_take(); /* it may be told of */
}

/* C8 */
static void interdependent_items_more_than_max_active_wait_for_a_higher_one(void **state)
{
	static struct crowd crowd;

	(void)state;
	crowd_init(&crowd, alloc_workqueue("unbound", WQ_UNBOUND, 2));
	crowd_queue_on(&crowd, allowed_cpu(0), 0, 3);
	/* Three that have to meet, two places: the user's deadlock. */
	assert_starts_exactly(&crowd, 2);
	workqueue_set_max_active(crowd.wq, 3);
	wait_until(crowd_started(&crowd) == 3);
	crowd_free(&crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(percpu_queue_starts_max_active_items),
		api_test(percpu_queue_limit_is_for_each_cpu),
		api_test(percpu_queue_limit_does_not_hold_another_queue),
		api_test(queue_of_default_limit_starts_many_waiting_items),
		api_test(congested_only_while_items_are_held_back),
		api_test(item_queued_while_another_computes_is_held_back_at_once),
		api_test(congested_is_told_of_one_cpu),
		api_test(queue_work_while_items_complete_overtakes_nobody),
		api_test(held_back_items_start_one_per_completion_in_order),
		api_test(unbound_queue_limit_is_for_all_cpus),
		api_test(unbound_queue_completion_on_one_cpu_starts_item_of_another),
		api_test(unbound_queue_eight_interdependent_items_meet),
		api_test(percpu_queue_eight_interdependent_items_meet),
		api_test(flush_work_waiting_takes_no_place_of_max_active),
		api_test(flush_work_of_item_held_back_gives_its_place_on),
		api_test(set_max_active_raised_starts_held_back_items),
		api_test(set_max_active_lowered_stops_nobody_and_then_holds),
		api_test(set_max_active_zero_or_less_counts_as_one),
		api_test(queue_work_on_cpu_not_allowed_still_runs),
		api_test(interdependent_items_more_than_max_active_wait_for_a_higher_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
