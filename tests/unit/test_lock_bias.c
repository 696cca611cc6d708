/* SPDX-License-Identifier: MIT */
/*
 * test_lock_bias.c - a lock that is biased to a thread: who may enter, and how others get it.
 */
#include "../support/meddle.h"
#include "../support/syscall_stand_in.h"
#include "contend.h"
#include "fault.h"

#include "base/lock.h"
#include "base/os.h"
#include "base/park.h"

static struct wq_lock lock = WQ_LOCK_INITIALIZER(WQ_RANK_POOL);
static struct wq_bias mine, another;

static atomic_int nr_barriers;
static void (*at_barrier)(void); /* what somebody does just then, once */

static bool syscall_is_refused(long nr)
{
	if (nr == SYS_membarrier)
		atomic_fetch_add(&nr_barriers, 1);
	if (nr == SYS_membarrier && at_barrier) {
		at_barrier();
		at_barrier = NULL;
	}
	return false;
}

static int bias_begin(void **state)
{
	wq_lock_init(&lock, WQ_RANK_POOL);
	mine.is_inside = 0;
	another.is_inside = 0;
	return unit_begin(state);
}

#define bias_test(fn) cmocka_unit_test_setup_teardown(fn, bias_begin, unit_end)

static void bias_lock(void)
{
	wq_membarrier_init();
	wq_lock_acquire(&lock);
	wq_lock_bias(&lock, &mine);
	wq_lock_release_any(&lock);
}

static long take_once(void *arg)
{
	(void)arg;
	wq_lock_acquire(&lock);
	wq_lock_release_any(&lock);
	return 0;
}

/* ------------------------------------------------------------------- its thread */

static void its_thread_enters_without_touching_the_word(void **state)
{
	bias_lock();
	for (int i = 0; i < 3; i++) {
		assert_true(wq_lock_enter(&lock, &mine));
		assert_int_equal(lock.word, wq_lock_biased_to(&mine));
		assert_int_equal(mine.is_inside, 1);
		wq_assert_held(&lock);
		wq_lock_release_any(&lock);
		assert_int_equal(mine.is_inside, 0);
	}
}

static void lock_that_is_not_biased_to_it_is_not_entered(void **state)
{
	assert_false(wq_lock_enter(&lock, &mine));
	bias_lock();
	assert_false(wq_lock_enter(&lock, &another));
	assert_int_equal(another.is_inside, 0);
}

/* A signal handler has interrupted its thread inside. */
static void its_thread_does_not_enter_twice(void **state)
{
	bias_lock();
	assert_true(wq_lock_enter(&lock, &mine));
	assert_false(wq_lock_enter(&lock, &mine));
	assert_false(wq_lock_try(&lock));
	assert_int_equal(mine.is_inside, 1);
	wq_lock_release_any(&lock);
}

static void bias_given_up_inside_leaves_a_held_lock(void **state)
{
	bias_lock();
	assert_true(wq_lock_enter(&lock, &mine));
	wq_lock_unbias(&lock);
	assert_int_equal(lock.word, WQ_LOCK_HELD);
	assert_int_equal(mine.is_inside, 0);
	wq_lock_release_any(&lock);
	assert_int_equal(lock.word, 0);
	assert_false(wq_lock_enter(&lock, &mine));
}

static void lock_without_a_bias_may_be_unbiased(void **state)
{
	wq_lock_acquire(&lock);
	wq_lock_unbias(&lock);
	assert_int_equal(lock.word, WQ_LOCK_HELD);
	wq_lock_release_any(&lock);
}

/* ----------------------------------------------------------------------- others */

static void others_cannot_try_it(void **state)
{
	bias_lock();
	assert_false(wq_lock_try(&lock));
	assert_int_equal(lock.word, wq_lock_biased_to(&mine));
}

static void other_who_wants_it_ends_the_bias(void)
{
	struct call call;

	bias_lock();
	call_start(&call, take_once, NULL);
	call_join(&call);
	must(lock.word == 0);
	must(!wq_lock_enter(&lock, &mine));
}

/* Its own thread, where it does not know which lock it takes. */
static void its_thread_may_end_the_bias_itself(void **state)
{
	bias_lock();
	take_once(NULL);
	assert_int_equal(lock.word, 0);
}

static void other_waits_until_its_thread_is_outside(void)
{
	struct call call[2];

	bias_lock();
	must(wq_lock_enter(&lock, &mine));
	call_start(&call[0], take_once, NULL);
	must(call_blocks(&call[0]));
	call_start(&call[1], take_once, NULL);
	must(call_blocks(&call[1]));
	must(wq_load_relaxed(&lock.word) == ((uintptr_t)&mine | WQ_LOCK_REVOKED));
	wq_lock_release_any(&lock);
	call_join(&call[0]);
	call_join(&call[1]);
	must(lock.word == 0);
}

static void bias_that_is_being_revoked_is_given_up_by_leaving(void)
{
	struct call call;

	bias_lock();
	must(wq_lock_enter(&lock, &mine));
	call_start(&call, take_once, NULL);
	must(call_blocks(&call));
	wq_lock_unbias(&lock);
	must(wq_load_relaxed(&lock.word) == ((uintptr_t)&mine | WQ_LOCK_REVOKED));
	wq_lock_release_any(&lock);
	call_join(&call);
}

static long take_until(void *arg)
{
	if (!wq_lock_acquire_until(&lock, *(uint64_t *)arg))
		return 0;
	wq_lock_release_any(&lock);
	return 1;
}

/* Somebody sleeps behind the one who gives up: he must go on for himself. False: not yet. */
static bool revoker_leaves_the_bias_after(uint64_t ms)
{
	uint64_t deadline = wq_os_now_ns() + ms * 1000000;
	struct call hasty, patient;
	bool was_in_time;

	bias_lock();
	must(wq_lock_enter(&lock, &mine));
	call_start(&hasty, take_until, &deadline);
	call_blocks(&hasty);
	call_start(&patient, take_once, NULL);
	was_in_time = call_blocks(&patient) && !call_is_back(&hasty);
	must(!call_join(&hasty));
	wait_until(wq_load_relaxed(&lock.word) == ((uintptr_t)&mine | WQ_LOCK_REVOKED));
	wq_lock_release_any(&lock);
	call_join(&patient);
	must(lock.word == 0);
	return was_in_time;
}

/* Where CPUs are short his time may have come before the other one sleeps: he gets more. */
static void revoker_whose_time_has_come_leaves_the_bias(void)
{
	uint64_t ms = 300;

	while (!revoker_leaves_the_bias_after(ms))
		ms *= 2;
}

/* -------------------------------------------------------------------- heavy barriers */

/*
 * Its thread stores, and then loads, without a barrier: where who revokes has none either, both
 * may be inside. That takes some nanoseconds of bad luck, so the barriers are counted.
 */
static void bias_is_revoked_with_a_heavy_barrier(void)
{
	struct call call;

	bias_lock();
	if (wq_membarrier_is_missing())
		exit(EXIT_SKIPPED);
	atomic_store(&nr_barriers, 0);
	call_start(&call, take_once, NULL);
	call_join(&call);
	must(atomic_load(&nr_barriers) >= 1);
}

/* The same between who releases a lock, and who is about to sleep for it. */
static void sleeper_is_announced_with_a_heavy_barrier(void)
{
	struct call call;

	wq_membarrier_init();
	if (wq_membarrier_is_missing())
		exit(EXIT_SKIPPED);
	wq_lock_acquire(&lock);
	atomic_store(&nr_barriers, 0);
	call_start(&call, take_once, NULL);
	wait_until(wq_load_relaxed(&lock.sleepers));
	must(call_blocks(&call));
	must(atomic_load(&nr_barriers) >= 1);
	wq_lock_release_any(&lock);
	call_join(&call);
}

/* --------------------------------------------------------------------- contenders */

enum {
	OTHERS = 2,
	ROUNDS = 20000,
	/* lock holds until its thread asks for the bias again */
	PATIENCE = 3,
};

static void take_with(struct wq_bias *bias, int round)
{
	if (!wq_lock_enter(&lock, bias)) {
		wq_lock_acquire(&lock);
		if (round % PATIENCE == 0)
			wq_lock_bias(&lock, bias);
	} else if (round % 1000 == 0) {
		wq_lock_unbias(&lock);
	}
	count_inside(round);
	wq_lock_release_any(&lock);
}

static long count_with_bias(void *bias)
{
	for (int i = 0; i < ROUNDS; i++)
		take_with(bias, i);
	return 0;
}

static long count_without(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS / 10; i++) {
		wq_lock_acquire(&lock);
		count_inside(i);
		wq_lock_release_any(&lock);
		if (i % 7 == 0)
			sched_yield();
	}
	return 0;
}

static void contenders_are_never_inside_together(void)
{
	struct call favourite[2], other[OTHERS];

	wq_membarrier_init();
	count = 0;
	call_start(&favourite[0], count_with_bias, &mine);
	call_start(&favourite[1], count_with_bias, &another);
	for (int i = 0; i < OTHERS; i++)
		call_start(&other[i], count_without, NULL);
	for (int i = 0; i < OTHERS; i++)
		call_join(&other[i]);
	call_join(&favourite[0]);
	call_join(&favourite[1]);
	must(count == 2 * ROUNDS + OTHERS * (ROUNDS / 10));
}

/* -------------------------------------------- somebody is faster by an instruction */

static void take(void)
{
	wq_lock_acquire(&lock);
}

/* As its thread does that goes to sleep. */
static void end_bias(void)
{
	if (!wq_lock_enter(&lock, &mine))
		return;
	wq_lock_unbias(&lock);
	wq_lock_release(&lock);
}

static void bias_that_ends_while_it_is_revoked_leaves_one_holder(void)
{
	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	bias_lock();
	for (long n = 1; meddle_after(n, take, end_bias); n++) {
		must(lock.word == WQ_LOCK_HELD && !mine.is_inside);
		wq_lock_bias(&lock, &mine);
		wq_lock_release_any(&lock);
	}
}

static void unbias(void)
{
	wq_lock_unbias(&lock);
}

static void begin_to_revoke(void)
{
	uintptr_t word = wq_lock_biased_to(&mine);

	wq_cas_acquire(&lock.word, &word, word | WQ_LOCK_REVOKED);
}

/* Who has begun to revoke gets the lock. */
static void bias_that_is_revoked_while_it_ends_is_the_revokers(void)
{
	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	bias_lock();
	must(wq_lock_enter(&lock, &mine));
	for (long n = 1; meddle_after(n, unbias, begin_to_revoke); n++) {
		if (lock.word == WQ_LOCK_HELD)
			must(!mine.is_inside);
		else
			must(lock.word == (wq_lock_biased_to(&mine) | WQ_LOCK_REVOKED) &&
			     mine.is_inside);
		lock.word = WQ_LOCK_HELD;
		wq_lock_bias(&lock, &mine);
	}
}

static void be_free(void)
{
	wq_store_release(&lock.word, (uintptr_t)0);
}

static void be_biased(void)
{
	wq_store_release(&lock.word, wq_lock_biased_to(&another));
}

/* Of two who release it the first one wakes all. */
static void sleepers_are_woken_by_one_of_two(void)
{
	wq_membarrier_init();
	lock.sleepers = 1;
	must(!wq_lock_release_slow(&lock) && !lock.sleepers);
	must(!wq_lock_release_slow(&lock) && !lock.sleepers);
}

/* Who would sleep looks again, when others can see him: it is free, or biased, and nobody inside. */
static void lock_that_can_be_had_meanwhile_is_not_slept_for(void)
{
	static void (*const change[])(void) = { be_free, be_biased };

	wq_membarrier_init();
	if (wq_membarrier_is_missing())
		exit(EXIT_SKIPPED);
	for (int i = 0; i < 2; i++) {
		lock.word = WQ_LOCK_HELD;
		at_barrier = change[i];
		take();
		must(!at_barrier && lock.word == WQ_LOCK_HELD);
		wq_lock_release(&lock);
	}
}

#define both_ways(fn) child_test(fn), heavy_test(fn)

int main(void)
{
	const struct CMUnitTest tests[] = {
		bias_test(its_thread_enters_without_touching_the_word),
		bias_test(lock_that_is_not_biased_to_it_is_not_entered),
		bias_test(its_thread_does_not_enter_twice),
		bias_test(bias_given_up_inside_leaves_a_held_lock),
		bias_test(lock_without_a_bias_may_be_unbiased),
		bias_test(others_cannot_try_it),
		bias_test(its_thread_may_end_the_bias_itself),
		both_ways(other_who_wants_it_ends_the_bias),
		both_ways(other_waits_until_its_thread_is_outside),
		both_ways(bias_that_is_being_revoked_is_given_up_by_leaving),
		both_ways(revoker_whose_time_has_come_leaves_the_bias),
		child_test(bias_is_revoked_with_a_heavy_barrier),
		child_test(sleeper_is_announced_with_a_heavy_barrier),
		child_test(bias_that_ends_while_it_is_revoked_leaves_one_holder),
		child_test(bias_that_is_revoked_while_it_ends_is_the_revokers),
		child_test(sleepers_are_woken_by_one_of_two),
		child_test(lock_that_can_be_had_meanwhile_is_not_slept_for),
		both_ways(contenders_are_never_inside_together),
	};

	return cmocka_run_group_tests_name("lock bias", tests, NULL, NULL);
}
