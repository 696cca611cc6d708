/* SPDX-License-Identifier: MIT */
/*
 * test_drain.c - is a queue empty, when its items move while they are looked at?
 *
 * A queue with two pools made by hand: who looks waits for the second one, which the test holds.
 */
#include "../support/meddle.h"
#include "handmade.h"

#include "ops/drain.h"

static struct wq_pool second;
static struct wq_pwq *second_pwq;

static void begin(void)
{
	handmade_begin(WQ_UNBOUND, WQ_DFL_ACTIVE);
	wq_pools_init(&second, POOL_ID + 1, /* cpu */ -1, /* nice */ 0);
	wq_pools[POOL_ID + 1] = &second;
	second_pwq = new_pwq(&wq, &second);
	wq_list_add_tail(&second_pwq->node, &wq.pwqs);
}

static long look_whether_empty(void *arg)
{
	(void)arg;
	return wq_drain_is_empty(&wq);
}

/* The second pool is locked by the test: whoever looks has seen the first one, and waits. */
static void start_look(struct call *call)
{
	call_start(call, look_whether_empty, NULL);
	wait_until(wq_load_relaxed(&second.lock.sleepers));
}

/* F2 */
static void queue_without_items_is_empty(void)
{
	begin();
	must(wq_drain_is_empty(&wq));
}

/* F2 */
static void item_that_was_only_pushed_is_seen(void)
{
	begin();
	push_to(second_pwq, &item[0]);
	must(!wq_drain_is_empty(&wq));
}

/* F2 */
static void chain_that_slips_behind_who_looks_is_seen(void)
{
	struct call call;

	begin();
	wq_pool_lock(&second);
	file_with(second_pwq, &item[0], 0);
	start_look(&call);
	/* the item queues the next one where it was looked already, and is done */
	push(1);
	wq_pwq_unfile_locked(second_pwq, &item[0], wq_load_relaxed(&item[0].data),
			     wq_word_off(0, 0));
	wq_pool_unlock(&second);
	call_join(&call);
	must(!call.result);
}

enum { MAX_POINTS = 50 };

static bool is_empty;

static void look(void)
{
	is_empty = wq_drain_is_empty(&wq);
}

/* An item comes and goes in no time. */
static void come_and_go(void)
{
	pwq->nr_filed++;
}

/* F2: whoever looked before it came, and after it went, has seen a queue that was never empty. */
static void item_that_comes_and_goes_between_two_looks_is_seen(void)
{
	int nr_seen = 0;
	long stride;

	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	begin();
	/* both looks together have so many instructions */
	meddle_after(0, look, come_and_go);
	stride = step_nth / MAX_POINTS + 1;
	for (long n = 1; meddle_after(n, look, come_and_go); n += stride)
		nr_seen += !is_empty;
	must(nr_seen > 0);
	look();
	must(is_empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(queue_without_items_is_empty),
		child_test(item_that_was_only_pushed_is_seen),
		child_test(item_that_comes_and_goes_between_two_looks_is_seen),
		child_test(chain_that_slips_behind_who_looks_is_seen),
	};

	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
