/* SPDX-License-Identifier: MIT */
/*
 * test_cpuset.c - sets of CPU ids, also checked against an array of flags.
 */
#include "unit.h"

#include "base/cpuset.h"

static struct wq_cpuset set;

static void make_set(const unsigned int *cpus, size_t nr)
{
	wq_cpuset_clear(&set);
	for (size_t i = 0; i < nr; i++)
		wq_cpuset_add(&set, cpus[i]);
}

#define set_of(...)                                                                                \
	make_set((const unsigned int[]){ __VA_ARGS__ },                                            \
		 sizeof((const unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int))

static void cleared_set_is_empty(void **state)
{
	set_of(0, 63, 64, WQ_MAX_CPUS - 1);
	wq_cpuset_clear(&set);
	assert_int_equal(wq_cpuset_count(&set), 0);
	assert_int_equal(wq_cpuset_next(&set, 0), WQ_MAX_CPUS);
	for (unsigned int cpu = 0; cpu < WQ_MAX_CPUS; cpu++)
		assert_false(wq_cpuset_has(&set, cpu));
}

static void added_cpu_is_the_only_new_member(void **state)
{
	static const unsigned int edges[] = { 0, 1, 62, 63, 64, 65, 127, 128, 4095, 8190, 8191 };

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		wq_cpuset_clear(&set);
		wq_cpuset_add(&set, edges[i]);
		for (unsigned int cpu = 0; cpu < WQ_MAX_CPUS; cpu++)
			assert_int_equal(wq_cpuset_has(&set, cpu), cpu == edges[i]);
		assert_int_equal(wq_cpuset_count(&set), 1);
	}
}

static void cpu_added_twice_counts_once(void **state)
{
	set_of(7, 7, 64, 64, 64);
	assert_int_equal(wq_cpuset_count(&set), 2);
}

static void cpu_out_of_range_is_ignored(void **state)
{
	struct {
		struct wq_cpuset set;
		unsigned long behind;
	} guarded = { .behind = 0 };

	wq_cpuset_clear(&guarded.set);
	wq_cpuset_add(&guarded.set, WQ_MAX_CPUS);
	wq_cpuset_add(&guarded.set, WQ_MAX_CPUS + 63);
	wq_cpuset_add(&guarded.set, UINT32_MAX);
	assert_int_equal(wq_cpuset_count(&guarded.set), 0);
	assert_int_equal(guarded.behind, 0);
	assert_false(wq_cpuset_has(&guarded.set, WQ_MAX_CPUS));
	assert_false(wq_cpuset_has(&guarded.set, UINT32_MAX));
}

static void next_begins_with_the_cpu_given(void **state)
{
	set_of(5, 64, 700);
	assert_int_equal(wq_cpuset_next(&set, 0), 5);
	assert_int_equal(wq_cpuset_next(&set, 5), 5);
	assert_int_equal(wq_cpuset_next(&set, 6), 64);
	assert_int_equal(wq_cpuset_next(&set, 64), 64);
	assert_int_equal(wq_cpuset_next(&set, 65), 700);
	assert_int_equal(wq_cpuset_next(&set, 700), 700);
}

static void next_behind_the_last_is_max_cpus(void **state)
{
	set_of(5, WQ_MAX_CPUS - 1);
	assert_int_equal(wq_cpuset_next(&set, 6), WQ_MAX_CPUS - 1);
	assert_int_equal(wq_cpuset_next(&set, WQ_MAX_CPUS - 1), WQ_MAX_CPUS - 1);
	assert_int_equal(wq_cpuset_next(&set, WQ_MAX_CPUS), WQ_MAX_CPUS);
	assert_int_equal(wq_cpuset_next(&set, UINT32_MAX), WQ_MAX_CPUS);
	set_of(5);
	assert_int_equal(wq_cpuset_next(&set, 6), WQ_MAX_CPUS);
}

static void for_each_visits_sparse_ids_in_ascending_order(void **state)
{
	static const unsigned int expected[] = { 0, 3, 63, 64, 191, 192, 8191 };
	size_t i = 0;
	unsigned int cpu;

	set_of(8191, 192, 3, 64, 0, 191, 63);
	wq_cpuset_for_each(cpu, &set)
	{
		assert_true(i < sizeof(expected) / sizeof(expected[0]));
		assert_int_equal(cpu, expected[i++]);
	}
	assert_int_equal(i, sizeof(expected) / sizeof(expected[0]));
}

static void for_each_of_an_empty_set_visits_nobody(void **state)
{
	unsigned int cpu;

	wq_cpuset_clear(&set);
	wq_cpuset_for_each(cpu, &set) fail();
}

/* -------------------------------------------------------------------- oracle */

static void assert_equals_flags(const bool *flags)
{
	unsigned int next = WQ_MAX_CPUS, nr = 0;

	for (unsigned int cpu = WQ_MAX_CPUS; cpu-- > 0;) {
		if (flags[cpu]) {
			next = cpu;
			nr++;
		}
		assert_int_equal(wq_cpuset_has(&set, cpu), flags[cpu]);
		assert_int_equal(wq_cpuset_next(&set, cpu), next);
	}
	assert_int_equal(wq_cpuset_count(&set), nr);
}

static void random_sets_agree_with_flags(void **state)
{
	static bool flags[WQ_MAX_CPUS];
	uint64_t seed = random_seed();

	for (int round = 0; round < 20; round++) {
		unsigned int nr = random_below(&seed, 1u << random_below(&seed, 13));

		wq_cpuset_clear(&set);
		memset(flags, 0, sizeof(flags));
		while (nr--) {
			unsigned int cpu = random_below(&seed, WQ_MAX_CPUS);

			wq_cpuset_add(&set, cpu);
			flags[cpu] = true;
		}
		assert_equals_flags(flags);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(cleared_set_is_empty),
		room_test(added_cpu_is_the_only_new_member),
		room_test(cpu_added_twice_counts_once),
		room_test(cpu_out_of_range_is_ignored),
		room_test(next_begins_with_the_cpu_given),
		room_test(next_behind_the_last_is_max_cpus),
		room_test(for_each_visits_sparse_ids_in_ascending_order),
		room_test(for_each_of_an_empty_set_visits_nobody),
		room_test(random_sets_agree_with_flags),
	};

	return cmocka_run_group_tests_name("cpuset", tests, NULL, NULL);
}
