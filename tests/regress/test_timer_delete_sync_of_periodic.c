/* SPDX-License-Identifier: MIT */
/*
 * test_timer_delete_sync_of_periodic.c - a timer that arms itself in its callback.
 *
 * A driver's usual end is timer_delete_sync(), then free(). If the callback was just
 * running, there was nothing to disarm; timer_delete_sync() waited for the callback, which
 * armed the timer anew before it returned, and came back with the timer armed: it fired
 * in freed memory. What the callback has armed is now disarmed for the one who waits. Other
 * tests deleted timers whose callbacks did not arm them, or shut them down.
 */
#include "support/api.h"
#include "support/delayed.h"

enum {
	ROUNDS = 50,
};

static struct periodic {
	struct timer_list timer;
	struct gate go;
	unsigned long period;
	atomic_int calls;
} periodic;

/* The first call is held until the deleting one waits for it. */
static void call_again(struct timer_list *timer)
{
	struct periodic *self = timer_container_of(self, timer, timer);

	if (atomic_fetch_add(&self->calls, 1) == 0)
		gate_wait(&self->go);
	mod_timer(timer, jiffies + self->period);
}

static void start_periodic(unsigned long period)
{
	memset(&periodic, 0, sizeof(periodic));
	gate_init(&periodic.go);
	periodic.period = period;
	timer_setup(&periodic.timer, call_again, 0);
	mod_timer(&periodic.timer, jiffies);
	wait_until(atomic_load(&periodic.calls) == 1);
}

static void timer_delete_sync_waiting_takes_what_the_callback_arms(void **state)
{
	struct call call;

	start_periodic(FAR);
	call_start(&call, do_timer_delete_sync, &periodic.timer);
	assert_true(call_blocks(&call));
	gate_open(&periodic.go);
	assert_int_equal(call_join(&call), 1);
	assert_false(timer_pending(&periodic.timer));
	assert_int_equal(atomic_load(&periodic.calls), 1);
}

/* Whatever moment it meets, the timer's memory may be used for something else. */
static void timer_delete_sync_stops_a_periodic_timer_for_good(void **state)
{
	int calls;

	for (int round = 0; round < ROUNDS; round++) {
		start_periodic((unsigned int)round % 3);
		gate_open(&periodic.go);
		nap_us(round % 5 * 300);
		timer_delete_sync(&periodic.timer);
		calls = atomic_load(&periodic.calls);
		assert_false(timer_pending(&periodic.timer));
		nap_us(200);
		assert_int_equal(atomic_load(&periodic.calls), calls);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(timer_delete_sync_waiting_takes_what_the_callback_arms),
		api_test(timer_delete_sync_stops_a_periodic_timer_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
