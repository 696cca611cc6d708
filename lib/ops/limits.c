/* SPDX-License-Identifier: MIT */
/*
 * limits.c - workqueue_set_max_active(), workqueue_set_min_active().
 */
#include "ops/limits.h"

#include <limits.h>

#include "base/report.h"
#include "core/layout.h"
#include "core/wq.h"
#include "ops/init.h"

static int clamp(int value, int min, int max)
{
	if (value < min)
		return min;
	return value > max ? max : value;
}

static int clamp_max_active(int max_active, const char *name)
{
	int clamped = clamp(max_active, 1, WQ_MAX_ACTIVE);

	if (clamped != max_active)
		wq_note("max_active is out of range 1 .. 2048, clamped: ", name);
	return clamped;
}

int wq_limits_initial(const struct workqueue_struct *wq, int max_active)
{
	/* nothing limits those but their CPU (C5) */
	if (wq_wq_flags(wq) & WQ_BH)
		return INT_MAX;
	return max_active ? clamp_max_active(max_active, wq->name) : WQ_DFL_ACTIVE;
}

bool wq_limits_is_fixed(const struct workqueue_struct *wq)
{
	return wq_wq_flags(wq) & (WQ_BH | __WQ_ORDERED);
}

void wq_limits_set_max(struct workqueue_struct *wq, int max_active)
{
	wq_assert_held(&wq_config_lock);
	wq->max_active = clamp_max_active(max_active, wq->name);
	wq->min_active = clamp(wq->min_active, 0, wq->max_active);
	wq_layout_set_limits(wq);
}

void workqueue_set_max_active(struct workqueue_struct *wq, int max_active)
{
	if (!wq || wq_limits_is_fixed(wq)) {
		wq_warn("workqueue_set_max_active() has no effect on ",
			!wq                            ? "no queue" :
			wq_wq_flags(wq) & __WQ_ORDERED ? "an ordered queue" :
							 "a WQ_BH queue");
		return;
	}
	if (!wq_init_use())
		return;
	wq_lock_acquire(&wq_config_lock);
	wq_limits_set_max(wq, max_active);
	wq_lock_release(&wq_config_lock);
}

void workqueue_set_min_active(struct workqueue_struct *wq, int min_active)
{
	if (!wq || !(wq_wq_flags(wq) & WQ_UNBOUND) || wq_limits_is_fixed(wq)) {
		wq_warn("workqueue_set_min_active() has no effect on ",
			wq ? "a queue that is not plainly unbound" : "no queue");
		return;
	}
	if (!wq_init_use())
		return;
	wq_lock_acquire(&wq_config_lock);
	wq->min_active = clamp(min_active, 0, wq->max_active);
	wq_layout_set_limits(wq);
	wq_lock_release(&wq_config_lock);
}
