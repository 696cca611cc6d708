/* SPDX-License-Identifier: MIT */
/*
 * limit_calls.h - three pools without threads, and a queue whose pwqs there share one limit.
 *
 * Items 0 to 9 are for pool 0, 10 to 19 for pool 1, 20 to 29 for pool 2. Each call is
 * one lock hold; a turn that was handed to another pool is taken when that looks.
 */
#ifndef TESTS_LIMIT_CALLS_H
#define TESTS_LIMIT_CALLS_H

#include "handmade.h"

enum {
	POOLS = 3,
	EACH = 10,
};

static struct wq_pool pools[POOLS];
static struct wq_pwq *on[POOLS];
static struct wq_limit limit;

static inline void begin_pool(int p)
{
	wq_pools_init(&pools[p], POOL_ID + 1 + (unsigned int)p, -1, /* nice */ 0);
	/* nobody is offered to who pushes, unless the test says so */
	pools[p].waker = pools[p].offer = NULL;
	on[p] = wq_pwq_create(&wq, &pools[p], &limit);
	must(on[p]);
	on[p]->shares_limit = true;
	pools[p].nr_sharing = 1;
}

/* Its limit is shared by nobody. */
static inline void leave_alone(int p)
{
	on[p]->shares_limit = false;
	pools[p].nr_sharing = 0;
}

static inline int limit_begin(void **state)
{
	handmade_wq(&wq, WQ_UNBOUND, 1);
	memset(&limit, 0, sizeof(limit));
	wq_limit_init(&limit, 1);
	for (int p = 0; p < POOLS; p++)
		begin_pool(p);
	for (int i = 0; i < ITEMS; i++)
		INIT_WORK(&item[i], never_run);
	wq_manager_samples = true;
	was_woken(&wq_manager_park);
	return unit_begin(state);
}

static inline int limit_end(void **state)
{
	for (int p = 0; p < POOLS; p++)
		wq_pwq_free(on[p]);
	return unit_end(state);
}

#define limit_test(fn) cmocka_unit_test_setup_teardown(fn, limit_begin, limit_end)

static inline struct wq_list *node_of(int i)
{
	return wq_work_node(&item[i]);
}

static inline bool is_active(int i)
{
	return wq_list_is_on(node_of(i)) && !wq_list_is_marked(node_of(i));
}

static inline bool is_held(int i)
{
	return wq_list_is_on(node_of(i)) && wq_list_is_marked(node_of(i));
}

/* The pool's lock held: the item has run. */
static inline void settle_locked(struct work_struct *work)
{
	unsigned long word = wq_load_relaxed(&work->data);

	wq_list_del(wq_work_node(work));
	wq_xchg_acq_rel(&work->data, wq_word_off(0, 0));
	wq_pwq_settle_locked(wq_word_pwq(word), wq_word_color(word));
}

/* ----------------------------------------------------------- lock holds, by item */

/* It comes out of its pool's intake. */
static inline void come(int i)
{
	wq_pool_lock(&pools[i / EACH]);
	file_with(on[i / EACH], &item[i], on[i / EACH]->color);
	wq_pool_unlock(&pools[i / EACH]);
}

static inline void finish(int i)
{
	must(is_active(i));
	wq_pool_lock(&pools[i / EACH]);
	settle_locked(&item[i]);
	wq_pool_unlock(&pools[i / EACH]);
}

static inline void cancel(int i)
{
	unsigned long word = wq_load_relaxed(&item[i].data);

	wq_pool_lock(&pools[i / EACH]);
	wq_pwq_unfile_locked(wq_word_pwq(word), &item[i], word, 0);
	wq_pool_unlock(&pools[i / EACH]);
}

/* -------------------------------------------------------------------- and by pool */

static inline void look(int p)
{
	wq_pool_lock(&pools[p]);
	wq_pool_drain_locked(&pools[p]);
	wq_pool_unlock(&pools[p]);
}

static inline bool is_kicked(int p)
{
	return wq_load_relaxed(&pools[p].is_kicked);
}

/* Until no turn is under way any more. */
static inline void look_all(void)
{
	while (is_kicked(0) || is_kicked(1) || is_kicked(2)) {
		for (int p = 0; p < POOLS; p++)
			look(p);
	}
}

static inline void share(int p, bool is_shared)
{
	wq_pool_lock(&pools[p]);
	wq_limit_share_locked(on[p], is_shared);
	/* who queues may look at that alone */
	must(pools[p].nr_sharing == is_shared);
	wq_pool_unlock(&pools[p]);
}

static inline void serve(int p)
{
	wq_pool_lock(&pools[p]);
	wq_limit_serve_locked(on[p]);
	wq_pool_unlock(&pools[p]);
}

/* Who waits for the limit, next to be served first. */
static inline bool line_is(const int *ids, int nr)
{
	struct wq_list *node;
	int i = 0;

	wq_list_for_each(node, &limit.waiting) {
		if (i == nr || wq_list_entry(node, struct wq_pwq, waiting_node) != on[ids[i++]])
			return false;
	}
	return i == nr && wq_load_relaxed(&limit.nr_waiting) == (unsigned int)nr;
}

#define assert_line(...)                                                                           \
	assert_true(line_is((const int[]){ __VA_ARGS__ },                                          \
			    (int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))))
#define assert_no_line() assert_true(line_is(NULL, 0))

#endif /* TESTS_LIMIT_CALLS_H */
