/* SPDX-License-Identifier: MIT */
/*
 * fork.pml - fork() waits until nobody is inside a section or holds a pool's lock.
 *
 * Models  wq_grace_enter(), enter_unless_closed(), wq_grace_leave(), wq_grace_close() and
 *         wq_grace_reopen() in base/grace.[ch], the barriers in base/membarrier.c, try_to_hold() in
 *         ops/fork.c. Who enters stores his nesting through a store buffer, then looks whether
 *         sections are closed; if so he leaves, sleeps until they are open, and tries again: nested
 *         ones too, since a signal handler may come between the nesting and the look of the section
 *         it interrupts, and cannot know whether that has got in. Then who forks waits in
 *         vain, as when a handler waits in a thread that holds a lock: at a deadline, that is when
 *         nothing else moves, it lets go of all until nothing moves, and tries again. All pools'
 *         locks are one here. That who queues need not wait while the process is copied is told in
 *         defer.pml; until then he waits like others.
 * Bounds  N threads, each R times in a section, in which it takes the lock or not, or with the lock
 *         alone; the first one is interrupted once, by a handler with a section of its own; NF
 *         threads fork F times. FENCES: no membarrier. HASTE: the deadline may come any time, once.
 * Checks  while it forks no item is on its way from PENDING to a list, and nobody changes lists;
 *         nobody waits for ever, nor is let go of more often than there are handlers.
 * Bugs    each must make pan report an error:
 *   BUG_NOBARRIER   no heavy barrier
 *   BUG_TESTFIRST   who enters looks whether they are closed, then stores his nesting
 *   BUG_OLDTEST     (FENCES) he looks before his fence, not after it
 *   BUG_STAY        he sleeps without leaving, and there is no deadline
 *   BUG_NESTEDGOES  nested ones go on
 *   BUG_NODEADLINE  who forks waits for as long as it takes
 *   BUG_STAYCLOSED  at the deadline sections stay closed
 *   BUG_NOPAUSE     ... are closed again before those who waited can have got in
 *   BUG_NOLOCKS     pools are not locked
 *   BUG_NOVALUE     who sleeps does not compare the flags
 *   BUG_WAKEFIRST   who reopens wakes, then opens
 *   BUG_OPENFIRST   sections are open again before fork() is over
 */
#ifndef N
#define N 2
#endif
#ifndef R
#define R 1
#endif
#ifndef NF
#define NF 1
#endif
#ifndef F
#define F 1
#endif
#define NR (N + NF)		/* threads; those that fork come last */

bit closed;
byte nesting[NR], buffer[NR];	/* in memory; and on its way there */
bit is_buffered[NR], asleep[NR];
bit config_lock, lk, must_handle = 1, has_haste;
byte in_transit;		/* ghost: items */
bit is_changing;		/* ghost: somebody in lists */
byte nr_through;

#define STORE_NESTING atomic { buffer[me] = own; is_buffered[me] = 1 }
#define drain_buffer(t) \
	if :: is_buffered[t] -> nesting[t] = buffer[t]; is_buffered[t] = 0 :: else fi

proctype Buffer(byte t) {
end:	do :: atomic { is_buffered[t] -> drain_buffer(t) } od
}

inline heavy_barrier() {
#ifdef BUG_NOBARRIER
	skip
#else
	d_step {
#ifdef FENCES
		drain_buffer(me);
#else
		i = 0;
		do :: i < NR -> drain_buffer(i); i++ :: else -> i = 0; break od
#endif
	}
#endif
}

/* futex: compare and sleep */
inline wait_until_open() {
#ifdef BUG_NOVALUE
	asleep[me] = 1;
#else
	atomic { asleep[me] = closed };
#endif
	(!asleep[me])
}

#ifdef FENCES
#ifdef BUG_OLDTEST
#define LOOK c = closed; atomic { drain_buffer(me) }
#else
#define LOOK atomic { drain_buffer(me) }; c = closed
#endif
#else
#define LOOK c = closed
#endif

/* A whole section of a handler; `own` is the nesting of what it interrupts. */
inline handler() {
	own++; STORE_NESTING;
	do
	:: LOOK;
		if
		:: !c -> break
#ifdef BUG_NESTEDGOES
		:: c && own > 1 -> c = 0; break
		:: c && own == 1 ->
#else
		:: c ->
#endif
			own--; STORE_NESTING;
			wait_until_open();
			own++; STORE_NESTING
		fi
	od;
	in_transit++;
	in_transit--;
	own--; STORE_NESTING
}

/* Here a signal may come. */
#define SIGNAL if :: me == 0 && must_handle -> must_handle = 0; handler() :: skip fi

proctype Thread(byte me) {
	byte n, own; bit c;

	do
	:: n < R ->
		SIGNAL;
		do
		:: 1 ->
#ifdef BUG_TESTFIRST
			LOOK;
			own++; STORE_NESTING;
#else
			own++; STORE_NESTING;
			SIGNAL;
			LOOK;
#endif
			if :: !c -> break :: else fi;
#ifdef BUG_STAY
			wait_until_open();
			own--; STORE_NESTING
#else
			own--; STORE_NESTING;
			SIGNAL;
			wait_until_open()
#endif
		od;
		SIGNAL;
		in_transit++;
		if
		:: atomic { !lk -> lk = 1; is_changing = 1 };
			SIGNAL;
			atomic { is_changing = 0; lk = 0 }
		:: skip
		fi;
		in_transit--;
		SIGNAL;
		atomic { own--; c = 0; n++; STORE_NESTING }
	:: n < R ->
		/* a worker */
		atomic { !lk -> lk = 1; is_changing = 1 };
		SIGNAL;
		atomic { is_changing = 0; lk = 0; n++ }
	:: else -> break
	od;
	nr_through++
}

#if defined(BUG_NODEADLINE) || defined(BUG_STAY)
#define DEADLINE 0
#else
#ifdef HASTE
#define DEADLINE timeout || !has_haste
#else
#define DEADLINE timeout
#endif
#endif
/* There is one handler to wait for; a deadline that comes in haste is one more. */
#define MAX_TRIES 2

inline reopen() {
#ifdef BUG_WAKEFIRST
	d_step { do :: i < NR -> asleep[i] = 0; i++ :: else -> i = 0; break od };
	closed = 0;
#else
	closed = 0;
	d_step { do :: i < NR -> asleep[i] = 0; i++ :: else -> i = 0; break od };
#endif
	skip
}

proctype Forker(byte me) {
	byte n, i, nr_tries; bit is_held;

	do
	:: n < F ->
		atomic { !config_lock -> config_lock = 1 };
		do
		:: is_held -> break
		:: else ->
			atomic { closed = 1 };
			heavy_barrier();
			do
			:: i < NR ->
				if
				:: i == me || nesting[i] == 0 -> i++
				:: DEADLINE -> has_haste = 1; i = 0; goto let_go
				fi
			:: else -> i = 0; break
			od;
#ifdef BUG_NOLOCKS
			is_held = 1;
#endif
			if
			:: is_held
			:: atomic { !is_held && !lk -> lk = 1; is_held = 1 }
			:: !is_held && (DEADLINE) -> has_haste = 1; goto let_go
			fi;
			break;
let_go:
			nr_tries++;
			assert(nr_tries <= MAX_TRIES);
#ifdef BUG_STAYCLOSED
			skip
#else
			reopen();
#ifndef BUG_NOPAUSE
			timeout
#endif
#endif
		od;
#ifdef BUG_OPENFIRST
		reopen();
#endif
		/* fork() */
		assert(in_transit == 0 && !is_changing);
#ifndef BUG_NOLOCKS
		lk = 0;
#endif
		reopen();
		atomic { config_lock = 0; is_held = 0; nr_tries = 0; n++ }
	:: else -> break
	od;
	nr_through++
}

init {
	byte i;

	atomic {
		do :: i < NR -> run Buffer(i); i++ :: else -> break od;
		i = 0;
		do :: i < N -> run Thread(i); i++ :: else -> break od;
		do :: i < NR -> run Forker(i); i++ :: else -> i = 0; break od
	}
	/* who waits for ever is an invalid end state */
	(nr_through == NR)
}
