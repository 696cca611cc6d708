/* SPDX-License-Identifier: MIT */
/*
 * shard_calls.h - two shards of a machine made up, items to arm on them, and looks at both.
 */
#ifndef TESTS_SHARD_CALLS_H
#define TESTS_SHARD_CALLS_H

#include "machine.h"

#include "core/callback.h"
#include "core/timer.h"

enum {
	ITEMS = 8,
	LATER = 1000, /* jiffies */
};

static struct workqueue_struct *wq;
static struct delayed_work dwork[ITEMS];
static struct timer_list timer; /* a user's */
static struct wq_shard *here, *there;
static unsigned long now;

static inline void never_run(struct work_struct *work)
{
	(void)work;
	abort();
}

static inline void never_called(struct timer_list *called)
{
	(void)called;
	abort();
}

static inline struct timer_list *item(int i)
{
	return &dwork[i].timer;
}

static inline struct wq_shard *usual_shard(unsigned int cpu)
{
	static const struct timer_list usual;

	return wq_shard_for(&usual, cpu);
}

static inline struct wq_shard *deferrable_shard(unsigned int cpu)
{
	static const struct timer_list deferrable = { .flags = TIMER_DEFERRABLE };

	return wq_shard_for(&deferrable, cpu);
}

static inline void begin(void)
{
	start_machine();
	wq = make_queue(WQ_PERCPU);
	for (int i = 0; i < ITEMS; i++) {
		INIT_DELAYED_WORK(&dwork[i], never_run);
		dwork[i].wq = wq;
	}
	timer_setup(&timer, never_called, 0);
	here = usual_shard(FIRST);
	there = usual_shard(SECOND);
	/* so that no wheel stands there already */
	now = wq_shard_now() + 1;
}

static inline void end(void)
{
	free_queue(wq);
}

/* ------------------------------------------------------------ calls and looks */

static inline void arm(int i, struct wq_shard *shard, unsigned long expires)
{
	wq_shard_arm(item(i), shard, now, expires);
}

static inline bool is_idle_on(const struct timer_list *which, const struct wq_shard *shard)
{
	return which->state == shard->index + 1;
}

static inline bool is_armed_on(const struct timer_list *which, const struct wq_shard *shard)
{
	return which->state == ((shard->index + 1) | WQ_TIMER_ARMED);
}

static inline unsigned int nr_armed(const struct workqueue_struct *of, const struct wq_shard *shard)
{
	return of->armed[shard->index / WQ_SHARD_KINDS].nr[shard->index % WQ_SHARD_KINDS];
}

/* Nobody is in it, nothing is left to do, and it holds so many items of the queue. */
static inline void must_hold(struct wq_shard *shard, unsigned int nr)
{
	must(!shard->lock.word && !shard->intake && !shard->is_lowered);
	must(wq_wheel_is_valid(&shard->wheel));
	must(nr_armed(wq, shard) == nr);
}

static inline bool manager_was_woken(void)
{
	return was_woken(&wq_manager_park);
}

static inline struct timer_list *expire(struct wq_shard *shard, unsigned long when)
{
	unsigned int budget = 100;
	struct timer_list *expired;

	wq_shard_lock(shard);
	expired = wq_shard_expire_locked(shard, when, &budget);
	wq_shard_set_next_locked(shard);
	wq_shard_unlock(shard);
	return expired;
}

static inline void remove_timer(struct timer_list *which)
{
	struct wq_shard *shard = wq_shard_lock_timer(which);

	must(shard);
	wq_shard_remove_locked(shard, which);
	wq_shard_unlock(shard);
}

#endif /* TESTS_SHARD_CALLS_H */
