/* SPDX-License-Identifier: MIT */
/*
 * dep.h - does an item that must not wait for memory wait for one that may?
 */
#ifndef WQ_WATCH_DEP_H
#define WQ_WATCH_DEP_H

#include "core/types.h"
#include "core/worker.h"

/*
 * Is the calling thread in an item of a WQ_MEM_RECLAIM queue? Those of the older calls,
 * create_workqueue() and its kin, have the flag without meaning it.
 */
static inline bool wq_dep_is_in_reclaim(void)
{
	struct wq_worker *worker = wq_worker_self;
	unsigned int flags;

	if (!worker || !worker->current)
		return false;
	flags = wq_wq_flags(worker->current_pwq->wq);
	return (flags & (WQ_MEM_RECLAIM | __WQ_LEGACY)) == WQ_MEM_RECLAIM;
}

/* Whom it is about to wait for. */
struct wq_dep {
	bool is_broken;         /* that one may need memory */
	char name[WQ_NAME_LEN]; /* its queue's name */
	work_func_t func;       /* its function; NULL: the whole queue */
};

/* For who is in reclaim: look at what it waits for. The queue cannot go away meanwhile. */
void wq_dep_note(struct wq_dep *dep, struct workqueue_struct *target, work_func_t func);
/* Reports it, once, if it is broken. No lock held. */
void wq_dep_report(const struct wq_dep *dep);

#endif /* WQ_WATCH_DEP_H */
