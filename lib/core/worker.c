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
#include "core/custody.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/pwq.h"
#include "core/retire.h"
#include "core/stray.h"
#include "core/switches.h"
#include "core/work.h"
#include "core/wq.h"

__thread struct wq_worker *wq_worker_self __attribute__((tls_model("initial-exec")));

/* Lock holds by one worker alone, until the lock is biased to it; fewer in tests. */
#ifndef MIN_PATIENCE
#define MIN_PATIENCE 32u
#endif
/* What revoking costs is worth some thousand lock holds without an RMW at most. */
#define MAX_PATIENCE 8192u

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

struct wq_worker *wq_worker_at(struct wq_pool *pool, unsigned int i)
{
	return slot_at(pool, i);
}

struct wq_worker *wq_worker_at_locked(struct wq_pool *pool, unsigned int i)
{
	wq_assert_held(&pool->lock);
	return slot_at(pool, i);
}

static void init_slot(struct wq_worker *worker, struct wq_pool *pool, unsigned int index)
{
	worker->pool = pool;
	worker->slot = pool->id << 16 | (index + 1);
	worker->patience = MIN_PATIENCE;
	wq_list_init(&worker->scheduled);
	wq_list_init(&worker->waiters);
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
	init_slot(worker, pool, index);
	wq_store_release(&pool->nr_slots, index + 1);
	return worker;
}

void wq_worker_reset_slots(struct wq_pool *pool)
{
	struct wq_worker *worker;
	unsigned int i;

	pool->free_slots = NULL;
	for (i = pool->nr_slots; i-- > 0;) {
		worker = slot_at(pool, i);
		*worker = (struct wq_worker){ 0 };
		init_slot(worker, pool, i);
		worker->next_free = pool->free_slots;
		pool->free_slots = worker;
	}
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
	wq_switches_end_locked(worker);
	worker->tid = 0;
	worker->pwq = NULL;
	worker->desc[0] = '\0';
	worker->must_exit = false;
	worker->may_repeat = false;
	worker->patience = MIN_PATIENCE;
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

static inline struct work_struct *take_first(struct wq_list *list)
{
	struct wq_list *node = list->next;

	wq_list_del(node);
	return wq_node_work(node);
}

/* The next item to start on this worker, off its list; NULL if there is none for it. */
static inline struct work_struct *take_next(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;
	struct work_struct *work;
	struct wq_worker *other;

	if (!wq_list_is_empty(&worker->scheduled))
		return take_first(&worker->scheduled);
	if (wq_unlikely(wq_pool_has_others_running_locked(worker)))
		return NULL;
	for (;;) {
		if (wq_list_is_empty(&pool->worklist))
			wq_pool_drain_locked(pool);
		if (wq_list_is_empty(&pool->worklist))
			return NULL;
		work = take_first(&pool->worklist);
		other = wq_pool_find_busy_locked(pool, work, work->func);
		if (wq_likely(!other))
			return work;
		/* it runs already, over there: its next run must follow on that thread (B5) */
		wq_list_add_tail(wq_work_node(work), &other->scheduled);
	}
}

static inline void count_start(struct wq_worker *worker)
{
	wq_store_relaxed(&worker->nr_started, worker->nr_started + 1);
}

static inline void publish(struct wq_worker *worker, struct work_struct *work)
{
	/* order: PUBLISH, as in start() */
	wq_store_release(&worker->current, work);
	/* order: PENDING-CLEAR pairs with PENDING-TAKE (A5, A6) */
	wq_xchg_acq_rel(&work->data, wq_word_off(worker->slot, 0));
}

/*
 * Publish the item as running, then give PENDING up: the library's last touch of it. Returns its
 * function.
 */
static inline work_func_t start(struct wq_worker *worker, struct work_struct *work)
{
	unsigned long word = wq_load_relaxed(&work->data);
	struct wq_pwq *pwq = wq_word_pwq(word);
	work_func_t func = work->func;

	worker->work = work;
	worker->func = func;
	worker->pwq = pwq;
	worker->color = wq_word_color(word);
	count_start(worker);
	wq_pool_add_busy_locked(worker->pool, worker);
	if (wq_unlikely(word & WQ_WORK_BARRIER))
		wq_barrier_move_locked(worker, work);
	if (wq_unlikely(pwq->is_intensive))
		wq_pool_uncount_locked(worker);
	/* order: PUBLISH pairs with RUNNING-LOOK: whoever takes PENDING next sees these, and who
	   sees another item's pwq does not see this item's current any more */
	wq_store_release(&worker->current_func, func);
	wq_store_release(&worker->current_pwq, pwq);
	publish(worker, work);
	return func;
}

/* Of a function that has left a wait open, or jumped out of it. */
static inline void forget_waits(struct wq_worker *worker)
{
	wq_store_relaxed(&worker->block_depth, 0u);
	worker->is_told = false;
}

/* The item is through. */
static inline void settle(struct wq_worker *worker)
{
	/* nobody else looks for it from now on */
	if (wq_unlikely(worker->pool->again == worker))
		wq_pool_drain_some_locked(worker->pool);
	wq_pool_del_busy_locked(worker->pool, worker);
	worker->work = NULL;
	forget_waits(worker);
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

/* -------------------------------------------------------- the lock's bias */

static void lose_bias(struct wq_worker *worker)
{
	worker->is_favoured = false;
	worker->nr_locked = 0;
	if (worker->patience < MAX_PATIENCE)
		worker->patience *= 2;
}

/* The lock is not biased to the worker: is it time? */
static void __attribute__((noinline)) lock_unbiased(struct wq_worker *worker)
{
	struct wq_lock *lock = &worker->pool->lock;

	wq_lock_acquire(lock);
	if (worker->is_favoured) {
		lose_bias(worker);
		return;
	}
	if (++worker->nr_locked < worker->patience || worker->pool->nr_running != 1 ||
	    wq_membarrier_is_missing())
		return;
	wq_lock_bias(lock, &worker->bias);
	worker->is_favoured = true;
}

/* For who may want the lock while this thread sleeps. */
static void give_bias_back(struct wq_worker *worker)
{
	wq_assert_held(&worker->pool->lock);
	if (worker->is_favoured) {
		wq_lock_unbias(&worker->pool->lock);
		worker->is_favoured = false;
		if (worker->patience > MIN_PATIENCE)
			worker->patience /= 2;
	}
	worker->nr_locked = 0;
}

/* The function has returned. */
static inline void lock_after_run(struct wq_worker *worker)
{
	/* order: RETURNED pairs with RUNNING-LOOK: run 2 elsewhere sees all of run 1 */
	wq_store_release(&worker->current, NULL);
	if (wq_unlikely(!wq_lock_enter(&worker->pool->lock, &worker->bias)))
		lock_unbiased(worker);
}

/*
 * Its function has queued the item again, and nobody has filed it since. If it is the worker's next
 * one in any case, and would be counted as it is counted now, then it is settled, filed and taken
 * by leaving everything as it is. Nothing is scheduled behind it: that would be the item itself.
 */
static inline bool may_repeat(const struct wq_worker *worker, const struct work_struct *work)
{
	const struct wq_pwq *pwq = worker->pwq;

	return worker->pool->again == worker && worker->work == work &&
	       worker->func == work->func &&
	       wq_load_relaxed(&work->data) == wq_word_queued(worker->pwq, worker->color) &&
	       worker->color == pwq->color && worker->may_repeat && !worker->is_uncounted &&
	       !wq_pool_has_others_running_locked(worker) && wq_list_is_empty(&worker->waiters) &&
	       wq_limit_is_quiet_locked(pwq) && !pwq->flushing;
}

/* False: it must be settled, and what comes next be found. */
static inline bool repeat(struct wq_worker *worker, struct work_struct *work)
{
	if (!may_repeat(worker, work))
		return false;
	worker->pool->again = NULL;
	worker->pwq->nr_filed++;
	count_start(worker);
	forget_waits(worker);
	publish(worker, work);
	return true;
}

/*
 * Settled when it returns, unless false: the thread is no worker any more: the function has called
 * fork(), and this is the child.
 */
static WQ_INLINE bool run(struct wq_worker *worker, struct work_struct *work)
{
	struct wq_custody custody;
	work_func_t func;

	func = start(worker, work);
	do {
		wq_pool_unlock(worker->pool);
		wq_custody_begin(&custody);
		func(work);
		if (wq_unlikely(wq_worker_self != worker))
			return false;
		wq_custody_end(&custody, (uintptr_t)func);
		/* what is settled is what the worker's slot says, whoever it was that has returned */
		if (wq_unlikely(wq_load_relaxed(&worker->current) != work))
			wq_stray_report_jump(worker);
		lock_after_run(worker);
	} while (repeat(worker, work));
	settle(worker);
	if (wq_unlikely(worker->pool->turn != NULL))
		offer_turn(worker->pool);
	return true;
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

/* The item will not return. */
static void settle_unreturned(struct wq_worker *worker)
{
	wq_stray_end(worker);
	lock_after_run(worker);
	settle(worker);
	give_scheduled_back(worker);
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
	else if (pool->cpu >= 0)
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
	if (pool->cpu >= 0 || wq_cpuset_has(&pool->pod, wq_os_cpu()))
		return;
	if (!wq_os_thread_set_cpus(&pool->pod))
		wq_os_thread_set_cpus(&pool->cpus);
}

/*
 * Of a CPU: the system lifts the pin when the CPU goes, and does not restore it when it comes
 * back (P2). Under the lock, so that nobody moves the pool meanwhile and is overruled.
 */
static void stay_in_place_locked(const struct wq_pool *pool)
{
	wq_assert_held(&pool->lock);
	if (wq_unlikely(pool->cpu >= 0 && !wq_cpuset_has(&pool->cpus, wq_os_cpu())))
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
	wq_switches_follow(worker);
}

/* Sleep until woken. False: the worker was reaped. */
static bool wait_idle(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;

	worker->idle_since_ns = wq_os_now_ns();
	give_bias_back(worker);
	wq_pool_idle_locked(pool, worker);
	wq_pool_unlock(pool);
	if (pool->turn)
		wq_turn_leave(pool->turn);
	wq_park_wait(&worker->park, WQ_FOREVER);
	if (pool->turn)
		wq_turn_take(pool->turn);
	else
		stay_near(pool);
	wq_switches_follow(worker);
	wq_pool_lock(pool);
	if (worker->must_exit)
		return false;
	stay_in_place_locked(pool);
	if (worker->is_idle)
		wq_pool_unidle_locked(pool, worker);
	return true;
}

/* The thread is no worker any more; the lock is released. */
static void leave(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;

	give_bias_back(worker);
	/* destructors of the user's thread-local data come later, and are no worker's */
	wq_worker_self = NULL;
	if (pool->turn)
		wq_turn_leave(pool->turn);
	wq_worker_release_locked(worker);
	wq_pool_unlock(pool);
}

/* The thread ends inside an item. */
static void end_early(void)
{
	struct wq_worker *worker = wq_worker_self;

	if (!worker)
		return;
	settle_unreturned(worker);
	wq_pool_leave_locked(worker->pool);
	leave(worker);
}

void wq_worker_main(void *arg)
{
	struct wq_worker *worker = arg;
	struct work_struct *work;

	wq_worker_self = worker;
	wq_os_thread_enlist();
	wq_os_thread_set_ended_fn(end_early);
	introduce(worker);
	if (worker->pool->turn)
		wq_turn_take(worker->pool->turn);
	wq_pool_lock(worker->pool);
	worker->tid = wq_os_tid();
	worker->lock_sleeps = &wq_lock_sleeps;
	worker->pool->nr_starting--;
	/* two pools take turns after each item */
	worker->may_repeat = !worker->pool->turn;
	/* the pool may have been moved before anybody could find this thread */
	stay_in_place_locked(worker->pool);
	wq_manager_note_busy_locked(worker->pool);
	do {
		work = take_next(worker);
		if (work)
			wq_pool_want_spare_locked(worker->pool);
		for (; work; work = take_next(worker)) {
			if (!run(worker, work))
				return;
		}
	} while (wait_idle(worker));
	leave(worker);
}

/* --------------------------------------------------------- keeping CPUs */

/* The thread is there: it stays as long as the lock is held. */
static struct wq_worker *next_thread(struct wq_pool *pool, unsigned int *index)
{
	while (*index < pool->nr_slots) {
		struct wq_worker *worker = slot_at(pool, (*index)++);

		if (worker->tid)
			return worker;
	}
	return NULL;
}

/* An unbound pool that is about to be left may still have CPUs that are not allowed any more. */
static void pin_locked(const struct wq_pool *pool, uint32_t tid)
{
	struct wq_cpuset cpus;

	wq_assert_held(&pool->lock);
	wq_cpuset_and(&cpus, &pool->cpus, &wq_allowed_cpus);
	wq_os_thread_set_cpus_of(tid, wq_cpuset_is_empty(&cpus) ? &wq_allowed_cpus : &cpus);
}

void wq_worker_pin_all(struct wq_pool *pool)
{
	struct wq_worker *worker;
	unsigned int index = 0;

	wq_assert_held(&wq_config_lock);
	/* a lock hold for each: moving a thread that runs takes a while */
	do {
		wq_pool_lock(pool);
		worker = next_thread(pool, &index);
		if (worker)
			pin_locked(pool, worker->tid);
		wq_pool_unlock(pool);
	} while (worker);
}

bool wq_worker_is_astray(struct wq_pool *pool)
{
	struct wq_worker *worker;
	struct wq_cpuset cpus;
	unsigned int index = 0;
	bool is_astray = false;

	wq_pool_lock(pool);
	worker = next_thread(pool, &index);
	if (worker && !wq_os_thread_cpus_of(worker->tid, &cpus))
		is_astray = !wq_cpuset_is_equal(&cpus, &pool->cpus);
	wq_pool_unlock(pool);
	return is_astray;
}

static struct wq_worker *find_thread(struct wq_pool *pool, bool idle)
{
	struct wq_worker *worker;
	unsigned int index = 0;

	do {
		worker = next_thread(pool, &index);
	} while (worker && idle && !worker->is_idle);
	return worker;
}

/* Then it has what it had, and be that a restriction that nobody has noticed yet. */
static bool probe_cpus_locked(const struct wq_pool *pool, uint32_t tid,
			      const struct wq_cpuset *asked, struct wq_cpuset *given)
{
	struct wq_cpuset cpus;
	bool ok;

	wq_assert_held(&pool->lock);
	if (wq_os_thread_cpus_of(tid, &cpus) || wq_os_thread_set_cpus_of(tid, asked))
		return false;
	ok = !wq_os_thread_cpus_of(tid, given);
	/* refused if they have just gone: who looks restores pins */
	wq_os_thread_set_cpus_of(tid, &cpus);
	return ok;
}

bool wq_worker_probe_cpus(struct wq_pool *pool, bool idle, const struct wq_cpuset *asked,
			  struct wq_cpuset *given)
{
	struct wq_worker *worker;
	bool ok;

	wq_assert_held(&wq_config_lock);
	wq_pool_lock(pool);
	worker = find_thread(pool, idle);
	ok = worker && probe_cpus_locked(pool, worker->tid, asked, given);
	wq_pool_unlock(pool);
	return ok;
}

/* ------------------------------------------------------------- rescuing */

/* Of the pwq's items that wait in the pool the first that no other worker must run; off its list. */
static struct work_struct *take_own(struct wq_worker *worker, struct wq_pwq *pwq)
{
	struct wq_pool *pool = pwq->pool;
	struct wq_list *node, *next;
	struct work_struct *work;
	struct wq_worker *other;

	if (!wq_list_is_empty(&worker->scheduled))
		return take_first(&worker->scheduled);
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

static bool run_own(struct wq_worker *worker, struct wq_pwq *pwq, unsigned int max)
{
	struct work_struct *work;
	unsigned int nr = 0;

	while (nr < max && (work = take_own(worker, pwq))) {
		if (!run(worker, work))
			return false;
		nr++;
	}
	give_scheduled_back(worker);
	return nr == max;
}

/* The thread is no worker of the pool any more; the lock is released. */
static void leave_rescued(struct wq_pwq *pwq, bool has_more)
{
	struct wq_pool *pool = pwq->pool;

	pwq->is_calling = has_more;
	pwq->rescue->tid = 0;
	wq_pool_leave_locked(pool);
	count_worker(pool, -1);
	if (!has_more && pwq->flushing & WQ_PWQ_RETIRED)
		wq_retire_if_empty_locked(pwq);
	wq_pool_unlock(pool);
	wq_worker_self = NULL;
}

struct wq_pwq *wq_worker_abandon_rescue(void)
{
	struct wq_worker *worker = wq_worker_self;
	struct wq_pwq *pwq = worker ? worker->rescues : NULL;

	if (!pwq)
		return NULL;
	settle_unreturned(worker);
	leave_rescued(pwq, /* has_more */ true);
	return pwq;
}

bool wq_worker_rescue(struct wq_pwq *pwq, unsigned int max)
{
	struct wq_worker *worker = pwq->rescue;
	struct wq_pool *pool = pwq->pool;
	bool has_more;

	wq_worker_self = worker;
	wq_pool_lock(pool);
	wq_os_thread_set_cpus(&pool->cpus);
	worker->tid = wq_os_tid();
	worker->lock_sleeps = &wq_lock_sleeps;
	count_worker(pool, 1);
	wq_pool_enter_locked(pool);
	has_more = run_own(worker, pwq, max);
	if (wq_worker_self != worker)
		return false;
	leave_rescued(pwq, has_more);
	return has_more;
}
