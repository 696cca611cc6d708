/* SPDX-License-Identifier: MIT */
/*
 * test_lock.c - mutual exclusion, and in debug builds ranks and owners.
 */
#include "contend.h"
#include "fault.h"

#include "base/lock.h"
#include "base/os.h"
#include "base/park.h"

static struct wq_lock config = WQ_LOCK_INITIALIZER(WQ_RANK_CONFIG);
static struct wq_lock flush = WQ_LOCK_INITIALIZER(WQ_RANK_FLUSH);
static struct wq_lock pool = WQ_LOCK_INITIALIZER(WQ_RANK_POOL), other_pool;

static int lock_begin(void **state)
{
	wq_lock_init(&pool, WQ_RANK_POOL);
	wq_lock_init(&other_pool, WQ_RANK_POOL);
	return unit_begin(state);
}

#define lock_test(fn) cmocka_unit_test_setup_teardown(fn, lock_begin, unit_end)

/* --------------------------------------------------------- mutual exclusion */

enum {
	RUNNERS = 4,
	ROUNDS = 20000,
};

static long count_under_lock(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		wq_lock_acquire(&pool);
		count_inside(i);
		wq_lock_release(&pool);
	}
	return 0;
}

static long count_under_tried_lock(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		while (!wq_lock_try(&pool))
			sched_yield();
		count_inside(i);
		wq_lock_release(&pool);
	}
	return 0;
}

static void contenders_are_never_inside_together(void)
{
	struct call call[RUNNERS];

	wq_membarrier_init();
	count = 0;
	for (int i = 0; i < RUNNERS; i++)
		call_start(&call[i], i ? count_under_lock : count_under_tried_lock, NULL);
	for (int i = 0; i < RUNNERS; i++)
		call_join(&call[i]);
	must(count == RUNNERS * ROUNDS);
	must(pool.word == 0);
}

static long take_once(void *arg)
{
	wq_lock_acquire(arg);
	count++;
	wq_lock_release(arg);
	return 0;
}

static void waiter_sleeps_until_the_lock_is_free(void)
{
	struct call call;

	wq_membarrier_init();
	wq_lock_acquire(&pool);
	call_start(&call, take_once, &pool);
	must(call_blocks(&call));
	must(count == 0);
	wq_lock_release(&pool);
	call_join(&call);
	must(count == 1);
}

static uint32_t own_sleeps; /* of who took the lock, when it had it */

static long take_and_tell(void *arg)
{
	must(!wq_lock_sleeps);
	take_once(arg);
	own_sleeps = wq_lock_sleeps;
	return 0;
}

static void who_slept_for_a_lock_can_tell(void)
{
	struct call call;

	wq_membarrier_init();
	wq_lock_acquire(&pool);
	call_start(&call, take_and_tell, &pool);
	must(call_blocks(&call));
	wq_lock_release(&pool);
	call_join(&call);
	must(own_sleeps && own_sleeps % 2 == 0);
}

/* Whoever sleeps behind another one must not be forgotten. */
static void all_sleepers_get_the_lock_in_the_end(void)
{
	struct call call[RUNNERS];

	wq_membarrier_init();
	wq_lock_acquire(&pool);
	for (int i = 0; i < RUNNERS; i++) {
		call_start(&call[i], take_once, &pool);
		must(call_blocks(&call[i]));
	}
	wq_lock_release(&pool);
	for (int i = 0; i < RUNNERS; i++)
		call_join(&call[i]);
	must(count == RUNNERS);
}

enum {
	TURNS = 20000,
};

static atomic_int nr_turns;

static long hog_lock(void *arg)
{
	while (atomic_load(&nr_turns) < TURNS) {
		wq_lock_acquire(&pool);
		wq_lock_release(&pool);
	}
	return 0;
}

/* It is not fair, but who comes back for it at once must not keep others out for good. */
static void hog_does_not_starve_the_others(void)
{
	struct call hog;

	wq_membarrier_init();
	call_start(&hog, hog_lock, NULL);
	for (int i = 0; i < TURNS; i++) {
		wq_lock_acquire(&pool);
		atomic_fetch_add(&nr_turns, 1);
		wq_lock_release(&pool);
	}
	call_join(&hog);
}

static void locks_do_not_exclude_each_other(void **state)
{
	struct call call;

	count = 0;
	wq_lock_acquire(&pool);
	call_start(&call, take_once, &other_pool);
	call_join(&call);
	assert_int_equal(count, 1);
	wq_lock_release(&pool);
}

static long try_once(void *arg)
{
	bool taken = wq_lock_try(arg);

	if (taken)
		wq_lock_release(arg);
	return taken;
}

static long try_in_thread(struct wq_lock *lock)
{
	struct call call;

	call_start(&call, try_once, lock);
	return call_join(&call);
}

static void try_takes_a_free_lock_only(void **state)
{
	assert_true(wq_lock_try(&pool));
	wq_assert_held(&pool);
	assert_false(wq_lock_try(&pool));
	assert_false(try_in_thread(&pool));
	wq_lock_release(&pool);
	assert_true(try_in_thread(&pool));
}

/* In any order, and of any number. */
static void acquire_until_takes_a_lock_or_gives_up(void **state)
{
	struct call call;

	wq_lock_acquire(&pool);
	assert_true(wq_lock_acquire_until(&other_pool, wq_os_now_ns()));
	wq_assert_held(&other_pool);
	assert_false(wq_lock_acquire_until(&pool, wq_os_now_ns()));
	assert_false(wq_lock_acquire_until(&pool, wq_os_now_ns() + 3000000));
	wq_lock_release(&other_pool);
	wq_lock_release(&pool);
	call_start(&call, take_once, &pool);
	call_join(&call);
}

static long hold_for_a_while(void *arg)
{
	wq_lock_acquire(&pool);
	gate_open(arg);
	nap_us(2000);
	wq_lock_release(&pool);
	return 0;
}

static void acquire_until_waits_for_the_lock(void **state)
{
	struct gate is_held;
	struct call call;

	gate_init(&is_held);
	call_start(&call, hold_for_a_while, &is_held);
	gate_wait(&is_held);
	assert_true(wq_lock_acquire_until(&pool, WQ_FOREVER));
	wq_assert_held(&pool);
	wq_lock_release(&pool);
	call_join(&call);
}

/* Rank and all: the next one is the first. */
static void forgotten_locks_are_not_held(void **state)
{
	wq_lock_acquire(&pool);
	wq_lock_forget_held();
	wq_lock_init(&pool, WQ_RANK_POOL);
	wq_lock_acquire(&other_pool);
	wq_lock_release(&other_pool);
}

static void initialised_lock_is_free_and_has_its_rank(void **state)
{
	struct wq_lock lock;

	memset(&lock, 0xff, sizeof(lock));
	wq_lock_init(&lock, WQ_RANK_FLUSH);
	assert_int_equal(lock.word, 0);
	assert_int_equal(lock.rank, WQ_RANK_FLUSH);
	assert_int_equal(config.rank, WQ_RANK_CONFIG);
	assert_int_equal(config.word, 0);
}

/* --------------------------------------------------------------------- ranks */

static void ranks_in_order_are_fine(void **state)
{
	for (int i = 0; i < 2; i++) {
		wq_lock_acquire(&config);
		wq_lock_acquire(&flush);
		wq_lock_acquire(&pool);
		wq_assert_held(&config);
		wq_assert_held(&flush);
		wq_assert_held(&pool);
		wq_lock_release(&pool);
		wq_lock_release(&flush);
		wq_lock_release(&config);
	}
}

/* flush_workqueue() holds its lock over many pools' locks, one after the other. */
static void lock_of_the_same_rank_after_the_first_is_fine(void **state)
{
	wq_lock_acquire(&flush);
	wq_lock_acquire(&pool);
	wq_lock_release(&pool);
	wq_lock_acquire(&other_pool);
	wq_lock_release(&flush);
	wq_lock_release(&other_pool);
	wq_lock_acquire(&flush);
	wq_lock_release(&flush);
}

static void take_flush_under_pool(void)
{
	wq_lock_acquire(&pool);
	wq_lock_acquire(&flush);
}

static void lower_rank_under_a_higher_one_aborts(void **state)
{
	assert_aborts(take_flush_under_pool, "lock order");
}

static void take_config_under_pool(void)
{
	wq_lock_acquire(&config);
	wq_lock_acquire(&pool);
	wq_lock_release(&config);
	wq_lock_acquire(&config);
}

static void lower_rank_taken_again_under_a_higher_one_aborts(void **state)
{
	assert_aborts(take_config_under_pool, "lock order");
}

static void take_two_pools(void)
{
	wq_lock_acquire(&pool);
	wq_lock_acquire(&other_pool);
}

static void two_pools_at_once_abort(void **state)
{
	assert_aborts(take_two_pools, "lock order");
}

/* -------------------------------------------------------------------- owners */

static void release_free_lock(void)
{
	wq_lock_release(&pool);
}

static void release_of_a_free_lock_aborts(void **state)
{
	assert_aborts(release_free_lock, "lock not held");
}

static void release_twice(void)
{
	wq_lock_acquire(&pool);
	wq_lock_release(&pool);
	wq_lock_release(&pool);
}

static void second_release_aborts(void **state)
{
	assert_aborts(release_twice, "lock not held");
}

static void assert_free_lock_held(void)
{
	wq_assert_held(&pool);
}

static void assert_held_of_a_free_lock_aborts(void **state)
{
	assert_aborts(assert_free_lock_held, "lock not held");
}

static long assert_held_in_thread(void *arg)
{
	wq_assert_held(arg);
	return 0;
}

static void assert_lock_of_another_thread_held(void)
{
	struct call call;

	wq_lock_acquire(&pool);
	call_start(&call, assert_held_in_thread, &pool);
	call_join(&call);
}

static void assert_held_by_another_thread_aborts(void **state)
{
	assert_aborts(assert_lock_of_another_thread_held, "lock not held");
}

/* Who does not wait cannot be part of a deadlock. */
static void try_is_fine_in_any_order(void **state)
{
	wq_lock_acquire(&pool);
	assert_true(wq_lock_try(&other_pool));
	assert_true(wq_lock_try(&config));
	wq_assert_held(&other_pool);
	wq_lock_release(&pool);
	wq_lock_release(&other_pool);
	wq_lock_release(&config);
}

static void acquire_under_two_tried_ones(void)
{
	wq_lock_try(&pool);
	wq_lock_try(&other_pool);
	wq_lock_release(&pool);
	wq_lock_acquire(&flush);
}

static void lower_rank_under_a_tried_one_aborts(void **state)
{
	assert_aborts(acquire_under_two_tried_ones, "lock order");
}

static void take_twice(void)
{
	wq_lock_acquire(&pool);
	wq_lock_acquire(&pool);
}

/* It would wait for ever otherwise. */
static void second_acquire_aborts(void **state)
{
	assert_aborts(take_twice, "lock order");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(contenders_are_never_inside_together),
		heavy_test(contenders_are_never_inside_together),
		child_test(waiter_sleeps_until_the_lock_is_free),
		heavy_test(waiter_sleeps_until_the_lock_is_free),
		child_test(who_slept_for_a_lock_can_tell),
		child_test(all_sleepers_get_the_lock_in_the_end),
		heavy_test(all_sleepers_get_the_lock_in_the_end),
		child_test(hog_does_not_starve_the_others),
		heavy_test(hog_does_not_starve_the_others),
		lock_test(locks_do_not_exclude_each_other),
		lock_test(try_takes_a_free_lock_only),
		lock_test(acquire_until_takes_a_lock_or_gives_up),
		lock_test(acquire_until_waits_for_the_lock),
		lock_test(forgotten_locks_are_not_held),
		lock_test(initialised_lock_is_free_and_has_its_rank),
		lock_test(ranks_in_order_are_fine),
		lock_test(lock_of_the_same_rank_after_the_first_is_fine),
		lock_test(lower_rank_under_a_higher_one_aborts),
		lock_test(lower_rank_taken_again_under_a_higher_one_aborts),
		lock_test(two_pools_at_once_abort),
		lock_test(try_is_fine_in_any_order),
		lock_test(lower_rank_under_a_tried_one_aborts),
		lock_test(second_acquire_aborts),
		lock_test(release_of_a_free_lock_aborts),
		lock_test(second_release_aborts),
		lock_test(assert_held_of_a_free_lock_aborts),
		lock_test(assert_held_by_another_thread_aborts),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
