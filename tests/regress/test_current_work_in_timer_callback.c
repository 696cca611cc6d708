/* SPDX-License-Identifier: MIT */
/*
 * test_current_work_in_timer_callback.c - a timer's callback is in no work item.
 *
 * Callbacks are called by an item of the library's own, on an internal queue. There
 * current_work() gave that item, which no user has ever seen: code that is shared by
 * callbacks and work functions took it for one of its own, found "its" object around it,
 * or cancelled it. It is NULL there now, as in the kernel, while items that a callback
 * queues are told as ever.
 */
#include "support/api.h"

static struct work_struct *volatile seen_by_timer, *volatile seen_by_item;
static struct work_struct work;
static struct gate called;

static void look_in_item(struct work_struct *self)
{
	seen_by_item = current_work();
}

static void look_in_callback(struct timer_list *timer)
{
	seen_by_timer = current_work();
	queue_work(system_percpu_wq, &work);
	gate_open(&called);
}

static void current_work_in_a_timers_callback_is_null(void **state)
{
	struct timer_list timer;

	seen_by_timer = &work;
	gate_init(&called);
	INIT_WORK(&work, look_in_item);
	timer_setup_on_stack(&timer, look_in_callback, 0);
	mod_timer(&timer, jiffies);
	gate_wait(&called);
	timer_delete_sync(&timer);
	timer_destroy_on_stack(&timer);
	flush_work(&work);
	assert_null(seen_by_timer);
	assert_ptr_equal(seen_by_item, &work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(current_work_in_a_timers_callback_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
