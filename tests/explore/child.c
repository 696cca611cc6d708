/* SPDX-License-Identifier: MIT */
/*
 * child.c - what a child of fork() would find (contracts in child.h).
 *
 * Looks at memory as it is, without steps: while the process is copied nobody may change what is
 * looked at here, but for the item's word.
 */
#include "child.h"

#include "core/pool.h"
#include "core/shard.h"
#include "core/work.h"

static bool is_listed(struct work_struct *work)
{
	const struct wq_pool *pool = wq_word_pwq(work->data)->pool;
	const struct work_struct *pushed;

	for (pushed = pool->intake; pushed; pushed = pushed->entry.next) {
		if (pushed == work)
			return true;
	}
	return wq_list_is_on(wq_work_node(work)) || (pool->again && pool->again->work == work);
}

static bool is_armed(const struct timer_list *timer)
{
	const struct wq_wheel_timer *pushed;
	unsigned int i;

	for (i = 0; i < wq_nr_shards; i++) {
		for (pushed = wq_shards[i]->intake; pushed; pushed = (void *)pushed->link.next) {
			if ((const void *)pushed == timer)
				return true;
		}
	}
	return timer->state & WQ_TIMER_ARMED;
}

bool child_finds_idle(struct delayed_work *item)
{
	unsigned long word = item->work.data;

	if (!(word & WQ_WORK_PENDING))
		return true;
	if (wq_word_is_queued(word))
		return is_listed(&item->work);
	/* of this process, which the child is not */
	if (wq_word_is_timer(word) && (word & WQ_WORK_TAG_MASK) == wq_word_tag())
		return true;
	return wq_word_is_timer(word) && is_armed(&item->timer);
}
