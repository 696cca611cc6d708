/* SPDX-License-Identifier: MIT */
/*
 * test_rescuer.c - the thread that a WQ_MEM_RECLAIM queue has for itself: that there is
 * one, what it runs when no worker can be made, and for whom.
 *
 * Each test has a process of its own, in which pthread_create() fails when the test says so.
 */
#include "support/rescued.h"

enum {
	NR_VISITS = 60,
	TURN = 16, /* items in a row, while another pool waits (K3) */
};

static struct visit visit[NR_VISITS];

/* One after the other, for all CPUs. */
static void queue_visits(struct workqueue_struct *wq, int nr)
{
	for (int i = 0; i < nr; i++) {
		visit_init(&visit[i]);
		visit_queue_on(&visit[i], i % nr_allowed_cpus(), wq);
	}
}

static void make_queues(struct workqueue_struct **wq)
{
	for (int kind = 0; kind < NR_RESCUED_KINDS; kind++) {
		wq[kind] = rescued_of_kind(kind, 0);
		assert_non_null(wq[kind]);
	}
}

static void destroy_queues(struct workqueue_struct **wq)
{
	for (int kind = 0; kind < NR_RESCUED_KINDS; kind++)
		destroy_workqueue(wq[kind]);
}

/* --------------------------------------------------------- life (K1) */

static struct workqueue_struct *make_named(int i)
{
	switch (i) {
	case 0:
		return create_workqueue("mine");
	case 1:
		return create_singlethread_workqueue("mine");
	case 2:
		return create_freezable_workqueue("mine");
	case 3:
		return alloc_workqueue("mine", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	default:
		return alloc_workqueue("mine", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	}
}

/* K1 */
static void reclaim_queue_has_one_thread_named_after_it(void **state)
{
	for (int i = 0; i < 5; i++) {
		struct workqueue_struct *wq = make_named(i);

		assert_non_null(wq);
		wait_until(nr_threads_named("kworker/R-mine\n") == 1);
		assert_int_equal(nr_threads_named("kworker/R-"), 1);
		destroy_workqueue(wq);
		wait_until(nr_threads_named("kworker/R-") == 0);
	}
}

/* K1 */
static void other_queues_have_none(void **state)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		run_one_item_on(wq);
		assert_int_equal(nr_threads_named("kworker/R-"), 0);
		destroy_workqueue(wq);
	}
}

/* K1 */
static void reclaim_queue_without_a_thread_is_refused_and_leaves_nothing(void **state)
{
	struct workqueue_struct *wq;

	threads_refuse();
	for (int kind = 0; kind < NR_RESCUED_KINDS; kind++) {
		for (int i = 0; i < 20; i++) {
			errno = 0;
			assert_null(rescued_of_kind(kind, 0));
			assert_int_equal(errno, EAGAIN);
		}
	}
	assert_int_equal(nr_threads_named("kworker/R-"), 0);
	threads_allow();
	for (int kind = 0; kind < NR_RESCUED_KINDS; kind++) {
		wq = rescued_of_kind(kind, 0);
		assert_non_null(wq);
		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
}

/* K1 */
static void other_queues_need_no_thread(void **state)
{
	struct workqueue_struct *wq;

	threads_refuse();
	wq = alloc_workqueue("plain", WQ_PERCPU, 0);
	assert_non_null(wq);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------- rescue (K2) */

static void check_all_rescued(struct workqueue_struct *wq)
{
	queue_visits(wq, NR_VISITS);
	flush_workqueue(wq);
	for (int i = 0; i < NR_VISITS; i++) {
		assert_true(was_rescued(&visit[i]));
		assert_int_equal(visit[i].tid, visit[0].tid);
	}
}

/* K2, K4, K5 */
static void items_where_no_worker_can_be_made_run_on_the_queues_thread(void **state)
{
	struct workqueue_struct *wq[NR_RESCUED_KINDS];

	make_queues(wq);
	threads_refuse();
	for (int kind = 0; kind < NR_RESCUED_KINDS; kind++)
		check_all_rescued(wq[kind]);
	destroy_queues(wq);
}

/* Until one of them finds no worker, and waits: that one is asked for again and again. */
static int block_all_workers(struct workqueue_struct *wq, struct visit *blocker, struct gate *go,
			     int max)
{
	bool is_running = true;
	int nr, seen;

	for (nr = 0; nr < max && is_running; nr++) {
		seen = atomic_load(&nr_threads_refused);
		visit_init_held(&blocker[nr], go);
		visit_queue_on(&blocker[nr], 0, wq);
		wait_until((is_running = item_is_running(&blocker[nr].item)) ||
			   atomic_load(&nr_threads_refused) > seen + MANY_REFUSALS);
	}
	return nr;
}

/* K2, K3 */
static void items_where_all_workers_block_run_on_the_queues_thread(void **state)
{
	struct workqueue_struct *plain = alloc_workqueue("plain", WQ_PERCPU, 0);
	struct workqueue_struct *wq = rescued_of_kind(R_PERCPU, 0);
	struct visit blocker[10], seen;
	struct gate go;
	int nr;

	visit_hold_on(&blocker[0], 0, plain, &go);
	threads_refuse();
	nr = 1 + block_all_workers(plain, &blocker[1], &go, 9);
	assert_false(item_is_running(&blocker[nr - 1].item));
	seen = visit_on(0, wq);
	assert_true(was_rescued(&seen));
	threads_allow();
	gate_open(&go);
	destroy_workqueue(plain);
	for (int i = 0; i < nr; i++)
		assert_true(was_served(&blocker[i]));
	destroy_workqueue(wq);
}

/* K2 */
static void items_of_the_future_are_rescued_too(void **state)
{
	struct workqueue_struct *wq = rescued_of_kind(R_PERCPU, 0);
	struct visit late;

	threads_refuse();
	for (int i = 0; i < 20; i++) {
		late = visit_on(i % nr_allowed_cpus(), wq);
		assert_true(was_rescued(&late));
	}
	destroy_workqueue(wq);
}

/* ----------------------------------------------------- for whom (K3) */

/* K3 */
static void items_of_other_queues_wait_for_a_worker(void **state)
{
	struct workqueue_struct *plain = alloc_workqueue("plain", WQ_PERCPU, 0);
	struct workqueue_struct *wq = rescued_of_kind(R_PERCPU, 0);
	struct visit other[NR_VISITS];

	threads_refuse();
	for (int i = 0; i < NR_VISITS; i++) {
		visit_init(&other[i]);
		visit_queue_on(&other[i], 0, plain);
		visit_init(&visit[i]);
		visit_queue_on(&visit[i], 0, wq);
	}
	flush_workqueue(wq);
	wait_for_refusals(MANY_REFUSALS);
	for (int i = 0; i < NR_VISITS; i++) {
		assert_true(was_rescued(&visit[i]));
		assert_int_equal(item_runs(&other[i].item), 0);
	}
	threads_allow();
	flush_workqueue(plain);
	for (int i = 0; i < NR_VISITS; i++)
		assert_true(was_served(&other[i]));
	destroy_workqueue(plain);
	destroy_workqueue(wq);
}

/* Q3 */
static void threads_are_asked_for_as_long_as_it_takes(void **state)
{
	struct workqueue_struct *plain = alloc_workqueue("patient", WQ_PERCPU, 0);
	struct visit lonely;

	visit_init(&lonely);
	/* much longer than the library goes on looking at what runs, when nothing does */
	threads_refuse();
	visit_queue_on(&lonely, 0, plain);
	wait_for_refusals(4 * MANY_REFUSALS);
	threads_allow();
	flush_work(&lonely.item.work);
	assert_true(was_served(&lonely));
	destroy_workqueue(plain);
}

static int longest_streak(const struct trail *trail, int len)
{
	int longest = 0, streak = 0;

	for (int i = 0; i < len; i++) {
		streak = i && trail->id[i] == trail->id[i - 1] ? streak + 1 : 1;
		if (streak > longest)
			longest = streak;
	}
	return longest;
}

/* K3 */
static void pools_of_a_queue_get_turns(void **state)
{
	static struct trail trail;
	struct workqueue_struct *wq;
	struct visit first;
	struct gate go;

	need_cpus(2);
	wq = rescued_of_kind(R_PERCPU, 0);
	threads_refuse();
	visit_hold_on(&first, 0, wq, &go);
	for (int i = 0; i < NR_VISITS; i++) {
		visit_init(&visit[i]);
		visit[i].item.trail = &trail;
		visit[i].item.id = i % 2;
		visit_queue_on(&visit[i], i % 2, wq);
	}
	/* both have called */
	wait_for_refusals(MANY_REFUSALS);
	visit_release(&first);
	flush_workqueue(wq);
	assert_int_equal(atomic_load(&trail.len), NR_VISITS);
	assert_true(longest_streak(&trail, NR_VISITS) <= TURN);
	destroy_workqueue(wq);
}

/* K3 */
static void rescuer_has_the_affinity_of_the_pool(void **state)
{
	struct workqueue_struct *bound = rescued_of_kind(R_PERCPU, 0);
	struct workqueue_struct *loose = rescued_of_kind(R_UNBOUND, 0);
	int nr = nr_allowed_cpus() < 8 ? nr_allowed_cpus() : 8;
	unsigned int all = cpus_of_self();
	struct visit seen;

	assert_int_equal(apply(loose, .cpus = 1u << (nr - 1), .strict = true), 0);
	threads_refuse();
	for (int i = 0; i < nr; i++) {
		seen = visit_on(i, bound);
		assert_true(was_rescued(&seen));
		assert_int_equal(seen.cpus, 1u << i);
		seen = visit_on(i, loose);
		assert_true(was_rescued(&seen));
		assert_int_equal(seen.cpus, 1u << (nr - 1));
	}
	assert_int_equal(apply(loose, .cpus = all, .nice = 1), 0);
	seen = visit_on(0, loose);
	assert_true(was_rescued(&seen));
	assert_int_equal(seen.cpus, all);
	destroy_workqueue(bound);
	destroy_workqueue(loose);
}

static void open_gate(struct work_struct *work)
{
	struct visit *opener = container_of(work, struct visit, item.work);

	gate_open(opener->item.hold);
	atomic_fetch_add(&opener->item.started, 1);
}

/* K4 */
static void items_of_two_queues_may_wait_for_each_other(void **state)
{
	for (int kind = 0; kind < NR_RESCUED_KINDS; kind++) {
		struct workqueue_struct *first = rescued_of_kind(kind, 0);
		struct workqueue_struct *second = rescued_of_kind(kind, 0);
		struct visit waiting, opener;
		struct gate go;

		threads_refuse();
		visit_hold_on(&waiting, 0, first, &go);
		visit_init_held(&opener, &go);
		opener.item.work.func = open_gate;
		visit_queue_on(&opener, 0, second);
		flush_work(&waiting.item.work);
		assert_true(was_rescued(&waiting));
		destroy_workqueue(first);
		destroy_workqueue(second);
		threads_allow();
	}
}

/* K4 */
static void items_of_one_queue_wait_for_its_thread_or_a_worker(void **state)
{
	/* each has pools of its own */
	static const int kinds[] = { R_PERCPU, R_HIGHPRI, R_UNBOUND };

	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = rescued_of_kind(kinds[i], 0);
		struct visit holding, waiting;
		struct gate go;

		threads_refuse();
		visit_hold_on(&holding, 0, wq, &go);
		visit_init(&waiting);
		visit_queue_on(&waiting, 0, wq);
		wait_for_refusals(MANY_REFUSALS);
		assert_int_equal(item_runs(&waiting.item), 0);
		threads_allow();
		flush_work(&waiting.item.work);
		assert_true(was_served(&waiting));
		visit_release(&holding);
		assert_true(was_rescued(&holding));
		destroy_workqueue(wq);
	}
}

/* ------------------------------------------------------- asking (K5) */

static atomic_int asked, is_as_told;

static void ask_who_i_am(struct work_struct *work)
{
	atomic_store(&is_as_told, current_is_workqueue_rescuer() && current_work() == work &&
					  current_is_workqueue_mem_reclaim());
	atomic_fetch_add(&asked, 1);
}

static void ask_in_timer(struct timer_list *timer)
{
	(void)timer;
	atomic_store(&is_as_told, !current_is_workqueue_rescuer());
	atomic_fetch_add(&asked, 1);
}

/* K5 */
static void nobody_else_is_a_rescuer(void **state)
{
	struct workqueue_struct *wq = rescued_of_kind(R_UNBOUND, 0);
	struct work_struct work;
	struct timer_list timer;
	struct visit seen;

	INIT_WORK(&work, ask_who_i_am);
	timer_setup(&timer, ask_in_timer, 0);
	mod_timer(&timer, jiffies);
	wait_until(atomic_load(&asked) == 1);
	assert_true(atomic_load(&is_as_told));
	timer_delete_sync(&timer);
	threads_refuse();
	queue_work(wq, &work);
	flush_work(&work);
	assert_true(atomic_load(&is_as_told));
	assert_false(current_is_workqueue_rescuer());
	threads_allow();
	seen = visit_on(0, system_wq);
	assert_true(was_served(&seen));
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(reclaim_queue_has_one_thread_named_after_it),
		api_test(other_queues_have_none),
		api_test(reclaim_queue_without_a_thread_is_refused_and_leaves_nothing),
		api_test(other_queues_need_no_thread),
		api_test(items_where_no_worker_can_be_made_run_on_the_queues_thread),
		api_test(items_where_all_workers_block_run_on_the_queues_thread),
		api_test(items_of_the_future_are_rescued_too),
		api_test(items_of_other_queues_wait_for_a_worker),
		api_test(threads_are_asked_for_as_long_as_it_takes),
		api_test(pools_of_a_queue_get_turns),
		api_test(rescuer_has_the_affinity_of_the_pool),
		api_test(items_of_two_queues_may_wait_for_each_other),
		api_test(items_of_one_queue_wait_for_its_thread_or_a_worker),
		api_test(nobody_else_is_a_rescuer),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
