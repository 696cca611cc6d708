/* SPDX-License-Identifier: MIT */
/*
 * test_show.c - show_all_workqueues(), show_one_workqueue(),
 * show_freezable_workqueues(): what is busy is there, what is idle is not.
 */
#include "support/api.h"
#include "support/shown.h"

/* -------------------------------------------------------------- one queue */

/* An item that tells which thread it is on. */
struct told {
	struct work_struct work;
	struct gate *hold;
	atomic_int tid;
};

static void tell_tid(struct work_struct *work)
{
	struct told *told = container_of(work, struct told, work);

	atomic_store(&told->tid, (int)syscall(SYS_gettid));
	gate_wait(told->hold);
}

static void told_start(struct told *told, struct gate *hold, struct workqueue_struct *wq)
{
	INIT_WORK(&told->work, tell_tid);
	told->hold = hold;
	atomic_init(&told->tid, 0);
	queue_work_on(allowed_cpu(0), wq, &told->work);
	wait_until(atomic_load(&told->tid));
}

static void show_one_running_item_names_queue_pool_thread_and_function(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("busy", WQ_PERCPU, 7);
	struct told told;
	struct gate hold;
	char text[64];

	gate_init(&hold);
	told_start(&told, &hold, wq);
	shown_begin();
	show_one_workqueue(wq);
	assert_int_equal(atomic_load(&nr_shown), 3);
	assert_string_equal(shown_line[0], "workq: workqueue busy: flags=0x100");
	assert_int_equal(strncmp(shown_line[1], "workq:   pwq ", 13), 0);
	snprintf(text, sizeof(text), ": cpus=%d flags=0x0 nice=0 active=1/7", allowed_cpu(0));
	assert_shown(text);
	snprintf(text, sizeof(text), "workq:     in-flight: %d:", atomic_load(&told.tid));
	assert_int_equal(shown_after(0, text), 2);
	assert_non_null(strstr(shown_line[2], " for 0s"));
	gate_open(&hold);
	destroy_workqueue(wq);
}

static void show_one_unbound_highpri_names_its_pool(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("high", WQ_UNBOUND | WQ_HIGHPRI, 3);
	struct blocker blocker;

	blocker_start(&blocker, wq);
	shown_begin();
	show_one_workqueue(wq);
	assert_shown("workqueue high: flags=0x12");
	assert_shown("flags=0x4 nice=-20 active=1/3");
	blocker_release(&blocker);
	destroy_workqueue(wq);
}

static void show_one_items_that_wait_are_counted_by_function(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("computing", WQ_PERCPU, 3);
	struct item item[5];
	struct blocker blocker;

	blocker_spin_on(&blocker, allowed_cpu(0), wq);
	for (int i = 0; i < 5; i++) {
		item_init(&item[i]);
		queue_work_on(allowed_cpu(0), wq, &item[i].work);
	}
	shown_begin();
	show_one_workqueue(wq);
	assert_shown("active=3/3");
	assert_shown("workq:     pending: 2*");
	assert_shown("workq:     inactive: 3*");
	blocker_release(&blocker);
	destroy_workqueue(wq);
}

static void check_waiter_is_shown(struct call *call, int line)
{
	char text[32];

	snprintf(text, sizeof(text), " BAR(%d)", atomic_load(&call->tid));
	assert_true(line >= 0);
	assert_non_null(strstr(shown_line[line], text));
}

static void show_one_who_flushes_stands_behind_the_item(void **state)
{
	struct stuck_queue stuck;
	struct call first, second;
	struct item item;

	stuck_queue_make(&stuck);
	item_init(&item);
	queue_work(stuck.wq, &item.work);
	call_start(&first, do_flush_work, &stuck.blocker.item.work);
	call_start(&second, do_flush_work, &item.work);
	assert_true(call_blocks(&first) && call_blocks(&second));
	shown_begin();
	show_one_workqueue(stuck.wq);
	check_waiter_is_shown(&first, shown_after(0, "in-flight:"));
	check_waiter_is_shown(&second, shown_after(0, "inactive:"));
	gate_open(&stuck.blocker.go);
	call_join(&first);
	call_join(&second);
	stuck_queue_free(&stuck);
}

/* Two run there; each is named, and who flushes the second of two that wait stands behind that. */
static void show_one_several_that_run_are_all_named(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("several", WQ_UNBOUND, 7);
	struct blocker first, second;
	const char *runner;

	blocker_start(&first, wq);
	blocker_start(&second, wq);
	shown_begin();
	show_one_workqueue(wq);
	assert_shown("active=2/7");
	runner = shown_line[shown_after(0, "in-flight: ")];
	assert_non_null(strstr(runner, ", "));
	blocker_release(&first);
	blocker_release(&second);
	destroy_workqueue(wq);
}

enum {
	NR_WAITING = 40,
};

/* Items of several queues wait on the same CPUs, and many are waited for. */
static void show_one_has_its_own_items_on_each_cpu(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("mine", WQ_PERCPU, 0);
	struct workqueue_struct *other = alloc_workqueue("others", WQ_PERCPU, 0);
	static struct item item[2 * NR_WAITING];
	struct call call[NR_WAITING];
	struct blocker blocker[2];
	char text[32];

	need_cpus(2);
	for (int i = 0; i < 2; i++)
		blocker_spin_on(&blocker[i], allowed_cpu(i), wq);
	for (int i = 0; i < 2 * NR_WAITING; i++) {
		item_init(&item[i]);
		queue_work_on(allowed_cpu(i / 2 % 2), i % 2 ? other : wq, &item[i].work);
	}
	for (int i = 0; i < NR_WAITING; i++)
		call_start(&call[i], do_flush_work, &item[i].work);
	for (int i = 0; i < NR_WAITING; i++)
		assert_true(call_blocks(&call[i]));
	shown_begin();
	show_one_workqueue(wq);
	assert_true(shown_after(0, "active=21/") > 0);
	assert_true(shown_after(shown_after(0, "active=21/") + 1, "active=21/") > 0);
	assert_int_equal(shown_after(shown_after(0, "workqueue mine") + 1, "workqueue "), -1);
	for (int i = 0; i < NR_WAITING; i += 2) {
		snprintf(text, sizeof(text), "BAR(%d)", atomic_load(&call[i].tid));
		assert_shown(text);
	}
	for (int i = 0; i < 2; i++)
		blocker_release(&blocker[i]);
	for (int i = 0; i < NR_WAITING; i++)
		call_join(&call[i]);
	destroy_workqueue(wq);
	destroy_workqueue(other);
}

static void show_one_idle_queue_says_nothing(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("idle", WQ_PERCPU, 0);

	run_one_item_on(wq);
	shown_begin();
	show_one_workqueue(wq);
	assert_int_equal(atomic_load(&nr_shown), 0);
	destroy_workqueue(wq);
}

static void show_one_without_queue_is_reported(void **state)
{
	show_one_workqueue(NULL);
	assert_reported(1);
}

/* -------------------------------------------------------------------- all */

static void show_all_has_busy_queues_and_pools_and_no_idle_ones(void **state)
{
	struct workqueue_struct *idle = alloc_workqueue("idle_one", WQ_PERCPU, 0);
	struct workqueue_struct *busy = alloc_workqueue("busy_one", WQ_PERCPU, 0);
	struct blocker own, system;
	char text[64];

	blocker_start_on(&own, allowed_cpu(0), busy);
	blocker_start_on(&system, allowed_cpu(0), system_percpu_wq);
	shown_begin();
	show_all_workqueues();
	assert_string_equal(shown_line[0], "workq: Showing busy workqueues and worker pools:");
	assert_shown("workq: workqueue busy_one: flags=");
	assert_shown("workq: workqueue events: flags=");
	assert_false(shown("idle_one"));
	snprintf(text, sizeof(text), ": cpus=%d flags=0x0 nice=0 hung=0s workers=", allowed_cpu(0));
	assert_shown("workq: pool ");
	assert_shown(text);
	blocker_release(&system);
	/* its worker has nothing to do; the pool is still busy */
	wait_until((shown_begin(), show_all_workqueues(), shown("workq:   idle: ")));
	blocker_release(&own);
	destroy_workqueue(busy);
	destroy_workqueue(idle);
}

static void show_all_destroyed_queue_is_gone(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("gone", WQ_PERCPU, 0);
	struct blocker blocker;

	blocker_start(&blocker, wq);
	shown_begin();
	show_all_workqueues();
	assert_shown("workqueue gone:");
	blocker_release(&blocker);
	destroy_workqueue(wq);
	shown_begin();
	show_all_workqueues();
	assert_false(shown("gone"));
}

static void show_freezable_has_freezable_queues_only(void **state)
{
	struct workqueue_struct *cold = alloc_workqueue("cold", WQ_PERCPU | WQ_FREEZABLE, 0);
	struct workqueue_struct *warm = alloc_workqueue("warm", WQ_PERCPU, 0);
	struct blocker in_cold, in_warm;

	blocker_start(&in_cold, cold);
	blocker_start(&in_warm, warm);
	shown_begin();
	show_freezable_workqueues();
	assert_shown("workqueue cold:");
	assert_false(shown("warm"));
	assert_false(shown("workq: pool "));
	blocker_release(&in_cold);
	blocker_release(&in_warm);
	destroy_workqueue(cold);
	destroy_workqueue(warm);
}

static void show_from_work(struct work_struct *work)
{
	show_all_workqueues();
}

static void show_all_from_a_work_function_shows_itself(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("introspective", WQ_UNBOUND, 0);
	struct work_struct work;

	INIT_WORK(&work, show_from_work);
	shown_begin();
	queue_work(wq, &work);
	flush_work(&work);
	assert_shown("workqueue introspective:");
	destroy_workqueue(wq);
}

static atomic_bool enough;

/* Queues come and go, with items that run, wait and are waited for. */
static long come_and_go(void *arg)
{
	struct workqueue_struct *wq;
	struct item item[4];

	while (!atomic_load(&enough)) {
		wq = alloc_ordered_workqueue("fleeting", 0);
		for (int i = 0; i < 4; i++) {
			item_init(&item[i]);
			queue_work(wq, &item[i].work);
		}
		flush_work(&item[1].work);
		destroy_workqueue(wq);
	}
	return 0;
}

static void show_all_while_queues_come_and_go(void **state)
{
	struct call call[2];

	workq_set_report_fn(shown_catch);
	atomic_store(&enough, false);
	for (int i = 0; i < 2; i++)
		call_start(&call[i], come_and_go, NULL);
	for (int i = 0; i < 200; i++) {
		atomic_store(&nr_shown, 0);
		show_all_workqueues();
		assert_true(shown("Showing busy workqueues"));
	}
	atomic_store(&enough, true);
	for (int i = 0; i < 2; i++)
		call_join(&call[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(show_one_running_item_names_queue_pool_thread_and_function),
		api_test(show_one_unbound_highpri_names_its_pool),
		api_test(show_one_items_that_wait_are_counted_by_function),
		api_test(show_one_who_flushes_stands_behind_the_item),
		api_test(show_one_idle_queue_says_nothing),
		api_test(show_one_without_queue_is_reported),
		api_test(show_all_has_busy_queues_and_pools_and_no_idle_ones),
		api_test(show_all_destroyed_queue_is_gone),
		api_test(show_freezable_has_freezable_queues_only),
		api_test(show_all_from_a_work_function_shows_itself),
		api_test(show_all_while_queues_come_and_go),
		api_test(show_one_several_that_run_are_all_named),
		api_test(show_one_has_its_own_items_on_each_cpu),
	};

	/* else it may tell since when something waits, if the watchdog has just looked */
	setenv("WORKQ_WATCHDOG_THRESH_MS", "0", /* overwrite */ 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
