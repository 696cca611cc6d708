/* SPDX-License-Identifier: MIT */
/*
 * wheel_ticks.c - the timing wheel, asked about every single tick.
 *
 * --ops is how many ticks: at each the wheel is told the time, which is one more than before, and
 * must hand out exactly who is due by the oracle. They are divided into lives: for each power
 * of two that the clock can pass, 2^64 included, where it wraps around, one of each
 * population, with half of its ticks before and half behind that.
 */
#include "wheel/world.h"

enum {
	NR_EDGES = 65, /* of the clock: 2^0 ... 2^64 */
	MAX_TIMERS = 20000,
	BATCH = 64, /* the library's own */
};

/*
 * share: of the ticks, in thousandths. Timers that were handed out are added anew, with delays of all
 * magnitudes up to max_bits, so that one is due each `2^max_bits / max_bits / nr` ticks or so.
 * Others are moved and removed every so many ticks. is_impatient: budgets end amid moves.
 */
struct population {
	const char *name;
	unsigned int share, nr, max_bits;
	unsigned int change_each; /* 0: never */
	bool is_impatient;
};

static const struct population populations[] = {
	{ "alone", 250, 1, 22, 0, false },
	{ "sparse", 240, 16, 24, 0, false },
	{ "sparse, changing", 270, 64, 40, 200, true },
	{ "many", 150, 1000, 19, 0, false },
	{ "many, changing", 80, 1000, 62, 12, true },
	{ "dense", 4, 20000, 14, 0, false },
	{ "dense, changing", 6, 5000, 14, 2, true },
};

enum { NR_POPULATIONS = sizeof(populations) / sizeof(populations[0]) };

static struct counts sum;
static pthread_mutex_t sum_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint next_life;

/* ----------------------------------------------------------------- changes */

static unsigned long tick_to_come(struct world *world, const struct population *population)
{
	return clock_at(world, world->age) + random_delay(world, population->max_bits);
}

/* Mostly to come, sometimes over, sometimes near to where the timer is. */
static unsigned long random_tick(struct world *world, const struct population *population,
				 unsigned long old)
{
	switch (rng_below(&world->rng, 8)) {
	case 0:
		return clock_at(world, world->age) - random_delay(world, population->max_bits);
	case 1:
		return old ^ random_bits(world, 6);
	default:
		return tick_to_come(world, population);
	}
}

static void change_one(struct world *world, const struct population *population)
{
	uint32_t id = rng_below(&world->rng, world->nr);
	unsigned long old = world->timers[id].expires;

	if (!is_on(world, id))
		world_add(world, id, tick_to_come(world, population));
	else if (rng_below(&world->rng, 2))
		world_move(world, id, random_tick(world, population, old));
	else
		world_remove(world, id);
}

/* -------------------------------------------------------------------- ticks */

/* Handed out: comes again, or not before it is changed. */
static void renew(struct world *world, const struct population *population, uint32_t id)
{
	if (!population->change_each || rng_below(&world->rng, 8))
		world_add(world, id, tick_to_come(world, population));
}

static unsigned int random_budget(struct world *world, const struct population *population)
{
	if (!population->is_impatient)
		return PLENTY;
	return rng_below(&world->rng, 4) ? 1 + rng_below(&world->rng, 4) : BATCH;
}

/* In batches; between them others change timers, or the clock goes on. */
static void ask(struct world *world, const struct population *population)
{
	unsigned int budget;
	struct wq_wheel_timer *timer;

	do {
		budget = random_budget(world, population);
		while ((timer = world_expire(world, &budget)))
			renew(world, population, (uint32_t)(timer - world->timers));
		if (budget)
			check_next(world);
		else if (population->change_each)
			change_one(world, population);
	} while (!budget && rng_below(&world->rng, 8));
}

/* As ask(), but quick: mostly nobody is due. */
static inline void pass_one_tick(struct world *world, const struct population *population)
{
	unsigned int budget = PLENTY;
	uint64_t first = world->heap.nr ? heap_first(&world->heap) : UINT64_MAX;

	world->counts.ticks++;
	if (++world->age >= first) {
		ask(world, population);
		return;
	}
	/* moves that are not over may need any number of calls */
	must(world, !wq_wheel_expire(&world->wheel, clock_at(world, world->age), &budget));
	world->counts.asked++;
	world->counts.spent += PLENTY - budget;
}

static void change_some(struct world *world, const struct population *population)
{
	for (unsigned int nr = rng_below(&world->rng, 4); nr; nr--)
		change_one(world, population);
	if (rng_below(&world->rng, 2))
		wq_wheel_catch_up(&world->wheel, clock_at(world, world->age));
	check_next(world);
}

static uint64_t ticks_to_change(struct world *world, const struct population *population)
{
	return population->change_each ? 1 + rng_below(&world->rng, 2 * population->change_each) :
					 1u << 20;
}

static void live(struct world *world, const struct population *population, uint64_t ticks)
{
	uint64_t end = world->age + ticks;

	for (uint32_t id = 0; id < world->nr; id++)
		world_add(world, id, tick_to_come(world, population));
	while (world->age < end) {
		uint64_t until = world->age + ticks_to_change(world, population);

		while (world->age < until && world->age < end)
			pass_one_tick(world, population);
		if (population->change_each)
			change_some(world, population);
		if (rng_below(&world->rng, 1024) == 0)
			must(world, wq_wheel_is_valid(&world->wheel));
	}
	check_cost(world);
	world_clear(world);
}

/* -------------------------------------------------------------------- lives */

static void begin_life(struct world *world, unsigned int life)
{
	const struct population *population = &populations[life % NR_POPULATIONS];
	unsigned int edge = life / NR_POPULATIONS;
	uint64_t ticks = (uint64_t)stress.ops / NR_EDGES * population->share / 1000 + 1;

	world->rng = rng_of(1, (int)life);
	world_begin(world, population->nr, (edge < 64 ? 1ul << edge : 0) - ticks / 2);
	live(world, population, ticks);
}

static void *thread_main(void *nth)
{
	struct world world;
	unsigned int life;

	(void)nth;
	world_init(&world, MAX_TIMERS, rng_of(0, 0));
	while ((life = atomic_fetch_add(&next_life, 1)) < NR_EDGES * NR_POPULATIONS)
		begin_life(&world, life);
	pthread_mutex_lock(&sum_lock);
	counts_add(&sum, &world.counts);
	pthread_mutex_unlock(&sum_lock);
	world_fini(&world);
	return NULL;
}

int main(int argc, char **argv)
{
	stress_begin("wheel_ticks", argc, argv, 3000000, 2);
	stress_threads(stress.threads, thread_main);
	counts_print(&sum);
	return stress_end();
}
