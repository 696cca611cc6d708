/* SPDX-License-Identifier: MIT */
/*
 * task.c - the life of tasks, and their sleep (contracts in task.h).
 */
#include "ops/task.h"

#include "base/report.h"
#include "ops/init.h"

/* A task is used again when so many have ended after it. */
#define NR_KEPT 256u

struct wq_lock wq_tasks_lock = WQ_LOCK_INITIALIZER(WQ_RANK_TASK);

static struct wq_list dead = { &dead, &dead }; /* P: tasks without references, oldest first */
static unsigned int nr_dead;                   /* P: length of dead */

/* C: the thread's own */
__thread struct task_struct *wq_task_self __attribute__((tls_model("initial-exec")));

/* ---------------------------------------------------------------- life */

static struct task_struct *take_dead(void)
{
	struct wq_list *node = dead.next;

	wq_list_del(node);
	nr_dead--;
	return wq_list_entry(node, struct task_struct, dead_node);
}

/* Not cleared: somebody may still be about to look whether the last thread sleeps. */
static void renew(struct task_struct *task)
{
	wq_store_relaxed(&task->state, WQ_TASK_NEW);
	wq_store_relaxed(&task->flags, 0u);
	task->generation = wq_fork_generation;
	task->nr_refs = 1;
	task->at_exit.fn = NULL;
	task->threadfn = NULL;
	task->data = NULL;
	task->cpu = -1;
	task->result = 0;
}

struct task_struct *wq_task_alloc(void)
{
	struct task_struct *task = NULL;

	wq_lock_acquire(&wq_tasks_lock);
	if (nr_dead > NR_KEPT)
		task = take_dead();
	wq_lock_release(&wq_tasks_lock);
	if (!task)
		task = wq_os_alloc(sizeof(*task), WQ_CACHE_LINE);
	if (task)
		renew(task);
	return task;
}

void wq_task_get_locked(struct task_struct *task)
{
	wq_assert_held(&wq_tasks_lock);
	if (task->nr_refs++)
		return;
	wq_list_del(&task->dead_node);
	nr_dead--;
}

void wq_task_put_locked(struct task_struct *task)
{
	wq_assert_held(&wq_tasks_lock);
	if (--task->nr_refs)
		return;
	wq_list_add_tail(&task->dead_node, &dead);
	nr_dead++;
}

struct task_struct *get_task_struct(struct task_struct *task)
{
	wq_lock_acquire(&wq_tasks_lock);
	wq_task_get_locked(task);
	wq_lock_release(&wq_tasks_lock);
	return task;
}

void put_task_struct(struct task_struct *task)
{
	bool has_ref;

	wq_lock_acquire(&wq_tasks_lock);
	has_ref = task->nr_refs;
	if (has_ref)
		wq_task_put_locked(task);
	wq_lock_release(&wq_tasks_lock);
	if (!has_ref)
		wq_warn("put_task_struct() without a reference", "");
}

void wq_task_reset(void)
{
	wq_lock_init(&wq_tasks_lock, WQ_RANK_TASK);
	if (wq_task_self)
		wq_task_self->generation = wq_fork_generation;
}

/* A thread that is no kthread ends. */
static void leave(struct wq_os_exit *exit)
{
	struct task_struct *task = wq_list_entry(exit, struct task_struct, at_exit);

	wq_task_self = NULL;
	put_task_struct(task);
}

static struct task_struct *adopt(void)
{
	struct task_struct *task = wq_init_use() ? wq_task_alloc() : NULL;

	if (!task)
		return NULL;
	wq_store_relaxed(&task->state, (uint32_t)TASK_RUNNING);
	task->at_exit.fn = leave;
	if (wq_os_thread_at_exit(&task->at_exit)) {
		put_task_struct(task);
		return NULL;
	}
	wq_task_self = task;
	return task;
}

struct task_struct *wq_task_current(void)
{
	return wq_likely(wq_task_self != NULL) ? wq_task_self : adopt();
}

/* --------------------------------------------------------------- sleep */

bool wq_task_wake(struct task_struct *task, uint32_t states)
{
	uint32_t found;

	/* order: TASK-WAKE pairs with TASK-SLEEP and TASK-WOKEN */
	wq_fence_seq_cst();
	found = wq_load_relaxed(&task->state);
	do {
		if (!(found & states))
			return false;
	} while (!wq_cas_acq_rel(&task->state, &found, (uint32_t)TASK_RUNNING));
	wq_park_wake(&task->park);
	return true;
}

void wq_task_sleep(struct task_struct *task, uint64_t deadline_ns)
{
	wq_block_begin();
	/* order: TASK-WOKEN pairs with TASK-WAKE */
	while (wq_load_acquire(&task->state) != TASK_RUNNING) {
		if (!wq_park_wait(&task->park, deadline_ns))
			break;
	}
	wq_block_end();
	wq_store_relaxed(&task->state, (uint32_t)TASK_RUNNING);
}
