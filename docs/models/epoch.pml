/* SPDX-License-Identifier: MIT */
/*
 * epoch.pml - producers that hold no lock, against drain and destroy.
 *
 * Models  wq_grace_enter(), wq_grace_leave(), wq_grace_synchronize() in base/grace.[ch]; the
 *         look at the flag, is_refused() in core/submit.c; wq_drain_queue() in ops/drain.c and
 *         destroy_workqueue() in ops/alloc.c. A reader, which is a queue_work(),
 *         stores its nesting through a store buffer, looks at the queue, pushes, and leaves with a
 *         release store, behind the first in the same buffer. The writer publishes the flag, has a
 *         membarrier, waits until each record is 0 or has moved on, drains, and frees.
 *         REPLACE: the writer publishes a new pwq and frees the old one; what that takes beside
 *         a grace period is modelled in retire.pml.
 * Bounds  NR readers, two sections each.
 * Checks  no reader meets what is freed; whatever was accepted is run.
 * Bugs    each must make pan report an error:
 *   BUG_NOMEMBARRIER  the reader's store may still sit in its buffer: use after free, lost item
 *   BUG_NOSYNC        no grace period at all: publish, look, free
 *   BUG_NOCHECK       (REPLACE) free without looking for what landed meanwhile
 */
#ifndef NR
#define NR 2
#endif
#define NONE 255
byte in[NR], seq[NR];		/* memory: nesting, and count of finished sections */
byte bin[NR];
bit bfull[NR];			/* store buffer for `in` */
byte cur_pwq;			/* 0, then 1 */
bit draining, destroyed;
bit dead[2];			/* pwq freed */
chan intake = [8] of { byte };	/* the pool's; holds the pwq each item names */
byte filed[2], accepted, refused, ran;

proctype Buffers() {
	byte i;

end:	do
	:: atomic { bfull[0] -> in[0] = bin[0]; bfull[0] = 0 }
#if NR > 1
	:: atomic { bfull[1] -> in[1] = bin[1]; bfull[1] = 0 }
#endif
	od
}

inline section(me, q) {
	atomic { !bfull[me] -> bin[me] = in[me] + 1; bfull[me] = 1 };
	if
	:: draining -> refused++; q = NONE
	:: else -> q = cur_pwq
	fi;
	if
	:: q != NONE ->
		assert(!dead[q] && !destroyed);
		/* on ARM the buffered store may pass the RMWs, so no flush here */
		atomic { intake!q; accepted++ }
	:: else
	fi;
	atomic {
		!bfull[me] -> bin[me] = in[me] - 1; bfull[me] = 1;
		if :: in[me] == 1 -> seq[me]++ :: else fi
	};
	q = NONE
}

proctype Reader(byte me) {
	byte q = NONE;

	section(me, q);
	section(me, q)
}

proctype Writer() {
	byte i, s, t;

#ifdef REPLACE
	cur_pwq = 1;
#else
	draining = 1;
#endif
#ifndef BUG_NOSYNC
#ifndef BUG_NOMEMBARRIER
	atomic {
		i = 0;
		do
		:: i < NR -> if :: bfull[i] -> in[i] = bin[i]; bfull[i] = 0 :: else fi; i++
		:: else -> break
		od;
		i = 0
	};
#endif
	do
	:: i < NR -> s = seq[i]; if :: in[i] == 0 :: seq[i] != s fi; i++
	:: else -> break
	od;
#endif
	skip;
	/* under the pool's lock: drain, then look */
	d_step {
		do
		:: len(intake) > 0 -> intake?t; assert(!dead[t]); filed[t]++
		:: else -> break
		od
	};
#ifndef BUG_NOCHECK
	d_step { ran = ran + filed[0]; filed[0] = 0 };		/* wait for what it holds */
#endif
#ifndef REPLACE
	d_step { ran = ran + filed[1]; filed[1] = 0; destroyed = 1 };
#endif
	assert(filed[0] == 0);
	dead[0] = 1
}

init {
	byte i, t;

	atomic {
		run Buffers();
		do :: i < NR -> run Reader(i); i++ :: else -> break od;
		run Writer();
		i = 0
	}
	timeout ->
	d_step {
		do
		:: len(intake) > 0 -> intake?t; assert(!dead[t]); filed[t]++
		:: else -> break
		od
	};
	assert(_nr_pr == 2);
	assert(filed[0] + filed[1] + ran == accepted)
}
