/* SPDX-License-Identifier: MIT */
/*
 * pwq.c - a queue's share of a pool: max_active and flush colours.
 */
#include "core/pwq.h"

#include "base/os.h"
#include "base/report.h"
#include "core/barrier.h"
#include "core/pool.h"
#include "core/work.h"

struct wq_pwq *wq_pwq_create(struct workqueue_struct *wq, struct wq_pool *pool)
{
	struct wq_pwq *pwq = wq_os_alloc(sizeof(*pwq), WQ_PWQ_ALIGN);

	if (!pwq)
		return NULL;
	pwq->pool = pool;
	pwq->wq = wq;
	pwq->pool_id = pool->id;
	pwq->is_intensive = pool->is_bound && (wq->flags & WQ_CPU_INTENSIVE);
	pwq->max_active = (unsigned int)wq->max_active;
	wq_list_init(&pwq->inactive);
	return pwq;
}

void wq_pwq_free(struct wq_pwq *pwq)
{
	wq_os_free(pwq);
}

void wq_pwq_file_locked(struct wq_pwq *pwq, struct work_struct *work, unsigned long word)
{
	unsigned long filed = wq_word_queued(pwq, pwq->color);

	wq_assert_held(&pwq->pool->lock);
	pwq->nr_filed++;
	pwq->nr_in_flight[pwq->color]++;
	/* only failing queue_work()s write the word meanwhile, and those change nothing */
	if (wq_unlikely(filed != word))
		wq_xchg_acq_rel(&work->data, filed);
	if (pwq->nr_active < pwq->max_active && wq_list_is_empty(&pwq->inactive)) {
		pwq->nr_active++;
		wq_list_add_tail(wq_work_node(work), &pwq->pool->worklist);
	} else {
		wq_list_add_tail_marked(wq_work_node(work), &pwq->inactive);
	}
}

static void activate_first(struct wq_pwq *pwq)
{
	struct wq_list *node = pwq->inactive.next;

	wq_list_del_marked(node);
	pwq->nr_active++;
	wq_list_add_tail(node, &pwq->pool->worklist);
}

/* Start what max_active held back, as far as it now may (C1, C6). */
static void activate(struct wq_pwq *pwq)
{
	if (wq_list_is_empty(&pwq->inactive))
		return;
	/* nobody appends to a worklist without draining first: a long inactive list
	   must not keep what others queued from its turn */
	wq_pool_drain_locked(pwq->pool);
	while (!wq_list_is_empty(&pwq->inactive) && pwq->nr_active < pwq->max_active)
		activate_first(pwq);
}

/* An item of this colour is through. The last one of a closed colour tells the flushers. */
static void leave_color(struct wq_pwq *pwq, unsigned int color)
{
	struct workqueue_struct *wq = pwq->wq;
	struct wq_park *park;

	wq_assert(pwq->nr_in_flight[color] > 0);
	if (--pwq->nr_in_flight[color] || !(pwq->flushing & 1u << color))
		return;
	pwq->flushing &= ~(1u << color);
	/* order: FLUSH-DONE pairs with FLUSH-WAIT (Dekker) */
	if (wq_fetch_sub_seq_cst(&wq->flush_pending[color], 1u) != 1)
		return;
	park = wq_load_seq_cst(&wq->flush_head);
	if (park)
		wq_pool_due_locked(pwq->pool, park);
}

void wq_pwq_settle_locked(struct wq_pwq *pwq, unsigned int color)
{
	wq_assert_held(&pwq->pool->lock);
	wq_assert(pwq->nr_active > 0);
	pwq->nr_active--;
	activate(pwq);
	leave_color(pwq, color);
}

uint32_t wq_pwq_unfile_locked(struct wq_pwq *pwq, struct work_struct *work, unsigned long word,
			      unsigned long rest)
{
	struct wq_worker *worker = wq_pool_find_busy_locked(pwq->pool, work, work->func);
	bool was_inactive = wq_list_is_marked(wq_work_node(work));
	uint32_t slot = worker ? worker->slot : 0;

	wq_assert_held(&pwq->pool->lock);
	wq_list_del_marked(wq_work_node(work));
	/* the last touch of the item; who is released below must find it idle */
	wq_xchg_acq_rel(&work->data, wq_word_off(slot, 0) | rest);
	if (word & WQ_WORK_BARRIER)
		wq_barrier_release_locked(pwq->pool, work);
	if (was_inactive)
		leave_color(pwq, wq_word_color(word));
	else
		wq_pwq_settle_locked(pwq, wq_word_color(word));
	return slot;
}

void wq_pwq_set_max_locked(struct wq_pwq *pwq, unsigned int max_active)
{
	wq_assert_held(&pwq->pool->lock);
	wq_pool_drain_locked(pwq->pool);
	pwq->max_active = max_active;
	activate(pwq);
}

unsigned int wq_pwq_in_flight_locked(const struct wq_pwq *pwq)
{
	unsigned int color, sum = 0;

	wq_assert_held(&pwq->pool->lock);
	for (color = 0; color < WQ_NR_COLORS; color++)
		sum += pwq->nr_in_flight[color];
	return sum;
}
