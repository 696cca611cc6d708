/* SPDX-License-Identifier: MIT */
/*
 * plugin.c - a plug-in for plugin_host.c: it has a queue from its constructor to its destructor.
 */
#include <workq/workqueue.h>

#include "plugin.h"

static struct workqueue_struct *wq;
static struct delayed_work late;
static int nr_runs;

static void count_run(struct work_struct *work)
{
	(void)work;
	nr_runs++;
}

__attribute__((constructor)) static void begin(void)
{
	wq = alloc_ordered_workqueue("plugin", WQ_MEM_RECLAIM);
	INIT_DELAYED_WORK(&late, count_run);
}

/* What it has queued must be gone before it is. */
__attribute__((destructor)) static void end(void)
{
	cancel_delayed_work_sync(&late);
	destroy_workqueue(wq);
}

int plugin_run(int nr)
{
	struct work_struct work;

	INIT_WORK_ONSTACK(&work, count_run);
	for (int i = 0; i < nr; i++) {
		queue_work(wq, &work);
		flush_work(&work);
	}
	destroy_work_on_stack(&work);
	queue_delayed_work(wq, &late, 3600 * HZ);
	return nr_runs;
}
