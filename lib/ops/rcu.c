/* SPDX-License-Identifier: MIT */
/*
 * rcu.c - queue_rcu_work() and flush_rcu_work(), on liburcu.
 *
 * Nothing here is linked to liburcu: a flavour of it is a struct of functions, given
 * by the program or found at first use. An item that waits for its grace period
 * belongs to liburcu, which nobody can take it back from. Its word is that of an
 * armed delayed item: pending, off queue, T. (Without liburcu's headers: no_rcu.c.)
 */
#include "ops/rcu.h"

#include <errno.h>
#include <urcu/call-rcu.h>
#include <urcu/flavor.h>

#include <workq/workq.h>

#include "base/grace.h"
#include "base/os.h"
#include "base/report.h"
#include "core/block.h"
#include "core/pool.h"
#include "core/submit.h"
#include "core/work.h"
#include "ops/init.h"
#include "ops/wait.h"

/* One ABI of liburcu: 0.13 and later. Packaged as liburcu8. */
#define LIBURCU_BP "liburcu-bp.so.8"

_Static_assert(sizeof(struct rcu_head) == sizeof(((struct rcu_work *)0)->rcu),
	       "rcu is a struct rcu_head of liburcu's");
_Static_assert(sizeof(struct rcu_work) == 56, "the size of rcu_work is part of the ABI");
_Static_assert(offsetof(struct rcu_flavor_struct, update_call_rcu) == 4 * sizeof(void *) &&
		       offsetof(struct rcu_flavor_struct, barrier) == 11 * sizeof(void *),
	       "the flavours of the ABI that LIBURCU_BP names");

/* Of a program that is linked to liburcu-bp, also statically; else its address is NULL. */
extern const struct rcu_flavor_struct urcu_bp_flavor __attribute__((weak));

/* A: set once, by who first needs a flavour, or names one */
static const struct rcu_flavor_struct *flavor_in_use;

/* A: each is reported once. */
static uint32_t said_no_liburcu, said_disabled;

/* ------------------------------------------------------------- the flavour */

/* The one in use from now on: this one, unless another was there before. */
static const struct rcu_flavor_struct *settle_on(const struct rcu_flavor_struct *flavor)
{
	const struct rcu_flavor_struct *in_use = NULL;

	return wq_cas_acq_rel(&flavor_in_use, &in_use, flavor) ? flavor : in_use;
}

static const struct rcu_flavor_struct *find_default(void)
{
	const struct rcu_flavor_struct *flavor = &urcu_bp_flavor;

	if (!flavor)
		flavor = wq_os_library_symbol(LIBURCU_BP, "urcu_bp_flavor");
	if (flavor)
		return settle_on(flavor);
	wq_note_once(&said_no_liburcu,
		     "queue_rcu_work() queues nothing: there is no " LIBURCU_BP
		     " (in Debian's package liburcu8)",
		     "");
	return NULL;
}

static const struct rcu_flavor_struct *get_flavor(void)
{
	const struct rcu_flavor_struct *flavor = wq_load_acquire(&flavor_in_use);

	return wq_likely(flavor != NULL) ? flavor : find_default();
}

int workq_set_rcu_flavor(const struct rcu_flavor_struct *flavor)
{
	if (!flavor)
		return -EINVAL;
	return settle_on(flavor) == flavor ? 0 : -EBUSY;
}

/* With QSBR a thread counts as reading while it is online, which is no fault. */
static bool is_reading(const struct rcu_flavor_struct *flavor)
{
	bool is_reading_offline;

	if (!flavor->read_ongoing())
		return false;
	flavor->thread_offline();
	is_reading_offline = flavor->read_ongoing();
	flavor->thread_online();
	return is_reading_offline;
}

/*
 * Wait until every item that anybody has taken by now has got its grace period. False:
 * reported. An item waits, so there is a flavour.
 */
static bool wait_for_grace_periods(const char *caller)
{
	const struct rcu_flavor_struct *flavor = wq_load_acquire(&flavor_in_use);

	if (is_reading(flavor)) {
		wq_warn("would wait for the caller's own read-side critical section; not waiting: ",
			caller);
		return false;
	}
	/* order: SYNCHRONIZE: who has taken an item has given it to liburcu */
	wq_grace_synchronize();
	wq_block_begin();
	flavor->barrier();
	wq_block_end();
	return true;
}

/* --------------------------------------------------------------- queueing */

static bool is_usable(const struct workqueue_struct *wq, const struct rcu_work *rwork)
{
	if (wq && rwork)
		return wq_init_use() && get_flavor();
	wq_warn("queue_rcu_work() without ", wq ? "an item" : "a queue");
	return false;
}

/* Given to liburcu before fork(), by the parent; it was told, or has found out, to go on here. */
static bool is_left_behind(unsigned long word)
{
	return !wq_word_is_timer(word) || wq_word_is_stale(word);
}

/* In liburcu's thread, when the grace period is over. */
static void submit_fn(struct rcu_head *head)
{
	struct rcu_work *rwork = container_of((void *)head, struct rcu_work, rcu);
	struct workqueue_struct *wq;
	struct wq_park *wake;

	/* the library has started, so that this cannot fail */
	if (!wq_init_use())
		return;
	wq_grace_enter();
	/* order: RCU-END pairs with RCU-BEGIN */
	if (is_left_behind(wq_load_acquire(&rwork->work.data))) {
		wq_grace_leave();
		return;
	}
	wq = rwork->wq;
	wq_submit(wq, &rwork->work, wq_os_cpu(), &wake);
	/* the item may be gone; the queue is not, until the section is over */
	wq_fetch_sub_seq_cst(&wq->nr_in_grace, 1u);
	wq_grace_leave();
	if (wake)
		wq_park_wake(wake);
}

/* PENDING is ours. From then on the item may be gone. */
static void begin_grace_period(struct workqueue_struct *wq, struct rcu_work *rwork)
{
	rwork->wq = wq;
	wq_fetch_add_seq_cst(&wq->nr_in_grace, 1u);
	/* order: RCU-BEGIN pairs with RCU-END */
	wq_fetch_or_acq_rel(&rwork->work.data, WQ_WORK_TIMER | wq_word_tag());
	get_flavor()->update_call_rcu((struct rcu_head *)(void *)&rwork->rcu, submit_fn);
}

/* PENDING was not to be had. */
static void report_if_disabled(const struct workqueue_struct *wq, unsigned long word)
{
	if (!(word & WQ_WORK_PENDING))
		wq_warn_once(&said_disabled, "queue_rcu_work() of a disabled item on ", wq->name);
}

bool queue_rcu_work(struct workqueue_struct *wq, struct rcu_work *rwork)
{
	unsigned long word;
	bool is_taken;

	if (!is_usable(wq, rwork))
		return false;
	wq_grace_enter();
	is_taken = wq_submit_take_pending(wq, &rwork->work, &word);
	if (!is_taken)
		report_if_disabled(wq, word);
	else if (wq_submit_has_no_func(wq, &rwork->work) || wq_submit_is_too_late(wq, &rwork->work))
		wq_fetch_and_acq_rel(&rwork->work.data, ~WQ_WORK_PENDING);
	else
		begin_grace_period(wq, rwork);
	wq_grace_leave();
	return is_taken;
}

/* ---------------------------------------------------------------- waiting */

bool flush_rcu_work(struct rcu_work *rwork)
{
	unsigned long word;

	if (!rwork || !rwork->work.func) {
		wq_warn("flush_rcu_work() of ", rwork ? "an item never initialised" : "no item");
		return false;
	}
	if (!wq_init_use() || wq_wait_is_for_self(&rwork->work, "flush_rcu_work()"))
		return false;
	word = wq_work_look(&rwork->work);
	if (wq_word_is_timer(word) && !wait_for_grace_periods("flush_rcu_work()"))
		return false;
	/* if it has run by now, that was waited for */
	return flush_work(&rwork->work) || word & WQ_WORK_PENDING;
}

bool wq_rcu_wait(struct workqueue_struct *wq, const char *caller)
{
	return !wq_load_acquire(&wq->nr_in_grace) || wait_for_grace_periods(caller);
}
