/* SPDX-License-Identifier: MIT */
/*
 * test_shard_next.c - when a shard must be looked at, who is told of it, and what is due.
 *
 * There is no timer thread: the first one to ask for it wakes the manager,
 * and that can be seen. Each test has a process of its own.
 */
#include "shard_calls.h"

/* --------------------------------------------------------------- when to look */

static void next_comes_closer_with_earlier_timers_only(void)
{
	static const struct {
		unsigned long after, next;
		bool is_told;
	} steps[] = {
		{ 500, 500, true }, { 700, 500, false }, { 500, 500, false },
		{ 499, 499, true }, { 100, 100, true },  { 499, 100, false },
	};

	begin();
	for (int i = 0; i < 6; i++) {
		arm(i, here, now + steps[i].after);
		must(here->next == now + steps[i].next);
		must(manager_was_woken() == steps[i].is_told);
		must_hold(here, (unsigned int)i + 1);
	}
	end();
}

/* The thread sleeps until the earliest of all. */
static void timer_later_than_another_shards_wakes_nobody(void)
{
	begin();
	arm(0, here, now + LATER);
	must(manager_was_woken());
	arm(1, there, now + LATER + 1);
	must(there->next == now + LATER + 1 && !manager_was_woken());
	arm(2, there, now + LATER - 1);
	must(there->next == now + LATER - 1 && manager_was_woken());
	end();
}

/* At worst the thread looks once for nothing. */
static void next_stays_when_timers_are_taken_off(void)
{
	begin();
	for (int i = 0; i < 3; i++)
		arm(i, here, now + LATER * (unsigned long)(i + 1));
	remove_timer(item(0));
	must(here->next == now + LATER);
	must(!expire(here, now + LATER + 1));
	must(here->next == now + 2 * LATER);
	remove_timer(item(1));
	remove_timer(item(2));
	must(!expire(here, now + LATER + 1));
	must(here->next == WQ_NO_TICK);
	end();
}

static void timer_moved_closer_is_told_of(void)
{
	begin();
	arm(0, here, now + LATER);
	must(manager_was_woken());
	wq_shard_lock(here);
	wq_shard_move_locked(here, item(0), now + LATER + 1);
	wq_shard_unlock(here);
	must(here->next == now + LATER && !manager_was_woken());
	wq_shard_lock(here);
	wq_shard_move_locked(here, item(0), now + 1);
	wq_shard_unlock(here);
	must(here->next == now + 1 && manager_was_woken());
	end();
}

/* TIMER_DEFERRABLE: asked for later, and due when it was armed for. */
static void deferrable_timer_is_asked_for_later(void)
{
	struct wq_shard *deferrable;

	begin();
	INIT_DEFERRABLE_WORK(&dwork[0], never_run);
	dwork[0].wq = wq;
	deferrable = wq_shard_for(item(0), FIRST);
	must(deferrable == deferrable_shard(FIRST));
	arm(0, deferrable, now + LATER);
	must(deferrable->next == now + LATER + DEFER);
	must(!expire(deferrable, now + LATER));
	must(deferrable->next == now + LATER + DEFER);
	must(expire(deferrable, now + LATER + 1) == item(0));
	must(deferrable->next == WQ_NO_TICK);
	end();
}

/* I2: a timer that names a jiffy is due when that is over, at any distance. */
static void timers_are_due_when_their_jiffy_is_over(void)
{
	static const unsigned long after[] = { 0, 1, 63, 64, 4096, 1ul << 40, MAX_JIFFY_OFFSET };

	begin();
	for (int i = 0; i < 7; i++) {
		arm(0, here, now + after[i]);
		must(here->next == now + after[i]);
		must(!expire(here, now + after[i]));
		must(here->next == now + after[i]);
		must(expire(here, now + after[i] + 1) == item(0));
		must_hold(here, 0);
		/* the wheel does not go back */
		now += after[i] + 1;
	}
	end();
}

static void timer_of_the_past_is_due_at_once(void)
{
	static const unsigned long before[] = { 1, 2, 1000, 1ul << 40, MAX_JIFFY_OFFSET };

	begin();
	now += LATER;
	for (int i = 0; i < 5; i++) {
		arm(i, here, now - before[i]);
		must(is_armed_on(item(i), here));
		must(here->next < now && nr_armed(wq, here) == 1);
		must(expire(here, now) == item(i));
		must(!expire(here, now) && here->next == WQ_NO_TICK);
		must_hold(here, 0);
	}
	end();
}

static void due_timers_come_earliest_first_within_the_budget(void)
{
	static const unsigned long after[] = { 70, 3, 5000, 2, 400, 4 };
	static const int order[] = { 3, 1, 5, 0, 4, 2 };
	unsigned int budget;

	begin();
	for (int i = 0; i < 6; i++)
		arm(i, here, now + after[i]);
	wq_shard_lock(here);
	for (int i = 0; i < 6; i++) {
		budget = 0;
		must(!wq_shard_expire_locked(here, now + 6000, &budget));
		budget = 100;
		must(wq_shard_expire_locked(here, now + 6000, &budget) == item(order[i]));
		must(budget < 100);
	}
	wq_shard_unlock(here);
	must_hold(here, 0);
	end();
}

static void catching_up_hands_out_nothing_early_or_never(void)
{
	begin();
	arm(0, here, now + 100);
	wq_shard_lock(here);
	wq_shard_catch_up_locked(here, now + 100);
	must(here->wheel.tick <= now + 99);
	/* this one is due, and must not be passed over */
	wq_shard_catch_up_locked(here, now + LATER);
	wq_shard_unlock(here);
	must_hold(here, 1);
	must(!expire(here, now + 100));
	must(expire(here, now + 101) == item(0));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(next_comes_closer_with_earlier_timers_only),
		child_test(timer_later_than_another_shards_wakes_nobody),
		child_test(next_stays_when_timers_are_taken_off),
		child_test(timer_moved_closer_is_told_of),
		child_test(deferrable_timer_is_asked_for_later),
		child_test(timers_are_due_when_their_jiffy_is_over),
		child_test(timer_of_the_past_is_due_at_once),
		child_test(due_timers_come_earliest_first_within_the_budget),
		child_test(catching_up_hands_out_nothing_early_or_never),
	};

	return cmocka_run_group_tests_name("shard_next", tests, NULL, NULL);
}
