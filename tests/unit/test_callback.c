/* SPDX-License-Identifier: MIT */
/*
 * test_callback.c - user's timers that have expired: the runner calls them in order, and
 * those who wait for one are let go when it has returned.
 *
 * There are no workers: the test is the runner's. Each test has a process of its own.
 */
#include "../support/meddle.h"
#include "machine.h"

#include <workq/timer.h>

#include "core/callback.h"
#include "core/worker.h"

enum {
	TICKS = 200, /* more than one run of the runner calls */
	IN_ORDER = 8,
	WAITERS = 3,
	LATER = 1000, /* jiffies */
};

static struct tick {
	struct timer_list timer;
	struct gate *hold;      /* waited for inside, if not NULL */
	struct timer_list *due; /* expires inside, if not NULL */
	struct timer_list *taken_off;
	bool arms_itself;
	atomic_int calls;
} tick[TICKS];

static struct wq_shard *shard;
static struct trail trail;
static unsigned long now;

static void add_expired_locked(struct timer_list *timer)
{
	wq_grace_enter();
	wq_callback_add_locked(shard, timer);
	wq_grace_leave();
}

static void act_inside(struct tick *self)
{
	wq_shard_lock(shard);
	if (self->due)
		add_expired_locked(self->due);
	if (self->taken_off)
		wq_shard_remove_locked(shard, self->taken_off);
	if (self->arms_itself)
		wq_shard_add_locked(shard, &self->timer, now + LATER);
	wq_shard_unlock(shard);
	if (self->hold)
		gate_wait(self->hold);
}

static void tick_fn(struct timer_list *timer)
{
	struct tick *self = timer_container_of(self, timer, timer);

	must(wq_load_relaxed(&timer->state) == shard->index + 1);
	must(shard->running == timer);
	trail_add(&trail, (int)(self - tick));
	atomic_fetch_add(&self->calls, 1);
	act_inside(self);
}

static void begin(void)
{
	static const struct timer_list usual;

	start_machine();
	shard = wq_shard_for(&usual, SECOND);
	for (int i = 0; i < TICKS; i++)
		timer_setup(&tick[i].timer, tick_fn, 0);
	now = wq_shard_now() + 1;
}

/* As the timer thread does. */
static void expire_all(unsigned long when)
{
	unsigned int budget = 100;
	struct timer_list *timer;

	wq_shard_lock(shard);
	while ((timer = wq_shard_expire_locked(shard, when, &budget)))
		add_expired_locked(timer);
	wq_shard_unlock(shard);
}

static void expire_one(int i)
{
	wq_shard_lock(shard);
	add_expired_locked(&tick[i].timer);
	wq_shard_unlock(shard);
}

static bool is_expired(int i)
{
	return tick[i].timer.state == ((shard->index + 1) | WQ_TIMER_EXPIRED);
}

/* What the worker does that takes the runner up, if it is queued. */
static void take_up_runner(void)
{
	wq_pools_of_cpu(SECOND, WQ_HIGHPRI)->intake = NULL;
	wq_xchg_acq_rel(&shard->runner.data, wq_word_off(0, 0));
}

/* False: it has queued itself for the rest. */
static bool run_once(void)
{
	take_up_runner();
	shard->runner.func(&shard->runner);
	must(!shard->lock.word && !shard->running);
	must(wq_list_is_empty(&shard->waiters));
	must(wq_list_is_empty(&shard->expired) == !(shard->runner.data & WQ_WORK_PENDING));
	return wq_list_is_empty(&shard->expired);
}

static void run(void)
{
	must(run_once());
}

/* -------------------------------------------------------------------- the runner */

static void runner_is_queued_once_with_high_priority_on_the_shards_cpu(void)
{
	struct wq_pool *pool = NULL;

	begin();
	pool = wq_pools_of_cpu(SECOND, WQ_HIGHPRI);
	wq_grace_enter();
	wq_shard_lock(shard);
	must(wq_callback_add_locked(shard, &tick[0].timer) == &wq_manager_park);
	must(pool->intake == &shard->runner && !shard->runner.entry.next);
	must(wq_word_pwq(shard->runner.data)->wq == &wq_timers_wq);
	must(!wq_callback_add_locked(shard, &tick[1].timer));
	must(pool->intake == &shard->runner && !shard->runner.entry.next);
	wq_shard_unlock(shard);
	wq_grace_leave();
	must(is_expired(0) && is_expired(1));
	must(!was_woken(&wq_manager_park));
}

/* It has begun, and may have looked for the last time. */
static void runner_that_runs_is_queued_once_more(void)
{
	begin();
	expire_one(0);
	take_up_runner();
	expire_one(1);
	must(wq_pools_of_cpu(SECOND, WQ_HIGHPRI)->intake == &shard->runner);
	must(shard->runner.data & WQ_WORK_PENDING);
}

static void callbacks_come_in_the_order_of_their_times(void)
{
	static const unsigned long after[IN_ORDER] = { 0, 1, 5, 63, 64, 400, 4096, 50000 };
	static const int order[IN_ORDER] = { 5, 2, 7, 0, 3, 6, 1, 4 };

	begin();
	wq_shard_lock(shard);
	for (int i = 0; i < IN_ORDER; i++)
		wq_shard_add_locked(shard, &tick[order[i]].timer, now + after[order[i]]);
	wq_shard_unlock(shard);
	expire_all(now + after[IN_ORDER - 1]);
	must(!is_expired(IN_ORDER - 1));
	expire_all(now + after[IN_ORDER - 1] + 1);
	must(is_expired(IN_ORDER - 1));
	run();
	must(trail_is_ascending(&trail, 0, IN_ORDER));
}

/* Others of the CPU get their turn in between. */
static void many_callbacks_come_in_several_runs(void)
{
	int calls, nr = 0;

	begin();
	for (int i = 0; i < TICKS; i++)
		expire_one(i);
	for (bool is_through = false; !is_through; nr++) {
		calls = atomic_load(&trail.len);
		is_through = run_once();
		must(atomic_load(&trail.len) > calls);
	}
	must(nr > 1);
	must(trail_is_ascending(&trail, 0, TICKS));
}

static void timer_taken_off_before_its_turn_is_not_called(void)
{
	begin();
	for (int i = 0; i < 3; i++)
		expire_one(i);
	tick[0].taken_off = &tick[1].timer;
	run();
	must(tick[0].calls == 1 && tick[1].calls == 0 && tick[2].calls == 1);
	must(tick[1].timer.state == shard->index + 1);
}

static void timer_expired_meanwhile_is_called_in_the_same_run(void)
{
	begin();
	expire_one(0);
	tick[0].due = &tick[1].timer;
	tick[1].due = &tick[2].timer;
	take_up_runner();
	shard->runner.func(&shard->runner);
	must(trail_is_ascending(&trail, 0, 3));
	/* there is nothing left to do for the run that was asked for meanwhile */
	must(shard->runner.data & WQ_WORK_PENDING);
	run();
	must(trail_is_ascending(&trail, 0, 3));
}

static void expired_timer_armed_anew_is_called_at_its_new_time(void)
{
	begin();
	expire_one(0);
	expire_one(1);
	wq_shard_lock(shard);
	wq_shard_move_locked(shard, &tick[0].timer, now + 1);
	wq_shard_unlock(shard);
	run();
	must(tick[0].calls == 0 && tick[1].calls == 1);
	expire_all(now + 2);
	run();
	must(tick[0].calls == 1);
}

/* It is in the wheel again, and nowhere else. */
static void expired_timer_armed_anew_can_be_taken_off(void)
{
	begin();
	expire_one(0);
	expire_one(1);
	wq_shard_lock(shard);
	wq_shard_move_locked(shard, &tick[0].timer, now + 1);
	must(tick[0].timer.state == ((shard->index + 1) | WQ_TIMER_ARMED));
	wq_shard_remove_locked(shard, &tick[0].timer);
	must(wq_wheel_is_valid(&shard->wheel));
	wq_shard_unlock(shard);
	run();
	must(tick[0].calls == 0 && tick[1].calls == 1);
}

static void only_a_worker_in_the_runner_is_the_caller(void)
{
	static struct wq_worker worker;

	begin();
	must(!wq_callback_is_caller(shard));
	wq_worker_self = &worker;
	must(!wq_callback_is_caller(shard));
	worker.current = &wq_shards[0]->runner;
	must(!wq_callback_is_caller(shard) && wq_callback_is_caller(wq_shards[0]));
	worker.current = &shard->runner;
	must(wq_callback_is_caller(shard));
	wq_worker_self = NULL;
}

/* ------------------------------------------------------------------------ waiters */

static long run_in_thread(void *arg)
{
	(void)arg;
	wq_grace_claim();
	run();
	return 0;
}

static long wait_for_callback(void *arg)
{
	(void)arg;
	wq_grace_claim();
	wq_shard_lock(shard);
	return wq_callback_wait(shard);
}

/* All are let go when the callback they wait for has returned, not when the runner has. */
static void waiters_wait_for_the_callback_that_runs_only(void)
{
	struct call runner, waiter[WAITERS];
	struct gate go[2];

	begin();
	for (int i = 0; i < 2; i++) {
		gate_init(&go[i]);
		tick[i].hold = &go[i];
		expire_one(i);
	}
	call_start(&runner, run_in_thread, NULL);
	wait_until(atomic_load(&tick[0].calls));
	for (int i = 0; i < WAITERS; i++)
		call_start(&waiter[i], wait_for_callback, NULL);
	for (int i = 0; i < WAITERS; i++)
		must(call_blocks(&waiter[i]));
	gate_open(&go[0]);
	for (int i = 0; i < WAITERS; i++)
		must(!call_join(&waiter[i]));
	wait_until(atomic_load(&tick[1].calls));
	call_start(&waiter[0], wait_for_callback, NULL);
	must(call_blocks(&waiter[0]) && !call_is_back(&runner));
	gate_open(&go[1]);
	call_join(&waiter[0]);
	call_join(&runner);
}

/* timer_delete_sync() of several: one of them has taken what the callback armed. */
static void timer_armed_by_its_callback_is_taken_for_one_of_the_waiters(void)
{
	struct call runner, waiter[WAITERS];
	struct gate go;
	long taken = 0;

	begin();
	gate_init(&go);
	tick[0].hold = &go;
	tick[0].arms_itself = true;
	expire_one(0);
	call_start(&runner, run_in_thread, NULL);
	wait_until(atomic_load(&tick[0].calls));
	for (int i = 0; i < WAITERS; i++)
		call_start(&waiter[i], wait_for_callback, NULL);
	for (int i = 0; i < WAITERS; i++)
		must(call_blocks(&waiter[i]));
	gate_open(&go);
	for (int i = 0; i < WAITERS; i++)
		taken += call_join(&waiter[i]);
	call_join(&runner);
	must(taken == 1 && tick[0].timer.state == shard->index + 1);
}

static void timer_armed_by_its_callback_stays_so_if_nobody_waits(void)
{
	begin();
	tick[0].arms_itself = true;
	expire_one(0);
	run();
	must(tick[0].timer.state == ((shard->index + 1) | WQ_TIMER_ARMED));
	expire_all(now + LATER + 1);
	must(is_expired(0));
}

/* Whoever finds it not pending, without a lock, may rely on timer_delete_sync() to wait for it. */
static void timer_that_expires_is_pending_until_it_is_called(void)
{
	struct timer_list *timer = &tick[0].timer;
	unsigned int budget = 1;

	begin();
	wq_shard_lock(shard);
	wq_shard_add_locked(shard, timer, now + LATER);
	must(wq_shard_expire_locked(shard, now + LATER + 1, &budget) == timer);
	must(timer_pending(timer));
	add_expired_locked(timer);
	must(timer_pending(timer));
	wq_shard_remove_locked(shard, timer);
	must(!timer_pending(timer));
	wq_shard_unlock(shard);
}

static void move_expired(void)
{
	wq_shard_move_locked(shard, &tick[0].timer, now + LATER);
}

static void look_for_expired(void)
{
	must(timer_pending(&tick[0].timer));
}

static void timer_that_is_moved_when_it_has_expired_is_pending_all_the_while(void)
{
	bool is_inside = true;

	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	begin();
	wq_shard_lock(shard);
	for (long n = 1; is_inside; n++) {
		add_expired_locked(&tick[0].timer);
		is_inside = meddle_after(n, move_expired, look_for_expired);
		must(timer_pending(&tick[0].timer) && tick[0].timer.expires == now + LATER);
		wq_shard_remove_locked(shard, &tick[0].timer);
	}
	wq_shard_unlock(shard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(timer_that_expires_is_pending_until_it_is_called),
		child_test(timer_that_is_moved_when_it_has_expired_is_pending_all_the_while),
		child_test(runner_is_queued_once_with_high_priority_on_the_shards_cpu),
		child_test(runner_that_runs_is_queued_once_more),
		child_test(callbacks_come_in_the_order_of_their_times),
		child_test(many_callbacks_come_in_several_runs),
		child_test(timer_taken_off_before_its_turn_is_not_called),
		child_test(timer_expired_meanwhile_is_called_in_the_same_run),
		child_test(expired_timer_armed_anew_is_called_at_its_new_time),
		child_test(expired_timer_armed_anew_can_be_taken_off),
		child_test(only_a_worker_in_the_runner_is_the_caller),
		child_test(waiters_wait_for_the_callback_that_runs_only),
		child_test(timer_armed_by_its_callback_is_taken_for_one_of_the_waiters),
		child_test(timer_armed_by_its_callback_stays_so_if_nobody_waits),
	};

	return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
