/* SPDX-License-Identifier: MIT */
/*
 * queue.c - queue_work(): the producers' side.
 *
 * Two read-modify-writes, no lock, no allocation: one takes PENDING, one pushes
 * the item on the pool's intake. Whoever holds the pool's lock does the rest.
 * Safe in signal handlers, whatever was interrupted.
 */
#include "base/os.h"
#include "base/report.h"
#include "core/pool.h"
#include "core/submit.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"
#include "ops/init.h"

static inline void hand_over(struct wq_pool *pool, struct work_struct *work)
{
	struct wq_worker *worker = wq_worker_self;

	if (worker && worker->pool == pool)
		wq_pool_push_own(worker, work);
	else
		wq_pool_push(pool, work);
}

/* In a section. Whatever the fast path cannot decide; `pwq` is where it would go. */
static bool __attribute__((noinline))
queue_slow(struct workqueue_struct *wq, struct work_struct *work, struct wq_pwq *pwq)
{
	unsigned long word;
	struct wq_pool *pool;

	if (!wq_submit_take_pending(wq, work, &word))
		return false;
	pool = wq_submit_prepare(wq, work, word, pwq);
	if (pool)
		hand_over(pool, work);
	return true;
}

/* Idle, enabled, and last run by a worker of this pool, or by none: no look at that is needed. */
static inline bool is_plain(unsigned long word, const struct wq_pwq *pwq)
{
	unsigned int pool_id = wq_slot_pool_id(wq_word_slot(word));

	return !(word & (WQ_WORK_PENDING | WQ_WORK_DEPTH_MASK)) &&
	       (!pool_id || pool_id == pwq->pool_id);
}

static inline bool queue_in_section(unsigned int cpu, struct workqueue_struct *wq,
				    struct work_struct *work)
{
	struct wq_pwq *pwq = wq->table[cpu < wq_nr_cpus ? cpu : 0];
	unsigned long word = wq_load_relaxed(&work->data);

	if (wq_unlikely(!is_plain(word, pwq) || wq_wq_is_refusing(wq) || !work->func))
		return queue_slow(wq, work, pwq);
	/* order: PENDING-TAKE pairs with PENDING-CLEAR */
	if (wq_unlikely(!wq_cas_acq_rel(&work->data, &word,
					wq_word_queued(pwq, wq_load_relaxed(&pwq->color)))))
		return queue_slow(wq, work, pwq);
	hand_over(pwq->pool, work);
	return true;
}

static inline bool queue_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)
{
	bool queued;

	if (wq_unlikely(!wq || !work)) {
		wq_warn("queue_work() without ", wq ? "an item" : "a queue");
		return false;
	}
	if (!wq_init_use())
		return false;
	wq_grace_enter();
	queued = queue_in_section(cpu == WORK_CPU_UNBOUND ? wq_os_cpu() : (unsigned int)cpu, wq,
				  work);
	wq_grace_leave();
	return queued;
}

bool queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)
{
	return queue_on(cpu, wq, work);
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	return queue_on(WORK_CPU_UNBOUND, wq, work);
}
