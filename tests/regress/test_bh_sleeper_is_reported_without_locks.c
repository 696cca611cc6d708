/* SPDX-License-Identifier: MIT */
/*
 * test_bh_sleeper_is_reported_without_locks.c - asking the library back when it reports.
 *
 * A program's report function may call the library, say to learn more of what it was told.
 * That an item of a WQ_BH queue sleeps was reported with the lock of its pool held: a
 * report function that asked for anything of that pool hung, and with it the manager, so
 * that no worker was ever made again (debug builds aborted). The lock is dropped meanwhile.
 * The report functions of other tests only took notes.
 */
#include "support/api.h"
#include "support/shown.h"

static struct workqueue_struct *wq;
static struct blocker sleeper;
static struct item waiting;
static atomic_int busy_sleeper, busy_waiting;
static atomic_bool is_cancelled, has_asked;
static void (*ask)(void);

static void ask_what_is_busy(void)
{
	atomic_store(&busy_sleeper, (int)work_busy(&sleeper.item.work));
	atomic_store(&busy_waiting, (int)work_busy(&waiting.work));
}

static void ask_for_all(void)
{
	show_one_workqueue(wq);
	show_all_workqueues();
}

static void cancel_waiting(void)
{
	atomic_store(&is_cancelled, cancel_work(&waiting.work));
}

/* What is asked for comes by here too. */
static void ask_in_report(const char *line)
{
	shown_catch(line);
	if (!report_begins(line, "workq: WARNING: "))
		return;
	ask();
	atomic_store(&has_asked, true);
}

/* An item sleeps and another one waits; until that was reported, and the answers were there. */
static void sleep_until_reported(void (*ask_fn)(void))
{
	ask = ask_fn;
	atomic_store(&nr_shown, 0);
	workq_set_report_fn(ask_in_report);
	wq = alloc_workqueue("bh", WQ_BH | WQ_PERCPU, 0);
	assert_non_null(wq);
	blocker_start_on(&sleeper, allowed_cpu(0), wq);
	item_init(&waiting);
	assert_true(queue_work_on(allowed_cpu(0), wq, &waiting.work));
	wait_until(atomic_load(&has_asked));
	assert_true(report_says("sleeps while others wait"));
}

/* As ever afterwards, and the manager makes workers. */
static void end(int runs_of_waiting)
{
	blocker_release(&sleeper);
	flush_workqueue(wq);
	assert_int_equal(item_runs(&waiting), runs_of_waiting);
	destroy_workqueue(wq);
	wq = alloc_workqueue("high", WQ_UNBOUND | WQ_HIGHPRI, 0);
	run_one_item_on(wq);
	destroy_workqueue(wq);
	assert_warned();
}

/* M1 */
static void work_busy_in_the_report_of_a_sleeping_bh_item_answers(void **state)
{
	sleep_until_reported(ask_what_is_busy);
	assert_int_equal(atomic_load(&busy_sleeper), WORK_BUSY_RUNNING);
	assert_int_equal(atomic_load(&busy_waiting), WORK_BUSY_PENDING);
	end(1);
}

/* M1 */
static void showing_queues_in_the_report_of_a_sleeping_bh_item_shows_it(void **state)
{
	sleep_until_reported(ask_for_all);
	assert_shown("workqueue bh: ");
	assert_shown("in-flight: ");
	assert_shown("pending: ");
	end(1);
}

/* M2 G1 */
static void cancel_in_the_report_of_a_sleeping_bh_item_takes_back_who_waits(void **state)
{
	sleep_until_reported(cancel_waiting);
	assert_true(atomic_load(&is_cancelled));
	end(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(work_busy_in_the_report_of_a_sleeping_bh_item_answers),
		api_test(showing_queues_in_the_report_of_a_sleeping_bh_item_shows_it),
		api_test(cancel_in_the_report_of_a_sleeping_bh_item_takes_back_who_waits),
	};

	/* a sleeper is reported once per process */
	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
