/* SPDX-License-Identifier: MIT */
/*
 * rescuer.c - the thread that a WQ_MEM_RECLAIM queue has for itself (contracts in rescuer.h).
 *
 * Its slots, one in each pool that the queue uses, belong to the pwqs and are made
 * with them: when there is no memory, none is needed.
 */
#include "core/rescuer.h"

#include <errno.h>
#include <stdio.h>

#include "base/grace.h"
#include "base/os.h"
#include "base/report.h"
#include "core/block.h"
#include "core/pool.h"
#include "core/work.h"
#include "core/worker.h"

/* So many items of one pool, then another one that has called has its turn (K3). */
#define TURN 16u

/* Never freed, as parks must not be: kept for the next queue. */
struct wq_rescuer {
	struct wq_park park;     /* A: its thread's */
	uint32_t must_stop;      /* A: by who destroys the queue */
	uint32_t has_ended;      /* A: by its thread, the last touch */
	struct wq_park *stopper; /* C: once must_stop is set */
	struct wq_lock lock;     /* C: itself; ranks WQ_RANK_LIMIT */
	struct wq_list calls;    /* X: pwqs that need it, in the order of their calls */
	struct wq_rescuer *next; /* G: in unused */
	char name[WQ_NAME_LEN];  /* C: the thread's */
};

static struct wq_rescuer *unused; /* G: whose queues are gone */

/* ------------------------------------------------------------------ thread */

static struct wq_pwq *next_call(struct wq_rescuer *self)
{
	struct wq_list *node = NULL;

	wq_lock_acquire(&self->lock);
	if (!wq_list_is_empty(&self->calls)) {
		node = self->calls.next;
		wq_list_del(node);
	}
	wq_lock_release(&self->lock);
	return node ? wq_list_entry(node, struct wq_pwq, call_node) : NULL;
}

static void add_call(struct wq_rescuer *self, struct wq_pwq *pwq)
{
	wq_lock_acquire(&self->lock);
	wq_list_add_tail(&pwq->call_node, &self->calls);
	wq_lock_release(&self->lock);
}

static void rescuer_main(void *arg)
{
	struct wq_rescuer *self = arg;
	struct wq_park *stopper;
	struct wq_pwq *pwq;
	bool must_stop;

	wq_os_thread_set_name(self->name);
	/* without permission it is one of many */
	wq_os_thread_set_nice(WQ_HIGHPRI_NICE);
	do {
		wq_park_wait(&self->park, WQ_FOREVER);
		must_stop = wq_load_acquire(&self->must_stop);
		while ((pwq = next_call(self))) {
			if (wq_worker_rescue(pwq, TURN))
				add_call(self, pwq);
		}
	} while (!must_stop);
	stopper = self->stopper;
	/* order: DONE pairs with WAIT-DONE */
	wq_store_release(&self->has_ended, 1u);
	if (stopper)
		wq_park_wake(stopper);
}

/* -------------------------------------------------------------------- life */

static struct wq_rescuer *take_unused(void)
{
	struct wq_rescuer *self = unused;

	if (self)
		unused = self->next;
	else
		self = wq_os_alloc(sizeof(*self), WQ_CACHE_LINE);
	return self;
}

static void keep_unused(struct wq_rescuer *self)
{
	self->next = unused;
	unused = self;
}

int wq_rescuer_create(struct workqueue_struct *wq)
{
	struct wq_rescuer *self = take_unused();

	wq_assert_held(&wq_config_lock);
	if (!self)
		return -ENOMEM;
	wq_store_relaxed(&self->must_stop, 0u);
	wq_store_relaxed(&self->has_ended, 0u);
	wq_lock_init(&self->lock, WQ_RANK_LIMIT);
	wq_list_init(&self->calls);
	snprintf(self->name, sizeof(self->name), "kworker/R-%.5s", wq->name);
	if (wq_os_thread_create(rescuer_main, self, &wq_allowed_cpus)) {
		keep_unused(self);
		return -EAGAIN;
	}
	wq->rescuer = self;
	return 0;
}

void wq_rescuer_stop(struct workqueue_struct *wq)
{
	struct wq_rescuer *self = wq->rescuer;

	if (!self)
		return;
	/* perhaps this is the thread's first use of the library */
	if (!wq_grace_self)
		wq_grace_claim();
	self->stopper = wq_block_park();
	wq_store_release(&self->must_stop, 1u);
	wq_park_wake(&self->park);
	wq_block_wait_done(&self->has_ended, self->stopper);
	wq_lock_acquire(&wq_config_lock);
	wq->rescuer = NULL;
	keep_unused(self);
	wq_lock_release(&wq_config_lock);
}

/* -------------------------------------------------------------------- call */

static void call(struct wq_pwq *pwq)
{
	if (!pwq->rescue || pwq->is_calling)
		return;
	pwq->is_calling = true;
	add_call(pwq->wq->rescuer, pwq);
	wq_pool_due_locked(pwq->pool, &pwq->wq->rescuer->park);
}

void wq_rescuer_call(struct wq_pool *pool)
{
	struct wq_list *node;

	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	wq_list_for_each(node, &pool->worklist)
		call(wq_word_pwq(wq_load_relaxed(&wq_node_work(node)->data)));
	wq_pool_unlock(pool);
}
