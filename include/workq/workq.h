/* SPDX-License-Identifier: MIT */
/*
 * workq.h - what libworkq adds to the kernel's API. All names begin with workq_.
 */
#ifndef WORKQ_WORKQ_H
#define WORKQ_WORKQ_H

#include <workq/workqueue.h>

#define WORKQ_FUNCTION(ret) WORKQ_EXTERN_C __attribute__((visibility("default"))) ret

/**
 * workq_start - start the library now instead of at its first use
 *
 * Needed before queue_work() may be called from a signal handler; any earlier
 * use of the library from a thread has the same effect. Makes the pools of the
 * CPUs that the process may use, and the manager
 * thread, and has the manager make a worker for each of these pools, and for the pools
 * of unbound queues that are made later (Q1); without this call workers are made
 * when there is work for them.
 *
 * Context: any thread; not a signal handler. Return: 0, also if started already, or
 *   -ENOMEM  no memory
 *   -EAGAIN  the manager thread could not be created; may be tried again
 *   -ESHUTDOWN  after workq_shutdown()
 */
WORKQ_FUNCTION(int) workq_start(void);

/**
 * workq_shutdown - end the work and the threads of the library, for good
 * @timeout_ms: how long to wait, in milliseconds; ULONG_MAX: as long as it takes
 *
 * For the end of a program, not of one user of the library among several. From the call on
 *
 *  - what is queued is refused as by a draining queue (F1, A8): reported once, and the item is
 *    idle afterwards; running items may still queue on their own queues. No queue is made any
 *    more: NULL, ESHUTDOWN.
 *  - armed delayed items and timers are disarmed: they are idle. Those armed later do not fire.
 *    rcu items in a grace period are refused when it is over.
 *
 * When all queues are empty and nothing runs, all threads of the library end; also the destructors
 * of thread-local data that work functions have left there have run when the call returns. Threads
 * without an item end at once, and are waited for up to a second if that is more than
 * @timeout_ms.
 *
 * If the time is over before, what waits is taken back, as by cancel_work(), and their number is
 * noted: nothing begins any more, not even what running items queue. These go on, and
 * their threads end with them. Wait for them by calling again.
 *
 * Afterwards queues can still be destroyed, items and timers taken back, waited for and
 * examined; nothing is started again, also not by workq_start(). Kthreads are the
 * program's, and go on; but timers do not fire for them, and so delayed works do not run.
 *
 * Context: any thread, several at once: the shortest time counts for all. May sleep. Before the
 *   library has been used, it does nothing: 0.
 * Return: 0, also if called again after that, or
 *   -ETIMEDOUT  the time is over: items still run, or were taken back, or threads exist
 *   -EDEADLK    in a work function or a timer's function (reported): nothing is done
 *
 * Guarantees: T4, T5.
 */
WORKQ_FUNCTION(int) workq_shutdown(unsigned long timeout_ms);

/**
 * workq_block_begin - a work function is about to wait for something
 *
 * Around a blocking call, tells the pool at once that its CPU is free for the
 * next item (L1); without it the pool finds out by itself, up to 5 ms later.
 * Nests. Outside of a work function it does nothing. The library's own waits
 * (flush_work(), cancel_work_sync(), ...) do it themselves.
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_FUNCTION(void) workq_block_begin(void);

/**
 * workq_block_end - the wait announced by workq_block_begin() is over
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_FUNCTION(void) workq_block_end(void);

/**
 * workq_attr_read - read an attribute of the process or of a queue, as text
 * @path: which, see below
 * @buf:  gets the text, without newline, always ended by a NUL
 * @size: size of @buf; what does not fit is cut
 *
 * The attributes are those that the kernel has in its sysfs, and have the same form there.
 * NAME is the name of a queue made with WQ_SYSFS, or workqueue_sysfs_register(); of queues
 * with the same name, the one made first has it.
 *
 *   cpumask                   the CPUs for unbound queues (O6), a mask such as "f" or "ff,00000000"
 *   cpumask_requested         what was asked for (read only)
 *   cpumask_isolated          what workqueue_unbound_housekeeping_update() took out (read only)
 *   parameters/default_affinity_scope  what "default" stands for: cpu, smt, cache, ...
 *   parameters/power_efficient  0 or 1 (read only)
 *   NAME/per_cpu              1: per-CPU, 0: unbound (read only)
 *   NAME/max_active           see workqueue_set_max_active(); read only for ordered queues
 *   NAME/nice                 the following for unbound queues only, see struct workqueue_attrs
 *   NAME/cpumask              a mask
 *   NAME/affinity_scope       default, cpu, smt, cache, cache_shard, numa, system; the default
 *                             reads such as "default (cache_shard)"
 *   NAME/affinity_strict      0 or 1
 *
 * Context: any thread; may sleep.
 * Return: the length of the whole text, or
 *   -ENOENT  there is no such attribute
 *   -EINVAL  an argument is NULL
 *   -EAGAIN  this was the library's first use and it could not start (reported)
 */
WORKQ_FUNCTION(int) workq_attr_read(const char *path, char *buf, size_t size);

/**
 * workq_attr_write - set an attribute of the process or of a queue
 * @path: which, see workq_attr_read()
 * @text: its new value, in the form in which it reads; a newline at the end does not matter
 *
 * Context: any thread; may sleep.
 * Return: 0, or
 *   -ENOENT  there is no such attribute
 *   -EACCES  it is read only
 *   -EINVAL  @text is no value for it, or an argument is NULL
 *   -ENOMEM  no memory; see apply_workqueue_attrs()
 *   -EAGAIN  no thread, see there; or this was the library's first use and it could not
 *            start (reported)
 */
WORKQ_FUNCTION(int) workq_attr_write(const char *path, const char *text);

/**
 * typedef workq_report_fn - receives the library's reports
 * @line: one line without newline, such as
 *        "workq: WARNING: work disable count underflowed"; control characters in names come as "?"
 *
 * Context: whatever thread, or signal handler, was at fault: async-signal-safe
 * functions only, and none of this library's that may sleep.
 */
typedef void (*workq_report_fn)(const char *line);

/**
 * workq_set_report_fn - where reports of misuse go
 * @fn: the function, or NULL for the default: the line on standard error
 *
 * Misuse the kernel WARNs about is reported as "workq: WARNING: ...", each time
 * or, where the kernel does so, once; then the documented result follows. What else is worth
 * knowing (a value that was clamped, a thread that could not be made) comes as
 * "workq: note: ...". The watchdog (R1) reports "workq: BUG: ...", in the manager's
 * thread. The lines of show_all_workqueues() and its kin begin with "workq: " alone.
 *
 * Context: any thread, signal handler. Return: the function it replaces.
 */
WORKQ_FUNCTION(workq_report_fn) workq_set_report_fn(workq_report_fn fn);

struct rcu_flavor_struct;

/**
 * workq_set_rcu_flavor - whose grace periods queue_rcu_work() waits for
 * @flavor: the flavour of liburcu that the program's readers use
 *
 * Not needed by readers of the flavour "bp", in which any thread may read: it is
 * what is used by default, found at the first queue_rcu_work(). Readers of another one
 * are not waited for unless it is named here before: a program that includes
 * <urcu/urcu-memb.h> calls workq_set_rcu_flavor(&urcu_memb_flavor).
 *
 * There is one flavour for the whole process, for good.
 *
 * Context: any thread, signal handler. Return: 0, or
 *   -EINVAL  @flavor is NULL
 *   -EBUSY   another one is in use
 *   -ENOSYS  libworkq was built without liburcu
 */
WORKQ_FUNCTION(int) workq_set_rcu_flavor(const struct rcu_flavor_struct *flavor);

/**
 * workq_worker_comm - name of a worker, and what it is busy with
 * @tid:  thread id of the worker, as gettid() gives it
 * @buf:  where to put the name
 * @size: size of @buf; longer names are cut
 *
 * "kworker/0:1+DESC" if it has an item, else "kworker/0:1-DESC" with that of the last
 * one (S); DESC is the text of set_worker_desc(), or else the name of the item's queue.
 * The kernel does so in /proc, by wq_worker_comm().
 *
 * Context: any thread; not a signal handler.
 * Return: true, or false and an empty name: no worker has this thread id.
 */
WORKQ_FUNCTION(bool) workq_worker_comm(int tid, char *buf, size_t size);

/**
 * workq_version - the version of the library that is linked
 *
 * Return: a string such as "0.1.0"; compare with WORKQ_VERSION of the header.
 */
WORKQ_FUNCTION(const char *) workq_version(void);

#endif /* WORKQ_WORKQ_H */
