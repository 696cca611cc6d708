/* SPDX-License-Identifier: MIT */
/*
 * again.pml - an item that queues itself waits unfiled, for the worker that runs it.
 *
 * Models  wq_pool_push_own(), wq_pool_drain_locked() and the wake rule in lib/core/pool.c; run(),
 *         repeat(), settle(), take_next() and end_early() in core/worker.c; filing, counting and
 *         colours in core/pwq.[ch], core/limit.[ch]. One queue with max_active MAX in one pool with
 *         NW threads, of a CPU, or UNBOUND. A lock hold is one step: all that matters here is under
 *         the lock, but for PENDING and the intake. A worker that tries to lock may fail, whenever
 *         it tries. core.pml has the steps within a hold, manager.pml how threads are made.
 * Items   A  queued by producer 0; queues itself R times. CHAIN: each time it queues X before that
 *         X  queued by producer 0 behind A
 *         Y  queued by producer 1, once A has started if BLOCK
 * Bounds  BLOCK: A's first run waits until Y has started, then goes on beside it; Y ends, or waits
 *         until A has run again. STEP: somebody steps around A's first run. ENDS: that run ends its
 *         thread. LOWER: max_active becomes 1. FLUSH, FLUSHWORK, CANCEL: somebody calls
 *         flush_workqueue(), flush_work(A), cancel_work(A); a run of A that those do not wait for
 *         waits for them.
 * Checks  items start in the order in which they came (B8, but for B5), at most MAX are active
 *         (C1), none starts beside one that counts (L1); what waits unfiled is the item of a worker
 *         that is busy; a canceller finds it (G1); D1, E1, and nobody waits for more than that; in
 *         the end all have run and nothing waits.
 * Bugs    each must make pan report an error:
 *   BUG_NOAGAIN    (CANCEL) who drains does not file what is to run again
 *   BUG_OVERTAKE   it is left for the worker although others wait on the intake
 *   BUG_WORKLIST   (MAX=2 BLOCK) ... on the worklist
 *   BUG_ANY        (CHAIN) ... although it is not what the worker runs
 *   BUG_SETTLE     (BLOCK, or ENDS) a worker settles without filing it
 *   BUG_OTHERS     (BLOCK) it is repeated although others run
 *   BUG_UNCOUNTED  (STEP) ... although it does not count
 *   BUG_HELDBACK   (MAX=1) ... although others are held back
 *   BUG_LOWERED    (UNBOUND MAX=2 LOWER) ... although more are active than may be
 *   BUG_WAITERS    (FLUSHWORK) ... although somebody waits for this run
 *   NOCOLOUR NOFLUSHING  (FLUSH) ... although its colour is closed, and somebody waits for one:
 *                  each of the two alone changes nothing
 */
#ifndef NW
#define NW 2
#endif
#ifndef MAX
#define MAX 3
#endif
#ifndef R
#define R 1
#endif
#define NI 3
#define A 0
#define X 1
#define Y 2
#define NONE 255
#ifdef UNBOUND
#define BOUND 0
#else
#define BOUND 1
#endif

/* the items */
bit pend[NI], in_transit[NI], filed[NI], is_active[NI], col[NI];

/* the pool, under its lock but for the intake and the waker */
chan intake = [NI] of { byte };
chan wl = [NI] of { byte };
chan inactive = [NI] of { byte };
chan sched0 = [1] of { byte };
chan sched1 = [1] of { byte };
chan sched2 = [1] of { byte };
byte again = NONE, nr_active, max = MAX, nr_running;
byte waker;			/* the idle worker that the next push must wake */
byte busy[NW];
bit uncounted[NW], idle[NW], park[NW], waits[NW];	/* waits: flush_work(), for its run */
bit color, is_flushing;
byte nr_in_flight[2];
bit is_awaited;			/* flush_work() waits for A, which is filed */

/* ghosts */
byte clock, since[NI], run_since[NI], nr_queued[NI], nr_started[NI], nr_cancelled;
byte flush_since, flush_work_since;	/* 0: nobody does */


#define is_busy(i) (busy[0] == i || busy[1] == i || (NW > 2 && busy[NW - 1] == i))
#define has_others(w) (BOUND && nr_running > (uncounted[w] -> 0 : 1))

/* ------------------------------------------------------- lock held: each in an atomic step */

inline file(i) {
	assert(pend[i] && !filed[i]);
	filed[i] = 1; col[i] = color; nr_in_flight[color]++;
	if
	:: len(inactive) == 0 && nr_active < max -> is_active[i] = 1; nr_active++; wl!i
	:: else -> is_active[i] = 0; inactive!i
	fi
}

/* What a worker queued. Is it what he runs, and next, then it goes to what only he takes (B5). */
inline file_own(j) {
	file(j);
	if
	:: len(wl) == 1 && wl?[eval(j)] ->
		if
		:: busy[0] == j && !has_others(0) -> wl?eval(j); sched0!j
		:: busy[1] == j && !has_others(1) -> wl?eval(j); sched1!j
#if NW > 2
		:: busy[2] == j && !has_others(2) -> wl?eval(j); sched2!j
#endif
		:: else
		fi
	:: !(len(wl) == 1 && wl?[eval(j)])
	fi
}

inline drain() {
#ifndef BUG_NOAGAIN
	if :: again != NONE -> t = again; again = NONE; file_own(t) :: else fi;
#endif
	do :: len(intake) > 0 -> intake?t; file(t) :: len(intake) == 0 -> break od;
	t = NONE
}

/* An active item is through, or will not run. */
inline give(c) {
	nr_active--;
	if
	:: len(inactive) > 0 ->
		drain();
		do
		:: len(inactive) > 0 && nr_active < max ->
			inactive?t; nr_active++; is_active[t] = 1; wl!t
		:: else -> break
		od;
		t = NONE
	:: len(inactive) == 0
	fi;
	nr_in_flight[c]--
}

inline settle(w) {
#ifndef BUG_SETTLE
	if :: again != NONE && again == busy[w] -> drain() :: else fi;
#endif
	run_since[busy[w]] = 0; busy[w] = NONE;
	if :: uncounted[w] -> uncounted[w] = 0; nr_running++ :: else fi;
	if :: waits[w] -> waits[w] = 0; flush_work_since = 0 :: else fi;
	give(c)
}

inline take_scheduled(w) {
	if
	:: w == 0 && len(sched0) > 0 -> sched0?i
	:: w == 1 && len(sched1) > 0 -> sched1?i
	:: w == 2 && len(sched2) > 0 -> sched2?i
	:: else
	fi
}

inline take_next(w) {
	take_scheduled(w);
	do
	:: i != NONE || has_others(w) -> break
	:: else ->
		if :: len(wl) == 0 -> drain() :: len(wl) > 0 fi;
		if
		:: len(wl) == 0 -> break
		:: len(wl) > 0 -> wl?i; assert(!BOUND || nr_running == 1)
		fi;
		if
		:: is_busy(i) ->
			if
			:: busy[0] == i -> sched0!i
			:: busy[1] == i -> sched1!i
			:: else -> sched2!i
			fi;
			i = NONE
		:: else
		fi
	od
}

/* Nobody overtakes, but those whose item runs already (B5). */
inline check_order(i) {
	t = 0;
	do
	:: t < NI ->
		assert(!(t != i && pend[t] && since[t] && since[t] < since[i]) || is_busy(t));
		t++
	:: else -> break
	od;
	t = NONE
}

/* PENDING is given up. */
inline begin(w) {
	check_order(i);
	nr_started[i]++; run_since[i] = since[i]; since[i] = 0;
	filed[i] = 0; pend[i] = 0;
	assert(!uncounted[w] && nr_active <= MAX)
}

inline start(w) {
	assert(!is_busy(i));
	busy[w] = i; c = col[i];
	if :: i == A && is_awaited -> is_awaited = 0; waits[w] = 1 :: else fi;
	begin(w)
}

inline find_idle() {
	t = 0;
	do :: t < NW && !idle[t] -> t++ :: else -> break od;
	if :: t == NW -> t = NONE :: else fi
}

/* The wake rule. */
inline unlock() {
	assert(again == NONE || is_busy(again));
	find_idle();
	/* an offer is made: what was pushed before comes first */
	if
	:: t != NONE && waker != t && len(wl) == 0 && len(intake) > 0 &&
			(!BOUND || nr_running == 0) ->
		drain(); find_idle()
	:: else
	fi;
	if
	:: len(wl) == 0 ->
		waker = ((BOUND && nr_running > 0) -> NONE : t)
	:: len(wl) > 0 ->
		waker = NONE;
		if
		:: t != NONE && (!BOUND || nr_running == 0) ->
			idle[t] = 0; nr_running++; park[t] = 1
		:: else
		fi
	fi;
	t = NONE
}

/* ----------------------------------------------------------------- threads */

inline take_pending(i, res) {
	atomic { res = !pend[i]; if :: res -> pend[i] = 1; in_transit[i] = 1 :: else fi }
}

/* It has its place from here on. */
inline place(i) {
	in_transit[i] = 0; clock++; since[i] = clock; nr_queued[i]++
}

inline push(i) {
	atomic {
		place(i); intake!i;
		if :: waker != NONE -> park[waker] = 1; waker = NONE :: else fi
	}
}

/* What must hold, unless a switch takes it away. */
#ifdef BUG_ANY
#define IS_HIS(i, w) 1
#else
#define IS_HIS(i, w) (busy[w] == i)
#endif
#ifdef BUG_OVERTAKE
#define IS_INTAKE_EMPTY 1
#else
#define IS_INTAKE_EMPTY (len(intake) == 0)
#endif
#ifdef BUG_WORKLIST
#define IS_WORKLIST_EMPTY 1
#else
#define IS_WORKLIST_EMPTY (len(wl) == 0)
#endif
#ifdef BUG_UNCOUNTED
#define COUNTS(w) 1
#else
#define COUNTS(w) !uncounted[w]
#endif
#ifdef BUG_OTHERS
#define IS_ALONE(w) 1
#else
#define IS_ALONE(w) !has_others(w)
#endif
#ifdef BUG_WAITERS
#define IS_UNAWAITED(w) 1
#else
#define IS_UNAWAITED(w) !waits[w]
#endif
#ifdef BUG_HELDBACK
#define IS_QUIET 1
#else
#define IS_QUIET (len(inactive) == 0)
#endif
#ifdef BUG_LOWERED
#define IS_BELOW_MAX 1
#else
#define IS_BELOW_MAX (nr_active <= max)
#endif
#ifdef NOCOLOUR
#define IS_OPEN 1
#else
#define IS_OPEN (c == color)
#endif
#ifdef NOFLUSHING
#define IS_UNFLUSHED 1
#else
#define IS_UNFLUSHED !is_flushing
#endif
#define may_leave(i, w) (again == NONE && IS_HIS(i, w) && IS_INTAKE_EMPTY && IS_WORKLIST_EMPTY)
#define may_repeat(w) (again != NONE && again == busy[w] && COUNTS(w) && IS_ALONE(w) && \
	IS_UNAWAITED(w) && IS_QUIET && IS_BELOW_MAX && IS_OPEN && IS_UNFLUSHED)

inline push_own(i, w) {
	if
	:: atomic { 1 ->
			place(i);
			if
			:: may_leave(i, w) -> again = i; assert(is_busy(i))
			:: else -> drain(); file_own(i); unlock()
			fi
		}
	:: push(i)
	fi
}

inline block_begin(w) {
	atomic { if :: !uncounted[w] -> uncounted[w] = 1; nr_running-- :: else fi; unlock() }
}

inline block_end(w) {
	atomic { if :: uncounted[w] -> uncounted[w] = 0; nr_running++ :: else fi; unlock() }
}

proctype Worker(byte me) {
	byte i = NONE, t = NONE, n; bit c, res;

end_park:
	atomic {
		park[me] -> park[me] = 0;
		if :: idle[me] -> idle[me] = 0; nr_running++ :: else fi;
take:
		take_next(me);
		if
		:: i == NONE -> idle[me] = 1; nr_running--; unlock(); goto end_park
		:: else -> start(me)
		fi;
		unlock()
	};
function:
	if
	:: i == A ->
#ifdef BLOCK
		if
		:: nr_started[A] == 1 ->
			block_begin(me);
			(nr_started[Y] > 0);
			block_end(me)
		:: else
		fi;
#endif
		/* who does not wait for this run can rely on it that he does not */
		(!flush_since || flush_since > run_since[A]);
		(!flush_work_since || flush_work_since >= run_since[A]);
		if
		:: nr_started[A] <= R ->
#ifdef CHAIN
			take_pending(X, res);
			if :: res -> push_own(X, me) :: else fi;
#endif
			take_pending(A, res);
			if :: res -> push_own(A, me) :: else fi
		:: else
		fi
#ifdef BLOCK
	:: i == Y ->
		if
		:: block_begin(me);
			(nr_started[A] > R || nr_cancelled);
			block_end(me)
		:: skip
		fi
#endif
	:: else
	fi;
	/* the function has returned */
	atomic {
#ifdef ENDS
		if
		:: i == A && nr_started[A] == 1 ->
			settle(me); i = NONE;
			take_scheduled(me);
			/* give_scheduled_back(), to the head */
			if
			:: i != NONE ->
				n = len(wl); wl!i; i = NONE;
				do :: n > 0 -> wl?t; wl!t; n-- :: else -> break od;
				t = NONE
			:: else
			fi;
			nr_running--; unlock(); goto gone
		:: else
		fi;
#endif
		if
		:: may_repeat(me) ->
			again = NONE;
			assert((!BOUND || nr_running == 1) && nr_active <= max);
			/* nobody has found that it runs, and so scheduled it here */
			assert(len(sched0) + len(sched1) + len(sched2) == 0);
			begin(me); unlock(); goto function
		:: else -> settle(me); i = NONE; goto take
		fi
	};
gone:	skip
}

proctype Producer(bit id) {
	bit res;

	if
	:: id == 0 ->
		take_pending(A, res);
		if :: res -> push(A) :: else fi;
		take_pending(X, res);
		if :: res -> push(X) :: else fi
	:: else ->
#ifdef BLOCK
		(nr_started[A] + nr_cancelled > 0);
#endif
		take_pending(Y, res);
		if :: res -> push(Y) :: else fi
	fi
}

#ifdef STEP
proctype Sampler() {
	byte t = NONE;

	if
	:: atomic { busy[0] == A && nr_started[A] == 1 && !uncounted[0] ->
			uncounted[0] = 1; nr_running--; unlock() }
	:: atomic { busy[1] == A && nr_started[A] == 1 && !uncounted[1] ->
			uncounted[1] = 1; nr_running--; unlock() }
	:: skip
	fi
}
#endif

#ifdef LOWER
proctype Setter() {
	byte t = NONE;

	atomic { drain(); max = 1; unlock() }
}
#endif

#ifdef FLUSH
proctype Flusher() {
	byte t = NONE; bit c;

	atomic {
		drain();
		clock++; flush_since = clock;
		c = color; color = 1 - color; is_flushing = (nr_in_flight[c] > 0);
		unlock()
	};
	/* D1 */
	atomic {
		nr_in_flight[c] == 0 ->
		t = 0;
		do
		:: t < NI ->
			assert(!(since[t] && since[t] < flush_since) &&
				!(run_since[t] && run_since[t] < flush_since));
			t++
		:: else -> break
		od;
		t = NONE; is_flushing = 0; flush_since = 0
	}
}
#endif

#ifdef FLUSHWORK
proctype WorkFlusher() {
	byte t = NONE, last;

	atomic {
		drain();
		if
		:: filed[A] -> is_awaited = 1; flush_work_since = since[A]
		:: !filed[A] && busy[0] == A -> waits[0] = 1; flush_work_since = run_since[A]
		:: !filed[A] && busy[1] == A -> waits[1] = 1; flush_work_since = run_since[A]
		:: else
		fi;
		last = flush_work_since;
		unlock()
	};
	/* E1, but not if what it waited for was cancelled (E6): an earlier run may still go on */
	atomic {
		flush_work_since == 0 ->
		assert(nr_cancelled ||
			!(since[A] && since[A] <= last) && !(run_since[A] && run_since[A] <= last));
		last = 0
	}
}
#endif

#ifdef CANCEL
proctype Canceller() {
	byte t = NONE, i; bit c;

	atomic {
		drain();
		/* what is pending is on its way there, or found */
		assert(!pend[A] || in_transit[A] || filed[A]);
		if
		:: filed[A] ->
			filed[A] = 0; pend[A] = 0; since[A] = 0; nr_cancelled++; c = col[A];
			if
			:: wl??[A] -> wl??A
			:: sched0??[A] -> sched0??A
			:: sched1??[A] -> sched1??A
			:: sched2??[A] -> sched2??A
			:: inactive??[A] -> inactive??A
			fi;
			if :: is_awaited -> is_awaited = 0; flush_work_since = 0 :: else fi;
			if :: is_active[A] -> give(c) :: else -> nr_in_flight[c]-- fi
		:: else
		fi;
		c = 0;
		unlock()
	}
}
#endif

init {
	byte i;

	atomic {
		do
		:: i < NW -> busy[i] = NONE; idle[i] = 1; run Worker(i); i++
		:: else -> break
		od;
		run Producer(0);
		run Producer(1);
#ifdef STEP
		run Sampler();
#endif
#ifdef LOWER
		run Setter();
#endif
#ifdef FLUSH
		run Flusher();
#endif
#ifdef FLUSHWORK
		run WorkFlusher();
#endif
#ifdef CANCEL
		run Canceller();
#endif
		i = 0
	}
	timeout ->
	atomic {
		/* nothing waits, nobody is busy or waits for anything */
		assert(_nr_pr <= 1 + NW && again == NONE);
		assert(len(intake) == 0 && len(wl) == 0 && len(inactive) == 0);
		assert(nr_running == 0 && nr_active == 0 && nr_in_flight[0] + nr_in_flight[1] == 0);
		do
		:: i < NI -> assert(!pend[i] && nr_queued[i] ==
				nr_started[i] + (i == A -> nr_cancelled : 0)); i++
		:: else -> break
		od;
		i = 0;
		do :: i < NW -> assert(busy[i] == NONE && !uncounted[i]); i++ :: else -> break od
	}
}
