/* SPDX-License-Identifier: MIT */
/*
 * wq.h - queues: making and freeing them, the system's own.
 */
#ifndef WQ_CORE_WQ_H
#define WQ_CORE_WQ_H

#include "base/report.h"
#include "core/types.h"

/* G: every queue, the system's own too, oldest first. */
extern struct wq_list wq_all;
/* G: between freeze_workqueues_begin() and thaw_workqueues(). */
extern bool wq_is_freezing;

/* A: under G: workq_shutdown() was called. */
extern bool wq_is_shutting_down;

/*
 * Give a queue with name, flags and max_active its pwqs and table. 0, or
 * -ENOMEM, -EAGAIN or -ESHUTDOWN, then nothing is left behind. Configuration lock held.
 */
int wq_wq_init(struct workqueue_struct *wq);
/*
 * Nobody can queue on it any more, and it is empty: it is off wq_all, and pwqs that were replaced
 * are gone. Configuration lock held.
 */
void wq_wq_fini(struct workqueue_struct *wq);

/* WQ_POWER_EFFICIENT may stand for WQ_UNBOUND. */
unsigned int wq_wq_settle_power(unsigned int flags);

/* For the callbacks of user's timers: the runners of the shards. */
extern struct workqueue_struct wq_timers_wq;

/* The queues that exist from load time. Configuration lock held; may be called again. */
int wq_wq_init_system(void);

/*
 * In the child of fork(): all queues stay as they were set, but are empty, and without pwqs; then
 * give them new ones. 0, -ENOMEM or -EAGAIN: some have none yet. Configuration lock held.
 */
void wq_wq_reset_all(void);
int wq_wq_lay_out_all(void);

static inline bool wq_wq_is_refusing(struct workqueue_struct *wq)
{
	return wq_wq_flags(wq) & (__WQ_DRAINING | __WQ_DESTROYING | __WQ_SHUT);
}

static inline bool wq_wq_is_frozen(const struct workqueue_struct *wq)
{
	wq_assert_held(&wq_config_lock);
	return wq_is_freezing && wq_wq_flags(wq) & WQ_FREEZABLE;
}

/* The pwq that serves a CPU. In a section, which keeps it. */
static inline struct wq_pwq *wq_wq_pwq_of(struct workqueue_struct *wq, unsigned int cpu)
{
	/* order: TABLE-LOOK pairs with TABLE-PUBLISH */
	return wq_load_acquire(&wq->table)->of_cpu[cpu < wq_nr_cpus ? cpu : 0];
}

/* The one after `pwq`, or the first; NULL: that was the last. The queue's flush_lock held. */
static inline struct wq_pwq *wq_wq_next_pwq(struct workqueue_struct *wq, struct wq_pwq *pwq)
{
	struct wq_list *next = pwq ? pwq->node.next : wq->pwqs.next;

	wq_assert_held(&wq->flush_lock);
	return next == &wq->pwqs ? NULL : wq_list_entry(next, struct wq_pwq, node);
}

#define wq_wq_for_each_pwq(pwq, wq)                                                                \
	for ((pwq) = wq_wq_next_pwq((wq), NULL); (pwq); (pwq) = wq_wq_next_pwq((wq), (pwq)))

#endif /* WQ_CORE_WQ_H */
