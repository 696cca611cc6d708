/* SPDX-License-Identifier: MIT */
/*
 * test_run.c - execution and non-reentrance: guarantees B1 to B7.
 */
#include "support/api.h"

/* ----------------------------------------------------------------- B1, B2 */

/* B1 */
static void run_any_queue_is_in_a_worker_thread(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct item item;

		item_init(&item);
		queue_work(wq, &item.work);
		flush_work(&item.work);
		assert_false(pthread_equal(item.thread, pthread_self()));
		destroy_workqueue(wq);
	}
}

static void sleep_inside(struct work_struct *work)
{
	struct item *item = container_of(work, struct item, work);

	nap_us(2000);
	atomic_fetch_add(&item->finished, 1);
}

/* B1 */
static void run_function_that_sleeps_is_completed(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct item item;

		item_init(&item);
		item.work.func = sleep_inside;
		queue_work(wq, &item.work);
		flush_work(&item.work);
		assert_int_equal(atomic_load(&item.finished), 1);
		destroy_workqueue(wq);
	}
}

static atomic_int freed;

static void free_itself(struct work_struct *work)
{
	free(container_of(work, struct item, work));
	atomic_fetch_add(&freed, 1);
}

/* B2 */
static void run_item_freed_in_own_function_is_not_touched(void **state)
{
	(void)state;
	atomic_store(&freed, 0);
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		for (int i = 0; i < 100; i++) {
			struct item *item = malloc(sizeof(*item));

			assert_non_null(item);
			item_init(item);
			item->work.func = free_itself;
			assert_true(queue_work(wq, &item->work));
		}
		destroy_workqueue(wq);
	}
	assert_int_equal(atomic_load(&freed), 100 * NR_QUEUE_KINDS);
}

struct scratch {
	struct work_struct work;
	unsigned char after[sizeof(struct work_struct)];
	struct gate scribbled, go;
};

static void scribble_over_itself(struct work_struct *work)
{
	struct scratch *scratch = container_of(work, struct scratch, work);

	memset(work, 0xa5, sizeof(*work));
	gate_open(&scratch->scribbled);
	gate_wait(&scratch->go);
	memcpy(scratch->after, work, sizeof(*work));
}

/* B2 */
static void run_memory_reused_in_own_function_stays_as_written(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("scratch", WQ_PERCPU, 0);
	unsigned char expected[sizeof(struct work_struct)];
	struct scratch scratch;
	struct item other;

	(void)state;
	memset(expected, 0xa5, sizeof(expected));
	gate_init(&scratch.scribbled);
	gate_init(&scratch.go);
	INIT_WORK(&scratch.work, scribble_over_itself);
	queue_work(wq, &scratch.work);
	gate_wait(&scratch.scribbled);
	item_init(&other);
	queue_work(wq, &other.work);
	flush_work(&other.work);
	gate_open(&scratch.go);
	destroy_workqueue(wq);
	assert_memory_equal(scratch.after, expected, sizeof(expected));
	assert_memory_equal(&scratch.work, expected, sizeof(expected));
}

struct phoenix {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int lives;
};

static void second_life(struct work_struct *work)
{
	atomic_fetch_add(&container_of(work, struct phoenix, work)->lives, 10);
}

static void first_life(struct work_struct *work)
{
	struct phoenix *phoenix = container_of(work, struct phoenix, work);

	atomic_fetch_add(&phoenix->lives, 1);
	INIT_WORK(work, second_life);
	queue_work(phoenix->wq, work);
}

/* B2 */
static void run_item_initialised_anew_in_own_function_runs_the_new_one(void **state)
{
	struct phoenix phoenix = { .wq = alloc_workqueue("phoenix", WQ_UNBOUND, 0) };

	(void)state;
	INIT_WORK(&phoenix.work, first_life);
	queue_work(phoenix.wq, &phoenix.work);
	drain_workqueue(phoenix.wq);
	assert_int_equal(atomic_load(&phoenix.lives), 11);
	destroy_workqueue(phoenix.wq);
}

/* --------------------------------------------------------------------- B3 */

struct hammer {
	struct workqueue_struct *wq;
	struct item item;
	struct meter meter;
	atomic_int queued;
	atomic_int cpu;
};

static long hammer_one_item(void *arg)
{
	struct hammer *hammer = arg;
	int cpus = nr_allowed_cpus();

	for (int i = 0; i < 3000; i++) {
		int cpu = allowed_cpu(atomic_fetch_add(&hammer->cpu, 1) % cpus);

		if (queue_work_on(cpu, hammer->wq, &hammer->item.work))
			atomic_fetch_add(&hammer->queued, 1);
		if (i % 16 == 0)
			sched_yield();
	}
	return 0;
}

/* B3 */
static void run_item_queued_from_everywhere_never_twice_at_once(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct hammer hammer = { .wq = queue_of_kind(kind) };
		struct call call[4];

		item_init(&hammer.item);
		hammer.item.meter = &hammer.meter;
		for (int i = 0; i < 4; i++)
			call_start(&call[i], hammer_one_item, &hammer);
		for (int i = 0; i < 4; i++)
			call_join(&call[i]);
		destroy_workqueue(hammer.wq);
		assert_int_equal(atomic_load(&hammer.meter.most), 1);
		assert_int_equal(atomic_load(&hammer.queued), item_runs(&hammer.item));
	}
}

/* B3 */
static void run_unbound_item_queued_again_while_running_waits_for_itself(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, wq);
	for (int i = 0; allowed_cpu(i) >= 0; i++)
		queue_work_on(allowed_cpu(i), wq, &blocker.item.work);
	assert_not_yet(item_runs(&blocker.item) > 1);
	blocker_release(&blocker);
	assert_int_equal(item_runs(&blocker.item), 2);
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- B4, B5 */

/* B4 */
static void queue_work_on_running_item_runs_where_it_runs(void **state)
{
	struct workqueue_struct *wq;
	struct blocker blocker;

	(void)state;
	need_cpus(2);
	wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	blocker_start_on(&blocker, allowed_cpu(0), wq);
	assert_true(queue_work_on(allowed_cpu(1), wq, &blocker.item.work));
	assert_not_yet(item_runs(&blocker.item) > 1);
	blocker_release(&blocker);
	assert_int_equal(item_runs(&blocker.item), 2);
	assert_int_equal(atomic_load(&blocker.item.cpu), allowed_cpu(0));
	destroy_workqueue(wq);
}

/* B4 */
static void queue_work_on_idle_item_runs_on_the_cpu_asked_for(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	for (int i = 0; allowed_cpu(i) >= 0; i++) {
		assert_true(queue_work_on(allowed_cpu(i), wq, &item.work));
		flush_work(&item.work);
		assert_int_equal(atomic_load(&item.cpu), allowed_cpu(i));
	}
	destroy_workqueue(wq);
}

struct wanderer {
	struct work_struct work;
	struct workqueue_struct *wq;
	int target;
	int cpu[4];
	int runs;
};

static void wander(struct work_struct *work)
{
	struct wanderer *wanderer = container_of(work, struct wanderer, work);

	wanderer->cpu[wanderer->runs++] = sched_getcpu();
	if (wanderer->runs < 4)
		queue_work_on(wanderer->target, wanderer->wq, work);
}

/* B4 */
static void queue_work_on_itself_for_another_cpu_stays(void **state)
{
	struct wanderer wanderer = { .target = allowed_cpu(1) };

	(void)state;
	need_cpus(2);
	wanderer.wq = alloc_workqueue("wander", WQ_PERCPU, 0);
	INIT_WORK(&wanderer.work, wander);
	queue_work_on(allowed_cpu(0), wanderer.wq, &wanderer.work);
	drain_workqueue(wanderer.wq);
	assert_int_equal(wanderer.runs, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(wanderer.cpu[i], allowed_cpu(0));
	destroy_workqueue(wanderer.wq);
}

/* B5 */
static void run_item_met_by_another_worker_goes_to_the_running_thread(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct blocker blocker;
	struct item behind;
	pthread_t first;

	(void)state;
	blocker_start_on(&blocker, allowed_cpu(0), wq);
	first = blocker.item.thread;
	assert_true(queue_work_on(allowed_cpu(0), wq, &blocker.item.work));
	item_init(&behind);
	queue_work_on(allowed_cpu(0), wq, &behind.work);
	/* FIFO: whoever ran this one has met the running item before it. */
	flush_work(&behind.work);
	assert_int_equal(item_runs(&behind), 1);
	assert_int_equal(item_runs(&blocker.item), 1);
	blocker_release(&blocker);
	assert_int_equal(item_runs(&blocker.item), 2);
	assert_true(pthread_equal(blocker.item.thread, first));
	destroy_workqueue(wq);
}

/* --------------------------------------------------------------- B6 to B7 */

struct two_queues {
	struct workqueue_struct *a, *b;
};

static struct two_queues two_queues_make(void)
{
	struct two_queues two;

	two.a = alloc_workqueue("a", WQ_PERCPU, 0);
	two.b = alloc_workqueue("b", WQ_PERCPU, 0);
	return two;
}

static void two_queues_free(struct two_queues *two)
{
	destroy_workqueue(two->a);
	destroy_workqueue(two->b);
}

/* B6 */
static void run_item_on_two_queues_of_one_pool_one_at_a_time(void **state)
{
	struct two_queues two = two_queues_make();
	struct meter meter = { 0 };
	struct gate go;
	struct item item;

	(void)state;
	gate_init(&go);
	item_init_held(&item, &go);
	item.meter = &meter;
	queue_work_on(allowed_cpu(0), two.a, &item.work);
	wait_until(item_runs(&item) == 1);
	assert_true(queue_work_on(allowed_cpu(0), two.b, &item.work));
	assert_not_yet(item_runs(&item) > 1);
	gate_open(&go);
	two_queues_free(&two);
	assert_int_equal(item_runs(&item), 2);
	assert_int_equal(atomic_load(&meter.most), 1);
}

/* B6 */
static void run_item_on_two_queues_of_two_cpus_runs_for_both(void **state)
{
	struct two_queues two;
	struct gate go;
	struct item item;

	(void)state;
	need_cpus(2);
	two = two_queues_make();
	gate_init(&go);
	item_init_held(&item, &go);
	queue_work_on(allowed_cpu(0), two.a, &item.work);
	wait_until(item_runs(&item) == 1);
	assert_true(queue_work_on(allowed_cpu(1), two.b, &item.work));
	wait_until(item_runs(&item) == 2);
	gate_open(&go);
	two_queues_free(&two);
	assert_int_equal(item_runs(&item), 2);
	assert_int_equal(atomic_load(&item.finished), 2);
}

static void other_fn(struct work_struct *work)
{
	item_fn(work);
}

/* Initialise a running item again with @func and queue it on the same CPU. */
static struct workqueue_struct *recycle_running(struct item *item, struct gate *go,
						work_func_t func)
{
	struct workqueue_struct *wq = alloc_workqueue("recycle", WQ_PERCPU, 0);

	gate_init(go);
	item_init_held(item, go);
	queue_work_on(allowed_cpu(0), wq, &item->work);
	wait_until(item_runs(item) == 1);
	INIT_WORK(&item->work, func);
	assert_true(queue_work_on(allowed_cpu(0), wq, &item->work));
	return wq;
}

/* B7 */
static void run_recycled_address_same_function_waits(void **state)
{
	struct workqueue_struct *wq;
	struct item item;
	struct gate go;

	(void)state;
	wq = recycle_running(&item, &go, item_fn);
	assert_not_yet(item_runs(&item) > 1);
	gate_open(&go);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 2);
}

/* B7 */
static void run_recycled_address_other_function_does_not_wait(void **state)
{
	struct workqueue_struct *wq;
	struct item item;
	struct gate go;

	(void)state;
	wq = recycle_running(&item, &go, other_fn);
	wait_until(item_runs(&item) == 2);
	gate_open(&go);
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&item.finished), 2);
}

static atomic_int nr_first, nr_second;

static void run_second(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_second, 1);
}

static void queue_and_become_another(struct work_struct *work)
{
	atomic_fetch_add(&nr_first, 1);
	queue_work(system_percpu_wq, work);
	work->func = run_second;
}

/* B7: while nobody else can run it. */
static void run_item_that_changes_its_function_when_queued_runs_the_new_one(void **state)
{
	struct work_struct work;

	(void)state;
	for (int i = 1; i <= 100; i++) {
		INIT_WORK(&work, queue_and_become_another);
		queue_work(system_percpu_wq, &work);
		wait_until(atomic_load(&nr_second) == i);
		flush_work(&work);
		assert_int_equal(atomic_load(&nr_first), i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(run_any_queue_is_in_a_worker_thread),
		api_test(run_function_that_sleeps_is_completed),
		api_test(run_item_freed_in_own_function_is_not_touched),
		api_test(run_memory_reused_in_own_function_stays_as_written),
		api_test(run_item_initialised_anew_in_own_function_runs_the_new_one),
		api_test(run_item_queued_from_everywhere_never_twice_at_once),
		api_test(run_unbound_item_queued_again_while_running_waits_for_itself),
		api_test(queue_work_on_running_item_runs_where_it_runs),
		api_test(queue_work_on_idle_item_runs_on_the_cpu_asked_for),
		api_test(queue_work_on_itself_for_another_cpu_stays),
		api_test(run_item_met_by_another_worker_goes_to_the_running_thread),
		api_test(run_item_on_two_queues_of_one_pool_one_at_a_time),
		api_test(run_item_on_two_queues_of_two_cpus_runs_for_both),
		api_test(run_recycled_address_same_function_waits),
		api_test(run_recycled_address_other_function_does_not_wait),
		api_test(run_item_that_changes_its_function_when_queued_runs_the_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
