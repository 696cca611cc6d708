/* SPDX-License-Identifier: MIT */
/*
 * wheel_calls.h - a timing wheel, and its calls each followed by a look whether it is valid.
 */
#ifndef TESTS_WHEEL_CALLS_H
#define TESTS_WHEEL_CALLS_H

#include <limits.h>

#include "unit.h"

#include "base/wheel.h"

enum {
	TIMERS = 200,
	NOBODY = -1,
	PLENTY = 1000000,
};

#define FARTHEST ((unsigned long)LONG_MAX)
#define WRAP     ULONG_MAX
#define HALF     (1ul << 63)

static struct wq_wheel wheel;
static struct wq_wheel_timer timer[TIMERS];

static inline int wheel_begin(void **state)
{
	memset(&wheel, 0, sizeof(wheel));
	memset(timer, 0, sizeof(timer));
	return unit_begin(state);
}

#define wheel_test(fn) cmocka_unit_test_setup_teardown(fn, wheel_begin, unit_end)

/* ------------------------------------------------------- calls, looked after */

static inline bool is_on(int id)
{
	return wq_list_is_on(&timer[id].link);
}

static inline void assert_valid(void)
{
	assert_true(wq_wheel_is_valid(&wheel));
}

static inline void add(int id, unsigned long expires)
{
	wq_wheel_add(&wheel, &timer[id], expires);
	assert_true(is_on(id) && timer[id].expires == expires);
	assert_valid();
}

static inline void remove_timer(int id)
{
	wq_wheel_remove(&wheel, &timer[id]);
	assert_false(is_on(id));
	assert_valid();
}

static inline void move(int id, unsigned long expires)
{
	wq_wheel_move(&wheel, &timer[id], expires);
	assert_true(is_on(id) && timer[id].expires == expires);
	assert_valid();
}

static inline void catch_up(unsigned long now)
{
	wq_wheel_catch_up(&wheel, now);
	assert_valid();
}

/* Who is handed out. */
static inline int expire(unsigned long now, unsigned int *budget)
{
	struct wq_wheel_timer *due = wq_wheel_expire(&wheel, now, budget);

	assert_valid();
	if (!due)
		return NOBODY;
	assert_false(wq_list_is_on(&due->link));
	return (int)(due - timer);
}

static inline int expire_at(unsigned long now)
{
	unsigned int budget = PLENTY;

	return expire(now, &budget);
}

static inline unsigned long next_tick(void)
{
	unsigned long tick = 0;

	assert_true(wq_wheel_next(&wheel, &tick));
	return tick;
}

static inline void assert_empty(void)
{
	unsigned long tick;

	assert_false(wq_wheel_next(&wheel, &tick));
	assert_valid();
}

/* An empty wheel that stands there. A step must be shorter than 2^63. */
static inline void start_at(unsigned long tick)
{
	memset(&wheel, 0, sizeof(wheel));
	catch_up(tick / 3);
	catch_up(tick / 3 * 2);
	catch_up(tick);
	assert_true(wheel.tick == tick);
}

/* All that are due now: it must be their tick. */
static inline int expire_all_of(unsigned long tick)
{
	int id, nr = 0;

	while ((id = expire_at(tick)) != NOBODY) {
		assert_true(timer[id].expires == tick);
		nr++;
	}
	return nr;
}

/*
 * Go wherever next says, until the wheel is empty: nobody is early, somebody is due
 * each time, and the ticks ascend. @return how many were handed out.
 */
static inline int expire_all_by_next(void)
{
	unsigned long tick, before = wheel.tick - 1;
	int due, nr = 0;

	while (wq_wheel_next(&wheel, &tick)) {
		assert_true((long)(tick - before) > 0);
		if (tick != wheel.tick)
			assert_int_equal(expire_at(tick - 1), NOBODY);
		due = expire_all_of(tick);
		assert_true(due > 0);
		nr += due;
		before = tick;
	}
	return nr;
}

/*
 * The wheel has come to a slot of level 2 whose timers, but for number 0, have
 * not found their places.
 */
static inline void begin_sifting(void)
{
	unsigned int budget = 1;

	add(0, 4096 + 200);
	add(1, 4096 + 150);
	add(2, 4096 + 100);
	add(3, 4096 + 1000);
	assert_int_equal(expire(4096 + 120, &budget), NOBODY);
	assert_true(wheel.is_sifting && wheel.tick == 4096 + 100);
}

#endif /* TESTS_WHEEL_CALLS_H */
