/* SPDX-License-Identifier: MIT */
/*
 * types.h - every struct that threads share, and who may touch what.
 *
 * The letter in front of a field's comment:
 *
 * C: const once the object can be found by others
 * A: atomic, by the functions of base/atomic.h; the comment says who writes
 * L: under the pool's lock
 * F: under the queue's flush_lock
 * G: under the library's configuration lock, wq_config_lock
 * X: under the lock of the limit, or of the rescuer
 * T: under the lock of the shard of timers
 * O: only by the worker's own thread
 * M: only by the manager's thread
 * Q: beside another: read or written by producers, for each item
 * R: beside A: written seldom, at least not for each item
 *
 * No cache line holds fields of both producers and who holds a lock, or of either and what
 * others write at any time: tools/check-lines.py goes by these letters.
 *
 * Objects that producers look at without a lock begin with a cache line that
 * is written rarely or by producers; what a lock protects lies behind it.
 */
#ifndef WQ_CORE_TYPES_H
#define WQ_CORE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include <workq/workqueue.h>

#include "base/atomic.h"
#include "base/cpuset.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/park.h"
#include "base/wheel.h"
#include "core/turn.h"

/* Items that run, or are waited for, are found by address in tables of this size. */
#define WQ_BUSY_BUCKETS 64u
/* Worker slots: chunk c holds WQ_SLOT_CHUNK << c workers. */
#define WQ_SLOT_CHUNK   4u
#define WQ_SLOT_CHUNKS  14u
/* Flush colours (D3); fewer in tests. */
#ifndef WQ_NR_COLORS
#define WQ_NR_COLORS 16u
#endif
/* A pool wakes at most so many waiters after one lock hold; more are woken under the lock. */
#define WQ_MAX_DUE 6u

struct wq_pool;
struct wq_pwq;
struct wq_ring;
struct wq_worker;

/*
 * A pool: a worklist and the workers that serve it. Per CPU that was ever allowed one
 * for each kind of bound queue, and unbound ones for the attributes in use. Pools are
 * never freed; an unbound one that nobody uses may become another.
 */
struct wq_pool {
	struct work_struct *intake; /* AQ: pushed by producers, taken whole under the lock */
	struct wq_park *waker;      /* AQ: whom the next push must wake; set under the lock,
				       taken by producers */

	struct wq_lock lock WQ_LINE_ALIGNED; /* C: itself; ranks WQ_RANK_POOL */
	unsigned int nr_running; /* A: under L: workers that have an item, or were woken for
				    one, and neither wait nor are CPU_INTENSIVE */
	unsigned int nr_due;     /* L: entries of due */
	bool is_bound;           /* A: under L: to its CPU, with concurrency management; WQ_BH: also
				    without its CPU */
	struct wq_worker *again; /* L: whose item, not settled yet, has queued itself; not filed */
	struct wq_park *offer;   /* L: what waker was last set to; it may have been taken */
	struct wq_list worklist; /* L: active items, in the order to start them */
	struct wq_list idle;     /* L: idle workers, newest first */
	unsigned int nr_idle;    /* L: length of idle */
	unsigned int nr_workers; /* A: under L: threads, also those about to start */
	unsigned int nr_slots;   /* A: under L: slots ever used */
	unsigned int nr_starting; /* L: of them those that have not yet got to the lock */
	unsigned int nr_sharing;  /* A: under L: pwqs that share their limit */
	unsigned int max_running; /* L: unbound: workers wanted without waiting for the sampler */
	int cpu;                  /* C: whose it is; of an unbound pool -1 */
	struct wq_turn *turn; /* C: of a pool for WQ_BH: shared by those of its CPU; else NULL */
	bool wants_worker;    /* A: under L: the manager is asked to make a worker */
	bool is_watched;      /* A: under L: workers open rings, see core/switches.h */
	uint64_t watched_until_ns;                /* L: and for how long */
	struct wq_park *due[WQ_MAX_DUE];          /* L: to be woken after unlocking */
	struct wq_worker *busy[WQ_BUSY_BUCKETS];  /* L: workers by the item they run */
	struct wq_list barriers[WQ_BUSY_BUCKETS]; /* L: of flush_work() callers, by filed item */
	struct wq_worker *free_slots;             /* L: slots without a thread */
	struct wq_worker *chunks[WQ_SLOT_CHUNKS]; /* AR: worker slots; set once, under L */
	struct wq_list holding; /* L: pwqs that wait for a shared limit (see core/limit.h) */

	/* no item: pushed by those of other pools, it makes this one look at `holding` */
	struct work_struct kick WQ_LINE_ALIGNED; /* A: by who pushes it, and who takes it */
	uint32_t is_kicked;                      /* A: by the same */
	unsigned int id;                         /* C: from 1; part of a worker's slot number */
	unsigned int nr_pwqs; /* AR: by RMWs: that use an unbound pool; 0: its workers go */
	/* C while it has pwqs or workers, then written under G and L: */
	int nice;              /* C: of its workers, where permitted; 0: as the process */
	struct wq_cpuset pod;  /* C: unbound: where they are woken */
	struct wq_cpuset cpus; /* C: where its workers may run; if it is a CPU's, under G and L */

	bool is_touched;            /* AR: by wq_watchdog_touch(); taken back by the watchdog */
	unsigned int seen_started;  /* L: sum over the workers, at the watchdog's last look */
	uint64_t waiting_since_ns;  /* L: since when the watchdog has seen items wait and none
				       start; 0: it has not */
	uint64_t stall_reported_ns; /* L: when it last said so, else the same */
} WQ_LINE_ALIGNED;

/* A worker slot: one thread at a time. Slots are never freed, so a slot number cannot dangle. */
struct wq_worker {
	/* What the thread runs, for producers: current last when set, NULL when it returned. */
	struct work_struct *current; /* A: by the thread */
	work_func_t current_func;    /* A: by the thread */
	struct wq_pwq *current_pwq;  /* A: by the thread */

	struct wq_park park WQ_LINE_ALIGNED; /* AR: for being idle */
	struct wq_bias bias;    /* A: by the thread: its pool's lock may be biased to it */
	bool may_repeat;        /* O: may run an item again in the same turn */
	bool is_favoured;       /* O: it was, when this thread was last inside */
	unsigned int nr_locked; /* O: lock holds since the bias was lost, or the thread was idle */
	unsigned int patience;  /* O: so many until it asks for the bias */
	struct wq_pool *pool;   /* C: whose worker it is */
	uint32_t slot;          /* C: pool id << 16 | index from 1 */
	uint32_t tid;           /* L: thread id, 0 while it is being created */
	struct work_struct *work;  /* L: the item being run, until settled; address only */
	work_func_t func;          /* L: its function */
	struct wq_pwq *pwq;        /* L: its queue's pwq; kept when it has run */
	unsigned int color;        /* L: its flush colour */
	unsigned int nr_started;   /* A: under L: items started; wraps */
	unsigned int seen_started; /* M: nr_started at the sampler's last look */
	uint64_t seen_sleeps; /* M: how often it had slept then, and 1, if asked on this item; else 0 */
	uint64_t seen_cpu_ns; /* M: how long it had computed when it was first seen on this item, or
				 last seen to have slept (L4); 0: not asked */
	const uint32_t *lock_sleeps; /* L: the thread's wq_lock_sleeps */
	uint32_t seen_lock_sleeps;   /* M: before it was last asked for WQ_BH (M1) */
	struct wq_ring *ring;        /* L: by the thread: its switches; NULL: not watched */
	unsigned int block_depth;    /* A: by the thread: nesting of wq_block_begin() */
	bool is_told;                /* O: uncounted by wq_block_begin() */
	bool is_idle;                /* L: on the pool's idle list */
	bool is_uncounted;           /* L: runs, but is not in nr_running */
	bool is_seen;                /* L: uncounted because its ring says that it sleeps */
	bool must_exit;              /* L: reaped; ends when it wakes */
	struct wq_worker *next_busy; /* L: in its bucket of pool->busy */
	struct wq_worker *next_free; /* L: in pool->free_slots */
	struct wq_pwq *rescues;      /* L: the slot is for the rescuer of its queue; else NULL */
	struct wq_list idle_node;    /* L: in pool->idle */
	struct wq_list scheduled;    /* L: items that must run on this thread (B5) */
	struct wq_list waiters;      /* L: barriers that the running item completes */
	uint64_t idle_since_ns;      /* L: when it became idle */
	char desc[WORKER_DESC_LEN];  /* L: of an item: set for it, or of a queue that is gone */
	unsigned int desc_started;   /* L: nr_started of that item */
	unsigned int dated_started;  /* L: nr_started of the item that dated_ns is of */
	uint64_t dated_ns; /* L: when that item was first seen running, see wq_dump_date_locked() */
} WQ_LINE_ALIGNED;

/*
 * How many items may be active, that is, on worklists or running (C1): those of one
 * pwq, or of all pwqs that an unbound queue has on one NUMA node (C3).
 */
struct wq_limit {
	unsigned int nr;         /* AL: active; by RMWs if shared, else under L of the only pwq */
	unsigned int max;        /* A: under F */
	unsigned int nr_waiting; /* A: under X: length of waiting */
	unsigned int nr_pwqs;    /* F: how many pwqs have it */
	struct wq_lock lock;     /* C: itself; ranks WQ_RANK_LIMIT */
	struct wq_list waiting;  /* X: pwqs that hold items back, next to be served first (C4) */
} WQ_LINE_ALIGNED;

/*
 * A pool workqueue: one queue's share of one pool. Its address stands in the
 * state word of queued items, hence the alignment.
 */
#define WQ_PWQ_ALIGN 256
struct wq_pwq {
	struct wq_pool *pool;        /* CQ: the pool */
	struct workqueue_struct *wq; /* CQ: the queue */
	struct wq_limit *limit;      /* C: `own`, or one of the queue's */
	unsigned int pool_id;        /* CQ: pool->id, for the producers' compare */
	unsigned int color;          /* AQ: given to items when filed; written under L */
	bool is_intensive;           /* C: running items are not counted (L3) */

	struct wq_limit own;   /* C: of a per-CPU queue; else unused */
	unsigned int flushing; /* L: bit c: a flush waits for colour c; WQ_PWQ_RETIRED */
	bool is_plugged;       /* L: holds everything back until older pwqs are gone (B9) */
	bool shares_limit;     /* L: its limit is another pwq's, too */
	bool is_waiting;       /* L: for the limit it shares: in limit->waiting and pool->holding */
	uint64_t nr_filed;     /* L: items ever filed */
	struct wq_list inactive;                 /* L: items held back, in order */
	unsigned int nr_in_flight[WQ_NR_COLORS]; /* L: items filed and not settled, by colour */
	struct wq_list waiting_node;             /* X: in limit->waiting */
	struct wq_list holding_node;             /* L: in pool->holding */
	struct work_struct release;              /* AR: an item: frees it once it is retired */
	struct wq_worker *rescue; /* C: the slot of the queue's rescuer in the pool, or NULL */
	struct wq_list call_node; /* X: of the rescuer: in its calls */
	bool is_calling;          /* L: the rescuer is on its way, or there */
	struct wq_list node;      /* F: in wq->pwqs */
	bool is_replaced;         /* F: another one serves its CPUs */
	bool is_retired;          /* F: wq_retire() was called */
} __attribute__((aligned(WQ_PWQ_ALIGN)));

/* In pwq->flushing, behind the colours: no longer in the table; released when empty. */
#define WQ_PWQ_RETIRED (1u << WQ_NR_COLORS)

/* Which pwq serves a CPU. Replaced as a whole, so that who has seen a new one sees no old one. */
struct wq_table {
	unsigned int nr_ring;    /* C: 0: no CPU is outside of the unbound CPUs */
	struct wq_pwq **ring;    /* C: of the unbound CPUs, for items queued outside (O5) */
	bool *is_outside;        /* C: by CPU */
	struct wq_pwq *of_cpu[]; /* C: by CPU id, wq_nr_cpus entries */
};

struct wq_rescuer;

/* How an unbound queue is to be served; see struct workqueue_attrs. */
struct wq_attrs {
	struct wq_cpuset cpus; /* G: where they may run */
	int nice;              /* G: of the workers */
	unsigned int scope;    /* G: enum wq_affn_scope */
	bool is_strict;        /* G: the workers stay in the pod */
};

/* A caller of flush_workqueue(); on its stack. */
struct wq_flusher {
	struct wq_list node;  /* F: in wq->flushers or wq->overflow */
	unsigned int color;   /* F: what it waits for */
	struct wq_park *park; /* C: its thread's */
	uint32_t is_done;     /* A: under F, the last touch */
};

/*
 * A shard: the timers that one CPU has armed, the deferrable ones apart. Never freed.
 *
 * timer->state names the shard a timer belongs to, 0 none, and says whether it is armed.
 * It names another shard only after a change under the first one's lock; so who
 * locks the shard it names, and still finds it named there, has the timer to himself.
 */
struct wq_shard {
	struct wq_wheel_timer *intake; /* AR: pushed by who must not wait for the lock; taken
					  whole under it */
	unsigned long next; /* A: under T: the timer thread must look at this tick; WQ_NO_TICK */

	struct wq_lock lock WQ_LINE_ALIGNED; /* C: itself; ranks WQ_RANK_SHARD */
	bool is_lowered;                     /* T: `next` came closer in this lock hold */
	struct timer_list *running; /* T: the user's timer whose callback runs; address only */
	void (*running_function)(struct timer_list *timer); /* O: of the runner's thread */
	struct wq_list expired; /* T: user's timers whose callbacks come next, in order */
	struct wq_list waiters; /* T: barriers of timer_delete_sync() */
	unsigned int index;     /* C: from 0, two for each CPU; timer->state holds index + 1 */
	unsigned int cpu;       /* C: whose timers */
	unsigned long slack;    /* C: ticks by which `next` may be late */
	struct wq_wheel wheel;  /* T: armed timers */

	struct work_struct runner WQ_LINE_ALIGNED; /* A: the item that calls the callbacks */
} WQ_LINE_ALIGNED;

/* For a tick: never. */
#define WQ_NO_TICK     ULONG_MAX
/* Shards of a CPU: the normal one, the deferrable one. */
#define WQ_SHARD_KINDS 2ul

/* timer->state, written by who holds the shard's lock, or claims a timer that has no shard */
#define WQ_TIMER_SHARD_MASK 0xffffu
#define WQ_TIMER_ARMED      (1u << 30) /* on the wheel */
#define WQ_TIMER_EXPIRED    (1u << 31) /* on `expired` */

/* How many delayed items of a queue the two shards of one CPU hold. */
struct wq_armed {
	unsigned int nr[WQ_SHARD_KINDS]; /* T: of that shard */
} WQ_LINE_ALIGNED;

/* A queue: what the user holds. */
struct workqueue_struct {
	struct wq_table *table; /* AQ: published under F */
	struct wq_armed *armed; /* C: by CPU that has shards */
	unsigned int flags;     /* AQ: WQ_*, and below; changed by RMWs */
	bool has_armed;         /* AR: by who first arms a delayed item for it; stays */
	char name[WQ_NAME_LEN]; /* C: for reports */

	uint32_t late WQ_LINE_ALIGNED; /* A: somebody got false for another's item in transit */
	uint32_t nr_in_grace;          /* A: rcu items that wait for a grace period; by who takes
					  them, and by liburcu's thread */
	struct wq_park *flush_head; /* A: under F: of the flusher that the next event must wake */
	uint32_t flush_pending[WQ_NR_COLORS]; /* A: pwqs that still hold items of a closed colour */

	struct wq_lock flush_lock WQ_LINE_ALIGNED; /* C: itself; ranks WQ_RANK_FLUSH */
	unsigned int work_color;                   /* F: the open colour */
	unsigned int flush_color;                  /* F: the oldest closed colour not yet done */
	struct wq_list flushers;                   /* F: with a colour, oldest first */
	struct wq_list overflow;                   /* F: waiting for a colour */
	struct wq_list pwqs;                       /* F: all of the queue's, oldest first */
	uint64_t nr_filed_gone;                    /* F: items ever filed in pwqs that are gone */
	bool has_retired;                          /* G: a pwq was ever replaced */
	int max_active;                            /* G: as set; what counts is in the limits */
	int min_active; /* G: as set, for each node of an unbound queue */
	struct wq_limit
		*limits; /* C: of an unbound queue, by node, the last for pools of no single one */
	struct wq_attrs *attrs;     /* G: of an unbound queue, else NULL */
	struct wq_rescuer *rescuer; /* C: of a WQ_MEM_RECLAIM queue, else NULL; see core/rescuer.c */
	unsigned int nr_drainers;   /* G: calls of drain_workqueue() in progress */
	struct wq_list node;        /* G: in wq_all */
};

static inline unsigned int wq_wq_flags(const struct workqueue_struct *wq)
{
	return wq_load_relaxed(&wq->flags);
}

/* Beside the public flags: */
enum {
	__WQ_DESTROYING = 1 << 15, /* refuses everybody's items but its own; for good */
	__WQ_DRAINING = 1 << 16,   /* the same while somebody drains */
	__WQ_RING = 1 << 20,       /* its table has a ring */
	__WQ_SYSTEM = 1 << 21,     /* one of the system's own */
	__WQ_SHUT = 1 << 22,       /* refuses everybody's items, for good */
	/* queueing must look twice: */
	__WQ_SPECIAL = __WQ_DESTROYING | __WQ_DRAINING | __WQ_RING | __WQ_DEPRECATED | __WQ_SHUT,
};

/* A caller that waits for one item; on its stack. */
struct wq_barrier {
	struct wq_list node;      /* L: in pool->barriers or worker->waiters */
	struct work_struct *work; /* L: the item, while in pool->barriers */
	struct wq_park *park;     /* C: its thread's */
	uint32_t is_done;         /* A: under L, the last touch */
};

/* Ranks WQ_RANK_CONFIG: starting, the life of queues. */
extern struct wq_lock wq_config_lock;

/* C: in a process: how many forks lie between it and the one that its program began in. */
extern unsigned int wq_fork_generation;

/* CQ: once started: entries of every queue's table. */
extern unsigned int wq_nr_cpus;
/*
 * A: where the process may run; written under G. Without that lock: wq_cpus_copy_allowed().
 */
extern struct wq_cpuset wq_allowed_cpus;

#endif /* WQ_CORE_TYPES_H */
