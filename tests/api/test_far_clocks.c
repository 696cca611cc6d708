/* SPDX-License-Identifier: MIT */
/*
 * test_far_clocks.c - delayed items and timers while CLOCK_MONOTONIC passes powers of two.
 *
 * Those of nanoseconds, milliseconds (jiffies, and so the levels of the timing wheel) and seconds
 * as far as the kernel lets the clock go, in time namespaces. In each, timers that are pending
 * when the clock passes are never early, run once, and can be moved and taken back.
 */
#include "support/api.h"
#include "support/tick.h"
#include "support/timens.h"

#define MS     1000000ll /* in ns */
#define SECOND 1000000000ll

/* Time namespaces allow no more. */
#define LAST_SECOND ((1ll << 62) / SECOND)

enum {
	NR_ITEMS = 120,
	NR_FAR = 8,
	BEFORE = 150, /* jiffies: so long before the power the child begins, or twice that ... */
	MAX_BEFORE = BEFORE << 6,
	EXIT_SKIP = 77,
	EXIT_LATE_START = 78,
};

/* ------------------------------------------------------------------- child */

static struct delayed_item near_item[NR_ITEMS], moved_item[NR_ITEMS], far_item[NR_FAR];
static struct tick near_tick[NR_ITEMS];
static long long tick_due_ns[NR_ITEMS];

/* In a child of the test: must() says what failed. */
#define must(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: does not hold: %s, at %lld ns\n", __FILE__,        \
				__LINE__, #cond, now_ns());                                        \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* As many end before the power as behind. */
static unsigned long nth_delay(int i, int before)
{
	return 1 + (unsigned long)(2 * before * i / NR_ITEMS);
}

/* From an hour to as far as jiffies can be told apart. */
static unsigned long far_delay(int i)
{
	return i == NR_FAR - 1 ? LONG_MAX : (unsigned long)FAR << 5 * i;
}

static void arm_far_ones(struct workqueue_struct *wq)
{
	for (int i = 0; i < NR_FAR; i++) {
		delayed_init(&far_item[i]);
		must(delayed_arm(&far_item[i], wq, far_delay(i)));
	}
}

/* Some at once, others after they were armed for much later. */
static void arm_near_ones(struct workqueue_struct *wq, int before)
{
	for (int i = 0; i < NR_ITEMS; i++) {
		unsigned long delay = nth_delay(i, before);

		delayed_init(&near_item[i]);
		delayed_init(&moved_item[i]);
		tick_init(&near_tick[i]);
		must(delayed_arm(&near_item[i], wq, delay));
		must(delayed_arm(&moved_item[i], wq, far_delay(i % NR_FAR)));
		must(delayed_mod(&moved_item[i], wq, delay));
		tick_due_ns[i] = now_ns() + (long long)delay * JIFFY_NS;
		mod_timer(&near_tick[i].timer, jiffies + delay);
	}
}

static void check_near_ones(void)
{
	for (int i = 0; i < NR_ITEMS; i++) {
		wait_until(delayed_runs(&near_item[i]));
		wait_until(delayed_runs(&moved_item[i]));
		wait_until(tick_calls(&near_tick[i]));
		must(delayed_was_not_early(&near_item[i]));
		must(delayed_was_not_early(&moved_item[i]));
		must(!atomic_load(&near_tick[i].early));
		must(atomic_load(&near_tick[i].started_ns) >= tick_due_ns[i]);
	}
}

static void check_far_ones(void)
{
	for (int i = 0; i < NR_FAR; i++) {
		must(delayed_is_pending(&far_item[i]));
		must(cancel_delayed_work_sync(&far_item[i].dwork));
		must(!delayed_runs(&far_item[i]));
	}
}

static void check_runs(void)
{
	for (int i = 0; i < NR_ITEMS; i++) {
		must(!timer_delete_sync(&near_tick[i].timer) && tick_calls(&near_tick[i]) == 1);
		must(delayed_runs(&near_item[i]) == 1 && delayed_runs(&moved_item[i]) == 1);
	}
}

/* Too slow to have armed all before the clock passes: another try, with more time. */
static void child_main(long long passed_ns, int before)
{
	struct workqueue_struct *wq = alloc_workqueue("far", WQ_PERCPU, 0);
	unsigned long first = jiffies;

	must(wq != NULL);
	must(now_ns() >= passed_ns - (before + 1) * MS);
	arm_far_ones(wq);
	arm_near_ones(wq, before);
	if (now_ns() >= passed_ns - 2 * MS)
		_exit(EXIT_LATE_START);
	check_near_ones();
	must(now_ns() > passed_ns && time_after(jiffies, first));
	check_far_ones();
	destroy_workqueue(wq);
	check_runs();
	_exit(0);
}

/* -------------------------------------------------------------------- test */

static int exit_status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* In a process of its own, since a namespace is for all further children. */
static void shifted_parent(long long passed_ns, int before)
{
	pid_t pid;

	if (!shift_clock_of_children(passed_ns - before * MS - now_ns()))
		_exit(EXIT_SKIP);
	pid = fork();
	if (pid == 0)
		child_main(passed_ns, before);
	_exit(exit_status_of(pid));
}

static void check_passing(long long passed_ns)
{
	int status = EXIT_LATE_START;

	for (int before = BEFORE; status == EXIT_LATE_START && before <= MAX_BEFORE; before *= 2) {
		pid_t pid = fork();

		if (pid == 0)
			shifted_parent(passed_ns, before);
		status = exit_status_of(pid);
	}
	if (status == EXIT_SKIP) {
		print_message("skipped: time namespaces are not to be had\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* I2 */
static void clock_that_passes_2_31_and_2_32_jiffies_is_exact(void **state)
{
	(void)state;
	check_passing((1ll << 31) * MS);
	check_passing((1ll << 32) * MS);
}

/* I2 */
static void clock_that_passes_2_31_and_2_32_seconds_is_exact(void **state)
{
	(void)state;
	check_passing((1ll << 31) * SECOND);
	check_passing((1ll << 32) * SECOND);
}

/* I2 */
static void clock_that_passes_2_53_and_2_61_nanoseconds_is_exact(void **state)
{
	(void)state;
	check_passing(1ll << 53);
	check_passing(1ll << 61);
}

/* I2 */
static void clock_that_passes_each_level_of_the_wheel_is_exact(void **state)
{
	(void)state;
	/* those that no test comes to anyway, and a clock can */
	for (int bits = 18; bits <= 42; bits += 6)
		check_passing((1ll << bits) * MS);
}

/* I2 */
static void clock_near_the_last_that_the_kernel_allows_is_exact(void **state)
{
	(void)state;
	check_passing((LAST_SECOND - 1) * SECOND);
}

/* The library is started in the children. */
#define far_test(fn) cmocka_unit_test_setup_teardown(fn, test_begin_unstarted, test_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		far_test(clock_that_passes_2_31_and_2_32_jiffies_is_exact),
		far_test(clock_that_passes_2_31_and_2_32_seconds_is_exact),
		far_test(clock_that_passes_2_53_and_2_61_nanoseconds_is_exact),
		far_test(clock_that_passes_each_level_of_the_wheel_is_exact),
		far_test(clock_near_the_last_that_the_kernel_allows_is_exact),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
