/* SPDX-License-Identifier: MIT */
/*
 * manager.pml - the wake rule: pushes, workers that go idle, block and are reaped, the manager.
 *
 * Models  wq_pool_push(), wq_pool_push_own(), apply_wake_rule() and all it calls, the counting in
 *         nr_running, unlock_and_wake() in core/pool.c; take_next(), wait_idle() and
 *         wq_worker_main() in core/worker.c; wq_block_begin() and wq_block_end() in core/block.c;
 *         serve(), reserve_worker(), give_back() and reap() in core/manager.c. The sampler is left
 *         out, so it cannot cover up a lost wake-up; but for STALL producers take it to be at work,
 *         so they do not help when they find no waker. One pool; items are just counted.
 * Bounds  BOUND: a bound pool; else an unbound one with max_running MAXR. NW worker slots, none
 *         has a thread at first; NP producers push once each (NQ: so often); CHAIN: the first
 *         item queues one more; BLOCK: the first item waits, told, until a second one has started;
 *         NREAP idle workers are reaped, STAY always stay; NFAIL threads cannot be made; STALL:
 *         one producer may stop for ever between taking `waker` and waking (its item may then be
 *         stuck, later ones may not).
 * Checks  when nothing moves any more every item has run, every worker is idle or gone, nothing is
 *         counted as running; in a bound pool nobody is woken while another is on his way.
 * Bugs    each must make pan report an error:
 *   BUG_NORECHECK   after an offer the intake is not looked at again
 *   BUG_NOSTANDIN   nobody is idle: nobody is offered, rather than the manager
 *   BUG_OFFER       an offer that stands is told by `offer`, which does not show that it was taken
 *   BUG_NORENEW     a manager who was woken for nothing does not renew the offer that was taken
 *   BUG_NOHELP      (STALL) who pushes and finds no waker wakes nobody, rather than the manager
 *   BUG_HEAD        (STALL) ... wakes the manager only if something was in the intake already
 *   BUG_HALFHELP    (STALL) ... but who finds a waker and loses it to another wakes nobody
 *   BUG_REAPNORULE  reaping, and the end of the reaped worker, are without the wake rule
 *   BUG_BLOCKNORULE blocking ends without the wake rule
 *   BUG_WANTSTAYS   the manager does not clear wants_worker: nobody asks it again
 *   BUG_LATECOUNT   a woken worker counts as running when it runs, not when it is woken
 *   BUG_NOUNCOUNT   a thread that could not be made stays counted
 *   BUG_NORETRY     ... and nobody tries again
 */
#ifndef NW
#define NW 2
#endif
#ifndef MAXR
#define MAXR 2
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NQ
#define NQ 1
#endif
#ifndef NREAP
#define NREAP 0
#endif
#ifndef STAY
#define STAY 0
#endif
#ifndef NFAIL
#define NFAIL 0
#endif
#ifdef CHAIN
#define NI (NP * NQ + 1)
#else
#define NI (NP * NQ)
#endif
#define NONE 255
#define MGR NW			/* the manager's park, after the workers' */

/* lock-free */
byte intake, waker = MGR;
bit park[NW + 1];

/* under the lock */
bit lk, wants_worker, due[NW + 1];
byte offer = MGR, worklist, nr_running;
byte idle[NW], nr_idle;		/* oldest first */
bit is_idle[NW], has_slot[NW], uncounted[NW], must_exit[NW];

bit has_thread[NW];
byte nr_started, nr_ran, nr_reaped, nr_failed;
#ifdef STALL
bit stalled, last_stalled;	/* ghost: somebody stopped; nothing was pushed since */
#endif
byte nr_woken;			/* ghost: taken off the idle list and not yet awake */

#ifdef BOUND
#define NEEDS_WORKER (nr_running == 0)
#define OTHERS_RUN (nr_running > 1)
#define NO_OFFER (nr_running > 0)
#else
#define NEEDS_WORKER (nr_idle > 0 || nr_running < MAXR)
#define OTHERS_RUN 0
#define NO_OFFER 0
#endif

inline lock() { atomic { lk == 0 -> lk = 1 } }
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
#ifdef BOUND
		assert(nr_woken == 0);
#endif
		nr_woken++;
#ifndef BUG_LATECOUNT
		nr_running++;
#endif
		due[w] = 1
	:: nr_idle == 0 && !wants_worker -> wants_worker = 1; due[MGR] = 1
	:: else
	fi;
	w = NONE
}

/*
 * wq_pool_unlock(). w, i: scratch. Whom to wake afterwards is remembered in `wake`, a mask. What
 * touches only what the lock protects is one step with what follows.
 */
inline pool_unlock(w, i, wake) {
	do
	:: atomic { worklist == 0 ->
			if
			:: NO_OFFER -> w = NONE
			:: !NO_OFFER && nr_idle > 0 -> w = idle[nr_idle - 1]
#ifdef BUG_NOSTANDIN
			:: !NO_OFFER && nr_idle == 0 -> w = NONE
#else
			:: !NO_OFFER && nr_idle == 0 -> w = (NEEDS_WORKER -> MGR : NONE)
#endif
			fi;
			if
			:: w == NONE ->
				if :: offer != NONE -> offer = NONE; waker = NONE :: else fi;
				break
#ifdef BUG_OFFER
			:: w != NONE && offer == w -> break
			:: else -> offer = w
#else
			:: w != NONE && waker == w -> break
			:: else -> offer = w
#endif
			fi
		};
		waker = w;
#ifdef BUG_NORECHECK
		break
#else
		if
		:: intake == 0 -> break
		:: else
		fi;
		atomic { offer = NONE; waker = NONE };
		atomic { drain() }
#endif
	:: atomic { worklist > 0 ->
			if :: offer != NONE -> offer = NONE; waker = NONE :: else fi;
			if :: NEEDS_WORKER -> wake_one(w, i) :: else fi
		};
		break
	od;
	atomic {
		w = NONE;
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

#ifdef STALL
#define PUSH atomic { head = (intake > 0); intake++; last_stalled = 0 }
#define MAY_STOP \
	if :: atomic { !stalled -> stalled = 1; last_stalled = (intake == 1) }; goto stop :: skip fi
#else
#define PUSH intake++
#define MAY_STOP skip
#endif
#if !defined(STALL) || defined(BUG_NOHELP)
#define HELP skip
#else
#ifdef BUG_HEAD
#define HELP if :: head -> park[MGR] = 1 :: else fi
#else
#define HELP park[MGR] = 1
#endif
#endif
#if !defined(STALL) || defined(BUG_HALFHELP)
#define HELP_LOSER skip
#else
#define HELP_LOSER park[MGR] = 1
#endif

inline push(w) {
	PUSH;
	w = waker;
	if
	:: w != NONE ->
		atomic { w = waker; waker = NONE };
		if
		:: w != NONE -> MAY_STOP; park[w] = 1
		:: else -> HELP_LOSER
		fi
	:: else -> HELP
	fi;
	w = NONE
}

proctype Producer() {
	byte w = NONE, n;
#ifdef STALL
	bit head;
#endif

	do
	:: n < NQ -> push(w); n++
	:: else -> break
	od;
stop:
	skip
}

#define RUN	0
#define IDLE	1
#define EXIT	2
#define BLOCKED	3
#define BACK	4
#define QUEUED	5

proctype Worker(byte me) {
	byte w = NONE, i, wake, next, nr;

end_new:
	atomic { has_thread[me] -> has_thread[me] = 0 };
	lock();
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
		:: next == RUN -> worklist--; nr = nr_started; nr_started++
		:: else ->
			nr_running--; is_idle[me] = 1;
			idle[nr_idle] = me; nr_idle++
		fi
	};
unlock:
#ifdef BUG_BLOCKNORULE
	if
	:: next == BLOCKED -> lk = 0; goto waiting
	:: else
	fi;
#endif
#ifdef BUG_REAPNORULE
	if
	:: next == EXIT -> lk = 0; next = 0; goto end_new
	:: else
	fi;
#endif
	pool_unlock(w, i, wake);
	if
	:: next == EXIT -> next = 0; goto end_new
	:: next == IDLE ->
end_idle:
		atomic { park[me] -> park[me] = 0 };
		atomic {
			lk == 0 -> lk = 1;
			if
			:: must_exit[me] ->
				must_exit[me] = 0; has_slot[me] = 0; next = EXIT; goto unlock
			:: !must_exit[me] && is_idle[me] -> unlist(me, i); nr_running++
			:: !must_exit[me] && !is_idle[me] ->
				nr_woken--;
#ifdef BUG_LATECOUNT
				nr_running++
#endif
			fi
		};
		goto take
	:: next == RUN && nr == 0 ->
#ifdef CHAIN
		/* wq_pool_push_own() */
		if
		:: atomic { lk == 0 -> lk = 1 };
			atomic { drain(); worklist++ };
			next = QUEUED; goto unlock
		:: lk == 1 -> push(w)
		fi
#endif
	:: next == BLOCKED ->
#ifdef BUG_BLOCKNORULE
waiting:
#endif
		(nr_started > 1);
		atomic { lk == 0 -> lk = 1; uncounted[me] = 0; nr_running++ };
		next = BACK; goto unlock
	:: else
	fi;
	if
#ifdef BLOCK
	:: nr == 0 && next != BACK ->
		atomic { lk == 0 -> lk = 1; uncounted[me] = 1; nr_running-- };
		next = BLOCKED; goto unlock
#endif
	:: else
	fi;
	atomic { nr_ran++; nr = 0; next = 0 };
	lock();
	goto take
}

proctype Manager() {
	byte w = NONE, i, wake, new = NONE; bit retry;

end_wait:
	if
	:: atomic { park[MGR] -> park[MGR] = 0 };
		if :: retry -> goto end_wait :: else fi
	:: atomic { retry -> retry = 0 }		/* the deadline */
	:: atomic {
			lk == 0 && nr_idle > STAY && nr_reaped < NREAP;
			/* reap(): the oldest */
			lk = 1; w = idle[0];
			unlist(w, i);
			must_exit[w] = 1; due[w] = 1; w = NONE; nr_reaped++
		};
#ifdef BUG_REAPNORULE
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
		od;
		goto end_wait
#else
		goto unlock
#endif
	fi;
	/* serve() */
	if
#ifdef BUG_NORENEW
	:: intake == 0 && !wants_worker -> goto end_wait
#else
	:: intake == 0 && !wants_worker && waker != NONE -> goto end_wait
#endif
	:: else
	fi;
	atomic {
		lk == 0 -> lk = 1;
		drain();
#ifndef BUG_WANTSTAYS
		wants_worker = 0;
#endif
		if
		:: worklist > 0 && nr_idle == 0 && NEEDS_WORKER ->
			new = 0;
			do :: new < NW && has_slot[new] -> new++ :: else -> break od;
			assert(new < NW);		/* else NW is too small for the model */
			has_slot[new] = 1; nr_running++
		:: else
		fi
	};
unlock:
	pool_unlock(w, i, wake);
	if
	:: new != NONE -> atomic { has_thread[new] = 1; new = NONE }
	:: new != NONE && nr_failed < NFAIL ->
		/* give_back(), retry_later() */
		atomic {
			lk == 0 -> lk = 1;
			has_slot[new] = 0; new = NONE; nr_failed++;
#ifndef BUG_NOUNCOUNT
			nr_running--;
#endif
			wants_worker = 1;
#ifndef BUG_NORETRY
			retry = 1
#endif
		};
		goto unlock
	:: else
	fi;
	goto end_wait
}

init {
	byte i;

	atomic {
		run Manager();
		do :: i < NW -> run Worker(i); i++ :: else -> break od;
		i = 0;
		do :: i < NP -> run Producer(); i++ :: else -> i = 0; break od
	}
	timeout ->
#ifdef STALL
	assert(worklist == 0 && (intake == 0 || (intake == 1 && last_stalled)));
#else
	assert(intake == 0 && worklist == 0 && nr_ran == NI);
#endif
	assert(nr_running == 0 && nr_woken == 0);
	atomic {
		do
		:: i < NW -> assert(is_idle[i] == has_slot[i] && !must_exit[i]); i++
		:: else -> i = 0; break
		od
	}
}
