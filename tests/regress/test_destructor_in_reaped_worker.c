/* SPDX-License-Identifier: MIT */
/*
 * test_destructor_in_reaped_worker.c - thread-local data outlives the worker.
 *
 * A work function may leave thread-local data behind; its destructor is called when the
 * worker, idle for long, ends. By then the worker's slot was given back, but the thread
 * still passed for a worker. If the destructor waited in the library, the slot was
 * counted as blocked: the pool's count of running workers went from 0 to the largest
 * number there is, and the CPU started nothing any more while the destructor waited.
 * The thread now stops being a worker before it gives its slot back.
 */
#include "support/api.h"

enum {
	CROWD = 6, /* blocked at once, so that most of their workers are too many later */
};

static pthread_key_t key;
static struct gate crowd_go;
static atomic_int nr_blocked;

static struct blocker slow;
static atomic_int nr_exiting, nr_exited, waiting_tid;

static void wait_for_slow(void *value)
{
	if (atomic_fetch_add(&nr_exiting, 1) == 0) {
		atomic_store(&waiting_tid, (int)syscall(SYS_gettid));
		flush_work(&slow.item.work);
	}
	atomic_fetch_add(&nr_exited, 1);
}

static void leave_value(struct work_struct *work)
{
	pthread_setspecific(key, &key);
	atomic_fetch_add(&nr_blocked, 1);
	workq_block_begin();
	gate_wait(&crowd_go);
	workq_block_end();
}

/* Many workers of the CPU end; the first one waits in its destructor. */
static void reap_workers(int cpu)
{
	struct work_struct work[CROWD];

	gate_init(&crowd_go);
	for (int i = 0; i < CROWD; i++) {
		INIT_WORK(&work[i], leave_value);
		queue_work_on(cpu, system_percpu_wq, &work[i]);
	}
	wait_until(atomic_load(&nr_blocked) == CROWD);
	gate_open(&crowd_go);
	for (int i = 0; i < CROWD; i++)
		flush_work(&work[i]);
	wait_until(atomic_load(&waiting_tid));
}

/* L1: whoever is not a worker holds nobody off */
static void destructor_waiting_in_reaped_worker_holds_up_no_item(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("slow", WQ_UNBOUND, 0);
	int cpu = allowed_cpu(0);
	struct item item[3];

	blocker_start(&slow, wq);
	reap_workers(cpu);
	wait_until(thread_state(atomic_load(&waiting_tid)) == 'S');
	for (int i = 0; i < 3; i++) {
		item_init(&item[i]);
		assert_true(queue_work_on(cpu, system_percpu_wq, &item[i].work));
		wait_until(item_runs(&item[i]) == 1);
		flush_work(&item[i].work);
	}
	blocker_release(&slow);
	wait_until(atomic_load(&nr_exited) == atomic_load(&nr_exiting));
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(destructor_waiting_in_reaped_worker_holds_up_no_item),
	};

	setenv("WORKQ_IDLE_TIMEOUT_MS", "50", 1);
	if (pthread_key_create(&key, wait_for_slow))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
