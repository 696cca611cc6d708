/* SPDX-License-Identifier: MIT */
/*
 * worker.c - worker slots and what a worker thread does.
 *
 * One lock hold per item: settle the last one, take the next, publish it, give
 * PENDING up; then run it without the lock. After PENDING is given up the
 * library never touches the item again (B2): what settling needs was copied.
 */
#include "core/worker.h"

#include <stdio.h>

#include "base/os.h"
#include "base/report.h"
#include "core/barrier.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/pwq.h"
#include "core/retire.h"
#include "core/work.h"
#include "core/wq.h"

__thread struct wq_worker *wq_worker_self __attribute__((tls_model("initial-exec")));

/* --------------------------------------------------------------- slots */

/* Index 0, 1, 2 ... to chunk and place: chunk c begins at index CHUNK * (2^c - 1). */
static unsigned int chunk_of(unsigned int index)
{
	return 31u - (unsigned int)__builtin_clz(index / WQ_SLOT_CHUNK + 1);
}

static unsigned int chunk_start(unsigned int chunk)
{
	return WQ_SLOT_CHUNK * ((1u << chunk) - 1);
}

static struct wq_worker *slot_at(struct wq_pool *pool, unsigned int index)
{
	unsigned int chunk = chunk_of(index);

	return wq_load_acquire(&pool->chunks[chunk]) + (index - chunk_start(chunk));
}

struct wq_worker *wq_worker_of_slot(uint32_t slot)
{
	return slot_at(wq_load_acquire(&wq_pools[wq_slot_pool_id(slot)]), (slot & 0xffff) - 1);
}

struct wq_worker *wq_worker_at_locked(struct wq_pool *pool, unsigned int i)
{
	wq_assert_held(&pool->lock);
	return slot_at(pool, i);
}

static struct wq_worker *new_slot(struct wq_pool *pool)
{
	unsigned int index = pool->nr_slots, chunk = chunk_of(index);
	struct wq_worker *worker;

	if (chunk == WQ_SLOT_CHUNKS)
		return NULL;
	if (!wq_load_relaxed(&pool->chunks[chunk])) {
		worker = wq_os_alloc(sizeof(*worker) * (WQ_SLOT_CHUNK << chunk), WQ_CACHE_LINE);
		if (!worker)
			return NULL;
		wq_store_release(&pool->chunks[chunk], worker);
	}
	worker = slot_at(pool, index);
	worker->pool = pool;
	worker->slot = pool->id << 16 | (index + 1);
	wq_list_init(&worker->scheduled);
	wq_list_init(&worker->waiters);
	pool->nr_slots++;
	return worker;
}

static void count_worker(struct wq_pool *pool, int change)
{
	wq_store_relaxed(&pool->nr_workers, pool->nr_workers + (unsigned int)change);
}

struct wq_worker *wq_worker_reserve_locked(struct wq_pool *pool)
{
	struct wq_worker *worker = pool->free_slots;

	wq_assert_held(&pool->lock);
	if (worker)
		pool->free_slots = worker->next_free;
	else
		worker = new_slot(pool);
	return worker;
}

struct wq_worker *wq_worker_alloc_locked(struct wq_pool *pool)
{
	struct wq_worker *worker = wq_worker_reserve_locked(pool);

	if (worker)
		count_worker(pool, 1);
	return worker;
}

void wq_worker_unreserve_locked(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;

	wq_assert_held(&pool->lock);
	worker->tid = 0;
	worker->pwq = NULL;
	worker->desc[0] = '\0';
	worker->must_exit = false;
	worker->rescues = NULL;
	worker->next_free = pool->free_slots;
	pool->free_slots = worker;
}

void wq_worker_release_locked(struct wq_worker *worker)
{
	count_worker(worker->pool, -1);
	wq_worker_unreserve_locked(worker);
}

/* -------------------------------------------------------- descriptions */

/* Known by its number: so starting and settling items need not care about it. */
static bool has_own_desc(const struct wq_worker *worker)
{
	return worker->desc[0] && worker->desc_started == worker->nr_started;
}

const char *wq_worker_desc_locked(const struct wq_worker *worker)
{
	wq_assert_held(&worker->pool->lock);
	if (has_own_desc(worker))
		return worker->desc;
	return worker->pwq ? worker->pwq->wq->name : "";
}

void wq_worker_set_desc_locked(struct wq_worker *worker, const char *desc)
{
	wq_assert_held(&worker->pool->lock);
	snprintf(worker->desc, sizeof(worker->desc), "%s", desc);
	worker->desc_started = worker->nr_started;
}

void wq_worker_forget_pwq_locked(struct wq_pool *pool, const struct wq_pwq *pwq)
{
	struct wq_worker *worker;
	unsigned int i;

	wq_assert_held(&pool->lock);
	for (i = 0; i < pool->nr_slots; i++) {
		worker = slot_at(pool, i);
		if (worker->pwq != pwq)
			continue;
		wq_assert(!worker->work);
		if (!has_own_desc(worker))
			wq_worker_set_desc_locked(worker, pwq->wq->name);
		worker->pwq = NULL;
	}
}

/* --------------------------------------------------------------- items */

/* The next item to start on this worker, off its list; NULL if there is none for it. */
static struct work_struct *take_next(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;
	struct work_struct *work;
	struct wq_worker *other;

	if (wq_unlikely(!wq_list_is_empty(&worker->scheduled))) {
		work = wq_node_work(worker->scheduled.next);
		wq_list_del(wq_work_node(work));
		return work;
	}
	if (wq_pool_has_others_running_locked(worker))
		return NULL;
	for (;;) {
		if (wq_list_is_empty(&pool->worklist))
			wq_pool_drain_locked(pool);
		if (wq_list_is_empty(&pool->worklist))
			return NULL;
		work = wq_node_work(pool->worklist.next);
		wq_list_del(wq_work_node(work));
		other = wq_pool_find_busy_locked(pool, work, work->func);
		if (wq_likely(!other))
			return work;
		/* it runs already, over there: its next run must follow on that thread (B5) */
		wq_list_add_tail(wq_work_node(work), &other->scheduled);
	}
}

/* Publish the item as running, then give PENDING up: the library's last touch of it. */
static void start(struct wq_worker *worker, struct work_struct *work)
{
	unsigned long word = wq_load_relaxed(&work->data);

	worker->work = work;
	worker->func = work->func;
	worker->pwq = wq_word_pwq(word);
	worker->color = wq_word_color(word);
	worker->nr_started++;
	wq_pool_add_busy_locked(worker->pool, worker);
	if (wq_unlikely(word & WQ_WORK_BARRIER))
		wq_barrier_move_locked(worker, work);
	if (wq_unlikely(worker->pwq->is_intensive))
		wq_pool_uncount_locked(worker);
	/* order: PUBLISH pairs with RUNNING-LOOK: whoever takes PENDING next sees these, and who
	   sees another item's pwq does not see this item's current any more */
	wq_store_release(&worker->current_func, worker->func);
	wq_store_release(&worker->current_pwq, worker->pwq);
	wq_store_release(&worker->current, work);
	/* order: PENDING-CLEAR pairs with PENDING-TAKE (A5, A6) */
	wq_xchg_acq_rel(&work->data, wq_word_off(worker->slot, 0));
}

/* The function has returned. */
static void settle(struct wq_worker *worker)
{
	wq_pool_del_busy_locked(worker->pool, worker);
	worker->work = NULL;
	wq_store_relaxed(&worker->block_depth, 0u);
	worker->is_told = false;
	if (wq_unlikely(worker->is_uncounted))
		wq_pool_recount_locked(worker);
	if (wq_unlikely(!wq_list_is_empty(&worker->waiters)))
		wq_barrier_complete_locked(worker);
	wq_pwq_settle_locked(worker->pwq, worker->color);
}

/* WQ_BH, after an item is settled: the other pool of the CPU may wait. */
static void offer_turn(struct wq_pool *pool)
{
	if (!wq_turn_is_awaited(pool->turn))
		return;
	wq_pool_unlock(pool);
	wq_turn_leave(pool->turn);
	wq_turn_take(pool->turn);
	wq_pool_lock(pool);
}

static void run(struct wq_worker *worker, struct work_struct *work)
{
	work_func_t func;

	start(worker, work);
	func = worker->func;
	wq_pool_unlock(worker->pool);
	func(work);
	/* order: RETURNED pairs with RUNNING-LOOK: run 2 elsewhere sees all of run 1 */
	wq_store_release(&worker->current, NULL);
	wq_pool_lock(worker->pool);
	settle(worker);
	if (wq_unlikely(worker->pool->turn != NULL))
		offer_turn(worker->pool);
}

/* -------------------------------------------------------------- thread */

bool wq_worker_is_atomic(const struct wq_worker *worker)
{
	return worker->pool->turn || (worker->current && worker->current_pwq->wq == &wq_timers_wq);
}

void wq_worker_name(const struct wq_worker *worker, char *name, size_t size)
{
	const struct wq_pool *pool = worker->pool;
	const char *kind = pool->turn ? "B" : "", *priority = pool->nice < 0 ? "H" : "";
	unsigned int index = (worker->slot & 0xffff) - 1;

	if (worker->rescues)
		snprintf(name, size, "kworker/R-%s", worker->rescues->wq->name);
	else if (pool->is_bound)
		snprintf(name, size, "kworker/%d:%u%s%s", pool->cpu, index, kind, priority);
	else
		snprintf(name, size, "kworker/u%u:%u%s", pool->id, index, priority);
}

/*
 * Unbound and not strict: the worker begins in the pod, and may then be moved anywhere (O2).
 * For who has strayed there is no gentler way than to forbid him the rest for a moment.
 */
static void stay_near(const struct wq_pool *pool)
{
	if (pool->is_bound || wq_cpuset_has(&pool->pod, wq_os_cpu()))
		return;
	if (!wq_os_thread_set_cpus(&pool->pod))
		wq_os_thread_set_cpus(&pool->cpus);
}

static void introduce(struct wq_worker *worker)
{
	static uint32_t once; /* A: reported */
	struct wq_pool *pool = worker->pool;
	char name[32];

	wq_worker_name(worker, name, sizeof(name));
	wq_os_thread_set_name(name);
	if (pool->nice && wq_os_thread_set_nice(pool->nice))
		wq_note_once(&once,
			     "no permission for a nice value: queues of high priority have "
			     "workers of their own, but not their priority",
			     "");
	stay_near(pool);
}

/* Sleep until woken. False: the worker was reaped. */
static bool wait_idle(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;

	worker->idle_since_ns = wq_os_now_ns();
	wq_pool_idle_locked(pool, worker);
	wq_pool_unlock(pool);
	if (pool->turn)
		wq_turn_leave(pool->turn);
	wq_park_wait(&worker->park, WQ_FOREVER);
	if (pool->turn)
		wq_turn_take(pool->turn);
	else
		stay_near(pool);
	wq_pool_lock(pool);
	if (worker->must_exit)
		return false;
	if (worker->is_idle)
		wq_pool_unidle_locked(pool, worker);
	return true;
}

void wq_worker_main(void *arg)
{
	struct wq_worker *worker = arg;
	struct work_struct *work;

	wq_worker_self = worker;
	introduce(worker);
	if (worker->pool->turn)
		wq_turn_take(worker->pool->turn);
	wq_pool_lock(worker->pool);
	worker->tid = wq_os_tid();
	wq_manager_note_busy_locked(worker->pool);
	do {
		while ((work = take_next(worker)))
			run(worker, work);
	} while (wait_idle(worker));
	/* destructors of the user's thread-local data come later, and are no worker's */
	wq_worker_self = NULL;
	if (worker->pool->turn)
		wq_turn_leave(worker->pool->turn);
	wq_worker_release_locked(worker);
	wq_pool_unlock(worker->pool);
}

/* ------------------------------------------------------------- rescuing */

/* Of the pwq's items that wait in the pool the first that no other worker must run; off its list. */
static struct work_struct *take_own(struct wq_worker *worker, struct wq_pwq *pwq)
{
	struct wq_pool *pool = pwq->pool;
	struct wq_list *node, *next;
	struct work_struct *work;
	struct wq_worker *other;

	if (!wq_list_is_empty(&worker->scheduled)) {
		work = wq_node_work(worker->scheduled.next);
		wq_list_del(wq_work_node(work));
		return work;
	}
	wq_pool_drain_locked(pool);
	wq_list_for_each_safe(node, next, &pool->worklist) {
		work = wq_node_work(node);
		if (wq_word_pwq(wq_load_relaxed(&work->data)) != pwq)
			continue;
		wq_list_del(node);
		other = wq_pool_find_busy_locked(pool, work, work->func);
		if (!other)
			return work;
		wq_list_add_tail(node, &other->scheduled);
	}
	return NULL;
}

/* Between two items nothing binds what waits for this thread to it (B5). */
static void give_scheduled_back(struct wq_worker *worker)
{
	struct wq_list *node;

	while (!wq_list_is_empty(&worker->scheduled)) {
		node = worker->scheduled.prev;
		wq_list_del(node);
		wq_list_add_head(node, &worker->pool->worklist);
	}
}

static bool run_own(struct wq_worker *worker, struct wq_pwq *pwq, unsigned int max)
{
	struct work_struct *work;
	unsigned int nr = 0;

	while (nr < max && (work = take_own(worker, pwq))) {
		run(worker, work);
		nr++;
	}
	give_scheduled_back(worker);
	return nr == max;
}

bool wq_worker_rescue(struct wq_pwq *pwq, unsigned int max)
{
	struct wq_worker *worker = pwq->rescue;
	struct wq_pool *pool = pwq->pool;
	bool has_more;

	wq_os_thread_set_cpus(&pool->cpus);
	wq_worker_self = worker;
	wq_pool_lock(pool);
	worker->tid = wq_os_tid();
	count_worker(pool, 1);
	wq_pool_enter_locked(pool);
	has_more = run_own(worker, pwq, max);
	pwq->is_calling = has_more;
	worker->tid = 0;
	wq_pool_leave_locked(pool);
	count_worker(pool, -1);
	if (!has_more && pwq->flushing & WQ_PWQ_RETIRED)
		wq_retire_if_empty_locked(pwq);
	wq_pool_unlock(pool);
	wq_worker_self = NULL;
	return has_more;
}
