/* SPDX-License-Identifier: MIT */
/*
 * late.pml - who is told "already pending" while the item is in transit, then flushes.
 *
 * Models  wq_submit_take_pending() in core/submit.c where it fails (wq->late), wait_for_late()
 *         in ops/flush.c. Grace periods are taken as sound (epoch.pml). The flusher's store to
 *         `late` goes through a store buffer, which his membarrier empties; the loser's through
 *         another, which empties before he leaves the section.
 * Bounds  one item; producer 1 takes it and pushes later, producer 2 loses and flushes, another
 *         thread flushes NF times meanwhile. `late` is set or not at first.
 * Checks  D1: when the loser's flush closes its colour, the winner has pushed.
 * Bugs    each must make pan report an error:
 *   BUG_NOLATE     who gets false does not set `late`
 *   BUG_NOSYNC     a flusher clears `late` and waits for nobody
 *   BUG_SYNCFIRST  it waits, then clears `late`
 *   BUG_NOLOCK     it clears `late` and waits without flush_lock
 */
#ifndef NF
#define NF 2
#endif
bit late, flush_lock, pending, pushed;
bit inside[2];
byte nr_left[2];		/* sections finished */
bit flusher_buf, loser_buf;	/* a store of 0, a store of 1 in a buffer */

proctype Buffers() {
end:	do
	:: atomic { flusher_buf -> late = 0; flusher_buf = 0 }
	:: atomic { loser_buf -> late = 1; loser_buf = 0 }
	od
}

/* SYNCHRONIZE: the membarrier, then each section that was open */
inline synchronize(n0, n1) {
	atomic {
		if :: flusher_buf -> late = 0; flusher_buf = 0 :: else fi;
		if :: loser_buf -> late = 1; loser_buf = 0 :: else fi;
		n0 = (inside[0] -> nr_left[0] : 255);
		n1 = (inside[1] -> nr_left[1] : 255)
	};
	(n0 == 255 || nr_left[0] != n0);
	atomic { n1 == 255 || nr_left[1] != n1 -> n0 = 0; n1 = 0 }
}

#define SEEN_BY_FLUSHER (late && !flusher_buf)

inline wait_for_late(n0, n1) {
#ifdef BUG_NOLOCK
	flush_lock = 0;
#endif
	if
	:: SEEN_BY_FLUSHER ->
#ifdef BUG_SYNCFIRST
		synchronize(n0, n1);
		flusher_buf = 1
#else
		flusher_buf = 1;
#ifndef BUG_NOSYNC
		synchronize(n0, n1)
#endif
#endif
	:: else
	fi;
#ifdef BUG_NOLOCK
	atomic { flush_lock == 0 -> flush_lock = 1 }
#endif
}

/* a lock's release is a release: earlier stores come first */
#define UNLOCK atomic { !flusher_buf -> flush_lock = 0 }
#define LEAVE(me) atomic { !loser_buf -> inside[me] = 0; nr_left[me]++ }

proctype Winner() {
	inside[0] = 1;
	pending = 1;
	pushed = 1;
	LEAVE(0)
}

proctype Loser() {
	byte n0, n1; bit lost;

	inside[1] = 1;
	lost = pending;				/* fetch_or; if he wins, nothing is to be seen */
	if
#ifndef BUG_NOLATE
	:: lost && !late -> loser_buf = 1
#endif
	:: else
	fi;
	LEAVE(1);
	if
	:: lost ->
		atomic { flush_lock == 0 -> flush_lock = 1 };
		wait_for_late(n0, n1);
		assert(pushed);			/* D1: here the pwqs are drained */
		UNLOCK
	:: else
	fi
}

proctype Flusher() {
	byte n, n0, n1;

	do
	:: n < NF ->
		atomic { flush_lock == 0 -> flush_lock = 1 };
		wait_for_late(n0, n1);
		UNLOCK;
		n++
	:: else -> break
	od
}

init {
	atomic {
		if :: late = 1 :: skip fi;
		run Buffers();
		run Winner();
		run Loser();
		run Flusher()
	}
	timeout -> assert(_nr_pr == 2)
}
