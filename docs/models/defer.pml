/* SPDX-License-Identifier: MIT */
/*
 * defer.pml - who queues while a process is copied leaves the item to who forks.
 *
 * Models  wq_grace_enter_or_defer(), enter_unless_closed(), wq_grace_let_defer() in base/grace.[ch];
 *         wq_submit_take_deferred(), note_late() in core/submit.c; wq_defer_open(), push(),
 *         wq_defer_land() in ops/defer.c; prepare(), go_on_in_parent() in ops/fork.c, and libc's
 *         fork(), which then waits for malloc's lock; wait_for_late() in ops/flush.c. What is queued
 *         goes to one intake. How sections are closed and locks taken in spite of handlers is told in
 *         fork.pml, store buffers among it; here that just takes as long as it takes.
 * Bounds  NF threads fork once each. Item 0 is queued by a handler that has interrupted malloc(), and by
 *         another thread, which then flushes; item 1 by a thread that then looks at the pool, under its
 *         lock; item 2 by one that the former has told of it. SAME: item 0 only; ORDER: without it.
 *         Words are copied one by one.
 * Checks  nobody changes what is copied; the child finds each item idle by its word, or in a list; who
 *         looks or flushes finds what was queued before (D1); item 1 comes before item 2 (B8); each
 *         item is pushed once; nobody waits for ever.
 * Bugs    each must make pan report an error:
 *   BUG_WAIT         who queues waits until sections are open
 *   BUG_LETFIRST     others may defer before the stack is open
 *   BUG_TWOSTEPS     PENDING is taken before the tag
 *   BUG_OUTSIDE      who defers has left the section before he pushes
 *   BUG_NOLANDING    the stack is closed before what was on it has landed
 *   BUG_NEWEST       the newest lands first
 *   BUG_STAYOPEN     the stack is not closed again
 *   BUG_UNLOCKFIRST  pools are unlocked before what was deferred has landed
 *   BUG_REOPENFIRST  sections are open before it has
 *   BUG_NOLATE       who is told "pending" of a deferred item does not set `late`
 */
#ifndef NF
#define NF 2
#endif
#define NP 4			/* who queue */
#if defined(SAME) || defined(ORDER)
#define NR_QUEUERS 2
#else
#define NR_QUEUERS 4
#endif
#define NI 3

mtype = { CLOSED, OPEN, LANDING };
mtype newest = CLOSED;
mtype = { IDLE, PENDING, QUEUED, DEFERRED };
mtype word[NI] = IDLE;
byte stack[NI], nr_deferred;
bit closed, defer;		/* one word of flags */
bit inside[NP];
byte nr_left[NP];		/* sections finished */
bit config_lock, pool_lock, malloc_lock, late, told;
bit is_copying;			/* ghost */
byte nr_pushed[NI];		/* ghost */
byte nr_through;

inline push(i) {
	word[i] = QUEUED;
	atomic {
		assert(!is_copying && nr_pushed[i] == 0);
		assert(i != 2 || nr_pushed[1]);
		nr_pushed[i]++
	}
}

#define LEAVE atomic { inside[me] = 0; nr_left[me]++ }

inline enter() {
	do
	:: inside[me] = 1;
		atomic { c = closed; d = defer };
		if
		:: !c -> break
#ifndef BUG_WAIT
		:: c && d -> break
#endif
		:: else ->
			LEAVE;
#ifdef BUG_WAIT
			(!closed)
#else
			(!closed || defer)
#endif
		fi
	od
}

/* PENDING, or false: it is pending */
inline take(i) {
	atomic {
		taken = word[i] == IDLE;
		if
		:: !taken && word[i] == DEFERRED ->
#ifndef BUG_NOLATE
			late = 1
#endif
			skip
		:: !taken && word[i] != DEFERRED -> late = 1
#ifdef BUG_TWOSTEPS
		:: taken -> word[i] = PENDING
#else
		:: taken -> word[i] = (c -> DEFERRED : PENDING)
#endif
		fi
	}
#ifdef BUG_TWOSTEPS
	if :: taken && c -> word[i] = DEFERRED :: else fi
#endif
}

inline defer_or_land(i) {
	do
	:: (newest != LANDING) ->
		atomic {
			if
			:: newest == OPEN -> stack[nr_deferred] = i; nr_deferred++; break
			:: else
			fi
		};
		if
		:: newest == CLOSED -> push(i); break
		:: else
		fi
	od
}

inline queue(i) {
	enter();
	take(i);
#ifdef BUG_OUTSIDE
	if :: taken && c -> LEAVE :: else fi;
#endif
	if
	:: taken && c -> defer_or_land(i)
	:: taken && !c -> push(i)
	:: else
	fi;
#ifdef BUG_OUTSIDE
	if :: !(taken && c) -> LEAVE :: else fi
#else
	LEAVE
#endif
}

/* Under the pool's lock the intake is as it is: what was queued before is there. */
inline look(i) {
	atomic { !pool_lock -> pool_lock = 1 };
	assert(nr_pushed[i]);
	pool_lock = 0
}

proctype Handler(byte me) {
	bit c, d, taken;

	atomic { !malloc_lock -> malloc_lock = 1 };
	queue(0);
	malloc_lock = 0;
	nr_through++
}

proctype Flusher(byte me) {
	bit c, d, taken; byte n;

	queue(0);
	if
	:: atomic { late -> late = 0; n = (inside[0] -> nr_left[0] : 255) };
		(n == 255 || nr_left[0] != n)
	:: else
	fi;
	look(0);
	nr_through++
}

proctype First(byte me) {
	bit c, d, taken;

	queue(1);
	told = 1;
	look(1);
	nr_through++
}

proctype Second(byte me) {
	bit c, d, taken;

	(told);
	queue(2);
	nr_through++
}

inline reopen() {
	atomic { closed = 0; defer = 0 }
}

inline land() {
	d_step {
		n = nr_deferred;
		i = 0;
		do
		:: i < n ->
#ifdef BUG_NEWEST
			mine[i] = stack[n - 1 - i];
#else
			mine[i] = stack[i];
#endif
			stack[i] = 0;
			i++
		:: else -> i = 0; break
		od;
		nr_deferred = 0;
#ifdef BUG_NOLANDING
		newest = CLOSED
#else
#ifdef BUG_STAYOPEN
		newest = OPEN
#else
		newest = LANDING
#endif
#endif
	};
	do
	:: i < n -> push(mine[i]); mine[i] = 0; i++
	:: else -> break
	od;
#ifndef BUG_STAYOPEN
	newest = CLOSED
#endif
}

/* Its word, at any time while it is copied; lists are locked, and copied as they are. */
inline copy(i) {
	atomic { assert(word[i] == IDLE || word[i] == DEFERRED || nr_pushed[i]) }
}

proctype Forker() {
	byte i, n; byte mine[NI];

	atomic { !config_lock -> config_lock = 1 };
	closed = 1;
	(!inside[0]); (!inside[1]); (!inside[2]); (!inside[3]);
	atomic { !pool_lock -> pool_lock = 1 };
#ifdef BUG_LETFIRST
	defer = 1;
	newest = OPEN;
#else
	newest = OPEN;
	defer = 1;
#endif
	/* libc's */
	atomic { !malloc_lock -> malloc_lock = 1 };
	is_copying = 1;
	copy(0); copy(1); copy(2);
	is_copying = 0;
	malloc_lock = 0;
#ifdef BUG_UNLOCKFIRST
	pool_lock = 0;
#endif
#ifdef BUG_REOPENFIRST
	reopen();
#endif
	land();
#ifndef BUG_UNLOCKFIRST
	pool_lock = 0;
#endif
	atomic { reopen(); i = 0; n = 0 };
	config_lock = 0;
	nr_through++
}

init {
	byte i;

	atomic {
#ifndef ORDER
		run Handler(0);
		run Flusher(1);
#endif
#ifndef SAME
		run First(2);
		run Second(3);
#endif
		do :: i < NF -> run Forker(); i++ :: else -> i = 0; break od
	}
	/* who waits for ever is an invalid end state */
	(nr_through == NR_QUEUERS + NF);
#ifndef ORDER
	assert(nr_pushed[0]);
#endif
#ifndef SAME
	assert(nr_pushed[1] && nr_pushed[2])
#endif
}
