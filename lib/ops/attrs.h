/* SPDX-License-Identifier: MIT */
/*
 * attrs.h - how unbound queues are served. Configuration lock held by all of these.
 */
#ifndef WQ_OPS_ATTRS_H
#define WQ_OPS_ATTRS_H

#include "core/affinity.h"
#include "core/types.h"

/* 0, or -ENOMEM or -EAGAIN, then nothing has changed. */
int wq_attrs_apply_locked(struct workqueue_struct *wq, const struct wq_attrs *attrs);

/* 0, -EINVAL, -ENOMEM or -EAGAIN; see workqueue_unbound_housekeeping_update(). */
int wq_attrs_set_cpus_locked(const struct wq_cpuset *requested,
			     const struct wq_cpuset *housekeeping);
/* The same for what WQ_AFFN_DFL stands for. */
int wq_attrs_set_default_scope_locked(unsigned int scope);

#endif /* WQ_OPS_ATTRS_H */
