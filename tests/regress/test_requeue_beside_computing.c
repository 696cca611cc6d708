/* SPDX-License-Identifier: MIT */
/*
 * test_requeue_beside_computing.c - an item that requeues itself must give way, too.
 *
 * X announces a wait with workq_block_begin(), so Y starts on the same CPU and computes.
 * X comes back: two run on one CPU, and no further item may start until one is through
 * (L2). But X queued itself, and the library put such an item on its worker's own list
 * at once, to spare a wake-up; that list was served without asking whether others run.
 * X ran beside Y for as long as it went on, tens of thousands of times. The short cut is
 * now taken only by a worker that is alone. The same for a CPU_INTENSIVE X: it does not
 * count while it runs, but its start does, so "alone" must not count it either.
 */
#include "support/api.h"

static struct blocker computing; /* Y */
static struct gate go;

/* X */
static struct {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int runs, tid;
} requeuer;

static void wait_and_requeue(struct work_struct *work)
{
	if (atomic_fetch_add(&requeuer.runs, 1) == 0) {
		workq_block_begin();
		atomic_store(&requeuer.tid, (int)syscall(SYS_gettid));
		gate_wait(&go);
		workq_block_end();
	}
	if (!gate_is_open(&computing.go))
		queue_work_on(allowed_cpu(0), requeuer.wq, work);
}

/* As long as it runs again and again it does not sleep. */
static void assert_sleeps_after_one_run(int tid)
{
	for (int asleep = 0; asleep < 5;) {
		assert_int_equal(atomic_load(&requeuer.runs), 1);
		asleep = thread_state(tid) == 'S' ? asleep + 1 : 0;
		nap_us(1000);
	}
}

static void requeue_on(struct workqueue_struct *wq)
{
	int cpu = allowed_cpu(0);

	gate_init(&go);
	requeuer.wq = wq;
	atomic_store(&requeuer.runs, 0);
	atomic_store(&requeuer.tid, 0);
	INIT_WORK(&requeuer.work, wait_and_requeue);
	assert_true(queue_work_on(cpu, wq, &requeuer.work));
	wait_until(atomic_load(&requeuer.tid));
	blocker_spin_on(&computing, cpu, system_percpu_wq);
	gate_open(&go);
	wait_until(work_pending(&requeuer.work));
	assert_sleeps_after_one_run(atomic_load(&requeuer.tid));
	blocker_release(&computing);
	flush_work(&requeuer.work);
	assert_int_equal(atomic_load(&requeuer.runs), 2);
}

/* L2 */
static void requeue_by_item_beside_a_computing_one_waits_for_it(void **state)
{
	requeue_on(system_percpu_wq);
}

/* L2, L3 */
static void requeue_by_intensive_item_beside_a_computing_one_waits_for_it(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("intensive", WQ_PERCPU | WQ_CPU_INTENSIVE, 0);

	assert_non_null(wq);
	requeue_on(wq);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(requeue_by_item_beside_a_computing_one_waits_for_it),
		api_test(requeue_by_intensive_item_beside_a_computing_one_waits_for_it),
	};

	/* nobody is to be looked for who sleeps without saying so */
	setenv("WORKQ_SAMPLE_US", "1000000", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
