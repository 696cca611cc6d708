/* SPDX-License-Identifier: MIT */
/*
 * sched.c - sleeping and waking as the kernel does it: set_current_state(), schedule(), msleep().
 *
 * A thread that is given no task for want of memory cannot be woken: it sleeps for the time it
 * wanted, or not at all.
 */
#include <workq/sched.h>

#include "base/os.h"
#include "base/report.h"
#include "core/shard.h"
#include "ops/init.h"
#include "ops/task.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull

/* Longer ones, of more than 146 years, have no end. */
#define LONGEST_TIMEOUT (LONG_MAX / 2 / (long)WQ_NS_PER_JIFFY)

struct task_struct *workq_current_task(void)
{
	return wq_task_current();
}

/* ------------------------------------------------------ the state, schedule */

static void set_state(unsigned int state)
{
	struct task_struct *task = wq_task_current();

	if (task)
		wq_store_relaxed(&task->state, state);
}

void set_current_state(unsigned int state)
{
	set_state(state);
	/* order: TASK-SLEEP pairs with TASK-WAKE */
	wq_fence_seq_cst();
}

void __set_current_state(unsigned int state)
{
	set_state(state);
}

int wake_up_process(struct task_struct *task)
{
	if (!task) {
		wq_warn("wake_up_process() without a task", "");
		return 0;
	}
	/* before it is woken: then it may look at once */
	if (wq_load_relaxed(&task->state) == WQ_TASK_NEW)
		wq_fetch_or_acq_rel(&task->flags, WQ_TASK_IS_WOKEN);
	return wq_task_wake(task, TASK_NORMAL | WQ_TASK_NEW);
}

/* Until woken; in TASK_RUNNING only let others run. */
static void schedule_until(struct task_struct *task, uint64_t deadline_ns)
{
	if (task && wq_load_acquire(&task->state) != TASK_RUNNING)
		wq_task_sleep(task, deadline_ns);
	else
		wq_os_yield();
}

void schedule(void)
{
	schedule_until(wq_task_current(), WQ_FOREVER);
}

int cond_resched(void)
{
	wq_os_yield();
	return 0;
}

/* ------------------------------------------------------------- timeouts */

/* What is left until then, in units of that many nanoseconds, rounded up. */
static unsigned long left_until(uint64_t deadline_ns, uint64_t unit_ns)
{
	uint64_t now = wq_os_now_ns();

	return now < deadline_ns ? (deadline_ns - now + unit_ns - 1) / unit_ns : 0;
}

signed long schedule_timeout(signed long timeout)
{
	uint64_t deadline_ns;

	if (timeout < 0) {
		wq_warn("schedule_timeout() with a negative time", "");
		timeout = 0;
	}
	if (timeout > LONGEST_TIMEOUT) {
		schedule();
		return timeout;
	}
	deadline_ns = wq_os_now_ns() + (uint64_t)timeout * WQ_NS_PER_JIFFY;
	schedule_until(wq_task_current(), deadline_ns);
	return (signed long)left_until(deadline_ns, WQ_NS_PER_JIFFY);
}

signed long schedule_timeout_interruptible(signed long timeout)
{
	__set_current_state(TASK_INTERRUPTIBLE);
	return schedule_timeout(timeout);
}

signed long schedule_timeout_uninterruptible(signed long timeout)
{
	__set_current_state(TASK_UNINTERRUPTIBLE);
	return schedule_timeout(timeout);
}

signed long schedule_timeout_idle(signed long timeout)
{
	__set_current_state(TASK_IDLE);
	return schedule_timeout(timeout);
}

/* -------------------------------------------------- sleep, whoever wakes */

/* All the time; or until the thread is to stop, if that counts. */
static void sleep_until(uint64_t deadline_ns, bool ends_by_stop)
{
	struct task_struct *task = wq_task_current();

	while (left_until(deadline_ns, 1)) {
		if (!task) {
			wq_os_sleep_ns(left_until(deadline_ns, 1));
			continue;
		}
		set_current_state(ends_by_stop ? TASK_INTERRUPTIBLE : TASK_UNINTERRUPTIBLE);
		if (ends_by_stop && wq_task_self_has(WQ_TASK_SHOULD_STOP))
			break;
		wq_task_sleep(task, deadline_ns);
	}
	__set_current_state(TASK_RUNNING);
}

void msleep(unsigned int msecs)
{
	sleep_until(wq_os_now_ns() + msecs * NS_PER_MS, /* ends_by_stop */ false);
}

unsigned long msleep_interruptible(unsigned int msecs)
{
	uint64_t deadline_ns = wq_os_now_ns() + msecs * NS_PER_MS;

	sleep_until(deadline_ns, /* ends_by_stop */ true);
	return left_until(deadline_ns, NS_PER_MS);
}

void ssleep(unsigned int seconds)
{
	sleep_until(wq_os_now_ns() + seconds * 1000ull * NS_PER_MS, /* ends_by_stop */ false);
}

void usleep_range(unsigned long min, unsigned long max)
{
	(void)max;
	sleep_until(wq_os_now_ns() + min * NS_PER_US, /* ends_by_stop */ false);
}
