/* SPDX-License-Identifier: MIT */
/*
 * limit.pml - pwqs on several pools share one limit of active items.
 *
 * Models  core/limit.c, the filing and unfiling of core/pwq.c that calls it, the kick among what
 *         the intake holds. Orders LIMIT-WAIT, LIMIT-WANTED, LIMIT-GIVE, LIMIT-LOOK, KICK-PUSH,
 *         KICK-TAKE. A pool's workers are one process: each operation is a lock hold, in any
 *         order; who is woken by a push is left to wake.pml and manager.pml: here a pool sees that
 *         its intake holds something. Items are counted, not told apart.
 * Bounds  NPOOL pools, NQ pwqs, pwq q on pool q % NPOOL; NL limits, each with NQ / NL pwqs; NI
 *         items for each pwq, in any order; MAX the limit. CHANGE=m: somebody sets it to m
 *         meanwhile. NC items are cancelled at any time, while held back (an active one is as if it
 *         ended). NSTUCK active items never end. PLUG: the last of two or three pwqs is plugged
 *         until the items of the others are through. ROUND: C4 is checked. LIVE: LTL runs.
 * Checks  nr is never above what the limit was; once all is quiet nobody holds an item back while
 *         there is room; if all end, all have run; each item runs or is cancelled once; who is
 *         served has something to start; nobody locks two pools; nobody waits for ever for a lock;
 *         C4 those who wait are served in turn.
 * Bugs    each must make pan report an error:
 *   BUG_LOOKFIRST  who joins the line has looked for room before it was to be seen there
 *   BUG_NOLOOK     ... does not look for room at all
 *   BUG_WAITBUF    nr_waiting is not stored with seq_cst: the look for room overtakes it
 *   BUG_FREELATE   who gives a slot back looks at nr_waiting first
 *   BUG_KICKLATE   is_kicked is cleared when the line has been served
 *   BUG_PUSHFIRST  who kicks pushes unless it is kicked, and then says that it is
 *   BUG_NOHANDON   serving ends at another pool's turn, without a kick
 *   BUG_SKIP       ... or passes it over, moved to the tail
 *   BUG_ONESLOT    serving ends after one item
 *   BUG_ONELIMIT   a kicked pool serves the first of its pwqs that waits
 *   BUG_NOPASS     who leaves the line because its last item was cancelled does not hand on
 *   BUG_NOROUND    (ROUND) who was served stays the first in the line
 *   BUG_STAYS      who has nothing left to start stays in the line
 *   BUG_CANCELSTAY ... because its last item was cancelled
 *   BUG_CHANGELATE who raises the limit serves first
 *   BUG_NOCHANGE   ... does not serve
 *   BUG_REJOIN     ... looks what a pwq holds back, then drains, then joins the line for it
 *   BUG_PLUGWAITS  a plugged pwq stands in the line, and is passed over
 *   BUG_NOJOIN     who is unplugged does not join the line
 *   BUG_STORE      a slot is taken by a load and a store
 *   BUG_TWOLOCKS   instead of a kick, the other pool is locked too
 */
#ifndef NPOOL
#define NPOOL 2
#endif
#ifndef NQ
#define NQ NPOOL
#endif
#ifndef NL
#define NL 1
#endif
#ifndef NI
#define NI 2
#endif
#ifndef MAX
#define MAX 1
#endif
#ifndef NC
#define NC 0
#endif
#ifndef NSTUCK
#define NSTUCK 0
#endif
#ifdef CHANGE
#define HIGHEST (CHANGE > MAX -> CHANGE : MAX)
#else
#define HIGHEST MAX
#endif
#define NONE 255
#define KICK 254		/* among what an intake holds, beside pwqs */
#define POOL(q) ((q) % NPOOL)
#define LIMIT(q) ((q) / (NQ / NL))

/* pools */
bit lk[NPOOL], is_kicked[NPOOL];
chan intake[NPOOL] = [NQ * NI + 1] of { byte };

/* pwqs, under their pool's lock: items held back, items active */
byte nr_inactive[NQ], nr_active[NQ];
bit is_waiting[NQ], is_plugged[NQ];

/* limits: nr, max and nr_waiting are read without the lock */
byte nr[NL], max[NL], nr_waiting[NL];
bit ll[NL];
chan waiting[NL] = [NQ] of { byte };

/* ghosts */
byte nr_pushed[NQ], nr_through[NQ], nr_stuck;
#define IS_THROUGH(v) (v >= NQ || nr_through[v % NQ] == NI)
#define ALL_THROUGH (IS_THROUGH(0) && IS_THROUGH(1) && IS_THROUGH(2) && IS_THROUGH(3))
#ifdef LIVE
ltl runs { <> ALL_THROUGH }
#endif

/* what a thread needs: h, q, w, x are pwqs */
#define SCRATCH byte h, n, other = NONE, q, w, x; bit has, was

#ifdef ROUND
/* C4: while k waits, each other pwq has at most one turn */
byte passed[NQ], k;
#define NOTE_GONE(v) passed[v] = 0
#define NOTE_TURN(v)									\
	k = 0;										\
	do										\
	:: k < NQ && is_waiting[k] && k != v ->						\
		assert(!((passed[k] >> v) & 1)); passed[k] = passed[k] | (1 << v); k++	\
	:: k < NQ && !(is_waiting[k] && k != v) -> k++					\
	:: else -> k = 0; break								\
	od;										\
	passed[v] = 0
#else
#define NOTE_GONE(v) skip
#define NOTE_TURN(v) skip
#endif

/* take_shared() */
inline take(l) {
	n = nr[l];
	do
	:: n >= max[l] -> atomic { has = 0; n = 0 }; break
	:: n < max[l] ->
#ifdef BUG_STORE
		has = 1;
		atomic { nr[l]++; n = 0 }; break
#else
		atomic {
			if
			:: nr[l] == n -> nr[l]++; has = 1; n = 0; break
			:: else -> n = nr[l]
			fi
		}
#endif
	od;
	assert(nr[l] <= HIGHEST)
}

#ifdef BUG_WAITBUF
byte buffered[NL];
#define ADD_WAITING(l) buffered[l]++
#define FENCE(l) (buffered[l] == 0)
proctype Buffers() {
end:	do
	:: atomic {
			buffered[0] > 0 ->
			nr_waiting[0] = nr_waiting[0] + buffered[0]; buffered[0] = 0
		}
	od
}
#else
#define ADD_WAITING(l) nr_waiting[l]++
#define FENCE(l) 1
#endif

/* The limit's lock protects the line; what else it holds shows in the one store. */
inline join(v) {
	atomic {
		ll[LIMIT(v)] == 0;
		assert(!is_waiting[v]);
		is_waiting[v] = 1; waiting[LIMIT(v)]!v; ADD_WAITING(LIMIT(v))
	}
}

/* In an atomic, with the limit's lock held. */
inline leave(v) {
	is_waiting[v] = 0; waiting[LIMIT(v)]??eval(v); nr_waiting[LIMIT(v)]--; NOTE_GONE(v)
}

/* Its turn: v is first in the line. */
inline start_one(v) {
	atomic {
		assert(nr_inactive[v] > 0);
		NOTE_TURN(v);
		nr_inactive[v]--; nr_active[v]++;
		if
#ifndef BUG_STAYS
		:: nr_inactive[v] == 0 -> leave(v)
#endif
#ifndef BUG_NOROUND
		:: else -> waiting[LIMIT(v)]?eval(v); waiting[LIMIT(v)]!v
#else
		:: else
#endif
		fi
	}
}

inline kick(p) {
#ifdef BUG_PUSHFIRST
	was = is_kicked[p];
	if :: !was -> intake[p]!KICK; is_kicked[p] = 1 :: else fi;
	was = 0
#else
	atomic { was = is_kicked[p]; is_kicked[p] = 1 };
	if :: !was -> intake[p]!KICK :: else -> was = 0 fi
#endif
}

#ifdef BUG_STAYS
#define IN_TURN(v) (nr_inactive[v] > 0)
#else
#define IN_TURN(v) 1
#endif

/* serve_line(), by who has pool p locked */
inline serve_line(l, p) {
	atomic { ll[l] == 0 && FENCE(l) -> ll[l] = 1 };
	do
	:: empty(waiting[l]) -> break
	:: nempty(waiting[l]) ->
		n = nr[l];
		if
		:: n >= max[l] -> break
		:: n < max[l] ->
			atomic { n = 0; waiting[l]?<h> };
			if
#ifdef BUG_SKIP
			:: POOL(h) != p ->
				atomic {
					waiting[l]?h; waiting[l]!h;
					waiting[l]?<h>;
					if :: POOL(h) != p -> break :: else fi
				}
#else
			:: POOL(h) != p -> other = POOL(h); break
#endif
#ifdef BUG_PLUGWAITS
			:: POOL(h) == p && is_plugged[h] ->
				atomic { waiting[l]?h; waiting[l]!h };
				break
			:: POOL(h) == p && !is_plugged[h] ->
#else
			:: POOL(h) == p ->
#endif
				if
				:: IN_TURN(h) -> take(l); if :: has -> start_one(h) :: else fi
				:: else -> break
				fi;
#ifdef BUG_ONESLOT
				break
#endif
			fi
		fi
	od;
	atomic { ll[l] = 0; h = 0; n = 0; has = 0 };
	if
	:: other != NONE ->
#if defined(BUG_TWOLOCKS)
		atomic { lk[other] == 0 -> lk[other] = 1 };
		assert(0);			/* the lock's rank */
#elif !defined(BUG_NOHANDON)
		kick(other);
#endif
		other = NONE
	:: else
	fi
}

inline serve_if_room(l, p) {
	n = nr[l];
	if
	:: n >= max[l] -> n = 0
	:: n < max[l] -> n = 0; serve_line(l, p)
	fi
}

/* wq_limit_wait_locked() */
inline hold_back(v) {
	nr_inactive[v]++;
	if
#ifndef BUG_PLUGWAITS
	:: is_plugged[v] -> skip
#endif
	:: is_waiting[v] -> skip
	:: else ->
#ifdef BUG_LOOKFIRST
		n = nr[LIMIT(v)];
		join(v);
		if :: n < max[LIMIT(v)] -> n = 0; serve_line(LIMIT(v), POOL(v)) :: else -> n = 0 fi
#else
		join(v);
#ifndef BUG_NOLOOK
		serve_if_room(LIMIT(v), POOL(v))
#endif
#endif
	fi
}

/* wq_pwq_file_locked() */
inline file(v) {
	if
	:: nr_inactive[v] == 0 && !is_plugged[v] && nr_waiting[LIMIT(v)] == 0 -> take(LIMIT(v))
	:: else
	fi;
	if
	:: has -> has = 0; nr_active[v]++
	:: else -> hold_back(v)
	fi
}

/* wq_limit_kicked_locked() */
inline look_kicked(p) {
#ifndef BUG_KICKLATE
	is_kicked[p] = 0;
#endif
	w = p;
	do
	:: w < NQ && is_waiting[w] ->
		serve_if_room(LIMIT(w), p);
#ifdef BUG_ONELIMIT
		break;
#endif
		w = w + NPOOL
	:: w < NQ && !is_waiting[w] -> w = w + NPOOL
	:: w >= NQ -> break
	od;
#ifdef BUG_KICKLATE
	is_kicked[p] = 0;
#endif
	w = 0
}

inline drain(p) {
	do
	:: empty(intake[p]) -> break
	:: intake[p]?x;
		if
		:: x == KICK -> x = 0; look_kicked(p)
		:: else -> file(x); x = 0
		fi
	od
}

/* wq_limit_give_locked() */
inline give(v) {
#ifdef BUG_FREELATE
	was = (nr_waiting[LIMIT(v)] != 0);
	nr[LIMIT(v)]--;
#else
	nr[LIMIT(v)]--;
	was = (nr_waiting[LIMIT(v)] != 0);
#endif
	if
	:: was -> was = 0; drain(POOL(v)); serve_line(LIMIT(v), POOL(v))
	:: else
	fi
}

/* wq_limit_serve_locked() */
inline serve(v) {
	if
	:: nr_inactive[v] > 0 && !is_plugged[v] ->
		drain(POOL(v));
		if
#ifndef BUG_REJOIN
		:: nr_inactive[v] == 0
		:: nr_inactive[v] > 0 ->
#else
		:: 1 ->
#endif
			if
#ifndef BUG_NOJOIN
			:: !is_waiting[v] -> join(v)
#endif
			:: else
			fi;
			serve_line(LIMIT(v), POOL(v))
		fi
	:: else
	fi
}

#define LOCK(p) atomic { lk[p] == 0 -> lk[p] = 1 }

#define HAS_SECOND(p) (p + NPOOL < NQ && nr_active[(p + NPOOL) % NQ] > 0)

/* All workers of a pool: one files what was pushed, one has run an item. */
proctype Pool(byte p) {
	SCRATCH;

end:	do
	:: atomic { lk[p] == 0 && nempty(intake[p]) -> lk[p] = 1 };
		drain(p);
		lk[p] = 0
	:: atomic {
			lk[p] == 0 && (nr_active[p] > 0 || HAS_SECOND(p));
			if
			:: nr_active[p] > 0 -> q = p
			:: HAS_SECOND(p) -> q = p + NPOOL
			fi;
			nr_active[q]--;
			if
			:: nr_stuck < NSTUCK -> nr_stuck++; q = 0; goto end
			:: 1 -> lk[p] = 1; nr_through[q]++
			fi
		};
		give(q);
		atomic { q = 0; lk[p] = 0 }
	od
}

#define LEFT(v) (v < NQ && nr_pushed[v % NQ] < NI)
proctype Producer() {
	byte q;

	do
	:: atomic {
			if
			:: LEFT(0) -> q = 0
			:: LEFT(1) -> q = 1
			:: LEFT(2) -> q = 2
			:: LEFT(3) -> q = 3
			fi;
			nr_pushed[q]++; intake[POOL(q)]!q; q = 0
		}
	:: !LEFT(0) && !LEFT(1) && !LEFT(2) && !LEFT(3) -> break
	od
}

proctype Canceller() {
	SCRATCH;

	if :: q = 0 :: NQ > 1 -> q = 1 :: NQ > 2 -> q = 2 :: NQ > 3 -> q = 3 fi;
	LOCK(POOL(q));
	drain(POOL(q));
	if
	:: nr_inactive[q] > 0 ->
		atomic { nr_inactive[q]--; nr_through[q]++ };
		if
#ifndef BUG_CANCELSTAY
		:: is_waiting[q] && nr_inactive[q] == 0 ->
			atomic { ll[LIMIT(q)] == 0 && FENCE(LIMIT(q)) -> leave(q) };
#ifndef BUG_NOPASS
			serve_line(LIMIT(q), POOL(q))
#endif
#endif
		:: else
		fi
	:: else
	fi;
	lk[POOL(q)] = 0
}

#ifdef CHANGE
inline set_max(m) {
	q = 0;
	do :: q < NL -> max[q] = m; q++ :: else -> q = 0; break od
}

/* wq_layout_set_limits() */
proctype Changer() {
	SCRATCH;

#ifndef BUG_CHANGELATE
	set_max(CHANGE);
#endif
#ifndef BUG_NOCHANGE
	do
	:: q < NQ ->
		LOCK(POOL(q));
		serve(q);
		atomic { lk[POOL(q)] = 0; q++ }
	:: else -> break
	od;
#endif
#ifdef BUG_CHANGELATE
	set_max(CHANGE);
#endif
}
#endif

#ifdef PLUG
/* wq_layout_unlink_locked(): the pwqs before it are gone */
proctype Unplugger() {
	SCRATCH;

	(NQ == 2 && IS_THROUGH(0) || NQ == 3 && IS_THROUGH(0) && IS_THROUGH(1));
	LOCK(POOL(NQ - 1));
	is_plugged[NQ - 1] = 0;
	serve(NQ - 1);
	lk[POOL(NQ - 1)] = 0
}
#endif

init {
	byte i;

	atomic {
		do :: i < NL -> max[i] = MAX; i++ :: else -> i = 0; break od;
		do :: i < NPOOL -> run Pool(i); i++ :: else -> i = 0; break od;
#ifdef BUG_WAITBUF
		run Buffers();
#endif
#ifdef PLUG
		is_plugged[NQ - 1] = 1;
		run Unplugger();
#endif
#ifdef CHANGE
		run Changer();
#endif
		do :: i < NC -> run Canceller(); i++ :: else -> i = 0; break od;
		run Producer()
	}
#ifndef LIVE
	timeout ->
	atomic {
		/* only the pools are left; no lock is held, everything was looked at */
#ifndef BUG_WAITBUF
		assert(_nr_pr == NPOOL + 1);
#endif
		do
		:: i < NPOOL -> assert(!lk[i] && !is_kicked[i] && empty(intake[i])); i++
		:: else -> i = 0; break
		od;
		do
		:: i < NQ ->
			assert(nr_active[i] == 0 && is_waiting[i] == (nr_inactive[i] > 0));
			assert(nr_inactive[i] == 0 || nr[LIMIT(i)] >= max[LIMIT(i)]);
			i++
		:: else -> i = 0; break
		od;
		do :: i < NL -> assert(!ll[i]); i++ :: else -> i = 0; break od;
#if NSTUCK == 0
		assert(ALL_THROUGH || max[0] == 0)
#endif
	}
#endif
}
