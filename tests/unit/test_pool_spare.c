/* SPDX-License-Identifier: MIT */
/*
 * test_pool_spare.c - a worker that goes to work leaves an idle one behind, or asks for one.
 */
#include "handmade.h"

static struct wq_worker *first;

static void spare_begin(unsigned int flags)
{
	handmade_begin(flags, WQ_DFL_ACTIVE);
	pool.max_running = 2;
	wq_pool_lock(&pool);
	first = new_worker();
	unlock_only();
}

static int bound_begin(void **state)
{
	spare_begin(WQ_PERCPU);
	return unit_begin(state);
}

static int unbound_begin(void **state)
{
	spare_begin(WQ_UNBOUND);
	return unit_begin(state);
}

static int spare_end(void **state)
{
	handmade_end();
	return unit_end(state);
}

#define bound_test(fn)   cmocka_unit_test_setup_teardown(fn, bound_begin, spare_end)
#define unbound_test(fn) cmocka_unit_test_setup_teardown(fn, unbound_begin, spare_end)

static bool manager_was_woken(void)
{
	return was_woken(&wq_manager_park);
}

static void go_to_work(void)
{
	wq_pool_lock(&pool);
	wq_pool_want_spare_locked(&pool);
	wq_pool_unlock(&pool);
}

/* Q2 */
static void manager_is_asked_once_for_a_spare_worker(void **state)
{
	go_to_work();
	assert_true(manager_was_woken());
	assert_true(pool.wants_worker);
	go_to_work();
	assert_false(manager_was_woken());
}

/* Q2 */
static void idle_worker_is_spare_enough(void **state)
{
	wq_pool_lock(&pool);
	new_idle_worker();
	unlock_only();
	go_to_work();
	assert_false(manager_was_woken());
}

/* Or two would be made for each that is missing. */
/* Q2 */
static void worker_on_its_way_is_the_spare_one(void **state)
{
	pool.nr_starting = 1;
	go_to_work();
	assert_false(manager_was_woken());
}

/* M1 */
static void pool_for_bh_has_no_spare_worker(void **state)
{
	struct wq_turn turn = { 0 };

	pool.turn = &turn;
	go_to_work();
	assert_false(manager_was_woken());
	pool.turn = NULL;
}

/* More would only run more at once than there are CPUs. */
/* Q2, L7 */
static void unbound_pool_has_spare_workers_up_to_its_limit(void **state)
{
	go_to_work();
	assert_true(manager_was_woken());
	pool.wants_worker = false;
	wq_pool_lock(&pool);
	new_worker();
	unlock_only();
	go_to_work();
	assert_false(manager_was_woken());
	wq_pool_lock(&pool);
	file(0);
	begin_item(first, &item[0]);
	wq_pool_uncount_locked(first);
	unlock_only();
	go_to_work();
	assert_true(manager_was_woken());
}

/* Q2 */
static void pool_without_workers_lacks_none(void **state)
{
	wq_pool_lock(&pool);
	wq_pool_leave_locked(&pool);
	wq_worker_release_locked(first);
	assert_false(wq_pool_lacks_spare_locked(&pool));
	unlock_only();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_test(manager_is_asked_once_for_a_spare_worker),
		bound_test(idle_worker_is_spare_enough),
		unbound_test(idle_worker_is_spare_enough),
		bound_test(worker_on_its_way_is_the_spare_one),
		bound_test(pool_for_bh_has_no_spare_worker),
		unbound_test(unbound_pool_has_spare_workers_up_to_its_limit),
		bound_test(pool_without_workers_lacks_none),
	};

	return cmocka_run_group_tests_name("pool_spare", tests, NULL, NULL);
}
