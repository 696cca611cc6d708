/* SPDX-License-Identifier: MIT */
/*
 * test_timer_armed_from_many_cpus.c - one timer, armed and deleted by threads on all CPUs.
 *
 * A timer is protected by the lock of the shard that it belongs to, and an idle one goes
 * to the shard of who arms it. That was written down with a relaxed store, and read with a
 * relaxed load: who found the new shard there, and took its lock, had no reason to see what
 * had been done to the timer under the old one, such as its links being cleared. On arm64
 * that corrupts a wheel. On x86 nothing happens, but ThreadSanitizer reported it in about
 * half of the runs of this test. The store releases now, and the load acquires.
 */
#include "support/api.h"

enum {
	ARMERS = 12, /* some must wait for locks, and be overtaken */
	TURNS = 25000,
};

static struct timer_list timer;
static atomic_long nr_armed, nr_deleted, nr_called;

static void count_call(struct timer_list *called)
{
	atomic_fetch_add(&nr_called, 1);
}

static void arm_or_delete(unsigned int dice)
{
	if (dice % 8 < 4)
		atomic_fetch_add(&nr_armed, !mod_timer(&timer, jiffies + dice % 3));
	else
		atomic_fetch_add(&nr_deleted, timer_delete(&timer));
}

static long arm_and_delete(void *arg)
{
	int nth = (int)(intptr_t)arg;
	unsigned int seed = (unsigned int)nth + 1;

	pin_self(allowed_cpu(nth % nr_allowed_cpus()));
	for (int i = 0; i < TURNS; i++)
		arm_or_delete((unsigned int)rand_r(&seed) >> 8);
	return 0;
}

static void mod_timer_and_delete_on_all_cpus_lose_nothing(void **state)
{
	struct call call[ARMERS];

	need_cpus(2);
	timer_setup(&timer, count_call, 0);
	for (intptr_t i = 0; i < ARMERS; i++)
		call_start(&call[i], arm_and_delete, (void *)i);
	for (int i = 0; i < ARMERS; i++)
		call_join(&call[i]);
	atomic_fetch_add(&nr_deleted, timer_delete_sync(&timer));
	assert_int_equal(atomic_load(&nr_armed),
			 atomic_load(&nr_deleted) + atomic_load(&nr_called));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(mod_timer_and_delete_on_all_cpus_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
