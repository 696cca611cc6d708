/* SPDX-License-Identifier: MIT */
/*
 * delayed.c - queue_delayed_work(), mod_delayed_work(), flush_delayed_work().
 *
 * Who takes PENDING of an idle item owns it until its timer is armed. Whoever
 * wants an armed one, the timer thread too, locks the timer's shard; the item
 * leaves the wheel and gets its next state in one hold of that lock.
 */
#include "ops/delayed.h"

#include "base/os.h"
#include "base/report.h"
#include "base/symbol.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/shard.h"
#include "core/submit.h"
#include "core/timer.h"
#include "core/work.h"
#include "ops/defer.h"
#include "ops/init.h"
#include "ops/wait.h"

static uint32_t said_no_timer; /* A: reported */

static bool is_usable(const struct workqueue_struct *wq, const struct delayed_work *dwork,
		      const char *caller)
{
	if (wq && dwork)
		return wq_init_use();
	wq_warn(dwork ? "no queue given to " : "no item given to ", caller);
	return false;
}

static unsigned int target_cpu(int cpu)
{
	return cpu == WORK_CPU_UNBOUND ? wq_os_cpu() : (unsigned int)cpu;
}

/* ----------------------------------------------------------- as its owner */

/* When a timer with this delay is over. */
static unsigned long end_of(unsigned long delay, unsigned long now)
{
	return now + (delay < MAX_JIFFY_OFFSET ? delay : MAX_JIFFY_OFFSET);
}

/* The timer is about to be armed for this queue. */
static void set_queue(struct delayed_work *dwork, struct workqueue_struct *wq)
{
	dwork->wq = wq;
	if (wq_unlikely(!wq_load_relaxed(&wq->has_armed)))
		wq_store_relaxed(&wq->has_armed, true);
}

/* PENDING and TIMER are ours. From then on the item may be gone. */
static void arm(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
		unsigned long delay)
{
	unsigned long now = wq_shard_now();
	unsigned int here = wq_os_cpu();

	set_queue(dwork, wq);
	dwork->cpu = cpu == WORK_CPU_UNBOUND ? (int)here : cpu;
	wq_shard_arm(&dwork->timer, wq_shard_for(&dwork->timer, here), now, end_of(delay, now));
}

void wq_delayed_land(struct delayed_work *dwork)
{
	wq_fetch_and_acq_rel(&dwork->work.data, ~WQ_WORK_TAG_MASK);
	wq_shard_arm(&dwork->timer, wq_shard_for(&dwork->timer, (unsigned int)dwork->cpu),
		     wq_shard_now(), dwork->timer.expires);
}

/* False: it is pending, or disabled. */
static bool take_idle(struct workqueue_struct *wq, struct work_struct *work)
{
	unsigned long word = wq_load_relaxed(&work->data);

	/* order: PENDING-TAKE pairs with PENDING-CLEAR */
	if (wq_likely(!(word & (WQ_WORK_PENDING | WQ_WORK_DEPTH_MASK)) &&
		      wq_cas_acq_rel(&work->data, &word, word | WQ_WORK_PENDING | WQ_WORK_TIMER)))
		return true;
	if (!wq_submit_take_pending(wq, work, &word))
		return false;
	wq_fetch_or_acq_rel(&work->data, WQ_WORK_TIMER);
	return true;
}

/* PENDING is ours: was the item initialised? If not, reports it and leaves it idle. */
static bool has_timer(const struct workqueue_struct *wq, struct delayed_work *dwork)
{
	bool has_func = !wq_submit_has_no_func(wq, &dwork->work);

	if (has_func && dwork->timer.function == delayed_work_timer_fn)
		return true;
	if (has_func)
		wq_warn_once(
			&said_no_timer,
			"a delayed item was not initialised as one, and is not queued: ", wq->name);
	wq_fetch_and_acq_rel(&dwork->work.data, ~WQ_WORK_TRANSIT_MASK);
	return false;
}

/* For who must not arm it now. */
static bool defer(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
		  unsigned long delay)
{
	if (!wq_submit_take_deferred(wq, &dwork->work, WQ_DEFER_DELAYED))
		return false;
	if (!has_timer(wq, dwork))
		return true;
	set_queue(dwork, wq);
	dwork->cpu = (int)target_cpu(cpu);
	dwork->timer.expires = end_of(delay, wq_shard_now());
	wq_defer(&dwork->work);
	return true;
}

bool queue_delayed_work_on(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
			   unsigned long delay)
{
	bool is_taken;

	if (!is_usable(wq, dwork, "queue_delayed_work()"))
		return false;
	if (!delay)
		return queue_work_on(cpu, wq, &dwork->work);
	if (wq_likely(wq_grace_enter_or_defer())) {
		is_taken = take_idle(wq, &dwork->work);
		if (is_taken && has_timer(wq, dwork))
			arm(cpu, wq, dwork, delay);
	} else {
		is_taken = defer(cpu, wq, dwork, delay);
	}
	wq_grace_leave();
	return is_taken;
}

/* ----------------------------------------------------------- pulling back */

/* The item waits on its pool's lists: take it off, keeping PENDING. False: it does not. */
static bool take_filed(struct work_struct *work)
{
	unsigned long word;
	struct wq_pool *pool = wq_wait_lock_pool(work, &word);

	if (!pool)
		return false;
	wq_wait_unfile(pool, work, word, WQ_WORK_PENDING);
	wq_pool_unlock(pool);
	return true;
}

/* Lock the shard that the item is armed on; NULL: it is not armed, any more or yet. */
static struct wq_shard *lock_armed(struct delayed_work *dwork)
{
	struct wq_shard *shard = wq_shard_lock_timer(&dwork->timer);

	if (shard && !wq_shard_is_armed_locked(&dwork->timer)) {
		wq_shard_unlock(shard);
		shard = NULL;
	}
	return shard;
}

/* An armed item, armed anew, perhaps for another queue. */
static void rearm(struct wq_shard *shard, int cpu, struct workqueue_struct *wq,
		  struct delayed_work *dwork, unsigned long delay)
{
	unsigned long now = wq_shard_now();

	wq_shard_catch_up_locked(shard, now);
	dwork->cpu = (int)target_cpu(cpu);
	if (dwork->wq == wq) {
		wq_shard_move_locked(shard, &dwork->timer, end_of(delay, now));
		return;
	}
	wq_shard_remove_locked(shard, &dwork->timer);
	set_queue(dwork, wq);
	wq_shard_add_locked(shard, &dwork->timer, end_of(delay, now));
}

/* In a section. False: not armed. */
static bool mod_armed(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay)
{
	struct wq_shard *shard = lock_armed(dwork);
	struct wq_park *wake = NULL;

	if (!shard)
		return false;
	if (delay) {
		rearm(shard, cpu, wq, dwork, delay);
	} else {
		wq_shard_remove_locked(shard, &dwork->timer);
		wq_submit(wq, &dwork->work, target_cpu(cpu), &wake);
	}
	wq_shard_unlock(shard);
	if (wake)
		wq_park_wake(wake);
	return true;
}

/* In a section. False: not filed. */
static bool mod_filed(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay)
{
	struct wq_park *wake;

	if (!take_filed(&dwork->work))
		return false;
	if (delay) {
		wq_fetch_or_acq_rel(&dwork->work.data, WQ_WORK_TIMER);
		arm(cpu, wq, dwork, delay);
		return true;
	}
	wq_submit(wq, &dwork->work, target_cpu(cpu), &wake);
	if (wake)
		wq_park_wake(wake);
	return true;
}

static bool mod_pending(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
			unsigned long delay, unsigned long word)
{
	bool is_done = false;

	wq_grace_enter();
	if (wq_word_is_timer(word))
		is_done = mod_armed(cpu, wq, dwork, delay);
	else if (wq_word_is_queued(word))
		is_done = mod_filed(cpu, wq, dwork, delay);
	wq_grace_leave();
	return is_done;
}

bool mod_delayed_work_on(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
			 unsigned long delay)
{
	struct wq_backoff backoff = { 0 };
	unsigned long word;

	if (!is_usable(wq, dwork, "mod_delayed_work()"))
		return false;
	for (;;) {
		word = wq_work_look(&dwork->work);
		if (word & WQ_WORK_PENDING) {
			if (mod_pending(cpu, wq, dwork, delay, word))
				return true;
			/* in transit: whoever queues or arms it is nearly done (A10) */
			wq_backoff_wait(&backoff);
		} else if (wq_word_depth(word) || queue_delayed_work_on(cpu, wq, dwork, delay)) {
			return false;
		}
	}
}

/* Queue the item of an armed timer now; false: it is not armed, or the queue refused it. */
static bool fire_now(struct delayed_work *dwork)
{
	struct wq_park *wake = NULL;
	struct wq_shard *shard;
	bool is_queued = false;

	wq_grace_enter();
	shard = lock_armed(dwork);
	if (shard) {
		wq_shard_remove_locked(shard, &dwork->timer);
		is_queued = wq_submit(dwork->wq, &dwork->work, (unsigned int)dwork->cpu, &wake);
		wq_shard_unlock(shard);
	}
	wq_grace_leave();
	if (wake)
		wq_park_wake(wake);
	return is_queued;
}

bool flush_delayed_work(struct delayed_work *dwork)
{
	struct wq_backoff backoff = { 0 };
	bool was_armed;

	if (!dwork || !dwork->work.func) {
		wq_warn("flush_delayed_work() of ",
			dwork ? "an item never initialised" : "no item");
		return false;
	}
	if (!wq_init_use())
		return false;
	/* in transit: whoever arms it is nearly done (A10) */
	while (!(was_armed = fire_now(dwork)) && wq_word_is_timer(wq_work_look(&dwork->work)))
		wq_backoff_wait(&backoff);
	/* if it has run by now, that was waited for */
	return flush_work(&dwork->work) || was_armed;
}

void delayed_work_timer_fn(struct timer_list *timer)
{
	if (timer && wq_init_use())
		fire_now(container_of(timer, struct delayed_work, timer));
}

void destroy_delayed_work_on_stack(struct delayed_work *dwork)
{
	if (dwork)
		destroy_work_on_stack(&dwork->work);
}

/* ------------------------------------------------- when a queue goes away */

#define MAX_FUNCTIONS 4

/* What was armed: how many items, and the first few functions of theirs. */
struct left_armed {
	struct workqueue_struct *wq;
	struct wq_shard *shard;
	unsigned int nr;
	unsigned int nr_functions;
	struct {
		work_func_t func;
		unsigned int nr;
	} functions[MAX_FUNCTIONS];
};

static void note_function(struct left_armed *left, work_func_t func)
{
	unsigned int i;

	left->nr++;
	for (i = 0; i < left->nr_functions; i++) {
		if (left->functions[i].func == func) {
			left->functions[i].nr++;
			return;
		}
	}
	if (i == MAX_FUNCTIONS)
		return;
	left->functions[i].func = func;
	left->functions[i].nr = 1;
	left->nr_functions++;
}

void wq_delayed_disarm_locked(struct wq_shard *shard, struct delayed_work *dwork)
{
	unsigned long word;

	wq_shard_remove_locked(shard, &dwork->timer);
	word = wq_load_relaxed(&dwork->work.data);
	wq_xchg_acq_rel(&dwork->work.data, wq_word_off(wq_word_slot(word), 0));
}

static void disarm_if_of(struct wq_wheel_timer *timer, void *arg)
{
	struct delayed_work *dwork = wq_timer_dwork(wq_wheel_to_timer(timer));
	struct left_armed *left = arg;

	if (!dwork || dwork->wq != left->wq)
		return;
	note_function(left, dwork->work.func);
	wq_delayed_disarm_locked(left->shard, dwork);
}

static void report_left(const struct left_armed *left)
{
	struct wq_msg msg;
	unsigned int i;
	char name[96];

	wq_msg_warning(&msg, "destroy_workqueue(): \"");
	wq_msg_text(&msg, left->wq->name);
	wq_msg_text(&msg, "\" still had armed delayed items, which will not run: ");
	wq_msg_number(&msg, left->nr);
	for (i = 0; i < left->nr_functions; i++) {
		wq_symbol_name((uintptr_t)left->functions[i].func, name, sizeof(name));
		wq_msg_text(&msg, i ? ", " : " of ");
		wq_msg_text(&msg, name);
		wq_msg_text(&msg, " x");
		wq_msg_number(&msg, left->functions[i].nr);
	}
	if (left->nr_functions == MAX_FUNCTIONS)
		wq_msg_text(&msg, " ...");
	wq_msg_send(&msg);
}

void wq_delayed_disarm_all(struct workqueue_struct *wq)
{
	struct left_armed left = { .wq = wq };
	unsigned int i;

	if (!wq_load_relaxed(&wq->has_armed))
		return;
	for (i = 0; i < wq_nr_shards; i++) {
		left.shard = wq_shards[i];
		wq_shard_lock(left.shard);
		if (*wq_shard_nr_armed_locked(left.shard, wq))
			wq_wheel_for_each(&left.shard->wheel, disarm_if_of, &left);
		wq_shard_unlock(left.shard);
	}
	if (left.nr)
		report_left(&left);
}
