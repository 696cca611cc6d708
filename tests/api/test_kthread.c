/* SPDX-License-Identifier: MIT */
/*
 * test_kthread.c - kthreads: created stopped, started, stopped; their names, CPUs and
 * references; misuse. Each test has a process of its own, since a kind of misuse may be
 * reported once.
 */
#include <errno.h>

#include "support/api.h"
#include "support/kwork.h"

/* --------------------------------------------------------------- start and stop */

static void kthread_create_is_stopped_until_woken(void **state)
{
	struct waiting waiting = { .value = 7 };
	struct task_struct *task = must_be_task(kthread_create(wait_for_stop, &waiting, "stopped"));

	(void)state;
	assert_not_yet(atomic_load(&waiting.calls));
	assert_int_equal(wake_up_process(task), 1);
	wait_until(atomic_load(&waiting.calls));
	assert_int_equal(kthread_stop(task), 7);
	assert_int_equal(atomic_load(&waiting.calls), 1);
}

static void kthread_stop_of_one_never_started_is_eintr_and_no_call(void **state)
{
	struct waiting waiting = { .value = 7 };
	struct task_struct *task = must_be_task(kthread_create(wait_for_stop, &waiting, "new"));

	(void)state;
	assert_int_equal(kthread_stop(task), -EINTR);
	assert_int_equal(atomic_load(&waiting.calls), 0);
}

/* Those that have ended are used again, each once. */
static void kthreads_after_many_that_have_ended_are_several(void **state)
{
	struct waiting waiting = { .value = 7 };
	struct task_struct *task[4];

	(void)state;
	for (int i = 0; i < 300; i++)
		kthread_stop(must_be_task(kthread_create(wait_for_stop, &waiting, "gone")));
	/* by the second time several may be used again at once */
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++) {
			task[i] = must_be_task(kthread_create(wait_for_stop, &waiting, "again"));
			for (int other = 0; other < i; other++)
				assert_ptr_not_equal(task[i], task[other]);
		}
		for (int i = 0; i < 4; i++)
			assert_int_equal(kthread_stop(task[i]), -EINTR);
	}
}

static void kthread_stop_right_after_the_start_still_calls_the_function(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct waiting waiting = { .value = i };
		struct task_struct *task =
			must_be_task(kthread_run(wait_for_stop, &waiting, "%d", i));

		assert_int_equal(kthread_stop(task), i);
		assert_int_equal(atomic_load(&waiting.calls), 1);
	}
}

struct held {
	struct gate go;
	atomic_bool inside;
	atomic_bool saw_stop;
};

static int hold_until_released(void *data)
{
	struct held *held = data;

	atomic_store(&held->inside, true);
	gate_wait(&held->go);
	atomic_store(&held->saw_stop, kthread_should_stop());
	return 3;
}

static void kthread_stop_waits_for_the_function(void **state)
{
	struct held held = { .inside = false };
	struct task_struct *task;
	struct call call;

	(void)state;
	gate_init(&held.go);
	task = must_be_task(kthread_run(hold_until_released, &held, "held"));
	wait_until(atomic_load(&held.inside));
	call_start(&call, do_kthread_stop, task);
	assert_true(call_blocks(&call));
	gate_open(&held.go);
	assert_int_equal(call_join(&call), 3);
	assert_true(atomic_load(&held.saw_stop));
}

static int return_at_once(void *data)
{
	atomic_int *calls = data;

	return atomic_fetch_add(calls, 1) + 1;
}

static void kthread_stop_after_the_return_gives_the_value(void **state)
{
	atomic_int calls = 0;
	struct task_struct *task = must_be_task(kthread_run(return_at_once, &calls, "short"));

	(void)state;
	wait_until(atomic_load(&calls));
	assert_int_equal(kthread_stop(task), 1);
}

static void kthread_should_stop_is_false_in_other_threads(void **state)
{
	(void)state;
	assert_false(kthread_should_stop());
	assert_false(kthread_should_park());
	kthread_parkme();
}

/* ------------------------------------------------------------------- who frees */

enum {
	MANY = 900,
	KEPT = 300, /* more than are kept for late callers */
};

static bool is_among(struct task_struct *task, struct task_struct **seen, int nr)
{
	for (int i = 0; i < nr; i++)
		if (seen[i] == task)
			return true;
	return false;
}

static void kthreads_that_nobody_stops_are_used_again(void **state)
{
	static struct task_struct *seen[MANY];
	atomic_int calls = 0;
	int distinct = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct task_struct *task = must_be_task(kthread_run(return_at_once, &calls, "on"));

		wait_until(atomic_load(&calls) == i + 1);
		if (!is_among(task, seen, distinct))
			seen[distinct++] = task;
	}
	/* ended ones may still be on their way out */
	assert_true(distinct < MANY / 2);
}

static void value_is_kept_until_256_others_have_ended(void **state)
{
	atomic_int calls = 41, others = 0;
	struct task_struct *task = must_be_task(kthread_run(return_at_once, &calls, "first"));

	(void)state;
	wait_until(atomic_load(&calls) == 42);
	for (int i = 0; i < 255; i++)
		kthread_stop(must_be_task(kthread_run(return_at_once, &others, "other")));
	assert_int_equal(kthread_stop(task), 42);
}

static void reference_keeps_the_value_however_many_end(void **state)
{
	atomic_int calls = 41, others = 0;
	struct task_struct *task = must_be_task(kthread_create(return_at_once, &calls, "kept"));

	(void)state;
	assert_ptr_equal(get_task_struct(task), task);
	wake_up_process(task);
	for (int i = 0; i < KEPT; i++)
		kthread_stop(must_be_task(kthread_run(return_at_once, &others, "other")));
	assert_int_equal(kthread_stop_put(task), 42);
	assert_int_equal(atomic_load(&others), KEPT);
}

static void put_task_struct_without_reference_is_reported(void **state)
{
	atomic_int calls = 0;
	struct task_struct *task = must_be_task(kthread_run(return_at_once, &calls, "short"));

	(void)state;
	kthread_stop(task);
	put_task_struct(task);
	assert_warned();
}

/* ------------------------------------------------------------- names and CPUs */

struct looks {
	char name[32];
	int cpu;
	struct task_struct *self;
};

static int look_around(void *data)
{
	struct looks *looks = data;

	pthread_getname_np(pthread_self(), looks->name, sizeof(looks->name));
	looks->cpu = sched_getcpu();
	looks->self = workq_current_task();
	return 0;
}

static void kthread_has_the_name_of_its_format(void **state)
{
	struct looks looks;

	(void)state;
	kthread_stop(must_be_task(kthread_run(look_around, &looks, "disk-%d/%s", 12, "a")));
	assert_string_equal(looks.name, "disk-12/a");
	kthread_stop(must_be_task(kthread_run(look_around, &looks, "0123456789abcdefgh")));
	assert_string_equal(looks.name, "0123456789abcde");
}

static void kthread_data_and_func_and_current_are_what_was_given(void **state)
{
	struct looks looks = { .cpu = 0 };
	struct task_struct *task = must_be_task(kthread_create(look_around, &looks, "data"));

	(void)state;
	assert_ptr_equal(kthread_data(task), &looks);
	assert_true(kthread_func(task) == (void *)(uintptr_t)look_around);
	wake_up_process(task);
	kthread_stop(task);
	assert_ptr_equal(looks.self, task);
	assert_null(kthread_data(workq_current_task()));
	assert_null(kthread_func(workq_current_task()));
}

static void kthread_on_a_cpu_runs_there(void **state)
{
	(void)state;
	for (int i = 0; i < 2 && i < nr_allowed_cpus(); i++) {
		int cpu = allowed_cpu(i);
		struct looks looks;
		struct task_struct *task;
		char name[16];

		snprintf(name, sizeof(name), "bound/%d", cpu);
		kthread_stop(
			must_be_task(kthread_run_on_cpu(look_around, &looks, cpu, "bound/%u")));
		assert_int_equal(looks.cpu, cpu);
		assert_string_equal(looks.name, name);
		task = must_be_task(kthread_create_on_node(look_around, &looks, 0, "bind"));
		kthread_bind(task, cpu);
		wake_up_process(task);
		kthread_stop(task);
		assert_int_equal(looks.cpu, cpu);
	}
}

static void kthread_bind_to_a_cpu_that_is_not_there_is_noted(void **state)
{
	struct looks looks;
	struct task_struct *task = must_be_task(kthread_create(look_around, &looks, "nowhere"));

	(void)state;
	kthread_bind(task, 8191);
	wake_up_process(task);
	assert_int_equal(kthread_stop(task), 0);
	assert_noted(1);
}

static void kthread_bind_after_the_start_is_reported(void **state)
{
	struct waiting waiting = { .value = 0 };
	struct task_struct *task = must_be_task(kthread_run(wait_for_stop, &waiting, "started"));

	(void)state;
	kthread_bind(task, 0);
	assert_warned();
	kthread_stop(task);
}

/* ---------------------------------------------------------------------- misuse */

static void kthread_create_without_function_or_name_is_einval(void **state)
{
	int (*volatile no_function)(void *data) = NULL;
	const char *volatile no_name = NULL;

	(void)state;
	assert_int_equal(PTR_ERR(kthread_create(no_function, NULL, "x")), -EINVAL);
	assert_warned();
	assert_int_equal(PTR_ERR(kthread_create_on_cpu(wait_for_stop, NULL, 0, no_name)), -EINVAL);
	assert_warned();
	assert_int_equal(PTR_ERR(kthread_run(no_function, NULL, "x")), -EINVAL);
	assert_warned();
}

static void kthread_stop_of_what_is_no_kthread_is_reported(void **state)
{
	struct task_struct *volatile no_task = NULL;

	(void)state;
	assert_int_equal(kthread_stop(no_task), -EINVAL);
	assert_warned();
	assert_int_equal(kthread_stop(ERR_PTR(-ENOMEM)), -EINVAL);
	assert_warned();
	assert_int_equal(kthread_stop(workq_current_task()), -EINVAL);
	assert_warned();
	assert_int_equal(kthread_park(no_task), -ENOSYS);
	assert_warned();
	kthread_unpark(no_task);
	assert_warned();
	assert_int_equal(wake_up_process(no_task), 0);
	assert_warned();
}

static int stop_itself(void *data)
{
	*(int *)data = kthread_stop(workq_current_task());
	return 5;
}

static void kthread_stop_of_itself_is_reported_and_not_waited(void **state)
{
	int answer = 0;
	struct task_struct *task = must_be_task(kthread_create(stop_itself, &answer, "self"));

	(void)state;
	get_task_struct(task);
	wake_up_process(task);
	assert_int_equal(kthread_stop_put(task), 5);
	assert_int_equal(answer, -EINVAL);
	assert_warned();
}

static void kthread_stop_by_two_is_reported_and_both_get_the_value(void **state)
{
	struct held held = { .inside = false };
	struct task_struct *task;
	struct call call[2];

	(void)state;
	gate_init(&held.go);
	task = must_be_task(kthread_run(hold_until_released, &held, "twice"));
	for (int i = 0; i < 2; i++) {
		call_start(&call[i], do_kthread_stop, task);
		assert_true(call_blocks(&call[i]));
	}
	gate_open(&held.go);
	for (int i = 0; i < 2; i++)
		assert_int_equal(call_join(&call[i]), 3);
	assert_reported(1);
}

static void errors_and_pointers_are_told_apart(void **state)
{
	int object;

	(void)state;
	assert_true(IS_ERR(ERR_PTR(-ENOMEM)));
	assert_true(IS_ERR(ERR_PTR(-MAX_ERRNO)));
	assert_int_equal(PTR_ERR(ERR_PTR(-EINTR)), -EINTR);
	assert_false(IS_ERR(&object));
	assert_false(IS_ERR(NULL));
	assert_true(IS_ERR_OR_NULL(NULL));
	assert_false(IS_ERR_OR_NULL(&object));
	assert_int_equal(PTR_ERR_OR_ZERO(&object), 0);
	assert_int_equal(PTR_ERR_OR_ZERO(ERR_PTR(-EAGAIN)), -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(kthread_create_is_stopped_until_woken),
		api_test(kthread_stop_of_one_never_started_is_eintr_and_no_call),
		api_test(kthreads_after_many_that_have_ended_are_several),
		api_test(kthread_stop_right_after_the_start_still_calls_the_function),
		api_test(kthread_stop_waits_for_the_function),
		api_test(kthread_stop_after_the_return_gives_the_value),
		api_test(kthread_should_stop_is_false_in_other_threads),
		api_test(kthreads_that_nobody_stops_are_used_again),
		api_test(value_is_kept_until_256_others_have_ended),
		api_test(reference_keeps_the_value_however_many_end),
		api_test(put_task_struct_without_reference_is_reported),
		api_test(kthread_has_the_name_of_its_format),
		api_test(kthread_data_and_func_and_current_are_what_was_given),
		api_test(kthread_on_a_cpu_runs_there),
		api_test(kthread_bind_to_a_cpu_that_is_not_there_is_noted),
		api_test(kthread_bind_after_the_start_is_reported),
		api_test(kthread_create_without_function_or_name_is_einval),
		api_test(kthread_stop_of_what_is_no_kthread_is_reported),
		api_test(kthread_stop_of_itself_is_reported_and_not_waited),
		api_test(kthread_stop_by_two_is_reported_and_both_get_the_value),
		api_test(errors_and_pointers_are_told_apart),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
