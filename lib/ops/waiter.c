/* SPDX-License-Identifier: MIT */
/*
 * waiter.c - callers that wait for an event (contracts in waiter.h).
 */
#include "ops/waiter.h"

static bool is_for(const struct wq_waiter *waiter, const void *owner, const void *item,
		   unsigned int event)
{
	return waiter->owner == owner && waiter->item == item && waiter->event == event;
}

void wq_waiter_add(struct wq_waiter **list, struct wq_waiter *waiter)
{
	waiter->park = wq_block_park();
	waiter->next = *list;
	*list = waiter;
}

/* After is_done the waiter's memory belongs to its caller again. */
static void complete(struct wq_waiter *waiter)
{
	struct wq_park *park = waiter->park;

	/* order: DONE pairs with WAIT-DONE */
	wq_store_release(&waiter->is_done, 1u);
	if (park)
		wq_park_wake(park);
}

void wq_waiter_complete(struct wq_waiter **list, const void *owner, const void *item,
			unsigned int event)
{
	struct wq_waiter *waiter;

	while ((waiter = *list)) {
		if (is_for(waiter, owner, item, event)) {
			*list = waiter->next;
			complete(waiter);
		} else {
			list = &waiter->next;
		}
	}
}

void wq_waiter_move(struct wq_waiter *list, const void *owner, const void *item, unsigned int from,
		    unsigned int to)
{
	struct wq_waiter *waiter;

	for (waiter = list; waiter; waiter = waiter->next) {
		if (is_for(waiter, owner, item, from))
			waiter->event = to;
	}
}
