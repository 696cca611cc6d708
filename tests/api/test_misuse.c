/* SPDX-License-Identifier: MIT */
/*
 * test_misuse.c - what the kernel WARNs about, or hangs on: the documented
 * result follows, and one report line for each kind of misuse.
 *
 * Every test runs in a process of its own, since a kind is reported once.
 */
#include <errno.h>

#include "support/api.h"

/* --------------------------------------------------------- making a queue */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void alloc_without_format_is_einval(void **state)
{
	const char *volatile none = NULL;

	(void)state;
	errno = 0;
	assert_null(alloc_workqueue(none, WQ_PERCPU, 0));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(alloc_ordered_workqueue(none, 0));
	assert_int_equal(errno, EINVAL);
	report_take(); /* errno says it; it may be reported too */
}
#pragma GCC diagnostic pop

static void alloc_bh_queue_with_what_does_not_go_with_it_is_einval(void **state)
{
	(void)state;
	errno = 0;
	assert_null(alloc_workqueue("bh", WQ_BH | WQ_UNBOUND, 0));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(alloc_workqueue("bh", WQ_BH | WQ_PERCPU, 1));
	assert_int_equal(errno, EINVAL);
	report_take(); /* errno says it; it may be reported too */
}

static void congested_without_a_queue_is_reported(void **state)
{
	(void)state;
	assert_false(workqueue_congested(0, NULL));
	assert_true(report_says("workqueue_congested() without a queue"));
	assert_reported(1);
}

static void alloc_unknown_flag_is_ignored(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unknown", WQ_PERCPU | 1u << 14, 0);

	(void)state;
	assert_non_null(wq);
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

/* On a per-CPU queue an item stays on the CPU it was queued for. */
static bool is_bound(struct workqueue_struct *wq)
{
	cpu_set_t cpus;
	struct blocker blocker;
	bool bound;

	blocker_start_on(&blocker, allowed_cpu(0), wq);
	pthread_getaffinity_np(blocker.item.thread, sizeof(cpus), &cpus);
	bound = CPU_COUNT(&cpus) == 1 && CPU_ISSET(allowed_cpu(0), &cpus);
	blocker_release(&blocker);
	return bound;
}

static void alloc_neither_percpu_nor_unbound_is_reported_and_percpu(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("neither", WQ_MEM_RECLAIM, 0);

	(void)state;
	assert_non_null(wq);
	assert_reported(1);
	assert_true(is_bound(wq));
	destroy_workqueue(wq);
	destroy_workqueue(alloc_workqueue("again", 0, 0));
	assert_reported(0);
}

static void alloc_both_percpu_and_unbound_is_reported_and_unbound(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("both", WQ_PERCPU | WQ_UNBOUND, 0);

	(void)state;
	assert_non_null(wq);
	assert_reported(1);
	if (nr_allowed_cpus() > 1)
		assert_false(is_bound(wq));
	destroy_workqueue(wq);
	destroy_workqueue(alloc_workqueue("again", WQ_PERCPU | WQ_UNBOUND, 0));
	assert_reported(0);
}

enum {
	CROWD = WQ_DFL_MIN_ACTIVE,
};

/* How many of CROWD items start at once? */
static int how_many_start(struct workqueue_struct *wq, int expected)
{
	struct item item[CROWD];
	struct trail trail = { 0 };
	struct gate go;
	int started;

	gate_init(&go);
	for (int i = 0; i < CROWD; i++) {
		item_init_held(&item[i], &go);
		item[i].trail = &trail;
		queue_work_on(allowed_cpu(0), wq, &item[i].work);
	}
	wait_until(atomic_load(&trail.len) >= expected);
	assert_not_yet(atomic_load(&trail.len) > expected);
	started = atomic_load(&trail.len);
	gate_open(&go);
	flush_workqueue(wq);
	return started;
}

static void alloc_max_active_too_small_is_noted_and_one(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("small", WQ_PERCPU, -3);

	(void)state;
	assert_non_null(wq);
	assert_noted(1);
	assert_int_equal(how_many_start(wq, 1), 1);
	destroy_workqueue(wq);
}

static void alloc_max_active_too_large_is_noted_and_clamped(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("large", WQ_PERCPU, WQ_MAX_ACTIVE + 1);

	(void)state;
	assert_non_null(wq);
	assert_noted(1);
	assert_int_equal(how_many_start(wq, CROWD), CROWD);
	destroy_workqueue(wq);
}

static void alloc_max_active_at_its_bounds_is_not_reported(void **state)
{
	(void)state;
	destroy_workqueue(alloc_workqueue("least", WQ_PERCPU, 1));
	destroy_workqueue(alloc_workqueue("most", WQ_UNBOUND, WQ_MAX_ACTIVE));
	destroy_workqueue(alloc_workqueue("default", WQ_UNBOUND, 0));
	assert_reported(0);
}

static void alloc_name_too_long_is_noted_and_cut(void **state)
{
	static const char name[] = "a_name_of_more_than_thirty_one_c";
	struct workqueue_struct *wq = alloc_workqueue("%s", WQ_PERCPU, 0, name);

	(void)state;
	assert_int_equal(sizeof(name), WQ_NAME_LEN + 1);
	assert_non_null(wq);
	assert_true(report_says("a_name_of_more_than_thirty_one_"));
	assert_false(report_says("a_name_of_more_than_thirty_one_c"));
	assert_noted(1);
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

static void alloc_name_odd_but_legal_is_accepted(void **state)
{
	static const char longest[] = "thirty_one_characters_and_a_nul";
	struct workqueue_struct *wq[] = {
		alloc_workqueue("%s", WQ_PERCPU, 0, ""),
		alloc_workqueue("%s", WQ_PERCPU, 0, longest),
		alloc_workqueue("%s/%d%%", WQ_UNBOUND, 0, "same", 1),
		alloc_workqueue("%s/%d%%", WQ_UNBOUND, 0, "same", 1),
	};

	(void)state;
	assert_int_equal(sizeof(longest), WQ_NAME_LEN);
	for (int i = 0; i < 4; i++) {
		assert_non_null(wq[i]);
		run_one_item_on(wq[i]);
		destroy_workqueue(wq[i]);
	}
	assert_reported(0);
}

static void set_max_active_of_ordered_queue_is_reported_without_effect(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);

	(void)state;
	workqueue_set_max_active(wq, 5);
	assert_warned();
	assert_int_equal(how_many_start(wq, 1), 1);
	destroy_workqueue(wq);
}

static void set_max_active_too_large_is_noted_and_clamped(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("large", WQ_PERCPU, 1);

	(void)state;
	workqueue_set_max_active(wq, WQ_MAX_ACTIVE + 1);
	assert_noted(1);
	assert_int_equal(how_many_start(wq, CROWD), CROWD);
	destroy_workqueue(wq);
}

/* -------------------------------------------------------- items of zeroes */

static void queue_zeroed_item_is_reported_true_and_dropped(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("zero", WQ_PERCPU, 0);
	struct work_struct zero = { 0 };

	(void)state;
	assert_true(queue_work(wq, &zero));
	assert_warned();
	assert_false(work_pending(&zero));
	flush_workqueue(wq);
	assert_true(queue_work(wq, &zero));
	report_take();
	destroy_workqueue(wq);
}

static void flush_zeroed_item_is_reported_and_false(void **state)
{
	struct work_struct zero = { 0 };

	(void)state;
	assert_false(flush_work(&zero));
	assert_warned();
}

static void cancel_sync_zeroed_item_is_reported_and_false(void **state)
{
	struct work_struct zero = { 0 };

	(void)state;
	assert_false(cancel_work_sync(&zero));
	assert_warned();
	assert_false(disable_work_sync(&zero));
	report_take(); /* the same kind of misuse */
}

static void cancel_zeroed_item_is_false(void **state)
{
	struct work_struct zero = { 0 };

	(void)state;
	assert_false(cancel_work(&zero));
	assert_int_equal(work_busy(&zero), 0);
	assert_reported(0);
}

/* ------------------------------------------------------- no queue, no item */

static struct workqueue_struct *volatile no_wq;
static struct work_struct *volatile no_work;

static void queue_work_without_item_or_queue_is_reported_and_false(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	assert_false(queue_work(no_wq, &item.work));
	assert_warned();
	assert_false(queue_work(wq, no_work));
	assert_false(queue_work_on(0, no_wq, no_work));
	report_take();
	assert_false(work_pending(&item.work));
	assert_true(queue_work(wq, &item.work));
	destroy_workqueue(wq);
}

static void flush_without_item_or_queue_is_reported_and_returns(void **state)
{
	(void)state;
	assert_false(flush_work(no_work));
	assert_warned();
	flush_workqueue(no_wq);
	assert_warned();
}

static void drain_and_destroy_without_queue_are_reported_and_return(void **state)
{
	(void)state;
	drain_workqueue(no_wq);
	destroy_workqueue(no_wq);
	workqueue_set_max_active(no_wq, 1);
	assert_false(workqueue_congested(0, no_wq));
	assert_warned();
}

static void cancel_without_item_is_reported_and_false(void **state)
{
	(void)state;
	assert_false(cancel_work(no_work));
	assert_warned();
	assert_false(cancel_work_sync(no_work));
	assert_false(disable_work(no_work));
	assert_false(disable_work_sync(no_work));
	assert_false(enable_work(no_work));
	report_take();
}

static void look_at_no_item_is_not_pending(void **state)
{
	(void)state;
	assert_false(work_pending(no_work));
	assert_int_equal(work_busy(no_work), 0);
	report_take();
}

/* ----------------------------------------------------------- disable depth */

enum {
	DEEPEST = 65535,
};

/* H1 */
static void disable_one_too_often_is_reported_and_not_counted(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("deep", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	for (int i = 0; i < DEEPEST; i++)
		disable_work(&item.work);
	assert_reported(0);
	assert_false(disable_work(&item.work));
	assert_reported(1);
	assert_false(queue_work(wq, &item.work));
	for (int i = 1; i < DEEPEST; i++)
		assert_false(enable_work(&item.work));
	assert_true(enable_work(&item.work));
	assert_true(queue_work(wq, &item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
}

/* The one level it does not get must not be given back either. */
/* G3 */
static void cancel_sync_at_the_deepest_restores_the_depth(void **state)
{
	struct item item;

	(void)state;
	item_init(&item);
	for (int i = 0; i < DEEPEST; i++)
		disable_work(&item.work);
	cancel_work_sync(&item.work);
	report_take(); /* it may be told that it could not count itself */
	for (int i = 1; i < DEEPEST; i++)
		assert_false(enable_work(&item.work));
	assert_true(enable_work(&item.work));
	assert_reported(0);
}

static void enable_idle_item_never_disabled_is_reported_and_true(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("shallow", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	assert_true(enable_work(&item.work));
	assert_reported(1);
	assert_true(queue_work(wq, &item.work));
	flush_work(&item.work);
	assert_false(disable_work(&item.work));
	assert_false(queue_work(wq, &item.work));
	assert_true(enable_work(&item.work));
	assert_reported(0);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
}

static void enable_pending_item_never_disabled_drops_the_run(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct blocker blocker;
	struct item item;

	(void)state;
	blocker_start(&blocker, wq);
	item_init(&item);
	queue_work(wq, &item.work);
	assert_true(enable_work(&item.work));
	assert_reported(1);
	assert_false(work_pending(&item.work));
	blocker_release(&blocker);
	flush_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
	assert_true(queue_work(wq, &item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
}

/* ------------------------------------------------------------------- other */

static void destroy_work_on_stack_while_pending_is_reported(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct work_struct work;
	struct blocker blocker;

	(void)state;
	blocker_start(&blocker, wq);
	INIT_WORK_ONSTACK(&work, item_fn);
	destroy_work_on_stack(&work);
	assert_reported(0);
	queue_work(wq, &work);
	destroy_work_on_stack(&work);
	assert_warned();
	assert_true(cancel_work(&work));
	destroy_work_on_stack(&work);
	assert_reported(0);
	blocker_release(&blocker);
	destroy_workqueue(wq);
}

static void flush_scheduled_work_is_noted_and_waits(void **state)
{
	struct item item;

	(void)state;
	item_init(&item);
	assert_true(schedule_work(&item.work));
	flush_scheduled_work();
	assert_int_equal(item_runs(&item), 1);
	assert_noted(1);
}

static void queue_work_on_negative_cpu_runs_somewhere(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	assert_true(queue_work_on(-1, wq, &item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
	report_take(); /* it may be told of */
}

static void other_report_fn(const char *line)
{
	(void)line;
}

static void set_report_fn_returns_the_one_before(void **state)
{
	(void)state;
	assert_ptr_equal(workq_set_report_fn(other_report_fn), report_catch);
	assert_ptr_equal(workq_set_report_fn(NULL), other_report_fn);
	assert_null(workq_set_report_fn(report_catch));
}

/* Standard error of @call, at most @size - 1 bytes. */
static void stderr_of(void (*call)(void), char *text, size_t size)
{
	int saved = dup(STDERR_FILENO);
	ssize_t len;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], STDERR_FILENO);
	call();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd[1]);
	len = read(fd[0], text, size - 1);
	text[len > 0 ? len : 0] = '\0';
	close(fd[0]);
}

static void make_queue_of_neither_kind(void)
{
	destroy_workqueue(alloc_workqueue("neither", 0, 0));
}

static void report_without_function_is_a_line_on_standard_error(void **state)
{
	char text[1024];
	size_t len;

	(void)state;
	workq_set_report_fn(NULL);
	stderr_of(make_queue_of_neither_kind, text, sizeof(text));
	workq_set_report_fn(report_catch);
	len = strlen(text);
	assert_int_equal(strncmp(text, "workq: WARNING", 14), 0);
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(alloc_without_format_is_einval),
		api_test(alloc_bh_queue_with_what_does_not_go_with_it_is_einval),
		api_test(congested_without_a_queue_is_reported),
		api_test(alloc_unknown_flag_is_ignored),
		api_test(alloc_neither_percpu_nor_unbound_is_reported_and_percpu),
		api_test(alloc_both_percpu_and_unbound_is_reported_and_unbound),
		api_test(alloc_max_active_too_small_is_noted_and_one),
		api_test(alloc_max_active_too_large_is_noted_and_clamped),
		api_test(alloc_max_active_at_its_bounds_is_not_reported),
		api_test(alloc_name_too_long_is_noted_and_cut),
		api_test(alloc_name_odd_but_legal_is_accepted),
		api_test(set_max_active_of_ordered_queue_is_reported_without_effect),
		api_test(set_max_active_too_large_is_noted_and_clamped),
		api_test(queue_zeroed_item_is_reported_true_and_dropped),
		api_test(flush_zeroed_item_is_reported_and_false),
		api_test(cancel_sync_zeroed_item_is_reported_and_false),
		api_test(cancel_zeroed_item_is_false),
		api_test(queue_work_without_item_or_queue_is_reported_and_false),
		api_test(flush_without_item_or_queue_is_reported_and_returns),
		api_test(drain_and_destroy_without_queue_are_reported_and_return),
		api_test(cancel_without_item_is_reported_and_false),
		api_test(look_at_no_item_is_not_pending),
		api_test(disable_one_too_often_is_reported_and_not_counted),
		api_test(cancel_sync_at_the_deepest_restores_the_depth),
		api_test(enable_idle_item_never_disabled_is_reported_and_true),
		api_test(enable_pending_item_never_disabled_drops_the_run),
		api_test(destroy_work_on_stack_while_pending_is_reported),
		api_test(flush_scheduled_work_is_noted_and_waits),
		api_test(queue_work_on_negative_cpu_runs_somewhere),
		api_test(set_report_fn_returns_the_one_before),
		api_test(report_without_function_is_a_line_on_standard_error),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
