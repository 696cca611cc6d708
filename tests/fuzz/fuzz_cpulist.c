/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cpulist.c - lists and masks of CPUs, against a parser by regular expressions; and the
 * texts that are printed lead back to the set.
 *
 * Input: two bytes for a number of CPUs, one for the size of a buffer, then the text. The first
 * byte from ZEROS on in it stands for 241 to 256 groups ",00000000": masks of all CPUs there can be
 * are long, their inputs need not be.
 */
#include "fuzz.h"

#include <regex.h>

#include "base/cpuset.h"

#define GROUP ",00000000"

enum {
	ZEROS = 0xf0,
	MIN_GROUPS = 241,
	GROUP_LEN = 9,
};

/* More than these take long to print, again and again in the same way: one input in sixteen does. */
enum {
	FEW_CPUS = 256,
	FEW_RANGES = 64,
};

static regex_t list_form, range_form, mask_form;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(!regcomp(
		&list_form,
		"^([0-9]+(-[0-9]+(:[0-9]+/[0-9]+)?)?(,[0-9]+(-[0-9]+(:[0-9]+/[0-9]+)?)?)*)?\n?$",
		REG_EXTENDED | REG_NOSUB));
	must(!regcomp(&range_form, "([0-9]+)(-([0-9]+)(:([0-9]+)/([0-9]+))?)?", REG_EXTENDED));
	must(!regcomp(&mask_form, "^(0[xX])?[0-9a-fA-F]{1,8}(,[0-9a-fA-F]{1,8})*\n?$",
		      REG_EXTENDED | REG_NOSUB));
	return 0;
}

/* --------------------------------------------------------------------- oracle */

static unsigned long number_at(const char *text, const regmatch_t *match, unsigned long fallback)
{
	return match->rm_so < 0 ? fallback : strtoul(text + match->rm_so, NULL, 10);
}

static bool expect_range(struct wq_cpuset *set, const char *text, const regmatch_t *match)
{
	unsigned long first = number_at(text, &match[1], 0),
		      last = number_at(text, &match[3], first);
	unsigned long used = number_at(text, &match[5], 1), group = number_at(text, &match[6], 1);

	if (first >= WQ_MAX_CPUS || last >= WQ_MAX_CPUS || used >= WQ_MAX_CPUS ||
	    group >= WQ_MAX_CPUS)
		return false;
	if (last < first || used < 1 || used > group)
		return false;
	for (unsigned long cpu = first; cpu <= last; cpu++)
		if ((cpu - first) % group < used)
			wq_cpuset_add(set, (unsigned int)cpu);
	return true;
}

static bool expect_list(struct wq_cpuset *set, const char *text)
{
	regmatch_t match[7];

	wq_cpuset_clear(set);
	if (regexec(&list_form, text, 0, NULL, 0))
		return false;
	for (; !regexec(&range_form, text, 7, match, 0); text += match[0].rm_eo)
		if (!expect_range(set, text, match))
			return false;
	return true;
}

/* From the last group on, bit by bit. */
static bool expect_mask(struct wq_cpuset *set, const char *text)
{
	const char *end = text + strcspn(text, "\n"), *at;
	unsigned long group;
	size_t first = 0;

	wq_cpuset_clear(set);
	if (regexec(&mask_form, text, 0, NULL, 0))
		return false;
	for (at = end; at > text; first += 32, end = at) {
		do
			at--;
		while (at > text && *at != ',');
		group = strtoul(at + (*at == ','), NULL, 16);
		for (unsigned int bit = 0; bit < 32; bit++) {
			if (!(group >> bit & 1))
				continue;
			if (first + bit >= WQ_MAX_CPUS)
				return false;
			wq_cpuset_add(set, (unsigned int)(first + bit));
		}
	}
	return true;
}

/* ------------------------------------------------------------------- printing */

typedef size_t (*print_fn)(const struct wq_cpuset *set, unsigned int nr, char *buf, size_t size);

static size_t print_list(const struct wq_cpuset *set, unsigned int nr, char *buf, size_t size)
{
	(void)nr;
	return wq_cpuset_print_list(set, buf, size);
}

/* Whole, and cut. The caller frees it. */
static char *print_both_ways(print_fn print, const struct wq_cpuset *set, unsigned int nr,
			     size_t cut)
{
	size_t len = print(set, nr, NULL, 0);
	char *whole = fuzz_alloc(len + 1), *part = fuzz_alloc(cut + 1);

	must(print(set, nr, whole, len + 1) == len && strlen(whole) == len);
	must(print(set, nr, part, cut) == len);
	if (cut) {
		must(strlen(part) == (len < cut ? len : cut - 1));
		must(!strncmp(part, whole, strlen(part)));
	}
	free(part);
	return whole;
}

/* Or a few more: those that go on in the next word. */
static bool has_few_ranges(const struct wq_cpuset *set)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < sizeof(set->bits) / sizeof(set->bits[0]); i++)
		nr += (unsigned int)__builtin_popcountl(set->bits[i] & ~(set->bits[i] << 1));
	return nr <= FEW_RANGES;
}

static void check_print_list(const struct wq_cpuset *set, size_t cut)
{
	struct wq_cpuset again;
	char *text;

	if (!has_few_ranges(set) && cut % 16 != 0)
		return;
	text = print_both_ways(print_list, set, 0, cut);
	must(wq_cpuset_parse_list(&again, text) && wq_cpuset_is_equal(set, &again));
	free(text);
}

static void check_print_mask(const struct wq_cpuset *set, unsigned int nr_cpus, size_t cut)
{
	struct wq_cpuset again, below = *set;
	char *text = print_both_ways(wq_cpuset_print_mask, set, nr_cpus, cut);

	wq_cpuset_truncate(&below, nr_cpus);
	must(wq_cpuset_parse_mask(&again, text) && wq_cpuset_is_equal(&below, &again));
	free(text);
}

/* -------------------------------------------------------------------- targets */

typedef bool (*parse_fn)(struct wq_cpuset *set, const char *text);

static void check(parse_fn parse, parse_fn expect, const char *text, unsigned int nr_cpus,
		  size_t cut)
{
	struct wq_cpuset found, expected;
	bool is_good = expect(&expected, text);

	must(parse(&found, text) == is_good);
	if (!is_good)
		return;
	must(wq_cpuset_is_equal(&found, &expected));
	check_print_list(&found, cut);
	check_print_mask(&found, nr_cpus, cut);
}

static unsigned int take_nr_cpus(struct input *input)
{
	unsigned int number = take_number(input);

	return number % 16 == 15 ? WQ_MAX_CPUS - number / 16 : number % FEW_CPUS + 1;
}

static char *take_text(struct input *input)
{
	const uint8_t *mark = input->at;
	size_t before, zeros, behind;
	char *text;

	while (mark < input->end && *mark < ZEROS)
		mark++;
	if (mark == input->end)
		return take_rest(input);
	before = (size_t)(mark - input->at);
	zeros = GROUP_LEN * (size_t)(*mark - ZEROS + MIN_GROUPS);
	behind = (size_t)(input->end - mark) - 1;
	text = fuzz_alloc(before + zeros + behind + 1);
	memcpy(text, input->at, before);
	for (size_t i = 0; i < zeros; i++)
		text[before + i] = GROUP[i % GROUP_LEN];
	memcpy(text + before + zeros, mark + 1, behind);
	text[before + zeros + behind] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	unsigned int nr_cpus = take_nr_cpus(&input);
	size_t cut = take_byte(&input);
	char *text = take_text(&input);

	check(wq_cpuset_parse_list, expect_list, text, nr_cpus, cut);
	check(wq_cpuset_parse_mask, expect_mask, text, nr_cpus, cut);
	free(text);
	return 0;
}
