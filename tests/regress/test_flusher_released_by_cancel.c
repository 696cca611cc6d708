/* SPDX-License-Identifier: MIT */
/*
 * test_flusher_released_by_cancel.c - who comes back from flush_work() finds the item idle.
 *
 * Cancelling an item releases those who wait for it in flush_work(). They were released
 * first, and the item's word was written after that: a flusher that was quick saw the
 * item still pending, or had freed it when the word was written. The word now comes
 * first. The more flushers there are, the longer it took between the two: with the old
 * order the test failed in every run on two CPUs.
 */
#include "support/api.h"

enum {
	FLUSHERS = 16,
	ROUNDS = 100,
};

static struct item item;
static atomic_int round_nr, nr_flushing, nr_back, nr_not_idle;

static long flush_each_round(void *arg)
{
	for (int round = 1; round <= ROUNDS; round++) {
		while (atomic_load(&round_nr) < round)
			sched_yield();
		atomic_fetch_add(&nr_flushing, 1);
		flush_work(&item.work);
		if (work_pending(&item.work))
			atomic_fetch_add(&nr_not_idle, 1);
		atomic_fetch_add(&nr_back, 1);
	}
	return 0;
}

static void cancel_each_round(struct workqueue_struct *wq)
{
	for (int round = 1; round <= ROUNDS; round++) {
		assert_true(queue_work(wq, &item.work));
		atomic_store(&round_nr, round);
		wait_until(atomic_load(&nr_flushing) == FLUSHERS * round);
		assert_true(cancel_work(&item.work));
		wait_until(atomic_load(&nr_back) == FLUSHERS * round);
	}
}

/* E6 */
static void flush_work_released_by_cancel_finds_the_item_idle(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct call flusher[FLUSHERS];
	struct blocker blocker;

	blocker_start(&blocker, wq);
	item_init(&item);
	for (int i = 0; i < FLUSHERS; i++)
		call_start(&flusher[i], flush_each_round, NULL);
	cancel_each_round(wq);
	for (int i = 0; i < FLUSHERS; i++)
		call_join(&flusher[i]);
	assert_int_equal(atomic_load(&nr_not_idle), 0);
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_work_released_by_cancel_finds_the_item_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
