/* SPDX-License-Identifier: MIT */
/*
 * test_rcu_absent.c - queue_rcu_work() where there is no liburcu, when libworkq was
 * built, or now: nothing is queued, and that is said once.
 */
#include <dlfcn.h>

#include "support/api.h"

/* In libc's place: liburcu is not to be found. */
void *dlopen(const char *library, int flags)
{
	void *(*libc_dlopen)(const char *library, int flags);

	if (library && strstr(library, "liburcu"))
		return NULL;
	*(void **)&libc_dlopen = dlsym(RTLD_NEXT, "dlopen");
	return libc_dlopen(library, flags);
}

static atomic_int runs;

static void count_fn(struct work_struct *work)
{
	atomic_fetch_add(&runs, 1);
}

static void queue_rcu_work_without_liburcu_is_noted_once_and_refused(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("rcu", WQ_PERCPU, 0);
	struct rcu_work rwork;

	INIT_RCU_WORK(&rwork, count_fn);
	assert_false(queue_rcu_work(wq, &rwork));
	assert_noted(1);
	assert_false(queue_rcu_work(wq, &rwork));
	assert_noted(0);
	assert_false(work_pending(&rwork.work));
	assert_false(flush_rcu_work(&rwork));
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&runs), 0);
}

static void item_refused_for_lack_of_liburcu_can_be_queued_otherwise(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("rcu", WQ_PERCPU, 0);
	struct rcu_work rwork;

	INIT_RCU_WORK(&rwork, count_fn);
	assert_false(queue_rcu_work(wq, &rwork));
	assert_noted(1);
	assert_true(queue_work(wq, &rwork.work));
	flush_rcu_work(&rwork);
	assert_int_equal(atomic_load(&runs), 1);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_rcu_work_without_liburcu_is_noted_once_and_refused),
		api_test(item_refused_for_lack_of_liburcu_can_be_queued_otherwise),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
