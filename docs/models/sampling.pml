/* SPDX-License-Identifier: MIT */
/*
 * sampling.pml - the manager stops looking at the pools only when no worker runs, and a worker that
 *                begins to run while it does not look wakes it.
 *
 * Models  wq_manager_note_busy_locked(), start_sampling(), stop_sampling(), sample_all() and the
 *         loop of manager_main() in core/manager.c; the counting around them in core/pool.c.
 *         wq_manager_samples is written by a relaxed store, so it goes through a store buffer,
 *         which empties when it likes, and before the manager releases a lock.
 * Bounds  NP pools, NW workers on each; a worker runs R times and may stay in any run for ever;
 *         the manager stops after QUIET looks that found nobody.
 * Checks  the manager never sleeps for good while a worker runs.
 * Bugs    each must make pan report an error:
 *   BUG_NOLOCK     stopping, the manager reads nr_running without the pool's lock
 *   BUG_LOOKFIRST  it looks at the pools, then says that it does not sample
 *   BUG_ONEPOOL    it looks at one pool only
 *   BUG_NORESTART  it finds somebody running and does not start again
 *   BUG_NOTEEARLY  the worker looks whether it samples, then takes the lock and is counted
 *   BUG_NONOTE     a worker that comes back (is counted again) does not look
 */
#ifndef NP
#define NP 2
#endif
#ifndef NW
#define NW 1
#endif
#ifndef R
#define R 2
#endif
#ifndef QUIET
#define QUIET 1
#endif

bit samples, buf_full, buf, token;
bit lk[NP];
byte nr_running[NP];

proctype Buffer() {
end:	do :: atomic { buf_full -> samples = buf; buf_full = 0 } od
}
#define STORE_SAMPLES(v) atomic { !buf_full -> buf = v; buf_full = 1 }
/* the manager's own load sees its buffer */
#define OWN_SAMPLES (buf_full -> buf : samples)

proctype Worker(byte p) {
	byte n; bit seen;

	do
	:: n < R ->
#ifdef BUG_NOTEEARLY
		seen = samples;
		atomic { lk[p] == 0 -> lk[p] = 1 };
		nr_running[p]++;
#else
		atomic { lk[p] == 0 -> lk[p] = 1 };
		nr_running[p]++;
#ifdef BUG_NONOTE
		if :: n == 0 -> seen = samples :: else -> seen = 1 fi;
#else
		seen = samples;
#endif
#endif
		lk[p] = 0;
		if :: !seen -> token = 1 :: else fi;
		if
		:: skip
		:: goto stay			/* runs for ever */
		fi;
		atomic { lk[p] == 0 -> nr_running[p]--; n++; seen = 0 }
	:: else -> break
	od;
stay:
	skip
}

proctype Manager() {
	byte p, quiet; bit running;

end_wait:
	if
	:: atomic { token -> token = 0 };
		if
		:: !OWN_SAMPLES -> quiet = 0; STORE_SAMPLES(1); goto end_wait
		:: else -> goto end_wait
		fi
	:: OWN_SAMPLES			/* the deadline */
	fi;
	/* sample_all() */
	p = 0; running = 0;
	do
	:: p < NP -> running = running || nr_running[p] > 0; p++
	:: else -> break
	od;
	atomic {
		p = 0;
		if
		:: running -> running = 0; quiet = 0; goto end_wait
		:: !running && quiet < QUIET -> quiet++; goto end_wait
		:: else -> quiet = 0
		fi
	};
	/* stop_sampling() */
#ifndef BUG_LOOKFIRST
	STORE_SAMPLES(0);
#endif
	do
	:: p < NP ->
#ifndef BUG_NOLOCK
		atomic { lk[p] == 0 -> lk[p] = 1 };
#endif
		running = nr_running[p] > 0;
#ifndef BUG_NOLOCK
		atomic { !buf_full -> lk[p] = 0 };	/* release: earlier stores come first */
#endif
		if
		:: running -> break
		:: else -> p++
		fi;
#ifdef BUG_ONEPOOL
		break
#endif
	:: else -> break
	od;
#ifdef BUG_LOOKFIRST
	if :: !running -> STORE_SAMPLES(0) :: else fi;
#endif
#ifndef BUG_NORESTART
	if :: running -> STORE_SAMPLES(1) :: else fi;
#endif
	atomic { running = 0; p = 0; goto end_wait }
}

init {
	byte i;

	atomic {
		run Buffer();
		run Manager();
		do :: i < NP * NW -> run Worker(i % NP); i++ :: else -> i = 0; break od
	}
	/* only if the manager sleeps: while it samples there is always a next look */
	timeout ->
	assert(!samples && !token);
	atomic { do :: i < NP -> assert(nr_running[i] == 0); i++ :: else -> i = 0; break od }
}
