/* SPDX-License-Identifier: MIT */
/*
 * freezable.h - freezable queues of every kind, and a frozen one with an item in it.
 */
#ifndef TESTS_FREEZABLE_H
#define TESTS_FREEZABLE_H

#include "api.h"

/* Every sort of freezable queue. */
enum freezable_kind {
	F_PERCPU,
	F_PERCPU_ONE,
	F_HIGHPRI,
	F_UNBOUND,
	F_UNBOUND_ONE,
	F_ORDERED,
	F_CREATED,
	NR_FREEZABLE_KINDS,
};

static inline struct workqueue_struct *freezable_of_kind(int kind)
{
	switch (kind) {
	case F_PERCPU_ONE:
		return alloc_workqueue("percpu_one", WQ_PERCPU | WQ_FREEZABLE, 1);
	case F_HIGHPRI:
		return alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI | WQ_FREEZABLE, 0);
	case F_UNBOUND:
		return alloc_workqueue("unbound", WQ_UNBOUND | WQ_FREEZABLE, 0);
	case F_UNBOUND_ONE:
		return alloc_workqueue("unbound_one", WQ_UNBOUND | WQ_FREEZABLE, 1);
	case F_ORDERED:
		return alloc_ordered_workqueue("ordered", WQ_FREEZABLE);
	case F_CREATED:
		return create_freezable_workqueue("created");
	default:
		return alloc_workqueue("percpu", WQ_PERCPU | WQ_FREEZABLE, 0);
	}
}

/* Begin, and wait until everything stands still. */
static inline void freeze(void)
{
	freeze_workqueues_begin();
	wait_until(!freeze_workqueues_busy());
}

/* On the first CPU, where a limit of one per CPU holds for all. */
static inline void queue_item(struct workqueue_struct *wq, struct item *item)
{
	item_init(item);
	assert_true(queue_work_on(allowed_cpu(0), wq, &item->work));
}

static inline void assert_held_back(struct item *item)
{
	assert_not_yet(item_runs(item));
	assert_true(work_pending(&item->work));
	assert_int_equal(work_busy(&item->work), WORK_BUSY_PENDING);
	assert_false(freeze_workqueues_busy());
}

/* A frozen queue of each kind with an item in it. */
struct frozen {
	struct workqueue_struct *wq;
	struct item item;
};

static inline void frozen_make(struct frozen *frozen, int kind)
{
	frozen->wq = freezable_of_kind(kind);
	assert_non_null(frozen->wq);
	run_one_item_on(frozen->wq);
	freeze();
	queue_item(frozen->wq, &frozen->item);
}

static inline void frozen_free(struct frozen *frozen, int runs)
{
	thaw_workqueues();
	destroy_workqueue(frozen->wq);
	assert_int_equal(item_runs(&frozen->item), runs);
}

#endif /* TESTS_FREEZABLE_H */
