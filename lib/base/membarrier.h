/* SPDX-License-Identifier: MIT */
/*
 * membarrier.h - a full barrier paid for by one side only.
 *
 * Of two threads that each store, then load what the other stores, one at least
 * must see the other's store. The frequent one calls wq_light_barrier(), which
 * costs nothing, the rare one wq_heavy_barrier(): a membarrier system call. Where
 * that is not to be had, the light one is a full fence.
 */
#ifndef WQ_BASE_MEMBARRIER_H
#define WQ_BASE_MEMBARRIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

/* AQ: by RMWs: what makes a light barrier, or entering a section, look twice; 0 as a rule */
extern uint32_t wq_barrier_flags;
#define WQ_BARRIER_MISSING 1u /* until a thread has found that there is a membarrier */
#define WQ_BARRIER_CLOSED  2u /* somebody keeps all out of sections, see grace.h */
#define WQ_BARRIER_DEFER   4u /* with it: and who queues need not wait */

static inline bool wq_membarrier_is_missing(void)
{
	return wq_load_relaxed(&wq_barrier_flags) & WQ_BARRIER_MISSING;
}

/*
 * Every thread calls this before it uses a barrier for the first time: so whoever calls the
 * heavy one knows at least what those knew whose light one cost nothing.
 */
void wq_membarrier_init(void);

static inline void wq_light_barrier(void)
{
	wq_compiler_barrier();
	if (wq_unlikely(wq_load_relaxed(&wq_barrier_flags)))
		wq_fence_seq_cst();
}

void wq_heavy_barrier(void);

#endif /* WQ_BASE_MEMBARRIER_H */
