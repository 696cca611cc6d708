/* SPDX-License-Identifier: MIT */
/*
 * real_worker.h - a worker of a hand-made pool that is a thread; the test is its manager.
 */
#ifndef TESTS_REAL_WORKER_H
#define TESTS_REAL_WORKER_H

#include "handmade.h"

static inline long work_until_reaped(void *arg)
{
	wq_worker_main(arg);
	return 0;
}

static inline struct wq_worker *start_worker(struct wq_pool *of, struct call *call)
{
	struct wq_worker *worker;

	wq_pool_lock(of);
	worker = wq_worker_alloc_locked(of);
	of->nr_running++;
	wq_pool_unlock(of);
	call_start(call, work_until_reaped, worker);
	return worker;
}

static inline bool is_idle_now(struct wq_worker *worker)
{
	bool is_idle;

	wq_pool_lock(worker->pool);
	is_idle = worker->is_idle;
	wq_pool_unlock(worker->pool);
	return is_idle;
}

static inline void reap(struct wq_worker *worker)
{
	struct wq_pool *of = worker->pool;

	wait_until(is_idle_now(worker));
	wq_pool_lock(of);
	wq_list_del(&worker->idle_node);
	worker->is_idle = false;
	of->nr_idle--;
	worker->must_exit = true;
	wq_pool_due_locked(of, &worker->park);
	wq_pool_unlock(of);
}

#endif /* TESTS_REAL_WORKER_H */
