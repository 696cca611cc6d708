/* SPDX-License-Identifier: MIT */
/*
 * test_freeze_verbs.c - flush, drain, destroy, cancel and disable while queues are
 * frozen: who waits for thawing (D7, F4), and who does not (G10).
 *
 * A freeze is the whole process's: each test has a process of its own.
 */
#include "support/api.h"
#include "support/delayed.h"
#include "support/freezable.h"

/* ------------------------------------------------------------- who waits */

static void check_blocks_until_thaw(int kind, long (*fn)(void *), bool of_item)
{
	struct frozen frozen;
	struct call call;

	frozen_make(&frozen, kind);
	call_start(&call, fn, of_item ? (void *)&frozen.item.work : (void *)frozen.wq);
	assert_true(call_blocks(&call));
	assert_int_equal(item_runs(&frozen.item), 0);
	thaw_workqueues();
	call_join(&call);
	assert_int_equal(item_runs(&frozen.item), 1);
	if (fn != do_destroy_workqueue)
		destroy_workqueue(frozen.wq);
}

/* D7 */
static void flush_workqueue_while_frozen_waits_for_thawing(void **state)
{
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++)
		check_blocks_until_thaw(kind, do_flush_workqueue, /* of_item */ false);
}

/* E1 N1 */
static void flush_work_while_frozen_waits_for_thawing(void **state)
{
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++)
		check_blocks_until_thaw(kind, do_flush_work, /* of_item */ true);
}

/* F2 N1 */
static void drain_while_frozen_waits_for_thawing(void **state)
{
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++)
		check_blocks_until_thaw(kind, do_drain_workqueue, /* of_item */ false);
}

/* F4 */
static void destroy_while_frozen_with_items_held_back_waits_for_thawing(void **state)
{
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++)
		check_blocks_until_thaw(kind, do_destroy_workqueue, /* of_item */ false);
}

/* D8 F2 F4 */
static void flush_drain_and_destroy_of_an_empty_queue_do_not_wait_for_thawing(void **state)
{
	freeze_workqueues_begin();
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		struct workqueue_struct *wq = freezable_of_kind(kind);

		flush_workqueue(wq);
		drain_workqueue(wq);
		destroy_workqueue(wq);
	}
	thaw_workqueues();
}

/* ------------------------------------------------------- who does not wait */

/* G10 G1 */
static void cancel_sync_of_frozen_item_does_not_wait(void **state)
{
	struct frozen frozen;

	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		frozen_make(&frozen, kind);
		assert_true(cancel_work_sync(&frozen.item.work));
		assert_false(cancel_work_sync(&frozen.item.work));
		assert_int_equal(work_busy(&frozen.item.work), 0);
		assert_true(queue_work(frozen.wq, &frozen.item.work));
		assert_true(cancel_work(&frozen.item.work));
		frozen_free(&frozen, 0);
	}
}

/* G10 H1 H2 */
static void disable_sync_of_frozen_item_does_not_wait(void **state)
{
	struct frozen frozen;

	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		frozen_make(&frozen, kind);
		assert_true(disable_work_sync(&frozen.item.work));
		assert_false(queue_work(frozen.wq, &frozen.item.work));
		assert_true(enable_and_queue_work(frozen.wq, &frozen.item.work));
		assert_held_back(&frozen.item);
		frozen_free(&frozen, 1);
	}
}

/* G10 G1 I4 */
static void cancel_delayed_sync_of_frozen_item_does_not_wait(void **state)
{
	for (int kind = 0; kind < NR_FREEZABLE_KINDS; kind++) {
		struct workqueue_struct *wq = freezable_of_kind(kind);
		struct delayed_item item;

		delayed_init(&item);
		freeze();
		assert_true(queue_delayed_work(wq, &item.dwork, 0));
		assert_true(cancel_delayed_work_sync(&item.dwork));
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		assert_true(mod_delayed_work(wq, &item.dwork, 0));
		assert_true(mod_delayed_work(wq, &item.dwork, FAR));
		assert_true(mod_delayed_work(wq, &item.dwork, 0));
		assert_true(cancel_delayed_work_sync(&item.dwork));
		thaw_workqueues();
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_workqueue_while_frozen_waits_for_thawing),
		api_test(flush_work_while_frozen_waits_for_thawing),
		api_test(drain_while_frozen_waits_for_thawing),
		api_test(destroy_while_frozen_with_items_held_back_waits_for_thawing),
		api_test(flush_drain_and_destroy_of_an_empty_queue_do_not_wait_for_thawing),
		api_test(cancel_sync_of_frozen_item_does_not_wait),
		api_test(disable_sync_of_frozen_item_does_not_wait),
		api_test(cancel_delayed_sync_of_frozen_item_does_not_wait),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
