/* SPDX-License-Identifier: MIT */
/*
 * test_pool.c - intake, table of running items, and the wake rule: who is woken
 * or offered at the end of a lock hold.
 */
#include "handmade.h"
#include "real_worker.h"

static int bound_begin(void **state)
{
	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	return unit_begin(state);
}

static int unbound_begin(void **state)
{
	handmade_begin(WQ_UNBOUND, WQ_DFL_ACTIVE);
	return unit_begin(state);
}

static int pool_end(void **state)
{
	handmade_end();
	return unit_end(state);
}

#define bound_test(fn)   cmocka_unit_test_setup_teardown(fn, bound_begin, pool_end)
#define unbound_test(fn) cmocka_unit_test_setup_teardown(fn, unbound_begin, pool_end)

/* A lock hold in which nothing happens. */
static void look(void)
{
	wq_pool_lock(&pool);
	wq_pool_unlock(&pool);
}

static void look_and_drain(void)
{
	wq_pool_lock(&pool);
	wq_pool_drain_locked(&pool);
	wq_pool_unlock(&pool);
}

static struct wq_park *offered(void)
{
	return wq_load_seq_cst(&pool.waker);
}

static bool manager_was_woken(void)
{
	return was_woken(&wq_manager_park);
}

static struct wq_worker *add_running(void)
{
	struct wq_worker *worker;

	wq_pool_lock(&pool);
	worker = new_worker();
	unlock_only();
	return worker;
}

static struct wq_worker *add_idle(void)
{
	struct wq_worker *worker;

	wq_pool_lock(&pool);
	worker = new_idle_worker();
	unlock_only();
	return worker;
}

/* ------------------------------------------------------------------- intake */

/* B8 */
static void pushed_items_are_filed_in_order(void **state)
{
	for (int i = 0; i < 5; i++)
		push(i);
	wq_pool_lock(&pool);
	assert_empty(&pool.worklist);
	wq_pool_drain_locked(&pool);
	assert_list(&pool.worklist, 0, 1, 2, 3, 4);
	push(5);
	push(6);
	wq_pool_drain_locked(&pool);
	assert_list(&pool.worklist, 0, 1, 2, 3, 4, 5, 6);
	assert_null(pool.intake);
	unlock_only();
}

static void drain_of_an_empty_intake_does_nothing(void **state)
{
	wq_pool_lock(&pool);
	wq_pool_drain_locked(&pool);
	assert_empty(&pool.worklist);
	assert_int_equal(pwq->nr_filed, 0);
	unlock_only();
}

/* As queue_work() in one of the worker's items. */
static void push_own(struct wq_worker *worker, int i)
{
	item[i].data = wq_word_queued(pwq, 0);
	wq_pool_push_own(worker, &item[i]);
}

/* B8: a worker may find its pool's lock free, and must not overtake then. */
static void push_of_an_own_worker_comes_behind_earlier_ones(void **state)
{
	struct wq_worker *worker = add_running();

	push(0);
	push(1);
	push_own(worker, 2);
	assert_null(pool.intake);
	assert_list(&pool.worklist, 0, 1, 2);
	assert_int_equal(pool.lock.word, 0);
}

static long push_own_item_0(void *arg)
{
	push_own(arg, 0);
	return 0;
}

static void push_of_an_own_worker_does_not_wait_for_the_lock(void **state)
{
	struct wq_worker *worker = add_running();
	struct call call;

	wq_pool_lock(&pool);
	call_start(&call, push_own_item_0, worker);
	call_join(&call);
	assert_empty(&pool.worklist);
	assert_ptr_equal(pool.intake, &item[0]);
	wq_pool_drain_locked(&pool);
	assert_list(&pool.worklist, 0);
	unlock_only();
}

/* A worker that runs this item, as found on the worklist. */
static struct wq_worker *add_running_with(int i)
{
	struct wq_worker *worker = add_running();

	wq_pool_lock(&pool);
	file(i);
	begin_item(worker, &item[i]);
	unlock_only();
	return worker;
}

/* B5: it will run there anyway. */
static void item_that_queues_itself_alone_stays_with_its_worker(void **state)
{
	struct wq_worker *worker = add_running_with(0), *idle = add_idle();

	push_own(worker, 0);
	assert_ptr_equal(pool.again, worker);
	assert_empty(&pool.worklist);
	assert_int_equal(nr_active(pwq), 1);
	assert_false(was_woken(&idle->park));
}

/* B8: it came before what is in the intake by now. */
static void item_that_is_to_run_again_is_filed_first(void **state)
{
	struct wq_worker *worker = add_running_with(0);

	push_own(worker, 0);
	push(1);
	wq_pool_lock(&pool);
	wq_pool_drain_locked(&pool);
	assert_null(pool.again);
	assert_list(&worker->scheduled, 0);
	assert_list(&pool.worklist, 1);
	assert_int_equal(nr_active(pwq), 3);
	unlock_only();
}

/* B5 */
static void second_worker_s_item_is_filed_while_another_is_to_run_again(void **state)
{
	struct wq_worker *first = add_running_with(0), *second = add_running_with(1);

	push_own(first, 0);
	push_own(second, 1);
	assert_null(pool.again);
	assert_list(&pool.worklist, 0, 1);
}

/* B8 */
static void item_that_queues_itself_behind_others_waits_its_turn(void **state)
{
	struct wq_worker *worker = add_running_with(0);

	push(1);
	push_own(worker, 0);
	assert_null(pool.again);
	assert_list(&pool.worklist, 1, 0);
}

static void other_item_queued_by_a_worker_goes_to_the_worklist(void **state)
{
	struct wq_worker *worker = add_running_with(0);

	push_own(worker, 1);
	assert_null(pool.again);
	assert_list(&pool.worklist, 1);
}

/* C1 */
static void item_that_queues_itself_over_the_limit_is_inactive(void **state)
{
	struct wq_worker *worker = add_running_with(0);

	pwq->own.max = 1;
	push_own(worker, 0);
	wq_pool_lock(&pool);
	wq_pool_drain_locked(&pool);
	unlock_only();
	assert_null(pool.again);
	assert_empty(&pool.worklist);
	assert_list(&pwq->inactive, 0);
}

static void another_func(struct work_struct *work)
{
	(void)work;
}

/* B7 */
static void item_made_anew_in_its_own_function_is_another_one(void **state)
{
	struct wq_worker *worker = add_running_with(0);

	INIT_WORK(&item[0], another_func);
	push_own(worker, 0);
	assert_null(pool.again);
	assert_list(&pool.worklist, 0);
}

enum {
	PUSHERS = 3,
	PUSHES = 3000,
};

static struct work_struct pushed[PUSHERS][PUSHES];

static long push_many(void *arg)
{
	struct work_struct *mine = arg;

	for (int i = 0; i < PUSHES; i++)
		push_to(pwq, &mine[i]);
	return 0;
}

/* Take what is filed off the worklist; each producer's items must come in order. */
static int take_filed(int *next)
{
	int nr = 0;

	while (!wq_list_is_empty(&pool.worklist)) {
		struct work_struct *work = wq_node_work(pool.worklist.next);
		int by = (int)((work - &pushed[0][0]) / PUSHES);

		assert_ptr_equal(work, &pushed[by][next[by]]);
		next[by]++;
		nr++;
		wq_list_del(wq_work_node(work));
		wq_pwq_settle_locked(pwq, wq_word_color(work->data));
	}
	return nr;
}

/* A4, B8 */
static void items_of_racing_producers_all_arrive_in_each_ones_order(void **state)
{
	struct call call[PUSHERS];
	int next[PUSHERS] = { 0 }, nr = 0;

	add_running();
	for (int i = 0; i < PUSHERS; i++)
		for (int j = 0; j < PUSHES; j++)
			INIT_WORK(&pushed[i][j], never_run);
	for (int i = 0; i < PUSHERS; i++)
		call_start(&call[i], push_many, pushed[i]);
	while (nr < PUSHERS * PUSHES) {
		wq_pool_lock(&pool);
		wq_pool_drain_locked(&pool);
		nr += take_filed(next);
		unlock_only();
	}
	for (int i = 0; i < PUSHERS; i++)
		call_join(&call[i]);
	assert_int_equal(pwq->nr_filed, PUSHERS * PUSHES);
}

/* ------------------------------------------------------------ who runs what */

static void set_item(struct wq_worker *worker, struct work_struct *work)
{
	worker->work = work;
	worker->func = work->func;
	wq_pool_add_busy_locked(&pool, worker);
}

/* B5 */
static void running_item_is_found_by_address_and_function(void **state)
{
	struct wq_worker *worker;

	wq_pool_lock(&pool);
	worker = new_worker();
	assert_null(wq_pool_find_busy_locked(&pool, &item[0], never_run));
	set_item(worker, &item[0]);
	assert_ptr_equal(wq_pool_find_busy_locked(&pool, &item[0], never_run), worker);
	assert_null(wq_pool_find_busy_locked(&pool, &item[0], another_func));
	assert_null(wq_pool_find_busy_locked(&pool, &item[1], never_run));
	wq_pool_del_busy_locked(&pool, worker);
	assert_null(wq_pool_find_busy_locked(&pool, &item[0], never_run));
	unlock_only();
}

/* More items than buckets, so that some share one. */
static void many_running_items_are_told_apart(void **state)
{
	enum { NR = 5 * WQ_BUSY_BUCKETS };
	static struct wq_worker *workers[NR];

	wq_pool_lock(&pool);
	for (int i = 0; i < NR; i++) {
		INIT_WORK(&pushed[0][i], never_run);
		workers[i] = new_worker();
		set_item(workers[i], &pushed[0][i]);
	}
	for (int i = 0; i < NR; i += 2)
		wq_pool_del_busy_locked(&pool, workers[i]);
	for (int i = 0; i < NR; i++)
		assert_ptr_equal(wq_pool_find_busy_locked(&pool, &pushed[0][i], never_run),
				 i % 2 ? workers[i] : NULL);
	unlock_only();
}

/* B7: memory used again for an item with another function, while the old one still runs. */
static void one_address_with_two_functions_is_two_items(void **state)
{
	struct wq_worker *first, *second;

	wq_pool_lock(&pool);
	first = new_worker();
	second = new_worker();
	set_item(first, &item[0]);
	item[0].func = another_func;
	set_item(second, &item[0]);
	assert_ptr_equal(wq_pool_find_busy_locked(&pool, &item[0], never_run), first);
	assert_ptr_equal(wq_pool_find_busy_locked(&pool, &item[0], another_func), second);
	unlock_only();
}

/* ---------------------------------------------------------------------- due */

static void due_are_woken_after_unlocking(void **state)
{
	struct wq_park park[WQ_MAX_DUE] = { { 0 } };

	add_running();
	wq_pool_lock(&pool);
	for (unsigned int i = 0; i < WQ_MAX_DUE; i++)
		wq_pool_due_locked(&pool, &park[i]);
	for (unsigned int i = 0; i < WQ_MAX_DUE; i++)
		assert_int_equal(park[i].word, 0);
	wq_pool_unlock(&pool);
	for (unsigned int i = 0; i < WQ_MAX_DUE; i++)
		assert_true(was_woken(&park[i]));
	look();
	for (unsigned int i = 0; i < WQ_MAX_DUE; i++)
		assert_false(was_woken(&park[i]));
}

static void more_due_than_there_is_room_for_are_woken_all_the_same(void **state)
{
	enum { NR = 3 * WQ_MAX_DUE + 1 };
	struct wq_park park[NR] = { { 0 } };

	add_running();
	wq_pool_lock(&pool);
	for (int i = 0; i < NR; i++)
		wq_pool_due_locked(&pool, &park[i]);
	wq_pool_unlock(&pool);
	for (int i = 0; i < NR; i++)
		assert_true(was_woken(&park[i]));
}

/* ------------------------------------------------------------ idle workers */

static void idle_worker_is_not_running(void **state)
{
	struct wq_worker *worker = add_running();

	wq_pool_lock(&pool);
	assert_int_equal(pool.nr_running, 1);
	wq_pool_idle_locked(&pool, worker);
	assert_int_equal(pool.nr_running, 0);
	assert_int_equal(pool.nr_idle, 1);
	assert_true(worker->is_idle);
	wq_pool_unidle_locked(&pool, worker);
	assert_int_equal(pool.nr_running, 1);
	assert_int_equal(pool.nr_idle, 0);
	assert_false(worker->is_idle);
	unlock_only();
}

/* The manager does not look at pools where nobody runs; it must learn that somebody does. */
static void manager_is_told_when_a_worker_begins_to_run(void **state)
{
	struct wq_worker *worker = add_idle();

	wq_manager_samples = false;
	look();
	assert_false(manager_was_woken());
	wq_pool_lock(&pool);
	wq_pool_unidle_locked(&pool, worker);
	wq_pool_unlock(&pool);
	assert_true(manager_was_woken());
}

/* Also where that is one who did not come from the idle ones, as a rescuer's. */
static void manager_is_told_when_somebody_joins_who_runs(void **state)
{
	wq_manager_samples = false;
	wq_pool_lock(&pool);
	wq_pool_enter_locked(&pool);
	wq_pool_unlock(&pool);
	assert_true(manager_was_woken());
}

static void manager_that_looks_by_itself_is_not_told(void **state)
{
	struct wq_worker *worker = add_idle();

	wq_pool_lock(&pool);
	wq_pool_unidle_locked(&pool, worker);
	wq_pool_uncount_locked(worker);
	wq_pool_recount_locked(worker);
	wq_pool_unlock(&pool);
	assert_false(manager_was_woken());
}

static void worker_leaves_the_count_and_comes_back(void **state)
{
	struct wq_worker *worker = add_running();

	wq_manager_samples = false;
	wq_pool_lock(&pool);
	wq_pool_uncount_locked(worker);
	assert_true(worker->is_uncounted);
	assert_int_equal(pool.nr_running, 0);
	wq_pool_recount_locked(worker);
	assert_false(worker->is_uncounted);
	assert_int_equal(pool.nr_running, 1);
	wq_pool_unlock(&pool);
	assert_true(manager_was_woken());
}

/* ------------------------------------------------- the wake rule: bound pools */

static void bound_pool_offers_its_newest_idle_worker(void **state)
{
	struct wq_worker *older = add_idle(), *newest = add_idle();

	look();
	assert_ptr_equal(offered(), &newest->park);
	assert_false(was_woken(&newest->park) || was_woken(&older->park));
	assert_true(newest->is_idle && older->is_idle);
}

static void bound_pool_without_workers_offers_the_manager(void **state)
{
	look();
	assert_ptr_equal(offered(), &wq_manager_park);
	assert_false(manager_was_woken());
}

/* L1 */
static void bound_pool_offers_nobody_while_a_worker_runs(void **state)
{
	add_idle();
	look();
	assert_non_null(offered());
	add_running();
	look();
	assert_null(offered());
}

static void bound_pool_wakes_its_newest_idle_worker_for_waiting_work(void **state)
{
	struct wq_worker *older = add_idle(), *newest = add_idle();

	push(0);
	look_and_drain();
	assert_true(was_woken(&newest->park));
	assert_false(was_woken(&older->park));
	assert_false(newest->is_idle);
	assert_true(older->is_idle);
	assert_int_equal(pool.nr_running, 1);
	assert_null(offered());
}

/* L1: one at a time, and he wakes the next when it is time. */
static void bound_pool_wakes_one_worker_for_many_items(void **state)
{
	struct wq_worker *older = add_idle(), *newest = add_idle();

	for (int i = 0; i < 5; i++)
		push(i);
	look_and_drain();
	look();
	assert_true(was_woken(&newest->park));
	assert_false(was_woken(&older->park));
}

/* L1 */
static void bound_pool_wakes_nobody_while_a_worker_runs(void **state)
{
	struct wq_worker *idle = add_idle();

	add_running();
	push(0);
	look_and_drain();
	assert_false(was_woken(&idle->park));
	assert_false(manager_was_woken());
	assert_int_equal(pool.nr_running, 1);
}

/* L1: when the running one waits, the next is woken. */
static void bound_pool_wakes_the_next_when_the_running_one_waits(void **state)
{
	struct wq_worker *idle = add_idle(), *running = add_running();

	push(0);
	push(1);
	wq_pool_lock(&pool);
	wq_pool_drain_locked(&pool);
	begin_item(running, &item[0]);
	wq_pool_unlock(&pool);
	assert_false(was_woken(&idle->park));
	wq_pool_lock(&pool);
	wq_pool_uncount_locked(running);
	wq_pool_unlock(&pool);
	assert_true(was_woken(&idle->park));
}

static void bound_pool_asks_the_manager_once_for_a_worker(void **state)
{
	push(0);
	look_and_drain();
	assert_true(manager_was_woken());
	assert_true(pool.wants_worker);
	look();
	look();
	assert_false(manager_was_woken());
	pool.wants_worker = false; /* it has come, and failed */
	look();
	assert_true(manager_was_woken());
}

/* ----------------------------------------------- the wake rule: unbound pools */

/* L7 */
static void unbound_pool_offers_an_idle_worker_whoever_runs(void **state)
{
	struct wq_worker *idle = add_idle();

	for (int i = 0; i < 2 * MAX_RUNNING; i++)
		add_running();
	look();
	assert_ptr_equal(offered(), &idle->park);
}

static void unbound_pool_offers_the_manager_up_to_its_limit(void **state)
{
	for (int nr = 0; nr < MAX_RUNNING; nr++) {
		look();
		assert_ptr_equal(offered(), &wq_manager_park);
		add_running();
	}
	look();
	assert_null(offered());
}

/* L7 */
static void unbound_pool_wakes_idle_workers_one_by_one(void **state)
{
	struct wq_worker *idle[3] = { add_idle(), add_idle(), add_idle() };

	for (int i = 0; i < 5; i++)
		push(i);
	look_and_drain();
	for (int i = 2; i >= 0; i--) {
		assert_true(was_woken(&idle[i]->park));
		assert_int_equal(pool.nr_running, 3 - i);
		look(); /* as the one just woken does */
	}
	assert_int_equal(pool.nr_idle, 0);
}

static void unbound_pool_asks_the_manager_up_to_its_limit(void **state)
{
	push(0);
	push(1);
	for (int nr = 0; nr < MAX_RUNNING; nr++) {
		look_and_drain();
		assert_true(manager_was_woken());
		pool.wants_worker = false;
		add_running();
	}
	look();
	assert_false(manager_was_woken());
	assert_false(pool.wants_worker);
}

/* C: the sampler steps around whoever computes for long. */
static void unbound_pool_asks_for_more_when_a_running_one_is_uncounted(void **state)
{
	struct wq_worker *running = NULL;

	push(0);
	push(1);
	for (int nr = 0; nr < MAX_RUNNING; nr++)
		running = add_running();
	wq_pool_lock(&pool);
	wq_pool_drain_locked(&pool);
	begin_item(running, &item[0]);
	wq_pool_unlock(&pool);
	assert_false(manager_was_woken());
	wq_pool_lock(&pool);
	wq_pool_uncount_locked(running);
	wq_pool_unlock(&pool);
	assert_true(manager_was_woken());
}

/* ------------------------------------------------------- offers and pushes */

static void push_takes_the_offer_and_wakes_once(void **state)
{
	struct wq_worker *worker = add_idle();

	look();
	push(0);
	assert_null(offered());
	assert_true(was_woken(&worker->park));
	push(1);
	assert_false(was_woken(&worker->park));
}

/* Whoever took the waker may be stopped before he wakes him. */
static void later_push_wakes_the_manager_unless_it_looks_by_itself(void **state)
{
	add_idle();
	look();
	push(0);
	push(1);
	assert_false(manager_was_woken());
	wq_manager_samples = false;
	push(2);
	assert_true(manager_was_woken());
}

static void push_that_wakes_a_worker_does_not_wake_the_manager(void **state)
{
	wq_manager_samples = false;
	add_idle();
	look();
	push(0);
	assert_false(manager_was_woken());
}

static void first_push_to_a_pool_without_workers_wakes_the_manager(void **state)
{
	look();
	push(0);
	assert_true(manager_was_woken());
}

/* Nobody was offered when it was pushed: whoever held the lock must see it. */
static void push_during_a_lock_hold_is_seen_at_its_end(void **state)
{
	struct wq_worker *worker = add_idle();

	wq_pool_lock(&pool);
	assert_null(offered());
	push(0);
	assert_false(was_woken(&worker->park));
	wq_pool_unlock(&pool);
	assert_true(was_woken(&worker->park));
	assert_false(worker->is_idle);
	assert_list(&pool.worklist, 0);
	assert_null(offered());
}

static void push_during_a_lock_hold_waits_for_the_running_worker(void **state)
{
	struct wq_worker *worker = add_idle();

	add_running();
	wq_pool_lock(&pool);
	push(0);
	wq_pool_unlock(&pool);
	assert_false(was_woken(&worker->park));
	assert_ptr_equal(pool.intake, &item[0]);
}

/* He was woken by the push and is on his way; a lock hold of somebody else comes first. */
static void item_whose_waker_was_taken_is_not_forgotten(void **state)
{
	struct wq_worker *worker = add_idle();

	look();
	push(0);
	look();
	assert_list(&pool.worklist, 0);
	assert_false(worker->is_idle);
	assert_true(was_woken(&worker->park));
}

static void offer_is_withdrawn_when_it_goes_out_of_date(void **state)
{
	struct wq_worker *first = add_idle(), *second;

	look();
	assert_ptr_equal(offered(), &first->park);
	second = add_idle();
	look();
	assert_ptr_equal(offered(), &second->park);
	wq_pool_lock(&pool);
	wq_pool_unidle_locked(&pool, second);
	wq_pool_unlock(&pool);
	assert_null(offered());
}

static void offer_is_withdrawn_when_its_worker_is_woken_otherwise(void **state)
{
	struct wq_worker *worker = add_idle();

	look();
	assert_ptr_equal(offered(), &worker->park);
	wq_pool_lock(&pool);
	file(0);
	wq_pool_unlock(&pool);
	assert_true(was_woken(&worker->park));
	assert_null(offered());
}

static void woken_waker_is_taken_by_one_of_two(void **state)
{
	struct wq_worker *worker = add_idle();

	look();
	assert_ptr_equal(wq_pool_take_waker(&pool), &worker->park);
	assert_null(wq_pool_take_waker(&pool));
}

/* ------------------------------------------------- a thread that really works */

enum {
	RUNS = 5000,
	PRODUCERS = 2,
};

struct counted {
	struct work_struct work;
	atomic_int runs;
};

static struct counted counted[PRODUCERS];

static void count_run(struct work_struct *work)
{
	struct counted *mine = container_of(work, struct counted, work);

	atomic_fetch_add(&mine->runs, 1);
}

/* Push, wait for the run, push again: each time the worker may be about to sleep. */
static long push_one_by_one(void *arg)
{
	struct counted *mine = arg;
	long long give_up = deadline_ns();

	for (int i = 1; i <= RUNS; i++) {
		push_to(pwq, &mine->work);
		while (atomic_load(&mine->runs) < i) {
			must(now_ns() < give_up);
			sched_yield();
		}
	}
	return 0;
}

/* A4 */
static void no_push_is_left_without_a_worker(void **state)
{
	struct call work, produce[PRODUCERS];
	struct wq_worker *worker = start_worker(&pool, &work);

	for (int i = 0; i < PRODUCERS; i++) {
		INIT_WORK(&counted[i].work, count_run);
		atomic_store(&counted[i].runs, 0);
		call_start(&produce[i], push_one_by_one, &counted[i]);
	}
	for (int i = 0; i < PRODUCERS; i++)
		call_join(&produce[i]);
	reap(worker);
	call_join(&work);
	assert_int_equal(pwq->nr_filed, PRODUCERS * RUNS);
	assert_int_equal(pool.nr_workers, 0);
	assert_int_equal(pool.nr_running, 0);
	assert_int_equal(pool.nr_idle, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_test(pushed_items_are_filed_in_order),
		bound_test(drain_of_an_empty_intake_does_nothing),
		bound_test(push_of_an_own_worker_comes_behind_earlier_ones),
		bound_test(push_of_an_own_worker_does_not_wait_for_the_lock),
		bound_test(item_that_queues_itself_alone_stays_with_its_worker),
		unbound_test(item_that_queues_itself_alone_stays_with_its_worker),
		bound_test(item_that_is_to_run_again_is_filed_first),
		bound_test(second_worker_s_item_is_filed_while_another_is_to_run_again),
		bound_test(item_that_queues_itself_behind_others_waits_its_turn),
		bound_test(other_item_queued_by_a_worker_goes_to_the_worklist),
		bound_test(item_that_queues_itself_over_the_limit_is_inactive),
		bound_test(item_made_anew_in_its_own_function_is_another_one),
		bound_test(items_of_racing_producers_all_arrive_in_each_ones_order),
		bound_test(running_item_is_found_by_address_and_function),
		bound_test(many_running_items_are_told_apart),
		bound_test(one_address_with_two_functions_is_two_items),
		bound_test(due_are_woken_after_unlocking),
		bound_test(more_due_than_there_is_room_for_are_woken_all_the_same),
		bound_test(idle_worker_is_not_running),
		bound_test(manager_is_told_when_a_worker_begins_to_run),
		bound_test(manager_is_told_when_somebody_joins_who_runs),
		bound_test(manager_that_looks_by_itself_is_not_told),
		bound_test(worker_leaves_the_count_and_comes_back),
		bound_test(bound_pool_offers_its_newest_idle_worker),
		bound_test(bound_pool_without_workers_offers_the_manager),
		bound_test(bound_pool_offers_nobody_while_a_worker_runs),
		bound_test(bound_pool_wakes_its_newest_idle_worker_for_waiting_work),
		bound_test(bound_pool_wakes_one_worker_for_many_items),
		bound_test(bound_pool_wakes_nobody_while_a_worker_runs),
		bound_test(bound_pool_wakes_the_next_when_the_running_one_waits),
		bound_test(bound_pool_asks_the_manager_once_for_a_worker),
		unbound_test(unbound_pool_offers_an_idle_worker_whoever_runs),
		unbound_test(unbound_pool_offers_the_manager_up_to_its_limit),
		unbound_test(unbound_pool_wakes_idle_workers_one_by_one),
		unbound_test(unbound_pool_asks_the_manager_up_to_its_limit),
		unbound_test(unbound_pool_asks_for_more_when_a_running_one_is_uncounted),
		bound_test(push_takes_the_offer_and_wakes_once),
		bound_test(later_push_wakes_the_manager_unless_it_looks_by_itself),
		bound_test(push_that_wakes_a_worker_does_not_wake_the_manager),
		bound_test(first_push_to_a_pool_without_workers_wakes_the_manager),
		bound_test(push_during_a_lock_hold_is_seen_at_its_end),
		bound_test(push_during_a_lock_hold_waits_for_the_running_worker),
		bound_test(item_whose_waker_was_taken_is_not_forgotten),
		bound_test(offer_is_withdrawn_when_it_goes_out_of_date),
		bound_test(offer_is_withdrawn_when_its_worker_is_woken_otherwise),
		bound_test(woken_waker_is_taken_by_one_of_two),
		bound_test(no_push_is_left_without_a_worker),
		unbound_test(no_push_is_left_without_a_worker),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
