/* SPDX-License-Identifier: MIT */
/*
 * limit.c - how many items of a queue may be active (contracts in limit.h).
 */
#include "core/limit.h"

#include "base/report.h"
#include "core/pool.h"
#include "core/pwq.h"

void wq_limit_init(struct wq_limit *limit, unsigned int max)
{
	limit->max = max;
	wq_lock_init(&limit->lock, WQ_RANK_LIMIT);
	wq_list_init(&limit->waiting);
}

/* ------------------------------------------------------------- counting */

static bool has_room(const struct wq_limit *limit)
{
	/* order: LIMIT-LOOK pairs with LIMIT-GIVE */
	return wq_load_seq_cst(&limit->nr) < wq_load_relaxed(&limit->max);
}

static bool take_shared(struct wq_limit *limit)
{
	unsigned int nr = wq_load_relaxed(&limit->nr);

	/* never above max, not even for a moment: who sees that goes to wait */
	while (nr < wq_load_relaxed(&limit->max)) {
		if (wq_cas_weak_seq_cst(&limit->nr, &nr, nr + 1))
			return true;
	}
	return false;
}

bool wq_limit_take_shared_locked(struct wq_pwq *pwq)
{
	wq_assert_held(&pwq->pool->lock);
	/* nobody overtakes those who wait (C2) */
	return !wq_load_relaxed(&pwq->limit->nr_waiting) && take_shared(pwq->limit);
}

/* Of a limit that is not shared. */
static void serve_alone(struct wq_pwq *pwq)
{
	struct wq_limit *limit = pwq->limit;

	while (!wq_list_is_empty(&pwq->inactive) && limit->nr < wq_load_relaxed(&limit->max)) {
		wq_store_relaxed(&limit->nr, limit->nr + 1);
		wq_pwq_activate_first_locked(pwq);
	}
}

/* ------------------------------------------------------------- the line */

static void join(struct wq_pwq *pwq)
{
	struct wq_limit *limit = pwq->limit;

	pwq->is_waiting = true;
	wq_list_add_tail(&pwq->holding_node, &pwq->pool->holding);
	wq_lock_acquire(&limit->lock);
	wq_list_add_tail(&pwq->waiting_node, &limit->waiting);
	/* order: LIMIT-WAIT pairs with LIMIT-WANTED (Dekker: has_room() comes next) */
	wq_store_seq_cst(&limit->nr_waiting, limit->nr_waiting + 1);
	wq_lock_release(&limit->lock);
}

/* Of the line, which is the limit's, and of its pool's list. */
static void leave(struct wq_pwq *pwq)
{
	wq_assert_held(&pwq->limit->lock);
	wq_assert_held(&pwq->pool->lock);
	pwq->is_waiting = false;
	wq_list_del(&pwq->holding_node);
	wq_list_del(&pwq->waiting_node);
	wq_store_seq_cst(&pwq->limit->nr_waiting, pwq->limit->nr_waiting - 1);
}

static void kick(struct wq_pool *from, struct wq_pool *pool)
{
	struct wq_park *park;

	/* order: KICK-PUSH pairs with KICK-TAKE: who finds it kicked is sure that it will look */
	if (wq_xchg_seq_cst(&pool->is_kicked, 1u))
		return;
	park = wq_pool_push_quietly(pool, &pool->kick);
	if (park)
		wq_pool_due_locked(from, park);
}

static struct wq_pwq *first_waiting(struct wq_limit *limit)
{
	wq_assert_held(&limit->lock);
	if (wq_list_is_empty(&limit->waiting))
		return NULL;
	return wq_list_entry(limit->waiting.next, struct wq_pwq, waiting_node);
}

/* It has a slot: start its oldest item. The next turn is another's. */
static void start_one(struct wq_pwq *pwq)
{
	wq_assert_held(&pwq->limit->lock);
	wq_pwq_activate_first_locked(pwq);
	if (wq_list_is_empty(&pwq->inactive)) {
		leave(pwq);
		return;
	}
	wq_list_del(&pwq->waiting_node);
	wq_list_add_tail(&pwq->waiting_node, &pwq->limit->waiting);
}

/* Serve the line as far as it is this pool's turn, then hand on. */
static void serve_line(struct wq_limit *limit, struct wq_pool *pool)
{
	struct wq_pool *other = NULL;
	struct wq_pwq *pwq;

	wq_lock_acquire(&limit->lock);
	while (!other && (pwq = first_waiting(limit)) && has_room(limit)) {
		if (pwq->pool != pool)
			other = pwq->pool;
		else if (take_shared(limit))
			start_one(pwq);
	}
	wq_lock_release(&limit->lock);
	if (other)
		kick(pool, other);
}

void wq_limit_wait_locked(struct wq_pwq *pwq)
{
	wq_assert_held(&pwq->pool->lock);
	if (!pwq->shares_limit || pwq->is_plugged || pwq->is_waiting)
		return;
	join(pwq);
	/* room may have been made before anybody could see us wait */
	if (has_room(pwq->limit))
		serve_line(pwq->limit, pwq->pool);
}

static void unwait(struct wq_pwq *pwq)
{
	struct wq_limit *limit = pwq->limit;

	wq_lock_acquire(&limit->lock);
	leave(pwq);
	wq_lock_release(&limit->lock);
}

void wq_limit_unwait_locked(struct wq_pwq *pwq)
{
	wq_assert_held(&pwq->pool->lock);
	if (!pwq->is_waiting || !wq_list_is_empty(&pwq->inactive))
		return;
	unwait(pwq);
	/* it may have been its turn */
	serve_line(pwq->limit, pwq->pool);
}

void wq_limit_serve_locked(struct wq_pwq *pwq)
{
	wq_assert_held(&pwq->pool->lock);
	if (wq_likely(wq_list_is_empty(&pwq->inactive)) || pwq->is_plugged)
		return;
	/* nobody appends to a worklist without draining first: a long inactive list
	   must not keep what others queued from its turn */
	wq_pool_drain_locked(pwq->pool);
	if (!pwq->shares_limit) {
		serve_alone(pwq);
		return;
	}
	/* a kick in the intake may have brought its turn already */
	if (wq_list_is_empty(&pwq->inactive))
		return;
	if (!pwq->is_waiting)
		join(pwq);
	serve_line(pwq->limit, pwq->pool);
}

void wq_limit_give_shared_locked(struct wq_pwq *pwq)
{
	struct wq_limit *limit = pwq->limit;

	wq_assert_held(&pwq->pool->lock);
	/* order: LIMIT-GIVE pairs with LIMIT-LOOK; LIMIT-WANTED pairs with LIMIT-WAIT (Dekker) */
	wq_fetch_sub_seq_cst(&limit->nr, 1u);
	if (!wq_load_seq_cst(&limit->nr_waiting))
		return;
	wq_pool_drain_locked(pwq->pool);
	serve_line(limit, pwq->pool);
}

void wq_limit_share_locked(struct wq_pwq *pwq, bool is_shared)
{
	wq_assert_held(&pwq->pool->lock);
	if (pwq->shares_limit == is_shared)
		return;
	if (pwq->is_waiting)
		unwait(pwq);
	pwq->shares_limit = is_shared;
	wq_store_relaxed(&pwq->pool->nr_sharing,
			 is_shared ? pwq->pool->nr_sharing + 1 : pwq->pool->nr_sharing - 1);
	wq_limit_serve_locked(pwq);
}

static unsigned int nr_holding(const struct wq_pool *pool)
{
	const struct wq_list *node;
	unsigned int nr = 0;

	wq_list_for_each(node, &pool->holding)
		nr++;
	return nr;
}

void wq_limit_kicked_locked(struct wq_pool *pool)
{
	struct wq_pwq *pwq;
	unsigned int nr;

	wq_assert_held(&pool->lock);
	/* order: KICK-TAKE pairs with KICK-PUSH: kicks from now on are pushed again */
	wq_xchg_seq_cst(&pool->is_kicked, 0u);
	/* serving takes some off the list: each is looked at once, or more often */
	for (nr = nr_holding(pool); nr && !wq_list_is_empty(&pool->holding); nr--) {
		pwq = wq_list_entry(pool->holding.next, struct wq_pwq, holding_node);
		wq_list_del(&pwq->holding_node);
		wq_list_add_tail(&pwq->holding_node, &pool->holding);
		if (has_room(pwq->limit))
			serve_line(pwq->limit, pool);
	}
}
