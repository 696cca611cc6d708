/* SPDX-License-Identifier: MIT */
/*
 * bias.pml - the lock when it may be biased to a thread, which then takes it without an RMW.
 *
 * Models  wq_lock_enter(), wq_lock_leave(), wq_lock_acquire(), wq_lock_release_any() and
 *         wq_lock_try() in lib/base/lock.h; revoke(), acquire_until(), wq_lock_bias() and
 *         wq_lock_unbias() in lock.c; the barriers in membarrier.c. Each thread has a store buffer:
 *         first in, first out, it empties when it likes, before its own RMWs and system calls, and
 *         at anybody's membarrier. Spinning is one look. futex_wait compares and sleeps in one
 *         step, as the system promises. lock.pml has the lock that nobody is biased to.
 * Bounds  N threads; at first the lock is biased to the first one. NF of them want a bias: each
 *         takes the lock R times, enters if it may, and has the lock biased to itself, or gives the
 *         bias up, or neither. The others take it R1 times; HASTY: the last of them gives up at a
 *         deadline, which may come whenever he looks. NH signal handlers interrupt the first
 *         thread, between any two steps: each tries to take the lock. FENCES: no membarrier, so
 *         both barriers are fences.
 * Checks  one holder at a time; a bias is left by its own thread only; nobody sleeps for ever; in
 *         the end the lock is free, or biased to somebody who is outside.
 * Bugs    each must make pan report an error:
 *   BUG_NOBARRIER   no membarrier between marking the word and looking who is inside
 *   BUG_NOLOOK      who enters does not look at the word again
 *   BUG_LOOKFIRST   ... looks first, then says that he is inside
 *   BUG_REVOKED     ... goes on although the bias is being revoked
 *   BUG_STAYINSIDE  ... finds that he may not, and does not take back that he is inside
 *   BUG_NOINSIDE    (NH) ... does not look whether he is inside already
 *   BUG_NOWAIT      who revokes does not wait until its thread is outside
 *   BUG_NOSLEEPERS  who leaves does not look for sleepers
 *   BUG_WAKEFIRST   ... looks for sleepers, then leaves
 *   BUG_NOSLEEPBAR  who wants to sleep has no membarrier between his store and his look
 *   BUG_BLIND       ... until the thread is outside does not look whether it is by now
 *   BUG_SLEEPBIASED ... does so although the lock is biased, and nobody revokes that
 *   BUG_NOVALUE     sleeping does not compare `sleepers`
 *   BUG_SAMEVALUE   who waits until the thread is outside stores in `sleepers` what others store
 *   BUG_NOWAKE      (HASTY) who gives up revoking does not wake those who sleep meanwhile
 *   BUG_FREES       (HASTY) ... leaves the lock free
 *   BUG_WORDFIRST   the word names the bias before its thread says that it is inside
 *   BUG_STORE       giving the bias up is a store, not a CAS
 *   BUG_OUTFIRST    ... says that its thread is outside, then changes the word
 */
#ifndef N
#define N 2
#endif
#ifndef NF
#define NF 1
#endif
#ifndef R
#define R 2
#endif
#ifndef R1
#define R1 1
#endif
#ifndef NH
#define NH 0
#endif
#define CAP 3			/* stores that a buffer holds */

/* the word */
#define FREE		0
#define HELD		1
#define BIASED(t)	(2 + 2 * (t))
#define REVOKED(t)	(3 + 2 * (t))
#define is_biased(x)	((x) >= 2 && !((x) & 1))
#define thread_of(x)	(((x) >> 1) - 1)

/* what is stored to */
#define WORD		0
#define SLEEPERS	1
#define INSIDE(t)	(2 + (t))

byte word, sleepers;
bit is_inside[N];
byte to[N * CAP], value[N * CAP], nr[N];	/* the buffers, oldest first */
bit asleep[N];
byte nr_holders;		/* ghost */
byte nr_through;
byte frozen;			/* the process that a handler interrupts */
#define FIRST 2			/* _pid of the first thread */

/* ------------------------------------------------------------------ memory */

inline drain_one(t) {
	if
	:: to[t * CAP] == WORD -> word = value[t * CAP]
	:: to[t * CAP] == SLEEPERS -> sleepers = value[t * CAP]
	:: else -> is_inside[to[t * CAP] - 2] = value[t * CAP]
	fi;
	to[t * CAP] = to[t * CAP + 1]; value[t * CAP] = value[t * CAP + 1];
	to[t * CAP + 1] = to[t * CAP + 2]; value[t * CAP + 1] = value[t * CAP + 2];
	to[t * CAP + 2] = 0; value[t * CAP + 2] = 0;
	nr[t]--
}

inline drain(t) {
	do :: nr[t] > 0 -> drain_one(t) :: else -> break od
}

proctype Buffers() {
end:	do
	:: atomic { nr[0] > 0 -> drain_one(0) }
	:: atomic { nr[1] > 0 -> drain_one(1) }
#if N > 2
	:: atomic { nr[2] > 0 -> drain_one(2) }
#endif
	od
}

inline store(where, what) {
	atomic {
		nr[me] < CAP ->
		to[me * CAP + nr[me]] = where; value[me * CAP + nr[me]] = what; nr[me]++
	}
}

/* What the thread itself stored last, or what is in memory. */
inline load(where, x) {
	d_step {
		if
		:: where == WORD -> x = word
		:: where == SLEEPERS -> x = sleepers
		:: else -> x = is_inside[where - 2]
		fi;
		k = 0;
		do
		:: k < nr[me] ->
			if :: to[me * CAP + k] == where -> x = value[me * CAP + k] :: else fi;
			k++
		:: else -> break
		od;
		k = 0
	}
}

inline light_barrier() {
#ifdef FENCES
	d_step { drain(me); k = 0 }
#else
	skip
#endif
}

inline heavy_barrier() {
	d_step {
#ifdef FENCES
		drain(me);
#else
		k = 0;
		do :: k < N -> drain(k); k++ :: else -> break od;
		k = 0
#endif
	}
}

/* ------------------------------------------------------------------- sleep */

inline announce_sleeper() {
	store(SLEEPERS, urgency);
#ifndef BUG_NOSLEEPBAR
	heavy_barrier()
#endif
}

/* The system call orders the caller's own stores. */
inline futex_wait(may_give_up) {
	atomic {
		drain(me);
#ifdef BUG_NOVALUE
		asleep[me] = 1
#else
		asleep[me] = (sleepers == urgency)
#endif
	};
	atomic { !asleep[me] || may_give_up -> asleep[me] = 0 }
}

inline release_slow() {
	atomic { drain(me); x = sleepers; sleepers = 0 };
	if
	:: x -> d_step {
			k = 0; x = 0;
			do :: k < N -> asleep[k] = 0; k++ :: else -> break od;
			k = 0
		}
	:: else
	fi
}

inline wake_sleepers() {
	load(SLEEPERS, x);
	if :: x -> release_slow() :: else fi
}

/* --------------------------------------------------------- enter and leave */

inline leave() {
#ifdef BUG_WAKEFIRST
	wake_sleepers();
#endif
	store(INSIDE(me), 0);
	light_barrier();
#if !defined(BUG_NOSLEEPERS) && !defined(BUG_WAKEFIRST)
	wake_sleepers()
#endif
}

/* has: whether he got the lock */
inline enter() {
	atomic {
		load(WORD, x); load(INSIDE(me), i);
		has = (x == BIASED(me));
#ifndef BUG_NOINSIDE
		has = has && !i;
#endif
		i = 0; x = 0
	};
	if
	:: has ->
#ifdef BUG_LOOKFIRST
		load(WORD, x);
		store(INSIDE(me), 1);
#else
		store(INSIDE(me), 1);
		light_barrier();
#ifndef BUG_NOLOOK
		load(WORD, x);
#endif
#endif
#ifdef BUG_NOLOOK
		x = BIASED(me);
#endif
#ifdef BUG_REVOKED
		if :: x == REVOKED(me) -> x = BIASED(me) :: else fi;
#endif
		if
		:: x == BIASED(me) -> x = 0
		:: else ->
			x = 0; has = 0;
#ifndef BUG_STAYINSIDE
			leave()
#endif
		fi
	:: else
	fi
}

inline release_any() {
	load(WORD, x);
	if
	:: x == HELD ->
		x = 0;
		store(WORD, FREE);
		light_barrier();
		wake_sleepers()
	:: else ->
		assert(x > HELD && thread_of(x) == me);
		x = 0;
		leave()
	fi
}

/* Held, not biased. */
inline bias() {
#ifdef BUG_WORDFIRST
	store(WORD, BIASED(me));
	store(INSIDE(me), 1)
#else
	store(INSIDE(me), 1);
	store(WORD, BIASED(me))
#endif
}

/* Held, by entering. */
inline unbias() {
#ifdef BUG_OUTFIRST
	store(INSIDE(me), 0);
#endif
	load(WORD, x);
	if
	:: is_biased(x) ->
#ifdef BUG_STORE
		store(WORD, HELD);
#else
		atomic { drain(me); if :: word == x -> word = HELD :: else -> x = 0 fi };
#endif
#ifndef BUG_OUTFIRST
		if :: x -> x = 0; store(INSIDE(me), 0) :: else fi
#endif
	:: else
	fi;
	x = 0
}

/* ------------------------------------------------------ acquire and revoke */

inline wait_until_outside(may_give_up) {
#ifdef BUG_SAMEVALUE
	urgency = 1;
#else
	/* his alone: that somebody else sleeps does not mean that the thread is still inside */
	urgency = 3;
#endif
	do
	:: load(INSIDE(i), x);
		if
		:: !x -> has = 1; break
		:: x && may_give_up -> x = 0; break
		:: else -> x = 0
		fi;
		announce_sleeper();
#ifdef BUG_BLIND
		x = 1;
#else
		load(INSIDE(i), x);
#endif
		if :: x -> x = 0; futex_wait(may_give_up) :: else fi
	od
}

/* x: the word as found */
inline revoke(may_give_up) {
	atomic {
		drain(me);
		if :: word == x -> word = x + 1; i = thread_of(x) :: else -> i = N fi;
		x = 0
	};
	if
	:: i < N ->
#ifndef BUG_NOBARRIER
		heavy_barrier();
#endif
#ifdef BUG_NOWAIT
		has = 1;
#else
		wait_until_outside(may_give_up);
#endif
		if
		:: has -> store(WORD, HELD)
		:: else ->
#ifdef BUG_FREES
			store(WORD, FREE);
#else
			store(WORD, BIASED(i));
#endif
			light_barrier();
#ifndef BUG_NOWAKE
			release_slow()
#endif
		fi
	:: else
	fi;
	i = 0
}

inline try_to_take() {
	atomic { drain(me); x = word; if :: !x -> word = HELD; has = 1 :: else fi }
}

inline acquire_until(may_give_up) {
	u = 1;
	do
	:: try_to_take();
		if
		:: is_biased(x) -> revoke(may_give_up)
		:: else -> x = 0
		fi;
		if
		:: has -> break
		:: !has && may_give_up -> break
		:: else
		fi;
		urgency = u;
		announce_sleeper();
		load(WORD, x);
		if
#ifdef BUG_SLEEPBIASED
		:: x -> x = 0; futex_wait(may_give_up)
#else
		:: x && !is_biased(x) -> x = 0; futex_wait(may_give_up)
#endif
		:: else -> x = 0
		fi;
		u = 2
	od;
	atomic { u = 0; urgency = 0 }
}

/* ----------------------------------------------------------------- threads */

#define HOLD	atomic { nr_holders++; assert(nr_holders == 1) }
#define LET_GO	nr_holders--

#if NH > 0
#define CAN_RUN provided (frozen != _pid)
#else
#define CAN_RUN
#endif

proctype Favourite(byte me) CAN_RUN {
	byte n, i, k, x, u, urgency; bit has;

	do
	:: n == R -> break
	:: n < R ->
		enter();
		if
		:: has ->
			HOLD;
			if :: unbias() :: skip fi
		:: else ->
			acquire_until(0);
			HOLD;
			if :: bias() :: skip fi
		fi;
		atomic { has = 0; n++; LET_GO };
		release_any()
	od;
	nr_through++
}

proctype Other(byte me; bit is_hasty) {
	byte n, i, k, x, u, urgency; bit has;

	do
	:: n == R1 -> break
	:: n < R1 ->
		acquire_until(is_hasty);
		n++;
		if
		:: has -> HOLD; atomic { has = 0; LET_GO }; release_any()
		:: else
		fi
	od;
	nr_through++
}

#if NH > 0
/* Of the first thread: its stores go through that one's buffer. */
proctype Handler(byte me) {
	byte i, k, x; bit has;

	atomic { frozen == 0 -> frozen = FIRST };
	enter();
	if :: !has -> try_to_take(); x = 0 :: else fi;
	if
	:: has -> HOLD; atomic { has = 0; LET_GO }; release_any()
	:: else
	fi;
	frozen = 0
}
#endif

init {
	byte t;

	atomic {
		word = BIASED(0);
		run Buffers();
		do :: t < NF -> run Favourite(t); t++ :: else -> break od;
#ifdef HASTY
		do :: t < N -> run Other(t, t == N - 1); t++ :: else -> break od;
#else
		do :: t < N -> run Other(t, 0); t++ :: else -> break od;
#endif
		t = 0;
#if NH > 0
		do :: t < NH -> run Handler(0); t++ :: else -> t = 0; break od
#endif
	}
	timeout ->
	/* who sleeps is not through */
	assert(nr_through == N && nr_holders == 0 && frozen == 0);
	assert(word == FREE || is_biased(word));
	do :: t < N -> assert(!is_inside[t]); t++ :: else -> break od
}
