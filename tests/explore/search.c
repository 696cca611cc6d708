/* SPDX-License-Identifier: MIT */
/*
 * search.c - which schedules are tried, in which order (contracts in search.h).
 */
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "memory.h"

struct search *search;
struct search_run search_run;

/* ---------------------------------------------------------------- outcomes */

enum { MAX_OUTCOMES = 1 << 20 };

static uint64_t *seen_outcomes;

void search_note_outcome(uint64_t outcome)
{
	size_t i = outcome * 0x9e3779b97f4a7c15ull >> 44;

	if (search->nr_outcomes == MAX_OUTCOMES / 2)
		return;
	while (seen_outcomes[i] && seen_outcomes[i] != outcome)
		i = (i + 1) % MAX_OUTCOMES;
	if (seen_outcomes[i])
		return;
	seen_outcomes[i] = outcome;
	search->nr_outcomes++;
	search->outcomes += outcome;
}

static void forget_outcomes(void)
{
	if (search->nr_outcomes)
		memset(seen_outcomes, 0, MAX_OUTCOMES * sizeof(*seen_outcomes));
	search->nr_outcomes = search->outcomes = 0;
}

/* ------------------------------------------------------- what is shared */

enum { TABLE_SIZE = 1 << 14 };

/* Who touches eight bytes of memory: in this pass, and as far as it counts. */
static struct place {
	uintptr_t address;
	uint16_t who, known_who;
	bool is_written, known_written;
	bool is_special, known_special;
} * places;

static struct place *place_of(const void *p)
{
	uintptr_t address = (uintptr_t)p >> 3;
	size_t i = address * 0x9e3779b97f4a7c15ull >> 50;

	while (places[i].address && places[i].address != address)
		i = (i + 1) % TABLE_SIZE;
	places[i].address = address;
	return &places[i];
}

static bool is_shared(uint16_t who, bool is_written)
{
	return is_written && (who & (who - 1));
}

bool search_is_shared(const void *p, int fiber, bool writes)
{
	struct place *place = place_of(p);

	place->who |= (uint16_t)(1u << fiber);
	place->is_written |= writes;
	if (is_shared(place->who, place->is_written) &&
	    !is_shared(place->known_who, place->known_written))
		search->has_grown = true;
	return search->has_plan || is_shared(place->known_who, place->known_written);
}

void search_note_special(const void *p)
{
	struct place *place = place_of(p);

	if (!place->known_special)
		search->has_grown = true;
	place->is_special = true;
}

bool search_is_special(const void *p)
{
	return place_of(p)->known_special;
}

void search_learn(void)
{
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		places[i].known_special = places[i].is_special;
		places[i].known_who = places[i].who;
		places[i].known_written = places[i].is_written;
	}
	search->has_grown = false;
	search->nr = 0;
	search->nr_runs = search->nr_cut = 0;
	forget_outcomes();
}

/* --------------------------------------------------------------- at random */

static uint64_t draw(void)
{
	uint64_t z = search->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void begin_random(void)
{
	search->rng = search->seed + search->nr_runs;
	for (unsigned int i = 0; i < MAX_FIBERS; i++)
		search->priority[i] = 16 + (unsigned int)(draw() % 1000);
	for (unsigned int i = 0; i < search->depth; i++)
		search->change_at[i] = 1 + draw() % (search->most_points + 1);
	search->nr_points = 0;
}

int search_choose_fiber(const int *fibers, unsigned int nr)
{
	int best = fibers[0];

	search->nr_points++;
	if (search->nr_points > search->most_points)
		search->most_points = search->nr_points;
	for (unsigned int i = 0; i < search->depth; i++)
		if (search->change_at[i] == search->nr_points)
			search->priority[machine.running] = i;
	for (unsigned int i = 1; i < nr; i++)
		if (search->priority[fibers[i]] > search->priority[best])
			best = fibers[i];
	return best;
}

/* -------------------------------------------------------------- exhaustive */

/* Of a schedule that is repeated. */
static unsigned int planned(unsigned int nr)
{
	for (unsigned int i = 0; i < search->nr; i++)
		if (search->choice[i].step == machine.nr_steps && search->choice[i].taken < nr)
			return search->choice[i].taken;
	return 0;
}

static bool is_useless(const struct choice *choice)
{
	unsigned int option = choice->taken + choice->nr_variants - 1u;

	return choice->useless >> option / choice->nr_variants & 1;
}

/* Will other runs begin right before that choice? Runs that leave out nothing begin at the start. */
static bool is_to_be_kept(unsigned int choice)
{
	return choice % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1 && search_may_preempt() &&
	       !search->is_whole;
}

unsigned int search_choose_variant(unsigned int nr_options, unsigned int variants, uint32_t useless)
{
	unsigned int nr = 1 + (nr_options - 1) * variants;
	struct choice *choice;

	if (nr < 2)
		return 0;

	if (search->has_plan)
		return planned(nr);
	if (search_run.next == MAX_CHOICES || nr > UINT8_MAX)
		machine_fail("too many choices");
	choice = &search->choice[search_run.next];
	if (search_run.next == search->nr) {
		*choice = (struct choice){ .nr = (uint8_t)nr,
					   .nr_variants = (uint8_t)variants,
					   .useless = useless,
					   .step = (uint32_t)machine.nr_steps };
		search->nr = search_run.next + 1;
		while (is_useless(choice))
			choice->taken++;
		if (is_to_be_kept(search_run.next))
			machine_checkpoint();
	}
	/* only now: who goes on from there takes the next option of this choice */
	search_run.next++;
	if (choice->nr != nr || choice->step != machine.nr_steps)
		machine_fail("the run differs from the one before: %u options, not %u", nr,
			     choice->nr);
	return choice->taken;
}

unsigned int search_choose(unsigned int nr, uint32_t useless)
{
	return search_choose_variant(nr, 1, useless);
}

void search_give_reason(unsigned int choice, unsigned int variant)
{
	search->choice[choice].reasons |= 1u << variant;
}

void search_begin_run(void)
{
	search_run = (struct search_run){ 0 };
	if (search->is_random)
		begin_random();
}

static void take_next_option(struct choice *choice)
{
	unsigned int variants = choice->nr_variants,
		     option = (choice->taken + variants - 1u) / variants;

	choice->taken = (uint8_t)(1 + option * variants);
	choice->reasons = 0;
}

static void take_next(struct choice *choice)
{
	unsigned int variants = choice->nr_variants, variant = (choice->taken - 1u) % variants;

	while (choice->taken && ++variant < variants) {
		choice->taken++;
		if (search->is_whole || choice->reasons >> variant & 1)
			return;
	}
	take_next_option(choice);
}

/* False: there is none. */
static bool next_option(struct choice *choice)
{
	take_next(choice);
	while (choice->taken < choice->nr && is_useless(choice))
		take_next_option(choice);
	return choice->taken < choice->nr;
}

static bool next_exhaustive(void)
{
	for (search->nr = search_run.next; search->nr; search->nr--)
		if (next_option(&search->choice[search->nr - 1]))
			return true;
	return false;
}

bool search_next_run(void)
{
	search->nr_runs++;
	if (search->has_plan || (search->max_runs && search->nr_runs >= search->max_runs))
		return false;
	return search->is_random || next_exhaustive();
}

/* -------------------------------------------------------------------- plans */

void search_plan(const char *text)
{
	char *end;

	search->has_plan = true;
	search->nr = 0;
	for (; *text; text = *end ? end + 1 : end) {
		struct choice *choice = &search->choice[search->nr++];

		choice->step = (uint32_t)strtoul(text, &end, 10);
		if (*end != ':' || search->nr == MAX_CHOICES) {
			fprintf(stderr, "explore: a schedule is like 12:1,40:2\n");
			exit(2);
		}
		choice->taken = (uint8_t)strtoul(end + 1, &end, 10);
	}
}

void search_print(void)
{
	const char *comma = "";

	if (search->is_random) {
		fprintf(stderr, "explore: --random %llu --seed %llu --depth %u\n",
			(unsigned long long)search->nr_runs + 1, (unsigned long long)search->seed,
			search->depth);
		return;
	}
	fprintf(stderr, "explore: --schedule ");
	for (unsigned int i = 0; i < (search->has_plan ? search->nr : search_run.next); i++) {
		if (!search->choice[i].taken)
			continue;
		fprintf(stderr, "%s%u:%u", comma, search->choice[i].step, search->choice[i].taken);
		comma = ",";
	}
	fprintf(stderr, "%s\n", *comma ? "" : "0:0");
}

void search_init(void)
{
	search = (void *)memory_map(sizeof(*search));
	places = (void *)memory_map(TABLE_SIZE * sizeof(*places));
	seen_outcomes = (void *)memory_map(MAX_OUTCOMES * sizeof(*seen_outcomes));
}
