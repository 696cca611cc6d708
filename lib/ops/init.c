/* SPDX-License-Identifier: MIT */
/*
 * init.c - first use of the library, and of each thread.
 *
 * Linking the library starts nothing. The first use makes the pools, the
 * system's queues and the manager thread, under the configuration lock.
 */
#include "ops/init.h"

#include <errno.h>

#include <workq/workq.h>

#include "base/membarrier.h"
#include "base/options.h"
#include "base/os.h"
#include "base/report.h"
#include "core/affinity.h"
#include "core/block.h"
#include "core/cpus.h"
#include "core/manager.h"
#include "core/pools.h"
#include "core/shard.h"
#include "core/worker.h"
#include "core/wq.h"
#include "ops/fork.h"
#include "watch/watchdog.h"

/* A: set under the configuration lock; taken back by the child of fork() */
static bool is_started;

/*
 * At load time: main() may pin its thread before the first use, and means only
 * that thread. A constructor of a program linked statically may come before us.
 */
__attribute__((constructor)) static void note_allowed_cpus(void)
{
	if (wq_cpuset_count(&wq_allowed_cpus))
		return;
	if (wq_os_allowed_cpus(&wq_allowed_cpus) || !wq_cpuset_count(&wq_allowed_cpus))
		wq_cpuset_add(&wq_allowed_cpus, 0);
}

/* Ids may be sparse, and what the system says of them may be missing or too small. */
static unsigned int nr_cpu_ids(void)
{
	unsigned int cpu, nr = wq_os_nr_cpu_ids();

	wq_cpuset_for_each(cpu, &wq_allowed_cpus)
	{
		if (cpu >= nr)
			nr = cpu + 1;
	}
	return nr;
}

static int learn_surroundings(void)
{
	int err = wq_options_read();

	if (err)
		return err;
	note_allowed_cpus();
	wq_nr_cpus = nr_cpu_ids();
	wq_cpus_start();
	wq_manager_watch_fn = wq_options.watchdog_ms ? wq_watchdog_look : NULL;
	return 0;
}

/* Steps that already succeeded in an earlier try are not done again. */
static int start_locked(void)
{
	int err = wq_nr_cpus ? 0 : learn_surroundings();

	if (err)
		return err;
	wq_fork_register();
	err = wq_affinity_start();
	if (!err)
		err = wq_pools_create_bound();
	if (!err)
		err = wq_shard_create_all();
	if (!err)
		err = wq_fork_restart();
	if (!err)
		err = wq_wq_init_system();
	if (!err)
		err = wq_manager_start();
	return err;
}

int wq_init_library(void)
{
	int err = 0;

	/* order: STARTED pairs with the store below */
	if (wq_load_acquire(&is_started))
		return 0;
	wq_membarrier_init();
	wq_lock_acquire(&wq_config_lock);
	if (!is_started)
		err = start_locked();
	if (!err)
		wq_store_release(&is_started, true); /* order: STARTED */
	wq_lock_release(&wq_config_lock);
	return err;
}

int workq_start(void)
{
	int err = wq_init_library();

	if (!err && wq_load_acquire(&wq_is_shutting_down))
		return -ESHUTDOWN;
	if (!err)
		wq_manager_prepare();
	return err;
}

bool wq_init_is_started(void)
{
	return wq_load_acquire(&is_started);
}

void wq_init_forget(void)
{
	wq_store_relaxed(&is_started, false);
	wq_grace_self = NULL;
	wq_worker_self = NULL;
}

bool wq_init_thread(void)
{
	static uint32_t once; /* A: reported */

	if (wq_init_library()) {
		wq_note_once(&once, "the library could not start: no memory or no thread", "");
		return false;
	}
	/* a handler may have done so meanwhile: then it finds the same one */
	wq_grace_claim();
	return true;
}

void workq_block_begin(void)
{
	wq_block_begin();
}

void workq_block_end(void)
{
	wq_block_end();
}

workq_report_fn workq_set_report_fn(workq_report_fn fn)
{
	return wq_report_set_fn(fn);
}

const char *workq_version(void)
{
	return WORKQ_VERSION;
}
