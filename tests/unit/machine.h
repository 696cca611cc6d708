/* SPDX-License-Identifier: MIT */
/*
 * machine.h - a machine made up for tests of timers and of submitting: CPUs 0 to 9, of
 * which 1, 4 and 5 may be used. No thread is started: what would be
 * done by others stays undone, and who was woken is told by the token in his park.
 *
 * For tests in processes of their own: what was made stays.
 */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "unit.h"

#include "base/grace.h"
#include "base/options.h"
#include "base/os.h"
#include "core/affinity.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/pwq.h"
#include "core/shard.h"
#include "core/work.h"
#include "core/retire.h"
#include "core/wq.h"

enum {
	NR_CPUS = 10,
	FIRST = 1,
	SECOND = 4,
	THIRD = 5,
	NR_ALLOWED = 3,
	DEFER = 1000, /* jiffies that deferrable timers may be late */
};

static inline bool is_allowed(unsigned int cpu)
{
	return cpu == FIRST || cpu == SECOND || cpu == THIRD;
}

static inline void set_cpus(void)
{
	wq_cpuset_clear(&wq_allowed_cpus);
	wq_cpuset_add(&wq_allowed_cpus, FIRST);
	wq_cpuset_add(&wq_allowed_cpus, SECOND);
	wq_cpuset_add(&wq_allowed_cpus, THIRD);
	wq_nr_cpus = NR_CPUS;
	wq_options.defer_ms = DEFER;
}

/* A system that says nothing of its topology: one cache, one node. */
static inline void set_options(void)
{
	wq_options.affinity_scope = "cache_shard";
	wq_options.unbound_cpus = "";
	wq_options.sysfs_root = "/nonexistent";
}

static inline int create_shards(void)
{
	int err;

	wq_lock_acquire(&wq_config_lock);
	err = wq_shard_create_all();
	wq_lock_release(&wq_config_lock);
	return err;
}

/* Was there a wake since the last look? Takes the token. */
static inline bool was_woken(struct wq_park *park)
{
	return wq_park_wait(park, /* deadline_ns */ 0);
}

/* May be done again. */
static inline void create_pools_and_shards(void)
{
	wq_lock_acquire(&wq_config_lock);
	must(wq_affinity_start() == 0);
	must(wq_pools_create_bound() == 0);
	wq_lock_release(&wq_config_lock);
	must(create_shards() == 0);
}

static inline void init_system(void)
{
	wq_lock_acquire(&wq_config_lock);
	must(wq_wq_init_system() == 0);
	/* no thread comes of its own */
	wq_release_wq.flags &= ~(unsigned int)WQ_MEM_RECLAIM;
	must(wq_retire_start() == 0);
	wq_lock_release(&wq_config_lock);
}

/* Without the system's queues. */
static inline void start_bare_machine(void)
{
	set_cpus();
	set_options();
	create_pools_and_shards();
}

static inline void start_machine(void)
{
	start_bare_machine();
	init_system();
	wq_grace_claim();
	was_woken(&wq_manager_park);
}

static inline struct workqueue_struct *make_queue_with(unsigned int flags, int max_active)
{
	struct workqueue_struct *wq = wq_os_alloc(sizeof(*wq), WQ_CACHE_LINE);

	must(wq);
	wq->flags = flags;
	wq->max_active = max_active;
	wq_lock_acquire(&wq_config_lock);
	must(wq_wq_init(wq) == 0);
	wq_lock_release(&wq_config_lock);
	return wq;
}

static inline struct workqueue_struct *make_queue(unsigned int flags)
{
	return make_queue_with(flags, WQ_DFL_ACTIVE);
}

static inline void free_queue(struct workqueue_struct *wq)
{
	wq_lock_acquire(&wq_config_lock);
	wq_list_del(&wq->node);
	wq_wq_fini(wq);
	wq_lock_release(&wq_config_lock);
	wq_os_free(wq);
}

/* ------------------------------------------------------------------- its pwqs */

/* The i-th of the queue, oldest first; NULL: it has no more. */
static inline struct wq_pwq *nth_pwq(struct workqueue_struct *wq, unsigned int i)
{
	struct wq_pwq *pwq;

	wq_lock_acquire(&wq->flush_lock);
	wq_wq_for_each_pwq(pwq, wq)
	{
		if (!i--)
			break;
	}
	wq_lock_release(&wq->flush_lock);
	return pwq;
}

static inline unsigned int nr_pwqs(struct workqueue_struct *wq)
{
	unsigned int nr = 0;

	while (nth_pwq(wq, nr))
		nr++;
	return nr;
}

#endif /* TESTS_MACHINE_H */
