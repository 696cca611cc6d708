/* SPDX-License-Identifier: MIT */
/*
 * wake.pml - "the worker is offered, then the intake is looked at" against
 *            "the item is pushed, then the offer is looked at", with a store buffer.
 *
 * Models  make_offer() and wq_pool_drain_locked() in core/pool.c, wq_pool_push() in core/pool.h:
 *         orders WAKER-OFFER, INTAKE-LOOK, INTAKE-PUSH, WAKER-LOOK. The worker's store to `waker`
 *         goes through a one-entry store buffer, as every plain, relaxed or release store does on
 *         x86 and ARM. Producers use RMWs, which are never buffered.
 * Bounds  one worker, NP producers. STALL: one of them may stop for ever right after its push;
 *         then whatever was pushed later must still run (a stop between the exchange of `waker`
 *         and the wake is in manager.pml).
 * Checks  whatever was queued by a call that returned has run.
 * Bugs    each must make pan report an error:
 *   BUG_RELEASE    the worker's store is not seq_cst: its look at the intake overtakes it
 *   BUG_LATELOAD   the producer's load is not seq_cst: it may be satisfied before the push is
 *                  visible, as an acq_rel CAS followed by an acquire load allows on ARM
 *   BUG_ONLYEMPTY  (STALL) only who finds the intake empty looks at the offer
 */
#define NONE 255
#ifndef NP
#define NP 2
#endif
byte intake, worklist, ran, pushed, maxret;	/* maxret: last place whose caller returned */
byte waker = NONE;				/* memory */
bit buf_full;
byte buf_val;					/* the worker's store buffer */
bit wake, parked, stalled;

proctype Buffer() {
end:	do :: atomic { buf_full -> waker = buf_val; buf_full = 0 } od
}
#define FENCE !buf_full

proctype Worker() {
again:
	atomic { worklist = worklist + intake; intake = 0 };	/* drain: an exchange */
	if
	:: worklist > 0 -> atomic { worklist--; ran++ }; goto again
	:: else
	fi;
	atomic { !buf_full -> buf_val = 0; buf_full = 1 };	/* waker = me */
#ifndef BUG_RELEASE
	FENCE;
#endif
	if
	:: intake > 0 -> atomic { FENCE -> waker = NONE }; goto again
	:: else
	fi;
	parked = 1;
end:	atomic { wake -> wake = 0; parked = 0 };
	atomic { FENCE -> waker = NONE };
	goto again
}

proctype Producer() {
	byte w = NONE, pos;
	bit first, early;

#ifdef BUG_LATELOAD
	if :: w = waker; early = 1 :: skip fi;
#endif
	atomic { first = (intake == 0); intake++; pushed++; pos = pushed };
#ifdef STALL
	if :: atomic { !stalled -> stalled = 1 }; goto out :: skip fi;
#endif
#ifdef BUG_ONLYEMPTY
	if :: !first -> goto done :: else fi;
#endif
	if :: !early -> w = waker :: else fi;
	if
	:: w != NONE ->
		atomic { w = waker; waker = NONE };
		if :: w != NONE -> wake = 1 :: else fi
	:: else
	fi;
done:
	atomic { if :: pos > maxret -> maxret = pos :: else fi };
out:	skip
}

init {
	byte i;

	atomic {
		run Buffer();
		run Worker();
		do :: i < NP -> run Producer(); i++ :: else -> break od
	}
	timeout -> assert(ran >= maxret)
}
