/* SPDX-License-Identifier: MIT */
/*
 * timer.c - jiffies, and the kernel's timers: mod_timer() and its kin.
 *
 * Unlike a delayed item a timer has no owner while it is idle: several threads may
 * arm it at once. So all is done under the lock of the shard that it names.
 */
#include "base/os.h"
#include "base/report.h"
#include "core/callback.h"
#include "core/shard.h"
#include "ops/init.h"

/* A: each is reported once. */
static uint32_t said_armed, said_self;

static bool is_usable(const struct timer_list *timer, const char *caller)
{
	if (timer)
		return wq_init_use();
	wq_warn("no timer given to ", caller);
	return false;
}

/* ------------------------------------------------------------- jiffies */

#define SKEW_PER_CPU 3ul

unsigned long workq_jiffies(void)
{
	return wq_shard_now();
}

static unsigned long round_to_second(unsigned long j, unsigned long half, unsigned long now)
{
	unsigned long skew = wq_os_cpu() % (HZ / SKEW_PER_CPU) * SKEW_PER_CPU;
	unsigned long rounded = (j + half - skew) / HZ * HZ + skew;

	return time_after(rounded, now) ? rounded : j;
}

unsigned long round_jiffies(unsigned long j)
{
	return round_to_second(j, HZ / 2, jiffies);
}

unsigned long round_jiffies_up(unsigned long j)
{
	return round_to_second(j, HZ - 1, jiffies);
}

unsigned long round_jiffies_relative(unsigned long j)
{
	unsigned long now = jiffies;

	return j > MAX_JIFFY_OFFSET ? j : round_to_second(now + j, HZ / 2, now) - now;
}

unsigned long round_jiffies_up_relative(unsigned long j)
{
	unsigned long now = jiffies;

	return j > MAX_JIFFY_OFFSET ? j : round_to_second(now + j, HZ - 1, now) - now;
}

/* -------------------------------------------------------------- arming */

/* What is done to a timer that is armed, or is not. */
enum arm { ALWAYS, IF_ARMED, IF_EARLIER };

/* Lock of the shard held. 1: it was armed. */
static int arm_locked(struct wq_shard *shard, struct timer_list *timer, unsigned long expires,
		      enum arm how)
{
	bool is_armed = wq_shard_is_armed_locked(timer);
	unsigned long now = wq_shard_now();

	/* shut down, or never set up */
	if (!timer->function)
		return 0;
	wq_shard_catch_up_locked(shard, now);
	if ((long)(expires - now) > (long)MAX_JIFFY_OFFSET)
		expires = now + MAX_JIFFY_OFFSET;
	if (!is_armed && how != IF_ARMED)
		wq_shard_add_locked(shard, timer, expires);
	else if (is_armed && (how != IF_EARLIER || time_before(expires, timer->expires)))
		wq_shard_move_locked(shard, timer, expires);
	return is_armed;
}

static int arm(struct timer_list *timer, unsigned long expires, enum arm how)
{
	struct wq_shard *shard = wq_shard_lock_to_arm(timer, wq_shard_for(timer, wq_os_cpu()));
	int was_armed = arm_locked(shard, timer, expires, how);

	wq_shard_unlock(shard);
	return was_armed;
}

int mod_timer(struct timer_list *timer, unsigned long expires)
{
	return is_usable(timer, "mod_timer()") && arm(timer, expires, ALWAYS);
}

int mod_timer_pending(struct timer_list *timer, unsigned long expires)
{
	return is_usable(timer, "mod_timer_pending()") && arm(timer, expires, IF_ARMED);
}

int timer_reduce(struct timer_list *timer, unsigned long expires)
{
	return is_usable(timer, "timer_reduce()") && arm(timer, expires, IF_EARLIER);
}

static void add(struct timer_list *timer, unsigned int cpu, const char *caller)
{
	struct wq_shard *shard = wq_shard_lock_to_arm(timer, wq_shard_for(timer, cpu));
	bool is_armed = wq_shard_is_armed_locked(timer);

	if (!is_armed)
		arm_locked(shard, timer, timer->expires, ALWAYS);
	wq_shard_unlock(shard);
	if (is_armed)
		wq_warn_once(&said_armed, "the timer is armed already: ", caller);
}

void add_timer(struct timer_list *timer)
{
	if (is_usable(timer, "add_timer()"))
		add(timer, wq_os_cpu(), "add_timer()");
}

void add_timer_on(struct timer_list *timer, int cpu)
{
	if (is_usable(timer, "add_timer_on()"))
		add(timer, (unsigned int)cpu, "add_timer_on()");
}

/* ----------------------------------------------------------- disarming */

/* What to do about a callback that runs. */
enum running { IGNORE, WAIT, GIVE_UP };

/* A callback cannot wait for its own end. */
static bool must_wait(const struct wq_shard *shard, const char *caller)
{
	if (!wq_callback_is_caller(shard))
		return true;
	wq_warn_once(&said_self, "a timer's function would wait for itself; not waiting: ", caller);
	return false;
}

/* 1: it was armed; 0: not; -1: gave up. */
static int disarm(struct timer_list *timer, enum running what, bool is_shutdown, const char *caller)
{
	struct wq_shard *shard;
	bool is_running, was_armed = false;

	if (!is_usable(timer, caller))
		return 0;
	/* a timer that was never armed belongs to nobody, but may be about to be armed */
	shard = wq_shard_lock_to_arm(timer, wq_shard_for(timer, wq_os_cpu()));
	is_running = shard->running == timer;
	if (is_shutdown) {
		timer->function = NULL;
		was_armed = wq_shard_disarm_locked(shard, timer);
	}
	if (is_running && what == WAIT && must_wait(shard, caller))
		return was_armed | wq_callback_wait(shard);
	if (!is_running || what != GIVE_UP)
		was_armed |= wq_shard_disarm_locked(shard, timer);
	wq_shard_unlock(shard);
	return is_running && what == GIVE_UP ? -1 : was_armed;
}

int workq_timer_delete(struct timer_list *timer)
{
	return disarm(timer, IGNORE, /* is_shutdown */ false, "timer_delete()");
}

int timer_delete_sync(struct timer_list *timer)
{
	return disarm(timer, WAIT, /* is_shutdown */ false, "timer_delete_sync()");
}

int timer_delete_sync_try(struct timer_list *timer)
{
	return disarm(timer, GIVE_UP, /* is_shutdown */ false, "timer_delete_sync_try()");
}

int timer_shutdown(struct timer_list *timer)
{
	return disarm(timer, IGNORE, /* is_shutdown */ true, "timer_shutdown()");
}

int timer_shutdown_sync(struct timer_list *timer)
{
	return disarm(timer, WAIT, /* is_shutdown */ true, "timer_shutdown_sync()");
}

bool timer_pending(const struct timer_list *timer)
{
	return timer && wq_load_relaxed(&timer->state) & (WQ_TIMER_ARMED | WQ_TIMER_EXPIRED);
}

void timer_destroy_on_stack(struct timer_list *timer)
{
	if (timer_pending(timer))
		wq_warn("a timer on the stack is still armed", "");
}
