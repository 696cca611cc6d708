/* SPDX-License-Identifier: MIT */
/*
 * test_settings.c - what a thread can set for itself: what is compared.
 *
 * What items leave changed is tested in tests/api.
 */
#include "unit.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/settings.h"

#ifdef WORKQ_DEBUG

static void settings_of_a_thread_do_not_differ_by_themselves(void **state)
{
	struct wq_settings before, after;

	wq_settings_get(&before);
	wq_settings_get(&after);
	assert_int_equal(wq_settings_compare(&before, &after), 0);
	assert_false(wq_cpuset_is_empty(&before.cpus));
}

static void settings_with_other_cpus_differ(void **state)
{
	struct wq_settings before, after;

	wq_settings_get(&before);
	after = before;
	wq_cpuset_add(&after.cpus, WQ_MAX_CPUS - 1);
	assert_int_equal(wq_settings_compare(&before, &after), WQ_SET_CPUS);
}

/* A filter refuses to say: an item was told to have changed its thread's CPUs, to none. */
static void settings_without_known_cpus_differ_in_nothing(void **state)
{
	struct wq_settings known, unknown;

	wq_settings_get(&known);
	unknown = known;
	wq_cpuset_clear(&unknown.cpus);
	assert_int_equal(wq_settings_compare(&known, &unknown), 0);
	assert_int_equal(wq_settings_compare(&unknown, &known), 0);
}

static void settings_with_another_way_to_be_cancelled_differ(void **state)
{
	struct wq_settings before, after;

	wq_settings_get(&before);
	after = before;
	after.cancel_type = !before.cancel_type;
	assert_int_equal(wq_settings_compare(&before, &after), WQ_SET_CANCEL);
	after = before;
	after.cancel_state = !before.cancel_state;
	assert_int_equal(wq_settings_compare(&before, &after), WQ_SET_CANCEL);
}

/* By system calls: musl's functions of these names do nothing. */
static long set_policy(int policy)
{
	struct sched_param param = { 0 };

	return syscall(SYS_sched_setscheduler, 0, policy, &param);
}

/* T7 */
static void settings_with_another_policy_differ_until_it_is_restored(void **state)
{
	struct wq_settings before, after;

	wq_settings_get(&before);
	assert_int_equal(set_policy(SCHED_BATCH), 0);
	wq_settings_get(&after);
	assert_int_equal(after.policy, SCHED_BATCH);
	assert_int_equal(wq_settings_compare(&before, &after), WQ_SET_POLICY);
	assert_int_equal(wq_settings_restore(&before, WQ_SET_POLICY), 0);
	assert_int_equal(syscall(SYS_sched_getscheduler, 0), before.policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(settings_of_a_thread_do_not_differ_by_themselves),
		room_test(settings_with_other_cpus_differ),
		room_test(settings_with_another_way_to_be_cancelled_differ),
		room_test(settings_without_known_cpus_differ_in_nothing),
		room_test(settings_with_another_policy_differ_until_it_is_restored),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}

#else

/* Only debug builds have them. */
int main(void)
{
	return 0;
}

#endif
