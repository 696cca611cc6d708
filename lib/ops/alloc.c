/* SPDX-License-Identifier: MIT */
/*
 * alloc.c - making and destroying queues.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/grace.h"
#include "base/os.h"
#include "base/report.h"
#include "core/rescuer.h"
#include "core/retire.h"
#include "core/wq.h"
#include "ops/delayed.h"
#include "ops/drain.h"
#include "ops/flush.h"
#include "ops/init.h"
#include "ops/limits.h"
#include "ops/rcu.h"

/* What a user may say; other bits are ignored. */
#define PUBLIC_FLAGS                                                                               \
	(WQ_BH | WQ_UNBOUND | WQ_FREEZABLE | WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_CPU_INTENSIVE |      \
	 WQ_SYSFS | WQ_POWER_EFFICIENT | WQ_PERCPU | __WQ_ORDERED | __WQ_LEGACY)
/* What goes with WQ_BH. */
#define BH_FLAGS (WQ_BH | WQ_HIGHPRI | WQ_PERCPU)

/* A: each is reported once. */
static uint32_t said_neither, said_both, said_name;

/* Per-CPU or unbound: exactly one of them. */
static unsigned int settle_kind(unsigned int flags, const char *name)
{
	unsigned int kind;

	flags = wq_wq_settle_power(flags & PUBLIC_FLAGS);
	kind = flags & (WQ_PERCPU | WQ_UNBOUND);
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

static bool is_acceptable(const char *fmt, unsigned int flags, int max_active)
{
	if (!fmt)
		wq_warn("alloc_workqueue() without a name", "");
	else if (flags & WQ_BH && (flags & ~(unsigned int)BH_FLAGS || max_active))
		wq_warn("only WQ_HIGHPRI and WQ_PERCPU go with WQ_BH, and max_active 0: ", fmt);
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
	int err = wq_init_library();

	/* also if there is no memory */
	if (!err && wq_load_relaxed(&wq_is_shutting_down))
		err = -ESHUTDOWN;
	if (err) {
		errno = -err;
		return NULL;
	}
	wq = wq_os_alloc(sizeof(*wq), WQ_CACHE_LINE);
	if (!wq)
		goto no_memory;
	set_name(wq, fmt, args);
	wq->flags = settle_kind(flags, wq->name);
	wq->max_active = wq_limits_initial(wq, max_active);
	wq_lock_acquire(&wq_config_lock);
	err = wq_wq_init(wq);
	wq_lock_release(&wq_config_lock);
	if (!err)
		return wq;
	wq_rescuer_stop(wq);
	wq_os_free(wq);
	errno = -err;
	return NULL;
no_memory:
	errno = ENOMEM;
	return NULL;
}

struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags, int max_active, ...)
{
	struct workqueue_struct *wq;
	va_list args;

	if (!is_acceptable(fmt, flags, max_active))
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

	if (!is_acceptable(fmt, flags, 1))
		return NULL;
	flags = (flags & ~(unsigned int)WQ_PERCPU) | WQ_UNBOUND | __WQ_ORDERED;
	va_start(args, flags);
	wq = alloc(fmt, flags, 1, args);
	va_end(args);
	return wq;
}

static void set_destroying(struct workqueue_struct *wq)
{
	wq_fetch_or_acq_rel(&wq->flags, (unsigned int)__WQ_DESTROYING);
}

/* It is empty, and nobody knows it but who changes all queues. */
static void free_queue(struct workqueue_struct *wq)
{
	wq_lock_acquire(&wq_config_lock);
	wq_list_del(&wq->node);
	wq_lock_release(&wq_config_lock);
	wq_rescuer_stop(wq);
	/* no pwq is replaced any more; those that were are empty: their release has been queued */
	if (wq->has_retired)
		wq_flush_queue(&wq_release_wq);
	wq_lock_acquire(&wq_config_lock);
	wq_wq_fini(wq);
	wq_lock_release(&wq_config_lock);
	wq_os_free(wq);
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	if (!wq_flush_is_usable(wq, "destroy_workqueue()") ||
	    !wq_rcu_wait(wq, "destroy_workqueue()"))
		return;
	set_destroying(wq);
	wq_drain_queue(wq, "destroy_workqueue()");
	/* its last items may have queued some for after a grace period: those are refused */
	if (!wq_rcu_wait(wq, "destroy_workqueue()"))
		return;
	/* order: SYNCHRONIZE: nobody looks at the queue or its pwqs any more */
	wq_grace_synchronize();
	wq_delayed_disarm_all(wq);
	free_queue(wq);
}
