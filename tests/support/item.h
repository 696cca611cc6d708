/* SPDX-License-Identifier: MIT */
/*
 * item.h - the work item that most tests use, and the queues they use it on.
 *
 * An item notes that it runs (where, on which thread, how often), lets the test
 * know, and waits for the test's gate if it has one.
 */
#ifndef TESTS_ITEM_H
#define TESTS_ITEM_H

#include <sched.h>

#include <workq/workqueue.h>

#include "call.h"
#include "gate.h"

struct item {
	struct work_struct work;
	int id;
	struct gate *hold;   /* waited for inside, if not NULL */
	bool spins;          /* waits by computing */
	struct meter *meter; /* entered while inside, if not NULL */
	struct trail *trail; /* told the id, if not NULL */
	atomic_int started;
	atomic_int finished;
	atomic_int cpu;   /* of the last run */
	pthread_t thread; /* of the last run; read it after flush_work() */
};

static inline void item_wait(struct item *item)
{
	if (item->spins)
		gate_spin(item->hold);
	else
		gate_wait_at(item->hold, __FILE__, __LINE__, "the gate an item waits for is open");
}

static inline void item_fn(struct work_struct *work)
{
	struct item *item = container_of(work, struct item, work);

	if (item->meter)
		meter_enter(item->meter);
	if (item->trail)
		trail_add(item->trail, item->id);
	atomic_store(&item->cpu, sched_getcpu());
	item->thread = pthread_self();
	atomic_fetch_add(&item->started, 1);
	if (item->hold)
		item_wait(item);
	if (item->meter)
		meter_leave(item->meter);
	atomic_fetch_add(&item->finished, 1);
}

static inline void item_init(struct item *item)
{
	memset(item, 0, sizeof(*item));
	INIT_WORK(&item->work, item_fn);
}

static inline void item_init_held(struct item *item, struct gate *hold)
{
	item_init(item);
	item->hold = hold;
}

static inline int item_runs(struct item *item)
{
	return atomic_load(&item->started);
}

static inline bool item_is_running(struct item *item)
{
	return atomic_load(&item->started) > atomic_load(&item->finished);
}

/* ---------------------------------------------------------------- blockers */

/* An item that was started and stays inside until blocker_release(). */
struct blocker {
	struct item item;
	struct gate go;
};

static inline void blocker_start_on(struct blocker *blocker, int cpu, struct workqueue_struct *wq)
{
	gate_init(&blocker->go);
	item_init_held(&blocker->item, &blocker->go);
	queue_work_on(cpu, wq, &blocker->item.work);
	wait_until(item_is_running(&blocker->item));
}

static inline void blocker_start(struct blocker *blocker, struct workqueue_struct *wq)
{
	blocker_start_on(blocker, WORK_CPU_UNBOUND, wq);
}

/* One that computes. */
static inline void blocker_spin_on(struct blocker *blocker, int cpu, struct workqueue_struct *wq)
{
	gate_init(&blocker->go);
	item_init_held(&blocker->item, &blocker->go);
	blocker->item.spins = true;
	queue_work_on(cpu, wq, &blocker->item.work);
	wait_until(item_is_running(&blocker->item));
}

/* Also waits until it is gone, so that the blocker may go too. */
static inline void blocker_release(struct blocker *blocker)
{
	gate_open(&blocker->go);
	flush_work(&blocker->item.work);
}

/* ------------------------------------------------------------------ queues */

enum queue_kind {
	PERCPU,
	PERCPU_ONE,
	UNBOUND,
	UNBOUND_ONE,
	ORDERED,
	HIGHPRI,
	INTENSIVE,
	NR_QUEUE_KINDS,
};

static inline struct workqueue_struct *queue_of_kind(enum queue_kind kind)
{
	switch (kind) {
	case PERCPU_ONE:
		return alloc_workqueue("percpu_one", WQ_PERCPU, 1);
	case UNBOUND:
		return alloc_workqueue("unbound", WQ_UNBOUND, 0);
	case UNBOUND_ONE:
		return alloc_workqueue("unbound_one", WQ_UNBOUND, 1);
	case ORDERED:
		return alloc_ordered_workqueue("ordered", 0);
	case HIGHPRI:
		return alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 0);
	case INTENSIVE:
		return alloc_workqueue("intensive", WQ_PERCPU | WQ_CPU_INTENSIVE, 0);
	default:
		return alloc_workqueue("percpu", WQ_PERCPU, 0);
	}
}

/* A queue whose only place is taken: what is queued stays pending. */
struct stuck_queue {
	struct workqueue_struct *wq;
	struct blocker blocker;
};

static inline void stuck_queue_make(struct stuck_queue *stuck)
{
	stuck->wq = alloc_ordered_workqueue("stuck", 0);
	blocker_start(&stuck->blocker, stuck->wq);
}

/* Has an item been filed there? */
static inline bool stuck_queue_holds_items(struct stuck_queue *stuck)
{
	return workqueue_congested(WORK_CPU_UNBOUND, stuck->wq);
}

static inline void stuck_queue_free(struct stuck_queue *stuck)
{
	blocker_release(&stuck->blocker);
	destroy_workqueue(stuck->wq);
}

/* -------------------------------------------------------------------- CPUs */

/* The @nth of the CPUs the process may use, or -1. */
static inline int allowed_cpu(int nth)
{
	cpu_set_t set;

	if (sched_getaffinity(getpid(), sizeof(set), &set))
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && nth-- == 0)
			return cpu;
	return -1;
}

static inline int nr_allowed_cpus(void)
{
	int nr = 0;

	while (allowed_cpu(nr) >= 0)
		nr++;
	return nr;
}

static inline void pin_self(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* An item that queues itself again each time; cancel_work_sync() ends it. */
struct endless {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int runs;
};

static inline void requeue_for_ever(struct work_struct *work)
{
	struct endless *endless = container_of(work, struct endless, work);

	atomic_fetch_add(&endless->runs, 1);
	queue_work(endless->wq, work);
}

#endif /* TESTS_ITEM_H */
