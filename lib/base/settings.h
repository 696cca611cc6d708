/* SPDX-License-Identifier: MIT */
/*
 * settings.h - what a thread can set for itself, and so leave behind: for debug builds.
 */
#ifndef WQ_BASE_SETTINGS_H
#define WQ_BASE_SETTINGS_H

#include <locale.h>
#include <sched.h>
#include <signal.h>

#include "base/cpuset.h"

struct wq_settings {
	sigset_t signals; /* blocked ones */
	int nice;
	int policy;
	struct sched_param param;
	int cancel_state;
	int cancel_type;
	char name[16];
	locale_t locale;
	struct wq_cpuset cpus; /* none: unknown */
};

enum {
	WQ_SET_SIGNALS = 1 << 0,
	WQ_SET_NICE = 1 << 1,
	WQ_SET_POLICY = 1 << 2,
	WQ_SET_CANCEL = 1 << 3,
	WQ_SET_NAME = 1 << 4,
	WQ_SET_LOCALE = 1 << 5,
	WQ_SET_CPUS = 1 << 6,
};

/* Those of the calling thread. */
void wq_settings_get(struct wq_settings *settings);

/* Which differ? What could not be learnt does not. */
unsigned int wq_settings_compare(const struct wq_settings *a, const struct wq_settings *b);

/*
 * Make these of them what they were. Returns those that could not be: there is no permission for
 * a nice value, or no such CPU any more.
 */
unsigned int wq_settings_restore(const struct wq_settings *old, unsigned int which);

#endif /* WQ_BASE_SETTINGS_H */
