/* SPDX-License-Identifier: MIT */
/*
 * retire.pml - a queue's pwq is replaced while items are queued and run.
 *
 * Models  core/retire.c; publishing, unlinking and unplugging in core/layout.c; the section of
 *         queue_work() with where_it_runs() in core/submit.c; wq_wait_named_pool() in ops/wait.c; drain.c
 *         and destroy_workqueue(). Orders TABLE-PUBLISH, TABLE-LOOK, SYNCHRONIZE. Grace periods
 *         are taken as sound (epoch.pml), so is what a pool does for its workers (core.pml): a
 *         lock hold is one step. Colours are left out: flushing waits until what it saw is through.
 * Bounds  NA changes, each with a new pwq; pwq q is on pool q % 2, or with SAME all on one; a
 *         worker for each pool. NP producers queue NQ times each, one item for all, which may
 *         queue itself NR times. ORDERED: an item of its own for each call; new pwqs are plugged.
 *         NC callers of cancel_work(). NREL workers for releases. DESTROY: after the changes.
 * Checks  nobody touches a freed pwq, table or queue; what was accepted runs once or is cancelled;
 *         B3; ORDERED: one item at a time, and none starts before one queued by a call that had
 *         returned (B9); once all is quiet, replaced pwqs are freed and the last one is not
 *         plugged; DESTROY: each pwq is freed once, nothing is refused to the queue's own items.
 * Bugs    each must make pan report an error:
 *   BUG_NOSYNC     the release frees without a grace period
 *   BUG_NODRAIN    ... looks without draining the intake
 *   BUG_NOLOOK     ... does not look again after the grace period
 *   BUG_NOPENDING  ... looks only whether items were filed meanwhile, not whether it is queued
 *   BUG_FREEFIRST  who settles the last item frees
 *   BUG_NORELEASE  ... does not queue the release
 *   BUG_EMPTY      who replaces a pwq that is empty does not queue the release
 *   BUG_SYNCFIRST  who replaces waits, then publishes
 *   BUG_NOCURRENT  queue_work() does not ask where the item runs (B4)
 *   BUG_NOSECTION  cancel_work() looks at the pwq without a section
 *   BUG_NOPLUG     (ORDERED) new pwqs are not plugged
 *   BUG_UNPLUGALL  (ORDERED) a release unplugs whatever is left
 *   BUG_UNPLUGNEW  (ORDERED) ... the newest
 *   BUG_UNPLUGHALF (ORDERED) ... and does not start what was held back
 *   BUG_CURRENT    (ORDERED) B4 applies too
 *   BUG_NORELFLUSH (DESTROY) releases are not waited for
 *   BUG_RELFLUSHED (DESTROY) ... only before the items are through
 *   BUG_ONESYNC    (DESTROY) no grace period between the last item and freeing
 * NOFILED: whether items were filed meanwhile is not asked. It passes: they queue the release.
 * NOWAIT: who replaces a pwq does not wait (tables stay). It passes: the release waits.
 */
#ifndef NA
#define NA 1
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NQ
#define NQ 1
#endif
#ifndef NR
#define NR 0
#endif
#ifndef NC
#define NC 0
#endif
#ifndef NREL
#define NREL 1
#endif
#define NPWQ (NA + 1)
#ifdef ORDERED
#define NI (NP * NQ)
#define ITEM(t, n) ((t) * NQ + (n))
#else
#define NI 1
#define ITEM(t, n) 0
#endif
#define NONE 255
#ifdef SAME
#define POOL(q) 0
#else
#define POOL(q) ((q) % 2)
#endif
/* threads, as far as they enter sections: producers, workers, cancellers */
#define WORKER(w) (NP + (w))
#define CANCELLER(c) (NP + 2 + (c))
/* ... and wait for them: who changes the queue, who releases */
#define CHANGER 0
#define RELEASER(r) (1 + (r))

/* the word: pending; queued, then names[] says where; else last[], the worker */
bit pending[NI], queued[NI], filed[NI];
byte names[NI], last[NI];

/* pools, under their locks */
chan intake[2] = [NI] of { byte };
chan worklist[2] = [NI] of { byte };

/* workers: published for producers */
byte current[2], current_pwq[2];

/* pwqs; all but the last line under the pool's lock */
byte nr_filed[NPWQ], in_flight[NPWQ];
bit is_active[NPWQ], is_plugged[NPWQ], is_retired[NPWQ];
#ifdef ORDERED
chan inactive[NPWQ] = [NI] of { byte };
#endif
bit release_pending[NPWQ], release_runs[NPWQ];	/* the release item */
bit is_linked[NPWQ], is_freed[NPWQ];

/* the queue: table t names pwq t */
byte table;
bit table_is_freed[NPWQ], flush_lock, is_refusing, wq_is_freed;
byte nr_filed_gone;

/* sections: who is in one, whom each of those who synchronize still waits for */
byte inside, awaited[1 + NREL];

/* ghosts */
byte nr_running[NI], nr_accepted, nr_over;
#ifdef ORDERED
/* accepted calls by number: those that have returned, whose items have started or are cancelled */
byte call_of[NI], before[NI], returned, started;
#endif

#define touch(q) assert(!is_freed[q])
#define touch_wq() assert(!wq_is_freed)

inline enter(t) { inside = inside | (1 << (t)) }
inline leave(t) {
	d_step {
		inside = inside & ~(1 << (t));
		awaited[0] = awaited[0] & ~(1 << (t));
		awaited[1] = awaited[1] & ~(1 << (t));
#if NREL > 1
		awaited[2] = awaited[2] & ~(1 << (t));
#endif
	}
}
inline synchronize(s) {
	awaited[s] = inside;
	(awaited[s] == 0)
}

/* ---- with the pool's lock held: in an atomic ---- */

inline activate(q, i) {
#ifdef ORDERED
	if
	:: !is_plugged[q] && !is_active[q] && inactive[q]?[i] ->
		inactive[q]?i; is_active[q] = 1; worklist[POOL(q)]!i
	:: else
	fi
#endif
	skip
}

inline drain(p, i, q) {
	do
	:: intake[p]?i ->
		q = names[i];
		touch(q);
		assert(pending[i] && queued[i] && !filed[i] && POOL(q) == p);
		filed[i] = 1; nr_filed[q]++; in_flight[q]++;
#ifdef ORDERED
		inactive[q]!i;
		activate(q, i)
#else
		worklist[p]!i
#endif
	:: empty(intake[p]) -> i = 0; q = 0; break
	od
}

inline queue_release(q) {
	touch(q);
	release_pending[q] = 1
}

/* An item of q is through or taken back. */
inline settle(q, i) {
	touch(q);
	assert(in_flight[q] > 0);
	in_flight[q]--;
	activate(q, i);
#ifndef BUG_NORELEASE
	if
	:: is_retired[q] && in_flight[q] == 0 ->
#ifdef BUG_FREEFIRST
		is_linked[q] = 0; is_freed[q] = 1
#else
		queue_release(q)
#endif
	:: else
	fi
#endif
	skip
}

/* ---- queue_work() by thread t ---- */

#ifdef ORDERED
#define NOTE_BEGIN b = returned
#define NOTE_ACCEPTED(i) call_of[i] = nr_accepted; before[i] = b; c = nr_accepted
#define NOTE_RETURNED returned = returned | (1 << c); b = 0; c = 0
#define NOTE_START(i) assert((before[i] & ~started) == 0); NOTE_OVER(i)
#define NOTE_OVER(i) started = started | (1 << call_of[i])
#else
#define NOTE_BEGIN skip
#define NOTE_ACCEPTED(i) skip
#define NOTE_RETURNED skip
#define NOTE_START(i) skip
#define NOTE_OVER(i) skip
#endif

#if defined(ORDERED) && !defined(BUG_CURRENT) || defined(BUG_NOCURRENT)
#define ASKS(i, q) 0
#else
#define ASKS(i, q) (last[i] != NONE && last[i] != POOL(q))
#endif

/* where_it_runs(); PENDING is ours */
inline where_it_runs(i, q, g) {
	if
	:: current[last[i]] == i ->
		g = current_pwq[last[i]];
		if
		:: atomic { current[last[i]] == i -> touch(g); q = g; g = 0 }
		:: atomic { current[last[i]] != i -> g = 0 }
		fi
	:: current[last[i]] != i
	fi;
	atomic { queued[i] = 1; names[i] = q }
}

inline queue_work(t, i, is_chained, q, g, has) {
	d_step { NOTE_BEGIN; enter(t) };
	if
	:: is_refusing && !is_chained
	:: else ->
		q = table;
		atomic {
			touch_wq(); assert(!table_is_freed[q]);
			touch(q);
			if
			:: pending[i]
			:: else ->
				has = 1; pending[i] = 1;
				if :: !ASKS(i, q) -> queued[i] = 1; names[i] = q :: else fi;
				nr_accepted++; NOTE_ACCEPTED(i)
			fi
		};
		if
		:: has ->
			if :: !queued[i] -> where_it_runs(i, q, g) :: else fi;
			atomic { touch(q); intake[POOL(q)]!i }
		:: else
		fi
	fi;
	atomic {
		if :: has -> NOTE_RETURNED :: else fi;
		leave(t); has = 0; q = 0
	}
}

proctype Producer(byte t) {
	byte n, q, g, b, c; bit has;

	do
	:: n < NQ -> queue_work(t, ITEM(t, n), 0, q, g, has); n++
	:: else -> break
	od
}

proctype Worker(byte w) {
	byte i, j, q, g, b, c, nr_chained; bit has;

end_idle:
	atomic {
		nempty(intake[w]) || nempty(worklist[w]);
		drain(w, i, q);
		if
		:: worklist[w]?i
		:: empty(worklist[w]) -> goto end_idle		/* held back */
		fi;
		q = names[i];
		touch(q);
		assert(pending[i] && queued[i] && filed[i]);
		current_pwq[w] = q; current[w] = i;
		nr_running[i]++;
		assert(nr_running[i] == 1);			/* B3 */
		NOTE_START(i);
#ifdef ORDERED
		b = 0;
		do :: b < NI && (b == i || !nr_running[b]) -> b++ :: else -> break od;
		assert(b == NI); b = 0;				/* B9 */
#endif
		filed[i] = 0; queued[i] = 0; last[i] = w; names[i] = 0; pending[i] = 0; q = 0
	};
	/* the function */
	if
	:: nr_chained < NR -> nr_chained++; queue_work(WORKER(w), i, 1, q, g, has)
	:: 1
	fi;
	atomic { nr_running[i]--; nr_over++; current[w] = NONE };
	atomic {
		q = current_pwq[w];
		is_active[q] = 0;
		settle(q, i);
		q = 0; i = 0
	};
	goto end_idle
}

/* cancel_work(), for any item */
proctype Canceller(byte t) {
	byte i, q, g, p = NONE;

	if :: i = 0 :: NI > 1 -> i = NI - 1 fi;
	/* wq_wait_named_pool() */
#ifndef BUG_NOSECTION
	enter(t);
#endif
	if
	:: atomic { queued[i] -> q = names[i] };
		atomic { touch(q); p = POOL(q); q = 0 }
	:: atomic { !queued[i] -> p = NONE }
	fi;
	leave(t);
	if
	:: p != NONE ->
		atomic {
			g = i; drain(p, i, q); i = g;
			if
			:: queued[i] && POOL(names[i]) == p && filed[i] ->
				q = names[i];
				touch(q);
				if
				:: worklist[p]??[eval(i)] -> worklist[p]??eval(i); is_active[q] = 0
#ifdef ORDERED
				:: else -> inactive[q]??eval(i)
#endif
				fi;
				NOTE_OVER(i);
				filed[i] = 0; queued[i] = 0; names[i] = 0;
				last[i] = (current[p] == i -> p : NONE);
				pending[i] = 0; nr_over++;
				settle(q, i)
			:: else
			fi;
			i = 0; q = 0; g = 0; p = NONE
		}
	:: else
	fi
}

/* ---- core/retire.c ---- */

#ifdef BUG_NODRAIN
#define drain_to_look(p, i, o) skip
#else
#define drain_to_look(p, i, o) drain(p, i, o)
#endif

#ifdef BUG_NOPENDING
#define IS_QUEUED(q) 0
#else
#define IS_QUEUED(q) release_pending[q]
#endif
#ifdef NOFILED
#define HAS_FILED(q, n) 0
#else
#define HAS_FILED(q, n) (nr_filed[q] != n)
#endif

/* With flush_lock held: the oldest that is left goes on. */
inline unplug(o, i) {
#ifdef ORDERED
	o = 0;
	do
	:: o < NPWQ && !is_linked[o] -> o++
	:: o < NPWQ && is_linked[o] ->
#ifdef BUG_UNPLUGNEW
		if :: o + 1 < NPWQ && is_linked[(o + 1) % NPWQ] -> o++ :: else fi;
#endif
		atomic {
			touch(o); is_plugged[o] = 0;
#ifndef BUG_UNPLUGHALF
			activate(o, i);
#endif
			i = 0
		};
#ifdef BUG_UNPLUGALL
		o++
#else
		break
#endif
	:: else -> break
	od;
	o = 0
#else
	skip
#endif
}

/* A worker of the pool that serves releases. */
proctype Releaser(byte r) {
	byte q, n, i, o; bit is_gone;

end_idle:
	atomic {
		if
		:: release_pending[0] && !release_runs[0] -> q = 0
#if NPWQ > 1
		:: release_pending[1] && !release_runs[1] -> q = 1
#endif
#if NPWQ > 2
		:: release_pending[2] && !release_runs[2] -> q = 2
#endif
		fi;
		touch(q);
		release_pending[q] = 0; release_runs[q] = 1
	};
	atomic {
		touch(q);
		drain_to_look(POOL(q), i, o);
		n = nr_filed[q];
		is_gone = (in_flight[q] == 0)
	};
	if
	:: is_gone ->
#ifndef BUG_NOSYNC
		synchronize(RELEASER(r));
#endif
		atomic { flush_lock == 0 -> touch_wq(); flush_lock = 1 };
#ifndef BUG_NOLOOK
		atomic {
			touch(q);
			drain_to_look(POOL(q), i, o);
			is_gone = (in_flight[q] == 0 && !HAS_FILED(q, n) && !IS_QUEUED(q))
		};
#endif
		if
		:: is_gone ->
			d_step { is_linked[q] = 0; nr_filed_gone = nr_filed_gone + nr_filed[q] };
			unplug(o, i)
		:: else
		fi;
		atomic { touch_wq(); flush_lock = 0 };
		if
		:: is_gone -> atomic { touch(q); is_freed[q] = 1 }
		:: else
		fi
	:: else
	fi;
	atomic { release_runs[q] = 0; q = 0; n = 0; is_gone = 0 };
	goto end_idle
}

/* ---- who changes the queue, then destroys it ---- */

inline publish(old, new) {
	atomic {
		flush_lock == 0 -> flush_lock = 1;
		is_linked[new] = 1;
#if defined(ORDERED) && !defined(BUG_NOPLUG)
		is_plugged[new] = 1;
#endif
		old = table
	};
	atomic { table = new; flush_lock = 0 }
}

inline change(old, new, i, q) {
#ifdef BUG_SYNCFIRST
	synchronize(CHANGER);
#endif
	publish(old, new);
#ifndef NOWAIT
#ifndef BUG_SYNCFIRST
	synchronize(CHANGER);
#endif
	table_is_freed[old] = 1;
#endif
	atomic {
		touch(old);
		drain(POOL(old), i, q);
		is_retired[old] = 1;
#ifndef BUG_EMPTY
		if :: in_flight[old] == 0 -> queue_release(old) :: else fi;
#endif
		old = 0
	}
}

#ifdef DESTROY
inline flush_releases(q) {
	do
	:: q < NPWQ -> atomic { !release_pending[q] && !release_runs[q] -> q++ }
	:: else -> q = 0; break
	od
}

/* One of wq_drain_queue()'s passes: sum of the items ever filed; where: a pwq that is not empty. */
inline pass(sum, where, q, i, o) {
	atomic { flush_lock == 0 -> flush_lock = 1; sum = nr_filed_gone };
	do
	:: q < NPWQ && is_linked[q] ->
		atomic {
			touch(q);
			drain(POOL(q), i, o);
			if :: in_flight[q] > 0 -> where = q :: else fi;
			sum = sum + nr_filed[q]; q++
		}
	:: q < NPWQ && !is_linked[q] -> q++
	:: else -> q = 0; break
	od;
	flush_lock = 0
}

inline destroy(q, i, o, first, second, where) {
	is_refusing = 1;
	synchronize(CHANGER);
#ifdef BUG_RELFLUSHED
	flush_releases(q);
#endif
	do
	:: where = NONE;
		pass(first, where, q, i, o);
		if
		:: where == NONE -> pass(second, where, q, i, o)
		:: else
		fi;
		if
		:: where == NONE && first == second -> break
		:: where == NONE && first != second
		:: where != NONE -> (in_flight[where] == 0)
		fi
	od;
#if !defined(BUG_NORELFLUSH) && !defined(BUG_RELFLUSHED)
	flush_releases(q);
#endif
#ifndef BUG_ONESYNC
	synchronize(CHANGER);
#endif
	do
	:: q < NPWQ ->
		atomic {
			if
			:: is_linked[q] ->
				touch(q);
				assert(in_flight[q] == 0 && q == table);
				is_freed[q] = 1
			:: else
			fi;
			q++
		}
	:: else -> break
	od;
	wq_is_freed = 1
}
#endif

proctype Changer() {
	byte old, new, i, q;
#ifdef DESTROY
	byte first, second, where, o;
#endif

	do
	:: new < NA -> new++; change(old, new, i, q)
	:: else -> new = 0; break
	od;
#ifdef DESTROY
	destroy(q, i, o, first, second, where)
#endif
}

init {
	byte i;

	atomic {
		is_linked[0] = 1;
		current[0] = NONE; current[1] = NONE;
		do :: i < NI -> last[i] = NONE; i++ :: else -> i = 0; break od;
		run Worker(0);
		run Worker(1);
		do :: i < NREL -> run Releaser(i); i++ :: else -> i = 0; break od;
		do :: i < NP -> run Producer(i); i++ :: else -> i = 0; break od;
		do :: i < NC -> run Canceller(CANCELLER(i)); i++ :: else -> i = 0; break od;
		run Changer()
	}
	timeout ->
	atomic {
		assert(_nr_pr == 3 + NREL);
		assert(nr_over == nr_accepted);
		do
		:: i < NPWQ ->
			assert(in_flight[i] == 0 && !release_pending[i]);
#ifdef DESTROY
			assert(is_freed[i]);
#else
			assert(is_freed[i] == (i != table) && is_linked[i] == (i == table));
#endif
			i++
		:: else -> i = 0; break
		od;
		assert(!is_plugged[table] && empty(intake[0]) && empty(intake[1]))
	}
}
