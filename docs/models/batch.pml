/* SPDX-License-Identifier: MIT */
/*
 * batch.pml - a worker that takes K items per lock hold and runs them without the lock, while a
 *             canceller may still take any of them back. A study: this version takes one item
 *             per lock hold.
 *
 * Models  Asymmetric: the worker pays a plain store and a load per item, the canceller a
 *         membarrier.
 *           worker     started = k + 1 (store buffer); light barrier; request set: lock path;
 *                      slot k empty: stolen, skip; else give PENDING up and run
 *           canceller  lock; request = 1; membarrier; k >= started: slot k = NULL, it is ours;
 *                      else it is in limbo or runs, not ours: back off; request = 0; unlock
 * Bounds  K items, two cancellers, one item each.
 * Checks  each item has exactly one owner; a stolen item is not touched.
 * Bugs    each must make pan report an error:
 *   BUG_NOMEMBARRIER  the worker's store stays in its buffer past its load of `request`
 *   BUG_NOREREAD      the worker does not look at the slot again after its load of `request`
 */
#define K 3
byte slot[K];			/* 1: item there, 0: stolen */
byte started, sbuf;
bit sfull, req, lk;
byte owner[K];			/* ghost: how often somebody took the item */
bit freed[K], pend[K];
byte ran, stolen;

proctype Buffer() {
end:	do :: atomic { sfull -> started = sbuf; sfull = 0 } od
}

inline run_item() {
	if
	:: got -> d_step { owner[k]++; assert(!freed[k]); pend[k] = 0; ran++ }
	:: else
	fi
}

proctype Worker() {
	byte k;
	bit got;

	do
	:: k == K -> break
	:: k < K ->
#ifdef BUG_NOREREAD
		got = slot[k];
#endif
		atomic { !sfull -> sbuf = k + 1; sfull = 1 };
		if
		:: req ->				/* slow: wait for the canceller to finish */
			atomic { lk == 0 -> lk = 1 };	/* an RMW: flushes the buffer */
			atomic { if :: sfull -> started = sbuf; sfull = 0 :: else fi };
#ifndef BUG_NOREREAD
			got = slot[k];
#endif
			run_item();
			lk = 0
		:: else ->
#ifndef BUG_NOREREAD
			got = slot[k];
#endif
			run_item()
		fi;
		k++
	od
}

proctype Canceller(byte k) {
	bit done;

	do
	:: done -> break
	:: else ->
		atomic { lk == 0 -> lk = 1 };
		if
		:: !pend[k] -> done = 1			/* started: nothing to take */
		:: else ->
			req = 1;
#ifndef BUG_NOMEMBARRIER
			atomic { if :: sfull -> started = sbuf; sfull = 0 :: else fi };
#endif
			if
			:: k >= started ->
				slot[k] = 0;
				d_step { owner[k]++; pend[k] = 0; stolen++; freed[k] = 1 };
				done = 1
			:: else				/* limbo */
			fi;
			req = 0
		fi;
		lk = 0;
		if :: !done -> (!pend[k] || started <= k) :: else fi
	od
}

init {
	byte i;

	atomic {
		do :: i < K -> slot[i] = 1; pend[i] = 1; i++ :: else -> break od;
		run Buffer();
		run Worker();
		run Canceller(1);
		run Canceller(2)
	}
	timeout -> assert(_nr_pr == 2);
	i = 0;
	do :: i < K -> assert(owner[i] == 1); i++ :: else -> break od;
	assert(ran + stolen == K)
}
