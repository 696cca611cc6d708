/* SPDX-License-Identifier: MIT */
/*
 * dump.h - what queues and pools are busy with, in lines for people.
 *
 * Looks at one pool after the other, under its lock, and tells what it saw when
 * the lock is free again: so the lines are of about the same time, no more.
 * The lock of the library's configuration, or of the queue, is held meanwhile.
 */
#ifndef WQ_WATCH_DUMP_H
#define WQ_WATCH_DUMP_H

#include "base/report.h"
#include "core/types.h"

/* Every queue and pool that is busy. */
void wq_dump_all(void);
/* Every freezable queue that is busy. */
void wq_dump_freezable(void);
/* One queue; no line if it is idle. It must live meanwhile. */
void wq_dump_queue(struct workqueue_struct *wq);

/* " cpus=0-3 flags=0x0 nice=0": which pool it is. */
void wq_dump_put_pool(struct wq_msg *msg, struct wq_pool *pool);

/*
 * Since when the worker is known to be on its item. Starting an item costs no look at the clock: it
 * is the first time that somebody asked so, the watchdog above all. Lock held.
 */
uint64_t wq_dump_date_locked(struct wq_worker *worker, uint64_t now);

#endif /* WQ_WATCH_DUMP_H */
