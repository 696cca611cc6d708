/* SPDX-License-Identifier: MIT */
/*
 * dump.c - what queues and pools are busy with, in lines for people
 * (contracts in dump.h).
 */
#include "watch/dump.h"

#include <stdio.h>

#include "base/grace.h"
#include "base/os.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/pwq.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"
#include "watch/entries.h"

#define NS_PER_S 1000000000ull

/* ------------------------------------------------------ which pool it is */

void wq_dump_put_pool(struct wq_msg *msg, struct wq_pool *pool)
{
	char cpus[sizeof(msg->text)]; /* what does not fit there is cut */

	/* left by its last queue, it may become another one */
	wq_pool_lock(pool);
	wq_msg_text(msg, " cpus=");
	wq_cpuset_print_list(&pool->cpus, cpus, sizeof(cpus));
	wq_msg_text(msg, cpus);
	/* the kernel's bit for: bound to no CPU */
	wq_msg_text(msg, pool->is_bound ? " flags=0x0" : " flags=0x4");
	wq_msg_text(msg, pool->nice < 0 ? " nice=-" : " nice=");
	wq_msg_number(msg, (uint64_t)(pool->nice < 0 ? -pool->nice : pool->nice));
	wq_pool_unlock(pool);
}

/* ---------------------------------------------------------- under the lock */

uint64_t wq_dump_date_locked(struct wq_worker *worker, uint64_t now)
{
	wq_assert_held(&worker->pool->lock);
	if (worker->dated_started != worker->nr_started) {
		worker->dated_started = worker->nr_started;
		worker->dated_ns = now;
	}
	return worker->dated_ns;
}

/* Barriers hold the park of the waiter's record, and records are never freed. */
static void add_waiter(struct wq_entries *entries, const struct wq_barrier *barrier)
{
	struct wq_entry entry = { .kind = WQ_ENTRY_WAITER };
	struct wq_record *record;

	if (barrier->park) {
		record = container_of(barrier->park, struct wq_record, park);
		entry.tid = (uint32_t)wq_load_relaxed(&record->owner);
	}
	wq_entries_add(entries, entry);
}

static void add_run(struct wq_entries *entries, struct wq_worker *worker, uint64_t now)
{
	struct wq_list *node;

	wq_entries_add(entries, (struct wq_entry){ .kind = WQ_ENTRY_RUN,
						   .tid = worker->tid,
						   .func = worker->func,
						   .since_ns = wq_dump_date_locked(worker, now) });
	wq_list_for_each(node, &worker->waiters)
		add_waiter(entries, wq_list_entry(node, struct wq_barrier, node));
}

/* A filed item, and who waits for it. */
static void add_item(struct wq_entries *entries, struct wq_pool *pool, struct work_struct *work)
{
	struct wq_list *node;
	struct wq_barrier *barrier;

	wq_entries_add(entries,
		       (struct wq_entry){ .kind = WQ_ENTRY_ITEMS, .nr = 1, .func = work->func });
	if (!(wq_load_relaxed(&work->data) & WQ_WORK_BARRIER))
		return;
	wq_list_for_each(node, &pool->barriers[wq_work_bucket(work)]) {
		barrier = wq_list_entry(node, struct wq_barrier, node);
		if (barrier->work == work)
			add_waiter(entries, barrier);
	}
}

/* Those of the list that belong to the pwq. */
static void add_items(struct wq_entries *entries, const struct wq_pwq *pwq,
		      const struct wq_list *head)
{
	struct work_struct *work;
	struct wq_list *node;

	wq_list_for_each(node, head) {
		work = wq_node_work(node);
		if (wq_word_pwq(wq_load_relaxed(&work->data)) == pwq)
			add_item(entries, pwq->pool, work);
	}
}

/* ------------------------------------------------------------- one pwq */

struct pwq_snapshot {
	unsigned int nr_active, max_active;
	struct wq_entries in_flight, pending, inactive;
};

static void fill(struct pwq_snapshot *snapshot, struct wq_pwq *pwq, uint64_t now)
{
	struct wq_pool *pool = pwq->pool;
	struct wq_worker *worker;
	unsigned int i;

	snapshot->nr_active = wq_load_relaxed(&pwq->limit->nr);
	snapshot->max_active = wq_load_relaxed(&pwq->limit->max);
	for (i = 0; i < pool->nr_slots; i++) {
		worker = wq_worker_at_locked(pool, i);
		if (worker->work && worker->pwq == pwq)
			add_run(&snapshot->in_flight, worker, now);
		add_items(&snapshot->pending, pwq, &worker->scheduled);
	}
	add_items(&snapshot->pending, pwq, &pool->worklist);
	add_items(&snapshot->inactive, pwq, &pwq->inactive);
}

/* False: it is idle. */
static bool take_snapshot(struct pwq_snapshot *snapshot, struct wq_pwq *pwq, uint64_t now)
{
	struct wq_pool *pool = pwq->pool;
	bool is_busy;

	wq_pool_lock(pool);
	wq_pool_drain_locked(pool);
	is_busy = wq_pwq_in_flight_locked(pwq) > 0;
	if (is_busy)
		fill(snapshot, pwq, now);
	wq_pool_unlock(pool);
	return is_busy;
}

static void show_snapshot(const struct pwq_snapshot *snapshot, struct wq_pool *pool, uint64_t now)
{
	struct wq_msg msg;

	wq_msg_info(&msg, "  pwq ");
	wq_msg_number(&msg, pool->id);
	wq_msg_text(&msg, ":");
	wq_dump_put_pool(&msg, pool);
	wq_msg_text(&msg, " active=");
	wq_msg_number(&msg, snapshot->nr_active);
	wq_msg_text(&msg, "/");
	wq_msg_number(&msg, snapshot->max_active);
	wq_msg_send(&msg);
	wq_entries_report(&snapshot->in_flight, "    in-flight:", now);
	wq_entries_report(&snapshot->pending, "    pending:", now);
	wq_entries_report(&snapshot->inactive, "    inactive:", now);
}

/* ------------------------------------------------------------- queues */

static void show_name(struct workqueue_struct *wq)
{
	struct wq_msg msg;

	wq_msg_info(&msg, "workqueue ");
	wq_msg_text(&msg, wq->name);
	wq_msg_text(&msg, ": flags=");
	wq_msg_pointer(&msg, wq_wq_flags(wq));
	wq_msg_send(&msg);
}

void wq_dump_queue(struct workqueue_struct *wq)
{
	uint64_t now = wq_os_now_ns();
	bool is_named = false;
	struct wq_pwq *pwq;

	wq_lock_acquire(&wq->flush_lock);
	wq_wq_for_each_pwq(pwq, wq)
	{
		struct pwq_snapshot snapshot = { 0 };

		if (!take_snapshot(&snapshot, pwq, now))
			continue;
		if (!is_named)
			show_name(wq);
		is_named = true;
		show_snapshot(&snapshot, pwq->pool, now);
	}
	wq_lock_release(&wq->flush_lock);
}

static void show_text(const char *text)
{
	struct wq_msg msg;

	wq_msg_info(&msg, text);
	wq_msg_send(&msg);
}

/* Those with one of these flags; 0: all. */
static void show_queues(unsigned int flags)
{
	struct workqueue_struct *wq;
	struct wq_list *node;

	wq_lock_acquire(&wq_config_lock);
	wq_list_for_each(node, &wq_all) {
		wq = wq_list_entry(node, struct workqueue_struct, node);
		if (!flags || wq_wq_flags(wq) & flags)
			wq_dump_queue(wq);
	}
	wq_lock_release(&wq_config_lock);
}

void wq_dump_freezable(void)
{
	show_text("Showing busy freezable workqueues:");
	show_queues(WQ_FREEZABLE);
}

/* -------------------------------------------------------------- pools */

struct pool_snapshot {
	unsigned int nr_workers;
	uint64_t waiting_since_ns;
	struct wq_entries idle;
};

/* False: no worker of it has an item. */
static bool take_pool_snapshot(struct pool_snapshot *snapshot, struct wq_pool *pool)
{
	struct wq_list *node;
	bool is_busy;

	wq_pool_lock(pool);
	snapshot->nr_workers = pool->nr_workers;
	snapshot->waiting_since_ns = pool->waiting_since_ns;
	is_busy = pool->nr_workers != pool->nr_idle;
	wq_list_for_each(node, &pool->idle) {
		struct wq_worker *worker = wq_list_entry(node, struct wq_worker, idle_node);

		wq_entries_add(&snapshot->idle,
			       (struct wq_entry){ .kind = WQ_ENTRY_IDLE, .tid = worker->tid });
	}
	wq_pool_unlock(pool);
	return is_busy;
}

static void show_pool(const struct pool_snapshot *snapshot, struct wq_pool *pool)
{
	uint64_t now = wq_os_now_ns(), since = snapshot->waiting_since_ns;
	char head[32];
	struct wq_msg msg;

	snprintf(head, sizeof(head), "pool %u:", pool->id);
	wq_msg_info(&msg, head);
	wq_dump_put_pool(&msg, pool);
	wq_msg_text(&msg, " hung=");
	wq_msg_number(&msg, since ? (now - since) / NS_PER_S : 0);
	wq_msg_text(&msg, "s workers=");
	wq_msg_number(&msg, snapshot->nr_workers);
	wq_msg_send(&msg);
	wq_entries_report(&snapshot->idle, "  idle:", now);
}

void wq_dump_all(void)
{
	struct wq_pool *pool;
	unsigned int id;

	show_text("Showing busy workqueues and worker pools:");
	show_queues(/* flags */ 0);
	wq_pools_for_each(pool, id)
	{
		struct pool_snapshot snapshot = { 0 };

		if (take_pool_snapshot(&snapshot, pool))
			show_pool(&snapshot, pool);
	}
}
