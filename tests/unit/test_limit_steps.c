/* SPDX-License-Identifier: MIT */
/*
 * test_limit_steps.c - room is made just when a pool finds that there is none.
 *
 * The pool is interrupted after each of its instructions in turn; there another thread makes room in
 * another pool, and hands the turn on.
 */
#include "../support/step.h"
#include "limit_calls.h"

static atomic_bool must_finish;
static bool has_acted;
/* The instruction after which the other thread acts: each second one, which is enough. */
static long when;

static long finish_when_told(void *unused)
{
	(void)unused;
	wait_until(atomic_load(&must_finish));
	finish(0);
	return 0;
}

static struct call other;

static void let_other_act(void)
{
	has_acted = true;
	atomic_store(&must_finish, true);
	call_join(&other);
}

static void act_at_its_turn(long nth)
{
	/* not where it would wait for the interrupted thread */
	if (nth >= when && !has_acted && !wq_load_relaxed(&limit.lock.word))
		let_other_act();
}

/* Item 0 has the only place. What pool 1 does comes next, one instruction after the other. */
static void begin_round(void)
{
	has_acted = false;
	atomic_store(&must_finish, false);
	come(0);
	call_start(&other, finish_when_told, NULL);
}

/* The place is free: it must be given to item 10. */
static void end_round(void)
{
	if (!has_acted)
		let_other_act();
	look_all();
	assert_true(is_active(10));
	finish(10);
}

/* Returns of how many instructions it consists. */
static long step_through(void (*act)(void))
{
	wq_pool_lock(&pools[1]);
	step_begin(act_at_its_turn);
	act();
	step_end();
	wq_pool_unlock(&pools[1]);
	return step_nth;
}

static void file_item(void)
{
	file_with(on[1], &item[10], on[1]->color);
}

/* A4 */
static void room_made_while_a_pool_begins_to_wait_is_not_lost(void **state)
{
	long nr;

	need_steps();
	when = 0;
	do {
		begin_round();
		nr = step_through(file_item);
		end_round();
	} while ((when += 2) < nr);
}

static void drain(void)
{
	wq_pool_drain_locked(&pools[1]);
}

/* It waits, and is kicked, though there is no room yet. */
/* C4 */
static void kick_that_comes_during_the_look_is_not_lost(void **state)
{
	long nr;

	need_steps();
	when = 0;
	do {
		begin_round();
		come(10);
		wq_xchg_seq_cst(&pools[1].is_kicked, 1u);
		wq_pool_push(&pools[1], &pools[1].kick);
		nr = step_through(drain);
		end_round();
	} while ((when += 2) < nr);
}

/* ------------------------------------------- somebody overtakes who has no lock */

/* Of pool 2: he had seen room before others waited for it. */
static void overtake(long nth)
{
	if (nth < when || has_acted || limit.nr >= limit.max)
		return;
	has_acted = true;
	limit.nr++;
}

/* C4: who is overtaken waits on, and is next. */
static void room_taken_while_a_pool_is_served_is_not_given_twice(void **state)
{
	long nr;

	need_steps();
	when = 0;
	do {
		has_acted = false;
		come(0);
		come(10);
		finish(0);
		wq_pool_lock(&pools[1]);
		step_begin(overtake);
		drain();
		step_end();
		nr = step_nth;
		wq_pool_unlock(&pools[1]);
		assert_int_equal(limit.nr, 1);
		assert_int_equal(is_active(10), !has_acted);
		if (has_acted) {
			wq_pool_lock(&pools[2]);
			wq_limit_give_locked(on[2]);
			wq_pool_unlock(&pools[2]);
			look_all();
		}
		assert_true(is_active(10));
		finish(10);
	} while ((when += 2) < nr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		limit_test(room_made_while_a_pool_begins_to_wait_is_not_lost),
		limit_test(room_taken_while_a_pool_is_served_is_not_given_twice),
		limit_test(kick_that_comes_during_the_look_is_not_lost),
	};

	return cmocka_run_group_tests_name("limit steps", tests, NULL, NULL);
}
