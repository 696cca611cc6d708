/* SPDX-License-Identifier: MIT */
/*
 * kthread.h - making kthreads, for kthread_workers.
 */
#ifndef WQ_OPS_KTHREAD_H
#define WQ_OPS_KTHREAD_H

#include <stdarg.h>

#include <workq/kthread.h>

#include "ops/task.h"

/* A stopped thread, for that CPU or -1, of that name or NULL. An error as a pointer. */
struct task_struct *wq_kthread_create(int (*threadfn)(void *data), void *data, int cpu,
				      const char *name);

/* In the child of fork(): nobody waits for a kthread. */
void wq_kthread_reset(void);

/* What the system keeps of a name; NULL if there is none. */
const char *wq_kthread_name(char name[WQ_TASK_NAME_LEN], const char *namefmt, va_list args)
	__attribute__((format(printf, 2, 0)));

/* The same; a conversion in it, if any, stands for the CPU. */
const char *wq_kthread_name_on(char name[WQ_TASK_NAME_LEN], const char *namefmt, unsigned int cpu);

#endif /* WQ_OPS_KTHREAD_H */
