/* SPDX-License-Identifier: MIT */
/*
 * test_disable_delayed.c - disabling and enabling delayed items: guarantees H1, H2,
 * H3 and H5 for them. H4 is in test_mod_delayed.c.
 */
#include "support/api.h"
#include "support/delayed.h"

/* H3 */
static void enable_delayed_work_does_not_arm_again(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_true(disable_delayed_work(&item.dwork));
	assert_true(enable_delayed_work(&item.dwork));
	assert_true(delayed_is_idle(&item));
	flush_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 0);
	assert_true(queue_delayed_work(wq, &item.dwork, 1));
	wait_until(delayed_runs(&item));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* H1 H2 H5 */
static void disable_delayed_work_nests_and_refuses_arming(void **state)
{
	static const unsigned long delays[] = { 0, 1, FAR };
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_false(disable_delayed_work(&item.dwork));
	assert_false(disable_delayed_work_sync(&item.dwork));
	assert_false(disable_work(&item.dwork.work)); /* the same depth */
	for (int i = 3; i > 0; i--) {
		for (int j = 0; j < 3; j++)
			assert_false(queue_delayed_work(wq, &item.dwork, delays[j]));
		assert_false(queue_work(wq, &item.dwork.work));
		assert_false(cancel_delayed_work_sync(&item.dwork));
		assert_int_equal(enable_delayed_work(&item.dwork), i == 1);
	}
	assert_true(queue_delayed_work(wq, &item.dwork, 1));
	wait_until(delayed_runs(&item));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* H5 */
static void init_delayed_work_forgets_that_it_was_disabled(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	disable_delayed_work(&item.dwork);
	delayed_init(&item);
	assert_true(queue_delayed_work(wq, &item.dwork, 0));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(enable_delayed_work_does_not_arm_again),
		api_test(disable_delayed_work_nests_and_refuses_arming),
		api_test(init_delayed_work_forgets_that_it_was_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
