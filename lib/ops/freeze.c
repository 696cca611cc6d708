/* SPDX-License-Identifier: MIT */
/*
 * freeze.c - freeze_workqueues_begin(), freeze_workqueues_busy(), thaw_workqueues().
 *
 * A frozen queue has room for no more active items: what is queued is held
 * back as by max_active, and starts in order when the limits are back.
 */
#include "base/report.h"
#include "core/layout.h"
#include "core/pool.h"
#include "core/wq.h"
#include "ops/init.h"

static struct workqueue_struct *wq_of(struct wq_list *node)
{
	return wq_list_entry(node, struct workqueue_struct, node);
}

static void set_freezing(bool is_freezing)
{
	struct wq_list *node;

	wq_is_freezing = is_freezing;
	wq_list_for_each(node, &wq_all) {
		if (wq_wq_flags(wq_of(node)) & WQ_FREEZABLE)
			wq_layout_set_limits(wq_of(node));
	}
}

void freeze_workqueues_begin(void)
{
	static uint32_t once; /* A: reported */

	if (!wq_init_use())
		return;
	wq_lock_acquire(&wq_config_lock);
	if (wq_is_freezing)
		wq_warn_once(&once, "freeze_workqueues_begin() within a freeze", "");
	else
		set_freezing(true);
	wq_lock_release(&wq_config_lock);
}

/* Items that were pushed before are counted only when they are filed. */
static bool has_active(struct wq_pwq *pwq)
{
	bool has_active;

	wq_pool_lock(pwq->pool);
	wq_pool_drain_locked(pwq->pool);
	has_active = wq_load_relaxed(&pwq->limit->nr);
	wq_pool_unlock(pwq->pool);
	return has_active;
}

static bool is_busy(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq;
	bool is_busy = false;

	wq_lock_acquire(&wq->flush_lock);
	wq_wq_for_each_pwq(pwq, wq) is_busy = is_busy || has_active(pwq);
	wq_lock_release(&wq->flush_lock);
	return is_busy;
}

static bool is_any_busy(void)
{
	struct wq_list *node;

	wq_list_for_each(node, &wq_all) {
		if (wq_wq_flags(wq_of(node)) & WQ_FREEZABLE && is_busy(wq_of(node)))
			return true;
	}
	return false;
}

bool freeze_workqueues_busy(void)
{
	static uint32_t once; /* A: reported */
	bool is_busy = false;

	if (!wq_init_use())
		return false;
	wq_lock_acquire(&wq_config_lock);
	if (wq_is_freezing)
		is_busy = is_any_busy();
	else
		wq_warn_once(&once, "freeze_workqueues_busy() outside of a freeze", "");
	wq_lock_release(&wq_config_lock);
	return is_busy;
}

void thaw_workqueues(void)
{
	if (!wq_init_use())
		return;
	wq_lock_acquire(&wq_config_lock);
	if (wq_is_freezing)
		set_freezing(false);
	wq_lock_release(&wq_config_lock);
}
