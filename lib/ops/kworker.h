/* SPDX-License-Identifier: MIT */
/*
 * kworker.h - kthread_workers, for who ends them.
 */
#ifndef WQ_OPS_KWORKER_H
#define WQ_OPS_KWORKER_H

#include <workq/kthread.h>

/* Is the caller the worker's thread? Then reports it as a fault of `caller`: it may not wait. */
bool wq_kworker_is_caller(const struct kthread_worker *worker, const char *caller);

/*
 * Take back all works that are queued or armed, of a worker whose thread is gone; who flushes it
 * is let go. Returns how many, and the function of one of them. May sleep.
 */
unsigned int wq_kworker_take_all(struct kthread_worker *worker, kthread_work_func_t *last);

/* Its thread ends inside a work, which is through thereby: reports that. */
void wq_kworker_abandon(struct kthread_worker *worker);

/* In the child of fork(): nobody waits for a worker. */
void wq_kworker_reset(void);

#endif /* WQ_OPS_KWORKER_H */
