/* SPDX-License-Identifier: MIT */
/*
 * delayed.h - the delayed item that tests use; what is known of the timer thread.
 *
 * An item notes that it runs and when. Tests say "at the earliest" by the clock, to
 * the nanosecond, and "at the latest" by the deadline of wait_until() only.
 */
#ifndef TESTS_DELAYED_H
#define TESTS_DELAYED_H

#include <dirent.h>
#include <limits.h>

#include <workq/workqueue.h>

#include "gate.h"
#include "item.h"

enum {
	SOON = 5,           /* jiffies */
	FAR = 3600 * HZ,    /* not while tests run */
	JIFFY_NS = 1000000, /* HZ is 1000 */
	TIMER_COMM_SIZE = 32,
};

struct delayed_item {
	struct delayed_work dwork;
	int id;
	struct gate *hold;   /* waited for inside, if not NULL */
	struct meter *meter; /* entered while inside, if not NULL */
	struct trail *trail; /* told the id, if not NULL */
	atomic_int started;
	atomic_int finished;
	atomic_int cpu;          /* of the last run */
	atomic_llong started_ns; /* the last run */
	long long due_ns;        /* the test's own: see delayed_arm() */
};

static inline void delayed_fn(struct work_struct *work)
{
	struct delayed_item *item = container_of(to_delayed_work(work), struct delayed_item, dwork);

	atomic_store(&item->started_ns, now_ns());
	if (item->meter)
		meter_enter(item->meter);
	if (item->trail)
		trail_add(item->trail, item->id);
	atomic_store(&item->cpu, sched_getcpu());
	atomic_fetch_add(&item->started, 1);
	if (item->hold)
		gate_wait_at(item->hold, __FILE__, __LINE__, "the gate an item waits for is open");
	if (item->meter)
		meter_leave(item->meter);
	atomic_fetch_add(&item->finished, 1);
}

static inline void delayed_init(struct delayed_item *item)
{
	memset(item, 0, sizeof(*item));
	INIT_DELAYED_WORK(&item->dwork, delayed_fn);
}

static inline void delayed_init_held(struct delayed_item *item, struct gate *hold)
{
	delayed_init(item);
	item->hold = hold;
}

static inline int delayed_runs(struct delayed_item *item)
{
	return atomic_load(&item->started);
}

static inline bool delayed_is_running(struct delayed_item *item)
{
	return atomic_load(&item->started) > atomic_load(&item->finished);
}

/* `delay` jiffies from now; never, where that is later than nanoseconds can say. */
static inline long long delayed_due_ns(unsigned long delay)
{
	long long ns;

	if (__builtin_mul_overflow(delay, JIFFY_NS, &ns) ||
	    __builtin_add_overflow(ns, now_ns(), &ns))
		return LLONG_MAX;
	return ns;
}

/* queue_delayed_work(), remembering the earliest moment at which it may start. */
static inline bool delayed_arm(struct delayed_item *item, struct workqueue_struct *wq,
			       unsigned long delay)
{
	item->due_ns = delayed_due_ns(delay);
	return queue_delayed_work(wq, &item->dwork, delay);
}

/* The same for mod_delayed_work(). */
static inline bool delayed_mod(struct delayed_item *item, struct workqueue_struct *wq,
			       unsigned long delay)
{
	item->due_ns = delayed_due_ns(delay);
	return mod_delayed_work(wq, &item->dwork, delay);
}

/* I2: did the last run start no earlier than it was armed for? */
static inline bool delayed_was_not_early(struct delayed_item *item)
{
	return atomic_load(&item->started_ns) >= item->due_ns;
}

static inline bool delayed_is_pending(struct delayed_item *item)
{
	return delayed_work_pending(&item->dwork);
}

static inline bool delayed_is_idle(struct delayed_item *item)
{
	return !delayed_is_pending(item) && work_busy(&item->dwork.work) == 0;
}

/* A running item: delayed_release() lets it end, and waits for that. */
static inline void delayed_run_until_released(struct delayed_item *item, struct gate *go,
					      struct workqueue_struct *wq)
{
	gate_init(go);
	delayed_init_held(item, go);
	queue_delayed_work(wq, &item->dwork, 0);
	wait_until(delayed_is_running(item));
}

static inline void delayed_release(struct delayed_item *item)
{
	gate_open(item->hold);
	flush_work(&item->dwork.work);
}

/* -------------------------------------------------------- the timer thread */

static inline void thread_comm(int tid, char comm[TIMER_COMM_SIZE])
{
	char path[64];
	FILE *f;

	comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	f = fopen(path, "r");
	if (f && fgets(comm, TIMER_COMM_SIZE, f))
		comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
}

static inline int own_tid(void)
{
	return (int)syscall(SYS_gettid);
}

static inline bool is_timer_thread(int tid)
{
	char comm[TIMER_COMM_SIZE];

	thread_comm(tid, comm);
	return !strcmp(comm, "kworker/timer");
}

/* Its thread id, or 0. */
static inline int timer_thread(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int found = 0;

	while (dir && !found && (entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid && is_timer_thread(tid))
			found = tid;
	}
	if (dir)
		closedir(dir);
	return found;
}

#endif /* TESTS_DELAYED_H */
