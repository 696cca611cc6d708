/* SPDX-License-Identifier: MIT */
/*
 * shard.c - armed timers, by the CPU that armed them (contracts in shard.h).
 *
 * Who arms a delayed item never waits for a lock, so that signal handlers can: if
 * the lock stays taken, the timer goes to the intake, and who has the lock
 * files it when he unlocks, be it the thread that the handler interrupted.
 */
#include "core/shard.h"

#include <errno.h>

#include "base/membarrier.h"
#include "base/options.h"
#include "base/os.h"
#include "base/report.h"
#include "core/callback.h"
#include "core/timer.h"

/* How long who arms tries for the lock before it goes by the intake, in pauses. */
#define ARM_SPINS 200

_Static_assert(sizeof(struct timer_list) == 40, "the size of timer_list is part of the ABI");
_Static_assert(sizeof(struct delayed_work) == 88, "the size of delayed_work is part of the ABI");
_Static_assert(offsetof(struct timer_list, entry) == offsetof(struct wq_wheel_timer, link) &&
		       offsetof(struct timer_list, expires) ==
			       offsetof(struct wq_wheel_timer, expires),
	       "a timer begins as the wheel wants it");
_Static_assert(2 * WQ_MAX_CPUS < WQ_TIMER_SHARD_MASK, "timer->state holds any shard");

struct wq_shard **wq_shards;
unsigned int wq_nr_shards;
/* C: once started: by CPU id, for each the normal one, then that of deferrable timers */
static struct wq_shard **shard_of_cpu;

unsigned long wq_shard_now(void)
{
	return wq_os_now_ns() / WQ_NS_PER_JIFFY;
}

static struct wq_wheel_timer *to_wheel(struct timer_list *timer)
{
	return (struct wq_wheel_timer *)(void *)timer;
}

/* -------------------------------------------------------------- making */

/* Nothing is armed there. */
static void start_empty(struct wq_shard *shard)
{
	wq_lock_init(&shard->lock, WQ_RANK_SHARD);
	wq_list_init(&shard->expired);
	wq_list_init(&shard->waiters);
	INIT_WORK(&shard->runner, wq_callback_run);
	shard->next = WQ_NO_TICK;
	wq_wheel_reset(&shard->wheel, wq_shard_now() - 1);
}

void wq_shard_reset_all(void)
{
	unsigned int i;

	wq_assert_held(&wq_config_lock);
	for (i = 0; i < wq_nr_shards; i++) {
		wq_shards[i]->intake = NULL;
		wq_shards[i]->is_lowered = false;
		wq_shards[i]->running = NULL;
		start_empty(wq_shards[i]);
	}
}

static struct wq_shard *create(unsigned int cpu, bool is_deferrable)
{
	struct wq_shard *shard = wq_os_map(sizeof(*shard));

	if (!shard)
		return NULL;
	start_empty(shard);
	shard->cpu = cpu;
	shard->slack = is_deferrable ? wq_options.defer_ms : 0;
	shard->index = wq_nr_shards;
	wq_shards[wq_nr_shards++] = shard;
	return shard;
}

/* What is there already was made by an earlier try. */
static int create_for(unsigned int cpu)
{
	struct wq_shard **place = &shard_of_cpu[WQ_SHARD_KINDS * cpu];
	unsigned int kind;

	for (kind = 0; kind < WQ_SHARD_KINDS; kind++) {
		if (!place[kind])
			place[kind] = create(cpu, /* is_deferrable */ kind == 1);
		if (!place[kind])
			return -ENOMEM;
	}
	return 0;
}

/* A CPU that is not allowed arms on an allowed one's shards. */
static void fill_gaps(void)
{
	unsigned int cpu, kind, stand_in = 0;

	for (cpu = 0; cpu < wq_nr_cpus; cpu++) {
		if (shard_of_cpu[WQ_SHARD_KINDS * cpu])
			continue;
		for (kind = 0; kind < WQ_SHARD_KINDS; kind++)
			shard_of_cpu[WQ_SHARD_KINDS * cpu + kind] =
				wq_shards[stand_in++ % wq_nr_shards];
	}
}

int wq_shard_create_all(void)
{
	size_t size = sizeof(struct wq_shard *) * WQ_SHARD_KINDS * wq_nr_cpus;
	unsigned int cpu;

	wq_assert_held(&wq_config_lock);
	if (!shard_of_cpu)
		shard_of_cpu = wq_os_alloc(size, sizeof(void *));
	if (!wq_shards)
		wq_shards = wq_os_alloc(size, sizeof(void *));
	if (!shard_of_cpu || !wq_shards)
		return -ENOMEM;
	wq_cpuset_for_each(cpu, &wq_allowed_cpus)
	{
		if (create_for(cpu))
			return -ENOMEM;
	}
	fill_gaps();
	return 0;
}

struct wq_shard *wq_shard_for(const struct timer_list *timer, unsigned int cpu)
{
	unsigned int kind = timer->flags & TIMER_DEFERRABLE ? 1 : 0;

	return shard_of_cpu[WQ_SHARD_KINDS * (cpu < wq_nr_cpus ? cpu : 0) + kind];
}

/* ---------------------------------------------------- arming, disarming */

/* `next` must not be later than a timer just armed. */
static void lower_next(struct wq_shard *shard, unsigned long expires)
{
	unsigned long tick = shard->wheel.tick;

	if ((long)(expires - tick) > 0)
		tick = expires;
	if (tick + shard->slack >= wq_load_relaxed(&shard->next))
		return;
	/* order: NEXT-LOWER pairs with NEXT-LOOK (Dekker): before the deadline is looked at */
	wq_store_seq_cst(&shard->next, tick + shard->slack);
	shard->is_lowered = true;
}

/* Nobody else changes it: the shard that it names is locked. */
static void set_state(struct timer_list *timer, const struct wq_shard *shard, uint32_t flags)
{
	/* order: SHARD-MOVE pairs with SHARD-NAMED: another shard's lock goes with the timer */
	wq_store_release(&timer->state, (shard->index + 1) | flags);
}

unsigned int *wq_shard_nr_armed_locked(const struct wq_shard *shard, struct workqueue_struct *wq)
{
	wq_assert_held(&shard->lock);
	return &wq->armed[shard->index / WQ_SHARD_KINDS].nr[shard->index % WQ_SHARD_KINDS];
}

static void count_armed(const struct wq_shard *shard, struct timer_list *timer, int change)
{
	struct delayed_work *dwork = wq_timer_dwork(timer);

	if (dwork)
		*wq_shard_nr_armed_locked(shard, dwork->wq) += (unsigned int)change;
}

void wq_shard_catch_up_locked(struct wq_shard *shard, unsigned long now)
{
	wq_assert_held(&shard->lock);
	wq_wheel_catch_up(&shard->wheel, now - 1);
}

void wq_shard_add_locked(struct wq_shard *shard, struct timer_list *timer, unsigned long expires)
{
	wq_assert_held(&shard->lock);
	wq_assert(!wq_shard_is_armed_locked(timer));
	wq_wheel_add(&shard->wheel, to_wheel(timer), expires);
	set_state(timer, shard, WQ_TIMER_ARMED);
	count_armed(shard, timer, 1);
	lower_next(shard, expires);
}

void wq_shard_move_locked(struct wq_shard *shard, struct timer_list *timer, unsigned long expires)
{
	wq_assert_held(&shard->lock);
	if (wq_load_relaxed(&timer->state) & WQ_TIMER_EXPIRED) {
		wq_list_del(&to_wheel(timer)->link);
		wq_wheel_add(&shard->wheel, to_wheel(timer), expires);
		/* at no time in between is it not pending */
		set_state(timer, shard, WQ_TIMER_ARMED);
	} else {
		wq_wheel_move(&shard->wheel, to_wheel(timer), expires);
	}
	lower_next(shard, expires);
}

void wq_shard_remove_locked(struct wq_shard *shard, struct timer_list *timer)
{
	wq_assert_held(&shard->lock);
	wq_assert(wq_shard_is_armed_locked(timer));
	if (wq_load_relaxed(&timer->state) & WQ_TIMER_EXPIRED)
		wq_list_del(&to_wheel(timer)->link);
	else
		wq_wheel_remove(&shard->wheel, to_wheel(timer));
	set_state(timer, shard, 0);
	count_armed(shard, timer, -1);
}

struct timer_list *wq_shard_expire_locked(struct wq_shard *shard, unsigned long now,
					  unsigned int *budget)
{
	struct wq_wheel_timer *expired;
	struct timer_list *timer;

	wq_assert_held(&shard->lock);
	/* due is what names a jiffy that is over */
	expired = wq_wheel_expire(&shard->wheel, now - 1, budget);
	if (!expired)
		return NULL;
	timer = wq_wheel_to_timer(expired);
	/* timer_pending() looks without the lock: a user's timer is pending until it is called */
	set_state(timer, shard, wq_timer_dwork(timer) ? 0 : WQ_TIMER_EXPIRED);
	count_armed(shard, timer, -1);
	return timer;
}

void wq_shard_set_next_locked(struct wq_shard *shard)
{
	unsigned long next = WQ_NO_TICK;

	wq_assert_held(&shard->lock);
	if (wq_wheel_next(&shard->wheel, &next))
		next += shard->slack;
	wq_store_relaxed(&shard->next, next);
	shard->is_lowered = false;
}

/* ------------------------------------------------------------- locking */

static void file_intake(struct wq_shard *shard)
{
	struct wq_wheel_timer *timer, *next;

	if (wq_likely(!wq_load_relaxed(&shard->intake)))
		return;
	/* order: SHARD-TAKE pairs with SHARD-PUSH */
	for (timer = wq_xchg_acquire(&shard->intake, NULL); timer; timer = next) {
		next = (struct wq_wheel_timer *)(void *)timer->link.next;
		wq_shard_add_locked(shard, wq_wheel_to_timer(timer), timer->expires);
	}
}

void wq_shard_lock(struct wq_shard *shard)
{
	wq_lock_acquire(&shard->lock);
	file_intake(shard);
}

void wq_shard_unlock(struct wq_shard *shard)
{
	bool is_lowered = false, is_awaited = false;

	do {
		file_intake(shard);
		is_lowered |= shard->is_lowered;
		shard->is_lowered = false;
		/* order: SHARD-LOOK pairs with SHARD-PUSH (Dekker): the lock is free, then look */
		is_awaited |= wq_lock_release(&shard->lock);
	} while (wq_unlikely(wq_load_relaxed(&shard->intake) != NULL) && wq_lock_try(&shard->lock));
	if (wq_unlikely(is_lowered))
		wq_timer_announce(shard);
	if (wq_unlikely(is_awaited))
		wq_lock_let_in(&shard->lock);
}

static struct wq_shard *named_shard(struct timer_list *timer)
{
	/* order: SHARD-NAMED pairs with SHARD-MOVE */
	uint32_t number = wq_load_acquire(&timer->state) & WQ_TIMER_SHARD_MASK;

	return number ? wq_shards[number - 1] : NULL;
}

struct wq_shard *wq_shard_lock_timer(struct timer_list *timer)
{
	struct wq_shard *shard;

	while ((shard = named_shard(timer))) {
		wq_shard_lock(shard);
		/* it may have gone to another one before we had the lock; now it cannot */
		if (named_shard(timer) == shard)
			return shard;
		wq_shard_unlock(shard);
	}
	return NULL;
}

struct wq_shard *wq_shard_lock_to_arm(struct timer_list *timer, struct wq_shard *preferred)
{
	struct wq_shard *shard;
	uint32_t none;

	for (;;) {
		shard = wq_shard_lock_timer(timer);
		if (!shard) {
			none = 0;
			wq_cas_acq_rel(&timer->state, &none, preferred->index + 1);
			continue;
		}
		/* whose callback runs stays where timer_delete_sync() looks for it */
		if (shard == preferred || shard->running == timer ||
		    wq_shard_is_armed_locked(timer))
			return shard;
		set_state(timer, preferred, 0);
		wq_shard_unlock(shard);
	}
}

/* ------------------------------------------------- arming without waiting */

static bool try_for(struct wq_lock *lock)
{
	unsigned int i;

	for (i = 0; i < ARM_SPINS; i++) {
		if (!wq_load_relaxed(&lock->word) && wq_lock_try(lock))
			return true;
		wq_cpu_relax();
	}
	return false;
}

/* The shard to arm an idle timer on: the local one, if the other lets it go at once. */
static struct wq_shard *choose_shard(struct timer_list *timer, struct wq_shard *local)
{
	struct wq_shard *named = named_shard(timer);

	if (wq_likely(named == local))
		return local;
	if (!named) {
		set_state(timer, local, 0);
		return local;
	}
	if (!wq_lock_try(&named->lock))
		return named;
	set_state(timer, local, 0);
	wq_shard_unlock(named);
	return local;
}

static void push(struct wq_shard *shard, struct wq_wheel_timer *timer)
{
	struct wq_wheel_timer *head = wq_load_relaxed(&shard->intake);

	/* order: SHARD-PUSH pairs with SHARD-TAKE */
	do
		timer->link.next = (struct wq_list *)head;
	while (!wq_cas_weak_seq_cst(&shard->intake, &head, timer));
}

void wq_shard_arm(struct timer_list *timer, struct wq_shard *preferred, unsigned long now,
		  unsigned long expires)
{
	struct wq_shard *shard = choose_shard(timer, preferred);

	if (wq_likely(wq_lock_try(&shard->lock) || try_for(&shard->lock))) {
		wq_shard_catch_up_locked(shard, now);
		wq_shard_add_locked(shard, timer, expires);
	} else {
		timer->expires = expires;
		push(shard, to_wheel(timer));
		/* order: SHARD-PUSH pairs with SHARD-LOOK (Dekker): then try for the lock */
		wq_heavy_barrier();
		if (!wq_lock_try(&shard->lock))
			return;
	}
	wq_shard_unlock(shard);
}
