/* SPDX-License-Identifier: MIT */
/*
 * workqueue.h - the workqueue API of the Linux kernel, for ordinary programs.
 *
 * This header is the manual: every name means what it means in the kernel
 * (version 7.2), in "process context". Letters such as (A2) or (G3) name the
 * guarantee that a sentence comes from; docs/guarantees.md lists them.
 * Usable from C11 and C++17.
 *
 * Contexts: "any thread" includes worker threads inside a work function;
 * "signal handler" means async-signal-safe, once the library has started
 * (workq_start(), or any earlier use); "may sleep" may block for long.
 */
#ifndef WORKQ_WORKQUEUE_H
#define WORKQ_WORKQUEUE_H

#include <workq/abi.h>
#include <workq/cpumask.h>
#include <workq/kthread_worker.h>
#include <workq/timer.h>
#include <workq/version.h>

struct work_struct;
struct workqueue_struct;

/**
 * typedef work_func_t - the function of a work item
 * @work: the item, already idle again: the function may queue it once more,
 *        free it, or use its memory for something else (A3, B2)
 *
 * Context: a worker thread with asynchronous signals blocked; may sleep. It
 * should return: if it ends the thread, by pthread_exit(), it counts as
 * returned and is reported (T1); a C++ exception out of it ends the process
 * (T2); longjmp() out of it is undefined.
 */
typedef void (*work_func_t)(struct work_struct *work);

/**
 * struct work_struct - a work item; embed it in a struct of yours
 * @data:  private: the state word
 * @entry: private: links, while the item waits
 * @func:  what runs; may be read, set it with INIT_WORK()
 *
 * 32 bytes. Queueing an item allocates nothing. An item must stay valid from
 * INIT_WORK() until it is idle: its function has been entered, or
 * cancel_work_sync() or flush_work() returned.
 */
struct work_struct {
	unsigned long data;
	struct {
		void *next;
		void *prev;
	} entry;
	work_func_t func;
};

/*
 * WORK_CPU_UNBOUND: "no CPU given, prefer the local one", for queue_work_on().
 * WORK_BUSY_*: the bits of work_busy().
 * WORK_NR_COLORS: so many flush_workqueue() of a queue wait for different items (D3).
 * WQ_MAX_ACTIVE: the largest max_active. WQ_DFL_ACTIVE: what 0 stands for.
 * WQ_NAME_LEN: longest name of a queue, with its NUL; longer ones are cut.
 * WORKER_DESC_LEN: longest text of set_worker_desc(), with its NUL.
 */
enum {
	WORK_CPU_UNBOUND = 8192,
	WORK_BUSY_PENDING = 1 << 0,
	WORK_BUSY_RUNNING = 1 << 1,
	WORK_NR_COLORS = 16,
	WQ_MAX_ACTIVE = 2048,
	WQ_UNBOUND_MAX_ACTIVE = WQ_MAX_ACTIVE,
	WQ_DFL_ACTIVE = 1024,
	WQ_DFL_MIN_ACTIVE = 8,
	WQ_NAME_LEN = 32,
	WORKER_DESC_LEN = 32,
};

/**
 * enum wq_flags - what kind of queue alloc_workqueue() makes
 * @WQ_BH:            "bottom half": items of a CPU run one after another, in queueing order,
 *                    on a thread of that CPU that nobody replaces: they must not
 *                    sleep (M1; reported when it holds others up). Only WQ_HIGHPRI and WQ_PERCPU
 *                    may go with it, and max_active must be 0
 * @WQ_UNBOUND:       workers are not bound to one CPU and no concurrency is
 *                    managed: each active item starts as soon as a worker is idle (L7)
 * @WQ_FREEZABLE:     stops when the process is frozen, see freeze_workqueues_begin()
 * @WQ_MEM_RECLAIM:   has a thread of its own, its rescuer, which runs its items where no worker
 *                    can be made (K1 to K4)
 * @WQ_HIGHPRI:       served by pools of their own, with nice -20 where permitted (L6)
 * @WQ_CPU_INTENSIVE: running items of this queue hold nobody off (L3)
 * @WQ_SYSFS:         its attributes can be read and written by name, see workq_attr_read()
 * @WQ_POWER_EFFICIENT: becomes WQ_UNBOUND where the environment has WORKQ_POWER_EFFICIENT=1
 * @WQ_PERCPU:        items run on the CPU they were queued on; the opposite of WQ_UNBOUND
 * @__WQ_ORDERED, @__WQ_LEGACY, @__WQ_DEPRECATED: set by alloc_ordered_workqueue() and create_*();
 *                    do not pass them
 *
 * The values are the kernel's. Unknown bits are ignored, as there.
 */
enum wq_flags {
	WQ_BH = 1 << 0,
	WQ_UNBOUND = 1 << 1,
	WQ_FREEZABLE = 1 << 2,
	WQ_MEM_RECLAIM = 1 << 3,
	WQ_HIGHPRI = 1 << 4,
	WQ_CPU_INTENSIVE = 1 << 5,
	WQ_SYSFS = 1 << 6,
	WQ_POWER_EFFICIENT = 1 << 7,
	WQ_PERCPU = 1 << 8,

	__WQ_ORDERED = 1 << 17,
	__WQ_LEGACY = 1 << 18,
	__WQ_DEPRECATED = 1 << 19,
};

/**
 * from_work - in a work function, the object around the item
 * @var:        a pointer variable of the object's type (only its type is used)
 * @work:       the item
 * @work_field: the item's name in the object
 */
#define from_work(var, work, work_field) container_of(work, __typeof__(*(var)), work_field)

/**
 * WORK_DATA_INIT, WORK_DATA_STATIC_INIT - what stands in the state word of an idle item
 *
 * For static initialisers that name every member; DECLARE_WORK() is simpler.
 */
#define WORK_DATA_INIT()        0
#define WORK_DATA_STATIC_INIT() 0

/**
 * work_data_bits - the address of an item's state word
 * @work: the item
 *
 * Its bits are private and may change from release to release; bit 0 is work_pending().
 */
#define work_data_bits(work) (&(work)->data)

/* Static initialiser of an idle item. */
#define __WORK_INITIALIZER(n, f)                                                                   \
	{                                                                                          \
		0, { NULL, NULL }, (f)                                                             \
	}

/**
 * DECLARE_WORK - define an idle item, ready for use
 * @n: name of the variable
 * @f: its function
 */
#define DECLARE_WORK(n, f) struct work_struct n = __WORK_INITIALIZER(n, f)

static inline void workq_init_work(struct work_struct *work, work_func_t func)
{
	work->data = 0;
	work->entry.next = NULL;
	work->entry.prev = NULL;
	work->func = func;
}

/**
 * INIT_WORK - initialise an item at run time
 * @_work: the item; must be idle
 * @_func: its function
 *
 * The item is idle, enabled (H5), and has never run. Initialising a *running*
 * item makes the library forget the run: flush and cancel no longer wait for
 * it (B3); a *pending* one must be cancelled first.
 *
 * Context: any thread, signal handler.
 */
#define INIT_WORK(_work, _func) workq_init_work((_work), (_func))

/* As INIT_WORK(): what the kernel's variants say of lock checking is not looked at. */
#define __INIT_WORK(_work, _func, _onstack)           workq_init_work((_work), (_func))
#define __INIT_WORK_KEY(_work, _func, _onstack, _key) workq_init_work((_work), (_func))

/**
 * INIT_WORK_ONSTACK, INIT_WORK_ONSTACK_KEY - INIT_WORK() for an item on the stack
 * @_work: the item
 * @_func: its function
 *
 * Pair with destroy_work_on_stack() once the item is idle for good. The second takes a
 * lock class as a third argument, as in the kernel, and does not look at it.
 */
#define INIT_WORK_ONSTACK(_work, _func)           workq_init_work((_work), (_func))
#define INIT_WORK_ONSTACK_KEY(_work, _func, _key) workq_init_work((_work), (_func))

/**
 * destroy_work_on_stack - the item's stack frame is about to go
 * @work: an idle item
 *
 * Reports an item that is still pending or running: its memory is about to be
 * re-used while the library holds it.
 *
 * Context: any thread.
 */
WORKQ_EXTERN_C void destroy_work_on_stack(struct work_struct *work)
	WORKQ_SYMBOL(destroy_work_on_stack);

/* ------------------------------------------------------------- delayed items */

/**
 * struct delayed_work - a work item with a timer
 * @work:  the item; what is said of items holds for it
 * @timer: private, but for reading timer.expires, in jiffies, while only the timer is armed
 * @wq:    private: the queue it will be queued on
 * @cpu:   private: the CPU it will be queued on
 *
 * 88 bytes. Pending from arming until its function is entered (I3).
 */
struct delayed_work {
	struct work_struct work;
	struct timer_list timer;
	struct workqueue_struct *wq;
	int cpu;
};

/**
 * to_delayed_work - in a work function, the delayed item around the item
 * @work: the item
 */
static inline struct delayed_work *to_delayed_work(struct work_struct *work)
{
	return container_of(work, struct delayed_work, work);
}

/**
 * delayed_work_timer_fn - what stands in the timer of a delayed item
 * @timer: the timer
 *
 * There to be named by initialisers. Called by hand, it queues the item of an
 * armed timer at once, and does nothing for one that is not armed.
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void delayed_work_timer_fn(struct timer_list *timer)
	WORKQ_SYMBOL(delayed_work_timer_fn);

#define __DELAYED_WORK_INITIALIZER(n, f, tflags)                                                   \
	{                                                                                          \
		__WORK_INITIALIZER((n).work, f),                                                   \
			__TIMER_INITIALIZER(delayed_work_timer_fn, (tflags) | TIMER_IRQSAFE),      \
			NULL, 0                                                                    \
	}

/**
 * DECLARE_DELAYED_WORK, DECLARE_DEFERRABLE_WORK - define an idle delayed item, ready for use
 * @n: name of the variable
 * @f: its function
 *
 * For what deferrable means see INIT_DEFERRABLE_WORK().
 */
#define DECLARE_DELAYED_WORK(n, f) struct delayed_work n = __DELAYED_WORK_INITIALIZER(n, f, 0)
#define DECLARE_DEFERRABLE_WORK(n, f)                                                              \
	struct delayed_work n = __DELAYED_WORK_INITIALIZER(n, f, TIMER_DEFERRABLE)

static inline void workq_init_delayed_work(struct delayed_work *dwork, work_func_t func,
					   uint32_t flags)
{
	workq_init_work(&dwork->work, func);
	workq_init_timer(&dwork->timer, delayed_work_timer_fn, flags | TIMER_IRQSAFE);
	dwork->wq = NULL;
	dwork->cpu = 0;
}

/**
 * INIT_DELAYED_WORK - initialise a delayed item at run time
 * @_work: the item, a struct delayed_work; idle, its timer not armed
 * @_func: its function
 *
 * See INIT_WORK().
 *
 * Context: any thread, signal handler.
 */
#define INIT_DELAYED_WORK(_work, _func) workq_init_delayed_work((_work), (_func), 0)
#define __INIT_DELAYED_WORK(_work, _func, _tflags)                                                 \
	workq_init_delayed_work((_work), (_func), (_tflags))

/**
 * INIT_DEFERRABLE_WORK, INIT_DELAYED_WORK_DEFERRABLE - a delayed item that need not be exact
 * @_work: the item, a struct delayed_work
 * @_func: its function
 *
 * It wakes nobody up: it is queued when another timer is due, and at the latest
 * WORKQ_DEFER_MS (by default 1000) jiffies after its time. Otherwise as
 * INIT_DELAYED_WORK(). The second name is the older one.
 *
 * Context: any thread, signal handler.
 */
#define INIT_DEFERRABLE_WORK(_work, _func)                                                         \
	workq_init_delayed_work((_work), (_func), TIMER_DEFERRABLE)
#define INIT_DELAYED_WORK_DEFERRABLE(_work, _func) INIT_DEFERRABLE_WORK(_work, _func)

/**
 * INIT_DELAYED_WORK_ONSTACK, INIT_DEFERRABLE_WORK_ONSTACK - the same for an item on the stack
 * @_work: the item
 * @_func: its function
 *
 * Pair with destroy_delayed_work_on_stack() once the item is idle for good.
 */
#define INIT_DELAYED_WORK_ONSTACK(_work, _func)    INIT_DELAYED_WORK(_work, _func)
#define INIT_DEFERRABLE_WORK_ONSTACK(_work, _func) INIT_DEFERRABLE_WORK(_work, _func)

/**
 * destroy_delayed_work_on_stack - the item's stack frame is about to go
 * @dwork: an idle item
 *
 * As destroy_work_on_stack(); also reports a timer that is still armed.
 *
 * Context: any thread.
 */
WORKQ_EXTERN_C void destroy_delayed_work_on_stack(struct delayed_work *dwork)
	WORKQ_SYMBOL(destroy_delayed_work_on_stack);

/* ------------------------------------------------------------------ queues */

/**
 * alloc_workqueue - make a queue
 * @fmt:        printf-like format of its name, at most WQ_NAME_LEN - 1 characters
 * @flags:      WQ_* flags; WQ_PERCPU or WQ_UNBOUND should be among them: with
 *              neither, WQ_PERCPU is taken, with both, WQ_UNBOUND (each reported once)
 * @max_active: how many items may be active at once: per CPU (C1), or in all for an unbound
 *              queue, where each NUMA node gets its share of it (C3); 0 stands for
 *              WQ_DFL_ACTIVE, values outside 1 .. WQ_MAX_ACTIVE are reported and clamped
 * @...:        arguments of @fmt
 *
 * Queues share the threads of their CPU's pools (Q6): a queue costs memory, no threads.
 *
 * Context: any thread; starts the library if nothing did.
 * Return: the queue, to be given back with destroy_workqueue(), or NULL with errno:
 *   EINVAL  @fmt is NULL, or WQ_BH comes with flags or a @max_active that it does not go with
 *           (reported)
 *   ENOMEM  no memory
 *   EAGAIN  the library's first thread, or the queue's rescuer, could not be created
 */
WORKQ_EXTERN_C struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags,
							int max_active, ...)
	WORKQ_SYMBOL(alloc_workqueue) __attribute__((format(printf, 1, 4)));

/**
 * alloc_ordered_workqueue - make a queue that runs one item at a time, in queueing order (B9)
 * @fmt:   printf-like format of its name
 * @flags: WQ_FREEZABLE, WQ_MEM_RECLAIM and WQ_HIGHPRI mean something here
 * @...:   arguments of @fmt
 *
 * Context, Return: see alloc_workqueue().
 */
WORKQ_EXTERN_C struct workqueue_struct *alloc_ordered_workqueue(const char *fmt, unsigned int flags,
								...)
	WORKQ_SYMBOL(alloc_ordered_workqueue) __attribute__((format(printf, 1, 3)));

/**
 * alloc_workqueue_lockdep_map, alloc_ordered_workqueue_lockdep_map - with a map for lock checking
 *
 * As alloc_workqueue() and alloc_ordered_workqueue(); the map, in front of the arguments
 * of the format, is for the kernel's lock checker and not looked at.
 */
#define alloc_workqueue_lockdep_map(fmt, flags, max_active, lockdep_map, ...)                      \
	((void)(lockdep_map), alloc_workqueue((fmt), (flags), (max_active), ##__VA_ARGS__))
#define alloc_ordered_workqueue_lockdep_map(fmt, flags, lockdep_map, ...)                          \
	((void)(lockdep_map), alloc_ordered_workqueue((fmt), (flags), ##__VA_ARGS__))

/**
 * create_workqueue, create_freezable_workqueue, create_singlethread_workqueue - older names
 * @name: the name, a plain string
 *
 * Per-CPU with max_active 1; unbound with max_active 1; ordered.
 *
 * Context, Return: see alloc_workqueue().
 */
#define create_workqueue(name)                                                                     \
	alloc_workqueue("%s", __WQ_LEGACY | WQ_MEM_RECLAIM | WQ_PERCPU, 1, (name))
#define create_freezable_workqueue(name)                                                           \
	alloc_workqueue("%s", __WQ_LEGACY | WQ_FREEZABLE | WQ_UNBOUND | WQ_MEM_RECLAIM, 1, (name))
#define create_singlethread_workqueue(name)                                                        \
	alloc_ordered_workqueue("%s", __WQ_LEGACY | WQ_MEM_RECLAIM, (name))

/**
 * destroy_workqueue - run what is queued, then free the queue
 * @wq: the queue; the caller's last use of it
 *
 * Executes everything pending (F4), then frees. Items queued meanwhile from
 * outside are refused as by drain_workqueue(). Delayed items whose timers are still
 * armed for @wq do not run: they are reported, with their functions, and left
 * idle; cancel them first. Items of queue_rcu_work() get their grace period, and run.
 * From a work function of @wq, or inside a read-side critical section that one of
 * its items waits for, it would wait for itself: reported and not done.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void destroy_workqueue(struct workqueue_struct *wq) WORKQ_SYMBOL(destroy_workqueue);

/**
 * workqueue_set_max_active - change a queue's limit
 * @wq:         the queue; on an ordered one this is reported and without effect
 * @max_active: as for alloc_workqueue(), but 0 counts as 1
 *
 * Raising it starts waiting items at once; lowering it stops nobody (C6).
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void workqueue_set_max_active(struct workqueue_struct *wq, int max_active)
	WORKQ_SYMBOL(workqueue_set_max_active);

/**
 * workqueue_set_min_active - how many items each NUMA node of an unbound queue may have active
 * @wq:         the queue; on one that is not unbound, or ordered, this is reported and
 *              without effect
 * @min_active: values outside of 0 and the queue's max_active are taken as the nearer of them
 *
 * max_active is shared out by the number of CPUs; a node gets at least this many, so that many
 * items that wait for each other can run (C3, C4). A new queue has WQ_DFL_MIN_ACTIVE, or
 * max_active if that is less.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void workqueue_set_min_active(struct workqueue_struct *wq, int min_active)
	WORKQ_SYMBOL(workqueue_set_min_active);

/**
 * workqueue_congested - are items held back by max_active?
 * @cpu: the CPU, or WORK_CPU_UNBOUND for the caller's
 * @wq:  the queue
 *
 * Context: any thread. Return: advisory, may be outdated when it arrives.
 */
WORKQ_EXTERN_C bool workqueue_congested(int cpu, struct workqueue_struct *wq)
	WORKQ_SYMBOL(workqueue_congested);

/* -------------------------------------------------- where unbound items run */

/**
 * enum wq_affn_scope - which CPUs serve an item together with the one that queues it (O2)
 * @WQ_AFFN_DFL:         what the process has as its default: WQ_AFFN_CACHE_SHARD, unless the
 *                       environment has WORKQ_AFFINITY_SCOPE=NAME
 * @WQ_AFFN_CPU:         this CPU alone
 * @WQ_AFFN_SMT:         the CPUs of its core
 * @WQ_AFFN_CACHE:       the CPUs that share its last level cache
 * @WQ_AFFN_CACHE_SHARD: some of these: about eight cores (O4)
 * @WQ_AFFN_NUMA:        the CPUs of its memory node
 * @WQ_AFFN_SYSTEM:      all
 *
 * Such a group is called a pod. It is known from sysfs; where that says nothing, one pod is
 * assumed.
 */
enum wq_affn_scope {
	WQ_AFFN_DFL,
	WQ_AFFN_CPU,
	WQ_AFFN_SMT,
	WQ_AFFN_CACHE,
	WQ_AFFN_CACHE_SHARD,
	WQ_AFFN_NUMA,
	WQ_AFFN_SYSTEM,
	WQ_AFFN_NR_TYPES,
};

/**
 * struct workqueue_attrs - how the items of an unbound queue are served
 * @nice:        nice value of the workers, -20 to 19; 0 leaves what the process has
 * @cpumask:     where they may run; CPUs outside of the unbound mask do not count (O3, O6)
 * @affn_strict: they stay in the pod of the CPU that queued; else they are only started
 *               there and the scheduler may move them anywhere in @cpumask (O2)
 * @affn_scope:  what a pod is
 * @ordered:     accepted; a queue made by alloc_ordered_workqueue() is ordered whatever this says
 */
struct workqueue_attrs {
	int nice;
	cpumask_var_t cpumask;
	bool affn_strict;
	enum wq_affn_scope affn_scope;
	bool ordered;
};

/**
 * alloc_workqueue_attrs, free_workqueue_attrs - attributes to fill in
 *
 * nice 0, all CPUs that the machine can have, not strict, WQ_AFFN_DFL. Items run on those of
 * the CPUs that the process may use when they run (P4).
 * free_workqueue_attrs(attrs) gives them back; NULL is welcome.
 *
 * Context: any thread; starts the library if nothing did. Return: attributes, or NULL with errno
 * as alloc_workqueue().
 */
WORKQ_EXTERN_C struct workqueue_attrs *alloc_workqueue_attrs(void)
	WORKQ_SYMBOL(alloc_workqueue_attrs);
WORKQ_EXTERN_C void free_workqueue_attrs(struct workqueue_attrs *attrs)
	WORKQ_SYMBOL(free_workqueue_attrs);

/**
 * apply_workqueue_attrs - change how an unbound queue is served
 * @wq:    the queue
 * @attrs: the attributes; copied
 *
 * Items queued from now on are served as @attrs say. Those queued before finish where they are,
 * and so does one that queues itself again before it ends (O7, B4). An ordered queue keeps its
 * order: what comes later waits until the earlier items are through (B9).
 *
 * Context: any thread; may sleep.
 * Return: 0, or
 *   -EINVAL  @wq is not unbound, a value is out of range, or an argument is NULL (reported);
 *            or @attrs->cpumask is empty
 *   -ENOMEM  no memory; nothing has changed
 *   -EAGAIN  no thread for what a first change needs; nothing has changed
 */
WORKQ_EXTERN_C int apply_workqueue_attrs(struct workqueue_struct *wq,
					 const struct workqueue_attrs *attrs)
	WORKQ_SYMBOL(apply_workqueue_attrs);

/**
 * workqueue_unbound_housekeeping_update - take CPUs out of all unbound queues, or back in
 * @hk: the CPUs that may do such work
 *
 * Unbound items run on the CPUs that the process may use, that are in @hk (at first all), and
 * that were asked for by the attribute "cpumask" (at first all, or what the environment's
 * WORKQ_UNBOUND_CPUS=LIST says), see workq_attr_write() (O6).
 *
 * Context: any thread; may sleep.
 * Return: 0, or
 *   -EINVAL  @hk is NULL, or no CPU would be left; nothing has changed
 *   -ENOMEM  no memory; some queues may have changed
 *   -EAGAIN  no thread for what a first change needs; nothing has changed
 */
WORKQ_EXTERN_C int workqueue_unbound_housekeeping_update(const struct cpumask *hk)
	WORKQ_SYMBOL(workqueue_unbound_housekeeping_update);

/**
 * workqueue_sysfs_register - as if the queue had been made with WQ_SYSFS
 * @wq: the queue; an unbound one may have got its attributes before
 *
 * See workq_attr_read().
 *
 * Context: any thread; may sleep. Return: 0, or
 *   -EINVAL  @wq is NULL (reported)
 *   -EEXIST  there is one of that name already
 */
WORKQ_EXTERN_C int workqueue_sysfs_register(struct workqueue_struct *wq)
	WORKQ_SYMBOL(workqueue_sysfs_register);

/* ---------------------------------------------------------------- freezing */

/**
 * freeze_workqueues_begin - the items of freezable queues shall stop
 *
 * From now on what is queued on a WQ_FREEZABLE queue waits, whatever the limits; what is active
 * already is finished (N1). Wait for that with freeze_workqueues_busy(), then the queues stand
 * still, for a checkpoint, say, or a fork(). Beginning twice is reported and does nothing (N3).
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void freeze_workqueues_begin(void) WORKQ_SYMBOL(freeze_workqueues_begin);

/**
 * freeze_workqueues_busy - are items of freezable queues still active?
 *
 * Context: any thread; may sleep. Return: true if some are; false also outside of a freeze,
 * which is reported (N3).
 */
WORKQ_EXTERN_C bool freeze_workqueues_busy(void) WORKQ_SYMBOL(freeze_workqueues_busy);

/**
 * thaw_workqueues - end the freeze
 *
 * What was held back starts, in order (N2). Without a freeze it does nothing.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void thaw_workqueues(void) WORKQ_SYMBOL(thaw_workqueues);

/* ----------------------------------------------------------- system queues */

/*
 * The system queues exist from load time. Shared by the whole process: do not
 * flush them, and queue nothing long on the per-CPU ones.
 */
#define WORKQ_SYSTEM_QUEUE(name)                                                                   \
	WORKQ_EXTERN_C struct workqueue_struct *const name WORKQ_SYMBOL(name)
WORKQ_SYSTEM_QUEUE(system_percpu_wq);                    /* per-CPU: what schedule_work() uses */
WORKQ_SYSTEM_QUEUE(system_highpri_wq);                   /* per-CPU, high priority */
WORKQ_SYSTEM_QUEUE(system_long_wq);                      /* per-CPU, for long items */
WORKQ_SYSTEM_QUEUE(system_dfl_wq);                       /* unbound */
WORKQ_SYSTEM_QUEUE(system_dfl_long_wq);                  /* unbound, for long items */
WORKQ_SYSTEM_QUEUE(system_freezable_wq);                 /* per-CPU, freezable */
WORKQ_SYSTEM_QUEUE(system_power_efficient_wq);           /* per-CPU, see WQ_POWER_EFFICIENT */
WORKQ_SYSTEM_QUEUE(system_freezable_power_efficient_wq); /* the same, freezable */
WORKQ_SYSTEM_QUEUE(system_bh_wq);                        /* WQ_BH */
WORKQ_SYSTEM_QUEUE(system_bh_highpri_wq);                /* WQ_BH, high priority */
WORKQ_SYSTEM_QUEUE(system_wq);                           /* deprecated: system_percpu_wq */
WORKQ_SYSTEM_QUEUE(system_unbound_wq);                   /* deprecated: system_dfl_wq */

/* ---------------------------------------------------------------- queueing */

/**
 * queue_work_on - queue an item on a CPU
 * @cpu:  the CPU, or WORK_CPU_UNBOUND for the caller's; a CPU the process may not
 *        use stands for one that it may. For an unbound queue only a hint.
 * @wq:   the queue
 * @work: the item
 *
 * From idle the item becomes pending (A1); of racing callers one gets true
 * (A2). Everything stored before the call is visible to the run, whatever the
 * answer (A5, A6). An item still running is queued where it runs, so that it
 * never runs twice at once (B3, B4).
 *
 * Context: any thread, signal handler. No allocation, no sleep, no waiting for a lock.
 * Return:
 *   true   handed over: it will run once. Also for an item refused because @wq
 *          is being drained or destroyed and the caller is not one of its
 *          items (reported once, the item is idle again: A8), and for an item
 *          without function (reported, dropped)
 *   false  it was pending already and will run once (A1), or it is disabled (H1); or
 *          this was the library's first use and it could not start (reported)
 */
WORKQ_EXTERN_C bool queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)
	WORKQ_SYMBOL(queue_work_on);

/**
 * queue_work - queue an item on the caller's CPU
 * @wq:   the queue
 * @work: the item
 *
 * Context, Return: see queue_work_on().
 */
WORKQ_EXTERN_C bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
	WORKQ_SYMBOL(queue_work);

/**
 * queue_work_node - queue an item near a memory node
 * @node: the node, as the system numbers them
 * @wq:   the queue; unbound, else this is reported (once) and the item queued nevertheless
 * @work: the item
 *
 * On the caller's CPU if that belongs to the node, else on one of the node's; where
 * there is no such node, as queue_work().
 *
 * Context, Return: see queue_work_on().
 */
WORKQ_EXTERN_C bool queue_work_node(int node, struct workqueue_struct *wq, struct work_struct *work)
	WORKQ_SYMBOL(queue_work_node);

/**
 * schedule_work_on - queue_work_on() with system_percpu_wq
 * @cpu:  the CPU
 * @work: the item
 *
 * Context, Return: see queue_work_on().
 */
static inline bool schedule_work_on(int cpu, struct work_struct *work)
{
	return queue_work_on(cpu, system_percpu_wq, work);
}

/**
 * schedule_work - queue_work() with system_percpu_wq
 * @work: the item
 *
 * Context, Return: see queue_work_on().
 */
static inline bool schedule_work(struct work_struct *work)
{
	return queue_work(system_percpu_wq, work);
}

/**
 * queue_delayed_work_on - queue an item on a CPU, later
 * @cpu:   the CPU, or WORK_CPU_UNBOUND for the one that calls now; see queue_work_on()
 * @wq:    the queue; must live until the item is queued or cancelled, see destroy_workqueue()
 * @dwork: the item
 * @delay: in jiffies, that is, milliseconds; 0 is queue_work_on() at once, without a timer (I1).
 *         More than MAX_JIFFY_OFFSET, 146 million years, is cut to that.
 *
 * Never earlier than @delay (I2), and at most one jiffy later plus the time until threads get
 * to run. Pending meanwhile (I3). Which of two items with the same time is queued first is
 * not said (I6).
 *
 * Context: any thread, signal handler. No allocation, no sleep, no waiting for a lock.
 * Return: see queue_work_on(). A queue that is being drained takes the item, but refuses it if
 *   it becomes due before the drain has ended (F5).
 */
WORKQ_EXTERN_C bool queue_delayed_work_on(int cpu, struct workqueue_struct *wq,
					  struct delayed_work *dwork, unsigned long delay)
	WORKQ_SYMBOL(queue_delayed_work_on);

/**
 * queue_delayed_work - queue an item on the caller's CPU, later
 * @wq:    the queue
 * @dwork: the item
 * @delay: in jiffies
 *
 * Context, Return: see queue_delayed_work_on().
 */
static inline bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
				      unsigned long delay)
{
	return queue_delayed_work_on(WORK_CPU_UNBOUND, wq, dwork, delay);
}

/**
 * schedule_delayed_work_on - queue_delayed_work_on() with system_percpu_wq
 * @cpu:   the CPU
 * @dwork: the item
 * @delay: in jiffies
 *
 * Context, Return: see queue_delayed_work_on().
 */
static inline bool schedule_delayed_work_on(int cpu, struct delayed_work *dwork,
					    unsigned long delay)
{
	return queue_delayed_work_on(cpu, system_percpu_wq, dwork, delay);
}

/**
 * schedule_delayed_work - queue_delayed_work() with system_percpu_wq
 * @dwork: the item
 * @delay: in jiffies
 *
 * Context, Return: see queue_delayed_work_on().
 */
static inline bool schedule_delayed_work(struct delayed_work *dwork, unsigned long delay)
{
	return queue_delayed_work(system_percpu_wq, dwork, delay);
}

/**
 * mod_delayed_work_on - queue an item after a new delay, whatever its state
 * @cpu:   the CPU, see queue_delayed_work_on()
 * @wq:    the queue; may be another one than before
 * @dwork: the item
 * @delay: in jiffies; 0 queues it at once
 *
 * A pending item is pulled back, from its timer or from its queue, and starts
 * anew: called often enough it keeps the item from ever running (I4). A run in
 * progress is not touched.
 *
 * Context: any thread; not a signal handler.
 * Return:
 *   true   it was pending; now it is with the new delay
 *   false  it was idle and is now pending; or it is disabled or being cancelled, then
 *          nothing was done (H4)
 */
WORKQ_EXTERN_C bool mod_delayed_work_on(int cpu, struct workqueue_struct *wq,
					struct delayed_work *dwork, unsigned long delay)
	WORKQ_SYMBOL(mod_delayed_work_on);

/**
 * mod_delayed_work - mod_delayed_work_on() with the caller's CPU
 * @wq:    the queue
 * @dwork: the item
 * @delay: in jiffies
 *
 * Context, Return: see mod_delayed_work_on().
 */
static inline bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
				    unsigned long delay)
{
	return mod_delayed_work_on(WORK_CPU_UNBOUND, wq, dwork, delay);
}

/* ------------------------------------------------------- waiting for items */

/**
 * flush_work - wait until an item has run
 * @work: the item
 *
 * Waits for the item's last queueing as of the call (E1); a queueing after the
 * call began is not waited for (E2). If that queueing is cancelled meanwhile,
 * it returns at once (E6). From the item's own function it would wait for
 * itself: reported, not waited.
 *
 * Context: any thread; may sleep. Return: true if it waited, false if the item was idle.
 */
WORKQ_EXTERN_C bool flush_work(struct work_struct *work) WORKQ_SYMBOL(flush_work);

/**
 * flush_delayed_work - run a delayed item now, and wait until it has run
 * @dwork: the item
 *
 * An armed timer is cancelled and the item queued at once (E3); then as
 * flush_work(). On the item inside, &dwork->work, flush_work() does not wait for the timer.
 *
 * Context: any thread; may sleep. Return: true if it waited, false if the item was idle.
 */
WORKQ_EXTERN_C bool flush_delayed_work(struct delayed_work *dwork) WORKQ_SYMBOL(flush_delayed_work);

/**
 * work_on_cpu, work_on_cpu_key - call a function on a CPU, and wait for its result
 * @cpu: the CPU; one that the process may not use stands for one that it may
 * @fn:  the function; a worker calls it, as an item of system_percpu_wq
 * @arg: its argument
 *
 * The caller must not hold a lock that @fn needs.
 *
 * Context: any thread; may sleep.
 * Return: what @fn returned, or
 *   -EINVAL  @fn is NULL (reported)
 *   -EAGAIN  this was the library's first use and it could not start (reported)
 */
WORKQ_EXTERN_C long work_on_cpu(int cpu, long (*fn)(void *arg), void *arg)
	WORKQ_SYMBOL(work_on_cpu);
#define work_on_cpu_key(cpu, fn, arg, key) work_on_cpu((cpu), (fn), (arg))

/**
 * schedule_on_each_cpu - run a function on each CPU at once, and wait until all have
 * @func: the function; gets an item of its own on each CPU that the process may use now
 *
 * Slow: it waits for the busiest CPU. The items live until the last one has run.
 *
 * Context: any thread; may sleep.
 * Return: 0, or
 *   -ENOMEM  no memory for the items
 *   -EINVAL  @func is NULL (reported)
 *   -EAGAIN  this was the library's first use and it could not start (reported)
 */
WORKQ_EXTERN_C int schedule_on_each_cpu(work_func_t func) WORKQ_SYMBOL(schedule_on_each_cpu);

/**
 * struct execute_work - an item for execute_in_process_context()
 * @work: the item
 */
struct execute_work {
	struct work_struct work;
};

/**
 * execute_in_process_context - call a function here if it may sleep here, else as an item
 * @fn: the function
 * @ew: memory for the item; @fn gets &ew->work in both cases
 *
 * In items of WQ_BH queues and in the callbacks of timers nothing may sleep: there @ew is
 * initialised and queued on system_percpu_wq. Flush or cancel &ew->work before @ew goes.
 *
 * Context: any thread. Return: 0: @fn was called; 1: @fn is queued.
 */
WORKQ_EXTERN_C int execute_in_process_context(work_func_t fn, struct execute_work *ew)
	WORKQ_SYMBOL(execute_in_process_context);

/**
 * flush_workqueue, __flush_workqueue - wait until everything queued so far has run
 * @wq: the queue; one of the system's is reported, once, since nobody knows what else is
 *      queued there
 *
 * Items queued later, also by the items waited for, do not hold it up (D1), nor
 * do delayed items whose timers are armed (D2). Any number of callers at once
 * (D3). From a function of one of @wq's items it would wait for itself: reported,
 * not waited.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void flush_workqueue(struct workqueue_struct *wq) WORKQ_SYMBOL(flush_workqueue);
#define __flush_workqueue(wq) flush_workqueue(wq)

/**
 * flush_scheduled_work - flush_workqueue(system_percpu_wq), and a report that this is unwise
 *
 * Nobody knows what else is queued there. Flush your own items instead.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void flush_scheduled_work(void) WORKQ_SYMBOL(flush_scheduled_work);

/**
 * drain_workqueue - wait until a queue is empty
 * @wq: the queue
 *
 * While it waits only items of @wq may queue items on @wq (F1); others' are
 * refused, see queue_work_on(). Chains are followed to their end (F2); an item
 * that requeues itself for ever keeps it waiting, with a report now and then (F3).
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void drain_workqueue(struct workqueue_struct *wq) WORKQ_SYMBOL(drain_workqueue);

/* ------------------------------------------------------------ taking back */

/**
 * cancel_work - take a pending item back
 * @work: the item
 *
 * Does not wait for a run in progress.
 *
 * Context: any thread; not a signal handler.
 * Return: true if it was pending: that run will not happen (G1). Else false.
 */
WORKQ_EXTERN_C bool cancel_work(struct work_struct *work) WORKQ_SYMBOL(cancel_work);

/**
 * cancel_work_sync - take an item back and wait until it does not run
 * @work: the item
 *
 * While it waits, every queueing of the item is refused (G3), its own too. On
 * return the item is neither pending nor running, unless queued since (G4).
 * From the item's own function the run is not waited for (reported).
 *
 * Context: any thread; may sleep. Return: true if it was pending (G2).
 */
WORKQ_EXTERN_C bool cancel_work_sync(struct work_struct *work) WORKQ_SYMBOL(cancel_work_sync);

/**
 * disable_work - cancel_work(), and refuse queueing until enable_work()
 * @work: the item
 *
 * Nests up to 65535 deep; one more is reported, once, and not counted (H1).
 *
 * Context: any thread; not a signal handler. Return: true if it was pending.
 */
WORKQ_EXTERN_C bool disable_work(struct work_struct *work) WORKQ_SYMBOL(disable_work);

/**
 * disable_work_sync - cancel_work_sync(), and refuse queueing until enable_work()
 * @work: the item
 *
 * Context: any thread; may sleep. Return: true if it was pending.
 */
WORKQ_EXTERN_C bool disable_work_sync(struct work_struct *work) WORKQ_SYMBOL(disable_work_sync);

/**
 * enable_work - undo one disable_work()
 * @work: the item
 *
 * Queues nothing: what was refused meanwhile is lost (H2). Without a
 * disable_work() before: reported, once, true, and a pending run is dropped.
 *
 * Context: any thread; not a signal handler.
 * Return: true if the item can be queued again.
 */
WORKQ_EXTERN_C bool enable_work(struct work_struct *work) WORKQ_SYMBOL(enable_work);

/**
 * enable_and_queue_work - enable_work(), and queue_work() if that gave true
 * @wq:   the queue
 * @work: the item
 *
 * Context: any thread; not a signal handler. Return: true if enabled, and so queued.
 */
static inline bool enable_and_queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	if (!enable_work(work))
		return false;
	queue_work(wq, work);
	return true;
}

/**
 * cancel_delayed_work, cancel_delayed_work_sync - cancel_work() for a delayed item
 * @dwork: the item
 *
 * Disarms the timer, or takes the item off its queue; as cancel_work() and
 * cancel_work_sync(). Given &dwork->work, those wait until the timer has fired (G8).
 *
 * Context: any thread, not a signal handler; the sync form may sleep.
 * Return: true if it was pending.
 */
WORKQ_EXTERN_C bool cancel_delayed_work(struct delayed_work *dwork)
	WORKQ_SYMBOL(cancel_delayed_work);
WORKQ_EXTERN_C bool cancel_delayed_work_sync(struct delayed_work *dwork)
	WORKQ_SYMBOL(cancel_delayed_work_sync);

/**
 * disable_delayed_work, disable_delayed_work_sync - disable_work() for a delayed item
 * @dwork: the item
 *
 * Disarms the timer first (H3). See disable_work(), disable_work_sync().
 *
 * Context: any thread, not a signal handler; the sync form may sleep.
 * Return: true if it was pending.
 */
WORKQ_EXTERN_C bool disable_delayed_work(struct delayed_work *dwork)
	WORKQ_SYMBOL(disable_delayed_work);
WORKQ_EXTERN_C bool disable_delayed_work_sync(struct delayed_work *dwork)
	WORKQ_SYMBOL(disable_delayed_work_sync);

/**
 * enable_delayed_work - enable_work() for a delayed item
 * @dwork: the item
 *
 * Does not arm the timer again (H3).
 *
 * Context: any thread; not a signal handler. Return: true if the item can be queued again.
 */
WORKQ_EXTERN_C bool enable_delayed_work(struct delayed_work *dwork)
	WORKQ_SYMBOL(enable_delayed_work);

/* --------------------------------------------- items after a grace period */

/**
 * struct rcu_work - a work item that is queued when a grace period of RCU is over
 * @work: the item; what is said of items holds for it
 * @rcu:  private: liburcu's
 * @wq:   private: the queue it will be queued on
 *
 * 56 bytes. For memory that readers may still look at: made unreachable, and then
 * freed by the item inside it. Pending from queue_rcu_work() until its function is
 * entered. RCU is liburcu's (package liburcu-dev); see workq_set_rcu_flavor().
 */
struct rcu_work {
	struct work_struct work;
	struct {
		void *next;
		void *func;
	} rcu;
	struct workqueue_struct *wq;
};

/**
 * to_rcu_work - in a work function, the rcu item around the item
 * @work: the item
 */
static inline struct rcu_work *to_rcu_work(struct work_struct *work)
{
	return container_of(work, struct rcu_work, work);
}

static inline void workq_init_rcu_work(struct rcu_work *rwork, work_func_t func)
{
	workq_init_work(&rwork->work, func);
	rwork->rcu.next = NULL;
	rwork->rcu.func = NULL;
	rwork->wq = NULL;
}

/**
 * INIT_RCU_WORK, INIT_RCU_WORK_ONSTACK - initialise an rcu item at run time
 * @_work: the item, a struct rcu_work; idle
 * @_func: its function
 *
 * See INIT_WORK(). For one on the stack: destroy_work_on_stack() of &_work->work in the end.
 *
 * Context: any thread, signal handler.
 */
#define INIT_RCU_WORK(_work, _func)         workq_init_rcu_work((_work), (_func))
#define INIT_RCU_WORK_ONSTACK(_work, _func) workq_init_rcu_work((_work), (_func))

/**
 * queue_rcu_work - queue an item when a grace period is over
 * @wq:    the queue
 * @rwork: the item
 *
 * After true, every read-side critical section that had begun before the call is
 * over when the item runs (J1). Until then it is pending, and cannot be taken back: cancel_work()
 * and disable_work() of the item inside, &rwork->work, wait until it is queued, and
 * flush_work() does not wait for it. It is queued on the CPU of liburcu's thread.
 *
 * Context: any thread, also inside a read-side critical section; not a signal handler. It is a
 *   call_rcu(): in flavours but "bp" the thread should be registered as a reader, and
 *   the first call makes a thread of liburcu's.
 * Return:
 *   true   it will be queued, see queue_work_on(); a queue that is being drained when the
 *          grace period ends refuses it, and one that is being destroyed refuses it now (A8)
 *   false  it was pending already: of the grace period of *this* call nothing is said; or it
 *          is disabled (reported, once); or there is no liburcu (reported, once)
 */
WORKQ_EXTERN_C bool queue_rcu_work(struct workqueue_struct *wq, struct rcu_work *rwork)
	WORKQ_SYMBOL(queue_rcu_work);

/**
 * flush_rcu_work - wait until an rcu item has had its grace period and has run
 * @rwork: the item
 *
 * Waits for all grace periods that items wait for, as rcu_barrier() does; then as flush_work().
 * Inside a read-side critical section it would wait for itself: reported, not
 * waited. Not for liburcu's own threads, that is, functions given to call_rcu(). A
 * thread of the flavour QSBR should be offline.
 *
 * Context: any thread; may sleep. Return: true if it waited, false if the item was idle.
 */
WORKQ_EXTERN_C bool flush_rcu_work(struct rcu_work *rwork) WORKQ_SYMBOL(flush_rcu_work);

/* ----------------------------------------------------------------- looking */

/**
 * work_pending - does the item wait for a run?
 * @work: the item
 *
 * False inside the item's own function, unless it was queued again (A3).
 *
 * Context: any thread, signal handler. Return: outdated when it arrives.
 */
WORKQ_EXTERN_C bool work_pending(const struct work_struct *work) WORKQ_SYMBOL(work_pending);

/**
 * delayed_work_pending - does the delayed item wait, for its timer or for a run?
 * @dwork: the item
 *
 * Context: any thread, signal handler. Return: outdated when it arrives.
 */
static inline bool delayed_work_pending(const struct delayed_work *dwork)
{
	return dwork && work_pending(&dwork->work);
}

/**
 * work_busy - does the item wait or run?
 * @work: the item
 *
 * Context: any thread; not a signal handler.
 * Return: WORK_BUSY_PENDING and WORK_BUSY_RUNNING or'ed; advisory.
 */
WORKQ_EXTERN_C unsigned int work_busy(struct work_struct *work) WORKQ_SYMBOL(work_busy);

/**
 * current_work - the item whose function the calling thread is in
 *
 * Context: any thread, signal handler.
 * Return: the item, or NULL outside of work functions, also in a timer's callback and in an
 *   item of a WQ_BH queue.
 */
WORKQ_EXTERN_C struct work_struct *current_work(void) WORKQ_SYMBOL(current_work);

/**
 * current_is_workqueue_rescuer - is the calling thread a queue's rescuer?
 *
 * Context: any thread, signal handler.
 * Return: true in the work function of an item that the rescuer of a WQ_MEM_RECLAIM queue
 *   runs (K5).
 */
WORKQ_EXTERN_C bool current_is_workqueue_rescuer(void) WORKQ_SYMBOL(current_is_workqueue_rescuer);

/**
 * current_is_workqueue_mem_reclaim - is the caller in an item that must not wait for memory?
 *
 * Such an item reports, once, if it flushes an item or a queue that does not
 * have WQ_MEM_RECLAIM itself. Cancelling it is not reported (G9).
 *
 * Context: any thread, signal handler.
 * Return: true in the work functions of a WQ_MEM_RECLAIM queue; not of one that
 *   create_workqueue() or its kin made.
 */
WORKQ_EXTERN_C bool current_is_workqueue_mem_reclaim(void)
	WORKQ_SYMBOL(current_is_workqueue_mem_reclaim);

/**
 * set_worker_desc - say what the work function is busy with
 * @fmt: printf-like format; at most WORKER_DESC_LEN - 1 characters of the text are kept
 * @...: its arguments
 *
 * In place of the queue's name, until the function returns and the worker starts
 * another item; see workq_worker_comm() (S). Not in the name that the system knows,
 * which has no room. Does nothing outside of work functions.
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void set_worker_desc(const char *fmt, ...) WORKQ_SYMBOL(set_worker_desc)
	__attribute__((format(printf, 1, 2)));

/**
 * print_worker_info - report what a worker is busy with
 * @log_lvl: put in front of the text; NULL for nothing
 * @tid:     thread id of the worker, as gettid() gives it; the kernel takes its task
 *
 * "workq: Workqueue: QUEUE FUNCTION (DESCRIPTION)", the last only after
 * set_worker_desc(); to where workq_set_report_fn() says. No line if the thread is no
 * worker, or has no item.
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_EXTERN_C void print_worker_info(const char *log_lvl, int tid) WORKQ_SYMBOL(print_worker_info);

/**
 * show_all_workqueues - report what every queue and pool is busy with
 *
 * In lines that begin with "workq: ", to where workq_set_report_fn() says, such as
 *
 *   Showing busy workqueues and worker pools:
 *   workqueue events: flags=0x100
 *     pwq 1: cpus=0 flags=0x0 nice=0 active=2/1024
 *       in-flight: 4711:poll_device for 31s BAR(4700)
 *       pending: 2*poll_device, flush_log
 *   pool 1: cpus=0 flags=0x0 nice=0 hung=0s workers=2
 *     idle: 4712
 *
 * Queues without items are left out, and pools whose workers are all idle. A pwq
 * is a queue's share of the pool with that number; "active" is followed by
 * max_active. Numbers before a colon, and of idle workers, are thread ids; BAR is a
 * thread that waits for the item before it; items held back by max_active stand
 * under "inactive". An item has run at least as long as it says: the watchdog,
 * or an earlier call, must have seen it. Long lists are cut.
 *
 * Context: any thread; may sleep. Queues cannot be made or destroyed meanwhile.
 */
WORKQ_EXTERN_C void show_all_workqueues(void) WORKQ_SYMBOL(show_all_workqueues);

/**
 * show_freezable_workqueues - show_all_workqueues() for WQ_FREEZABLE queues, without the pools
 *
 * Context: any thread; may sleep. Queues cannot be made or destroyed meanwhile.
 */
WORKQ_EXTERN_C void show_freezable_workqueues(void) WORKQ_SYMBOL(show_freezable_workqueues);

/**
 * show_one_workqueue - report what a queue is busy with
 * @wq: the queue
 *
 * Its lines of show_all_workqueues(); none if it is idle.
 *
 * Context: any thread; may sleep.
 */
WORKQ_EXTERN_C void show_one_workqueue(struct workqueue_struct *wq)
	WORKQ_SYMBOL(show_one_workqueue);

/**
 * wq_watchdog_touch - a CPU had good reason to start no items
 * @cpu: the CPU; a negative one, or WORK_CPU_UNBOUND, stands for all, and the unbound pools
 *
 * Sets the watchdog's clock of its pools back. The watchdog reports a pool in which items
 * wait and none has started for WORKQ_WATCHDOG_THRESH_MS (by default 30000; 0: never), and
 * again each time that has passed (R1): "workq: BUG: workqueue lockup - pool ... stuck
 * for 30s!", and then what show_all_workqueues() says. It may take half of the threshold more.
 *
 * Context: any thread, signal handler.
 */
WORKQ_EXTERN_C void wq_watchdog_touch(int cpu) WORKQ_SYMBOL(wq_watchdog_touch);

#endif /* WORKQ_WORKQUEUE_H */
