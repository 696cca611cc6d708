/* SPDX-License-Identifier: MIT */
/*
 * test_fork_rcu.c - items that wait for a grace period while the process forks (U2).
 */
#include <urcu/urcu-bp.h>

#include "support/api.h"
#include "support/child.h"
#include "support/reader.h"

static struct workqueue_struct *wq;
static struct reader reader;
static struct rcu_item item;

static void expect_idle(void)
{
	child_must(!rcu_item_is_pending(&item));
	child_must(!work_busy(&item.rwork.work));
	child_must(!flush_rcu_work(&item.rwork));
	child_must(!flush_work(&item.rwork.work));
	child_must(!cancel_work_sync(&item.rwork.work));
}

static void use_item(void)
{
	expect_idle();
	child_must(queue_work(wq, &item.rwork.work));
	flush_work(&item.rwork.work);
	child_must(rcu_item_runs(&item) == 1);
	destroy_workqueue(wq);
}

/* The first call that meets it is the one that must see that it is idle. */
static void queue_item_first(void)
{
	child_must(queue_work(wq, &item.rwork.work));
	flush_work(&item.rwork.work);
	child_must(rcu_item_runs(&item) == 1);
	destroy_workqueue(wq);
}

static void disable_item_first(void)
{
	child_must(!disable_work(&item.rwork.work));
	child_must(!queue_work(wq, &item.rwork.work));
	child_must(enable_work(&item.rwork.work));
	queue_item_first();
}

static void use_item_in_a_grandchild(void)
{
	child_must(child_does(use_item));
	child_must(child_does(queue_item_first));
}

/* U2 */
static void item_in_a_grace_period_is_idle_in_the_child(void **state)
{
	wq = alloc_workqueue("rcu", WQ_UNBOUND, 0);
	rcu_item_init(&item);
	reader_enter(&reader, &urcu_bp_flavor);
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_true(child_does(use_item));
	assert_true(child_does(queue_item_first));
	assert_true(child_does(disable_item_first));
	assert_true(child_does(use_item_in_a_grandchild));
	assert_true(rcu_item_is_pending(&item));
	reader_leave(&reader);
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 1);
	destroy_workqueue(wq);
}

static bool looks_first; /* the child, at the item */

/* liburcu goes on in the child, and with it the parent's grace period. */
static void queue_after_liburcu_has_let_go(void)
{
	urcu_bp_after_fork_child();
	urcu_bp_call_rcu_after_fork_child();
	if (looks_first)
		expect_idle();
	urcu_bp_barrier();
	expect_idle();
	child_must(rcu_item_runs(&item) == 0);
	child_must(queue_rcu_work(wq, &item.rwork));
	child_must(flush_rcu_work(&item.rwork));
	child_must(rcu_item_runs(&item) == 1);
	destroy_workqueue(wq);
}

static void check_dropped(bool child_looks_first)
{
	pid_t child;

	looks_first = child_looks_first;
	wq = alloc_workqueue("rcu", WQ_UNBOUND, 0);
	rcu_item_init(&item);
	assert_true(queue_rcu_work(wq, &item.rwork));
	flush_rcu_work(&item.rwork);
	atomic_store(&item.started, 0);
	urcu_bp_call_rcu_before_fork();
	assert_true(queue_rcu_work(wq, &item.rwork));
	urcu_bp_before_fork();
	child = child_begin(queue_after_liburcu_has_let_go);
	urcu_bp_after_fork_parent();
	urcu_bp_call_rcu_after_fork_parent();
	assert_true(child_end(child));
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 1);
	destroy_workqueue(wq);
}

/* U2 */
static void item_that_liburcu_brings_back_in_the_child_is_dropped(void **state)
{
	check_dropped(/* child_looks_first */ true);
}

/* U2 */
static void item_that_is_brought_back_before_the_child_looks_is_dropped(void **state)
{
	check_dropped(/* child_looks_first */ false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(item_in_a_grace_period_is_idle_in_the_child),
		api_test(item_that_liburcu_brings_back_in_the_child_is_dropped),
		api_test(item_that_is_brought_back_before_the_child_looks_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
