/* SPDX-License-Identifier: MIT */
/*
 * watch.pml - a worker waits: told, seen and sampled, all at once.
 *
 * Models  wq_block_begin(), wq_block_end(), wq_block_see(), ask() and look_at_bound() in
 *         core/block.c; start() and settle() in core/worker.c as far as they count; the ring of
 *         base/ring.c: what the newest record says, and then the news that wakes the watcher;
 *         the watcher's thread in core/switches.c. A worker that has to wait for the pool's lock
 *         sleeps too, and its ring says so. Who else is woken, and preemption, which is no
 *         sleep to the ring, are left out.
 * Bounds  one bound pool, one or two workers (NW), NI items on each one after another; in each an
 *         item may do NA things: sleep, or be told to wait and sleep in that or not; one item may
 *         sleep for ever, or compute for ever; INTENSIVE: the first worker's first one does not
 *         count from the start; SAMPLE: the manager looks so often.
 * Checks  nr_running is the number of workers on an item that are not uncounted, at any time; when
 *         nothing moves any more nobody who sleeps for ever is counted, and who computes for ever
 *         is, if the manager has not stepped around it (then when its item is done).
 * Bugs    each must make pan report an error:
 *   BUG_TOLDTWICE   who is told to wait leaves though it is uncounted already
 *   BUG_ENDALWAYS   ... and comes back though it did not leave
 *   BUG_SEEALL      the watcher counts everybody again who is awake
 *   BUG_SEENSTAYS   an item is done, and is_seen stays
 *   BUG_NOSETTLE    an item is done, and its worker stays uncounted
 *   BUG_NOWORK      the watcher does not look whether the worker is on an item
 *   BUG_TRUST       (SAMPLE) the manager does not look again after it had to drop the lock
 *   BUG_NOBACK      the watcher does not count who is back
 *   BUG_NEWSFIRST   the news comes before the record
 *   BUG_NEWSLATE    the watcher takes the news after it has looked
 */
#ifndef NW
#define NW 1
#endif
#ifndef NI
#define NI 2
#endif
#ifndef NA
#define NA 2
#endif
#ifndef SAMPLE
#define SAMPLE 0
#endif

bit lk;
byte nr_running;
/* of each worker, under the lock */
bit has_work[NW], is_uncounted[NW], is_seen[NW];
byte nr_started[NW];
bit has_current[NW];		/* lock-free */
bit sleeps[NW], news[NW];	/* the ring; the poller */
bit stays;			/* somebody does so for ever */
bit sampled[NW];		/* ghost */

inline check() {
	d_step {
		j = 0; nr = 0;
		do
		:: j < NW -> nr = nr + (has_work[j] && !is_uncounted[j]); j++
		:: else -> break
		od;
		assert(nr == nr_running);
		j = 0; nr = 0
	}
}

inline uncount(w) {
	assert(!is_uncounted[w] && nr_running > 0);
	is_uncounted[w] = 1; nr_running--
}

inline recount(w) {
	assert(is_uncounted[w]);
	is_uncounted[w] = 0; nr_running++;
#ifdef BUG_SEENSTAYS
	if :: has_work[w] -> is_seen[w] = 0 :: else fi
#else
	is_seen[w] = 0
#endif
}

/* The system writes the record, then tells the poller. */
#ifdef BUG_NEWSFIRST
#define SWITCH(v) news[me] = 1; sleeps[me] = v
#else
#define SWITCH(v) sleeps[me] = v; news[me] = 1
#endif

/* A worker's lock: it is free, or it sleeps until it is. */
inline lock() {
	if
	:: atomic { !lk -> lk = 1 }
	:: lk -> SWITCH(1);
		atomic { !lk -> lk = 1 };
		SWITCH(0)
	fi
}

proctype Worker(byte me) {
	byte n, a, j, nr; bit is_told;

	do
	:: n < NI ->
		/* start() */
		lock();
		atomic {
			nr_started[me]++; has_work[me] = 1; has_current[me] = 1; nr_running++;
#ifdef INTENSIVE
			if :: me == 0 && n == 0 -> uncount(me) :: else fi;
#endif
			check(); lk = 0
		};
		do
		:: a < NA ->
			if
			:: atomic { !stays -> stays = 1 };
				if
				:: SWITCH(1);
end_sleeping:				(0)
				:: 1 ->
end_computing:				(0)
				fi
			:: SWITCH(1); SWITCH(0)
			:: /* wq_block_begin() */
				lock();
				atomic {
#ifdef BUG_TOLDTWICE
					is_told = 1;
#else
					is_told = !is_uncounted[me];
#endif
					if :: is_told -> uncount(me) :: else fi;
					check(); lk = 0
				};
				if
				:: SWITCH(1); SWITCH(0)
				:: 1
				fi;
				/* wq_block_end() */
#ifdef BUG_ENDALWAYS
				lock();
				atomic { is_told = 0; recount(me); check(); lk = 0 }
#else
				if
				:: is_told ->
					lock();
					atomic { is_told = 0; recount(me); check(); lk = 0 }
				:: else
				fi
#endif
			fi;
			a++
		:: break
		od;
		a = 0;
		has_current[me] = 0;
		/* settle() */
		lock();
		atomic {
#ifdef BUG_NOSETTLE
			if :: !is_uncounted[me] -> nr_running-- :: else fi;
			has_work[me] = 0;
#else
			has_work[me] = 0;
			if :: is_uncounted[me] -> recount(me) :: else fi;
			sampled[me] = 0;
			/* goes on, or leaves to be idle */
			nr_running--;
#endif
			check(); lk = 0; n++
		}
	:: else -> break
	od
}

proctype Watcher() {
	byte w, j, nr; bit is_asleep;

end_wait:
	do
	:: atomic {
			if
			:: news[0] -> w = 0
			:: news[NW - 1] -> w = NW - 1
			fi;
#ifndef BUG_NEWSLATE
			news[w] = 0
#endif
		};
		/* wq_block_see() */
		atomic { !lk -> lk = 1 };
#ifdef BUG_NOWORK
		is_asleep = sleeps[w];
#else
		is_asleep = has_work[w] && has_current[w];
		if :: is_asleep -> is_asleep = sleeps[w] :: else fi;
#endif
#ifdef BUG_NEWSLATE
		news[w] = 0;
#endif
		atomic {
			if
			:: is_asleep && !is_uncounted[w] -> uncount(w); is_seen[w] = 1
#ifndef BUG_NOBACK
#ifdef BUG_SEEALL
			:: !is_asleep && is_uncounted[w] -> recount(w)
#else
			:: !is_asleep && is_seen[w] -> recount(w)
#endif
#endif
			:: else
			fi;
			is_asleep = 0; check(); lk = 0
		}
	od
}

#if SAMPLE
proctype Manager() {
	byte n, w, j, nr, started; bit is_asleep;

	do
	:: n < SAMPLE ->
		w = 0;
#if NW > 1
		if :: w = 1 :: skip fi;
#endif
		/* has_not_got_on() */
		atomic { !lk -> lk = 1 };
		if
		:: has_work[w] && !is_uncounted[w] ->
			/* ask() */
			atomic { started = nr_started[w]; lk = 0 };
			is_asleep = sleeps[w];
			atomic { !lk -> lk = 1 };
			atomic {
				if
#ifdef BUG_TRUST
				:: is_asleep ->
#else
				:: is_asleep && has_work[w] && nr_started[w] == started &&
				   !is_uncounted[w] ->
#endif
					uncount(w); sampled[w] = 1
				:: else
				fi;
				check()
			}
		:: else
		fi;
		atomic { lk = 0; is_asleep = 0; started = 0; n++ }
	:: else -> break
	od
}
#endif

init {
	byte i;

	atomic {
		run Watcher();
		do :: i < NW -> run Worker(i); i++ :: else -> i = 0; break od;
#if SAMPLE
		run Manager()
#endif
	}
	timeout ->
	assert(!lk);
	d_step {
		do
		:: i < NW ->
			if
			:: has_work[i] && sleeps[i] -> assert(is_uncounted[i])
#ifdef INTENSIVE
			:: i == 0 && nr_started[i] == 1
#endif
			:: has_work[i] && !sleeps[i] -> assert(!is_uncounted[i] || sampled[i])
			:: !has_work[i] -> assert(!is_uncounted[i])
			fi;
			i++
		:: else -> i = 0; break
		od
	}
}
