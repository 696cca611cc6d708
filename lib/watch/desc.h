/* SPDX-License-Identifier: MIT */
/*
 * desc.h - what a worker says of itself: its name and what it is on.
 */
#ifndef WQ_WATCH_DESC_H
#define WQ_WATCH_DESC_H

#include "core/types.h"

/* Describe the item that the calling thread is in; nothing if it is in none. */
void wq_desc_set(const char *desc);

/* As in "kworker/0:1+desc". False: no worker has this thread id; then buf is empty. */
bool wq_desc_comm(uint32_t tid, char *buf, size_t size);

/* One line about the item that the worker with this thread id is on; none if there is none. */
void wq_desc_report(const char *prefix, uint32_t tid);

#endif /* WQ_WATCH_DESC_H */
