/* SPDX-License-Identifier: MIT */
/*
 * wq.c - queues: making and freeing them, the system's own.
 */
#include "core/wq.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/options.h"
#include "base/os.h"
#include "base/report.h"
#include "core/affinity.h"
#include "core/layout.h"
#include "core/limit.h"
#include "core/pwq.h"
#include "core/rescuer.h"
#include "core/shard.h"
#include "core/worker.h"

unsigned int wq_fork_generation;

struct wq_lock wq_config_lock = WQ_LOCK_INITIALIZER(WQ_RANK_CONFIG);

struct wq_list wq_all = { &wq_all, &wq_all };

bool wq_is_freezing;

bool wq_is_shutting_down;

static void init_limits(struct workqueue_struct *wq)
{
	unsigned int node;

	for (node = 0; node <= wq_affinity_nr_nodes(); node++) {
		wq->limits[node] = (struct wq_limit){ 0 };
		wq_limit_init(&wq->limits[node], 0);
	}
}

/* What only unbound queues have. */
static int init_unbound(struct workqueue_struct *wq)
{
	unsigned int nr_limits = wq_affinity_nr_nodes() + 1;

	wq->attrs = wq_os_alloc(sizeof(*wq->attrs), sizeof(void *));
	wq->limits = wq_os_alloc(nr_limits * sizeof(*wq->limits), WQ_CACHE_LINE);
	if (!wq->attrs || !wq->limits)
		return -ENOMEM;
	wq_cpuset_fill(&wq->attrs->cpus, wq_nr_cpus);
	wq->attrs->nice = wq_wq_flags(wq) & WQ_HIGHPRI ? WQ_HIGHPRI_NICE : 0;
	init_limits(wq);
	return 0;
}

/* Its rescuer, its pwqs, and its table. */
static int lay_out(struct workqueue_struct *wq)
{
	struct wq_layout layout;
	int err = 0;

	/* it may be there from an earlier try */
	if (wq_wq_flags(wq) & WQ_MEM_RECLAIM && !wq->rescuer)
		err = wq_rescuer_create(wq);
	if (!err)
		err = wq_layout_make(wq, &layout);
	if (!err)
		wq_layout_install(wq, &layout);
	return err;
}

static void free_all(struct workqueue_struct *wq)
{
	wq_os_free(wq->armed);
	wq_os_free(wq->attrs);
	wq_os_free(wq->limits);
	wq->armed = NULL;
	wq->attrs = NULL;
	wq->limits = NULL;
}

static size_t size_of_armed(void)
{
	return wq_nr_shards / WQ_SHARD_KINDS * sizeof(struct wq_armed);
}

/* Nobody flushes it, and it has no pwqs. */
static void start_empty(struct workqueue_struct *wq)
{
	wq_lock_init(&wq->flush_lock, WQ_RANK_FLUSH);
	wq_list_init(&wq->flushers);
	wq_list_init(&wq->overflow);
	wq_list_init(&wq->pwqs);
}

int wq_wq_init(struct workqueue_struct *wq)
{
	int err = -ENOMEM;

	wq_assert_held(&wq_config_lock);
	if (wq_load_relaxed(&wq_is_shutting_down))
		return -ESHUTDOWN;
	start_empty(wq);
	wq->min_active = wq->max_active < WQ_DFL_MIN_ACTIVE ? wq->max_active : WQ_DFL_MIN_ACTIVE;
	wq->armed = wq_os_alloc(size_of_armed(), WQ_CACHE_LINE);
	if (wq->armed)
		err = wq_wq_flags(wq) & WQ_UNBOUND ? init_unbound(wq) : 0;
	if (!err)
		err = lay_out(wq);
	if (err)
		free_all(wq);
	else
		wq_list_add_tail(&wq->node, &wq_all);
	return err;
}

void wq_wq_fini(struct workqueue_struct *wq)
{
	struct wq_layout layout = { .table = wq->table };

	wq_assert_held(&wq_config_lock);
	wq_list_init(&layout.pwqs);
	while (!wq_list_is_empty(&wq->pwqs)) {
		struct wq_list *node = wq->pwqs.next;

		wq_list_del(node);
		wq_list_add_tail(node, &layout.pwqs);
	}
	wq_layout_free(&layout);
	wq->table = NULL;
	free_all(wq);
}

/* The system's own queues: there before anything has started, so that they can be named. */
#define SYSTEM_QUEUE(variable, string, wq_flags)                                                   \
	static struct workqueue_struct variable##_object = { .name = (string),                     \
							     .flags = (wq_flags) | __WQ_SYSTEM,    \
							     .max_active = WQ_DFL_ACTIVE };        \
	struct workqueue_struct *const variable = &variable##_object

SYSTEM_QUEUE(system_percpu_wq, "events", WQ_PERCPU);
SYSTEM_QUEUE(system_highpri_wq, "events_highpri", WQ_PERCPU | WQ_HIGHPRI);
SYSTEM_QUEUE(system_long_wq, "events_long", WQ_PERCPU);
SYSTEM_QUEUE(system_dfl_wq, "events_unbound", WQ_UNBOUND);
SYSTEM_QUEUE(system_dfl_long_wq, "events_dfl_long", WQ_UNBOUND);
SYSTEM_QUEUE(system_freezable_wq, "events_freezable", WQ_PERCPU | WQ_FREEZABLE);
SYSTEM_QUEUE(system_power_efficient_wq, "events_power_efficient", WQ_PERCPU | WQ_POWER_EFFICIENT);
SYSTEM_QUEUE(system_freezable_power_efficient_wq, "events_freezable_pwr_efficient",
	     WQ_PERCPU | WQ_FREEZABLE | WQ_POWER_EFFICIENT);
SYSTEM_QUEUE(system_bh_wq, "events_bh", WQ_PERCPU | WQ_BH);
SYSTEM_QUEUE(system_bh_highpri_wq, "events_bh_highpri", WQ_PERCPU | WQ_BH | WQ_HIGHPRI);
SYSTEM_QUEUE(system_wq, "events", WQ_PERCPU | __WQ_DEPRECATED);
SYSTEM_QUEUE(system_unbound_wq, "events_unbound", WQ_UNBOUND | __WQ_DEPRECATED);

struct workqueue_struct wq_timers_wq = { .name = "timers",
					 .flags = WQ_PERCPU | WQ_HIGHPRI | __WQ_SYSTEM,
					 .max_active = WQ_DFL_ACTIVE };

unsigned int wq_wq_settle_power(unsigned int flags)
{
	if (!(flags & WQ_POWER_EFFICIENT) || !wq_options.power_efficient)
		return flags;
	return (flags & ~(unsigned int)WQ_PERCPU) | WQ_UNBOUND;
}

static int init_system(struct workqueue_struct *wq)
{
	if (wq->table)
		return 0;
	wq->flags = wq_wq_settle_power(wq_wq_flags(wq));
	if (wq_wq_flags(wq) & WQ_UNBOUND)
		wq->max_active = WQ_MAX_ACTIVE;
	if (wq_wq_flags(wq) & WQ_BH)
		wq->max_active = INT_MAX;
	return wq_wq_init(wq);
}

int wq_wq_init_system(void)
{
	struct workqueue_struct *const all[] = {
		&wq_timers_wq,
		system_percpu_wq,
		system_highpri_wq,
		system_long_wq,
		system_dfl_wq,
		system_dfl_long_wq,
		system_freezable_wq,
		system_power_efficient_wq,
		system_freezable_power_efficient_wq,
		system_bh_wq,
		system_bh_highpri_wq,
		system_wq,
		system_unbound_wq,
	};
	size_t i;

	wq_assert_held(&wq_config_lock);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (init_system(all[i]))
			return -ENOMEM;
	}
	return 0;
}

/* ----------------------------------------------------------------- a child */

static void free_pwqs(struct workqueue_struct *wq)
{
	struct wq_list *node, *next;

	wq_list_for_each_safe(node, next, &wq->pwqs)
		wq_pwq_free(wq_list_entry(node, struct wq_pwq, node));
	wq_os_free(wq->table);
	wq->table = NULL;
}

static void forget_colors(struct workqueue_struct *wq)
{
	unsigned int color;

	wq->work_color = 0;
	wq->flush_color = 0;
	wq->flush_head = NULL;
	for (color = 0; color < WQ_NR_COLORS; color++)
		wq->flush_pending[color] = 0;
}

static void reset(struct workqueue_struct *wq)
{
	free_pwqs(wq);
	start_empty(wq);
	forget_colors(wq);
	wq_rescuer_forget(wq);
	wq->flags &= ~(unsigned int)(__WQ_DRAINING | __WQ_SHUT);
	wq->nr_drainers = 0;
	wq->late = 0;
	wq->nr_in_grace = 0;
	wq->has_armed = false;
	memset(wq->armed, 0, size_of_armed());
	wq->nr_filed_gone = 0;
	wq->has_retired = false;
	if (wq->limits)
		init_limits(wq);
}

void wq_wq_reset_all(void)
{
	struct wq_list *node;

	wq_assert_held(&wq_config_lock);
	wq_is_shutting_down = false;
	wq_list_for_each(node, &wq_all)
		reset(wq_list_entry(node, struct workqueue_struct, node));
}

int wq_wq_lay_out_all(void)
{
	struct workqueue_struct *wq;
	struct wq_list *node;
	int err;

	wq_assert_held(&wq_config_lock);
	wq_list_for_each(node, &wq_all) {
		wq = wq_list_entry(node, struct workqueue_struct, node);
		err = wq->table ? 0 : lay_out(wq);
		if (err)
			return err;
	}
	return 0;
}
