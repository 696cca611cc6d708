/* SPDX-License-Identifier: MIT */
/*
 * test_timer.c - timers: what <workq/timer.h> promises of arming, disarming and
 * firing. Callbacks and misuse are in test_timer_callback.c.
 */
#include "support/api.h"
#include "support/tick.h"

/* ------------------------------------------------------------------- mod_timer */

static void mod_timer_idle_returns_0_and_fires_once_not_early(void **state)
{
	struct tick tick;

	(void)state;
	tick_init(&tick);
	assert_false(timer_pending(&tick.timer));
	for (int i = 1; i <= 40; i++) {
		long long before = now_ns();

		assert_int_equal(mod_timer(&tick.timer, jiffies + i), 0);
		check_fires(&tick, i, before + i * (long long)JIFFY_NS);
		assert_false(timer_pending(&tick.timer));
		nap_us(37 * i);
	}
}

static void mod_timer_pending_returns_1_and_moves_it(void **state)
{
	struct tick tick;
	long long before;

	(void)state;
	tick_init(&tick);
	assert_int_equal(mod_timer(&tick.timer, jiffies + FAR), 0);
	assert_true(timer_pending(&tick.timer));
	assert_int_equal(mod_timer(&tick.timer, tick.timer.expires), 1);
	assert_int_equal(mod_timer(&tick.timer, jiffies + FAR / 2), 1);
	assert_int_equal(mod_timer(&tick.timer, jiffies + 2ul * FAR), 1);
	assert_int_equal(tick_calls(&tick), 0);
	before = now_ns();
	assert_int_equal(mod_timer(&tick.timer, jiffies + SOON), 1);
	check_fires(&tick, 1, before + SOON * JIFFY_NS);
}

static void mod_timer_to_a_past_time_fires_at_once_and_keeps_it(void **state)
{
	static const unsigned long ago[] = { 0, 1, SOON, FAR, LONG_MAX - FAR };
	struct tick tick;

	(void)state;
	tick_init(&tick);
	for (int i = 0; i < 5; i++) {
		unsigned long expires = jiffies - ago[i];

		assert_int_equal(mod_timer(&tick.timer, expires), 0);
		check_fires(&tick, i + 1, 0);
		assert_true(atomic_load(&tick.expires) == expires);
		assert_true(tick.timer.expires == expires);
	}
}

static void mod_timer_to_the_most_distant_times_does_not_fire(void **state)
{
	static const unsigned long distance[] = { LONG_MAX - FAR, MAX_JIFFY_OFFSET, 1ul << 60u,
						  1ul << 40u };
	struct tick tick[4], usual;
	long long before;

	(void)state;
	for (int i = 0; i < 4; i++) {
		tick_init(&tick[i]);
		assert_int_equal(mod_timer(&tick[i].timer, jiffies + distance[i]), 0);
	}
	tick_init(&usual);
	before = now_ns();
	mod_timer(&usual.timer, jiffies + 2 * SOON);
	check_fires(&usual, 1, before + 2 * SOON * JIFFY_NS);
	for (int i = 0; i < 4; i++) {
		assert_true(timer_pending(&tick[i].timer));
		assert_int_equal(timer_delete_sync(&tick[i].timer), 1);
		assert_int_equal(tick_calls(&tick[i]), 0);
	}
}

static void mod_timer_pending_only_does_nothing_to_an_idle_timer(void **state)
{
	struct tick tick;
	long long before;

	(void)state;
	tick_init(&tick);
	assert_int_equal(mod_timer_pending(&tick.timer, jiffies + 1), 0);
	assert_false(timer_pending(&tick.timer));
	assert_not_yet(tick_calls(&tick));
	mod_timer(&tick.timer, jiffies + FAR);
	before = now_ns();
	assert_int_equal(mod_timer_pending(&tick.timer, jiffies + SOON), 1);
	check_fires(&tick, 1, before + SOON * JIFFY_NS);
}

static void timer_reduce_only_makes_a_timer_earlier(void **state)
{
	unsigned long far = jiffies + FAR;
	struct tick tick;
	long long before;

	(void)state;
	tick_init(&tick);
	assert_int_equal(timer_reduce(&tick.timer, far), 0);
	assert_true(timer_pending(&tick.timer));
	assert_int_equal(timer_reduce(&tick.timer, far + 1), 1);
	assert_true(tick.timer.expires == far);
	assert_int_equal(timer_reduce(&tick.timer, far - 1), 1);
	assert_true(tick.timer.expires == far - 1);
	before = now_ns();
	assert_int_equal(timer_reduce(&tick.timer, jiffies + SOON), 1);
	check_fires(&tick, 1, before + SOON * JIFFY_NS);
}

/* ------------------------------------------------------------------- add_timer */

static void add_timer_fires_at_its_expires(void **state)
{
	struct tick tick[3];
	long long before = now_ns();

	(void)state;
	for (int i = 0; i < 3; i++) {
		tick_init(&tick[i]);
		tick[i].timer.expires = jiffies + SOON;
	}
	add_timer(&tick[0].timer);
	add_timer_local(&tick[1].timer);
	add_timer_global(&tick[2].timer);
	for (int i = 0; i < 3; i++)
		check_fires(&tick[i], 1, before + SOON * JIFFY_NS);
}

static void add_timer_on_fires_on_that_cpu(void **state)
{
	(void)state;
	for (int nth = 0; nth < nr_allowed_cpus(); nth++) {
		struct tick tick;

		tick_init(&tick);
		tick.timer.expires = jiffies + 1;
		add_timer_on(&tick.timer, allowed_cpu(nth));
		check_fires(&tick, 1, 0);
		assert_int_equal(atomic_load(&tick.cpu), allowed_cpu(nth));
	}
}

static void add_timer_on_a_cpu_that_is_not_there_fires_somewhere(void **state)
{
	static const int cpus[] = { 4095, -1, INT_MAX, INT_MIN };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct tick tick;

		tick_init(&tick);
		tick.timer.expires = jiffies + 1;
		add_timer_on(&tick.timer, cpus[i]);
		check_fires(&tick, 1, 0);
	}
	report_take(); /* it may be told of */
}

struct armed_on {
	struct tick tick;
	int cpu;
};

static long arm_on_cpu(void *arg)
{
	struct armed_on *armed = arg;

	pin_self(armed->cpu);
	return mod_timer(&armed->tick.timer, jiffies + SOON);
}

static void mod_timer_fires_on_the_cpu_that_armed_it(void **state)
{
	(void)state;
	for (int nth = 0; nth < nr_allowed_cpus(); nth++) {
		struct armed_on armed = { .cpu = allowed_cpu(nth) };
		struct call call;

		tick_init(&armed.tick);
		call_start(&call, arm_on_cpu, &armed);
		assert_int_equal(call_join(&call), 0);
		check_fires(&armed.tick, 1, 0);
		assert_int_equal(atomic_load(&armed.tick.cpu), armed.cpu);
	}
}

/* --------------------------------------------------------------------- deleting */

static void timer_delete_pending_returns_1_and_it_does_not_fire(void **state)
{
	static int (*const deletes[])(struct timer_list * timer) = {
		timer_delete_sync, timer_delete_sync_try, timer_shutdown, timer_shutdown_sync
	};
	struct tick tick;

	(void)state;
	tick_init(&tick);
	assert_int_equal(timer_delete(&tick.timer), 0);
	mod_timer(&tick.timer, jiffies + FAR);
	assert_int_equal(timer_delete(&tick.timer), 1);
	assert_false(timer_pending(&tick.timer));
	assert_int_equal(del_timer(&tick.timer), 0);
	for (int i = 0; i < 4; i++) {
		tick_init(&tick);
		assert_int_equal(deletes[i](&tick.timer), 0);
		tick_init(&tick);
		mod_timer(&tick.timer, jiffies + FAR);
		assert_int_equal(deletes[i](&tick.timer), 1);
		assert_false(timer_pending(&tick.timer));
		assert_int_equal(deletes[i](&tick.timer), 0);
	}
	assert_int_equal(tick_calls(&tick), 0);
}

static void timer_delete_of_a_running_timer_does_not_wait(void **state)
{
	struct tick tick;
	struct gate go;

	(void)state;
	tick_run_until_released(&tick, &go);
	assert_int_equal(timer_delete(&tick.timer), 0);
	assert_int_equal(mod_timer(&tick.timer, jiffies + FAR), 0);
	assert_int_equal(timer_delete(&tick.timer), 1);
	assert_int_equal(atomic_load(&tick.finished), 0);
	tick_release(&tick);
	assert_int_equal(atomic_load(&tick.finished), 1);
}

static void check_sync_waits(long (*sync)(void *timer), bool armed)
{
	struct tick tick;
	struct call call;
	struct gate go;

	tick_run_until_released(&tick, &go);
	if (armed)
		assert_int_equal(mod_timer(&tick.timer, jiffies + FAR), 0);
	call_start(&call, sync, &tick.timer);
	assert_true(call_blocks(&call));
	gate_open(&go);
	assert_int_equal(call_join(&call), armed);
	assert_int_equal(atomic_load(&tick.finished), 1);
	assert_false(timer_pending(&tick.timer));
}

static void timer_delete_sync_waits_for_the_callback(void **state)
{
	(void)state;
	check_sync_waits(do_timer_delete_sync, /* armed */ false);
	check_sync_waits(do_timer_delete_sync, /* armed */ true);
	check_sync_waits(do_timer_shutdown_sync, /* armed */ false);
	check_sync_waits(do_timer_shutdown_sync, /* armed */ true);
}

/* Each arming of an idle timer is a call, a deletion that says so, or still to come. */
static void timer_delete_sync_waiting_answers_for_what_it_takes(void **state)
{
	int armed, deleted;
	struct tick tick;
	struct call call;
	struct gate go;

	(void)state;
	tick_run_until_released(&tick, &go);
	armed = !mod_timer(&tick.timer, jiffies + FAR);
	call_start(&call, do_timer_delete_sync, &tick.timer);
	assert_true(call_blocks(&call));
	armed += !mod_timer(&tick.timer, jiffies + FAR);
	gate_open(&go);
	deleted = call_join(&call);
	deleted += timer_delete_sync(&tick.timer);
	assert_int_equal(armed, deleted);
	assert_int_equal(tick_calls(&tick), 1);
}

static void timer_delete_sync_try_does_nothing_while_the_callback_runs(void **state)
{
	struct tick tick;
	struct gate go;

	(void)state;
	tick_run_until_released(&tick, &go);
	assert_int_equal(timer_delete_sync_try(&tick.timer), -1);
	assert_int_equal(mod_timer(&tick.timer, jiffies + FAR), 0);
	assert_int_equal(try_to_del_timer_sync(&tick.timer), -1);
	assert_true(timer_pending(&tick.timer));
	gate_open(&go);
	wait_until(timer_delete_sync_try(&tick.timer) == 1);
	assert_false(timer_pending(&tick.timer));
	assert_int_equal(atomic_load(&tick.finished), 1);
}

/* Due, but its CPU is with another callback. */
static void timer_delete_of_a_timer_that_is_due_but_held_up_returns_1(void **state)
{
	struct tick running, due[3];
	struct gate go;

	(void)state;
	gate_init(&go);
	tick_init(&running);
	running.hold = &go;
	running.timer.expires = jiffies;
	add_timer_on(&running.timer, allowed_cpu(0));
	wait_until(tick_calls(&running) == 1);
	for (int i = 0; i < 3; i++) {
		tick_init(&due[i]);
		due[i].timer.expires = jiffies;
		add_timer_on(&due[i].timer, allowed_cpu(0));
	}
	assert_not_yet(tick_calls(&due[0]) || !timer_pending(&due[0].timer));
	assert_int_equal(timer_delete(&due[0].timer), 1);
	assert_int_equal(timer_delete_sync(&due[1].timer), 1);
	assert_int_equal(mod_timer(&due[2].timer, jiffies + FAR), 1);
	tick_release(&running);
	assert_not_yet(tick_calls(&due[0]) || tick_calls(&due[1]) || tick_calls(&due[2]));
	assert_int_equal(timer_delete_sync(&due[2].timer), 1);
}

enum {
	REUSES = 1000,
};

static void timer_delete_sync_memory_may_be_reused_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < REUSES; i++) {
		struct tick *tick = malloc(sizeof(*tick));

		assert_non_null(tick);
		tick_init(tick);
		mod_timer(&tick->timer, jiffies + i % 3);
		nap_us(i % 8 * 250);
		timer_delete_sync(&tick->timer);
		assert_int_equal(tick_calls(tick), atomic_load(&tick->finished));
		memset(tick, 0xa5, sizeof(*tick));
		free(tick);
	}
}

/* --------------------------------------------------------------------- shutdown */

static void timer_shutdown_arming_does_nothing_until_set_up_again(void **state)
{
	struct tick tick;

	(void)state;
	tick_init(&tick);
	assert_int_equal(timer_shutdown(&tick.timer), 0);
	assert_null(tick.timer.function);
	assert_int_equal(mod_timer(&tick.timer, jiffies), 0);
	assert_int_equal(mod_timer_pending(&tick.timer, jiffies), 0);
	assert_int_equal(timer_reduce(&tick.timer, jiffies), 0);
	tick.timer.expires = jiffies;
	add_timer(&tick.timer);
	add_timer_on(&tick.timer, allowed_cpu(0));
	assert_false(timer_pending(&tick.timer));
	assert_not_yet(tick_calls(&tick));
	assert_int_equal(timer_delete_sync(&tick.timer), 0);
	assert_int_equal(timer_shutdown_sync(&tick.timer), 0);
	tick_init(&tick);
	assert_int_equal(mod_timer(&tick.timer, jiffies), 0);
	check_fires(&tick, 1, 0);
}

/* ---------------------------------------------------------------- making timers */

static atomic_int static_calls;

static void count_static_call(struct timer_list *timer)
{
	(void)timer;
	atomic_fetch_add(&static_calls, 1);
}

static DEFINE_TIMER(defined, count_static_call);

static void defined_timers_are_ready(void **state)
{
	struct timer_list on_stack;

	(void)state;
	assert_false(timer_pending(&defined));
	assert_int_equal(mod_timer(&defined, jiffies + 1), 0);
	timer_setup_on_stack(&on_stack, count_static_call, TIMER_PINNED | TIMER_IRQSAFE);
	on_stack.expires = jiffies + 1;
	add_timer(&on_stack);
	wait_until(atomic_load(&static_calls) == 2);
	timer_delete_sync(&defined);
	del_timer_sync(&on_stack);
	timer_destroy_on_stack(&on_stack);
	destroy_timer_on_stack(&on_stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(mod_timer_idle_returns_0_and_fires_once_not_early),
		api_test(mod_timer_pending_returns_1_and_moves_it),
		api_test(mod_timer_to_a_past_time_fires_at_once_and_keeps_it),
		api_test(mod_timer_to_the_most_distant_times_does_not_fire),
		api_test(mod_timer_pending_only_does_nothing_to_an_idle_timer),
		api_test(timer_reduce_only_makes_a_timer_earlier),
		api_test(add_timer_fires_at_its_expires),
		api_test(add_timer_on_fires_on_that_cpu),
		api_test(add_timer_on_a_cpu_that_is_not_there_fires_somewhere),
		api_test(mod_timer_fires_on_the_cpu_that_armed_it),
		api_test(timer_delete_pending_returns_1_and_it_does_not_fire),
		api_test(timer_delete_of_a_running_timer_does_not_wait),
		api_test(timer_delete_sync_waits_for_the_callback),
		api_test(timer_delete_sync_waiting_answers_for_what_it_takes),
		api_test(timer_delete_sync_try_does_nothing_while_the_callback_runs),
		api_test(timer_delete_of_a_timer_that_is_due_but_held_up_returns_1),
		api_test(timer_delete_sync_memory_may_be_reused_at_once),
		api_test(timer_shutdown_arming_does_nothing_until_set_up_again),
		api_test(defined_timers_are_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
