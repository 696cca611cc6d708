/* SPDX-License-Identifier: MIT */
/*
 * test_kthread_steps.c - races of kthreads and kthread_workers, a few instructions wide: parking that
 * is taken back, timers that fire while their work is moved or cancelled.
 *
 * What the other thread does comes after any instruction of the one that is stepped through.
 */
#include "../support/meddle.h"
#include "unit.h"

#include <workq/kthread.h>
#include <workq/timer.h>

#include "lines.h"
#include "ops/kthread.h"
#include "ops/task.h"

static void need_steps_here(void)
{
	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	wq_report_set_fn(lines_catch);
}

/* -------------------------------------------------------------------- parking */

static atomic_bool is_over; /* the other one has come too late: it was parked */
static atomic_int parker_tid;
static atomic_long nr_rounds;

static void want_parked(struct task_struct *task)
{
	wq_fetch_or_acq_rel(&task->flags, (uint32_t)WQ_TASK_SHOULD_PARK);
}

static long take_back_at; /* from which instruction on, as soon as nobody has the lock */
static long taken_back_at;

/*
 * What kthread_unpark() does, but for its lock: the one who is interrupted may have it. What comes
 * after that need not be stepped through, and the next round is for a later instruction.
 */
static void take_back(long nth)
{
	struct task_struct *task = wq_task_self;

	if (nth < take_back_at || wq_load_relaxed(&wq_tasks_lock.word))
		return;
	step_end();
	taken_back_at = nth;
	wq_fetch_and_acq_rel(&task->flags, ~(uint32_t)WQ_TASK_SHOULD_PARK);
	wq_task_wake(task, WQ_TASK_PARKED);
}

/* Who sleeps for good may do so: nobody has taken it back since he was told to park. */
static bool is_rightly_parked(void)
{
	return taken_back_at < take_back_at;
}

static int park_in_steps(void *unused)
{
	(void)unused;
	atomic_store(&parker_tid, (int)wq_os_tid());
	for (take_back_at = 1; !atomic_load(&is_over); take_back_at = taken_back_at + 1) {
		want_parked(wq_task_self);
		step_begin(take_back);
		kthread_parkme();
		step_end();
		atomic_fetch_add(&nr_rounds, 1);
		must(wq_load_relaxed(&wq_task_self->state) == TASK_RUNNING);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Asleep for good, at some looks in a row, without a round more. */
static void wait_until_stuck(int tid)
{
	long long give_up = deadline_ns();
	long seen = -1;
	int asleep = 0;

	while (asleep < CALL_LOOKS_LATE) {
		must(now_ns() < give_up);
		asleep = thread_state(tid) == 'S' && atomic_load(&nr_rounds) == seen ? asleep + 1 :
										       0;
		seen = atomic_load(&nr_rounds);
		nap_us(2000);
	}
}

static void parking_that_is_taken_back_at_any_point_ends(void)
{
	struct task_struct *task;

	need_steps_here();
	task = kthread_run(park_in_steps, NULL, "parker");
	must(!IS_ERR(task));
	wait_until(atomic_load(&parker_tid));
	wait_until_stuck(atomic_load(&parker_tid));
	must(is_rightly_parked());
	must(atomic_load(&nr_rounds) > 20);
	atomic_store(&is_over, true);
	kthread_unpark(task);
	must(kthread_stop(task) == 0);
}

/* --------------------------------------------------------------------- waking */

static struct task_struct sleeper;
static bool has_woken, has_other_woken;

static void wake(void)
{
	has_woken = wq_task_wake(&sleeper, TASK_NORMAL);
}

static void wake_first(void)
{
	has_other_woken = wq_task_wake(&sleeper, TASK_NORMAL);
}

static void task_is_woken_by_one_of_two(void)
{
	need_steps_here();
	sleeper.state = TASK_INTERRUPTIBLE;
	for (long n = 1; meddle_after(n, wake, wake_first); n++) {
		must(has_woken != has_other_woken && sleeper.state == TASK_RUNNING);
		sleeper.state = TASK_INTERRUPTIBLE;
	}
}

/* ------------------------------------------- parking a worker between two works */

static struct kthread_worker *worker;
static struct kthread_work first, second;
static atomic_int nr_second;
/* The worker is to be parked, until some instructions later. */
static void begin_steps(struct kthread_work *work)
{
	(void)work;
	atomic_store(&parker_tid, (int)wq_os_tid());
	want_parked(wq_task_self);
	step_begin(take_back);
}

static void end_steps(struct kthread_work *work)
{
	(void)work;
	step_end();
	atomic_fetch_add(&nr_rounds, 1);
	atomic_fetch_add(&nr_second, 1);
}

/* False: it came too late. */
static bool was_served(int nr)
{
	long long give_up = deadline_ns();
	int asleep = 0;

	while (atomic_load(&nr_second) < nr && asleep < CALL_LOOKS_LATE) {
		must(now_ns() < give_up);
		asleep = thread_state(atomic_load(&parker_tid)) == 'S' ? asleep + 1 : 0;
		nap_us(500);
	}
	return atomic_load(&nr_second) == nr;
}

static void worker_whose_parking_is_taken_back_at_any_point_serves(void)
{
	int nr;

	need_steps_here();
	kthread_init_work(&first, begin_steps);
	kthread_init_work(&second, end_steps);
	worker = kthread_run_worker(0, "steps");
	must(!IS_ERR(worker));
	for (nr = 0; was_served(nr); nr++) {
		take_back_at = taken_back_at + 1;
		must(kthread_queue_work(worker, &first));
		must(kthread_queue_work(worker, &second));
	}
	must(is_rightly_parked());
	must(nr > 20);
	/* not asleep for another reason */
	must(wq_load_relaxed(&worker->task->state) == WQ_TASK_PARKED);
	kthread_unpark(worker->task);
	kthread_flush_worker(worker);
	kthread_destroy_worker(worker);
}

/* ---------------------------------------------------------------------- timers */

enum { STRIDE = 11 };

static struct kthread_delayed_work delayed;
static atomic_int nr_delayed;
static bool was_cancelled;

static void count_delayed(struct kthread_work *work)
{
	(void)work;
	atomic_fetch_add(&nr_delayed, 1);
}

/*
 * The timer fires: its callback comes, or waits for the lock that the caller may hold. Not if he
 * holds the timer's.
 */
static void fire(void)
{
	long long give_up = now_ns() + 30000000;

	while (timer_pending(&delayed.timer) && now_ns() < give_up)
		nap_us(200);
	nap_us(200);
}

static void mod_to_now(void)
{
	kthread_mod_delayed_work(worker, &delayed, 0);
}

static void cancel(void)
{
	was_cancelled = kthread_cancel_delayed_work_sync(&delayed);
}

static void begin_delayed(void)
{
	need_steps_here();
	kthread_init_delayed_work(&delayed, count_delayed);
	worker = kthread_run_worker(0, "delayed");
	must(!IS_ERR(worker));
}

static bool arm_and_meddle(long n, void (*call)(void))
{
	atomic_store(&nr_delayed, 0);
	must(kthread_queue_delayed_work(worker, &delayed, 10));
	return meddle_after(n, call, fire);
}

/* It is never lost: it runs, or twice, if it had begun when it was moved. */
static void timer_that_fires_while_its_work_is_moved_loses_nothing(void)
{
	begin_delayed();
	for (long n = 1; arm_and_meddle(n, mod_to_now); n += STRIDE) {
		wait_until(!timer_pending(&delayed.timer));
		/* a callback that was in time comes before this */
		timer_delete_sync(&delayed.timer);
		kthread_flush_worker(worker);
		must(atomic_load(&nr_delayed) == 1 || atomic_load(&nr_delayed) == 2);
	}
	kthread_destroy_worker(worker);
}

/* It has run before, or does not. */
static void timer_that_fires_while_its_work_is_cancelled_runs_nothing(void)
{
	int runs;

	begin_delayed();
	for (long n = 1; arm_and_meddle(n, cancel); n += STRIDE) {
		runs = atomic_load(&nr_delayed);
		must(runs == !was_cancelled);
		must(!timer_pending(&delayed.timer));
		kthread_flush_worker(worker);
		must(atomic_load(&nr_delayed) == runs);
	}
	kthread_destroy_worker(worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(parking_that_is_taken_back_at_any_point_ends),
		child_test(task_is_woken_by_one_of_two),
		child_test(worker_whose_parking_is_taken_back_at_any_point_serves),
		child_test(timer_that_fires_while_its_work_is_moved_loses_nothing),
		child_test(timer_that_fires_while_its_work_is_cancelled_runs_nothing),
	};

	return cmocka_run_group_tests_name("kthread_steps", tests, NULL, NULL);
}
