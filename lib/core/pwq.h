/* SPDX-License-Identifier: MIT */
/*
 * pwq.h - a queue's share of a pool: its items and their flush colours.
 *
 * All with the pool's lock held, but for creating and freeing.
 */
#ifndef WQ_CORE_PWQ_H
#define WQ_CORE_PWQ_H

#include "core/limit.h"
#include "core/types.h"
#include "core/work.h"

/* `limit` NULL: one of its own, with room for none yet. */
struct wq_pwq *wq_pwq_create(struct workqueue_struct *wq, struct wq_pool *pool,
			     struct wq_limit *limit);
void wq_pwq_free(struct wq_pwq *pwq);

/* Over the limit. */
void wq_pwq_hold_back_locked(struct wq_pwq *pwq, struct work_struct *work);

/* File an item that came out of the intake: on the worklist or, over the limit, inactive. */
static inline void wq_pwq_file_locked(struct wq_pwq *pwq, struct work_struct *work,
				      unsigned long word)
{
	unsigned long filed = wq_word_queued(pwq, pwq->color);

	wq_assert_held(&pwq->pool->lock);
	pwq->nr_filed++;
	pwq->nr_in_flight[pwq->color]++;
	/* only failing queue_work()s write the word meanwhile, and those change nothing */
	if (wq_unlikely(filed != word))
		wq_xchg_acq_rel(&work->data, filed);
	if (wq_likely(wq_limit_take_locked(pwq)))
		wq_list_add_tail(wq_work_node(work), &pwq->pool->worklist);
	else
		wq_pwq_hold_back_locked(pwq, work);
}

/* Put the first inactive item, which the limit has counted, on the worklist. */
static inline void wq_pwq_activate_first_locked(struct wq_pwq *pwq)
{
	struct wq_list *node = pwq->inactive.next;

	wq_assert_held(&pwq->pool->lock);
	wq_list_del_marked(node);
	wq_list_add_tail(node, &pwq->pool->worklist);
}

/* The colour's last item in flight is through, and somebody may wait for that. */
void wq_pwq_end_color_locked(struct wq_pwq *pwq, unsigned int color);

/* An item of this colour is through. */
static inline void wq_pwq_leave_color_locked(struct wq_pwq *pwq, unsigned int color)
{
	wq_assert(pwq->nr_in_flight[color] > 0);
	if (!--pwq->nr_in_flight[color] &&
	    wq_unlikely(pwq->flushing & (1u << color | WQ_PWQ_RETIRED)))
		wq_pwq_end_color_locked(pwq, color);
}

/* An item has run. */
static inline void wq_pwq_settle_locked(struct wq_pwq *pwq, unsigned int color)
{
	wq_assert_held(&pwq->pool->lock);
	wq_limit_give_locked(pwq);
	wq_pwq_leave_color_locked(pwq, color);
}

/*
 * Take a filed item off its list; its word becomes `rest`, off queue with a depth or PENDING, but
 * names the worker of the pool that runs it, if one does. Whoever waits for the run is
 * released (E6). Returns the slot that it names, or 0.
 */
uint32_t wq_pwq_unfile_locked(struct wq_pwq *pwq, struct work_struct *work, unsigned long word,
			      unsigned long rest);

/* Items filed and not settled. */
unsigned int wq_pwq_in_flight_locked(const struct wq_pwq *pwq);

#endif /* WQ_CORE_PWQ_H */
