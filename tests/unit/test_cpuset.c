/* SPDX-License-Identifier: MIT */
/*
 * test_cpuset.c - sets of CPU ids and their texts, also checked against an array of flags.
 */
#include "unit.h"

#include "base/cpuset.h"

enum {
	TEXT = 65536, /* longer than any */
};

static struct wq_cpuset set, other;
static char text[TEXT];

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

static void removed_cpu_is_the_only_one_missing(void **state)
{
	set_of(0, 63, 64, 8191);
	wq_cpuset_remove(&set, 64);
	assert_false(wq_cpuset_has(&set, 64));
	assert_int_equal(wq_cpuset_count(&set), 3);
	wq_cpuset_remove(&set, 64);
	wq_cpuset_remove(&set, 5);
	wq_cpuset_remove(&set, WQ_MAX_CPUS);
	wq_cpuset_remove(&set, UINT32_MAX);
	assert_int_equal(wq_cpuset_count(&set), 3);
}

/* ----------------------------------------------------------- two sets */

static void list_of(struct wq_cpuset *dst, const char *list)
{
	assert_true(wq_cpuset_parse_list(dst, list));
}

static void assert_list(const char *list)
{
	assert_int_equal(wq_cpuset_print_list(&set, text, sizeof(text)), strlen(list));
	assert_string_equal(text, list);
}

static void and_is_what_is_in_both(void **state)
{
	list_of(&set, "0-70,8191");
	list_of(&other, "60-80,8190-8191");
	wq_cpuset_and(&set, &set, &other);
	assert_list("60-70,8191");
	list_of(&other, "0-59");
	wq_cpuset_and(&set, &other, &set);
	assert_list("");
}

static void or_is_what_is_in_either(void **state)
{
	list_of(&set, "1,63");
	list_of(&other, "1,64,8191");
	wq_cpuset_or(&set, &other, &set);
	assert_list("1,63-64,8191");
}

static void empty_set_has_no_cpu(void **state)
{
	wq_cpuset_clear(&set);
	assert_true(wq_cpuset_is_empty(&set));
	set_of(WQ_MAX_CPUS - 1);
	assert_false(wq_cpuset_is_empty(&set));
}

static void equal_sets_differ_in_no_cpu(void **state)
{
	list_of(&set, "0,100,8191");
	list_of(&other, "0,100,8191");
	assert_true(wq_cpuset_is_equal(&set, &other));
	wq_cpuset_remove(&other, 8191);
	assert_false(wq_cpuset_is_equal(&set, &other));
	assert_false(wq_cpuset_is_equal(&other, &set));
}

static void subset_is_in_the_other(void **state)
{
	list_of(&set, "3,8191");
	list_of(&other, "0-3,8191");
	assert_true(wq_cpuset_is_subset(&set, &other));
	assert_false(wq_cpuset_is_subset(&other, &set));
	assert_true(wq_cpuset_is_subset(&set, &set));
	wq_cpuset_clear(&set);
	assert_true(wq_cpuset_is_subset(&set, &other));
	assert_true(wq_cpuset_is_subset(&set, &set));
	assert_false(wq_cpuset_is_subset(&other, &set));
}

/* --------------------------------------------------------------- lists */

static void list_is_parsed(void **state)
{
	static const struct {
		const char *list, *same;
	} lists[] = {
		{ "", "" },
		{ "\n", "" },
		{ "0", "0" },
		{ "0-3,8-11\n", "0-3,8-11" },
		{ "8191", "8191" },
		{ "0-8191", "0-8191" },
		{ "5-5", "5" },
		{ "3,1,2,2", "1-3" },
		{ "4-9,0-6", "0-9" },
		{ "0000000000000000000000000000007", "7" },
		{ "0-7:2/4", "0-1,4-5" },
		{ "10-20:1/4\n", "10,14,18" },
		{ "1-5:3/3,9", "1-5,9" },
		{ "0-2:4/8", "0-2" },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		set_of(77); /* must not stay */
		list_of(&set, lists[i].list);
		assert_list(lists[i].same);
	}
}

static void malformed_list_is_refused(void **state)
{
	static const char *const lists[] = {
		",",
		"0,",
		",0",
		"0,,1",
		"-",
		"-1",
		"1-",
		"1-2-3",
		"3-1",
		"0-8192",
		"8192",
		"9999",
		"65536",
		"4294967296",
		"4294967297",
		"18446744073709551616",
		"99999999999999999999999999999999999999999999",
		"0-18446744073709551617",
		" 0",
		"0 ",
		"0, 1",
		"0\n\n",
		"\n0",
		"\n\n",
		"0-3\n,4",
		"+1",
		"0x1",
		"a",
		"1a",
		"0-3:",
		"0-3:1",
		"0-3:1/",
		"0-3:/2",
		"0-3:0/2",
		"0-3:3/2",
		"0-3:1/0",
		"0-3:0/0",
		"0-3:1/99999999999999999999",
		"3:1/2",
		"0-3/2",
		"0-3;5",
		"\377",
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (wq_cpuset_parse_list(&set, lists[i]))
			fail_msg("taken: \"%s\"", lists[i]);
}

/* --------------------------------------------------------------- masks */

static void mask_is_parsed(void **state)
{
	static const struct {
		const char *mask, *list;
	} masks[] = {
		{ "0", "" },
		{ "f\n", "0-3" },
		{ "0xF", "0-3" },
		{ "0Xa5", "0,2,5,7" },
		{ "AbCd", "0,2-3,6-9,11,13,15" },
		{ "00000000,0000000f", "0-3" },
		{ "ff,ffffffff", "0-39" },
		{ "1,0", "32" },
		{ "1,00000000,00000000\n", "64" },
		{ "80000000,,", NULL },
		{ "80000000", "31" },
		{ "80000000,0", "63" },
	};

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		set_of(77); /* must not stay */
		assert_int_equal(wq_cpuset_parse_mask(&set, masks[i].mask), !!masks[i].list);
		if (masks[i].list)
			assert_list(masks[i].list);
	}
}

static void malformed_mask_is_refused(void **state)
{
	static const char *const masks[] = {
		"",   "\n",        "0x",  "0x\n", ",",     ",f",  "f,",    "f,,f",        "g",
		"-1", "+1",        " f",  "f ",   "f\n\n", "\nf", "f-f",   "f,0xf",       "0x0xf",
		"x1", "123456789", "f;f", "fG",   "@",     "`",   "f\n,f", "1,123456789", "\377",
	};

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		if (wq_cpuset_parse_mask(&set, masks[i]))
			fail_msg("taken: \"%s\"", masks[i]);
}

/* "FIRST", then so many groups of zeros. */
static const char *mask_with_zeros(const char *first, int nr_groups)
{
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", first);

	while (nr_groups--)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",00000000");
	return text;
}

static void mask_may_name_cpus_below_the_bound_only(void **state)
{
	assert_true(wq_cpuset_parse_mask(&set, mask_with_zeros("80000000", 255)));
	assert_list("8191");
	assert_false(wq_cpuset_parse_mask(&set, mask_with_zeros("1", 256)));
	assert_false(wq_cpuset_parse_mask(&set, mask_with_zeros("1", 3000)));
	assert_true(wq_cpuset_parse_mask(&set, mask_with_zeros("0", 3000)));
	assert_list("");
}

static void assert_mask(unsigned int nr_cpus, const char *mask)
{
	assert_int_equal(wq_cpuset_print_mask(&set, nr_cpus, text, sizeof(text)), strlen(mask));
	assert_string_equal(text, mask);
}

static void mask_is_as_wide_as_the_machine(void **state)
{
	list_of(&set, "0-8191");
	assert_mask(0, "1");
	assert_mask(1, "1");
	assert_mask(4, "f");
	assert_mask(5, "1f");
	assert_mask(31, "7fffffff");
	assert_mask(32, "ffffffff");
	assert_mask(33, "1,ffffffff");
	assert_mask(40, "ff,ffffffff");
	assert_mask(96, "ffffffff,ffffffff,ffffffff");
	set_of(2, 33);
	assert_mask(4, "4");
	assert_mask(40, "02,00000004");
	assert_mask(72, "00,00000002,00000004");
}

static void text_that_does_not_fit_is_cut(void **state)
{
	char small[8];

	list_of(&set, "0-3,10,20-8191");
	for (size_t size = 0; size <= sizeof(small); size++) {
		memset(small, 'x', sizeof(small));
		assert_int_equal(wq_cpuset_print_list(&set, small, size), strlen("0-3,10,20-8191"));
		assert_true(size == 0 || strlen(small) == size - 1);
		assert_true(size == 0 || !strncmp(small, "0-3,10,20", size - 1));
		for (size_t i = size; i < sizeof(small); i++)
			assert_int_equal(small[i], 'x');
	}
	memset(small, 'x', sizeof(small));
	assert_int_equal(wq_cpuset_print_mask(&set, 64, small, 4), strlen("ffffffff,fff0040f"));
	assert_memory_equal(small, "fff\0xxxx", sizeof(small));
}

static void empty_list_is_an_empty_text(void **state)
{
	wq_cpuset_clear(&set);
	text[0] = 'x';
	assert_list("");
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

/* Each number by itself, the highest one first. */
static void assert_parsed_from_flags(const bool *flags)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int cpu = WQ_MAX_CPUS; cpu-- > 0;)
		if (flags[cpu])
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u",
						len ? "," : "", cpu);
	assert_true(wq_cpuset_parse_list(&other, text));
	assert_true(wq_cpuset_is_equal(&other, &set));
}

static void assert_texts_lead_back(void)
{
	assert_true(wq_cpuset_print_list(&set, text, sizeof(text)) < sizeof(text));
	assert_true(wq_cpuset_parse_list(&other, text));
	assert_true(wq_cpuset_is_equal(&other, &set));
	assert_true(wq_cpuset_print_mask(&set, WQ_MAX_CPUS, text, sizeof(text)) < sizeof(text));
	assert_true(wq_cpuset_parse_mask(&other, text));
	assert_true(wq_cpuset_is_equal(&other, &set));
}

/* Digit by digit, from the last one. */
static void assert_mask_of_flags(const bool *flags, unsigned int nr_cpus)
{
	size_t at = wq_cpuset_print_mask(&set, nr_cpus, text, sizeof(text));

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu += 4) {
		unsigned int digit = 0;

		for (unsigned int i = 0; i < 4 && cpu + i < nr_cpus; i++)
			digit |= (unsigned int)flags[cpu + i] << i;
		if (cpu && cpu % 32 == 0)
			assert_int_equal(text[--at], ',');
		assert_int_equal(text[--at], "0123456789abcdef"[digit]);
	}
	assert_int_equal(at, 0);
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
		assert_parsed_from_flags(flags);
		assert_mask_of_flags(flags, 1 + random_below(&seed, WQ_MAX_CPUS));
		assert_texts_lead_back();
	}
}

static void filled_set_has_the_ids_below(void **state)
{
	wq_cpuset_fill(&set, 0);
	assert_true(wq_cpuset_is_empty(&set));
	wq_cpuset_fill(&set, 65);
	assert_int_equal(wq_cpuset_count(&set), 65);
	assert_true(wq_cpuset_has(&set, 64));
	wq_cpuset_fill(&set, WQ_MAX_CPUS);
	assert_int_equal(wq_cpuset_count(&set), WQ_MAX_CPUS);
}

static void copy_by_words_is_a_copy(void **state)
{
	struct wq_cpuset copy;

	wq_cpuset_fill(&set, 100);
	wq_cpuset_add(&set, WQ_MAX_CPUS - 1);
	wq_cpuset_copy_atomic(&copy, &set);
	assert_true(wq_cpuset_is_equal(&copy, &set));
}

static void truncated_set_keeps_the_ids_below(void **state)
{
	(void)state;
	wq_cpuset_clear(&set);
	wq_cpuset_add(&set, 0);
	wq_cpuset_add(&set, 64);
	wq_cpuset_add(&set, 65);
	wq_cpuset_add(&set, WQ_MAX_CPUS - 1);
	wq_cpuset_truncate(&set, WQ_MAX_CPUS);
	assert_int_equal(wq_cpuset_count(&set), 4);
	wq_cpuset_truncate(&set, 65);
	assert_int_equal(wq_cpuset_count(&set), 2);
	assert_true(wq_cpuset_has(&set, 0) && wq_cpuset_has(&set, 64));
	wq_cpuset_truncate(&set, 0);
	assert_true(wq_cpuset_is_empty(&set));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(filled_set_has_the_ids_below),
		room_test(copy_by_words_is_a_copy),
		room_test(truncated_set_keeps_the_ids_below),
		room_test(cleared_set_is_empty),
		room_test(added_cpu_is_the_only_new_member),
		room_test(cpu_added_twice_counts_once),
		room_test(cpu_out_of_range_is_ignored),
		room_test(next_begins_with_the_cpu_given),
		room_test(next_behind_the_last_is_max_cpus),
		room_test(for_each_visits_sparse_ids_in_ascending_order),
		room_test(for_each_of_an_empty_set_visits_nobody),
		room_test(removed_cpu_is_the_only_one_missing),
		room_test(and_is_what_is_in_both),
		room_test(or_is_what_is_in_either),
		room_test(empty_set_has_no_cpu),
		room_test(equal_sets_differ_in_no_cpu),
		room_test(subset_is_in_the_other),
		room_test(list_is_parsed),
		room_test(malformed_list_is_refused),
		room_test(mask_is_parsed),
		room_test(malformed_mask_is_refused),
		room_test(mask_may_name_cpus_below_the_bound_only),
		room_test(mask_is_as_wide_as_the_machine),
		room_test(text_that_does_not_fit_is_cut),
		room_test(empty_list_is_an_empty_text),
		room_test(random_sets_agree_with_flags),
	};

	return cmocka_run_group_tests_name("cpuset", tests, NULL, NULL);
}
