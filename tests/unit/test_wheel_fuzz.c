/* SPDX-License-Identifier: MIT */
/*
 * test_wheel_fuzz.c - the timing wheel against an array that is searched from end to end.
 *
 * Random calls, in lives: each begins with an empty wheel somewhere, has its own number
 * of timers, delays and habits, and ends when all that is left has been handed out.
 * WORKQ_TEST_SEED repeats a run; WORKQ_STRESS_SCALE multiplies the calls.
 */
#include <limits.h>

#include "unit.h"

#include "base/wheel.h"

enum {
	CALLS = 12000000,
	TIMERS = 256,
	MAX_GONE = 256,
	MAX_COST = WQ_WHEEL_LEVELS, /* ten moves down, and out */
};

#define FARTHEST ((unsigned long)LONG_MAX)

static struct wq_wheel wheel;
static struct wq_wheel_timer timer[TIMERS];

/*
 * What must be so. due: the timer's tick, or the one at which the wheel stood when an
 * overdue timer was added. gone: where next may still send us though nobody is due
 * there any more.
 */
static struct {
	unsigned long now, due[TIMERS], gone[MAX_GONE];
	int id[TIMERS]; /* first those on the wheel, then those that are not */
	int nr, nr_on, nr_gone;
	bool has_forgotten; /* who is gone */
} oracle;

/* How this life is led. */
static struct {
	unsigned int max_bits;  /* of a delay */
	unsigned int max_steps; /* of time: the same */
	unsigned int max_pace;  /* see later_tick() */
	bool has_removals;
	long spent, added;
} life;

static uint64_t seed;
static long calls, nr_lives;

#define law(cond)                                                                                  \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail_msg("life %ld, call %ld: does not hold: %s", nr_lives, calls, #cond); \
	} while (0)

static unsigned int below(unsigned int bound)
{
	return random_below(&seed, bound);
}

/* ----------------------------------------------------------------- the oracle */

/* Ticks can be compared by it: nothing is due before where the wheel stands. */
static unsigned long ahead(unsigned long tick)
{
	return tick - wheel.tick;
}

/* When the first is due; some timer must be on the wheel. */
static unsigned long earliest(void)
{
	unsigned long tick = oracle.due[oracle.id[0]];

	for (int i = 1; i < oracle.nr_on; i++)
		if (ahead(oracle.due[oracle.id[i]]) < ahead(tick))
			tick = oracle.due[oracle.id[i]];
	return tick;
}

static unsigned long latest(void)
{
	unsigned long tick = oracle.now;

	for (int i = 0; i < oracle.nr_on; i++)
		if (ahead(oracle.due[oracle.id[i]]) > ahead(tick))
			tick = oracle.due[oracle.id[i]];
	return tick;
}

static void swap(int a, int b)
{
	int id = oracle.id[a];

	oracle.id[a] = oracle.id[b];
	oracle.id[b] = id;
}

static void note_gone(unsigned long tick)
{
	if (oracle.nr_gone == MAX_GONE)
		oracle.has_forgotten = true;
	else
		oracle.gone[oracle.nr_gone++] = tick;
}

static void note_on(int at, unsigned long expires)
{
	bool is_overdue = (long)(expires - wheel.tick) <= 0;

	oracle.due[oracle.id[at]] = is_overdue ? wheel.tick : expires;
	if (at >= oracle.nr_on)
		swap(at, oracle.nr_on++);
}

static void note_off(int at)
{
	note_gone(oracle.due[oracle.id[at]]);
	swap(at, --oracle.nr_on);
	if (oracle.nr_on)
		return;
	oracle.nr_gone = 0;
	oracle.has_forgotten = false;
}

static bool is_gone(unsigned long tick)
{
	for (int i = 0; i < oracle.nr_gone; i++)
		if (oracle.gone[i] == tick)
			return true;
	return oracle.has_forgotten;
}

/* Everything due has been handed out: next must not speak of those any more. */
static void forget_gone(unsigned long now)
{
	int nr = 0;

	for (int i = 0; i < oracle.nr_gone; i++)
		if ((long)(oracle.gone[i] - now) > 0)
			oracle.gone[nr++] = oracle.gone[i];
	oracle.nr_gone = nr;
}

/* ---------------------------------------------------------------------- ticks */

static unsigned long bits(unsigned int nr)
{
	return nr ? (unsigned long)next_random(&seed) >> (64 - nr) : 0;
}

/* All magnitudes alike, and often next to where slots begin. */
static unsigned long random_delay(unsigned int max_bits)
{
	unsigned int nr = below(max_bits + 1);

	switch (below(4)) {
	case 0:
		return below(4);
	case 1:
		return ((1ul << nr) - 1 + below(3)) & FARTHEST;
	default:
		return bits(nr);
	}
}

/* No farther than the wheel can tell from the past. */
static unsigned long within_reach(unsigned long tick)
{
	return ahead(tick) > FARTHEST ? wheel.tick + FARTHEST : tick;
}

static unsigned long tick_to_come(void)
{
	if (below(1000) == 0)
		return wheel.tick + FARTHEST;
	return within_reach(oracle.now + random_delay(life.max_bits));
}

static unsigned long random_tick(void)
{
	switch (below(16)) {
	case 0:
		return wheel.tick - random_delay(life.max_bits);
	case 1:
		return oracle.now;
	case 2:
		return oracle.now - below(100) % (ahead(oracle.now) + 1);
	case 3:
		return oracle.nr_on ? oracle.due[oracle.id[below((unsigned int)oracle.nr_on)]] :
				      tick_to_come();
	default:
		return tick_to_come();
	}
}

/* In the same slot, mostly; or anywhere. */
static unsigned long tick_near(unsigned long tick)
{
	unsigned long mask = (1ul << WQ_WHEEL_BITS * below(5)) - 1;

	if (below(3) == 0)
		return random_tick();
	return within_reach((tick & ~mask) | (bits(30) & mask));
}

/* ---------------------------------------------------------------------- calls */

static bool check_next(unsigned long *tick)
{
	bool has_timers = wq_wheel_next(&wheel, tick);

	calls++;
	law(has_timers == (oracle.nr_on > 0));
	if (!has_timers)
		return false;
	law(ahead(*tick) <= ahead(earliest()));
	law(*tick == earliest() || is_gone(*tick));
	return true;
}

static void check_valid(void)
{
	if (below(32) == 0)
		law(wq_wheel_is_valid(&wheel));
}

static void add(int at, unsigned long expires)
{
	int id = oracle.id[at];

	calls++;
	life.added++;
	note_on(at, expires);
	wq_wheel_add(&wheel, &timer[id], expires);
	law(timer[id].expires == expires);
}

static void call_add(void)
{
	if (oracle.nr_on < oracle.nr)
		add(oracle.nr_on, random_tick());
}

static void call_move(void)
{
	int at, id;
	unsigned long expires;

	if (!oracle.nr_on)
		return;
	at = (int)below((unsigned int)oracle.nr_on);
	id = oracle.id[at];
	expires = tick_near(timer[id].expires);
	calls++;
	life.added++;
	note_gone(oracle.due[id]);
	note_on(at, expires);
	wq_wheel_move(&wheel, &timer[id], expires);
	law(timer[id].expires == expires && wq_list_is_on(&timer[id].link));
}

static void call_remove(void)
{
	int at = oracle.nr_on ? (int)below((unsigned int)oracle.nr_on) : 0;

	if (!oracle.nr_on)
		return;
	calls++;
	wq_wheel_remove(&wheel, &timer[oracle.id[at]]);
	law(!wq_list_is_on(&timer[oracle.id[at]].link));
	note_off(at);
}

/* Who looked at the clock before somebody else did is late with it. */
static unsigned long time_told(void)
{
	return below(16) ? oracle.now : oracle.now - below(100);
}

static void call_catch_up(void)
{
	calls++;
	wq_wheel_catch_up(&wheel, time_told());
}

static int find(const struct wq_wheel_timer *due)
{
	for (int at = 0; at < oracle.nr_on; at++)
		if (&timer[oracle.id[at]] == due)
			return at;
	law(!"it was on the wheel");
	return 0;
}

static void check_handed_out(const struct wq_wheel_timer *due, unsigned long tick)
{
	int at = find(due);

	law(!wq_list_is_on(&due->link));
	law(oracle.due[oracle.id[at]] == tick);
	note_off(at);
}

/* Nothing due is left, and next does not say so either. */
static void check_all_handed_out(unsigned long now)
{
	unsigned long tick;

	forget_gone(now);
	if (!check_next(&tick))
		return;
	law((long)(earliest() - now) > 0);
	law((long)(tick - now) > 0);
}

/* Is there more? */
static bool call_expire(unsigned int *budget)
{
	unsigned long told = time_told(), first = oracle.nr_on ? earliest() : 0;
	unsigned long now = (long)(told - wheel.tick) < 0 ? wheel.tick : told;
	unsigned int before = *budget;
	struct wq_wheel_timer *due = wq_wheel_expire(&wheel, told, budget);

	calls++;
	life.spent += before - *budget;
	law(*budget <= before && life.spent <= MAX_COST * life.added);
	law((long)(now - wheel.tick) >= 0);
	if (due) {
		law(*budget < before && (long)(now - first) >= 0);
		check_handed_out(due, first);
	} else if (*budget) {
		check_all_handed_out(now);
	}
	return due;
}

/* ----------------------------------------------------------------------- time */

/* Around the beginning of a slot of some level. */
static unsigned long edge_ahead(void)
{
	unsigned int level = below(life.max_bits / WQ_WHEEL_BITS + 1);
	unsigned long mask = (1ul << level * WQ_WHEEL_BITS) - 1;

	return (oracle.now | mask) + below(3);
}

/* From slow to fast. */
static unsigned long later_tick(void)
{
	unsigned long tick;

	switch (below(life.max_pace)) {
	case 0:
		return oracle.now;
	case 1:
		return oracle.now + 1;
	case 2:
		return oracle.now + below(100);
	case 3:
		return edge_ahead();
	case 4:
		return oracle.now + random_delay(life.max_steps);
	case 5:
		return check_next(&tick) ? tick : oracle.now;
	case 6:
		return oracle.nr_on ? earliest() - 1 + below(3) : oracle.now;
	default:
		return latest() + below(3) * below(1000);
	}
}

/* Time never goes back, nor so far that the wheel took it for the past. */
static void let_time_pass(void)
{
	unsigned long tick = later_tick();

	if (tick - wheel.tick >= ahead(oracle.now) && ahead(tick) <= FARTHEST)
		oracle.now = tick;
}

static void expire_some(void)
{
	unsigned int budget = below(3) ? 1 + below(8) : 1000000;
	bool is_impatient = below(4) == 0;

	while (call_expire(&budget))
		if (is_impatient && below(4) == 0)
			return;
}

/* --------------------------------------------------------------------- a life */

static void count_visit(struct wq_wheel_timer *visited, void *arg)
{
	int *visits = arg;

	law(wq_list_is_on(&visited->link));
	++*visits;
}

static void check_for_each(void)
{
	int visits = 0;

	calls++;
	wq_wheel_for_each(&wheel, count_visit, &visits);
	law(visits == oracle.nr_on);
}

static void step(void)
{
	unsigned long tick;
	unsigned int what = below(100);

	if (what < 35)
		call_add();
	else if (what < 50 && life.has_removals)
		call_move();
	else if (what < 60 && life.has_removals)
		call_remove();
	else if (what < 65)
		check_next(&tick);
	else if (what == 65)
		check_for_each();
	else
		let_time_pass();
	if (what >= 66 && what < 75)
		call_catch_up();
	else if (what >= 75)
		expire_some();
	check_valid();
}

/* Whatever is left; the oracle says where to go, or next does. */
static void hand_out_the_rest(void)
{
	bool follows_next = below(2);
	unsigned long tick;

	for (long rounds = 0; check_next(&tick); rounds++) {
		unsigned int budget = 1 + below(100);

		law(rounds < 100000);
		if (!follows_next)
			tick = earliest();
		if (ahead(tick) > ahead(oracle.now))
			oracle.now = tick;
		while (call_expire(&budget))
			;
		check_valid();
	}
	law(oracle.nr_on == 0 && wq_wheel_is_valid(&wheel));
}

static unsigned long random_start(void)
{
	switch (below(4)) {
	case 0:
		return 0;
	case 1:
		return 0 - random_delay(life.max_bits);
	case 2:
		return (1ul << 63) - random_delay(life.max_bits);
	default:
		return (unsigned long)next_random(&seed);
	}
}

/* An empty wheel can be told any tick, if the steps are shorter than 2^63. */
static void begin_life(void)
{
	static const int nr[] = { 1, 2, 4, 8, 16, 16, 64, TIMERS };

	memset(&wheel, 0, sizeof(wheel));
	memset(&oracle, 0, sizeof(oracle));
	memset(&life, 0, sizeof(life));
	life.max_bits = 1 + below(below(2) ? 20 : 63);
	life.max_steps = 1 + below(life.max_bits);
	life.max_pace = 2 + below(7);
	life.has_removals = below(4);
	oracle.nr = nr[below(sizeof(nr) / sizeof(nr[0]))];
	for (int i = 0; i < TIMERS; i++)
		oracle.id[i] = i;
	oracle.now = random_start();
	for (unsigned long third = 1; third <= 3; third++)
		wq_wheel_catch_up(&wheel, third == 3 ? oracle.now : oracle.now / 3 * third);
	law(wheel.tick == oracle.now);
}

static long nr_calls(void)
{
	const char *text = getenv("WORKQ_STRESS_SCALE");
	double scale = text ? strtod(text, NULL) : 1;

	return (long)(CALLS * (scale > 0 ? scale : 1));
}

static void random_calls_agree_with_an_array(void **state)
{
	long wanted = nr_calls();

	seed = random_seed();
	while (calls < wanted) {
		long steps = 1 + below(2000);

		nr_lives++;
		begin_life();
		while (steps--)
			step();
		hand_out_the_rest();
	}
	printf("%ld calls in %ld lives\n", calls, nr_lives);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(random_calls_agree_with_an_array),
	};

	return cmocka_run_group_tests_name("wheel_fuzz", tests, NULL, NULL);
}
