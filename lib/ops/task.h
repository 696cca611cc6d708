/* SPDX-License-Identifier: MIT */
/*
 * task.h - a thread, as others see it: its task_struct.
 *
 * Kthreads have one, and every other thread that sleeps by schedule(). They are
 * never given back to the system, but used again, and only when a number of others have ended
 * since: a waker that comes too late finds a task, and a park.
 */
#ifndef WQ_OPS_TASK_H
#define WQ_OPS_TASK_H

#include <workq/sched.h>

#include "base/lock.h"
#include "base/os.h"
#include "core/types.h"
#include "ops/waiter.h"

/* States beside those of the public header. */
#define WQ_TASK_PARKED 0x40u  /* only kthread_unpark() and kthread_stop() end it */
#define WQ_TASK_NEW    0x800u /* not started yet */

/* task->flags */
enum {
	WQ_TASK_SHOULD_STOP = 1 << 0,
	WQ_TASK_SHOULD_PARK = 1 << 1,
	WQ_TASK_IS_WOKEN = 1 << 2, /* somebody wants threadfn to be called */
	WQ_TASK_IS_ENDED = 1 << 3,
};

enum { WQ_TASK_NAME_LEN = 16 };

/* Letters as in core/types.h; P: under wq_tasks_lock. */
struct task_struct {
	uint32_t state;              /* A: by the thread, and by who wakes it */
	uint32_t flags;              /* A: under P, but IS_WOKEN */
	struct wq_park park;         /* A: on which the thread sleeps */
	unsigned int generation;     /* C: in which process the thread is, see wq_fork_generation */
	unsigned int nr_refs;        /* P: the living thread's own, and users' */
	struct wq_list dead_node;    /* P: on the list of the dead, while nr_refs is 0 */
	struct wq_os_exit at_exit;   /* C: of a thread that is no kthread */
	int (*threadfn)(void *data); /* C: NULL: no kthread */
	void *data;                  /* C: threadfn's */
	int cpu;                     /* P: where to run, or -1; until it has been started */
	int result;                  /* P: threadfn's, when ended */
	char name[WQ_TASK_NAME_LEN]; /* C: of a kthread */
};

extern struct wq_lock wq_tasks_lock;

/* The calling thread's, if it has one. */
extern __thread struct task_struct *wq_task_self __attribute__((tls_model("initial-exec")));

/* The calling thread's; given to it if it has none. NULL: no memory. */
struct task_struct *wq_task_current(void);

/* A task with one reference, of state NEW; NULL: no memory. */
struct task_struct *wq_task_alloc(void);

/* Is its thread in the parent, or before that? Then it is not here. */
static inline bool wq_task_is_elsewhere(const struct task_struct *task)
{
	return task->generation != wq_fork_generation;
}

/* In the child of fork(), by its only thread, which keeps its task. */
void wq_task_reset(void);

void wq_task_get_locked(struct task_struct *task);
void wq_task_put_locked(struct task_struct *task);

/* If the task is in one of these states it is woken: true. Signal handlers may. */
bool wq_task_wake(struct task_struct *task, uint32_t states);

/* The calling thread, whose task this is, sleeps until woken, or until the deadline. */
void wq_task_sleep(struct task_struct *task, uint64_t deadline_ns);

/* wq_task_self has this flag. */
static inline bool wq_task_self_has(uint32_t flag)
{
	return wq_task_self && wq_load_acquire(&wq_task_self->flags) & flag;
}

#endif /* WQ_OPS_TASK_H */
