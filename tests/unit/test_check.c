/* SPDX-License-Identifier: MIT */
/*
 * test_check.c - does the check of a pool's state notice each kind of damage?
 *
 * Each test begins with a sound pool that has one of everything: a worker that
 * runs an item, one that waits in its item, two idle ones, a slot whose thread
 * is not there yet, a free slot, and items that wait.
 */
#include "handmade.h"

static struct wq_worker *running, *waiting, *idle[2], *unborn, *gone;

static int check_begin(void **state)
{
	handmade_begin(WQ_UNBOUND, 6);
	wq_pool_lock(&pool);
	for (int i = 0; i < 8; i++)
		file(i); /* 6 and 7 are inactive */
	running = new_worker();
	waiting = new_worker();
	begin_item(running, &item[0]);
	begin_item(waiting, &item[1]);
	wq_pool_uncount_locked(waiting);
	idle[0] = new_idle_worker();
	idle[1] = new_idle_worker();
	unborn = new_worker();
	unborn->tid = 0;
	gone = wq_worker_alloc_locked(&pool);
	wq_worker_release_locked(gone);
	if (!wq_pool_is_valid_locked(&pool))
		return -1;
	return unit_begin(state);
}

static int check_end(void **state)
{
	unlock_only();
	handmade_end();
	return unit_end(state);
}

#define check_test(fn) cmocka_unit_test_setup_teardown(fn, check_begin, check_end)

#define assert_sound()   assert_true(wq_pool_is_valid_locked(&pool))
#define assert_damaged() assert_false(wq_pool_is_valid_locked(&pool))

/* Damage done and undone: the check notices it, and nothing else. */
#define assert_notices(field, wrong)                                                               \
	do {                                                                                       \
		__typeof__(field) right_ = (field);                                                \
		assert_sound();                                                                    \
		(field) = (wrong);                                                                 \
		assert_damaged();                                                                  \
		(field) = right_;                                                                  \
		assert_sound();                                                                    \
	} while (0)

static void new_pool_is_sound(void **state)
{
	static struct wq_pool empty;

	wq_pools_init(&empty, POOL_ID + 1, 0, /* nice */ 0);
	unlock_only();
	wq_pool_lock(&empty);
	assert_true(wq_pool_is_valid_locked(&empty));
	wq_lock_release(&empty.lock);
	wq_pool_lock(&pool);
}

static void sound_pool_stays_sound_through_its_life(void **state)
{
	end_item(running);
	assert_sound();
	begin_item(running, &item[2]);
	assert_sound();
	end_item(waiting);
	assert_sound();
	wq_pool_idle_locked(&pool, waiting);
	assert_sound();
	wq_pool_unidle_locked(&pool, idle[0]);
	assert_sound();
}

/* -------------------------------------------------------------- idle workers */

static void wrong_number_of_idle_workers_is_noticed(void **state)
{
	assert_notices(pool.nr_idle, 1u);
	assert_notices(pool.nr_idle, 3u);
	assert_notices(pool.nr_idle, 0u);
}

static void idle_worker_that_is_not_on_the_list_is_noticed(void **state)
{
	wq_list_del(&idle[1]->idle_node);
	assert_damaged();
	pool.nr_idle--; /* the flag is left */
	assert_damaged();
}

static void busy_worker_that_says_it_is_idle_is_noticed(void **state)
{
	assert_notices(running->is_idle, true);
	assert_notices(waiting->is_idle, true);
	assert_notices(unborn->is_idle, true);
}

static void listed_worker_that_says_it_is_not_idle_is_noticed(void **state)
{
	assert_notices(idle[0]->is_idle, false);
	assert_notices(idle[1]->is_idle, false);
}

static void torn_idle_list_is_noticed(void **state)
{
	assert_notices(idle[0]->idle_node.prev, &pool.idle);
	assert_notices(pool.idle.prev, &idle[1]->idle_node);
}

/* A ring without the head would be walked for ever. */
static void idle_list_that_misses_its_head_is_noticed(void **state)
{
	idle[0]->idle_node.next = &idle[1]->idle_node;
	idle[1]->idle_node.prev = &idle[0]->idle_node;
	assert_damaged();
}

static void idle_worker_with_an_item_is_noticed(void **state)
{
	assert_notices(idle[0]->work, &item[2]);
}

static void idle_worker_that_is_uncounted_is_noticed(void **state)
{
	assert_notices(idle[0]->is_uncounted, true);
}

static void idle_worker_with_private_items_is_noticed(void **state)
{
	wq_list_del(wq_work_node(&item[2]));
	wq_list_add_tail(wq_work_node(&item[2]), &idle[0]->scheduled);
	assert_damaged();
}

static void idle_worker_with_callers_waiting_is_noticed(void **state)
{
	struct wq_barrier barrier;

	wq_list_add_tail(&barrier.node, &idle[0]->waiters);
	assert_damaged();
}

/* ------------------------------------------------------------ other workers */

static void slot_without_thread_but_with_an_item_is_noticed(void **state)
{
	assert_notices(gone->work, &item[2]);
	assert_notices(unborn->work, &item[2]);
}

static void slot_without_thread_but_uncounted_is_noticed(void **state)
{
	assert_notices(gone->is_uncounted, true);
	assert_notices(unborn->is_uncounted, true);
}

static void worker_uncounted_without_an_item_is_noticed(void **state)
{
	assert_notices(waiting->work, NULL);
}

static void more_running_than_there_are_is_noticed(void **state)
{
	assert_notices(pool.nr_running, pool.nr_workers - pool.nr_idle + 1);
	assert_notices(pool.nr_running, UINT32_MAX - pool.nr_idle);
}

static void fewer_workers_than_idle_and_running_ones_is_noticed(void **state)
{
	assert_notices(pool.nr_workers, pool.nr_idle + pool.nr_running - 1);
	assert_notices(pool.nr_workers, 0u);
}

/* ----------------------------------------------------------------- worklist */

static void listed_item_that_is_not_pending_is_noticed(void **state)
{
	assert_notices(item[3].data, item[3].data & ~WQ_WORK_PENDING);
}

static void listed_item_that_is_not_queued_is_noticed(void **state)
{
	assert_notices(item[3].data, wq_word_off(running->slot, 0) | WQ_WORK_PENDING);
}

static void listed_item_that_is_marked_inactive_is_noticed(void **state)
{
	wq_list_del(wq_work_node(&item[5]));
	wq_list_add_tail_marked(wq_work_node(&item[5]), &pool.worklist);
	assert_damaged();
	wq_list_del_marked(wq_work_node(&item[5]));
	wq_list_add_tail(wq_work_node(&item[5]), &pool.worklist);
	assert_sound();
}

static void listed_item_of_another_pool_is_noticed(void **state)
{
	static struct wq_pool other_pool;
	struct wq_pwq *other = new_pwq(&wq, &other_pool);

	assert_notices(item[2].data, wq_word_queued(other, 0));
	wq_pwq_free(other);
}

/* -------------------------------------------------------------- debug builds */

/* In a child, which cannot hold its parent's lock. */
static void check_a_damaged_pool(void)
{
	wq_pool_lock(&pool);
	pool.nr_idle++;
	for (int i = 0; i < 1000; i++)
		wq_pool_check_locked(&pool);
}

static void damage_is_found_before_long_in_debug_builds(void **state)
{
	bool is_found;

	if (!TESTS_DEBUG)
		skip();
	unlock_only();
	is_found = aborts(check_a_damaged_pool, "wq_pool_is_valid_locked");
	wq_pool_lock(&pool);
	assert_true(is_found);
}

static void sound_pool_passes_any_number_of_checks(void **state)
{
	for (int i = 0; i < 1000; i++)
		wq_pool_check_locked(&pool);
}

static void worker_that_runs_again_without_an_item_is_noticed(void **state)
{
	pool.again = running;
	assert_sound();
	assert_notices(pool.again, idle[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_test(new_pool_is_sound),
		check_test(sound_pool_stays_sound_through_its_life),
		check_test(wrong_number_of_idle_workers_is_noticed),
		check_test(idle_worker_that_is_not_on_the_list_is_noticed),
		check_test(busy_worker_that_says_it_is_idle_is_noticed),
		check_test(listed_worker_that_says_it_is_not_idle_is_noticed),
		check_test(torn_idle_list_is_noticed),
		check_test(idle_list_that_misses_its_head_is_noticed),
		check_test(idle_worker_with_an_item_is_noticed),
		check_test(idle_worker_that_is_uncounted_is_noticed),
		check_test(idle_worker_with_private_items_is_noticed),
		check_test(idle_worker_with_callers_waiting_is_noticed),
		check_test(slot_without_thread_but_with_an_item_is_noticed),
		check_test(slot_without_thread_but_uncounted_is_noticed),
		check_test(worker_that_runs_again_without_an_item_is_noticed),
		check_test(worker_uncounted_without_an_item_is_noticed),
		check_test(more_running_than_there_are_is_noticed),
		check_test(fewer_workers_than_idle_and_running_ones_is_noticed),
		check_test(listed_item_that_is_not_pending_is_noticed),
		check_test(listed_item_that_is_not_queued_is_noticed),
		check_test(listed_item_that_is_marked_inactive_is_noticed),
		check_test(listed_item_of_another_pool_is_noticed),
		check_test(damage_is_found_before_long_in_debug_builds),
		check_test(sound_pool_passes_any_number_of_checks),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
