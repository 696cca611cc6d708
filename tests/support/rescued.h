/* SPDX-License-Identifier: MIT */
/*
 * rescued.h - items that note whether a rescuer runs them, and the queues that have one.
 *
 * A test has a process of its own (run_in_processes()), in which no pool has a worker
 * until it refuses threads: so what runs then is run by rescuers.
 */
#ifndef TESTS_RESCUED_H
#define TESTS_RESCUED_H

#include "api.h"
#include "thread.h"
#include "thread_stand_in.h"
#include "topology.h"

/* ------------------------------------------------------------------ queues */

enum rescued_kind {
	R_PERCPU,
	R_PERCPU_ONE,
	R_HIGHPRI,
	R_INTENSIVE,
	R_UNBOUND,
	R_ORDERED,
	NR_RESCUED_KINDS,
};

static inline struct workqueue_struct *rescued_of_kind(int kind, unsigned int flags)
{
	flags |= WQ_MEM_RECLAIM;
	switch (kind) {
	case R_PERCPU_ONE:
		return alloc_workqueue("one", flags | WQ_PERCPU, 1);
	case R_HIGHPRI:
		return alloc_workqueue("high", flags | WQ_PERCPU | WQ_HIGHPRI, 0);
	case R_INTENSIVE:
		return alloc_workqueue("heavy", flags | WQ_PERCPU | WQ_CPU_INTENSIVE, 0);
	case R_UNBOUND:
		return alloc_workqueue("loose", flags | WQ_UNBOUND, 0);
	case R_ORDERED:
		return alloc_ordered_workqueue("order", flags);
	default:
		return alloc_workqueue("bound", flags | WQ_PERCPU, 0);
	}
}

/* ----------------------------------------------------------------- threads */

/* So often a pool has asked in vain for a worker since. */
static inline void wait_for_refusals(int nr)
{
	int seen = atomic_load(&nr_threads_refused);

	wait_until(atomic_load(&nr_threads_refused) >= seen + nr);
}

/* More than once for each of the few pools in which items of a test wait. */
enum {
	MANY_REFUSALS = 16,
};

/* ------------------------------------------------------------------- items */

struct visit {
	struct item item;
	atomic_int by_rescuer; /* how many of its runs */
	int tid;               /* of the last run; these are read after flush_work() */
	unsigned int cpus;     /* bit n: its thread may use the n-th CPU */
};

static inline void visit_fn(struct work_struct *work)
{
	struct visit *visit = container_of(work, struct visit, item.work);

	if (current_is_workqueue_rescuer())
		atomic_fetch_add(&visit->by_rescuer, 1);
	visit->tid = (int)syscall(SYS_gettid);
	visit->cpus = cpus_of_self();
	item_fn(work);
}

static inline void visit_init_held(struct visit *visit, struct gate *hold)
{
	memset(visit, 0, sizeof(*visit));
	item_init_held(&visit->item, hold);
	visit->item.work.func = visit_fn;
}

static inline void visit_init(struct visit *visit)
{
	visit_init_held(visit, NULL);
}

/* For the n-th CPU. */
static inline void visit_queue_on(struct visit *visit, int nth, struct workqueue_struct *wq)
{
	assert_true(queue_work_on(allowed_cpu(nth), wq, &visit->item.work));
}

/* Queued for the n-th CPU, and inside, waiting for the gate. */
static inline void visit_hold_on(struct visit *visit, int nth, struct workqueue_struct *wq,
				 struct gate *gate)
{
	gate_init(gate);
	visit_init_held(visit, gate);
	visit_queue_on(visit, nth, wq);
	wait_until(item_is_running(&visit->item));
}

static inline void visit_release(struct visit *visit)
{
	gate_open(visit->item.hold);
	flush_work(&visit->item.work);
}

/* It has run once. */
static inline bool was_rescued(struct visit *visit)
{
	return item_runs(&visit->item) == 1 && atomic_load(&visit->by_rescuer) == 1;
}

static inline bool was_served(struct visit *visit)
{
	return item_runs(&visit->item) == 1 && !atomic_load(&visit->by_rescuer);
}

/* How is an item of the queue served for the n-th CPU? */
static inline struct visit visit_on(int nth, struct workqueue_struct *wq)
{
	struct visit visit;

	visit_init(&visit);
	visit_queue_on(&visit, nth, wq);
	flush_work(&visit.item.work);
	return visit;
}

#endif /* TESTS_RESCUED_H */
