/* SPDX-License-Identifier: MIT */
/*
 * test_system.c - the rest of the API: queues that exist by themselves, older
 * names, static items, looking at items, telling of a wait.
 */
#include "support/api.h"

/* ------------------------------------------------------------ system queues */

/* A1 */
static void system_queues_run_items(void **state)
{
	struct workqueue_struct *const wq[] = {
		system_percpu_wq,   system_highpri_wq,
		system_long_wq,     system_dfl_wq,
		system_dfl_long_wq, system_freezable_wq,
		system_wq,          system_power_efficient_wq,
		system_unbound_wq,  system_freezable_power_efficient_wq,
	};
	struct item item;

	(void)state;
	for (size_t i = 0; i < sizeof(wq) / sizeof(wq[0]); i++) {
		assert_non_null(wq[i]);
		item_init(&item);
		assert_true(queue_work(wq[i], &item.work));
		flush_work(&item.work);
		assert_int_equal(item_runs(&item), 1);
	}
}

static void system_queues_of_one_name_are_two_queues(void **state)
{
	(void)state;
	assert_ptr_not_equal(system_wq, system_percpu_wq);
	assert_ptr_not_equal(system_unbound_wq, system_dfl_wq);
}

static void schedule_work_answers_like_queue_work(void **state)
{
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, system_percpu_wq);
	assert_true(schedule_work(&blocker.item.work));
	assert_false(schedule_work(&blocker.item.work));
	blocker_release(&blocker);
	assert_int_equal(item_runs(&blocker.item), 2);
}

static void schedule_work_on_runs_on_that_cpu(void **state)
{
	struct item item;

	(void)state;
	item_init(&item);
	for (int i = 0; allowed_cpu(i) >= 0; i++) {
		assert_true(schedule_work_on(allowed_cpu(i), &item.work));
		flush_work(&item.work);
		assert_int_equal(atomic_load(&item.cpu), allowed_cpu(i));
	}
}

/* -------------------------------------------------------------- older names */

/* Most of four items of one CPU that are inside at once. */
static int most_at_once(struct workqueue_struct *wq)
{
	struct meter meter = { 0 };
	struct item item[4];
	struct gate go;

	assert_non_null(wq);
	gate_init(&go);
	for (int i = 0; i < 4; i++) {
		item_init_held(&item[i], &go);
		item[i].meter = &meter;
		queue_work_on(allowed_cpu(0), wq, &item[i].work);
	}
	wait_until(atomic_load(&meter.inside));
	assert_not_yet(atomic_load(&meter.inside) > 1);
	gate_open(&go);
	destroy_workqueue(wq);
	for (int i = 0; i < 4; i++)
		assert_int_equal(item_runs(&item[i]), 1);
	return atomic_load(&meter.most);
}

/* C1 */
static void create_workqueue_and_its_likes_run_one_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(most_at_once(create_workqueue("old_percpu")), 1);
	assert_int_equal(most_at_once(create_freezable_workqueue("old_unbound")), 1);
	assert_int_equal(most_at_once(create_singlethread_workqueue("old_ordered")), 1);
}

static void alloc_every_combination_of_flags_runs_items(void **state)
{
	static const unsigned int extra[] = { WQ_FREEZABLE,     WQ_MEM_RECLAIM, WQ_HIGHPRI,
					      WQ_CPU_INTENSIVE, WQ_SYSFS,       WQ_POWER_EFFICIENT };
	struct item item;

	(void)state;
	for (unsigned int bits = 0; bits < 128; bits++) {
		unsigned int flags = bits & 64 ? WQ_UNBOUND : WQ_PERCPU;
		struct workqueue_struct *wq;

		for (int i = 0; i < 6; i++)
			flags |= bits & 1u << i ? extra[i] : 0;
		wq = alloc_workqueue("flags_%x", flags, 0, flags);
		assert_non_null(wq);
		item_init(&item);
		assert_true(queue_work(wq, &item.work));
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&item), 1);
	}
}

/* ---------------------------------------------------------------- the item */

static int declared_runs;

static void count_declared(struct work_struct *work)
{
	(void)work;
	declared_runs++;
}

static DECLARE_WORK(declared, count_declared);

static void declare_work_gives_an_item_ready_for_use(void **state)
{
	(void)state;
	assert_false(work_pending(&declared));
	assert_true(schedule_work(&declared));
	flush_work(&declared);
	assert_int_equal(declared_runs, 1);
}

struct embedding {
	int before;
	struct work_struct work;
	struct embedding *found;
};

static void find_embedding(struct work_struct *work)
{
	struct embedding *own = from_work(own, work, work);

	own->found = container_of(work, struct embedding, work);
	if (own->found != own)
		own->found = NULL;
}

static void from_work_finds_the_object_around_the_item(void **state)
{
	struct embedding embedding[3] = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		INIT_WORK(&embedding[i].work, find_embedding);
		schedule_work(&embedding[i].work);
		flush_work(&embedding[i].work);
		assert_ptr_equal(embedding[i].found, &embedding[i]);
	}
}

static void init_work_onstack_item_runs(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct item item;

		memset(&item, 0, sizeof(item));
		INIT_WORK_ONSTACK(&item.work, item_fn);
		assert_true(queue_work(system_dfl_wq, &item.work));
		flush_work(&item.work);
		assert_int_equal(atomic_load(&item.finished), 1);
		destroy_work_on_stack(&item.work);
	}
}

static void work_struct_is_32_bytes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct work_struct), 32);
}

/* ----------------------------------------------------------------- looking */

static void work_busy_in_every_state(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;

		item_init(&blocker.item);
		assert_int_equal(work_busy(&blocker.item.work), 0);
		blocker_start(&blocker, wq);
		assert_int_equal(work_busy(&blocker.item.work), WORK_BUSY_RUNNING);
		queue_work(wq, &blocker.item.work);
		assert_int_equal(work_busy(&blocker.item.work),
				 WORK_BUSY_PENDING | WORK_BUSY_RUNNING);
		cancel_work(&blocker.item.work);
		assert_int_equal(work_busy(&blocker.item.work), WORK_BUSY_RUNNING);
		blocker_release(&blocker);
		assert_int_equal(work_busy(&blocker.item.work), 0);
		destroy_workqueue(wq);
	}
}

static void work_busy_held_back_item_is_pending(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct blocker blocker;
	struct item item;

	(void)state;
	blocker_start(&blocker, wq);
	item_init(&item);
	queue_work(wq, &item.work);
	assert_int_equal(work_busy(&item.work), WORK_BUSY_PENDING);
	disable_work(&item.work);
	assert_int_equal(work_busy(&item.work), 0);
	assert_false(work_pending(&item.work));
	blocker_release(&blocker);
	destroy_workqueue(wq);
}

struct self_aware {
	struct work_struct work;
	struct work_struct *at_start, *after_sleep;
};

static void ask_who_runs(struct work_struct *work)
{
	struct self_aware *own = container_of(work, struct self_aware, work);

	own->at_start = current_work();
	nap_us(1000);
	own->after_sleep = current_work();
}

static void current_work_is_the_running_item_or_null(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct self_aware own = { 0 };

		INIT_WORK(&own.work, ask_who_runs);
		queue_work(wq, &own.work);
		flush_work(&own.work);
		assert_ptr_equal(own.at_start, &own.work);
		assert_ptr_equal(own.after_sleep, &own.work);
		assert_null(current_work());
		destroy_workqueue(wq);
	}
}

/* ---------------------------------------------------------- telling of waits */

struct teller {
	struct work_struct work;
	struct gate *go;
	atomic_bool entered;
};

static void wait_and_tell(struct work_struct *work)
{
	struct teller *teller = container_of(work, struct teller, work);

	workq_block_begin();
	workq_block_begin();
	atomic_store(&teller->entered, true);
	gate_wait(teller->go);
	workq_block_end();
	workq_block_end();
}

static void block_begin_lets_the_next_item_of_the_cpu_start(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("told", WQ_PERCPU, 0);
	struct teller teller = { 0 };
	struct gate go;
	struct item item;

	(void)state;
	gate_init(&go);
	teller.go = &go;
	INIT_WORK(&teller.work, wait_and_tell);
	queue_work_on(allowed_cpu(0), wq, &teller.work);
	wait_until(atomic_load(&teller.entered));
	item_init(&item);
	queue_work_on(allowed_cpu(0), wq, &item.work);
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	gate_open(&go);
	destroy_workqueue(wq);
}

static void block_begin_outside_of_functions_does_nothing(void **state)
{
	(void)state;
	workq_block_begin();
	workq_block_end();
	workq_block_end();
	assert_int_equal(workq_start(), 0);
}

/* Queues another item of its CPU, computes, and looks whether that one started. */
struct computer {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct item other;
	int started_meanwhile;
};

static long long own_cpu_time_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (long long)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* 4 ms of its own time, however long that takes: less than what makes a hog (L4). */
static void compute_for_a_while(struct work_struct *work)
{
	struct computer *own = container_of(work, struct computer, work);
	long long end = own_cpu_time_ns() + 4000000;

	queue_work_on(allowed_cpu(0), own->wq, &own->other.work);
	while (own_cpu_time_ns() < end)
		;
	own->started_meanwhile = item_runs(&own->other);
}

/* L1 */
static void computing_item_holds_the_others_of_its_cpu_off(void **state)
{
	struct computer computer = { .wq = alloc_workqueue("compute", WQ_PERCPU, 0) };

	(void)state;
	item_init(&computer.other);
	INIT_WORK(&computer.work, compute_for_a_while);
	queue_work_on(allowed_cpu(0), computer.wq, &computer.work);
	drain_workqueue(computer.wq);
	assert_int_equal(computer.started_meanwhile, 0);
	assert_int_equal(item_runs(&computer.other), 1);
	destroy_workqueue(computer.wq);
}

/* L7 */
static void computing_items_of_an_unbound_queue_all_start(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct blocker spinner[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		blocker_spin_on(&spinner[i], WORK_CPU_UNBOUND, wq);
	for (int i = 0; i < 4; i++)
		blocker_release(&spinner[i]);
	destroy_workqueue(wq);
}

/* L6 */
static void computing_item_does_not_hold_highpri_or_another_cpu(void **state)
{
	struct workqueue_struct *wq, *high;
	struct blocker spinner;
	struct item item;

	(void)state;
	need_cpus(2);
	wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	high = alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 0);
	blocker_spin_on(&spinner, allowed_cpu(1), wq);
	item_init(&item);
	queue_work_on(allowed_cpu(0), wq, &item.work);
	flush_work(&item.work);
	queue_work_on(allowed_cpu(1), high, &item.work);
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 2);
	blocker_release(&spinner);
	destroy_workqueue(wq);
	destroy_workqueue(high);
}

/* L3 */
static void computing_intensive_item_holds_nobody_off(void **state)
{
	struct workqueue_struct *intensive, *wq;
	struct blocker spinner;
	struct item item;

	(void)state;
	need_cpus(2);
	intensive = alloc_workqueue("intensive", WQ_PERCPU | WQ_CPU_INTENSIVE, 0);
	wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	blocker_spin_on(&spinner, allowed_cpu(1), intensive);
	item_init(&item);
	queue_work_on(allowed_cpu(1), wq, &item.work);
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	blocker_release(&spinner);
	destroy_workqueue(intensive);
	destroy_workqueue(wq);
}

static void version_is_that_of_the_header(void **state)
{
	(void)state;
	assert_string_equal(workq_version(), WORKQ_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(system_queues_run_items),
		api_test(system_queues_of_one_name_are_two_queues),
		api_test(schedule_work_answers_like_queue_work),
		api_test(schedule_work_on_runs_on_that_cpu),
		api_test(create_workqueue_and_its_likes_run_one_at_a_time),
		api_test(alloc_every_combination_of_flags_runs_items),
		api_test(declare_work_gives_an_item_ready_for_use),
		api_test(from_work_finds_the_object_around_the_item),
		api_test(init_work_onstack_item_runs),
		api_test(work_struct_is_32_bytes),
		api_test(work_busy_in_every_state),
		api_test(work_busy_held_back_item_is_pending),
		api_test(current_work_is_the_running_item_or_null),
		api_test(block_begin_lets_the_next_item_of_the_cpu_start),
		api_test(block_begin_outside_of_functions_does_nothing),
		api_test(computing_item_holds_the_others_of_its_cpu_off),
		api_test(computing_items_of_an_unbound_queue_all_start),
		api_test(computing_item_does_not_hold_highpri_or_another_cpu),
		api_test(computing_intensive_item_holds_nobody_off),
		api_test(version_is_that_of_the_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
