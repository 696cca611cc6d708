/* SPDX-License-Identifier: MIT */
/*
 * callback.h - user's timers that have expired: who calls their functions.
 *
 * Each shard has an item, its runner, which calls them one after another on a
 * worker of the shard's CPU. So a callback is never on the timer thread, and one
 * timer's callbacks never overlap.
 */
#ifndef WQ_CORE_CALLBACK_H
#define WQ_CORE_CALLBACK_H

#include "core/types.h"

/* The timer is due, and off the wheel: its callback comes next. Returns whom to wake, or NULL.
   Lock of the shard held, in a section. */
struct wq_park *wq_callback_add_locked(struct wq_shard *shard, struct timer_list *timer);

/* The runner's function. */
void wq_callback_run(struct work_struct *runner);

/* For the runner's thread, in a callback: which function that is; and it ends there. */
uintptr_t wq_callback_function(struct work_struct *runner);
void wq_callback_abandon(struct work_struct *runner);

/* Is the calling thread in a callback that this shard calls? */
bool wq_callback_is_caller(const struct wq_shard *shard);

/*
 * Wait until the callback that runs has returned. True: it had armed its timer
 * anew, which is disarmed for the caller. Lock of the shard held, and released.
 */
bool wq_callback_wait(struct wq_shard *shard);

#endif /* WQ_CORE_CALLBACK_H */
