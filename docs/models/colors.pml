/* SPDX-License-Identifier: MIT */
/*
 * colors.pml - flush_workqueue(): colours, the overflow list, who tells whom.
 *
 * Models  close_on_pwq() to wq_flush_queue() in ops/flush.c; wq_pwq_leave_color_locked(),
 *         end_color() and the counting of wq_pwq_file_locked() in core/pwq.[ch]. wait_for_late() is
 *         left out. One queue, NP pwqs.
 * Bounds  NC colours (16 in the code), NF flushers, NI items: item i is queued after item i - 1, on
 *         pwq i % NP; filed items end in any order.
 * Checks  D1 whatever was queued before the flush is over when it returns; D3 all colours in use:
 *         the rest share one later; D4 flushers return in the order of their colours; a colour is
 *         opened only when nothing of it is left; nobody waits for ever.
 * Bugs    each must make pan report an error:
 *   BUG_HEADLATE   the flusher looks at the count, then stores flush_head
 *   BUG_HEADEARLY  the last item looks at flush_head, then takes itself off the count
 *   BUG_NODRAIN    a colour is closed without draining the intake first
 *   BUG_NOOVERFLOW a colour becomes free and those who wait for one are not started
 *   BUG_JOIN       those who wait for a colour join the last one that was closed
 *   BUG_REUSE      the last free colour is opened too, none stays between oldest and newest
 *   BUG_ONE        who is woken ends one colour and does not look at the next
 *   BUG_NOHANDON   who is woken does not name the next to be woken
 * NOSELF: while closing, the flusher does not count itself. It passes: flush_lock is held until
 *         work_color has moved on, so the count's reaching 0 in between costs a wake only.
 */
#ifndef NC
#define NC 3
#endif
#ifndef NF
#define NF 3
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NI
#define NI 3
#endif
#define NONE 255
#define NEXT(c) (((c) + 1) % NC)

/* pwq q: under its pool's lock */
bit lk[NP];
byte color[NP], in_flight[NP * NC];
bit flushing[NP * NC];

/* the queue: lock-free, then under flush_lock */
byte flush_head = NONE, flush_pending[NC];
bit flush_lock;
byte work_color, flush_color, color_of[NF];
chan flushers = [NF] of { byte };
chan overflow = [NF] of { byte };
bit is_done[NF], park[NF];

/* items */
#define IDLE	0
#define PUSHED	1
#define FILED	2
#define OVER	3
byte state[NI], color_of_item[NI], nr_pushed[NP], nr_filed[NP];

/* ghosts */
byte nr_closed, closed_as[NF], last_done, nr_called;

inline drain(q, i) {
	i = q;
	do
	:: i < NI ->
		if
		:: state[i] == PUSHED ->
			nr_pushed[q]--; nr_filed[q]++;
			state[i] = FILED; color_of_item[i] = color[q];
			in_flight[q * NC + color[q]]++
		:: else
		fi;
		i = i + NP
	:: else -> i = 0; break
	od
}

proctype Producer() {
	byte i;

	do
	:: i < NI -> atomic { state[i] = PUSHED; nr_pushed[i % NP]++; i++ }
	:: else -> break
	od
}

/* All workers of a pool: one files what was pushed, one ends an item. */
proctype Pool(byte q) {
	byte i, c, h = NONE;

end:	do
	:: atomic { lk[q] == 0 && nr_pushed[q] > 0 -> drain(q, i) }
	:: atomic {
			lk[q] == 0 && nr_filed[q] > 0;
			if
			:: state[q] == FILED -> i = q
			:: q + NP < NI && state[(q + NP) % NI] == FILED -> i = q + NP
			:: q + 2 * NP < NI && state[(q + 2 * NP) % NI] == FILED -> i = q + 2 * NP
			fi;
			state[i] = OVER; nr_filed[q]--;
			/* leave_color() */
			c = color_of_item[i]; i = 0;
			assert(in_flight[q * NC + c] > 0);
			in_flight[q * NC + c]--;
			if
			:: in_flight[q * NC + c] > 0 || !flushing[q * NC + c] -> c = 0; goto end
			:: else -> flushing[q * NC + c] = 0; lk[q] = 1
			fi
		};
#ifdef BUG_HEADEARLY
		h = flush_head;
#endif
		atomic {
			assert(flush_pending[c] > 0);
			flush_pending[c]--;
			if
			:: flush_pending[c] > 0 -> h = NONE; c = 0; lk[q] = 0; goto end
			:: else -> c = 0
			fi
		};
#ifndef BUG_HEADEARLY
		h = flush_head;
#endif
		lk[q] = 0;
		atomic { if :: h != NONE -> park[h] = 1 :: else fi; h = NONE }
	od
}

/* ---- flush.c; flush_lock held ---- */

inline close_on_pwq(q, c, i) {
	atomic {
		lk[q] == 0;
#ifdef NOSELF
		if :: q == 0 -> flush_pending[c] = 0 :: else fi;
#else
		if :: q == 0 -> flush_pending[c] = 1 :: else fi;
#endif
#ifndef BUG_NODRAIN
		drain(q, i);
#endif
		if
		:: in_flight[q * NC + c] > 0 -> flushing[q * NC + c] = 1; flush_pending[c]++
		:: else
		fi;
		assert(in_flight[q * NC + NEXT(c)] == 0 && !flushing[q * NC + NEXT(c)]);
		color[q] = NEXT(c)
	}
}

#ifdef BUG_REUSE
#define NO_COLOR_FREE 0
#else
#define NO_COLOR_FREE (NEXT(work_color) == flush_color)
#endif

/* A colour is free. */
inline close_color(q, i) {
	do
	:: q < NP -> close_on_pwq(q, work_color, i); q++
	:: else -> break
	od;
	atomic {
		q = 0;
#ifndef NOSELF
		flush_pending[work_color]--;
#endif
		work_color = NEXT(work_color); nr_closed++
	}
}

/* with the colour just closed */
inline enlist(f) {
	flushers!f; color_of[f] = (work_color + NC - 1) % NC; closed_as[f] = nr_closed
}

inline start_overflow(q, i) {
	if
	:: len(overflow) > 0 ->
#ifndef BUG_JOIN
		close_color(q, i);
#endif
		atomic { do :: overflow?q -> enlist(q) :: empty(overflow) -> q = 0; break od }
	:: else
	fi
}

inline end_oldest_color(q) {
	atomic {
		do
		:: flushers?[q] ->
			flushers?<q>;
			if
			:: color_of[q] == flush_color ->
				flushers?q;
				assert(closed_as[q] >= last_done);	/* D4 */
				last_done = closed_as[q];
				is_done[q] = 1; park[q] = 1
			:: else -> break
			fi
		:: empty(flushers) -> break
		od;
		q = 0; flush_color = NEXT(flush_color)
	}
}

#define OLDEST_IS_DONE (flush_color != work_color && flush_pending[flush_color] == 0)

inline store_head(q) {
	atomic {
		if
		:: flushers?[q] -> flushers?<q>; flush_head = q; q = 0
		:: empty(flushers) -> flush_head = NONE
		fi
	}
}

proctype Flusher(byte f) {
	byte q, i, seen;
#ifdef BUG_NOHANDON
	bit woken;
#endif

	atomic {
		flush_lock == 0 && nr_called == f;	/* they are all alike: in this order */
		flush_lock = 1; nr_called++;
		/* what D1 promises, and more: the call has begun before */
		do
		:: i < NI -> seen = seen | ((state[i] != IDLE) << i); i++
		:: else -> i = 0; break
		od;
		if
		:: len(overflow) > 0 || NO_COLOR_FREE -> overflow!f; goto advance
		:: else
		fi
	};
	close_color(q, i);
	atomic { enlist(f) };
advance:
	do
	:: OLDEST_IS_DONE ->
		end_oldest_color(q);
#ifndef BUG_NOOVERFLOW
		start_overflow(q, i);
#endif
#ifdef BUG_ONE
		break
#endif
	:: else -> break
	od;
#ifdef BUG_HEADLATE
	if :: OLDEST_IS_DONE -> goto advance :: else fi;
	atomic { store_head(q); flush_lock = 0 };
#else
#ifdef BUG_NOHANDON
	if :: !woken -> store_head(q) :: else fi;
	woken = 1;
#else
	store_head(q);
#endif
#ifdef BUG_ONE
	flush_lock = 0;
#else
	atomic { if :: OLDEST_IS_DONE -> goto advance :: else -> flush_lock = 0 fi };
#endif
#endif
	/* wait_for_flusher() */
	if
	:: is_done[f]
	:: else ->
		atomic { park[f] -> park[f] = 0 };
		if
		:: is_done[f]
		:: atomic { !is_done[f] && flush_lock == 0 -> flush_lock = 1 }; goto advance
		fi
	fi;
	atomic {
		park[f] = 1;			/* a token may come late */
		do
		:: i < NI -> assert(!((seen >> i) & 1) || state[i] == OVER); i++	/* D1 */
		:: else -> i = 0; seen = 0; break
		od
	}
}

init {
	byte i;

	atomic {
		do :: i < NP -> run Pool(i); i++ :: else -> break od;
		i = 0;
		do :: i < NF -> run Flusher(i); i++ :: else -> break od;
		i = 0;
		run Producer()
	}
	timeout ->
	assert(_nr_pr == NP + 1);
	atomic {
		do :: i < NI -> assert(state[i] == OVER); i++ :: else -> i = 0; break od;
		do :: i < NC -> assert(flush_pending[i] == 0); i++ :: else -> i = 0; break od
	}
}
