/* SPDX-License-Identifier: MIT */
/*
 * membarrier.c - a full barrier paid for by one side only (contracts in membarrier.h).
 */
#include "base/membarrier.h"

#include "base/os.h"
#include "base/report.h"

#define DRAIN_NS 1000000u

/* Until it is known better: correct in any case. */
uint32_t wq_barrier_flags WQ_READ_MOSTLY WQ_LINE_ALIGNED = WQ_BARRIER_MISSING;

void wq_membarrier_init(void)
{
	if (wq_os_membarrier_register())
		wq_fetch_and_acq_rel(&wq_barrier_flags, ~WQ_BARRIER_MISSING);
}

/*
 * The system call was taken away (seccomp). From here on light barriers cost a
 * fence; one that is in progress without has its store in a buffer, which no
 * processor keeps for as long as this sleeps.
 */
static void do_without(void)
{
	static uint32_t once; /* A: reported */

	wq_fetch_or_acq_rel(&wq_barrier_flags, WQ_BARRIER_MISSING);
	wq_note_once(&once, "membarrier() is refused by now; going on without", "");
	wq_os_sleep_ns(DRAIN_NS);
}

void wq_heavy_barrier(void)
{
	if (!wq_membarrier_is_missing() && !wq_os_membarrier())
		do_without();
	wq_fence_seq_cst();
}
