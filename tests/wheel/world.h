/* SPDX-License-Identifier: MIT */
/*
 * world.h - a timing wheel, its oracle, and calls of the wheel that the oracle judges.
 *
 * The oracle counts time from where the world began (its *age*), in 64 bits that do not wrap
 * around; the clock that the wheel is told is start + age, and does. A broken law ends the
 * program. What the wheel owes is in base/wheel.h.
 */
#ifndef TESTS_WHEEL_WORLD_H
#define TESTS_WHEEL_WORLD_H

#include <limits.h>

#include "base/wheel.h"
#include "support/stress.h"
#include "wheel/heap.h"

#define FARTHEST ((unsigned long)LONG_MAX)

enum {
	PLENTY = 1 << 30,
	MAX_COST = WQ_WHEEL_LEVELS, /* of a timer: ten moves down, and out */
};

struct counts {
	uint64_t ticks; /* at which the wheel was asked, each later by one than the one before */
	uint64_t asked; /* calls of wq_wheel_expire() */
	uint64_t added, moved, removed, handed_out;
	uint64_t spent;         /* of budgets */
	uint64_t interruptions; /* by the end of a budget, with timers still to be moved */
	uint64_t rounds;        /* of the clock */
};

struct world {
	struct wq_wheel wheel;
	struct wq_wheel_timer *timers;
	struct heap heap; /* of ages */
	uint32_t nr;      /* timers, on the wheel or not */
	unsigned long start;
	uint64_t age;
	bool has_removals; /* so wq_wheel_next() may name a tick at which nobody is due any more */
	struct rng rng;
	struct counts counts;
};

#define must(world, cond)                                                                          \
	do {                                                                                       \
		if (!(cond))                                                                       \
			world_fail((world), #cond, __LINE__);                                      \
	} while (0)

__attribute__((noreturn, cold)) static void world_fail(const struct world *world, const char *what,
						       int line)
{
	fault("line %d: does not hold: %s: start %#lx, age %llu, %u of %u timers on the wheel, "
	      "which stands at %#lx",
	      line, what, world->start, (unsigned long long)world->age, world->heap.nr, world->nr,
	      world->wheel.tick);
	exit(stress_end());
}

/* -------------------------------------------------------------- beginnings */

static inline void world_init(struct world *world, uint32_t max, struct rng rng)
{
	memset(world, 0, sizeof(*world));
	world->rng = rng;
	world->timers = calloc(max, sizeof(*world->timers));
	if (!world->timers || !heap_init(&world->heap, max)) {
		fprintf(stderr, "no memory for %u timers\n", max);
		exit(EXIT_FAILURE);
	}
}

static inline void world_fini(struct world *world)
{
	free(world->timers);
	heap_fini(&world->heap);
}

/* Its timers must be off the wheel. */
static inline void world_begin(struct world *world, uint32_t nr, unsigned long start)
{
	wq_wheel_reset(&world->wheel, start);
	world->nr = nr;
	world->start = start;
	world->age = 0;
	world->has_removals = false;
}

static inline unsigned long clock_at(const struct world *world, uint64_t age)
{
	return world->start + age;
}

static inline uint64_t age_of_wheel(const struct world *world)
{
	return world->wheel.tick - world->start;
}

/* --------------------------------------------------------------- add, remove */

static inline bool is_on(const struct world *world, uint32_t id)
{
	return heap_has(&world->heap, id);
}

/* When it will be handed out: a tick at which the wheel has been is as good as the wheel's. */
static inline uint64_t age_due(const struct world *world, unsigned long expires)
{
	long ahead = (long)(expires - world->wheel.tick);

	return age_of_wheel(world) + (ahead > 0 ? (uint64_t)ahead : 0);
}

static inline void world_add(struct world *world, uint32_t id, unsigned long expires)
{
	heap_add(&world->heap, id, age_due(world, expires));
	wq_wheel_add(&world->wheel, &world->timers[id], expires);
	world->counts.added++;
}

static inline void world_remove(struct world *world, uint32_t id)
{
	heap_remove(&world->heap, id);
	wq_wheel_remove(&world->wheel, &world->timers[id]);
	must(world, !wq_list_is_on(&world->timers[id].link));
	world->has_removals = true;
	world->counts.removed++;
}

static inline void world_move(struct world *world, uint32_t id, unsigned long expires)
{
	heap_remove(&world->heap, id);
	heap_add(&world->heap, id, age_due(world, expires));
	wq_wheel_move(&world->wheel, &world->timers[id], expires);
	world->has_removals = true;
	world->counts.moved++;
}

static inline void world_clear(struct world *world)
{
	for (uint32_t id = 0; id < world->nr; id++)
		if (is_on(world, id))
			world_remove(world, id);
	must(world, wq_wheel_is_valid(&world->wheel));
	must(world, !world->wheel.levels && !world->wheel.is_sifting);
}

/* -------------------------------------------------------------------- time */

/* @is_exact: nothing has been handed out or removed that it may still speak of. */
static inline void check_next_is(struct world *world, bool is_exact)
{
	unsigned long tick = 0;
	bool has_timers = wq_wheel_next(&world->wheel, &tick);
	uint64_t age = tick - world->start;

	must(world, has_timers == (world->heap.nr > 0));
	if (!has_timers)
		return;
	must(world, age <= heap_first(&world->heap) && age >= age_of_wheel(world));
	must(world, !is_exact || age == heap_first(&world->heap));
}

static inline void check_next(struct world *world)
{
	check_next_is(world, /* is_exact */ !world->has_removals);
}

static inline void check_handed_out(struct world *world, const struct wq_wheel_timer *timer)
{
	uint32_t id = (uint32_t)(timer - world->timers);

	must(world, id < world->nr && is_on(world, id) && !wq_list_is_on(&timer->link));
	must(world, heap_key(&world->heap, id) <= world->age);
	must(world, heap_key(&world->heap, id) == heap_first(&world->heap));
	heap_remove(&world->heap, id);
	world->counts.handed_out++;
}

/* Those that were to be moved are still somewhere. */
static inline void note_interruption(struct world *world)
{
	world->counts.interruptions += world->wheel.is_sifting;
	check_next_is(world, /* is_exact */ false);
}

/*
 * The next timer that is due now, or NULL: none is, or the budget has been spent. Nobody
 * is early, late, out of order, or handed out twice.
 */
static inline struct wq_wheel_timer *world_expire(struct world *world, unsigned int *budget)
{
	unsigned int before = *budget;
	struct wq_wheel_timer *timer =
		wq_wheel_expire(&world->wheel, clock_at(world, world->age), budget);

	world->counts.asked++;
	world->counts.spent += before - *budget;
	if (timer)
		check_handed_out(world, timer);
	else if (*budget)
		must(world, !world->heap.nr || heap_first(&world->heap) > world->age);
	else
		note_interruption(world);
	return timer;
}

/* Of all that was added. */
static inline void check_cost(const struct world *world)
{
	const struct counts *counts = &world->counts;

	must(world, counts->spent <= MAX_COST * (counts->added + counts->moved));
	must(world, counts->handed_out + counts->removed <= counts->added);
}

/* ------------------------------------------------------------------ verdict */

static inline void counts_add(struct counts *sum, const struct counts *counts)
{
	sum->ticks += counts->ticks;
	sum->asked += counts->asked;
	sum->added += counts->added;
	sum->moved += counts->moved;
	sum->removed += counts->removed;
	sum->handed_out += counts->handed_out;
	sum->spent += counts->spent;
	sum->interruptions += counts->interruptions;
	sum->rounds += counts->rounds;
}

static inline void counts_print(const struct counts *counts)
{
	printf("%s: counted: ticks=%llu asked=%llu added=%llu moved=%llu removed=%llu "
	       "handed_out=%llu interruptions=%llu rounds=%llu\n",
	       stress.name, (unsigned long long)counts->ticks, (unsigned long long)counts->asked,
	       (unsigned long long)counts->added, (unsigned long long)counts->moved,
	       (unsigned long long)counts->removed, (unsigned long long)counts->handed_out,
	       (unsigned long long)counts->interruptions, (unsigned long long)counts->rounds);
}

/* -------------------------------------------------------------- random ticks */

static inline unsigned long random_bits(struct world *world, unsigned int nr)
{
	return nr ? (unsigned long)rng_next(&world->rng) >> (64 - nr) : 0;
}

/* All magnitudes alike, and often next to a power of two. */
static inline unsigned long random_delay(struct world *world, unsigned int max_bits)
{
	unsigned int nr = rng_below(&world->rng, max_bits + 1);

	if (rng_below(&world->rng, 4) == 0)
		return ((1ul << nr) - 1 + rng_below(&world->rng, 3)) & FARTHEST;
	return random_bits(world, nr);
}

#endif /* TESTS_WHEEL_WORLD_H */
