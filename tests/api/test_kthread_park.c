/* SPDX-License-Identifier: MIT */
/*
 * test_kthread_park.c - parking kthreads, and having them go on. Each test has a process of its
 * own, since a kind of misuse may be reported once.
 */
#include <errno.h>

#include "support/api.h"
#include "support/kwork.h"

static struct task_struct *run_waiting(struct waiting *waiting)
{
	struct task_struct *task = must_be_task(kthread_run(wait_for_stop, waiting, "parker"));

	wait_until(atomic_load(&waiting->calls));
	return task;
}

static void kthread_park_returns_when_it_is_parked(void **state)
{
	struct waiting waiting = { .value = 4 };
	struct task_struct *task = run_waiting(&waiting);

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(kthread_park(task), 0);
		assert_true(atomic_load(&waiting.parks) > 0);
		assert_int_equal(wake_up_process(task), 0);
		kthread_unpark(task);
	}
	assert_int_equal(kthread_stop(task), 4);
}

struct slow {
	struct gate go;
	atomic_bool inside;
};

static int park_when_released(void *data)
{
	struct slow *slow = data;

	atomic_store(&slow->inside, true);
	gate_wait(&slow->go);
	while (!kthread_should_park())
		sched_yield();
	kthread_parkme();
	return 6;
}

/* A thread inside @fn, and a call that waits for it to park. It is to be put, too. */
static struct task_struct *start_to_park(struct slow *slow, int (*fn)(void *data),
					 struct call *call)
{
	struct task_struct *task = must_be_task(kthread_create(fn, slow, "slow"));

	get_task_struct(task);
	gate_init(&slow->go);
	atomic_init(&slow->inside, false);
	wake_up_process(task);
	wait_until(atomic_load(&slow->inside));
	call_start(call, do_kthread_park, task);
	assert_true(call_blocks(call));
	return task;
}

static void kthread_park_waits_for_parkme(void **state)
{
	struct task_struct *task;
	struct slow slow;
	struct call call;

	(void)state;
	task = start_to_park(&slow, park_when_released, &call);
	gate_open(&slow.go);
	assert_int_equal(call_join(&call), 0);
	kthread_unpark(task);
	assert_int_equal(kthread_stop_put(task), 6);
}

static void kthread_park_that_is_taken_back_returns(void **state)
{
	struct task_struct *task;
	struct slow slow;
	struct call call;

	(void)state;
	task = start_to_park(&slow, park_when_released, &call);
	kthread_unpark(task);
	assert_int_equal(call_join(&call), 0);
	gate_open(&slow.go);
	assert_int_equal(kthread_park(task), 0);
	kthread_unpark(task);
	assert_int_equal(kthread_stop_put(task), 6);
}

static void parked_thread_stays_until_unparked(void **state)
{
	struct waiting waiting = { .value = 0 };
	struct task_struct *task = run_waiting(&waiting);
	int wakes;

	(void)state;
	assert_int_equal(kthread_park(task), 0);
	wakes = atomic_load(&waiting.wakes);
	wake_up_process(task);
	assert_not_yet(atomic_load(&waiting.wakes) != wakes);
	kthread_unpark(task);
	wait_until(wake_up_process(task));
	wait_until(atomic_load(&waiting.wakes) != wakes);
	kthread_stop(task);
}

static void kthread_park_of_one_not_started_holds_the_function(void **state)
{
	struct waiting waiting = { .value = 8 };
	struct task_struct *task = must_be_task(kthread_create(wait_for_stop, &waiting, "new"));

	(void)state;
	assert_int_equal(kthread_park(task), 0);
	assert_not_yet(atomic_load(&waiting.calls));
	kthread_unpark(task);
	wait_until(atomic_load(&waiting.calls));
	assert_int_equal(kthread_stop(task), 8);
}

static void kthread_stop_of_one_parked_before_its_start_is_eintr(void **state)
{
	struct waiting waiting = { .value = 8 };
	struct task_struct *task = must_be_task(kthread_create(wait_for_stop, &waiting, "new"));

	(void)state;
	assert_int_equal(kthread_park(task), 0);
	assert_int_equal(kthread_stop(task), -EINTR);
	assert_int_equal(atomic_load(&waiting.calls), 0);
}

static void kthread_stop_ends_parking(void **state)
{
	struct waiting waiting = { .value = 9 };
	struct task_struct *task = run_waiting(&waiting);

	(void)state;
	assert_int_equal(kthread_park(task), 0);
	assert_int_equal(kthread_stop(task), 9);
}

static void kthread_unpark_of_one_not_parked_does_nothing(void **state)
{
	struct waiting waiting = { .value = 1 };
	struct task_struct *task = must_be_task(kthread_create(wait_for_stop, &waiting, "new"));

	(void)state;
	kthread_unpark(task);
	assert_not_yet(atomic_load(&waiting.calls));
	wake_up_process(task);
	kthread_unpark(task);
	assert_int_equal(kthread_stop(task), 1);
}

static void kthread_park_of_a_parked_one_is_ebusy(void **state)
{
	struct waiting waiting = { .value = 0 };
	struct task_struct *task = run_waiting(&waiting);

	(void)state;
	assert_int_equal(kthread_park(task), 0);
	assert_int_equal(kthread_park(task), -EBUSY);
	assert_warned();
	kthread_unpark(task);
	kthread_stop(task);
}

static int wait_for_gate(void *data)
{
	gate_wait(data);
	return 0;
}

static void kthread_park_of_one_that_ends_is_enosys(void **state)
{
	struct task_struct *task;
	struct call call;
	struct gate go;

	(void)state;
	gate_init(&go);
	task = must_be_task(kthread_create(wait_for_gate, &go, "ending"));
	get_task_struct(task);
	/* whether it is parked before its function or not */
	wake_up_process(task);
	gate_open(&go);
	kthread_stop(task);
	assert_int_equal(kthread_park(task), -ENOSYS);
	call_start(&call, do_kthread_park, task);
	assert_int_equal(call_join(&call), -ENOSYS);
	put_task_struct(task);
}

static int end_when_released(void *data)
{
	struct slow *slow = data;

	atomic_store(&slow->inside, true);
	gate_wait(&slow->go);
	return 0;
}

static void kthread_park_of_one_that_ends_meanwhile_is_enosys(void **state)
{
	struct task_struct *task;
	struct slow slow;
	struct call call;

	(void)state;
	task = start_to_park(&slow, end_when_released, &call);
	gate_open(&slow.go);
	assert_int_equal(call_join(&call), -ENOSYS);
	assert_int_equal(kthread_stop_put(task), 0);
}

static int park_itself(void *data)
{
	atomic_int *steps = data;

	if (kthread_park(workq_current_task()) || !kthread_should_park())
		return -1;
	atomic_fetch_add(steps, 1);
	kthread_parkme();
	atomic_fetch_add(steps, 1);
	return 0;
}

static void kthread_park_of_itself_parks_at_parkme(void **state)
{
	atomic_int steps = 0;
	struct task_struct *task = must_be_task(kthread_create(park_itself, &steps, "self"));

	(void)state;
	get_task_struct(task);
	wake_up_process(task);
	wait_until(atomic_load(&steps) == 1);
	assert_not_yet(atomic_load(&steps) != 1);
	kthread_unpark(task);
	assert_int_equal(kthread_stop_put(task), 0);
	assert_int_equal(atomic_load(&steps), 2);
}

static void kthread_worker_parks_and_keeps_its_works(void **state)
{
	struct kthread_worker *worker = kworker("parked");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	assert_int_equal(kthread_park(worker->task), 0);
	assert_true(kthread_queue_work(worker, kwork_work(&kwork)));
	assert_not_yet(kwork_runs(&kwork));
	kthread_unpark(worker->task);
	kthread_flush_work(kwork_work(&kwork));
	assert_int_equal(kwork_runs(&kwork), 1);
	kthread_destroy_worker(worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(kthread_park_returns_when_it_is_parked),
		api_test(kthread_park_waits_for_parkme),
		api_test(kthread_park_that_is_taken_back_returns),
		api_test(parked_thread_stays_until_unparked),
		api_test(kthread_park_of_one_not_started_holds_the_function),
		api_test(kthread_stop_of_one_parked_before_its_start_is_eintr),
		api_test(kthread_stop_ends_parking),
		api_test(kthread_unpark_of_one_not_parked_does_nothing),
		api_test(kthread_park_of_a_parked_one_is_ebusy),
		api_test(kthread_park_of_one_that_ends_is_enosys),
		api_test(kthread_park_of_one_that_ends_meanwhile_is_enosys),
		api_test(kthread_park_of_itself_parks_at_parkme),
		api_test(kthread_worker_parks_and_keeps_its_works),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
