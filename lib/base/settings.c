/* SPDX-License-Identifier: MIT */
/*
 * settings.c - what a thread can set for itself (contracts in settings.h).
 */
#include "base/settings.h"

#ifdef WORKQ_DEBUG

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/os.h"

/* Asking is only possible by setting. */
static void get_cancel(struct wq_settings *settings)
{
	int unused;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &settings->cancel_state);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &settings->cancel_type);
	pthread_setcanceltype(settings->cancel_type, &unused);
	pthread_setcancelstate(settings->cancel_state, &unused);
}

/* By syscall(): musl's functions of these names do nothing, as POSIX means processes by them. */
static void get_policy(struct wq_settings *settings)
{
	settings->policy = (int)syscall(SYS_sched_getscheduler, 0);
	syscall(SYS_sched_getparam, 0, &settings->param);
}

void wq_settings_get(struct wq_settings *settings)
{
	int saved = errno;

	memset(settings, 0, sizeof(*settings));
	pthread_sigmask(SIG_SETMASK, NULL, &settings->signals);
	settings->nice = getpriority(PRIO_PROCESS, 0);
	get_policy(settings);
	get_cancel(settings);
	prctl(PR_GET_NAME, settings->name);
	settings->locale = uselocale((locale_t)0);
	wq_os_allowed_cpus(&settings->cpus);
	errno = saved;
}

static unsigned int if_differs(bool differs, unsigned int what)
{
	return differs ? what : 0;
}

/* None: the system did not say. */
static bool cpus_differ(const struct wq_cpuset *a, const struct wq_cpuset *b)
{
	return !wq_cpuset_is_empty(a) && !wq_cpuset_is_empty(b) && !wq_cpuset_is_equal(a, b);
}

unsigned int wq_settings_compare(const struct wq_settings *a, const struct wq_settings *b)
{
	return if_differs(memcmp(&a->signals, &b->signals, sizeof(a->signals)), WQ_SET_SIGNALS) |
	       if_differs(a->nice != b->nice, WQ_SET_NICE) |
	       if_differs(a->policy != b->policy ||
				  a->param.sched_priority != b->param.sched_priority,
			  WQ_SET_POLICY) |
	       if_differs(a->cancel_state != b->cancel_state || a->cancel_type != b->cancel_type,
			  WQ_SET_CANCEL) |
	       if_differs(strcmp(a->name, b->name), WQ_SET_NAME) |
	       if_differs(a->locale != b->locale, WQ_SET_LOCALE) |
	       if_differs(cpus_differ(&a->cpus, &b->cpus), WQ_SET_CPUS);
}

static unsigned int restore_scheduling(const struct wq_settings *old, unsigned int which)
{
	unsigned int failed = 0;

	if (which & WQ_SET_POLICY)
		failed |= if_differs(syscall(SYS_sched_setscheduler, 0, old->policy, &old->param),
				     WQ_SET_POLICY);
	if (which & WQ_SET_NICE)
		failed |= if_differs(wq_os_thread_set_nice(old->nice), WQ_SET_NICE);
	if (which & WQ_SET_CPUS)
		failed |= if_differs(wq_os_thread_set_cpus(&old->cpus), WQ_SET_CPUS);
	return failed;
}

unsigned int wq_settings_restore(const struct wq_settings *old, unsigned int which)
{
	unsigned int failed;
	int saved = errno, unused;

	failed = restore_scheduling(old, which);
	if (which & WQ_SET_SIGNALS)
		pthread_sigmask(SIG_SETMASK, &old->signals, NULL);
	if (which & WQ_SET_NAME)
		prctl(PR_SET_NAME, old->name);
	if (which & WQ_SET_LOCALE)
		uselocale(old->locale);
	if (which & WQ_SET_CANCEL) {
		pthread_setcanceltype(old->cancel_type, &unused);
		pthread_setcancelstate(old->cancel_state, &unused);
	}
	errno = saved;
	return failed;
}

#endif /* WORKQ_DEBUG */
