/* SPDX-License-Identifier: MIT */
/*
 * test_timekeeping.c - timers and the world around them: whom they wake,
 * deferrable ones, a process that is stopped, clocks that begin elsewhere.
 *
 * Every test runs in a process of its own; some start the library in a child.
 */
#include "support/api.h"
#include "support/tick.h"
#include "support/timens.h"

/* ------------------------------------------------------------- the timer thread */

static long voluntary_switches(int tid)
{
	char path[64], line[128];
	long nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	f = fopen(path, "r");
	while (f && nr < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "voluntary_ctxt_switches: %ld", &nr);
	if (f)
		fclose(f);
	return nr;
}

/* Until it has gone to sleep for good, as far as one can see. */
static void wait_until_asleep(int tid)
{
	long long give_up = deadline_ns();
	long seen = -1;

	for (int same = 0; same < 10;) {
		long now = voluntary_switches(tid);

		same = now == seen && thread_state(tid) == 'S' ? same + 1 : 0;
		seen = now;
		if (now_ns() > give_up)
			missed_deadline(__FILE__, __LINE__, "the timer thread sleeps");
		nap_us(5000);
	}
}

/* Is there, and asleep: whatever it would do anyway, it has done. */
static int sleeping_timer_thread(void)
{
	struct tick tick;
	int tid;

	tick_init(&tick);
	mod_timer(&tick.timer, jiffies);
	check_fires(&tick, 1, 0);
	tid = timer_thread();
	assert_true(tid > 0);
	wait_until_asleep(tid);
	return tid;
}

/* ------------------------------------------------------- deferrable, WORKQ_DEFER_MS */

static int begin_with_defer_ms(const char *defer_ms, void **state)
{
	return setenv("WORKQ_DEFER_MS", defer_ms, 1) ? -1 : test_begin(state);
}

static int begin_patient(void **state)
{
	return begin_with_defer_ms("3600000", state);
}

static int begin_impatient(void **state)
{
	return begin_with_defer_ms("30", state);
}

#define patient_test(fn)   cmocka_unit_test_setup_teardown(fn, begin_patient, test_end)
#define impatient_test(fn) cmocka_unit_test_setup_teardown(fn, begin_impatient, test_end)

static bool arm_deferrable(struct delayed_item *item, struct workqueue_struct *wq)
{
	delayed_init(item);
	INIT_DEFERRABLE_WORK(&item->dwork, delayed_fn);
	item->due_ns = now_ns() + SOON * JIFFY_NS;
	return queue_delayed_work_on(allowed_cpu(0), wq, &item->dwork, SOON);
}

/* I2 */
static void deferrable_item_waits_until_another_timer_is_due(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item deferrable, usual;

	(void)state;
	sleeping_timer_thread();
	assert_true(arm_deferrable(&deferrable, wq));
	assert_not_yet(delayed_runs(&deferrable));
	assert_true(delayed_is_pending(&deferrable));
	delayed_init(&usual);
	assert_true(queue_delayed_work_on(allowed_cpu(0), wq, &usual.dwork, 1));
	wait_until(delayed_runs(&usual));
	wait_until(delayed_runs(&deferrable));
	assert_true(delayed_was_not_early(&deferrable));
	destroy_workqueue(wq);
}

/* I2 */
static void deferrable_item_alone_runs_some_time_later(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item deferrable;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_true(arm_deferrable(&deferrable, wq));
		wait_until(delayed_runs(&deferrable));
		assert_true(delayed_was_not_early(&deferrable));
		flush_work(&deferrable.dwork.work);
	}
	destroy_workqueue(wq);
}

static void deferrable_tick_init(struct tick *tick)
{
	tick_init(tick);
	timer_setup(&tick->timer, tick_fn, TIMER_DEFERRABLE);
}

static void arm_tick(struct timer_list *timer)
{
	mod_timer(timer, jiffies + SOON);
}

static void add_tick_on_cpu(struct timer_list *timer)
{
	timer->expires = jiffies + SOON;
	add_timer_on(timer, allowed_cpu(0));
}

static void check_deferred(void (*arm)(struct timer_list *timer))
{
	struct tick deferrable, usual;
	long long before;

	sleeping_timer_thread();
	deferrable_tick_init(&deferrable);
	before = now_ns();
	arm(&deferrable.timer);
	assert_not_yet(tick_calls(&deferrable));
	assert_true(timer_pending(&deferrable.timer));
	tick_init(&usual);
	mod_timer(&usual.timer, jiffies);
	check_fires(&usual, 1, 0);
	check_fires(&deferrable, 1, before + SOON * JIFFY_NS);
}

static void deferrable_timer_waits_until_another_timer_is_due(void **state)
{
	(void)state;
	check_deferred(arm_tick);
}

static void deferrable_timer_added_for_a_cpu_waits_too(void **state)
{
	(void)state;
	check_deferred(add_tick_on_cpu);
}

static void deferrable_timer_alone_fires_some_time_later(void **state)
{
	struct tick deferrable;
	long long before = now_ns();

	(void)state;
	deferrable_tick_init(&deferrable);
	assert_int_equal(mod_timer(&deferrable.timer, jiffies + SOON), 0);
	check_fires(&deferrable, 1, before + SOON * JIFFY_NS);
}

struct armed_on {
	int cpu;
	struct delayed_item item;
	struct tick tick;
};

static long arm_on_cpu(void *arg)
{
	struct armed_on *armed = arg;

	pin_self(armed->cpu);
	mod_timer(&armed->tick.timer, jiffies + SOON);
	return schedule_delayed_work(&armed->item.dwork, SOON);
}

/* I5 */
static void deferrable_item_and_timer_run_on_the_cpu_that_armed_them(void **state)
{
	(void)state;
	for (int nth = 0; nth < nr_allowed_cpus(); nth++) {
		struct armed_on armed = { .cpu = allowed_cpu(nth) };
		struct call call;

		delayed_init(&armed.item);
		INIT_DEFERRABLE_WORK(&armed.item.dwork, delayed_fn);
		deferrable_tick_init(&armed.tick);
		call_start(&call, arm_on_cpu, &armed);
		assert_true(call_join(&call));
		wait_until(delayed_runs(&armed.item));
		wait_until(tick_calls(&armed.tick));
		flush_work(&armed.item.dwork.work);
		timer_delete_sync(&armed.tick.timer);
		assert_int_equal(atomic_load(&armed.item.cpu), armed.cpu);
		assert_int_equal(atomic_load(&armed.tick.cpu), armed.cpu);
	}
}

/* It must not hold up those that are not. */
static void deferrable_items_do_not_delay_usual_ones(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item deferrable[8], usual;

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_true(arm_deferrable(&deferrable[i], wq));
	delayed_init(&usual);
	for (int i = 1; i <= 20; i++) {
		assert_true(delayed_arm(&usual, wq, i % 4));
		wait_until(delayed_runs(&usual) == i);
		assert_true(delayed_was_not_early(&usual));
		flush_work(&usual.dwork.work);
	}
	for (int i = 0; i < 8; i++)
		cancel_delayed_work_sync(&deferrable[i].dwork);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------------- idle */

enum {
	NR_FAR = 2000,
	MINUTE = 60 * HZ,
};

static struct delayed_item far_item[NR_FAR];
static struct tick far_tick[NR_FAR];

/* At all distances from a minute on: no slot of a wheel is to be looked at before. */
static void arm_far_ones(struct workqueue_struct *wq)
{
	unsigned int seed = 1;

	for (int i = 0; i < NR_FAR; i++) {
		delayed_init(&far_item[i]);
		tick_init(&far_tick[i]);
		if (i % 3 == 0)
			INIT_DEFERRABLE_WORK(&far_item[i].dwork, delayed_fn);
		assert_true(
			queue_delayed_work(wq, &far_item[i].dwork, MINUTE + rand_r(&seed) % FAR));
		mod_timer(&far_tick[i].timer, jiffies + MINUTE + (unsigned)rand_r(&seed));
	}
}

static void timer_thread_with_far_timers_only_never_wakes_up(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("far", WQ_UNBOUND, 0);
	long before;
	int tid;

	(void)state;
	arm_far_ones(wq);
	tid = sleeping_timer_thread();
	before = voluntary_switches(tid);
	assert_true(before >= 0);
	nap_us(2000000);
	assert_int_equal(voluntary_switches(tid), before);
	for (int i = 0; i < NR_FAR; i++) {
		assert_true(cancel_delayed_work_sync(&far_item[i].dwork));
		assert_int_equal(timer_delete_sync(&far_tick[i].timer), 1);
	}
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------- in other processes */

enum {
	NR_ITEMS = 200,
	EXIT_SKIP = 77,
};

static unsigned long spread = 400; /* of the delays, in jiffies */
static struct delayed_item child_item[NR_ITEMS];
static struct tick child_tick[NR_ITEMS];
static long long child_tick_due_ns[NR_ITEMS];

static void child_arm(struct workqueue_struct *wq)
{
	for (int i = 0; i < NR_ITEMS; i++) {
		unsigned long delay = 1 + (unsigned long)i * spread / NR_ITEMS;

		delayed_init(&child_item[i]);
		tick_init(&child_tick[i]);
		if (!delayed_arm(&child_item[i], wq, delay))
			_exit(2);
		child_tick_due_ns[i] = now_ns() + (long long)delay * JIFFY_NS;
		mod_timer(&child_tick[i].timer, jiffies + delay);
	}
}

static void child_check(void)
{
	for (int i = 0; i < NR_ITEMS; i++) {
		struct tick *tick = &child_tick[i];

		wait_until(delayed_runs(&child_item[i]));
		wait_until(tick_calls(tick));
		if (!delayed_was_not_early(&child_item[i]))
			_exit(3);
		if (atomic_load(&tick->early) ||
		    atomic_load(&tick->started_ns) < child_tick_due_ns[i])
			_exit(4);
	}
}

/* Arm, tell the parent, wait for all; the exit status is the verdict. */
static void child_main(int tell)
{
	struct workqueue_struct *wq = alloc_workqueue("child", WQ_PERCPU, 0);

	child_arm(wq);
	if (write(tell, "a", 1) != 1)
		_exit(5);
	child_check();
	destroy_workqueue(wq);
	for (int i = 0; i < NR_ITEMS; i++)
		if (timer_delete_sync(&child_tick[i].timer) || tick_calls(&child_tick[i]) != 1 ||
		    delayed_runs(&child_item[i]) != 1)
			_exit(6);
	_exit(0);
}

static int exit_status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* I2 */
static void process_stopped_and_continued_loses_nothing_and_fires_nothing_early(void **state)
{
	int fd[2], status = 0;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0)
		child_main(fd[1]);
	assert_int_equal(read(fd[0], &c, 1), 1);
	for (int i = 0; i < 2; i++) {
		kill(pid, SIGSTOP);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		if (!WIFSTOPPED(status))
			break; /* done before it could be stopped again */
		nap_us(150000);
		kill(pid, SIGCONT);
	}
	if (WIFSTOPPED(status))
		assert_int_equal(exit_status_of(pid), 0);
	else
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* In a process of its own, since a namespace is for all further children. */
static void shifted_parent(long long seconds, int tell)
{
	long long before = now_ns();
	int status;
	pid_t pid;

	if (!shift_clock_of_children(seconds * 1000000000))
		_exit(EXIT_SKIP);
	pid = fork();
	if (pid == 0) {
		if (now_ns() < before + (seconds - 1) * 1000000000)
			_exit(7);
		child_main(tell);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		_exit(8);
	_exit(WEXITSTATUS(status));
}

static void check_shifted(long long seconds)
{
	int fd[2], status;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0)
		shifted_parent(seconds, fd[1]);
	status = exit_status_of(pid);
	close(fd[0]);
	close(fd[1]);
	if (status == EXIT_SKIP)
		skip();
	assert_int_equal(status, 0);
}

/* I2 */
static void process_whose_clock_is_a_century_ahead_is_exact(void **state)
{
	(void)state;
	check_shifted(4000000000ll);
}

/* The count of jiffies goes beyond 32 bits within a second, and what is armed comes on both sides. */
/* I2 */
static void process_whose_clock_passes_49_days_is_exact(void **state)
{
	(void)state;
	spread = 1500;
	check_shifted((4294967296000000ll - now_ns()) / 1000000000);
}

/* I2 */
static void process_whose_clock_has_just_begun_is_exact(void **state)
{
	(void)state;
	check_shifted(-now_ns() / 1000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		patient_test(deferrable_item_waits_until_another_timer_is_due),
		impatient_test(deferrable_item_alone_runs_some_time_later),
		patient_test(deferrable_timer_waits_until_another_timer_is_due),
		patient_test(deferrable_timer_added_for_a_cpu_waits_too),
		impatient_test(deferrable_timer_alone_fires_some_time_later),
		impatient_test(deferrable_item_and_timer_run_on_the_cpu_that_armed_them),
		patient_test(deferrable_items_do_not_delay_usual_ones),
		api_test(timer_thread_with_far_timers_only_never_wakes_up),
		cmocka_unit_test(
			process_stopped_and_continued_loses_nothing_and_fires_nothing_early),
		cmocka_unit_test(process_whose_clock_is_a_century_ahead_is_exact),
		cmocka_unit_test(process_whose_clock_passes_49_days_is_exact),
		cmocka_unit_test(process_whose_clock_has_just_begun_is_exact),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
