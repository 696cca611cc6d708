/* SPDX-License-Identifier: MIT */
/*
 * retire.c - pwqs that their queue no longer uses (contracts in retire.h).
 */
#include "core/retire.h"

#include <errno.h>

#include "base/grace.h"
#include "base/report.h"
#include "core/layout.h"
#include "core/limit.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/submit.h"
#include "core/work.h"
#include "core/wq.h"

/*
 * Unbound: an item that computes must not hold off what an ordered queue waits for; nor must a lack
 * of threads. Few at a time: each mostly waits, for a grace period or a queue's lock, and
 * who waits is stepped around, so that there would be a thread for each.
 */
struct workqueue_struct wq_release_wq = { .name = "release",
					  .flags = WQ_UNBOUND | WQ_MEM_RECLAIM | __WQ_SYSTEM,
					  .max_active = WQ_DFL_MIN_ACTIVE };

int wq_retire_start(void)
{
	wq_assert_held(&wq_config_lock);
	if (wq_load_relaxed(&wq_is_shutting_down))
		return -ESHUTDOWN;
	return wq_release_wq.table ? 0 : wq_wq_init(&wq_release_wq);
}

/* ------------------------------------------------------------- when empty */

static void queue_release(struct wq_pwq *pwq)
{
	struct wq_park *wake = NULL;
	unsigned long word;

	/* by a worker that may not have entered a section before */
	if (!wq_grace_self)
		wq_grace_claim();
	wq_grace_enter_locked();
	/* refused after workq_shutdown(): then who destroys the queue frees the pwq */
	if (wq_submit_take_pending(&wq_release_wq, &pwq->release, &word))
		wq_submit(&wq_release_wq, &pwq->release, /* cpu */ 0, &wake);
	wq_grace_leave();
	if (wake)
		wq_pool_due_locked(pwq->pool, wake);
}

void wq_retire_if_empty_locked(struct wq_pwq *pwq)
{
	wq_assert_held(&pwq->pool->lock);
	if (!wq_pwq_in_flight_locked(pwq) && !pwq->is_calling)
		queue_release(pwq);
}

void wq_retire(struct wq_pwq *pwq)
{
	wq_pool_lock(pwq->pool);
	wq_pool_drain_locked(pwq->pool);
	pwq->flushing |= WQ_PWQ_RETIRED;
	wq_retire_if_empty_locked(pwq);
	wq_pool_unlock(pwq->pool);
}

/* ---------------------------------------------------------------- release */

static bool is_empty(struct wq_pwq *pwq)
{
	bool is_empty;

	wq_pool_lock(pwq->pool);
	wq_pool_drain_locked(pwq->pool);
	/* pending: something has landed and gone meanwhile, and who saw it run may have a section
	   of his own: the next release looks again */
	is_empty = !wq_pwq_in_flight_locked(pwq) && !pwq->is_calling &&
		   !(wq_load_relaxed(&pwq->release.data) & WQ_WORK_PENDING);
	wq_pool_unlock(pwq->pool);
	return is_empty;
}

/* False: something landed there, and its end has queued, or will queue, the release again. */
static bool unlink_if_gone(struct wq_pwq *pwq)
{
	struct workqueue_struct *wq = pwq->wq;
	bool is_gone;

	wq_lock_acquire(&wq->flush_lock);
	/* a child of fork() looks through the list: not in the middle of this */
	wq_grace_enter();
	is_gone = is_empty(pwq);
	if (is_gone)
		wq_layout_unlink_locked(pwq);
	wq_grace_leave();
	wq_lock_release(&wq->flush_lock);
	return is_gone;
}

static void release(struct work_struct *work)
{
	struct wq_pwq *pwq = container_of(work, struct wq_pwq, release);

	if (!is_empty(pwq))
		return;
	if (!wq_grace_self)
		wq_grace_claim();
	/* order: SYNCHRONIZE: who saw an item run on it, and may queue that here, has pushed */
	wq_grace_synchronize();
	if (unlink_if_gone(pwq))
		wq_layout_free_pwq(pwq);
}

void wq_retire_init(struct wq_pwq *pwq)
{
	INIT_WORK(&pwq->release, release);
}
