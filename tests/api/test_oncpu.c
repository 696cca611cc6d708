/* SPDX-License-Identifier: MIT */
/*
 * test_oncpu.c - work_on_cpu() and schedule_on_each_cpu().
 */
#include <errno.h>
#include <sched.h>

#include "support/api.h"

enum { MAX_CPUS = 1024 };

static cpu_set_t allowed;

static void find_allowed(void)
{
	sched_getaffinity(0, sizeof(allowed), &allowed);
}

/* ---------------------------------------------------------------- one CPU */

struct visit {
	long value;
	int cpu;
	bool in_worker;
};

static long note_visit(void *arg)
{
	struct visit *visit = arg;

	visit->cpu = sched_getcpu();
	visit->in_worker = current_work() != NULL;
	return visit->value;
}

static void work_on_cpu_runs_there_and_returns_the_value(void **state)
{
	(void)state;
	find_allowed();
	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct visit visit = { .value = 1000000007L * (cpu + 1) };

		if (!CPU_ISSET(cpu, &allowed))
			continue;
		assert_int_equal(work_on_cpu(cpu, note_visit, &visit), visit.value);
		assert_int_equal(visit.cpu, cpu);
		assert_true(visit.in_worker);
	}
}

/* P3 */
static void work_on_cpu_not_allowed_runs_somewhere(void **state)
{
	struct visit visit = { .value = -5 };

	(void)state;
	find_allowed();
	assert_int_equal(work_on_cpu(MAX_CPUS, note_visit, &visit), -5);
	assert_true(CPU_ISSET(visit.cpu, &allowed));
	assert_int_equal(work_on_cpu(-1, note_visit, &visit), -5);
}

static long visit_again(void *arg)
{
	return work_on_cpu(sched_getcpu(), note_visit, arg) + 1;
}

/* The CPU goes on with the inner call while the outer one waits. */
static void work_on_cpu_within_itself_returns(void **state)
{
	struct visit visit = { .value = 41 };

	(void)state;
	assert_int_equal(work_on_cpu(sched_getcpu(), visit_again, &visit), 42);
}

/* --------------------------------------------------------------- each CPU */

static atomic_int nr_runs, nr_runs_on[MAX_CPUS];

static void note_run(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_runs_on[sched_getcpu() % MAX_CPUS], 1);
	atomic_fetch_add(&nr_runs, 1);
}

static void each_cpu_runs_the_function_once(void **state)
{
	(void)state;
	find_allowed();
	for (int round = 1; round <= 3; round++) {
		assert_int_equal(schedule_on_each_cpu(note_run), 0);
		assert_int_equal(atomic_load(&nr_runs), round * CPU_COUNT(&allowed));
		for (int cpu = 0; cpu < MAX_CPUS; cpu++)
			assert_int_equal(atomic_load(&nr_runs_on[cpu]),
					 CPU_ISSET(cpu, &allowed) ? round : 0);
	}
}

/* ------------------------------------------------------------------ misuse */

static void calls_without_a_function_are_reported(void **state)
{
	(void)state;
	assert_int_equal(work_on_cpu(0, NULL, NULL), -EINVAL);
	assert_int_equal(schedule_on_each_cpu(NULL), -EINVAL);
	assert_int_equal(report_take(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(work_on_cpu_runs_there_and_returns_the_value),
		api_test(work_on_cpu_not_allowed_runs_somewhere),
		api_test(work_on_cpu_within_itself_returns),
		api_test(each_cpu_runs_the_function_once),
		api_test(calls_without_a_function_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
