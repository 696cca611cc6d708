/* SPDX-License-Identifier: MIT */
/*
 * hog.h - functions whose items compute for long are reported (L5).
 */
#ifndef WQ_CORE_HOG_H
#define WQ_CORE_HOG_H

#include <workq/workqueue.h>

/* An item with this function was stepped around because it computes. The manager's thread. */
void wq_hog_note(work_func_t func);

#endif /* WQ_CORE_HOG_H */
