/* SPDX-License-Identifier: MIT */
/*
 * pool.c - pools: their intake, worklist, and whom to wake.
 *
 * The wake rule is applied once, at the end of every lock hold, in
 * wq_pool_unlock(): work waits and a worker is needed, so one is woken, who
 * does the same in his turn; or nothing waits and the next push will need a
 * worker, so one is offered to it. Knows nothing of who queues, waits or cancels.
 */
#include "core/pool.h"

#include "base/report.h"
#include "core/check.h"
#include "core/limit.h"
#include "core/manager.h"
#include "core/pwq.h"
#include "core/work.h"

/* -------------------------------------------------------------- intake */

struct wq_park *wq_pool_take_waker(struct wq_pool *pool)
{
	return wq_xchg_seq_cst(&pool->waker, NULL);
}

static struct work_struct *reverse(struct work_struct *newest)
{
	struct work_struct *oldest = NULL, *next;

	while (newest) {
		next = newest->entry.next;
		newest->entry.next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

static inline void file_pushed(struct work_struct *work)
{
	unsigned long word = wq_load_relaxed(&work->data);

	wq_assert(!wq_list_is_on(wq_work_node(work)));
	wq_pwq_file_locked(wq_word_pwq(word), work, word);
}

static void file_intake(struct wq_pool *pool)
{
	struct work_struct *work, *next;

	/* order: INTAKE-TAKE pairs with INTAKE-PUSH */
	for (work = reverse(wq_xchg_acquire(&pool->intake, NULL)); work; work = next) {
		next = work->entry.next;
		if (wq_unlikely(work == &pool->kick))
			wq_limit_kicked_locked(pool);
		else
			file_pushed(work);
	}
}

/*
 * File the item that the worker runs, and has queued. If it is next, then nobody else may run it (B5):
 * it goes to what only he takes, so that nobody wakes to find that out.
 */
static void __attribute__((noinline)) file_own(struct wq_worker *worker, struct work_struct *work)
{
	struct wq_list *node = wq_work_node(work), *head = &worker->pool->worklist;

	file_pushed(work);
	/* made anew in its own function it is another one (B7) */
	if (worker->func != work->func)
		return;
	if (head->next != node || wq_pool_has_others_running_locked(worker))
		return;
	wq_list_del(node);
	wq_list_add_tail(node, &worker->scheduled);
}

void wq_pool_drain_some_locked(struct wq_pool *pool)
{
	struct wq_worker *worker = pool->again;

	wq_assert_held(&pool->lock);
	pool->again = NULL;
	if (worker)
		file_own(worker, worker->work);
	if (wq_load_relaxed(&pool->intake))
		file_intake(pool);
}

/*
 * The item is the one that the worker runs, and nothing is before it: nobody else may run it (B5),
 * so it can wait unfiled until the worker is back.
 */
static inline bool may_leave_for_himself(const struct wq_worker *worker,
					 const struct work_struct *work)
{
	const struct wq_pool *pool = worker->pool;

	return worker->work == work && worker->func == work->func && !pool->again &&
	       !wq_load_relaxed(&pool->intake) && wq_list_is_empty(&pool->worklist);
}

void wq_pool_push_own(struct wq_worker *worker, struct work_struct *work)
{
	struct wq_pool *pool = worker->pool;

	/* without waiting for anybody, as a signal handler must */
	if (wq_unlikely(!wq_lock_enter(&pool->lock, &worker->bias) && !wq_lock_try(&pool->lock))) {
		wq_pool_push(pool, work);
		return;
	}
	if (may_leave_for_himself(worker, work)) {
		pool->again = worker;
		wq_pool_release(pool);
		return;
	}
	/* filing might wait for the locks of limits that are shared */
	if (wq_unlikely(pool->nr_sharing)) {
		wq_pool_release(pool);
		wq_pool_push(pool, work);
		return;
	}
	/* what was pushed before comes first (B8) */
	wq_pool_drain_locked(pool);
	if (wq_likely(worker->work != work))
		file_pushed(work);
	else
		file_own(worker, work);
	wq_pool_unlock(pool);
}

static void set_nr_running(struct wq_pool *pool, unsigned int nr_running)
{
	wq_store_relaxed(&pool->nr_running, nr_running);
}

void wq_pool_uncount_locked(struct wq_worker *worker)
{
	wq_assert_held(&worker->pool->lock);
	wq_assert(!worker->is_uncounted && worker->pool->nr_running > 0);
	worker->is_uncounted = true;
	set_nr_running(worker->pool, worker->pool->nr_running - 1);
}

void wq_pool_recount_locked(struct wq_worker *worker)
{
	wq_assert_held(&worker->pool->lock);
	wq_assert(worker->is_uncounted);
	worker->is_uncounted = false;
	worker->is_seen = false;
	set_nr_running(worker->pool, worker->pool->nr_running + 1);
	wq_manager_note_busy_locked(worker->pool);
}

/* -------------------------------------------------------- idle workers */

void wq_pool_enter_locked(struct wq_pool *pool)
{
	wq_assert_held(&pool->lock);
	set_nr_running(pool, pool->nr_running + 1);
	wq_manager_note_busy_locked(pool);
}

void wq_pool_leave_locked(struct wq_pool *pool)
{
	wq_assert_held(&pool->lock);
	set_nr_running(pool, pool->nr_running - 1);
}

void wq_pool_idle_locked(struct wq_pool *pool, struct wq_worker *worker)
{
	wq_assert_held(&pool->lock);
	wq_assert(!worker->is_idle && !worker->is_uncounted);
	set_nr_running(pool, pool->nr_running - 1);
	worker->is_idle = true;
	pool->nr_idle++;
	wq_list_add_head(&worker->idle_node, &pool->idle);
}

void wq_pool_unidle_locked(struct wq_pool *pool, struct wq_worker *worker)
{
	wq_assert_held(&pool->lock);
	wq_assert(worker->is_idle);
	wq_list_del(&worker->idle_node);
	worker->is_idle = false;
	pool->nr_idle--;
	set_nr_running(pool, pool->nr_running + 1);
	wq_manager_note_busy_locked(pool);
}

static struct wq_worker *newest_idle(struct wq_pool *pool)
{
	if (wq_list_is_empty(&pool->idle))
		return NULL;
	return wq_list_entry(pool->idle.next, struct wq_worker, idle_node);
}

/* ------------------------------------------------------- the wake rule */

bool wq_pool_needs_worker_locked(struct wq_pool *pool)
{
	if (pool->is_bound)
		return pool->nr_running == 0;
	return !wq_list_is_empty(&pool->idle) || pool->nr_running < pool->max_running;
}

void wq_pool_due_locked(struct wq_pool *pool, struct wq_park *park)
{
	wq_assert_held(&pool->lock);
	if (pool->nr_due == WQ_MAX_DUE)
		wq_park_wake(park);
	else
		pool->due[pool->nr_due++] = park;
}

/* Work waits: get one more worker to run. */
static void wake_one(struct wq_pool *pool)
{
	struct wq_worker *worker = newest_idle(pool);

	if (worker) {
		wq_pool_unidle_locked(pool, worker);
		wq_pool_due_locked(pool, &worker->park);
	} else if (!pool->wants_worker) {
		wq_store_relaxed(&pool->wants_worker, true);
		wq_pool_due_locked(pool, &wq_manager_park);
	}
}

bool wq_pool_lacks_spare_locked(const struct wq_pool *pool)
{
	wq_assert_held(&pool->lock);
	if (pool->nr_idle || pool->nr_starting || !pool->nr_workers || pool->turn)
		return false;
	return pool->is_bound || pool->nr_running < pool->max_running;
}

void wq_pool_want_spare_locked(struct wq_pool *pool)
{
	if (wq_likely(!wq_pool_lacks_spare_locked(pool)) || pool->wants_worker)
		return;
	wq_store_relaxed(&pool->wants_worker, true);
	wq_pool_due_locked(pool, &wq_manager_park);
}

/* Nothing waits: whom must the next push wake? */
static struct wq_park *whom_to_offer(struct wq_pool *pool)
{
	struct wq_worker *worker;

	if (pool->is_bound && pool->nr_running > 0)
		return NULL;
	worker = newest_idle(pool);
	if (worker)
		return &worker->park;
	return wq_pool_needs_worker_locked(pool) ? &wq_manager_park : NULL;
}

static void withdraw_offer(struct wq_pool *pool)
{
	if (!pool->offer)
		return;
	pool->offer = NULL;
	wq_store_relaxed(&pool->waker, NULL);
}

/* True if a push came in between and must be looked at first. */
static bool make_offer(struct wq_pool *pool, struct wq_park *park)
{
	if (wq_load_relaxed(&pool->waker) == park)
		return false;
	pool->offer = park;
	/* order: WAKER-OFFER pairs with WAKER-LOOK; INTAKE-LOOK pairs with INTAKE-PUSH (Dekker) */
	wq_store_seq_cst(&pool->waker, park);
	return wq_load_seq_cst(&pool->intake) != NULL;
}

static void apply_wake_rule(struct wq_pool *pool)
{
	struct wq_park *park;

	while (wq_list_is_empty(&pool->worklist)) {
		park = whom_to_offer(pool);
		if (!park) {
			withdraw_offer(pool);
			return;
		}
		if (!make_offer(pool, park))
			return;
		withdraw_offer(pool);
		wq_pool_drain_locked(pool);
	}
	withdraw_offer(pool);
	if (wq_pool_needs_worker_locked(pool))
		wake_one(pool);
}

static void unlock_and_wake(struct wq_pool *pool)
{
	struct wq_park *due[WQ_MAX_DUE];
	unsigned int i, nr_due = pool->nr_due;
	bool is_awaited;

	for (i = 0; i < nr_due; i++)
		due[i] = pool->due[i];
	pool->nr_due = 0;
	is_awaited = wq_lock_release_any(&pool->lock);
	for (i = 0; i < nr_due; i++)
		wq_park_wake(due[i]);
	if (wq_unlikely(is_awaited))
		wq_lock_let_in(&pool->lock);
}

void wq_pool_unlock_and_wake(struct wq_pool *pool)
{
	apply_wake_rule(pool);
	wq_pool_check_locked(pool);
	if (wq_unlikely(pool->nr_due))
		unlock_and_wake(pool);
	else if (wq_unlikely(wq_lock_release_any(&pool->lock)))
		wq_lock_let_in(&pool->lock);
}
