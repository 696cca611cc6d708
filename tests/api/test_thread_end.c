/* SPDX-License-Identifier: MIT */
/*
 * test_thread_end.c - work functions that end the thread they run on: by pthread_exit(), or
 * because it is cancelled. Also callbacks of timers, kthreads and their works.
 *
 * The item counts as returned, and whoever comes next finds a thread. Each test has a
 * process of its own: what a function did is reported once.
 */
#include "support/rescued.h"

#include <workq/kthread.h>

#define TOLD "an item ended its worker's thread: "

static struct gate go;
static atomic_int runs, tid;

static void exit_thread(struct work_struct *work)
{
	atomic_fetch_add(&runs, 1);
	pthread_exit(NULL);
}

static void exit_thread_too(struct work_struct *work)
{
	exit_thread(work);
}

static void exit_when_told(struct work_struct *work)
{
	atomic_store(&tid, (int)syscall(SYS_gettid));
	gate_wait(&go);
	exit_thread(work);
}

/* Until somebody cancels. */
static void sleep_for_good(struct work_struct *work)
{
	struct item *item = container_of(work, struct item, work);

	item->thread = pthread_self();
	atomic_fetch_add(&item->started, 1);
	for (;;)
		pause();
}

static void flush_ended(struct workqueue_struct *wq, work_func_t func)
{
	struct work_struct work;

	INIT_WORK(&work, func);
	assert_true(queue_work(wq, &work));
	flush_work(&work);
	assert_false(work_busy(&work));
}

static void start_held_end(struct workqueue_struct *wq, struct work_struct *work)
{
	gate_init(&go);
	INIT_WORK(work, exit_when_told);
	queue_work(wq, work);
	wait_until(atomic_load(&tid));
}

/* ------------------------------------------------------------------ workers */

/* T1 */
static void pthread_exit_of_item_of_any_queue_counts_as_return(void **state)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind((enum queue_kind)kind);

		for (int i = 0; i < 5; i++)
			flush_ended(wq, exit_thread);
		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
	assert_int_equal(atomic_load(&runs), 5 * NR_QUEUE_KINDS);
	assert_true(report_says(TOLD));
	assert_reported(1);
}

/* T1 */
static void pthread_exit_of_bh_item_passes_the_turn_on(void **state)
{
	pin_self(allowed_cpu(0));
	flush_ended(system_bh_wq, exit_thread);
	run_one_item_on(system_bh_highpri_wq);
	flush_ended(system_bh_highpri_wq, exit_thread);
	run_one_item_on(system_bh_wq);
	assert_reported(1);
}

/* T1 */
static void cancelled_worker_settles_its_item(void **state)
{
	struct workqueue_struct *wq;
	struct item item, next;

	/* neither of them knows what becomes of a thread that is cancelled as it sleeps */
	if (TESTS_SANITIZED)
		skip();
	wq = alloc_ordered_workqueue("ordered", 0);
	item_init(&item);
	item_init(&next);
	INIT_WORK(&item.work, sleep_for_good);
	queue_work(wq, &item.work);
	queue_work(wq, &next.work);
	wait_until(item_runs(&item));
	assert_int_equal(item_runs(&next), 0);
	assert_int_equal(pthread_cancel(item.thread), 0);
	flush_work(&next.work);
	assert_int_equal(item_runs(&next), 1);
	assert_false(work_busy(&item.work));
	destroy_workqueue(wq);
	assert_reported(1);
}

/* T1 */
static void waiters_of_an_item_that_ends_its_thread_are_released(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("waited", WQ_UNBOUND, 0);
	struct call flusher, canceller, queue_flusher, drainer;
	struct work_struct work;

	start_held_end(wq, &work);
	call_start(&flusher, do_flush_work, &work);
	call_start(&queue_flusher, do_flush_workqueue, wq);
	call_start(&drainer, do_drain_workqueue, wq);
	call_start(&canceller, do_cancel_work_sync, &work);
	assert_true(call_blocks(&flusher) && call_blocks(&queue_flusher));
	assert_true(call_blocks(&drainer) && call_blocks(&canceller));
	gate_open(&go);
	assert_true(call_join(&flusher));
	call_join(&queue_flusher);
	call_join(&drainer);
	assert_false(call_join(&canceller));
	destroy_workqueue(wq);
	assert_reported(1);
}

/* T1, B5 */
static void item_queued_again_before_its_thread_ends_runs_again(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("again", WQ_PERCPU, 1);
	struct work_struct work;

	start_held_end(wq, &work);
	assert_true(queue_work(wq, &work));
	gate_open(&go);
	flush_work(&work);
	assert_int_equal(atomic_load(&runs), 2);
	destroy_workqueue(wq);
	assert_reported(1);
}

/* T1 */
static void thread_of_an_item_that_ended_it_is_gone(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("gone", WQ_PERCPU, 0);
	struct work_struct work;

	start_held_end(wq, &work);
	gate_open(&go);
	flush_work(&work);
	wait_until(thread_state(atomic_load(&tid)) == '?');
	destroy_workqueue(wq);
	assert_reported(1);
}

static void block_and_exit(struct work_struct *work)
{
	workq_block_begin();
	exit_thread(work);
}

/* T1, L1 */
static void item_that_told_of_its_wait_is_counted_right_when_its_thread_ends(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("told", WQ_PERCPU, 0);
	int cpu = allowed_cpu(0);
	struct blocker blocker;
	struct item item;

	pin_self(cpu);
	flush_ended(wq, block_and_exit);
	blocker_spin_on(&blocker, cpu, wq);
	item_init(&item);
	queue_work_on(cpu, wq, &item.work);
	assert_int_equal(item_runs(&item), 0);
	blocker_release(&blocker);
	flush_work(&item.work);
	destroy_workqueue(wq);
	assert_reported(1);
}

/* T1 */
static void each_function_that_ends_threads_is_reported_once(void **state)
{
	flush_ended(system_percpu_wq, exit_thread);
	flush_ended(system_percpu_wq, exit_thread_too);
	flush_ended(system_percpu_wq, exit_thread);
	flush_ended(system_percpu_wq, exit_thread_too);
	assert_reported(2);
}

static pthread_key_t key;
static struct item used_by_destructor;
static atomic_int nr_destroyed;

static void use_library(void *value)
{
	queue_work(system_dfl_wq, &used_by_destructor.work);
	flush_work(&used_by_destructor.work);
	atomic_fetch_add(&nr_destroyed, current_work() == NULL);
}

static void leave_data_and_exit(struct work_struct *work)
{
	pthread_setspecific(key, &key);
	exit_thread(work);
}

/* T1 */
static void destructor_of_thread_local_data_runs_when_the_item_is_settled(void **state)
{
	pthread_key_create(&key, use_library);
	item_init(&used_by_destructor);
	flush_ended(system_percpu_wq, leave_data_and_exit);
	wait_until(atomic_load(&nr_destroyed) == 1);
	assert_int_equal(item_runs(&used_by_destructor), 1);
	assert_reported(1);
}

/* More items than the pool has workers: the rescuer gets one, too, when no more can be made. */
static void check_rescue(struct workqueue_struct *wq)
{
	enum { NR = 16 };
	static struct visit visits[NR];
	struct gate hold;
	int nr_rescued = 0;

	gate_init(&hold);
	threads_refuse();
	for (int i = 0; i < NR; i++) {
		visit_init_held(&visits[i], &hold);
		queue_work(wq, &visits[i].item.work);
	}
	while (!nr_rescued) {
		wait_for_refusals(1);
		for (int i = 0; i < NR; i++)
			nr_rescued += atomic_load(&visits[i].by_rescuer);
	}
	threads_allow();
	gate_open(&hold);
	flush_workqueue(wq);
}

/* T1, K1 */
static void rescuer_whose_item_ends_its_thread_is_replaced(void **state)
{
	struct workqueue_struct *wq = rescued_of_kind(R_UNBOUND, 0);
	struct work_struct work;
	struct item next;

	threads_refuse();
	start_held_end(wq, &work);
	item_init(&next);
	queue_work(wq, &next.work);
	atomic_store(&runs, 0);
	threads_allow();
	gate_open(&go);
	flush_work(&work);
	flush_work(&next.work);
	assert_int_equal(item_runs(&next), 1);
	wait_until(nr_threads_named("kworker/R-loose") == 1);
	check_rescue(wq);
	destroy_workqueue(wq);
	assert_true(report_says(TOLD));
	assert_told(1, 1);
}

/* ------------------------------------------------------------------- timers */

static atomic_int nr_fired;

static void exit_thread_of_timer(struct timer_list *timer)
{
	atomic_fetch_add(&nr_fired, 1);
	gate_wait(&go);
	pthread_exit(NULL);
}

static void count_timer(struct timer_list *timer)
{
	atomic_fetch_add(&nr_fired, 1);
}

/* T1 */
static void callback_that_ends_its_thread_holds_up_nobody(void **state)
{
	DEFINE_TIMER(ending, exit_thread_of_timer);
	DEFINE_TIMER(next, count_timer);
	struct call deleter;

	gate_init(&go);
	pin_self(allowed_cpu(0));
	mod_timer(&ending, jiffies);
	wait_until(atomic_load(&nr_fired) == 1);
	mod_timer(&next, jiffies);
	call_start(&deleter, do_timer_delete_sync, &ending);
	assert_true(call_blocks(&deleter));
	gate_open(&go);
	assert_false(call_join(&deleter));
	wait_until(atomic_load(&nr_fired) == 2);
	timer_delete_sync(&next);
	assert_true(report_says("a timer's function ended its worker's thread: "));
	assert_reported(1);
}

/* T1: no other timer of that CPU comes by, and would do it. */
static void callback_that_ends_its_thread_releases_who_waits_for_it(void **state)
{
	DEFINE_TIMER(ending, exit_thread_of_timer);
	struct call deleter;

	gate_init(&go);
	mod_timer(&ending, jiffies);
	wait_until(atomic_load(&nr_fired) == 1);
	call_start(&deleter, do_timer_delete_sync, &ending);
	assert_true(call_blocks(&deleter));
	gate_open(&go);
	assert_false(call_join(&deleter));
	assert_reported(1);
}

/* T1: those that were due at the same time as well. */
static void callback_that_ends_its_thread_is_followed_by_the_next(void **state)
{
	DEFINE_TIMER(ending, exit_thread_of_timer);
	DEFINE_TIMER(next, count_timer);
	unsigned long soon;

	gate_init(&go);
	pin_self(allowed_cpu(0));
	soon = jiffies + 2;
	mod_timer(&ending, soon);
	mod_timer(&next, soon);
	gate_open(&go);
	wait_until(atomic_load(&nr_fired) == 2);
	timer_delete_sync(&ending);
	timer_delete_sync(&next);
	wait_until(report_count());
	assert_reported(1);
}

/* ----------------------------------------------------------------- kthreads */

static int exit_kthread(void *data)
{
	pthread_exit(NULL);
	return 0;
}

/* T1 */
static void kthread_that_ends_itself_can_be_stopped(void **state)
{
	struct task_struct *task = kthread_create(exit_kthread, NULL, "ending");

	get_task_struct(task);
	wake_up_process(task);
	assert_int_equal(kthread_stop_put(task), -ECANCELED);
}

static void exit_kworker(struct kthread_work *work)
{
	gate_wait(&go);
	pthread_exit(NULL);
}

static void count_kwork(struct kthread_work *work)
{
	atomic_fetch_add(&runs, 1);
}

static long do_kthread_flush_work(void *work)
{
	kthread_flush_work(work);
	return 0;
}

/* T1 */
static void kthread_worker_goes_on_when_a_work_ends_its_thread(void **state)
{
	struct kthread_worker *worker = kthread_run_worker(0, "serving");
	DEFINE_KTHREAD_WORK(ending, exit_kworker);
	DEFINE_KTHREAD_WORK(next, count_kwork);
	struct call flusher;

	gate_init(&go);
	kthread_queue_work(worker, &ending);
	kthread_queue_work(worker, &next);
	call_start(&flusher, do_kthread_flush_work, &ending);
	assert_true(call_blocks(&flusher));
	gate_open(&go);
	call_join(&flusher);
	kthread_flush_work(&next);
	assert_int_equal(atomic_load(&runs), 1);
	kthread_destroy_worker(worker);
	assert_true(report_says("a kthread_work ended its worker's thread: "));
	assert_reported(1);
}

/* ------------------------------------------------------------------ longjmp */

static void jump_inside(struct work_struct *work)
{
	jmp_buf back;

	if (!setjmp(back))
		longjmp(back, 1);
	atomic_fetch_add(&runs, 1);
}

/* B1 */
static void longjmp_within_an_item_is_fine(void **state)
{
	flush_ended(system_percpu_wq, jump_inside);
	assert_int_equal(atomic_load(&runs), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(pthread_exit_of_item_of_any_queue_counts_as_return),
		api_test(pthread_exit_of_bh_item_passes_the_turn_on),
		api_test(cancelled_worker_settles_its_item),
		api_test(waiters_of_an_item_that_ends_its_thread_are_released),
		api_test(item_queued_again_before_its_thread_ends_runs_again),
		api_test(thread_of_an_item_that_ended_it_is_gone),
		api_test(item_that_told_of_its_wait_is_counted_right_when_its_thread_ends),
		api_test(each_function_that_ends_threads_is_reported_once),
		api_test(destructor_of_thread_local_data_runs_when_the_item_is_settled),
		api_test(rescuer_whose_item_ends_its_thread_is_replaced),
		api_test(callback_that_ends_its_thread_holds_up_nobody),
		api_test(callback_that_ends_its_thread_releases_who_waits_for_it),
		api_test(callback_that_ends_its_thread_is_followed_by_the_next),
		api_test(kthread_that_ends_itself_can_be_stopped),
		api_test(kthread_worker_goes_on_when_a_work_ends_its_thread),
		api_test(longjmp_within_an_item_is_fine),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
