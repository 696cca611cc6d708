/* SPDX-License-Identifier: MIT */
/*
 * wheel_edges.c - the timing wheel: all powers of two, give or take one, of the clock and of delays.
 *
 * From each 2^j - 1, 2^j, 2^j + 1 of the clock, each such delay up to the longest: alone,
 * together, moved from each to each other, and moving down while others are changed. And as
 * many into the past. --ops is how often the part with chance in it is repeated.
 */
#include "wheel/world.h"

enum {
	MAX_EDGES = 64 * 3 + 2,
	NR_TRIES = 3, /* of what is interrupted at random, for each start */
};

static unsigned long starts[MAX_EDGES], delays[MAX_EDGES];
static unsigned int nr_starts, nr_delays;
static uint64_t nr_cases;

/* Only once each: of small powers some are the same. */
static void note(unsigned long *values, unsigned int *nr, unsigned long value)
{
	for (unsigned int i = 0; i < *nr; i++)
		if (values[i] == value)
			return;
	values[(*nr)++] = value;
}

static void list_edges(void)
{
	for (unsigned int k = 0; k <= 63; k++) {
		for (unsigned long i = 0; i < 3; i++) {
			note(starts, &nr_starts, (1ul << k) - 1 + i);
			if (k <= 62)
				note(delays, &nr_delays, (1ul << k) - 1 + i);
		}
	}
	note(starts, &nr_starts, ULONG_MAX);
	note(delays, &nr_delays, FARTHEST - 1);
	note(delays, &nr_delays, FARTHEST);
}

static bool expires_nobody(struct world *world, uint64_t age)
{
	unsigned int budget = PLENTY;

	world->age = age;
	return !world_expire(world, &budget);
}

/* All that are due then; @return how many. */
static unsigned int hand_out_all(struct world *world, uint64_t age)
{
	unsigned int budget = PLENTY, nr = 0;

	world->age = age;
	while (world_expire(world, &budget))
		nr++;
	check_next(world);
	return nr;
}

/* ------------------------------------------------------------------- alone */

/* It is asked at each power of two, give or take one, of ticks gone and of ticks left. */
static void check_alone(struct world *world, unsigned long start, unsigned long delay)
{
	uint64_t age = 0;

	world_begin(world, 1, start);
	world_add(world, 0, start + delay);
	check_next(world);
	for (unsigned int i = 0; i < nr_delays && delays[i] < delay; i++)
		must(world, expires_nobody(world, age = delays[i]));
	for (unsigned int i = nr_delays; i-- > 0;)
		if (delays[i] && delays[i] < delay && delay - delays[i] >= age)
			must(world, expires_nobody(world, delay - delays[i]));
	check_next(world);
	must(world, hand_out_all(world, delay) == 1);
	world_clear(world);
}

/* As long ago, or 2^63, which is the farthest past: at once. */
static void check_overdue(struct world *world, unsigned long start, unsigned long late)
{
	world_begin(world, 2, start);
	world_add(world, 0, start + FARTHEST);
	world_add(world, 1, start - late);
	must(world, hand_out_all(world, 0) == 1 && !is_on(world, 1));
	must(world, hand_out_all(world, FARTHEST) == 1);
	world_clear(world);
}

/* ------------------------------------------------------------------ moving */

/* From one delay to another, at once or on half of the way to the nearer of them. */
static void check_moved(struct world *world, unsigned long start, unsigned long from,
			unsigned long to, bool later)
{
	uint64_t age = later ? (from < to ? from : to) / 2 : 0;

	world_begin(world, 2, start);
	world_add(world, 0, start + from);
	world_add(world, 1, start + FARTHEST);
	if (age)
		must(world, expires_nobody(world, age));
	world_move(world, 0, start + to);
	check_next(world);
	if (to > age + 1)
		must(world, expires_nobody(world, to - 1));
	must(world, hand_out_all(world, to) >= 1 && !is_on(world, 0));
	if (is_on(world, 1))
		world_remove(world, 1);
	nr_cases++;
}

static void check_all_moves(struct world *world, unsigned long start)
{
	for (unsigned int i = 0; i < nr_delays; i++)
		for (unsigned int j = 0; j < nr_delays; j++)
			check_moved(world, start, delays[i], delays[j], (i + j) % 2);
}

/* ---------------------------------------------------------------- together */

static void add_all(struct world *world, unsigned long start)
{
	world_begin(world, nr_delays, start);
	for (uint32_t id = 0; id < nr_delays; id++)
		world_add(world, id, start + delays[id]);
}

/* At each tick at which one is due, and at those before and behind. */
static void check_together(struct world *world, unsigned long start)
{
	add_all(world, start);
	while (world->heap.nr) {
		uint64_t first = heap_first(&world->heap);

		if (first > world->age + 1)
			must(world, expires_nobody(world, first - 1));
		must(world, hand_out_all(world, first) >= 1);
		if (!world->heap.nr || heap_first(&world->heap) > first + 1)
			must(world, expires_nobody(world, first + 1));
	}
	world_clear(world);
	nr_cases++;
}

static unsigned long edge_to_come(struct world *world)
{
	uint64_t left = FARTHEST - (world->age - age_of_wheel(world));
	unsigned long delay = delays[rng_below(&world->rng, nr_delays)];

	return clock_at(world, world->age) + (delay <= left ? delay : left);
}

static void change_one(struct world *world)
{
	uint32_t id = rng_below(&world->rng, world->nr);

	if (!is_on(world, id))
		world_add(world, id, edge_to_come(world));
	else if (rng_below(&world->rng, 2))
		world_remove(world, id);
	else
		world_move(world, id, edge_to_come(world));
}

/* Time does not stand still because the wheel is amid moves. */
static void let_time_pass(struct world *world)
{
	uint64_t age = world->heap.nr ? heap_first(&world->heap) : world->age;

	age += delays[rng_below(&world->rng, nr_delays)] >> rng_below(&world->rng, 64);
	if (age > world->age && age - age_of_wheel(world) <= FARTHEST && age < FARTHEST)
		world->age = age;
}

/* Each batch is of one or two; between them a timer is changed, at first. */
static void check_interrupted(struct world *world, unsigned long start)
{
	unsigned int changes = 200, budget;

	add_all(world, start);
	while (world->heap.nr) {
		budget = 1 + rng_below(&world->rng, 2);
		if (rng_below(&world->rng, 3) == 0)
			let_time_pass(world);
		if (rng_below(&world->rng, 4) == 0)
			wq_wheel_catch_up(&world->wheel, clock_at(world, world->age));
		while (world_expire(world, &budget))
			;
		if (!changes && budget)
			world->age = heap_first(&world->heap);
		if (changes && changes--)
			change_one(world);
		must(world, wq_wheel_is_valid(&world->wheel));
	}
	check_cost(world);
	world_clear(world);
	nr_cases++;
}

/* ------------------------------------------------------------------- whole */

static void check_start(struct world *world, unsigned long start)
{
	for (unsigned int i = 0; i < nr_delays; i++) {
		check_alone(world, start, delays[i]);
		check_overdue(world, start, delays[i]);
		nr_cases += 2;
	}
	check_overdue(world, start, FARTHEST + 1);
	check_together(world, start);
	check_all_moves(world, start);
}

int main(int argc, char **argv)
{
	struct world world;

	stress_begin("wheel_edges", argc, argv, NR_TRIES, 1);
	list_edges();
	world_init(&world, MAX_EDGES, rng_of(2, 0));
	for (unsigned int i = 0; i < nr_starts; i++) {
		check_start(&world, starts[i]);
		for (long try = 0; try < stress.ops; try++)
			check_interrupted(&world, starts[i]);
	}
	counts_print(&world.counts);
	printf("%s: %u starts, %u delays, %llu cases\n", stress.name, nr_starts, nr_delays,
	       (unsigned long long)nr_cases);
	world_fini(&world);
	return stress_end();
}
