/* SPDX-License-Identifier: MIT */
/*
 * drain.pml - is the queue empty? One look at each pwq in turn, against items that queue items
 *             (chained queueing stays allowed while draining).
 *
 * Models  pass_is_empty() and is_empty() in ops/drain.c. An item runs on pool p, queues its
 *         successor on the other pool, then settles. The drainer looks at pool 0, then at pool 1,
 *         each under its lock (one step).
 * Bounds  a chain of at most N items.
 * Checks  once the drainer has said "empty", nothing runs any more.
 * Bugs    must make pan report an error:
 *   BUG_ONEPASS  one pass, rather than two that find all empty and the same number of items ever
 *                filed: an item sits on the pool that was looked at first
 */
#ifndef N
#define N 4
#endif
byte intake[2], infl[2], filed[2];
byte pend[2];			/* filed by the drainer, taken by the pool later */
byte born, done;
bit said_empty;

inline run_and_settle() {
	assert(!said_empty);
	if
	:: atomic { born < N -> born++; intake[q]++ }	/* chained */
	:: else
	fi;
	atomic { infl[p]--; done++ }			/* settle, under the lock */
}

proctype Pool(bit p) {
	bit q;

	q = 1 - p;
end:	do
	:: atomic { intake[p] > 0 -> intake[p]--; infl[p]++; filed[p]++ };	/* drain and take */
		run_and_settle()
	od
}

proctype Helper(bit p) {	/* runs what the drainer filed */
	bit q;

	q = 1 - p;
end:	do
	:: atomic { pend[p] > 0 -> pend[p]-- }; run_and_settle()
	od
}

inline look(p, e, c) {
	d_step {
		filed[p] = filed[p] + intake[p];
		infl[p] = infl[p] + intake[p];
		pend[p] = pend[p] + intake[p];
		intake[p] = 0;
		e = e && (infl[p] == 0);
		c = c + filed[p]
	}
}

proctype Drainer() {
	bit e;
	byte c, c2;

again:
	e = 1; c = 0;
	look(0, e, c);
	look(1, e, c);
	if :: !e -> goto again :: else fi;
#ifndef BUG_ONEPASS
	c2 = 0;
	look(0, e, c2);
	look(1, e, c2);
	if :: !e || c != c2 -> goto again :: else fi;
#endif
	said_empty = 1;
	assert(born == done)
}

init {
	atomic {
		born = 1;
		intake[0] = 1;
		run Pool(0); run Pool(1);
		run Helper(0); run Helper(1);
		run Drainer()
	}
}
