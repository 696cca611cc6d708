/* SPDX-License-Identifier: MIT */
/*
 * flush.c - flush_work(), flush_workqueue(), flush_scheduled_work().
 *
 * flush_workqueue() closes the open colour: everything filed so far has it or
 * an older one, everything filed later gets the next. It waits until its colour
 * and all older ones are through. Colours end in order: the flusher of the
 * oldest one is woken by the last item and hands on to the next (D4).
 */
#include "ops/flush.h"

#include "base/grace.h"
#include "base/report.h"
#include "core/barrier.h"
#include "core/block.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"
#include "ops/init.h"
#include "ops/wait.h"
#include "watch/dep.h"

/* A: each is reported once. */
static uint32_t said_scheduled, said_system;

/* ------------------------------------------------------------ one item */

/* A barrier behind a filed item. False: not filed, look again. */
static bool hang_barrier(struct work_struct *work, struct wq_barrier *barrier)
{
	unsigned long word;
	struct wq_pool *pool = wq_wait_lock_pool(work, &word);

	if (!pool)
		return false;
	wq_barrier_add_filed_locked(pool, barrier, work);
	wq_pool_unlock(pool);
	return true;
}

/* Not on the way to cancel (G9). */
static void check_dependency(struct work_struct *work)
{
	struct wq_dep dep = { 0 };
	struct wq_worker *worker;
	struct wq_pool *pool;
	unsigned long word;

	if (wq_likely(!wq_dep_is_in_reclaim()))
		return;
	pool = wq_wait_lock_pool(work, &word);
	if (pool) {
		wq_dep_note(&dep, wq_word_pwq(word)->wq, work->func);
		wq_pool_unlock(pool);
	} else if (!wq_word_is_queued(word) && wq_word_slot(word)) {
		worker = wq_worker_of_slot(wq_word_slot(word));
		wq_pool_lock(worker->pool);
		if (worker->work == work)
			wq_dep_note(&dep, worker->pwq->wq, worker->func);
		wq_pool_unlock(worker->pool);
	}
	wq_dep_report(&dep);
}

static void check_dependency_on_queue(struct workqueue_struct *wq)
{
	struct wq_dep dep = { 0 };

	if (wq_likely(!wq_dep_is_in_reclaim()))
		return;
	wq_dep_note(&dep, wq, /* func */ NULL);
	wq_dep_report(&dep);
}

static bool flush_item(struct work_struct *work)
{
	struct wq_barrier barrier = { .park = wq_block_park() };
	struct wq_backoff backoff = { 0 };
	unsigned long word;

	for (;;) {
		word = wq_work_look(work);
		/* an armed timer is not waited for (E3) */
		if (!(word & WQ_WORK_PENDING) ||
		    (wq_word_is_timer(word) && !wq_word_is_deferred(word)))
			return wq_wait_for_run(work, wq_word_slot(word), "flush_work()");
		if (wq_word_is_queued(word) && hang_barrier(work, &barrier))
			break;
		wq_backoff_wait(&backoff);
	}
	wq_block_wait_done(&barrier.is_done, barrier.park);
	return true;
}

bool flush_work(struct work_struct *work)
{
	if (!work || !work->func) {
		wq_warn("flush_work() of ", work ? "an item never initialised" : "no item");
		return false;
	}
	if (!wq_init_use() || wq_wait_is_for_self(work, "flush_work()"))
		return false;
	check_dependency(work);
	return flush_item(work);
}

/* ------------------------------------------------------------- colours */

static unsigned int next_color(unsigned int color)
{
	return (color + 1) % WQ_NR_COLORS;
}

static struct wq_flusher *first_flusher(struct wq_list *list)
{
	return wq_list_is_empty(list) ? NULL : wq_list_entry(list->next, struct wq_flusher, node);
}

/* Close `color` on one pwq; counts it if items of that colour are still in flight. */
static void close_on_pwq(struct wq_pwq *pwq, unsigned int color)
{
	wq_pool_lock(pwq->pool);
	wq_pool_drain_locked(pwq->pool);
	if (pwq->nr_in_flight[color]) {
		pwq->flushing |= 1u << color;
		wq_fetch_add_seq_cst(&pwq->wq->flush_pending[color], 1u);
	}
	wq_store_relaxed(&pwq->color, next_color(color));
	wq_pool_unlock(pwq->pool);
}

/* Close the open colour; false: all are in use (one must stay open). */
static bool close_color(struct workqueue_struct *wq)
{
	unsigned int color = wq->work_color;
	struct wq_pwq *pwq;

	if (next_color(color) == wq->flush_color)
		return false;
	/* counted by ourselves, so that it cannot become 0 before every pwq was asked */
	wq_store_seq_cst(&wq->flush_pending[color], 1u);
	wq_wq_for_each_pwq(pwq, wq) close_on_pwq(pwq, color);
	wq->work_color = next_color(color);
	wq_fetch_sub_seq_cst(&wq->flush_pending[color], 1u);
	return true;
}

/* Join those who wait for the colour just closed. */
static void enlist(struct workqueue_struct *wq, struct wq_flusher *flusher, unsigned int color)
{
	flusher->color = color;
	wq_list_add_tail(&flusher->node, &wq->flushers);
}

/* A colour may have become free: all who wait for one share it. */
static void start_overflow(struct workqueue_struct *wq)
{
	unsigned int color = wq->work_color;
	struct wq_flusher *flusher;

	if (wq_list_is_empty(&wq->overflow))
		return;
	/* the oldest one has just ended: there is room */
	close_color(wq);
	while ((flusher = first_flusher(&wq->overflow))) {
		wq_list_del(&flusher->node);
		enlist(wq, flusher, color);
	}
}

/* After is_done the flusher's memory belongs to its caller again. */
static void finish(struct wq_flusher *flusher)
{
	struct wq_park *park = flusher->park;

	wq_list_del(&flusher->node);
	/* order: DONE pairs with WAIT-DONE */
	wq_store_release(&flusher->is_done, 1u);
	if (park)
		wq_park_wake(park);
}

/* Everybody who waits for the oldest closed colour is done with it. */
static void end_oldest_color(struct workqueue_struct *wq)
{
	struct wq_flusher *flusher;

	while ((flusher = first_flusher(&wq->flushers)) && flusher->color == wq->flush_color)
		finish(flusher);
	wq->flush_color = next_color(wq->flush_color);
}

static bool oldest_color_is_done(struct workqueue_struct *wq)
{
	/* order: FLUSH-WAIT pairs with FLUSH-DONE (Dekker): flush_head was stored before */
	return wq->flush_color != wq->work_color &&
	       !wq_load_seq_cst(&wq->flush_pending[wq->flush_color]);
}

/* End all colours that are through, oldest first; name who must be woken by the next. */
static void advance(struct workqueue_struct *wq)
{
	struct wq_flusher *head;

	do {
		while (oldest_color_is_done(wq)) {
			end_oldest_color(wq);
			start_overflow(wq);
		}
		head = first_flusher(&wq->flushers);
		wq_store_seq_cst(&wq->flush_head, head ? head->park : NULL);
	} while (oldest_color_is_done(wq));
}

/*
 * Somebody was told "already pending" while the item was in transit: from his
 * view it is queued, so its push must come first (D1). Under the flush lock,
 * so that nobody overtakes the one who waits.
 */
static void wait_for_late(struct workqueue_struct *wq)
{
	if (!wq_load_relaxed(&wq->late))
		return;
	wq_store_relaxed(&wq->late, 0u);
	wq_grace_synchronize();
}

static void wait_for_flusher(struct workqueue_struct *wq, struct wq_flusher *flusher)
{
	struct wq_backoff backoff = { 0 };

	wq_block_begin();
	/* order: WAIT-DONE pairs with DONE */
	while (!wq_load_acquire(&flusher->is_done)) {
		wq_block_sleep(flusher->park, &backoff);
		if (wq_load_acquire(&flusher->is_done))
			break;
		/* woken as the head: colours are through */
		wq_lock_acquire(&wq->flush_lock);
		advance(wq);
		wq_lock_release(&wq->flush_lock);
	}
	wq_block_end();
}

void wq_flush_queue(struct workqueue_struct *wq)
{
	struct wq_flusher flusher = { .park = wq_block_park() };
	unsigned int color;

	wq_lock_acquire(&wq->flush_lock);
	wait_for_late(wq);
	color = wq->work_color;
	if (wq_list_is_empty(&wq->overflow) && close_color(wq))
		enlist(wq, &flusher, color);
	else
		wq_list_add_tail(&flusher.node, &wq->overflow);
	advance(wq);
	wq_lock_release(&wq->flush_lock);
	wait_for_flusher(wq, &flusher);
}

bool wq_flush_is_usable(struct workqueue_struct *wq, const char *caller)
{
	struct wq_worker *worker = wq_worker_self;

	if (!wq) {
		wq_warn("no queue given to ", caller);
		return false;
	}
	if (!wq_init_use())
		return false;
	if (!worker || !worker->current || worker->current_pwq->wq != wq) {
		check_dependency_on_queue(wq);
		return true;
	}
	wq_warn("an item would wait for its own queue; not waiting: ", caller);
	return false;
}

void flush_workqueue(struct workqueue_struct *wq)
{
	if (!wq_flush_is_usable(wq, "flush_workqueue()"))
		return;
	/* the kernel does not check the deprecated and the BH ones */
	if ((wq_wq_flags(wq) & (__WQ_SYSTEM | WQ_BH)) == __WQ_SYSTEM && wq != system_wq &&
	    wq != system_unbound_wq)
		wq_note_once(
			&said_system,
			"flushing a queue of the system's waits for everybody's items: ", wq->name);
	wq_flush_queue(wq);
}

void flush_scheduled_work(void)
{
	wq_note_once(&said_scheduled,
		     "flush_scheduled_work(): nobody knows what else is queued "
		     "there; flush your own items",
		     "");
	if (wq_flush_is_usable(system_percpu_wq, "flush_scheduled_work()"))
		wq_flush_queue(system_percpu_wq);
}
