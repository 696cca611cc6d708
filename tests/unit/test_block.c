/* SPDX-License-Identifier: MIT */
/*
 * test_block.c - a worker waits, or computes for long: told and sampled.
 *
 * The test's own thread passes for a worker of a hand-made pool.
 */
#include "handmade.h"

#include "base/grace.h"
#include "core/block.h"
#include "lines.h"

static struct wq_worker *self, *idle;

/* A running worker with an item, an idle one, and one more item that waits. */
static void block_begin(unsigned int flags)
{
	handmade_begin(flags, WQ_DFL_ACTIVE);
	pool.max_running = 1;
	wq_pool_lock(&pool);
	file(0);
	file(1);
	self = new_worker();
	begin_item(self, &item[0]);
	idle = new_idle_worker();
	unlock_only();
	wq_worker_self = self;
}

static int bound_begin(void **state)
{
	block_begin(WQ_PERCPU);
	return unit_begin(state);
}

static int unbound_begin(void **state)
{
	block_begin(WQ_UNBOUND);
	return unit_begin(state);
}

static struct wq_turn turn;

static int bh_begin(void **state)
{
	block_begin(WQ_PERCPU | WQ_BH);
	memset(&turn, 0, sizeof(turn));
	wq_turn_take(&turn);
	pool.turn = &turn;
	self->current = &item[0];
	lines_take();
	wq_report_set_fn(lines_catch);
	return unit_begin(state);
}

static int block_end(void **state)
{
	wq_report_set_fn(NULL);
	wq_worker_self = NULL;
	handmade_end();
	return unit_end(state);
}

#define bound_test(fn)   cmocka_unit_test_setup_teardown(fn, bound_begin, block_end)
#define unbound_test(fn) cmocka_unit_test_setup_teardown(fn, unbound_begin, block_end)
#define bh_test(fn)      cmocka_unit_test_setup_teardown(fn, bh_begin, block_end)

/* --------------------------------------------------------------------- told */

/* L1 */
static void begin_lets_the_next_worker_run(void **state)
{
	wq_block_begin();
	assert_true(self->is_uncounted);
	assert_true(was_woken(&idle->park));
	assert_int_equal(pool.nr_running, 1);
	wq_block_end();
	assert_false(self->is_uncounted);
	assert_int_equal(pool.nr_running, 2);
}

static void nested_waits_are_one(void **state)
{
	for (int i = 0; i < 3; i++)
		wq_block_begin();
	assert_int_equal(pool.nr_running, 1); /* the one that was woken */
	wq_block_end();
	wq_block_end();
	assert_true(self->is_uncounted);
	wq_block_end();
	assert_false(self->is_uncounted);
	assert_int_equal(pool.nr_running, 2);
}

/* L3: the item of a CPU_INTENSIVE queue was never counted, and must not be after a wait. */
static void uncounted_worker_stays_so_through_a_wait(void **state)
{
	wq_pool_lock(&pool);
	wq_pool_uncount_locked(self);
	unlock_only();
	wq_block_begin();
	assert_true(self->is_uncounted);
	wq_block_end();
	assert_true(self->is_uncounted);
	assert_int_equal(pool.nr_running, 1);
}

static void end_without_begin_does_nothing(void **state)
{
	wq_block_end();
	assert_int_equal(pool.nr_running, 1);
	assert_false(self->is_uncounted);
	wq_block_begin();
	assert_true(self->is_uncounted);
	wq_block_end();
}

static void threads_that_are_no_workers_change_nothing(void **state)
{
	wq_worker_self = NULL;
	wq_block_begin();
	wq_block_end();
	wq_worker_self = self;
	assert_false(was_woken(&idle->park));
	assert_int_equal(pool.nr_running, 1);
}

/* ----------------------------------------------------------- waiting for done */

static uint32_t is_done;
static struct wq_park done_park;

static long wait_done(void *arg)
{
	wq_worker_self = arg;
	wq_block_wait_done(&is_done, &done_park);
	return wq_load_relaxed(&is_done);
}

static long poll_done(void *arg)
{
	wq_worker_self = arg;
	wq_block_wait_done(&is_done, NULL);
	return wq_load_relaxed(&is_done);
}

static void check_wait(long (*fn)(void *arg))
{
	struct call call;

	is_done = 0;
	call_start(&call, fn, self);
	assert_true(call_blocks(&call));
	assert_true(was_woken(&idle->park));
	wq_park_wake(&done_park); /* spurious */
	assert_true(call_blocks(&call));
	wq_store_release(&is_done, 1);
	wq_park_wake(&done_park);
	assert_true(call_join(&call));
	assert_false(self->is_uncounted);
}

static void wait_sleeps_until_done_and_lets_others_run(void **state)
{
	check_wait(wait_done);
}

static void wait_without_a_park_polls_until_done(void **state)
{
	check_wait(poll_done);
}

static void wait_for_what_is_done_does_not_sleep(void **state)
{
	is_done = 1;
	wq_block_wait_done(&is_done, NULL);
	assert_false(self->is_uncounted);
}

static void park_is_the_threads_own_unless_its_record_is_shared(void **state)
{
	struct wq_record record = { .shared = false };

	wq_grace_self = &record;
	assert_ptr_equal(wq_block_park(), &record.park);
	record.shared = true;
	assert_null(wq_block_park());
	wq_grace_self = NULL;
}

/* M1 */
static void begin_lets_nobody_run_in_a_pool_for_bh(void **state)
{
	wq_block_begin();
	assert_int_equal(self->block_depth, 1);
	assert_false(self->is_uncounted);
	assert_int_equal(pool.nr_running, 1);
	wq_block_end();
	assert_int_equal(self->block_depth, 0);
	assert_int_equal(pool.nr_running, 1);
	assert_false(was_woken(&idle->park));
}

/* ------------------------------------------------------------------ sampled */

/* A thread whose id the worker bears. */
static struct {
	struct gate go;
	struct call call;
	atomic_bool is_settled; /* from here on it does nothing but what is said of it */
} model;

static long sleep_at_gate(void *arg)
{
	atomic_store(&model.is_settled, true);
	gate_wait(&model.go);
	return 0;
}

static long spin_at_gate(void *arg)
{
	atomic_store(&model.is_settled, true);
	gate_spin(&model.go);
	return 0;
}

static atomic_int naps_wanted, naps_had;

/* Polls: computes, but for a nap now and then. */
static long nap_on_demand(void *arg)
{
	nap_us(100);
	atomic_store(&model.is_settled, true);
	while (!gate_is_open(&model.go)) {
		if (atomic_load(&naps_wanted) > atomic_load(&naps_had)) {
			nap_us(100);
			atomic_fetch_add(&naps_had, 1);
		}
	}
	return 0;
}

static void be_like(long (*fn)(void *arg), char state)
{
	gate_init(&model.go);
	atomic_store(&model.is_settled, false);
	call_start(&model.call, fn, NULL);
	wait_until(atomic_load(&model.is_settled));
	self->tid = (uint32_t)atomic_load(&model.call.tid);
	wait_until(wq_os_thread_state(self->tid).letter == state);
}

static void be_gone(void)
{
	gate_open(&model.go);
	call_join(&model.call);
}

static void first_look_finds_nobody(void **state)
{
	be_like(sleep_at_gate, 'S');
	assert_false(wq_block_sample(&pool));
	assert_false(self->is_uncounted);
	be_gone();
}

static void sleeper_is_stepped_around_at_the_second_look(void **state)
{
	be_like(sleep_at_gate, 'S');
	wq_block_sample(&pool);
	assert_true(wq_block_sample(&pool));
	assert_true(self->is_uncounted);
	assert_true(was_woken(&idle->park));
	be_gone();
}

/* L1 */
static void spinner_holds_a_bound_pool(void **state)
{
	be_like(spin_at_gate, 'R');
	for (int i = 0; i < 5; i++)
		assert_false(wq_block_sample(&pool));
	assert_false(self->is_uncounted);
	assert_false(was_woken(&idle->park));
	be_gone();
}

/* Waiting by polling is waiting. */
static void poller_is_stepped_around_when_it_has_slept_since(void **state)
{
	atomic_store(&naps_wanted, 0);
	atomic_store(&naps_had, 0);
	be_like(nap_on_demand, 'R');
	for (int i = 0; i < 3; i++)
		assert_false(wq_block_sample(&pool));
	atomic_store(&naps_wanted, 1);
	wait_until(atomic_load(&naps_had) == 1);
	assert_true(wq_block_sample(&pool));
	assert_true(self->is_uncounted);
	be_gone();
}

static void sleep_in_an_earlier_item_does_not_count(void **state)
{
	atomic_store(&naps_wanted, 0);
	atomic_store(&naps_had, 0);
	be_like(nap_on_demand, 'R');
	for (int i = 0; i < 3; i++)
		assert_false(wq_block_sample(&pool));
	atomic_store(&naps_wanted, 1);
	wait_until(atomic_load(&naps_had) == 1);
	self->nr_started++;
	for (int i = 0; i < 3; i++)
		assert_false(wq_block_sample(&pool));
	be_gone();
}

/* L7; an idle worker would have been woken without sampling. */
static void spinner_is_stepped_around_in_an_unbound_pool(void **state)
{
	be_like(spin_at_gate, 'R');
	wq_block_sample(&pool);
	assert_true(wq_block_sample(&pool));
	assert_true(self->is_uncounted);
	be_gone();
}

static void worker_that_gets_on_is_not_stepped_around(void **state)
{
	be_like(sleep_at_gate, 'S');
	for (int i = 0; i < 5; i++) {
		assert_false(wq_block_sample(&pool));
		self->nr_started++;
	}
	assert_false(self->is_uncounted);
	be_gone();
}

static void nobody_is_stepped_around_if_nothing_waits(void **state)
{
	be_like(sleep_at_gate, 'S');
	wq_pool_lock(&pool);
	wq_pwq_unfile_locked(pwq, &item[1], item[1].data, 0);
	unlock_only();
	for (int i = 0; i < 3; i++)
		assert_false(wq_block_sample(&pool));
	assert_false(self->is_uncounted);
	be_gone();
}

static void item_in_the_intake_counts_as_waiting(void **state)
{
	be_like(sleep_at_gate, 'S');
	wq_pool_lock(&pool);
	wq_pwq_unfile_locked(pwq, &item[1], item[1].data, 0);
	unlock_only();
	push(2);
	wq_block_sample(&pool);
	assert_true(wq_block_sample(&pool));
	be_gone();
}

static void uncounted_worker_is_not_stepped_around_twice(void **state)
{
	be_like(sleep_at_gate, 'S');
	wq_block_begin();
	was_woken(&idle->park);
	for (int i = 0; i < 3; i++)
		assert_false(wq_block_sample(&pool));
	assert_int_equal(pool.nr_running, 1);
	wq_block_end();
	be_gone();
}

/* Too many workers only cost threads. */
static void worker_whose_state_is_unknown_counts_as_asleep(void **state)
{
	self->tid = INT32_MAX;
	wq_block_sample(&pool);
	assert_true(wq_block_sample(&pool));
	assert_true(self->is_uncounted);
}

/* Told after sampled: it was uncounted already, and its item's end counts it again. */
static void worker_stepped_around_may_wait_as_well(void **state)
{
	be_like(sleep_at_gate, 'S');
	wq_block_sample(&pool);
	wq_block_sample(&pool);
	wq_block_begin();
	wq_block_end();
	assert_true(self->is_uncounted);
	wq_pool_lock(&pool);
	end_item(self);
	assert_false(self->is_uncounted);
	assert_int_equal(pool.nr_running, 2);
	unlock_only();
	be_gone();
}

/* --------------------------------------------------------- sampled, for WQ_BH */

static void look_often(void)
{
	for (int i = 0; i < 4; i++)
		assert_false(wq_block_sample(&pool));
	assert_false(self->is_uncounted);
	assert_false(was_woken(&idle->park));
}

/* M1 */
static void spinner_of_a_pool_for_bh_is_no_fault(void **state)
{
	be_like(spin_at_gate, 'R');
	look_often();
	assert_int_equal(lines_take(), 0);
	be_gone();
}

/* M2 */
static void wait_of_the_librarys_own_is_no_fault(void **state)
{
	be_like(sleep_at_gate, 'S');
	wq_block_begin();
	look_often();
	assert_int_equal(lines_take(), 0);
	wq_block_end();
	be_gone();
}

/* Its item has run. */
static void wait_for_the_next_turn_is_no_fault(void **state)
{
	be_like(sleep_at_gate, 'S');
	self->current = NULL;
	look_often();
	assert_int_equal(lines_take(), 0);
	be_gone();
}

static void take_waiting_item_off(void)
{
	wq_pool_lock(&pool);
	wq_pwq_unfile_locked(pwq, &item[1], item[1].data, 0);
	unlock_only();
}

static void sleeper_whom_nobody_waits_for_is_not_looked_for(void **state)
{
	be_like(sleep_at_gate, 'S');
	take_waiting_item_off();
	look_often();
	assert_int_equal(lines_take(), 0);
	be_gone();
}

static long take_turn(void *arg)
{
	wq_turn_take(arg);
	wq_turn_leave(arg);
	return 0;
}

/* M1 */
static void sleeper_of_a_pool_for_bh_is_reported_once_and_not_replaced(void **state)
{
	struct call other;

	be_like(sleep_at_gate, 'S');
	take_waiting_item_off();
	call_start(&other, take_turn, &turn);
	wait_until(wq_turn_is_awaited(&turn));
	look_often();
	/* once per process: this test comes behind those that expect no report */
	assert_non_null(strstr(line_take(), "an item of a WQ_BH queue sleeps"));
	look_often();
	assert_int_equal(lines_take(), 0);
	wq_turn_leave(&turn);
	call_join(&other);
	be_gone();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_test(begin_lets_the_next_worker_run),
		bound_test(nested_waits_are_one),
		bound_test(uncounted_worker_stays_so_through_a_wait),
		bound_test(end_without_begin_does_nothing),
		bound_test(threads_that_are_no_workers_change_nothing),
		bound_test(wait_sleeps_until_done_and_lets_others_run),
		bound_test(wait_without_a_park_polls_until_done),
		bound_test(wait_for_what_is_done_does_not_sleep),
		bound_test(park_is_the_threads_own_unless_its_record_is_shared),
		bound_test(first_look_finds_nobody),
		bound_test(sleeper_is_stepped_around_at_the_second_look),
		unbound_test(sleeper_is_stepped_around_at_the_second_look),
		bound_test(spinner_holds_a_bound_pool),
		bound_test(poller_is_stepped_around_when_it_has_slept_since),
		bound_test(sleep_in_an_earlier_item_does_not_count),
		unbound_test(spinner_is_stepped_around_in_an_unbound_pool),
		bound_test(worker_that_gets_on_is_not_stepped_around),
		bound_test(nobody_is_stepped_around_if_nothing_waits),
		bound_test(item_in_the_intake_counts_as_waiting),
		bound_test(uncounted_worker_is_not_stepped_around_twice),
		unbound_test(uncounted_worker_is_not_stepped_around_twice),
		bound_test(worker_whose_state_is_unknown_counts_as_asleep),
		bound_test(worker_stepped_around_may_wait_as_well),
		bh_test(begin_lets_nobody_run_in_a_pool_for_bh),
		bh_test(spinner_of_a_pool_for_bh_is_no_fault),
		bh_test(wait_of_the_librarys_own_is_no_fault),
		bh_test(wait_for_the_next_turn_is_no_fault),
		bh_test(sleeper_whom_nobody_waits_for_is_not_looked_for),
		bh_test(sleeper_of_a_pool_for_bh_is_reported_once_and_not_replaced),
	};

	return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
