/* SPDX-License-Identifier: MIT */
/*
 * test_kthread_worker.c - kthread_workers: order, flush, cancel, destroy, workers on threads of
 * one's own; misuse. Each test has a process of its own, since a kind of misuse may be reported
 * once.
 */
#include <errno.h>
#include <malloc.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/api.h"
#include "support/kwork.h"

enum {
	CROWD = 50,
};

/* ------------------------------------------------------------------------ queue */

static void works_run_one_at_a_time_in_the_order_queued(void **state)
{
	struct kthread_worker *worker = kworker("order");
	static struct trail trail;
	struct meter meter = { 0 };
	struct kwork first, crowd[CROWD];
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &first, &go);
	for (int i = 0; i < CROWD; i++) {
		kwork_init(&crowd[i]);
		crowd[i].id = i;
		crowd[i].trail = &trail;
		crowd[i].meter = &meter;
		assert_true(kthread_queue_work(worker, kwork_work(&crowd[i])));
	}
	gate_open(&go);
	kthread_flush_worker(worker);
	assert_true(trail_is_ascending(&trail, 0, CROWD));
	assert_int_equal(atomic_load(&meter.most), 1);
	kthread_destroy_worker(worker);
}

static void queue_is_true_when_idle_or_running_and_false_when_pending(void **state)
{
	struct kthread_worker *worker = kworker("queue");
	struct kwork kwork;
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &kwork, &go);
	assert_true(kthread_queue_work(worker, kwork_work(&kwork)));
	assert_false(kthread_queue_work(worker, kwork_work(&kwork)));
	gate_open(&go);
	kthread_flush_work(kwork_work(&kwork));
	assert_int_equal(kwork_runs(&kwork), 2);
	kthread_destroy_worker(worker);
}

struct mortal {
	struct kthread_work work;
	atomic_int *deaths;
};

static void free_itself(struct kthread_work *work)
{
	struct mortal *mortal = container_of(work, struct mortal, work);
	atomic_int *deaths = mortal->deaths;

	memset(mortal, 0xa5, sizeof(*mortal));
	free(mortal);
	atomic_fetch_add(deaths, 1);
}

static void function_may_free_its_work(void **state)
{
	struct kthread_worker *worker = kworker("free");
	atomic_int deaths = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct mortal *mortal = malloc(sizeof(*mortal));

		assert_non_null(mortal);
		mortal->deaths = &deaths;
		kthread_init_work(&mortal->work, free_itself);
		kthread_queue_work(worker, &mortal->work);
	}
	kthread_flush_worker(worker);
	assert_int_equal(atomic_load(&deaths), 300);
	kthread_destroy_worker(worker);
}

static void kthread_create_worker_is_started_by_its_first_work(void **state)
{
	int cpu = allowed_cpu(0);
	struct kthread_worker *worker = kthread_create_worker(0, "stopped/%d", cpu);
	struct kwork kwork;

	(void)state;
	assert_false(IS_ERR(worker));
	kthread_bind(worker->task, cpu);
	kwork_init(&kwork);
	kthread_queue_work(worker, kwork_work(&kwork));
	kthread_flush_work(kwork_work(&kwork));
	assert_int_equal(atomic_load(&kwork.cpu), cpu);
	kthread_destroy_worker(worker);
}

static void kthread_worker_on_a_cpu_runs_there(void **state)
{
	(void)state;
	for (int i = 0; i < 2 && i < nr_allowed_cpus(); i++) {
		int cpu = allowed_cpu(i);
		struct kthread_worker *worker =
			kthread_run_worker_on_cpu(cpu, KTW_FREEZABLE, "cpu/%u");
		struct kwork kwork;

		assert_false(IS_ERR(worker));
		assert_int_equal(worker->flags, KTW_FREEZABLE);
		kwork_init(&kwork);
		kthread_queue_work(worker, kwork_work(&kwork));
		kthread_flush_work(kwork_work(&kwork));
		assert_int_equal(atomic_load(&kwork.cpu), cpu);
		kthread_destroy_worker(worker);
	}
}

/* ------------------------------------------------------- threads of one's own */

static DEFINE_KTHREAD_WORKER(own_worker);
static atomic_int own_runs;

static void count_own_run(struct kthread_work *work)
{
	(void)work;
	atomic_fetch_add(&own_runs, 1);
}

static DEFINE_KTHREAD_WORK(own_work, count_own_run);

static void kthread_worker_fn_serves_what_was_queued_before(void **state)
{
	struct task_struct *task;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		assert_true(kthread_queue_work(&own_worker, &own_work));
		assert_null(own_worker.task);
		assert_int_equal(atomic_load(&own_runs), i - 1);
		task = must_be_task(kthread_run(kthread_worker_fn, &own_worker, "own"));
		kthread_flush_work(&own_work);
		assert_int_equal(atomic_load(&own_runs), i);
		assert_int_equal(kthread_stop(task), 0);
	}
}

static void kthread_init_worker_makes_it_as_its_definition_does(void **state)
{
	struct kthread_worker worker;
	struct task_struct *task;
	struct kwork kwork;

	(void)state;
	memset(&worker, 0xa5, sizeof(worker));
	kthread_init_worker(&worker);
	assert_int_equal(worker.flags, 0);
	assert_null(worker.task);
	assert_null(worker.current_work);
	kwork_init(&kwork);
	task = must_be_task(kthread_run(kthread_worker_fn, &worker, "own"));
	kthread_queue_work(&worker, kwork_work(&kwork));
	kthread_flush_worker(&worker);
	assert_int_equal(kwork_runs(&kwork), 1);
	kthread_stop(task);
}

/* ------------------------------------------------------------------------- idle */

static atomic_int served_by;

static void note_thread(struct kthread_work *work)
{
	(void)work;
	atomic_store(&served_by, (int)syscall(SYS_gettid));
}

static bool stays_asleep(int tid)
{
	for (int i = 0; i < 10; i++, nap_us(200))
		if (thread_state(tid) != 'S')
			return false;
	return true;
}

static void worker_without_works_sleeps(void **state)
{
	struct kthread_worker *worker = kworker("idle");
	DEFINE_KTHREAD_WORK(work, note_thread);

	(void)state;
	for (int i = 0; i < 3; i++) {
		kthread_queue_work(worker, &work);
		kthread_flush_work(&work);
		wait_until(stays_asleep(atomic_load(&served_by)));
	}
	kthread_destroy_worker(worker);
}

/* ----------------------------------------------------------------------- memory */

#if defined(__GLIBC__) && !TESTS_SANITIZED
#define MEMORY_IS_COUNTED __GLIBC_PREREQ(2, 33)
#else
#define MEMORY_IS_COUNTED 0
#endif

#if MEMORY_IS_COUNTED
enum {
	WARM_UP = 300, /* tasks are used again when hundreds have ended */
	WORKERS = 600,
};

static void make_and_destroy(int nr)
{
	for (int i = 0; i < nr; i++)
		kthread_destroy_worker(kworker("short"));
}

static void workers_that_are_destroyed_leave_no_memory(void **state)
{
	size_t before, after;

	(void)state;
	make_and_destroy(WARM_UP);
	before = mallinfo2().uordblks;
	make_and_destroy(WORKERS);
	after = mallinfo2().uordblks;
	assert_true(after < before + WORKERS * sizeof(struct kthread_worker) / 2);
}
#endif

/* ------------------------------------------------------------------------ flush */

static void flush_work_idle_returns(void **state)
{
	struct kthread_worker *worker = kworker("idle");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	kthread_flush_work(kwork_work(&kwork));
	kthread_queue_work(worker, kwork_work(&kwork));
	kthread_flush_work(kwork_work(&kwork));
	kthread_flush_work(kwork_work(&kwork));
	kthread_flush_worker(worker);
	assert_int_equal(kwork_runs(&kwork), 1);
	kthread_destroy_worker(worker);
}

static void flush_work_waits_for_its_run_and_not_for_later_works(void **state)
{
	struct kthread_worker *worker = kworker("flush");
	struct kwork first, second, third;
	struct gate go, third_go;
	struct call call;

	(void)state;
	kwork_run_until_released(worker, &first, &go);
	kwork_init(&second);
	kwork_init(&third);
	gate_init(&third_go);
	third.hold = &third_go;
	kthread_queue_work(worker, kwork_work(&second));
	kthread_queue_work(worker, kwork_work(&third));
	call_start(&call, do_kthread_flush_work, kwork_work(&first));
	assert_true(call_blocks(&call));
	gate_open(&go);
	call_join(&call);
	assert_int_equal(atomic_load(&first.finished), 1);
	kthread_flush_work(kwork_work(&second));
	assert_int_equal(atomic_load(&second.finished), 1);
	assert_int_equal(atomic_load(&third.finished), 0);
	kwork_release(&third);
	assert_int_equal(atomic_load(&third.finished), 1);
	kthread_destroy_worker(worker);
}

static void flush_work_running_and_pending_waits_for_the_pending_run(void **state)
{
	struct kthread_worker *worker = kworker("again");
	struct kwork kwork;
	struct call call;
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &kwork, &go);
	kthread_queue_work(worker, kwork_work(&kwork));
	call_start(&call, do_kthread_flush_work, kwork_work(&kwork));
	assert_true(call_blocks(&call));
	gate_open(&go);
	call_join(&call);
	assert_int_equal(atomic_load(&kwork.finished), 2);
	kthread_destroy_worker(worker);
}

static void flush_work_returns_when_the_run_is_cancelled(void **state)
{
	struct kthread_worker *worker = kworker("cancelled");
	struct kwork first, second;
	struct call call;
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &first, &go);
	kwork_init(&second);
	kthread_queue_work(worker, kwork_work(&second));
	call_start(&call, do_kthread_flush_work, kwork_work(&second));
	assert_true(call_blocks(&call));
	assert_true(kthread_cancel_work_sync(kwork_work(&second)));
	call_join(&call);
	assert_int_equal(atomic_load(&first.finished), 0);
	kwork_release(&first);
	kthread_destroy_worker(worker);
	assert_int_equal(kwork_runs(&second), 0);
}

static void flush_worker_waits_for_all_queued_before(void **state)
{
	struct kthread_worker *worker = kworker("all");
	struct kwork first, second, third;
	struct gate go, third_go;
	struct call call;

	(void)state;
	kthread_flush_worker(worker);
	kwork_run_until_released(worker, &first, &go);
	kwork_init(&second);
	kthread_queue_work(worker, kwork_work(&second));
	call_start(&call, do_kthread_flush_worker, worker);
	assert_true(call_blocks(&call));
	kwork_init(&third);
	gate_init(&third_go);
	third.hold = &third_go;
	kthread_queue_work(worker, kwork_work(&third));
	gate_open(&go);
	call_join(&call);
	assert_int_equal(atomic_load(&second.finished), 1);
	assert_int_equal(atomic_load(&third.finished), 0);
	kwork_release(&third);
	kthread_destroy_worker(worker);
}

/* Nothing is queued, but the worker is not idle. */
static void flush_worker_waits_for_the_one_that_runs(void **state)
{
	struct kthread_worker *worker = kworker("last");
	struct kwork last;
	struct gate go;
	struct call call;

	(void)state;
	kwork_run_until_released(worker, &last, &go);
	call_start(&call, do_kthread_flush_worker, worker);
	assert_true(call_blocks(&call));
	gate_open(&go);
	call_join(&call);
	assert_int_equal(atomic_load(&last.finished), 1);
	kthread_destroy_worker(worker);
}

/* ----------------------------------------------------------------------- cancel */

static void cancel_work_sync_says_whether_it_was_pending(void **state)
{
	struct kthread_worker *worker = kworker("cancel");
	struct kwork first, second;
	struct gate go;

	(void)state;
	kwork_init(&second);
	assert_false(kthread_cancel_work_sync(kwork_work(&second)));
	kwork_run_until_released(worker, &first, &go);
	kthread_queue_work(worker, kwork_work(&second));
	assert_true(kthread_cancel_work_sync(kwork_work(&second)));
	assert_false(kthread_cancel_work_sync(kwork_work(&second)));
	kwork_release(&first);
	kthread_flush_worker(worker);
	assert_int_equal(kwork_runs(&second), 0);
	assert_true(kthread_queue_work(worker, kwork_work(&second)));
	kthread_destroy_worker(worker);
	assert_int_equal(kwork_runs(&second), 1);
}

static void cancel_work_sync_running_waits_and_refuses_others(void **state)
{
	struct kthread_worker *worker = kworker("running");
	struct kwork kwork;
	struct call call[2];
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &kwork, &go);
	assert_true(kthread_queue_work(worker, kwork_work(&kwork)));
	call_start(&call[0], do_kthread_cancel_work_sync, kwork_work(&kwork));
	assert_true(call_blocks(&call[0]));
	assert_false(kthread_queue_work(worker, kwork_work(&kwork)));
	assert_false(kthread_queue_delayed_work(worker, &kwork.dwork, 1));
	assert_true(kthread_mod_delayed_work(worker, &kwork.dwork, 0));
	call_start(&call[1], do_kthread_cancel_work_sync, kwork_work(&kwork));
	assert_true(call_blocks(&call[1]));
	gate_open(&go);
	assert_int_equal(call_join(&call[0]), 1);
	assert_int_equal(call_join(&call[1]), 0);
	assert_int_equal(atomic_load(&kwork.finished), 1);
	assert_true(kthread_queue_work(worker, kwork_work(&kwork)));
	kthread_flush_work(kwork_work(&kwork));
	assert_int_equal(kwork_runs(&kwork), 2);
	kthread_destroy_worker(worker);
}

struct again {
	struct kthread_work work;
	struct kthread_worker *worker;
	atomic_int runs;
	atomic_bool is_stopping;
};

static void queue_itself(struct kthread_work *work)
{
	struct again *again = container_of(work, struct again, work);

	atomic_fetch_add(&again->runs, 1);
	if (!atomic_load(&again->is_stopping))
		kthread_queue_work(again->worker, work);
}

static void cancel_work_sync_stops_one_that_queues_itself(void **state)
{
	struct again again = { .worker = kworker("endless") };

	(void)state;
	kthread_init_work(&again.work, queue_itself);
	for (int i = 0; i < 20; i++) {
		int runs = atomic_load(&again.runs);

		assert_true(kthread_queue_work(again.worker, &again.work));
		wait_until(atomic_load(&again.runs) > runs + 3);
		kthread_cancel_work_sync(&again.work);
		runs = atomic_load(&again.runs);
		kthread_flush_worker(again.worker);
		assert_int_equal(atomic_load(&again.runs), runs);
	}
	kthread_destroy_worker(again.worker);
}

/* ---------------------------------------------------------------------- destroy */

static void destroy_worker_runs_what_is_queued(void **state)
{
	struct kthread_worker *worker = kworker("destroy");
	struct kwork crowd[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++) {
		kwork_init(&crowd[i]);
		kthread_queue_work(worker, kwork_work(&crowd[i]));
	}
	kthread_destroy_worker(worker);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(atomic_load(&crowd[i].finished), 1);
}

static void destroy_worker_never_started_works(void **state)
{
	struct kthread_worker *worker = kthread_create_worker(0, "unused");

	(void)state;
	assert_false(IS_ERR(worker));
	kthread_destroy_worker(worker);
}

static void destroy_worker_reports_one_that_queues_itself(void **state)
{
	struct again again = { .worker = kworker("destroy") };
	struct kthread_worker *other;

	(void)state;
	kthread_init_work(&again.work, queue_itself);
	kthread_queue_work(again.worker, &again.work);
	kthread_destroy_worker(again.worker);
	assert_reported(1);
	/* it is idle, and can be used again */
	atomic_store(&again.is_stopping, true);
	kthread_init_work(&again.work, queue_itself);
	other = kworker("other");
	assert_true(kthread_queue_work(other, &again.work));
	kthread_destroy_worker(other);
}

/* ----------------------------------------------------------------------- misuse */

static void work_on_a_second_worker_is_reported_each_time_and_runs(void **state)
{
	struct kthread_worker *one = kworker("one"), *two = kworker("two");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	for (int i = 0; i < 2; i++) {
		assert_true(kthread_queue_work(one, kwork_work(&kwork)));
		kthread_flush_worker(one);
		report_take();
		assert_true(kthread_queue_work(two, kwork_work(&kwork)));
		assert_reported(1);
		kthread_flush_worker(two);
	}
	assert_int_equal(kwork_runs(&kwork), 4);
	kthread_init_work(kwork_work(&kwork), kwork_fn);
	assert_true(kthread_queue_work(one, kwork_work(&kwork)));
	kthread_destroy_worker(one);
	kthread_destroy_worker(two);
}

struct selfish {
	struct kthread_work work;
	struct kthread_worker *worker;
	int what;
	atomic_int answer;
	atomic_bool done;
};

static void wait_for_itself(struct kthread_work *work)
{
	struct selfish *selfish = container_of(work, struct selfish, work);

	if (selfish->what == 0)
		kthread_flush_work(work);
	else if (selfish->what == 1)
		kthread_flush_worker(selfish->worker);
	else if (selfish->what == 2)
		atomic_store(&selfish->answer, kthread_queue_work(selfish->worker, work) &&
						       kthread_cancel_work_sync(work));
	else
		kthread_destroy_worker(selfish->worker);
	atomic_store(&selfish->done, true);
}

static void check_wait_for_itself(int what, int answer)
{
	struct selfish selfish = { .worker = kworker("selfish"), .what = what };

	kthread_init_work(&selfish.work, wait_for_itself);
	kthread_queue_work(selfish.worker, &selfish.work);
	wait_until(atomic_load(&selfish.done));
	kthread_destroy_worker(selfish.worker);
	assert_int_equal(atomic_load(&selfish.answer), answer);
	assert_warned();
}

static void flush_work_in_its_own_function_is_reported_and_not_waited(void **state)
{
	(void)state;
	check_wait_for_itself(0, 0);
}

static void flush_worker_in_its_own_function_is_reported_and_not_waited(void **state)
{
	(void)state;
	check_wait_for_itself(1, 0);
}

static void cancel_work_sync_in_its_own_function_is_reported_and_takes_back(void **state)
{
	(void)state;
	check_wait_for_itself(2, 1);
}

static void destroy_worker_in_its_own_function_is_reported(void **state)
{
	(void)state;
	check_wait_for_itself(3, 0);
}

static struct kthread_worker *volatile no_worker;
static struct kthread_work *volatile no_work;

static void calls_without_worker_or_work_are_reported_or_nothing(void **state)
{
	struct kthread_worker *worker = kworker("misuse");
	struct kthread_work zeroed = { .func = NULL };
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	assert_false(kthread_queue_work(no_worker, kwork_work(&kwork)));
	assert_warned();
	assert_false(kthread_queue_work(worker, no_work));
	assert_warned();
	assert_false(kthread_queue_work(worker, &zeroed));
	assert_warned();
	assert_false(kthread_queue_work(ERR_PTR(-ENOMEM), kwork_work(&kwork)));
	assert_warned();
	kthread_flush_work(no_work);
	assert_false(kthread_cancel_work_sync(no_work));
	kthread_flush_worker(no_worker);
	assert_warned();
	kthread_destroy_worker(no_worker);
	assert_warned();
	kthread_destroy_worker(worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(works_run_one_at_a_time_in_the_order_queued),
		api_test(queue_is_true_when_idle_or_running_and_false_when_pending),
		api_test(function_may_free_its_work),
		api_test(kthread_create_worker_is_started_by_its_first_work),
		api_test(kthread_worker_on_a_cpu_runs_there),
		api_test(kthread_worker_fn_serves_what_was_queued_before),
		api_test(kthread_init_worker_makes_it_as_its_definition_does),
		api_test(worker_without_works_sleeps),
#if MEMORY_IS_COUNTED
		api_test(workers_that_are_destroyed_leave_no_memory),
#endif
		api_test(flush_work_idle_returns),
		api_test(flush_work_waits_for_its_run_and_not_for_later_works),
		api_test(flush_work_running_and_pending_waits_for_the_pending_run),
		api_test(flush_work_returns_when_the_run_is_cancelled),
		api_test(flush_worker_waits_for_all_queued_before),
		api_test(flush_worker_waits_for_the_one_that_runs),
		api_test(cancel_work_sync_says_whether_it_was_pending),
		api_test(cancel_work_sync_running_waits_and_refuses_others),
		api_test(cancel_work_sync_stops_one_that_queues_itself),
		api_test(destroy_worker_runs_what_is_queued),
		api_test(destroy_worker_never_started_works),
		api_test(destroy_worker_reports_one_that_queues_itself),
		api_test(work_on_a_second_worker_is_reported_each_time_and_runs),
		api_test(flush_work_in_its_own_function_is_reported_and_not_waited),
		api_test(flush_worker_in_its_own_function_is_reported_and_not_waited),
		api_test(cancel_work_sync_in_its_own_function_is_reported_and_takes_back),
		api_test(destroy_worker_in_its_own_function_is_reported),
		api_test(calls_without_worker_or_work_are_reported_or_nothing),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
