/* SPDX-License-Identifier: MIT */
/*
 * test_pollers_are_stepped_around.c - items that sleep a little now and then.
 *
 * An item that waits for another one of its CPU by polling lets nobody else run. The
 * library looks now and then whether a worker sleeps, and starts another one then. But
 * it only looked at what the thread did at that very moment: one that wakes again and
 * again was seen running, look after look, and each of a row of pollers held the next
 * one up until chance had it. Now the number of its sleeps counts as well. The pollers
 * here are asleep once in several hundred looks at most, so that chance cannot help.
 */
#include "support/api.h"

enum {
	POLLERS = 8,
	AWAKE_MS = 10,
};

static atomic_int nr_started;

static void compute_ms(int ms)
{
	long long until = now_ns() + ms * 1000000LL;

	while (now_ns() < until && atomic_load(&nr_started) < POLLERS)
		;
}

/* Until all have started: each needs the ones behind it. */
static void poll_for_all(struct work_struct *work)
{
	long long give_up = deadline_ns();

	atomic_fetch_add(&nr_started, 1);
	while (atomic_load(&nr_started) < POLLERS) {
		if (now_ns() > give_up)
			missed_deadline(__FILE__, __LINE__, "all pollers have started");
		compute_ms(AWAKE_MS);
		nap_us(1);
	}
}

/* L1: whoever sleeps, however shortly, lets the next one start */
static void poller_on_one_cpu_lets_the_next_one_start(void **state)
{
	struct work_struct work[POLLERS];

	for (int i = 0; i < POLLERS; i++) {
		INIT_WORK(&work[i], poll_for_all);
		assert_true(queue_work_on(allowed_cpu(0), system_percpu_wq, &work[i]));
	}
	for (int i = 0; i < POLLERS; i++)
		flush_work(&work[i]);
	assert_int_equal(atomic_load(&nr_started), POLLERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(poller_on_one_cpu_lets_the_next_one_start),
	};

	/* rare looks, for the same reason */
	setenv("WORKQ_SAMPLE_US", "20000", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
