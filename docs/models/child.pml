/* SPDX-License-Identifier: MIT */
/*
 * child.pml - the child of fork(): what it takes over, and makes anew.
 *
 * Models  go_on_in_child() and wq_fork_restart() in ops/fork.c, wq_child_forget_items() and
 *         wq_child_reset() in core/child.c, with what they call in core/pools.c, core/wq.c and
 *         core/worker.c; note_debt() in ops/cancel.c; wq_fork_generation, wq_word_is_stale() in
 *         core/work.h, take_stale() and where_it_runs() in core/submit.c, submit_fn() in ops/rcu.c.
 *         Items are queued, armed, and wait for grace periods in a parent, which forks at any
 *         moment; its threads then move no more. That sections are closed and pools locked by
 *         then is fork.pml: here closing, and each hold of a lock, is one step. The child may free
 *         items at once; its first use makes everything anew; then it uses them all, and forks in
 *         its turn, having used the library or not.
 * Bounds  NI items, a pool with NW workers, max_active 2, F forks in a row, NTAGS generations that
 *         a tag can tell apart (255 in lib/). CANCEL: a cancel_work_sync(), and a disable_work().
 *         RCU: rcu items. TIMER: delayed ones. INITEM: who forks first is a worker in an item.
 * Checks  in the child all items are idle (U2), but for those that the program has disabled; each
 *         is queued, and runs once; what is freed is touched by nobody; nobody waits for a thread
 *         or a lock of the parent's (U3); liburcu's late call does nothing.
 * Bugs    each must make pan report an error:
 *   BUG_NOINTAKE   items in the intake are not looked for
 *   BUG_NOAGAIN    nor one that has queued itself and waits unfiled
 *   BUG_NOHELD     nor those held back
 *   BUG_NOSCHEDULED  nor those behind their running instance
 *   BUG_NOSHARD    (TIMER) nor those just armed, which wait in a shard's intake
 *   BUG_NOWHEEL    (TIMER) nor those on its wheel
 *   BUG_LATEFORGET items are looked for at the first use
 *   BUG_NORESET    lists are not emptied then
 *   BUG_NOUNLOCK   the pool's lock stays held
 *   BUG_OLDWORKERS workers of the parent count as there
 *   BUG_OLDCURRENT a worker's slot still says what it ran
 *   BUG_SELF       (INITEM) who forks is still a worker
 *   BUG_NODEBT     (CANCEL) what cancel_work_sync() has added to the depth is not taken off
 *   BUG_LATEDEBT   (CANCEL) it is noted after the section
 *   BUG_ALLDEBTS   (CANCEL) each disabled item is enabled
 *   BUG_NOTAG      (RCU) words do not say in which process a grace period began
 *   BUG_NOGENERATION  (RCU) the generation is not counted
 *   BUG_NOLEFT     (RCU) liburcu's call does not ask whether the item has been left behind
 *   NTAGS=2        (RCU F=2) the child's child takes what it finds for its own
 */
#if defined(RCU) && defined(TIMER)
#error "an item is of one kind"
#endif
#ifndef NI
#define NI 2
#endif
#ifndef NW
#define NW 2
#endif
#ifndef F
#define F 1
#endif
#ifndef NTAGS
#define NTAGS 3
#endif
#define MAX	2		/* max_active */
/* workers are numbered from 1; NW + 1: who forks, in an item */
#define NONE	255

/* where an item is linked, but for liburcu's list */
#define NOWHERE		0
#define INTAKE		1
#define AGAIN		2
#define WORKLIST	3
#define SCHEDULED	4
#define HELD		5
#define SHARD		6	/* a shard's intake */
#define WHEEL		7

/* the items: their words, links, and who has them */
bit P[NI], Q[NI], T[NI];
byte tag[NI], depth[NI], slot[NI];
byte place[NI], scheduled_on[NI];
bit in_urcu[NI];
bit dead[NI];

/* the library */
bit is_started = 1, closed, lk;
byte nr_inside, nr_active;
byte current[NW + 2], work[NW + 2];	/* item + 1 */
byte current_generation[NW + 2];	/* when its pwq was made */
bit has_workers = 1;
byte generation;			/* of the words' tags */
byte self;				/* who forks: as which worker */
byte debt;				/* item + 1 */

/* ghosts */
byte process;				/* this one: the parent is 0 */
byte user_depth[NI];
byte nr_runs[NI];		/* in the last child */
bit is_through;
byte k;

#define ALIVE		(process == mine)
#define MY_TAG		(generation % NTAGS + 1)
#define IS_STALE(i)	(P[i] && T[i] && tag[i] && tag[i] != MY_TAG)
#define FREE(i)		(!dead[i])
#define ENTER		atomic { ALIVE && !closed -> nr_inside++ }
#define LEAVE		atomic { ALIVE -> nr_inside-- }

/* under the pool's lock */
inline file(i) {
	assert(FREE(i) && P[i] && Q[i]);
	if
	:: nr_active < MAX -> nr_active++; place[i] = WORKLIST
	:: else -> place[i] = HELD
	fi
}

inline drain() {
	k = 0;
	do
	:: k < NI ->
		if
		:: place[k] == INTAKE || place[k] == AGAIN -> file(k)
		:: else
		fi;
		k++
	:: else -> k = 0; break
	od
}

/* wq_submit_take_pending() */
inline take_pending(i, got) {
	d_step {
		assert(FREE(i));
		if
		:: IS_STALE(i) -> P[i] = 0; T[i] = 0; tag[i] = 0
		:: else
		fi;
		got = !P[i] && depth[i] == 0;
		if :: got -> P[i] = 1 :: else fi
	}
}

/* PENDING is the caller's. */
inline submit(i) {
	d_step {
		assert(FREE(i) && P[i] && !Q[i]);
		/* where_it_runs() */
		assert(slot[i] == 0 || current[slot[i]] != i + 1 ||
			current_generation[slot[i]] == process);
		Q[i] = 1; T[i] = 0; tag[i] = 0
	}
}

inline push(i) {
	d_step { assert(place[i] == NOWHERE && FREE(i)); place[i] = INTAKE }
}

/* Queued by the worker that runs it: nobody else may have been before. */
inline push_own(i) {
	d_step {
		assert(place[i] == NOWHERE);
		k = 0;
		do :: k < NI && place[k] != INTAKE && place[k] != WORKLIST -> k++ :: else -> break od;
		place[i] = (k == NI -> AGAIN : INTAKE);
		k = 0
	}
}

/* As a user may: which kind of item it is he knows. */
inline produce(i, got) {
	ENTER;
	if
	:: ALIVE -> take_pending(i, got);
		if
		:: ALIVE && got -> submit(i); push(i)
		:: ALIVE && !got
		fi
#ifdef TIMER
	:: ALIVE -> take_pending(i, got);
		if
		:: ALIVE && got -> d_step { assert(place[i] == NOWHERE); T[i] = 1; place[i] = SHARD }
		:: ALIVE && !got
		fi
#endif
#ifdef RCU
	:: ALIVE && !in_urcu[i] -> take_pending(i, got);
		if
		:: ALIVE && got ->
			d_step {
				T[i] = 1;
#ifndef BUG_NOTAG
				tag[i] = MY_TAG;
#endif
				in_urcu[i] = 1
			}
		:: ALIVE && !got
		fi
#endif
	fi;
	LEAVE
}

proctype Producer(byte mine) {
	bit got; byte i;

	do
	:: ALIVE && i < NI -> produce(i, got); i++
	:: ALIVE && i == NI -> break
	od
}

#define IS_FOR(i)	(place[i] == INTAKE || place[i] == WORKLIST || \
			 (place[i] == SCHEDULED && scheduled_on[i] == me))

inline take_next() {
	drain();
	if
	:: place[0] == SCHEDULED && scheduled_on[0] == me -> i = 0
	:: place[NI - 1] == SCHEDULED && scheduled_on[NI - 1] == me -> i = NI - 1
	:: place[0] == WORKLIST -> i = 0
	:: place[NI - 1] == WORKLIST -> i = NI - 1
	:: else -> i = NONE
	fi;
	if
	:: i != NONE && place[i] == WORKLIST && work[NW + 1 - me] == i + 1 ->
		place[i] = SCHEDULED; scheduled_on[i] = NW + 1 - me; i = NONE
	:: else
	fi
}

inline start(i) {
	assert(FREE(i) && P[i] && Q[i]);
	place[i] = NOWHERE;
	work[me] = i + 1; current[me] = i + 1; current_generation[me] = process;
	P[i] = 0; Q[i] = 0; slot[i] = me;
	if :: process == F -> nr_runs[i]++ :: else fi
}

proctype Worker(byte mine; byte me) {
	byte i = NONE; bit got;

	do
	:: atomic {
			ALIVE && !lk && (IS_FOR(0) || IS_FOR(NI - 1)) -> take_next();
			if :: i != NONE -> start(i) :: else fi
		};
		if
		:: i != NONE ->
			if
			:: ALIVE && !is_through ->
				ENTER;
				take_pending(i, got);
				if
				:: ALIVE && got -> submit(i); atomic { ALIVE && !lk -> push_own(i) }
				:: ALIVE && !got
				fi;
				LEAVE
			:: ALIVE
			fi;
			atomic { ALIVE -> current[me] = 0 };
			/* settle() */
			atomic {
				ALIVE && !lk ->
				if :: place[i] == AGAIN -> file(i) :: else fi;
				work[me] = 0;
				nr_active--;
				if
				:: place[0] == HELD -> place[0] = WORKLIST; nr_active++
				:: place[0] != HELD && place[NI - 1] == HELD ->
					place[NI - 1] = WORKLIST; nr_active++
				:: else
				fi;
				i = NONE
			}
		:: else
		fi
	od
}

#ifdef TIMER
#define FIRST(where) (place[0] == where -> 0 : NI - 1)
proctype Timer(byte mine) {
	byte i;

	do
	:: atomic {
			ALIVE && !lk && (place[0] == SHARD || place[NI - 1] == SHARD) ->
			i = FIRST(SHARD); place[i] = WHEEL
		}
	:: atomic {
			ALIVE && !lk && (place[0] == WHEEL || place[NI - 1] == WHEEL) ->
			i = FIRST(WHEEL); place[i] = NOWHERE;
			submit(i); push(i)
		}
	od
}
#endif

#ifdef RCU
/* liburcu's thread; a child has its own, with the parent's list */
proctype Urcu(byte mine) {
	byte i;

	do
	:: atomic {
			ALIVE && !closed && (in_urcu[0] || in_urcu[NI - 1]) -> nr_inside++;
			i = (in_urcu[0] -> 0 : NI - 1)
		};
		if
#ifndef BUG_NOLEFT
		:: !(P[i] && T[i]) || IS_STALE(i) -> in_urcu[i] = 0
#endif
		:: else -> submit(i); in_urcu[i] = 0; push(i)
		fi;
		LEAVE
	od
}
#endif

#ifdef CANCEL
/* The first item is cancelled; the last one is disabled, for good. */
proctype Canceller(byte mine) {
	byte w;

	/* take_back(BORROW), as done when it can be: disable.pml */
	atomic {
		ALIVE && !closed && !lk && (!P[0] || place[0] != NOWHERE) ->
		nr_inside++;
		if
		:: P[0] ->
			if :: place[0] == WORKLIST || place[0] == SCHEDULED -> nr_active-- :: else fi;
			place[0] = NOWHERE
		:: else
		fi;
		P[0] = 0; Q[0] = 0; T[0] = 0;
		depth[0]++;
#ifndef BUG_LATEDEBT
		debt = 1
#endif
	};
	LEAVE;
#ifdef BUG_LATEDEBT
	atomic { ALIVE -> debt = 1 };
#endif
	(ALIVE && work[1] != 1 && work[NW] != 1);
	atomic { ALIVE && !closed -> depth[0]--; debt = 0 }
}

proctype Disabler(byte mine) {
	atomic {
		ALIVE && !closed && !P[NI - 1] -> depth[NI - 1]++; user_depth[NI - 1]++
	}
}
#endif

/* ops/fork.c, go_on_in_child(), if the library was in use */
inline forget(i) {
	assert(FREE(i));
	P[i] = 0; Q[i] = 0; T[i] = 0; tag[i] = 0; depth[i] = 0; slot[i] = 0
}

#ifdef BUG_NOINTAKE
#define IS_LEFT_OUT(where) (where == INTAKE)
#elif defined(BUG_NOAGAIN)
#define IS_LEFT_OUT(where) (where == AGAIN)
#elif defined(BUG_NOHELD)
#define IS_LEFT_OUT(where) (where == HELD)
#elif defined(BUG_NOSCHEDULED)
#define IS_LEFT_OUT(where) (where == SCHEDULED)
#elif defined(BUG_NOSHARD)
#define IS_LEFT_OUT(where) (where == SHARD)
#elif defined(BUG_NOWHEEL)
#define IS_LEFT_OUT(where) (where == WHEEL)
#else
#define IS_LEFT_OUT(where) (where == NOWHERE)
#endif

inline forget_items() {
	i = 0;
	do
	:: i < NI ->
		if
		:: place[i] != NOWHERE && !IS_LEFT_OUT(place[i]) -> forget(i)
		:: else
		fi;
#ifdef BUG_ALLDEBTS
		if :: !Q[i] && depth[i] -> depth[i]-- :: else fi;
#endif
		i++
	:: else -> i = 0; break
	od;
#if !defined(BUG_NODEBT) && !defined(BUG_ALLDEBTS)
	if
	:: debt && !Q[debt - 1] && depth[debt - 1] -> depth[debt - 1]--
	:: else
	fi;
#endif
	debt = 0
}

/* The child's first use: wq_fork_restart(), and threads are made. */
inline restart() {
	d_step {
#ifdef BUG_LATEFORGET
		forget_items();
#endif
		i = 0;
		do
		:: i < NI ->
#ifndef BUG_NORESET
			place[i] = NOWHERE;
#endif
			i++
		:: else -> i = 0; break
		od;
		i = 1;
		do
		:: i < NW + 2 ->
			work[i] = 0;
#ifndef BUG_OLDCURRENT
			current[i] = 0;
#endif
			i++
		:: else -> i = 0; break
		od;
#ifndef BUG_NOUNLOCK
		lk = 0;
#endif
		nr_active = 0;
		is_started = 1
	};
	atomic {
#ifndef BUG_OLDWORKERS
		run Worker(process, 1);
#if NW > 1
		run Worker(process, 2);
#endif
#endif
#ifdef TIMER
		run Timer(process);
#endif
#ifdef RCU
		run Urcu(process);
#endif
		skip
	}
}

inline fork() {
	/* prepare() */
	atomic { !closed -> was_started = is_started; closed = was_started };
	if
	:: was_started -> atomic { nr_inside == 0 && !lk -> lk = 1 }
	:: else
	fi;
	/* go_on_in_child() */
	d_step {
		process++;
#ifndef BUG_NOGENERATION
		generation++;
#endif
		if
		:: was_started ->
#ifndef BUG_LATEFORGET
			forget_items();
#endif
			closed = 0;
#ifndef BUG_SELF
			self = 0;
#endif
			is_started = 0
		:: else
		fi;
		i = 0
	}
}

/* The memory of items is the child's, but for what liburcu has. */
inline free_some() {
	if
	:: !in_urcu[0] -> dead[0] = 1
	:: skip
	fi
}

/* In the last child: every item is idle, and can be queued. */
inline queue_all() {
	do
	:: i < NI && dead[i] -> i++
	:: i < NI && !dead[i] ->
		nr_runs[i] = 0;
		nr_inside++;
		take_pending(i, got);
		assert(got == (user_depth[i] == 0));
		if
		:: got ->
			submit(i);
			if
			:: self -> atomic { !lk -> push_own(i) }
			:: else -> push(i)
			fi
		:: else
		fi;
		nr_inside--;
		i++
	:: i == NI -> i = 0; break
	od
}

proctype Main() {
	byte i, n; bit got, was_started;

	do
	:: n < F ->
		fork();
		n++;
		if :: n == F -> free_some() :: else fi;
		if
		:: n < F -> restart(); run Producer(process)
		:: 1
		fi
	:: else -> break
	od;
	is_through = 1;			/* items queue themselves no more */
	if :: !is_started -> restart() :: else fi;
	queue_all()
}

init {
	byte i;

	atomic {
#ifdef INITEM
		/* the last item, whose function forks */
		self = NW + 1;
		work[self] = NI; current[self] = NI; slot[NI - 1] = self; nr_active = 1;
#endif
		run Worker(0, 1);
#if NW > 1
		run Worker(0, 2);
#endif
#ifdef TIMER
		run Timer(0);
#endif
#ifdef RCU
		run Urcu(0);
#endif
#ifdef CANCEL
		run Canceller(0); run Disabler(0);
#endif
		run Producer(0);
		run Main()
	}
	timeout ->
	assert(process == F && is_through && !lk && !closed && nr_inside == 0 && nr_active == 0);
	do
	:: i < NI ->
		assert(dead[i] || (!P[i] && !in_urcu[i] && place[i] == NOWHERE));
		assert(dead[i] || depth[i] == user_depth[i]);
		assert(dead[i] || nr_runs[i] == (user_depth[i] == 0 -> 1 : 0));
		i++
	:: else -> i = 0; break
	od;
	/* threads of the parents stand still: that is no deadlock */
end:	do :: i = 1 - i od
}
