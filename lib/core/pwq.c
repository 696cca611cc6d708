/* SPDX-License-Identifier: MIT */
/*
 * pwq.c - a queue's share of a pool: its items and their flush colours.
 */
#include "core/pwq.h"

#include "base/os.h"
#include "base/report.h"
#include "core/barrier.h"
#include "core/limit.h"
#include "core/pool.h"
#include "core/retire.h"
#include "core/work.h"

struct wq_pwq *wq_pwq_create(struct workqueue_struct *wq, struct wq_pool *pool,
			     struct wq_limit *limit)
{
	struct wq_pwq *pwq = wq_os_alloc(sizeof(*pwq), WQ_PWQ_ALIGN);

	if (!pwq)
		return NULL;
	pwq->pool = pool;
	pwq->wq = wq;
	pwq->limit = limit ? limit : &pwq->own;
	pwq->pool_id = pool->id;
	pwq->is_intensive = pool->cpu >= 0 && (wq_wq_flags(wq) & WQ_CPU_INTENSIVE);
	wq_limit_init(&pwq->own, 0);
	wq_list_init(&pwq->inactive);
	wq_retire_init(pwq);
	return pwq;
}

void wq_pwq_free(struct wq_pwq *pwq)
{
	wq_os_free(pwq);
}

void wq_pwq_hold_back_locked(struct wq_pwq *pwq, struct work_struct *work)
{
	wq_assert_held(&pwq->pool->lock);
	wq_list_add_tail_marked(wq_work_node(work), &pwq->inactive);
	wq_limit_wait_locked(pwq);
}

/* The last item of a closed colour is through: tell the flushers. */
static void end_color(struct wq_pwq *pwq, unsigned int color)
{
	struct workqueue_struct *wq = pwq->wq;
	struct wq_park *park;

	pwq->flushing &= ~(1u << color);
	/* order: FLUSH-DONE pairs with FLUSH-WAIT (Dekker) */
	if (wq_fetch_sub_seq_cst(&wq->flush_pending[color], 1u) != 1)
		return;
	park = wq_load_seq_cst(&wq->flush_head);
	if (park)
		wq_pool_due_locked(pwq->pool, park);
}

void wq_pwq_end_color_locked(struct wq_pwq *pwq, unsigned int color)
{
	wq_assert_held(&pwq->pool->lock);
	if (pwq->flushing & 1u << color)
		end_color(pwq, color);
	if (pwq->flushing & WQ_PWQ_RETIRED)
		wq_retire_if_empty_locked(pwq);
}

uint32_t wq_pwq_unfile_locked(struct wq_pwq *pwq, struct work_struct *work, unsigned long word,
			      unsigned long rest)
{
	struct wq_worker *worker = wq_pool_find_busy_locked(pwq->pool, work, work->func);
	bool was_inactive = wq_list_is_marked(wq_work_node(work));
	uint32_t slot = worker ? worker->slot : wq_word_slot(rest);

	wq_assert_held(&pwq->pool->lock);
	wq_list_del_marked(wq_work_node(work));
	/* the last touch of the item; who is released below must find it idle */
	wq_xchg_acq_rel(&work->data, wq_word_with_slot(rest, slot));
	if (word & WQ_WORK_BARRIER)
		wq_barrier_release_locked(pwq->pool, work);
	if (was_inactive) {
		wq_limit_unwait_locked(pwq);
		wq_pwq_leave_color_locked(pwq, wq_word_color(word));
	} else {
		wq_pwq_settle_locked(pwq, wq_word_color(word));
	}
	return slot;
}

unsigned int wq_pwq_in_flight_locked(const struct wq_pwq *pwq)
{
	unsigned int color, sum = 0;

	wq_assert_held(&pwq->pool->lock);
	for (color = 0; color < WQ_NR_COLORS; color++)
		sum += pwq->nr_in_flight[color];
	return sum;
}
