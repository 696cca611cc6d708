/* SPDX-License-Identifier: MIT */
/*
 * block.c - a worker waits, or computes for long: its pool must go on without it.
 *
 * Such a worker leaves nr_running; the wake rule then starts another one. It
 * is counted again when it is back or its item is done. Too few workers can
 * deadlock, too many only cost threads: when in doubt, step around.
 */
#include "core/block.h"

#include "base/grace.h"
#include "base/options.h"
#include "base/os.h"
#include "base/report.h"
#include "base/ring.h"
#include "base/symbol.h"
#include "core/hog.h"
#include "core/pool.h"
#include "core/switches.h"
#include "core/worker.h"

#define NS_PER_US 1000ull

/* ---------------------------------------------------------------- told */

/* Nobody replaces a worker of a pool for WQ_BH (M1). */
static bool is_replaceable(const struct wq_worker *worker)
{
	return !worker->pool->turn;
}

void wq_block_begin(void)
{
	struct wq_worker *worker = wq_worker_self;

	if (!worker)
		return;
	wq_store_relaxed(&worker->block_depth, worker->block_depth + 1);
	if (worker->block_depth > 1 || !is_replaceable(worker))
		return;
	wq_pool_lock(worker->pool);
	worker->is_told = !worker->is_uncounted;
	if (worker->is_told)
		wq_pool_uncount_locked(worker);
	wq_pool_unlock(worker->pool);
}

void wq_block_end(void)
{
	struct wq_worker *worker = wq_worker_self;

	if (!worker || !worker->block_depth)
		return;
	wq_store_relaxed(&worker->block_depth, worker->block_depth - 1);
	if (worker->block_depth || !worker->is_told)
		return;
	worker->is_told = false;
	wq_pool_lock(worker->pool);
	wq_pool_recount_locked(worker);
	wq_pool_unlock(worker->pool);
}

struct wq_park *wq_block_park(void)
{
	return wq_grace_self->shared ? NULL : &wq_grace_self->park;
}

void wq_block_sleep(struct wq_park *park, struct wq_backoff *backoff)
{
	if (park)
		wq_park_wait(park, WQ_FOREVER);
	else
		wq_backoff_wait(backoff);
}

void wq_block_wait_done(uint32_t *is_done, struct wq_park *park)
{
	struct wq_backoff backoff = { 0 };

	wq_block_begin();
	/* order: WAIT-DONE pairs with DONE */
	while (!wq_load_acquire(is_done))
		wq_block_sleep(park, &backoff);
	wq_block_end();
}

/* ---------------------------------------------------------------- seen */

/* The function is over: it is the library that waits, for a lock. */
static bool is_in_function(const struct wq_worker *worker)
{
	return worker->work && wq_load_relaxed(&worker->current);
}

/* It waits, and was not known to. */
static void see_asleep(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;

	wq_pool_uncount_locked(worker);
	worker->is_seen = true;
	if (!wq_list_is_empty(&pool->worklist) || wq_load_relaxed(&pool->intake))
		wq_switches_want_locked(pool, wq_os_now_ns());
}

bool wq_block_see(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;
	bool sleeps, is_new;

	wq_pool_lock(pool);
	sleeps = worker->ring && pool->is_bound && is_in_function(worker) &&
		 wq_ring_sleeps(worker->ring);
	is_new = sleeps ? !worker->is_uncounted : worker->is_seen;
	if (is_new && sleeps)
		see_asleep(worker);
	else if (is_new)
		wq_pool_recount_locked(worker);
	wq_pool_unlock(pool);
	return is_new;
}

/* ------------------------------------------------------------- sampled */

/* What is known of a worker by asking the system. */
struct look {
	bool sleeps; /* or has slept since the last look */
	uint64_t nr_sleeps;
	/* used before and after that was asked: whoever asks may be off his CPU in between */
	uint64_t cpu_ns_before, cpu_ns_after;
};

/* Has the worker started an item since the last look? Remembers for the next one. */
static bool has_got_on(struct wq_worker *worker)
{
	unsigned int started = wq_load_relaxed(&worker->nr_started);

	if (worker->seen_started == started)
		return false;
	worker->seen_started = started;
	worker->seen_sleeps = 0;
	worker->seen_cpu_ns = 0;
	return true;
}

/* Has the worker been on the same item since the last look? */
static bool is_still_on(struct wq_worker *worker)
{
	return !has_got_on(worker) && worker->work && !worker->is_uncounted;
}

/* May the worker be on the same item as at the last look? */
static bool may_be_still_on(struct wq_worker *worker)
{
	return worker->seen_started == wq_load_relaxed(&worker->nr_started) &&
	       wq_load_relaxed(&worker->current);
}

/*
 * Without the lock, which may be biased: has somebody started an item since the last look, so
 * that a lock hold has done what waited, and is nobody on the same one still? Then remembers that.
 */
static bool gets_on(struct wq_pool *pool)
{
	unsigned int i, nr = wq_load_acquire(&pool->nr_slots);
	bool gets_on = false;

	for (i = 0; i < nr; i++) {
		if (may_be_still_on(wq_worker_at(pool, i)))
			return false;
	}
	for (i = 0; i < nr; i++)
		gets_on |= has_got_on(wq_worker_at(pool, i));
	return gets_on;
}

/* Drops the lock to ask. False: the worker has got on meanwhile. */
static bool ask(struct wq_worker *worker, struct look *look)
{
	unsigned int started = worker->nr_started;
	uint64_t seen_sleeps = worker->seen_sleeps;
	uint32_t tid = worker->tid;
	struct wq_os_thread_state state;

	wq_pool_unlock(worker->pool);
	look->cpu_ns_before = wq_os_thread_cpu_ns(tid);
	state = wq_os_thread_state(tid);
	look->cpu_ns_after = wq_os_thread_cpu_ns(tid);
	wq_pool_lock(worker->pool);
	/* 0 is for "not asked", and a thread may never have slept */
	look->nr_sleeps = state.nr_sleeps + 1;
	look->sleeps = state.letter != 'R' || (seen_sleeps && look->nr_sleeps > seen_sleeps);
	return worker->work && worker->nr_started == started && !worker->is_uncounted;
}

/*
 * Has it computed for longer than is allowed since it last slept, or was first seen on this
 * item (L4)?
 */
static bool is_hog(struct wq_worker *worker, uint64_t cpu_ns)
{
	return wq_options.intensive_us && worker->seen_cpu_ns &&
	       cpu_ns > worker->seen_cpu_ns + wq_options.intensive_us * NS_PER_US;
}

static void remember(struct wq_worker *worker, const struct look *look)
{
	worker->seen_sleeps = look->nr_sleeps;
	if (look->sleeps || !worker->seen_cpu_ns)
		worker->seen_cpu_ns = look->cpu_ns_after;
}

/* Drops the lock meanwhile: who gets reports may call us. */
static void report_hog(struct wq_worker *worker)
{
	work_func_t func = worker->func;

	wq_pool_unlock(worker->pool);
	wq_hog_note(func);
	wq_pool_lock(worker->pool);
}

/* The same. */
static void report_sleeper(uint32_t *once, struct wq_worker *worker)
{
	work_func_t func = worker->func;
	char name[96];

	wq_pool_unlock(worker->pool);
	wq_symbol_name((uintptr_t)func, name, sizeof(name));
	wq_warn_once(once, "an item of a WQ_BH queue sleeps while others wait for it: ", name);
	wq_pool_lock(worker->pool);
}

/* Does it wait for one of the library's locks, or has it since the look that `seen` is of? */
static bool sleeps_for_lock(const struct wq_worker *worker, uint32_t seen)
{
	uint32_t sleeps = wq_load_relaxed(worker->lock_sleeps);

	return sleeps % 2 || sleeps != seen;
}

static void look_at_bh(struct wq_worker *worker)
{
	static uint32_t once; /* A: reported */
	uint32_t seen = worker->seen_lock_sleeps;
	struct look look;

	worker->seen_lock_sleeps = wq_load_relaxed(worker->lock_sleeps);
	if (!ask(worker, &look))
		return;
	remember(worker, &look);
	/* the library's own waits, such as in cancel_work_sync() and for its locks, are no fault (M2),
	   nor is that for its next turn */
	if (look.sleeps && !sleeps_for_lock(worker, seen) &&
	    !wq_load_relaxed(&worker->block_depth) && wq_load_relaxed(&worker->current))
		report_sleeper(&once, worker);
}

static bool step_around(struct wq_worker *worker)
{
	wq_pool_uncount_locked(worker);
	return true;
}

/* Who sleeps while others wait is stepped around; who computes, when he has done so for long. */
static bool look_at_bound(struct wq_worker *worker, bool is_awaited)
{
	struct look look;

	if (!ask(worker, &look))
		return false;
	if (look.sleeps) {
		remember(worker, &look);
		if (!is_awaited)
			return false;
		wq_switches_want_locked(worker->pool, wq_os_now_ns());
		return step_around(worker);
	}
	if (!is_hog(worker, look.cpu_ns_before)) {
		remember(worker, &look);
		return false;
	}
	step_around(worker);
	report_hog(worker);
	return true;
}

/* Is there no need to ask the system, which takes some time? */
static bool is_young(struct wq_worker *worker)
{
	return worker->seen_cpu_ns && !is_hog(worker, wq_os_thread_cpu_ns(worker->tid));
}

/*
 * Bound pools step around sleepers, and those that compute for long: others hold the
 * rest off (L1). Unbound ones start everything, so also around those (L7).
 */
static bool sample_worker(struct wq_pool *pool, struct wq_worker *worker, bool is_awaited)
{
	if (!is_still_on(worker))
		return false;
	/* these are sampled only if something waits there */
	if (!pool->is_bound)
		return step_around(worker);
	if (!is_replaceable(worker)) {
		if (is_awaited)
			look_at_bh(worker);
		return false;
	}
	if (!is_awaited && is_young(worker))
		return false;
	return look_at_bound(worker, is_awaited);
}

static bool sample_workers(struct wq_pool *pool, bool is_awaited)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < pool->nr_slots; i++)
		found |= sample_worker(pool, wq_worker_at_locked(pool, i), is_awaited);
	return found;
}

bool wq_block_sample(struct wq_pool *pool)
{
	bool found = false, is_awaited;

	if (!wq_load_relaxed(&pool->nr_running) && !wq_load_relaxed(&pool->intake))
		return false;
	if (!wq_load_relaxed(&pool->is_watched) && gets_on(pool))
		return false;
	wq_pool_lock(pool);
	/* else that is for who runs, on his CPU: his caches need not lose the items to ours */
	if (!pool->is_bound || !pool->nr_running)
		wq_pool_drain_locked(pool);
	is_awaited = !wq_list_is_empty(&pool->worklist) || wq_load_relaxed(&pool->intake) ||
		     (pool->turn && wq_turn_is_awaited(pool->turn));
	if (is_awaited || (pool->is_bound && wq_options.intensive_us))
		found = sample_workers(pool, is_awaited);
	wq_switches_renew_locked(pool, wq_os_now_ns());
	wq_pool_unlock(pool);
	return found;
}
