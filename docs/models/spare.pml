/* SPDX-License-Identifier: MIT */
/*
 * spare.pml - a worker that goes to work leaves an idle one behind, or has one made (Q2).
 *
 * Models  wq_pool_lacks_spare_locked(), wq_pool_want_spare_locked() and nr_starting in core/pool.c;
 *         reserve_worker(), give_back(), serve(), serve_all() with both times of retrying in
 *         core/manager.c; wq_rescuer_call() and wq_worker_rescue(); beside it what manager.pml
 *         models of pushes, the wake rule and idle workers. When a thread cannot be had while work
 *         waits, all making stops until the next try; when it was only to be a spare one, spare
 *         ones do.
 * Bounds  one pool, bound if BOUND, else with max_running MAXR; NW worker slots; NP producers push
 *         once each; the first NB items wait, told, until all have started; STAY: the last one
 *         goes on for ever; NFAIL threads cannot be made; LONG: the next try for a spare one is
 *         never due; NREAP idle workers are reaped unless they are the last; RESCUER: the queue
 *         has one.
 * Checks  when nothing moves any more every item has run, wants_worker is not set, nobody is
 *         counted who does not run, and an idle worker stands by if one works for ever; there are
 *         never more workers than slots, which are as many as items that may be under way at once,
 *         and one more.
 * Bugs    each must make pan report an error:
 *   BUG_NOASK       a worker that goes to work does not ask for a spare one
 *   BUG_NOSTARTING  those under way do not count as spare
 *   BUG_WANTSTAYS   the manager does not clear wants_worker if it makes only a spare one
 *   BUG_WANTSPARE   ... and could not
 *   BUG_NORETRY     after a failure nobody tries again, where work waits
 *   BUG_NOSPARETRY  ... where it was a spare one
 *   BUG_ONETIME     after a failure for a spare one no thread is made for work either, and who
 *                   unlocks does not see to it again
 *   BUG_TRYONE      when it is time for another spare one only pools that ask are looked at
 *   BUG_NOGIVEBACK  a thread that could not be made stays counted as starting
 *   BUG_RESCUE      (RESCUER) a rescuer leaves without the wake rule
 */
#ifndef NW
#define NW 3
#endif
#ifndef MAXR
#define MAXR 2
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NB
#define NB 1
#endif
#ifndef NFAIL
#define NFAIL 0
#endif
#ifndef NREAP
#define NREAP 0
#endif
#define NONE 255
#define MGR NW			/* the parks after the workers' */
#define RSC (NW + 1)
#define NPARK (NW + 2)

/* lock-free */
byte intake, waker = MGR;
bit park[NPARK];

/* under the lock */
bit lk, wants_worker, due[NPARK], is_calling;
byte worklist, nr_running, nr_workers, nr_starting;
byte idle[NW], nr_idle;		/* oldest first */
bit is_idle[NW], has_slot[NW], must_exit[NW];

bit has_thread[NW];
byte nr_started, nr_ran, nr_reaped, nr_failed;

#ifdef BOUND
#define NEEDS_WORKER (nr_running == 0)
#define OTHERS_RUN (nr_running > 1)
#define NO_OFFER (nr_running > 0)
#define ROOM 1
#else
#define NEEDS_WORKER (nr_idle > 0 || nr_running < MAXR)
#define OTHERS_RUN 0
#define NO_OFFER 0
#define ROOM (nr_running < MAXR)
#endif
#ifdef BUG_NOSTARTING
#define LACKS_SPARE (nr_idle == 0 && nr_workers > 0 && ROOM)
#else
#define LACKS_SPARE (nr_idle == 0 && nr_starting == 0 && nr_workers > 0 && ROOM)
#endif

inline drain() { worklist = worklist + intake; intake = 0 }

inline unlist(w, i) {
	d_step {
		i = 0;
		do :: idle[i] != w -> i++ :: else -> break od;
		do :: i + 1 < nr_idle -> idle[i] = idle[i + 1]; i++ :: else -> break od;
		nr_idle--; idle[nr_idle] = 0; is_idle[w] = 0; i = 0
	}
}

inline want_spare() {
	if
	:: LACKS_SPARE && !wants_worker -> wants_worker = 1; due[MGR] = 1
	:: else
	fi
}

/* newest idle one, or the manager stands in */
inline wake_one(w, i) {
	if
	:: nr_idle > 0 ->
		w = idle[nr_idle - 1];
		unlist(w, i);
		nr_running++;
		due[w] = 1
	:: nr_idle == 0 && !wants_worker -> wants_worker = 1; due[MGR] = 1
	:: else
	fi;
	w = NONE
}

/* Those who must be woken, once the lock is free. */
inline release(i, wake) {
	atomic {
		do
		:: i < NPARK -> wake = wake | (due[i] << i); due[i] = 0; i++
		:: else -> i = 0; break
		od;
		lk = 0
	};
	do
	:: wake != 0 ->
		atomic {
			do :: !((wake >> i) & 1) -> i++ :: else -> break od;
			park[i] = 1; wake = wake & ~(1 << i); i = 0
		}
	:: else -> break
	od
}

/* wq_pool_unlock(), see manager.pml */
inline pool_unlock(w, i, wake) {
	do
	:: atomic { worklist == 0 ->
			if
			:: NO_OFFER -> w = NONE
			:: !NO_OFFER && nr_idle > 0 -> w = idle[nr_idle - 1]
			:: !NO_OFFER && nr_idle == 0 -> w = (NEEDS_WORKER -> MGR : NONE)
			fi;
			if
			:: w == NONE -> waker = NONE; break
			:: w != NONE && waker == w -> break
			:: else
			fi
		};
		waker = w;
		if
		:: intake == 0 -> break
		:: else
		fi;
		atomic { waker = NONE };
		atomic { drain() }
	:: atomic { worklist > 0 ->
			waker = NONE;
			if :: NEEDS_WORKER -> wake_one(w, i) :: else fi
		};
		break
	od;
	atomic { w = NONE };
	release(i, wake)
}

proctype Producer() {
	byte w = NONE;

	intake++;
	w = waker;
	if
	:: w != NONE ->
		atomic { w = waker; waker = NONE };
		if
		:: w != NONE -> park[w] = 1
		:: else
		fi
	:: else
	fi
}

#define RUN	0
#define IDLE	1
#define EXIT	2
#define BLOCKED	3
#define BACK	4
#define LEFT	5

/* An item's function, by `nr`: goes to `unlock`, or through. */
inline function() {
	if
	:: next == BLOCKED ->
		(nr_started == NP);
		atomic { lk == 0 -> lk = 1; nr_running++ };
		next = BACK; goto unlock
	:: next == RUN && nr < NB ->
		atomic { lk == 0 -> lk = 1; nr_running-- };
		next = BLOCKED; goto unlock
	:: else
	fi;
#ifdef STAY
	if
	:: nr == NP - 1 ->
end_stay:	(0)
	:: else
	fi;
#endif
	atomic { nr_ran++; nr = 0; next = 0 }
}

proctype Worker(byte me) {
	byte w = NONE, i, wake, next, nr; bit goes = 1;

end_new:
	atomic { has_thread[me] -> has_thread[me] = 0; goes = 1 };
	atomic { lk == 0 -> lk = 1; nr_starting-- };
take:
	/* lock held */
	atomic {
		if
		:: OTHERS_RUN -> next = IDLE
		:: else ->
			if :: worklist == 0 -> drain() :: else fi;
			next = (worklist > 0 -> RUN : IDLE)
		fi;
		if
		:: next == RUN ->
			worklist--; nr = nr_started; nr_started++;
#ifndef BUG_NOASK
			if :: goes -> want_spare() :: else fi;
#endif
			goes = 0
		:: else ->
			nr_running--; is_idle[me] = 1;
			idle[nr_idle] = me; nr_idle++
		fi
	};
unlock:
	pool_unlock(w, i, wake);
	if
	:: next == EXIT -> next = 0; goto end_new
	:: next == IDLE ->
end_idle:
		atomic { park[me] -> park[me] = 0 };
		atomic {
			lk == 0 -> lk = 1; goes = 1;
			if
			:: must_exit[me] ->
				must_exit[me] = 0; has_slot[me] = 0; nr_workers--;
				next = EXIT; goto unlock
			:: !must_exit[me] && is_idle[me] -> unlist(me, i); nr_running++
			:: else
			fi
		};
		goto take
	:: else
	fi;
	function();
	atomic { lk == 0 -> lk = 1 };
	goto take
}

#ifdef RESCUER
/* Not counted among the slots: it has one of its own. One item a turn. */
proctype Rescuer() {
	byte w = NONE, i, wake, next, nr;

end_wait:
	atomic { park[RSC] -> park[RSC] = 0 };
next_turn:
	atomic {
		lk == 0 && is_calling -> lk = 1;
		nr_workers++; nr_running++;
		if :: worklist == 0 -> drain() :: else fi;
		if
		:: worklist > 0 -> worklist--; nr = nr_started; nr_started++; next = RUN
		:: else -> next = LEFT; is_calling = 0; nr_workers--; nr_running--
		fi
	};
unlock:
#ifdef BUG_RESCUE
	if :: next == LEFT -> lk = 0; next = 0; goto end_wait :: else fi;
#endif
	pool_unlock(w, i, wake);
	if
	:: next == LEFT -> next = 0; goto end_wait
	:: else
	fi;
	function();
	atomic { lk == 0 -> lk = 1; nr_workers--; nr_running--;
		is_calling = (worklist > 0); next = LEFT
	};
	if
	:: is_calling ->
		/* back to the end of the line, with nobody before it */
		atomic { park[RSC] = 1 }
	:: else
	fi;
	goto unlock
}
#endif

proctype Manager() {
	byte w = NONE, i, wake, new = NONE; bit retry, spare_later, all, is_urgent;

end_wait:
	if
	:: atomic { park[MGR] -> park[MGR] = 0 };
		if :: retry -> goto end_wait :: else fi
	:: atomic { retry -> retry = 0 }		/* 10 ms later */
#ifndef LONG
	:: atomic { spare_later && !retry -> spare_later = 0;	/* 1 s later */
#ifndef BUG_TRYONE
			all = 1
#endif
		}
#endif
	:: atomic {
			lk == 0 && nr_idle > 1 && nr_reaped < NREAP;
			lk = 1; w = idle[0];
			unlist(w, i);
			must_exit[w] = 1; due[w] = 1; w = NONE; nr_reaped++
		};
		goto unlock
	fi;
#ifdef BUG_ONETIME
	if :: spare_later -> goto end_wait :: else fi;
#endif
	/* serve() */
	if
	:: !all && intake == 0 && !wants_worker && waker != NONE -> goto end_wait
	:: else
	fi;
	atomic {
		lk == 0 -> lk = 1; all = 0;
		drain();
		is_urgent = (worklist > 0 && nr_idle == 0 && NEEDS_WORKER);
		if
		:: is_urgent || (!spare_later && LACKS_SPARE) ->
			new = 0;
			do :: new < NW && has_slot[new] -> new++ :: else -> break od;
			assert(new < NW);		/* more workers than there need be */
			has_slot[new] = 1; nr_workers++; nr_starting++; nr_running++;
#ifdef BUG_WANTSTAYS
			if :: is_urgent -> wants_worker = 0 :: else fi
#else
			wants_worker = 0
#endif
		:: else -> wants_worker = 0
		fi
	};
unlock:
	pool_unlock(w, i, wake);
	if
	:: new != NONE -> atomic { has_thread[new] = 1; new = NONE; is_urgent = 0 }
	:: new != NONE && nr_failed < NFAIL ->
		/* give_back() */
		atomic {
			lk == 0 -> lk = 1;
			has_slot[new] = 0; new = NONE; nr_failed++;
			nr_workers--; nr_running--;
#ifndef BUG_NOGIVEBACK
			nr_starting--;
#endif
#ifdef BUG_WANTSPARE
			wants_worker = 1
#else
			wants_worker = is_urgent
#endif
		};
		pool_unlock(w, i, wake);
		if
		:: is_urgent ->
#ifndef BUG_NORETRY
			retry = 1;
#endif
#ifdef RESCUER
			/* wq_rescuer_call() */
			atomic { lk == 0 -> lk = 1; drain();
				if
				:: worklist > 0 && !is_calling -> is_calling = 1; due[RSC] = 1
				:: else
				fi
			};
			is_urgent = 0;
			goto unlock
#endif
		:: !is_urgent ->
#ifndef BUG_NOSPARETRY
			spare_later = 1
#endif
		fi;
		is_urgent = 0
	:: else -> is_urgent = 0
	fi;
	goto end_wait
}

init {
	byte i;

	atomic {
		run Manager();
		do :: i < NW -> run Worker(i); i++ :: else -> break od;
		i = 0;
		do :: i < NP -> run Producer(); i++ :: else -> i = 0; break od;
#ifdef RESCUER
		run Rescuer()
#endif
	}
	timeout ->
	assert(intake == 0 && worklist == 0 && nr_started == NP && !wants_worker && !is_calling);
	assert(nr_starting == 0);
#ifdef STAY
	assert(nr_ran == NP - 1 && nr_running == 1);
#ifndef LONG
	assert(nr_idle > 0 || !ROOM);
#endif
#else
	assert(nr_ran == NP && nr_running == 0);
	atomic {
		do
		:: i < NW -> assert(is_idle[i] == has_slot[i] && !must_exit[i]); i++
		:: else -> i = 0; break
		od
	}
#endif
}
