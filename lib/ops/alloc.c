/* SPDX-License-Identifier: MIT */
/*
 * alloc.c - making, destroying and adjusting queues.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <workq/workq.h>

#include "base/grace.h"
#include "base/os.h"
#include "base/report.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/wq.h"
#include "ops/delayed.h"
#include "ops/drain.h"
#include "ops/flush.h"
#include "ops/init.h"

#define WQ_BH_BIT (1u << 0)
/* What a user may say; other bits are ignored. */
#define PUBLIC_FLAGS                                                                               \
	(WQ_UNBOUND | WQ_FREEZABLE | WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_CPU_INTENSIVE | WQ_SYSFS |   \
	 WQ_POWER_EFFICIENT | WQ_PERCPU | __WQ_ORDERED | __WQ_LEGACY)

/* A: each is reported once. */
static uint32_t said_neither, said_both, said_range, said_name;

/* max_active as the queue will use it. */
static int clamp_max_active(int max_active, const char *name)
{
	int clamped = max_active;

	if (max_active < 1)
		clamped = 1;
	if (max_active > WQ_MAX_ACTIVE)
		clamped = WQ_MAX_ACTIVE;
	if (clamped != max_active)
		wq_note_once(&said_range, "max_active is out of range 1 .. 2048, clamped: ", name);
	return clamped;
}

/* Per-CPU or unbound: exactly one of them. */
static unsigned int settle_kind(unsigned int flags, const char *name)
{
	unsigned int kind = flags & (WQ_PERCPU | WQ_UNBOUND);

	flags &= PUBLIC_FLAGS;
	if (!kind) {
		wq_warn_once(&said_neither,
			     "neither WQ_PERCPU nor WQ_UNBOUND, taking WQ_PERCPU: ", name);
		flags |= WQ_PERCPU;
	} else if (kind == (WQ_PERCPU | WQ_UNBOUND)) {
		wq_warn_once(&said_both,
			     "both WQ_PERCPU and WQ_UNBOUND, taking WQ_UNBOUND: ", name);
		flags &= ~(unsigned int)WQ_PERCPU;
	}
	return flags;
}

static bool is_acceptable(const char *fmt, unsigned int flags)
{
	if (!fmt)
		wq_warn("alloc_workqueue() without a name", "");
	else if (flags & WQ_BH_BIT)
		wq_warn("this version has no WQ_BH queues: ", fmt);
	else
		return true;
	errno = EINVAL;
	return false;
}

static void __attribute__((format(printf, 2, 0)))
set_name(struct workqueue_struct *wq, const char *fmt, va_list args)
{
	if (vsnprintf(wq->name, sizeof(wq->name), fmt, args) >= (int)sizeof(wq->name))
		wq_note_once(&said_name, "a queue's name is too long, cut: ", wq->name);
}

static struct workqueue_struct *__attribute__((format(printf, 1, 0)))
alloc(const char *fmt, unsigned int flags, int max_active, va_list args)
{
	struct workqueue_struct *wq;
	int err = workq_start();

	if (err) {
		errno = -err;
		return NULL;
	}
	wq = wq_os_alloc(sizeof(*wq), WQ_CACHE_LINE);
	if (!wq)
		goto no_memory;
	set_name(wq, fmt, args);
	wq->flags = settle_kind(flags, wq->name);
	wq->max_active = max_active ? clamp_max_active(max_active, wq->name) : WQ_DFL_ACTIVE;
	if (!wq_wq_init(wq))
		return wq;
	wq_os_free(wq);
no_memory:
	errno = ENOMEM;
	return NULL;
}

struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags, int max_active, ...)
{
	struct workqueue_struct *wq;
	va_list args;

	if (!is_acceptable(fmt, flags))
		return NULL;
	va_start(args, max_active);
	wq = alloc(fmt, flags, max_active, args);
	va_end(args);
	return wq;
}

struct workqueue_struct *alloc_ordered_workqueue(const char *fmt, unsigned int flags, ...)
{
	struct workqueue_struct *wq;
	va_list args;

	if (!is_acceptable(fmt, flags))
		return NULL;
	flags = (flags & ~(unsigned int)WQ_PERCPU) | WQ_UNBOUND | __WQ_ORDERED;
	va_start(args, flags);
	wq = alloc(fmt, flags, 1, args);
	va_end(args);
	return wq;
}

static void set_destroying(struct workqueue_struct *wq)
{
	wq_lock_acquire(&wq_config_lock);
	wq_store_relaxed(&wq->flags, wq->flags | __WQ_DESTROYING);
	wq_lock_release(&wq_config_lock);
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	if (!wq_flush_is_usable(wq, "destroy_workqueue()"))
		return;
	set_destroying(wq);
	wq_drain_queue(wq, "destroy_workqueue()");
	/* order: SYNCHRONIZE: nobody looks at the queue or its pwqs any more */
	wq_grace_synchronize();
	wq_delayed_disarm_all(wq);
	wq_wq_fini(wq);
	wq_os_free(wq);
}

void workqueue_set_max_active(struct workqueue_struct *wq, int max_active)
{
	struct wq_pwq *pwq;

	if (!wq || wq_load_relaxed(&wq->flags) & __WQ_ORDERED) {
		wq_warn("workqueue_set_max_active() has no effect on ",
			wq ? "an ordered queue" : "no queue");
		return;
	}
	if (!wq_init_use())
		return;
	max_active = clamp_max_active(max_active, wq->name);
	wq_lock_acquire(&wq->flush_lock);
	wq->max_active = max_active;
	wq_wq_for_each_pwq(pwq, wq)
	{
		wq_pool_lock(pwq->pool);
		wq_pwq_set_max_locked(pwq, (unsigned int)max_active);
		wq_pool_unlock(pwq->pool);
	}
	wq_lock_release(&wq->flush_lock);
}
