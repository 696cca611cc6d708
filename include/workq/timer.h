/* SPDX-License-Identifier: MIT */
/*
 * timer.h - the kernel's jiffies and timers, for ordinary programs.
 *
 * Delayed work items are made of these timers, and <workq/workqueue.h>
 * includes this header. Programs that want something to happen later mostly
 * want a delayed work item, whose function may sleep and can be flushed; timers
 * are for code that knows the kernel's.
 *
 * A jiffy is a millisecond. Time is CLOCK_MONOTONIC: setting the clock changes
 * nothing, and it stands still while the machine is suspended.
 */
#ifndef WORKQ_TIMER_H
#define WORKQ_TIMER_H

#include <workq/abi.h>

#include <limits.h>
#include <time.h>

/* ----------------------------------------------------------------- jiffies */

/*
 * HZ: jiffies in a second; <sys/param.h> has another, which gives way.
 * MAX_JIFFY_OFFSET: the longest time that the conversions below give.
 */
#undef HZ
#define HZ               1000
#define MAX_JIFFY_OFFSET ((unsigned long)(LONG_MAX >> 1) - 1)

WORKQ_EXTERN_C unsigned long workq_jiffies(void) __attribute__((visibility("default")));

/**
 * jiffies - the time now, in jiffies since some moment in the past
 *
 * It looks like a variable, as in the kernel, but each use asks the clock, at some 25 ns.
 * Compare two of them with time_after() and its kin only.
 *
 * Context: any thread, signal handler.
 */
#define jiffies workq_jiffies()

/**
 * time_after, time_before, time_after_eq, time_before_eq - which of two times is later?
 * @a: a time in jiffies
 * @b: another, at most LONG_MAX jiffies away
 *
 * Right also where the count wraps around. Return: is @a after, before, ... @b?
 */
#define time_after(a, b)     ((long)((unsigned long)(b) - (unsigned long)(a)) < 0)
#define time_before(a, b)    time_after(b, a)
#define time_after_eq(a, b)  ((long)((unsigned long)(a) - (unsigned long)(b)) >= 0)
#define time_before_eq(a, b) time_after_eq(b, a)

/**
 * time_is_before_jiffies, time_is_after_jiffies - is a time over, or to come?
 * @a: the time in jiffies
 */
#define time_is_before_jiffies(a) time_after(jiffies, a)
#define time_is_after_jiffies(a)  time_before(jiffies, a)

/**
 * msecs_to_jiffies - milliseconds in jiffies
 * @msecs: the time; one that is negative as an int gives MAX_JIFFY_OFFSET, as in the kernel
 */
static inline unsigned long msecs_to_jiffies(unsigned int msecs)
{
	return msecs > (unsigned int)INT_MAX ? MAX_JIFFY_OFFSET : msecs;
}

/**
 * usecs_to_jiffies - microseconds in jiffies, rounded up
 * @usecs: the time
 */
static inline unsigned long usecs_to_jiffies(unsigned int usecs)
{
	return (usecs + 999ul) / 1000;
}

/**
 * secs_to_jiffies - seconds in jiffies
 * @secs: the time
 */
static inline unsigned long secs_to_jiffies(unsigned int secs)
{
	return (unsigned long)secs * HZ;
}

/**
 * jiffies_to_msecs - jiffies in milliseconds
 * @j: the time; as in the kernel, what does not fit an unsigned int is cut off
 */
static inline unsigned int jiffies_to_msecs(unsigned long j)
{
	return (unsigned int)j;
}

/**
 * jiffies_to_usecs - jiffies in microseconds
 * @j: the time; what does not fit an unsigned int is cut off
 */
static inline unsigned int jiffies_to_usecs(unsigned long j)
{
	return (unsigned int)(j * 1000);
}

/**
 * round_jiffies - a time to come, moved to the nearest whole second
 * @j: the time in jiffies
 *
 * So that timers that need not be exact fire together, and wake the machine
 * once. Each CPU has its whole seconds three jiffies after those of the CPU before, so that
 * not all CPUs do everything at once.
 *
 * Context: any thread, signal handler. Return: the rounded time; @j if that would be over already.
 */
WORKQ_EXTERN_C unsigned long round_jiffies(unsigned long j) WORKQ_SYMBOL(round_jiffies);

/**
 * round_jiffies_up - as round_jiffies(), but never earlier than asked
 * @j: the time in jiffies
 *
 * Context: any thread, signal handler. Return: the rounded time.
 */
WORKQ_EXTERN_C unsigned long round_jiffies_up(unsigned long j) WORKQ_SYMBOL(round_jiffies_up);

/**
 * round_jiffies_relative - a delay that ends at a whole second
 * @j: the delay in jiffies, as for queue_delayed_work()
 *
 * Context: any thread, signal handler. Return: the delay to use, see round_jiffies().
 */
WORKQ_EXTERN_C unsigned long round_jiffies_relative(unsigned long j)
	WORKQ_SYMBOL(round_jiffies_relative);

/**
 * round_jiffies_up_relative - as round_jiffies_relative(), but never shorter than asked
 * @j: the delay in jiffies
 *
 * Context: any thread, signal handler. Return: the delay to use.
 */
WORKQ_EXTERN_C unsigned long round_jiffies_up_relative(unsigned long j)
	WORKQ_SYMBOL(round_jiffies_up_relative);

/* ------------------------------------------------------------------ timers */

/**
 * struct timer_list - a timer; embed it in a struct of yours
 * @entry:    private: links, while the timer is pending
 * @expires:  when it fires, in jiffies; set by mod_timer(), or by the caller before add_timer()
 * @function: what is called; NULL after timer_shutdown()
 * @flags:    TIMER_*, as given to timer_setup()
 * @state:    private: where it is pending
 *
 * 40 bytes. Arming a timer allocates nothing. A timer fires once: neither
 * before @expires is over, nor more than one jiffy later plus the time until a
 * thread gets to run.
 */
struct timer_list {
	struct {
		void *next;
		void *prev;
	} entry;
	unsigned long expires;
	void (*function)(struct timer_list *timer);
	uint32_t flags;
	uint32_t state;
};

/**
 * enum timer_flags - what kind of timer timer_setup() makes
 * @TIMER_DEFERRABLE: wakes nobody up by itself: it fires when something else is due, and at the
 *                    latest WORKQ_DEFER_MS (an environment variable; by default 1000) later
 * @TIMER_PINNED:     accepted, without effect
 * @TIMER_IRQSAFE:    accepted, without effect
 */
enum timer_flags {
	TIMER_DEFERRABLE = 1 << 0,
	TIMER_PINNED = 1 << 1,
	TIMER_IRQSAFE = 1 << 2,
};

#define __TIMER_INITIALIZER(_function, _flags)                                                     \
	{                                                                                          \
		{ NULL, NULL }, 0, (_function), (_flags), 0                                        \
	}

/**
 * DEFINE_TIMER - define a timer, ready for use
 * @_name:     name of the variable
 * @_function: its function
 */
#define DEFINE_TIMER(_name, _function) struct timer_list _name = __TIMER_INITIALIZER(_function, 0)

static inline void workq_init_timer(struct timer_list *timer,
				    void (*function)(struct timer_list *timer), uint32_t flags)
{
	timer->entry.next = NULL;
	timer->entry.prev = NULL;
	timer->expires = 0;
	timer->function = function;
	timer->flags = flags;
	timer->state = 0;
}

/**
 * timer_setup - initialise a timer at run time
 * @timer:    the timer; not pending
 * @callback: its function. It is called by a worker thread of the CPU that armed the timer when
 *            it was idle, a high priority one (nice -20 where permitted), like an item of a
 *            queue of its own: the callbacks of one CPU run one after another, so that a long
 *            or sleeping one delays the others. It may re-arm or free its timer, and do what a
 *            work function may.
 * @flags:    TIMER_* or 0
 *
 * Context: any thread, signal handler.
 */
#define timer_setup(timer, callback, flags) workq_init_timer((timer), (callback), (flags))

/**
 * timer_setup_on_stack - timer_setup() for a timer on the stack
 * @timer:    the timer
 * @callback: its function
 * @flags:    TIMER_* or 0
 *
 * Pair with timer_destroy_on_stack().
 */
#define timer_setup_on_stack(timer, callback, flags) workq_init_timer((timer), (callback), (flags))

/**
 * timer_destroy_on_stack, destroy_timer_on_stack - the timer's stack frame is about to go
 * @timer: the timer; call timer_delete_sync() before
 *
 * Reports a timer that is still pending. The second name is the older one.
 *
 * Context: any thread.
 */
WORKQ_EXTERN_C void timer_destroy_on_stack(struct timer_list *timer)
	WORKQ_SYMBOL(timer_destroy_on_stack);
#define destroy_timer_on_stack(timer) timer_destroy_on_stack(timer)

/**
 * timer_container_of, from_timer - in a callback, the object around the timer
 * @var:            a pointer variable of the object's type (only its type is used)
 * @callback_timer: the timer
 * @timer_field:    the timer's name in the object
 *
 * The second name is the older one.
 */
#define timer_container_of(var, callback_timer, timer_field)                                       \
	container_of(callback_timer, __typeof__(*(var)), timer_field)
#define from_timer(var, callback_timer, timer_field)                                               \
	timer_container_of(var, callback_timer, timer_field)

/**
 * mod_timer - arm a timer, pending or not
 * @timer:   the timer
 * @expires: when it shall fire, in jiffies; a time that is over means at once, one more than
 *           MAX_JIFFY_OFFSET away is cut to that
 *
 * The one call that may be made for the same timer by several threads at once.
 * After timer_shutdown() it does nothing.
 *
 * Context: any thread; not a signal handler. Return: 1 if the timer was pending, also when
 *   nothing changed; 0 if not.
 */
WORKQ_EXTERN_C int mod_timer(struct timer_list *timer, unsigned long expires)
	WORKQ_SYMBOL(mod_timer);

/**
 * mod_timer_pending - mod_timer(), if the timer is pending
 * @timer:   the timer
 * @expires: when it shall fire, in jiffies
 *
 * Context: any thread; not a signal handler. Return: 1 if it was pending; 0 if not, nothing done.
 */
WORKQ_EXTERN_C int mod_timer_pending(struct timer_list *timer, unsigned long expires)
	WORKQ_SYMBOL(mod_timer_pending);

/**
 * timer_reduce - mod_timer(), unless that would make a pending timer later
 * @timer:   the timer
 * @expires: when it shall fire at the latest, in jiffies
 *
 * Context: any thread; not a signal handler. Return: 1 if it was pending, 0 if not.
 */
WORKQ_EXTERN_C int timer_reduce(struct timer_list *timer, unsigned long expires)
	WORKQ_SYMBOL(timer_reduce);

/**
 * add_timer, add_timer_local, add_timer_global - arm a timer for timer->expires
 * @timer: the timer; one that is pending is reported, once, and left alone
 *
 * The three differ in the kernel only.
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void add_timer(struct timer_list *timer) WORKQ_SYMBOL(add_timer);
#define add_timer_local(timer)  add_timer(timer)
#define add_timer_global(timer) add_timer(timer)

/**
 * add_timer_on - add_timer(), to fire on a CPU
 * @timer: the timer; one that is pending is reported, once, and left alone
 * @cpu:   the CPU; one that the process may not use stands for one that it may
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void add_timer_on(struct timer_list *timer, int cpu) WORKQ_SYMBOL(add_timer_on);

/*
 * POSIX has a timer_delete() for its own timers, in <time.h>: both can be called. Which feature
 * macros declare it differs; TIMER_ABSTIME is defined together with it.
 */
WORKQ_EXTERN_C int workq_timer_delete(struct timer_list *timer)
	__attribute__((visibility("default")));
#if defined(TIMER_ABSTIME) && !defined(__cplusplus)
static inline int workq_posix_timer_delete(timer_t timer)
{
	return timer_delete(timer);
}
#define WORKQ_POSIX_TIMER_DELETE , timer_t : workq_posix_timer_delete
#else
#define WORKQ_POSIX_TIMER_DELETE
#endif

/**
 * timer_delete, del_timer - disarm a timer
 * @timer: the timer
 *
 * Does not wait for a callback that runs. The second name is the older one.
 *
 * Context: any thread; not a signal handler.
 * Return: 1 if it was pending: the callback will not be called for that. Else 0.
 */
#ifdef __cplusplus
static inline int timer_delete(struct timer_list *timer)
{
	return workq_timer_delete(timer);
}
#else
#define timer_delete(timer)                                                                        \
	_Generic((timer), struct timer_list * : workq_timer_delete WORKQ_POSIX_TIMER_DELETE)(timer)
#endif
#define del_timer(timer) timer_delete(timer)

/**
 * timer_delete_sync, del_timer_sync - disarm a timer and wait until its callback does not run
 * @timer: the timer
 *
 * A callback that arms its timer again is stopped. Others cannot be kept from
 * arming it: see timer_shutdown_sync(). The caller must not hold a lock that the callback
 * takes. From the callback itself it would wait for itself: reported, not waited. The second
 * name is the older one.
 *
 * Context: any thread; may sleep. Return: 1 if it was pending, else 0.
 */
WORKQ_EXTERN_C int timer_delete_sync(struct timer_list *timer) WORKQ_SYMBOL(timer_delete_sync);
#define del_timer_sync(timer) timer_delete_sync(timer)

/**
 * timer_delete_sync_try, try_to_del_timer_sync - disarm a timer whose callback does not run
 * @timer: the timer
 *
 * Context: any thread; not a signal handler.
 * Return:
 *   1   it was pending, and is no more
 *   0   it was not
 *   -1  its callback runs: nothing was done
 */
WORKQ_EXTERN_C int timer_delete_sync_try(struct timer_list *timer)
	WORKQ_SYMBOL(timer_delete_sync_try);
#define try_to_del_timer_sync(timer) timer_delete_sync_try(timer)

/**
 * timer_shutdown - timer_delete(), for good
 * @timer: the timer
 *
 * Whoever arms it afterwards does nothing, until timer_setup().
 *
 * Context: any thread; not a signal handler. Return: 1 if it was pending, else 0.
 */
WORKQ_EXTERN_C int timer_shutdown(struct timer_list *timer) WORKQ_SYMBOL(timer_shutdown);

/**
 * timer_shutdown_sync - timer_delete_sync(), for good
 * @timer: the timer
 *
 * For tearing down a timer that queues an item that arms the timer: first this,
 * then destroy_workqueue().
 *
 * Context: any thread; may sleep. Return: 1 if it was pending, else 0.
 */
WORKQ_EXTERN_C int timer_shutdown_sync(struct timer_list *timer) WORKQ_SYMBOL(timer_shutdown_sync);

/**
 * timer_pending - is the timer armed?
 * @timer: the timer
 *
 * False from the moment its callback is called, until it is armed again.
 *
 * Context: any thread, signal handler. Return: outdated when it arrives.
 */
WORKQ_EXTERN_C bool timer_pending(const struct timer_list *timer) WORKQ_SYMBOL(timer_pending);

#endif /* WORKQ_TIMER_H */
