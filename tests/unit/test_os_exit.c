/* SPDX-License-Identifier: MIT */
/*
 * test_os_exit.c - what is left to be called as a thread ends.
 */
#include "unit.h"

#include "base/atomic.h"
#include "base/os.h"

struct legacy {
	struct wq_os_exit exit;
	atomic_int calls;
	pthread_t caller;
};

static void count_call(struct wq_os_exit *exit)
{
	struct legacy *legacy = (struct legacy *)exit;

	legacy->caller = pthread_self();
	atomic_fetch_add(&legacy->calls, 1);
}

static void *leave_and_end(void *arg)
{
	struct legacy *legacy = arg;

	legacy[0].exit.fn = legacy[1].exit.fn = count_call;
	assert_int_equal(wq_os_thread_at_exit(&legacy[0].exit), 0);
	assert_int_equal(wq_os_thread_at_exit(&legacy[1].exit), 0);
	assert_int_equal(atomic_load(&legacy[1].calls), 0);
	return NULL;
}

static void exit_fn_is_called_once_by_its_thread_the_last_one_left(void **state)
{
	struct legacy legacy[2];
	pthread_t thread;

	(void)state;
	memset(legacy, 0, sizeof(legacy));
	assert_int_equal(pthread_create(&thread, NULL, leave_and_end, legacy), 0);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&legacy[0].calls), 0);
	assert_int_equal(atomic_load(&legacy[1].calls), 1);
	assert_true(pthread_equal(legacy[1].caller, thread));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			exit_fn_is_called_once_by_its_thread_the_last_one_left, unit_begin,
			unit_end),
	};

	return cmocka_run_group_tests_name("os_exit", tests, NULL, NULL);
}
