/* SPDX-License-Identifier: MIT */
/*
 * submit.c - an item whose owner wants it queued: may it be, and where? (contracts in submit.h)
 */
#include "core/submit.h"

#include "base/grace.h"
#include "base/report.h"
#include "core/pool.h"
#include "core/retire.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"

/* Why an item is not taken; A: each is reported once. */
static uint32_t said_no_func, said_draining, said_shut;

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

/* False: somebody else has settled it; *word is then its word. */
static bool take_stale(struct work_struct *work, unsigned long *word)
{
	unsigned long settled = wq_word_settled(*word);

	if (wq_cas_acq_rel(&work->data, word, settled | WQ_WORK_PENDING)) {
		*word = settled;
		return true;
	}
	*word = wq_fetch_or_acq_rel(&work->data, WQ_WORK_PENDING);
	return false;
}

/*
 * Pending, perhaps in transit: a later flush_workqueue() must wait for its push (D1), but not for a
 * timer or a grace period (D2).
 */
static void note_late(struct workqueue_struct *wq, unsigned long word)
{
	if ((!wq_word_is_timer(word) || wq_word_is_deferred(word)) && !wq_load_relaxed(&wq->late))
		wq_store_relaxed(&wq->late, 1u);
}

bool wq_submit_take_pending(struct workqueue_struct *wq, struct work_struct *work,
			    unsigned long *word)
{
	/* order: PENDING-TAKE pairs with PENDING-CLEAR, also when it fails: hence always an
	   RMW (A6) */
	*word = wq_fetch_or_acq_rel(&work->data, WQ_WORK_PENDING);
	if (wq_word_is_stale(*word) && take_stale(work, word))
		return true;
	if (*word & WQ_WORK_PENDING) {
		note_late(wq, *word);
		return false;
	}
	if (!wq_word_depth(*word))
		return true;
	wq_fetch_and_acq_rel(&work->data, ~WQ_WORK_PENDING);
	return false;
}

bool wq_submit_take_deferred(struct workqueue_struct *wq, struct work_struct *work,
			     unsigned int mark)
{
	unsigned long word = wq_load_relaxed(&work->data), next;
	bool is_idle;

	do {
		is_idle = wq_word_is_stale(word) ||
			  !(word & (WQ_WORK_PENDING | WQ_WORK_DEPTH_MASK));
		next = is_idle ? wq_word_deferred(word, mark) : word;
		/* order: PENDING-TAKE pairs with PENDING-CLEAR, also when nothing changes */
	} while (!wq_cas_acq_rel(&work->data, &word, next));
	if (!is_idle && word & WQ_WORK_PENDING)
		note_late(wq, word);
	return is_idle;
}

bool wq_submit_has_no_func(const struct workqueue_struct *wq, const struct work_struct *work)
{
	if (work->func)
		return false;
	report_item(&said_no_func, work, ") was never initialised; not queued on \"", wq->name);
	return true;
}

/*
 * Is the calling thread in an item of this queue? Then it may queue on it while it drains (F1),
 * but for WQ_BH.
 */
static bool is_chained(const struct workqueue_struct *wq)
{
	struct wq_worker *worker = wq_worker_self;

	return worker && worker->current && worker->current_pwq->wq == wq && !worker->pool->turn &&
	       !(wq_wq_flags(wq) & __WQ_SHUT);
}

/* Should the item be refused although PENDING is ours (A8)? */
static bool is_refused(struct workqueue_struct *wq, struct work_struct *work)
{
	if (wq_submit_has_no_func(wq, work))
		return true;
	if (!wq_wq_is_refusing(wq) || is_chained(wq))
		return false;
	/* of the library's own items no user knows */
	if (wq == &wq_release_wq || wq == &wq_timers_wq)
		return true;
	if (wq_load_relaxed(&wq_is_shutting_down))
		report_item(&said_shut, work, ") refused after workq_shutdown() on \"", wq->name);
	else
		report_item(&said_draining, work, ") refused by the draining queue \"", wq->name);
	return true;
}

bool wq_submit_is_too_late(struct workqueue_struct *wq, struct work_struct *work)
{
	return wq_wq_flags(wq) & __WQ_DESTROYING && is_refused(wq, work);
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

/* Reported once, by the first item. */
static void report_deprecated(struct workqueue_struct *wq, const struct work_struct *work)
{
	struct wq_msg msg;

	if (!(wq_fetch_and_acq_rel(&wq->flags, ~(unsigned int)__WQ_DEPRECATED) & __WQ_DEPRECATED))
		return;
	/* its name would be nicer, but cannot be had in a signal handler */
	wq_msg_note(&msg, "work func ");
	wq_msg_pointer(&msg, (uintptr_t)work->func);
	wq_msg_text(&msg, " enqueued on deprecated workqueue. Use ");
	wq_msg_text(&msg, wq_wq_flags(wq) & WQ_UNBOUND ? "system_dfl_wq" : "system_percpu_wq");
	wq_msg_text(&msg, " instead.");
	wq_msg_send(&msg);
}

bool wq_submit_accept(struct workqueue_struct *wq, struct work_struct *work)
{
	wq_assert(wq_grace_is_inside());
	if (wq_unlikely(wq_wq_flags(wq) & __WQ_DEPRECATED))
		report_deprecated(wq, work);
	if (!is_refused(wq, work))
		return true;
	wq_fetch_and_acq_rel(&work->data, ~WQ_WORK_TRANSIT_MASK);
	return false;
}

struct wq_pool *wq_submit_place(struct workqueue_struct *wq, struct work_struct *work,
				unsigned long word, struct wq_pwq *pwq)
{
	struct wq_pwq *running;

	wq_assert(wq_grace_is_inside());
	/* order is enough to keep the runs of an item apart; elsewhere they could lose it (B4, B9) */
	running = wq_wq_flags(wq) & __WQ_ORDERED ? NULL : where_it_runs(wq, work, word);
	if (running)
		pwq = running;
	wq_xchg_acq_rel(&work->data, wq_word_queued(pwq, wq_load_relaxed(&pwq->color)));
	return pwq->pool;
}

struct wq_pool *wq_submit_prepare(struct workqueue_struct *wq, struct work_struct *work,
				  unsigned long word, struct wq_pwq *pwq)
{
	return wq_submit_accept(wq, work) ? wq_submit_place(wq, work, word, pwq) : NULL;
}

bool wq_submit(struct workqueue_struct *wq, struct work_struct *work, unsigned int cpu,
	       struct wq_park **wake)
{
	/* only failing queue_work()s write the word meanwhile, and those change nothing */
	unsigned long word = wq_load_relaxed(&work->data);
	struct wq_pool *pool = wq_submit_prepare(wq, work, word, wq_wq_pwq_of(wq, cpu));

	*wake = pool ? wq_pool_push_quietly(pool, work) : NULL;
	return pool;
}
