/* SPDX-License-Identifier: MIT */
/*
 * watchdog.c - pools in which work waits and nothing starts are reported
 * (contracts in watchdog.h).
 *
 * Workers do nothing for it: progress is that the sum of the items they have
 * started is another one than at the last look.
 */
#include "watch/watchdog.h"

#include "base/options.h"
#include "base/os.h"
#include "base/report.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/worker.h"
#include "watch/dump.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* O: the manager's */
static uint64_t last_look_ns; /* 0: never */
static uint64_t nr_reports;

static uint64_t threshold_ns(void)
{
	return wq_options.watchdog_ms * NS_PER_MS;
}

/* Items started so far, by all workers; wraps. Dates what they are on, for the dump. */
static unsigned int count_started(struct wq_pool *pool, uint64_t now)
{
	unsigned int i, sum = 0;

	for (i = 0; i < pool->nr_slots; i++) {
		wq_dump_date_locked(wq_worker_at_locked(pool, i), now);
		sum += wq_worker_at_locked(pool, i)->nr_started;
	}
	return sum;
}

static bool has_waiting(const struct wq_pool *pool)
{
	return !wq_list_is_empty(&pool->worklist) || wq_load_relaxed(&pool->intake);
}

static bool take_touch(struct wq_pool *pool)
{
	bool was_touched = wq_load_relaxed(&pool->is_touched);

	if (was_touched)
		wq_store_relaxed(&pool->is_touched, false);
	return was_touched;
}

/*
 * Work waits: is it the same stall as at the last look? A look that comes late is
 * no witness: perhaps the whole process was stopped.
 */
static bool is_same_stall(struct wq_pool *pool, unsigned int started, uint64_t now)
{
	bool was_touched = take_touch(pool), is_late = now - last_look_ns > threshold_ns();

	return pool->waiting_since_ns && pool->seen_started == started && !was_touched && !is_late;
}

/* For how long has no item started although some wait? 0: none wait, or it has got on. */
static uint64_t measure_stall(struct wq_pool *pool, uint64_t now)
{
	unsigned int started = count_started(pool, now);

	if (!has_waiting(pool)) {
		pool->waiting_since_ns = 0;
		return 0;
	}
	if (!is_same_stall(pool, started, now)) {
		pool->seen_started = started;
		pool->waiting_since_ns = now;
		pool->stall_reported_ns = now;
	}
	return now - pool->waiting_since_ns;
}

/* Once for each threshold. */
static bool must_report(struct wq_pool *pool, uint64_t now)
{
	if (!pool->waiting_since_ns || now - pool->stall_reported_ns < threshold_ns())
		return false;
	pool->stall_reported_ns = now;
	return true;
}

static void report_lockup(struct wq_pool *pool, uint64_t stall_ns)
{
	struct wq_msg msg;

	wq_msg_bug(&msg, "workqueue lockup - pool ");
	wq_msg_number(&msg, pool->id);
	wq_msg_text(&msg, ":");
	wq_dump_put_pool(&msg, pool);
	wq_msg_text(&msg, " stuck for ");
	wq_msg_number(&msg, stall_ns / NS_PER_S);
	wq_msg_text(&msg, "s!");
	wq_msg_send(&msg);
}

/* For how long it has been stuck, if that was reported now; else 0. */
static uint64_t look_at(struct wq_pool *pool, uint64_t now, bool *is_waiting)
{
	uint64_t stall_ns;
	bool is_due;

	wq_pool_lock(pool);
	stall_ns = measure_stall(pool, now);
	is_due = must_report(pool, now);
	*is_waiting |= pool->waiting_since_ns != 0;
	wq_pool_unlock(pool);
	if (!is_due)
		return 0;
	report_lockup(pool, stall_ns);
	nr_reports++;
	return stall_ns;
}

/* Some want a process that is stuck to end, so that another one takes over (R2). */
static void end_if_asked(uint64_t stall_ns)
{
	uint64_t max_reports = wq_options.panic_on_stall, max_ms = wq_options.panic_on_stall_ms;
	struct wq_msg msg;

	if (!(max_reports && nr_reports >= max_reports) &&
	    !(max_ms && stall_ns >= max_ms * NS_PER_MS))
		return;
	wq_msg_bug(&msg, "stalled, and the environment asks to end the process then");
	wq_msg_send(&msg);
	wq_os_abort();
}

bool wq_watchdog_look(uint64_t now)
{
	uint64_t stall_ns, longest_ns = 0;
	bool is_waiting = false;
	struct wq_pool *pool;
	unsigned int id;

	wq_pools_for_each(pool, id)
	{
		stall_ns = look_at(pool, now, &is_waiting);
		longest_ns = stall_ns > longest_ns ? stall_ns : longest_ns;
	}
	last_look_ns = now;
	if (longest_ns) {
		wq_dump_all();
		end_if_asked(longest_ns);
	}
	return is_waiting;
}

void wq_watchdog_touch_pools(int cpu)
{
	bool is_any = cpu < 0 || cpu >= WORK_CPU_UNBOUND;
	struct wq_pool *pool;
	unsigned int id;

	wq_pools_for_each(pool, id)
	{
		if (is_any || pool->cpu == cpu)
			wq_store_relaxed(&pool->is_touched, true);
	}
}
