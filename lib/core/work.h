/* SPDX-License-Identifier: MIT */
/*
 * work.h - the state word of an item, work->data.
 *
 *   queued     63                              8 7   4  3   2  1  0
 *              [ pwq pointer, 256-byte aligned ][color][B][1][0][P]
 *   off queue  63      48 47      32 31      16 15  8 7 4  3   2  1  0
 *              [ pool id ][  index  ][  depth  ][ tag ][0][0][0][T][P]
 *
 * P pending      legal in both forms. Who turns it from 0 to 1 owns the item until he has
 *                pushed it; off queue and pending is "in transit" (A10), and so is queued
 *                but not yet filed
 * T timer        off queue only: never without P; the item is the work of a struct
 *                delayed_work, and its owner arms its timer, or it is armed; or the
 *                work of a struct rcu_work that waits for its grace period
 * queued         bit 2: which of the two forms it is; never without P
 * B barrier      queued and filed only: somebody in pool->barriers waits for this run
 * color          queued only: a guess until filed, then what the pwq's colour was
 * pool id, index off queue: the slot of the worker that ran it last, 0 if none
 * depth          off queue: how many disable_work() are open; an item with depth > 0 is
 *                never queued
 *
 * Every write is a read-modify-write, the owner's too: a plain store would cut
 * the release sequence from a failing queue_work() to the run it relies on (A6).
 * Whether the item is filed, and held back by max_active, is told by entry.prev
 * and its mark (see list.h), under the pool's lock; whether its timer is armed, by
 * timer.state under the shard's lock.
 *
 * tag            with T, of the work of a struct rcu_work, and of a deferred item (ops/defer.h): in
 *                which process it was queued; else 0. After fork() nobody can find it, so that
 *                the word itself must tell that it is idle. Of a deferred item that is not
 *                delayed, the bits of the depth, which is 0, are not: for which CPU it is
 */
#ifndef WQ_CORE_WORK_H
#define WQ_CORE_WORK_H

#include "core/types.h"

#define WQ_WORK_PENDING     (1ul << 0)
#define WQ_WORK_TIMER       (1ul << 1)
#define WQ_WORK_QUEUED      (1ul << 2)
#define WQ_WORK_BARRIER     (1ul << 3)
#define WQ_WORK_COLOR_SHIFT 4
#define WQ_WORK_COLOR_MASK  (0xful << WQ_WORK_COLOR_SHIFT)
#define WQ_WORK_PWQ_MASK    (~0xfful)
#define WQ_WORK_TAG_SHIFT   8
#define WQ_WORK_TAG_MASK    (0xfful << WQ_WORK_TAG_SHIFT)
#define WQ_WORK_DEPTH_SHIFT 16
#define WQ_WORK_MAX_DEPTH   0xffffu
#define WQ_WORK_DEPTH_MASK  ((unsigned long)WQ_WORK_MAX_DEPTH << WQ_WORK_DEPTH_SHIFT)
#define WQ_WORK_SLOT_SHIFT  32

_Static_assert(sizeof(unsigned long) == 8 && sizeof(void *) == 8, "libworkq needs LP64");
_Static_assert(sizeof(struct work_struct) == 32, "the size of work_struct is part of the ABI");
_Static_assert(sizeof(((struct work_struct *)0)->entry) == sizeof(struct wq_list),
	       "entry is a list node");

static inline struct wq_list *wq_work_node(struct work_struct *work)
{
	return (struct wq_list *)(void *)&work->entry;
}

static inline struct work_struct *wq_node_work(struct wq_list *node)
{
	return wq_list_entry(node, struct work_struct, entry);
}

/* In tables of WQ_BUSY_BUCKETS by item address. */
static inline unsigned int wq_work_bucket(const struct work_struct *work)
{
	return (unsigned int)((unsigned long)work / sizeof(*work) % WQ_BUSY_BUCKETS);
}

/* The word of an item on its way to, or filed in, a pwq. */
static inline unsigned long wq_word_queued(struct wq_pwq *pwq, unsigned int color)
{
	return (unsigned long)pwq | (unsigned long)color << WQ_WORK_COLOR_SHIFT | WQ_WORK_QUEUED |
	       WQ_WORK_PENDING;
}

static inline unsigned long wq_word_off(uint32_t slot, unsigned int depth)
{
	return (unsigned long)slot << WQ_WORK_SLOT_SHIFT | (unsigned long)depth
								   << WQ_WORK_DEPTH_SHIFT;
}

static inline bool wq_word_is_queued(unsigned long word)
{
	return word & WQ_WORK_QUEUED;
}

static inline struct wq_pwq *wq_word_pwq(unsigned long word)
{
	return (struct wq_pwq *)(word & WQ_WORK_PWQ_MASK);
}

static inline unsigned int wq_word_color(unsigned long word)
{
	return (word & WQ_WORK_COLOR_MASK) >> WQ_WORK_COLOR_SHIFT;
}

static inline unsigned int wq_word_depth(unsigned long word)
{
	return (word & WQ_WORK_DEPTH_MASK) >> WQ_WORK_DEPTH_SHIFT;
}

/* A timer's or a grace period's, or about to be: no queue_work() holds it. */
static inline bool wq_word_is_timer(unsigned long word)
{
	return (word & (WQ_WORK_QUEUED | WQ_WORK_TIMER)) == WQ_WORK_TIMER;
}

/* What tells this process from those that it descends from, but for each 255th. */
static inline unsigned long wq_word_tag(void)
{
	return (unsigned long)(wq_fork_generation % 255 + 1) << WQ_WORK_TAG_SHIFT;
}

/* Deferred, and will be queued: in transit, if not armed. */
static inline bool wq_word_is_deferred(unsigned long word)
{
	return wq_word_is_timer(word) && word & WQ_WORK_TAG_MASK && wq_word_depth(word);
}

/* Of an item that was deferred, or whose grace period began, before fork(), in the parent: it is idle. */
static inline bool wq_word_is_stale(unsigned long word)
{
	return wq_unlikely(wq_word_is_timer(word) && word & WQ_WORK_TAG_MASK &&
			   (word & WQ_WORK_TAG_MASK) != wq_word_tag());
}

/* Whatever a word off queue and pending says besides the slot. */
#define WQ_WORK_TRANSIT_MASK                                                                       \
	(WQ_WORK_PENDING | WQ_WORK_TIMER | WQ_WORK_TAG_MASK | WQ_WORK_DEPTH_MASK)

/* What a stale word should be. */
static inline unsigned long wq_word_settled(unsigned long word)
{
	return word & ~WQ_WORK_TRANSIT_MASK;
}

/* Of an idle item, or a stale word: that of a deferred one. */
static inline unsigned long wq_word_deferred(unsigned long word, unsigned int mark)
{
	return wq_word_settled(word) | (unsigned long)mark << WQ_WORK_DEPTH_SHIFT | wq_word_tag() |
	       WQ_WORK_TIMER | WQ_WORK_PENDING;
}

/* The item's word; a stale one is settled before. */
static inline unsigned long wq_work_look(struct work_struct *work)
{
	unsigned long word = wq_load_acquire(&work->data);

	while (wq_word_is_stale(word)) {
		if (wq_cas_acq_rel(&work->data, &word, wq_word_settled(word)))
			return wq_word_settled(word);
	}
	return word;
}

static inline uint32_t wq_word_slot(unsigned long word)
{
	return (uint32_t)(word >> WQ_WORK_SLOT_SHIFT);
}

/* An off-queue word, but naming this slot. */
static inline unsigned long wq_word_with_slot(unsigned long word, uint32_t slot)
{
	return (uint32_t)word | (unsigned long)slot << WQ_WORK_SLOT_SHIFT;
}

static inline unsigned int wq_slot_pool_id(uint32_t slot)
{
	return slot >> 16;
}

#endif /* WQ_CORE_WORK_H */
