/* SPDX-License-Identifier: MIT */
/*
 * kworker.c - kthread_workers: a thread each, and a list of works (contracts in kworker.h).
 *
 * A worker's lock is not in the worker, but one of a fixed number: who unlocks it may be
 * preempted before he is through with the lock, while the worker is freed. It is held while a
 * timer is armed, never while a work's function runs.
 *
 * A work gets to the work list of its worker only when its timer's callback does not run: so
 * the function may free it.
 */
#include "ops/kworker.h"

#include "base/report.h"
#include "base/told.h"
#include "core/types.h"
#include "ops/init.h"
#include "ops/task.h"

#define NR_STRIPES_LOG2 6

/* work->state */
enum {
	IDLE,
	QUEUED, /* on work_list */
	ARMED,  /* on delayed_work_list; the timer is armed, or its callback about to come */
};

/* What callers wait for: the work starts, and then has run. */
enum { START, RETURN };

/* Letter K: under the lock of the worker's stripe. All private fields of workers and works are. */
struct stripe {
	struct wq_lock lock;       /* C: itself; ranks WQ_RANK_KWORKER */
	struct wq_waiter *waiters; /* K: of all its workers */
} WQ_LINE_ALIGNED;

_Static_assert(sizeof(struct kthread_worker) == 128, "the ABI");
_Static_assert(sizeof(struct kthread_work) == 40, "the ABI");
_Static_assert(sizeof(struct kthread_delayed_work) == 80, "the ABI");
_Static_assert(WQ_RANK_KWORKER == 0, "zeroed stripes are ready for use");

static struct stripe stripes[1u << NR_STRIPES_LOG2];

/* A: each is reported once. */
static uint32_t said_self, said_two_threads;

static struct wq_list *works_of(struct kthread_worker *worker)
{
	return (struct wq_list *)(void *)&worker->work_list;
}

static struct wq_list *delayed_of(struct kthread_worker *worker)
{
	return (struct wq_list *)(void *)&worker->delayed_work_list;
}

static void start_empty(struct kthread_worker *worker)
{
	worker->generation = wq_fork_generation;
	wq_list_init(works_of(worker));
	wq_list_init(delayed_of(worker));
}

/* In the child of fork(): its thread is in the parent, and so is what that has to do. */
static void leave_behind(struct kthread_worker *worker)
{
	start_empty(worker);
	worker->current_work = NULL;
	worker->is_left = worker->task != NULL;
}

static struct stripe *lock_stripe(struct kthread_worker *worker)
{
	uint64_t hash = (uint64_t)(uintptr_t)worker * 0x9e3779b97f4a7c15u;
	struct stripe *stripe = &stripes[hash >> (64 - NR_STRIPES_LOG2)];

	wq_lock_acquire(&stripe->lock);
	if (wq_unlikely(worker->generation != wq_fork_generation))
		leave_behind(worker);
	return stripe;
}

void wq_kworker_reset(void)
{
	unsigned int i;

	for (i = 0; i < 1u << NR_STRIPES_LOG2; i++)
		stripes[i] = (struct stripe){ 0 };
}

static struct wq_list *link_of(struct kthread_work *work)
{
	return (struct wq_list *)(void *)&work->node;
}

static struct kthread_work *work_of(struct wq_list *link)
{
	return wq_list_entry(link, struct kthread_work, node);
}

static struct timer_list *timer_of(struct kthread_work *work)
{
	return &container_of(work, struct kthread_delayed_work, work)->timer;
}

void kthread_init_worker(struct kthread_worker *worker)
{
	*worker = (struct kthread_worker){ 0 };
	start_empty(worker);
}

/* ------------------------------------------------------ a work's state */

/* work->canceling: how many cancel it; above that in which process it was last used. */
#define CANCELLERS_MASK  0xffff
#define GENERATION_SHIFT 16
#define GENERATION_MASK  0x7fffu

/* What was done with it in the parent of this process is no business of this one. */
static void renew(struct kthread_work *work)
{
	int generation = (int)(wq_fork_generation & GENERATION_MASK);

	if (wq_likely(work->canceling >> GENERATION_SHIFT == generation))
		return;
	work->state = IDLE;
	work->canceling = generation << GENERATION_SHIFT;
}

static unsigned int state_of(struct kthread_work *work)
{
	renew(work);
	return work->state;
}

static bool is_being_cancelled(const struct kthread_work *work)
{
	return work->canceling & CANCELLERS_MASK;
}

/* ------------------------------------------------------ under the lock */

static void insert_locked(struct kthread_worker *worker, struct kthread_work *work)
{
	renew(work);
	work->state = QUEUED;
	wq_list_add_tail(link_of(work), works_of(worker));
	if (!worker->current_work && worker->task)
		wake_up_process(worker->task);
}

static void arm_locked(struct kthread_worker *worker, struct kthread_work *work,
		       unsigned long delay)
{
	work->state = ARMED;
	wq_list_add_tail(link_of(work), delayed_of(worker));
	mod_timer(timer_of(work), jiffies + (delay < MAX_JIFFY_OFFSET ? delay : MAX_JIFFY_OFFSET));
}

/* Queue it now or later; it is idle. */
static void place_locked(struct kthread_worker *worker, struct kthread_work *work,
			 unsigned long delay)
{
	if (delay)
		arm_locked(worker, work, delay);
	else
		insert_locked(worker, work);
}

/* It is queued or armed, and becomes idle; nobody waits for its start any more. */
static void remove_locked(struct stripe *stripe, struct kthread_worker *worker,
			  struct kthread_work *work)
{
	wq_assert_held(&stripe->lock);
	wq_list_del(link_of(work));
	work->state = IDLE;
	wq_waiter_complete(&stripe->waiters, worker, work, START);
}

/* True: it belonged to another worker. */
static bool adopt_locked(struct kthread_worker *worker, struct kthread_work *work)
{
	bool is_others = work->worker && work->worker != worker;

	wq_store_relaxed(&work->worker, worker);
	return is_others;
}

static bool is_usable(struct kthread_worker *worker, const struct kthread_work *work,
		      const char *caller)
{
	if (worker && work && work->func && !IS_ERR(worker))
		return wq_init_use();
	wq_warn("no worker, no work, or one that was not initialised: ", caller);
	return false;
}

static void tell_if_others(bool is_others, const char *caller)
{
	if (is_others)
		wq_warn("a kthread_work of another worker, not initialised again: ", caller);
}

static void tell_if_left(bool is_left, const char *caller)
{
	if (is_left)
		wq_warn("a kthread_worker whose thread is in the parent of this process: ", caller);
}

/* The worker waits for nobody in its own functions. */
static void tell_of_self(const char *caller)
{
	wq_warn_once(&said_self, "a kthread_worker would wait for itself; not waiting: ", caller);
}

static bool is_own_thread(const struct kthread_worker *worker)
{
	return wq_task_self && wq_load_relaxed(&worker->task) == wq_task_self;
}

bool wq_kworker_is_caller(const struct kthread_worker *worker, const char *caller)
{
	if (!is_own_thread(worker))
		return false;
	tell_of_self(caller);
	return true;
}

/* --------------------------------------------------------------- queueing */

static bool queue(struct kthread_worker *worker, struct kthread_work *work, unsigned long delay,
		  const char *caller)
{
	struct stripe *stripe = lock_stripe(worker);
	bool is_left = worker->is_left;
	bool is_accepted = state_of(work) == IDLE && !is_being_cancelled(work) && !is_left;
	bool is_others = is_accepted && adopt_locked(worker, work);

	if (is_accepted)
		place_locked(worker, work, delay);
	wq_lock_release(&stripe->lock);
	tell_if_others(is_others, caller);
	tell_if_left(is_left, caller);
	return is_accepted;
}

bool kthread_queue_work(struct kthread_worker *worker, struct kthread_work *work)
{
	static const char caller[] = "kthread_queue_work()";

	return is_usable(worker, work, caller) && queue(worker, work, 0, caller);
}

static bool is_usable_delayed(struct kthread_worker *worker, struct kthread_delayed_work *dwork,
			      const char *caller)
{
	if (dwork && dwork->timer.function != kthread_delayed_work_timer_fn) {
		wq_warn("a kthread_delayed_work that was not initialised: ", caller);
		return false;
	}
	return is_usable(worker, dwork ? &dwork->work : NULL, caller);
}

bool kthread_queue_delayed_work(struct kthread_worker *worker, struct kthread_delayed_work *dwork,
				unsigned long delay)
{
	static const char caller[] = "kthread_queue_delayed_work()";

	return is_usable_delayed(worker, dwork, caller) &&
	       queue(worker, &dwork->work, delay, caller);
}

/*
 * Is the timer set anew, its work staying armed? Also for no delay, if its callback runs: then it
 * comes once more, finds nothing in its way, and queues the work.
 */
static bool rearm_locked(struct kthread_worker *worker, struct kthread_work *work,
			 unsigned long delay)
{
	if (state_of(work) != ARMED || (!delay && timer_delete_sync_try(timer_of(work)) >= 0))
		return false;
	wq_list_del(link_of(work));
	arm_locked(worker, work, delay);
	return true;
}

static bool mod(struct kthread_worker *worker, struct kthread_work *work, unsigned long delay)
{
	struct stripe *stripe = lock_stripe(worker);
	bool was_pending = state_of(work) != IDLE, is_others = false, is_left = worker->is_left;

	if (is_being_cancelled(work) || is_left) {
		was_pending = !is_left;
		goto out;
	}
	is_others = adopt_locked(worker, work);
	if (rearm_locked(worker, work, delay))
		goto out;
	if (was_pending)
		remove_locked(stripe, worker, work);
	place_locked(worker, work, delay);
out:
	wq_lock_release(&stripe->lock);
	tell_if_others(is_others, "kthread_mod_delayed_work()");
	tell_if_left(is_left, "kthread_mod_delayed_work()");
	return was_pending;
}

bool kthread_mod_delayed_work(struct kthread_worker *worker, struct kthread_delayed_work *dwork,
			      unsigned long delay)
{
	return is_usable_delayed(worker, dwork, "kthread_mod_delayed_work()") &&
	       mod(worker, &dwork->work, delay);
}

/* A timer that is armed again will call again; a canceller finds the work where it is. */
void kthread_delayed_work_timer_fn(struct timer_list *timer)
{
	struct kthread_delayed_work *dwork = timer_container_of(dwork, timer, timer);
	struct kthread_work *work = &dwork->work;
	struct kthread_worker *worker = wq_load_relaxed(&work->worker);
	struct stripe *stripe = lock_stripe(worker);

	if (state_of(work) == ARMED && !is_being_cancelled(work) && !timer_pending(timer)) {
		wq_list_del(link_of(work));
		insert_locked(worker, work);
	}
	wq_lock_release(&stripe->lock);
}

/* ---------------------------------------------------------------- waiting */

/* Wait for the event of the work; the lock is released. */
static void wait_locked(struct stripe *stripe, struct kthread_worker *worker,
			struct kthread_work *work, unsigned int event)
{
	struct wq_waiter waiter = { .owner = worker, .item = work, .event = event };

	wq_assert_held(&stripe->lock);
	wq_waiter_add(&stripe->waiters, &waiter);
	wq_lock_release(&stripe->lock);
	wq_waiter_wait(&waiter);
}

void kthread_flush_work(struct kthread_work *work)
{
	struct kthread_worker *worker = work ? wq_load_relaxed(&work->worker) : NULL;
	struct stripe *stripe;
	bool is_queued, is_own = false;

	if (!worker || !wq_init_use())
		return;
	stripe = lock_stripe(worker);
	is_queued = state_of(work) == QUEUED;
	if (is_queued || worker->current_work == work) {
		is_own = is_own_thread(worker);
		if (!is_own) {
			wait_locked(stripe, worker, work, is_queued ? START : RETURN);
			return;
		}
	}
	wq_lock_release(&stripe->lock);
	if (is_own)
		tell_of_self("kthread_flush_work()");
}

/* In the place of a work: who waits for its start waits for all that was queued before. */
static void mark(struct kthread_work *work)
{
	(void)work;
}

void kthread_flush_worker(struct kthread_worker *worker)
{
	DEFINE_KTHREAD_WORK(marker, mark);
	struct stripe *stripe;

	if (!is_usable(worker, &marker, "kthread_flush_worker()") ||
	    wq_kworker_is_caller(worker, "kthread_flush_worker()"))
		return;
	stripe = lock_stripe(worker);
	if (!worker->current_work && wq_list_is_empty(works_of(worker))) {
		wq_lock_release(&stripe->lock);
		return;
	}
	insert_locked(worker, &marker);
	wait_locked(stripe, worker, &marker, START);
}

/* -------------------------------------------------------------- cancelling */

/* Nobody queues it meanwhile. Was it pending? May drop the lock. */
static bool take_back_locked(struct stripe *stripe, struct kthread_worker *worker,
			     struct kthread_work *work)
{
	if (state_of(work) == ARMED) {
		wq_lock_release(&stripe->lock);
		timer_delete_sync(timer_of(work));
		wq_lock_acquire(&stripe->lock);
	}
	if (state_of(work) == IDLE)
		return false;
	remove_locked(stripe, worker, work);
	return true;
}

/* With the lock, which it may drop. */
static bool cancel_locked(struct stripe *stripe, struct kthread_worker *worker,
			  struct kthread_work *work)
{
	bool was_pending;

	renew(work);
	work->canceling++;
	was_pending = take_back_locked(stripe, worker, work);
	if (worker->current_work == work && !is_own_thread(worker)) {
		wait_locked(stripe, worker, work, RETURN);
		wq_lock_acquire(&stripe->lock);
	}
	work->canceling--;
	return was_pending;
}

static bool cancel_sync(struct kthread_work *work, const char *caller)
{
	struct kthread_worker *worker = work ? wq_load_relaxed(&work->worker) : NULL;
	struct stripe *stripe;
	bool was_pending, is_self;

	if (!worker || !wq_init_use())
		return false;
	stripe = lock_stripe(worker);
	is_self = worker->current_work == work && is_own_thread(worker);
	was_pending = cancel_locked(stripe, worker, work);
	wq_lock_release(&stripe->lock);
	if (is_self)
		tell_of_self(caller);
	return was_pending;
}

bool kthread_cancel_work_sync(struct kthread_work *work)
{
	return cancel_sync(work, "kthread_cancel_work_sync()");
}

bool kthread_cancel_delayed_work_sync(struct kthread_delayed_work *dwork)
{
	return cancel_sync(dwork ? &dwork->work : NULL, "kthread_cancel_delayed_work_sync()");
}

/* --------------------------------------------------------------- serving */

/* The function has returned, and perhaps freed its work. */
static void settle_locked(struct stripe *stripe, struct kthread_worker *worker)
{
	const struct kthread_work *work = worker->current_work;

	wq_assert_held(&stripe->lock);
	worker->current_work = NULL;
	if (work)
		wq_waiter_complete(&stripe->waiters, worker, work, RETURN);
}

/* What to call next, or NULL. */
static kthread_work_func_t start_locked(struct stripe *stripe, struct kthread_worker *worker)
{
	struct wq_list *node, *next;
	struct kthread_work *work;

	wq_assert_held(&stripe->lock);
	wq_list_for_each_safe(node, next, works_of(worker)) {
		work = work_of(node);
		if (work->func != mark) {
			wq_waiter_move(stripe->waiters, worker, work, START, RETURN);
			remove_locked(stripe, worker, work);
			worker->current_work = work;
			return work->func;
		}
		remove_locked(stripe, worker, work);
	}
	return NULL;
}

/*
 * The last work is done: the next one. NULL if there is none, or may be none; who queues one
 * from now on wakes the thread.
 */
static kthread_work_func_t settle_and_start(struct kthread_worker *worker, bool may_start,
					    struct kthread_work **work)
{
	struct stripe *stripe = lock_stripe(worker);
	kthread_work_func_t func = NULL;

	settle_locked(stripe, worker);
	if (may_start)
		func = start_locked(stripe, worker);
	if (!func)
		set_current_state(TASK_INTERRUPTIBLE);
	*work = worker->current_work;
	if (wq_lock_release(&stripe->lock))
		wq_lock_let_in(&stripe->lock);
	return func;
}

/* O: what the thread calls, or called last */
static __thread kthread_work_func_t running;

/* False: a function has called fork(), and this is the child: the thread is no worker any more. */
static bool serve(struct kthread_worker *worker)
{
	unsigned int generation = wq_fork_generation;
	struct kthread_work *work;
	kthread_work_func_t func;
	bool may_start;

	for (;;) {
		__set_current_state(TASK_RUNNING);
		may_start = !kthread_should_stop() && !kthread_should_park();
		func = settle_and_start(worker, may_start, &work);
		running = func;
		if (func)
			func(work);
		else if (kthread_should_stop())
			break;
		else if (kthread_should_park())
			kthread_parkme();
		else if (may_start)
			schedule();
		if (wq_unlikely(wq_fork_generation != generation))
			return false;
	}
	__set_current_state(TASK_RUNNING);
	return true;
}

void wq_kworker_abandon(struct kthread_worker *worker)
{
	static struct wq_told told; /* A: reported */
	struct stripe *stripe = lock_stripe(worker);

	settle_locked(stripe, worker);
	wq_lock_release(&stripe->lock);
	wq_told_warn(&told, "a kthread_work ended its worker's thread", (uintptr_t)running);
}

static void set_task(struct kthread_worker *worker, struct task_struct *task)
{
	struct stripe *stripe = lock_stripe(worker);
	bool is_others = task && worker->task && worker->task != task && !worker->is_left;

	worker->is_left = false;
	/* not if it is there since the worker was made: users read it without the lock */
	if (worker->task != task)
		wq_store_relaxed(&worker->task, task);
	wq_lock_release(&stripe->lock);
	if (is_others)
		wq_warn_once(&said_two_threads, "two threads serve one kthread_worker", "");
}

int kthread_worker_fn(void *worker_ptr)
{
	struct kthread_worker *worker = worker_ptr;

	if (!worker || !wq_init_use() || !wq_task_current()) {
		wq_warn("kthread_worker_fn() without a worker, or without memory", "");
		return 0;
	}
	set_task(worker, wq_task_current());
	if (serve(worker))
		set_task(worker, NULL);
	return 0;
}

/* ------------------------------------------------------------------ ending */

static struct kthread_work *first_locked(struct kthread_worker *worker)
{
	if (!wq_list_is_empty(delayed_of(worker)))
		return work_of(delayed_of(worker)->next);
	if (!wq_list_is_empty(works_of(worker)))
		return work_of(works_of(worker)->next);
	return NULL;
}

/*
 * Take back one that its worker will not run any more; returns its function, NULL if none is
 * left. A marker is gone as soon as its caller is let go.
 */
static kthread_work_func_t take_one(struct kthread_worker *worker)
{
	struct stripe *stripe = lock_stripe(worker);
	struct kthread_work *work = first_locked(worker);
	kthread_work_func_t func = work ? work->func : NULL;

	if (func == mark)
		take_back_locked(stripe, worker, work);
	else if (work)
		cancel_locked(stripe, worker, work);
	wq_lock_release(&stripe->lock);
	return func;
}

unsigned int wq_kworker_take_all(struct kthread_worker *worker, kthread_work_func_t *last)
{
	kthread_work_func_t func;
	unsigned int nr = 0;

	while ((func = take_one(worker))) {
		if (func == mark)
			continue;
		*last = func;
		nr++;
	}
	return nr;
}
