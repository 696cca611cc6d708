/* SPDX-License-Identifier: MIT */
/*
 * test_bh_item_cancels_what_has_returned.c - both WQ_BH pools of a CPU dead for ever.
 *
 * An item of one WQ_BH pool of a CPU had returned, and one of the other pool was waiting
 * for its turn. The first pool handed the turn over before it settled its item. If the
 * second one then called cancel_work_sync() on that, as it may, it waited, with the turn,
 * for a settling that needed the turn first. Threads that flushed the first item waited
 * for the second one too. Items are settled before the turn is offered now. Other tests
 * cancelled items of the same pool, or before they had started.
 */
#include "support/api.h"
#include "support/shown.h"
#include "support/thread.h"

static struct blocker first;
static struct item second;
static struct gate second_go;
static atomic_int worker_tid;
static atomic_int answer;

static void tell_tid(struct work_struct *work)
{
	atomic_store(&worker_tid, (int)syscall(SYS_gettid));
}

/* The thread of the pool that waits for the turn. */
static int tid_of_worker(struct workqueue_struct *wq, int cpu)
{
	struct work_struct work;

	INIT_WORK(&work, tell_tid);
	assert_true(queue_work_on(cpu, wq, &work));
	flush_work(&work);
	return atomic_load(&worker_tid);
}

/* The first item runs, and the worker for the second one has gone to sleep until its turn. */
static void meet(struct workqueue_struct *first_wq, struct workqueue_struct *second_wq)
{
	int cpu = allowed_cpu(0), tid = tid_of_worker(second_wq, cpu);
	long sleeps;

	blocker_spin_on(&first, cpu, first_wq);
	wait_until(thread_state(tid) == 'S');
	sleeps = thread_sleeps(tid);
	assert_true(queue_work_on(cpu, second_wq, &second.work));
	wait_until(thread_sleeps(tid) > sleeps && thread_state(tid) == 'S');
	assert_int_equal(item_runs(&second), 0);
}

static void cancel_first(struct work_struct *work)
{
	atomic_store(&answer, cancel_work_sync(&first.item.work));
	item_fn(work);
}

static void flush_first(struct work_struct *work)
{
	atomic_store(&answer, flush_work(&first.item.work));
	item_fn(work);
}

static void check_returns(work_func_t func, struct workqueue_struct *first_wq,
			  struct workqueue_struct *second_wq)
{
	item_init(&second);
	second.work.func = func;
	atomic_store(&answer, -1);
	meet(first_wq, second_wq);
	gate_open(&first.go);
	wait_until(item_runs(&second) == 1);
	assert_int_equal(atomic_load(&answer), false);
	flush_work(&second.work);
	run_one_item_on(first_wq);
	run_one_item_on(second_wq);
}

/* M2 G4 */
static void bh_highpri_item_cancels_a_normal_one_that_has_just_returned(void **state)
{
	check_returns(cancel_first, system_bh_wq, system_bh_highpri_wq);
}

/* M2 G4 */
static void bh_item_cancels_a_highpri_one_that_has_just_returned(void **state)
{
	check_returns(cancel_first, system_bh_highpri_wq, system_bh_wq);
}

/* M2 */
static void bh_item_flushes_one_that_has_just_returned(void **state)
{
	check_returns(flush_first, system_bh_wq, system_bh_highpri_wq);
}

/* While the second item computes. */
static void check_nobody_waits_for_second(long (*wait)(void *arg), void *arg)
{
	struct call waiter;

	gate_init(&second_go);
	item_init_held(&second, &second_go);
	second.spins = true;
	meet(system_bh_wq, system_bh_highpri_wq);
	gate_open(&first.go);
	wait_until(item_is_running(&second));
	call_start(&waiter, wait, arg);
	call_join(&waiter);
	assert_true(item_is_running(&second));
	gate_open(&second_go);
	flush_work(&second.work);
}

/* M2 E1 */
static void flush_work_does_not_wait_for_who_has_the_next_turn(void **state)
{
	check_nobody_waits_for_second(do_flush_work, &first.item.work);
}

/* M2 G2 */
static void cancel_work_sync_does_not_wait_for_who_has_the_next_turn(void **state)
{
	check_nobody_waits_for_second(do_cancel_work_sync, &first.item.work);
}

/* M2 D1 */
static void flush_workqueue_does_not_wait_for_who_has_the_next_turn(void **state)
{
	check_nobody_waits_for_second(do_flush_workqueue, system_bh_wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(bh_highpri_item_cancels_a_normal_one_that_has_just_returned),
		api_test(bh_item_cancels_a_highpri_one_that_has_just_returned),
		api_test(bh_item_flushes_one_that_has_just_returned),
		api_test(flush_work_does_not_wait_for_who_has_the_next_turn),
		api_test(cancel_work_sync_does_not_wait_for_who_has_the_next_turn),
		api_test(flush_workqueue_does_not_wait_for_who_has_the_next_turn),
	};

	/* what went wrong kept the CPU's pools for ever */
	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
