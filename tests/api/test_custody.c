/* SPDX-License-Identifier: MIT */
/*
 * test_custody.c - what a work function changes of its thread and leaves so.
 *
 * A library that checks itself reports it, once for each function, and undoes it; others do
 * not look. Which of them this is, the first test finds out for the rest. Each has a process
 * of its own.
 */
#include "support/api.h"

#include <locale.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <workq/timer.h>

#define TOLD "a work function leaves its thread changed: "

static struct workqueue_struct *wq;

/* On the same thread, one after the other. */
static void run_both(work_func_t change, work_func_t look)
{
	struct work_struct first, second;

	wq = alloc_ordered_workqueue("custody", 0);
	INIT_WORK(&first, change);
	INIT_WORK(&second, look);
	queue_work(wq, &first);
	queue_work(wq, &second);
	flush_work(&second);
	destroy_workqueue(wq);
}

static atomic_bool is_clean;

/* ----------------------------------------------------------- what is changed */

static void unblock_signal(struct work_struct *work)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void look_for_signal(struct work_struct *work)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	atomic_store(&is_clean, sigismember(&set, SIGUSR1));
}

static void be_nice(struct work_struct *work)
{
	setpriority(PRIO_PROCESS, 0, 7);
}

static void look_for_nice(struct work_struct *work)
{
	atomic_store(&is_clean, getpriority(PRIO_PROCESS, 0) != 7);
}

static void take_name(struct work_struct *work)
{
	prctl(PR_SET_NAME, "mine");
}

static void look_for_name(struct work_struct *work)
{
	char name[16];

	prctl(PR_GET_NAME, name);
	atomic_store(&is_clean, strcmp(name, "mine") != 0);
}

static void pin_to_last(struct work_struct *work)
{
	pin_self(allowed_cpu(nr_allowed_cpus() - 1));
}

static void look_for_pin(struct work_struct *work)
{
	cpu_set_t set;

	pthread_getaffinity_np(pthread_self(), sizeof(set), &set);
	atomic_store(&is_clean, CPU_COUNT(&set) > 1);
}

static locale_t other_locale;

static void speak_otherwise(struct work_struct *work)
{
	uselocale(other_locale);
}

static void look_for_locale(struct work_struct *work)
{
	atomic_store(&is_clean, uselocale((locale_t)0) != other_locale);
}

static void refuse_to_be_cancelled(struct work_struct *work)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
}

static void look_for_cancel(struct work_struct *work)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	atomic_store(&is_clean, state == PTHREAD_CANCEL_ENABLE);
}

static void run_in_batch(struct work_struct *work)
{
	struct sched_param param = { 0 };

	syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &param);
}

static void look_for_batch(struct work_struct *work)
{
	atomic_store(&is_clean, syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
}

/* -------------------------------------------------------------------- tests */

/* A library that does not look reports nothing. */
static bool looks(void)
{
	bool told;

	run_both(be_nice, look_for_nice);
	told = report_says(TOLD);
	report_take();
	return told;
}

static void must_be_undone(work_func_t change, work_func_t look, const char *what)
{
	run_both(change, look);
	assert_true(report_says(TOLD) && report_says(what) && report_says("test_custody+0x"));
	assert_reported(1);
	assert_true(atomic_load(&is_clean));
	/* undone each time, reported once */
	run_both(change, look);
	assert_true(atomic_load(&is_clean));
}

/* T7 */
static void what_an_item_changes_is_reported_and_undone(void **state)
{
	if (!looks())
		skip();
	must_be_undone(unblock_signal, look_for_signal, "signal mask");
	must_be_undone(take_name, look_for_name, "thread name");
	must_be_undone(refuse_to_be_cancelled, look_for_cancel, "cancellation");
	must_be_undone(run_in_batch, look_for_batch, "scheduling policy");
	other_locale = newlocale(LC_ALL_MASK, "C", NULL);
	must_be_undone(speak_otherwise, look_for_locale, "locale");
	freelocale(other_locale);
}

/* T7 */
static void cpus_that_an_item_takes_are_undone(void **state)
{
	need_cpus(2);
	if (!looks())
		skip();
	run_both(pin_to_last, look_for_pin);
	assert_true(atomic_load(&is_clean));
	assert_reported(0);
}

static void describe(struct work_struct *work)
{
	sigset_t set, old;

	set_worker_desc("busy");
	/* who undoes it has changed nothing */
	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, &old);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = ENOTTY;
}

static void look_at_nothing(struct work_struct *work)
{
}

/* T7 */
static void items_that_leave_nothing_are_not_reported(void **state)
{
	run_both(describe, look_at_nothing);
	run_one_item_on(system_bh_wq);
	run_one_item_on(system_highpri_wq);
	assert_reported(0);
}

static struct gate fired;

static void rename_in_timer(struct timer_list *timer)
{
	prctl(PR_SET_NAME, "mine");
	gate_open(&fired);
}

/* T7 */
static void what_a_timers_function_changes_is_reported(void **state)
{
	DEFINE_TIMER(timer, rename_in_timer);

	if (!looks())
		skip();
	gate_init(&fired);
	mod_timer(&timer, jiffies);
	gate_wait(&fired);
	timer_delete_sync(&timer);
	assert_true(report_says(TOLD) && report_says("thread name"));
	assert_reported(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(what_an_item_changes_is_reported_and_undone),
		api_test(cpus_that_an_item_takes_are_undone),
		api_test(items_that_leave_nothing_are_not_reported),
		api_test(what_a_timers_function_changes_is_reported),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
