/* SPDX-License-Identifier: MIT */
/*
 * test_limit_line.c - pwqs that wait in line for a limit they share: turns, and kicks, by
 * which a turn is handed to another pool.
 */
#include "limit_calls.h"

/* -------------------------------------------------------------------- turns */

/* C4 */
static void who_waits_is_served_in_turn_whoever_held_back_more(void **state)
{
	static const int order[] = { 1, 10, 20, 2, 11, 21, 3, 12 };

	come(0);
	come(1);
	come(2);
	come(10);
	come(20);
	come(3);
	come(11);
	come(12);
	come(21);
	finish(0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		look_all();
		assert_true(is_active(order[i]));
		assert_int_equal(limit.nr, 1);
		finish(order[i]);
	}
	look_all();
	assert_no_line();
	assert_int_equal(limit.nr, 0);
}

/* B8 */
static void items_of_one_pwq_start_in_their_order(void **state)
{
	come(0);
	for (int i = 1; i < 4; i++)
		come(i);
	for (int i = 0; i < 3; i++) {
		finish(i);
		assert_list(&pools[0].worklist, i + 1);
	}
}

static void pwq_goes_to_the_end_of_the_line_after_its_turn(void **state)
{
	come(0);
	come(10);
	come(11);
	come(20);
	assert_line(1, 2);
	finish(0);
	look_all();
	assert_line(2, 1);
	finish(10);
	look_all();
	assert_line(1);
	finish(20);
	look_all();
	assert_no_line();
	assert_true(is_active(11));
}

/* One more slot than turns of its own. */
static void pool_serves_as_far_as_it_is_its_turn_and_hands_on(void **state)
{
	limit.max = 3;
	for (int i = 0; i < 3; i++)
		come(i);
	come(3);
	come(10);
	come(4);
	wq_pool_lock(&pools[0]);
	limit.max = 6;
	wq_limit_serve_locked(on[0]);
	wq_pool_unlock(&pools[0]);
	assert_true(is_active(3) && is_held(4) && is_held(10));
	assert_true(is_kicked(1) && !is_kicked(0));
	look(1);
	assert_true(is_active(10) && is_kicked(0));
	look(0);
	assert_true(is_active(4));
	assert_no_line();
}

/* -------------------------------------------------------------------- kicks */

static void room_for_ones_own_pool_needs_no_kick(void **state)
{
	come(0);
	come(1);
	finish(0);
	assert_true(is_active(1));
	assert_false(is_kicked(0));
	assert_null(pools[0].intake);
}

static void room_for_another_pool_is_handed_on_by_a_kick(void **state)
{
	come(0);
	come(10);
	finish(0);
	assert_true(is_kicked(1) && is_held(10));
	assert_ptr_equal(pools[1].intake, &pools[1].kick);
	assert_null(pools[1].kick.entry.next);
	assert_int_equal(limit.nr, 0);
	look(1);
	assert_true(is_active(10));
	assert_false(is_kicked(1));
	assert_null(pools[1].intake);
}

static void kicked_pool_is_not_kicked_again_before_it_has_looked(void **state)
{
	limit.max = 2;
	come(0);
	come(1);
	come(10);
	come(11);
	finish(0);
	finish(1);
	assert_ptr_equal(pools[1].intake, &pools[1].kick);
	assert_null(pools[1].kick.entry.next);
	look(1);
	assert_list(&pools[1].worklist, 10, 11);
	assert_int_equal(limit.nr, 2);
}

/* As a push wakes: the worker or the manager that the pool offered. */
static void kick_wakes_whom_the_other_pool_offers(void **state)
{
	struct wq_park park = { 0 };

	come(0);
	come(10);
	pools[1].waker = pools[1].offer = &park;
	wq_pool_lock(&pools[0]);
	settle_locked(&item[0]);
	assert_null(pools[1].waker);
	assert_false(was_woken(&park));
	wq_pool_unlock(&pools[0]);
	assert_true(was_woken(&park));
}

static void kick_wakes_the_manager_if_nobody_looks(void **state)
{
	come(0);
	come(10);
	wq_manager_samples = false;
	finish(0);
	assert_true(was_woken(&wq_manager_park));
}

/* B8 */
static void kick_has_its_place_among_items(void **state)
{
	struct workqueue_struct other;
	struct wq_pwq *other_pwq;

	handmade_wq(&other, WQ_UNBOUND, 5);
	other_pwq = new_pwq(&other, &pools[1]);
	come(0);
	come(10);
	push_to(other_pwq, &item[11]);
	finish(0);
	push_to(other_pwq, &item[12]);
	look(1);
	assert_list(&pools[1].worklist, 11, 10, 12);
	wq_pwq_free(other_pwq);
}

/* C4 */
static void kicked_pool_serves_each_limit_that_it_waits_for(void **state)
{
	struct workqueue_struct other;
	struct wq_limit others;
	struct wq_pwq *here, *there;

	handmade_wq(&other, WQ_UNBOUND, 1);
	memset(&others, 0, sizeof(others));
	wq_limit_init(&others, 1);
	here = wq_pwq_create(&other, &pools[0], &others);
	there = wq_pwq_create(&other, &pools[1], &others);
	here->shares_limit = there->shares_limit = true;
	come(0);
	come(10);
	wq_pool_lock(&pools[0]);
	file_with(here, &item[5], 0);
	wq_pool_unlock(&pools[0]);
	wq_pool_lock(&pools[1]);
	file_with(there, &item[15], 0);
	wq_pool_unlock(&pools[1]);
	assert_true(is_held(10) && is_held(15));
	finish(0);
	finish(5);
	look(1);
	assert_true(is_active(10) && is_active(15));
	assert_int_equal(others.nr_waiting, 0);
	assert_empty(&pools[1].holding);
	wq_pwq_free(here);
	wq_pwq_free(there);
}

/* Its turn has come, but the room is gone: lowered meanwhile. */
static void kicked_pool_that_finds_no_room_stays_in_line(void **state)
{
	come(0);
	come(10);
	finish(0);
	limit.max = 0;
	look(1);
	assert_true(is_held(10));
	assert_line(1);
	limit.max = 1;
	serve(1);
	assert_true(is_active(10));
}

static void kick_for_a_pool_that_waits_no_more_does_nothing(void **state)
{
	come(0);
	come(10);
	finish(0);
	cancel(10);
	look(1);
	assert_false(is_kicked(1));
	assert_int_equal(limit.nr, 0);
	assert_no_line();
}

/* ------------------------------------------------------------- leaving the line */

/* G1 */
static void cancelled_item_leaves_the_line_if_it_was_the_only_one(void **state)
{
	come(0);
	come(10);
	come(11);
	come(20);
	cancel(10);
	assert_line(1, 2);
	assert_false(is_kicked(1) || is_kicked(2));
	cancel(11);
	assert_line(2);
	assert_false(on[1]->is_waiting);
	assert_empty(&pools[1].holding);
	finish(0);
	assert_false(is_kicked(1));
	look(2);
	assert_true(is_active(20));
}

/* G1, C4 */
static void turn_of_a_cancelled_item_goes_to_the_next_in_line(void **state)
{
	come(0);
	come(10);
	come(20);
	finish(0);
	assert_true(is_kicked(1));
	cancel(10);
	assert_true(is_kicked(2));
	look_all();
	assert_true(is_active(20));
	assert_no_line();
}

/* G1 */
static void cancelled_active_item_makes_room_for_the_line(void **state)
{
	come(0);
	come(10);
	cancel(0);
	assert_int_equal(limit.nr, 0);
	look(1);
	assert_true(is_active(10));
	assert_int_equal(limit.nr, 1);
}

/* I4 */
static void item_that_comes_back_waits_at_the_end_of_the_line(void **state)
{
	come(0);
	come(10);
	come(20);
	cancel(10);
	come(10);
	assert_line(2, 1);
	finish(0);
	look_all();
	assert_true(is_active(20) && is_held(10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		limit_test(who_waits_is_served_in_turn_whoever_held_back_more),
		limit_test(items_of_one_pwq_start_in_their_order),
		limit_test(pwq_goes_to_the_end_of_the_line_after_its_turn),
		limit_test(pool_serves_as_far_as_it_is_its_turn_and_hands_on),
		limit_test(room_for_ones_own_pool_needs_no_kick),
		limit_test(room_for_another_pool_is_handed_on_by_a_kick),
		limit_test(kicked_pool_is_not_kicked_again_before_it_has_looked),
		limit_test(kick_wakes_whom_the_other_pool_offers),
		limit_test(kick_wakes_the_manager_if_nobody_looks),
		limit_test(kick_has_its_place_among_items),
		limit_test(kicked_pool_serves_each_limit_that_it_waits_for),
		limit_test(kicked_pool_that_finds_no_room_stays_in_line),
		limit_test(kick_for_a_pool_that_waits_no_more_does_nothing),
		limit_test(cancelled_item_leaves_the_line_if_it_was_the_only_one),
		limit_test(turn_of_a_cancelled_item_goes_to_the_next_in_line),
		limit_test(cancelled_active_item_makes_room_for_the_line),
		limit_test(item_that_comes_back_waits_at_the_end_of_the_line),
	};

	return cmocka_run_group_tests_name("limit_line", tests, NULL, NULL);
}
