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
#include <string.h>

#include "base/options.h"
#include "base/os.h"
#include "base/report.h"
#include "core/block.h"
#include "core/cpus.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/rescuer.h"
#include "core/switches.h"
#include "core/timer.h"
#include "core/worker.h"

#define NS_PER_US   1000ull
#define NS_PER_MS   1000000ull
/* After a failure to make a thread, or to find a worker idle: try again this much later. */
#define RETRY_NS    (10 * NS_PER_MS)
/* The same if no work waits for the thread (Q3). */
#define SPARE_NS    (1000 * NS_PER_MS)
/* Somebody was stepped around, and the next one may block at once: so many quick looks. */
#define SOON_NS     (200 * NS_PER_US)
#define SOON_LOOKS  2u
/* Looks without anything running before sampling stops: saves a wake for the next burst. */
#define QUIET_LOOKS 10u
/* Idle workers that always stay; one in four of the busy ones may be idle beside them (Q4). */
#define IDLE_STAY   2u
#define IDLE_RATIO  4u

struct wq_park wq_manager_park;

bool wq_manager_samples WQ_READ_MOSTLY;

bool (*wq_manager_watch_fn)(uint64_t now);

/* A: the program has asked for workers before there is work (Q1) */
static bool is_prepared;
/* A: some pool may be without; by who knows, taken back by the manager */
static bool must_prepare;
/* A: it ends when there is no worker left; and has */
static bool must_end, has_ended;
/* A: by its thread */
static uint32_t thread_tid;

/* O: of the manager's thread */
static struct {
	uint64_t next_sample_ns;
	uint64_t next_reap_ns;
	uint64_t retry_ns; /* no thread could be made; 0: none failed */
	uint64_t spare_ns; /* none beyond those that work waits for; 0: none failed */
	bool makes_spares; /* the time for another try is not still to come */
	uint64_t next_watch_ns;
	bool must_watch; /* wakes up for it: work waits */
	bool is_ending;
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

/* Does work wait for one? */
static bool must_make_one(struct wq_pool *pool)
{
	return !wq_list_is_empty(&pool->worklist) && wq_list_is_empty(&pool->idle) &&
	       wq_pool_needs_worker_locked(pool);
}

/* One for each pool that may be used, if the program has asked for that (Q1). */
static bool lacks_first(struct wq_pool *pool)
{
	return wq_load_relaxed(&is_prepared) && !pool->nr_workers && !pool->turn &&
	       (pool->cpu >= 0 || wq_load_relaxed(&pool->nr_pwqs));
}

/* Or is it to be there before work waits (Q1, Q2)? */
static bool should_make_one(struct wq_pool *pool)
{
	return self.makes_spares && (lacks_first(pool) || wq_pool_lacks_spare_locked(pool));
}

static void note_failure(const char *error)
{
	static uint32_t once; /* A: reported */

	wq_note_once(&once, "no thread for a worker or the timers, trying again: ", error);
}

/* After a failure. Meanwhile wants_worker stays set, so that the wake rule does not ask again. */
static void retry_later(struct wq_pool *pool, const char *error)
{
	note_failure(error);
	self.retry_ns = wq_os_now_ns() + RETRY_NS;
	if (pool)
		wq_rescuer_call(pool);
}

static void retry_spare_later(const char *error)
{
	note_failure(error);
	self.spare_ns = wq_os_now_ns() + SPARE_NS;
	self.makes_spares = false;
}

/*
 * If the pool needs one: a slot for a new worker, which counts as running from here on, and where
 * it belongs. Does work wait for it?
 */
static struct wq_worker *reserve_worker(struct wq_pool *pool, struct wq_cpuset *cpus,
					bool *is_urgent)
{
	struct wq_worker *worker = NULL;
	bool is_needed;

	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	*is_urgent = must_make_one(pool);
	is_needed = *is_urgent || should_make_one(pool);
	if (is_needed)
		worker = wq_worker_alloc_locked(pool);
	wq_store_relaxed(&pool->wants_worker, *is_urgent && !worker);
	if (worker) {
		pool->nr_starting++;
		wq_pool_enter_locked(pool);
		wq_switches_renew_locked(pool, wq_os_now_ns());
		*cpus = pool->cpus;
	}
	wq_pool_unlock(pool);
	if (*is_urgent && !worker)
		retry_later(pool, "ENOMEM");
	else if (is_needed && !worker)
		retry_spare_later("ENOMEM");
	return worker;
}

static void give_back(struct wq_worker *worker, bool is_urgent)
{
	struct wq_pool *pool = worker->pool;

	wq_pool_lock(pool);
	wq_worker_release_locked(worker);
	pool->nr_starting--;
	wq_pool_leave_locked(pool);
	wq_store_relaxed(&pool->wants_worker, is_urgent);
	wq_pool_unlock(pool);
}

/* One more worker, if the pool needs one. The wake rule asks again for a second. */
static void serve(struct wq_pool *pool)
{
	struct wq_worker *worker;
	struct wq_cpuset cpus;
	bool is_urgent;
	int err;

	worker = reserve_worker(pool, &cpus, &is_urgent);
	if (!worker)
		return;
	err = wq_os_thread_create(wq_worker_main, worker, &cpus);
	if (!err)
		return;
	give_back(worker, is_urgent);
	if (is_urgent)
		retry_later(pool, wq_error_name(err));
	else
		retry_spare_later(wq_error_name(err));
}

/* Of a CPU, and somebody runs: he sees to the rest, and its lock may be biased to him. */
static bool is_seen_to(struct wq_pool *pool)
{
	return wq_load_relaxed(&pool->is_bound) && wq_load_relaxed(&pool->nr_running);
}

/* Without an offer somebody may have taken ours, and a lock hold must renew it. */
static bool may_want_worker(struct wq_pool *pool)
{
	if (wq_load_relaxed(&pool->wants_worker))
		return true;
	return !is_seen_to(pool) &&
	       (wq_load_relaxed(&pool->intake) || !wq_load_relaxed(&pool->waker));
}

static void serve_timers(void)
{
	int err = wq_timer_wants_thread() ? wq_timer_start() : 0;

	if (err)
		retry_later(/* pool */ NULL, wq_error_name(err));
}

/* Must all pools be looked at, not only those that ask for it? */
static bool takes_all(uint64_t now)
{
	bool is_time_for_spares = self.spare_ns && self.spare_ns <= now;

	if (is_time_for_spares)
		self.spare_ns = 0;
	self.makes_spares = !self.spare_ns;
	return wq_xchg_acquire(&must_prepare, false) || is_time_for_spares;
}

static void serve_all(uint64_t now)
{
	struct wq_pool *pool;
	unsigned int id;
	bool all;

	if (self.retry_ns > now || self.is_ending)
		return;
	self.retry_ns = 0;
	all = takes_all(now);
	serve_timers();
	wq_switches_serve();
	wq_pools_for_each(pool, id)
	{
		if (all || may_want_worker(pool))
			serve(pool);
	}
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

/* An unbound pool that no queue uses any more; at the end, any. */
static bool is_left(struct wq_pool *pool)
{
	return self.is_ending || (pool->cpu < 0 && !wq_load_relaxed(&pool->nr_pwqs));
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
	return now + (self.is_ending ? NS_PER_MS : RETRY_NS);
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

/* To make threads. Spare ones are looked for whenever others are. */
static uint64_t next_try(void)
{
	uint64_t when = self.retry_ns ? self.retry_ns : self.spare_ns;

	return when && !self.is_ending ? when : WQ_FOREVER;
}

static uint64_t next_deadline(void)
{
	uint64_t deadline = self.next_sample_ns;

	if (self.next_reap_ns < deadline)
		deadline = self.next_reap_ns;
	if (next_try() < deadline)
		deadline = next_try();
	if (self.must_watch && self.next_watch_ns < deadline)
		deadline = self.next_watch_ns;
	return deadline;
}

static void manager_main(void *arg)
{
	bool is_woken;
	uint64_t now;

	(void)arg;
	wq_os_thread_set_name("kworker/manager");
	wq_store_relaxed(&thread_tid, wq_os_tid());
	wq_cpus_begin();
	wq_switches_begin();
	do {
		/* woken: somebody wants a worker, or began to run while we did not sample */
		is_woken = wq_park_wait(&wq_manager_park, next_deadline());
		now = wq_os_now_ns();
		self.is_ending = wq_load_acquire(&must_end);
		serve_all(now);
		if (is_woken && !wq_manager_is_sampling())
			start_sampling(now);
		if (now >= self.next_sample_ns)
			sample_all(now);
		if (is_woken || self.is_ending || now >= self.next_reap_ns)
			reap_all(now);
		watch(now);
		wq_cpus_watch(now);
	} while (!self.is_ending || self.next_reap_ns != WQ_FOREVER);
	wq_store_release(&has_ended, true);
}

void wq_manager_ask_to_end(void)
{
	wq_store_release(&must_end, true);
	wq_park_wake(&wq_manager_park);
}

bool wq_manager_is_gone(void)
{
	return wq_load_acquire(&has_ended) && !wq_os_thread_exists(wq_load_relaxed(&thread_tid));
}

void wq_manager_note_pool(void)
{
	if (!wq_load_relaxed(&is_prepared))
		return;
	wq_store_release(&must_prepare, true);
	wq_park_wake(&wq_manager_park);
}

void wq_manager_prepare(void)
{
	wq_store_relaxed(&is_prepared, true);
	wq_manager_note_pool();
}

int wq_manager_start(void)
{
	wq_assert_held(&wq_config_lock);
	return wq_os_thread_create(manager_main, NULL, &wq_allowed_cpus) ? -EAGAIN : 0;
}

void wq_manager_reset(void)
{
	wq_assert_held(&wq_config_lock);
	must_end = false;
	has_ended = false;
	thread_tid = 0;
	is_prepared = false;
	must_prepare = false;
	wq_manager_samples = false;
	wq_manager_park = (struct wq_park){ 0 };
	memset(&self, 0, sizeof(self));
	self.next_sample_ns = WQ_FOREVER;
	self.next_reap_ns = WQ_FOREVER;
}
