/* SPDX-License-Identifier: MIT */
/*
 * waiter.h - callers that wait for an event; shared by kthreads and kthread_workers.
 *
 * A list of them is under a lock of its owner's, which excludes others in all but waiting.
 */
#ifndef WQ_OPS_WAITER_H
#define WQ_OPS_WAITER_H

#include "core/block.h"

/* On its caller's stack. */
struct wq_waiter {
	struct wq_waiter *next; /* under the list's lock, as what follows */
	const void *owner;      /* who will see to the event: a worker, a task */
	const void *item;       /* whose event it is; address only */
	unsigned int event;
	struct wq_park *park; /* C: its thread's, or NULL */
	uint32_t is_done;     /* A: under the list's lock, the last touch */
};

void wq_waiter_add(struct wq_waiter **list, struct wq_waiter *waiter);

/* The event has come. */
void wq_waiter_complete(struct wq_waiter **list, const void *owner, const void *item,
			unsigned int event);

/* Who waits for the one event will from now on wait for the other. */
void wq_waiter_move(struct wq_waiter *list, const void *owner, const void *item, unsigned int from,
		    unsigned int to);

/* Wait. May sleep; without the list's lock. */
static inline void wq_waiter_wait(struct wq_waiter *waiter)
{
	wq_block_wait_done(&waiter->is_done, waiter->park);
}

#endif /* WQ_OPS_WAITER_H */
