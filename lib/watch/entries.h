/* SPDX-License-Identifier: MIT */
/*
 * entries.h - what was seen under a lock, to be told when it is free again.
 *
 * Of fixed size, since nothing is allocated under a pool's lock. What does not
 * fit is counted.
 */
#ifndef WQ_WATCH_ENTRIES_H
#define WQ_WATCH_ENTRIES_H

#include "core/types.h"

enum wq_entry_kind {
	WQ_ENTRY_RUN,    /* tid, func, since_ns */
	WQ_ENTRY_ITEMS,  /* nr times func, one after the other */
	WQ_ENTRY_WAITER, /* tid: waits for what stands before it */
	WQ_ENTRY_IDLE,   /* tid */
};

struct wq_entry {
	enum wq_entry_kind kind;
	unsigned int nr;
	uint32_t tid;
	work_func_t func;
	uint64_t since_ns;
};

#define WQ_MAX_ENTRIES 48u

struct wq_entries {
	unsigned int nr;
	unsigned int nr_omitted; /* runs, items and idle workers that did not fit */
	struct wq_entry entry[WQ_MAX_ENTRIES];
};

void wq_entries_add(struct wq_entries *entries, struct wq_entry entry);

/* One line with this head, or as many as it takes; none if there are no entries. */
void wq_entries_report(const struct wq_entries *entries, const char *head, uint64_t now);

#endif /* WQ_WATCH_ENTRIES_H */
