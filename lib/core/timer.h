/* SPDX-License-Identifier: MIT */
/*
 * timer.h - the timer thread: sleeps until something is due, then queues it.
 */
#ifndef WQ_CORE_TIMER_H
#define WQ_CORE_TIMER_H

#include "core/types.h"

/* shard->next came closer: see that the timer thread wakes up in time. Signal handlers may. */
void wq_timer_announce(struct wq_shard *shard);

/* For the manager: is there something to wake up for, but no timer thread? Make it. 0 or -errno. */
bool wq_timer_wants_thread(void);
int wq_timer_start(void);

/*
 * Nothing fires any more, but what is just being fired: returns at once. Has the thread ended?
 * Then close its timerfd. May sleep.
 */
void wq_timer_stop(void);
bool wq_timer_is_gone(void);
void wq_timer_close(void);

/* In the child of fork(), at once: there is no thread, and the parent's timerfd is let go. */
void wq_timer_reset(void);

#endif /* WQ_CORE_TIMER_H */
