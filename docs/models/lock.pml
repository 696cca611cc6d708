/* SPDX-License-Identifier: MIT */
/*
 * lock.pml - the lock that is released by a plain store.
 *
 * Models  wq_lock_acquire() and wq_lock_release() in lib/base/lock.h, their slow halves in lock.c,
 *         wq_light_barrier() and wq_heavy_barrier() in membarrier.c. Each thread has a store
 *         buffer, which empties when it likes, before its own RMWs, and at anybody's membarrier.
 *         One entry is enough: a thread stores to the lock once between two RMWs or barriers.
 *         futex_wait compares and sleeps in one step, as the system promises.
 * Bounds  N threads take the lock R times each. FENCES: no membarrier, so both barriers are fences.
 * Checks  one holder at a time; nobody sleeps for ever.
 * Bugs    each must make pan report an error:
 *   BUG_NOBARRIER  who wants to sleep has no membarrier between his store and his look
 *   BUG_NOLOOK     ... does not look whether the lock is free by now
 *   BUG_LOOKFIRST  who releases looks for sleepers, then frees the lock
 *   BUG_WAKEONE    who releases clears `sleepers` and wakes one of them
 *   BUG_CLEARLATE  who releases wakes, then clears `sleepers`
 *   BUG_NOVALUE    sleeping does not compare `sleepers`
 */
#ifndef N
#define N 2
#endif
#ifndef R
#define R 2
#endif
#define WORD		1
#define SLEEPERS	2

bit word;
byte sleepers;
byte buf_to[N], buf_value[N];	/* 0: empty */
bit asleep[N];
byte nr_holders;

inline drain_buffer(t) {
	if
	:: buf_to[t] == WORD -> word = buf_value[t]
	:: buf_to[t] == SLEEPERS -> sleepers = buf_value[t]
	:: else
	fi;
	buf_to[t] = 0; buf_value[t] = 0
}

proctype Buffers() {
	byte t;

end:	do
	:: atomic { buf_to[0] != 0 -> drain_buffer(0) }
	:: atomic { buf_to[1] != 0 -> drain_buffer(1) }
#if N > 2
	:: atomic { buf_to[2] != 0 -> drain_buffer(2) }
#endif
	od
}

inline heavy_barrier() {
	d_step {
#ifdef FENCES
		drain_buffer(me);
#else
		t = 0;
		do :: t < N -> drain_buffer(t); t++ :: else -> t = 0; break od
#endif
	}
}

proctype Thread(byte me) {
	byte n, t, urgency; bit woke;

	do
	:: n == R -> break
	:: n < R ->
		urgency = 1;
		do
		:: atomic { word == 0 && buf_to[me] == 0 -> word = 1; urgency = 0 }; break
		:: atomic { word == 1 && buf_to[me] == 0 ->
				buf_to[me] = SLEEPERS; buf_value[me] = urgency };
#ifndef BUG_NOBARRIER
			heavy_barrier();
#endif
			if
#ifdef BUG_NOLOOK
			:: 1 ->
#else
			:: word == 1 ->
#endif
				/* the system call orders the caller's own stores */
				atomic {
					drain_buffer(me);
#ifdef BUG_NOVALUE
					asleep[me] = 1
#else
					asleep[me] = (sleepers == urgency)
#endif
				};
				(!asleep[me])
			:: else
			fi;
			urgency = 2
		od;
		atomic { nr_holders++; assert(nr_holders == 1) };
		atomic { nr_holders--; n++ };
#ifdef BUG_LOOKFIRST
		woke = (sleepers != 0);
#endif
		atomic { buf_to[me] == 0 -> buf_to[me] = WORD; buf_value[me] = 0 };
#ifdef FENCES
		d_step { drain_buffer(me) };
#endif
#ifndef BUG_LOOKFIRST
		woke = (sleepers != 0);
#endif
		if
		:: woke ->
			atomic {
				drain_buffer(me); woke = 0;
#ifndef BUG_CLEARLATE
				woke = (sleepers != 0); sleepers = 0
#endif
			};
#ifdef BUG_CLEARLATE
			woke = 1;
#endif
			if
			:: woke -> d_step {
					woke = 0; t = 0;
					do
#ifdef BUG_WAKEONE
					:: t < N && asleep[t] -> asleep[t] = 0; break
					:: t < N && !asleep[t] -> t++
#else
					:: t < N -> asleep[t] = 0; t++
#endif
					:: else -> break
					od;
					t = 0
				}
			:: else
			fi;
#ifdef BUG_CLEARLATE
			sleepers = 0
#endif
		:: else
		fi
	od
}

init {
	byte i;

	atomic {
		run Buffers();
		do :: i < N -> run Thread(i); i++ :: else -> i = 0; break od
	}
	timeout -> assert(_nr_pr == 2 && word == 0)
}
