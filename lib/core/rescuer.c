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

#include "base/os.h"
#include "base/report.h"
#include "core/block.h"
#include "core/cpus.h"
#include "core/pool.h"
#include "core/work.h"
#include "core/worker.h"

/* So many items of one pool, then another one that has called has its turn (K3). */
#define TURN     16u
/* After a failure to make a thread: try again this much later. */
#define RETRY_NS 10000000ull

/* Never freed, as parks must not be: kept for the next queue. */
struct wq_rescuer {
	struct wq_park park;     /* A: its thread's */
	uint32_t must_stop;      /* A: by who destroys the queue */
	uint32_t has_ended;      /* A: by its thread, the last touch; slept on */
	uint32_t tid;            /* A: of its thread, the last one that it had */
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

static void end(struct wq_rescuer *self)
{
	/* order: DONE pairs with WAIT-DONE */
	wq_store_release(&self->has_ended, 1u);
	wq_futex_wake_all(&self->has_ended);
}

static void rescuer_main(void *arg);

/* The thread ends inside an item: the queue gets another one, however long that takes. */
static void end_early(void)
{
	static uint32_t once; /* A: reported */
	struct wq_pwq *pwq = wq_worker_abandon_rescue();
	struct wq_rescuer *self;
	struct wq_cpuset cpus;

	if (!pwq)
		return;
	self = pwq->wq->rescuer;
	add_call(self, pwq);
	wq_park_wake(&self->park);
	wq_cpus_copy_allowed(&cpus);
	while (wq_os_thread_create(rescuer_main, self, &cpus)) {
		wq_note_once(&once,
			     "no thread for the rescuer of a queue whose item has "
			     "ended the last one, trying again",
			     "");
		wq_os_sleep_ns(RETRY_NS);
	}
}

static void rescuer_main(void *arg)
{
	struct wq_rescuer *self = arg;
	unsigned int generation = wq_fork_generation;
	struct wq_pwq *pwq;
	bool must_stop;

	wq_store_relaxed(&self->tid, wq_os_tid());
	wq_os_thread_enlist();
	wq_os_thread_set_ended_fn(end_early);
	wq_os_thread_set_name(self->name);
	/* without permission it is one of many */
	wq_os_thread_set_nice(WQ_HIGHPRI_NICE);
	do {
		wq_park_wait(&self->park, WQ_FOREVER);
		must_stop = wq_load_acquire(&self->must_stop);
		while ((pwq = next_call(self))) {
			if (wq_worker_rescue(pwq, TURN))
				add_call(self, pwq);
			if (wq_fork_generation != generation)
				return;
		}
	} while (!must_stop);
	end(self);
}

/* -------------------------------------------------------------------- life */

static struct wq_rescuer *take_unused(void)
{
	struct wq_rescuer *self = unused;

	wq_assert_held(&wq_config_lock);
	if (self)
		unused = self->next;
	else
		self = wq_os_alloc(sizeof(*self), WQ_CACHE_LINE);
	return self;
}

static void keep_unused(struct wq_rescuer *self)
{
	wq_assert_held(&wq_config_lock);
	self->next = unused;
	unused = self;
}

int wq_rescuer_create(struct workqueue_struct *wq)
{
	struct wq_rescuer *self = take_unused();

	if (!self)
		return -ENOMEM;
	wq_store_relaxed(&self->must_stop, 0u);
	wq_store_relaxed(&self->has_ended, 0u);
	wq_store_relaxed(&self->tid, 0u);
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

void wq_rescuer_ask_to_stop(struct workqueue_struct *wq)
{
	if (!wq->rescuer)
		return;
	wq_store_release(&wq->rescuer->must_stop, 1u);
	wq_park_wake(&wq->rescuer->park);
}

bool wq_rescuer_is_gone(const struct workqueue_struct *wq)
{
	/* order: WAIT-DONE pairs with DONE */
	return !wq->rescuer || (wq_load_acquire(&wq->rescuer->has_ended) &&
				!wq_os_thread_exists(wq_load_relaxed(&wq->rescuer->tid)));
}

void wq_rescuer_stop(struct workqueue_struct *wq)
{
	struct wq_rescuer *self = wq->rescuer;

	if (!self)
		return;
	wq_rescuer_ask_to_stop(wq);
	wq_block_begin();
	/* order: WAIT-DONE pairs with DONE */
	while (!wq_load_acquire(&self->has_ended))
		wq_futex_wait(&self->has_ended, 0, WQ_FOREVER);
	wq_block_end();
	wq_lock_acquire(&wq_config_lock);
	wq->rescuer = NULL;
	keep_unused(self);
	wq_lock_release(&wq_config_lock);
}

void wq_rescuer_forget(struct workqueue_struct *wq)
{
	wq_assert_held(&wq_config_lock);
	if (!wq->rescuer)
		return;
	wq->rescuer->park = (struct wq_park){ 0 };
	keep_unused(wq->rescuer);
	wq->rescuer = NULL;
}

/* -------------------------------------------------------------------- call */

static void call(struct wq_pwq *pwq)
{
	wq_assert_held(&pwq->pool->lock);
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
