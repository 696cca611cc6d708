/* SPDX-License-Identifier: MIT */
/*
 * drain.pml - when is a queue empty? Two looks at each pwq in turn, against items that queue items,
 *             a pwq that goes away, producers, and others who drain.
 *
 * Models  pass_is_empty(), wq_drain_is_empty(), add_drainer(), remove_drainer() and
 *         wq_drain_queue() in ops/drain.c, is_refused() in core/submit.c, unlink_if_gone() in
 *         core/retire.c with wq_layout_unlink_locked(). An item runs on a pwq, queues a successor
 *         (F1), then settles. Each look is under the pwq's pool's lock (one step), each pass under
 *         the flush lock, which who unlinks a pwq takes too. The flush before each try is left
 *         out: it saves looks, no more. Sections are sequentially consistent (epoch.pml has them
 *         with store buffers), and so is the flag.
 * Bounds  two pwqs with NW workers each, a chain of at most N items; ND drainers; NP producers,
 *         two calls each. RETIRED: a third pwq that was replaced while its last item runs, which
 *         may queue itself there (B4); a flush lock.
 * Checks  who has drained finds that nothing waits or runs of what was accepted (F2), and that all
 *         that was refused was refused while somebody drained (A8); all end.
 * Bugs    each must make pan report an error:
 *   BUG_ONEPASS   one look at each pwq, not two: an item sits on the one that was looked at first
 *   BUG_NOCOUNT   two, but how many items were ever filed is not compared
 *   BUG_NODRAIN   a look does not file what is in the intake
 *   BUG_NOGONE    (RETIRED) the items of a pwq that is gone are not counted any more: others make
 *                 up for them
 *   BUG_NOLOCK    (RETIRED) a pass does not hold the flush lock
 *   BUG_NOSYNC    (NP=1) no grace period after the flag
 *   BUG_SYNCFIRST (NP=1) the flag is set after it
 *   BUG_ONEFLAG   (NP=1 ND=2) the first one who has drained takes the flag back
 *   BUG_STAYS     (NP=1) nobody does
 */
#ifndef N
#define N 4
#endif
#ifndef NW
#define NW 2
#endif
#ifndef ND
#define ND 1
#endif
#ifndef NP
#define NP 0
#endif
#ifdef RETIRED
#define NPWQ	3
#else
#define NPWQ	2
#endif
#define NCALLS	2

byte intake[NPWQ], waiting[NPWQ], in_flight[NPWQ], filed[NPWQ];
byte filed_gone;
bit is_unlinked[NPWQ];
bit flush_lock;
byte nr_drainers;
bit draining;
bit inside[NP + 1];		/* producers' sections */
byte nr_finished[NP + 1];

/* ghosts */
byte nr_chained, born, done;
byte nr_through;

inline file(p) {
	waiting[p] = waiting[p] + intake[p];
	in_flight[p] = in_flight[p] + intake[p];
	filed[p] = filed[p] + intake[p];
	intake[p] = 0
}

/* Who may run item after item, and is never through. */
proctype Worker(byte p) {
end:	do
	:: d_step { intake[p] + waiting[p] > 0 -> file(p); waiting[p]-- };
		if
		:: d_step { nr_chained < N && p < 2 -> nr_chained++; born++; intake[1 - p]++ }
#ifdef RETIRED
		:: d_step { nr_chained < N && p == 2 -> nr_chained++; born++; intake[0]++ }
		:: d_step { nr_chained < N && p == 2 -> nr_chained++; born++; intake[2]++ }
#endif
		:: skip
		fi;
		d_step { assert(!is_unlinked[p]); in_flight[p]--; done++ }
	od
}

#ifdef RETIRED
/* The work function release() of the third pwq: its last item, whichever that is, has queued it. */
proctype Release() {
	atomic { !flush_lock && intake[2] + in_flight[2] == 0 -> flush_lock = 1 };
#ifndef BUG_NOGONE
	filed_gone = filed_gone + filed[2];
#endif
	is_unlinked[2] = 1;
	flush_lock = 0
}
#endif

proctype Producer(byte me) {
	byte n; bit d;

	do
	:: n < NCALLS ->
		inside[me] = 1;
		d_step { d = draining; assert(!d || nr_drainers > 0) };
		if
		:: !d -> d_step { born++; intake[0]++ }
		:: !d -> d_step { born++; intake[1]++ }
		:: d
		fi;
		d_step { inside[me] = 0; nr_finished[me]++; n++; d = 0 }
	:: else -> break
	od
}

/* wq_grace_synchronize() */
inline synchronize() {
	do
	:: i < NP ->
		seen = nr_finished[i];
		if
		:: !inside[i]
		:: nr_finished[i] != seen
		fi;
		d_step { i++; seen = 0 }
	:: else -> i = 0; break
	od
}

inline pass(count) {
#ifndef BUG_NOLOCK
	atomic { !flush_lock -> flush_lock = 1 };
#endif
	count = filed_gone;
	do
	:: i < NPWQ ->
		d_step {
			if
			:: !is_unlinked[i] ->
#ifndef BUG_NODRAIN
				file(i);
#endif
				is_empty = is_empty && in_flight[i] == 0;
				count = count + filed[i]
			:: else
			fi;
			i++
		}
	:: else -> break
	od;
	atomic {
#ifndef BUG_NOLOCK
		flush_lock = 0;
#endif
		i = 0
	}
}

proctype Drainer() {
	byte first, second, i, seen; bit is_empty;

#ifdef BUG_SYNCFIRST
	synchronize();
#endif
	/* add_drainer(), under the configuration lock */
	atomic { nr_drainers++; draining = 1 };
#if !defined(BUG_NOSYNC) && !defined(BUG_SYNCFIRST)
	synchronize();
#endif
	do
	:: 1 ->
		is_empty = 1;
		pass(first);
#ifndef BUG_ONEPASS
		if
		:: is_empty ->
			pass(second);
#ifndef BUG_NOCOUNT
			is_empty = is_empty && first == second
#endif
		:: else
		fi;
#endif
		if :: is_empty -> break :: else -> d_step { first = 0; second = 0 } fi
	od;
	assert(born == done);
	/* remove_drainer() */
	d_step {
		nr_drainers--;
#ifdef BUG_ONEFLAG
		draining = 0;
#endif
#if !defined(BUG_ONEFLAG) && !defined(BUG_STAYS)
		if :: nr_drainers == 0 -> draining = 0 :: else fi;
#endif
		nr_through++
	}
}

init {
	byte i;

	atomic {
		born = 1;
#ifdef RETIRED
		intake[2] = 1;
		run Worker(2);
#else
		intake[0] = 1;
#endif
		do :: i < NW -> run Worker(0); run Worker(1); i++ :: else -> i = 0; break od;
#ifdef RETIRED
		run Release();
#endif
		do :: i < NP -> run Producer(i); i++ :: else -> i = 0; break od;
		do :: i < ND -> run Drainer(); i++ :: else -> i = 0; break od
	}
	timeout -> assert(nr_through == ND && born == done && !draining);
#ifdef RETIRED
	assert(is_unlinked[2] && _nr_pr == 2 * NW + 2)
#else
	assert(_nr_pr == 2 * NW + 1)
#endif
}
