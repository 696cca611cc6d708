/* SPDX-License-Identifier: MIT */
/*
 * limit.h - how many items of a queue may be active (C1 to C4, C6).
 *
 * A pwq that alone has its limit counts under its pool's lock. Pwqs on several
 * pools that share one count by RMWs; who finds it reached waits in line, and
 * whoever makes room serves the line: each pwq in its turn starts one item.
 * Two pools are never locked at once: a turn is handed to another pool by a
 * kick, pushed on its intake like an item. All with the pwq's pool locked.
 */
#ifndef WQ_CORE_LIMIT_H
#define WQ_CORE_LIMIT_H

#include "base/report.h"
#include "core/types.h"

void wq_limit_init(struct wq_limit *limit, unsigned int max);

/* An item was held back. */
void wq_limit_wait_locked(struct wq_pwq *pwq);
/* There may be room: start what is held back, as far as its turn has come. */
void wq_limit_serve_locked(struct wq_pwq *pwq);
/* An item that was held back is gone. */
void wq_limit_unwait_locked(struct wq_pwq *pwq);

/* Another pwq has the limit too from now on; or no other has, any more. */
void wq_limit_share_locked(struct wq_pwq *pwq, bool is_shared);

/* The pool's intake held the kick. */
void wq_limit_kicked_locked(struct wq_pool *pool);

bool wq_limit_take_shared_locked(struct wq_pwq *pwq);
void wq_limit_give_shared_locked(struct wq_pwq *pwq);

/* May an item that has just come be active? Counts it. Else it must be held back (C2). */
static inline bool wq_limit_take_locked(struct wq_pwq *pwq)
{
	struct wq_limit *limit = pwq->limit;

	if (wq_unlikely(!wq_list_is_empty(&pwq->inactive) || pwq->is_plugged))
		return false;
	if (wq_unlikely(pwq->shares_limit))
		return wq_limit_take_shared_locked(pwq);
	if (limit->nr >= wq_load_relaxed(&limit->max))
		return false;
	wq_store_relaxed(&limit->nr, limit->nr + 1);
	return true;
}

/* Is an active item that goes, and comes again, active at once? Of a plugged pwq none is active. */
static WQ_INLINE bool wq_limit_is_quiet_locked(const struct wq_pwq *pwq)
{
	return wq_list_is_empty(&pwq->inactive) && !pwq->shares_limit &&
	       pwq->limit->nr <= wq_load_relaxed(&pwq->limit->max);
}

/* An active item is through, or will not run. */
static inline void wq_limit_give_locked(struct wq_pwq *pwq)
{
	if (wq_unlikely(pwq->shares_limit)) {
		wq_limit_give_shared_locked(pwq);
		return;
	}
	wq_assert(pwq->limit->nr > 0);
	wq_store_relaxed(&pwq->limit->nr, pwq->limit->nr - 1);
	if (wq_unlikely(!wq_list_is_empty(&pwq->inactive)))
		wq_limit_serve_locked(pwq);
}

#endif /* WQ_CORE_LIMIT_H */
