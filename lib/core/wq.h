/* SPDX-License-Identifier: MIT */
/*
 * wq.h - queues: making and freeing them, the system's own.
 */
#ifndef WQ_CORE_WQ_H
#define WQ_CORE_WQ_H

#include "core/types.h"

/*
 * Give a queue with name, flags and max_active its pwqs and table. 0 or
 * -ENOMEM, then nothing is left behind.
 */
int wq_wq_init(struct workqueue_struct *wq);
/* Nobody can find the queue or its pwqs any more, and they are empty. */
void wq_wq_fini(struct workqueue_struct *wq);

/* For the callbacks of user's timers: the runners of the shards. */
extern struct workqueue_struct wq_timers_wq;

/* The queues that exist from load time. Configuration lock held; may be called again. */
int wq_wq_init_system(void);

static inline bool wq_wq_is_refusing(struct workqueue_struct *wq)
{
	return wq_load_relaxed(&wq->flags) & (__WQ_DRAINING | __WQ_DESTROYING);
}

#define wq_wq_for_each_pwq(pwq, wq) for ((pwq) = (wq)->pwqs; (pwq); (pwq) = (pwq)->next)

#endif /* WQ_CORE_WQ_H */
