/* SPDX-License-Identifier: MIT */
/*
 * search.h - which schedules are tried, in which order.
 *
 * Exhaustive: depth first over all choices, with at most `bound` preemptions in a run. At random:
 * priorities that change at a few points (PCT). What is kept here outlives the runs, but for
 * search_run.
 */
#ifndef EXPLORE_SEARCH_H
#define EXPLORE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MAX_CHOICES = 4096,
	/* at every so manieth choice that is new the state is kept */
	CHECKPOINT_EVERY = 16,
};

struct choice {
	uint32_t step;    /* of the run */
	uint32_t useless; /* options, by bit */
	uint32_t reasons; /* for variants of the option that is taken, by bit */
	uint8_t taken, nr;
	uint8_t nr_variants; /* of each option but the first */
};

struct search {
	unsigned int bound; /* preemptions in a run */
	bool is_random;
	bool has_plan; /* a schedule was given to be repeated */
	bool is_whole; /* also what another run shows as well (see reduce.h) */
	uint64_t seed;
	unsigned int depth; /* at random: changes of priority */
	uint64_t max_runs;

	unsigned int nr; /* choices of the run before, as far as they are kept */
	struct choice choice[MAX_CHOICES];
	uint64_t nr_outcomes, outcomes; /* their sum */
	uint64_t nr_runs, nr_cut, nr_points, most_points;
	uint64_t rng;
	unsigned int priority[16];
	uint64_t change_at[8];
	bool has_grown; /* more turned out to be shared than was known */
};

extern struct search *search;

/* How far a run has come; restored with all else. */
extern struct search_run {
	unsigned int nr_preempted;
	unsigned int next; /* choice */
} search_run;

void search_init(void);
/* What is in a schedule that was printed. */
void search_plan(const char *text);
void search_begin_run(void);
/* False: all have been tried. */
bool search_next_run(void);
/* One of nr options, of which 0 is the usual one, and some may be useless, by bit. */
unsigned int search_choose(unsigned int nr, uint32_t useless);
/*
 * The same, with so many variants of each option but the first: 1 + option * variants + variant.
 * Variants but the first are tried only if search_give_reason() was called for them meanwhile.
 */
unsigned int search_choose_variant(unsigned int nr, unsigned int variants, uint32_t useless);
void search_give_reason(unsigned int choice, unsigned int variant);
/* At random: which of these fibers. */
int search_choose_fiber(const int *fibers, unsigned int nr);

static inline bool search_may_preempt(void)
{
	return search->has_plan || search_run.nr_preempted < search->bound;
}

/* Are runs left out that show what another one shows? */
static inline bool search_reduces(void)
{
	return !search->has_plan && !search->is_whole;
}

/* What was to be seen in this run; how many different ones there were, and a digest of them. */
void search_note_outcome(uint64_t outcome);

/* Has the memory been seen to be shared, and written? Notes that it is touched. */
bool search_is_shared(const void *p, int fiber, bool writes);
/* A step there may go on with what cannot be judged (see reduce.h). */
void search_note_special(const void *p);
bool search_is_special(const void *p);
/* For the next pass: what was noted counts. */
void search_learn(void);

void search_print(void);

#endif /* EXPLORE_SEARCH_H */
