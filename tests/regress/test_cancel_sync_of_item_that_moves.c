/* SPDX-License-Identifier: MIT */
/*
 * test_cancel_sync_of_item_that_moves.c - cancel_work_sync() of an item of an ordered queue
 * that starts, and queues itself behind the plug of the queue's new pwq, in that moment.
 *
 * Who takes back an item behind a plug must also find its run on the old pool. That was looked
 * for first, and only if the item was behind a plug then: not yet. Then the item was taken back
 * from where it was now, and nobody waited for its run: cancel_work_sync() and
 * disable_work_sync() returned while it ran. Now it is looked for when the item is on no list,
 * and cannot move. The window was some instructions wide: stress met it never.
 */
#include "support/step.h"
#include "support/delayed.h"
#include "support/topology.h"

enum {
	ENOUGH_LOCKED = 10,
	/* Where code is longer, such as without optimisation, the points are further apart. */
	MAX_POINTS = 1200,
	LOOKS = 5,
};

static struct workqueue_struct *wq;
static struct work_struct holder;
static struct delayed_work moving;
static struct gate holder_go, moving_go;
static atomic_int holder_tid;
static atomic_bool is_holding, is_moving, has_moved, go_on;

static void compute_until_told(struct work_struct *work)
{
	atomic_store(&holder_tid, own_tid());
	atomic_store(&is_holding, true);
	gate_spin(&holder_go);
}

/* The next run is behind the plug. */
static void move(struct work_struct *work)
{
	if (atomic_load(&is_moving))
		return;
	queue_work(wq, work);
	atomic_store(&is_moving, true);
	gate_wait(&moving_go);
	atomic_store(&has_moved, true);
}

/* ------------------------------------------------------------ the canceller */

static struct canceller {
	struct call call;
	void (*cancel)(void);
	long stop_at; /* 0: nowhere */
	long nr_steps;
	atomic_bool is_stopped;
	bool was_in_time; /* it returned, and the item did not run */
} canceller;

static void stop_there(long nth)
{
	if (nth != canceller.stop_at)
		return;
	atomic_store(&canceller.is_stopped, true);
	wait_until(atomic_load(&go_on));
	step_end();
}

static long cancel_in_steps(void *arg)
{
	struct item idle;

	/* a thread's first call of the library takes longer */
	item_init(&idle);
	cancel_work(&idle.work);
	step_begin(stop_there);
	canceller.cancel();
	step_end();
	canceller.nr_steps = step_nth;
	canceller.was_in_time = !atomic_load(&is_moving) || atomic_load(&has_moved);
	return 0;
}

static void cancel_sync(void)
{
	cancel_work_sync(&moving.work);
}

static void disable_sync(void)
{
	disable_work_sync(&moving.work);
	step_end();
	enable_work(&moving.work);
}

static void put_off_and_cancel(void)
{
	mod_delayed_work(wq, &moving, FAR);
	step_end();
	cancel_delayed_work_sync(&moving);
}

/* --------------------------------------------------------------- the rounds */

/* The item waits on the old pwq; what is queued from now on waits behind a plug. */
static void set_up(int nice)
{
	gate_init(&holder_go);
	gate_init(&moving_go);
	atomic_store(&is_holding, false);
	atomic_store(&is_moving, false);
	atomic_store(&has_moved, false);
	atomic_store(&go_on, false);
	INIT_WORK(&holder, compute_until_told);
	INIT_DELAYED_WORK(&moving, move);
	assert_true(queue_work(wq, &holder));
	wait_until(atomic_load(&is_holding));
	assert_true(queue_delayed_work(wq, &moving, 0));
	assert_int_equal(apply(wq, .nice = nice), 0);
}

/* False: the worker sleeps, as if the pool were locked. */
static bool has_started_moving(void)
{
	long long give_up = deadline_ns();
	int asleep = 0;

	while (now_ns() < give_up && asleep < LOOKS && !atomic_load(&is_moving)) {
		asleep = thread_state(atomic_load(&holder_tid)) == 'S' ? asleep + 1 : 0;
		nap_us(500);
	}
	return atomic_load(&is_moving);
}

/* The item moves while the canceller is stopped. False: it cannot, or he was not stopped. */
static bool move_while_stopped(void)
{
	bool has_started = false;

	call_start(&canceller.call, cancel_in_steps, NULL);
	wait_until(atomic_load(&canceller.is_stopped) || call_is_back(&canceller.call));
	gate_open(&holder_go);
	if (atomic_load(&canceller.is_stopped))
		has_started = has_started_moving();
	atomic_store(&go_on, true);
	if (has_started)
		assert_true(call_blocks(&canceller.call));
	gate_open(&moving_go);
	call_join(&canceller.call);
	assert_true(canceller.was_in_time);
	return has_started;
}

/* How far apart the points are where he is stopped: nobody gets in his way here. */
static long measure_stride(void)
{
	canceller.stop_at = 0;
	set_up(1);
	call_start(&canceller.call, cancel_in_steps, NULL);
	call_join(&canceller.call);
	gate_open(&holder_go);
	gate_open(&moving_go);
	flush_workqueue(wq);
	return canceller.nr_steps / MAX_POINTS + 1;
}

/* He is stopped some instructions later each time. */
static void check_cancelling(void (*cancel)(void))
{
	int nr_locked = 0, nr_moved = 0;
	long stride;

	need_steps();
	wq = alloc_ordered_workqueue("ordered", 0);
	canceller.cancel = cancel;
	stride = measure_stride();
	for (int n = 1; nr_locked < ENOUGH_LOCKED; n++) {
		canceller.stop_at = n * stride;
		atomic_store(&canceller.is_stopped, false);
		set_up(1 + n % 2);
		if (move_while_stopped())
			nr_moved++;
		else
			nr_locked++;
		flush_workqueue(wq);
	}
	assert_true(nr_moved > ENOUGH_LOCKED);
	destroy_workqueue(wq);
}

/* G2 B9 */
static void cancel_sync_of_an_item_that_moves_behind_a_plug_waits(void **state)
{
	check_cancelling(cancel_sync);
}

/* H1 B9 */
static void disable_sync_of_an_item_that_moves_behind_a_plug_waits(void **state)
{
	check_cancelling(disable_sync);
}

/* G2 I4 B9 */
static void cancel_sync_after_mod_of_an_item_that_moves_behind_a_plug_waits(void **state)
{
	check_cancelling(put_off_and_cancel);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		flat_test(cancel_sync_of_an_item_that_moves_behind_a_plug_waits),
		flat_test(disable_sync_of_an_item_that_moves_behind_a_plug_waits),
		flat_test(cancel_sync_after_mod_of_an_item_that_moves_behind_a_plug_waits),
	};

	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
