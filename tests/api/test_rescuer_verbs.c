/* SPDX-License-Identifier: MIT */
/*
 * test_rescuer_verbs.c - everything that can be done to queues and items goes through when
 * no worker can be made: what the rescuer runs is served like anything else.
 *
 * Each test has a process of its own, in which pthread_create() fails when the test says so.
 */
#include "support/rescued.h"
#include "support/shown.h"

enum {
	NR_VISITS = 40,
	NR_CHANGES = 60,
	NR_RUNS = 100,
	TURN = 16, /* items in a row, while another pool waits (K3) */
};

static struct visit visit[NR_VISITS];
static struct trail trail;

static void queue_visits(struct workqueue_struct *wq)
{
	for (int i = 0; i < NR_VISITS; i++) {
		visit_init(&visit[i]);
		visit[i].item.trail = &trail;
		visit[i].item.id = i;
		visit_queue_on(&visit[i], i % nr_allowed_cpus(), wq);
	}
}

static void check_all_rescued(void)
{
	for (int i = 0; i < NR_VISITS; i++)
		assert_true(was_rescued(&visit[i]));
}

/* A queue of each kind, one after the other, from when on there are no threads. */
#define for_each_starved_queue(kind, wq)                                                           \
	for (int kind = 0; kind < NR_RESCUED_KINDS && (wq = make_starved(kind)); kind++)

static pthread_t maker;

static bool is_made_by_another(void)
{
	return !pthread_equal(pthread_self(), maker);
}

/*
 * The caller makes the rescuer. A manager that was about to make a worker for the last queue must
 * not succeed meanwhile: this one may use the same pools.
 */
static struct workqueue_struct *make_starved(int kind)
{
	struct workqueue_struct *wq;

	maker = pthread_self();
	atomic_store(&thread_is_refused_fn, is_made_by_another);
	wq = rescued_of_kind(kind, 0);
	assert_non_null(wq);
	threads_refuse();
	atomic_store(&thread_is_refused_fn, NULL);
	return wq;
}

/* ------------------------------------------------------------- waiting for */

static long drain(void *wq)
{
	drain_workqueue(wq);
	return 0;
}

static long flush(void *wq)
{
	flush_workqueue(wq);
	return 0;
}

static long destroy(void *wq)
{
	destroy_workqueue(wq);
	return 0;
}

static void check_waits_for_all(struct workqueue_struct *wq, long (*fn)(void *wq))
{
	struct visit held;
	struct call call;
	struct gate go;

	visit_hold_on(&held, 0, wq, &go);
	queue_visits(wq);
	call_start(&call, fn, wq);
	assert_true(call_blocks(&call));
	gate_open(&go);
	call_join(&call);
	assert_true(was_rescued(&held));
	check_all_rescued();
}

/* K4, F1 */
static void flush_and_drain_wait_for_what_is_rescued(void **state)
{
	struct workqueue_struct *wq;

	for_each_starved_queue(kind, wq)
	{
		check_waits_for_all(wq, flush);
		check_waits_for_all(wq, drain);
		destroy_workqueue(wq);
	}
}

/* K4, F4 */
static void destroy_has_what_is_queued_rescued(void **state)
{
	struct workqueue_struct *wq;

	for_each_starved_queue(kind, wq) check_waits_for_all(wq, destroy);
	wait_until(nr_threads_named("kworker/R-") == 0);
}

static void check_waits_for_run(struct workqueue_struct *wq, long (*fn)(void *work), long answer)
{
	struct visit held;
	struct call call;
	struct gate go;

	visit_hold_on(&held, 0, wq, &go);
	call_start(&call, fn, &held.item.work);
	assert_true(call_blocks(&call));
	gate_open(&go);
	assert_int_equal(call_join(&call), answer);
	assert_true(was_rescued(&held));
}

/* K4, E1, G2 */
static void flush_work_and_cancel_work_sync_wait_for_the_rescuer(void **state)
{
	struct workqueue_struct *wq;

	for_each_starved_queue(kind, wq)
	{
		check_waits_for_run(wq, do_flush_work, true);
		check_waits_for_run(wq, do_cancel_work_sync, false);
		check_waits_for_run(wq, do_disable_work_sync, false);
		destroy_workqueue(wq);
	}
}

/* K4, G1 */
static void cancel_takes_back_what_waits_for_the_rescuer(void **state)
{
	struct workqueue_struct *wq;

	for_each_starved_queue(kind, wq)
	{
		struct visit held, waiting;
		struct gate go;

		visit_hold_on(&held, 0, wq, &go);
		visit_init(&waiting);
		visit_queue_on(&waiting, 0, wq);
		assert_true(cancel_work_sync(&waiting.item.work));
		visit_release(&held);
		destroy_workqueue(wq);
		assert_int_equal(item_runs(&waiting.item), 0);
	}
}

/* K4, B9 */
static void items_of_an_ordered_queue_are_rescued_in_order(void **state)
{
	struct workqueue_struct *wq = make_starved(R_ORDERED);
	struct visit held;
	struct gate go;

	visit_hold_on(&held, 0, wq, &go);
	queue_visits(wq);
	visit_release(&held);
	flush_workqueue(wq);
	check_all_rescued();
	assert_true(trail_is_ascending(&trail, 0, NR_VISITS));
	destroy_workqueue(wq);
}

/* ------------------------------------------------------ calls by such items */

static struct workqueue_struct *own_queue, *helper;

/* The helper's items are run by its rescuer, or by who released what was replaced. */
static void wait_for_another_queue(struct work_struct *work)
{
	struct visit seen = visit_on(0, helper);

	drain_workqueue(helper);
	if (!item_runs(&seen.item) || apply(own_queue, .nice = 3))
		missed_deadline(__FILE__, __LINE__, "the helper has helped");
	destroy_workqueue(helper);
	visit_fn(work);
}

/* A rescuer at work has the manager try for a worker beside him; the test makes rescuers only. */
static bool is_for_a_worker(void)
{
	char name[16];

	pthread_getname_np(pthread_self(), name, sizeof(name));
	return !strcmp(name, "kworker/manager");
}

/* K4 */
static void rescued_item_may_wait_for_another_queue_and_change_its_own(void **state)
{
	atomic_store(&thread_is_refused_fn, is_for_a_worker);
	own_queue = rescued_of_kind(R_UNBOUND, 0);
	assert_int_equal(apply(own_queue, .nice = 2), 0);
	for (int kind = 0; kind < NR_RESCUED_KINDS; kind++) {
		helper = rescued_of_kind(kind, 0);
		visit_init(&visit[0]);
		visit[0].item.work.func = wait_for_another_queue;
		visit_queue_on(&visit[0], 0, own_queue);
		flush_work(&visit[0].item.work);
		assert_true(was_rescued(&visit[0]));
	}
	destroy_workqueue(own_queue);
}

/* ---------------------------------------------- items that queue themselves */

/* K4 */
static void item_that_queues_itself_goes_on_until_cancelled(void **state)
{
	struct workqueue_struct *wq;

	for_each_starved_queue(kind, wq)
	{
		struct endless endless = { .wq = wq };

		INIT_WORK(&endless.work, requeue_for_ever);
		queue_work_on(allowed_cpu(0), wq, &endless.work);
		wait_until(atomic_load(&endless.runs) >= NR_RUNS);
		cancel_work_sync(&endless.work);
		assert_false(work_busy(&endless.work));
		destroy_workqueue(wq);
	}
}

/* An item that queues itself, once the gate is open; and how often it had when another one ran. */
static struct {
	struct endless endless;
	struct gate go;
	int runs_before;
} greedy;

static void hold_then_requeue(struct work_struct *work)
{
	gate_wait(&greedy.go);
	requeue_for_ever(work);
}

static void note_runs(struct work_struct *work)
{
	greedy.runs_before = atomic_load(&greedy.endless.runs);
}

/* K3 */
static void item_that_queues_itself_does_not_keep_the_rescuer(void **state)
{
	struct workqueue_struct *wq;
	struct work_struct other;

	need_cpus(2);
	wq = make_starved(R_PERCPU);
	gate_init(&greedy.go);
	greedy.endless.wq = wq;
	INIT_WORK(&greedy.endless.work, hold_then_requeue);
	INIT_WORK(&other, note_runs);
	queue_work_on(allowed_cpu(0), wq, &greedy.endless.work);
	queue_work_on(allowed_cpu(1), wq, &other);
	/* both pools have called */
	wait_for_refusals(MANY_REFUSALS);
	gate_open(&greedy.go);
	flush_work(&other);
	cancel_work_sync(&greedy.endless.work);
	assert_true(greedy.runs_before <= TURN);
	destroy_workqueue(wq);
}

/* --------------------------------------------------------------- attributes */

/* K4, O7 */
static void attributes_change_while_items_are_rescued(void **state)
{
	static const int kinds[] = { R_UNBOUND, R_ORDERED };

	for (int k = 0; k < 2; k++) {
		struct workqueue_struct *wq;
		struct visit held;
		struct gate go;

		threads_allow();
		wq = rescued_of_kind(kinds[k], 0);
		assert_int_equal(apply(wq, .nice = 1), 0);
		threads_refuse();
		for (int i = 0; i < NR_CHANGES; i++) {
			atomic_store(&trail.len, 0);
			visit_hold_on(&held, 0, wq, &go);
			queue_visits(wq);
			assert_int_equal(apply(wq, .nice = 2 + i % 2), 0);
			visit_release(&held);
			flush_workqueue(wq);
			check_all_rescued();
			if (kinds[k] == R_ORDERED)
				assert_true(trail_is_ascending(&trail, 0, NR_VISITS));
		}
		destroy_workqueue(wq);
	}
}

/* K1, O7 */
static void first_change_without_a_thread_is_refused_and_changes_nothing(void **state)
{
	struct workqueue_struct *wq;
	unsigned int all = cpus_of_self();
	struct visit seen;

	need_cpus(2);
	wq = alloc_workqueue("plain", WQ_UNBOUND, 0);
	threads_refuse();
	for (int i = 0; i < 5; i++)
		assert_int_equal(apply(wq, .cpus = 1, .strict = true), -EAGAIN);
	threads_allow();
	seen = visit_on(0, wq);
	assert_true(was_served(&seen));
	assert_int_equal(seen.cpus, all);
	assert_int_equal(apply(wq, .cpus = 1, .strict = true), 0);
	seen = visit_on(1, wq);
	assert_int_equal(seen.cpus, 1);
	destroy_workqueue(wq);
}

/* K4, C6 */
static void max_active_changes_while_items_are_rescued(void **state)
{
	struct workqueue_struct *wq = make_starved(R_PERCPU_ONE);
	struct visit held;
	struct gate go;

	visit_hold_on(&held, 0, wq, &go);
	queue_visits(wq);
	workqueue_set_max_active(wq, 4);
	visit_release(&held);
	flush_workqueue(wq);
	check_all_rescued();
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- freezing */

/* K4, N1 */
static void frozen_items_are_rescued_when_thawed(void **state)
{
	for (int kind = 0; kind < NR_RESCUED_KINDS; kind++) {
		struct workqueue_struct *wq;
		struct visit held;
		struct gate go;

		threads_allow();
		wq = rescued_of_kind(kind, WQ_FREEZABLE);
		threads_refuse();
		visit_hold_on(&held, 0, wq, &go);
		freeze_workqueues_begin();
		queue_visits(wq);
		assert_true(freeze_workqueues_busy());
		visit_release(&held);
		wait_until(!freeze_workqueues_busy());
		for (int i = 0; i < NR_VISITS; i++)
			assert_int_equal(item_runs(&visit[i].item), 0);
		thaw_workqueues();
		flush_workqueue(wq);
		check_all_rescued();
		destroy_workqueue(wq);
	}
}

/* ----------------------------------------------------------- delayed items */

static void count_run(struct work_struct *work)
{
	struct delayed_work *dwork = to_delayed_work(work);

	(void)dwork;
	if (current_is_workqueue_rescuer())
		trail_add(&trail, 0);
}

/* K4 */
static void delayed_items_are_rescued_when_due(void **state)
{
	struct workqueue_struct *wq;
	struct delayed_work dwork;

	INIT_DELAYED_WORK(&dwork, count_run);
	/* makes the thread that timers need */
	schedule_delayed_work(&dwork, 1);
	flush_delayed_work(&dwork);
	wait_until(nr_threads_named("kworker/timer") == 1);
	wq = make_starved(R_HIGHPRI);
	for (int i = 1; i <= 10; i++) {
		queue_delayed_work(wq, &dwork, 1);
		wait_until(atomic_load(&trail.len) == i);
	}
	cancel_delayed_work_sync(&dwork);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------ looking */

/* K1, S */
static void rescuer_is_shown_by_name_and_thread(void **state)
{
	struct workqueue_struct *wq = make_starved(R_PERCPU);
	char comm[96], text[64];
	struct visit held;
	struct gate go;

	visit_hold_on(&held, 0, wq, &go);
	assert_true(workq_worker_comm(held.tid, comm, sizeof(comm)));
	assert_string_equal(comm, "kworker/R-bound+bound");
	shown_begin();
	show_all_workqueues();
	snprintf(text, sizeof(text), "in-flight: %d:", held.tid);
	assert_shown("workqueue bound:");
	assert_shown(text);
	visit_release(&held);
	/* it is nobody's worker now */
	wait_until(!workq_worker_comm(held.tid, comm, sizeof(comm)));
	destroy_workqueue(wq);
}

static void describe_and_wait(struct work_struct *work)
{
	set_worker_desc("disk %d", 7);
	visit_fn(work);
}

/* K5, S */
static void rescuer_describes_itself(void **state)
{
	struct workqueue_struct *wq = make_starved(R_ORDERED);
	struct visit held, seen;
	struct gate go;
	char comm[96];

	gate_init(&go);
	visit_init_held(&held, &go);
	held.item.work.func = describe_and_wait;
	visit_queue_on(&held, 0, wq);
	wait_until(item_is_running(&held.item));
	assert_true(workq_worker_comm(held.tid, comm, sizeof(comm)));
	assert_string_equal(comm, "kworker/R-order+disk 7");
	visit_release(&held);
	seen = visit_on(0, wq);
	assert_true(was_rescued(&seen));
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- recovery */

/* K3 Q3 */
static void workers_take_over_when_they_can_be_made(void **state)
{
	for (int round = 0; round < 5; round++) {
		struct workqueue_struct *wq;
		struct visit seen;

		/* pools that are left lose their workers: a new one begins without */
		for_each_starved_queue(kind, wq)
		{
			queue_visits(wq);
			threads_allow();
			flush_workqueue(wq);
			for (int i = 0; i < NR_VISITS; i++)
				assert_int_equal(item_runs(&visit[i].item), 1);
			seen = visit_on(0, wq);
			assert_int_equal(item_runs(&seen.item), 1);
			destroy_workqueue(wq);
		}
	}
}

/* K3 */
static void workers_serve_the_queue_while_its_rescuer_is_held(void **state)
{
	struct workqueue_struct *wq = make_starved(R_PERCPU);
	struct visit held;
	struct gate go;

	visit_hold_on(&held, 0, wq, &go);
	threads_allow();
	queue_visits(wq);
	for (int i = 0; i < NR_VISITS; i++) {
		flush_work(&visit[i].item.work);
		assert_true(was_served(&visit[i]));
	}
	visit_release(&held);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_and_drain_wait_for_what_is_rescued),
		api_test(destroy_has_what_is_queued_rescued),
		api_test(flush_work_and_cancel_work_sync_wait_for_the_rescuer),
		api_test(cancel_takes_back_what_waits_for_the_rescuer),
		api_test(items_of_an_ordered_queue_are_rescued_in_order),
		api_test(rescued_item_may_wait_for_another_queue_and_change_its_own),
		api_test(item_that_queues_itself_goes_on_until_cancelled),
		api_test(item_that_queues_itself_does_not_keep_the_rescuer),
		api_test(attributes_change_while_items_are_rescued),
		api_test(first_change_without_a_thread_is_refused_and_changes_nothing),
		api_test(max_active_changes_while_items_are_rescued),
		api_test(frozen_items_are_rescued_when_thawed),
		api_test(delayed_items_are_rescued_when_due),
		api_test(rescuer_is_shown_by_name_and_thread),
		api_test(rescuer_describes_itself),
		api_test(workers_take_over_when_they_can_be_made),
		api_test(workers_serve_the_queue_while_its_rescuer_is_held),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
