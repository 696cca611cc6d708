/* SPDX-License-Identifier: MIT */
/*
 * test_rcu_loaded.c - a program that is not linked to liburcu, and queues rcu items
 * all the same (for a plug-in's readers, say): the library loads liburcu itself.
 */
#include <dlfcn.h>
#include <errno.h>

#include <urcu/flavor.h>

#include "support/api.h"
#include "support/reader.h"

static struct rcu_item item;

/* What a plug-in that is linked to liburcu would use. */
static const struct rcu_flavor_struct *plugins_flavor(void)
{
	void *liburcu = dlopen("liburcu-bp.so.8", RTLD_NOW | RTLD_LOCAL);

	assert_non_null(liburcu);
	return dlsym(liburcu, "urcu_bp_flavor");
}

/* J1 */
static void queue_rcu_work_loads_liburcu(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("rcu", WQ_PERCPU, 0);

	rcu_item_init(&item);
	errno = 4711;
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_int_equal(errno, 4711);
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 1);
	destroy_workqueue(wq);
}

/* J1 */
static void queue_rcu_work_waits_for_readers_of_a_plugin(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("rcu", WQ_PERCPU, 0);
	struct reader reader;

	rcu_item_init(&item);
	reader_enter(&reader, plugins_flavor());
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_not_yet(rcu_item_runs(&item));
	reader_leave(&reader);
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 1);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_rcu_work_loads_liburcu),
		api_test(queue_rcu_work_waits_for_readers_of_a_plugin),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
