/* SPDX-License-Identifier: MIT */
/*
 * stuck.h - a pool in which an item waits for one that computes.
 */
#ifndef TESTS_STUCK_H
#define TESTS_STUCK_H

#include "item.h"

struct stuck_pool {
	struct workqueue_struct *wq;
	struct blocker blocker;
	struct item item;
};

static inline void stuck_pool_make(struct stuck_pool *stuck)
{
	stuck->wq = alloc_workqueue("stuck", WQ_PERCPU, 0);
	blocker_spin_on(&stuck->blocker, allowed_cpu(0), stuck->wq);
	item_init(&stuck->item);
	queue_work_on(allowed_cpu(0), stuck->wq, &stuck->item.work);
}

static inline void stuck_pool_free(struct stuck_pool *stuck)
{
	blocker_release(&stuck->blocker);
	flush_work(&stuck->item.work);
	destroy_workqueue(stuck->wq);
}

#endif /* TESTS_STUCK_H */
