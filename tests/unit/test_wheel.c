/* SPDX-License-Identifier: MIT */
/*
 * test_wheel.c - the timing wheel: when timers are handed out, and what changes that.
 *
 * What it does bit by bit has test_wheel_moves.c, an oracle test_wheel_fuzz.c.
 */
#include "wheel_calls.h"

/* ------------------------------------------------------------ the empty wheel */

static void count_visit(struct wq_wheel_timer *visited, void *arg)
{
	int *visits = arg;

	visits[visited - timer]++;
}

static void zeroed_memory_is_an_empty_wheel(void **state)
{
	int visits[TIMERS] = { 0 };
	unsigned int budget = 7;

	assert_empty();
	assert_int_equal(expire(0, &budget), NOBODY);
	assert_int_equal(expire(100000, &budget), NOBODY);
	assert_int_equal(budget, 7);
	wq_wheel_for_each(&wheel, count_visit, visits);
	for (int id = 0; id < TIMERS; id++)
		assert_int_equal(visits[id], 0);
	assert_empty();
}

static void zeroed_wheel_stands_at_tick_0(void **state)
{
	add(0, 1);
	add(1, 0);
	assert_int_equal(next_tick(), 0);
	assert_int_equal(expire_at(0), 1);
	assert_int_equal(expire_at(0), NOBODY);
	assert_int_equal(next_tick(), 1);
	assert_int_equal(expire_at(1), 0);
	assert_empty();
}

static void timers_memory_need_not_be_zeroed_to_be_added(void **state)
{
	memset(&timer[0], 0x5a, sizeof(timer[0]));
	add(0, 70);
	assert_int_equal(expire_at(70), 0);
	add(0, 70);
	assert_int_equal(expire_at(70), 0);
}

/* ------------------------------------------------------------------ exactness */

static const unsigned long starts[] = {
	0,        1,        63,       64,       4095,       1ul << 32, (1ul << 60) - 1,
	HALF - 2, HALF - 1, HALF,     HALF + 1, 15ul << 60, WRAP - 64, WRAP - 63,
	WRAP - 1, WRAP,     WRAP / 3, WRAP / 7
};

static void for_each_start(void (*fn)(unsigned long start))
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		fn(starts[i]);
}

/* Every 2^k - 1, 2^k, 2^k + 1 that a delay can be, and the longest. */
static void for_each_delay(void (*fn)(unsigned long start, unsigned long delay))
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		for (int k = 0; k <= 62; k++)
			for (unsigned long j = 0; j < 3; j++)
				fn(starts[i], (1ul << k) - 1 + j);
		fn(starts[i], FARTHEST - 1);
		fn(starts[i], FARTHEST);
	}
}

static void add_alone(unsigned long start, unsigned long delay)
{
	start_at(start);
	add(0, start + delay);
	assert_true(next_tick() == start + delay);
}

/* Handed out now, and it was the only one. */
static void assert_due_alone(unsigned long now)
{
	assert_int_equal(expire_at(now), 0);
	assert_int_equal(expire_at(now), NOBODY);
	assert_empty();
}

static void check_one_jump(unsigned long start, unsigned long delay)
{
	add_alone(start, delay);
	if (delay) {
		assert_int_equal(expire_at(start + delay - 1), NOBODY);
		assert_true(next_tick() == start + delay);
	}
	assert_due_alone(start + delay);
}

static void check_no_look_before(unsigned long start, unsigned long delay)
{
	add_alone(start, delay);
	assert_due_alone(start + delay);
}

static void check_late_look(unsigned long start, unsigned long delay)
{
	add_alone(start, delay);
	assert_due_alone(start + delay + (FARTHEST - delay) / 2);
}

/* Always half of the way that is left. */
static void check_halves(unsigned long start, unsigned long delay)
{
	add_alone(start, delay);
	for (unsigned long left = delay; left; left /= 2) {
		assert_int_equal(expire_at(start + delay - left), NOBODY);
		assert_true(next_tick() == start + delay);
	}
	assert_due_alone(start + delay);
}

static void check_halves_caught_up(unsigned long start, unsigned long delay)
{
	add_alone(start, delay);
	for (unsigned long left = delay; left; left /= 2) {
		catch_up(start + delay - left);
		assert_true(next_tick() == start + delay);
	}
	catch_up(start + delay);
	assert_due_alone(start + delay);
}

static void timer_is_handed_out_at_its_tick_exactly(void **state)
{
	for_each_delay(check_one_jump);
	for_each_delay(check_no_look_before);
}

static void timer_looked_for_late_is_handed_out(void **state)
{
	for_each_delay(check_late_look);
}

static void timer_approached_step_by_step_is_not_early(void **state)
{
	for_each_delay(check_halves);
	for_each_delay(check_halves_caught_up);
}

static void check_all_distances(unsigned long start)
{
	start_at(start);
	for (int k = 0; k <= 62; k++)
		for (int i = 0; i < 3; i++)
			add(k * 3 + i, start + (1ul << k) - 1 + (unsigned long)i);
	add(63 * 3, start + FARTHEST);
	assert_int_equal(expire_all_by_next(), 63 * 3 + 1);
}

static void timers_at_all_distances_are_handed_out_in_order(void **state)
{
	for_each_start(check_all_distances);
}

/* First and last ticks of slots, at all levels; at the highest half the way round. */
static void check_slot_edges(unsigned long start)
{
	start_at(start);
	for (unsigned int level = 0; level < WQ_WHEEL_LEVELS; level++) {
		unsigned long width = 1ul << level * WQ_WHEEL_BITS;

		for (unsigned int i = 0; i < 14; i++) {
			unsigned long slot = level == WQ_WHEEL_LEVELS - 1 ? i / 2 + 1 : i * 4 + 1;
			unsigned long edge = (start / width + slot) * width;

			add((int)(level * 14 + i), edge - i % 2);
		}
	}
	assert_int_equal(expire_all_by_next(), WQ_WHEEL_LEVELS * 14);
}

static void timers_at_the_edges_of_slots_are_handed_out_in_order(void **state)
{
	for_each_start(check_slot_edges);
}

static void check_far_look(unsigned long start)
{
	start_at(start);
	for (int k = 62; k >= 0; k--)
		add(k, start + (1ul << k));
	for (int k = 0; k <= 62; k++)
		assert_int_equal(expire_at(start + FARTHEST), k);
	assert_empty();
}

static void look_far_beyond_hands_out_all_in_order(void **state)
{
	for_each_start(check_far_look);
}

static void timers_of_one_tick_are_all_handed_out_then(void **state)
{
	for (int id = 0; id < TIMERS; id++)
		add(id, 5000);
	assert_int_equal(expire_at(4999), NOBODY);
	for (int id = 0; id < TIMERS; id++)
		assert_true(expire_at(5000) != NOBODY);
	assert_empty();
}

/* Others have told the wheel a later time. */
static void time_that_is_over_counts_as_the_latest(void **state)
{
	add(0, 100);
	add(1, 101);
	add(2, 102);
	assert_int_equal(expire_at(101), 0);
	assert_int_equal(expire_at(101), 1);
	assert_int_equal(expire_at(50), NOBODY);
	catch_up(50);
	assert_int_equal(next_tick(), 102);
	assert_int_equal(expire_at(101), NOBODY);
	add(3, 101);
	assert_int_equal(expire_at(50), 3);
	assert_int_equal(expire_at(102), 2);
}

/* -------------------------------------------------------------------- overdue */

static void check_overdue(unsigned long start, unsigned long late)
{
	start_at(start);
	add(0, start - late);
	assert_true((long)(next_tick() - start) <= 0);
	assert_due_alone(start);
}

static void overdue_timer_is_handed_out_at_once(void **state)
{
	for_each_delay(check_overdue);
}

static void overdue_timer_comes_before_those_to_come(void **state)
{
	start_at(1000);
	add(0, 1001);
	add(1, 1000 + FARTHEST);
	add(2, 990);
	add(3, 1002);
	assert_int_equal(expire_at(5000), 2);
	add(4, 0);
	assert_int_equal(expire_at(5000), 4);
	assert_int_equal(expire_at(5000), 0);
	assert_int_equal(expire_at(5000), 3);
	assert_int_equal(expire_at(5000), NOBODY);
}

/* The wheel has not come to them, so it can tell them apart. */
static void timers_overdue_by_the_clock_are_handed_out_earliest_first(void **state)
{
	add(0, 900);
	add(1, 70);
	add(2, 8000);
	add(3, 69);
	add(4, 7999);
	add(5, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(expire_at(10000), 5 - 2 * i);
	assert_int_equal(expire_at(10000), 0);
	assert_int_equal(expire_at(10000), 4);
	assert_int_equal(expire_at(10000), 2);
	assert_empty();
}

static void overdue_timer_holds_up_nobody_else(void **state)
{
	start_at(WRAP - 5);
	add(0, 3);
	add(1, WRAP - 100);
	assert_int_equal(expire_at(2), 1);
	assert_int_equal(expire_at(2), NOBODY);
	assert_int_equal(expire_at(3), 0);
}

/* --------------------------------------------------------------------- remove */

static void remove_takes_the_timer_off(void **state)
{
	add(0, 10);
	add(1, 10);
	add(2, 10);
	remove_timer(1);
	assert_int_equal(expire_at(10), 0);
	remove_timer(2);
	assert_int_equal(expire_at(100000), NOBODY);
	assert_empty();
}

/* Wherever it lies, and wherever it has moved down to. */
static void check_remove(unsigned long start, unsigned long delay)
{
	for (unsigned long left = delay; left; left /= 4) {
		add_alone(start, delay);
		assert_int_equal(expire_at(start + delay - left), NOBODY);
		remove_timer(0);
		assert_int_equal(expire_at(start + delay), NOBODY);
		assert_empty();
	}
}

static void remove_of_the_last_leaves_an_empty_wheel(void **state)
{
	for_each_delay(check_remove);
}

static void remove_beside_others_leaves_them_due(void **state)
{
	for (int id = 0; id < 60; id++)
		add(id, 1ul << id);
	for (int id = 0; id < 60; id += 2)
		remove_timer(id);
	for (int id = 1; id < 60; id += 2) {
		assert_int_equal(expire_at((1ul << id) - 1), NOBODY);
		assert_int_equal(expire_at(1ul << id), id);
	}
	assert_empty();
}

static void remove_of_an_overdue_timer_leaves_the_rest(void **state)
{
	start_at(100);
	add(0, 50);
	add(1, 100);
	add(2, 60);
	remove_timer(0);
	remove_timer(2);
	assert_int_equal(expire_at(100), 1);
	assert_empty();
}

static void removed_timer_can_be_added_again(void **state)
{
	for (int i = 0; i < 3; i++) {
		add(0, 1000);
		remove_timer(0);
		add(0, 20);
		remove_timer(0);
	}
	add(0, 500);
	assert_int_equal(next_tick(), 500);
	assert_int_equal(expire_at(499), NOBODY);
	assert_int_equal(expire_at(500), 0);
}

/* ----------------------------------------------------------------------- move */

static void moved_timer_is_due_at_its_new_tick_only(void **state)
{
	static const unsigned long ticks[] = { 7,   8,    64,   65,        127,
					       128, 4096, 4200, 1ul << 40, HALF - 1 };
	const size_t nr = sizeof(ticks) / sizeof(ticks[0]);

	for (size_t i = 0; i < nr * nr; i++) {
		unsigned long from = ticks[i / nr], to = ticks[i % nr];

		start_at(0);
		add(0, from);
		move(0, to);
		assert_true(next_tick() <= to);
		assert_int_equal(expire_at(to - 1), NOBODY);
		assert_true(next_tick() == to);
		assert_due_alone(to);
	}
}

static void move_within_a_slot_to_an_earlier_tick_is_noticed(void **state)
{
	add(0, 4096 + 500);
	add(1, 4096 + 700);
	move(1, 4096 + 3);
	assert_int_equal(next_tick(), 4096 + 3);
	assert_int_equal(expire_at(4096 + 2), NOBODY);
	assert_int_equal(expire_at(4096 + 3), 1);
	assert_int_equal(expire_at(4096 + 500), 0);
}

static void move_within_a_slot_to_a_later_tick_is_not_early(void **state)
{
	add(0, 4096 + 3);
	add(1, 4096 + 500);
	move(0, 4096 + 700);
	assert_true(next_tick() <= 4096 + 500);
	assert_int_equal(expire_at(4096 + 499), NOBODY);
	assert_int_equal(expire_at(4096 + 500), 1);
	assert_int_equal(expire_at(4096 + 699), NOBODY);
	assert_int_equal(expire_at(4096 + 700), 0);
}

/* Next to nothing is what it costs. */
static void move_within_a_slot_leaves_the_links_alone(void **state)
{
	struct wq_list link;

	for (int id = 0; id < 3; id++)
		add(id, 4096 + 100);
	link = timer[1].link;
	move(1, 4096 + 300);
	move(1, 4096 + 50);
	assert_ptr_equal(timer[1].link.next, link.next);
	assert_ptr_equal(timer[1].link.prev, link.prev);
}

static void move_of_the_last_in_a_slot_empties_the_slot(void **state)
{
	add(0, 300);
	add(1, 301);
	move(0, 100000);
	move(1, 100001);
	assert_int_equal(next_tick(), 100000);
	move(1, 5);
	assert_int_equal(next_tick(), 5);
	assert_int_equal(expire_at(1000), 1);
	assert_int_equal(expire_at(100000), 0);
	assert_empty();
}

static void move_to_a_tick_that_is_over_hands_out_at_once(void **state)
{
	start_at(WRAP - 10);
	add(0, 500);
	add(1, 20);
	move(0, WRAP - 300);
	assert_true(next_tick() == WRAP - 10);
	assert_int_equal(expire_at(WRAP - 10), 0);
	add(0, WRAP - 300);
	move(0, WRAP - 11);
	move(0, WRAP - 10);
	assert_int_equal(expire_at(WRAP - 10), 0);
	add(0, WRAP - 300);
	move(0, 21);
	assert_int_equal(expire_at(19), NOBODY);
	assert_int_equal(expire_at(20), 1);
	assert_int_equal(expire_at(20), NOBODY);
	assert_int_equal(expire_at(21), 0);
}

/* From half the way round ago to half the way round ahead, which looks alike. */
static void move_between_farthest_past_and_future_is_exact(void **state)
{
	unsigned long past = 13ul << 60 | 200, to_come = 13ul << 60 | 50;

	start_at(5ul << 60 | 100);
	add(0, past);
	move(0, to_come);
	assert_true(next_tick() == to_come);
	assert_int_equal(expire_at(to_come - 1), NOBODY);
	assert_due_alone(to_come);
	start_at(5ul << 60 | 100);
	add(0, to_come);
	move(0, past);
	assert_due_alone(5ul << 60 | 100);
}

static void move_across_the_wrap_and_back_is_exact(void **state)
{
	start_at(WRAP - 10);
	add(0, WRAP);
	move(0, 0);
	assert_true(next_tick() == 0);
	move(0, WRAP - 1);
	move(0, 5);
	assert_int_equal(expire_at(4), NOBODY);
	move(0, 4);
	assert_int_equal(expire_at(4), 0);
}

/* ------------------------------------------------------------------- catch_up */

static void catch_up_with_nothing_due_comes_to_now(void **state)
{
	catch_up(1000);
	assert_int_equal(wheel.tick, 1000);
	add(0, 3000);
	catch_up(2900);
	assert_int_equal(wheel.tick, 2900);
	assert_int_equal(expire_at(2999), NOBODY);
	assert_int_equal(expire_at(3000), 0);
}

/* Timers that would have to move are left to who expires. */
static void catch_up_does_not_enter_a_slot_with_timers(void **state)
{
	add(0, 3000);
	catch_up(3000 - 3000 % 64 - 1);
	assert_int_equal(wheel.tick, 3000 - 3000 % 64 - 1);
	catch_up(2999);
	assert_int_equal(wheel.tick, 3000 - 3000 % 64 - 1);
	assert_false(wheel.is_sifting);
	assert_int_equal(expire_at(2999), NOBODY);
	assert_int_equal(expire_at(3000), 0);
}

/* For a wheel that is far behind, the same timers cost twice as much. */
static unsigned int cost_of_40_timers(unsigned long now)
{
	unsigned int budget = 1000;

	for (int id = 0; id < 40; id++)
		add(id, now + 1 + (unsigned long)id);
	for (int id = 0; id < 40; id++)
		assert_int_equal(expire(now + 100, &budget), id);
	return 1000 - budget;
}

static void catch_up_saves_moves(void **state)
{
	assert_in_range(cost_of_40_timers(1ul << 30), 2 * 40 - 1, 2 * 40);
	catch_up(1ul << 40);
	assert_int_equal(cost_of_40_timers(1ul << 40), 40);
}

static void expire_with_nothing_due_saves_moves(void **state)
{
	assert_int_equal(expire_at(1ul << 40), NOBODY);
	assert_int_equal(cost_of_40_timers(1ul << 40), 40);
	add(50, 1ul << 50);
	assert_int_equal(expire_at(1ul << 41), NOBODY);
	assert_int_equal(cost_of_40_timers(1ul << 41), 40);
}

static void catch_up_with_something_due_leaves_it_to_expire(void **state)
{
	add(0, 100);
	add(1, 5000);
	catch_up(100);
	assert_int_equal(next_tick(), 100);
	catch_up(6000);
	assert_int_equal(next_tick(), 100);
	add(2, 99);
	assert_int_equal(expire_at(6000), 2);
	assert_int_equal(expire_at(6000), 0);
	assert_int_equal(expire_at(6000), 1);
	assert_empty();
}

static void catch_up_into_a_filled_slot_loses_nobody(void **state)
{
	for (unsigned long now = 4096; now < 8192; now += 45) {
		start_at(0);
		for (int id = 0; id < 4; id++)
			add(id, now + 1 + (unsigned long)(id * 500));
		catch_up(now - 40);
		catch_up(now - 1);
		catch_up(now);
		assert_int_equal(next_tick(), now + 1);
		assert_int_equal(expire_at(now), NOBODY);
		assert_int_equal(expire_all_by_next(), 4);
	}
}

static void catch_up_amid_moves_loses_nobody(void **state)
{
	begin_sifting();
	catch_up(4096 + 120);
	catch_up(10000);
	assert_int_equal(next_tick(), 4096 + 100);
	assert_int_equal(expire_at(10000), 2);
	assert_int_equal(expire_at(10000), 1);
	assert_int_equal(expire_at(10000), 0);
	assert_int_equal(expire_at(10000), 3);
}

static void catch_up_across_the_wrap_keeps_the_order(void **state)
{
	start_at(WRAP - 1000);
	add(0, 1000);
	add(1, 500);
	catch_up(WRAP);
	catch_up(0);
	add(2, 499);
	assert_int_equal(expire_all_by_next(), 3);
}

/* ----------------------------------------------------------------------- next */

static void next_of_an_empty_wheel_is_never(void **state)
{
	assert_empty();
	add(0, 5);
	assert_int_equal(next_tick(), 5);
	assert_int_equal(expire_at(5), 0);
	assert_empty();
	add(0, 1ul << 40);
	remove_timer(0);
	assert_empty();
}

static void next_is_the_earliest_tick(void **state)
{
	static const unsigned long ticks[] = { 1ul << 62, 1ul << 40, 9000, 8999, 8500, 4096, 4095,
					       128,       127,       126,  64,   63,   2,    0 };

	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		add((int)i, ticks[i]);
		assert_true(next_tick() == ticks[i]);
	}
	add(20, 1);
	add(21, 1ul << 61);
	assert_int_equal(next_tick(), 0);
}

static void next_after_a_removal_is_not_too_late(void **state)
{
	add(0, 4096 + 100);
	add(1, 4096 + 200);
	remove_timer(0);
	assert_in_range(next_tick(), 4096 + 100, 4096 + 200);
	remove_timer(1);
	assert_empty();
}

/* Who calls expire when next says so is not told the same again. */
static void next_followed_in_vain_moves_on(void **state)
{
	add(0, 4096 + 100);
	add(1, 4096 + 200);
	add(2, 4096 + 150);
	remove_timer(0);
	assert_int_equal(expire_at(4096 + 100), NOBODY);
	assert_int_equal(next_tick(), 4096 + 150);
	remove_timer(2);
	assert_int_equal(expire_at(4096 + 150), NOBODY);
	assert_int_equal(next_tick(), 4096 + 200);
	assert_int_equal(expire_at(4096 + 200), 1);
}

static void next_after_a_complete_expire_is_to_come(void **state)
{
	for (int id = 0; id < 60; id++)
		add(id, 3ul << id);
	for (int id = 0; id < 60; id += 3)
		remove_timer(id);
	for (unsigned long now = 1; now < HALF / 2; now += now / 5 + 1) {
		while (expire_at(now) != NOBODY)
			;
		if (now < 3ul << 59)
			assert_true(next_tick() > now && next_tick() <= 3ul << 59);
	}
}

/* ------------------------------------------------------------------- for_each */

static void for_each_visits_every_timer_once(void **state)
{
	int visits[TIMERS] = { 0 };

	begin_sifting();
	for (int id = 4; id < 190; id++)
		add(id, 4200 + ((1ul << id % 63) - (unsigned long)(id % 5)));
	wq_wheel_for_each(&wheel, count_visit, visits);
	for (int id = 0; id < TIMERS; id++)
		assert_int_equal(visits[id], id < 190);
	assert_valid();
}

static void remove_even(struct wq_wheel_timer *visited, void *arg)
{
	if ((visited - timer) % 2 == 0)
		wq_wheel_remove(arg, visited);
}

/* Its memory is gone, too. */
static void remove_and_spoil(struct wq_wheel_timer *visited, void *arg)
{
	wq_wheel_remove(arg, visited);
	memset(visited, 0x5a, sizeof(*visited));
}

static void for_each_may_remove_the_timer_it_is_given(void **state)
{
	begin_sifting();
	for (int id = 4; id < TIMERS; id++)
		add(id, 5000 + ((unsigned long)id << id % 50));
	wq_wheel_for_each(&wheel, remove_even, &wheel);
	assert_valid();
	for (int id = 0; id < TIMERS; id++)
		assert_int_equal(is_on(id), id % 2);
	wq_wheel_for_each(&wheel, remove_and_spoil, &wheel);
	assert_empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wheel_test(zeroed_memory_is_an_empty_wheel),
		wheel_test(zeroed_wheel_stands_at_tick_0),
		wheel_test(timers_memory_need_not_be_zeroed_to_be_added),
		wheel_test(timer_is_handed_out_at_its_tick_exactly),
		wheel_test(timer_looked_for_late_is_handed_out),
		wheel_test(timer_approached_step_by_step_is_not_early),
		wheel_test(timers_at_all_distances_are_handed_out_in_order),
		wheel_test(timers_at_the_edges_of_slots_are_handed_out_in_order),
		wheel_test(look_far_beyond_hands_out_all_in_order),
		wheel_test(timers_of_one_tick_are_all_handed_out_then),
		wheel_test(time_that_is_over_counts_as_the_latest),
		wheel_test(overdue_timer_is_handed_out_at_once),
		wheel_test(overdue_timer_comes_before_those_to_come),
		wheel_test(timers_overdue_by_the_clock_are_handed_out_earliest_first),
		wheel_test(overdue_timer_holds_up_nobody_else),
		wheel_test(remove_takes_the_timer_off),
		wheel_test(remove_of_the_last_leaves_an_empty_wheel),
		wheel_test(remove_beside_others_leaves_them_due),
		wheel_test(remove_of_an_overdue_timer_leaves_the_rest),
		wheel_test(removed_timer_can_be_added_again),
		wheel_test(moved_timer_is_due_at_its_new_tick_only),
		wheel_test(move_within_a_slot_to_an_earlier_tick_is_noticed),
		wheel_test(move_within_a_slot_to_a_later_tick_is_not_early),
		wheel_test(move_within_a_slot_leaves_the_links_alone),
		wheel_test(move_of_the_last_in_a_slot_empties_the_slot),
		wheel_test(move_to_a_tick_that_is_over_hands_out_at_once),
		wheel_test(move_between_farthest_past_and_future_is_exact),
		wheel_test(move_across_the_wrap_and_back_is_exact),
		wheel_test(catch_up_with_nothing_due_comes_to_now),
		wheel_test(catch_up_does_not_enter_a_slot_with_timers),
		wheel_test(catch_up_saves_moves),
		wheel_test(expire_with_nothing_due_saves_moves),
		wheel_test(catch_up_with_something_due_leaves_it_to_expire),
		wheel_test(catch_up_into_a_filled_slot_loses_nobody),
		wheel_test(catch_up_amid_moves_loses_nobody),
		wheel_test(catch_up_across_the_wrap_keeps_the_order),
		wheel_test(next_of_an_empty_wheel_is_never),
		wheel_test(next_is_the_earliest_tick),
		wheel_test(next_after_a_removal_is_not_too_late),
		wheel_test(next_followed_in_vain_moves_on),
		wheel_test(next_after_a_complete_expire_is_to_come),
		wheel_test(for_each_visits_every_timer_once),
		wheel_test(for_each_may_remove_the_timer_it_is_given),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
