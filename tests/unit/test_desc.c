/* SPDX-License-Identifier: MIT */
/*
 * test_desc.c - what a worker's slot remembers of its last item (S).
 */
#include "handmade.h"

#include "base/grace.h"
#include "lines.h"
#include "watch/desc.h"
#include "watch/dump.h"

static struct wq_worker *worker;

static int desc_begin(void **state)
{
	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	snprintf(wq.name, sizeof(wq.name), "queue");
	wq_pool_lock(&pool);
	worker = new_worker();
	return unit_begin(state);
}

static int desc_end(void **state)
{
	unlock_only();
	handmade_end();
	return unit_end(state);
}

#define desc_test(fn) cmocka_unit_test_setup_teardown(fn, desc_begin, desc_end)

static void begin(int i)
{
	file(i);
	begin_item(worker, &item[i]);
}

static void new_worker_has_no_description(void **state)
{
	assert_string_equal(wq_worker_desc_locked(worker), "");
	wq_worker_forget_pwq_locked(&pool, pwq);
	assert_string_equal(wq_worker_desc_locked(worker), "");
}

static void description_ends_with_the_next_item(void **state)
{
	begin(0);
	assert_string_equal(wq_worker_desc_locked(worker), "queue");
	wq_worker_set_desc_locked(worker, "mine");
	assert_string_equal(wq_worker_desc_locked(worker), "mine");
	end_item(worker);
	assert_string_equal(wq_worker_desc_locked(worker), "mine");
	begin(1);
	assert_string_equal(wq_worker_desc_locked(worker), "queue");
	end_item(worker);
	assert_string_equal(wq_worker_desc_locked(worker), "queue");
}

static void forgotten_pwq_leaves_the_queues_name(void **state)
{
	begin(0);
	wq_worker_set_desc_locked(worker, "older");
	end_item(worker);
	begin(1);
	end_item(worker);
	wq_worker_forget_pwq_locked(&pool, pwq);
	assert_null(worker->pwq);
	snprintf(wq.name, sizeof(wq.name), "reused");
	assert_string_equal(wq_worker_desc_locked(worker), "queue");
}

static void forgotten_pwq_leaves_the_items_own_description(void **state)
{
	begin(0);
	wq_worker_set_desc_locked(worker, "mine");
	end_item(worker);
	wq_worker_forget_pwq_locked(&pool, pwq);
	assert_null(worker->pwq);
	assert_string_equal(wq_worker_desc_locked(worker), "mine");
}

static void another_pwq_is_not_forgotten(void **state)
{
	struct wq_pwq *other = wq_pwq_create(&wq, &pool, NULL);

	begin(0);
	end_item(worker);
	wq_worker_forget_pwq_locked(&pool, other);
	assert_ptr_equal(worker->pwq, pwq);
	wq_pwq_free(other);
}

static void slot_of_a_thread_that_is_gone_remembers_nothing(void **state)
{
	begin(0);
	wq_worker_set_desc_locked(worker, "mine");
	end_item(worker);
	wq_worker_release_locked(worker);
	assert_string_equal(wq_worker_desc_locked(worker), "");
}

static void item_is_dated_when_it_is_first_seen(void **state)
{
	begin(0);
	assert_int_equal(wq_dump_date_locked(worker, 1000), 1000);
	assert_int_equal(wq_dump_date_locked(worker, 2000), 1000);
	end_item(worker);
	begin(1);
	assert_int_equal(wq_dump_date_locked(worker, 3000), 3000);
	end_item(worker);
}

/* It has run nothing yet. */
static void thread_without_an_item_has_a_name_only(void **state)
{
	char name[32];

	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	wq_store_release(&wq_nr_pools, POOL_ID + 1u);
	wq_pool_lock(&pool);
	new_worker();
	unlock_only();
	assert_true(wq_desc_comm(wq_os_tid(), name, sizeof(name)));
	assert_string_equal(name, "kworker/0:0");
	wq_store_release(&wq_nr_pools, 1u);
	handmade_end();
}

/* By the hash of their addresses. */
static struct work_struct *same_bucket(struct work_struct *work, int nr, struct work_struct *first)
{
	for (int i = 0; i < nr; i++)
		if (&work[i] != first && wq_work_bucket(&work[i]) == wq_work_bucket(first))
			return &work[i];
	abort();
}

static void waiters_of_two_items_are_told_apart_though_they_share_a_list(void **state)
{
	static struct work_struct many[64 * WQ_BUSY_BUCKETS];
	static struct wq_record record[2] = { { .owner = 11 }, { .owner = 22 } };
	struct work_struct *waiting[2] = { many };
	struct wq_barrier barrier[2];

	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	waiting[1] = same_bucket(many, 64 * WQ_BUSY_BUCKETS, many);
	wq_pool_lock(&pool);
	for (int i = 0; i < 2; i++) {
		INIT_WORK(waiting[i], never_run);
		file_with(pwq, waiting[i], 0);
		barrier[i] = (struct wq_barrier){ .park = &record[i].park };
		wq_barrier_add_filed_locked(&pool, &barrier[i], waiting[i]);
	}
	unlock_only();
	wq_dump_queue(&wq);
	assert_non_null(strstr(line_kept[2], " BAR(11), "));
	assert_non_null(strstr(line_kept[2], " BAR(22)"));
	lines_take();
	handmade_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		desc_test(new_worker_has_no_description),
		desc_test(description_ends_with_the_next_item),
		desc_test(forgotten_pwq_leaves_the_queues_name),
		desc_test(forgotten_pwq_leaves_the_items_own_description),
		desc_test(another_pwq_is_not_forgotten),
		desc_test(slot_of_a_thread_that_is_gone_remembers_nothing),
		desc_test(item_is_dated_when_it_is_first_seen),
		room_test(thread_without_an_item_has_a_name_only),
		lines_test(waiters_of_two_items_are_told_apart_though_they_share_a_list),
	};

	return cmocka_run_group_tests_name("desc", tests, NULL, NULL);
}
