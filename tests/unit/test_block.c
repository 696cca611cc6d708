/* SPDX-License-Identifier: MIT */
/*
 * test_block.c - a worker waits, or computes for long: told, seen and sampled.
 *
 * The test's own thread passes for a worker of a hand-made pool.
 */
#include "handmade.h"

#include "base/grace.h"
#include "base/options.h"
#include "base/ring.h"
#include "core/block.h"
#include "lines.h"

/* What the library is told that the looked-at thread has used of a CPU: time is what tests say. */
static uint64_t cpu_ns;
/* What happens to it amid the next look: before and after it is asked whether it sleeps. */
static void (*before_asked)(void), (*after_asked)(void);

static void happen(void (**slot)(void))
{
	void (*fn)(void) = *slot;

	*slot = NULL;
	if (fn)
		fn();
}

uint64_t __wrap_wq_os_thread_cpu_ns(uint32_t tid);
struct wq_os_thread_state __wrap_wq_os_thread_state(uint32_t tid);
struct wq_os_thread_state __real_wq_os_thread_state(uint32_t tid);

uint64_t __wrap_wq_os_thread_cpu_ns(uint32_t tid)
{
	(void)tid;
	return cpu_ns;
}

struct wq_os_thread_state __wrap_wq_os_thread_state(uint32_t tid)
{
	struct wq_os_thread_state found;

	happen(&before_asked);
	found = __real_wq_os_thread_state(tid);
	happen(&after_asked);
	return found;
}

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

static void sleeper_is_stepped_around_though_another_worker_gets_on(void **state)
{
	self->current = &item[0];
	be_like(sleep_at_gate, 'S');
	wq_block_sample(&pool);
	idle->nr_started++;
	assert_true(wq_block_sample(&pool));
	assert_true(self->is_uncounted);
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

static void take_waiting_item_off(void)
{
	wq_pool_lock(&pool);
	wq_pwq_unfile_locked(pwq, &item[1], item[1].data, 0);
	unlock_only();
}

static void nobody_is_stepped_around_if_nothing_waits(void **state)
{
	be_like(sleep_at_gate, 'S');
	take_waiting_item_off();
	for (int i = 0; i < 3; i++)
		assert_false(wq_block_sample(&pool));
	assert_false(self->is_uncounted);
	be_gone();
}

static void item_in_the_intake_counts_as_waiting(void **state)
{
	be_like(sleep_at_gate, 'S');
	take_waiting_item_off();
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

static void get_on(void)
{
	self->nr_started++;
}

static void worker_that_gets_on_amid_a_look_is_not_stepped_around(void **state)
{
	be_like(sleep_at_gate, 'S');
	assert_false(wq_block_sample(&pool));
	before_asked = get_on;
	assert_false(wq_block_sample(&pool));
	assert_null(before_asked);
	assert_false(self->is_uncounted);
	be_gone();
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

/* ------------------------------------------------------------------ hogs (L4) */

enum {
	LIMIT_US = 10000,
	LIMIT_NS = LIMIT_US * 1000,
};

static void hogs_begin(void)
{
	wq_options.intensive_us = LIMIT_US;
	wq_options.intensive_warn = 0;
	cpu_ns = 1;
}

static void hogs_end(void)
{
	be_gone();
	wq_options.intensive_us = 0;
}

/* L7: such pools have no hogs. */
static void nobody_of_an_unbound_pool_is_looked_at_if_nothing_waits(void **state)
{
	hogs_begin();
	nobody_is_stepped_around_if_nothing_waits(state);
}

/* L4 */
static void spinner_is_stepped_around_when_it_has_computed_for_long(void **state)
{
	hogs_begin();
	be_like(spin_at_gate, 'R');
	assert_false(wq_block_sample(&pool));
	assert_false(wq_block_sample(&pool));
	cpu_ns += LIMIT_NS;
	assert_false(wq_block_sample(&pool));
	cpu_ns++;
	assert_true(wq_block_sample(&pool));
	assert_true(self->is_uncounted);
	assert_true(was_woken(&idle->park));
	hogs_end();
}

static void begin_to_nap_on_demand(long (*fn)(void *arg))
{
	hogs_begin();
	atomic_store(&naps_wanted, 0);
	atomic_store(&naps_had, 0);
	be_like(fn, 'R');
}

static void nap_once(void)
{
	int had = atomic_load(&naps_had);

	atomic_store(&naps_wanted, had + 1);
	wait_until(atomic_load(&naps_had) > had);
}

/* L4 */
static void clock_starts_anew_with_the_next_item_and_after_a_sleep(void **state)
{
	begin_to_nap_on_demand(nap_on_demand);
	for (int i = 0; i < 4; i++) {
		/* the first look at an item starts it */
		assert_false(wq_block_sample(&pool));
		assert_false(wq_block_sample(&pool));
		cpu_ns += LIMIT_NS;
		self->nr_started++;
	}
	take_waiting_item_off();
	for (int i = 0; i < 4; i++) {
		assert_false(wq_block_sample(&pool));
		cpu_ns += LIMIT_NS;
		nap_once();
		/* too early to be sure; when it is due, the sleep is found */
		assert_false(wq_block_sample(&pool));
	}
	assert_false(self->is_uncounted);
	hogs_end();
}

static long first_nap_on_demand(void *arg)
{
	atomic_store(&model.is_settled, true);
	while (!gate_is_open(&model.go)) {
		if (atomic_load(&naps_wanted) > atomic_load(&naps_had)) {
			nap_us(100);
			atomic_fetch_add(&naps_had, 1);
		}
	}
	return 0;
}

/* A new worker may never have slept before. */
/* L4 */
static void first_sleep_of_a_thread_counts_too(void **state)
{
	begin_to_nap_on_demand(first_nap_on_demand);
	take_waiting_item_off();
	assert_false(wq_block_sample(&pool));
	assert_false(wq_block_sample(&pool));
	nap_once();
	cpu_ns += LIMIT_NS + 1;
	/* from here on its clock runs anew */
	assert_false(wq_block_sample(&pool));
	cpu_ns += LIMIT_NS + 1;
	assert_true(wq_block_sample(&pool));
	hogs_end();
}

static void compute_and_nap(void)
{
	cpu_ns += LIMIT_NS + 1;
	nap_once();
}

static void nap_and_compute(void)
{
	nap_once();
	cpu_ns += LIMIT_NS + 1;
}

/* A look takes time, the more so when who looks is off his CPU: its first answer is old then. */
/* L4 */
static void what_was_computed_before_a_sleep_amid_a_look_does_not_count(void **state)
{
	begin_to_nap_on_demand(nap_on_demand);
	take_waiting_item_off();
	assert_false(wq_block_sample(&pool));
	before_asked = compute_and_nap;
	assert_false(wq_block_sample(&pool));
	assert_null(before_asked);
	assert_false(wq_block_sample(&pool));
	assert_false(self->is_uncounted);
	hogs_end();
}

/* L4 */
static void sleep_after_it_was_asked_for_is_no_computing(void **state)
{
	begin_to_nap_on_demand(nap_on_demand);
	assert_false(wq_block_sample(&pool));
	assert_false(wq_block_sample(&pool));
	after_asked = nap_and_compute;
	assert_false(wq_block_sample(&pool));
	assert_null(after_asked);
	assert_false(self->is_uncounted);
	hogs_end();
}

/* L4: it holds off those who come later. */
static void hog_is_found_though_nothing_waits(void **state)
{
	hogs_begin();
	take_waiting_item_off();
	be_like(spin_at_gate, 'R');
	wq_block_sample(&pool);
	assert_false(wq_block_sample(&pool));
	cpu_ns += LIMIT_NS + 1;
	assert_true(wq_block_sample(&pool));
	hogs_end();
}

/* ---------------------------------------------------------------------- seen */

static int poller;
static _Atomic(struct wq_ring *) ring_of_model;

static long open_and_sleep(void *arg)
{
	int err;

	atomic_store(&ring_of_model, wq_ring_open(poller, arg, &err));
	return sleep_at_gate(NULL);
}

/* False: there is no permission for rings. */
static bool be_watched(long (*fn)(void *arg))
{
	poller = wq_ring_poller_create();
	gate_init(&model.go);
	atomic_store(&model.is_settled, false);
	call_start(&model.call, fn, self);
	wait_until(atomic_load(&model.is_settled));
	self->tid = (uint32_t)atomic_load(&model.call.tid);
	self->ring = atomic_load(&ring_of_model);
	wq_store_relaxed(&self->current, &item[0]);
	return self->ring;
}

static void be_watched_no_more(void)
{
	be_gone();
	if (self->ring)
		wq_ring_close(self->ring);
	self->ring = NULL;
	wq_ring_poller_close(poller);
	wq_store_relaxed(&self->current, NULL);
}

/* L1 */
static void sleeper_is_stepped_around_as_soon_as_it_is_seen(void **state)
{
	if (be_watched(open_and_sleep)) {
		wait_until(wq_ring_sleeps(self->ring));
		wq_block_see(self);
		assert_true(self->is_uncounted);
		assert_true(was_woken(&idle->park));
		wq_block_see(self);
		assert_int_equal(pool.nr_running, 1);
	}
	be_watched_no_more();
}

static long open_and_nap(void *arg)
{
	int err;

	atomic_store(&ring_of_model, wq_ring_open(poller, arg, &err));
	nap_us(1000);
	return spin_at_gate(NULL);
}

/* L2 */
static void who_is_seen_to_be_back_is_counted_again(void **state)
{
	if (be_watched(open_and_nap)) {
		wq_pool_lock(&pool);
		wq_pool_uncount_locked(self);
		self->is_seen = true;
		unlock_only();
		wait_until(!wq_ring_sleeps(self->ring));
		wq_block_see(self);
		assert_false(self->is_uncounted);
		assert_false(self->is_seen);
	}
	be_watched_no_more();
}

/* By the sampler, or because it said so: then it is not for the ring to count it. */
static void who_is_uncounted_for_another_reason_stays_so(void **state)
{
	if (be_watched(open_and_nap)) {
		wq_pool_lock(&pool);
		wq_pool_uncount_locked(self);
		unlock_only();
		wait_until(!wq_ring_sleeps(self->ring));
		wq_block_see(self);
		assert_true(self->is_uncounted);
	}
	be_watched_no_more();
}

/* Its function is over: it waits for a lock of the library's. */
static void who_sleeps_outside_of_a_function_is_not_stepped_around(void **state)
{
	if (be_watched(open_and_sleep)) {
		wait_until(wq_ring_sleeps(self->ring));
		wq_store_relaxed(&self->current, NULL);
		wq_block_see(self);
		assert_false(self->is_uncounted);
	}
	be_watched_no_more();
}

/* L7: nothing is counted there. */
static void sleeper_of_an_unbound_pool_is_left_to_the_sampler(void **state)
{
	if (be_watched(open_and_sleep)) {
		wait_until(wq_ring_sleeps(self->ring));
		wq_block_see(self);
		assert_false(self->is_uncounted);
	}
	be_watched_no_more();
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

/* M2 */
static void wait_for_the_librarys_locks_is_no_fault(void **state)
{
	/* as the manager itself brings about, which takes the pool's lock to look */
	uint32_t sleeps = 1;

	be_like(sleep_at_gate, 'S');
	self->lock_sleeps = &sleeps;
	look_often();
	sleeps = 2;
	wq_block_sample(&pool);
	assert_int_equal(lines_take(), 0);
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
	assert_non_null(strstr(line_take(), "an item of a WQ_BH queue sleeps while others wait for "
					    "it: test_block+0x"));
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
		bound_test(sleeper_is_stepped_around_though_another_worker_gets_on),
		bound_test(spinner_holds_a_bound_pool),
		bound_test(poller_is_stepped_around_when_it_has_slept_since),
		bound_test(sleep_in_an_earlier_item_does_not_count),
		unbound_test(spinner_is_stepped_around_in_an_unbound_pool),
		bound_test(worker_that_gets_on_is_not_stepped_around),
		bound_test(worker_that_gets_on_amid_a_look_is_not_stepped_around),
		bound_test(nobody_is_stepped_around_if_nothing_waits),
		unbound_test(nobody_is_stepped_around_if_nothing_waits),
		unbound_test(nobody_of_an_unbound_pool_is_looked_at_if_nothing_waits),
		bound_test(item_in_the_intake_counts_as_waiting),
		bound_test(uncounted_worker_is_not_stepped_around_twice),
		unbound_test(uncounted_worker_is_not_stepped_around_twice),
		bound_test(worker_whose_state_is_unknown_counts_as_asleep),
		bound_test(worker_stepped_around_may_wait_as_well),
		bound_test(spinner_is_stepped_around_when_it_has_computed_for_long),
		bound_test(clock_starts_anew_with_the_next_item_and_after_a_sleep),
		bound_test(first_sleep_of_a_thread_counts_too),
		bound_test(what_was_computed_before_a_sleep_amid_a_look_does_not_count),
		bound_test(sleep_after_it_was_asked_for_is_no_computing),
		bound_test(hog_is_found_though_nothing_waits),
		bound_test(sleeper_is_stepped_around_as_soon_as_it_is_seen),
		bound_test(who_is_seen_to_be_back_is_counted_again),
		bound_test(who_is_uncounted_for_another_reason_stays_so),
		bound_test(who_sleeps_outside_of_a_function_is_not_stepped_around),
		unbound_test(sleeper_of_an_unbound_pool_is_left_to_the_sampler),
		bh_test(begin_lets_nobody_run_in_a_pool_for_bh),
		bh_test(spinner_of_a_pool_for_bh_is_no_fault),
		bh_test(wait_of_the_librarys_own_is_no_fault),
		bh_test(wait_for_the_librarys_locks_is_no_fault),
		bh_test(wait_for_the_next_turn_is_no_fault),
		bh_test(sleeper_whom_nobody_waits_for_is_not_looked_for),
		bh_test(sleeper_of_a_pool_for_bh_is_reported_once_and_not_replaced),
	};

	return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
