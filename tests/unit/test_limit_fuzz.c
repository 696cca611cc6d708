/* SPDX-License-Identifier: MIT */
/*
 * test_limit_fuzz.c - a limit that pools share: random histories against arrays, and threads
 * that race for it.
 */
#include "limit_calls.h"

/* ------------------------------------------------------------------- oracle */

/* The same by moving numbers in arrays, when no turn is under way. */
struct ids {
	int id[EACH], nr;
};

static struct model {
	struct ids active[POOLS], held[POOLS];
	int line[POOLS], nr_line;
	int nr_active, max;
} model;

static void put(struct ids *ids, int id)
{
	ids->id[ids->nr++] = id;
}

static int take_at(struct ids *ids, int at)
{
	int id = ids->id[at];

	ids->nr--;
	memmove(&ids->id[at], &ids->id[at + 1], (size_t)(ids->nr - at) * sizeof(ids->id[0]));
	return id;
}

static int place_in_line(int p)
{
	for (int at = 0; at < model.nr_line; at++)
		if (model.line[at] == p)
			return at;
	return -1;
}

static void model_leave_line(int p)
{
	int at = place_in_line(p);

	model.nr_line--;
	memmove(&model.line[at], &model.line[at + 1],
		(size_t)(model.nr_line - at) * sizeof(model.line[0]));
}

static void model_serve(void)
{
	while (model.nr_line && model.nr_active < model.max) {
		int p = model.line[0];

		put(&model.active[p], take_at(&model.held[p], 0));
		model.nr_active++;
		model_leave_line(p);
		if (model.held[p].nr)
			model.line[model.nr_line++] = p;
	}
}

/* ------------------------------------------------------------------ histories */

static void random_come(uint64_t *seed)
{
	int i = (int)random_below(seed, POOLS * EACH), p = i / EACH;

	if (wq_list_is_on(node_of(i)))
		return;
	come(i);
	put(&model.held[p], i);
	if (place_in_line(p) < 0)
		model.line[model.nr_line++] = p;
	model_serve();
}

static struct ids *random_ids(struct ids *of_pools, uint64_t *seed)
{
	return &of_pools[random_below(seed, POOLS)];
}

static void random_end(uint64_t *seed)
{
	struct ids *active = random_ids(model.active, seed);
	int i;

	if (!active->nr)
		return;
	i = take_at(active, (int)random_below(seed, (unsigned int)active->nr));
	model.nr_active--;
	if (random_below(seed, 3))
		finish(i);
	else
		cancel(i);
	model_serve();
}

static void random_cancel_held(uint64_t *seed)
{
	struct ids *held = random_ids(model.held, seed);
	int i;

	if (!held->nr)
		return;
	i = take_at(held, (int)random_below(seed, (unsigned int)held->nr));
	if (!held->nr)
		model_leave_line(i / EACH);
	cancel(i);
}

static void random_set_max(uint64_t *seed)
{
	model.max = (int)random_below(seed, 6);
	wq_store_relaxed(&limit.max, (unsigned int)model.max);
	for (int p = 0; p < POOLS; p++)
		serve(p);
	model_serve();
}

static void random_step(uint64_t *seed)
{
	switch (random_below(seed, 16)) {
	case 0:
		random_set_max(seed);
		break;
	case 1:
		random_cancel_held(seed);
		break;
	case 2 ... 7:
		random_end(seed);
		break;
	default:
		random_come(seed);
	}
}

static void check_against_model(void)
{
	for (int p = 0; p < POOLS; p++) {
		assert_true(list_holds(&pools[p].worklist, model.active[p].id, model.active[p].nr));
		assert_true(list_holds(&on[p]->inactive, model.held[p].id, model.held[p].nr));
		assert_int_equal(on[p]->is_waiting, model.held[p].nr > 0);
	}
	assert_true(line_is(model.line, model.nr_line));
	assert_int_equal(limit.nr, model.nr_active);
}

/* C2, C4, C6 */
static void random_histories_agree_with_arrays(void **state)
{
	uint64_t seed = random_seed();

	memset(&model, 0, sizeof(model));
	model.max = 1;
	for (int step = 0; step < 40000; step++) {
		random_step(&seed);
		look_all();
		check_against_model();
	}
}

/* --------------------------------------------------------------------- races */

enum {
	RACED = 20000,
	RACE_MAX = 3,
	HANDS = 2, /* items that a racer runs at once */
};

static struct racer {
	struct call call;
	int p;
	uint64_t seed;
	int pushed, through;
	struct work_struct *running[HANDS];
	struct work_struct work[RACED];
} racers[POOLS];

static atomic_int nr_running;

static void push_some(struct racer *racer)
{
	for (unsigned int n = random_below(&racer->seed, 4); n && racer->pushed < RACED; n--)
		push_to(on[racer->p], &racer->work[racer->pushed++]);
}

/* Lock held. */
static bool start_one(struct racer *racer, struct work_struct **hand)
{
	struct wq_list *worklist = &pools[racer->p].worklist;

	if (wq_list_is_empty(worklist))
		return false;
	*hand = wq_node_work(worklist->next);
	wq_list_del(wq_work_node(*hand));
	must(atomic_fetch_add(&nr_running, 1) < RACE_MAX);
	return true;
}

/* Lock held. */
static void end_one(struct racer *racer, struct work_struct **hand)
{
	unsigned long word = wq_load_relaxed(&(*hand)->data);

	atomic_fetch_sub(&nr_running, 1);
	wq_pwq_settle_locked(wq_word_pwq(word), wq_word_color(word));
	*hand = NULL;
	racer->through++;
}

/* Lock held: the item that was held back last is not wanted any more. */
static bool cancel_one(struct racer *racer)
{
	struct wq_pwq *mine = on[racer->p];
	struct work_struct *work;

	if (random_below(&racer->seed, 16) || wq_list_is_empty(&mine->inactive))
		return false;
	work = wq_node_work(mine->inactive.prev);
	wq_pwq_unfile_locked(mine, work, wq_load_relaxed(&work->data), 0);
	racer->through++;
	return true;
}

/* One lock hold. True: something happened. */
static bool get_on(struct racer *racer)
{
	struct wq_pool *mine = &pools[racer->p];
	bool happened;

	wq_pool_lock(mine);
	wq_pool_drain_locked(mine);
	happened = cancel_one(racer);
	for (int i = 0; i < HANDS; i++) {
		if (!racer->running[i])
			happened |= start_one(racer, &racer->running[i]);
		else if (random_below(&racer->seed, 2))
			end_one(racer, &racer->running[i]);
		else
			happened = true;
	}
	must(wq_load_relaxed(&limit.nr) <= RACE_MAX);
	wq_pool_unlock(mine);
	return happened;
}

static long race(void *arg)
{
	struct racer *racer = arg;
	long long give_up = deadline_ns();

	while (racer->through < RACED) {
		must(now_ns() < give_up);
		push_some(racer);
		if (!get_on(racer))
			sched_yield();
	}
	return 0;
}

static void begin_race(struct racer *racer, int p, uint64_t seed)
{
	memset(racer, 0, sizeof(*racer));
	racer->p = p;
	racer->seed = seed + (uint64_t)p + 1;
	for (int i = 0; i < RACED; i++)
		INIT_WORK(&racer->work[i], never_run);
}

/* A4, C1, C3 */
static void racing_pools_keep_the_limit_and_lose_nothing(void **state)
{
	uint64_t seed = random_seed();

	limit.max = RACE_MAX;
	for (int p = 0; p < POOLS; p++)
		begin_race(&racers[p], p, seed);
	for (int p = 0; p < POOLS; p++)
		call_start(&racers[p].call, race, &racers[p]);
	for (int p = 0; p < POOLS; p++)
		call_join(&racers[p].call);
	look_all();
	assert_int_equal(limit.nr, 0);
	assert_no_line();
	for (int p = 0; p < POOLS; p++)
		assert_int_equal(on[p]->nr_filed, RACED);
}

/* ---------------------------------------------------------------------- a duel */

static struct duel duel;

/* In each round it makes room, at about the time when the other one begins to wait for it. */
static long make_room(void *arg)
{
	(void)arg;
	duel_take_place(&duel, 0);
	for (int round = 1;; round += 2) {
		bool is_late;

		come(0);
		if (!meet(&duel, 0, round))
			return 0;
		dawdle(duel.delay);
		finish(0);
		meet(&duel, 0, round + 1);
		is_late = is_kicked(1);
		look(1);
		must(is_active(10));
		finish(10);
		close_in(&duel, !is_late);
	}
}

static long want_room(void *arg)
{
	(void)arg;
	duel_take_place(&duel, 1);
	for (int round = 1; meet(&duel, 1, round); round += 2) {
		come(10);
		meet(&duel, 1, round + 1);
	}
	return 0;
}

/* C1, C3 */
static void room_made_while_another_pool_begins_to_wait_is_not_lost(void)
{
	struct call call[2];
	void *state = NULL;

	limit_begin(&state);
	duel_begin(&duel);
	call_start(&call[0], make_room, NULL);
	call_start(&call[1], want_room, NULL);
	call_join(&call[0]);
	call_join(&call[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		limit_test(random_histories_agree_with_arrays),
		limit_test(racing_pools_keep_the_limit_and_lose_nothing),
		child_test(room_made_while_another_pool_begins_to_wait_is_not_lost),
	};

	return cmocka_run_group_tests_name("limit_fuzz", tests, NULL, NULL);
}
