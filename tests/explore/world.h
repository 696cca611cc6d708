/* SPDX-License-Identifier: MIT */
/*
 * world.h - what two threads act on at once: an item, its queues, and what must be true of them.
 */
#ifndef EXPLORE_WORLD_H
#define EXPLORE_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include <workq/workqueue.h>

/* What is going on with the item when the two begin. */
enum situation {
	IDLE,
	PENDING,  /* behind an item that runs until the gate is opened */
	RUNNING,  /* until the gate is opened */
	REQUEUES, /* the same, and then it queues itself once */
	ARMED,    /* its timer is */
	NR_SITUATIONS,
};

enum queue_kind { PERCPU, UNBOUND, ORDERED, NR_QUEUE_KINDS };

struct world {
	struct workqueue_struct *wq, *other;
	struct delayed_work *item; /* freed at the end */
	struct work_struct blocker, next;
	enum queue_kind kind;
	enum situation situation;
	bool gate, requeues;
	/* counted by who made the call, when it is over */
	int accepted, uncertain, cancelled;
	/* calls under way that may cancel; drains; disables that have waited */
	int cancelling, draining, nr_drains, disabled;
	/* counted by the item */
	int started, finished, inside;
	/* operations that make less be promised */
	bool is_modified, is_armed, is_elsewhere, is_withdrawn, is_hurried;
	int letter, read; /* written before queueing; what the item has read last */
	int done;         /* what the last run that is over had read */
	/* of another item, which is queued once; what the first one must have read before, or 0 */
	int next_accepted, next_runs, next_letter;
	bool is_next_used;
};

struct operation {
	const char *name;
	void (*fn)(void);
	bool destroys; /* nobody else may use the queue; drains and destroys alike */
	bool uses_queue;
};

extern const struct operation operations[];
extern const size_t nr_operations;

/* In a fiber: make queues and the item, and warm the library up. */
void world_begin(enum queue_kind kind);
/* In a fiber: bring about the situation. */
void world_arrange(enum situation situation);
/* In a fiber of an operation, before anything counts. */
void world_enter(void);
/* In a fiber, beside the operations: opens the gate. */
void world_open(void *unused);
/* All is quiet: what must be true then. */
void world_check(void);

#endif /* EXPLORE_WORLD_H */
