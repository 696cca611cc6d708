/* SPDX-License-Identifier: MIT */
/*
 * test_jiffies.c - the time in jiffies: against CLOCK_MONOTONIC, comparing,
 * converting, rounding to whole seconds.
 */
#include <sys/param.h> /* has a HZ of its own */

#include "support/api.h"

/* ------------------------------------------------------------------- the clock */

/* Both clocks, the one of jiffies read in between. */
struct look {
	long long before_ns, after_ns;
	unsigned long j;
};

static struct look look_at_clocks(void)
{
	struct look look;

	look.before_ns = now_ns();
	look.j = jiffies;
	look.after_ns = now_ns();
	return look;
}

static void jiffies_are_milliseconds_of_the_monotonic_clock(void **state)
{
	struct look first = look_at_clocks();

	(void)state;
	assert_int_equal(HZ, 1000);
	for (int i = 0; i < 200; i++) {
		struct look look = look_at_clocks();
		long long gone = (long long)(look.j - first.j) * 1000000;

		assert_true(gone > look.before_ns - first.after_ns - 1000000);
		assert_true(gone < look.after_ns - first.before_ns + 1000000);
		nap_us(317);
	}
}

static long read_jiffies(void *arg)
{
	unsigned long last = jiffies;

	(void)arg;
	for (int i = 0; i < 200000; i++) {
		unsigned long now = jiffies;

		if (time_before(now, last))
			return -1;
		last = now;
	}
	return 0;
}

static void jiffies_never_go_back(void **state)
{
	struct call call[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		call_start(&call[i], read_jiffies, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(call_join(&call[i]), 0);
}

static void jiffies_are_used_like_a_variable(void **state)
{
	unsigned long timeout = jiffies + HZ / 2;

	(void)state;
	assert_true(time_before(jiffies - HZ, timeout));
	assert_true(time_is_after_jiffies(jiffies + HZ));
	assert_true(time_is_before_jiffies(jiffies - 1));
	timeout = jiffies;
	assert_false(time_is_after_jiffies(timeout));
	assert_false(time_is_before_jiffies(timeout + 3600ul * HZ));
}

/* ------------------------------------------------------------------- comparing */

static void check_order(unsigned long early, unsigned long late)
{
	assert_true(time_after(late, early));
	assert_true(time_after_eq(late, early));
	assert_true(time_before(early, late));
	assert_true(time_before_eq(early, late));
	assert_false(time_after(early, late));
	assert_false(time_after_eq(early, late));
	assert_false(time_before(late, early));
	assert_false(time_before_eq(late, early));
}

static void check_equal(unsigned long a, unsigned long b)
{
	assert_false(time_after(a, b));
	assert_true(time_after_eq(a, b));
	assert_false(time_before(a, b));
	assert_true(time_before_eq(a, b));
}

static void times_compare_also_where_the_count_wraps(void **state)
{
	static const unsigned long times[] = { 0,        1,         1000,          LONG_MAX - 1,
					       LONG_MAX, 1ul << 63, ULONG_MAX - 1, ULONG_MAX };
	static const unsigned long apart[] = { 1, 2, 1000, 1ul << 32u, LONG_MAX };

	(void)state;
	for (int i = 0; i < 8; i++) {
		check_equal(times[i], times[i]);
		for (int j = 0; j < 5; j++)
			check_order(times[i], times[i] + apart[j]);
	}
}

static void times_compare_expressions_of_any_type(void **state)
{
	unsigned long base = 10;
	int delay = 5;

	(void)state;
	assert_true(time_after(base + delay, base));
	assert_true(time_before(base - 2 * delay, base | 1));
	assert_true(time_after_eq(base ? 7u : 6u, 7));
}

/* ------------------------------------------------------------------ converting */

static void msecs_convert_to_jiffies_and_back(void **state)
{
	(void)state;
	assert_int_equal(msecs_to_jiffies(0), 0);
	assert_int_equal(msecs_to_jiffies(1), 1);
	assert_int_equal(msecs_to_jiffies(60000), 60000);
	assert_true(msecs_to_jiffies(INT_MAX) == INT_MAX);
	assert_true(msecs_to_jiffies((unsigned int)INT_MAX + 1) == MAX_JIFFY_OFFSET);
	assert_true(msecs_to_jiffies((unsigned int)-1) == MAX_JIFFY_OFFSET);
	for (unsigned int msecs = 0; msecs < 100000; msecs += 77)
		assert_int_equal(jiffies_to_msecs(msecs_to_jiffies(msecs)), msecs);
	assert_true(jiffies_to_msecs((1ul << 32u) + 5) == 5);
}

static void usecs_convert_to_jiffies_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(usecs_to_jiffies(0), 0);
	assert_int_equal(usecs_to_jiffies(1), 1);
	assert_int_equal(usecs_to_jiffies(1000), 1);
	assert_int_equal(usecs_to_jiffies(1001), 2);
	assert_true(usecs_to_jiffies(UINT_MAX) == 4294968);
	assert_int_equal(jiffies_to_usecs(0), 0);
	assert_int_equal(jiffies_to_usecs(7), 7000);
}

static void secs_convert_to_jiffies(void **state)
{
	(void)state;
	assert_int_equal(secs_to_jiffies(0), 0);
	assert_int_equal(secs_to_jiffies(3), 3 * HZ);
	assert_true(secs_to_jiffies(UINT_MAX) == 4294967295000ul);
}

static void the_longest_offset_is_in_the_future(void **state)
{
	unsigned long now = jiffies;

	(void)state;
	assert_true(MAX_JIFFY_OFFSET < LONG_MAX);
	check_order(now, now + MAX_JIFFY_OFFSET);
}

/* -------------------------------------------------------------------- rounding */

struct rounding {
	int cpu;
	unsigned long base;
	unsigned long skew; /* where in a second this CPU has its whole ones */
	bool ok;
};

static unsigned long distance(unsigned long a, unsigned long b)
{
	return time_after(a, b) ? a - b : b - a;
}

/* By all possible parts of a second. */
static bool round_all(struct rounding *rounding)
{
	bool ok = true;

	for (unsigned long j = rounding->base; j < rounding->base + HZ; j++) {
		unsigned long nearest = round_jiffies(j), up = round_jiffies_up(j);

		ok &= up % HZ == rounding->skew && nearest % HZ == rounding->skew;
		ok &= up >= j && up - j < HZ;
		ok &= distance(nearest, j) <= HZ / 2;
		ok &= nearest == up || nearest == up - HZ;
	}
	return ok;
}

static long round_on_cpu(void *arg)
{
	struct rounding *rounding = arg;

	pin_self(rounding->cpu);
	rounding->skew = round_jiffies_up(rounding->base) % HZ;
	rounding->ok = round_all(rounding);
	return 0;
}

static struct rounding rounding_of(int cpu, unsigned long base)
{
	struct rounding rounding = { .cpu = cpu, .base = base };
	struct call call;

	call_start(&call, round_on_cpu, &rounding);
	call_join(&call);
	return rounding;
}

/* With more than 333 CPUs some must share. */
static void round_jiffies_gives_whole_seconds_skewed_by_cpu(void **state)
{
	unsigned long base = jiffies + 1000 * HZ;
	struct rounding first = rounding_of(allowed_cpu(0), base);

	(void)state;
	assert_true(first.ok);
	for (int nth = 1; nth < nr_allowed_cpus() && allowed_cpu(nth) < HZ / 4; nth++) {
		struct rounding other = rounding_of(allowed_cpu(nth), base);
		unsigned long skew = 3ul * (unsigned long)(allowed_cpu(nth) - allowed_cpu(0));

		assert_true(other.ok);
		assert_int_equal((other.skew - first.skew + HZ) % HZ, skew % HZ);
	}
}

/* Rounding down must not give a time that is over. */
static void round_jiffies_never_gives_the_past(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		unsigned long before = jiffies;
		unsigned long j = before + i % 40;
		unsigned long rounded = round_jiffies(j);

		assert_true(rounded == j || time_after(rounded, before));
	}
}

static void check_relative(unsigned long delay)
{
	unsigned long nearest = round_jiffies_relative(delay);
	unsigned long up = round_jiffies_up_relative(delay);

	assert_true(up >= delay && up < delay + HZ);
	assert_true(distance(nearest, delay) <= HZ / 2);
}

static void round_jiffies_relative_gives_delays_near_those_asked_for(void **state)
{
	(void)state;
	check_relative(0);
	check_relative(1);
	for (unsigned long delay = 2 * HZ; delay < 4 * HZ; delay += 7)
		check_relative(delay);
}

/* Its end is what round_jiffies_up() gives; the clock may tick in between. */
static long round_relative_on_one_cpu(void *arg)
{
	int *hits = arg;

	pin_self(allowed_cpu(0));
	for (int i = 0; i < 200; i++) {
		unsigned long before = jiffies;
		unsigned long end = before + round_jiffies_up_relative(5 * HZ + i);

		if (jiffies == before)
			*hits += end == round_jiffies_up(before + 5 * HZ + i);
		else
			(*hits)++;
	}
	return 0;
}

static void round_jiffies_relative_ends_at_a_whole_second(void **state)
{
	struct call call;
	int hits = 0;

	(void)state;
	call_start(&call, round_relative_on_one_cpu, &hits);
	call_join(&call);
	assert_int_equal(hits, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(jiffies_are_milliseconds_of_the_monotonic_clock),
		api_test(jiffies_never_go_back),
		api_test(jiffies_are_used_like_a_variable),
		api_test(times_compare_also_where_the_count_wraps),
		api_test(times_compare_expressions_of_any_type),
		api_test(msecs_convert_to_jiffies_and_back),
		api_test(usecs_convert_to_jiffies_rounded_up),
		api_test(secs_convert_to_jiffies),
		api_test(the_longest_offset_is_in_the_future),
		api_test(round_jiffies_gives_whole_seconds_skewed_by_cpu),
		api_test(round_jiffies_never_gives_the_past),
		api_test(round_jiffies_relative_gives_delays_near_those_asked_for),
		api_test(round_jiffies_relative_ends_at_a_whole_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
