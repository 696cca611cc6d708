/* SPDX-License-Identifier: MIT */
/*
 * plugin_with_queue.h - what the program does for its plug-in.
 */
#ifndef TESTS_PLUGIN_WITH_QUEUE_H
#define TESTS_PLUGIN_WITH_QUEUE_H

#include <workq/workqueue.h>

/* Exported by the program, called by the plug-in. */
void plugin_begins(void);
void plugin_has_queue(struct workqueue_struct *wq);
void plugin_has_begun(int nr_runs);
void plugin_ends(void);

#endif /* TESTS_PLUGIN_WITH_QUEUE_H */
