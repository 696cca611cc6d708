/* SPDX-License-Identifier: MIT */
/*
 * test_limit.c - how many items may be active: counted alone, or by several pools together.
 *
 * Whose turn it is when there is room stands in test_limit_line.c.
 */
#include "limit_calls.h"

enum {
	LIMIT = 3,
};

static int own_begin(void **state)
{
	handmade_begin(WQ_PERCPU, LIMIT);
	wq_pool_lock(&pool);
	return unit_begin(state);
}

static int own_end(void **state)
{
	unlock_only();
	handmade_end();
	return unit_end(state);
}

/* With one pool, whose lock is held throughout; its pwq has its limit alone. */
#define own_test(fn) cmocka_unit_test_setup_teardown(fn, own_begin, own_end)

static void file_all(int first, int last)
{
	for (int i = first; i <= last; i++)
		file(i);
}

/* --------------------------------------------------------------------- alone */

static void new_limit_has_room_and_nobody_waits(void **state)
{
	assert_int_equal(limit.nr, 0);
	assert_int_equal(limit.max, 1);
	assert_int_equal(limit.lock.rank, WQ_RANK_LIMIT);
	assert_no_line();
	come(0);
	assert_true(is_active(0));
}

/* C1 */
static void limit_of_one_pwq_is_counted_without_a_line(void **state)
{
	file_all(0, 5);
	assert_list(&pool.worklist, 0, 1, 2);
	assert_list(&pwq->inactive, 3, 4, 5);
	assert_int_equal(nr_active(pwq), LIMIT);
	assert_false(pwq->is_waiting);
	assert_int_equal(pwq->own.nr_waiting, 0);
	assert_empty(&pool.holding);
}

/* C6 */
static void raised_limit_starts_waiting_items_in_order(void **state)
{
	file_all(0, 7);
	set_max(pwq, 5);
	assert_list(&pool.worklist, 0, 1, 2, 3, 4);
	assert_list(&pwq->inactive, 5, 6, 7);
	set_max(pwq, 100);
	assert_list(&pool.worklist, 0, 1, 2, 3, 4, 5, 6, 7);
	assert_empty(&pwq->inactive);
}

/* C6 */
static void lowered_limit_stops_nobody(void **state)
{
	struct wq_worker *worker = new_worker();

	file_all(0, 2);
	set_max(pwq, 1);
	assert_list(&pool.worklist, 0, 1, 2);
	file(3);
	assert_list(&pwq->inactive, 3);
	for (int i = 0; i < 2; i++) {
		begin_item(worker, &item[i]);
		end_item(worker);
		assert_list(&pwq->inactive, 3);
	}
	begin_item(worker, &item[2]);
	end_item(worker);
	assert_list(&pool.worklist, 3);
}

/* C6, N1 */
static void limit_of_none_holds_everything_back_until_it_is_raised(void **state)
{
	set_max(pwq, 0);
	file_all(0, 2);
	assert_empty(&pool.worklist);
	assert_int_equal(nr_active(pwq), 0);
	set_max(pwq, 2);
	assert_list(&pool.worklist, 0, 1);
	assert_list(&pwq->inactive, 2);
}

/* What others have queued before it is served comes first (B8). */
static void intake_is_filed_before_held_back_items_start(void **state)
{
	struct workqueue_struct other;
	struct wq_pwq *other_pwq;

	handmade_wq(&other, WQ_PERCPU, 1);
	other_pwq = new_pwq(&other, &pool);
	file_all(0, 3);
	push_to(other_pwq, &item[10]);
	wq_store_relaxed(&pwq->own.max, 4u);
	wq_limit_serve_locked(pwq);
	assert_list(&pool.worklist, 0, 1, 2, 10, 3);
	wq_pwq_free(other_pwq);
}

/* B9 */
static void plugged_pwq_holds_everything_back(void **state)
{
	pwq->is_plugged = true;
	file_all(0, 1);
	set_max(pwq, 10);
	assert_empty(&pool.worklist);
	assert_list(&pwq->inactive, 0, 1);
	assert_int_equal(nr_active(pwq), 0);
	pwq->is_plugged = false;
	wq_limit_serve_locked(pwq);
	assert_list(&pool.worklist, 0, 1);
	file(2);
	assert_list(&pool.worklist, 0, 1, 2);
}

/* ------------------------------------------------------------------ together */

/* C3 */
static void pwqs_that_share_a_limit_count_together(void **state)
{
	limit.max = 2;
	come(0);
	come(10);
	come(11);
	come(20);
	assert_list(&pools[0].worklist, 0);
	assert_list(&pools[1].worklist, 10);
	assert_list(&on[1]->inactive, 11);
	assert_empty(&pools[2].worklist);
	assert_list(&on[2]->inactive, 20);
	assert_int_equal(limit.nr, 2);
	assert_line(1, 2);
}

/* C1 */
static void last_item_of_a_shared_limit_leaves_nothing(void **state)
{
	come(0);
	come(10);
	finish(0);
	look(1);
	finish(10);
	assert_int_equal(limit.nr, 0);
	assert_no_line();
	for (int p = 0; p < POOLS; p++)
		assert_true(wq_list_is_empty(&pools[p].holding) && !is_kicked(p));
}

/* C2 */
static void newcomer_does_not_overtake_who_waits_in_another_pool(void **state)
{
	come(0);
	come(10);
	finish(0);
	assert_int_equal(limit.nr, 0);
	come(1);
	assert_true(is_held(1));
	assert_line(1, 0);
	look(1);
	assert_true(is_active(10));
	assert_true(is_held(1));
}

/* C2 */
static void newcomer_does_not_overtake_its_own_pwqs_items(void **state)
{
	come(0);
	come(1);
	limit.max = 3;
	come(2);
	assert_true(is_held(1) && is_held(2));
	serve(0);
	assert_list(&pools[0].worklist, 0, 1, 2);
	assert_no_line();
}

/* C6 */
static void raised_shared_limit_is_given_out_along_the_line(void **state)
{
	come(0);
	come(10);
	come(11);
	come(20);
	come(1);
	assert_line(1, 2, 0);
	limit.max = 4;
	for (int p = 0; p < POOLS; p++)
		serve(p);
	look_all();
	assert_true(is_active(10) && is_active(20) && is_active(1));
	assert_int_equal(limit.nr, 4);
	assert_line(1);
	assert_true(is_held(11));
}

/* C6 */
static void lowered_shared_limit_stops_nobody_and_starts_nobody(void **state)
{
	limit.max = 3;
	come(0);
	come(1);
	come(10);
	come(20);
	limit.max = 1;
	serve(2);
	finish(0);
	finish(1);
	look_all();
	assert_int_equal(limit.nr, 1);
	assert_true(is_active(10) && is_held(20));
	finish(10);
	look_all();
	assert_true(is_active(20));
}

/* B9 */
static void plugged_pwq_stands_in_no_line(void **state)
{
	on[1]->is_plugged = true;
	come(10);
	assert_true(is_held(10));
	assert_no_line();
	assert_empty(&pools[1].holding);
	assert_int_equal(limit.nr, 0);
	come(0);
	assert_true(is_active(0));
	on[1]->is_plugged = false;
	serve(1);
	assert_true(is_held(10));
	assert_line(1);
	finish(0);
	look(1);
	assert_true(is_active(10));
}

/* ------------------------------------------- another one joins, or is left alone */

/* O7 */
static void held_back_items_stand_in_line_from_when_the_limit_is_shared(void **state)
{
	leave_alone(0);
	come(0);
	come(1);
	assert_true(is_held(1));
	assert_no_line();
	share(0, true);
	assert_line(0);
	assert_true(is_held(1));
	come(10);
	assert_line(0, 1);
	finish(0);
	assert_true(is_active(1));
	finish(1);
	look(1);
	assert_true(is_active(10));
}

static void pwq_without_held_back_items_joins_no_line(void **state)
{
	leave_alone(0);
	come(0);
	share(0, true);
	assert_no_line();
	assert_int_equal(limit.nr, 1);
	come(10);
	finish(0);
	look(1);
	assert_true(is_active(10));
}

/* O7 */
static void pwq_that_is_left_alone_goes_on_without_a_line(void **state)
{
	come(0);
	come(1);
	come(2);
	assert_line(0);
	share(0, false);
	assert_no_line();
	assert_empty(&pools[0].holding);
	assert_list(&on[0]->inactive, 1, 2);
	finish(0);
	assert_list(&pools[0].worklist, 1);
	finish(1);
	assert_list(&pools[0].worklist, 2);
	finish(2);
	assert_int_equal(limit.nr, 0);
}

/* Its turn was under way. */
static void pwq_that_is_left_alone_takes_the_room_there_is(void **state)
{
	come(10);
	come(0);
	finish(10);
	assert_true(is_kicked(0) && is_held(0));
	share(0, false);
	assert_true(is_active(0));
	assert_int_equal(limit.nr, 1);
	look(0);
	assert_false(is_kicked(0));
	assert_int_equal(limit.nr, 1);
}

static void sharing_what_is_shared_changes_nothing(void **state)
{
	come(0);
	come(1);
	come(10);
	share(0, true);
	assert_line(0, 1);
	assert_true(is_held(1) && is_held(10));
	leave_alone(2);
	share(2, false);
	assert_line(0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		limit_test(new_limit_has_room_and_nobody_waits),
		own_test(limit_of_one_pwq_is_counted_without_a_line),
		own_test(raised_limit_starts_waiting_items_in_order),
		own_test(lowered_limit_stops_nobody),
		own_test(limit_of_none_holds_everything_back_until_it_is_raised),
		own_test(intake_is_filed_before_held_back_items_start),
		own_test(plugged_pwq_holds_everything_back),
		limit_test(pwqs_that_share_a_limit_count_together),
		limit_test(last_item_of_a_shared_limit_leaves_nothing),
		limit_test(newcomer_does_not_overtake_who_waits_in_another_pool),
		limit_test(newcomer_does_not_overtake_its_own_pwqs_items),
		limit_test(raised_shared_limit_is_given_out_along_the_line),
		limit_test(lowered_shared_limit_stops_nobody_and_starts_nobody),
		limit_test(plugged_pwq_stands_in_no_line),
		limit_test(held_back_items_stand_in_line_from_when_the_limit_is_shared),
		limit_test(pwq_without_held_back_items_joins_no_line),
		limit_test(pwq_that_is_left_alone_goes_on_without_a_line),
		limit_test(pwq_that_is_left_alone_takes_the_room_there_is),
		limit_test(sharing_what_is_shared_changes_nothing),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
