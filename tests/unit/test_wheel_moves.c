/* SPDX-License-Identifier: MIT */
/*
 * test_wheel_moves.c - the timing wheel: budgets, being interrupted while timers move
 * down, and whether it notices that it is broken.
 */
#include "wheel_calls.h"

/* --------------------------------------------------------------------- budget */

static void timer_handed_out_costs_1(void **state)
{
	unsigned int budget = 3;

	for (int id = 0; id < 4; id++)
		add(id, 10 + (unsigned long)id);
	assert_int_equal(expire(20, &budget), 0);
	assert_int_equal(budget, 2);
	assert_int_equal(expire(20, &budget), 1);
	assert_int_equal(expire(20, &budget), 2);
	assert_int_equal(budget, 0);
	assert_int_equal(expire(20, &budget), NOBODY);
	assert_int_equal(budget, 0);
	assert_int_equal(expire_at(20), 3);
}

static void nothing_due_costs_nothing(void **state)
{
	unsigned int budget = 2;

	for (int id = 0; id < 100; id++)
		add(id, 1000 + (unsigned long)id);
	assert_int_equal(expire(999, &budget), NOBODY);
	assert_int_equal(budget, 2);
	assert_int_equal(expire(999, &budget), NOBODY);
}

static void no_budget_hands_out_nobody(void **state)
{
	unsigned int budget = 0;

	add(0, 0);
	add(1, 5000);
	assert_int_equal(expire(6000, &budget), NOBODY);
	assert_int_equal(budget, 0);
	assert_true(is_on(0) && is_on(1));
	assert_int_equal(expire_at(6000), 0);
	assert_int_equal(expire_at(6000), 1);
}

/* Of one slot one level up: only the first of them can be handed out without a move. */
static void timer_moved_down_costs_1(void **state)
{
	unsigned int budget = 1000, spent;

	for (int id = 0; id < 40; id++)
		add(id, 64 + (unsigned long)id);
	for (int id = 0; id < 40; id++)
		assert_int_equal(expire(200, &budget), id);
	spent = 1000 - budget;
	assert_in_range(spent, 2 * 40 - 1, 2 * 40);
}

static void budget_that_ends_amid_moves_hands_out_nobody(void **state)
{
	unsigned int budget = 5;

	add(0, 64);
	for (int id = 1; id < 40; id++)
		add(id, 70 + (unsigned long)id);
	assert_int_equal(expire(200, &budget), 0);
	assert_int_equal(expire(200, &budget), NOBODY);
	assert_int_equal(budget, 0);
	for (int id = 1; id < 40; id++)
		assert_int_equal(expire_at(200), id);
	assert_empty();
}

/* A timer moves down ten levels at most. */
static void smallest_budget_hands_out_all_in_order(void **state)
{
	unsigned long before = 0, now = HALF - 1;
	int left = TIMERS;

	for (int id = 0; id < TIMERS; id++)
		add(id, (1ul << (62 - id % 63)) + (unsigned long)(id * 7 % 50));
	for (int calls = 0; left; calls++) {
		unsigned int budget = 1;
		int id = expire(now, &budget);

		assert_true(budget == 0 && calls < TIMERS * 11);
		if (id == NOBODY)
			continue;
		assert_true(timer[id].expires >= before);
		before = timer[id].expires;
		left--;
	}
	assert_empty();
}

/* -------------------------------------------------- while timers are moved down */

static void interrupted_move_down_loses_nobody(void **state)
{
	begin_sifting();
	assert_int_equal(next_tick(), 4096 + 100);
	assert_int_equal(expire_at(4096 + 120), 2);
	assert_int_equal(expire_at(4096 + 120), NOBODY);
	assert_int_equal(expire_at(4096 + 150), 1);
	assert_int_equal(expire_at(4096 + 999), 0);
	assert_int_equal(expire_at(4096 + 999), NOBODY);
	assert_int_equal(expire_at(4096 + 1000), 3);
	assert_empty();
}

static void remove_amid_moves_takes_off_from_either_place(void **state)
{
	for (int gone = 0; gone < 4; gone++) {
		start_at(0);
		begin_sifting();
		remove_timer(gone);
		for (int nr = 0; nr < 3; nr++)
			assert_true(expire_at(9000) != NOBODY);
		assert_int_equal(expire_at(9000), NOBODY);
		assert_false(is_on(gone));
		assert_empty();
	}
}

static void remove_of_all_amid_moves_leaves_an_empty_wheel(void **state)
{
	for (int first = 0; first < 4; first++) {
		start_at(0);
		begin_sifting();
		for (int i = 0; i < 4; i++)
			remove_timer((first + i) % 4);
		assert_empty();
		assert_int_equal(expire_at(9000), NOBODY);
		add(0, 9001);
		assert_int_equal(expire_at(9001), 0);
	}
}

static void move_amid_moves_is_due_at_its_new_tick_only(void **state)
{
	static const unsigned long to[] = { 50,          4096 + 100, 4096 + 101,
					    4096 + 151,  4096 + 201, 4096 + 960,
					    4096 + 1001, 20000,      1ul << 50 };

	for (int id = 0; id < 4; id++) {
		for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
			start_at(0);
			begin_sifting();
			for (int other = 0; other < 4; other++)
				if (other != id)
					remove_timer(other);
			move(id, to[i]);
			assert_true(next_tick() <= to[i] || next_tick() == wheel.tick);
			if (to[i] > wheel.tick)
				assert_int_equal(expire_at(to[i] - 1), NOBODY);
			assert_int_equal(expire_at(to[i]), id);
			assert_empty();
		}
	}
}

/* Number 3's place would have been the same; but it is not there yet. */
static void move_amid_moves_to_an_earlier_tick_is_noticed(void **state)
{
	begin_sifting();
	remove_timer(0);
	remove_timer(1);
	assert_int_equal(expire_at(4096 + 100), 2);
	assert_int_equal(expire_at(4096 + 100), NOBODY);
	start_at(4096);
	add(0, 8192 + 1000);
	add(1, 8192 + 1005);
	catch_up(8192 + 10);
	move(1, 8192 + 990);
	assert_int_equal(next_tick(), 8192 + 990);
	assert_int_equal(expire_at(8192 + 989), NOBODY);
	assert_int_equal(expire_at(8192 + 990), 1);
	assert_int_equal(expire_at(8192 + 999), NOBODY);
	assert_int_equal(expire_at(8192 + 1000), 0);
}

static void add_amid_moves_keeps_the_order(void **state)
{
	begin_sifting();
	add(4, 4096 + 101);
	add(5, 4096 + 99);
	add(6, 4096 + 1000000);
	assert_int_equal(next_tick(), 4096 + 100);
	for (int i = 0; i < 2; i++) {
		int id = expire_at(4096 + 120);

		assert_true(id == 2 || id == 5);
	}
	assert_int_equal(expire_at(4096 + 120), 4);
	assert_int_equal(expire_at(4096 + 120), NOBODY);
	assert_int_equal(expire_at(4096 + 150), 1);
	assert_int_equal(next_tick(), 4096 + 200);
}

static void next_amid_moves_sees_both_places(void **state)
{
	add(0, 4096 + 200);
	add(1, 4096 + 300);
	assert_int_equal(expire_at(4096 + 10), NOBODY);
	assert_true(wheel.is_sifting);
	assert_int_equal(next_tick(), 4096 + 200);
	add(2, 4096 + 30);
	assert_int_equal(next_tick(), 4096 + 30);
	add(3, 4096 + 201);
	assert_int_equal(next_tick(), 4096 + 30);
	remove_timer(2);
	assert_int_equal(next_tick(), 4096 + 200);
}

/* --------------------------------------------------------------------- reset */

/* Also amid moves; what was on it is not touched. */
static void reset_wheel_is_empty_at_its_tick(void **state)
{
	unsigned int budget = 3;

	for (int id = 0; id < 10; id++)
		add(id, 64 + (unsigned long)id * 1000);
	expire(70, &budget);
	wq_wheel_reset(&wheel, 5000);
	assert_int_equal(wheel.tick, 5000);
	assert_valid();
	assert_true(is_on(9));
	assert_int_equal(expire_at(100000), NOBODY);
	add(20, 100064);
	assert_int_equal(expire_at(100064), 20);
}

/* ------------------------------------------------------------------- is_valid */

/* It was valid; with the change it is not; and it is again when that is undone. */
#define assert_notices(lvalue, value)                                                              \
	do {                                                                                       \
		__typeof__(lvalue) kept = (lvalue);                                                \
                                                                                                   \
		assert_valid();                                                                    \
		(lvalue) = (value);                                                                \
		assert_false(wq_wheel_is_valid(&wheel));                                           \
		(lvalue) = kept;                                                                   \
		assert_valid();                                                                    \
	} while (0)

static void is_valid_notices_a_wrong_level_bit(void **state)
{
	assert_notices(wheel.levels, 1u);
	assert_notices(wheel.levels, 1u << (WQ_WHEEL_LEVELS - 1));
	assert_notices(wheel.levels, 1u << WQ_WHEEL_LEVELS);
	assert_notices(wheel.levels, 1u << 31);
	add(0, 100);
	assert_notices(wheel.levels, 0u);
	assert_notices(wheel.levels, 3u);
	assert_notices(wheel.levels, 1u);
}

static void is_valid_notices_a_wrong_slot_bit(void **state)
{
	add(0, 5);
	remove_timer(0);
	add(0, 100);
	add(1, 6);
	assert_notices(wheel.filled[1], 0u);
	assert_notices(wheel.filled[0], 1u << 6 | 1u << 5);
	assert_notices(wheel.filled[0], 0u);
	assert_notices(wheel.filled[10], 1u);
	assert_notices(wheel.filled[1], wheel.filled[1] | 1u); /* nothing was ever there */
}

static void is_valid_notices_a_wrong_tick(void **state)
{
	start_at(50);
	add(0, 55);
	assert_notices(wheel.tick, 56ul);
	assert_notices(wheel.tick, 63ul);
	assert_notices(wheel.tick, 64ul);
	assert_notices(wheel.tick, WRAP);
	remove_timer(0);
	add(0, 100);
	assert_notices(wheel.tick, 64ul);
	assert_notices(wheel.tick, 100ul);
	assert_notices(wheel.tick, 101ul);
}

static void is_valid_notices_a_timer_in_a_wrong_slot(void **state)
{
	add(0, 55);
	add(1, 1000);
	assert_notices(timer[0].expires, 54ul);
	assert_notices(timer[0].expires, 56ul);
	assert_notices(timer[0].expires, 55ul + 64);
	assert_notices(timer[0].expires, 0ul);
	assert_notices(timer[0].expires, 55ul * 64);
	assert_notices(timer[1].expires, 1000ul + 64);
	assert_notices(timer[1].expires, 1000ul - 64);
	assert_notices(timer[1].expires, 1000ul + HALF);
	add(2, 63);
	assert_notices(timer[2].expires, 62ul);
}

static void is_valid_notices_a_slot_due_too_late(void **state)
{
	struct wq_wheel_slot *slot = &wheel.slots[1][15];

	add(0, 1000);
	add(1, 990);
	assert_int_equal(slot->earliest, 990);
	assert_notices(slot->earliest, 991ul);
	assert_notices(slot->earliest, 1000ul);
	assert_notices(slot->earliest, HALF);
	assert_notices(timer[0].expires, 989ul);
}

/* expire would go there for ever. */
static void is_valid_notices_a_slot_due_before_its_range(void **state)
{
	add(0, 1000);
	assert_notices(wheel.slots[1][15].earliest, 959ul);
	assert_notices(wheel.slots[1][15].earliest, 0ul);
}

static void is_valid_notices_a_slot_due_before_the_wheels_tick(void **state)
{
	start_at(970);
	add(0, 1000);
	assert_notices(wheel.slots[0][1000 % 64].earliest, 969ul);
	assert_notices(wheel.slots[0][1000 % 64].earliest, 970 - FARTHEST);
}

static void is_valid_notices_a_broken_link(void **state)
{
	struct wq_list *head = &wheel.slots[0][9].timers;

	for (int id = 0; id < 3; id++)
		add(id, 9);
	assert_notices(timer[1].link.prev, NULL);
	assert_notices(timer[1].link.prev, &timer[2].link);
	assert_notices(timer[0].link.prev, &timer[2].link);
	assert_notices(timer[0].link.next, &timer[2].link);
	assert_notices(timer[1].link.next, head);
	assert_notices(head->prev, &timer[1].link);
	assert_notices(head->next, &timer[1].link);
	assert_notices(head->next, head);
}

static void is_valid_notices_broken_moves(void **state)
{
	assert_notices(wheel.is_sifting, true);
	wq_list_init(&wheel.loose.timers);
	assert_notices(wheel.is_sifting, true);
	begin_sifting();
	assert_notices(wheel.loose.earliest, 4096ul + 101);
	assert_notices(wheel.loose.earliest, 4096ul + 99);
	assert_notices(wheel.loose.timers.next, &wheel.loose.timers);
	assert_notices(wheel.loose.timers.prev, &timer[1].link);
	assert_notices(timer[2].link.prev, NULL);
	start_at(0);
	add(0, 4096 + 200);
	catch_up(4096 + 10);
	assert_notices(timer[0].expires, 4096ul + 199);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wheel_test(timer_handed_out_costs_1),
		wheel_test(nothing_due_costs_nothing),
		wheel_test(no_budget_hands_out_nobody),
		wheel_test(timer_moved_down_costs_1),
		wheel_test(budget_that_ends_amid_moves_hands_out_nobody),
		wheel_test(smallest_budget_hands_out_all_in_order),
		wheel_test(interrupted_move_down_loses_nobody),
		wheel_test(remove_amid_moves_takes_off_from_either_place),
		wheel_test(remove_of_all_amid_moves_leaves_an_empty_wheel),
		wheel_test(move_amid_moves_is_due_at_its_new_tick_only),
		wheel_test(move_amid_moves_to_an_earlier_tick_is_noticed),
		wheel_test(add_amid_moves_keeps_the_order),
		wheel_test(next_amid_moves_sees_both_places),
		wheel_test(reset_wheel_is_empty_at_its_tick),
		wheel_test(is_valid_notices_a_wrong_level_bit),
		wheel_test(is_valid_notices_a_wrong_slot_bit),
		wheel_test(is_valid_notices_a_wrong_tick),
		wheel_test(is_valid_notices_a_timer_in_a_wrong_slot),
		wheel_test(is_valid_notices_a_slot_due_too_late),
		wheel_test(is_valid_notices_a_slot_due_before_its_range),
		wheel_test(is_valid_notices_a_slot_due_before_the_wheels_tick),
		wheel_test(is_valid_notices_a_broken_link),
		wheel_test(is_valid_notices_broken_moves),
	};

	return cmocka_run_group_tests_name("wheel_moves", tests, NULL, NULL);
}
