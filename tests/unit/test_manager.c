/* SPDX-License-Identifier: MIT */
/*
 * test_manager.c - the manager samples while something runs, and then no more.
 *
 * The library is started; each test has a process of its own.
 */
#include "unit.h"

#include <workq/workqueue.h>

#include "core/manager.h"

static struct gate go;

static void wait_at_gate(struct work_struct *work)
{
	(void)work;
	gate_wait(&go);
}

static DECLARE_WORK(work, wait_at_gate);

static void manager_samples_as_long_as_an_item_runs(void)
{
	struct workqueue_struct *wq = alloc_workqueue("one", WQ_PERCPU | WQ_CPU_INTENSIVE, 0);

	must(wq);
	for (int i = 0; i < 3; i++) {
		gate_init(&go);
		must(queue_work(wq, &work));
		wait_until(work_busy(&work) & WORK_BUSY_RUNNING);
		gate_open(&go);
		flush_work(&work);
		/* for good: otherwise a program without work would not sleep */
		wait_until(!wq_manager_is_sampling());
	}
	destroy_workqueue(wq);
}

static void spin_at_gate(struct work_struct *spinning)
{
	(void)spinning;
	gate_spin(&go);
}

static void manager_samples_while_an_item_computes(void)
{
	static DECLARE_WORK(spinning, spin_at_gate);

	gate_init(&go);
	must(queue_work(system_dfl_wq, &spinning));
	wait_until(wq_manager_is_sampling());
	gate_open(&go);
	flush_work(&spinning);
	wait_until(!wq_manager_is_sampling());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(manager_samples_as_long_as_an_item_runs),
		child_test(manager_samples_while_an_item_computes),
	};

	return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
