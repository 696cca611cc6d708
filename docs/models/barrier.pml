/* SPDX-License-Identifier: MIT */
/*
 * barrier.pml - callers that wait for one item: flush_work() and cancel_work_sync().
 *
 * Models  lib/core/barrier.c, hang_barrier() and flush_item() in ops/flush.c, wq_wait_for_run()
 *         in ops/wait.c, wq_pwq_unfile_locked() in core/pwq.c, start() and settle() in
 *         core/worker.c, take_back() in ops/cancel.c. One item, one pool. How workers are woken
 *         is left to wake.pml and manager.pml: here they see work when there is some.
 * Bounds  NW workers (2: a run in the way puts the item on the other worker's own list), NF
 *         flush_work() callers, NC cancel_work(), NS cancel_work_sync(), the producer queues NQ
 *         times, the item queues itself NR times. INACTIVE: max_active may hold the item back.
 * Checks  flush_work() returns only when the last instance queued before it has run or was
 *         cancelled, and finds the item not pending if nobody queued it since; who waited for a
 *         later instance that was cancelled is released with it (E6), although an earlier one may
 *         still run; cancel_work_sync() leaves the item neither pending nor running (G4); nobody
 *         waits for ever; a barrier is not touched after its caller went on; B3.
 * Bugs    each must make pan report an error:
 *   BUG_NOMOVE     the item starts, its barriers stay in pool->barriers
 *   BUG_NOBIT      bit B is not set, so nobody looks for barriers
 *   BUG_NOFILED    flush_work() trusts the word: bit B is set on an item in transit
 *   BUG_NORELEASE  cancelling leaves the barriers behind
 *   BUG_EARLY      cancelling releases the barriers before the word says that the item is idle
 *   BUG_DONEFIRST  is_done is stored before the barrier is unlinked
 *   BUG_NOLOOK     a barrier is hung on the slot without asking whether it still runs the item
 *   BUG_NOWAITERS  the worker settles without completing its waiters
 *   BUG_NOPARK     is_done is stored and nobody woken
 */
#ifndef NW
#define NW 1
#endif
#ifndef NF
#define NF 2
#endif
#ifndef NC
#define NC 0
#endif
#ifndef NS
#define NS 0
#endif
#ifndef NQ
#define NQ 2
#endif
#ifndef NR
#define NR 1
#endif
#define NB	(NF + NS)	/* barriers: flushers first, then who cancels and waits */
#define NONE	9
/* where a barrier is: in pool->barriers, with worker 0, 1 ..., or NONE */
#define POOL	8

/* the word: every write is one step */
bit P, Q, B;
byte depth, slot = NONE;

/* the pool; all but the intake under the lock */
bit lk, intake;
bit on_worklist, on_inactive, on_scheduled[NW];
bit busy[NW];			/* worker->work: unsettled */
#define FILED (on_worklist || on_inactive || on_scheduled[0] || on_scheduled[NW - 1])

/* barriers; a caller's park outlives them */
byte where[NB];
bit in_use[NB], is_done[NB], park[NB];

/* ghosts: instances are numbered from 1; over are all but the pending and the running one */
byte nr_born, nr_returned, pending, running, nr_ran;
bit queued_since[NB], was_cancelled[NB];
byte k;
#define OVER(id) (id == 0 || (id != pending && id != running))
inline be_born() {
	d_step {
		nr_born++; pending = nr_born; slot = NONE;
		k = 0;
		do :: k < NB -> queued_since[k] = 1; k++ :: else -> k = 0; break od
	}
}

/* File what is in the intake: the word as wq_pwq_file_locked() writes it has no bit B. */
inline drain() {
	if
	:: intake -> assert(!FILED && P && Q); intake = 0; B = 0; on_worklist = 1
	:: else
	fi
}

/* barrier.c, complete(): after is_done the memory is the caller's again */
inline complete(b) {
#ifdef BUG_DONEFIRST
	is_done[b] = 1;
	atomic { assert(in_use[b]); where[b] = NONE };
#else
	atomic { assert(in_use[b]); where[b] = NONE; is_done[b] = 1 };
#endif
#ifndef BUG_NOPARK
	park[b] = 1
#endif
}

inline complete_all(place, b) {
	do
	:: d_step { b = 0; do :: b < NB && where[b] != place -> b++ :: else -> break od };
		if
		:: b < NB ->
			if :: place == POOL -> was_cancelled[b] = 1 :: else fi;
			complete(b)
		:: else -> b = 0; break
		fi
	od
}

/* From idle and enabled: one CAS. The slow path takes PENDING first, then writes the word. */
inline queue_work(got, id) {
	if
	:: atomic { !P && depth == 0 -> P = 1; Q = 1; be_born(); got = 1 }
	:: atomic { got = !P; P = 1 };
		if
		:: got && depth -> atomic { P = 0; got = 0 }
		:: got && !depth -> atomic { Q = 1; be_born() }
		:: else
		fi
	fi;
	if
	:: got ->
		atomic { id = pending; intake = 1 };
		atomic { if :: id > nr_returned -> nr_returned = id :: else fi; id = 0; got = 0 }
	:: else
	fi
}

proctype Worker(byte me) {
	byte b; bit queue_again, has_barrier, got; byte id;

end_idle:
	/* take_next() and start() */
	atomic {
		lk == 0 && (intake || on_worklist || on_inactive || on_scheduled[me]);
		if
		:: on_scheduled[me] -> on_scheduled[me] = 0
		:: else ->
			drain();
			if :: on_inactive -> on_inactive = 0; on_worklist = 1 :: else fi;
			on_worklist = 0;
			b = 0;
			do :: b < NW && !(b != me && busy[b]) -> b++ :: else -> break od;
			if
			:: b < NW -> on_scheduled[b] = 1; b = 0; goto end_idle	/* B5 */
			:: else -> b = 0
			fi
		fi;
		assert(P && Q && !busy[me]);
		busy[me] = 1;
		has_barrier = B;
#ifndef BUG_NOMOVE
		do
		:: b < NB && has_barrier ->
			if :: where[b] == POOL -> assert(in_use[b]); where[b] = me :: else fi;
			b++
		:: else -> break
		od;
		b = 0;
#endif
		has_barrier = 0;
		P = 0; Q = 0; B = 0; depth = 0; slot = me;
		assert(running == 0);		/* B3 */
		running = pending; pending = 0
	};
	/* the function */
	if
	:: nr_ran < NR -> queue_work(got, id)
	:: else
	fi;
	atomic { running = 0; if :: nr_ran < NR -> nr_ran++ :: else fi };
	/* settle() */
	atomic { lk == 0 -> lk = 1; busy[me] = 0 };
#ifndef BUG_NOWAITERS
	complete_all(me, b);
#endif
	lk = 0;
	goto end_idle
}

/* wq_block_wait_done() */
inline wait_done(b) {
	do
	:: is_done[b] -> break
	:: else -> atomic { park[b] -> park[b] = 0 }
	od;
	atomic { in_use[b] = 0; is_done[b] = 0; park[b] = 1 }	/* the token may come later */
}

/* wq_wait_for_run(): w is what the off-queue word named */
inline wait_for_run(b, w) {
	if
	:: w == NONE
	:: else ->
		atomic {
			lk == 0;
#ifdef BUG_NOLOOK
			in_use[b] = 1; where[b] = w
#else
			if :: busy[w] -> in_use[b] = 1; where[b] = w :: else fi
#endif
		};
		if :: in_use[b] -> wait_done(b) :: else fi
	fi
}

/*
 * Here and below: who finds the item in transit, or no more where the word said, looks again
 * until it is not; so the guard waits for what will be found.
 */
#ifdef BUG_NOFILED
#define CAN_HANG (P && Q && lk == 0)
#else
#define CAN_HANG (P && Q && (intake || FILED) && lk == 0)
#endif

proctype Flusher(byte b) {
	byte seen, w, target;

	/* what must be over when we return */
	atomic { seen = nr_returned; queued_since[b] = 0 };
	if
	:: atomic { !P -> w = slot }; wait_for_run(b, w)
	:: atomic {
			CAN_HANG -> drain();
			in_use[b] = 1; where[b] = POOL; target = pending;
#ifndef BUG_NOBIT
			B = 1
#endif
		};
		wait_done(b)
	fi;
	atomic {
		assert(OVER(target) && (OVER(seen) || was_cancelled[b]));
		assert(queued_since[b] || pending == 0)
	}
}

#define CAN_UNFILE (P && Q && (intake || FILED) && lk == 0)

/* ops/cancel.c, take_back(): one step whatever the state. w: who ran the item last, or runs it */
inline take_back(delta, w, b, has) {
	if
	:: atomic { !P -> w = slot; depth = depth + delta }
	:: atomic {
			CAN_UNFILE -> lk = 1;
			drain();
			assert(delta >= 0);
			on_worklist = 0; on_inactive = 0;
			on_scheduled[0] = 0; on_scheduled[NW - 1] = 0;
			w = (busy[0] -> 0 : (busy[NW - 1] -> NW - 1 : NONE));
			has = B
		};
#ifdef BUG_EARLY
		if :: has -> complete_all(POOL, b) :: else fi;
#endif
		atomic { P = 0; Q = 0; B = 0; depth = delta; slot = w; pending = 0 };
#if !defined(BUG_EARLY) && !defined(BUG_NORELEASE)
		if :: has -> complete_all(POOL, b) :: else fi;
#endif
		atomic { lk = 0; has = 0 }
	fi
}

proctype Canceller() {
	byte w, b; bit has;

	take_back(0, w, b, has)
}

proctype CancelSync(byte me) {
	byte w, b; bit has;

	take_back(1, w, b, has);
	wait_for_run(me, w);
	atomic { assert(pending == 0 && running == 0); w = 0 };	/* G4 */
	take_back(-1, w, b, has)
}

#ifdef INACTIVE
/* Items of the same queue that nobody sees: the limit may hold ours back, and let it go. */
proctype Limit() {
end:	do
	:: atomic { lk == 0 && intake && !FILED -> drain(); on_worklist = 0; on_inactive = 1 }
	:: atomic { lk == 0 && on_inactive -> on_inactive = 0; on_worklist = 1 }
	od
}
#endif

proctype Producer() {
	byte n, id; bit got;

	do
	:: n < NQ -> queue_work(got, id); n++
	:: else -> break
	od
}

init {
	byte i;

	atomic {
		do :: i < NB -> where[i] = NONE; i++ :: else -> break od;
		i = 0;
		do :: i < NW -> run Worker(i); i++ :: else -> break od;
		i = 0;
#ifdef INACTIVE
		run Limit();
#endif
		do :: i < NF -> run Flusher(i); i++ :: else -> break od;
		i = 0;
		do :: i < NS -> run CancelSync(NF + i); i++ :: else -> break od;
		i = 0;
		do :: i < NC -> run Canceller(); i++ :: else -> break od;
		i = 0;
		run Producer()
	}
	/* quiet: only the workers are left, nothing waits */
	timeout ->
#ifdef INACTIVE
	assert(_nr_pr == NW + 2);
#else
	assert(_nr_pr == NW + 1);
#endif
	assert(!P && !intake && !FILED && depth == 0 && !pending && !running)
}
