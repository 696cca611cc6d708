/* SPDX-License-Identifier: MIT */
/*
 * tick.h - the timer that tests use: its callback notes when, where and on what
 * thread it is called, and waits for the test's gate if it has one.
 */
#ifndef TESTS_TICK_H
#define TESTS_TICK_H

#include "api.h"
#include "delayed.h"

struct tick {
	struct timer_list timer;
	struct gate *hold;   /* waited for inside, if not NULL */
	struct meter *meter; /* entered while inside, if not NULL */
	atomic_int started;
	atomic_int finished;
	atomic_int cpu;           /* of the last call */
	atomic_llong started_ns;  /* the last call */
	atomic_ulong expires;     /* as seen inside */
	atomic_bool pending;      /* as seen inside */
	atomic_bool early;        /* inside before timer->expires */
	atomic_bool timer_thread; /* called by the timer thread? */
};

static inline void tick_fn(struct timer_list *timer)
{
	struct tick *tick = timer_container_of(tick, timer, timer);

	atomic_store(&tick->started_ns, now_ns());
	atomic_store(&tick->expires, timer->expires);
	atomic_store(&tick->pending, timer_pending(timer));
	if (time_before(jiffies, timer->expires))
		atomic_store(&tick->early, true);
	if (is_timer_thread(own_tid()))
		atomic_store(&tick->timer_thread, true);
	atomic_store(&tick->cpu, sched_getcpu());
	if (tick->meter)
		meter_enter(tick->meter);
	atomic_fetch_add(&tick->started, 1);
	if (tick->hold)
		gate_wait_at(tick->hold, __FILE__, __LINE__, "the gate a timer waits for is open");
	if (tick->meter)
		meter_leave(tick->meter);
	atomic_fetch_add(&tick->finished, 1);
}

static inline void tick_init(struct tick *tick)
{
	memset(tick, 0, sizeof(*tick));
	timer_setup(&tick->timer, tick_fn, 0);
}

static inline int tick_calls(struct tick *tick)
{
	return atomic_load(&tick->started);
}

static inline void tick_run_until_released(struct tick *tick, struct gate *go)
{
	gate_init(go);
	tick_init(tick);
	tick->hold = go;
	mod_timer(&tick->timer, jiffies);
	wait_until(tick_calls(tick) == 1);
}

static inline void tick_release(struct tick *tick)
{
	gate_open(tick->hold);
	timer_delete_sync(&tick->timer);
}

/* Fires exactly once, not before @earliest_ns, outside of the timer thread. */
static inline void check_fires(struct tick *tick, int calls, long long earliest_ns)
{
	wait_until(tick_calls(tick) == calls);
	assert_true(atomic_load(&tick->started_ns) >= earliest_ns);
	assert_false(atomic_load(&tick->early));
	assert_false(atomic_load(&tick->pending));
	assert_false(atomic_load(&tick->timer_thread));
	timer_delete_sync(&tick->timer);
	assert_int_equal(atomic_load(&tick->finished), calls);
}

#endif /* TESTS_TICK_H */
