/* SPDX-License-Identifier: MIT */
/*
 * queue.c - queue_work(): the producers' side.
 *
 * Two read-modify-writes, no lock, no allocation: one takes PENDING, one pushes
 * the item on the pool's intake. Whoever holds the pool's lock does the rest.
 * Safe in signal handlers, whatever was interrupted.
 */
#include "base/os.h"
#include "base/report.h"
#include "core/pool.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"
#include "ops/init.h"

/* Why an item is not taken; A: each is reported once. */
static uint32_t said_no_func, said_draining;

static void report_item(uint32_t *once, const struct work_struct *work, const char *why,
			const char *name)
{
	struct wq_msg msg;

	if (!wq_report_is_first(once))
		return;
	wq_msg_warning(&msg, "work ");
	wq_msg_pointer(&msg, (uintptr_t)work);
	wq_msg_text(&msg, " (func ");
	wq_msg_pointer(&msg, (uintptr_t)work->func);
	wq_msg_text(&msg, why);
	wq_msg_text(&msg, name);
	wq_msg_text(&msg, "\"");
	wq_msg_send(&msg);
}

/* Is the calling thread in an item of this queue? Then it may queue on it while it drains (F1). */
static bool is_chained(const struct workqueue_struct *wq)
{
	struct wq_worker *worker = wq_worker_self;

	return worker && worker->current && worker->current_pwq->wq == wq;
}

/* Should the item be refused although PENDING is ours (A8)? */
static bool is_refused(struct workqueue_struct *wq, struct work_struct *work)
{
	if (!work->func) {
		report_item(&said_no_func, work, ") was never initialised; not queued on \"",
			    wq->name);
		return true;
	}
	if (wq_wq_is_refusing(wq) && !is_chained(wq)) {
		report_item(&said_draining, work, ") refused by the draining queue \"", wq->name);
		return true;
	}
	return false;
}

/*
 * PENDING is ours, so the item cannot start again while we look: if its last
 * worker still runs it for this queue, it must be queued there (B4). A worker
 * that goes on to another item in between changes current, hence the second look.
 */
static struct wq_pwq *where_it_runs(struct workqueue_struct *wq, struct work_struct *work,
				    unsigned long word)
{
	struct wq_worker *worker;
	struct wq_pwq *pwq;

	if (!wq_word_slot(word))
		return NULL;
	worker = wq_worker_of_slot(wq_word_slot(word));
	/* order: RUNNING-LOOK pairs with PUBLISH and RETURNED */
	if (wq_load_acquire(&worker->current) != work)
		return NULL;
	pwq = wq_load_acquire(&worker->current_pwq);
	if (wq_load_acquire(&worker->current_func) != work->func ||
	    wq_load_acquire(&worker->current) != work)
		return NULL;
	return pwq->wq == wq ? pwq : NULL;
}

static inline void hand_over(struct wq_pool *pool, struct work_struct *work)
{
	struct wq_worker *worker = wq_worker_self;

	if (worker && worker->pool == pool)
		wq_pool_push_own(worker, work);
	else
		wq_pool_push(pool, work);
}

/* In a section. Whatever the fast path cannot decide; `pwq` is where it would go. */
static bool __attribute__((noinline))
queue_slow(struct workqueue_struct *wq, struct work_struct *work, struct wq_pwq *pwq)
{
	/* order: PENDING-TAKE pairs with PENDING-CLEAR, also when it fails: hence always an
	   RMW (A6) */
	unsigned long word = wq_fetch_or_acq_rel(&work->data, WQ_WORK_PENDING);
	struct wq_pwq *running;

	if (word & WQ_WORK_PENDING) {
		/* perhaps in transit: a later flush_workqueue() must wait for its push (D1) */
		if (!wq_load_relaxed(&wq->late))
			wq_store_relaxed(&wq->late, 1u);
		return false;
	}
	if (wq_word_depth(word) || is_refused(wq, work)) {
		wq_fetch_and_acq_rel(&work->data, ~WQ_WORK_PENDING);
		return !wq_word_depth(word);
	}
	running = where_it_runs(wq, work, word);
	if (running)
		pwq = running;
	wq_xchg_acq_rel(&work->data, wq_word_queued(pwq, wq_load_relaxed(&pwq->color)));
	hand_over(pwq->pool, work);
	return true;
}

/* Idle, enabled, and last run by a worker of this pool, or by none: no look at that is needed. */
static inline bool is_plain(unsigned long word, const struct wq_pwq *pwq)
{
	unsigned int pool_id = wq_slot_pool_id(wq_word_slot(word));

	return !(word & (WQ_WORK_PENDING | WQ_WORK_DEPTH_MASK)) &&
	       (!pool_id || pool_id == pwq->pool_id);
}

static inline bool queue_in_section(unsigned int cpu, struct workqueue_struct *wq,
				    struct work_struct *work)
{
	struct wq_pwq *pwq = wq->table[cpu < wq_nr_cpus ? cpu : 0];
	unsigned long word = wq_load_relaxed(&work->data);

	if (wq_unlikely(!is_plain(word, pwq) || wq_wq_is_refusing(wq) || !work->func))
		return queue_slow(wq, work, pwq);
	/* order: PENDING-TAKE pairs with PENDING-CLEAR */
	if (wq_unlikely(!wq_cas_acq_rel(&work->data, &word,
					wq_word_queued(pwq, wq_load_relaxed(&pwq->color)))))
		return queue_slow(wq, work, pwq);
	hand_over(pwq->pool, work);
	return true;
}

static inline bool queue_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)
{
	bool queued;

	if (wq_unlikely(!wq || !work)) {
		wq_warn("queue_work() without ", wq ? "an item" : "a queue");
		return false;
	}
	if (!wq_init_use())
		return false;
	wq_grace_enter();
	queued = queue_in_section(cpu == WORK_CPU_UNBOUND ? wq_os_cpu() : (unsigned int)cpu, wq,
				  work);
	wq_grace_leave();
	return queued;
}

bool queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)
{
	return queue_on(cpu, wq, work);
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	return queue_on(WORK_CPU_UNBOUND, wq, work);
}
