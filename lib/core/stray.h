/* SPDX-License-Identifier: MIT */
/*
 * stray.h - items that do not return to the worker that called them.
 */
#ifndef WQ_CORE_STRAY_H
#define WQ_CORE_STRAY_H

#include "core/types.h"

/*
 * The thread ends in the worker's item: by pthread_exit(), or it was cancelled. Reports that, and
 * ends the callback, if the item calls those of timers. The caller settles the item.
 */
void wq_stray_end(struct wq_worker *worker);

/* What has returned is not the worker's item: it has jumped into a frame that was gone. Reports. */
void wq_stray_report_jump(const struct wq_worker *worker);

#endif /* WQ_CORE_STRAY_H */
