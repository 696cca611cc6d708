/* SPDX-License-Identifier: MIT */
/*
 * oncpu.c - calls that run a function elsewhere: on a CPU, on each, or where it may sleep.
 */
#include <errno.h>

#include <workq/workqueue.h>

#include "base/os.h"
#include "base/report.h"
#include "core/worker.h"
#include "ops/init.h"

struct call {
	struct work_struct work;
	long (*fn)(void *arg);
	void *arg;
	long result;
};

static void run_call(struct work_struct *work)
{
	struct call *call = container_of(work, struct call, work);

	call->result = call->fn(call->arg);
}

long work_on_cpu(int cpu, long (*fn)(void *arg), void *arg)
{
	struct call call = { .fn = fn, .arg = arg };

	if (!fn) {
		wq_warn("work_on_cpu() without a function", "");
		return -EINVAL;
	}
	if (!wq_init_use())
		return -EAGAIN;
	INIT_WORK(&call.work, run_call);
	schedule_work_on(cpu, &call.work);
	flush_work(&call.work);
	return call.result;
}

static void run_on_each(struct work_struct *works, work_func_t func)
{
	struct work_struct *work = works;
	unsigned int cpu;

	wq_cpuset_for_each(cpu, &wq_allowed_cpus)
	{
		INIT_WORK(work, func);
		schedule_work_on((int)cpu, work++);
	}
	while (work != works)
		flush_work(--work);
}

int schedule_on_each_cpu(work_func_t func)
{
	struct work_struct *works;

	if (!func) {
		wq_warn("schedule_on_each_cpu() without a function", "");
		return -EINVAL;
	}
	if (!wq_init_use())
		return -EAGAIN;
	works = wq_os_alloc(wq_cpuset_count(&wq_allowed_cpus) * sizeof(*works), sizeof(void *));
	if (!works)
		return -ENOMEM;
	run_on_each(works, func);
	wq_os_free(works);
	return 0;
}

int execute_in_process_context(work_func_t fn, struct execute_work *ew)
{
	if (!fn || !ew) {
		wq_warn("execute_in_process_context() without ", fn ? "an item" : "a function");
		return 0;
	}
	if (!wq_worker_self || !wq_worker_is_atomic(wq_worker_self)) {
		fn(&ew->work);
		return 0;
	}
	INIT_WORK(&ew->work, fn);
	schedule_work(&ew->work);
	return 1;
}
