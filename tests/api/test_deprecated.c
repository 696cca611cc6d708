/* SPDX-License-Identifier: MIT */
/*
 * test_deprecated.c - what still works and is told of: system_wq and
 * system_unbound_wq, flushing the system's own queues; and WQ_POWER_EFFICIENT with
 * and without WORKQ_POWER_EFFICIENT=1.
 *
 * Each test has a process of its own, since such a thing is told of once.
 */

#include "support/api.h"
#include "support/delayed.h"

/* Whatever there is to say about permissions is said before the test begins. */
static int begin(void **state)
{
	int err = test_begin(state);

	if (!err)
		run_one_item_on(system_highpri_wq);
	report_take();
	return err;
}

#define begun_test(fn, begin) cmocka_unit_test_setup_teardown(fn, begin, test_end)

/* ------------------------------------------------ system_wq, system_unbound_wq */

static struct workqueue_struct *deprecated_queue(int nth)
{
	return nth ? system_unbound_wq : system_wq;
}

/* By its address: its name cannot be found in a signal handler. */
static bool report_names(work_func_t func)
{
	char address[32];

	snprintf(address, sizeof(address), "func 0x%lx", (unsigned long)(uintptr_t)func);
	return report_says(address);
}

static void check_queueing_is_noted_once(struct workqueue_struct *wq)
{
	struct item item;

	item_init(&item);
	for (int i = 1; i <= 3; i++) {
		assert_true(queue_work(wq, &item.work));
		flush_work(&item.work);
		assert_int_equal(item_runs(&item), i);
		if (i == 1) {
			assert_true(report_names(item_fn));
			assert_true(report_says(" enqueued on deprecated workqueue. Use system_"));
			assert_true(report_says(" instead."));
			assert_noted(1);
		}
	}
	assert_noted(0);
}

static void queueing_on_system_wq_is_noted_once_and_runs(void **state)
{
	check_queueing_is_noted_once(system_wq);
}

static void queueing_on_system_unbound_wq_is_noted_once_and_runs(void **state)
{
	check_queueing_is_noted_once(system_unbound_wq);
}

static void queues_that_replace_the_deprecated_ones_are_not_noted(void **state)
{
	struct item item;

	item_init(&item);
	assert_true(schedule_work(&item.work));
	flush_work(&item.work);
	assert_true(queue_work(system_percpu_wq, &item.work));
	flush_work(&item.work);
	assert_true(queue_work(system_dfl_wq, &item.work));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 3);
	assert_noted(0);
}

/* I2 */
static void delayed_item_on_a_deprecated_queue_is_noted_and_runs(void **state)
{
	struct delayed_item item;

	delayed_init(&item);
	assert_true(delayed_arm(&item, system_wq, SOON));
	wait_until(delayed_runs(&item));
	assert_true(delayed_was_not_early(&item));
	cancel_delayed_work_sync(&item.dwork);
	assert_true(report_names(delayed_fn));
	assert_noted(1);
}

/* A1 */
static void refused_queueing_on_a_deprecated_queue_is_false(void **state)
{
	struct item item;

	for (int i = 0; i < 2; i++) {
		item_init(&item);
		disable_work(&item.work);
		assert_false(queue_work(deprecated_queue(i), &item.work));
		assert_int_equal(item_runs(&item), 0);
	}
	report_take(); /* the kernel does not note it, but that is no promise */
}

static atomic_int runs_of_handlers_item;

static void count_run(struct work_struct *work)
{
	atomic_fetch_add(&runs_of_handlers_item, 1);
}

static DECLARE_WORK(handlers_item, count_run);

static void queue_in_handler(int sig)
{
	(void)sig;
	queue_work(system_wq, &handlers_item);
}

static void queueing_on_system_wq_in_a_signal_handler_is_noted_and_runs(void **state)
{
	signal(SIGUSR1, queue_in_handler);
	raise(SIGUSR1);
	flush_work(&handlers_item);
	assert_int_equal(atomic_load(&runs_of_handlers_item), 1);
	assert_noted(1);
}

/* ---------------------------------------------------------- flushing the system's */

/* In a process that has flushed nothing yet. */
static void check_flush_is_noted_and_waits(struct workqueue_struct *wq)
{
	struct item item;

	item_init(&item);
	assert_true(queue_work(wq, &item.work));
	flush_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
	assert_noted(1);
}

#define FLUSH_IS_NOTED(name)                                                                       \
	static void flush_of_##name##_is_noted_and_waits(void **state)                             \
	{                                                                                          \
		check_flush_is_noted_and_waits(name);                                              \
	}

FLUSH_IS_NOTED(system_percpu_wq)
FLUSH_IS_NOTED(system_highpri_wq)
FLUSH_IS_NOTED(system_long_wq)
FLUSH_IS_NOTED(system_dfl_wq)
FLUSH_IS_NOTED(system_dfl_long_wq)
FLUSH_IS_NOTED(system_freezable_wq)
FLUSH_IS_NOTED(system_power_efficient_wq)
FLUSH_IS_NOTED(system_freezable_power_efficient_wq)

/* D1 */
static void flush_of_deprecated_and_bh_queues_waits(void **state)
{
	struct workqueue_struct *const wq[] = { system_wq, system_unbound_wq, system_bh_wq,
						system_bh_highpri_wq };
	struct item item;

	for (int i = 0; i < 4; i++) {
		item_init(&item);
		assert_true(queue_work(wq[i], &item.work));
		report_take(); /* for queueing */
		flush_workqueue(wq[i]);
		assert_int_equal(item_runs(&item), 1);
		/* The kernel does not look at these. */
		assert_noted(0);
	}
}

/* D8 */
static void flush_of_own_queues_is_not_noted(void **state)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		__flush_workqueue(wq);
		flush_workqueue(wq);
		destroy_workqueue(wq);
	}
	assert_noted(0);
}

/* ------------------------------------------------------------ create_workqueue() */

static void create_workqueue_and_its_likes_are_not_noted(void **state)
{
	struct workqueue_struct *wq[] = {
		create_workqueue("old"),
		create_freezable_workqueue("old_freezable"),
		create_singlethread_workqueue("old_single"),
	};

	for (int i = 0; i < 3; i++) {
		assert_non_null(wq[i]);
		run_one_item_on(wq[i]);
		destroy_workqueue(wq[i]);
	}
	assert_noted(0);
}

/* --------------------------------------------------------- WQ_POWER_EFFICIENT */

static int begin_without_power_efficient(void **state)
{
	return unsetenv("WORKQ_POWER_EFFICIENT") ? -1 : begin(state);
}

static int begin_power_efficient(void **state)
{
	return setenv("WORKQ_POWER_EFFICIENT", "1", 1) ? -1 : begin(state);
}

static int begin_power_inefficient(void **state)
{
	return setenv("WORKQ_POWER_EFFICIENT", "0", 1) ? -1 : begin(state);
}

static void assert_attr_is(const char *path, const char *expected)
{
	char text[64];

	assert_int_equal(workq_attr_read(path, text, sizeof(text)), (int)strlen(expected));
	assert_string_equal(text, expected);
}

/* Is the queue's attribute "per_cpu" this? And it works. */
static void check_per_cpu_is(const char *expected, unsigned int flags)
{
	struct workqueue_struct *wq = alloc_workqueue("power", flags | WQ_SYSFS, 0);

	assert_non_null(wq);
	assert_attr_is("power/per_cpu", expected);
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

/* May its workers run on one CPU only? */
static bool is_bound(struct workqueue_struct *wq)
{
	struct blocker blocker;
	cpu_set_t cpus;

	blocker_start_on(&blocker, allowed_cpu(0), wq);
	pthread_getaffinity_np(blocker.item.thread, sizeof(cpus), &cpus);
	blocker_release(&blocker);
	return CPU_COUNT(&cpus) == 1;
}

static void check_power_efficient_is_percpu(void)
{
	assert_attr_is("parameters/power_efficient", "0");
	check_per_cpu_is("1", WQ_POWER_EFFICIENT | WQ_PERCPU);
	check_per_cpu_is("1", WQ_PERCPU);
	check_per_cpu_is("0", WQ_POWER_EFFICIENT | WQ_UNBOUND);
	assert_true(is_bound(system_power_efficient_wq));
	assert_true(is_bound(system_freezable_power_efficient_wq));
	assert_reported(0);
}

static void power_efficient_queue_is_percpu_by_default(void **state)
{
	check_power_efficient_is_percpu();
}

static void power_efficient_queue_is_percpu_if_told_so(void **state)
{
	check_power_efficient_is_percpu();
}

static void power_efficient_queue_is_unbound_if_wanted(void **state)
{
	assert_attr_is("parameters/power_efficient", "1");
	check_per_cpu_is("0", WQ_POWER_EFFICIENT | WQ_PERCPU);
	check_per_cpu_is("0", WQ_POWER_EFFICIENT | WQ_UNBOUND);
	check_per_cpu_is("1", WQ_PERCPU);
	/* Replaced before anybody asks whether there are both flags: not reported. */
	assert_reported(0);
	if (nr_allowed_cpus() < 2)
		return;
	assert_false(is_bound(system_power_efficient_wq));
	assert_false(is_bound(system_freezable_power_efficient_wq));
}

static void power_efficient_queue_with_neither_kind_is_reported_if_percpu(void **state)
{
	check_per_cpu_is("1", WQ_POWER_EFFICIENT);
	assert_reported(1);
}

static void power_efficient_queue_with_neither_kind_is_not_reported_if_unbound(void **state)
{
	check_per_cpu_is("0", WQ_POWER_EFFICIENT);
	assert_reported(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		begun_test(queueing_on_system_wq_is_noted_once_and_runs, begin),
		begun_test(queueing_on_system_unbound_wq_is_noted_once_and_runs, begin),
		begun_test(queues_that_replace_the_deprecated_ones_are_not_noted, begin),
		begun_test(delayed_item_on_a_deprecated_queue_is_noted_and_runs, begin),
		begun_test(refused_queueing_on_a_deprecated_queue_is_false, begin),
		begun_test(queueing_on_system_wq_in_a_signal_handler_is_noted_and_runs, begin),
		begun_test(flush_of_system_percpu_wq_is_noted_and_waits, begin),
		begun_test(flush_of_system_highpri_wq_is_noted_and_waits, begin),
		begun_test(flush_of_system_long_wq_is_noted_and_waits, begin),
		begun_test(flush_of_system_dfl_wq_is_noted_and_waits, begin),
		begun_test(flush_of_system_dfl_long_wq_is_noted_and_waits, begin),
		begun_test(flush_of_system_freezable_wq_is_noted_and_waits, begin),
		begun_test(flush_of_system_power_efficient_wq_is_noted_and_waits, begin),
		begun_test(flush_of_system_freezable_power_efficient_wq_is_noted_and_waits, begin),
		begun_test(flush_of_deprecated_and_bh_queues_waits, begin),
		begun_test(flush_of_own_queues_is_not_noted, begin),
		begun_test(create_workqueue_and_its_likes_are_not_noted, begin),
		begun_test(power_efficient_queue_is_percpu_by_default,
			   begin_without_power_efficient),
		begun_test(power_efficient_queue_is_percpu_if_told_so, begin_power_inefficient),
		begun_test(power_efficient_queue_is_unbound_if_wanted, begin_power_efficient),
		begun_test(power_efficient_queue_with_neither_kind_is_reported_if_percpu,
			   begin_without_power_efficient),
		begun_test(power_efficient_queue_with_neither_kind_is_not_reported_if_unbound,
			   begin_power_efficient),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
