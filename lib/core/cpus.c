/* SPDX-License-Identifier: MIT */
/*
 * cpus.c - the CPUs that the process may use (contracts in cpus.h).
 *
 * The pools follow at once, by the manager's thread. Queues are served anew by an item,
 * since that sleeps, and whatever sleeps keeps the manager from making workers.
 */
#include "core/cpus.h"

#include <errno.h>
#include <string.h>

#include "base/grace.h"
#include "base/options.h"
#include "base/os.h"
#include "base/quota.h"
#include "base/report.h"
#include "core/affinity.h"
#include "core/layout.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/remake.h"
#include "core/retire.h"
#include "core/submit.h"
#include "core/worker.h"
#include "core/wq.h"

#define NS_PER_MS  1000000ull
/* Files are read for it. */
#define QUOTA_NS   (1000 * NS_PER_MS)
/* In doubt: the next look, if others are not more frequent. */
#define DOUBT_NS   (5 * NS_PER_MS)
/* Pools whose pins are checked in a look: all of a small machine. */
#define NR_CHECKED 16u

/* C: once started: those that WORKQ_CPUS leaves */
static struct wq_cpuset chosen;
/* C: once started: the affinity of the process as it was loaded */
static struct wq_cpuset loaded;

/* O: of the manager's thread */
static struct {
	uint64_t next_look_ns;
	uint64_t next_quota_ns;
	struct wq_quota quota;
	unsigned int quota_cpus;
	bool has_looked;
	bool must_ask;                /* the thread's affinity is not yet what it is to ask for */
	struct wq_cpuset present;     /* what the system leaves any thread of the process */
	struct wq_cpuset restriction; /* what the process was given of that */
	struct wq_cpuset own;         /* the thread's affinity, as the last look left it */
	bool is_in_doubt;             /* somebody may have set what the last look found: */
	struct wq_cpuset doubted;     /* this affinity */
	struct wq_cpuset doubted_of;  /* while these were present */
	bool must_restore;            /* workers may not be where they belong */
	unsigned int next_checked;    /* id of the pool whose pins are to be checked next */
} self;

/* A: the manager's thread; 0: there is none yet */
static uint32_t manager_tid;
/* A: under G: counts moves of pools; odd: threads are being told */
static unsigned int nr_moves;

/* A: queues are not served as the CPUs are now: by the item below, and by who queues it */
static bool must_remake;

/* ------------------------------------------------------------------- start */

/* Of these those that may be used; all if none is. */
static bool narrow(struct wq_cpuset *cpus, const struct wq_cpuset *by)
{
	struct wq_cpuset both;

	wq_cpuset_and(&both, cpus, by);
	if (wq_cpuset_is_empty(&both))
		return false;
	*cpus = both;
	return true;
}

void wq_cpus_start(void)
{
	const char *list = wq_options.cpus;
	struct wq_msg msg;

	wq_assert_held(&wq_config_lock);
	wq_pools_set_max_running((unsigned int)wq_options.max_running, /* quota */ 0);
	loaded = wq_allowed_cpus;
	wq_cpuset_fill(&chosen, wq_nr_cpus);
	if (!*list)
		return;
	if (wq_cpuset_parse_list(&chosen, list) && narrow(&wq_allowed_cpus, &chosen))
		return;
	wq_msg_note(&msg, "WORKQ_CPUS=");
	wq_msg_text(&msg, list);
	wq_msg_text(&msg, " names no CPU that this process may use; using all");
	wq_msg_send(&msg);
	wq_cpuset_fill(&chosen, wq_nr_cpus);
}

void wq_cpus_copy_allowed(struct wq_cpuset *cpus)
{
	wq_cpuset_copy_atomic(cpus, &wq_allowed_cpus);
}

/* ------------------------------------------------------------------ queues */

static bool is_outdated(const struct workqueue_struct *wq)
{
	return wq->attrs || wq_layout_lacks_cpus(wq);
}

/* Those that cannot be are served as they were; the next look tries again (P4). */
static void remake_queues(struct work_struct *work)
{
	static uint32_t once; /* A: reported */
	int err;

	(void)work;
	wq_store_relaxed(&must_remake, false);
	wq_lock_acquire(&wq_config_lock);
	err = wq_remake_all(is_outdated);
	wq_lock_release(&wq_config_lock);
	if (!err || wq_load_relaxed(&wq_is_shutting_down))
		return;
	wq_store_relaxed(&must_remake, true);
	wq_note_once(&once, "no memory to follow a change of CPUs: queues stay as they were", "");
}

/* A: an item */
static DECLARE_WORK(remaking, remake_queues);

static void queue_remaking(void)
{
	struct wq_park *wake = NULL;
	unsigned long word;

	if (!wq_grace_self)
		wq_grace_claim();
	wq_grace_enter();
	if (wq_submit_take_pending(&wq_release_wq, &remaking, &word))
		wq_submit(&wq_release_wq, &remaking, /* cpu */ 0, &wake);
	wq_grace_leave();
	if (wake)
		wq_park_wake(wake);
}

/* ------------------------------------------------------------------- pools */

static void count_move(void)
{
	wq_store_relaxed(&nr_moves, nr_moves + 1);
}

void wq_cpus_place_pools(void)
{
	struct wq_pool *pool;
	unsigned int id;

	wq_assert_held(&wq_config_lock);
	count_move();
	wq_pools_for_each(pool, id)
	{
		bool is_there = pool->cpu < 0 ||
				wq_cpuset_has(&wq_allowed_cpus, (unsigned int)pool->cpu);

		if (pool->cpu >= 0)
			wq_pools_place(pool, is_there ? NULL : &wq_affinity_cpus.unbound);
		wq_worker_pin_all(pool);
	}
	count_move();
}

/* 0, or what there was not enough of; then the next look tries again. */
static int follow_locked(const struct wq_cpuset *allowed)
{
	int err;

	wq_assert_held(&wq_config_lock);
	wq_cpuset_copy_atomic(&wq_allowed_cpus, allowed);
	wq_affinity_follow();
	err = wq_pools_create_bound();
	wq_cpus_place_pools();
	return err ? err : wq_retire_start();
}

/* Who holds the lock may do so for long, and the manager has other things to do. */
static void follow(const struct wq_cpuset *allowed)
{
	static uint32_t once; /* A: reported */
	int err;

	wq_store_relaxed(&must_remake, true);
	if (!wq_lock_try(&wq_config_lock))
		return;
	/* then no queue is served anew any more */
	err = wq_load_relaxed(&wq_is_shutting_down) ? -ESHUTDOWN : follow_locked(allowed);
	wq_lock_release(&wq_config_lock);
	if (!err)
		queue_remaking();
	else if (err != -ESHUTDOWN)
		wq_note_once(&once, "cannot follow a change of CPUs yet, trying again: ",
			     wq_error_name(err));
}

static void restore_pins(void)
{
	if (!wq_lock_try(&wq_config_lock))
		return;
	self.must_restore = false;
	wq_cpus_place_pools();
	wq_lock_release(&wq_config_lock);
}

/* Few pools in a look; of each one thread, since what lifts pins does not choose. */
static bool is_any_astray(void)
{
	unsigned int nr, nr_pools = wq_load_acquire(&wq_nr_pools);
	struct wq_pool *pool;

	for (nr = 0; nr < NR_CHECKED && nr < nr_pools; nr++) {
		if (++self.next_checked >= nr_pools)
			self.next_checked = 1;
		pool = wq_pools[self.next_checked];
		if (pool->cpu >= 0 && wq_load_relaxed(&pool->nr_workers) &&
		    wq_worker_is_astray(pool))
			return true;
	}
	return false;
}

/* ----------------------------------------------------------------- looking */

/* All that the system would let a thread have; false: it does not say. */
static bool probe_self(struct wq_cpuset *present)
{
	struct wq_cpuset all;

	wq_cpuset_fill(&all, wq_nr_cpus);
	return !wq_os_thread_set_cpus(&all) && !wq_os_allowed_cpus(present) &&
	       narrow(present, &all);
}

static bool probe_worker_locked(bool idle, struct wq_cpuset *present)
{
	struct wq_cpuset all;
	struct wq_pool *pool;
	unsigned int id;

	wq_assert_held(&wq_config_lock);
	wq_cpuset_fill(&all, wq_nr_cpus);
	wq_pools_for_each(pool, id)
	{
		if (wq_worker_probe_cpus(pool, idle, &all, present))
			return narrow(present, &all);
	}
	return false;
}

/*
 * The same by a worker, best by one that has no item: this thread's affinity is not touched, which
 * is all that is known of a change. What a cpuset did to it, the cpuset undoes; what somebody
 * has set stays. False: nobody could be asked now.
 */
static bool probe(struct wq_cpuset *present)
{
	bool ok;

	if (!wq_lock_try(&wq_config_lock))
		return false;
	count_move();
	ok = probe_worker_locked(/* idle */ true, present) ||
	     probe_worker_locked(/* idle */ false, present);
	count_move();
	wq_lock_release(&wq_config_lock);
	return ok;
}

/* Somebody has given the process these; which may be all there is. */
static void restrict_to(const struct wq_cpuset *cpus)
{
	struct wq_cpuset all;

	wq_cpuset_fill(&all, wq_nr_cpus);
	/* atomic: this process may be forked in the middle of it */
	wq_cpuset_copy_atomic(&self.restriction,
			      wq_cpuset_is_subset(&self.present, cpus) ? &all : cpus);
}

/* What the thread asks for, so that its affinity is what there is of this. */
static void get_wish(struct wq_cpuset *wish)
{
	*wish = self.restriction;
	narrow(wish, &chosen);
}

/*
 * Has the system made the thread's affinity what it is, by taking CPUs or giving them? Some
 * systems give back what was asked for, some, after a change of a cpuset, all there is.
 */
static bool is_by_system(const struct wq_cpuset *own, const struct wq_cpuset *present)
{
	struct wq_cpuset left;

	get_wish(&left);
	if (!narrow(&left, present))
		left = *present;
	if (wq_cpuset_is_equal(own, &left))
		return true;
	return !wq_cpuset_is_equal(present, &self.present) && wq_cpuset_is_equal(own, present);
}

/*
 * A cpuset may have changed between the two questions, or be changing: the system hands out the new
 * one at once, and then goes through the threads. Only what is among what there is, and found
 * again by the next look, was set by somebody.
 */
static bool is_seen_again(const struct wq_cpuset *own, const struct wq_cpuset *present)
{
	bool is_same = self.is_in_doubt && wq_cpuset_is_subset(own, present) &&
		       wq_cpuset_is_equal(own, &self.doubted) &&
		       wq_cpuset_is_equal(present, &self.doubted_of);

	self.is_in_doubt = !is_same;
	self.doubted = *own;
	self.doubted_of = *present;
	return is_same;
}

/* From now on the thread's affinity, which is `own`, says what there is, until somebody changes it. */
static void ask_for_wish(const struct wq_cpuset *own)
{
	struct wq_cpuset wish;

	get_wish(&wish);
	self.own = self.present;
	/* with none of them there it keeps all */
	self.must_ask = narrow(&self.own, &wish) && wq_os_thread_set_cpus(&wish);
	/* refused: it says nothing of others */
	if (self.must_ask)
		self.own = *own;
}

/*
 * If possible by leaving the affinity as it was found: were it a cpuset's work after all, because
 * the system takes long, it will change once more, and so tell.
 */
static void follow_somebody(const struct wq_cpuset *own)
{
	struct wq_cpuset wish;

	restrict_to(own);
	get_wish(&wish);
	if (!wq_cpuset_is_equal(own, &wish)) {
		ask_for_wish(own);
		return;
	}
	self.own = *own;
	self.must_ask = false;
}

/* The affinity of a thread that was just made tells nothing. */
static void look_first(void)
{
	if (!probe_self(&self.present))
		return;
	restrict_to(&loaded);
	self.has_looked = true;
	ask_for_wish(&self.present);
}

/* Who changes the affinity of a process changes that of this thread, too. False: not known yet. */
static bool note_change(const struct wq_cpuset *own)
{
	struct wq_cpuset present;
	bool is_foreign;

	if (!probe(&present))
		return false;
	is_foreign = !is_by_system(own, &present);
	if (is_foreign && !is_seen_again(own, &present))
		return false;
	self.present = present;
	if (is_foreign)
		follow_somebody(own);
	else
		ask_for_wish(own);
	return true;
}

/* False: nothing is to follow, yet. */
static bool learn(const struct wq_cpuset *own, bool is_other)
{
	if (!self.has_looked)
		look_first();
	else if (is_other && !note_change(own))
		return false;
	else if (!is_other && self.must_ask)
		ask_for_wish(own);
	self.is_in_doubt = false;
	/* not before others' changes can be told again: who sees this one may make the next */
	return self.has_looked && !self.must_ask;
}

static void look(void)
{
	struct wq_cpuset own, allowed;
	bool is_other;

	if (wq_os_allowed_cpus(&own))
		return;
	wq_cpuset_truncate(&own, wq_nr_cpus);
	is_other = !self.has_looked || !wq_cpuset_is_equal(&own, &self.own);
	self.must_restore |= is_other;
	if (!learn(&own, is_other))
		return;
	allowed = self.present;
	narrow(&allowed, &self.restriction);
	narrow(&allowed, &chosen);
	if (wq_load_relaxed(&must_remake) || !wq_cpuset_is_equal(&allowed, &wq_allowed_cpus))
		follow(&allowed);
	else if (self.must_restore || is_any_astray())
		restore_pins();
}

static void look_at_quota(void)
{
	unsigned int cpus;

	if (!self.quota.root)
		wq_quota_find(&self.quota, wq_options.cgroup_root);
	cpus = wq_quota_cpus(&self.quota);
	if (cpus == self.quota_cpus || !wq_lock_try(&wq_config_lock))
		return;
	self.quota_cpus = cpus;
	wq_pools_set_max_running((unsigned int)wq_options.max_running, cpus);
	wq_lock_release(&wq_config_lock);
}

void wq_cpus_begin(void)
{
	wq_store_relaxed(&manager_tid, wq_os_tid());
	if (wq_options.cpu_watch_ms)
		look();
}

void wq_cpus_watch(uint64_t now)
{
	bool has_read = self.quota.root;

	if (now >= self.next_quota_ns && (wq_options.cpu_watch_ms || !has_read)) {
		self.next_quota_ns = now + QUOTA_NS;
		look_at_quota();
	}
	if (!wq_options.cpu_watch_ms || now < self.next_look_ns)
		return;
	self.next_look_ns = now + wq_options.cpu_watch_ms * NS_PER_MS;
	look();
	if (self.is_in_doubt && now + DOUBT_NS < self.next_look_ns)
		self.next_look_ns = now + DOUBT_NS;
}

/* ------------------------------------------------------------------- seeing */

void wq_cpus_see(struct wq_cpus_sight *sight)
{
	sight->nr_moves = wq_load_relaxed(&nr_moves);
	wq_os_thread_cpus_of(wq_load_relaxed(&manager_tid), &sight->of_manager);
}

bool wq_cpus_is_by_others(const struct wq_cpus_sight *before, const struct wq_cpuset *cpus)
{
	struct wq_cpus_sight now;

	wq_cpus_see(&now);
	return now.nr_moves % 2 || now.nr_moves != before->nr_moves ||
	       !wq_cpuset_is_equal(&now.of_manager, &before->of_manager) ||
	       wq_cpuset_is_equal(&now.of_manager, cpus);
}

/* What a thread of the parent's has found out may be half written; what it made of that is not. */
void wq_cpus_reset(void)
{
	wq_assert_held(&wq_config_lock);
	/* a restriction is inherited, that a CPU is gone for a while is not */
	if (self.has_looked)
		loaded = self.restriction;
	memset(&self, 0, sizeof(self));
	/* nor does the quota outlive what is known of it */
	wq_pools_set_max_running((unsigned int)wq_options.max_running, /* quota */ 0);
	must_remake = false;
	manager_tid = 0;
}
