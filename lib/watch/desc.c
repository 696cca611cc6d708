/* SPDX-License-Identifier: MIT */
/*
 * desc.c - what a worker says of itself: its name and what it is on
 * (contracts in desc.h).
 */
#include "watch/desc.h"

#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "base/report.h"
#include "base/symbol.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/worker.h"
#include "core/wq.h"

#define NAME_SIZE 32

void wq_desc_set(const char *desc)
{
	struct wq_worker *worker = wq_worker_self;

	/* a timer's callback is in no item that its author knows of */
	if (!worker->current || worker->current_pwq->wq == &wq_timers_wq)
		return;
	wq_pool_lock(worker->pool);
	wq_worker_set_desc_locked(worker, desc);
	wq_pool_unlock(worker->pool);
}

static struct wq_worker *find_in(struct wq_pool *pool, uint32_t tid)
{
	struct wq_worker *worker;
	unsigned int i;

	for (i = 0; i < pool->nr_slots; i++) {
		worker = wq_worker_at_locked(pool, i);
		if (worker->tid == tid)
			return worker;
	}
	return NULL;
}

/* The worker with this thread id, its pool locked; NULL, and nothing locked: there is none. */
static struct wq_worker *lock_worker(uint32_t tid)
{
	struct wq_worker *worker;
	struct wq_pool *pool;
	unsigned int id;

	/* slots without a thread have 0 */
	if (!tid)
		return NULL;
	wq_pools_for_each(pool, id)
	{
		wq_pool_lock(pool);
		worker = find_in(pool, tid);
		if (worker)
			return worker;
		wq_pool_unlock(pool);
	}
	return NULL;
}

bool wq_desc_comm(uint32_t tid, char *buf, size_t size)
{
	struct wq_worker *worker = lock_worker(tid);
	char name[NAME_SIZE];
	const char *desc;

	if (size)
		buf[0] = '\0';
	if (!worker)
		return false;
	wq_worker_name(worker, name, sizeof(name));
	desc = wq_worker_desc_locked(worker);
	snprintf(buf, size, "%s%s%s", name, !*desc ? "" : worker->work ? "+" : "-", desc);
	wq_pool_unlock(worker->pool);
	return true;
}

/* What the line says; copied, since it is sent without the lock. */
struct info {
	char queue[WQ_NAME_LEN];
	char desc[WORKER_DESC_LEN];
	work_func_t func;
};

/* False: it has no item. */
static bool copy_info(const struct wq_worker *worker, struct info *info)
{
	if (!worker->work)
		return false;
	snprintf(info->queue, sizeof(info->queue), "%s", worker->pwq->wq->name);
	snprintf(info->desc, sizeof(info->desc), "%s", wq_worker_desc_locked(worker));
	info->func = worker->func;
	return true;
}

static void report_info(const char *prefix, const struct info *info)
{
	char function[96];
	struct wq_msg msg;

	wq_symbol_name((uintptr_t)info->func, function, sizeof(function));
	wq_msg_info(&msg, prefix);
	wq_msg_text(&msg, "Workqueue: ");
	wq_msg_text(&msg, info->queue);
	wq_msg_text(&msg, " ");
	wq_msg_text(&msg, function);
	if (strcmp(info->desc, info->queue) != 0) {
		wq_msg_text(&msg, " (");
		wq_msg_text(&msg, info->desc);
		wq_msg_text(&msg, ")");
	}
	wq_msg_send(&msg);
}

void wq_desc_report(const char *prefix, uint32_t tid)
{
	struct wq_worker *worker = lock_worker(tid);
	struct info info;
	bool has_item;

	if (!worker)
		return;
	has_item = copy_info(worker, &info);
	wq_pool_unlock(worker->pool);
	if (has_item)
		report_info(prefix, &info);
}
