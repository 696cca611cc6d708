/* SPDX-License-Identifier: MIT */
/*
 * queue.c - queue_work(): the producers' side.
 *
 * Two read-modify-writes, no lock, no allocation: one takes PENDING, one pushes
 * the item on the pool's intake. Whoever holds the pool's lock does the rest.
 * Safe in signal handlers, whatever was interrupted.
 */
#include "ops/queue.h"

#include "base/os.h"
#include "base/report.h"
#include "core/affinity.h"
#include "core/cpus.h"
#include "core/pool.h"
#include "core/submit.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"
#include "ops/defer.h"
#include "ops/init.h"

static inline void hand_over(struct wq_pool *pool, struct work_struct *work)
{
	struct wq_worker *worker = wq_worker_self;

	if (worker && worker->pool == pool)
		wq_pool_push_own(worker, work);
	else
		wq_pool_push(pool, work);
}

/* This CPU is not for unbound items: those that are take turns, with each caller beginning
   anywhere (O5). */
static struct wq_pwq *next_of_ring(const struct wq_table *table)
{
	static __thread unsigned int turn; /* O: no harm if a handler comes between */

	if (!turn)
		turn = wq_os_tid();
	return table->ring[turn++ % table->nr_ring];
}

struct wq_pwq *wq_queue_choose_pwq(struct workqueue_struct *wq, int cpu, unsigned int here)
{
	const struct wq_table *table = wq_load_acquire(&wq->table);

	if (cpu == WORK_CPU_UNBOUND && table->nr_ring && here < wq_nr_cpus &&
	    table->is_outside[here])
		return next_of_ring(table);
	return wq_wq_pwq_of(wq, cpu == WORK_CPU_UNBOUND ? here : (unsigned int)cpu);
}

/* In a section. Whatever the fast path cannot decide. */
static bool __attribute__((noinline))
queue_slow(struct workqueue_struct *wq, struct work_struct *work, int cpu)
{
	struct wq_pwq *pwq = wq_queue_choose_pwq(wq, cpu, wq_os_cpu());
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
	       (wq_likely(pool_id == pwq->pool_id) || !pool_id);
}

static WQ_INLINE bool queue_in_section(int cpu, struct workqueue_struct *wq,
				       struct work_struct *work)
{
	struct wq_pwq *pwq =
		wq_wq_pwq_of(wq, cpu == WORK_CPU_UNBOUND ? wq_os_cpu() : (unsigned int)cpu);
	unsigned long word = wq_load_relaxed(&work->data);

	if (wq_unlikely(!is_plain(word, pwq) || wq_wq_flags(wq) & __WQ_SPECIAL || !work->func))
		return queue_slow(wq, work, cpu);
	/* order: PENDING-TAKE pairs with PENDING-CLEAR */
	if (wq_unlikely(!wq_cas_acq_rel(&work->data, &word,
					wq_word_queued(pwq, wq_load_relaxed(&pwq->color)))))
		return queue_slow(wq, work, cpu);
	hand_over(pwq->pool, work);
	return true;
}

static WQ_INLINE bool queue_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)
{
	bool queued;

	if (wq_unlikely(!wq || !work)) {
		wq_warn("queue_work() without ", wq ? "an item" : "a queue");
		return false;
	}
	if (!wq_init_use())
		return false;
	if (wq_likely(wq_grace_enter_or_defer()))
		queued = queue_in_section(cpu, wq, work);
	else
		queued = wq_defer_work(wq, work, cpu);
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

/* A CPU of this NUMA pod that the process may use, the caller's if it is one. */
static int cpu_of_pod(unsigned int pod)
{
	unsigned int here = wq_os_cpu(), cpu;
	struct wq_cpuset cpus, allowed;

	wq_topo_pod_cpus(wq_affinity_topo, WQ_TOPO_NUMA, pod, &cpus);
	wq_cpus_copy_allowed(&allowed);
	wq_cpuset_and(&cpus, &cpus, &allowed);
	if (wq_cpuset_has(&cpus, here))
		return (int)here;
	cpu = wq_cpuset_next(&cpus, 0);
	return cpu < WQ_MAX_CPUS ? (int)cpu : WORK_CPU_UNBOUND;
}

bool queue_work_node(int node, struct workqueue_struct *wq, struct work_struct *work)
{
	static uint32_t once; /* A: reported */
	int cpu = WORK_CPU_UNBOUND, pod;

	if (wq && !(wq_wq_flags(wq) & WQ_UNBOUND))
		wq_warn_once(&once, "queue_work_node() on a queue that is not unbound: ", wq->name);
	if (!wq_init_use())
		return false;
	pod = wq_topo_pod_of_node(wq_affinity_topo, node);
	if (pod >= 0)
		cpu = cpu_of_pod((unsigned int)pod);
	return queue_on(cpu, wq, work);
}
