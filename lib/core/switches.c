/* SPDX-License-Identifier: MIT */
/*
 * switches.c - workers' waits seen as they begin (contracts in switches.h).
 *
 * A watched thread's switches cost a microsecond more each, and a look of the
 * watching thread: only pools whose workers wait with items behind them pay that.
 */
#include "core/switches.h"

#include <errno.h>

#include "base/grace.h"
#include "base/options.h"
#include "base/os.h"
#include "base/ring.h"
#include "core/block.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/worker.h"

/* So long after a wait was last found workers are watched. */
#define WATCH_NS 10000000000ull
#define MAX_NEWS 16
/* After news of nothing but workers that ran, or had to make way: perhaps for us, so that
   looking at once would go on for ever. */
#define PAUSE_NS 400000ull

enum { NEVER, ONCE_FOUND, ALWAYS };

/* A: what the rings tell their news to; negative: there is none */
static int poller = -1;
/* A: a pool has asked for the thread */
static bool is_wanted;
/* A: counts rings, for the sake of order only */
static uint32_t nr_opened;
/* A: there is no permission, or the program has closed what it did not open */
static bool is_refused;
/* A: the thread's id, 0: it was never made; that it has ended */
static uint32_t thread_tid;
static bool has_ended;
/* G: what makes it end; negative: nothing yet */
static int ending_fd = -1;

/* ------------------------------------------------------------------ wishes */

static bool is_possible(const struct wq_pool *pool)
{
	return pool->is_bound && !pool->turn && wq_options.watch_switches != NEVER &&
	       !wq_load_relaxed(&is_refused);
}

void wq_switches_want_locked(struct wq_pool *pool, uint64_t now)
{
	wq_assert_held(&pool->lock);
	if (!is_possible(pool))
		return;
	pool->watched_until_ns = now + WATCH_NS;
	wq_store_relaxed(&pool->is_watched, true);
	/* also if it could not be made when it was last asked for */
	if (wq_load_relaxed(&poller) >= 0)
		return;
	wq_store_relaxed(&is_wanted, true);
	wq_pool_due_locked(pool, &wq_manager_park);
}

/* Until a wait is found again. */
static void stop_watching_locked(struct wq_pool *pool)
{
	wq_assert_held(&pool->lock);
	wq_store_relaxed(&pool->is_watched, false);
}

void wq_switches_renew_locked(struct wq_pool *pool, uint64_t now)
{
	wq_assert_held(&pool->lock);
	if (wq_options.watch_switches == ALWAYS)
		wq_switches_want_locked(pool, now);
	else if (pool->is_watched && now >= pool->watched_until_ns)
		stop_watching_locked(pool);
}

/* ------------------------------------------------------------------- rings */

/* Will it be so for as long as the process lives? */
static bool is_lasting(int err)
{
	static const int lasting[] = { -EACCES, -EPERM, -ENOSYS, -ENOENT, -EBADF };
	size_t i;

	for (i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
		if (err == lasting[i])
			return true;
	}
	return false;
}

/* No ring was to be had: the pool goes without until a wait is found again, or for good. */
static void give_up(struct wq_pool *pool, int err)
{
	if (is_lasting(err))
		wq_store_relaxed(&is_refused, true);
	wq_pool_lock(pool);
	stop_watching_locked(pool);
	wq_pool_unlock(pool);
}

static void open_ring(struct wq_worker *worker)
{
	int err, fd = wq_load_acquire(&poller);
	struct wq_ring *ring;

	/* the thread is about to be made */
	if (fd < 0)
		return;
	/* order: RING-OPEN pairs with RING-NEWS: who hears of the ring sees what the worker is */
	wq_fetch_add_seq_cst(&nr_opened, 1u);
	ring = wq_ring_open(fd, worker, &err);
	if (!ring) {
		give_up(worker->pool, err);
		return;
	}
	wq_pool_lock(worker->pool);
	worker->ring = ring;
	wq_pool_unlock(worker->pool);
}

void wq_switches_end_locked(struct wq_worker *worker)
{
	struct wq_ring *ring = worker->ring;

	wq_assert_held(&worker->pool->lock);
	worker->ring = NULL;
	if (ring)
		wq_ring_close(ring);
}

void wq_switches_follow_slow(struct wq_worker *worker)
{
	if (!worker->ring) {
		open_ring(worker);
		return;
	}
	wq_pool_lock(worker->pool);
	wq_switches_end_locked(worker);
	wq_pool_unlock(worker->pool);
}

/* ------------------------------------------------------------------ thread */

/* False: the library is to end. */
static bool look_at(void **workers, int nr, bool *found)
{
	int i;

	*found = false;
	for (i = 0; i < nr; i++) {
		if (!workers[i])
			return false;
		*found |= wq_block_see(workers[i]);
	}
	return true;
}

/* Until the program closes the poller: false; or the library is to end. */
static bool watch(int fd)
{
	void *workers[MAX_NEWS];
	bool found;
	int nr;

	for (;;) {
		nr = wq_ring_poller_wait(fd, workers, MAX_NEWS);
		/* order: RING-NEWS pairs with RING-OPEN; the system orders the rest */
		(void)wq_load_acquire(&nr_opened);
		if (nr < 0)
			return false;
		if (!look_at(workers, nr, &found))
			return true;
		if (!found)
			wq_os_sleep_ns(PAUSE_NS);
	}
}

static void watcher_main(void *arg)
{
	int fd = (int)(intptr_t)arg;
	bool is_told;

	wq_os_thread_set_name("kworker/watch");
	/* where that is permitted: who has waited must not wait for this thread as well */
	wq_os_thread_set_nice(WQ_HIGHPRI_NICE);
	wq_store_relaxed(&thread_tid, wq_os_tid());
	is_told = watch(fd);
	wq_store_relaxed(&is_refused, true);
	/* in a section, as where it is made: fork() finds it open and its number, or neither */
	if (!wq_grace_self)
		wq_grace_claim();
	wq_grace_enter();
	/* who sees that there is none must see whose thread it was */
	wq_store_release(&poller, -1);
	if (is_told)
		wq_ring_poller_close(fd);
	wq_grace_leave();
	wq_store_release(&has_ended, true);
}

/* Without the thread the manager looks by itself, as it does in any case. */
static void start_watching(void)
{
	int fd;

	if (!wq_grace_self)
		wq_grace_claim();
	/* in a section, so that fork() finds either none or its number (U3) */
	wq_grace_enter();
	fd = wq_ring_poller_create();
	/* before a ring names it, and before its thread may find it closed */
	wq_store_release(&poller, fd < 0 ? -1 : fd);
	wq_grace_leave();
	if (fd < 0)
		return;
	if (!wq_os_thread_create(watcher_main, (void *)(intptr_t)fd, &wq_allowed_cpus))
		return;
	wq_store_relaxed(&poller, -1);
	wq_ring_poller_close(fd);
}

void wq_switches_begin(void)
{
	if (wq_options.watch_switches == ALWAYS)
		start_watching();
}

void wq_switches_serve(void)
{
	if (!wq_load_relaxed(&is_wanted))
		return;
	wq_store_relaxed(&is_wanted, false);
	if (wq_load_relaxed(&poller) < 0 && !wq_load_relaxed(&is_refused))
		start_watching();
}

bool wq_switches_shut_locked(void)
{
	int fd = wq_load_acquire(&poller);

	wq_assert_held(&wq_config_lock);
	if (fd >= 0 && ending_fd < 0)
		ending_fd = wq_ring_poller_end(fd);
	if (fd >= 0)
		return false;
	if (wq_load_relaxed(&thread_tid) &&
	    (!wq_load_acquire(&has_ended) || wq_os_thread_exists(wq_load_relaxed(&thread_tid))))
		return false;
	if (ending_fd >= 0)
		wq_ring_poller_close(ending_fd);
	ending_fd = -1;
	return true;
}

/* Rings are mapped in the parent only. */
void wq_switches_reset(void)
{
	/* the program may have closed it, and the number may be something else's */
	if (poller >= 0 && wq_ring_poller_is_open(poller))
		wq_ring_poller_close(poller);
	if (ending_fd >= 0)
		wq_ring_poller_close(ending_fd);
	poller = -1;
	ending_fd = -1;
	is_wanted = false;
	is_refused = false;
	thread_tid = 0;
	has_ended = false;
}
