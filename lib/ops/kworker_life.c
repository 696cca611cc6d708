/* SPDX-License-Identifier: MIT */
/*
 * kworker_life.c - making and destroying kthread_workers with a thread of their own.
 */
#include <errno.h>

#include "base/os.h"
#include "base/report.h"
#include "base/symbol.h"
#include "ops/kthread.h"
#include "ops/kworker.h"

static struct kthread_worker *create(unsigned int flags, int cpu, const char *name)
{
	struct kthread_worker *worker = wq_os_alloc(sizeof(*worker), WQ_CACHE_LINE);
	struct task_struct *task;

	if (!worker)
		return ERR_PTR(-ENOMEM);
	kthread_init_worker(worker);
	worker->flags = flags;
	task = wq_kthread_create(kthread_worker_fn, worker, cpu, name);
	if (IS_ERR(task)) {
		wq_os_free(worker);
		return ERR_PTR(PTR_ERR(task));
	}
	worker->task = task;
	return worker;
}

struct kthread_worker *kthread_create_worker_on_node(unsigned int flags, int node,
						     const char *namefmt, ...)
{
	char buf[WQ_TASK_NAME_LEN];
	const char *name;
	va_list args;

	(void)node;
	va_start(args, namefmt);
	name = wq_kthread_name(buf, namefmt, args);
	va_end(args);
	return create(flags, -1, name);
}

struct kthread_worker *kthread_create_worker_on_cpu(int cpu, unsigned int flags,
						    const char *namefmt)
{
	char buf[WQ_TASK_NAME_LEN];

	return create(flags, cpu, wq_kthread_name_on(buf, namefmt, (unsigned int)cpu));
}

struct kthread_worker *workq_run_kthread_worker(struct kthread_worker *worker)
{
	if (!IS_ERR(worker))
		wake_up_process(worker->task);
	return worker;
}

static void report_left(unsigned int nr, uintptr_t function)
{
	struct wq_msg msg;
	char name[128];

	wq_symbol_name(function, name, sizeof(name));
	wq_msg_warning(&msg, "kthread_destroy_worker(): works queued or armed, left idle: ");
	wq_msg_number(&msg, nr);
	wq_msg_text(&msg, ", of function ");
	wq_msg_text(&msg, name);
	wq_msg_send(&msg);
}

void kthread_destroy_worker(struct kthread_worker *worker)
{
	struct task_struct *task = worker && !IS_ERR(worker) ? worker->task : NULL;
	kthread_work_func_t last = NULL;
	unsigned int nr;

	if (!task) {
		wq_warn("kthread_destroy_worker() without a worker that has a thread", "");
		return;
	}
	if (wq_kworker_is_caller(worker, "kthread_destroy_worker()"))
		return;
	kthread_flush_worker(worker);
	kthread_stop(task);
	nr = wq_kworker_take_all(worker, &last);
	if (nr)
		report_left(nr, (uintptr_t)last);
	wq_os_free(worker);
}
