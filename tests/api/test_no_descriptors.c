/* SPDX-License-Identifier: MIT */
/*
 * test_no_descriptors.c - a program that has used up its file descriptors (EMFILE).
 *
 * The library opens files to learn of the machine, a timerfd, and files of /proc to see
 * whether a worker sleeps. Without all of these it works; it takes what it gets when there are
 * descriptors again. See also regress/test_timer_without_timerfd.c.
 */
#include <sys/resource.h>

#include "support/delayed.h"
#include "support/thread.h"
#include "support/topology.h"
#include "support/waits.h"

enum {
	CHAIN = 20,
	NR_ROUNDS = 5,
};

static rlim_t usual_limit;

static void use_up_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	usual_limit = limit.rlim_cur;
	limit.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void give_descriptors_back(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = usual_limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void check_all_kinds_work(void)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		assert_non_null(wq);
		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
}

static void check_delayed(void)
{
	struct delayed_item soon;

	delayed_init(&soon);
	assert_true(delayed_arm(&soon, system_percpu_wq, SOON));
	wait_until(delayed_runs(&soon) == 1);
	assert_true(delayed_was_not_early(&soon));
	flush_delayed_work(&soon.dwork);
}

/* A4 I2 */
static void library_starts_and_works_without_descriptors(void **state)
{
	use_up_descriptors();
	assert_int_equal(workq_start(), 0);
	check_all_kinds_work();
	check_delayed();
	give_descriptors_back();
	check_all_kinds_work();
	check_delayed();
}

/* I2 */
static void timers_go_on_when_descriptors_go_and_come(void **state)
{
	for (int round = 0; round < NR_ROUNDS; round++) {
		check_delayed();
		use_up_descriptors();
		check_delayed();
		give_descriptors_back();
	}
}

/* T4: the thread of the timers sleeps without a timerfd then. */
static void shutdown_without_descriptors_leaves_no_thread(void **state)
{
	use_up_descriptors();
	assert_int_equal(workq_start(), 0);
	check_delayed();
	assert_int_equal(workq_shutdown(deadline_s() * 1000ul), 0);
	give_descriptors_back();
	assert_int_equal(nr_threads_named("kworker/"), 0);
}

/* A4 */
static void queues_and_attributes_need_no_descriptor(void **state)
{
	struct workqueue_struct *wq;
	char text[64];

	use_up_descriptors();
	wq = alloc_workqueue("loose", WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_SYSFS, 0);
	assert_non_null(wq);
	for (int scope = WQ_AFFN_CPU; scope < WQ_AFFN_NR_TYPES; scope++) {
		assert_int_equal(apply(wq, .scope = (enum wq_affn_scope)scope), 0);
		run_one_item_on(wq);
	}
	assert_true(workq_attr_read("loose/affinity_scope", text, sizeof(text)) > 0);
	destroy_workqueue(wq);
	give_descriptors_back();
}

/* ---------------------------------------------------------- items that wait */

struct link {
	struct work_struct work;
	struct baton baton;
	struct link *before;
};

static struct link chain[CHAIN];
static atomic_int nr_through;

static void wait_for_next(struct work_struct *work)
{
	struct link *link = container_of(work, struct link, work);

	if (link != &chain[CHAIN - 1])
		baton_wait(&link->baton);
	atomic_fetch_add(&nr_through, 1);
	if (link->before)
		baton_pass(&link->before->baton);
}

static void check_chain(struct workqueue_struct *wq, enum wait_kind kind)
{
	atomic_store(&nr_through, 0);
	for (int i = 0; i < CHAIN; i++) {
		INIT_WORK(&chain[i].work, wait_for_next);
		baton_init(&chain[i].baton, kind);
		chain[i].before = i ? &chain[i - 1] : NULL;
	}
	use_up_descriptors();
	for (int i = 0; i < CHAIN; i++)
		assert_true(queue_work_on(allowed_cpu(0), wq, &chain[i].work));
	wait_until(atomic_load(&nr_through) == CHAIN);
	flush_workqueue(wq);
	give_descriptors_back();
	for (int i = 0; i < CHAIN; i++)
		baton_fini(&chain[i].baton);
}

/* What cannot be known counts as sleeping. */
/* C4 L1 */
static void items_that_wait_are_stepped_around_without_proc(void **state)
{
	struct workqueue_struct *bound = alloc_workqueue("bound", WQ_PERCPU, CHAIN);
	struct workqueue_struct *loose = alloc_workqueue("loose", WQ_UNBOUND, CHAIN);

	workqueue_set_min_active(loose, CHAIN);
	for (int kind = 0; kind < NR_WAIT_KINDS; kind++) {
		check_chain(bound, (enum wait_kind)kind);
		check_chain(loose, (enum wait_kind)kind);
	}
	destroy_workqueue(bound);
	destroy_workqueue(loose);
}

#define unstarted_test(fn) cmocka_unit_test_setup_teardown(fn, test_begin_unstarted, test_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		unstarted_test(library_starts_and_works_without_descriptors),
		unstarted_test(shutdown_without_descriptors_leaves_no_thread),
		api_test(timers_go_on_when_descriptors_go_and_come),
		api_test(queues_and_attributes_need_no_descriptor),
		api_test(items_that_wait_are_stepped_around_without_proc),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
