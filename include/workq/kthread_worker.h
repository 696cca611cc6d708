/* SPDX-License-Identifier: MIT */
/*
 * kthread_worker.h - works on a thread of their own, by the kernel's names.
 *
 * A kthread_worker is a kthread that runs works one after another, in the order
 * in which they were queued. Included by kthread.h, where the kernel has it, and
 * by workqueue.h.
 */
#ifndef WORKQ_KTHREAD_WORKER_H
#define WORKQ_KTHREAD_WORKER_H

#include <workq/abi.h>
#include <workq/err.h>
#include <workq/timer.h>

struct task_struct;

/**
 * NUMA_NO_NODE - no node in particular
 */
#ifndef NUMA_NO_NODE
#define NUMA_NO_NODE (-1)
#endif

/* --------------------------------------------------------- kthread workers */

struct kthread_work;

/**
 * typedef kthread_work_func_t - the function of a work
 * @work: the work, idle again: the function may queue it once more, or free it
 *
 * Context: the worker's thread; may sleep.
 */
typedef void (*kthread_work_func_t)(struct kthread_work *work);

/**
 * enum workq_kthread_worker_flags - for kthread_create_worker()
 * @KTW_FREEZABLE: accepted, without effect
 */
enum workq_kthread_worker_flags {
	KTW_FREEZABLE = 1 << 0,
};

/**
 * struct kthread_worker - runs works, one at a time, in the order they were queued
 * @flags:             as given
 * @task:              the thread that serves it; NULL while there is none
 * @current_work:      the work whose function runs, or NULL; address only
 * @work_list:         private: works to be run
 * @delayed_work_list: private: armed delayed works
 * @generation:        private: in which process, counted from fork() to fork()
 * @is_left:           private: its thread is in the parent
 * @reserved:          private
 *
 * 128 bytes. kthread_run_worker() makes one with a thread. Or embed it, kthread_init_worker(),
 * and have a thread of kthread_run() call kthread_worker_fn().
 */
struct kthread_worker {
	unsigned int flags;
	struct task_struct *task;
	struct kthread_work *current_work;
	struct {
		void *next;
		void *prev;
	} work_list, delayed_work_list;
	unsigned int generation;
	unsigned int is_left;
	unsigned long reserved[8];
};

/**
 * struct kthread_work - a work; embed it in a struct of yours
 * @node:      private: links, while it waits
 * @func:      what runs
 * @worker:    private: whose it is, since it was first queued
 * @canceling: private: how many wait while they cancel it, and in which process
 * @state:     private: idle, queued or armed
 *
 * 40 bytes. Queueing it allocates nothing. It must stay valid until its function has been
 * entered, or kthread_cancel_work_sync() or kthread_flush_work() returned.
 */
struct kthread_work {
	struct {
		void *next;
		void *prev;
	} node;
	kthread_work_func_t func;
	struct kthread_worker *worker;
	int canceling;
	unsigned int state;
};

/**
 * struct kthread_delayed_work - a work with a timer
 * @work:  the work
 * @timer: private: when it will be queued
 */
struct kthread_delayed_work {
	struct kthread_work work;
	struct timer_list timer;
};

/**
 * kthread_delayed_work_timer_fn - the function of the timers of delayed works
 * @timer: the timer
 *
 * For initialisers; do not call it.
 */
WORKQ_EXTERN_C void kthread_delayed_work_timer_fn(struct timer_list *timer)
	WORKQ_SYMBOL(kthread_delayed_work_timer_fn);

/**
 * KTHREAD_WORKER_INIT - static initialiser of a worker
 * @worker: the variable
 */
#define KTHREAD_WORKER_INIT(worker)                                                                \
	{                                                                                          \
		0, NULL, NULL, { &(worker).work_list, &(worker).work_list },                       \
			{ &(worker).delayed_work_list, &(worker).delayed_work_list }, 0, 0,        \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

/**
 * KTHREAD_WORK_INIT - static initialiser of an idle work
 * @work: the variable
 * @fn:   its function
 */
#define KTHREAD_WORK_INIT(work, fn)                                                                \
	{                                                                                          \
		{ NULL, NULL }, (fn), NULL, 0, 0                                                   \
	}

/**
 * KTHREAD_DELAYED_WORK_INIT - static initialiser of an idle delayed work
 * @dwork: the variable
 * @fn:    its function
 */
#define KTHREAD_DELAYED_WORK_INIT(dwork, fn)                                                       \
	{                                                                                          \
		KTHREAD_WORK_INIT((dwork).work, (fn)),                                             \
			__TIMER_INITIALIZER(kthread_delayed_work_timer_fn, TIMER_IRQSAFE)          \
	}

/**
 * DEFINE_KTHREAD_WORKER, DEFINE_KTHREAD_WORKER_ONSTACK - define a worker, ready for use
 * @worker: name of the variable
 */
#define DEFINE_KTHREAD_WORKER(worker)         struct kthread_worker worker = KTHREAD_WORKER_INIT(worker)
#define DEFINE_KTHREAD_WORKER_ONSTACK(worker) DEFINE_KTHREAD_WORKER(worker)

/**
 * DEFINE_KTHREAD_WORK - define an idle work
 * @work: name of the variable
 * @fn:   its function
 */
#define DEFINE_KTHREAD_WORK(work, fn) struct kthread_work work = KTHREAD_WORK_INIT(work, fn)

/**
 * DEFINE_KTHREAD_DELAYED_WORK - define an idle delayed work
 * @dwork: name of the variable
 * @fn:    its function
 */
#define DEFINE_KTHREAD_DELAYED_WORK(dwork, fn)                                                     \
	struct kthread_delayed_work dwork = KTHREAD_DELAYED_WORK_INIT(dwork, fn)

/**
 * kthread_init_worker - initialise a worker of your own
 * @worker: the worker; nothing may be queued to it
 *
 * Context: any thread, signal handler.
 */
WORKQ_EXTERN_C void kthread_init_worker(struct kthread_worker *worker)
	WORKQ_SYMBOL(kthread_init_worker);

static inline void workq_init_kthread_work(struct kthread_work *work, kthread_work_func_t func)
{
	work->node.next = NULL;
	work->node.prev = NULL;
	work->func = func;
	work->worker = NULL;
	work->canceling = 0;
	work->state = 0;
}

/**
 * kthread_init_work - initialise a work at run time
 * @work: the work; must be idle
 * @fn:   its function
 *
 * Context: any thread, signal handler.
 */
#define kthread_init_work(work, fn) workq_init_kthread_work((work), (fn))

static inline void workq_init_kthread_delayed_work(struct kthread_delayed_work *dwork,
						   kthread_work_func_t func)
{
	workq_init_kthread_work(&dwork->work, func);
	workq_init_timer(&dwork->timer, kthread_delayed_work_timer_fn, TIMER_IRQSAFE);
}

/**
 * kthread_init_delayed_work - initialise a delayed work at run time
 * @dwork: the work; must be idle
 * @fn:    its function
 *
 * Context: any thread, signal handler.
 */
#define kthread_init_delayed_work(dwork, fn) workq_init_kthread_delayed_work((dwork), (fn))

/**
 * kthread_worker_fn - serve a worker
 * @worker_ptr: the worker
 *
 * For kthread_run(), or called in a thread function. It runs the works until
 * kthread_should_stop(); what is queued then stays queued. It parks when it is to.
 *
 * Context: a thread of its own; may sleep. Return: 0.
 */
WORKQ_EXTERN_C int kthread_worker_fn(void *worker_ptr) WORKQ_SYMBOL(kthread_worker_fn);

/**
 * kthread_create_worker_on_node - make a worker with a thread, stopped
 * @flags:   0 or KTW_FREEZABLE
 * @node:    accepted; the system finds a place for the thread
 * @namefmt: the thread's name, as for printf()
 *
 * kthread_bind() may be called for worker->task. wake_up_process() starts it, as the first
 * queued work does.
 *
 * Context: any thread; may sleep. Return: the worker; or for IS_ERR() what
 *   kthread_create_on_node() returns.
 */
WORKQ_EXTERN_C struct kthread_worker *kthread_create_worker_on_node(unsigned int flags, int node,
								    const char *namefmt, ...)
	WORKQ_SYMBOL(kthread_create_worker_on_node) __attribute__((format(printf, 3, 4)));

/**
 * kthread_create_worker - make a worker with a thread, stopped
 * @flags: 0 or KTW_FREEZABLE
 * @...:   the thread's name, as for printf()
 *
 * See kthread_create_worker_on_node().
 */
#define kthread_create_worker(flags, ...)                                                          \
	kthread_create_worker_on_node(flags, NUMA_NO_NODE, __VA_ARGS__)

/**
 * kthread_create_worker_on_cpu - make a worker whose thread will run on one CPU, stopped
 * @cpu:     the CPU, see kthread_bind()
 * @flags:   0 or KTW_FREEZABLE
 * @namefmt: the thread's name; a %u in it stands for the CPU
 *
 * Context: any thread; may sleep. Return: as kthread_create_worker_on_node().
 */
WORKQ_EXTERN_C struct kthread_worker *kthread_create_worker_on_cpu(int cpu, unsigned int flags,
								   const char *namefmt)
	WORKQ_SYMBOL(kthread_create_worker_on_cpu);

/* Starts it, unless it is an error. */
WORKQ_EXTERN_C struct kthread_worker *workq_run_kthread_worker(struct kthread_worker *worker)
	__attribute__((visibility("default")));

/**
 * kthread_run_worker - make a worker with a thread, and start it
 * @flags: 0 or KTW_FREEZABLE
 * @...:   the thread's name, as for printf()
 *
 * Context: any thread; may sleep. Return: as kthread_create_worker_on_node().
 */
#define kthread_run_worker(flags, ...)                                                             \
	workq_run_kthread_worker(kthread_create_worker(flags, __VA_ARGS__))

/**
 * kthread_run_worker_on_node - kthread_create_worker_on_node(), and start it
 * @flags: 0 or KTW_FREEZABLE
 * @node:  accepted
 * @...:   the thread's name, as for printf()
 *
 * Context: any thread; may sleep. Return: as kthread_create_worker_on_node().
 */
#define kthread_run_worker_on_node(flags, node, ...)                                               \
	workq_run_kthread_worker(kthread_create_worker_on_node(flags, node, __VA_ARGS__))

/**
 * kthread_run_worker_on_cpu - kthread_create_worker_on_cpu(), and start it
 * @cpu:     the CPU
 * @flags:   0 or KTW_FREEZABLE
 * @namefmt: the thread's name; a %u in it stands for the CPU
 *
 * Context: any thread; may sleep. Return: as kthread_create_worker_on_node().
 */
#define kthread_run_worker_on_cpu(cpu, flags, namefmt)                                             \
	workq_run_kthread_worker(kthread_create_worker_on_cpu(cpu, flags, namefmt))

/**
 * kthread_queue_work - queue a work
 * @worker: the worker; it need not have a thread yet
 * @work:   the work
 *
 * A work belongs to the first worker that it is queued to. Queueing it to another one without
 * kthread_init_work() is reported, and done; that it runs on both at once is possible then.
 * Stores made before the call are seen by the run, also when the answer is false because the
 * work is pending.
 *
 * Context: any thread; not a signal handler.
 * Return: true: it was idle and will run; false: it is pending, also with its timer, or somebody
 *   waits while cancelling it.
 */
WORKQ_EXTERN_C bool kthread_queue_work(struct kthread_worker *worker, struct kthread_work *work)
	WORKQ_SYMBOL(kthread_queue_work);

/**
 * kthread_queue_delayed_work - queue a work later
 * @worker: the worker
 * @dwork:  the work
 * @delay:  in jiffies, at the least; 0: now, without the timer
 *
 * Context: any thread; not a signal handler. Return: as kthread_queue_work().
 */
WORKQ_EXTERN_C bool kthread_queue_delayed_work(struct kthread_worker *worker,
					       struct kthread_delayed_work *dwork,
					       unsigned long delay)
	WORKQ_SYMBOL(kthread_queue_delayed_work);

/**
 * kthread_mod_delayed_work - queue a work later, pending or not
 * @worker: the worker
 * @dwork:  the work; if pending it is taken back first
 * @delay:  in jiffies, at the least; 0: now
 *
 * While somebody waits as he cancels the work, nothing is done.
 *
 * Context: any thread; not a signal handler.
 * Return: false: it was idle; true: it was pending, or is being cancelled.
 */
WORKQ_EXTERN_C bool kthread_mod_delayed_work(struct kthread_worker *worker,
					     struct kthread_delayed_work *dwork,
					     unsigned long delay)
	WORKQ_SYMBOL(kthread_mod_delayed_work);

/**
 * kthread_flush_work - wait until a work has run
 * @work: the work
 *
 * Waits for the run that is pending, else for the one in progress. Returns at once if
 * the work is idle, and also if only its timer is armed, where the kernel's never returns. If
 * the pending run is cancelled it returns. In a function of the same worker it would wait for
 * itself: reported, not waited.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void kthread_flush_work(struct kthread_work *work) WORKQ_SYMBOL(kthread_flush_work);

/**
 * kthread_flush_worker - wait until everything queued so far has run
 * @worker: the worker
 *
 * Works whose timers are armed are not waited for. In a function of this worker: reported,
 * not waited.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void kthread_flush_worker(struct kthread_worker *worker)
	WORKQ_SYMBOL(kthread_flush_worker);

/**
 * kthread_cancel_work_sync - take a work back, and wait until it does not run
 * @work: the work
 *
 * While it waits, queueing the work is refused, also to the work's own function. In that
 * function it would wait for itself: reported, not waited; the rest is done.
 *
 * Context: any thread; may sleep. Return: was it pending?
 */
WORKQ_EXTERN_C bool kthread_cancel_work_sync(struct kthread_work *work)
	WORKQ_SYMBOL(kthread_cancel_work_sync);

/**
 * kthread_cancel_delayed_work_sync - kthread_cancel_work_sync(), and disarm the timer
 * @dwork: the work
 *
 * Context: any thread; may sleep. Return: was it pending?
 */
WORKQ_EXTERN_C bool kthread_cancel_delayed_work_sync(struct kthread_delayed_work *dwork)
	WORKQ_SYMBOL(kthread_cancel_delayed_work_sync);

/**
 * kthread_destroy_worker - end a worker and its thread
 * @worker: one of kthread_create_worker() or kthread_run_worker()
 *
 * Waits once for what is queued, as kthread_flush_worker(), and for the thread. Works that are
 * queued or armed even then, cancel them before, do not run: they are left idle, and that is
 * reported. Nobody may use the worker any more, nor cancel or flush a work of it. In a function
 * of the worker: reported, nothing done.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void kthread_destroy_worker(struct kthread_worker *worker)
	WORKQ_SYMBOL(kthread_destroy_worker);

#endif /* WORKQ_KTHREAD_WORKER_H */
