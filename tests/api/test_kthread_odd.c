/* SPDX-License-Identifier: MIT */
/*
 * test_kthread_odd.c - kthreads and their workers as seldom used: on CPUs there are none of, with
 * names that lack something, without threads for a while, served by two, parked while they serve.
 *
 * Each test has a process of its own: a kind of misuse is reported once.
 */
#include "support/api.h"
#include "support/kwork.h"
#include "support/thread_stand_in.h"

#include <sys/prctl.h>

static char name_seen[32];

static int note_name(void *unused)
{
	(void)unused;
	prctl(PR_GET_NAME, name_seen);
	return 0;
}

static int wait_to_be_stopped(void *unused)
{
	(void)unused;
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void name_for_a_cpu_without_a_number_gets_it_at_the_end(void **state)
{
	struct task_struct *task;

	(void)state;
	task = kthread_create_on_cpu(note_name, NULL, 0, "odd%");
	assert_false(IS_ERR(task));
	get_task_struct(task);
	wake_up_process(task);
	assert_int_equal(kthread_stop_put(task), 0);
	assert_string_equal(name_seen, "odd0");
}

/* N2 */
static void kthread_bound_to_a_cpu_there_is_none_of_runs(void **state)
{
	static const unsigned int odd[] = { 100000, UINT_MAX - 1 };
	struct task_struct *task;

	(void)state;
	for (int i = 0; i < 2; i++) {
		task = kthread_create(wait_to_be_stopped, NULL, "lost%d", i);
		assert_false(IS_ERR(task));
		kthread_bind(task, odd[i]);
		wake_up_process(task);
		assert_int_equal(kthread_stop(task), 0);
	}
	assert_true(report_says("may not use the CPU of a kthread"));
	assert_noted(1);
}

/* ------------------------------------------------------------- lost threads */

static void exit_thread(struct kthread_work *work)
{
	(void)work;
	pthread_exit(NULL);
}

/* T1 */
static void bound_worker_that_has_lost_its_thread_gets_one_there_as_soon_as_can_be(void **state)
{
	DEFINE_KTHREAD_WORK(end, exit_thread);
	struct kthread_worker *worker;
	struct kwork next;
	int cpu = sched_getcpu();

	(void)state;
	worker = kthread_create_worker_on_cpu(cpu, 0, "bound/%u");
	assert_false(IS_ERR(worker));
	wake_up_process(worker->task);
	kwork_init(&next);
	kthread_queue_work(worker, kwork_work(&next));
	kthread_flush_worker(worker);
	threads_refuse();
	kthread_queue_work(worker, &end);
	kthread_queue_work(worker, kwork_work(&next));
	wait_until(atomic_load(&nr_threads_refused) >= 2);
	assert_int_equal(kwork_runs(&next), 1);
	threads_allow();
	kthread_flush_worker(worker);
	assert_int_equal(kwork_runs(&next), 2);
	assert_int_equal(atomic_load(&next.cpu), cpu);
	kthread_destroy_worker(worker);
	assert_true(report_says("no thread for a kthread_worker"));
	report_take();
}

/* ----------------------------------------------------------- serving */

static void worker_served_by_two_threads_is_reported(void **state)
{
	struct kthread_worker *worker = kworker("two");
	struct task_struct *second;
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	kthread_queue_work(worker, kwork_work(&kwork));
	kthread_flush_worker(worker);
	second = kthread_run(kthread_worker_fn, worker, "second");
	assert_false(IS_ERR(second));
	wait_until(report_says("two threads serve one kthread_worker"));
	kthread_stop(second);
	report_take();
}

/* Parked, it serves nobody; unparked, all that was queued. */
static void worker_that_is_parked_serves_later(void **state)
{
	struct kthread_worker *worker = kworker("parked");
	struct task_struct *task = worker->task;
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	for (int i = 1; i <= 20; i++) {
		assert_int_equal(kthread_park(task), 0);
		assert_true(kthread_queue_work(worker, kwork_work(&kwork)));
		assert_int_equal(kwork_runs(&kwork), i - 1);
		kthread_unpark(task);
		kthread_flush_worker(worker);
		assert_int_equal(kwork_runs(&kwork), i);
	}
	kthread_destroy_worker(worker);
}

/* ------------------------------------------------------- destroyed in between */

static struct gate may_end;
static atomic_bool has_served;

static int serve_and_stay(void *worker)
{
	kthread_worker_fn(worker);
	atomic_store(&has_served, true);
	gate_wait(&may_end);
	return 0;
}

static long flush(void *worker)
{
	kthread_flush_worker(worker);
	return 0;
}

static long destroy(void *worker)
{
	kthread_destroy_worker(worker);
	return 0;
}

/* What nobody will serve any more is taken back, and who waits for it let go. */
static void flush_of_a_worker_that_ends_returns(void **state)
{
	struct kthread_worker *worker;
	struct call destroyer, flusher;
	struct kwork kwork;

	(void)state;
	/* the worker was not made by kthread_create_worker(), whose task nobody changes */
	if (TESTS_THREAD_SANITIZED)
		skip();
	gate_init(&may_end);
	worker = aligned_alloc(64, sizeof(*worker));
	assert_non_null(worker);
	kthread_init_worker(worker);
	assert_false(IS_ERR(kthread_run(serve_and_stay, worker, "stays")));
	wait_until(__atomic_load_n(&worker->task, __ATOMIC_RELAXED));
	call_start(&destroyer, destroy, worker);
	wait_until(atomic_load(&has_served));
	kwork_init(&kwork);
	assert_true(kthread_queue_work(worker, kwork_work(&kwork)));
	call_start(&flusher, flush, worker);
	assert_true(call_blocks(&flusher));
	gate_open(&may_end);
	call_join(&destroyer);
	call_join(&flusher);
	assert_int_equal(kwork_runs(&kwork), 0);
	assert_true(report_says("left idle: 1, of function ") &&
		    report_says("test_kthread_odd+0x"));
	assert_reported(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(name_for_a_cpu_without_a_number_gets_it_at_the_end),
		api_test(kthread_bound_to_a_cpu_there_is_none_of_runs),
		api_test(bound_worker_that_has_lost_its_thread_gets_one_there_as_soon_as_can_be),
		api_test(worker_served_by_two_threads_is_reported),
		api_test(worker_that_is_parked_serves_later),
		api_test(flush_of_a_worker_that_ends_returns),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
