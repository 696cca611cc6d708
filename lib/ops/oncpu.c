/* SPDX-License-Identifier: MIT */
/*
 * oncpu.c - calls that run a function elsewhere: on a CPU, on each, or where it may sleep.
 */
#include <errno.h>

#include <workq/workqueue.h>

#include "base/os.h"
#include "base/report.h"
#include "core/cpus.h"
#include "core/worker.h"
#include "core/wq.h"
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
	struct call call = { .fn = fn, .arg = arg, .result = -ESHUTDOWN };

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

static void run_on_each(const struct wq_cpuset *cpus, struct work_struct *works, work_func_t func)
{
	struct work_struct *work = works;
	unsigned int cpu;

	wq_cpuset_for_each(cpu, cpus)
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
	struct wq_cpuset cpus;

	if (!func) {
		wq_warn("schedule_on_each_cpu() without a function", "");
		return -EINVAL;
	}
	if (!wq_init_use())
		return -EAGAIN;
	if (wq_load_relaxed(&wq_is_shutting_down))
		return -ESHUTDOWN;
	wq_cpus_copy_allowed(&cpus);
	works = wq_os_alloc(wq_cpuset_count(&cpus) * sizeof(*works), sizeof(void *));
	if (!works)
		return -ENOMEM;
	run_on_each(&cpus, works, func);
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
