/* SPDX-License-Identifier: MIT */
/*
 * show.c - asking what goes on: show_all_workqueues() and its kin, what workers
 * say of themselves, and what the calling thread is in.
 */
#include <stdarg.h>
#include <stdio.h>

#include <workq/workq.h>

#include "base/report.h"
#include "core/worker.h"
#include "ops/init.h"
#include "watch/dep.h"
#include "watch/desc.h"
#include "watch/dump.h"
#include "watch/watchdog.h"

void show_all_workqueues(void)
{
	if (wq_init_use())
		wq_dump_all();
}

void show_freezable_workqueues(void)
{
	if (wq_init_use())
		wq_dump_freezable();
}

void show_one_workqueue(struct workqueue_struct *wq)
{
	if (!wq)
		wq_warn("show_one_workqueue() without a queue", "");
	else if (wq_init_use())
		wq_dump_queue(wq);
}

void set_worker_desc(const char *fmt, ...)
{
	char desc[WORKER_DESC_LEN];
	va_list args;

	/* most callers are in an item, but a function may be called by others too */
	if (!wq_worker_self || !fmt)
		return;
	va_start(args, fmt);
	vsnprintf(desc, sizeof(desc), fmt, args);
	va_end(args);
	wq_desc_set(desc);
}

void print_worker_info(const char *log_lvl, int tid)
{
	if (wq_init_use())
		wq_desc_report(log_lvl ? log_lvl : "", (uint32_t)tid);
}

bool workq_worker_comm(int tid, char *buf, size_t size)
{
	if (!wq_init_use()) {
		if (size)
			buf[0] = '\0';
		return false;
	}
	return wq_desc_comm((uint32_t)tid, buf, size);
}

bool current_is_workqueue_mem_reclaim(void)
{
	return wq_dep_is_in_reclaim();
}

void wq_watchdog_touch(int cpu)
{
	if (wq_init_use())
		wq_watchdog_touch_pools(cpu);
}
