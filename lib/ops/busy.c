/* SPDX-License-Identifier: MIT */
/*
 * busy.c - looking: work_pending(), work_busy(), current_work(), workqueue_congested().
 */
#include "base/os.h"
#include "base/report.h"
#include "core/pool.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"
#include "ops/init.h"
#include "ops/wait.h"

bool work_pending(const struct work_struct *work)
{
	unsigned long word = work ? wq_load_relaxed(&work->data) : 0;

	return word & WQ_WORK_PENDING && !wq_word_is_stale(word);
}

/* Off queue: does the worker that ran it last still run it? */
static bool is_running_off_queue(const struct work_struct *work, unsigned long word)
{
	struct wq_worker *worker;

	if (!wq_word_slot(word))
		return false;
	worker = wq_worker_of_slot(wq_word_slot(word));
	return wq_load_acquire(&worker->current) == work;
}

/* Queued, filed or not yet: where it is, is where it runs (B4). */
static bool is_running_in(struct wq_pool *pool, const struct work_struct *work)
{
	bool is_running;

	wq_pool_lock(pool);
	is_running = wq_pool_find_busy_locked(pool, work, work->func);
	wq_pool_unlock(pool);
	return is_running;
}

unsigned int work_busy(struct work_struct *work)
{
	struct wq_pool *pool;
	unsigned long word;
	bool is_running;

	if (!work || !wq_init_use())
		return 0;
	wq_work_look(work);
	pool = wq_wait_named_pool(work, &word);
	is_running = pool ? is_running_in(pool, work) : is_running_off_queue(work, word);
	return (word & WQ_WORK_PENDING ? WORK_BUSY_PENDING : 0) |
	       (is_running ? WORK_BUSY_RUNNING : 0);
}

struct work_struct *current_work(void)
{
	struct wq_worker *worker = wq_worker_self;

	/* a timer's callback is in no item that its author knows of; for WQ_BH see the kernel */
	if (!worker || !worker->current || wq_worker_is_atomic(worker))
		return NULL;
	return worker->current;
}

bool current_is_workqueue_rescuer(void)
{
	return wq_worker_self && wq_worker_self->rescues;
}

void destroy_work_on_stack(struct work_struct *work)
{
	if (work_busy(work) && current_work() != work)
		wq_warn("an item on the stack is still pending or running", "");
}

bool workqueue_congested(int cpu, struct workqueue_struct *wq)
{
	unsigned int id = cpu == WORK_CPU_UNBOUND ? wq_os_cpu() : (unsigned int)cpu;
	struct wq_pwq *pwq;
	bool is_congested;

	if (!wq) {
		wq_warn("workqueue_congested() without a queue", "");
		return false;
	}
	if (!wq_init_use())
		return false;
	/* the section keeps the pwq */
	wq_grace_enter_locked();
	pwq = wq_wq_pwq_of(wq, id);
	wq_pool_lock(pwq->pool);
	wq_pool_drain_locked(pwq->pool);
	is_congested = !wq_list_is_empty(&pwq->inactive);
	wq_pool_unlock(pwq->pool);
	wq_grace_leave();
	return is_congested;
}
