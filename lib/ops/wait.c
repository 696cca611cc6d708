/* SPDX-License-Identifier: MIT */
/*
 * wait.c - waiting for one item (contracts in wait.h).
 */
#include "ops/wait.h"

#include "base/grace.h"
#include "base/report.h"
#include "core/block.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/pwq.h"
#include "core/work.h"
#include "core/worker.h"

struct wq_pool *wq_wait_named_pool(struct work_struct *work, unsigned long *word)
{
	struct wq_pool *pool = NULL;

	/* the section keeps the pwq that the word names; pools stay anyway */
	wq_grace_enter_locked();
	*word = wq_load_acquire(&work->data);
	if (wq_word_is_queued(*word))
		pool = wq_word_pwq(*word)->pool;
	wq_grace_leave();
	return pool;
}

struct wq_pool *wq_wait_lock_pool(struct work_struct *work, unsigned long *word)
{
	struct wq_pool *pool = wq_wait_named_pool(work, word);

	if (!pool)
		return NULL;
	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	/* under the lock, a word that still names the pool and a filed entry agree */
	if (wq_wait_named_pool(work, word) == pool && wq_list_is_on(wq_work_node(work)))
		return pool;
	wq_pool_unlock(pool);
	return NULL;
}

static uint32_t find_slot(struct work_struct *work)
{
	struct wq_worker *worker;
	struct wq_pool *pool;
	unsigned int id;

	wq_pools_for_each(pool, id)
	{
		wq_pool_lock(pool);
		worker = wq_pool_find_busy_locked(pool, work, work->func);
		wq_pool_unlock(pool);
		if (worker)
			return worker->slot;
	}
	return 0;
}

/*
 * Behind a plug the item may wait while it runs on an older pool: for ordered queues B4 does not
 * hold (B9). While we look, without the lock, it is on no list, as if in transit: so it cannot
 * start, and nobody else takes it.
 */
static uint32_t slot_elsewhere(struct wq_pool *pool, struct wq_pwq *pwq, struct work_struct *work)
{
	uint32_t slot;

	wq_list_del_marked(wq_work_node(work));
	wq_pool_unlock(pool);
	slot = find_slot(work);
	wq_pool_lock(pool);
	wq_list_add_tail_marked(wq_work_node(work), &pwq->inactive);
	return slot;
}

uint32_t wq_wait_unfile(struct wq_pool *pool, struct work_struct *work, unsigned long word,
			unsigned long rest)
{
	struct wq_pwq *pwq = wq_word_pwq(word);

	wq_assert_held(&pool->lock);
	if (wq_unlikely(pwq->is_plugged))
		rest = wq_word_with_slot(rest, slot_elsewhere(pool, pwq, work));
	return wq_pwq_unfile_locked(pwq, work, word, rest);
}

bool wq_wait_is_for_self(struct work_struct *work, const char *caller)
{
	static uint32_t once; /* A: reported */
	struct wq_worker *worker = wq_worker_self;

	if (!worker || worker->current != work || worker->current_func != work->func)
		return false;
	wq_warn_once(&once, "a work function would wait for itself; not waiting: ", caller);
	return true;
}

bool wq_wait_for_run(struct work_struct *work, uint32_t slot, const char *caller)
{
	struct wq_barrier barrier = { .park = wq_block_park() };
	struct wq_worker *worker;
	bool is_running;

	if (!slot || wq_wait_is_for_self(work, caller))
		return false;
	worker = wq_worker_of_slot(slot);
	wq_pool_lock(worker->pool);
	is_running = worker->work == work;
	if (is_running)
		wq_list_add_tail(&barrier.node, &worker->waiters);
	wq_pool_unlock(worker->pool);
	if (is_running)
		wq_block_wait_done(&barrier.is_done, barrier.park);
	return is_running;
}
