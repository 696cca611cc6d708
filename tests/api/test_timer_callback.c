/* SPDX-License-Identifier: MIT */
/*
 * test_timer_callback.c - the callbacks of timers: where and how they run, what
 * they may do, many threads that arm one timer; and misuse. Each test has a process of its own,
 * since a kind of misuse may be reported once.
 */
#include "support/api.h"
#include "support/tick.h"

/* ----------------------------------------------------------------- the callback */

struct periodic {
	struct timer_list timer;
	unsigned long period;
	int left;     /* calls still to come; negative: for ever */
	bool drifted; /* a call did not come exactly one period after the one before */
	atomic_int calls;
};

static void fire_again(struct timer_list *timer)
{
	struct periodic *periodic = from_timer(periodic, timer, timer);
	unsigned long expires = timer->expires;

	atomic_fetch_add(&periodic->calls, 1);
	if (periodic->left == 0 || (periodic->left > 0 && --periodic->left == 0))
		return;
	mod_timer(timer, expires + periodic->period);
	periodic->drifted |= timer->expires != expires + periodic->period;
}

static void timer_shutdown_sync_stops_a_timer_that_arms_itself_for_ever(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		struct periodic periodic = { .period = i % 3, .left = -1 };
		int calls;

		timer_setup(&periodic.timer, fire_again, 0);
		mod_timer(&periodic.timer, jiffies);
		wait_until(atomic_load(&periodic.calls));
		timer_shutdown_sync(&periodic.timer);
		calls = atomic_load(&periodic.calls);
		assert_false(timer_pending(&periodic.timer));
		nap_us(100);
		assert_int_equal(atomic_load(&periodic.calls), calls);
		assert_int_equal(mod_timer(&periodic.timer, jiffies), 0);
		assert_false(timer_pending(&periodic.timer));
	}
}

static void callback_may_arm_its_timer_again_without_drift(void **state)
{
	struct periodic periodic = { .period = 3, .left = 20 };
	unsigned long begin = jiffies + 3;

	(void)state;
	timer_setup(&periodic.timer, fire_again, 0);
	periodic.timer.expires = begin;
	add_timer(&periodic.timer);
	wait_until(atomic_load(&periodic.calls) == 20);
	assert_true(time_after_eq(jiffies, begin + 19 * 3));
	assert_int_equal(timer_delete_sync(&periodic.timer), 0);
	assert_int_equal(atomic_load(&periodic.calls), 20);
	assert_false(periodic.drifted);
}

struct mortal {
	struct timer_list timer;
	atomic_int *deaths;
};

static void free_itself(struct timer_list *timer)
{
	struct mortal *mortal = timer_container_of(mortal, timer, timer);
	atomic_int *deaths = mortal->deaths;

	memset(mortal, 0xa5, sizeof(*mortal));
	free(mortal);
	atomic_fetch_add(deaths, 1);
}

static void callback_may_free_its_timer(void **state)
{
	atomic_int deaths = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct mortal *mortal = malloc(sizeof(*mortal));

		assert_non_null(mortal);
		mortal->deaths = &deaths;
		timer_setup(&mortal->timer, free_itself, 0);
		mod_timer(&mortal->timer, jiffies + i % 10);
	}
	wait_until(atomic_load(&deaths) == 300);
}

enum {
	CROWD = 24,
};

static void callbacks_of_one_cpu_run_one_at_a_time(void **state)
{
	struct tick tick[CROWD];
	struct meter meter = { 0 };

	(void)state;
	for (int i = 0; i < CROWD; i++) {
		tick_init(&tick[i]);
		tick[i].meter = &meter;
		tick[i].timer.expires = jiffies + i % 3;
		add_timer_on(&tick[i].timer, allowed_cpu(0));
	}
	for (int i = 0; i < CROWD; i++)
		check_fires(&tick[i], 1, 0);
	assert_int_equal(atomic_load(&meter.most), 1);
}

/* One that waits holds up those of its CPU, and nobody else. */
static void callback_that_waits_delays_those_of_its_cpu_only(void **state)
{
	struct tick waiting, same, other;
	struct delayed_item item;
	struct gate go;

	(void)state;
	need_cpus(2);
	gate_init(&go);
	tick_init(&waiting);
	waiting.hold = &go;
	waiting.timer.expires = jiffies;
	add_timer_on(&waiting.timer, allowed_cpu(0));
	wait_until(tick_calls(&waiting));
	tick_init(&same);
	tick_init(&other);
	same.timer.expires = other.timer.expires = jiffies + 1;
	add_timer_on(&same.timer, allowed_cpu(0));
	add_timer_on(&other.timer, allowed_cpu(1));
	check_fires(&other, 1, 0);
	delayed_init(&item);
	schedule_delayed_work_on(allowed_cpu(0), &item.dwork, 1);
	wait_until(delayed_runs(&item));
	flush_work(&item.dwork.work);
	assert_not_yet(tick_calls(&same));
	tick_release(&waiting);
	check_fires(&same, 1, 0);
}

struct worker_like {
	struct timer_list timer;
	struct workqueue_struct *wq;
	struct delayed_item item;
	atomic_bool done;
};

static void do_what_functions_may(struct timer_list *timer)
{
	struct worker_like *own = timer_container_of(own, timer, timer);

	queue_delayed_work(own->wq, &own->item.dwork, FAR);
	nap_us(500);
	flush_delayed_work(&own->item.dwork);
	atomic_store(&own->done, true);
}

static void callback_may_sleep_queue_and_flush(void **state)
{
	struct worker_like own = { .wq = alloc_workqueue("unbound", WQ_UNBOUND, 0) };

	(void)state;
	delayed_init(&own.item);
	timer_setup(&own.timer, do_what_functions_may, 0);
	mod_timer(&own.timer, jiffies + 1);
	wait_until(atomic_load(&own.done));
	timer_delete_sync(&own.timer);
	destroy_workqueue(own.wq);
	assert_int_equal(delayed_runs(&own.item), 1);
}

/* -------------------------------------------------------------- many at a time */

enum {
	MODDERS = 4,
	MODDER_OPS = 4000,
};

struct contest {
	struct timer_list timer;
	struct meter meter;
	atomic_int calls;
	atomic_int armed;   /* mod_timer() and timer_reduce() said 0 */
	atomic_int deleted; /* timer_delete*() said 1 */
	atomic_uint seed;
};

/* Looks at nothing that others change meanwhile. */
static void count_contest_call(struct timer_list *timer)
{
	struct contest *contest = timer_container_of(contest, timer, timer);

	meter_enter(&contest->meter);
	atomic_fetch_add(&contest->calls, 1);
	sched_yield();
	meter_leave(&contest->meter);
}

static long mod_and_delete_at_random(void *arg)
{
	struct contest *contest = arg;
	struct timer_list *timer = &contest->timer;
	unsigned int seed = atomic_fetch_add(&contest->seed, 7919) + 1;

	for (int op = 0; op < MODDER_OPS; op++) {
		unsigned int dice = (unsigned int)rand_r(&seed) / 8;
		unsigned long expires = jiffies + dice % 4 - 1;

		dice /= 4;
		if (dice % 16 < 10)
			atomic_fetch_add(&contest->armed, !mod_timer(timer, expires));
		else if (dice % 16 < 12)
			atomic_fetch_add(&contest->armed, !timer_reduce(timer, expires));
		else if (dice % 16 < 13)
			mod_timer_pending(timer, expires);
		else if (dice % 16 < 14)
			atomic_fetch_add(&contest->deleted, timer_delete(timer));
		else if (dice % 16 < 15)
			atomic_fetch_add(&contest->deleted, timer_delete_sync(timer));
		else
			atomic_fetch_add(&contest->deleted, timer_delete_sync_try(timer) == 1);
		if (dice / 16 % 32 == 0)
			nap_us(700);
	}
	return 0;
}

static void mod_timer_by_several_each_activation_is_a_call_or_a_delete(void **state)
{
	struct contest contest = { 0 };
	struct call call[MODDERS];

	(void)state;
	timer_setup(&contest.timer, count_contest_call, 0);
	for (int i = 0; i < MODDERS; i++)
		call_start(&call[i], mod_and_delete_at_random, &contest);
	for (int i = 0; i < MODDERS; i++)
		call_join(&call[i]);
	wait_until(!timer_pending(&contest.timer));
	assert_int_equal(timer_delete_sync(&contest.timer), 0);
	assert_int_equal(atomic_load(&contest.armed),
			 atomic_load(&contest.calls) + atomic_load(&contest.deleted));
	assert_int_equal(atomic_load(&contest.meter.most), 1);
}

/* ------------------------------------------------------------------------ misuse */

static void add_timer_pending_is_reported_once_and_left_alone(void **state)
{
	struct tick tick;
	unsigned long expires = jiffies + FAR;

	(void)state;
	tick_init(&tick);
	mod_timer(&tick.timer, expires);
	add_timer(&tick.timer);
	assert_reported(1);
	add_timer(&tick.timer);
	assert_reported(0);
	add_timer_on(&tick.timer, allowed_cpu(0));
	report_take(); /* the same kind of misuse */
	assert_true(timer_pending(&tick.timer));
	assert_true(tick.timer.expires == expires);
	assert_int_equal(timer_delete_sync(&tick.timer), 1);
	assert_int_equal(tick_calls(&tick), 0);
}

struct own_waiter {
	struct timer_list timer;
	int (*wait)(struct timer_list *timer);
	int answer;
	atomic_bool done;
};

static void wait_for_itself(struct timer_list *timer)
{
	struct own_waiter *own = timer_container_of(own, timer, timer);

	mod_timer(timer, jiffies + FAR);
	own->answer = own->wait(timer);
	atomic_store(&own->done, true);
}

static void timer_delete_sync_in_the_callback_is_reported_and_not_waited(void **state)
{
	static int (*const waits[])(struct timer_list * timer) = { timer_delete_sync,
								   timer_shutdown_sync };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct own_waiter own = { .wait = waits[i] };

		timer_setup(&own.timer, wait_for_itself, 0);
		mod_timer(&own.timer, jiffies);
		wait_until(atomic_load(&own.done));
		assert_int_equal(timer_delete_sync(&own.timer), 0);
		assert_int_equal(own.answer, 1);
		if (i == 0)
			assert_warned();
	}
	report_take(); /* the same kind of misuse */
}

static void timer_destroy_on_stack_while_pending_is_reported(void **state)
{
	struct tick tick;

	(void)state;
	tick_init(&tick);
	mod_timer(&tick.timer, jiffies + FAR);
	timer_destroy_on_stack(&tick.timer);
	assert_warned();
	timer_delete_sync(&tick.timer);
	timer_destroy_on_stack(&tick.timer);
	assert_reported(0);
}

static struct timer_list *volatile no_timer;

static void calls_without_timer_are_reported_and_0(void **state)
{
	(void)state;
	assert_int_equal(mod_timer(no_timer, jiffies), 0);
	assert_warned();
	assert_int_equal(mod_timer_pending(no_timer, jiffies), 0);
	assert_int_equal(timer_reduce(no_timer, jiffies), 0);
	assert_int_equal(timer_delete(no_timer), 0);
	assert_int_equal(timer_delete_sync(no_timer), 0);
	assert_int_equal(timer_delete_sync_try(no_timer), 0);
	assert_int_equal(timer_shutdown(no_timer), 0);
	assert_int_equal(timer_shutdown_sync(no_timer), 0);
	add_timer(no_timer);
	add_timer_on(no_timer, 0);
	timer_destroy_on_stack(no_timer);
	assert_false(timer_pending(no_timer));
	report_take();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(timer_shutdown_sync_stops_a_timer_that_arms_itself_for_ever),
		api_test(callback_may_arm_its_timer_again_without_drift),
		api_test(callback_may_free_its_timer),
		api_test(callbacks_of_one_cpu_run_one_at_a_time),
		api_test(callback_that_waits_delays_those_of_its_cpu_only),
		api_test(callback_may_sleep_queue_and_flush),
		api_test(mod_timer_by_several_each_activation_is_a_call_or_a_delete),
		api_test(add_timer_pending_is_reported_once_and_left_alone),
		api_test(timer_delete_sync_in_the_callback_is_reported_and_not_waited),
		api_test(timer_destroy_on_stack_while_pending_is_reported),
		api_test(calls_without_timer_are_reported_and_0),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
