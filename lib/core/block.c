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
#include "base/os.h"
#include "base/report.h"
#include "base/symbol.h"
#include "core/pool.h"
#include "core/worker.h"

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

/* ------------------------------------------------------------- sampled */

/* Has the worker been on the same item since the last look? Remembers for the next one. */
static bool has_not_got_on(struct wq_worker *worker)
{
	bool same = worker->work && worker->seen_started == worker->nr_started;

	if (!same)
		worker->seen_sleeps = 0;
	worker->seen_started = worker->nr_started;
	return same && !worker->is_uncounted;
}

/*
 * Does it sleep, or did it since the last look at this item? What cannot be
 * known counts as sleeping. Drops the lock to ask.
 */
static bool sleeps(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;
	unsigned int started = worker->nr_started;
	uint64_t seen_sleeps = worker->seen_sleeps;
	uint32_t tid = worker->tid;
	struct wq_os_thread_state state;

	wq_pool_unlock(pool);
	state = wq_os_thread_state(tid);
	wq_pool_lock(pool);
	if (!worker->work || worker->nr_started != started || worker->is_uncounted)
		return false;
	worker->seen_sleeps = state.nr_sleeps;
	return state.letter != 'R' || (seen_sleeps && state.nr_sleeps > seen_sleeps);
}

/* Drops the lock meanwhile: who gets reports may call us. */
static void report_sleeper(uint32_t *once, struct wq_worker *worker)
{
	work_func_t func = worker->func;
	char name[96];

	wq_pool_unlock(worker->pool);
	wq_symbol_name((uintptr_t)func, name, sizeof(name));
	wq_warn_once(once, "an item of a WQ_BH queue sleeps while others wait for it: ", name);
	wq_pool_lock(worker->pool);
}

/*
 * Bound pools step around sleepers only: a worker that computes holds the
 * others off (L1). Unbound ones start everything, so also around those (L7).
 */
static bool sample_worker(struct wq_pool *pool, struct wq_worker *worker)
{
	static uint32_t once; /* A: reported */

	if (!has_not_got_on(worker) || (pool->is_bound && !sleeps(worker)))
		return false;
	if (!is_replaceable(worker)) {
		/* the library's own waits, such as in cancel_work_sync(), are no fault (M2),
		   nor is that for its next turn */
		if (!wq_load_relaxed(&worker->block_depth) && wq_load_relaxed(&worker->current))
			report_sleeper(&once, worker);
		return false;
	}
	wq_pool_uncount_locked(worker);
	return true;
}

static bool sample_workers(struct wq_pool *pool)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < pool->nr_slots; i++)
		found |= sample_worker(pool, wq_worker_at_locked(pool, i));
	return found;
}

bool wq_block_sample(struct wq_pool *pool)
{
	bool found = false;

	if (!wq_load_relaxed(&pool->nr_running) && !wq_load_relaxed(&pool->intake))
		return false;
	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	if (!wq_list_is_empty(&pool->worklist) || (pool->turn && wq_turn_is_awaited(pool->turn)))
		found = sample_workers(pool);
	wq_pool_unlock(pool);
	return found;
}
