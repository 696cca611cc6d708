/* SPDX-License-Identifier: MIT */
/*
 * membarrier.c - a full barrier paid for by one side only (contracts in membarrier.h).
 */
#include "base/membarrier.h"

#include "base/os.h"

/* Until it is known better: correct in any case. */
bool wq_membarrier_is_missing = true;

void wq_membarrier_init(void)
{
	if (wq_os_membarrier_register())
		wq_store_relaxed(&wq_membarrier_is_missing, false);
}

void wq_heavy_barrier(void)
{
	if (!wq_load_relaxed(&wq_membarrier_is_missing))
		wq_os_membarrier();
	wq_fence_seq_cst();
}
