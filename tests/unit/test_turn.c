/* SPDX-License-Identifier: MIT */
/*
 * test_turn.c - turns: one at a time, in the order in which they were asked for.
 */
#include "unit.h"

#include "core/turn.h"

enum {
	ASKERS = 4,
	TURNS = 20000,
};

static struct wq_turn turn;
static struct trail trail;
static struct meter meter;

static int turn_begin(void **state)
{
	/* about to wrap around */
	turn.next = turn.serving = UINT32_MAX - 1;
	memset(&trail, 0, sizeof(trail));
	memset(&meter, 0, sizeof(meter));
	return unit_begin(state);
}

#define turn_test(fn) cmocka_unit_test_setup_teardown(fn, turn_begin, unit_end)

static long take_and_leave(void *arg)
{
	wq_turn_take(&turn);
	trail_add(&trail, (int)(intptr_t)arg);
	wq_turn_leave(&turn);
	return 0;
}

static void turn_that_nobody_has_is_taken_at_once(void **state)
{
	for (int i = 0; i < 5; i++) {
		wq_turn_take(&turn);
		assert_false(wq_turn_is_awaited(&turn));
		wq_turn_leave(&turn);
	}
}

/* M1 */
static void taken_turn_is_waited_for_asleep(void **state)
{
	struct call call;

	wq_turn_take(&turn);
	call_start(&call, take_and_leave, NULL);
	assert_true(call_blocks(&call));
	assert_true(wq_turn_is_awaited(&turn));
	wq_turn_leave(&turn);
	call_join(&call);
	assert_false(wq_turn_is_awaited(&turn));
}

static void turns_come_in_the_order_in_which_they_were_asked_for(void **state)
{
	struct call call[ASKERS];

	wq_turn_take(&turn);
	for (int i = 0; i < ASKERS; i++) {
		call_start(&call[i], take_and_leave, (void *)(intptr_t)i);
		assert_true(call_blocks(&call[i]));
	}
	wq_turn_leave(&turn);
	for (int i = 0; i < ASKERS; i++)
		call_join(&call[i]);
	assert_true(trail_is_ascending(&trail, 0, ASKERS));
}

/* Who asks again at once comes behind who waits. */
static void who_leaves_and_asks_again_lets_the_other_in(void **state)
{
	struct call call;

	wq_turn_take(&turn);
	call_start(&call, take_and_leave, (void *)(intptr_t)0);
	assert_true(call_blocks(&call));
	wq_turn_leave(&turn);
	wq_turn_take(&turn);
	trail_add(&trail, 1);
	wq_turn_leave(&turn);
	call_join(&call);
	assert_true(trail_is_ascending(&trail, 0, 2));
}

static long take_many(void *sum)
{
	for (int i = 0; i < TURNS; i++) {
		wq_turn_take(&turn);
		meter_enter(&meter);
		*(long *)sum += 1; /* protected by the turn only */
		meter_leave(&meter);
		wq_turn_leave(&turn);
	}
	return 0;
}

/* M1 */
static void racing_askers_have_it_one_at_a_time(void **state)
{
	struct call call[2];
	long sum = 0;

	for (int i = 0; i < 2; i++)
		call_start(&call[i], take_many, &sum);
	for (int i = 0; i < 2; i++)
		call_join(&call[i]);
	assert_int_equal(sum, 2 * TURNS);
	assert_int_equal(atomic_load(&meter.most), 1);
	assert_int_equal(turn.next, turn.serving);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		turn_test(turn_that_nobody_has_is_taken_at_once),
		turn_test(taken_turn_is_waited_for_asleep),
		turn_test(turns_come_in_the_order_in_which_they_were_asked_for),
		turn_test(who_leaves_and_asks_again_lets_the_other_in),
		turn_test(racing_askers_have_it_one_at_a_time),
	};

	return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
