/* SPDX-License-Identifier: MIT */
/*
 * test_flush.c - flush_workqueue() on a handmade pool, where nobody files what was pushed.
 */
#include "handmade.h"

#include "base/grace.h"
#include "ops/flush.h"

static long flush(void *unused)
{
	(void)unused;
	wq_grace_claim();
	wq_flush_queue(&wq);
	return 0;
}

static void run_item(int i)
{
	struct wq_worker *worker;

	wq_pool_lock(&pool);
	wq_pool_drain_locked(&pool);
	worker = new_worker();
	begin_item(worker, &item[i]);
	end_item(worker);
	wq_pool_unlock(&pool);
}

/* D1 */
static void item_that_was_only_pushed_is_waited_for(void)
{
	struct call call;

	handmade_begin(WQ_UNBOUND, WQ_DFL_ACTIVE);
	push(0);
	must(pool.intake == &item[0]);
	call_start(&call, flush, NULL);
	must(call_blocks(&call));
	run_item(0);
	call_join(&call);
	handmade_end();
}

/* D8 */
static void queue_without_items_is_not_waited_for(void)
{
	struct call call;

	handmade_begin(WQ_UNBOUND, WQ_DFL_ACTIVE);
	call_start(&call, flush, NULL);
	call_join(&call);
	handmade_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(item_that_was_only_pushed_is_waited_for),
		child_test(queue_without_items_is_not_waited_for),
	};

	return cmocka_run_group_tests_name("flush", tests, NULL, NULL);
}
