/* SPDX-License-Identifier: MIT */
/*
 * test_flush_dependency.c - items of WQ_MEM_RECLAIM queues that wait for others,
 * and current_is_workqueue_mem_reclaim().
 *
 * Each test has a process of its own, since it is reported once.
 */
#include "support/api.h"

/* An item that waits for something, in one way or another. */
struct waiting {
	struct work_struct work;
	void (*wait)(struct waiting *waiting);
	struct workqueue_struct *target;
	struct item item;
	bool is_reclaim;
};

static void wait_for_target(struct work_struct *work)
{
	struct waiting *waiting = container_of(work, struct waiting, work);

	waiting->is_reclaim = current_is_workqueue_mem_reclaim();
	waiting->wait(waiting);
}

/* Opens a gate for a thread that waits behind it. */
struct opener {
	struct call call;
	struct gate *gate;
	int tid;
};

/* The report comes before the wait. */
static bool expects_report;

static bool stays_asleep(int tid)
{
	for (int i = 0; i < 5; i++, nap_us(1000))
		if (thread_state(tid) != 'S')
			return false;
	return true;
}

/* Without a report to come: opened too early it makes the test blind, not wrong. */
static long open_gate(void *arg)
{
	struct opener *opener = arg;

	wait_until(expects_report ? report_count() > 0 : stays_asleep(opener->tid));
	gate_open(opener->gate);
	return 0;
}

static void flush_and_have_opened(struct work_struct *work, struct gate *gate)
{
	struct opener opener = { .gate = gate, .tid = (int)syscall(SYS_gettid) };

	call_start(&opener.call, open_gate, &opener);
	flush_work(work);
	call_join(&opener.call);
}

static void flush_running_item(struct waiting *waiting)
{
	struct gate go;

	gate_init(&go);
	item_init_held(&waiting->item, &go);
	queue_work(waiting->target, &waiting->item.work);
	wait_until(item_is_running(&waiting->item));
	flush_and_have_opened(&waiting->item.work, &go);
}

/* Held back by one that runs, so that it is pending for sure. */
static void flush_pending_item(struct waiting *waiting)
{
	struct blocker blocker;

	blocker_start(&blocker, waiting->target);
	item_init(&waiting->item);
	queue_work(waiting->target, &waiting->item.work);
	flush_and_have_opened(&waiting->item.work, &blocker.go);
	cancel_work_sync(&blocker.item.work);
}

static void flush_whole_queue(struct waiting *waiting)
{
	flush_workqueue(waiting->target);
}

static void drain_whole_queue(struct waiting *waiting)
{
	drain_workqueue(waiting->target);
}

static void flush_idle_item(struct waiting *waiting)
{
	item_init(&waiting->item);
	queue_work(waiting->target, &waiting->item.work);
	wait_until(!work_busy(&waiting->item.work));
	flush_work(&waiting->item.work);
}

static void cancel_item(struct waiting *waiting)
{
	struct blocker blocker;

	blocker_start(&blocker, waiting->target);
	item_init(&waiting->item);
	queue_work(waiting->target, &waiting->item.work);
	cancel_work_sync(&waiting->item.work);
	gate_open(&blocker.go);
	cancel_work_sync(&blocker.item.work);
}

/* From an item of @from, wait for @target; both are destroyed. */
static bool wait_from(struct workqueue_struct *from, struct workqueue_struct *target,
		      void (*wait)(struct waiting *waiting))
{
	struct waiting waiting = { .wait = wait, .target = target };

	INIT_WORK(&waiting.work, wait_for_target);
	queue_work(from, &waiting.work);
	flush_work(&waiting.work);
	destroy_workqueue(from);
	destroy_workqueue(target);
	return waiting.is_reclaim;
}

static struct workqueue_struct *reclaim_queue(void)
{
	return alloc_workqueue("reclaim", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
}

static struct workqueue_struct *plain_queue(void)
{
	return alloc_ordered_workqueue("plain", 0);
}

static void check_is_reported(void (*wait)(struct waiting *waiting))
{
	expects_report = true;
	assert_true(wait_from(reclaim_queue(), plain_queue(), wait));
	assert_true(report_says("WQ_MEM_RECLAIM reclaim:test_flush_dependency+0x"));
	/* where it waits for an item, its function follows */
	assert_true(report_says(wait == flush_running_item || wait == flush_pending_item ?
					" is flushing !WQ_MEM_RECLAIM plain:" :
					" is flushing !WQ_MEM_RECLAIM plain"));
	assert_reported(1);
	/* once */
	expects_report = false;
	wait_from(reclaim_queue(), plain_queue(), wait);
}

static void flush_work_of_running_plain_item_is_reported_once(void **state)
{
	check_is_reported(flush_running_item);
}

static void flush_work_of_pending_plain_item_is_reported_once(void **state)
{
	check_is_reported(flush_pending_item);
}

static void flush_workqueue_of_plain_queue_is_reported_once(void **state)
{
	check_is_reported(flush_whole_queue);
}

static void drain_of_plain_queue_is_reported_once(void **state)
{
	check_is_reported(drain_whole_queue);
}

static void flush_of_idle_item_is_not_reported(void **state)
{
	wait_from(reclaim_queue(), plain_queue(), flush_idle_item);
}

/* G9 */
static void cancel_sync_of_plain_items_is_not_reported(void **state)
{
	wait_from(reclaim_queue(), plain_queue(), cancel_item);
}

static void check_all_ways(struct workqueue_struct *(*from)(void),
			   struct workqueue_struct *(*target)(void), bool is_reclaim)
{
	assert_int_equal(wait_from(from(), target(), flush_running_item), is_reclaim);
	assert_int_equal(wait_from(from(), target(), flush_pending_item), is_reclaim);
	assert_int_equal(wait_from(from(), target(), flush_whole_queue), is_reclaim);
}

static struct workqueue_struct *ordered_reclaim_queue(void)
{
	return alloc_ordered_workqueue("target", WQ_MEM_RECLAIM);
}

static void flush_of_reclaim_queue_and_items_is_not_reported(void **state)
{
	check_all_ways(reclaim_queue, ordered_reclaim_queue, /* is_reclaim */ true);
}

static void flush_from_plain_queue_is_not_reported(void **state)
{
	check_all_ways(plain_queue, plain_queue, /* is_reclaim */ false);
}

static struct workqueue_struct *legacy_queue(void)
{
	return create_singlethread_workqueue("legacy");
}

static void flush_from_legacy_queue_is_not_reported(void **state)
{
	check_all_ways(legacy_queue, plain_queue, /* is_reclaim */ false);
}

static void flush_new_item(struct waiting *waiting)
{
	item_init(&waiting->item);
	assert_false(flush_work(&waiting->item.work));
}

/* It has no worker that it ran on. */
static void flush_of_an_item_that_never_ran_is_not_reported(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("reclaim", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	struct waiting waiting = { .wait = flush_new_item };

	INIT_WORK(&waiting.work, wait_for_target);
	queue_work(wq, &waiting.work);
	flush_work(&waiting.work);
	assert_true(waiting.is_reclaim);
	destroy_workqueue(wq);
	assert_reported(0);
}

static void thread_of_the_program_is_in_no_reclaim_item(void **state)
{
	assert_false(current_is_workqueue_mem_reclaim());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_work_of_running_plain_item_is_reported_once),
		api_test(flush_work_of_pending_plain_item_is_reported_once),
		api_test(flush_workqueue_of_plain_queue_is_reported_once),
		api_test(drain_of_plain_queue_is_reported_once),
		api_test(flush_of_idle_item_is_not_reported),
		api_test(cancel_sync_of_plain_items_is_not_reported),
		api_test(flush_of_reclaim_queue_and_items_is_not_reported),
		api_test(flush_from_plain_queue_is_not_reported),
		api_test(flush_from_legacy_queue_is_not_reported),
		api_test(flush_of_an_item_that_never_ran_is_not_reported),
		api_test(thread_of_the_program_is_in_no_reclaim_item),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
