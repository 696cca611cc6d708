/* SPDX-License-Identifier: MIT */
/*
 * test_shutdown.c - workq_shutdown(): what it waits for, what it refuses, what is left.
 *
 * Each test has a process of its own.
 */
#include "support/rescued.h"

#include <errno.h>

#include <workq/kthread.h>
#include <workq/timer.h>

#include "support/delayed.h"

enum {
	LONG_MS = 20000,
	SHORT_MS = 20,
};

#define REFUSED "refused after workq_shutdown() on"

static bool has_timerfd(void)
{
	char path[300], target[300];
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/fd");
	bool found = false;
	ssize_t len;

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		found |= strstr(target, "timerfd") != NULL;
	}
	closedir(dir);
	return found;
}

static long shut_down_soon(void *arg)
{
	return workq_shutdown(SHORT_MS);
}

static long shut_down(void *arg)
{
	return workq_shutdown(LONG_MS);
}

static atomic_int nr_fired;

static void count_timer(struct timer_list *timer)
{
	atomic_fetch_add(&nr_fired, 1);
}

static void use_everything(void)
{
	struct workqueue_struct *wq = rescued_of_kind(R_UNBOUND, 0);
	struct timer_list timer;

	run_one_item_on(wq);
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *other = queue_of_kind((enum queue_kind)kind);

		run_one_item_on(other);
		destroy_workqueue(other);
	}
	run_one_item_on(system_bh_wq);
	timer_setup(&timer, count_timer, 0);
	mod_timer(&timer, jiffies);
	wait_until(atomic_load(&nr_fired));
	timer_delete_sync(&timer);
}

/* T4 */
static void shutdown_of_what_is_idle_leaves_no_thread_and_no_descriptor(void **state)
{
	int nr = nr_threads_named("");

	use_everything();
	assert_true(nr_threads_named("kworker/") > 3);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_int_equal(nr_threads_named("kworker/"), 0);
	/* but the manager */
	assert_true(nr_threads_named("") < nr);
	assert_false(has_timerfd());
	assert_int_equal(workq_shutdown(0), 0);
}

/* T4: workers that could not be made are not waited for. */
static void shutdown_after_threads_were_refused_succeeds(void **state)
{
	struct item item;

	threads_refuse();
	item_init(&item);
	queue_work(system_dfl_wq, &item.work);
	wait_for_refusals(2);
	threads_allow();
	flush_work(&item.work);
	assert_int_equal(workq_shutdown(deadline_s() * 1000ul), 0);
	assert_int_equal(nr_threads_named("kworker/"), 0);
	assert_noted(1);
}

/* T4 */
static void shutdown_with_no_time_of_what_is_idle_succeeds(void **state)
{
	use_everything();
	assert_int_equal(workq_shutdown(0), 0);
	assert_int_equal(nr_threads_named("kworker/"), 0);
}

static void before_first_use_nothing_is_shut(void **state)
{
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_int_equal(workq_start(), 0);
	run_one_item_on(system_percpu_wq);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
}

/* T4 */
static void shutdown_waits_for_items_that_run_and_wait(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct blocker blocker;
	struct item waiting[3];
	struct call shutter;

	blocker_start(&blocker, wq);
	for (int i = 0; i < 3; i++) {
		item_init(&waiting[i]);
		queue_work(wq, &waiting[i].work);
	}
	call_start(&shutter, shut_down, NULL);
	assert_not_yet(call_is_back(&shutter));
	gate_open(&blocker.go);
	assert_int_equal(call_join(&shutter), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(item_runs(&waiting[i]), 1);
	assert_int_equal(nr_threads_named("kworker/"), 0);
	destroy_workqueue(wq);
}

/* Queues itself so often. */
struct chain {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct gate *go;
	int left;
};

static void go_on(struct work_struct *work)
{
	struct chain *chain = container_of(work, struct chain, work);

	gate_wait(chain->go);
	if (--chain->left)
		queue_work(chain->wq, work);
}

static bool is_refusing(struct workqueue_struct *wq)
{
	struct item probe;

	item_init(&probe);
	queue_work(wq, &probe.work);
	flush_work(&probe.work);
	return !item_runs(&probe);
}

/* T4, F1, A8 */
static void chains_go_on_while_others_are_refused(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("chain", WQ_UNBOUND, 0);
	struct chain chain = { .wq = wq, .left = 5 };
	struct gate go;
	struct call shutter;
	struct item item;

	gate_init(&go);
	chain.go = &go;
	INIT_WORK(&chain.work, go_on);
	queue_work(wq, &chain.work);
	call_start(&shutter, shut_down, NULL);
	wait_until(is_refusing(system_percpu_wq));
	item_init(&item);
	assert_true(queue_work(wq, &item.work));
	assert_false(work_pending(&item.work));
	assert_true(report_says(REFUSED));
	gate_open(&go);
	assert_int_equal(call_join(&shutter), 0);
	assert_int_equal(chain.left, 0);
	assert_int_equal(item_runs(&item), 0);
	destroy_workqueue(wq);
	assert_reported(1);
}

/* T5 */
static void when_the_time_is_over_nothing_begins_any_more(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("late", 0);
	struct call shutter, flusher;
	struct blocker blocker;
	struct item waiting;

	item_init(&waiting);
	blocker_start(&blocker, wq);
	queue_work(wq, &waiting.work);
	call_start(&flusher, do_flush_work, &waiting.work);
	assert_true(call_blocks(&flusher));
	call_start(&shutter, shut_down_soon, NULL);
	assert_int_equal(call_join(&shutter), -ETIMEDOUT);
	/* taken back: who waits for it is let go (E6) */
	call_join(&flusher);
	assert_false(work_pending(&waiting.work));
	assert_true(item_is_running(&blocker.item));
	assert_int_equal(workq_shutdown(0), -ETIMEDOUT);
	gate_open(&blocker.go);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_int_equal(nr_threads_named("kworker/"), 0);
	assert_int_equal(item_runs(&waiting), 0);
	destroy_workqueue(wq);
	assert_true(report_says("so many items do not run: 1"));
	assert_noted(1);
}

/* T5, B5 */
static void when_the_time_is_over_running_items_queue_nothing(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("selfish", WQ_PERCPU, 0);
	struct endless endless = { .wq = wq };
	int runs;

	INIT_WORK(&endless.work, requeue_for_ever);
	queue_work(wq, &endless.work);
	wait_until(atomic_load(&endless.runs));
	assert_int_equal(workq_shutdown(SHORT_MS), -ETIMEDOUT);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	runs = atomic_load(&endless.runs);
	assert_false(work_busy(&endless.work));
	assert_int_equal(nr_threads_named("kworker/"), 0);
	assert_int_equal(runs, atomic_load(&endless.runs));
	destroy_workqueue(wq);
	assert_true(report_count() + note_count() > 0);
	report_take();
}

/* T4 */
static void armed_items_and_timers_are_left_idle(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("armed", WQ_PERCPU, 0);
	struct delayed_item soon, late;
	DEFINE_TIMER(timer, count_timer);

	delayed_init(&soon);
	delayed_init(&late);
	queue_delayed_work(wq, &late.dwork, 3600 * HZ);
	mod_timer(&timer, jiffies + 3600 * HZ);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_false(delayed_work_pending(&late.dwork) || timer_pending(&timer));
	/* later ones do not fire */
	mod_timer(&timer, jiffies);
	queue_delayed_work(wq, &soon.dwork, 1);
	nap_us(5000);
	assert_true(timer_pending(&timer) && delayed_work_pending(&soon.dwork));
	assert_true(cancel_delayed_work_sync(&soon.dwork));
	assert_true(timer_delete_sync(&timer));
	assert_int_equal(atomic_load(&nr_fired), 0);
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- from inside */

static atomic_int answer;

static void shut_down_inside(struct work_struct *work)
{
	atomic_store(&answer, workq_shutdown(LONG_MS));
}

static void shut_down_in_callback(struct timer_list *timer)
{
	atomic_store(&answer, workq_shutdown(LONG_MS));
}

/* T4 */
static void shutdown_in_an_item_is_refused(void **state)
{
	struct workqueue_struct *const queues[] = { system_percpu_wq, system_dfl_wq, system_bh_wq };
	struct work_struct work;

	for (int i = 0; i < 3; i++) {
		atomic_store(&answer, 0);
		INIT_WORK(&work, shut_down_inside);
		queue_work(queues[i], &work);
		flush_work(&work);
		assert_int_equal(atomic_load(&answer), -EDEADLK);
	}
	run_one_item_on(system_percpu_wq);
	assert_reported(1);
}

/* T4 */
static void shutdown_in_a_timers_function_is_refused(void **state)
{
	DEFINE_TIMER(timer, shut_down_in_callback);

	mod_timer(&timer, jiffies);
	wait_until(atomic_load(&answer));
	assert_int_equal(atomic_load(&answer), -EDEADLK);
	timer_delete_sync(&timer);
	assert_reported(1);
}

static int shut_down_and_wait(void *data)
{
	atomic_store(&answer, workq_shutdown(LONG_MS) == 0 ? 1 : -1);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 7;
}

/* T4 */
static void kthreads_may_shut_down_and_stay(void **state)
{
	struct task_struct *task = kthread_run(shut_down_and_wait, NULL, "mine");

	wait_until(atomic_load(&answer));
	assert_int_equal(atomic_load(&answer), 1);
	assert_int_equal(nr_threads_named("kworker/"), 0);
	assert_int_equal(kthread_stop(task), 7);
}

/* U6 */
static void rescuer_that_is_in_an_item_is_waited_for(void **state)
{
	struct workqueue_struct *wq = rescued_of_kind(R_PERCPU, 0);
	struct visit visit;
	struct gate go;

	threads_refuse();
	visit_hold_on(&visit, 0, wq, &go);
	assert_int_equal(workq_shutdown(SHORT_MS), -ETIMEDOUT);
	gate_open(&go);
	threads_allow();
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_true(was_rescued(&visit));
	report_take();
}

/* T4 */
static void several_shutdowns_at_once_all_succeed(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("many", WQ_UNBOUND, 0);
	struct call shutter[4];
	struct blocker blocker;

	blocker_start(&blocker, wq);
	for (int i = 0; i < 4; i++)
		call_start(&shutter[i], shut_down, NULL);
	assert_not_yet(call_is_back(&shutter[0]));
	gate_open(&blocker.go);
	for (int i = 0; i < 4; i++)
		assert_int_equal(call_join(&shutter[i]), 0);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------ afterwards */

static long return_one(void *arg)
{
	return 1;
}

/* T4 */
static void nothing_is_made_after_shutdown(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("old", WQ_UNBOUND, 0);
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();

	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_int_equal(workq_start(), -ESHUTDOWN);
	errno = 0;
	assert_null(alloc_workqueue("new", WQ_UNBOUND | WQ_MEM_RECLAIM, 0));
	assert_int_equal(errno, ESHUTDOWN);
	attrs->nice = 5;
	assert_int_equal(apply_workqueue_attrs(wq, attrs), -ESHUTDOWN);
	assert_int_equal(work_on_cpu(0, return_one, NULL), -ESHUTDOWN);
	assert_int_equal(schedule_on_each_cpu(item_fn), -ESHUTDOWN);
	assert_int_equal(nr_threads_named("kworker/"), 0);
	free_workqueue_attrs(attrs);
	destroy_workqueue(wq);
	assert_true(report_says(REFUSED));
	assert_reported(1);
}

static long use_what_is_left(void *arg)
{
	struct workqueue_struct *wq = arg;
	struct item item;

	item_init(&item);
	queue_work(wq, &item.work);
	flush_work(&item.work);
	cancel_work_sync(&item.work);
	flush_workqueue(wq);
	drain_workqueue(wq);
	workqueue_set_max_active(wq, 3);
	destroy_workqueue(wq);
	return item_runs(&item);
}

/* T4 */
static void threads_that_come_later_may_destroy_queues(void **state)
{
	struct workqueue_struct *wq[] = { rescued_of_kind(R_PERCPU, 0),
					  rescued_of_kind(R_UNBOUND, 0) };
	struct call user;

	run_one_item_on(wq[0]);
	run_one_item_on(wq[1]);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	for (int i = 0; i < 2; i++) {
		call_start(&user, use_what_is_left, wq[i]);
		assert_int_equal(call_join(&user), 0);
	}
	assert_reported(1);
}

/* T5, B9 */
static void queue_changed_while_an_item_runs_can_be_destroyed_after_the_time_is_over(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("changed", 0);
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();
	struct blocker blocker;
	struct call destroyer;
	struct item plugged;

	blocker_start(&blocker, wq);
	attrs->nice = 3;
	assert_int_equal(apply_workqueue_attrs(wq, attrs), 0);
	item_init(&plugged);
	queue_work(wq, &plugged.work);
	assert_int_equal(workq_shutdown(SHORT_MS), -ETIMEDOUT);
	assert_false(work_pending(&plugged.work));
	call_start(&destroyer, do_destroy_workqueue, wq);
	assert_true(call_blocks(&destroyer));
	gate_open(&blocker.go);
	call_join(&destroyer);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_int_equal(item_runs(&plugged), 0);
	free_workqueue_attrs(attrs);
	assert_noted(1);
}

/* T5, N1 */
static void what_is_frozen_is_taken_back(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("frozen", WQ_FREEZABLE | WQ_PERCPU, 0);
	struct item item;

	freeze_workqueues_begin();
	item_init(&item);
	queue_work(wq, &item.work);
	assert_int_equal(workq_shutdown(SHORT_MS), -ETIMEDOUT);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	thaw_workqueues();
	assert_false(work_busy(&item.work));
	assert_int_equal(item_runs(&item), 0);
	destroy_workqueue(wq);
	assert_noted(1);
}

static pthread_key_t key;
static atomic_int nr_destroyed;

static void count_destroyed(void *value)
{
	nap_us(20000);
	atomic_fetch_add(&nr_destroyed, 1);
}

static void leave_data(struct work_struct *work)
{
	pthread_setspecific(key, &key);
}

/* T4 */
static void destructors_of_thread_local_data_have_run_afterwards(void **state)
{
	struct work_struct work;

	pthread_key_create(&key, count_destroyed);
	INIT_WORK(&work, leave_data);
	queue_work(system_percpu_wq, &work);
	flush_work(&work);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_int_equal(atomic_load(&nr_destroyed), 1);
}

static int pipes[2];

static void block_in_read(struct work_struct *work)
{
	struct item *item = container_of(work, struct item, work);
	char byte;

	atomic_fetch_add(&item->started, 1);
	if (read(pipes[0], &byte, 1) != 1)
		abort();
}

/* T4 */
static void shutdown_ends_the_thread_that_sees_waits(void **state)
{
	struct item item;

	setenv("WORKQ_WATCH_SWITCHES", "2", /* overwrite */ 1);
	assert_int_equal(workq_start(), 0);
	assert_int_equal(pipe(pipes), 0);
	item_init(&item);
	INIT_WORK(&item.work, block_in_read);
	queue_work(system_percpu_wq, &item.work);
	wait_until(item_runs(&item));
	run_one_item_on(system_percpu_wq);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(workq_shutdown(LONG_MS), 0);
	assert_int_equal(nr_threads_named("kworker/"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* they start the library, or do not */
		cmocka_unit_test(before_first_use_nothing_is_shut),
		cmocka_unit_test(shutdown_ends_the_thread_that_sees_waits),
		api_test(shutdown_of_what_is_idle_leaves_no_thread_and_no_descriptor),
		api_test(shutdown_after_threads_were_refused_succeeds),
		api_test(shutdown_with_no_time_of_what_is_idle_succeeds),
		api_test(shutdown_waits_for_items_that_run_and_wait),
		api_test(chains_go_on_while_others_are_refused),
		api_test(when_the_time_is_over_nothing_begins_any_more),
		api_test(when_the_time_is_over_running_items_queue_nothing),
		api_test(armed_items_and_timers_are_left_idle),
		api_test(shutdown_in_an_item_is_refused),
		api_test(shutdown_in_a_timers_function_is_refused),
		api_test(kthreads_may_shut_down_and_stay),
		api_test(rescuer_that_is_in_an_item_is_waited_for),
		api_test(several_shutdowns_at_once_all_succeed),
		api_test(nothing_is_made_after_shutdown),
		api_test(threads_that_come_later_may_destroy_queues),
		api_test(queue_changed_while_an_item_runs_can_be_destroyed_after_the_time_is_over),
		api_test(what_is_frozen_is_taken_back),
		api_test(destructors_of_thread_local_data_have_run_afterwards),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
