/* SPDX-License-Identifier: MIT */
/*
 * shard.h - armed timers, by the CPU that armed them.
 *
 * A timer belongs to one shard, which it names; see struct wq_shard. Ticks are
 * jiffies: a timer is due when the jiffy that it names is over, so never early.
 */
#ifndef WQ_CORE_SHARD_H
#define WQ_CORE_SHARD_H

#include "core/types.h"

#define WQ_NS_PER_JIFFY 1000000u

/* By index, wq_nr_shards of them. C: once started */
extern struct wq_shard **wq_shards;
extern unsigned int wq_nr_shards;

/* Make two for each allowed CPU: the second is for deferrable timers. Configuration lock held. */
int wq_shard_create_all(void);
/* In the child of fork(): nothing is armed. Configuration lock held. */
void wq_shard_reset_all(void);

/* Where a timer that is armed on this CPU goes. */
struct wq_shard *wq_shard_for(const struct timer_list *timer, unsigned int cpu);

/* Jiffies now. Signal handlers may. */
unsigned long wq_shard_now(void);

/*
 * Lock the shard that the timer names, its intake filed; NULL if it names none.
 * If the timer is not armed then, it is idle, or somebody is about to arm it.
 */
struct wq_shard *wq_shard_lock_timer(struct timer_list *timer);
/* For a user's timer: lock the shard that it shall be armed on, by preference this one. */
struct wq_shard *wq_shard_lock_to_arm(struct timer_list *timer, struct wq_shard *preferred);

void wq_shard_lock(struct wq_shard *shard);
/* Ends every lock hold: files what was pushed meanwhile, and tells the timer thread. */
void wq_shard_unlock(struct wq_shard *shard);

/*
 * For who owns PENDING of a delayed item, or else knows that nobody arms its timer: arm it, not
 * waiting for a lock. `now` is wq_shard_now(). From then on the item may be gone.
 * Signal handlers may.
 */
void wq_shard_arm(struct timer_list *timer, struct wq_shard *preferred, unsigned long now,
		  unsigned long expires);

/* The rest: lock of the shard held. */

static inline bool wq_shard_is_armed_locked(const struct timer_list *timer)
{
	return wq_load_relaxed(&timer->state) & (WQ_TIMER_ARMED | WQ_TIMER_EXPIRED);
}

/* It is this jiffy: timers armed from now on will have less far to go. */
void wq_shard_catch_up_locked(struct wq_shard *shard, unsigned long now);
/* Arm an idle timer, arm an armed one anew, disarm an armed one. */
void wq_shard_add_locked(struct wq_shard *shard, struct timer_list *timer, unsigned long expires);
void wq_shard_move_locked(struct wq_shard *shard, struct timer_list *timer, unsigned long expires);
void wq_shard_remove_locked(struct wq_shard *shard, struct timer_list *timer);
/* Disarm it if it is armed: was it? */
static inline bool wq_shard_disarm_locked(struct wq_shard *shard, struct timer_list *timer)
{
	bool is_armed = wq_shard_is_armed_locked(timer);

	if (is_armed)
		wq_shard_remove_locked(shard, timer);
	return is_armed;
}

/*
 * Take the earliest timer that is due in this jiffy off the wheel; NULL: none, or *budget is spent.
 * A delayed item's is disarmed then; a user's is expired, for wq_callback_add_locked().
 */
struct timer_list *wq_shard_expire_locked(struct wq_shard *shard, unsigned long now,
					  unsigned int *budget);
/* How many delayed items of the queue are armed here. */
unsigned int *wq_shard_nr_armed_locked(const struct wq_shard *shard, struct workqueue_struct *wq);
/* All that were due are disarmed: set `next`. */
void wq_shard_set_next_locked(struct wq_shard *shard);

/* The delayed item of a timer; NULL: a user's timer. */
static inline struct delayed_work *wq_timer_dwork(struct timer_list *timer)
{
	return timer->function == delayed_work_timer_fn ?
		       container_of(timer, struct delayed_work, timer) :
		       NULL;
}

static inline struct timer_list *wq_wheel_to_timer(struct wq_wheel_timer *timer)
{
	return (struct timer_list *)(void *)timer;
}

#endif /* WQ_CORE_SHARD_H */
