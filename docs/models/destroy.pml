/* SPDX-License-Identifier: MIT */
/*
 * destroy.pml - destroy_workqueue() against everybody who still knows the queue: producers, items
 *               that queue others, who looks at items and workers, who walks the list of queues.
 *
 * Models  destroy_workqueue() and free_queue() in ops/alloc.c, wq_drain_queue() in ops/drain.c,
 *         wq_wq_fini() in core/wq.c, wq_layout_free_pwq() in core/layout.c. Against them:
 *         queue_work() in ops/queue.c with is_refused() and is_chained() in core/submit.c (of this
 *         queue), where_it_runs() there (of another queue: the item may run here), start(),
 *         settle() and wq_worker_desc_locked() in core/worker.c, show_queues() in watch/dump.c
 *         and set_freezing() in ops/freeze.c. RCU: wq_rcu_wait(), submit_fn() and
 *         begin_grace_period() in ops/rcu.c. RESCUER: rescuer_main(), wq_rescuer_stop().
 *         Two pwqs on two pools, one worker each; items are just counted. Each hold of a pool's
 *         lock is one step. Sections are sequentially consistent (epoch.pml has them with store
 *         buffers); armed items are in timer.pml, replaced pwqs in retire.pml. When a queue is
 *         empty is told fully in drain.pml.
 * Bounds  NP producers queue NQ items each, on either pwq, and may go on trying until the queue is
 *         drained, though the contract forbids that; items queue NC others.
 *         LIVE: they go on trying for as long, and NQ is how many items wait at most; nobody looks.
 * Checks  what was accepted has run when the queue is freed (F4); nobody touches it, or its pwqs,
 *         afterwards; all end. LIVE: it is freed in the end, whatever producers do.
 * Bugs    each must make pan report an error:
 *   BUG_NOSYNC     no grace period after the flag: who has not seen it pushes later
 *   BUG_SYNCFIRST  the flag is set after it
 *   BUG_NOREFUSE   who queues does not look at the flag
 *   BUG_ONEFLAG    the flag of the drain is the only one, and taken back when the queue is empty
 *   BUG_NODRAIN    flushed once, not until it is empty
 *   BUG_NOSECOND   no grace period before the queue is freed
 *   BUG_SECONDFIRST  it comes before the queue is drained
 *   BUG_NOSECTION  who asks where an item runs is in no section
 *   BUG_NOLIST     the queue is freed, then taken off the list
 *   BUG_NOCONFIG   it is taken off without the configuration lock
 *   BUG_NOFORGET   a worker goes on naming the pwq of the last item that it ran
 *   BUG_WQFIRST    the queue is freed before its pwqs
 *   BUG_NORCU      (RCU) items in their grace period are not waited for at first: they are refused
 *   BUG_LATERCU    (RCU) nor after the drain: one that an item has queued comes when all is freed
 *   BUG_NOJOIN     (RESCUER) the rescuer's thread is told to end, and not waited for
 *   BUG_ONEERA     (LIVE) a grace period waits until nobody at all is inside
 */
#ifndef NP
#define NP 1
#endif
#ifndef NQ
#define NQ 1
#endif
#ifndef NC
#define NC 1
#endif
/* whose sections there are: producers, workers, who looks, liburcu */
#define WORKER(p)	(NP + (p))
#define LOOKER		(NP + 2)
#define URCU		(NP + 3)
#define NS		(NP + 4)

bit draining, destroying, is_over;
bit is_listed = 1, wq_freed, pwq_freed[2];
bit config_lock;
bit inside[NS], has_left[NS];		/* has_left: since who waits for it has looked */
byte intake[2], waiting[2], in_flight[2], filed[2];
bit current[2], current_pwq[2];		/* of the pools' workers: in an item; its pwq is this queue's */
bit names_pwq[2];			/* worker->pwq */
bit must_stop, has_ended;		/* the rescuer */
byte nr_in_grace, called;		/* rcu items; those that liburcu has */

/* ghosts */
byte nr_chained;
byte balance;				/* accepted, not run */
bit is_early = 1;			/* liburcu's next item was queued before all */

#define TOUCH_WQ	assert(!wq_freed)
#define TOUCH_PWQ(p)	assert(!pwq_freed[p])

#ifdef LIVE
#define MAY_TRY(n)	1
#define MAY_PUSH(n)	(balance < NQ)
#define WRAP(count)	((count) % 4)
ltl ends { <> wq_freed }
#else
#define MAY_TRY(n)	(n < NQ)
#define MAY_PUSH(n)	1
#define WRAP(count)	(count)
#endif

#define ENTER(me) inside[me] = 1
#define LEAVE(me) d_step { inside[me] = 0; has_left[me] = 1 }

/* Only who destroys does this. */
inline synchronize() {
#ifdef BUG_ONEERA
	(!inside[0] && !inside[NP - 1] && !inside[WORKER(0)] && !inside[WORKER(1)]);
#else
	do
	:: i < NS ->
		has_left[i] = 0;
		(!inside[i] || has_left[i]);
		i++
	:: else -> i = 0; break
	od
#endif
}

inline push(to) {
	TOUCH_PWQ(to);				/* which pool is it? */
	d_step { intake[to]++; balance++ }
}

proctype Producer(byte me) {
	byte n; bit is_refused;

	do
	:: MAY_TRY(n) && !is_over ->
		if
		:: atomic { !is_over -> ENTER(me) }
		:: is_over -> break
		fi;
		atomic {
			TOUCH_WQ;
#ifndef BUG_NOREFUSE
			is_refused = draining || destroying
#endif
		};
		if
		:: !is_refused && MAY_PUSH(n) -> push(0)
		:: !is_refused && MAY_PUSH(n) -> push(1)
		:: is_refused -> TOUCH_WQ	/* it is reported, by name */
#ifdef LIVE
		:: !MAY_PUSH(n)
#endif
		fi;
		LEAVE(me);
#ifndef LIVE
		n++
#endif
	:: else -> break
	od
}

/* The pool's lock is held. */
inline file(p) {
	if
	:: intake[p] > 0 ->
		TOUCH_PWQ(p);
		waiting[p] = waiting[p] + intake[p];
		in_flight[p] = in_flight[p] + intake[p];
		filed[p] = WRAP(filed[p] + intake[p]);
		intake[p] = 0
	:: else
	fi
}

/* Has the queue accepted it? Then it is chained, and not refused (F1). */
inline chain(on) {
	ENTER(WORKER(p));
	TOUCH_WQ;
	push(on);
	LEAVE(WORKER(p))
}

proctype Worker(bit p) {
end:	do
	:: d_step {
			intake[p] + waiting[p] > 0 -> file(p);
			waiting[p]--;
			TOUCH_PWQ(p);
			current[p] = 1; current_pwq[p] = 1; names_pwq[p] = 1
		};
		if
		:: atomic { nr_chained < NC -> nr_chained++ }; chain(1 - p)
		:: atomic { nr_chained < NC -> nr_chained++ }; chain(p)
#ifdef RCU
		:: atomic { nr_chained < NC -> nr_chained++ };
			ENTER(WORKER(p));
			TOUCH_WQ;
			nr_in_grace++;
			called++;
			LEAVE(WORKER(p))
#endif
		:: skip
		fi;
		current[p] = 0;
		d_step { TOUCH_PWQ(p); TOUCH_WQ; in_flight[p]--; balance-- }
	od
}

#ifdef RCU
/* liburcu's thread: a grace period is over */
proctype Urcu() {
	bit is_refused;

end:	do
	:: called > 0 ->
		ENTER(URCU);
		atomic {
			TOUCH_WQ;
			is_refused = draining || destroying;
			assert(!is_refused || !is_early);
			is_early = 0
		};
		if
		:: is_refused -> TOUCH_WQ
		:: else -> push(0)
		fi;
		atomic { TOUCH_WQ; nr_in_grace-- };
		atomic { called--; is_refused = 0 };
		LEAVE(URCU)
	od
}
#endif

/* wq_rcu_wait(): barrier() returns when all that liburcu has by now is done */
inline rcu_wait() {
#ifdef RCU
	if
	:: nr_in_grace == 0
	:: else -> synchronize(); (called == 0)
	fi
#else
	skip
#endif
}

/*
 * Somebody queues an item on another queue, where_it_runs(): does worker 0 run it, for which
 * queue? Or waits for one, wq_wait_named_pool(): the word, then the pwq.
 */
inline look_where_it_runs() {
#ifndef BUG_NOSECTION
	ENTER(LOOKER);
#endif
	if
	:: current[0] ->
		if
		:: current_pwq[0] && current[0] -> atomic { TOUCH_PWQ(0); TOUCH_WQ }
		:: else
		fi
	:: else
	fi;
	LEAVE(LOOKER)
}

/* What is a worker on, or was? Under the pool's lock. */
inline describe_worker() {
	d_step {
		if
		:: names_pwq[1] -> TOUCH_PWQ(1); TOUCH_WQ
		:: else
		fi
	}
}

/* show_all_workqueues(), freeze_workqueues_begin() ... */
inline walk_list() {
	atomic { !config_lock -> config_lock = 1 };
	if
	:: is_listed ->
		atomic { TOUCH_WQ; TOUCH_PWQ(0) };	/* the flush lock, a pool's */
		atomic { TOUCH_WQ; TOUCH_PWQ(1) }
	:: else
	fi;
	config_lock = 0
}

/* They write nothing that another one reads: one at a time is enough. */
proctype Onlooker() {
	if
	:: look_where_it_runs()
	:: describe_worker()
	:: walk_list()
	fi
}

#ifdef RESCUER
/* It may have been called for items that others have run since. */
proctype Rescuer() {
	bit must;

	do
	:: must -> break
	:: else ->
		must = must_stop;
		d_step { if :: in_flight[0] > 0 -> TOUCH_WQ; TOUCH_PWQ(0) :: else fi };
		TOUCH_WQ
	od;
	has_ended = 1
}
#endif

inline take_off() {
#ifdef BUG_NOCONFIG
	is_listed = 0;
#else
	atomic { !config_lock -> config_lock = 1 };
	is_listed = 0;
	config_lock = 0;
#endif
	skip
}

inline stop_rescuer() {
#ifdef RESCUER
	must_stop = 1;
#ifndef BUG_NOJOIN
	(has_ended);
#endif
#endif
	skip
}

/* wq_wq_fini() */
inline fini() {
#ifndef BUG_NOCONFIG
	atomic { !config_lock -> config_lock = 1 };
#endif
#ifdef BUG_WQFIRST
	wq_freed = 1;
#endif
	do
	:: i < 2 ->
		/* under the pool's lock */
		d_step {
			assert(in_flight[i] == 0 && intake[i] == 0);
#ifndef BUG_NOFORGET
			names_pwq[i] = 0
#endif
		};
		atomic { pwq_freed[i] = 1; i++ }
	:: else -> i = 0; break
	od;
#ifndef BUG_NOCONFIG
	config_lock = 0;
#endif
	wq_freed = 1
}

inline look(count) {
	do
	:: i < 2 ->
		d_step {
			file(i);
			is_empty = is_empty && in_flight[i] == 0;
			count = count + filed[i];
			i++
		}
	:: else -> i = 0; break
	od
}

/* wq_flush_queue(): what was filed before */
inline flush() {
	(in_flight[0] + intake[0] == 0);
	(in_flight[1] + intake[1] == 0)
}

inline drain() {
	draining = 1;
#if !defined(BUG_NOSYNC) && !defined(BUG_SYNCFIRST)
	synchronize();
#endif
#ifdef BUG_NODRAIN
	flush();
#else
	do
	:: 1 ->
		atomic { is_empty = 1; first = 0; second = 0 };
		look(first);
		look(second);
		if :: is_empty && first == second -> break :: else fi
	od;
#endif
	draining = 0
}

proctype Destroyer() {
	byte i, first, second; bit is_empty;

#ifndef BUG_NORCU
	rcu_wait();
#endif
#ifdef BUG_SYNCFIRST
	synchronize();
#endif
#ifndef BUG_ONEFLAG
	destroying = 1;
#endif
#ifdef BUG_SECONDFIRST
	synchronize();
#endif
	drain();
#ifndef BUG_LATERCU
	rcu_wait();
#endif
	is_over = 1;
#if !defined(BUG_NOSECOND) && !defined(BUG_SECONDFIRST)
	synchronize();
#endif
	assert(balance == 0);
#ifndef BUG_NOLIST
	take_off();
#endif
	stop_rescuer();
	fini();
#ifdef BUG_NOLIST
	take_off();
#endif
	skip
}

init {
	byte i;

	atomic {
		run Worker(0); run Worker(1);
#ifdef RCU
		/* one was queued before */
		nr_in_grace = 1; called = 1;
		run Urcu();
#endif
		do :: i < NP -> run Producer(i); i++ :: else -> i = 0; break od;
#ifndef LIVE
		run Onlooker();
#endif
#ifdef RESCUER
		run Rescuer();
#endif
		run Destroyer()
	}
#ifndef LIVE
	timeout -> assert(wq_freed && balance == 0 && nr_in_grace == 0);
	/* who waits for ever is an invalid end state */
#ifdef RCU
	assert(_nr_pr == 4)
#else
	assert(_nr_pr == 3)
#endif
#endif
}
