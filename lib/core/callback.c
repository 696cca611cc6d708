/* SPDX-License-Identifier: MIT */
/*
 * callback.c - user's timers that have expired (contracts in callback.h).
 */
#include "core/callback.h"

#include "core/block.h"
#include "core/shard.h"
#include "core/submit.h"
#include "core/work.h"
#include "core/worker.h"
#include "core/wq.h"

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

static void complete_waiters(struct wq_shard *shard)
{
	struct wq_barrier *barrier;
	struct wq_park *park;

	while (!wq_list_is_empty(&shard->waiters)) {
		barrier = wq_list_entry(shard->waiters.next, struct wq_barrier, node);
		park = barrier->park;
		wq_list_del(&barrier->node);
		/* order: DONE pairs with WAIT-DONE */
		wq_store_release(&barrier->is_done, 1u);
		if (park)
			wq_park_wake(park);
	}
}

/* Call one; the lock is released meanwhile, and the timer may be gone afterwards. */
static void call(struct wq_shard *shard, struct timer_list *timer)
{
	void (*function)(struct timer_list * timer) = timer->function;

	wq_shard_remove_locked(shard, timer);
	shard->running = timer;
	wq_shard_unlock(shard);
	function(timer);
	wq_shard_lock(shard);
	shard->running = NULL;
	complete_waiters(shard);
}

void wq_callback_run(struct work_struct *runner)
{
	struct wq_shard *shard = container_of(runner, struct wq_shard, runner);

	wq_shard_lock(shard);
	while (!wq_list_is_empty(&shard->expired))
		call(shard, timer_of(shard->expired.next));
	wq_shard_unlock(shard);
}

bool wq_callback_is_caller(const struct wq_shard *shard)
{
	return wq_worker_self && wq_worker_self->current == &shard->runner;
}

void wq_callback_wait(struct wq_shard *shard)
{
	struct wq_barrier barrier = { .park = wq_block_park() };

	wq_assert_held(&shard->lock);
	wq_list_add_tail(&barrier.node, &shard->waiters);
	wq_shard_unlock(shard);
	wq_block_wait_done(&barrier.is_done, barrier.park);
}
