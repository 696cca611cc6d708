/* SPDX-License-Identifier: MIT */
/*
 * handmade.h - a pool without threads, a queue on it, workers that are only slots.
 *
 * Whatever happens to the pool the test does itself, one lock hold after the
 * other. Who was woken is told by the token in his park.
 */
#ifndef TESTS_HANDMADE_H
#define TESTS_HANDMADE_H

#include "unit.h"

#include "base/os.h"
#include "core/barrier.h"
#include "core/check.h"
#include "core/limit.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pools.h"
#include "core/pwq.h"
#include "core/work.h"
#include "core/worker.h"

enum {
	POOL_ID = 1,
	MAX_RUNNING = 2, /* of an unbound pool: as on two CPUs */
	ITEMS = 32,
};

static struct wq_pool pool;
static struct workqueue_struct wq;
static struct wq_pwq *pwq;
static struct work_struct item[ITEMS];

/* Was there a wake since the last look? Takes the token. */
static inline bool was_woken(struct wq_park *park)
{
	return wq_park_wait(park, /* deadline_ns */ 0);
}

static inline void never_run(struct work_struct *work)
{
	(void)work;
	abort();
}

static inline void handmade_wq(struct workqueue_struct *new, unsigned int flags, int max_active)
{
	memset(new, 0, sizeof(*new));
	new->flags = flags;
	new->max_active = max_active;
	wq_lock_init(&new->flush_lock, WQ_RANK_FLUSH);
	wq_list_init(&new->flushers);
	wq_list_init(&new->overflow);
	wq_list_init(&new->pwqs);
}

/* With a limit of its own, as those of per-CPU queues. */
static inline struct wq_pwq *new_pwq(struct workqueue_struct *of, struct wq_pool *on)
{
	struct wq_pwq *new = wq_pwq_create(of, on, NULL);

	must(new);
	new->own.max = (unsigned int)of->max_active;
	return new;
}

static inline void handmade_begin(unsigned int flags, int max_active)
{
	wq_pools_init(&pool, POOL_ID, flags & WQ_UNBOUND ? -1 : 0, /* nice */ 0);
	pool.max_running = MAX_RUNNING;
	/* as if it had run before: nobody is offered to the first push */
	pool.waker = pool.offer = NULL;
	wq_pools[POOL_ID] = &pool;
	handmade_wq(&wq, flags, max_active);
	pwq = new_pwq(&wq, &pool);
	wq_list_add_tail(&pwq->node, &wq.pwqs);
	for (int i = 0; i < ITEMS; i++)
		INIT_WORK(&item[i], never_run);
	/* it looks by itself: is woken only if a worker is to be made */
	wq_manager_samples = true;
	was_woken(&wq_manager_park);
}

static inline void handmade_end(void)
{
	wq_pwq_free(pwq);
	for (unsigned int i = 0; i < WQ_SLOT_CHUNKS; i++)
		wq_os_free(pool.chunks[i]);
}

/* For a pool that is broken on purpose, or whose wake rule is of no interest. */
static inline void unlock_only(void)
{
	wq_lock_release(&pool.lock);
}

/* ------------------------------------------------------ workers; lock held */

/* As the manager leaves it to the new thread: counted, without an item. */
static inline struct wq_worker *new_worker(void)
{
	struct wq_worker *worker = wq_worker_alloc_locked(&pool);

	must(worker);
	worker->tid = wq_os_tid();
	worker->lock_sleeps = &wq_lock_sleeps;
	pool.nr_running++;
	return worker;
}

static inline struct wq_worker *new_idle_worker(void)
{
	struct wq_worker *worker = new_worker();

	wq_pool_idle_locked(&pool, worker);
	return worker;
}

/* What a worker's thread does with an item that it found on a list. */
static inline void begin_item(struct wq_worker *worker, struct work_struct *work)
{
	unsigned long word = wq_load_relaxed(&work->data);

	wq_list_del(wq_work_node(work));
	worker->work = work;
	worker->func = work->func;
	worker->pwq = wq_word_pwq(word);
	worker->color = wq_word_color(word);
	worker->nr_started++;
	wq_pool_add_busy_locked(&pool, worker);
	if (word & WQ_WORK_BARRIER)
		wq_barrier_move_locked(worker, work);
	if (worker->pwq->is_intensive)
		wq_pool_uncount_locked(worker);
	wq_xchg_acq_rel(&work->data, wq_word_off(worker->slot, 0));
}

static inline void end_item(struct wq_worker *worker)
{
	wq_pool_del_busy_locked(&pool, worker);
	worker->work = NULL;
	if (worker->is_uncounted)
		wq_pool_recount_locked(worker);
	wq_barrier_complete_locked(worker);
	wq_pwq_settle_locked(worker->pwq, worker->color);
}

/* ------------------------------------------------------------------- items */

/* As queue_work() does, without its checks. */
static inline void push_to(struct wq_pwq *to, struct work_struct *work)
{
	wq_xchg_acq_rel(&work->data, wq_word_queued(to, wq_load_relaxed(&to->color)));
	wq_pool_push(to->pool, work);
}

static inline void push(int i)
{
	push_to(pwq, &item[i]);
}

/* As if the item came out of the intake. Lock held. */
static inline void file_with(struct wq_pwq *to, struct work_struct *work, unsigned int guess)
{
	unsigned long word = wq_word_queued(to, guess);

	wq_xchg_acq_rel(&work->data, word);
	wq_pwq_file_locked(to, work, word);
}

static inline void file(int i)
{
	file_with(pwq, &item[i], pwq->color);
}

/* Items on the worklist or running. */
static inline unsigned int nr_active(const struct wq_pwq *of)
{
	return wq_load_relaxed(&of->limit->nr);
}

/* As workqueue_set_max_active() does. Lock held. */
static inline void set_max(struct wq_pwq *of, unsigned int max)
{
	wq_pool_drain_locked(of->pool);
	wq_store_relaxed(&of->limit->max, max);
	wq_limit_serve_locked(of);
}

/* ------------------------------------------------------------------- lists */

static inline bool list_holds(const struct wq_list *head, const int *ids, int nr)
{
	struct wq_list *node;
	int i = 0;

	wq_list_for_each(node, head) {
		if (i == nr || wq_node_work(node) != &item[ids[i++]])
			return false;
	}
	return i == nr;
}

/* The list consists of these items, in this order. */
#define assert_list(head, ...)                                                                     \
	assert_true(list_holds((head), (const int[]){ __VA_ARGS__ },                               \
			       (int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))))
#define assert_empty(head) assert_true(wq_list_is_empty(head))

#endif /* TESTS_HANDMADE_H */
