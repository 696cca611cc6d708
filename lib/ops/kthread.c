/* SPDX-License-Identifier: MIT */
/*
 * kthread.c - kthreads: make, bind, stop, park.
 *
 * The thread exists from the beginning and sleeps until it is started. Its life is under
 * wq_tasks_lock; being woken is not.
 */
#include "ops/kthread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/report.h"
#include "core/cpus.h"
#include "ops/init.h"
#include "ops/kworker.h"
#include "ops/task.h"

/* After a failure to make a thread: try again this much later. */
#define RETRY_NS 10000000ull

/* What callers wait for. */
enum { PARKED, ENDED };

static struct wq_waiter *waiters; /* P: for a task to park or to end */

/* A: each is reported once. */
static uint32_t said_self, said_busy, said_cpu, said_no_thread;

static bool is_kthread(struct task_struct *task, const char *caller)
{
	if (task && !IS_ERR(task) && task->threadfn)
		return true;
	wq_warn("no kthread given to ", caller);
	return false;
}

/* ------------------------------------------------------- inside the thread */

static void bind_self(int cpu)
{
	struct wq_cpuset cpus;
	int err = -EINVAL;

	if ((unsigned int)cpu < WQ_MAX_CPUS) {
		wq_cpuset_clear(&cpus);
		wq_cpuset_add(&cpus, (unsigned int)cpu);
		err = wq_os_thread_set_cpus(&cpus);
	}
	if (err)
		wq_note_once(&said_cpu,
			     "the process may not use the CPU of a kthread: ", wq_task_self->name);
}

/* The task may belong to somebody else when it returns. */
static void end(struct task_struct *task, int result)
{
	wq_lock_acquire(&wq_tasks_lock);
	task->result = result;
	wq_fetch_or_acq_rel(&task->flags, WQ_TASK_IS_ENDED);
	wq_store_relaxed(&task->state, (uint32_t)TASK_RUNNING);
	wq_waiter_complete(&waiters, task, task, PARKED);
	wq_waiter_complete(&waiters, task, task, ENDED);
	wq_task_self = NULL;
	wq_task_put_locked(task);
	wq_lock_release(&wq_tasks_lock);
}

static void serve_again(void *arg);

/* A kthread_worker goes on without the thread, on another one, however long that takes. */
static void hand_over(struct task_struct *task)
{
	struct wq_cpuset cpus;

	wq_kworker_abandon(task->data);
	wq_task_self = NULL;
	wq_cpus_copy_allowed(&cpus);
	while (wq_os_thread_create(serve_again, task, &cpus)) {
		wq_note_once(&said_no_thread,
			     "no thread for a kthread_worker that has lost its own, trying again: ",
			     task->name);
		wq_os_sleep_ns(RETRY_NS);
	}
}

/* O: in which process it began */
static __thread unsigned int generation;

/* The thread ends inside its function. */
static void end_early(void)
{
	struct task_struct *task = wq_task_self;

	/* in the child of fork() the worker is not the thread's any more */
	if (task->threadfn == kthread_worker_fn && generation == wq_fork_generation)
		hand_over(task);
	else
		end(task, -ECANCELED);
}

static void begin(struct task_struct *task)
{
	wq_init_use();
	generation = wq_fork_generation;
	wq_task_self = task;
	wq_os_thread_set_ended_fn(end_early);
	wq_os_thread_set_name(task->name);
}

static void serve_again(void *arg)
{
	struct task_struct *task = arg;

	begin(task);
	if (task->cpu != -1)
		bind_self(task->cpu);
	end(task, task->threadfn(task->data));
}

static void run_kthread(void *arg)
{
	struct task_struct *task = arg;
	int result = -EINTR;

	begin(task);
	wq_task_sleep(task, WQ_FOREVER);
	if (task->cpu != -1)
		bind_self(task->cpu);
	kthread_parkme();
	if (!kthread_should_stop() || wq_task_self_has(WQ_TASK_IS_WOKEN))
		result = task->threadfn(task->data);
	end(task, result);
}

bool kthread_should_stop(void)
{
	return wq_task_self_has(WQ_TASK_SHOULD_STOP);
}

bool kthread_should_park(void)
{
	return wq_task_self_has(WQ_TASK_SHOULD_PARK);
}

void *kthread_data(struct task_struct *task)
{
	return task->data;
}

void *kthread_func(struct task_struct *task)
{
	return (void *)(uintptr_t)task->threadfn;
}

/* ------------------------------------------------------------------ making */

static struct task_struct *start(struct task_struct *task)
{
	struct wq_cpuset cpus;
	int err;

	wq_cpus_copy_allowed(&cpus);
	err = wq_os_thread_create(run_kthread, task, &cpus);
	if (!err)
		return task;
	put_task_struct(task);
	return ERR_PTR(err);
}

struct task_struct *wq_kthread_create(int (*threadfn)(void *data), void *data, int cpu,
				      const char *name)
{
	struct task_struct *task;

	if (!threadfn || !name) {
		wq_warn("kthread_create() without a ", threadfn ? "name" : "function");
		return ERR_PTR(-EINVAL);
	}
	if (!wq_init_use())
		return ERR_PTR(-EAGAIN);
	task = wq_task_alloc();
	if (!task)
		return ERR_PTR(-ENOMEM);
	task->threadfn = threadfn;
	task->data = data;
	task->cpu = cpu;
	snprintf(task->name, sizeof(task->name), "%s", name);
	return start(task);
}

const char *wq_kthread_name(char name[WQ_TASK_NAME_LEN], const char *namefmt, va_list args)
{
	if (!namefmt)
		return NULL;
	vsnprintf(name, WQ_TASK_NAME_LEN, namefmt, args);
	return name;
}

const char *wq_kthread_name_on(char name[WQ_TASK_NAME_LEN], const char *namefmt, unsigned int cpu)
{
	const char *percent, *rest;

	if (!namefmt)
		return NULL;
	percent = strchr(namefmt, '%');
	if (!percent) {
		snprintf(name, WQ_TASK_NAME_LEN, "%s", namefmt);
		return name;
	}
	rest = percent + strcspn(percent, "ud");
	snprintf(name, WQ_TASK_NAME_LEN, "%.*s%u%s", (int)(percent - namefmt), namefmt, cpu,
		 *rest ? rest + 1 : rest);
	return name;
}

struct task_struct *kthread_create_on_node(int (*threadfn)(void *data), void *data, int node,
					   const char *namefmt, ...)
{
	char buf[WQ_TASK_NAME_LEN];
	const char *name;
	va_list args;

	(void)node;
	va_start(args, namefmt);
	name = wq_kthread_name(buf, namefmt, args);
	va_end(args);
	return wq_kthread_create(threadfn, data, -1, name);
}

struct task_struct *kthread_create_on_cpu(int (*threadfn)(void *data), void *data, unsigned int cpu,
					  const char *namefmt)
{
	char buf[WQ_TASK_NAME_LEN];

	return wq_kthread_create(threadfn, data, (int)cpu, wq_kthread_name_on(buf, namefmt, cpu));
}

void kthread_bind(struct task_struct *task, unsigned int cpu)
{
	bool is_new;

	if (!is_kthread(task, "kthread_bind()"))
		return;
	wq_lock_acquire(&wq_tasks_lock);
	is_new = wq_load_relaxed(&task->state) == WQ_TASK_NEW;
	if (is_new)
		task->cpu = (int)cpu;
	wq_lock_release(&wq_tasks_lock);
	if (!is_new)
		wq_warn("kthread_bind() of a thread that has been started: ", task->name);
}

/* ---------------------------------------------------------------- stopping */

/* Have it go on, if it is parked or about to be; who waits for that need not. */
static void unpark_locked(struct task_struct *task)
{
	wq_assert_held(&wq_tasks_lock);
	wq_fetch_and_acq_rel(&task->flags, ~(uint32_t)WQ_TASK_SHOULD_PARK);
	wq_waiter_complete(&waiters, task, task, PARKED);
	wq_task_wake(task, WQ_TASK_PARKED);
}

/* Wait for the event; the lock is released. */
static void wait_locked(struct task_struct *task, unsigned int event)
{
	struct wq_waiter waiter = { .owner = task, .item = task, .event = event };

	wq_assert_held(&wq_tasks_lock);
	wq_waiter_add(&waiters, &waiter);
	wq_lock_release(&wq_tasks_lock);
	wq_waiter_wait(&waiter);
}

/* A kthread that runs in the parent has ended, as seen from the child of fork(). */
static void end_if_elsewhere_locked(struct task_struct *task)
{
	wq_assert_held(&wq_tasks_lock);
	if (!wq_task_is_elsewhere(task) || wq_load_relaxed(&task->flags) & WQ_TASK_IS_ENDED)
		return;
	wq_store_relaxed(&task->flags, (uint32_t)WQ_TASK_IS_ENDED);
	wq_store_relaxed(&task->state, (uint32_t)TASK_RUNNING);
	task->result = -EINTR;
	wq_task_put_locked(task);
}

/* With a reference, which it gives back. */
static int stop_locked(struct task_struct *task)
{
	int result;

	wq_fetch_or_acq_rel(&task->flags, WQ_TASK_SHOULD_STOP);
	unpark_locked(task);
	wq_task_wake(task, TASK_NORMAL | WQ_TASK_NEW);
	if (!(wq_load_relaxed(&task->flags) & WQ_TASK_IS_ENDED)) {
		wait_locked(task, ENDED);
		wq_lock_acquire(&wq_tasks_lock);
	}
	result = task->result;
	wq_task_put_locked(task);
	return result;
}

int kthread_stop(struct task_struct *task)
{
	bool is_again;
	int result;

	if (!is_kthread(task, "kthread_stop()") || !wq_init_use())
		return -EINVAL;
	if (task == wq_task_self) {
		wq_warn_once(&said_self,
			     "a kthread would wait for its own end; not stopping: ", task->name);
		return -EINVAL;
	}
	wq_lock_acquire(&wq_tasks_lock);
	wq_task_get_locked(task);
	end_if_elsewhere_locked(task);
	is_again = wq_load_relaxed(&task->flags) & WQ_TASK_SHOULD_STOP;
	result = stop_locked(task);
	wq_lock_release(&wq_tasks_lock);
	if (is_again)
		wq_warn("kthread_stop() was called before for ", task->name);
	return result;
}

int kthread_stop_put(struct task_struct *task)
{
	int result = kthread_stop(task);

	if (task && !IS_ERR(task))
		put_task_struct(task);
	return result;
}

void wq_kthread_reset(void)
{
	waiters = NULL;
}

/* ----------------------------------------------------------------- parking */

/* True: it is to sleep now. */
static bool begin_to_park(struct task_struct *task)
{
	bool must_park;

	wq_lock_acquire(&wq_tasks_lock);
	must_park = wq_load_relaxed(&task->flags) & WQ_TASK_SHOULD_PARK;
	if (must_park) {
		wq_store_relaxed(&task->state, WQ_TASK_PARKED);
		wq_waiter_complete(&waiters, task, task, PARKED);
	}
	wq_lock_release(&wq_tasks_lock);
	return must_park;
}

void kthread_parkme(void)
{
	struct task_struct *task = wq_task_self;

	while (kthread_should_park() && begin_to_park(task))
		wq_task_sleep(task, WQ_FOREVER);
}

/* Until it is parked, or has ended; the lock is released. */
static void park_locked(struct task_struct *task)
{
	wq_fetch_or_acq_rel(&task->flags, WQ_TASK_SHOULD_PARK);
	if (task == wq_task_self) {
		wq_lock_release(&wq_tasks_lock);
		return;
	}
	wq_task_wake(task, TASK_NORMAL | WQ_TASK_NEW);
	wait_locked(task, PARKED);
}

/* Why it cannot be parked, or 0. */
static int error_to_park(const struct task_struct *task)
{
	uint32_t flags = wq_load_relaxed(&task->flags);

	if (flags & (WQ_TASK_IS_ENDED | WQ_TASK_SHOULD_STOP))
		return -ENOSYS;
	return flags & WQ_TASK_SHOULD_PARK ? -EBUSY : 0;
}

int kthread_park(struct task_struct *task)
{
	int err;

	if (!is_kthread(task, "kthread_park()") || !wq_init_use())
		return -ENOSYS;
	wq_lock_acquire(&wq_tasks_lock);
	end_if_elsewhere_locked(task);
	err = error_to_park(task);
	if (!err) {
		wq_task_get_locked(task);
		park_locked(task);
		wq_lock_acquire(&wq_tasks_lock);
		if (wq_load_relaxed(&task->flags) & (WQ_TASK_IS_ENDED | WQ_TASK_SHOULD_STOP))
			err = -ENOSYS;
		wq_task_put_locked(task);
	}
	wq_lock_release(&wq_tasks_lock);
	if (err == -EBUSY)
		wq_warn_once(&said_busy, "kthread_park() of a parked thread: ", task->name);
	return err;
}

void kthread_unpark(struct task_struct *task)
{
	if (!is_kthread(task, "kthread_unpark()"))
		return;
	wq_lock_acquire(&wq_tasks_lock);
	if (wq_load_relaxed(&task->flags) & WQ_TASK_SHOULD_PARK) {
		wq_fetch_or_acq_rel(&task->flags, WQ_TASK_IS_WOKEN);
		unpark_locked(task);
	}
	wq_lock_release(&wq_tasks_lock);
}
