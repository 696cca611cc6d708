/* SPDX-License-Identifier: MIT */
/*
 * test_between.c - calls on a worker's thread that is in no item: from a report function, which the
 * library may call there.
 *
 * And calls of threads that share a record with others, so that nobody can wake them.
 */
#include "unit.h"

#include <errno.h>
#include <sys/resource.h>

#include <workq/kthread.h>
#include <workq/timer.h>
#include <workq/workq.h>
#include <workq/workqueue.h>

#include "base/grace.h"
#include "core/pools.h"
#include "core/rescuer.h"
#include "core/worker.h"
#include "lines.h"
#include "ops/init.h"

static struct workqueue_struct *wq;
static struct gate go;
static atomic_int nr_runs, nr_inside;

static void count_run(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_runs, 1);
}

static void do_nothing(struct work_struct *work)
{
	(void)work;
}

static void wait_inside(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_inside, 1);
	gate_wait(&go);
}

static DECLARE_WORK(work, count_run);
static DECLARE_WORK(first, do_nothing);
static DECLARE_WORK(waiting, wait_inside);

static void catch (const char *line);

static void begin(void)
{
	wq_report_set_fn(catch);
	gate_init(&go);
	wq = alloc_workqueue("between", WQ_PERCPU, 0);
	must(wq);
}

/* ----------------------------------------------------- workers in no item */

static void (*between)(void);
static atomic_bool is_through;

#ifdef __GLIBC__
typedef __priority_which_t priority_which;
#else
typedef int priority_which;
#endif

/* A worker of a pool of high priority notes that it cannot have that, before its first item. */
int setpriority(priority_which which, id_t who, int value)
{
	(void)which;
	(void)who;
	(void)value;
	errno = EACCES;
	return -1;
}

static void catch (const char *line)
{
	if (!strstr(line, "nice value")) {
		lines_catch(line);
		return;
	}
	must(wq_worker_self && !wq_worker_self->current);
	if (!between)
		return;
	between();
	atomic_store(&is_through, true);
}

static void call_between(void (*fn)(void))
{
	between = fn;
	begin();
	must(queue_work(system_highpri_wq, &first));
	wait_until(atomic_load(&is_through));
	flush_work(&first);
	must(!atomic_load(&lines_caught));
	destroy_workqueue(wq);
}

static void ask(void)
{
	must(!current_work());
	must(!current_is_workqueue_rescuer());
	must(!wq_worker_is_atomic(wq_worker_self));
	set_worker_desc("nothing");
	must(!wq_worker_self->desc[0]);
}

static void worker_in_no_item_is_asked_for_none(void)
{
	call_between(ask);
}

static void wait_for_queues(void)
{
	must(queue_work(wq, &work));
	flush_work(&work);
	must(atomic_load(&nr_runs) == 1);
	must(queue_work(wq, &work));
	flush_workqueue(wq);
	must(atomic_load(&nr_runs) == 2);
	drain_workqueue(wq);
}

static void worker_in_no_item_may_wait_for_queues(void)
{
	call_between(wait_for_queues);
}

/* It is one of those whose end would be waited for; its item does not run any more. */
static void shut_down(void)
{
	must(workq_shutdown(0) == -ETIMEDOUT);
	lines_take();
}

static void worker_in_no_item_may_shut_down(void)
{
	call_between(shut_down);
}

/* ------------------------------------------------- threads that share a record */

static struct wq_record shared = { .shared = true };

static long share(void *fn)
{
	wq_init_use();
	wq_grace_self = &shared;
	((void (*)(void))fn)();
	return 0;
}

/* It waits, and does not miss the end of that. */
static void must_wait(void (*fn)(void))
{
	struct call call;

	must(queue_work(wq, &waiting));
	wait_until(atomic_load(&nr_inside));
	call_start(&call, share, (void *)fn);
	must(call_blocks(&call));
	show_all_workqueues();
	gate_open(&go);
	call_join(&call);
	atomic_store(&nr_inside, 0);
	gate_init(&go);
}

static void flush_item(void)
{
	must(flush_work(&waiting));
}

static void flush_queue(void)
{
	flush_workqueue(wq);
}

static void cancel_item(void)
{
	must(!cancel_work_sync(&waiting));
	must(!shared.debt);
}

/* D1 C1 G2 */
static void waits_without_a_park_of_ones_own_end(void)
{
	begin();
	must_wait(flush_item);
	must_wait(flush_queue);
	must_wait(cancel_item);
	must(!(shared.section & WQ_SECTION_NESTING));
	destroy_workqueue(wq);
}

/* Its thread is there from the beginning. */
static void rescuer_of_a_queue_is_not_gone_while_it_lives(void)
{
	struct workqueue_struct *reclaim = alloc_workqueue("r", WQ_PERCPU | WQ_MEM_RECLAIM, 0);

	must(reclaim && !wq_rescuer_is_gone(reclaim));
	destroy_workqueue(reclaim);
}

static void wait_in_callback(struct timer_list *timer)
{
	(void)timer;
	atomic_fetch_add(&nr_inside, 1);
	gate_wait(&go);
}

static struct timer_list timer;

static void delete_timer(void)
{
	must(timer_delete_sync(&timer) == 0);
}

static void timer_is_waited_for_without_a_park_of_ones_own(void)
{
	struct call call;

	begin();
	timer_setup(&timer, wait_in_callback, 0);
	mod_timer(&timer, jiffies);
	wait_until(atomic_load(&nr_inside));
	call_start(&call, share, (void *)delete_timer);
	must(call_blocks(&call));
	gate_open(&go);
	call_join(&call);
	destroy_workqueue(wq);
}

static int stay(void *unused)
{
	(void)unused;
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 7;
}

static struct task_struct *task;

static void stop_thread(void)
{
	must(kthread_stop(task) == 7);
}

static void thread_is_stopped_without_a_park_of_ones_own(void)
{
	struct call call;

	begin();
	task = kthread_run(stay, NULL, "stays");
	must(!IS_ERR(task));
	call_start(&call, share, (void *)stop_thread);
	call_join(&call);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(worker_in_no_item_is_asked_for_none),
		child_test(worker_in_no_item_may_wait_for_queues),
		child_test(worker_in_no_item_may_shut_down),
		child_test(waits_without_a_park_of_ones_own_end),
		child_test(rescuer_of_a_queue_is_not_gone_while_it_lives),
		child_test(timer_is_waited_for_without_a_park_of_ones_own),
		child_test(thread_is_stopped_without_a_park_of_ones_own),
	};

	return cmocka_run_group_tests_name("between", tests, NULL, NULL);
}
