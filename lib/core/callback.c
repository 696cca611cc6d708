/* SPDX-License-Identifier: MIT */
/*
 * callback.c - user's timers that have expired (contracts in callback.h).
 */
#include "core/callback.h"

#include "base/grace.h"
#include "core/block.h"
#include "core/custody.h"
#include "core/shard.h"
#include "core/submit.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"

/* So many callbacks, then other items of the CPU have their turn. */
#define TURN 16u

static struct wq_list *link_of(struct timer_list *timer)
{
	return (struct wq_list *)(void *)&timer->entry;
}

static struct timer_list *timer_of(struct wq_list *link)
{
	return wq_list_entry(link, struct timer_list, entry);
}

/* Queue the runner, unless it is queued already and has not begun: then it will look. */
static struct wq_park *queue_runner(struct wq_shard *shard)
{
	unsigned long word;
	struct wq_park *wake = NULL;

	if (wq_submit_take_pending(&wq_timers_wq, &shard->runner, &word))
		wq_submit(&wq_timers_wq, &shard->runner, shard->cpu, &wake);
	return wake;
}

struct wq_park *wq_callback_add_locked(struct wq_shard *shard, struct timer_list *timer)
{
	wq_assert_held(&shard->lock);
	wq_list_add_tail(link_of(timer), &shard->expired);
	wq_store_relaxed(&timer->state, (shard->index + 1) | WQ_TIMER_EXPIRED);
	return queue_runner(shard);
}

/* What a waiter finds in is_done. */
enum { NOT_YET, ONLY_DONE, DONE_AND_DISARMED };

static void complete(struct wq_barrier *barrier, uint32_t how)
{
	struct wq_park *park = barrier->park;

	wq_list_del(&barrier->node);
	/* order: DONE pairs with WAIT-DONE */
	wq_store_release(&barrier->is_done, how);
	if (park)
		wq_park_wake(park);
}

/*
 * The callback has returned, and somebody waits for that: so the timer is still there. Armed
 * anew by its callback it could be called again before he looks: it is disarmed for him.
 */
static void complete_waiters(struct wq_shard *shard, struct timer_list *timer)
{
	uint32_t how = ONLY_DONE;

	if (wq_shard_disarm_locked(shard, timer))
		how = DONE_AND_DISARMED;
	while (!wq_list_is_empty(&shard->waiters)) {
		complete(wq_list_entry(shard->waiters.next, struct wq_barrier, node), how);
		/* one of them has disarmed it */
		how = ONLY_DONE;
	}
}

/* The timer may be gone. */
static void settle(struct wq_shard *shard, struct timer_list *timer)
{
	shard->running = NULL;
	if (wq_unlikely(!wq_list_is_empty(&shard->waiters)))
		complete_waiters(shard, timer);
}

/*
 * Call one; the lock is released meanwhile, and the timer may be gone afterwards. False: it has
 * called fork(), and this is the child, whose shard is not ours.
 */
static bool call(struct wq_shard *shard, struct timer_list *timer)
{
	void (*function)(struct timer_list * timer) = timer->function;
	unsigned int generation = wq_fork_generation;
	struct wq_custody custody;

	wq_shard_remove_locked(shard, timer);
	shard->running = timer;
	shard->running_function = function;
	wq_shard_unlock(shard);
	wq_custody_begin(&custody);
	function(timer);
	if (wq_unlikely(wq_fork_generation != generation))
		return false;
	wq_custody_end(&custody, (uintptr_t)function);
	wq_shard_lock(shard);
	settle(shard, timer);
	return true;
}

/* By the runner itself, on a worker that may not have entered a section before. */
static struct wq_park *queue_again(struct wq_shard *shard)
{
	struct wq_park *wake;

	if (!wq_grace_self)
		wq_grace_claim();
	wq_grace_enter_locked();
	wake = queue_runner(shard);
	wq_grace_leave();
	return wake;
}

/* The others' turn. */
static void leave(struct wq_shard *shard)
{
	struct wq_park *wake = NULL;

	if (!wq_list_is_empty(&shard->expired))
		wake = queue_again(shard);
	wq_shard_unlock(shard);
	if (wake)
		wq_park_wake(wake);
}

void wq_callback_run(struct work_struct *runner)
{
	struct wq_shard *shard = container_of(runner, struct wq_shard, runner);
	unsigned int nr;

	wq_shard_lock(shard);
	for (nr = 0; nr < TURN && !wq_list_is_empty(&shard->expired); nr++) {
		if (!call(shard, timer_of(shard->expired.next)))
			return;
	}
	leave(shard);
}

uintptr_t wq_callback_function(struct work_struct *runner)
{
	struct wq_shard *shard = container_of(runner, struct wq_shard, runner);

	return (uintptr_t)shard->running_function;
}

void wq_callback_abandon(struct work_struct *runner)
{
	struct wq_shard *shard = container_of(runner, struct wq_shard, runner);

	wq_shard_lock(shard);
	settle(shard, shard->running);
	leave(shard);
}

bool wq_callback_is_caller(const struct wq_shard *shard)
{
	return wq_worker_self && wq_worker_self->current == &shard->runner;
}

bool wq_callback_wait(struct wq_shard *shard)
{
	struct wq_barrier barrier = { .park = wq_block_park() };

	wq_assert_held(&shard->lock);
	wq_list_add_tail(&barrier.node, &shard->waiters);
	wq_shard_unlock(shard);
	wq_block_wait_done(&barrier.is_done, barrier.park);
	return barrier.is_done == DONE_AND_DISARMED;
}
