/* SPDX-License-Identifier: MIT */
/*
 * timer.pml - a delayed item: armed without waiting for a lock; fired, cancelled, modified.
 *
 * Models  core/shard.c but for the wheel's ticks; ops/delayed.c; cancelling, disabling and enabling
 *         delayed items in ops/cancel.c; fire_batch() in core/timer.c. One item, one pool, two
 *         shards; any thread may be on the CPU of either. A timer on a wheel may fire at any time:
 *         see clock.pml. Pools are as in disable.pml, barriers as in barrier.pml, one step each.
 *         Each thread has a store buffer of one entry for the store that releases a shard's lock.
 *         It empties when it likes, before the thread's next lock, and at anybody's membarrier.
 * Bounds  NP producers that arm NQ times each; the function arms its item NR times; NZ threads that
 *         lock a shard for something else; NC cancel_delayed_work(); ND
 *         disable_delayed_work_sync() and later enable_delayed_work(), hence also
 *         cancel_delayed_work_sync(); NM mod_delayed_work(), NX times each; NF
 *         flush_delayed_work(); NH signal handlers, which arm: the first of the other threads
 *         (in the order at the end) stands still meanwhile. ZERO: delays may be 0. OLD: the timer
 *         has a shard already. FREE: the function frees the item the last time that it runs.
 *         FREE_CANCEL: who cancels frees it. DESTROY: the queue is destroyed, items armed or not.
 *         FENCES: no membarrier, so both barriers are fences.
 * Checks  A4 each instance is run or taken back once, with mod's answers as the spec has them; G1;
 *         G2, G4; G3, H1, H4; the item is in one place at most, and nobody touches it after its
 *         function freed it or a canceller made it idle; a handler returns although the thread
 *         that it interrupted holds the lock; nothing stays on an intake; nobody waits for ever;
 *         flush_delayed_work() returns after the run of what was armed before, unless that was
 *         cancelled or modified; after destroy_workqueue() the item is idle, the queue untouched.
 * Bugs    each must make pan report an error:
 *   BUG_NOLOOK      who unlocks does not look at the intake again
 *   BUG_NOBARRIER   who pushes to it has no membarrier before he tries for the lock again
 *   BUG_ONETRY      ... or does not try again
 *   BUG_WAIT        who arms waits for the lock
 *   BUG_NOOLDLOCK   ... or lets the timer name another shard without the lock of the one it names
 *   BUG_NOREREAD    who has locked the shard that the timer named looks neither whether it still
 *                   names it nor whether it is armed
 *   BUG_NOARMED     ... not whether it is armed
 *   BUG_LATECLEAR   the timer thread clears ARMED after the push
 *   BUG_GAP         it unlocks the shard between taking the timer off and pushing the item
 *   BUG_IDLEFIRST   cancelling makes the word idle before the timer is off the wheel
 *   BUG_STALE       ... and takes the slot for it from the word as first read
 *   BUG_NOSLOT      arming forgets who ran the item last
 *   BUG_MODGAP      mod on a filed item gives PENDING up while it has it
 *   BUG_MODLATE     mod on an armed item unlocks the shard before it changes the timer
 *   BUG_NOTIMERBIT  mod on a filed item arms without setting TIMER
 *   BUG_DEPTHLOOK   queueing trusts the depth it saw before it took PENDING
 * BUG_NOOLDLOCK is one only because shard and ARMED are read one after the other: if they were read
 * at once, the owner of a delayed item could do without that lock.
 */
#ifndef NP
#define NP 1
#endif
#ifndef NQ
#define NQ 1
#endif
#ifndef NR
#define NR 0
#endif
#ifndef NZ
#define NZ 0
#endif
#ifndef NC
#define NC 0
#endif
#ifndef ND
#define ND 0
#endif
#ifndef NM
#define NM 0
#endif
#ifndef NX
#define NX 1
#endif
#ifndef NF
#define NF 0
#endif
#ifndef NH
#define NH 0
#endif
#ifdef DESTROY
#define NY 1
#else
#define NY 0
#endif

/* the word: P pending, T timer, Q queued; RAN names the worker that ran it last; depth */
#define P		1
#define T		2
#define Q		4
#define RAN		8
#define ONE		16
#define DEPTH(w)	((w) / ONE)
byte word;

/* timer->state: shard 1 or 2, 0 none */
#define ARMED		4
#define SHARD(s)	((s) & 3)
byte state;
bit lk[3], wheel[3], intake[3];

/* threads: the timer thread, the worker, the others */
#define NT (2 + NP + NZ + NC + ND + NM + NF + NY)
byte buf[NT];		/* 0, or the shard to be released */
#if NH > 0
byte frozen;		/* the process that a handler interrupts */
#define CAN_RUN provided (frozen != _pid)
#else
#define CAN_RUN
#endif

/* the pool */
bit in_pool, busy;
#define NONE	0
#define PENDING 1
#define RUNNING 2
byte barrier[ND + NF + 1];	/* whom the caller waits for */

/* ghosts */
bit pending, running, gone;
bit is_draining, is_destroyed, in_section;
byte nr_done;			/* producers that have returned */
byte open_depth, nr_ran;
short balance;			/* queue true, mod false, less runs, less cancels true */
byte nr_born, nr_returned, pending_id, running_id;	/* for flush */
bit moved[NF + 1];
byte nr_modifying;		/* have taken it off its list, so it is in transit (E4) */
byte k;
#define TOUCH assert(!gone)
#define NOWHERE_QUEUED (!in_pool && !(word & Q))
#define NOWHERE (!wheel[1] && !wheel[2] && !intake[1] && !intake[2] && !in_pool)
#if NF > 0
inline be_born() { nr_born++; pending_id = nr_born }
inline be_moved() {
	k = 0;
	do :: k < NF -> moved[k] = 1; k++ :: else -> k = 0; break od
}
#else
inline be_born() { skip }
inline be_moved() { skip }
#endif

inline be_queued() {
	assert(open_depth == 0 && !pending);	/* G3, A1 */
	pending = 1; balance++;
	be_born()
}

/* ------------------------------------------------------------------ a shard */

inline drain_buffer(t) {
	if
	:: buf[t] != 0 -> lk[buf[t]] = 0; buf[t] = 0
	:: else
	fi
}

proctype Buffers() {
	byte t;

end:	do
	:: atomic { buf[0] -> drain_buffer(0) }
	:: atomic { buf[1] -> drain_buffer(1) }
	:: atomic { buf[2] -> drain_buffer(2) }
#if NT > 3
	:: atomic { buf[3] -> drain_buffer(3) }
#endif
#if NT > 4
	:: atomic { buf[4] -> drain_buffer(4) }
#endif
#if NT > 5
	:: atomic { buf[5] -> drain_buffer(5) }
#endif
#if NT > 6
	:: atomic { buf[6] -> drain_buffer(6) }
#endif
	od
}

inline heavy_barrier() {
	d_step {
#ifdef FENCES
		drain_buffer(me);
#else
		k = 0;
		do :: k < NT -> drain_buffer(k); k++ :: else -> k = 0; break od
#endif
	}
}

/* wq_shard_add_locked() */
inline put_on_wheel(s) {
	TOUCH;
	assert(NOWHERE && SHARD(state) == s && !(state & ARMED) && lk[s]);
	assert((word & P) && (word & T) && !(word & Q));
	wheel[s] = 1; state = s | ARMED
}

inline take_off_wheel(s) {
	TOUCH;
	assert(wheel[s] && state == (s | ARMED) && lk[s]);
	wheel[s] = 0; state = s
}

inline file_intake(s) {
	if
	:: intake[s] -> intake[s] = 0; put_on_wheel(s)
	:: else
	fi
}

inline lock(s) {
	atomic { lk[s] == 0 || buf[me] == s -> drain_buffer(me); lk[s] = 1; file_intake(s) }
}

inline try_lock(s) {
	atomic {
		if
		:: lk[s] == 0 || buf[me] == s -> drain_buffer(me); lk[s] = 1; got = 1
		:: else -> got = 0
		fi
	}
}

/* wq_shard_unlock(). A handler may have left its own release in the buffer. */
inline unlock(s) {
	do
	:: atomic { file_intake(s) };
#ifdef FENCES
		lk[s] = 0;
#else
		d_step { drain_buffer(me); buf[me] = s };
#endif
#ifdef BUG_NOLOOK
		break
#else
		if
		:: intake[s] -> try_lock(s); if :: got :: else -> break fi
		:: else -> break
		fi
#endif
	od;
	got = 0
}

#define MOVE	1
#define FILE	2
#define AGAIN	3

/* wq_shard_arm(); the caller's CPU is `here` */
inline arm(here) {
	/* whoever arms writes the queue, the CPU, the time */
	atomic { TOUCH; assert(NOWHERE); s = SHARD(state) };
	if
	:: s == here -> step = FILE
	:: s == 0 -> atomic { TOUCH; state = here; s = here; step = FILE }
	:: s != 0 && s != here ->
#ifdef BUG_NOOLDLOCK
		atomic { TOUCH; state = here; s = here; step = FILE }
#else
		step = MOVE
#endif
	fi;
	do
	:: 1 ->
#ifdef BUG_WAIT
		lock(s); got = 1;
#else
		try_lock(s);
#endif
		if
		:: got && step == MOVE -> atomic { TOUCH; state = here }
		:: got && step == FILE -> atomic { put_on_wheel(s) }
		:: got && step == AGAIN
		:: !got && step == MOVE -> step = FILE
		:: !got && step == FILE ->
			atomic { TOUCH; assert(NOWHERE); intake[s] = 1 };
#ifdef BUG_ONETRY
			break;
#endif
#ifndef BUG_NOBARRIER
			heavy_barrier();
#endif
			step = AGAIN
		:: !got && step == AGAIN -> break
		fi;
		if
		:: got ->
			unlock(s);
			if :: step == MOVE -> s = here; step = FILE :: else -> break fi
		:: else
		fi
	od;
	step = 0;
	s = 0
}

/* ----------------------------------------------------------------- queueing */

#ifdef BUG_NOSLOT
#define KEPT(w) 0
#else
#define KEPT(w) ((w) & RAN)
#endif

inline choose(zero, here) {
	atomic {
#ifdef ZERO
		if :: zero = 0 :: zero = 1 fi;
#endif
		if :: here = 1 :: here = 2 fi
	}
}

/* PENDING is ours, the word says what for */
inline hand_over(zero, here) {
	if
	:: zero -> atomic { TOUCH; assert(NOWHERE && (word & Q)); in_pool = 1 }
	:: else -> arm(here)
	fi
}

#define NEW_WORD(w, zero) (zero -> P | Q : P | T | KEPT(w))

inline queue_delayed(zero, here, w) {
	choose(zero, here);
	atomic { TOUCH; w = word };
	got = 0;
	if
	:: !(w & P) && DEPTH(w) == 0 ->
		atomic {
			TOUCH;
			if
			:: word == w -> word = NEW_WORD(w, zero); be_queued(); got = 1
			:: else
			fi
		}
	:: else
	fi;
	if
	:: !got ->
		/* queue_slow() */
#ifdef BUG_DEPTHLOOK
		atomic { TOUCH; got = !(word & P) && DEPTH(w) == 0; w = word & ~(ONE - 1 - P); word = word | P };
#else
		atomic { TOUCH; got = !(word & P); w = word; word = word | P };
#endif
		if
#ifndef BUG_DEPTHLOOK
		:: got && DEPTH(w) > 0 -> atomic { TOUCH; word = word & ~P; got = 0 }
#endif
		:: got && DEPTH(w) == 0 ->
			atomic { TOUCH; word = NEW_WORD(word, zero); be_queued() }
		:: else
		fi
	:: else
	fi;
	w = (got -> nr_born : 0);
	if
	:: got -> hand_over(zero, here)
	:: else
	fi;
	atomic {
		if :: w > nr_returned -> nr_returned = w :: else fi;
		got = 0; w = 0; zero = 0; here = 0
	}
}

#if NP > 0
proctype Producer(byte me) CAN_RUN {
	byte n, s, w, here, step; bit got, zero;

	do
	:: n < NQ -> queue_delayed(zero, here, w); n++
	:: else -> break
	od;
	nr_done++
}
#endif

#if NH > 0
/* A signal handler of the thread `me`: its stores go through that one's buffer. */
proctype Handler(byte victim, me) {
	byte s, w, here, step; bit got, zero;

	atomic { frozen == 0 -> frozen = victim };
	queue_delayed(zero, here, w);
	frozen = 0
}
#endif

#if NZ > 0
/* Locks a shard for something else. */
proctype Other(byte me) CAN_RUN {
	byte s; bit got;

	if :: s = 1 :: s = 2 fi;
	lock(s);
	unlock(s);
	s = 0
}
#endif

/* -------------------------------------------------------- firing and running */

proctype TimerThread() {
	byte me = 0, s; bit got;

end_idle:
	atomic { if :: wheel[1] -> s = 1 :: wheel[2] -> s = 2 fi };
	atomic { lk[s] == 0 || buf[me] == s ->
		drain_buffer(me); lk[s] = 1; file_intake(s); in_section = 1 };
	if
	:: wheel[s] ->
#ifdef BUG_LATECLEAR
		atomic { TOUCH; wheel[s] = 0 };
#else
		atomic { take_off_wheel(s) };
#endif
#ifdef BUG_GAP
		in_section = 0;
		unlock(s);
		in_section = 1;
#endif
		if
		:: is_draining ->	/* F5: refused, the item is idle again */
			atomic {
				TOUCH; assert(!is_destroyed);
				word = word & RAN; pending = 0; balance--
			}
		:: else ->
			atomic {
				TOUCH; assert(!is_destroyed);
				assert((word & P) && (word & T) && !(word & Q));
				word = P | Q
			};
			atomic { TOUCH; assert(NOWHERE && !is_destroyed); in_pool = 1 }
		fi;
#ifdef BUG_LATECLEAR
		atomic { TOUCH; state = s };
#endif
#ifdef BUG_GAP
		got = 1
#endif
	:: else
	fi;
	in_section = 0;
#ifdef BUG_GAP
	if :: got -> got = 0 :: else -> unlock(s) fi;
#else
	unlock(s);
#endif
	s = 0;
	goto end_idle
}

inline for_barriers(from, to) {
	k = 0;
	do
	:: k < ND + NF -> if :: barrier[k] == from -> barrier[k] = to :: else fi; k++
	:: else -> k = 0; break
	od
}

proctype Worker() {
	byte me = 1, s, w, here, step; bit got, zero;

end_idle:
	atomic {
		in_pool -> in_pool = 0;
		TOUCH;
		assert((word & P) && (word & Q) && !(word & T) && pending && !running);
		busy = 1; word = RAN;
		pending = 0; running = 1; running_id = pending_id; pending_id = 0;
		for_barriers(PENDING, RUNNING)
	};
	if
	:: nr_ran < NR -> queue_delayed(zero, here, w)
#ifdef FREE
	:: nr_ran == NR -> gone = 1
#else
	:: nr_ran == NR
#endif
	fi;
	atomic {
		running = 0; running_id = 0; balance--;
		if :: nr_ran < NR -> nr_ran++ :: else fi
	};
	atomic { busy = 0; for_barriers(RUNNING, NONE) };
	goto end_idle
}

/* ------------------------------------------- taking it back, modifying, flushing */

/* What is in transit will be found: on a list, or idle. Who finds it so looks again. */
#define IS_SETTLED (!(word & P) || ((word & Q) && in_pool) || \
		    (!(word & Q) && ((state & ARMED) || intake[1] || intake[2])))

/* wq_shard_lock_timer(), and it is armed: got, and the lock of s */
inline lock_armed() {
	atomic { TOUCH; s = SHARD(state) };
	got = 0;
	if
	:: s == 0
	:: else ->
		lock(s);
#if defined(BUG_NOREREAD)
		got = 1;
#elif defined(BUG_NOARMED)
		atomic { TOUCH; got = (SHARD(state) == s) };
#else
		atomic { TOUCH; got = (SHARD(state) == s) };
		atomic { TOUCH; got = (got && (state & ARMED)) };
#endif
		if :: got :: else -> unlock(s) fi
	fi
}

/* delta: 0 KEEP, 1 DISABLE, -1 ENABLE. After it w is the word as written: who ran it last. */
inline take_back(delta, w) {
	do
	:: atomic { TOUCH; w = word };
		if
		:: !(w & P) && delta == 0 -> break
		:: !(w & P) && delta != 0 ->
			atomic {
				TOUCH;
				if
				:: word == w ->
					word = w + delta * ONE; w = word;
					open_depth = open_depth + delta;
					assert(DEPTH(w) == open_depth); got = 1
				:: else
				fi
			};
			if :: got -> got = 0; break :: else fi
		:: (w & P) && (w & Q) ->
			/* in one step, under the pool's lock; in transit: look again */
			atomic {
				!(word & Q) || in_pool -> TOUCH;
				if
				:: in_pool ->
					assert(pending && delta >= 0 && (word & Q));
					in_pool = 0; pending = 0; pending_id = 0; balance--;
					for_barriers(PENDING, NONE);
					be_moved();
					word = (busy -> RAN : 0) + delta * ONE; w = word;
					open_depth = open_depth + delta; got = 1;
#ifdef FREE_CANCEL
					gone = 1
#endif
				:: else
				fi
			};
			if :: got -> got = 0; break :: else fi
		:: (w & P) && !(w & Q) && (w & T) ->
			lock_armed();
			if
			:: got ->
#ifndef BUG_IDLEFIRST
				atomic { take_off_wheel(s) };
#endif
				atomic {
					TOUCH;
					assert(pending && delta >= 0);
					pending = 0; pending_id = 0; balance--;
					be_moved();
#ifdef BUG_STALE
					word = (w & RAN) + delta * ONE; w = word;
#else
					word = (word & RAN) + delta * ONE; w = word;
#endif
					open_depth = open_depth + delta;
#ifdef FREE_CANCEL
					gone = 1
#endif
				};
#ifdef BUG_IDLEFIRST
				atomic { take_off_wheel(s) };
#endif
				unlock(s);
				break
			:: else -> IS_SETTLED
			fi
		:: (w & P) && !(w & Q) && !(w & T) -> IS_SETTLED
		fi
	od;
	s = 0
}

inline wait_for_run(b, w) {
	if
	:: (w & RAN) ->
		atomic { if :: busy -> barrier[b] = RUNNING :: else fi };
		(barrier[b] == NONE)
	:: else
	fi
}

#if NC > 0
proctype Canceller(byte me) CAN_RUN {
	byte s, w; bit got;

	take_back(0, w);
	w = 0
}
#endif

#if ND > 0
proctype Disabler(byte me, b) CAN_RUN {
	byte s, w; bit got;

	take_back(1, w);
	wait_for_run(b, w);
	assert(!pending && !running && NOWHERE);	/* G2, G4 */
	take_back(-1, w);
	w = 0
}
#endif

#if NM > 0
proctype Modifier(byte me) CAN_RUN {
	byte n, s, w, here, step; bit got, zero;

again:
	atomic { n < NX -> n++; choose(zero, here) };
	do
	:: atomic { TOUCH; w = word };
		if
		:: !(w & P) && DEPTH(w) > 0 -> break	/* H4 */
		:: !(w & P) && DEPTH(w) == 0 ->
			atomic {
				TOUCH;
				if
				:: word == w -> word = NEW_WORD(w, zero); be_queued(); got = 1
				:: else
				fi
			};
			if :: got -> hand_over(zero, here); break :: else fi
		:: (w & P) && (w & Q) ->
			atomic {
				!(word & Q) || in_pool -> TOUCH;
				if
				:: in_pool ->
					assert(pending);
					in_pool = 0;
					for_barriers(PENDING, NONE);
					be_moved();
					nr_modifying++;
					word = P | (busy -> RAN : 0); got = 1
				:: else
				fi
			};
#ifdef BUG_MODGAP
			if
			:: got -> atomic { word = word & ~P; pending = 0; got = 0 }
			:: else
			fi
#else
			if
			:: got ->
				atomic {
					TOUCH;
#ifdef BUG_NOTIMERBIT
					word = (zero -> P | Q : word)
#else
					word = NEW_WORD(word, zero)
#endif
				};
				hand_over(zero, here);
				nr_modifying--;
				break
			:: else
			fi
#endif
		:: (w & P) && !(w & Q) && (w & T) ->
			lock_armed();
			if
			:: got ->
				atomic { assert(pending); be_moved() };
#ifdef BUG_MODLATE
				unlock(s);
#endif
				if
				:: zero ->
					atomic { take_off_wheel(s) };
					atomic { TOUCH; word = P | Q };
					atomic { TOUCH; assert(NOWHERE); in_pool = 1 }
				:: else ->
					atomic { take_off_wheel(s) };
					atomic { put_on_wheel(s) }
				fi;
#ifndef BUG_MODLATE
				unlock(s);
#endif
				break
			:: else -> IS_SETTLED
			fi
		:: (w & P) && !(w & Q) && !(w & T) -> IS_SETTLED
		fi
	od;
	atomic { s = 0; w = 0; zero = 0; here = 0; got = 0; if :: n < NX -> goto again :: else fi }
}
#endif

#define OVER(id) (id == 0 || (id != pending_id && id != running_id))

#if NF > 0
proctype Flusher(byte me, f) CAN_RUN {
	byte seen, s; bit got;

	atomic { seen = nr_returned; moved[f] = (nr_modifying > 0) };
	lock_armed();
	if
	:: got ->
		atomic { take_off_wheel(s) };
		atomic { TOUCH; word = P | Q };
		atomic { TOUCH; assert(NOWHERE); in_pool = 1 };
		unlock(s)
	:: else
	fi;
	/* flush_work() */
	atomic {
		!(word & Q) || in_pool -> TOUCH;
		if
		:: in_pool -> barrier[ND + f] = PENDING
		:: !in_pool && busy -> barrier[ND + f] = RUNNING
		:: else
		fi;
		s = 0
	};
	(barrier[ND + f] == NONE);
	atomic { assert(OVER(seen) || moved[f]); seen = 0 }
}
#endif

#ifdef DESTROY
/* Nobody else uses the queue any more, but for its own items. */
proctype Destroyer(byte me) {
	byte s; bit got;

	atomic { nr_done == NP -> is_draining = 1 };
	(!in_section);			/* wq_grace_synchronize() */
	(NOWHERE_QUEUED && !busy);	/* flush until empty */
	s = 1;
	do
	:: s <= 2 ->
		lock(s);
		if
		:: wheel[s] ->
			atomic { take_off_wheel(s) };
			atomic { TOUCH; word = word & RAN; pending = 0; balance-- }
		:: else
		fi;
		unlock(s);
		s++
	:: else -> break
	od;
	atomic { s = 0; is_destroyed = 1; assert(!pending && !(word & P)) }
}
#endif

init {
	byte i, t;

	atomic {
#ifdef OLD
		state = 1; word = RAN;
#endif
		run Buffers();
		run TimerThread();
		run Worker();
		t = 2;
		/* _pid 4: the first of these, whom handlers interrupt */
#if NM > 0
		i = 0; do :: i < NM -> run Modifier(t); i++; t++ :: else -> break od;
#endif
#if NC > 0
		i = 0; do :: i < NC -> run Canceller(t); i++; t++ :: else -> break od;
#endif
#if ND > 0
		i = 0; do :: i < ND -> run Disabler(t, i); i++; t++ :: else -> break od;
#endif
#ifdef DESTROY
		run Destroyer(t); t++;
#endif
#if NF > 0
		i = 0; do :: i < NF -> run Flusher(t, i); i++; t++ :: else -> break od;
#endif
#if NZ > 0
		i = 0; do :: i < NZ -> run Other(t); i++; t++ :: else -> break od;
#endif
#if NP > 0
		i = 0; do :: i < NP -> run Producer(t); i++; t++ :: else -> break od;
#endif
#if NH > 0
		i = 0; do :: i < NH -> run Handler(4, 2); i++ :: else -> break od;
#endif
		i = 0; t = 0
	}
	timeout ->
	assert(_nr_pr == 4);
	assert(!(word & (P | Q | T)) && DEPTH(word) == 0 && NOWHERE && !(state & ARMED));
	assert(!pending && !running && !lk[1] && !lk[2]);
	assert(open_depth == 0 && balance == 0)
}
