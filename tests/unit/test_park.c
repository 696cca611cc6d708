/* SPDX-License-Identifier: MIT */
/*
 * test_park.c - tokens, deadlines, futexes and backing off.
 */
#include "../support/meddle.h"
#include "unit.h"

#include <errno.h>

#include "base/atomic.h"
#include "base/os.h"
#include "base/park.h"

/* A deadline that is over: wait looks for a token and does not sleep. */
#define OVER 0

#define MS 1000000ull

static struct wq_park park;
static struct wq_park other;
static uint32_t word;

static int park_begin(void **state)
{
	memset(&park, 0, sizeof(park));
	memset(&other, 0, sizeof(other));
	word = 0;
	return unit_begin(state);
}

#define park_test(fn) cmocka_unit_test_setup_teardown(fn, park_begin, unit_end)

static long wait_for_ever(void *arg)
{
	return wq_park_wait(arg, WQ_FOREVER);
}

/* -------------------------------------------------------------------- tokens */

static void wake_before_wait_is_not_lost(void **state)
{
	wq_park_wake(&park);
	assert_true(wq_park_wait(&park, WQ_FOREVER));
}

static void two_wakes_leave_one_token(void **state)
{
	wq_park_wake(&park);
	wq_park_wake(&park);
	assert_true(wq_park_wait(&park, OVER));
	assert_false(wq_park_wait(&park, OVER));
}

static void wait_without_token_sleeps_until_woken(void **state)
{
	struct call call;

	call_start(&call, wait_for_ever, &park);
	assert_true(call_blocks(&call));
	wq_park_wake(&park);
	assert_true(call_join(&call));
	assert_false(wq_park_wait(&park, OVER));
}

static void wake_of_another_park_does_not_end_a_wait(void **state)
{
	struct call call;

	call_start(&call, wait_for_ever, &park);
	assert_true(call_blocks(&call));
	wq_park_wake(&other);
	assert_true(call_blocks(&call));
	wq_park_wake(&park);
	assert_true(call_join(&call));
}

/* ----------------------------------------------------------------- deadlines */

static void wait_with_deadline_over_returns_false_at_once(void **state)
{
	assert_false(wq_park_wait(&park, OVER));
	assert_false(wq_park_wait(&park, wq_os_now_ns()));
}

static void token_counts_although_the_deadline_is_over(void **state)
{
	wq_park_wake(&park);
	assert_true(wq_park_wait(&park, OVER));
}

static void wait_never_ends_before_its_deadline(void **state)
{
	for (uint64_t delay = 1; delay < 4 * MS; delay = delay * 3 + 1) {
		uint64_t deadline = wq_os_now_ns() + delay;

		assert_false(wq_park_wait(&park, deadline));
		assert_true(wq_os_now_ns() >= deadline);
	}
}

static void wake_after_a_missed_deadline_leaves_a_token(void **state)
{
	assert_false(wq_park_wait(&park, wq_os_now_ns() + MS));
	wq_park_wake(&park);
	assert_true(wq_park_wait(&park, OVER));
}

static void deadline_far_away_still_can_be_woken(void **state)
{
	wq_park_wake(&park);
	assert_true(wq_park_wait(&park, WQ_FOREVER - 1));
}

/* --------------------------------------------------------------------- races */

enum {
	RACES = TESTS_SANITIZED ? 4000 : 20000,
};

static struct duel duel;

static long wake_each_round(void *arg)
{
	uint64_t seed = 4711;

	duel_take_place(&duel, 1);
	for (int i = 1; i <= RACES && meet(&duel, 1, 2 * i); i++) {
		dawdle(duel.delay + random_below(&seed, 1 + duel.delay / 16));
		wq_park_wake(arg);
		meet(&duel, 1, 2 * i + 1);
	}
	return 0;
}

static void deadline_racing_a_wake_leaves_the_token_in_one_place(void)
{
	struct call call;

	duel_begin(&duel);
	call_start(&call, wake_each_round, &park);
	duel_take_place(&duel, 0);
	for (int i = 1; i <= RACES && meet(&duel, 0, 2 * i); i++) {
		bool in_time, is_left;

		in_time = wq_park_wait(&park, OVER);
		meet(&duel, 0, 2 * i + 1);
		is_left = wq_park_wait(&park, OVER);
		must(in_time != is_left);
		close_in(&duel, /* was_too_early */ in_time);
	}
	call_join(&call);
}

enum {
	PINGS = 20000,
};

static long count; /* handed over with the token: a lost order is a data race */

static void play(struct wq_park *mine, struct wq_park *theirs)
{
	for (int i = 0; i < PINGS; i++) {
		must(wq_park_wait(mine, wq_os_now_ns() + DEADLINE_S * 1000 * MS));
		count++;
		wq_park_wake(theirs);
	}
}

static long pong(void *arg)
{
	play(&other, &park);
	return 0;
}

static void two_threads_pass_a_token_to_and_fro(void **state)
{
	struct call call;

	count = 0;
	call_start(&call, pong, NULL);
	wq_park_wake(&park);
	play(&park, &other);
	call_join(&call);
	assert_int_equal(count, 2 * PINGS);
}

/* ------------------------------------------------------------------- signals */

static atomic_int nr_signals;

static void wake_from_handler(int sig)
{
	(void)sig;
	wq_park_wake(&park);
}

static void count_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&nr_signals, 1);
}

static void handler_of_the_sleeper_may_wake_it(void **state)
{
	struct call call;

	signal(SIGUSR1, wake_from_handler);
	call_start(&call, wait_for_ever, &park);
	assert_true(call_blocks(&call));
	pthread_kill(call.thread, SIGUSR1);
	assert_true(call_join(&call));
}

static void signal_without_token_does_not_end_a_wait(void **state)
{
	struct sigaction action = { .sa_handler = count_signal }; /* no SA_RESTART */
	struct call call;

	sigaction(SIGUSR1, &action, NULL);
	atomic_store(&nr_signals, 0);
	call_start(&call, wait_for_ever, &park);
	for (int i = 1; i <= 3; i++) {
		assert_true(call_blocks(&call));
		pthread_kill(call.thread, SIGUSR1);
		wait_until(atomic_load(&nr_signals) == i);
	}
	assert_true(call_blocks(&call));
	wq_park_wake(&park);
	assert_true(call_join(&call));
}

/* -------------------------------------------------------------- bare futexes */

static long wait_while_one(void *arg)
{
	while (wq_load_acquire(&word) == 1)
		wq_futex_wait(&word, 1, WQ_FOREVER);
	return 0;
}

static void futex_wait_returns_if_the_word_has_another_value(void **state)
{
	wq_futex_wait(&word, 1, WQ_FOREVER);
}

static void futex_wait_ends_at_its_deadline(void **state)
{
	uint64_t deadline = wq_os_now_ns() + 2 * MS;

	while (wq_os_now_ns() < deadline)
		wq_futex_wait(&word, 0, deadline);
}

static void futex_wake_wakes_one_waiter(void **state)
{
	struct call call;

	word = 1;
	call_start(&call, wait_while_one, NULL);
	assert_true(call_blocks(&call));
	wq_store_release(&word, 0);
	wq_futex_wake_one(&word);
	call_join(&call);
}

static void futex_wake_all_wakes_all_waiters(void **state)
{
	struct call call[3];

	word = 1;
	for (int i = 0; i < 3; i++) {
		call_start(&call[i], wait_while_one, NULL);
		assert_true(call_blocks(&call[i]));
	}
	wq_store_release(&word, 0);
	wq_futex_wake_all(&word);
	for (int i = 0; i < 3; i++)
		call_join(&call[i]);
}

static void errno_is_untouched(void **state)
{
	errno = 4711;
	wq_futex_wait(&word, 1, WQ_FOREVER);
	assert_int_equal(errno, 4711);
	wq_futex_wait(&word, 0, wq_os_now_ns());
	assert_int_equal(errno, 4711);
	wq_park_wait(&park, wq_os_now_ns() + 1000);
	assert_int_equal(errno, 4711);
	wq_park_wake(&park);
	wq_futex_wake_one(&word);
	assert_int_equal(errno, 4711);
}

/* --------------------------------------------------------------- backing off */

static void backoff_sleeps_after_many_rounds_but_not_long(void **state)
{
	struct wq_backoff backoff = { .round = 1000000 };
	uint64_t start = wq_os_now_ns(), took;

	for (int i = 0; i < 5; i++)
		wq_backoff_wait(&backoff);
	took = wq_os_now_ns() - start;
	assert_true(took >= 5 * MS / 100);
	assert_true(took < DEADLINE_S * 1000 * MS);
}

static long wait_by_backoff(void *arg)
{
	struct wq_backoff backoff = { 0 };

	while (!gate_is_open(arg))
		wq_backoff_wait(&backoff);
	return backoff.round;
}

/* Somebody who computes on the same CPU could never finish otherwise. */
static void backoff_comes_to_sleep(void **state)
{
	struct gate gate;
	struct call call;

	gate_init(&gate);
	call_start(&call, wait_by_backoff, &gate);
	assert_true(call_blocks(&call));
	gate_open(&gate);
	assert_true(call_join(&call) > 1);
}

static struct wq_park late;
static bool has_come;

static void wait_in_vain(void)
{
	has_come = wq_park_wait(&late, /* deadline_ns */ 1);
}

static void wake_late(void)
{
	wq_park_wake(&late);
}

/* Either he has seen it, or the next one does. */
static void wake_at_the_deadline_is_not_lost(void **state)
{
	(void)state;
	need_steps();
	for (long n = 1; meddle_after(n, wait_in_vain, wake_late); n++)
		assert_true(has_come != wq_park_wait(&late, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		park_test(wake_before_wait_is_not_lost),
		park_test(two_wakes_leave_one_token),
		park_test(wait_without_token_sleeps_until_woken),
		park_test(wake_of_another_park_does_not_end_a_wait),
		park_test(wait_with_deadline_over_returns_false_at_once),
		park_test(token_counts_although_the_deadline_is_over),
		park_test(wait_never_ends_before_its_deadline),
		park_test(wake_after_a_missed_deadline_leaves_a_token),
		park_test(deadline_far_away_still_can_be_woken),
		child_test(deadline_racing_a_wake_leaves_the_token_in_one_place),
		park_test(two_threads_pass_a_token_to_and_fro),
		park_test(handler_of_the_sleeper_may_wake_it),
		park_test(signal_without_token_does_not_end_a_wait),
		park_test(futex_wait_returns_if_the_word_has_another_value),
		park_test(futex_wait_ends_at_its_deadline),
		park_test(futex_wake_wakes_one_waiter),
		park_test(futex_wake_all_wakes_all_waiters),
		park_test(errno_is_untouched),
		park_test(backoff_sleeps_after_many_rounds_but_not_long),
		park_test(backoff_comes_to_sleep),
		room_test(wake_at_the_deadline_is_not_lost),
	};

	return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}
