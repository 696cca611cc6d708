/* SPDX-License-Identifier: MIT */
/*
 * plugin_with_queue.c - a plug-in with a queue of its own, for test_show_while_a_plugin_loads.c.
 *
 * It makes the queue and uses it in its constructor, and destroys it in its destructor, as
 * plug-ins do. The program's functions let the test hold it there.
 */
#include "plugin_with_queue.h"

static struct workqueue_struct *wq;
static int nr_runs;

static void count_run(struct work_struct *work)
{
	(void)work;
	nr_runs++;
}

__attribute__((constructor)) static void begin(void)
{
	struct work_struct work;

	plugin_begins();
	wq = alloc_workqueue("plugin", WQ_UNBOUND, 0);
	plugin_has_queue(wq);
	INIT_WORK(&work, count_run);
	queue_work(wq, &work);
	flush_work(&work);
	plugin_has_begun(nr_runs);
}

__attribute__((destructor)) static void end(void)
{
	plugin_ends();
	destroy_workqueue(wq);
}
