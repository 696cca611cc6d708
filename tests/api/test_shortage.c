/* SPDX-License-Identifier: MIT */
/*
 * test_shortage.c - no more threads: by a cgroup's pids.max, by RLIMIT_NPROC, or since there is
 * no memory for a stack.
 *
 * Calls that need a thread say so, whatever is queued runs on the threads there are, a report
 * tells why it is slow, and when threads can be had again nobody has to ask for them.
 */
#include <workq/kthread.h>

#include "support/delayed.h"
#include "support/shortage.h"

enum {
	NR_ITEMS = 100,
	NR_BLOCKERS = 10, /* more than a pool has workers before it was asked for many */
	NR_ROUNDS = 10,
};

static const char no_thread[] = "no thread for a worker or the timers, trying again: ";

static enum shortage shortage;
static bool is_available;

#define need_shortage()                                                                            \
	do {                                                                                       \
		if (!is_available)                                                                 \
			skip();                                                                    \
	} while (0)

static int begin_unstarted(void **state)
{
	shortage = (enum shortage)(uintptr_t)*state;
	is_available = shortage_prepare(shortage);
	return test_begin_unstarted(state);
}

static int begin(void **state)
{
	begin_unstarted(state);
	return workq_start();
}

static bool is_resource_error(int err)
{
	return err == EAGAIN || err == ENOMEM;
}

static bool is_error_of_resources(const void *ptr)
{
	return IS_ERR(ptr) && is_resource_error((int)-PTR_ERR(ptr));
}

static void check_all_kinds_work(void)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		assert_non_null(wq);
		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
}

/* -------------------------------------------------------------- calls that fail */

static void first_use_without_threads_fails_and_may_be_tried_again(void **state)
{
	struct item item;

	need_shortage();
	item_init(&item);
	shortage_begin(shortage);
	assert_true(is_resource_error(-workq_start()));
	errno = 0;
	assert_null(alloc_workqueue("none", WQ_PERCPU, 0));
	assert_true(is_resource_error(errno));
	assert_false(schedule_work(&item.work));
	assert_true(report_says("the library could not start: "));
	shortage_end(shortage);
	assert_int_equal(workq_start(), 0);
	assert_true(schedule_work(&item.work));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	check_all_kinds_work();
}

static int return_at_once(void *arg)
{
	(void)arg;
	return 0;
}

/* K1 */
static void calls_that_need_a_thread_say_that_there_is_none(void **state)
{
	struct kthread_worker *worker;

	need_shortage();
	shortage_begin(shortage);
	for (int i = 0; i < 20; i++) {
		errno = 0;
		assert_null(alloc_workqueue("none", WQ_PERCPU | WQ_MEM_RECLAIM, 0));
		assert_true(is_resource_error(errno));
		errno = 0;
		assert_null(alloc_ordered_workqueue("none", WQ_MEM_RECLAIM));
		assert_true(is_resource_error(errno));
		assert_true(is_resource_error(
			-PTR_ERR_OR_ZERO(kthread_run(return_at_once, NULL, "n"))));
		assert_true(is_error_of_resources(kthread_run(return_at_once, NULL, "none")));
		assert_true(is_error_of_resources(kthread_run_worker(0, "none")));
	}
	shortage_end(shortage);
	worker = kthread_run_worker(0, "some");
	assert_false(IS_ERR(worker));
	kthread_destroy_worker(worker);
	check_all_kinds_work();
}

/* ------------------------------------------------------------ items that are run */

static struct item item[NR_ITEMS];

static void queue_items_on(struct workqueue_struct *wq, int nr_cpus)
{
	for (int i = 0; i < NR_ITEMS; i++) {
		item_init(&item[i]);
		assert_true(queue_work_on(allowed_cpu(i % nr_cpus), wq, &item[i].work));
	}
}

static void check_items_ran_once(void)
{
	for (int i = 0; i < NR_ITEMS; i++)
		assert_int_equal(item_runs(&item[i]), 1);
}

/* A9 Q3 */
static void items_run_on_the_workers_that_exist(void **state)
{
	struct workqueue_struct *wq[NR_QUEUE_KINDS];
	struct item first;

	need_shortage();
	item_init(&first);
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		wq[kind] = queue_of_kind(kind);
		assert_true(queue_work_on(allowed_cpu(0), wq[kind], &first.work));
		flush_work(&first.work);
	}
	shortage_begin(shortage);
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		queue_items_on(wq[kind], /* nr_cpus */ 1);
		flush_workqueue(wq[kind]);
		check_items_ran_once();
	}
	shortage_end(shortage);
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++)
		destroy_workqueue(wq[kind]);
}

static atomic_int nr_rescued;

static void count_rescue(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_rescued, current_is_workqueue_rescuer());
}

/* More items that wait than there are workers; the last one is not started. */
static void check_blocked_pool(unsigned int flags)
{
	struct workqueue_struct *plain = alloc_workqueue("plain", flags, 0);
	struct workqueue_struct *reclaim = alloc_workqueue("reclaim", flags | WQ_MEM_RECLAIM, 0);
	struct item blocker[NR_BLOCKERS];
	struct work_struct rescued;
	struct gate go;

	gate_init(&go);
	INIT_WORK(&rescued, count_rescue);
	atomic_store(&nr_rescued, 0);
	shortage_begin(shortage);
	for (int i = 0; i < NR_BLOCKERS; i++) {
		item_init_held(&blocker[i], &go);
		assert_true(queue_work_on(allowed_cpu(0), plain, &blocker[i].work));
	}
	assert_true(queue_work_on(allowed_cpu(0), reclaim, &rescued));
	flush_work(&rescued);
	assert_int_equal(atomic_load(&nr_rescued), 1);
	assert_true(report_says(no_thread));
	assert_false(item_is_running(&blocker[NR_BLOCKERS - 1]));
	/* nobody releases them, nobody queues anything: the library asks by itself */
	shortage_end(shortage);
	wait_until(item_is_running(&blocker[NR_BLOCKERS - 1]));
	gate_open(&go);
	flush_workqueue(plain);
	for (int i = 0; i < NR_BLOCKERS; i++)
		assert_int_equal(item_runs(&blocker[i]), 1);
	destroy_workqueue(reclaim);
	destroy_workqueue(plain);
}

/* K2 K4 Q3 */
static void percpu_items_are_rescued_or_wait_until_there_are_threads(void **state)
{
	need_shortage();
	check_blocked_pool(WQ_PERCPU);
}

/* K2 K4 Q3 */
static void highpri_items_are_rescued_or_wait_until_there_are_threads(void **state)
{
	need_shortage();
	check_blocked_pool(WQ_PERCPU | WQ_HIGHPRI);
}

/* K2 K4 Q3 */
static void unbound_items_are_rescued_or_wait_until_there_are_threads(void **state)
{
	need_shortage();
	check_blocked_pool(WQ_UNBOUND);
}

/* I2 Q3 */
static void timer_without_a_thread_fires_when_there_is_one(void **state)
{
	struct delayed_item delayed;

	need_shortage();
	delayed_init(&delayed);
	shortage_begin(shortage);
	assert_true(delayed_arm(&delayed, system_percpu_wq, SOON));
	wait_until(report_says(no_thread));
	assert_not_yet(delayed_runs(&delayed));
	assert_true(delayed_is_pending(&delayed));
	shortage_end(shortage);
	wait_until(delayed_runs(&delayed) == 1);
	assert_true(delayed_was_not_early(&delayed));
	flush_delayed_work(&delayed.dwork);
}

/* A4 Q3 */
static void shortages_that_come_and_go_lose_nothing(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU, HIGHPRI, UNBOUND, ORDERED };

	need_shortage();
	for (int round = 0; round < NR_ROUNDS; round++) {
		struct workqueue_struct *wq = queue_of_kind(kinds[round % 4]);

		shortage_begin(shortage);
		queue_items_on(wq, nr_allowed_cpus());
		shortage_end(shortage);
		flush_workqueue(wq);
		check_items_ran_once();
		destroy_workqueue(wq);
	}
}

#define shortage_test(fn, name, begin, kind)                                                       \
	{                                                                                          \
#fn "_" name, fn, begin, test_end, (void *)(uintptr_t)(kind)                       \
	}
#define in_each_shortage_from(fn, begin)                                                           \
	shortage_test(fn, "pids", begin, SHORT_OF_PIDS),                                           \
		shortage_test(fn, "processes", begin, SHORT_OF_PROCESSES),                         \
		shortage_test(fn, "space", begin, SHORT_OF_SPACE)
#define in_each_shortage(fn) in_each_shortage_from(fn, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_each_shortage_from(first_use_without_threads_fails_and_may_be_tried_again,
				      begin_unstarted),
		in_each_shortage(calls_that_need_a_thread_say_that_there_is_none),
		in_each_shortage(items_run_on_the_workers_that_exist),
		in_each_shortage(percpu_items_are_rescued_or_wait_until_there_are_threads),
		in_each_shortage(highpri_items_are_rescued_or_wait_until_there_are_threads),
		in_each_shortage(unbound_items_are_rescued_or_wait_until_there_are_threads),
		in_each_shortage(timer_without_a_thread_fires_when_there_is_one),
		in_each_shortage(shortages_that_come_and_go_lose_nothing),
	};
	int failed = run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));

	shortage_remove();
	return failed;
}
