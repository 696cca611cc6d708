/* SPDX-License-Identifier: MIT */
/*
 * test_set_max_active_while_draining.c - a queue's flags change while it drains.
 *
 * workqueue_set_max_active() asked the queue's flags whether it is an ordered one, with
 * a plain read, while drain_workqueue() set and cleared the draining state in the same
 * word. The read is atomic now. Only the thread sanitizer sees the difference; without
 * it the test still says that neither call harms the other.
 */
#include "support/api.h"

enum {
	ROUNDS = 300,
	LAST_LIMIT = 3,
};

static long drain_again_and_again(void *wq)
{
	for (int i = 0; i < ROUNDS; i++)
		drain_workqueue(wq);
	return 0;
}

static long set_limit_again_and_again(void *wq)
{
	for (int i = 0; i < ROUNDS; i++)
		workqueue_set_max_active(wq, 1 + i % 5);
	workqueue_set_max_active(wq, LAST_LIMIT);
	return 0;
}

/* C6, F2 */
static void set_max_active_while_draining_takes_effect(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("drained", WQ_UNBOUND, 1);
	struct blocker blocker[LAST_LIMIT];
	struct call drainer, setter;
	struct item more;

	call_start(&drainer, drain_again_and_again, wq);
	call_start(&setter, set_limit_again_and_again, wq);
	call_join(&drainer);
	call_join(&setter);
	for (int i = 0; i < LAST_LIMIT; i++)
		blocker_start(&blocker[i], wq);
	item_init(&more);
	assert_true(queue_work(wq, &more.work));
	assert_not_yet(item_runs(&more));
	for (int i = 0; i < LAST_LIMIT; i++)
		blocker_release(&blocker[i]);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&more), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(set_max_active_while_draining_takes_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
