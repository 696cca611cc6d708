/* SPDX-License-Identifier: MIT */
/*
 * cpus.pml - a CPU leaves and comes back: its pool is managed like an unbound one meanwhile.
 *
 * Models  wq_pools_place() in core/pools.c; wq_worker_pin_all() and stay_in_place_locked() in
 *         core/worker.c: who has moved the pool then puts all workers there whose thread ids are
 *         known, in a lock hold for each; a worker that wakes up, or is new, does so by itself.
 *         Beside that what manager.pml models of pushes, the wake rule, idle workers and the
 *         manager, who takes a copy of where the pool is for a new worker.
 * Bounds  one pool, bound at first, later bound no more (NCHANGE=1), and bound again (2); NW worker
 *         slots, max_running MAXR; NP producers push once each; the first item computes until the
 *         others have run, or the pool is bound and stays so; BLOCK: the second one waits, told,
 *         until two more have started; NREAP idle workers are reaped.
 * Checks  when nothing moves any more every item has run and nothing is counted as running; while
 *         the pool is bound a worker starts an item only if no other one runs (L1), also when it
 *         has just been bound again; no offer names a worker that is not idle, and none stands in
 *         a bound pool where one runs; each worker ends up where the pool is.
 * Bugs    each must make pan report an error:
 *   BUG_NORULE     the wake rule is not applied after the change
 *   BUG_NOLOCK     is_bound changes without the pool's lock
 *   BUG_OLDNEEDS   who unlocks looks at is_bound as it was when he locked
 *   BUG_NOOTHERS   a worker does not look whether others run
 *   BUG_PINFIRST   a worker that wakes up looks, and puts itself there, before it has the lock
 *   BUG_NEWCOMER   a new worker relies on what it was made with
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
#ifndef NREAP
#define NREAP 0
#endif
#ifndef NCHANGE
#define NCHANGE 2
#endif
#define NONE 255
#define MGR NW			/* the manager's park, after the workers' */

/* lock-free */
byte intake, waker = MGR;
bit park[NW + 1];

/* under the lock */
bit lk, wants_worker, is_bound = 1, due[NW + 1];
byte worklist, nr_running;
byte idle[NW], nr_idle;		/* oldest first */
bit is_idle[NW], has_slot[NW], must_exit[NW], has_tid[NW];

bit has_thread[NW];
bit pinned[NW];			/* the system's: to the CPU; else anywhere */
byte nr_started, nr_ran, nr_reaped, nr_changed;
bit managed = 1;		/* what is_bound is looked at as */

#ifdef BUG_OLDNEEDS
#define BOUND managed
#define LOOK_AGAIN managed = is_bound
#else
#define BOUND is_bound
#define LOOK_AGAIN skip
#endif
#define NEEDS_WORKER (BOUND -> nr_running == 0 : nr_idle > 0 || nr_running < MAXR)
#define NO_OFFER (BOUND && nr_running > 0)

inline drain() { worklist = worklist + intake; intake = 0 }

inline unlist(w, i) {
	d_step {
		i = 0;
		do :: idle[i] != w -> i++ :: else -> break od;
		do :: i + 1 < nr_idle -> idle[i] = idle[i + 1]; i++ :: else -> break od;
		nr_idle--; idle[nr_idle] = 0; is_idle[w] = 0; i = 0
	}
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
		:: i <= NW -> wake = wake | (due[i] << i); due[i] = 0; i++
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
	atomic {
		w = NONE;
		assert(waker >= MGR || is_idle[waker]);
		assert(!(is_bound && nr_running > 0 && waker != NONE))
	};
	release(i, wake)
}

inline push(w) {
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
	fi;
	w = NONE
}

proctype Producer() {
	byte w = NONE;

	push(w)
}

#define RUN	0
#define IDLE	1
#define EXIT	2
#define BLOCKED	3
#define BACK	4

proctype Worker(byte me) {
	byte w = NONE, i, wake, next, nr; bit b;

end_new:
	atomic { has_thread[me] -> has_thread[me] = 0 };
	atomic { lk == 0 -> lk = 1; LOOK_AGAIN; has_tid[me] = 1;
#ifndef BUG_NEWCOMER
		pinned[me] = is_bound
#endif
	};
take:
	/* lock held */
	atomic {
		if
#ifndef BUG_NOOTHERS
		:: is_bound && nr_running > 1 -> next = IDLE
#endif
		:: else ->
			if :: worklist == 0 -> drain() :: else fi;
			next = (worklist > 0 -> RUN : IDLE)
		fi;
		if
		:: next == RUN ->
			assert(!is_bound || nr_running == 1);
			worklist--; nr = nr_started; nr_started++
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
#ifdef BUG_PINFIRST
		b = is_bound;
		atomic { pinned[me] = b; b = 0 };
#endif
		atomic {
			lk == 0 -> lk = 1; LOOK_AGAIN;
#ifndef BUG_PINFIRST
			pinned[me] = is_bound;
#endif
			if
			:: must_exit[me] ->
				must_exit[me] = 0; has_slot[me] = 0; has_tid[me] = 0;
				next = EXIT; goto unlock
			:: !must_exit[me] && is_idle[me] -> unlist(me, i); nr_running++
			:: else
			fi
		};
		goto take
	:: next == RUN && nr == 0 ->
		/* computes */
		(nr_ran + 1 == NP || (nr_changed == NCHANGE && is_bound))
	:: next == BLOCKED ->
		(nr_started > 3 || nr_started == NP);
		atomic { lk == 0 -> lk = 1; LOOK_AGAIN; nr_running++ };
		next = BACK; goto unlock
	:: else
	fi;
	if
#ifdef BLOCK
	:: nr == 1 && next != BACK ->
		atomic { lk == 0 -> lk = 1; LOOK_AGAIN; nr_running-- };
		next = BLOCKED; goto unlock
#endif
	:: else
	fi;
	atomic { nr_ran++; nr = 0; next = 0 };
	atomic { lk == 0 -> lk = 1; LOOK_AGAIN };
	goto take
}

proctype Manager() {
	byte w = NONE, i, wake, new = NONE; bit where;

end_wait:
	if
	:: atomic { park[MGR] -> park[MGR] = 0 }
	:: atomic {
			lk == 0 && nr_idle > 0 && nr_reaped < NREAP;
			/* reap(): the oldest */
			lk = 1; LOOK_AGAIN; w = idle[0];
			unlist(w, i);
			must_exit[w] = 1; due[w] = 1; w = NONE; nr_reaped++
		};
		goto unlock
	fi;
	/* serve() */
	if
	:: intake == 0 && !wants_worker && waker != NONE -> goto end_wait
	:: else
	fi;
	atomic {
		lk == 0 -> lk = 1; LOOK_AGAIN;
		drain();
		wants_worker = 0;
		if
		:: worklist > 0 && nr_idle == 0 && NEEDS_WORKER ->
			new = 0;
			do :: new < NW && has_slot[new] -> new++ :: else -> break od;
			assert(new < NW);		/* else NW is too small for the model */
			has_slot[new] = 1; nr_running++; where = is_bound
		:: else
		fi
	};
unlock:
	pool_unlock(w, i, wake);
	if
	:: new != NONE ->
		atomic { has_thread[new] = 1; pinned[new] = where; new = NONE; where = 0 }
	:: else
	fi;
	goto end_wait
}

/* The manager too, or who changes attributes of all queues. */
proctype Mover() {
	byte w = NONE, i, wake;

	do
	:: nr_changed < NCHANGE ->
#ifdef BUG_NOLOCK
		atomic { nr_changed++; is_bound = !is_bound };
		atomic { lk == 0 -> lk = 1; LOOK_AGAIN; drain() };
#else
		atomic {
			lk == 0 -> lk = 1; LOOK_AGAIN;
			drain(); nr_changed++; is_bound = !is_bound
		};
#endif
#ifdef BUG_NORULE
		release(i, wake);
#else
		pool_unlock(w, i, wake);
#endif
		do
		:: i < NW ->
			atomic {
				lk == 0 -> if :: has_tid[i] -> pinned[i] = is_bound :: else fi;
				i++
			}
		:: else -> i = 0; break
		od
	:: else -> break
	od
}

init {
	byte i;

	atomic {
		run Manager();
		run Mover();
		do :: i < NW -> run Worker(i); i++ :: else -> break od;
		i = 0;
		do :: i < NP -> run Producer(); i++ :: else -> i = 0; break od
	}
	timeout ->
	assert(intake == 0 && worklist == 0 && nr_ran == NP && nr_running == 0);
	assert(nr_changed == NCHANGE);
	atomic {
		do
		:: i < NW ->
			assert(is_idle[i] == has_slot[i] && !must_exit[i]);
			assert(!has_tid[i] || pinned[i] == is_bound);
			i++
		:: else -> i = 0; break
		od
	}
}
