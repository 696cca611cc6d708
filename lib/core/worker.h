/* SPDX-License-Identifier: MIT */
/*
 * worker.h - worker slots and what a worker thread does.
 */
#ifndef WQ_CORE_WORKER_H
#define WQ_CORE_WORKER_H

#include "core/types.h"

/* Of workers of high priority, where permitted. */
#define WQ_HIGHPRI_NICE (-20)

/* The worker that the calling thread is, or NULL. */
extern __thread struct wq_worker *wq_worker_self __attribute__((tls_model("initial-exec")));

/* Is it in what the kernel runs in interrupt context: an item of WQ_BH, a timer's callback? */
bool wq_worker_is_atomic(const struct wq_worker *worker);

/* The slot with this number; the number came from a state word. */
struct wq_worker *wq_worker_of_slot(uint32_t slot);

/* A slot for a new thread of the pool, or NULL if there is no memory. Lock held. */
struct wq_worker *wq_worker_alloc_locked(struct wq_pool *pool);
void wq_worker_release_locked(struct wq_worker *worker);
/* The same for a thread that is to come when it is called: it does not count as a worker yet. */
struct wq_worker *wq_worker_reserve_locked(struct wq_pool *pool);
void wq_worker_unreserve_locked(struct wq_worker *worker);

/*
 * The calling thread, the rescuer of the pwq's queue, stands in for a worker of its pool: runs at
 * most so many items of the pwq. True if more of them wait; else the pwq may be gone. In the
 * child, if an item has called fork(), the calling thread is no rescuer any more.
 */
bool wq_worker_rescue(struct wq_pwq *pwq, unsigned int max);
/* The thread ends inside an item that it rescues. Returns the item's pwq, which still calls. */
struct wq_pwq *wq_worker_abandon_rescue(void);

/* Have all its threads run where they should, whatever the system has made of that. Configuration
   lock held. */
void wq_worker_pin_all(struct wq_pool *pool);
/* Has the system changed that, for the first of them that there is? */
bool wq_worker_is_astray(struct wq_pool *pool);
/*
 * What the system gives one of them, with `idle` one that is, if it asks for these; then it has
 * again what it had. False: there is none, or the system does not say. Configuration lock held.
 */
bool wq_worker_probe_cpus(struct wq_pool *pool, bool idle, const struct wq_cpuset *asked,
			  struct wq_cpuset *given);

/* A new thread's function: serves its pool until reaped. arg is the worker. */
void wq_worker_main(void *arg);

/* Name of its thread, such as "kworker/0:1H". */
void wq_worker_name(const struct wq_worker *worker, char *name, size_t size);

/* Describes the item being run, or else the last one: as set for that item, or by its queue's name;
   "": there was none. Lock held. */
const char *wq_worker_desc_locked(const struct wq_worker *worker);
void wq_worker_set_desc_locked(struct wq_worker *worker, const char *desc);

/* The pwq is about to be freed: what is known of it by name only is kept. Lock held. */
void wq_worker_forget_pwq_locked(struct wq_pool *pool, const struct wq_pwq *pwq);

/* In the child of fork(): all slots are free. */
void wq_worker_reset_slots(struct wq_pool *pool);

/* The i-th slot ever used of a pool, i < nr_slots. */
struct wq_worker *wq_worker_at(struct wq_pool *pool, unsigned int i);
/* The same, for those who read what the lock protects. */
struct wq_worker *wq_worker_at_locked(struct wq_pool *pool, unsigned int i);

#endif /* WQ_CORE_WORKER_H */
