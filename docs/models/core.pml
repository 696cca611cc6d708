/* SPDX-License-Identifier: MIT */
/*
 * core.pml - items from queue_work() to their end: word, intake, filing, running, flush, cancel.
 *
 * Models  ops/queue.c; wq_pool_push(), wq_pool_push_own(), wq_pool_drain_locked(), the wake rule in
 *         core/pool.c; core/worker.c; take_back() in ops/cancel.c; wq_wait_for_run() in ops/wait.c;
 *         of flush_workqueue() the closing of a colour. One queue, two unbound pools with all their
 *         workers. Counting and the manager are in manager.pml, more about items that queue
 *         themselves in again.pml, barriers in barrier.pml, the depth in disable.pml, flush colours
 *         in colors.pml, and what needs weaker memory than Promela's in wake.pml, lock.pml,
 *         bias.pml and epoch.pml.
 * Steps   each access without the pool's lock is a step of its own: RMW on the word, push, exchange
 *         of the intake, load, store and exchange of `waker`, publication of `current`. The intake
 *         is a FIFO channel: a push is one CAS and the drainer reverses, so what is left is
 *         "append" and "take all". What only the lock's holder sees shares a step.
 * Items   A  queued by both producers on either pool, cancelled by the canceller
 *         S  queues itself again up to R times, on either pool
 *         F  queued by producer 0 behind A; its function frees it (B2)
 *         C  the canceller queues it, cancels it (sync) and frees it
 * Bounds  NW0 NW1 workers per pool; WITH_P1 second producer; WITH_F, WITH_S the items; WITH_CANCEL
 *         with WITH_CA (cancel A) and WITH_C (queue, cancel, free C); WITH_FLUSH; TWICE producer 0
 *         queues A twice; FIFO all to pool 0, B8 checked; BLOCK A's function waits until F has
 *         started; LIVE S for ever, LTL d1.
 * Checks  A2, A4, B2, B3, B8, D1, G1 to G4; at the end all workers are parked, all lists empty.
 * Bugs    each must make pan report an error:
 *   BUG_NORECHECK  after an offer the intake is not looked at again
 *   BUG_NOFILED    cancel trusts the word and does not check that the item is filed
 *   BUG_LATEPUB    `current` published after PENDING was given up
 *   BUG_EARLYLOOK  look at the last worker before PENDING is taken (one-CAS path always)
 *   BUG_TOUCH      producer reads the item after the push
 *   BUG_NODRAIN    flush_workqueue() changes colour without draining
 *   BUG_NOCOLOUR   flush waits for the pool to be empty (livelock, needs LIVE)
 *   BUG_NOCHAIN    who unlocks leaves items behind without waking the next (needs BLOCK)
 *   BUG_NOCOLLIDE  no check for another worker of the pool running the item
 *   BUG_OWNFIRST   a worker leaves its own item for itself although others wait
 *   BUG_NOAGAIN    who drains does not file what is to run again (needs WITH_FLUSH)
 *   BUG_CLOSED     an item runs again unfiled although its colour is closed (needs LIVE)
 *   FIFO_FALSE     (with FIFO) asks for order also where queue_work(A) returned false: who got
 *                  false for an item in transit has no place in the order. Documented, not a bug.
 */
#ifndef NW0
#define NW0 1			/* workers of pool 0 */
#endif
#ifndef NW1
#define NW1 1			/* workers of pool 1 */
#endif
#ifndef R
#define R 1			/* self-requeues of S */
#endif
#define NW (NW0 + NW1)
#define NI 4
#define A 0
#define S 1
#define F 2
#define C 3
#define NONE 255
#define OFF 0			/* the word says: off queue */
#define QUE 1			/* the word says: queued to pool loc[], or on the way there */

/* the word, one record per item; every write below is one RMW */
bit pend[NI], form[NI], loc[NI];
byte depth[NI], last[NI];
bit freed[NI];
bit filed[NI];			/* on a list; under the pool's lock */
bit col[NI];			/* colour given when filed */
#define touch(i) assert(!freed[i])

#ifdef BUG_NOFILED
#define FILED(i) 1
#else
#define FILED(i) filed[i]
#endif

/* pools */
bit lk[2];
chan intake0 = [NI] of { byte };
chan intake1 = [NI] of { byte };
chan wl0 = [NI] of { byte };
chan wl1 = [NI] of { byte };
byte waker[2];			/* NONE, or the idle worker the next push must wake */
byte offer[2];			/* what it was last set to */
bit ccol[2];			/* open colour of the pwq */
byte nfl[4];			/* in flight, [pool * 2 + colour] */
chan priv[NW] = [NI] of { byte };	/* worker->scheduled (B5) */
byte cur[NW];			/* worker->current, published */
byte busy[NW];			/* worker->work: unsettled, under the lock */
bit idle[NW];			/* on the idle list, under the lock */
byte newest[2];			/* who went idle last */
byte again[2];			/* queued by the worker that runs it, not filed; under the lock */
bit park[NW];
#ifdef LIVE
/* S requeues for ever: no counting; the flusher gets the lock in turn */
#define CNT(x) skip
bit want[2];
#define MAYLOCK(p) (lk[p] == 0 && !want[p])
ltl d1 { <> flushing }
#else
#define CNT(x) x++
#define MAYLOCK(p) (lk[p] == 0)
#endif
#define poolof(w) (w < NW0 -> 0 : 1)

/* ghosts */
byte running[NI], qtrue[NI], started[NI], fin[NI], cancelled[NI];
bit flushing, a_mine, parked[NW];
byte s_behind;			/* so many starts of A come before the next one of S */

#define intake_has(p) ((p == 0 && len(intake0) > 0) || (p == 1 && len(intake1) > 0))
#define wl_has(p) ((p == 0 && len(wl0) > 0) || (p == 1 && len(wl1) > 0))

inline file(i, p) {
	touch(i);
	assert(!filed[i] && pend[i] && form[i] == QUE && loc[i] == p);
	filed[i] = 1; col[i] = ccol[p]; nfl[p * 2 + ccol[p]]++;
	if :: p == 0 -> wl0!i :: else -> wl1!i fi
}

/* What a worker queued is what he runs: if it is next, it goes to what only he takes (B5). */
inline file_own(i, p, t) {
	file(i, p);
	t = 0;
	do :: t < NW && busy[t] != i -> t++ :: else -> break od;
	assert(t < NW);
	if
	:: p == 0 && len(wl0) == 1 -> wl0?eval(i); priv[t]!i
	:: p == 1 && len(wl1) == 1 -> wl1?eval(i); priv[t]!i
	:: else
	fi
}

/* File what is to run again, and everything in the intake. Lock held. */
inline drain(p, t) {
#ifndef BUG_NOAGAIN
	if :: again[p] != NONE -> file_own(again[p], p, t); again[p] = NONE :: else fi;
#endif
	do
	:: p == 0 && len(intake0) > 0 -> intake0?t; file(t, p)
	:: p == 1 && len(intake1) > 0 -> intake1?t; file(t, p)
	:: else -> break
	od;
	t = NONE
}

/* The idle worker of the pool that became so last; NONE. At most two workers per pool. */
inline newest_idle(p, w) {
	w = newest[p];
	if
	:: w != NONE && idle[w]
	:: else ->
		w = (p == 0 -> 0 : NW0);
		do
		:: w < NW && poolof(w) == p && !idle[w] -> w++
		:: else -> break
		od;
		if :: w < NW && poolof(w) == p :: else -> w = NONE fi
	fi
}

/* wq_pool_unlock(): the wake rule, then the wake. w: scratch */
inline pool_unlock(p, w, t) {
	do
	:: atomic { !wl_has(p) ->
			newest_idle(p, w);
			if
			:: w == NONE ->
				if
				:: offer[p] != NONE -> offer[p] = NONE; waker[p] = NONE
				:: else
				fi;
				break
			:: w != NONE && waker[p] == w -> w = NONE; break
			:: else -> offer[p] = w
			fi
		};
		atomic { waker[p] = w; w = NONE };
#ifdef BUG_NORECHECK
		break
#else
		if
		:: !intake_has(p) -> break
		:: else
		fi;
		atomic { offer[p] = NONE; waker[p] = NONE };
		atomic { drain(p, t) }
#endif
	:: atomic { wl_has(p) ->
			if :: offer[p] != NONE -> offer[p] = NONE; waker[p] = NONE :: else fi;
#ifndef BUG_NOCHAIN
			newest_idle(p, w);
			if :: w != NONE -> idle[w] = 0 :: else fi
#endif
		};
		break
	od;
	lk[p] = 0;
	if
	:: w != NONE -> atomic { park[w] = 1; w = NONE }
	:: else
	fi
}

/* queue_work(i) with pool p chosen, up to the push: res true or false, g: where to push */
inline take_pending(i, p, res, g, w) {
#ifdef BUG_EARLYLOOK
	d_step { touch(i); w = last[i]; g = p };		/* load, look, then one CAS */
	if
	:: w != NONE && poolof(w) != p ->
		if
		:: atomic { cur[w] == i -> g = poolof(w) }
		:: atomic { cur[w] != i -> g = p }
		fi
	:: else
	fi;
	atomic {
		touch(i);
		if
		:: pend[i] -> res = 0
		/* the CAS failed: give up */
		:: !pend[i] && (depth[i] > 0 || last[i] != w) -> res = 0
		:: else -> res = 1; pend[i] = 1; form[i] = QUE; loc[i] = g
		fi;
		w = NONE
	}
#else
	atomic {
		touch(i);
		if
		:: pend[i] -> res = 0				/* a failing RMW (A6) */
		:: !pend[i] && depth[i] > 0 -> res = 0
		:: else ->
			res = 1; pend[i] = 1; g = last[i];
			if
			:: g == NONE || poolof(g) == p -> form[i] = QUE; loc[i] = p; g = NONE
			:: else -> form[i] = OFF		/* two steps: take, look, write */
			fi
		fi
	};
	if
	:: res && g != NONE ->					/* where_it_runs() */
		if
		:: atomic { cur[g] == i -> g = poolof(g) }
		:: atomic { cur[g] != i -> g = p }
		fi;
		atomic { touch(i); form[i] = QUE; loc[i] = g }
	:: res && g == NONE -> g = p
	:: else -> g = NONE
	fi
#endif
}

inline push(i, g, w) {
	atomic { touch(i); if :: g == 0 -> intake0!i :: else -> intake1!i fi };
#ifdef BUG_TOUCH
	touch(i);
#endif
	w = waker[g];
	if
	:: w != NONE ->
		atomic { w = waker[g]; waker[g] = NONE };
		if :: w != NONE -> park[w] = 1 :: else fi
	:: else
	fi;
	atomic { w = NONE; g = NONE }
}

inline queue_work(i, p, res, g, w) {
	take_pending(i, p, res, g, w);
	if
	:: res -> push(i, g, w); CNT(qtrue[i])
	:: else
	fi;
	g = NONE
}

#ifdef BUG_OWNFIRST
#define MAY_LEAVE(p) (again[p] == NONE)
#else
#define MAY_LEAVE(p) (again[p] == NONE && !intake_has(p) && !wl_has(p))
#endif
#ifdef BUG_CLOSED
#define IS_OPEN(c, p) 1
#else
#define IS_OPEN(c, p) c == ccol[p]
#endif

#define RUN	0
#define IDLE	1
#define QUEUED	2

proctype Worker(byte me) {
	byte i = NONE, t = NONE, g = NONE, w = NONE, k, next;
	bit p, c, r, np;

	atomic { p = poolof(me); next = IDLE; goto end_park };
take:
	/* take_next() */
	atomic {
		if
		:: len(priv[me]) > 0 -> priv[me]?i
		:: else ->
			do
			:: i == NONE ->
				if :: !wl_has(p) -> drain(p, t) :: else fi;
				if
				:: p == 0 && len(wl0) > 0 -> wl0?i
				:: p == 1 && len(wl1) > 0 -> wl1?i
				:: else -> break
				fi;
#ifndef BUG_NOCOLLIDE
				k = 0;
				do
				:: k < NW && !(k != me && poolof(k) == p && busy[k] == i) -> k++
				:: else -> break
				od;
				if :: k < NW -> priv[k]!i; i = NONE :: else fi;
				k = 0
#endif
			:: else -> break
			od
		fi;
		if
		:: i == NONE -> next = IDLE; idle[me] = 1; newest[p] = me; goto unlock
		:: else -> next = RUN; touch(i); filed[i] = 0; c = col[i]; busy[me] = i
		fi
	};
start:
#ifndef BUG_LATEPUB
	cur[me] = i;
#endif
	atomic {
		touch(i);				/* for the last time */
		assert(pend[i] && form[i] == QUE && loc[i] == p);
		CNT(started[i]); pend[i] = 0; form[i] = OFF; last[i] = me;
#ifdef FIFO
		/* B8 */
		if
		:: i == F && a_mine -> assert(started[A] + cancelled[A] > 0)
		:: i == S -> assert(started[A] + cancelled[A] >= s_behind)
		:: else
		fi
#endif
	};
#ifdef BUG_LATEPUB
	cur[me] = i;
#endif
unlock:
	pool_unlock(p, w, t);
	if
	:: next == IDLE ->
		parked[me] = 1;
end_park:	atomic { park[me] -> park[me] = 0; parked[me] = 0 };
		atomic { MAYLOCK(p) -> lk[p] = 1; idle[me] = 0 };
		goto take
	:: next == RUN -> atomic { running[i]++; assert(running[i] == 1) }	/* B3 */
	:: next == QUEUED -> goto returned
	fi;
	/* the function */
	if
	:: i == S && started[S] <= R ->
#ifdef FIFO
		s_behind = qtrue[A];
#else
		if :: np = 0 :: np = 1 fi;
#endif
		take_pending(S, np, r, g, w);
		np = 0;
		if
		:: r && g == p ->			/* wq_pool_push_own() */
			if
			:: atomic { lk[p] == 0 -> g = NONE; r = 0; CNT(qtrue[S]);
					if
					:: MAY_LEAVE(p) -> again[p] = S
					:: else ->
						lk[p] = 1; drain(p, t); file_own(S, p, t); t = NONE;
						next = QUEUED; goto unlock
					fi
				}
			:: atomic { lk[p] == 1 -> r = 0 }; push(S, g, w); CNT(qtrue[S])
			fi
		:: r && g != p -> r = 0; push(S, g, w); CNT(qtrue[S])
		:: else -> g = NONE
		fi
#ifdef BLOCK
	:: i == A -> (started[F] > 0)		/* an item that waits for another one */
#endif
	:: i == F -> freed[F] = 1
	:: else
	fi;
returned:
	atomic { running[i]--; CNT(fin[i]); next = 0 };
	cur[me] = NONE;
	atomic {
		MAYLOCK(p) -> lk[p] = 1;
		if
		:: again[p] == i && IS_OPEN(c, p) ->
			again[p] = NONE; next = RUN; goto start
		/* settle(): only what the worker copied */
		:: again[p] == i && !(IS_OPEN(c, p)) -> drain(p, t)
		:: else
		fi;
		busy[me] = NONE; nfl[p * 2 + c]--; i = NONE; c = 0
	};
	goto take
}

proctype Producer(bit id) {
	bit p, r;
	byte g = NONE, w = NONE;

#ifndef FIFO
	if :: p = 0 :: p = 1 fi;
#endif
	queue_work(A, p, r, g, w);
	if
	:: id == 0 ->
#ifdef FIFO_FALSE
		a_mine = 1;
#else
		a_mine = r;
#endif
#ifdef TWICE
		if :: p = 0 :: p = 1 fi;
		queue_work(A, p, r, g, w);
#endif
#ifdef WITH_F
		queue_work(F, 0, r, g, w);
#endif
#ifdef WITH_S
		queue_work(S, 0, r, g, w);
#endif
		skip
	:: else
	fi
}

/* flush_workqueue(); snap[] = what had been queued, with the call returned, before it */
#ifdef WITH_FLUSH
byte snap[NI];
proctype Flusher() {
	byte t = NONE, w = NONE;
	bit p, c0, c1;

	d_step { snap[A] = qtrue[A]; snap[S] = qtrue[S]; snap[F] = qtrue[F]; snap[C] = qtrue[C] };
pool:
#ifdef LIVE
	want[p] = 1;
#endif
	atomic {
		lk[p] == 0 -> lk[p] = 1;
#ifdef LIVE
		want[p] = 0;
#endif
#ifndef BUG_NODRAIN
		drain(p, t);
#endif
		if :: p == 0 -> c0 = ccol[0] :: else -> c1 = ccol[1] fi;
#ifndef BUG_NOCOLOUR
		ccol[p] = 1 - ccol[p]
#endif
	};
	pool_unlock(p, w, t);
	if :: p == 0 -> p = 1; goto pool :: else -> p = 0 fi;
	(nfl[c0] == 0);
	(nfl[2 + c1] == 0);
	atomic {
		t = 0;					/* D1 */
		do
		:: t < NI -> assert(fin[t] + cancelled[t] >= snap[t]); t++
		:: else -> break
		od;
		t = 0; c0 = 0; c1 = 0; flushing = 1
	}
}
#endif

#ifdef WITH_CANCEL
/* cancel_work_sync() */
inline cancel_sync(i, p, w, t, k, was) {
	do
	:: atomic { !pend[i] -> touch(i); depth[i]++; k = last[i]; was = 0 }; break
	:: atomic { pend[i] && form[i] == QUE -> touch(i); p = loc[i] };
		/* wq_wait_lock_pool(), wq_pwq_unfile_locked() */
		atomic {
			lk[p] == 0 -> lk[p] = 1;
			drain(p, t);
			touch(i);
			was = 0;
			if
			:: pend[i] && form[i] == QUE && loc[i] == p && FILED(i) ->
				was = 1; filed[i] = 0; nfl[p * 2 + col[i]]--;
				if
				:: p == 0 && wl0??[eval(i)] -> wl0??eval(i)
				:: p == 1 && wl1??[eval(i)] -> wl1??eval(i)
				:: else ->
					k = 0;
					do
					:: k < NW && !(priv[k]??[eval(i)]) -> k++
					:: else -> break
					od;
					assert(k < NW);
					priv[k]??eval(i)
				fi;
				/* the word keeps who in this pool runs the item, if anybody */
				k = 0;
				do
				:: k < NW && !(poolof(k) == p && busy[k] == i) -> k++
				:: else -> break
				od;
				if :: k == NW -> k = NONE :: else fi;
				pend[i] = 0; form[i] = OFF; last[i] = k; depth[i] = 1;
				cancelled[i]++
			:: else
			fi
		};
		pool_unlock(p, w, t);
		if
		:: was -> was = 0; break
		:: else -> !(pend[i] && form[i] == QUE && loc[i] == p) || intake_has(p) || filed[i]
		fi
	:: atomic { pend[i] && form[i] == OFF }; !(pend[i] && form[i] == OFF)	/* in transit */
	od;
	p = 0;
	if
	:: k != NONE ->
		/* wq_wait_for_run(), the barrier abstracted */
		atomic { lk[poolof(k)] == 0 -> was = (busy[k] == i) };
		if :: was -> (busy[k] != i) :: else fi
	:: else
	fi;
	atomic { assert(!pend[i] && running[i] == 0); k = 0; was = 0 };		/* G4 */
	atomic { !pend[i] -> touch(i); depth[i]-- }
}

proctype Canceller() {
	byte t = NONE, k, g = NONE, w = NONE;
	bit p, r, was;

#ifdef WITH_C
	queue_work(C, 0, r, g, w);
	cancel_sync(C, p, w, t, k, was);
	atomic { assert(fin[C] + cancelled[C] == 1); freed[C] = 1 };
#endif
#ifdef WITH_CA
	cancel_sync(A, p, w, t, k, was);
#endif
	skip
}
#endif

init {
	byte i;

	atomic {
		again[0] = NONE; again[1] = NONE;
		do :: i < NI -> last[i] = NONE; i++ :: else -> break od;
		i = 0;
		do :: i < NW -> cur[i] = NONE; busy[i] = NONE; i++ :: else -> break od;
		/* all workers sleep, the last of each pool is offered */
		i = 0;
		do
		:: i < NW ->
			idle[i] = 1; parked[i] = 1;
			newest[poolof(i)] = i; offer[poolof(i)] = i; waker[poolof(i)] = i;
			run Worker(i); i++
		:: else -> break
		od;
		i = 0;
		run Producer(0);
#ifdef WITH_P1
		run Producer(1);
#endif
#ifdef WITH_FLUSH
		run Flusher();
#endif
#ifdef WITH_CANCEL
		run Canceller();
#endif
	}
#ifndef LIVE
	/* quiet: nobody can move. No lost wake-up, A4, nothing stuck. */
	timeout ->
	atomic {
		do :: i < NW -> assert(parked[i]); i++ :: else -> break od;
		assert(empty(intake0) && empty(intake1) && empty(wl0) && empty(wl1));
		assert(again[0] == NONE && again[1] == NONE);
		i = 0;
		do
		:: i < NI -> assert(!pend[i] && qtrue[i] == fin[i] + cancelled[i]); i++
		:: else -> break
		od;
		assert(nfl[0] + nfl[1] + nfl[2] + nfl[3] == 0);
		assert(_nr_pr == NW + 1)	/* flusher, canceller, producers returned */
	}
#endif
}
