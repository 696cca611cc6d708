/* SPDX-License-Identifier: MIT */
/*
 * manager.c - the one thread that makes and reaps workers, and samples.
 *
 * Workers and the timer thread are made by this thread alone, so they inherit
 * nothing of a user's thread but the first one's nice value. While a worker runs it
 * looks at the pools every sample_us: has somebody waited in vain for a blocked
 * worker? Else it sleeps, for good if no surplus idle worker must be reaped.
 */
#include "core/manager.h"

#include <errno.h>

#include "base/options.h"
#include "base/os.h"
#include "base/report.h"
#include "core/block.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/rescuer.h"
#include "core/timer.h"
#include "core/worker.h"

#define NS_PER_US   1000ull
#define NS_PER_MS   1000000ull
/* After a failure to make a thread, or to find a worker idle: try again this much later. */
#define RETRY_NS    (10 * NS_PER_MS)
/* Somebody was stepped around, and the next one may block at once: so many quick looks. */
#define SOON_NS     (200 * NS_PER_US)
#define SOON_LOOKS  2u
/* Looks without anything running before sampling stops: saves a wake for the next burst. */
#define QUIET_LOOKS 10u
/* Idle workers that always stay; one in four of the busy ones may be idle beside them (Q4). */
#define IDLE_STAY   2u
#define IDLE_RATIO  4u

struct wq_park wq_manager_park;

bool wq_manager_samples;

bool (*wq_manager_watch_fn)(uint64_t now);

/* O: of the manager's thread */
static struct {
	uint64_t next_sample_ns;
	uint64_t next_reap_ns;
	uint64_t retry_ns; /* no thread could be made; 0: none failed */
	uint64_t next_watch_ns;
	bool must_watch; /* wakes up for it: work waits */
	unsigned int nr_quiet;
	unsigned int nr_soon; /* quick looks left */
} self = { .next_sample_ns = WQ_FOREVER, .next_reap_ns = WQ_FOREVER };

void wq_manager_note_busy_locked(struct wq_pool *pool)
{
	/* under the lock, see stop_sampling() */
	if (wq_unlikely(!wq_manager_is_sampling()))
		wq_pool_due_locked(pool, &wq_manager_park);
}

/* ------------------------------------------------------ making workers */

static bool must_make_one(struct wq_pool *pool)
{
	return !wq_list_is_empty(&pool->worklist) && wq_list_is_empty(&pool->idle) &&
	       wq_pool_needs_worker_locked(pool);
}

/* After a failure. Meanwhile wants_worker stays set, so that the wake rule does not ask again. */
static void retry_later(struct wq_pool *pool, const char *error)
{
	static uint32_t once; /* A: reported */

	wq_note_once(&once, "no thread for a worker or the timers, trying again: ", error);
	self.retry_ns = wq_os_now_ns() + RETRY_NS;
	if (pool)
		wq_rescuer_call(pool);
}

static const char *error_name(int err)
{
	return err == -EAGAIN ? "EAGAIN" : "ENOMEM";
}

/* If the pool needs one: a slot for a new worker, which counts as running from here on. */
static struct wq_worker *reserve_worker(struct wq_pool *pool)
{
	struct wq_worker *worker = NULL;
	bool is_needed;

	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	is_needed = must_make_one(pool);
	if (is_needed)
		worker = wq_worker_alloc_locked(pool);
	wq_store_relaxed(&pool->wants_worker, is_needed && !worker);
	if (worker)
		wq_pool_enter_locked(pool);
	wq_pool_unlock(pool);
	if (is_needed && !worker)
		retry_later(pool, "ENOMEM");
	return worker;
}

static void give_back(struct wq_worker *worker)
{
	struct wq_pool *pool = worker->pool;

	wq_pool_lock(pool);
	wq_worker_release_locked(worker);
	wq_pool_leave_locked(pool);
	wq_store_relaxed(&pool->wants_worker, true);
	wq_pool_unlock(pool);
}

/* One more worker, if the pool needs one. The wake rule asks again for a second. */
static void serve(struct wq_pool *pool)
{
	struct wq_worker *worker;
	int err;

	/* without an offer somebody may have taken ours, and a lock hold must renew it */
	if (!wq_load_relaxed(&pool->intake) && !wq_load_relaxed(&pool->wants_worker) &&
	    wq_load_relaxed(&pool->waker))
		return;
	worker = reserve_worker(pool);
	if (!worker)
		return;
	err = wq_os_thread_create(wq_worker_main, worker, &pool->cpus);
	if (err) {
		give_back(worker);
		retry_later(pool, error_name(err));
	}
}

static void serve_timers(void)
{
	int err = wq_timer_wants_thread() ? wq_timer_start() : 0;

	if (err)
		retry_later(/* pool */ NULL, error_name(err));
}

static void serve_all(uint64_t now)
{
	struct wq_pool *pool;
	unsigned int id;

	if (self.retry_ns > now)
		return;
	self.retry_ns = 0;
	serve_timers();
	wq_pools_for_each(pool, id) serve(pool);
}

/* ------------------------------------------------------------ sampling */

static bool is_running(struct wq_pool *pool)
{
	bool running;

	wq_pool_lock(pool);
	running = pool->nr_running > 0;
	wq_pool_unlock(pool);
	return running;
}

static void start_sampling(uint64_t now)
{
	self.nr_quiet = 0;
	self.next_sample_ns = now + wq_options.sample_us * NS_PER_US;
	wq_store_relaxed(&wq_manager_samples, true);
}

/*
 * A worker that runs was counted under its pool's lock, either before we take
 * that lock here and see it, or after, and then it sees that we do not sample.
 */
static void stop_sampling(uint64_t now)
{
	struct wq_pool *pool;
	unsigned int id;

	wq_store_relaxed(&wq_manager_samples, false);
	self.next_sample_ns = WQ_FOREVER;
	wq_pools_for_each(pool, id)
	{
		if (is_running(pool)) {
			start_sampling(now);
			return;
		}
	}
	/* the last look before a long sleep: what waits now would wait for ever */
	self.next_watch_ns = now;
}

static void sample_all(uint64_t now)
{
	struct wq_pool *pool;
	bool found = false, running = false;
	unsigned int id;

	wq_pools_for_each(pool, id)
	{
		running |= wq_load_relaxed(&pool->nr_running) > 0;
		found |= wq_block_sample(pool);
	}
	if (found)
		self.nr_soon = SOON_LOOKS;
	self.next_sample_ns = now + (self.nr_soon ? SOON_NS : wq_options.sample_us * NS_PER_US);
	if (self.nr_soon)
		self.nr_soon--;
	self.nr_quiet = running ? 0 : self.nr_quiet + 1;
	if (self.nr_quiet > QUIET_LOOKS)
		stop_sampling(now);
}

/* ------------------------------------------------------------- reaping */

/* An unbound pool that no queue uses any more. */
static bool is_left(struct wq_pool *pool)
{
	return !pool->is_bound && !wq_load_relaxed(&pool->nr_pwqs);
}

static bool has_too_many_idle(struct wq_pool *pool)
{
	unsigned int nr_busy = pool->nr_workers - pool->nr_idle;

	return pool->nr_idle > IDLE_STAY && (pool->nr_idle - IDLE_STAY) * IDLE_RATIO >= nr_busy;
}

/* He sleeps, or was just woken for nothing: no offer names him after the unlock. */
static void reap(struct wq_pool *pool, struct wq_worker *worker)
{
	wq_list_del(&worker->idle_node);
	worker->is_idle = false;
	pool->nr_idle--;
	worker->must_exit = true;
	wq_pool_due_locked(pool, &worker->park);
}

/* All go as they become idle; those that are not yet are asked for again soon. */
static uint64_t reap_left(struct wq_pool *pool, uint64_t now)
{
	if (!wq_load_relaxed(&pool->nr_workers))
		return WQ_FOREVER;
	wq_pool_lock(pool);
	while (!wq_list_is_empty(&pool->idle))
		reap(pool, wq_list_entry(pool->idle.prev, struct wq_worker, idle_node));
	wq_pool_unlock(pool);
	return now + RETRY_NS;
}

/* Reap those idle for too long, oldest first; when the next one may be due. */
static uint64_t reap_pool(struct wq_pool *pool, uint64_t now)
{
	uint64_t timeout = wq_options.idle_timeout_ms * NS_PER_MS, next = now + timeout;
	struct wq_worker *oldest;

	if (is_left(pool))
		return reap_left(pool, now);
	if (wq_load_relaxed(&pool->nr_workers) <= IDLE_STAY)
		return WQ_FOREVER;
	wq_pool_lock(pool);
	while (has_too_many_idle(pool)) {
		oldest = wq_list_entry(pool->idle.prev, struct wq_worker, idle_node);
		next = oldest->idle_since_ns + timeout;
		if (next > now)
			break;
		reap(pool, oldest);
		next = now + timeout;
	}
	wq_pool_unlock(pool);
	return next;
}

static void reap_all(uint64_t now)
{
	struct wq_pool *pool;
	uint64_t when;
	unsigned int id;

	self.next_reap_ns = WQ_FOREVER;
	wq_pools_for_each(pool, id)
	{
		when = reap_pool(pool, now);
		if (when < self.next_reap_ns)
			self.next_reap_ns = when;
	}
}

/* ------------------------------------------------------------ watching */

static void watch(uint64_t now)
{
	if (!wq_manager_watch_fn || now < self.next_watch_ns)
		return;
	self.must_watch = wq_manager_watch_fn(now);
	self.next_watch_ns = now + wq_options.watchdog_ms * NS_PER_MS / 2;
}

/* -------------------------------------------------------------- thread */

static uint64_t next_deadline(void)
{
	uint64_t deadline = self.next_sample_ns;

	if (self.next_reap_ns < deadline)
		deadline = self.next_reap_ns;
	if (self.retry_ns && self.retry_ns < deadline)
		deadline = self.retry_ns;
	if (self.must_watch && self.next_watch_ns < deadline)
		deadline = self.next_watch_ns;
	return deadline;
}

static void manager_main(void *arg)
{
	uint64_t now;

	(void)arg;
	wq_os_thread_set_name("kworker/manager");
	for (;;) {
		/* woken: somebody wants a worker, or began to run while we did not sample */
		bool is_woken = wq_park_wait(&wq_manager_park, next_deadline());

		now = wq_os_now_ns();
		serve_all(now);
		if (is_woken && !wq_manager_is_sampling())
			start_sampling(now);
		if (now >= self.next_sample_ns)
			sample_all(now);
		if (is_woken || now >= self.next_reap_ns)
			reap_all(now);
		watch(now);
	}
}

int wq_manager_start(void)
{
	static bool is_started; /* G */

	wq_assert_held(&wq_config_lock);
	if (is_started)
		return 0;
	if (wq_os_thread_create(manager_main, NULL, &wq_allowed_cpus))
		return -EAGAIN;
	is_started = true;
	return 0;
}
