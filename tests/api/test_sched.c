/* SPDX-License-Identifier: MIT */
/*
 * test_sched.c - set_current_state(), schedule() and wake_up_process(), in kthreads, in
 * workers, and in threads of the program's own; sleeping for some time.
 */
#include "support/api.h"
#include "support/delayed.h"
#include "support/kwork.h"

/* --------------------------------------------------------------- sleep and wake */

static void wake_up_process_before_schedule_is_not_lost(void **state)
{
	struct task_struct *self = workq_current_task();

	(void)state;
	assert_ptr_equal(workq_current_task(), self);
	for (int i = 0; i < 1000; i++) {
		set_current_state(i % 2 ? TASK_INTERRUPTIBLE : TASK_UNINTERRUPTIBLE);
		assert_int_equal(wake_up_process(self), 1);
		assert_int_equal(wake_up_process(self), 0);
		schedule();
	}
}

static void schedule_in_state_running_does_not_sleep(void **state)
{
	(void)state;
	schedule();
	set_current_state(TASK_IDLE);
	__set_current_state(TASK_RUNNING);
	schedule();
	assert_int_equal(wake_up_process(workq_current_task()), 0);
	assert_int_equal(schedule_timeout(MAX_SCHEDULE_TIMEOUT), MAX_SCHEDULE_TIMEOUT);
	assert_true(schedule_timeout(KFAR) > 0);
	assert_int_equal(cond_resched(), 0);
}

/* What is left over from an earlier wake-up must not end the next sleep. */
static void schedule_sleeps_until_woken(void **state)
{
	struct waiting waiting = { .value = 0 };
	struct task_struct *task = must_be_task(kthread_run(wait_for_stop, &waiting, "sleeper"));
	int wakes = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		wait_until(wake_up_process(task));
		wakes++;
		wait_until(atomic_load(&waiting.wakes) == wakes);
	}
	assert_not_yet(atomic_load(&waiting.wakes) != wakes);
	kthread_stop(task);
}

enum {
	LITMUS_ROUNDS = 60000,
};

struct litmus {
	atomic_int condition;
	atomic_int arrived; /* counts on, two for each barrier */
	struct task_struct *sleeper;
	int waker_cpu;
	int woken;    /* the waker's, between barriers */
	bool is_over; /* the sleeper's */
};

static void litmus_meet(struct litmus *litmus, int nr_meetings)
{
	atomic_fetch_add(&litmus->arrived, 1);
	for (int spins = 0; atomic_load(&litmus->arrived) < 2 * nr_meetings; spins++)
		if (spins > 1000)
			sched_yield();
}

/* So that the one side is earlier in some rounds, and the other one in others. */
static void litmus_dawdle(unsigned int *seed)
{
	for (volatile int left = rand_r(seed) / 16 % 32; left; left--)
		;
}

static long litmus_wake(void *arg)
{
	struct litmus *litmus = arg;
	unsigned int seed = 1;

	pin_self(litmus->waker_cpu);
	for (int round = 0;; round++) {
		litmus_meet(litmus, 2 * round + 1);
		if (litmus->is_over)
			return 0;
		litmus_dawdle(&seed);
		atomic_store_explicit(&litmus->condition, 1, memory_order_relaxed);
		litmus->woken = wake_up_process(litmus->sleeper);
		litmus_meet(litmus, 2 * round + 2);
	}
}

/* Either the one sees the condition, or the other one the state: nobody would sleep on. */
static void condition_and_state_are_never_both_missed(void **state)
{
	struct litmus litmus = { .sleeper = workq_current_task(), .waker_cpu = allowed_cpu(1) };
	long long end = rounds_end_ns();
	unsigned int seed = 2;
	struct call call;
	cpu_set_t before;
	int missed = 0;

	(void)state;
	need_cpus(2);
	pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	call_start(&call, litmus_wake, &litmus);
	pin_self(allowed_cpu(0));
	for (int round = 0;; round++) {
		int seen;

		litmus.is_over = round == LITMUS_ROUNDS || now_ns() > end;
		litmus_meet(&litmus, 2 * round + 1);
		if (litmus.is_over)
			break;
		litmus_dawdle(&seed);
		set_current_state(TASK_INTERRUPTIBLE);
		seen = atomic_load_explicit(&litmus.condition, memory_order_relaxed);
		litmus_meet(&litmus, 2 * round + 2);
		missed += !seen && !litmus.woken;
		__set_current_state(TASK_RUNNING);
		atomic_store(&litmus.condition, 0);
	}
	call_join(&call);
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	assert_int_equal(missed, 0);
}

struct sleeper {
	_Atomic(struct task_struct *) task;
	atomic_bool condition;
	atomic_long left;
	signed long timeout;
};

static long sleep_for_condition(void *arg)
{
	struct sleeper *sleeper = arg;

	set_current_state(TASK_UNINTERRUPTIBLE);
	atomic_store(&sleeper->task, workq_current_task());
	while (!atomic_load(&sleeper->condition)) {
		schedule();
		set_current_state(TASK_UNINTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 1;
}

static void thread_of_the_program_sleeps_and_is_woken(void **state)
{
	struct sleeper sleeper = { .timeout = 0 };
	struct call call;

	(void)state;
	call_start(&call, sleep_for_condition, &sleeper);
	wait_until(atomic_load(&sleeper.task));
	assert_true(call_blocks(&call));
	wake_up_process(atomic_load(&sleeper.task));
	assert_true(call_blocks(&call));
	atomic_store(&sleeper.condition, true);
	assert_int_equal(wake_up_process(atomic_load(&sleeper.task)), 1);
	assert_int_equal(call_join(&call), 1);
}

static long note_own_task(void *arg)
{
	atomic_store((_Atomic(struct task_struct *) *)arg, workq_current_task());
	return 0;
}

static void tasks_of_ended_threads_are_used_again(void **state)
{
	enum { THREADS = 700 };
	static struct task_struct *seen[THREADS];
	_Atomic(struct task_struct *) task = NULL;
	int distinct = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		struct call call;
		int at = 0;

		call_start(&call, note_own_task, (void *)&task);
		call_join(&call);
		assert_non_null(atomic_load(&task));
		while (at < distinct && seen[at] != atomic_load(&task))
			at++;
		if (at == distinct)
			seen[distinct++] = atomic_load(&task);
	}
	assert_true(distinct < THREADS / 2);
}

/* --------------------------------------------------------------------- timeouts */

static void schedule_timeout_sleeps_at_least_its_time(void **state)
{
	signed long (*const calls[])(signed long timeout) = { schedule_timeout_interruptible,
							      schedule_timeout_uninterruptible,
							      schedule_timeout_idle };

	(void)state;
	for (int i = 0; i < 3; i++) {
		long long begin = now_ns();

		assert_int_equal(calls[i](SOON), 0);
		assert_true(now_ns() - begin >= SOON * JIFFY_NS);
		assert_int_equal(calls[i](0), 0);
		assert_int_equal(wake_up_process(workq_current_task()), 0);
	}
}

static long sleep_for_long(void *arg)
{
	struct sleeper *sleeper = arg;

	set_current_state(TASK_INTERRUPTIBLE);
	atomic_store(&sleeper->task, workq_current_task());
	return schedule_timeout(sleeper->timeout);
}

static void schedule_timeout_woken_returns_what_is_left(void **state)
{
	static const signed long timeouts[] = { KFAR, LONG_MAX / 3, MAX_SCHEDULE_TIMEOUT };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sleeper sleeper = { .timeout = timeouts[i] };
		struct call call;
		long left;

		call_start(&call, sleep_for_long, &sleeper);
		wait_until(atomic_load(&sleeper.task));
		assert_true(call_blocks(&call));
		assert_int_equal(wake_up_process(atomic_load(&sleeper.task)), 1);
		left = call_join(&call);
		assert_true(left > 0 && left <= timeouts[i]);
		assert_true(left > timeouts[i] / 2);
	}
}

static void schedule_timeout_negative_is_reported_and_0(void **state)
{
	(void)state;
	set_current_state(TASK_INTERRUPTIBLE);
	assert_int_equal(schedule_timeout(-1), 0);
	assert_warned();
}

static void msleep_and_kin_sleep_at_least_their_time(void **state)
{
	long long begin = now_ns();

	(void)state;
	msleep(5);
	assert_true(now_ns() - begin >= 5 * JIFFY_NS);
	begin = now_ns();
	assert_int_equal(msleep_interruptible(5), 0);
	assert_true(now_ns() - begin >= 5 * JIFFY_NS);
	begin = now_ns();
	usleep_range(700, 900);
	assert_true(now_ns() - begin >= 700 * 1000);
	msleep(0);
	ssleep(0);
}

struct napper {
	atomic_bool inside;
	atomic_bool nap_is_over;
	atomic_bool is_back;
	atomic_ulong left;
};

static int nap_uninterruptibly(void *data)
{
	struct napper *napper = data;
	long long begin = now_ns();

	atomic_store(&napper->inside, true);
	msleep(50);
	atomic_store(&napper->nap_is_over, now_ns() - begin >= 50 * JIFFY_NS);
	atomic_store(&napper->is_back, true);
	return 0;
}

static int nap_until_stopped(void *data)
{
	struct napper *napper = data;

	atomic_store(&napper->inside, true);
	atomic_store(&napper->left, msleep_interruptible(3600000));
	return 0;
}

static void msleep_is_not_shortened_by_wakers_nor_by_stop(void **state)
{
	struct napper napper = { .left = 0 };
	struct task_struct *task = must_be_task(kthread_run(nap_uninterruptibly, &napper, "nap"));

	(void)state;
	wait_until(atomic_load(&napper.inside));
	/* not before it sleeps */
	wait_until(wake_up_process(task) || atomic_load(&napper.is_back));
	kthread_stop(task);
	assert_true(atomic_load(&napper.nap_is_over));
}

static void msleep_interruptible_ends_with_stop_not_with_wakers(void **state)
{
	struct napper napper = { .left = 0 };
	struct task_struct *task = must_be_task(kthread_run(nap_until_stopped, &napper, "nap"));

	(void)state;
	wait_until(wake_up_process(task));
	kthread_stop(task);
	assert_true(atomic_load(&napper.left) > 3000000);
}

/* ------------------------------------------------------------ in work functions */

struct pair {
	struct work_struct first, second;
	_Atomic(struct task_struct *) task;
	atomic_bool second_ran;
};

static void sleep_for_second(struct work_struct *work)
{
	struct pair *pair = container_of(work, struct pair, first);

	atomic_store(&pair->task, workq_current_task());
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (atomic_load(&pair->second_ran))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static void wake_first(struct work_struct *work)
{
	struct pair *pair = container_of(work, struct pair, second);

	atomic_store(&pair->second_ran, true);
	wake_up_process(atomic_load(&pair->task));
}

/* L2: who sleeps makes room for the next item of the CPU. */
static void schedule_in_a_work_function_lets_the_next_item_run(void **state)
{
	struct pair pair = { .second_ran = false };

	(void)state;
	INIT_WORK(&pair.first, sleep_for_second);
	INIT_WORK(&pair.second, wake_first);
	schedule_work_on(allowed_cpu(0), &pair.first);
	schedule_work_on(allowed_cpu(0), &pair.second);
	wait_until(atomic_load(&pair.second_ran));
	flush_work(&pair.first);
	flush_work(&pair.second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(wake_up_process_before_schedule_is_not_lost),
		api_test(condition_and_state_are_never_both_missed),
		api_test(schedule_in_state_running_does_not_sleep),
		api_test(schedule_sleeps_until_woken),
		api_test(thread_of_the_program_sleeps_and_is_woken),
		api_test(tasks_of_ended_threads_are_used_again),
		api_test(schedule_timeout_sleeps_at_least_its_time),
		api_test(schedule_timeout_woken_returns_what_is_left),
		api_test(schedule_timeout_negative_is_reported_and_0),
		api_test(msleep_and_kin_sleep_at_least_their_time),
		api_test(msleep_is_not_shortened_by_wakers_nor_by_stop),
		api_test(msleep_interruptible_ends_with_stop_not_with_wakers),
		api_test(schedule_in_a_work_function_lets_the_next_item_run),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
