/* SPDX-License-Identifier: MIT */
/*
 * check.c - is a pool's state what it must be? (contracts in check.h)
 */
#include "core/check.h"

#include "base/report.h"
#include "core/pool.h"
#include "core/work.h"
#include "core/worker.h"

static bool list_has_length(const struct wq_list *head, unsigned int length)
{
	const struct wq_list *node;
	unsigned int n = 0;

	wq_list_for_each(node, head) {
		if (node->next->prev != node || n++ > length)
			return false;
	}
	return n == length;
}

/* Items on a worklist are pending, queued to this pool, and active. */
static bool worklist_is_valid(struct wq_pool *pool)
{
	struct wq_list *node;
	unsigned long word;

	wq_list_for_each(node, &pool->worklist) {
		word = wq_load_relaxed(&wq_node_work(node)->data);
		if (!(word & WQ_WORK_PENDING) || !wq_word_is_queued(word) ||
		    wq_list_is_marked(node) || wq_word_pwq(word)->pool != pool)
			return false;
	}
	return true;
}

static bool worker_is_valid(struct wq_worker *worker)
{
	if (worker->is_idle || !worker->tid)
		return !worker->work && !worker->is_uncounted &&
		       wq_list_is_empty(&worker->scheduled) && wq_list_is_empty(&worker->waiters);
	return !worker->is_uncounted || worker->work;
}

bool wq_pool_is_valid_locked(struct wq_pool *pool)
{
	unsigned int i, nr_idle = 0;

	wq_assert_held(&pool->lock);
	for (i = 0; i < pool->nr_slots; i++) {
		if (!worker_is_valid(wq_worker_at_locked(pool, i)))
			return false;
		nr_idle += wq_worker_at_locked(pool, i)->is_idle;
	}
	return nr_idle == pool->nr_idle && list_has_length(&pool->idle, nr_idle) &&
	       pool->nr_running + pool->nr_idle <= pool->nr_workers && worklist_is_valid(pool) &&
	       (!pool->again || pool->again->work);
}

#ifdef WORKQ_DEBUG
void wq_pool_check_locked(struct wq_pool *pool)
{
	static __thread unsigned int tick;

	/* walking long lists after every item would be quadratic: each 64th hold */
	if (++tick % 64 == 0)
		wq_assert(wq_pool_is_valid_locked(pool));
}
#endif
