/* SPDX-License-Identifier: MIT */
/*
 * kthread.h - the kernel's threads, for ordinary programs.
 *
 * A kthread is a thread of the process that can be asked to stop and to park. It has
 * asynchronous signals blocked, default scheduling, and the CPUs that the process may use
 * when it is made.
 */
#ifndef WORKQ_KTHREAD_H
#define WORKQ_KTHREAD_H

#include <workq/abi.h>
#include <workq/err.h>
#include <workq/kthread_worker.h>
#include <workq/sched.h>

/* ---------------------------------------------------------- kernel threads */

/**
 * kthread_create_on_node - make a thread, stopped
 * @threadfn: its function. It returns when kthread_should_stop() says so, or before that if
 *            nobody ever calls kthread_stop(). If it ends by pthread_exit(), or is cancelled,
 *            kthread_stop() gives -ECANCELED; a C++ exception out of it ends the process
 * @data:     given to it
 * @node:     accepted; the system finds a place for the thread
 * @namefmt:  its name, as for printf(); the system keeps 15 bytes of it
 *
 * wake_up_process() starts it.
 *
 * A thread that returns by itself frees what it holds. So does kthread_stop(). The struct
 * is used for another thread later, when 256 others have ended since, at the earliest: until
 * then kthread_stop() still gives the value of a thread that has returned by itself. Who cannot
 * know that holds a reference, see get_task_struct().
 *
 * Context: any thread; may sleep.
 * Return: the thread; or for IS_ERR():
 *   -ENOMEM  no memory
 *   -EAGAIN  the system gives no more threads
 *   -EINVAL  no function or no name, which is reported
 */
WORKQ_EXTERN_C struct task_struct *kthread_create_on_node(int (*threadfn)(void *data), void *data,
							  int node, const char *namefmt, ...)
	WORKQ_SYMBOL(kthread_create_on_node) __attribute__((format(printf, 4, 5)));

/**
 * kthread_create - make a thread, stopped
 * @threadfn: its function
 * @data:     given to it
 * @...:      its name, as for printf()
 *
 * See kthread_create_on_node().
 */
#define kthread_create(threadfn, data, ...)                                                        \
	kthread_create_on_node(threadfn, data, NUMA_NO_NODE, __VA_ARGS__)

/**
 * kthread_create_on_cpu - make a thread that will run on one CPU, stopped
 * @threadfn: its function
 * @data:     given to it
 * @cpu:      the CPU, see kthread_bind()
 * @namefmt:  its name; a %u in it stands for the CPU
 *
 * Context: any thread; may sleep. Return: as kthread_create_on_node().
 */
WORKQ_EXTERN_C struct task_struct *kthread_create_on_cpu(int (*threadfn)(void *data), void *data,
							 unsigned int cpu, const char *namefmt)
	WORKQ_SYMBOL(kthread_create_on_cpu);

static inline struct task_struct *workq_run_kthread(struct task_struct *task)
{
	if (!workq_is_err(task))
		wake_up_process(task);
	return task;
}

/**
 * kthread_run - make a thread and start it
 * @threadfn: its function
 * @data:     given to it
 * @...:      its name, as for printf()
 *
 * Context: any thread; may sleep. Return: as kthread_create_on_node().
 */
#define kthread_run(threadfn, data, ...)                                                           \
	workq_run_kthread(kthread_create(threadfn, data, __VA_ARGS__))

/**
 * kthread_run_on_cpu - make a thread on one CPU and start it
 * @threadfn: its function
 * @data:     given to it
 * @cpu:      the CPU
 * @namefmt:  its name; a %u in it stands for the CPU
 *
 * Context: any thread; may sleep. Return: as kthread_create_on_node().
 */
#define kthread_run_on_cpu(threadfn, data, cpu, namefmt)                                           \
	workq_run_kthread(kthread_create_on_cpu(threadfn, data, cpu, namefmt))

/**
 * kthread_bind - let a thread run on one CPU only
 * @task: the thread; it must not have been started yet: later is reported, and without effect
 * @cpu:  the CPU; one that the process may not use has no effect, which is noted
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void kthread_bind(struct task_struct *task, unsigned int cpu)
	WORKQ_SYMBOL(kthread_bind);

/**
 * kthread_stop - have a thread return, and wait for that
 * @task: the thread
 *
 * kthread_should_stop() becomes true in it, it is unparked, and it is woken, though not from
 * msleep(). Several callers for one thread are reported; each gets the value. The
 * thread itself cannot wait for its own end: reported, nothing done.
 *
 * Context: any thread; may sleep.
 * Return: the function's value;
 *   -EINTR   it had not been started, and its function was not called
 *   -EINVAL  misuse: this is no such thread, or it is the caller
 */
WORKQ_EXTERN_C int kthread_stop(struct task_struct *task) WORKQ_SYMBOL(kthread_stop);

/**
 * kthread_stop_put - kthread_stop(), then put_task_struct()
 * @task: the thread, to which the caller has a reference
 *
 * Context: any thread; may sleep. Return: as kthread_stop().
 */
WORKQ_EXTERN_C int kthread_stop_put(struct task_struct *task) WORKQ_SYMBOL(kthread_stop_put);

/**
 * kthread_should_stop - shall the calling thread return?
 *
 * Context: any thread, signal handler. Return: true once somebody called kthread_stop() for it;
 *   false in threads that are no kthreads.
 */
WORKQ_EXTERN_C bool kthread_should_stop(void) WORKQ_SYMBOL(kthread_should_stop);

/**
 * kthread_park - have a thread pause, and wait until it does
 * @task: the thread; if not started it is, and pauses before its function is called. If it is
 *        the caller, it is only told to
 *
 * kthread_should_park() becomes true in it, and it is woken; it must call kthread_parkme().
 *
 * Context: any thread; may sleep.
 * Return: 0, or
 *   -ENOSYS  it has ended
 *   -EBUSY   somebody has parked it already, which is reported
 */
WORKQ_EXTERN_C int kthread_park(struct task_struct *task) WORKQ_SYMBOL(kthread_park);

/**
 * kthread_unpark - have a parked thread go on
 * @task: the thread; one that is not parked is left alone
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void kthread_unpark(struct task_struct *task) WORKQ_SYMBOL(kthread_unpark);

/**
 * kthread_should_park - shall the calling thread call kthread_parkme()?
 *
 * Context: any thread, signal handler. Return: see kthread_park(); false in threads that are no
 *   kthreads.
 */
WORKQ_EXTERN_C bool kthread_should_park(void) WORKQ_SYMBOL(kthread_should_park);

/**
 * kthread_parkme - pause as long as the calling thread is to be parked
 *
 * Returns at once if kthread_should_park() is false. kthread_stop() ends it too.
 *
 * Context: a kthread; may sleep.
 */
WORKQ_EXTERN_C void kthread_parkme(void) WORKQ_SYMBOL(kthread_parkme);

/**
 * kthread_data - what a thread's function was given
 * @task: the thread
 *
 * Context: any thread, signal handler. Return: the pointer; NULL if it is no kthread.
 */
WORKQ_EXTERN_C void *kthread_data(struct task_struct *task) WORKQ_SYMBOL(kthread_data);

/**
 * kthread_func - a thread's function
 * @task: the thread
 *
 * Context: any thread, signal handler. Return: the function as a pointer; NULL if it is no kthread.
 */
WORKQ_EXTERN_C void *kthread_func(struct task_struct *task) WORKQ_SYMBOL(kthread_func);

#endif /* WORKQ_KTHREAD_H */
