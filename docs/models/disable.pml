/* SPDX-License-Identifier: MIT */
/*
 * disable.pml - cancelling, disabling and enabling an item while others queue it.
 *
 * Models  ops/cancel.c: take_back(), change_idle(), unfile(), the four calls made of them;
 *         queue_in_section() and queue_slow() in ops/queue.c; wq_pwq_unfile_locked() in
 *         core/pwq.c; start() and settle() in core/worker.c. The state word is one variable, and
 *         each load, CAS, fetch_or, fetch_and and exchange of it one step. One item, one pool.
 * Bounds  NW workers, NP producers that queue NQ times each (NP=0: it is queued already), the item
 *         queues itself NR times, NS cancel_work_sync() callers, ND of disable_work_sync() and
 *         later enable_work(), NA of disable_work() and later enable_work(). So the depth gets up
 *         to NS + ND + NA.
 *         LIVE: producers, the item and all cancel_work_sync() callers but one go on for ever; what
 *         is disabled stays so.
 * Checks  G1 a cancelled instance never runs; G2, G4 after the sync forms nothing is pending and
 *         nothing runs; G3, H1 nobody gets true while any disable is open; G6 each instance is
 *         run once or returned once (A4); H2; the depth ends as 0; nobody waits for ever; B3.
 *         LIVE: that one cancel_work_sync() returns, if of the moments at which taking the item
 *         back would succeed, which come again and again, it meets one in the end: its tries can
 *         be spoilt, by a CAS that fails, as often as the item's word changes.
 * Bugs    each must make pan report an error:
 *   BUG_STALE      PENDING is given back by storing the word as loaded first, not by fetch_and
 *   BUG_TRANSIT    the depth is changed while somebody else holds PENDING in transit
 *   BUG_EARLYLOOK  queue_slow() trusts the depth it saw before it took PENDING
 *   BUG_NOSLOT     a cancelled item's word does not keep who runs it
 *   BUG_TWOSTEP    cancelling writes the idle word first and the depth in a second step
 *   BUG_STORE      an idle item's depth is changed by load and store, not by CAS
 *   BUG_KEEP       cancel_work_sync() does not disable the item while it waits
 *   BUG_NOLOOK     (LIVE) it waits for a worker without asking whether that still runs the item
 *   BUG_UNTILIDLE  (LIVE) it waits until the item is idle, and does not disable it
 *   BUG_EXCLUSIVE  (LIVE) it waits until nobody else is cancelling, or has the item disabled
 *   BUG_LEFTPENDING  (LIVE) who is refused, since the item is disabled, leaves PENDING set
 * A plain store of what fetch_or returned would pass here: nobody else writes the word while it is
 * in transit. It would cut the release sequence (A6), which this model does not see.
 */
#ifndef NW
#define NW 1
#endif
#ifndef NP
#define NP 1
#endif
#ifndef NQ
#define NQ 1
#endif
#ifndef NR
#define NR 1
#endif
#ifndef NS
#define NS 0
#endif
#ifndef ND
#define ND 0
#endif
#ifndef NA
#define NA 0
#endif
#define NC (NS + ND + NA)

/* the word: P pending, Q queued; off queue: slot 0 none, 1 worker 0, 2 worker 1; depth */
#define P		1
#define Q		2
#define SLOT(w)		(((w) >> 2) & 3)
#define DEPTH(w)	((w) >> 4)
#define OFF(slot, depth) (((slot) << 2) | ((depth) << 4))
byte word;

/* the pool */
bit lk, intake, on_worklist, on_scheduled[NW], busy[NW];
byte waits_for[NC + 1];		/* caller c's barrier is with this worker; 0: with none */
#define FILED (on_worklist || on_scheduled[0] || on_scheduled[NW - 1])

/* ghosts */
bit pending, running;
byte open_depth;		/* disables whose step is done and whose enable is not */
short balance;			/* queue_work() true, less runs, less cancels true */
byte nr_ran;

#ifdef LIVE
#define MAY_GO_ON	1
/* of the first cancel_work_sync(): 1 takes the item back, 2 waits, 3 gives back, 4 has returned */
byte phase;
#define SET_PHASE(to)	phase = (me == 0 -> to : phase);
#define IS_TAKING	(phase == 1 || phase == 3)
#define CAN_TAKE	(!(word & P) || ((word & Q) && (intake || FILED)))
ltl ends { (<> [] IS_TAKING && [] <> CAN_TAKE) || <> (phase == 4) }
#else
#define MAY_GO_ON	0
#define SET_PHASE(to)
#endif

inline drain() {
	if
	:: intake -> assert(!FILED && (word & 3) == (P | Q)); intake = 0; on_worklist = 1
	:: else
	fi
}

inline be_queued() {
	assert(open_depth == 0 && !pending);	/* G3 */
	pending = 1; balance++
}

inline queue_work(w, old) {
	w = word;
	if
	:: !(w & P) && DEPTH(w) == 0 ->		/* is_plain(); the slot may be another pool's */
		if
		:: atomic { word == w -> word = P | Q; be_queued(); old = 0 }
		:: old = P			/* CAS failed, or not tried */
		fi
	:: else -> old = P
	fi;
	if
	:: old == P ->
		/* queue_slow() */
		atomic { old = word; word = word | P };
#ifdef BUG_EARLYLOOK
		if :: !(old & P) -> old = w & ~P :: else fi;
#endif
		if
		:: old & P
		:: !(old & P) && DEPTH(old) > 0 ->
#ifdef BUG_STALE
			word = w & ~P;
#elif !defined(BUG_LEFTPENDING)
			word = word & ~P;
#endif
			old = P
		:: !(old & P) && DEPTH(old) == 0 -> atomic { word = P | Q; be_queued(); old = 0 }
		fi
	:: else
	fi;
	if
	:: !(old & P) -> atomic { intake = 1; w = 0; old = 0 }
	:: else -> atomic { w = 0; old = 0 }
	fi
}

proctype Worker(byte me) {
	byte w, old, i;

end_idle:
	atomic {
		lk == 0 && (intake || on_worklist || on_scheduled[me]);
		if
		:: on_scheduled[me] -> on_scheduled[me] = 0
		:: else ->
			drain();
			on_worklist = 0;
			if
			:: NW > 1 && busy[NW - 1 - me] ->
				on_scheduled[NW - 1 - me] = 1; goto end_idle
			:: else
			fi
		fi;
		assert((word & 3) == (P | Q) && pending);
		busy[me] = 1;
		word = OFF(me + 1, 0);
		assert(!running);		/* B3 */
		pending = 0; running = 1
	};
	if
	:: nr_ran < NR -> queue_work(w, old)
#ifdef LIVE
	:: 1
#else
	:: else
#endif
	fi;
	atomic { running = 0; balance--; if :: nr_ran < NR && !MAY_GO_ON -> nr_ran++ :: else fi };
	atomic {
		lk == 0 -> busy[me] = 0;
		do
		:: i < NC -> if :: waits_for[i] == me + 1 -> waits_for[i] = 0 :: else fi; i++
		:: else -> i = 0; break
		od
	};
	goto end_idle
}

proctype Producer() {
	byte w, old, n;

	do
	:: n < NQ -> queue_work(w, old); n = (MAY_GO_ON -> 0 : n + 1)
	:: else -> break
	od
}

#define RUNNER (busy[0] -> 1 : (busy[NW - 1] -> NW : 0))

/* delta: 0 KEEP, 1 DISABLE, -1 ENABLE. After it w is the word as written: who ran it last. */
inline take_back(delta, w, done) {
	do
	:: done -> done = 0; break
	:: !done ->
		w = word;
		if
		:: !(w & P) && delta == 0 -> done = 1
		:: !(w & P) && delta != 0 ->
			atomic {
				if
#ifndef BUG_STORE
				:: word != w
#endif
				:: else ->
					word = w + (delta << 4); w = word;
					open_depth = open_depth + delta; done = 1;
					assert(DEPTH(w) == open_depth)	/* H1; H2 returns this */
				fi
			}
		:: (w & P) && (w & Q) ->
			atomic {
				/* not filed, or not any more: look again */
				!(word & Q) || (lk == 0 && (intake || FILED));
				if
				:: word & Q ->
					drain();
					assert(pending && delta >= 0);
					on_worklist = 0;
					on_scheduled[0] = 0; on_scheduled[NW - 1] = 0;
					pending = 0; balance--;
#ifdef BUG_NOSLOT
					word = OFF(0, delta); w = word;
#else
#ifdef BUG_TWOSTEP
					word = OFF(RUNNER, 0); w = word;
#else
					word = OFF(RUNNER, delta); w = word;
#endif
#endif
					open_depth = open_depth + delta;
					done = 1
				:: else
				fi
			}
#ifdef BUG_TWOSTEP
			;
			atomic {
				if
				:: done && !(word & P) -> word = word + (delta << 4)
				:: else
				fi
			}
#endif
		:: (w & P) && !(w & Q) ->
#ifdef BUG_TRANSIT
			atomic {
				if
				:: word == w && delta != 0 ->
					word = w + (delta << 4); open_depth = open_depth + delta;
					done = 1
				:: else -> !(word & P) || (word & Q)
				fi
			}
#else
			(!(word & P) || (word & Q))	/* backoff */
#endif
		fi
	od
}

inline wait_for_run(me, w) {
	if
	:: SLOT(w) == 0
	:: else ->
		atomic {
			lk == 0;
#ifdef BUG_NOLOOK
			waits_for[me] = SLOT(w)
#else
			if :: busy[SLOT(w) - 1] -> waits_for[me] = SLOT(w) :: else fi
#endif
		};
		(waits_for[me] == 0)
	fi
}

proctype CancelSync(byte me) {
	byte w; bit done;

again:
#ifdef BUG_EXCLUSIVE
	(DEPTH(word) == 0);
#endif
	SET_PHASE(1)
#if defined(BUG_KEEP) || defined(BUG_UNTILIDLE)
	take_back(0, w, done);
#else
	take_back(1, w, done);
#endif
	SET_PHASE(2)
#ifdef BUG_UNTILIDLE
	(!(word & P) && !busy[0]);
#else
	wait_for_run(me, w);
	assert(!pending && !running);		/* G4 */
	SET_PHASE(3)
#ifndef BUG_KEEP
	take_back(-1, w, done);
#endif
#endif
	SET_PHASE(4)
#ifdef LIVE
	if
	:: me > 0 -> goto again
	:: else
	fi
#endif
}

proctype Disabler(byte me; bit sync) {
	byte w; bit done;

	take_back(1, w, done);
	if
	:: sync -> wait_for_run(me, w); assert(!pending && !running)
	:: else
	fi;
#ifndef LIVE
	take_back(-1, w, done)
#endif
}

init {
	byte i;

	atomic {
#if NP == 0
		word = P | Q; intake = 1; be_queued();
#endif
		do :: i < NW -> run Worker(i); i++ :: else -> break od;
		i = 0;
		do :: i < NP -> run Producer(); i++ :: else -> break od;
		i = 0;
		do :: i < NS -> run CancelSync(i); i++ :: else -> break od;
		do :: i < NS + ND -> run Disabler(i, 1); i++ :: else -> break od;
		do :: i < NC -> run Disabler(i, 0); i++ :: else -> break od;
		i = 0
	}
#ifndef LIVE
	timeout ->
	assert(_nr_pr == NW + 1);
	assert(!(word & P) && DEPTH(word) == 0 && !intake && !FILED && !pending && !running);
	assert(open_depth == 0 && balance == 0)
#endif
}
