/* SPDX-License-Identifier: MIT */
/*
 * wheel_crowd.c - the timing wheel with very many timers pending at once.
 *
 * --ops is how many. A quarter is due soon, a quarter at distances of all magnitudes, a quarter at
 * a few ticks only, a quarter within one slot of a high level. One in ten of them is moved, one
 * in ten taken off. Then all are handed out, in batches as the library does: at first
 * tick by tick, while others are changed, then at the ticks that the wheel names.
 */
#include "wheel/world.h"

enum {
	BATCH = 64,
	SOON_BITS = 20,
	NR_SHARED = 16, /* ticks that a quarter shares */
	SLOT_BITS = 36, /* of the slot that a quarter shares, of level 6 */
	CHANGE_EACH = 16,
};

static unsigned long shared_tick[NR_SHARED];

static unsigned long tick_of_kind(struct world *world, unsigned int kind)
{
	unsigned long now = clock_at(world, world->age);

	switch (kind % 4) {
	case 0:
		return now + random_bits(world, SOON_BITS);
	case 1:
		return now + random_delay(world, 62);
	case 2:
		return shared_tick[rng_below(&world->rng, NR_SHARED)];
	default:
		return ((now >> SLOT_BITS) + 3) << SLOT_BITS | random_bits(world, SLOT_BITS);
	}
}

static void crowd_in(struct world *world)
{
	for (unsigned int i = 0; i < NR_SHARED; i++)
		shared_tick[i] = clock_at(world, random_bits(world, SOON_BITS + 3 * i / 2));
	for (uint32_t id = 0; id < world->nr; id++)
		world_add(world, id, tick_of_kind(world, id));
	must(world, world->heap.nr == world->nr && wq_wheel_is_valid(&world->wheel));
	check_next(world);
}

static void change_one(struct world *world)
{
	uint32_t id = rng_below(&world->rng, world->nr);

	if (!is_on(world, id))
		world_add(world, id, tick_of_kind(world, id));
	else if (rng_below(&world->rng, 2))
		world_remove(world, id);
	else
		world_move(world, id, tick_of_kind(world, rng_below(&world->rng, 4)));
}

/* A batch at a time, between which others have the lock. */
static void hand_out(struct world *world, bool is_changed)
{
	unsigned int budget;

	do {
		budget = BATCH;
		while (world_expire(world, &budget))
			;
		if (is_changed && !budget)
			change_one(world);
	} while (!budget);
}

static void walk(struct world *world)
{
	while (world->age < 1ul << SOON_BITS) {
		world->age++;
		world->counts.ticks++;
		hand_out(world, /* is_changed */ true);
		if (world->age % CHANGE_EACH == 0)
			change_one(world);
		if (world->age % 4096 == 0)
			check_next(world);
	}
	must(world, wq_wheel_is_valid(&world->wheel));
}

static void jump(struct world *world)
{
	unsigned long tick;

	/* what was changed last may be due at once */
	hand_out(world, /* is_changed */ false);
	while (wq_wheel_next(&world->wheel, &tick)) {
		check_next(world);
		must(world, tick - world->start > world->age);
		world->age = tick - world->start;
		hand_out(world, /* is_changed */ false);
	}
	must(world, !world->heap.nr);
}

/* Half of the way to where the clock wraps around is for those who are far away. */
int main(int argc, char **argv)
{
	struct world world;

	stress_begin("wheel_crowd", argc, argv, 200000, 1);
	world_init(&world, (uint32_t)stress.ops, rng_of(3, 0));
	world_begin(&world, (uint32_t)stress.ops, 0 - (1ul << 61));
	crowd_in(&world);
	printf("%s: %u pending\n", stress.name, world.heap.nr);
	for (long i = 0; i < stress.ops / 5; i++)
		change_one(&world);
	must(&world, wq_wheel_is_valid(&world.wheel));
	walk(&world);
	printf("%s: %u pending after %llu ticks\n", stress.name, world.heap.nr,
	       (unsigned long long)world.counts.ticks);
	jump(&world);
	check_cost(&world);
	counts_print(&world.counts);
	world_fini(&world);
	return stress_end();
}
