/* SPDX-License-Identifier: MIT */
/*
 * test_misuse_odd.c - calls that are given nothing, or too much. Each test has a process of its own,
 * since a kind of misuse may be reported once.
 */
/* Formats that are no formats are what is tested. */
#pragma GCC diagnostic ignored "-Wformat-security"

#include <errno.h>
#include <string.h>

#include <workq/err.h>
#include <workq/kthread.h>
#include <workq/kthread_worker.h>
#include <workq/timer.h>

#include "support/api.h"

static void stop_put_without_a_thread_is_einval(void **state)
{
	assert_int_equal(kthread_stop_put(NULL), -EINVAL);
	assert_int_equal(kthread_stop_put(ERR_PTR(-ENOMEM)), -EINVAL);
	assert_warned();
}

static void bind_without_a_thread_is_reported(void **state)
{
	kthread_bind(NULL, 0);
	assert_warned();
}

static void destroy_worker_without_a_worker_is_reported(void **state)
{
	kthread_destroy_worker(NULL);
	kthread_destroy_worker(ERR_PTR(-ENOMEM));
	assert_reported(2);
}

static int do_nothing(void *data)
{
	return data != NULL;
}

static void thread_without_a_name_is_a_thread(void **state)
{
	const char *format = NULL;
	struct task_struct *task = kthread_create(do_nothing, NULL, format);

	if (!IS_ERR(task))
		assert_int_equal(kthread_stop(task), -EINTR);
	report_take();
}

/* C3 */
static void min_active_of_others_than_plain_unbound_queues_is_reported(void **state)
{
	struct workqueue_struct *ordered = alloc_ordered_workqueue("ordered", 0);

	workqueue_set_min_active(NULL, 1);
	workqueue_set_min_active(system_percpu_wq, 1);
	workqueue_set_min_active(ordered, 1);
	assert_reported(3);
	destroy_workqueue(ordered);
}

static void describe_nothing(struct work_struct *work)
{
	const char *format = NULL;

	(void)work;
	set_worker_desc(format);
}

static void description_outside_of_items_or_without_text_is_none(void **state)
{
	struct item item;

	set_worker_desc("nothing");
	item_init(&item);
	item.work.func = describe_nothing;
	assert_true(queue_work(system_percpu_wq, &item.work));
	flush_work(&item.work);
}

static void attribute_with_too_long_a_value_is_einval(void **state)
{
	size_t size = 1 << 20;
	char *text = malloc(size);

	assert_non_null(text);
	memset(text, '1', size);
	text[size - 1] = '\0';
	assert_int_equal(workq_attr_write("cpumask", text), -EINVAL);
	free(text);
}

static void attribute_of_a_queue_with_a_name_as_long_is_not_found(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("shown", WQ_UNBOUND | WQ_SYSFS, 0);
	char text[64];

	assert_true(workq_attr_read("shown/nice", text, sizeof(text)) > 0);
	assert_int_equal(workq_attr_read("other/nice", text, sizeof(text)), -ENOENT);
	destroy_workqueue(wq);
}

/* I1 */
static void times_beyond_the_longest_are_not_rounded(void **state)
{
	assert_true(round_jiffies_relative(ULONG_MAX) == ULONG_MAX);
	assert_true(round_jiffies_up_relative(ULONG_MAX) == ULONG_MAX);
}

static void name_of_no_worker_is_none(void **state)
{
	char name[8] = "before";

	assert_false(workq_worker_comm(1, name, sizeof(name)));
	assert_string_equal(name, "");
	assert_false(workq_worker_comm(1, NULL, 0));
}

static void put_away_own_item(struct work_struct *work)
{
	destroy_work_on_stack(work);
}

static void item_may_put_itself_away(void **state)
{
	struct work_struct work;

	INIT_WORK_ONSTACK(&work, put_away_own_item);
	assert_true(queue_work(system_percpu_wq, &work));
	flush_work(&work);
}

static _Atomic(struct work_struct *) seen_work;

static void see_current_work(struct work_struct *work)
{
	(void)work;
	atomic_store(&seen_work, current_work());
}

static void bh_item_has_no_current_work(void **state)
{
	struct work_struct work;

	INIT_WORK_ONSTACK(&work, see_current_work);
	atomic_store(&seen_work, &work);
	assert_true(queue_work(system_bh_wq, &work));
	flush_work(&work);
	assert_null(atomic_load(&seen_work));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(stop_put_without_a_thread_is_einval),
		api_test(bind_without_a_thread_is_reported),
		api_test(destroy_worker_without_a_worker_is_reported),
		api_test(thread_without_a_name_is_a_thread),
		api_test(min_active_of_others_than_plain_unbound_queues_is_reported),
		api_test(description_outside_of_items_or_without_text_is_none),
		api_test(attribute_with_too_long_a_value_is_einval),
		api_test(attribute_of_a_queue_with_a_name_as_long_is_not_found),
		api_test(times_beyond_the_longest_are_not_rounded),
		api_test(name_of_no_worker_is_none),
		api_test(item_may_put_itself_away),
		api_test(bh_item_has_no_current_work),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
