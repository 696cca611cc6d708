/* SPDX-License-Identifier: MIT */
/*
 * drain.c - drain_workqueue(): flush until the queue is empty.
 *
 * Producers hold no lock: after the flag is set, a grace period makes sure that
 * whoever did not see it has pushed. Chained items may move between pwqs while
 * they are looked at one by one; so "empty" is two passes that find all of them
 * empty and the same number of items ever filed.
 */
#include "ops/drain.h"

#include "base/grace.h"
#include "base/report.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/wq.h"
#include "ops/flush.h"

/* True: every pwq was empty when looked at. *nr_filed: items ever filed. */
static bool pass_is_empty(struct workqueue_struct *wq, uint64_t *nr_filed)
{
	bool is_empty = true;
	struct wq_pwq *pwq;

	wq_lock_acquire(&wq->flush_lock);
	*nr_filed = wq->nr_filed_gone;
	wq_wq_for_each_pwq(pwq, wq)
	{
		wq_pool_lock(pwq->pool);
		wq_pool_drain_locked(pwq->pool);
		is_empty = is_empty && !wq_pwq_in_flight_locked(pwq);
		*nr_filed += pwq->nr_filed;
		wq_pool_unlock(pwq->pool);
	}
	wq_lock_release(&wq->flush_lock);
	return is_empty;
}

bool wq_drain_is_empty(struct workqueue_struct *wq)
{
	uint64_t first, second;

	return pass_is_empty(wq, &first) && pass_is_empty(wq, &second) && first == second;
}

/* After 10 tries, and after each 100 up to 1000 (F3). */
static void report_tries(const struct workqueue_struct *wq, const char *caller, unsigned int tries)
{
	struct wq_msg msg;

	if (tries != 10 && (tries % 100 || tries > 1000))
		return;
	wq_msg_note(&msg, "queue \"");
	wq_msg_text(&msg, wq->name);
	wq_msg_text(&msg, "\": ");
	wq_msg_text(&msg, caller);
	wq_msg_text(&msg, " isn't complete after ");
	wq_msg_number(&msg, tries);
	wq_msg_text(&msg, " tries");
	wq_msg_send(&msg);
}

void wq_drain_begin_locked(struct workqueue_struct *wq)
{
	wq_assert_held(&wq_config_lock);
	if (!wq->nr_drainers++)
		wq_fetch_or_acq_rel(&wq->flags, (unsigned int)__WQ_DRAINING);
}

static void add_drainer(struct workqueue_struct *wq)
{
	wq_lock_acquire(&wq_config_lock);
	wq_drain_begin_locked(wq);
	wq_lock_release(&wq_config_lock);
}

static void remove_drainer(struct workqueue_struct *wq)
{
	wq_lock_acquire(&wq_config_lock);
	if (!--wq->nr_drainers)
		wq_fetch_and_acq_rel(&wq->flags, ~(unsigned int)__WQ_DRAINING);
	wq_lock_release(&wq_config_lock);
}

void wq_drain_queue(struct workqueue_struct *wq, const char *caller)
{
	unsigned int tries = 0;

	add_drainer(wq);
	/* order: SYNCHRONIZE: sections that began before the flag have pushed */
	wq_grace_synchronize();
	do {
		wq_flush_queue(wq);
		report_tries(wq, caller, ++tries);
	} while (!wq_drain_is_empty(wq));
	remove_drainer(wq);
}

void drain_workqueue(struct workqueue_struct *wq)
{
	if (wq_flush_is_usable(wq, "drain_workqueue()"))
		wq_drain_queue(wq, "drain_workqueue()");
}
