/* SPDX-License-Identifier: MIT */
/*
 * test_pwq.c - a queue's share of a pool: its items and their flush colours.
 *
 * On a hand-made pool whose lock is held throughout each test, but where one
 * looks at who is woken.
 */
#include "../support/step.h"
#include "handmade.h"

enum {
	LIMIT = 3,
};

static int pwq_begin(void **state)
{
	handmade_begin(WQ_PERCPU, LIMIT);
	wq_pool_lock(&pool);
	return unit_begin(state);
}

static int pwq_end(void **state)
{
	unlock_only();
	handmade_end();
	return unit_end(state);
}

#define pwq_test(fn) cmocka_unit_test_setup_teardown(fn, pwq_begin, pwq_end)

static void file_all(int first, int last)
{
	for (int i = first; i <= last; i++)
		file(i);
}

static void unlock_and_lock(void)
{
	wq_pool_unlock(&pool);
	wq_pool_lock(&pool);
}

static unsigned long word_of(int i)
{
	return wq_load_relaxed(&item[i].data);
}

static uint32_t unfile(int i, unsigned int depth)
{
	return wq_pwq_unfile_locked(wq_word_pwq(word_of(i)), &item[i], word_of(i),
				    wq_word_off(0, depth));
}

/* ------------------------------------------------------------------ creating */

static void new_pwq_knows_its_pool_and_queue(void **state)
{
	assert_int_equal((uintptr_t)pwq % WQ_PWQ_ALIGN, 0);
	assert_ptr_equal(pwq->pool, &pool);
	assert_ptr_equal(pwq->wq, &wq);
	assert_int_equal(pwq->pool_id, POOL_ID);
	assert_ptr_equal(pwq->limit, &pwq->own);
	assert_int_equal(nr_active(pwq), 0);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 0);
	assert_empty(&pwq->inactive);
	assert_false(pwq->is_intensive);
}

/* L3 */
static void intensive_means_something_on_pools_of_cpus_only(void **state)
{
	struct workqueue_struct intensive;
	struct wq_pwq *on_bound, *on_unbound;

	handmade_wq(&intensive, WQ_CPU_INTENSIVE, 1);
	on_bound = new_pwq(&intensive, &pool);
	pool.cpu = -1;
	on_unbound = new_pwq(&intensive, &pool);
	assert_true(on_bound->is_intensive);
	assert_false(on_unbound->is_intensive);
	wq_pwq_free(on_bound);
	wq_pwq_free(on_unbound);
}

/* -------------------------------------------------------------------- filing */

/* B8, C1 */
static void items_under_the_limit_go_to_the_worklist_in_order(void **state)
{
	file_all(0, 2);
	assert_list(&pool.worklist, 0, 1, 2);
	assert_empty(&pwq->inactive);
	assert_int_equal(nr_active(pwq), 3);
	for (int i = 0; i <= 2; i++)
		assert_int_equal(word_of(i), wq_word_queued(pwq, 0));
}

/* C1 */
static void items_over_the_limit_wait_inactive_in_order(void **state)
{
	file_all(0, 5);
	assert_list(&pool.worklist, 0, 1, 2);
	assert_list(&pwq->inactive, 3, 4, 5);
	assert_int_equal(nr_active(pwq), LIMIT);
	for (int i = 0; i <= 5; i++)
		assert_int_equal(wq_list_is_marked(wq_work_node(&item[i])), i >= 3);
}

/* B8: whoever waits comes first, even if there is room. */
static void item_behind_waiting_ones_waits_too(void **state)
{
	file_all(0, 3);
	pwq->own.max = 10;
	file(4);
	assert_list(&pwq->inactive, 3, 4);
}

static void limit_of_one_queue_does_not_hold_another(void **state)
{
	struct workqueue_struct other;
	struct wq_pwq *other_pwq;

	handmade_wq(&other, WQ_PERCPU, 1);
	other_pwq = new_pwq(&other, &pool);
	file_all(0, 3);
	file_with(other_pwq, &item[4], 0);
	file_with(other_pwq, &item[5], 0);
	assert_list(&pool.worklist, 0, 1, 2, 4);
	assert_list(&pwq->inactive, 3);
	assert_list(&other_pwq->inactive, 5);
	wq_pwq_free(other_pwq);
}

/* D1: the colour counts that is open when the item is filed, not the producer's guess. */
static void filed_item_takes_the_open_colour(void **state)
{
	file(0);
	pwq->color = 5;
	file_with(pwq, &item[1], 4);
	file_with(pwq, &item[2], 5);
	assert_int_equal(wq_word_color(word_of(0)), 0);
	assert_int_equal(wq_word_color(word_of(1)), 5);
	assert_int_equal(wq_word_color(word_of(2)), 5);
	assert_int_equal(pwq->nr_in_flight[0], 1);
	assert_int_equal(pwq->nr_in_flight[4], 0);
	assert_int_equal(pwq->nr_in_flight[5], 2);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 3);
}

static void every_item_ever_filed_is_counted(void **state)
{
	file_all(0, 4);
	unfile(4, 0);
	unfile(0, 0);
	file(0);
	assert_int_equal(pwq->nr_filed, 6);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 4);
}

/* ------------------------------------------------------------------ settling */

static void settled_item_makes_room_for_the_first_inactive_one(void **state)
{
	struct wq_worker *worker = new_worker();

	file_all(0, 5);
	begin_item(worker, &item[0]);
	assert_list(&pwq->inactive, 3, 4, 5);
	end_item(worker);
	assert_list(&pool.worklist, 1, 2, 3);
	assert_list(&pwq->inactive, 4, 5);
	assert_false(wq_list_is_marked(wq_work_node(&item[3])));
	assert_int_equal(nr_active(pwq), LIMIT);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 5);
}

static void last_settled_item_leaves_nothing(void **state)
{
	struct wq_worker *worker = new_worker();

	file(0);
	begin_item(worker, &item[0]);
	assert_int_equal(nr_active(pwq), 1);
	end_item(worker);
	assert_int_equal(nr_active(pwq), 0);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 0);
	assert_int_equal(word_of(0), wq_word_off(worker->slot, 0));
}

/* What was queued before, by others, is not overtaken by an item that waited. */
static void intake_is_filed_before_an_item_is_activated(void **state)
{
	struct wq_worker *worker = new_worker();
	struct workqueue_struct other;
	struct wq_pwq *other_pwq;

	handmade_wq(&other, WQ_PERCPU, 1);
	other_pwq = new_pwq(&other, &pool);
	file_all(0, 4);
	begin_item(worker, &item[0]);
	push_to(other_pwq, &item[10]);
	end_item(worker);
	assert_list(&pool.worklist, 1, 2, 10, 3);
	wq_pwq_free(other_pwq);
}

/* ----------------------------------------------------------------- unfiling */

/* G1 */
static void active_item_is_taken_off_and_makes_room(void **state)
{
	file_all(0, 4);
	assert_int_equal(unfile(1, 0), 0);
	assert_list(&pool.worklist, 0, 2, 3);
	assert_list(&pwq->inactive, 4);
	assert_int_equal(nr_active(pwq), LIMIT);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 4);
	assert_int_equal(word_of(1), wq_word_off(0, 0));
	assert_false(wq_list_is_on(wq_work_node(&item[1])));
}

static struct wq_barrier told;
static bool was_idle; /* when it was told */

static void look_when_told(long nth)
{
	(void)nth;
	if (!wq_load_acquire(&told.is_done))
		return;
	step_end();
	was_idle = word_of(0) == wq_word_off(0, 0);
}

/* E6: who is told may queue the item, or free it. */
static void item_taken_off_is_idle_before_its_flushers_are_told(void **state)
{
	need_steps();
	memset(&told, 0, sizeof(told));
	was_idle = false;
	file(0);
	wq_barrier_add_filed_locked(&pool, &told, &item[0]);
	step_begin(look_when_told);
	unfile(0, 0);
	step_end();
	assert_true(told.is_done && was_idle);
}

/* G1 */
static void inactive_item_is_taken_off_and_makes_no_room(void **state)
{
	file_all(0, 5);
	unfile(4, 0);
	assert_list(&pool.worklist, 0, 1, 2);
	assert_list(&pwq->inactive, 3, 5);
	assert_int_equal(nr_active(pwq), LIMIT);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 5);
	assert_int_equal(word_of(4), wq_word_off(0, 0));
	assert_false(wq_list_is_on(wq_work_node(&item[4])));
}

/* H1 */
static void unfiled_item_has_the_depth_given(void **state)
{
	file_all(0, 3);
	unfile(0, 1);
	unfile(3, WQ_WORK_MAX_DEPTH);
	assert_int_equal(word_of(0), wq_word_off(0, 1));
	assert_int_equal(word_of(3), wq_word_off(0, WQ_WORK_MAX_DEPTH));
}

/* I4: whoever pulls an item back to queue it anew must not let others queue it in between. */
static void unfiled_item_stays_pending_if_asked(void **state)
{
	file_all(0, 1);
	wq_pwq_unfile_locked(pwq, &item[0], word_of(0), WQ_WORK_PENDING);
	assert_int_equal(word_of(0), WQ_WORK_PENDING);
}

/* G2: so that the canceller knows for whom to wait. */
static void unfiled_item_names_the_worker_that_runs_it(void **state)
{
	struct wq_worker *worker = new_worker();

	file(0);
	begin_item(worker, &item[0]);
	file(0);
	assert_int_equal(unfile(0, 1), worker->slot);
	assert_int_equal(word_of(0), wq_word_off(worker->slot, 1));
	assert_int_equal(nr_active(pwq), 1);
	end_item(worker);
	assert_int_equal(nr_active(pwq), 0);
}

/* B5: it waits for its own run in progress, on a list of that worker. */
static void item_private_to_a_worker_is_taken_off(void **state)
{
	struct wq_worker *worker = new_worker();

	file_all(0, 3);
	begin_item(worker, &item[0]);
	file(0); /* inactive */
	unfile(1, 0);
	unfile(2, 0); /* now 3 and 0 are active */
	wq_list_del(wq_work_node(&item[0]));
	wq_list_add_tail(wq_work_node(&item[0]), &worker->scheduled);
	assert_int_equal(unfile(0, 0), worker->slot);
	assert_empty(&worker->scheduled);
	assert_int_equal(nr_active(pwq), 2);
	assert_int_equal(wq_pwq_in_flight_locked(pwq), 2);
	end_item(worker);
}

/* E6 */
static void unfiled_item_releases_whoever_waits_for_its_run(void **state)
{
	struct wq_park park[2] = { { 0 } };
	struct wq_barrier barrier[2] = { { .park = &park[0] }, { .park = &park[1] } };

	file_all(0, 1);
	wq_barrier_add_filed_locked(&pool, &barrier[0], &item[0]);
	wq_barrier_add_filed_locked(&pool, &barrier[1], &item[1]);
	unfile(0, 0);
	assert_true(barrier[0].is_done);
	assert_false(barrier[1].is_done);
	assert_false(was_woken(&park[0]));
	unlock_and_lock();
	assert_true(was_woken(&park[0]));
	assert_false(was_woken(&park[1]));
	assert_int_equal(word_of(0), wq_word_off(0, 0));
}

/* ------------------------------------------------------------------ colours */

static struct wq_park flusher;

/* As a flush closes the open colour and waits for it. */
static void close_colour(void)
{
	unsigned int color = pwq->color;

	if (pwq->nr_in_flight[color]) {
		pwq->flushing |= 1u << color;
		wq.flush_pending[color]++;
	}
	pwq->color = (color + 1) % WQ_NR_COLORS;
	wq.flush_head = &flusher;
	was_woken(&flusher);
}

static bool flusher_was_woken(void)
{
	unlock_and_lock();
	return was_woken(&flusher);
}

static void run(int i)
{
	struct wq_worker *worker = new_worker();

	begin_item(worker, &item[i]);
	end_item(worker);
	pool.nr_running--;
	wq_worker_release_locked(worker);
}

/* D1, D4 */
static void last_item_of_a_closed_colour_wakes_the_flusher(void **state)
{
	new_worker();
	file_all(0, 1);
	close_colour();
	run(0);
	assert_false(flusher_was_woken());
	assert_int_equal(wq.flush_pending[0], 1);
	run(1);
	assert_true(flusher_was_woken());
	assert_int_equal(wq.flush_pending[0], 0);
	assert_int_equal(pwq->flushing, 0);
}

/* D1 */
static void items_of_the_next_colour_do_not_hold_the_flusher(void **state)
{
	new_worker();
	file(0);
	close_colour();
	file_all(1, 5);
	run(1);
	run(2);
	assert_false(flusher_was_woken());
	run(0);
	assert_true(flusher_was_woken());
}

static void open_colour_ends_without_a_word(void **state)
{
	new_worker();
	wq.flush_head = &flusher;
	file_all(0, 1);
	run(0);
	run(1);
	assert_false(flusher_was_woken());
	assert_int_equal(wq.flush_pending[0], 0);
}

static void colour_pending_on_another_pwq_does_not_end(void **state)
{
	new_worker();
	file(0);
	close_colour();
	wq.flush_pending[0]++; /* some other pwq of the queue */
	run(0);
	assert_false(flusher_was_woken());
	assert_int_equal(wq.flush_pending[0], 1);
}

static void colours_end_each_by_itself(void **state)
{
	new_worker();
	file(0);
	close_colour();
	file(1);
	close_colour();
	run(1);
	assert_int_equal(wq.flush_pending[0], 1);
	assert_int_equal(wq.flush_pending[1], 0);
	assert_true(flusher_was_woken());
	run(0);
	assert_int_equal(wq.flush_pending[0], 0);
	assert_true(flusher_was_woken());
}

/* D5, G1 */
static void unfiled_items_leave_their_colour_too(void **state)
{
	new_worker();
	file_all(0, 3);
	close_colour();
	run(1);
	run(2);
	unfile(0, 0);
	assert_false(flusher_was_woken());
	assert_int_equal(pwq->nr_in_flight[0], 1);
	run(3);
	assert_true(flusher_was_woken());
	file_all(0, 3);
	close_colour();
	run(0);
	run(1);
	run(2);
	unfile(3, 0);
	assert_true(flusher_was_woken());
}

static void inactive_item_unfiled_last_wakes_the_flusher(void **state)
{
	new_worker();
	set_max(pwq, 1);
	file(0);
	pwq->color++;
	file_all(1, 2); /* colour 1: all inactive */
	close_colour();
	unfile(1, 0);
	assert_false(flusher_was_woken());
	unfile(2, 0);
	assert_true(flusher_was_woken());
}

static void colour_without_a_waiting_head_ends_quietly(void **state)
{
	new_worker();
	file(0);
	close_colour();
	wq.flush_head = NULL;
	run(0);
	assert_false(flusher_was_woken());
	assert_int_equal(wq.flush_pending[0], 0);
}

/* ------------------------------------------------------------------- oracle */

/* The same by moving numbers in arrays. */
struct model {
	int work[ITEMS], nr_work;
	int waiting[ITEMS], nr_waiting;
	int running[ITEMS], nr_running;
	int max;
};

static void take_at(int *ids, int *nr, int at)
{
	--*nr;
	memmove(&ids[at], &ids[at + 1], (size_t)(*nr - at) * sizeof(*ids));
}

static void model_activate(struct model *model)
{
	while (model->nr_waiting && model->nr_work + model->nr_running < model->max) {
		model->work[model->nr_work++] = model->waiting[0];
		take_at(model->waiting, &model->nr_waiting, 0);
	}
}

static void random_file(struct model *model, uint64_t *seed)
{
	int id = (int)random_below(seed, ITEMS);

	if (wq_word_is_queued(word_of(id)))
		return;
	for (int i = 0; i < model->nr_running; i++)
		if (model->running[i] == id)
			return;
	file(id);
	model->waiting[model->nr_waiting++] = id;
	model_activate(model);
}

static void random_begin(struct model *model, struct wq_worker **workers)
{
	if (!model->nr_work)
		return;
	begin_item(workers[model->work[0]], &item[model->work[0]]);
	model->running[model->nr_running++] = model->work[0];
	take_at(model->work, &model->nr_work, 0);
}

static void random_end(struct model *model, struct wq_worker **workers, uint64_t *seed)
{
	int at;

	if (!model->nr_running)
		return;
	at = (int)random_below(seed, (unsigned int)model->nr_running);
	end_item(workers[model->running[at]]);
	take_at(model->running, &model->nr_running, at);
	model_activate(model);
}

static void random_unfile(struct model *model, uint64_t *seed)
{
	bool from_waiting = random_below(seed, 2);
	int *ids = from_waiting ? model->waiting : model->work;
	int *nr = from_waiting ? &model->nr_waiting : &model->nr_work, at;

	if (!*nr)
		return;
	at = (int)random_below(seed, (unsigned int)*nr);
	unfile(ids[at], 0);
	take_at(ids, nr, at);
	model_activate(model);
}

static void random_set_max(struct model *model, uint64_t *seed)
{
	model->max = 1 + (int)random_below(seed, 6);
	set_max(pwq, (unsigned int)model->max);
	model_activate(model);
}

static void random_step(struct model *model, struct wq_worker **workers, uint64_t *seed)
{
	switch (random_below(seed, 16)) {
	case 0:
		random_set_max(model, seed);
		break;
	case 1 ... 2:
		random_unfile(model, seed);
		break;
	case 3 ... 5:
		random_begin(model, workers);
		break;
	case 6 ... 8:
		random_end(model, workers, seed);
		break;
	default:
		random_file(model, seed);
	}
}

static void random_histories_agree_with_arrays(void **state)
{
	struct wq_worker *workers[ITEMS];
	struct model model = { .max = LIMIT };
	uint64_t seed = random_seed();

	for (int i = 0; i < ITEMS; i++)
		workers[i] = new_worker();
	for (int step = 0; step < 20000; step++) {
		random_step(&model, workers, &seed);
		assert_true(list_holds(&pool.worklist, model.work, model.nr_work));
		assert_true(list_holds(&pwq->inactive, model.waiting, model.nr_waiting));
		assert_int_equal(nr_active(pwq), model.nr_work + model.nr_running);
		assert_int_equal(wq_pwq_in_flight_locked(pwq),
				 model.nr_work + model.nr_waiting + model.nr_running);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pwq_test(new_pwq_knows_its_pool_and_queue),
		pwq_test(intensive_means_something_on_pools_of_cpus_only),
		pwq_test(items_under_the_limit_go_to_the_worklist_in_order),
		pwq_test(items_over_the_limit_wait_inactive_in_order),
		pwq_test(item_behind_waiting_ones_waits_too),
		pwq_test(limit_of_one_queue_does_not_hold_another),
		pwq_test(filed_item_takes_the_open_colour),
		pwq_test(every_item_ever_filed_is_counted),
		pwq_test(settled_item_makes_room_for_the_first_inactive_one),
		pwq_test(last_settled_item_leaves_nothing),
		pwq_test(intake_is_filed_before_an_item_is_activated),
		pwq_test(active_item_is_taken_off_and_makes_room),
		pwq_test(item_taken_off_is_idle_before_its_flushers_are_told),
		pwq_test(inactive_item_is_taken_off_and_makes_no_room),
		pwq_test(unfiled_item_has_the_depth_given),
		pwq_test(unfiled_item_stays_pending_if_asked),
		pwq_test(unfiled_item_names_the_worker_that_runs_it),
		pwq_test(item_private_to_a_worker_is_taken_off),
		pwq_test(unfiled_item_releases_whoever_waits_for_its_run),
		pwq_test(last_item_of_a_closed_colour_wakes_the_flusher),
		pwq_test(items_of_the_next_colour_do_not_hold_the_flusher),
		pwq_test(open_colour_ends_without_a_word),
		pwq_test(colour_pending_on_another_pwq_does_not_end),
		pwq_test(colours_end_each_by_itself),
		pwq_test(unfiled_items_leave_their_colour_too),
		pwq_test(inactive_item_unfiled_last_wakes_the_flusher),
		pwq_test(colour_without_a_waiting_head_ends_quietly),
		pwq_test(random_histories_agree_with_arrays),
	};

	return cmocka_run_group_tests_name("pwq", tests, NULL, NULL);
}
