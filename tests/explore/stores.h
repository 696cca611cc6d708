/* SPDX-License-Identifier: MIT */
/*
 * stores.h - what is seen in memory, and by whom: stores may wait in a buffer.
 *
 * The operations themselves are declared in door/base/atomic.h.
 */
#ifndef EXPLORE_STORES_H
#define EXPLORE_STORES_H

#include "machine.h"

/* What the running fiber sees there. */
uintptr_t stores_visible(const void *p, size_t size);
/* The first stores of its buffer are seen by all. */
void stores_flush(struct fiber *fiber, unsigned int nr);
void stores_flush_self(void);
void stores_flush_all(void);
/* Nothing is kept back any more, whatever the machine's fault is; nobody has looked for it. */
void stores_settle(void);

#endif /* EXPLORE_STORES_H */
