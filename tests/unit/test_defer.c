/* SPDX-License-Identifier: MIT */
/*
 * test_defer.c - queueing while another thread forks, instruction by instruction (U8).
 *
 * After one of them who queues stands still, while the process is copied and who forks goes on; then
 * who forks is interrupted as he lands what was deferred, while another one queues.
 */
#include "../support/copied.h"
#include "../support/step.h"
#include "unit.h"

#include <workq/workq.h>
#include <workq/workqueue.h>

#include "base/grace.h"
#include "base/os.h"
#include "core/child.h"
#include "core/wq.h"
#include "ops/defer.h"
#include "ops/init.h"

static struct workqueue_struct *wq;
static struct trail trail;

struct numbered {
	struct delayed_work dwork;
	int id;
};

static struct numbered first, second;

static void note_run(struct work_struct *work)
{
	trail_add(&trail, container_of(to_delayed_work(work), struct numbered, dwork)->id);
}

static void begin_item(struct numbered *item, int id)
{
	INIT_DELAYED_WORK(&item->dwork, note_run);
	item->id = id;
}

static void begin_round(void)
{
	atomic_store(&trail.len, 0);
	begin_item(&first, 1);
	begin_item(&second, 2);
}

static void begin(void)
{
	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	wq = alloc_ordered_workqueue("deferred", 0);
	must(wq && wq_init_use());
}

static bool queue(struct numbered *item)
{
	return queue_work(wq, &item->dwork.work);
}

static bool arm(struct numbered *item)
{
	return queue_delayed_work(wq, &item->dwork, 1);
}

/* -------------------------------------------- who queues is interrupted */

static struct gate copying, may_copy;
static atomic_bool is_copied;
static bool (*submit)(struct numbered *item);
/* The instruction after which the process is copied. */
static long when;

static void hold_copying_up(void)
{
	gate_open(&copying);
	gate_wait(&may_copy);
}

/* Whatever the other thread was at: idle, as the first one is, and as good as any. */
static void use_both(void)
{
	atomic_store(&trail.len, 0);
	must(!delayed_work_pending(&first.dwork) && !delayed_work_pending(&second.dwork));
	must(!cancel_delayed_work_sync(&second.dwork));
	must(queue(&second) && queue(&first));
	flush_workqueue(wq);
	must(atomic_load(&trail.len) == 2 && atomic_load(&trail.id[0]) == 2);
}

static long fork_slowly(void *unused)
{
	int status = -1;
	pid_t pid;

	(void)unused;
	while_copied = hold_copying_up;
	pid = fork();
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		use_both();
		_exit(0);
	}
	atomic_store(&is_copied, true);
	waitpid(pid, &status, 0);
	return status;
}

static void copy(void)
{
	gate_open(&may_copy);
	wait_until(atomic_load(&is_copied));
}

static void copy_at_its_turn(long nth)
{
	if (nth == when)
		copy();
}

/* Returns of how many instructions queueing consists. */
static long queue_and_copy(void)
{
	struct call forker;
	bool is_queued;

	begin_round();
	gate_init(&copying);
	gate_init(&may_copy);
	atomic_store(&is_copied, false);
	call_start(&forker, fork_slowly, NULL);
	gate_wait(&copying);
	must(submit(&first));
	step_begin(copy_at_its_turn);
	is_queued = submit(&second);
	step_end();
	must(is_queued);
	copy();
	must(call_join(&forker) == 0);
	wait_until(atomic_load(&trail.len) == 2);
	flush_workqueue(wq);
	return step_nth;
}

static void copy_between_instructions(bool (*fn)(struct numbered *item), long stride,
				      bool is_in_order)
{
	begin();
	submit = fn;
	when = 1;
	while (queue_and_copy() > when) {
		must(!is_in_order || trail_is_ascending(&trail, 1, 2));
		when += stride;
	}
}

/* U8, U2, B9 */
static void copied_between_instructions_of_queue_work(void)
{
	copy_between_instructions(queue, /* stride */ 2, /* is_in_order */ true);
}

/* U8, U2 */
static void copied_between_instructions_of_queue_delayed_work(void)
{
	copy_between_instructions(arm, /* stride */ 5, /* is_in_order */ false);
}

/* --------------------------------------------- who lands is interrupted */

static atomic_bool may_queue;
static struct call newcomer;

static long queue_second(void *unused)
{
	(void)unused;
	wait_until(atomic_load(&may_queue));
	return queue(&second);
}

/* It waits for who lands, or is back. */
static void queue_at_its_turn(long nth)
{
	if (nth != when)
		return;
	atomic_store(&may_queue, true);
	call_blocks(&newcomer);
}

static long queue_first(void *unused)
{
	(void)unused;
	return queue(&first);
}

/* As fork() does. */
static void hold(void)
{
	wq_lock_acquire(&wq_config_lock);
	must(wq_grace_close(WQ_FOREVER));
	must(wq_child_lock_all(WQ_FOREVER));
	wq_defer_open();
}

static void let_go(void)
{
	wq_child_unlock_all();
	wq_grace_reopen();
	wq_lock_release(&wq_config_lock);
}

static long queue_while_landing(void)
{
	struct call call;

	begin_round();
	atomic_store(&may_queue, false);
	hold();
	call_start(&call, queue_first, NULL);
	must(call_join(&call));
	call_start(&newcomer, queue_second, NULL);
	step_begin(queue_at_its_turn);
	wq_defer_land();
	step_end();
	let_go();
	atomic_store(&may_queue, true);
	must(call_join(&newcomer));
	flush_workqueue(wq);
	return step_nth;
}

/* U8, B9 */
static void queued_between_instructions_of_landing_comes_later(void)
{
	begin();
	when = 1;
	while (queue_while_landing() > when) {
		must(trail_is_ascending(&trail, 1, 2));
		when += 3;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(copied_between_instructions_of_queue_work),
		child_test(copied_between_instructions_of_queue_delayed_work),
		child_test(queued_between_instructions_of_landing_comes_later),
	};

	return cmocka_run_group_tests_name("defer", tests, NULL, NULL);
}
