/* SPDX-License-Identifier: MIT */
/*
 * queue_calls.h - items on queues of a made-up machine: the test does what producers and
 * workers do, one lock hold after the other.
 */
#ifndef TESTS_QUEUE_CALLS_H
#define TESTS_QUEUE_CALLS_H

#include "machine.h"

enum {
	ITEMS = 16,
};

static struct work_struct item[ITEMS];

static inline void never_run(struct work_struct *work)
{
	(void)work;
	abort();
}

static inline void init_items(void)
{
	for (int i = 0; i < ITEMS; i++)
		INIT_WORK(&item[i], never_run);
}

static inline void push_to(struct wq_pwq *pwq, int i)
{
	wq_xchg_acq_rel(&item[i].data, wq_word_queued(pwq, wq_load_relaxed(&pwq->color)));
	wq_pool_push(pwq->pool, &item[i]);
}

static inline void look(struct wq_pwq *pwq)
{
	wq_pool_lock(pwq->pool);
	wq_pool_drain_locked(pwq->pool);
	wq_pool_unlock(pwq->pool);
}

static inline void queue_on(struct wq_pwq *pwq, int i)
{
	push_to(pwq, i);
	look(pwq);
}

static inline bool is_active(struct work_struct *work)
{
	return wq_list_is_on(wq_work_node(work)) && !wq_list_is_marked(wq_work_node(work));
}

static inline bool is_held(struct work_struct *work)
{
	return wq_list_is_on(wq_work_node(work)) && wq_list_is_marked(wq_work_node(work));
}

/* Off its worklist, word and count: as if it had run. */
static inline void finish(struct work_struct *work)
{
	unsigned long word = wq_load_relaxed(&work->data);
	struct wq_pwq *pwq = wq_word_pwq(word);

	look(pwq);
	must(is_active(work));
	wq_pool_lock(pwq->pool);
	wq_list_del(wq_work_node(work));
	wq_xchg_acq_rel(&work->data, wq_word_off(0, 0));
	wq_pwq_settle_locked(pwq, wq_word_color(word));
	wq_pool_unlock(pwq->pool);
}

static inline void run(int i)
{
	finish(&item[i]);
}

static inline void cancel(int i)
{
	unsigned long word = wq_load_relaxed(&item[i].data);

	wq_pool_lock(wq_word_pwq(word)->pool);
	wq_pwq_unfile_locked(wq_word_pwq(word), &item[i], word, 0);
	wq_pool_unlock(wq_word_pwq(word)->pool);
}

#endif /* TESTS_QUEUE_CALLS_H */
