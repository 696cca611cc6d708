/* SPDX-License-Identifier: MIT */
/*
 * shutdown.pml - workq_shutdown() against producers, chained items, timers, and threads being made.
 *
 * Models  begin(), shut_all(), end_threads(), are_threads_gone() in ops/shutdown.c; the looks at
 *         the flags in core/submit.c; timer_main(), wq_timer_stop(), wq_timer_is_gone() and
 *         wq_timer_start() in core/timer.c: who wants the thread to end sets the timerfd, which
 *         the thread may set anew; manager_main() from its making of threads to its end.
 *         Sections and what is stored in them are sequentially consistent (epoch.pml has them with
 *         store buffers). One queue in one pool; items are just counted; an idle worker is woken by
 *         any work, and the manager looks whenever there is something for it (manager.pml).
 * Bounds  NP producers queue one item each, the first item that starts queues one more; NT timers,
 *         armed at any time, of delayed items; NW worker slots; LATE: the time may be over before
 *         the queue is empty; NS threads call workq_shutdown().
 * Checks  when it has returned 0 no thread exists and no item waits, nor later; nothing begins once
 *         it has taken back what waited; in time, nothing accepted is taken back; it returns.
 * Bugs    each must make pan report an error:
 *   BUG_NODRAINSYNC   no grace period after the queues drain
 *   BUG_NOSHUTSYNC    (LATE) none after they are shut
 *   BUG_TAKEFIRST     (LATE) what waits is taken back, then queues are shut
 *   BUG_CHAIN         (LATE) running items may still queue
 *   BUG_STOPONCE      the timer thread is told once only
 *   BUG_TIMERFIRST    that it is gone is looked at before the manager is, who might just make it
 *   BUG_REAPONCE      the manager that is to end sees to idle workers once
 *   BUG_NOTSTARTING   it does not count workers that it has made and that have not begun
 */
#ifndef NP
#define NP 2
#endif
#ifndef NT
#define NT 1
#endif
#ifndef NW
#define NW 2
#endif
#ifndef NS
#define NS 1
#endif

bit is_draining, is_shut, is_stopped, must_end;	/* flags, in the order of their setting */
byte in[2];				/* sections, by their parity of begin: see enter() */
bit era;				/* which of them new ones count in */
byte intake, worklist, nr_running, nr_idle, nr_workers, must_exit;
byte nr_starting;			/* threads made that have not got to the lock */
byte armed, nr_armed;
bit timer_started, alarm;
bit has_timer_thread, manager_gone, timer_runs;
bit sync_lk;
byte nr_accepted, nr_ran, nr_taken, nr_started, nr_through;
bit nothing_begins, is_late;	/* ghosts */

/* A section counts in the era in which it began; a grace period waits for those of the last one. */
inline enter(e) { atomic { e = era; in[e]++ } }
inline leave(e) { atomic { in[e]--; e = 0 } }
inline synchronize() {
	atomic { !sync_lk -> sync_lk = 1; era = !era };
	atomic { in[!era] == 0 -> sync_lk = 0 }
}

proctype Producer() {
	bit e;

	enter(e);
	if
	:: is_draining || is_shut
	:: !is_draining && !is_shut -> atomic { intake++; nr_accepted++ }
	fi;
	leave(e)
}

proctype Armer() {
	atomic { armed++; nr_armed++ }
}

proctype TimerThread() {
	bit e;

	do
	:: 1 ->
		/* fire_all() */
		do
		:: atomic { armed > 0 -> e = era; in[e]++ };
			/* under the shard's lock */
			atomic {
				if
				:: armed > 0 ->
					armed--;
					if
					:: is_draining || is_shut
					:: else -> intake++; nr_accepted++
					fi
				:: else
				fi
			};
			leave(e)
		:: armed == 0 -> break
		od;
		/* set_deadline(): overwrites what it was set to */
		alarm = 0;
		(alarm || armed > 0);
		if :: is_stopped -> break :: else fi
	od;
	has_timer_thread = 0
}

proctype Worker() {
	bit e, is_first;

	atomic { nr_starting--; nr_idle++ };
	do
	:: atomic { must_exit > 0 && nr_idle > 0 -> must_exit--; nr_workers--; break }
	:: atomic { nr_idle > must_exit && intake + worklist > 0 ->
			assert(!nothing_begins);
			nr_idle--; nr_running++;
			worklist = worklist + intake - 1; intake = 0;
			is_first = (nr_started == 0); nr_started++ };
		if
		:: is_first ->
			/* chained */
			enter(e);
			if
#ifdef BUG_CHAIN
			:: 1 -> atomic { intake++; nr_accepted++ }
#else
			:: !is_shut -> atomic { intake++; nr_accepted++ }
			:: is_shut
#endif
			fi;
			leave(e);
			is_first = 0
		:: else
		fi;
		/* settle: the next one, or idle */
		atomic { nr_running--; nr_idle++; nr_ran++ }
	od
}

proctype Manager() {
	bit is_ending;

	do
	:: 1 ->
		/* woken, or looks once each while if it is to end */
		(must_end || (intake + worklist > 0 && nr_idle + nr_starting == 0) ||
		 (armed > 0 && !timer_started && !is_stopped));
		is_ending = must_end;
		if
		:: !is_ending && armed > 0 && !timer_started && !is_stopped ->
			/* wq_timer_start() */
			timer_started = 1;
			atomic { has_timer_thread = 1; run TimerThread() }
		:: else
		fi;
		if
		:: atomic { !is_ending && intake + worklist > 0 && nr_idle + nr_starting == 0 &&
				nr_workers < NW -> nr_workers++; nr_starting++ };
			atomic { run Worker() }
		:: else
		fi;
		/* reap_all() */
		if
		:: is_ending ->
			must_exit = nr_idle;
#ifdef BUG_NOTSTARTING
			if :: nr_workers == nr_starting -> break :: nr_workers > nr_starting fi
#else
			/* looks again 1 ms later, here when there is something new to see */
#ifdef BUG_REAPONCE
			(nr_workers == 0);
#else
			(nr_workers == 0 || nr_idle > must_exit);
#endif
			if :: nr_workers == 0 -> break :: else fi
#endif
		:: else
		fi
	od;
	manager_gone = 1
}

inline stop_timer() { is_stopped = 1; alarm = 1 }

/* wait_for(wq_timer_is_gone): looks again and again, here when there is something new to see. */
inline wait_for_timer() {
#ifdef BUG_STOPONCE
	(!timer_started || !has_timer_thread)
#else
	do
	:: !timer_started -> break
	:: timer_started ->
		stop_timer();
		if
		:: !has_timer_thread -> break
		:: else -> (!has_timer_thread || !alarm)
		fi
	od
#endif
}

proctype Caller() {
	bit late;

	stop_timer();
	wait_for_timer();
	is_draining = 1;
#ifndef BUG_NODRAINSYNC
	synchronize();
#endif
	armed = 0;
	/* is_all_empty() */
	if
	:: intake + worklist + nr_running == 0
#ifdef LATE
	:: late = 1; is_late = 1
#endif
	fi;
	/* shut_all() */
#ifdef BUG_TAKEFIRST
	atomic { nr_taken = nr_taken + intake + worklist; intake = 0; worklist = 0 };
#endif
	is_shut = 1;
#ifndef BUG_NOSHUTSYNC
	synchronize();
#endif
#ifndef BUG_TAKEFIRST
	atomic { nr_taken = nr_taken + intake + worklist; intake = 0; worklist = 0 };
#endif
	nothing_begins = 1;
	armed = 0;
	/* end_threads() */
	must_end = 1;
#ifdef BUG_TIMERFIRST
	wait_for_timer();
	(manager_gone);
#else
	(manager_gone);
	wait_for_timer();
#endif
	atomic {
		(nr_workers == 0);
		assert(!has_timer_thread && manager_gone && nr_running == 0);
		assert(intake == 0 && worklist == 0);
		nr_through++
	}
}

init {
	byte i;

	atomic {
		run Manager();
		do :: i < NP -> run Producer(); i++ :: else -> break od;
		i = 0;
		do :: i < NT -> run Armer(); i++ :: else -> break od;
		i = 0;
		do :: i < NS -> run Caller(); i++ :: else -> i = 0; break od
	}
	(nr_through == NS && _nr_pr == 1);
	assert(intake == 0 && worklist == 0);
	assert(nr_accepted == nr_ran + nr_taken);
	assert(is_late || nr_taken == 0)
}
