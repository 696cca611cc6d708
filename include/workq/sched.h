/* SPDX-License-Identifier: MIT */
/*
 * sched.h - the kernel's way to sleep and to wake others, for ordinary programs.
 *
 * For thread functions of <workq/kthread.h>, work functions, and any other
 * thread: whoever uses it gets a struct task_struct. A worker that sleeps so
 * tells its pool at once that its CPU is free, see workq_block_begin().
 */
#ifndef WORKQ_SCHED_H
#define WORKQ_SCHED_H

#include <workq/abi.h>

#include <limits.h>

/* A thread, as others see it; only pointers to it are used. */
struct task_struct;

/**
 * enum workq_task_state - what a thread is about to do, see set_current_state()
 * @TASK_RUNNING:         it runs, or could; schedule() only lets others run
 * @TASK_INTERRUPTIBLE:   it waits for something
 * @TASK_UNINTERRUPTIBLE: the same: no signal ends a wait here
 * @TASK_IDLE:            the same
 * @TASK_NORMAL:          the states that wake_up_process() ends
 *
 * The values are the kernel's.
 */
enum workq_task_state {
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 1,
	TASK_UNINTERRUPTIBLE = 2,
	TASK_NORMAL = 3,
	TASK_IDLE = 0x402,
};

/**
 * MAX_SCHEDULE_TIMEOUT - for schedule_timeout(): without end
 */
#define MAX_SCHEDULE_TIMEOUT LONG_MAX

/* ---------------------------------------------------------- sleep and wake */

/**
 * workq_current_task - the calling thread
 *
 * The kernel's *current*. A thread of the program gets its task with the first
 * call, and loses it when it ends; who wants to wake it must know that it has not ended yet, or
 * hold a reference, see get_task_struct().
 *
 * Context: any thread; not a signal handler. Return: the task; NULL without memory.
 */
WORKQ_EXTERN_C struct task_struct *workq_current_task(void) __attribute__((visibility("default")));

/**
 * set_current_state - what the calling thread is about to do
 * @state: TASK_INTERRUPTIBLE or TASK_UNINTERRUPTIBLE before the condition that is waited for is
 *         looked at; TASK_RUNNING if it turns out to be met
 *
 * The looks at memory that follow are not made before others can see the state. So no wake-up
 * is lost between this,
 *
 *   set_current_state(TASK_INTERRUPTIBLE); if (!condition) schedule();
 *
 * and this in another thread:
 *
 *   condition = true; wake_up_process(task);
 *
 * The condition must be atomic, or under a lock, as C11 demands of what two threads touch.
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void set_current_state(unsigned int state) WORKQ_SYMBOL(set_current_state);

/**
 * __set_current_state - set_current_state() that orders nothing
 * @state: TASK_RUNNING, mostly
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void __set_current_state(unsigned int state) WORKQ_SYMBOL(__set_current_state);

/**
 * schedule - sleep until woken
 *
 * In the state TASK_RUNNING, which is also what wake_up_process() makes of the others, it does
 * not sleep, but lets other threads run. It returns in that state. As in the kernel, look at the
 * condition again: others may wake the thread for other reasons.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void schedule(void) WORKQ_SYMBOL(schedule);

/**
 * schedule_timeout - sleep until woken, or for some time
 * @timeout: the time in jiffies; MAX_SCHEDULE_TIMEOUT: without end; a negative one is reported,
 *           and counts as 0
 *
 * Set a state before: in TASK_RUNNING it returns at once.
 *
 * Context: any thread; may sleep.
 * Return: the jiffies that are left, rounded up: 0 if and only if all the time is over.
 *   MAX_SCHEDULE_TIMEOUT if it was that.
 */
WORKQ_EXTERN_C signed long schedule_timeout(signed long timeout) WORKQ_SYMBOL(schedule_timeout);

/**
 * schedule_timeout_interruptible, schedule_timeout_uninterruptible, schedule_timeout_idle - set
 * the state and schedule_timeout()
 * @timeout: the time in jiffies
 *
 * The three differ in the state that others could see.
 *
 * Context: any thread; may sleep. Return: the jiffies that are left, see schedule_timeout().
 */
WORKQ_EXTERN_C signed long schedule_timeout_interruptible(signed long timeout)
	WORKQ_SYMBOL(schedule_timeout_interruptible);
WORKQ_EXTERN_C signed long schedule_timeout_uninterruptible(signed long timeout)
	WORKQ_SYMBOL(schedule_timeout_uninterruptible);
WORKQ_EXTERN_C signed long schedule_timeout_idle(signed long timeout)
	WORKQ_SYMBOL(schedule_timeout_idle);

/**
 * wake_up_process - end a thread's schedule()
 * @task: the thread; one that kthread_create() made begins to run. It must not have ended, or
 *        there must be a reference to it
 *
 * A thread that is not in schedule() yet, but has set a state, will not sleep there.
 * Everything stored before is seen by the woken thread. A parked thread is not woken.
 *
 * Context: any thread, signal handler.
 * Return: 1 if it slept, was about to, or had not been started; 0 if it ran.
 */
WORKQ_EXTERN_C int wake_up_process(struct task_struct *task) WORKQ_SYMBOL(wake_up_process);

/* ------------------------------------------------------------ time passing */

/**
 * msleep - sleep for some time
 * @msecs: the time in milliseconds; all of it, whoever wakes the thread
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void msleep(unsigned int msecs) WORKQ_SYMBOL(msleep);

/**
 * msleep_interruptible - msleep() that kthread_stop() ends
 * @msecs: the time in milliseconds
 *
 * In the kernel a signal ends it, which threads of the kernel do not get.
 *
 * Context: any thread; may sleep. Return: the milliseconds that are left, 0 if none.
 */
WORKQ_EXTERN_C unsigned long msleep_interruptible(unsigned int msecs)
	WORKQ_SYMBOL(msleep_interruptible);

/**
 * ssleep - msleep() in seconds
 * @seconds: the time
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void ssleep(unsigned int seconds) WORKQ_SYMBOL(ssleep);

/**
 * usleep_range - sleep for some microseconds
 * @min: the least
 * @max: the most, as far as the system can
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void usleep_range(unsigned long min, unsigned long max) WORKQ_SYMBOL(usleep_range);

/**
 * cond_resched - let other threads run, in a long computation
 *
 * A program's threads are preempted anyway, so this is seldom of use.
 *
 * Context: any thread. Return: 0.
 */
WORKQ_EXTERN_C int cond_resched(void) WORKQ_SYMBOL(cond_resched);

/* -------------------------------------------------------------- references */

/**
 * get_task_struct - keep a task from being used for another thread
 * @task: the thread, which has not ended yet, or to which there is a reference
 *
 * Context: any thread; not a signal handler. Return: @task.
 */
WORKQ_EXTERN_C struct task_struct *get_task_struct(struct task_struct *task)
	WORKQ_SYMBOL(get_task_struct);

/**
 * put_task_struct - give a reference back
 * @task: the thread
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void put_task_struct(struct task_struct *task) WORKQ_SYMBOL(put_task_struct);

#endif /* WORKQ_SCHED_H */
