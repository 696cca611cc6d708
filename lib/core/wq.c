/* SPDX-License-Identifier: MIT */
/*
 * wq.c - queues: making and freeing them, the system's own.
 */
#include "core/wq.h"

#include <errno.h>

#include "base/os.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/shard.h"

struct wq_lock wq_config_lock = WQ_LOCK_INITIALIZER(WQ_RANK_CONFIG);

/* Link a new pwq of the queue into its list; NULL: no memory. */
static struct wq_pwq *add_pwq(struct workqueue_struct *wq, struct wq_pool *pool)
{
	struct wq_pwq *pwq = wq_pwq_create(wq, pool);

	if (pwq) {
		pwq->next = wq->pwqs;
		wq->pwqs = pwq;
	}
	return pwq;
}

/* A CPU that is not allowed is served by an allowed one, each by another if there are several. */
static void fill_gaps(struct workqueue_struct *wq)
{
	unsigned int cpu, stand_in = wq_cpuset_next(&wq_allowed_cpus, 0);

	for (cpu = 0; cpu < wq_nr_cpus; cpu++) {
		if (wq->table[cpu])
			continue;
		wq->table[cpu] = wq->table[stand_in];
		stand_in = wq_cpuset_next(&wq_allowed_cpus, stand_in + 1);
		if (stand_in == WQ_MAX_CPUS)
			stand_in = wq_cpuset_next(&wq_allowed_cpus, 0);
	}
}

static int add_bound_pwqs(struct workqueue_struct *wq)
{
	unsigned int cpu;

	wq_cpuset_for_each(cpu, &wq_allowed_cpus)
	{
		wq->table[cpu] = add_pwq(wq, wq_pool_of_cpu(cpu, wq->flags & WQ_HIGHPRI));
		if (!wq->table[cpu])
			return -ENOMEM;
	}
	fill_gaps(wq);
	return 0;
}

static int add_unbound_pwq(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq = add_pwq(wq, wq_pool_unbound(wq->flags & WQ_HIGHPRI));
	unsigned int cpu;

	if (!pwq)
		return -ENOMEM;
	for (cpu = 0; cpu < wq_nr_cpus; cpu++)
		wq->table[cpu] = pwq;
	return 0;
}

int wq_wq_init(struct workqueue_struct *wq)
{
	int err = -ENOMEM;

	wq_lock_init(&wq->flush_lock, WQ_RANK_FLUSH);
	wq_list_init(&wq->flushers);
	wq_list_init(&wq->overflow);
	wq->table = wq_os_alloc(wq_nr_cpus * sizeof(*wq->table), WQ_CACHE_LINE);
	wq->armed = wq_os_alloc(wq_nr_shards / WQ_SHARD_KINDS * sizeof(*wq->armed), WQ_CACHE_LINE);
	if (wq->table && wq->armed)
		err = wq->flags & WQ_UNBOUND ? add_unbound_pwq(wq) : add_bound_pwqs(wq);
	if (err)
		wq_wq_fini(wq);
	return err;
}

void wq_wq_fini(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq;

	while ((pwq = wq->pwqs)) {
		wq->pwqs = pwq->next;
		wq_pwq_free(pwq);
	}
	wq_os_free(wq->table);
	wq_os_free(wq->armed);
	wq->table = NULL;
	wq->armed = NULL;
}

/* The system's own queues: there before anything has started, so that they can be named. */
#define SYSTEM_QUEUE(variable, string, wq_flags)                                                   \
	static struct workqueue_struct variable##_object = { .name = (string),                     \
							     .flags = (wq_flags),                  \
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
SYSTEM_QUEUE(system_wq, "events", WQ_PERCPU);
SYSTEM_QUEUE(system_unbound_wq, "events_unbound", WQ_UNBOUND);

struct workqueue_struct wq_timers_wq = { .name = "timers",
					 .flags = WQ_PERCPU | WQ_HIGHPRI,
					 .max_active = WQ_DFL_ACTIVE };

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
		system_wq,
		system_unbound_wq,
	};
	size_t i;

	wq_assert_held(&wq_config_lock);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!all[i]->table) {
			if (all[i]->flags & WQ_UNBOUND)
				all[i]->max_active = WQ_MAX_ACTIVE;
			if (wq_wq_init(all[i]))
				return -ENOMEM;
		}
	}
	return 0;
}
