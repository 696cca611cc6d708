/* SPDX-License-Identifier: MIT */
/*
 * wheel_round.c - the timing wheel, round and round the clock of 64 bits.
 *
 * --ops is how many rounds. Timers at distances of all magnitudes up to 2^63 - 1 come again when
 * they have been handed out; the clock jumps, mostly to where the wheel has asked for, and in each
 * round passes 2^63, where signed numbers change their sign, and 2^64, where it wraps around.
 */
#include "wheel/world.h"

enum {
	NR_TIMERS = 300,
	NR_CHECKS = 512, /* a look at everything is for one jump in so many */
};

/* No farther than the wheel can tell from the past. */
static unsigned long tick_to_come(struct world *world)
{
	uint64_t behind = world->age - age_of_wheel(world);
	unsigned long delay = rng_below(&world->rng, 50) ? random_delay(world, 63) : FARTHEST;

	return clock_at(world, world->age) + (delay <= FARTHEST - behind ? delay : 0);
}

static void change_one(struct world *world)
{
	uint32_t id = rng_below(&world->rng, world->nr);

	if (!is_on(world, id))
		world_add(world, id, tick_to_come(world));
	else if (rng_below(&world->rng, 2))
		world_move(world, id, tick_to_come(world));
	else
		world_remove(world, id);
}

static void hand_out(struct world *world)
{
	unsigned int budget = rng_below(&world->rng, 3) ? PLENTY : 1 + rng_below(&world->rng, 8);
	struct wq_wheel_timer *timer;

	while ((timer = world_expire(world, &budget)))
		if (rng_below(&world->rng, 16))
			world_add(world, (uint32_t)(timer - world->timers), tick_to_come(world));
	if (budget)
		check_next(world);
}

/* To where the first one is due, next to it, or anywhere before the 2^63 that the wheel bears. */
static uint64_t later_age(struct world *world)
{
	switch (rng_below(&world->rng, 8)) {
	case 0:
		return world->age + random_delay(world, 62);
	case 1:
		return world->age + 1;
	case 2:
		return heap_first(&world->heap) - 1;
	case 3:
		return heap_first(&world->heap) + 1;
	default:
		return heap_first(&world->heap);
	}
}

/* Ages stay small: the world begins anew where the wheel stands. */
static void shift_beginning(struct world *world)
{
	uint64_t age = age_of_wheel(world);

	heap_subtract(&world->heap, age);
	world->counts.rounds += world->start + age < world->start;
	world->start += age;
	world->age -= age;
}

static void jump(struct world *world)
{
	uint64_t age;

	while (!world->heap.nr)
		change_one(world);
	age = later_age(world);
	if (age > world->age && age - age_of_wheel(world) <= FARTHEST)
		world->age = age;
	if (rng_below(&world->rng, 4) == 0)
		wq_wheel_catch_up(&world->wheel, clock_at(world, world->age));
	hand_out(world);
	if (rng_below(&world->rng, 4) == 0)
		change_one(world);
	if (rng_below(&world->rng, NR_CHECKS) == 0)
		must(world, wq_wheel_is_valid(&world->wheel));
	shift_beginning(world);
}

int main(int argc, char **argv)
{
	struct world world;

	stress_begin("wheel_round", argc, argv, 4, 1);
	world_init(&world, NR_TIMERS, rng_of(4, 0));
	world_begin(&world, NR_TIMERS, random_bits(&world, 64));
	for (uint32_t id = 0; id < NR_TIMERS; id++)
		world_add(&world, id, tick_to_come(&world));
	while (world.counts.rounds < (uint64_t)stress.ops)
		jump(&world);
	check_cost(&world);
	world_clear(&world);
	counts_print(&world.counts);
	world_fini(&world);
	return stress_end();
}
