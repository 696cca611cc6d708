/* SPDX-License-Identifier: MIT */
/*
 * fork.c - what happens to the library in fork().
 *
 * Before it: nobody starts the library or changes queues, nobody is in a section, nobody changes
 * pools and shards. So the child finds all items where they wait, and lets them be idle; that is
 * done at once, since the program may use their memory. Pools, queues and threads are made anew
 * by the first use, so that a child that only calls exec pays little.
 */
#include "ops/fork.h"

#include "base/grace.h"
#include "base/os.h"
#include "base/report.h"
#include "core/child.h"
#include "core/switches.h"
#include "core/timer.h"
#include "core/wq.h"
#include "ops/defer.h"
#include "ops/init.h"
#include "ops/kthread.h"
#include "ops/kworker.h"
#include "ops/task.h"

/*
 * For how long others are waited for before all that is held is let go for a moment: one may wait for
 * another lock that we hold, or be interrupted in a lock by a handler that waits to enter a section.
 */
#define FIRST_PATIENCE_NS 2000000u
#define MAX_PATIENCE_NS   100000000u
/* Then this share of it, so that who has waited gets on. */
#define LET_GO_SHARE      4u

static bool is_held;                 /* G: pools and shards are locked, sections closed */
static bool must_reset;              /* G: a child, and nothing was used in it */
static struct wq_os_signals signals; /* G: mask of who forks */

/* ------------------------------------------------------------------- before */

static bool try_to_hold(uint64_t deadline_ns)
{
	if (!wq_grace_close(deadline_ns))
		return false;
	if (wq_child_lock_all(deadline_ns))
		return true;
	wq_grace_reopen();
	return false;
}

static void hold(void)
{
	uint64_t patience = FIRST_PATIENCE_NS;

	while (!try_to_hold(wq_os_now_ns() + patience)) {
		wq_os_sleep_ns(patience / LET_GO_SHARE);
		if (patience < MAX_PATIENCE_NS)
			patience *= 2;
	}
	is_held = true;
}

static void prepare(void)
{
	/* a handler would use in the child what is not there yet */
	struct wq_os_signals mask = wq_os_signals_block();

	wq_lock_acquire(&wq_config_lock);
	signals = mask;
	if (wq_init_is_started()) {
		/* once it is started that cannot fail */
		wq_init_use();
		hold();
		/* from now on we may wait for somebody whom a handler has interrupted */
		wq_defer_open();
	}
	/* the last rank: nobody who holds it waits */
	wq_lock_acquire(&wq_tasks_lock);
}

/* -------------------------------------------------------------------- after */

static void go_on_in_parent(void)
{
	struct wq_os_signals mask = signals;

	wq_lock_release(&wq_tasks_lock);
	if (is_held) {
		is_held = false;
		wq_defer_land();
		wq_child_unlock_all();
		wq_grace_reopen();
	}
	wq_lock_release(&wq_config_lock);
	wq_os_signals_restore(&mask);
}

static void go_on_in_child(void)
{
	struct wq_os_signals mask = signals;

	wq_fork_generation++;
	if (is_held) {
		is_held = false;
		wq_defer_forget();
		wq_child_forget_items();
		wq_grace_reopen();
		wq_timer_reset();
		wq_switches_reset();
		wq_init_forget();
	}
	must_reset = true;
	wq_os_threads_reset();
	wq_task_reset();
	wq_kthread_reset();
	wq_lock_forget_held();
	wq_lock_init(&wq_config_lock, WQ_RANK_CONFIG);
	wq_os_signals_restore(&mask);
}

int wq_fork_restart(void)
{
	wq_assert_held(&wq_config_lock);
	if (must_reset) {
		must_reset = false;
		wq_child_reset();
		wq_kworker_reset();
	}
	return wq_wq_lay_out_all();
}

__attribute__((constructor)) void wq_fork_register(void)
{
	static bool is_registered; /* G: or before there are threads */

	if (is_registered)
		return;
	is_registered = true;
	if (wq_os_at_fork(prepare, go_on_in_parent, go_on_in_child))
		wq_note("no memory to look after fork(): a child cannot use the library", "");
}
