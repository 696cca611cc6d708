/* SPDX-License-Identifier: MIT */
/*
 * defer.c - what is queued while a process is copied by fork() (contracts in defer.h).
 *
 * A stack of items, linked like those in an intake, which whoever forks opens and takes away. An item
 * says for which queue it is in a note (list.h), for which CPU in its word; or it is delayed. Of the
 * child's copy nothing counts but the word, a single one: pages are copied one after another.
 */
#include "ops/defer.h"

#include "base/grace.h"
#include "base/os.h"
#include "base/park.h"
#include "base/report.h"
#include "core/pool.h"
#include "core/submit.h"
#include "core/work.h"
#include "ops/delayed.h"
#include "ops/queue.h"

/* Ends of the stack that are none: nobody forks; what was deferred is being landed. */
static struct work_struct closed, landing;

/* AQ: the newest, or one of those */
static struct work_struct *newest = &closed;

/* ---------------------------------------------------------------- the mark */

/* Which CPU, from 1 on, as WQ_DEFER_DELAYED is none; and that the caller has not named it. */
#define MARK_LOCAL 0x8000u
/* All those that there cannot be are one. */
#define NO_CPU     (WQ_MAX_CPUS + 1u)

_Static_assert(NO_CPU + 1 < MARK_LOCAL && MARK_LOCAL + NO_CPU <= WQ_WORK_MAX_DEPTH &&
		       NO_CPU != WORK_CPU_UNBOUND,
	       "a mark fits where the depth is");

static unsigned int mark_of(int cpu)
{
	unsigned int is_local = cpu == WORK_CPU_UNBOUND ? MARK_LOCAL : 0;
	unsigned int id = is_local ? wq_os_cpu() : (unsigned int)cpu;

	return is_local | ((id < WQ_MAX_CPUS ? id : NO_CPU) + 1);
}

static struct wq_pwq *choose_pwq(struct workqueue_struct *wq, unsigned int mark)
{
	unsigned int id = (mark & ~MARK_LOCAL) - 1;

	return wq_queue_choose_pwq(wq, mark & MARK_LOCAL ? WORK_CPU_UNBOUND : (int)id, id);
}

/* ----------------------------------------------------------------- landing */

/* By whoever has it. From then on the item may be gone. */
static void land(struct work_struct *work)
{
	unsigned long word = wq_load_relaxed(&work->data);
	struct workqueue_struct *wq;

	if (!wq_word_is_deferred(word)) {
		wq_delayed_land(to_delayed_work(work));
		return;
	}
	wq = wq_list_take_note(wq_work_node(work));
	wq_pool_push(wq_submit_place(wq, work, word, choose_pwq(wq, wq_word_depth(word))), work);
}

static struct work_struct *reverse(struct work_struct *work)
{
	struct work_struct *oldest = NULL, *next;

	for (; work; work = next) {
		next = work->entry.next;
		work->entry.next = oldest;
		oldest = work;
	}
	return oldest;
}

void wq_defer_land(void)
{
	struct work_struct *work, *next;

	wq_assert_held(&wq_config_lock);
	wq_grace_enter();
	/* order: DEFER-TAKE pairs with DEFER-PUSH */
	for (work = reverse(wq_xchg_acquire(&newest, &landing)); work; work = next) {
		next = work->entry.next;
		land(work);
	}
	/* order: DEFER-LANDED pairs with DEFER-WAIT */
	wq_store_release(&newest, &closed);
	wq_grace_leave();
}

void wq_defer_open(void)
{
	wq_assert_held(&wq_config_lock);
	wq_store_relaxed(&newest, NULL);
	/* order: DEFER-LET: from then on */
	wq_grace_let_defer();
}

void wq_defer_forget(void)
{
	wq_store_relaxed(&newest, &closed);
}

/* --------------------------------------------------------------- deferring */

/* False: nobody copies any more, and all that was deferred has landed. */
static bool push(struct work_struct *work)
{
	struct wq_backoff backoff = { 0 };
	struct work_struct *head;

	do {
		/* order: DEFER-WAIT pairs with DEFER-LANDED: what came before goes before (B8) */
		while ((head = wq_load_acquire(&newest)) == &landing)
			wq_backoff_wait(&backoff);
		if (head == &closed)
			return false;
		work->entry.next = head;
		/* order: DEFER-PUSH pairs with DEFER-TAKE */
	} while (!wq_cas_acq_rel(&newest, &head, work));
	return true;
}

void wq_defer(struct work_struct *work)
{
	wq_assert(wq_grace_is_inside());
	/* we are in a section still, so that nobody has closed them anew */
	if (!push(work))
		land(work);
}

bool wq_defer_work(struct workqueue_struct *wq, struct work_struct *work, int cpu)
{
	if (!wq_submit_take_deferred(wq, work, mark_of(cpu)))
		return false;
	if (wq_submit_accept(wq, work)) {
		wq_list_note(wq_work_node(work), wq);
		wq_defer(work);
	}
	return true;
}
