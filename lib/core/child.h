/* SPDX-License-Identifier: MIT */
/*
 * child.h - pools, shards, queues and items for the child of fork().
 *
 * The child has one thread, and a copy of everything at one moment. Before, all pools and shards
 * are locked, so that the copy is one of a moment at which nobody changes them. What waits in their
 * lists is found there, at once, and is idle in the child; the rest is made anew when it is needed.
 */
#ifndef WQ_CORE_CHILD_H
#define WQ_CORE_CHILD_H

#include "core/types.h"

/*
 * Lock every pool and shard; false: not to be had by then, and none is locked. Sections are closed,
 * and the configuration lock is held, by all of these.
 */
bool wq_child_lock_all(uint64_t deadline_ns);
/* In the parent. */
void wq_child_unlock_all(void);

/* In the child, before anything else uses the memory of items: all are idle. */
void wq_child_forget_items(void);
/* In the child, once: nothing runs, waits, or is locked. Pools, shards and queues stay. */
void wq_child_reset(void);

#endif /* WQ_CORE_CHILD_H */
