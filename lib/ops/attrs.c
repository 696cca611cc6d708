/* SPDX-License-Identifier: MIT */
/*
 * attrs.c - struct workqueue_attrs, and the CPUs for unbound queues.
 */
#include "ops/attrs.h"

#include <errno.h>
#include <string.h>

#include "base/os.h"
#include "base/report.h"
#include "core/cpus.h"
#include "core/remake.h"
#include "core/wq.h"
#include "ops/init.h"

_Static_assert(sizeof(struct cpumask) == sizeof(struct wq_cpuset) &&
		       WORKQ_NR_CPUS == (int)WORK_CPU_UNBOUND && WQ_MAX_CPUS == WORKQ_NR_CPUS,
	       "a cpumask is a cpuset");

static struct wq_cpuset to_cpuset(const struct cpumask *mask)
{
	struct wq_cpuset cpus;

	memcpy(&cpus, mask, sizeof(cpus));
	return cpus;
}

/* ------------------------------------------------------------- attributes */

struct workqueue_attrs *alloc_workqueue_attrs(void)
{
	struct workqueue_attrs *attrs;
	int err = wq_init_library();
	struct wq_cpuset cpus;

	if (err) {
		errno = -err;
		return NULL;
	}
	attrs = wq_os_alloc(sizeof(*attrs), sizeof(void *));
	if (!attrs) {
		errno = ENOMEM;
		return NULL;
	}
	/* those, too, that may come later */
	wq_cpuset_fill(&cpus, wq_nr_cpus);
	memcpy(attrs->cpumask, &cpus, sizeof(attrs->cpumask));
	return attrs;
}

void free_workqueue_attrs(struct workqueue_attrs *attrs)
{
	wq_os_free(attrs);
}

/* ----------------------------------------------------------------- queues */

int wq_attrs_apply_locked(struct workqueue_struct *wq, const struct wq_attrs *attrs)
{
	struct wq_attrs old = *wq->attrs;
	int err;

	wq_assert_held(&wq_config_lock);
	*wq->attrs = *attrs;
	err = wq_remake_queue(wq);
	if (err)
		*wq->attrs = old;
	return err;
}

static const char *fault_in(const struct workqueue_struct *wq, const struct workqueue_attrs *attrs)
{
	if (!wq)
		return "no queue";
	if (!attrs)
		return "no attributes";
	if (!(wq_wq_flags(wq) & WQ_UNBOUND))
		return "the queue is not unbound";
	if ((unsigned int)attrs->affn_scope >= WQ_AFFN_NR_TYPES)
		return "no such affinity scope";
	if (attrs->nice < -20 || attrs->nice > 19)
		return "nice is out of range -20 .. 19";
	return NULL;
}

int apply_workqueue_attrs(struct workqueue_struct *wq, const struct workqueue_attrs *attrs)
{
	const char *fault = fault_in(wq, attrs);
	struct wq_attrs own;
	int err;

	if (fault) {
		wq_warn("apply_workqueue_attrs(): ", fault);
		return -EINVAL;
	}
	if (cpumask_empty(attrs->cpumask))
		return -EINVAL;
	if (!wq_init_use())
		return -ENOMEM;
	own = (struct wq_attrs){ .cpus = to_cpuset(attrs->cpumask),
				 .nice = attrs->nice,
				 .scope = attrs->affn_scope,
				 .is_strict = attrs->affn_strict };
	wq_lock_acquire(&wq_config_lock);
	err = wq_attrs_apply_locked(wq, &own);
	wq_lock_release(&wq_config_lock);
	return err;
}

/* -------------------------------------------------------------- all queues */

static bool is_unbound(const struct workqueue_struct *wq)
{
	return wq->attrs;
}

static bool has_default_scope(const struct workqueue_struct *wq)
{
	return wq->attrs && !(wq_wq_flags(wq) & __WQ_ORDERED) && wq->attrs->scope == WQ_AFFN_DFL;
}

int wq_attrs_set_cpus_locked(const struct wq_cpuset *requested,
			     const struct wq_cpuset *housekeeping)
{
	struct wq_affinity_cpus cpus = { .requested = *requested, .housekeeping = *housekeeping };

	wq_assert_held(&wq_config_lock);
	if (!wq_affinity_combine(&cpus))
		return -EINVAL;
	wq_affinity_cpus = cpus;
	/* those of CPUs that are gone are served there */
	wq_cpus_place_pools();
	return wq_remake_all(is_unbound);
}

int wq_attrs_set_default_scope_locked(unsigned int scope)
{
	wq_assert_held(&wq_config_lock);
	wq_affinity_default_scope = scope;
	return wq_remake_all(has_default_scope);
}

int workqueue_unbound_housekeeping_update(const struct cpumask *hk)
{
	struct wq_cpuset housekeeping;
	int err;

	if (!hk || !wq_init_use()) {
		wq_warn("workqueue_unbound_housekeeping_update() without CPUs", "");
		return -EINVAL;
	}
	housekeeping = to_cpuset(hk);
	wq_lock_acquire(&wq_config_lock);
	err = wq_attrs_set_cpus_locked(&wq_affinity_cpus.requested, &housekeeping);
	wq_lock_release(&wq_config_lock);
	return err;
}
