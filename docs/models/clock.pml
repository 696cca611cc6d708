/* SPDX-License-Identifier: MIT */
/*
 * clock.pml - who sets the timerfd, so that the timer thread wakes up in time.
 *
 * Models  core/timer.c; lower_next(), wq_shard_set_next_locked() and the end of wq_shard_unlock()
 *         in core/shard.c. What is done under a shard's lock meets others in its store to `next`
 *         only, so it is one step. Time passes when it likes. A timerfd that is set anew forgets
 *         that it has fired; one that is set to a time that is over fires.
 *         The stores that must be seq_cst go, where a switch says that they are not, through a
 *         store buffer of one entry, which empties when it likes and before the thread's next RMW
 *         or system call; nobody can lock a shard before the store made under its lock is out.
 * Bounds  NA timers, each armed once by a thread of its own, for either of two times, on any of NS
 *         shards; NC of them may be cancelled. BEFORE: another one is armed already. START: there
 *         is no thread yet; NFAIL: so often it cannot be made. NOFD: no timerfd can be had.
 * Checks  whenever all arming calls have returned and the thread sleeps, the timerfd is set for no
 *         later than the earliest timer; all timers fire in the end; who alone arms a timer that
 *         is not the earliest makes no system call.
 * Bugs    each must make pan report an error:
 *   BUG_NOLOOK       the thread does not read every `next` again after it set the deadline
 *   BUG_RELEASE      ... its store of the deadline is not seq_cst
 *   BUG_NEXTRELEASE  the store of `next` by who arms is not seq_cst
 *   BUG_NEXTLATE     `next` is stored after looking at the deadline
 *   BUG_NOREPEAT     who has set the timerfd does not look at the deadline again
 *   BUG_GIVEUP       who arms gives up if another one changed the deadline first
 *   BUG_BLIND        who arms stores the deadline, without a CAS
 *   BUG_RAISE        the thread stores `next` after it has unlocked the shard
 *   BUG_FDLATE       the thread publishes its timerfd after it has set the deadline
 * The window that stays: STALL, a thread that arms stops for ever, so timers armed afterwards for
 * later times are late: 1 before it looks at the deadline; 2 between lowering it and setting the
 * timerfd; 3 after setting that for a time by now outdated. ALWAYS would close the first: who arms
 * looks at the deadline also if another timer of the shard is earlier.
 * Not needed: NOAWAKE, the thread does not say that it is awake. It saves system calls.
 */
#ifndef NA
#define NA 2
#endif
#ifndef NC
#define NC 0
#endif
#ifndef NFAIL
#define NFAIL 0
#endif
#ifndef MAX
#define MAX 3
#endif
#ifndef NS
#define NS 2
#endif
#define AWAKE	0
#define NEVER	15

byte now;
byte next[NS];
byte deadline = NEVER;
byte fd = NEVER;			/* when the timerfd fires */
bit has_fd, park, is_started, token;	/* token: the manager's */

/* the wheels */
#define NT (NA + 1)
bit armed[NT];
byte expires[NT], shard[NT];

/* store buffers */
bit next_full[NA], deadline_full;
byte next_buf[NA], deadline_buf;

/* ghosts */
byte nr_arming, nr_failed;
bit is_asleep, has_stalled[NT];
byte until;				/* NOFD: what the thread sleeps for */
byte k, earliest;

inline find_earliest(s) {
	k = 0; earliest = NEVER;
	do
	:: k < NT ->
		if
		:: armed[k] && (s == NS || shard[k] == s) && expires[k] < earliest ->
			earliest = expires[k]
		:: else
		fi;
		k++
	:: else -> k = 0; break
	od
}

proctype Clock() {
end:	do :: now < MAX -> now++ od
}

#if defined(BUG_NEXTRELEASE) || defined(BUG_RELEASE)
proctype Buffers() {
end:	do
	:: atomic { next_full[0] -> next[shard[0]] = next_buf[0]; next_full[0] = 0 }
#if NA > 1
	:: atomic { next_full[1] -> next[shard[1]] = next_buf[1]; next_full[1] = 0 }
#endif
#if NA > 2
	:: atomic { next_full[2] -> next[shard[2]] = next_buf[2]; next_full[2] = 0 }
#endif
	:: atomic { deadline_full -> deadline = deadline_buf; deadline_full = 0 }
	od
}
#endif
#ifdef BUG_NEXTRELEASE
#define IS_OUT(i)	(!next_full[i])
#define CAN_LOCK(s)	(!(next_full[0] && shard[0] == s) && !(next_full[NA / 2] && \
			 shard[NA / 2] == s) && !(next_full[NA - 1] && shard[NA - 1] == s))
#else
#define IS_OUT(i)	1
#define CAN_LOCK(s)	1
#endif
#ifdef BUG_RELEASE
#define SET_DEADLINE(t) atomic { !deadline_full -> deadline_buf = t; deadline_full = 1 }
#define OWN_DEADLINE	(deadline_full -> deadline_buf : deadline)
#define DEADLINE_IS_OUT !deadline_full
#else
#define SET_DEADLINE(t) deadline = t
#define OWN_DEADLINE	deadline
#define DEADLINE_IS_OUT 1
#endif

/* set_alarm(); a system call */
inline set_alarm(t) {
	if
	:: has_fd -> fd = t
	:: !has_fd && is_started -> park = 1
	:: !has_fd && !is_started -> token = 1
	fi
}

/* ------------------------------------------------------------------- arming */

inline may_stall(where) {
#ifdef STALL
	if
	:: atomic { STALL == where &&
			has_stalled[0] + has_stalled[NA / 2] + has_stalled[NA - 1] == 0 ->
			has_stalled[me] = 1; nr_arming--; goto out }
	:: skip
	fi
#else
	skip
#endif
}

proctype Armer(byte me) {
	byte t, d; bit my, is_lowered;

	/* under the lock of the shard; the first one's is 0, the others may choose */
	atomic {
		if
		:: CAN_LOCK(0)
		:: NS > 1 && me > 0 && CAN_LOCK(1) -> my = 1
		fi;
		if :: t = MAX - 1 :: t = MAX fi;
		nr_arming++;
		shard[me] = my; expires[me] = t; armed[me] = 1;
		is_lowered = t < next[my];
#ifdef ALWAYS
		if :: is_lowered -> next[my] = t :: else fi;
		is_lowered = 1;
#else
#ifndef BUG_NEXTLATE
		if
#ifdef BUG_NEXTRELEASE
		:: is_lowered -> next_buf[me] = t; next_full[me] = 1
#else
		:: is_lowered -> next[my] = t
#endif
		:: else
		fi
#endif
#endif
	};
	may_stall(1);
	/* wq_timer_announce() */
	if
	:: is_lowered ->
#if !defined(BUG_NEXTLATE) && !defined(ALWAYS)
#ifdef BUG_NEXTRELEASE
		t = (next_full[me] -> next_buf[me] : next[my]);
#else
		t = next[my];
#endif
#endif
		d = deadline;
#ifdef BUG_NEXTLATE
		next[my] = t;
#endif
		do
		:: t >= d -> break
		:: t < d ->
			atomic {
				IS_OUT(me);
				if
#ifdef BUG_BLIND
				:: 1 ->
#else
				:: deadline == d ->
#endif
					deadline = t; is_lowered = 0;
#ifndef STALL
					find_earliest(NS);
					assert(!is_asleep || nr_arming > 1 || earliest >= t);
					earliest = 0
#endif
				:: else -> d = deadline
				fi
			};
			if
			:: !is_lowered ->
				may_stall(2);
				do
				:: atomic { d = deadline; if :: d == AWAKE || d == NEVER -> break :: else fi };
					atomic { set_alarm(d) };
					may_stall(3);
#ifdef BUG_NOREPEAT
					break;
#endif
					if :: d == deadline -> break :: else fi
				od;
				break
			:: else
#ifdef BUG_GIVEUP
				-> break
#endif
			fi
		od
	:: else
	fi;
	atomic { t = 0; d = 0; is_lowered = 0; my = 0; nr_arming-- };
out:	skip
}

#if NC > 0
/* Cancels the timer i, if it is armed yet; `next` stays. */
proctype Canceller(byte i) {
	atomic { CAN_LOCK(shard[i]) -> armed[i] = 0; expires[i] = 0; shard[i] = 0 }
}
#endif

/* ----------------------------------------------------------------- the thread */

/* earliest_next() */
inline find_next(m) {
	m = NEVER; s = 0;
	do
	:: s < NS -> atomic { m = (next[s] < m -> next[s] : m); s++ }
	:: else -> s = 0; break
	od
}

/* A shard's batch is one step: it is looked at, then locked, then its `next` is set. */
inline fire_all() {
	s = 0;
	do
	:: s < NS ->
		atomic {
			CAN_LOCK(s);
			t = now;
			if
			:: next[s] <= t ->
				k = 0;
				do
				:: k < NT ->
					if
					:: armed[k] && shard[k] == s && expires[k] <= t ->
						armed[k] = 0; expires[k] = 0; shard[k] = 0
					:: else
					fi;
					k++
				:: else -> k = 0; break
				od;
				find_earliest(s);
#if NC > 0
				/* the wheel may say an earlier time, if its timer is gone */
				if
				:: earliest != NEVER && earliest > t + 1 -> earliest = t + 1
				:: 1
				fi;
#endif
#ifdef BUG_RAISE
				m = earliest;
#else
				next[s] = earliest;
#endif
				earliest = 0
			:: else
#ifdef BUG_RAISE
				-> m = next[s]
#endif
			fi
#ifndef BUG_RAISE
			; s++
#endif
		}
#ifdef BUG_RAISE
		; atomic { next[s] = m; s++ }
#endif
	:: else -> s = 0; t = 0; m = 0; break
	od
}

proctype TimerThread() {
	byte s, t, m, m2; bit done;

#ifdef START
	(is_started);
#else
	goto sleep;
#endif
again:
#ifdef NOAWAKE
	skip;
#else
	SET_DEADLINE(AWAKE);
#endif
#if !defined(NOFD) && !defined(BUG_FDLATE)
	has_fd = 1;
#endif
	do
	:: done -> done = 0; break
	:: !done ->
		fire_all();
		/* set_deadline() */
		find_next(m);
		SET_DEADLINE(m);
#ifndef BUG_NOLOOK
		find_next(m2);
#else
		m2 = m;
#endif
		if
		:: m2 < m ->
#ifndef NOAWAKE
			SET_DEADLINE(AWAKE)
#endif
		:: m2 >= m ->
			do
			:: atomic {
					t = OWN_DEADLINE;
					/* without a timerfd the sleep looks at the deadline */
					if :: !has_fd || t == AWAKE || t == NEVER -> break :: else fi
				};
				atomic { DEADLINE_IS_OUT -> set_alarm(t) };
#ifdef BUG_NOREPEAT
				break;
#endif
				if :: t == OWN_DEADLINE -> break :: else fi
			od;
			done = 1
		fi;
		m = 0; m2 = 0; t = 0
	od;
#ifdef BUG_FDLATE
	has_fd = 1;
#endif
#ifdef NOFD
sleep:	atomic { until = deadline; is_asleep = 1 };
end_sleep:
	atomic { park || until <= now -> park = 0; until = 0; is_asleep = 0 };
#else
sleep:	is_asleep = 1;
end_sleep:
	atomic { fd <= now -> fd = NEVER; is_asleep = 0 };
#endif
	goto again
}

#ifdef START
proctype Manager() {
end:	do
	:: atomic { token -> token = 0 };
		if
		:: deadline != NEVER && !is_started ->
#if NFAIL > 0
			if
			:: nr_failed < NFAIL ->
				atomic { is_started = 1; nr_failed++ };
				/* not made; tries again by itself */
				atomic { is_started = 0; token = 1 }
			:: is_started = 1
			fi
#else
			is_started = 1
#endif
		:: else
		fi
	od
}

#endif

#ifdef NOFD
#define ALARM (park -> 0 : until)
#else
#define ALARM fd
#endif
#define IS_MISSED(i) (armed[i] && !has_stalled[i] && expires[i] < ALARM)

/* At rest, and nothing will wake the thread in time? */
proctype Monitor() {
end:	is_asleep && nr_arming == 0 && ALARM > now &&
	(IS_MISSED(0) || IS_MISSED(NA / 2) || IS_MISSED(NA - 1) || IS_MISSED(NA)) -> assert(0)
}

init {
	byte i;

	atomic {
		do :: i < NS -> next[i] = NEVER; i++ :: else -> i = 0; break od;
		now = 1;
#ifndef START
		is_started = 1;
#ifndef NOFD
		has_fd = 1;
#endif
#endif
#ifdef BEFORE
		armed[NA] = 1; expires[NA] = MAX; next[0] = MAX; deadline = MAX; fd = MAX;
#endif
		run Clock();
#ifdef START
		run Manager();
#endif
		run TimerThread();
		run Monitor();
#if defined(BUG_NEXTRELEASE) || defined(BUG_RELEASE)
		run Buffers();
#endif
		do :: i < NA -> run Armer(i); i++ :: else -> i = 0; break od;
#if NC > 0
		do :: i < NC -> run Canceller(i); i++ :: else -> i = 0; break od;
#endif
	}
	/* time has passed, nobody does anything any more */
	timeout ->
	i = 0;
	do
	:: i < NT -> assert(!armed[i] || has_stalled[i]); i++
	:: else -> break
	od
}
