/* SPDX-License-Identifier: MIT */
/*
 * dep.c - does an item that must not wait for memory wait for one that may?
 * (contracts in dep.h)
 */
#include "watch/dep.h"

#include <stdio.h>

#include "base/os.h"
#include "base/report.h"
#include "base/symbol.h"

void wq_dep_note(struct wq_dep *dep, struct workqueue_struct *target, work_func_t func)
{
	if (wq_wq_flags(target) & WQ_MEM_RECLAIM)
		return;
	dep->is_broken = true;
	snprintf(dep->name, sizeof(dep->name), "%s", target->name);
	dep->func = func;
}

static void put_function(struct wq_msg *msg, work_func_t func)
{
	char name[96];

	wq_symbol_name((uintptr_t)func, name, sizeof(name));
	wq_msg_text(msg, ":");
	wq_msg_text(msg, name);
}

void wq_dep_report(const struct wq_dep *dep)
{
	static uint32_t once; /* A: reported */
	struct wq_worker *worker = wq_worker_self;
	struct wq_msg msg;

	if (!dep->is_broken || !wq_report_is_first(&once))
		return;
	wq_msg_warning(&msg, "WQ_MEM_RECLAIM ");
	wq_msg_text(&msg, worker->current_pwq->wq->name);
	put_function(&msg, worker->current_func);
	wq_msg_text(&msg, " is flushing !WQ_MEM_RECLAIM ");
	wq_msg_text(&msg, dep->name);
	if (dep->func)
		put_function(&msg, dep->func);
	wq_msg_send(&msg);
}
