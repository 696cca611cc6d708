/* SPDX-License-Identifier: MIT */
/*
 * test_barrier.c - callers that wait for one item.
 */
#include "../support/step.h"
#include "handmade.h"

enum {
	BARRIERS = 20,
};

static struct wq_barrier barrier[BARRIERS];
static struct wq_park park[BARRIERS];
static struct wq_worker *worker;

static int barrier_begin(void **state)
{
	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	memset(barrier, 0, sizeof(barrier));
	memset(park, 0, sizeof(park));
	for (int i = 0; i < BARRIERS; i++)
		barrier[i].park = &park[i];
	wq_pool_lock(&pool);
	worker = new_worker();
	return unit_begin(state);
}

static int barrier_end(void **state)
{
	unlock_only();
	handmade_end();
	return unit_end(state);
}

#define barrier_test(fn) cmocka_unit_test_setup_teardown(fn, barrier_begin, barrier_end)

static void hang_behind(int i, int id)
{
	wq_barrier_add_filed_locked(&pool, &barrier[i], &item[id]);
}

static int nr_done(void)
{
	int nr = 0;

	for (int i = 0; i < BARRIERS; i++)
		nr += wq_load_acquire(&barrier[i].is_done) != 0;
	return nr;
}

static int nr_woken(void)
{
	int nr = 0;

	wq_pool_unlock(&pool);
	for (int i = 0; i < BARRIERS; i++)
		nr += was_woken(&park[i]);
	wq_pool_lock(&pool);
	return nr;
}

static void barrier_marks_its_item_and_nothing_else(void **state)
{
	file(0);
	file(1);
	hang_behind(0, 0);
	assert_int_equal(item[0].data, wq_word_queued(pwq, 0) | WQ_WORK_BARRIER);
	assert_int_equal(item[1].data, wq_word_queued(pwq, 0));
	assert_int_equal(nr_done(), 0);
	assert_list(&pool.worklist, 0, 1);
}

/* C5 */
static void barrier_counts_nowhere(void **state)
{
	file(0);
	hang_behind(0, 0);
	hang_behind(1, 0);
	assert_int_equal(nr_active(pwq), 1);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 1);
}

/* E1, E5 */
static void barriers_are_complete_when_their_item_has_run(void **state)
{
	file(0);
	hang_behind(0, 0);
	hang_behind(1, 0);
	begin_item(worker, &item[0]);
	assert_int_equal(nr_done(), 0);
	assert_int_equal(nr_woken(), 0);
	end_item(worker);
	assert_true(barrier[0].is_done && barrier[1].is_done);
	assert_int_equal(nr_woken(), 2);
	assert_empty(&worker->waiters);
	assert_empty(&pool.barriers[wq_work_bucket(&item[0])]);
}

static void only_the_barriers_of_the_item_move_with_it(void **state)
{
	file(0);
	file(1);
	for (int i = 0; i < 6; i++)
		hang_behind(i, i % 2);
	begin_item(worker, &item[1]);
	end_item(worker);
	for (int i = 0; i < 6; i++)
		assert_int_equal(barrier[i].is_done, i % 2);
	begin_item(worker, &item[0]);
	end_item(worker);
	assert_int_equal(nr_done(), 6);
}

/* E2: whoever comes for the next run does not get this one. */
static void barrier_of_the_next_run_does_not_end_with_this_one(void **state)
{
	file(0);
	hang_behind(0, 0);
	begin_item(worker, &item[0]);
	file(0);
	hang_behind(1, 0);
	end_item(worker);
	assert_true(barrier[0].is_done);
	assert_false(barrier[1].is_done);
	begin_item(worker, &item[0]);
	end_item(worker);
	assert_true(barrier[1].is_done);
}

/* E6 */
static void released_barriers_are_those_of_the_item(void **state)
{
	file(0);
	file(1);
	for (int i = 0; i < 4; i++)
		hang_behind(i, i % 2);
	wq_barrier_release_locked(&pool, &item[1]);
	for (int i = 0; i < 4; i++)
		assert_int_equal(barrier[i].is_done, i % 2);
	assert_int_equal(nr_woken(), 2);
}

static void more_barriers_than_due_are_all_woken(void **state)
{
	file(0);
	for (int i = 0; i < BARRIERS; i++)
		hang_behind(i, 0);
	begin_item(worker, &item[0]);
	end_item(worker);
	assert_int_equal(nr_done(), BARRIERS);
	assert_int_equal(nr_woken(), BARRIERS);
}

/* Its thread found no room for a park, and polls. */
static void barrier_without_a_park_is_only_marked_done(void **state)
{
	file(0);
	barrier[0].park = NULL;
	hang_behind(0, 0);
	hang_behind(1, 0);
	begin_item(worker, &item[0]);
	end_item(worker);
	assert_int_equal(nr_done(), 2);
	assert_int_equal(nr_woken(), 1);
}

static void complete_without_barriers_does_nothing(void **state)
{
	wq_barrier_complete_locked(worker);
	wq_barrier_release_locked(&pool, &item[0]);
	assert_int_equal(nr_woken(), 0);
}

/* The caller has seen it done, and left: where it was on his stack is something else. */
static void scribble_when_done(long nth)
{
	(void)nth;
	if (wq_load_acquire(&barrier[0].is_done))
		memset(&barrier[0], 0x55, sizeof(barrier[0]));
}

/* E1 */
static void barrier_that_is_done_is_not_touched(void **state)
{
	need_steps();
	file(0);
	hang_behind(0, 0);
	step_begin(scribble_when_done);
	wq_barrier_release_locked(&pool, &item[0]);
	step_end();
	assert_int_equal(pool.nr_due, 1);
	assert_ptr_equal(pool.due[0], &park[0]);
	assert_true(wq_list_is_empty(&pool.barriers[wq_work_bucket(&item[0])]));
	assert_int_equal(barrier[0].is_done, 0x55555555);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		barrier_test(barrier_marks_its_item_and_nothing_else),
		barrier_test(barrier_counts_nowhere),
		barrier_test(barriers_are_complete_when_their_item_has_run),
		barrier_test(only_the_barriers_of_the_item_move_with_it),
		barrier_test(barrier_of_the_next_run_does_not_end_with_this_one),
		barrier_test(released_barriers_are_those_of_the_item),
		barrier_test(more_barriers_than_due_are_all_woken),
		barrier_test(barrier_without_a_park_is_only_marked_done),
		barrier_test(complete_without_barriers_does_nothing),
		barrier_test(barrier_that_is_done_is_not_touched),
	};

	return cmocka_run_group_tests_name("barrier", tests, NULL, NULL);
}
