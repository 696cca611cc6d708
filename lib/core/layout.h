/* SPDX-License-Identifier: MIT */
/*
 * layout.h - which pwqs a queue has, and which of them serves which CPU.
 *
 * A per-CPU queue has one for each CPU that has pools, an unbound one for each pod of its
 * scope, an ordered one has one. Made beside the old ones, then installed: those of an unbound
 * queue take the place of the old ones, those of a per-CPU queue join them.
 */
#ifndef WQ_CORE_LAYOUT_H
#define WQ_CORE_LAYOUT_H

#include "core/types.h"

struct wq_layout {
	struct wq_table *table;
	struct wq_list pwqs;
};

/* Is there a CPU whose pools the queue, a per-CPU one, does not use yet? As the next. */
bool wq_layout_lacks_cpus(const struct workqueue_struct *wq);

/*
 * Make what the queue's flags and attributes ask for. 0 or -ENOMEM, then nothing is left
 * behind. Configuration lock held, as by those that install it or set its limits.
 */
int wq_layout_make(struct workqueue_struct *wq, struct wq_layout *layout);
/* Nobody has seen it, or can find it any more, and it is empty. */
void wq_layout_free(struct wq_layout *layout);
void wq_layout_free_pwq(struct wq_pwq *pwq);

/*
 * Items queued from now on go there. What was there before is waited for until nobody is about
 * to queue on it, then retired. May sleep.
 */
void wq_layout_install(struct workqueue_struct *wq, struct wq_layout *layout);

/* Set its limits from max_active and min_active, its CPUs, and whether it is frozen. */
void wq_layout_set_limits(struct workqueue_struct *wq);

/* A retired pwq is about to be freed. The queue's flush_lock held. */
void wq_layout_unlink_locked(struct wq_pwq *pwq);

#endif /* WQ_CORE_LAYOUT_H */
