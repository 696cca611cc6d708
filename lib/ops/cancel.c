/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - taking items back: cancel, disable, enable.
 *
 * All of them are one step, take_back(): whatever the item's state, it becomes
 * off queue and not pending, with its disable depth changed, in one RMW. So
 * nobody but who queues or arms it ever holds PENDING in transit. The sync
 * forms then wait for the run that the word's worker slot names.
 */
#include "base/report.h"
#include "core/barrier.h"
#include "core/block.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/shard.h"
#include "core/work.h"
#include "core/worker.h"
#include "ops/init.h"
#include "ops/wait.h"

/* Is the item known to be the one in a struct delayed_work? */
enum kind { PLAIN, DELAYED };

/* What happens to the disable depth. Who borrows will give back: in a child of fork() he has. */
enum change { KEEP, DISABLE, ENABLE, BORROW, GIVE_BACK };

/* What taking an item back has found and left. */
struct taken {
	bool was_pending;
	bool is_at_limit;   /* the depth could not be changed (H1) */
	unsigned int depth; /* as left */
	uint32_t slot;      /* who ran the item last */
};

static bool is_up(enum change change)
{
	return change == DISABLE || change == BORROW;
}

static bool is_down(enum change change)
{
	return change == ENABLE || change == GIVE_BACK;
}

static void change_depth(struct taken *taken, unsigned int depth, enum change change)
{
	taken->is_at_limit = (is_up(change) && depth == WQ_WORK_MAX_DEPTH) ||
			     (is_down(change) && depth == 0);
	if (is_up(change) && !taken->is_at_limit)
		depth++;
	if (is_down(change) && !taken->is_at_limit)
		depth--;
	taken->depth = depth;
}

static void report_limit(enum change change)
{
	/* A: each is reported once */
	static uint32_t said_overflow, said_underflow;

	if (is_up(change))
		wq_warn_once(&said_overflow, "work disable count overflowed", "");
	else
		wq_warn_once(&said_underflow, "work disable count underflowed", "");
}

/* The item waits on its pool's lists: take it off. False: it does not, any more or yet. */
static bool unfile(struct work_struct *work, enum change change, struct taken *taken)
{
	unsigned long word;
	struct wq_pool *pool = wq_wait_lock_pool(work, &word);

	if (!pool)
		return false;
	taken->was_pending = true;
	change_depth(taken, 0, change);
	taken->slot = wq_wait_unfile(pool, work, word, wq_word_off(0, taken->depth));
	wq_pool_unlock(pool);
	return true;
}

/* Its timer is armed: disarm it. False: it is not, any more or yet. */
static bool unarm(struct delayed_work *dwork, enum change change, struct taken *taken)
{
	struct wq_shard *shard = wq_shard_lock_timer(&dwork->timer);
	bool is_armed;

	if (!shard)
		return false;
	is_armed = wq_shard_is_armed_locked(&dwork->timer);
	if (is_armed) {
		wq_shard_remove_locked(shard, &dwork->timer);
		taken->was_pending = true;
		change_depth(taken, 0, change);
		taken->slot = wq_word_slot(wq_load_relaxed(&dwork->work.data));
		/* the last touch of the item */
		wq_xchg_acq_rel(&dwork->work.data, wq_word_off(taken->slot, taken->depth));
	}
	wq_shard_unlock(shard);
	return is_armed;
}

/* The item is idle: change its depth. False: it is not idle any more. */
static bool change_idle(struct work_struct *work, unsigned long word, enum change change,
			struct taken *taken)
{
	taken->was_pending = false;
	change_depth(taken, wq_word_depth(word), change);
	taken->slot = wq_word_slot(word);
	return change == KEEP ||
	       wq_cas_acq_rel(&work->data, &word, wq_word_off(taken->slot, taken->depth));
}

/* Pending: take it back from where it waits. False: in transit, or it moved. */
static bool take_pending(struct work_struct *work, unsigned long word, enum kind kind,
			 enum change change, struct taken *taken)
{
	if (wq_word_is_queued(word))
		return unfile(work, change, taken);
	/* who does not know of the timer waits until it has fired (G8) */
	return kind == DELAYED && wq_word_is_timer(word) &&
	       unarm(to_delayed_work(work), change, taken);
}

/* For a child of fork(). Threads that share a record cannot say so. */
static void note_debt(struct work_struct *work, enum change change, const struct taken *taken)
{
	if (wq_grace_self->shared)
		return;
	if (change == BORROW && !taken->is_at_limit)
		wq_grace_self->debt = work;
	/* also if somebody else has given it back by mistake */
	if (change == GIVE_BACK)
		wq_grace_self->debt = NULL;
}

/* False: in transit, or it moved. */
static bool try_to_take_back(struct work_struct *work, enum kind kind, enum change change,
			     struct taken *taken)
{
	unsigned long word = wq_work_look(work);
	bool is_done = word & WQ_WORK_PENDING ? take_pending(work, word, kind, change, taken) :
						change_idle(work, word, change, taken);

	if (is_done)
		note_debt(work, change, taken);
	return is_done;
}

static struct taken take_back(struct work_struct *work, enum kind kind, enum change change)
{
	struct wq_backoff backoff = { 0 };
	struct taken taken;
	bool is_done;

	for (;;) {
		/* fork() does not come in the middle of this */
		wq_grace_enter();
		is_done = try_to_take_back(work, kind, change, &taken);
		wq_grace_leave();
		if (is_done)
			break;
		/* in transit: whoever queues or arms it is nearly done (A10) */
		wq_backoff_wait(&backoff);
	}
	if (taken.is_at_limit)
		report_limit(change);
	return taken;
}

/* Common to all calls here: is there something to work on? */
static bool is_usable(const struct work_struct *work)
{
	if (!work)
		wq_warn("cancel, disable or enable without an item", "");
	return work && wq_init_use();
}

static bool is_usable_sync(const struct work_struct *work, const char *caller)
{
	if (!is_usable(work))
		return false;
	if (!work->func)
		wq_warn("an item never initialised given to ", caller);
	return work->func;
}

/* What then happens to the depth that waiting has added. */
enum end { STAY_DISABLED, BE_ENABLED };

static bool take_and_wait(struct work_struct *work, enum kind kind, enum end end,
			  const char *caller)
{
	struct taken taken;

	if (!is_usable_sync(work, caller))
		return false;
	/* disabled meanwhile, so that it cannot be queued again (G3) */
	taken = take_back(work, kind, end == BE_ENABLED ? BORROW : DISABLE);
	wq_wait_for_run(work, taken.slot, caller);
	if (end == BE_ENABLED && !taken.is_at_limit)
		take_back(work, kind, GIVE_BACK);
	return taken.was_pending;
}

/* --------------------------------------------------------------- items */

bool cancel_work(struct work_struct *work)
{
	return is_usable(work) && take_back(work, PLAIN, KEEP).was_pending;
}

bool cancel_work_sync(struct work_struct *work)
{
	return take_and_wait(work, PLAIN, BE_ENABLED, "cancel_work_sync()");
}

bool disable_work(struct work_struct *work)
{
	return is_usable(work) && take_back(work, PLAIN, DISABLE).was_pending;
}

bool disable_work_sync(struct work_struct *work)
{
	return take_and_wait(work, PLAIN, STAY_DISABLED, "disable_work_sync()");
}

bool enable_work(struct work_struct *work)
{
	return is_usable(work) && take_back(work, PLAIN, ENABLE).depth == 0;
}

/* ------------------------------------------------------- delayed items */

static struct work_struct *item_of(struct delayed_work *dwork)
{
	return dwork ? &dwork->work : NULL;
}

bool cancel_delayed_work(struct delayed_work *dwork)
{
	return is_usable(item_of(dwork)) && take_back(&dwork->work, DELAYED, KEEP).was_pending;
}

bool cancel_delayed_work_sync(struct delayed_work *dwork)
{
	return take_and_wait(item_of(dwork), DELAYED, BE_ENABLED, "cancel_delayed_work_sync()");
}

bool disable_delayed_work(struct delayed_work *dwork)
{
	return is_usable(item_of(dwork)) && take_back(&dwork->work, DELAYED, DISABLE).was_pending;
}

bool disable_delayed_work_sync(struct delayed_work *dwork)
{
	return take_and_wait(item_of(dwork), DELAYED, STAY_DISABLED, "disable_delayed_work_sync()");
}

bool enable_delayed_work(struct delayed_work *dwork)
{
	return is_usable(item_of(dwork)) && take_back(&dwork->work, DELAYED, ENABLE).depth == 0;
}
