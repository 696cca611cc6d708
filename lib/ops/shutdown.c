/* SPDX-License-Identifier: MIT */
/*
 * shutdown.c - workq_shutdown(): the orderly end.
 *
 * First what begins something by itself ends: timers; then all queues drain. What is left
 * when that is done, or the time is over, is taken back, and the queues are shut. Then
 * nothing can begin any more, and all threads may end, the manager last: it ends the workers.
 *
 * Each step can be done again, also by several callers at once. It waits by looking again and
 * again: so it may give up at any time, and nobody else has anything to do for it.
 */
#include <errno.h>
#include <limits.h>

#include <workq/workq.h>

#include "base/os.h"
#include "base/report.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/pwq.h"
#include "core/rescuer.h"
#include "core/retire.h"
#include "core/shard.h"
#include "core/switches.h"
#include "core/timer.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"
#include "ops/delayed.h"
#include "ops/drain.h"
#include "ops/init.h"
#include "ops/wait.h"

#define NS_PER_MS    1000000ull
/* Between two looks: short at first. */
#define FIRST_NAP_NS 50000ull
#define MAX_NAP_NS   (2 * NS_PER_MS)
/* For threads that have nothing to do but to end. */
#define END_NS       (1000 * NS_PER_MS)
/* For the system to take down threads that have run their last. */
#define FORGET_NS    (100 * NS_PER_MS)

static struct workqueue_struct *wq_of(struct wq_list *node)
{
	return wq_list_entry(node, struct workqueue_struct, node);
}

/* For every queue, under the configuration lock: true if it was for all. */
static bool for_all(bool (*fn)(struct workqueue_struct *wq))
{
	struct wq_list *node;
	bool is_all = true;

	wq_lock_acquire(&wq_config_lock);
	wq_list_for_each(node, &wq_all)
		is_all = fn(wq_of(node)) && is_all;
	wq_lock_release(&wq_config_lock);
	return is_all;
}

static uint64_t deadline_in(uint64_t ns)
{
	uint64_t now = wq_os_now_ns();

	return ns < WQ_FOREVER - now ? now + ns : WQ_FOREVER;
}

static uint64_t ns_of(unsigned long ms)
{
	return ms < WQ_FOREVER / NS_PER_MS ? ms * NS_PER_MS : WQ_FOREVER;
}

/* Looks once at least. */
static bool wait_for(bool (*is_so)(void), uint64_t deadline)
{
	uint64_t nap = FIRST_NAP_NS;

	while (!is_so()) {
		if (wq_os_now_ns() >= deadline)
			return false;
		wq_os_sleep_ns(nap);
		nap = nap < MAX_NAP_NS / 2 ? 2 * nap : MAX_NAP_NS;
	}
	return true;
}

/* ---------------------------------------------------------------- timers */

static void disarm_locked(struct wq_shard *shard, struct timer_list *timer)
{
	struct delayed_work *dwork = wq_timer_dwork(timer);

	if (dwork)
		wq_delayed_disarm_locked(shard, dwork);
	else
		wq_shard_remove_locked(shard, timer);
}

static void disarm(struct wq_wheel_timer *timer, void *shard)
{
	disarm_locked(shard, wq_wheel_to_timer(timer));
}

/* Those whose callbacks come next are no more to be disarmed as long as these come. */
static void disarm_all(bool also_expired)
{
	struct wq_shard *shard;
	unsigned int i;

	for (i = 0; i < wq_nr_shards; i++) {
		shard = wq_shards[i];
		wq_shard_lock(shard);
		wq_wheel_for_each(&shard->wheel, disarm, shard);
		while (also_expired && !wq_list_is_empty(&shard->expired))
			disarm_locked(shard,
				      wq_list_entry(shard->expired.next, struct timer_list, entry));
		wq_shard_unlock(shard);
	}
}

/* A: no thread is left; the ids of those that were may be others' by now */
static bool is_over;

/* -------------------------------------------------------------- draining */

/* The first call only: from then on no queue comes. */
static void drain_all_locked(void)
{
	struct wq_list *node;

	wq_assert_held(&wq_config_lock);
	if (wq_load_relaxed(&wq_is_shutting_down))
		return;
	/* it may be so since fork(), of the parent */
	wq_store_relaxed(&is_over, false);
	wq_store_release(&wq_is_shutting_down, true);
	wq_list_for_each(node, &wq_all) {
		/* the library's own items come with the end of others */
		if (wq_of(node) != &wq_release_wq)
			wq_drain_begin_locked(wq_of(node));
	}
}

static void begin(void)
{
	wq_timer_stop();
	wait_for(wq_timer_is_gone, deadline_in(END_NS));
	wq_lock_acquire(&wq_config_lock);
	drain_all_locked();
	wq_lock_release(&wq_config_lock);
	/* order: SYNCHRONIZE: sections that began before the flags have pushed, or armed */
	wq_grace_synchronize();
	disarm_all(/* also_expired */ false);
}

static bool is_all_empty(void)
{
	bool is_empty = for_all(wq_drain_is_empty);

	/* the end of an item of one queue may have queued one of the library's own */
	return is_empty && for_all(wq_drain_is_empty);
}

/* ---------------------------------------------------------- taking back */

/* G */
static unsigned int nr_taken;

/* One of the list, if there is any. */
static bool take_first(struct wq_pool *pool, struct wq_list *list)
{
	struct work_struct *work;

	wq_assert_held(&wq_config_lock);
	wq_assert_held(&pool->lock);
	if (wq_list_is_empty(list))
		return false;
	work = wq_node_work(list->next);
	wq_wait_unfile(pool, work, wq_load_relaxed(&work->data), /* rest */ 0);
	nr_taken++;
	return true;
}

/* What is held back first: the places of others would let it start. */
static bool take_back_of_pwqs(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq;

	wq_lock_acquire(&wq->flush_lock);
	wq_wq_for_each_pwq(pwq, wq)
	{
		wq_pool_lock(pwq->pool);
		wq_pool_drain_locked(pwq->pool);
		while (take_first(pwq->pool, &pwq->inactive))
			;
		wq_pool_unlock(pwq->pool);
	}
	wq_lock_release(&wq->flush_lock);
	return true;
}

static void take_back_of_pool(struct wq_pool *pool)
{
	unsigned int i;

	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	while (take_first(pool, &pool->worklist))
		;
	for (i = 0; i < pool->nr_slots; i++) {
		while (take_first(pool, &wq_worker_at_locked(pool, i)->scheduled))
			;
	}
	wq_pool_unlock(pool);
}

static bool shut(struct workqueue_struct *wq)
{
	wq_assert_held(&wq_config_lock);
	wq_fetch_or_acq_rel(&wq->flags, (unsigned int)__WQ_SHUT);
	return true;
}

static void report_taken(unsigned int nr)
{
	struct wq_msg msg;

	wq_msg_note(&msg, "workq_shutdown(): the time is over, so many items do not run: ");
	wq_msg_number(&msg, nr);
	wq_msg_send(&msg);
}

/* Nothing begins from now on. */
static void shut_all(void)
{
	struct wq_pool *pool;
	unsigned int id, nr;

	for_all(shut);
	/* order: SYNCHRONIZE: sections that began before the flags have pushed */
	wq_grace_synchronize();
	for_all(take_back_of_pwqs);
	wq_lock_acquire(&wq_config_lock);
	wq_pools_for_each(pool, id) take_back_of_pool(pool);
	nr = nr_taken;
	nr_taken = 0;
	wq_lock_release(&wq_config_lock);
	if (nr)
		report_taken(nr);
	disarm_all(/* also_expired */ true);
}

/* --------------------------------------------------------------- threads */

static bool ask_rescuer(struct workqueue_struct *wq)
{
	wq_assert_held(&wq_config_lock);
	wq_rescuer_ask_to_stop(wq);
	return true;
}

static bool is_rescuer_gone(struct workqueue_struct *wq)
{
	wq_assert_held(&wq_config_lock);
	return wq_rescuer_is_gone(wq);
}

static bool is_watcher_gone(void)
{
	bool is_gone;

	wq_lock_acquire(&wq_config_lock);
	is_gone = wq_switches_shut_locked();
	wq_lock_release(&wq_config_lock);
	return is_gone;
}

static bool have_pools_no_workers(void)
{
	struct wq_pool *pool;
	unsigned int id;

	wq_pools_for_each(pool, id)
	{
		if (wq_load_relaxed(&pool->nr_workers))
			return false;
	}
	return true;
}

static bool are_threads_gone(void)
{
	/* the manager first: it may just be making one of the others */
	return wq_manager_is_gone() && wq_timer_is_gone() && for_all(is_rescuer_gone) &&
	       have_pools_no_workers() && wq_os_threads_are_done() && is_watcher_gone();
}

static bool end_threads(uint64_t deadline)
{
	for_all(ask_rescuer);
	wq_manager_ask_to_end();
	if (!wait_for(are_threads_gone, deadline))
		return false;
	wq_timer_close();
	/* an id may be somebody else's by now */
	wait_for(wq_os_threads_are_forgotten, deadline_in(FORGET_NS));
	return true;
}

static bool is_in_item(void)
{
	static uint32_t once; /* A: reported */

	if (!wq_worker_self || !wq_worker_self->current)
		return false;
	wq_warn_once(&once,
		     "an item would wait for itself; not shutting down: ", "workq_shutdown()");
	return true;
}

int workq_shutdown(unsigned long timeout_ms)
{
	uint64_t deadline, end;
	bool is_in_time;

	if (!wq_init_is_started())
		return 0;
	/* once it is started that cannot fail */
	wq_init_use();
	if (is_in_item())
		return -EDEADLK;
	deadline = deadline_in(ns_of(timeout_ms));
	begin();
	if (wq_load_acquire(&is_over))
		return 0;
	is_in_time = wait_for(is_all_empty, deadline);
	shut_all();
	/* with nothing to do they end at once */
	end = is_in_time ? deadline_in(END_NS) : 0;
	if (!end_threads(deadline > end ? deadline : end))
		return -ETIMEDOUT;
	wq_store_release(&is_over, true);
	return is_in_time ? 0 : -ETIMEDOUT;
}
