/* SPDX-License-Identifier: MIT */
/*
 * custody.h - does an item give its thread back as it got it? Debug builds look.
 *
 * What it has changed for good is reported, once for each function, and undone: signal mask,
 * nice value, scheduling policy, name, locale, whether the thread can be cancelled. CPUs are
 * undone only.
 */
#ifndef WQ_CORE_CUSTODY_H
#define WQ_CORE_CUSTODY_H

#include "core/types.h"

#ifdef WORKQ_DEBUG

#include "base/settings.h"
#include "core/cpus.h"

struct wq_custody {
	struct wq_settings before;  /* O: the thread's */
	struct wq_cpus_sight sight; /* O: the thread's */
};

/* Around the call of a user's function, by a worker. */
void wq_custody_begin(struct wq_custody *custody);
void wq_custody_end(const struct wq_custody *custody, uintptr_t function);

#else

struct wq_custody {
};

static inline void wq_custody_begin(struct wq_custody *custody)
{
	(void)custody;
}

static inline void wq_custody_end(const struct wq_custody *custody, uintptr_t function)
{
	(void)custody;
	(void)function;
}

#endif

#endif /* WQ_CORE_CUSTODY_H */
