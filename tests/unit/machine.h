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
#include "core/manager.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/shard.h"
#include "core/work.h"
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

static inline void start_machine(void)
{
	set_cpus();
	must(create_shards() == 0);
	wq_lock_acquire(&wq_config_lock);
	must(wq_pool_create_all() == 0);
	must(wq_wq_init_system() == 0);
	wq_lock_release(&wq_config_lock);
	wq_grace_claim();
	was_woken(&wq_manager_park);
}

static inline struct workqueue_struct *make_queue(unsigned int flags)
{
	struct workqueue_struct *wq = wq_os_alloc(sizeof(*wq), WQ_CACHE_LINE);

	must(wq);
	wq->flags = flags;
	wq->max_active = WQ_DFL_ACTIVE;
	must(wq_wq_init(wq) == 0);
	return wq;
}

static inline void free_queue(struct workqueue_struct *wq)
{
	wq_wq_fini(wq);
	wq_os_free(wq);
}

#endif /* TESTS_MACHINE_H */
