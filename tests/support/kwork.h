/* SPDX-License-Identifier: MIT */
/*
 * kwork.h - the kthread_work that tests use, and a kthread that waits to be stopped.
 *
 * A work notes that it runs, tells a trail and a meter, and waits for the test's gate if it has
 * one.
 */
#ifndef TESTS_KWORK_H
#define TESTS_KWORK_H

#include <workq/kthread.h>

#include "api.h"

enum {
	KFAR = 3600 * HZ, /* not while tests run */
};

struct kwork {
	struct kthread_delayed_work dwork;
	int id;
	struct gate *hold;   /* waited for inside, if not NULL */
	struct meter *meter; /* entered while inside, if not NULL */
	struct trail *trail; /* told the id, if not NULL */
	atomic_int started;
	atomic_int finished;
	atomic_int cpu;          /* of the last run */
	atomic_llong started_ns; /* the last run */
};

static inline void kwork_fn(struct kthread_work *work)
{
	struct kwork *kwork = container_of(work, struct kwork, dwork.work);

	atomic_store(&kwork->started_ns, now_ns());
	atomic_store(&kwork->cpu, sched_getcpu());
	if (kwork->meter)
		meter_enter(kwork->meter);
	if (kwork->trail)
		trail_add(kwork->trail, kwork->id);
	atomic_fetch_add(&kwork->started, 1);
	if (kwork->hold)
		gate_wait_at(kwork->hold, __FILE__, __LINE__, "the gate a work waits for is open");
	if (kwork->meter)
		meter_leave(kwork->meter);
	atomic_fetch_add(&kwork->finished, 1);
}

static inline void kwork_init(struct kwork *kwork)
{
	memset(kwork, 0, sizeof(*kwork));
	kthread_init_delayed_work(&kwork->dwork, kwork_fn);
}

static inline struct kthread_work *kwork_work(struct kwork *kwork)
{
	return &kwork->dwork.work;
}

static inline int kwork_runs(struct kwork *kwork)
{
	return atomic_load(&kwork->started);
}

static inline struct kthread_worker *kworker(const char *name)
{
	struct kthread_worker *worker = kthread_run_worker(0, "%s", name);

	if (IS_ERR(worker)) {
		fprintf(stderr, "no kthread_worker: %ld\n", PTR_ERR(worker));
		abort();
	}
	return worker;
}

/* The work runs, and so keeps its worker busy until kwork_release(). */
static inline void kwork_run_until_released(struct kthread_worker *worker, struct kwork *kwork,
					    struct gate *go)
{
	gate_init(go);
	kwork_init(kwork);
	kwork->hold = go;
	assert_true(kthread_queue_work(worker, kwork_work(kwork)));
	wait_until(kwork_runs(kwork));
}

static inline void kwork_release(struct kwork *kwork)
{
	gate_open(kwork->hold);
	kthread_flush_work(kwork_work(kwork));
}

static inline long do_kthread_flush_work(void *work)
{
	kthread_flush_work(work);
	return 0;
}

static inline long do_kthread_flush_worker(void *worker)
{
	kthread_flush_worker(worker);
	return 0;
}

static inline long do_kthread_cancel_work_sync(void *work)
{
	return kthread_cancel_work_sync(work);
}

static inline long do_kthread_cancel_delayed_work_sync(void *dwork)
{
	return kthread_cancel_delayed_work_sync(dwork);
}

static inline long do_kthread_stop(void *task)
{
	return kthread_stop(task);
}

static inline long do_kthread_park(void *task)
{
	return kthread_park(task);
}

/* ------------------------------------------- a thread that waits to be stopped */

struct waiting {
	atomic_int calls;      /* of its function */
	atomic_int wakes;      /* schedule() returned */
	atomic_int parks;      /* kthread_parkme() was called for */
	atomic_bool condition; /* for the thread to see */
	int value;             /* to return */
};

static inline int wait_for_stop(void *data)
{
	struct waiting *waiting = data;

	atomic_fetch_add(&waiting->calls, 1);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		if (kthread_should_park()) {
			atomic_fetch_add(&waiting->parks, 1);
			kthread_parkme();
			continue;
		}
		schedule();
		atomic_fetch_add(&waiting->wakes, 1);
	}
	__set_current_state(TASK_RUNNING);
	return waiting->value;
}

static inline struct task_struct *must_be_task(struct task_struct *task)
{
	if (IS_ERR_OR_NULL(task)) {
		fprintf(stderr, "no kthread: %ld\n", PTR_ERR(task));
		abort();
	}
	return task;
}

#endif /* TESTS_KWORK_H */
