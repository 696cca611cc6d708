/* SPDX-License-Identifier: MIT */
/*
 * test_sandbox.c - a program from which system calls are kept, as containers and sandboxes do.
 *
 * What the library can do without it does without: everything works, without a word of
 * misuse. Each system call has a process of its own, in which it is refused from the start.
 */
#include <workq/kthread.h>

#include "support/delayed.h"
#include "support/seccomp.h"
#include "support/topology.h"
#include "support/waits.h"

struct refused {
	const char *name;
	long nr;
	int error;
	bool is_needed_by_sanitizers;
};

static const struct refused refused[] = {
	{ "library_works_without_files", SYS_openat, EACCES, true },
	{ "library_works_without_timerfd", SYS_timerfd_create, ENOSYS, false },
	{ "library_works_without_perf_events", SYS_perf_event_open, EACCES, false },
	{ "library_works_without_membarrier", SYS_membarrier, ENOSYS, false },
	{ "library_works_without_pinning", SYS_sched_setaffinity, EPERM, false },
	{ "library_works_without_its_mask_of_cpus", SYS_sched_getaffinity, ENOSYS, false },
	{ "library_works_without_nice_values", SYS_setpriority, EACCES, false },
	{ "library_works_without_scheduling_policies", SYS_sched_setscheduler, EPERM, false },
	{ "library_works_without_names_of_threads", SYS_prctl, EPERM, true },
	{ "library_works_without_getcpu", SYS_getcpu, ENOSYS, false },
	{ "library_works_without_advice_on_memory", SYS_madvise, EPERM, true },
};

enum { NR_REFUSED = sizeof(refused) / sizeof(refused[0]) };

/* One item that waits in read(), unknown to the library, for the one behind it. */
struct pair {
	struct work_struct first, second;
	struct baton baton;
};

static void wait_for_second(struct work_struct *work)
{
	baton_wait(&container_of(work, struct pair, first)->baton);
}

static void let_first_go(struct work_struct *work)
{
	baton_pass(&container_of(work, struct pair, second)->baton);
}

static void check_sleeper_is_stepped_around(struct workqueue_struct *wq)
{
	struct pair pair;

	INIT_WORK(&pair.first, wait_for_second);
	INIT_WORK(&pair.second, let_first_go);
	baton_init(&pair.baton, WAIT_READ);
	assert_true(queue_work_on(allowed_cpu(0), wq, &pair.first));
	assert_true(queue_work_on(allowed_cpu(0), wq, &pair.second));
	flush_work(&pair.first);
	flush_work(&pair.second);
	baton_fini(&pair.baton);
}

static void check_queues(void)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		assert_non_null(wq);
		run_one_item_on(wq);
		if (kind == PERCPU || kind == UNBOUND || kind == HIGHPRI)
			check_sleeper_is_stepped_around(wq);
		destroy_workqueue(wq);
	}
}

static void check_delayed(void)
{
	struct delayed_item soon, far;

	delayed_init(&soon);
	delayed_init(&far);
	assert_true(delayed_arm(&far, system_percpu_wq, FAR));
	assert_true(delayed_arm(&soon, system_dfl_wq, SOON));
	wait_until(delayed_runs(&soon) == 1);
	assert_true(delayed_was_not_early(&soon));
	flush_work(&soon.dwork.work);
	assert_true(cancel_delayed_work_sync(&far.dwork));
}

static void check_attributes(void)
{
	struct workqueue_struct *wq = alloc_workqueue("attrs", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);

	assert_non_null(wq);
	for (int scope = WQ_AFFN_CPU; scope < WQ_AFFN_NR_TYPES; scope++) {
		assert_int_equal(apply(wq, .scope = (enum wq_affn_scope)scope, .strict = true), 0);
		run_one_item_on(wq);
	}
	destroy_workqueue(wq);
}

static int sleep_until_stopped(void *arg)
{
	(void)arg;
	while (!kthread_should_stop())
		msleep(1);
	return 0;
}

/* A4 */
static void program_without_a_system_call_works(void **state)
{
	struct task_struct *task;

	if (!*state)
		skip();
	check_queues();
	check_delayed();
	check_attributes();
	task = kthread_run(sleep_until_stopped, NULL, "sandboxed");
	assert_false(IS_ERR(task));
	assert_int_equal(kthread_stop(task), 0);
	show_all_workqueues();
}

/* *state is NULL if this cannot be tried. */
static int begin_without(void **state)
{
	const struct refused *one = *state;

	if ((TESTS_SANITIZED && one->is_needed_by_sanitizers) ||
	    !seccomp_refuse(one->nr, one->error))
		*state = NULL;
	return test_begin(state);
}

/* ----------------------------------------------------------- no more threads */

static atomic_int nr_rescued;

static void count_rescue(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_rescued, current_is_workqueue_rescuer());
}

static bool refuse_threads(void)
{
	return seccomp_refuse(SYS_clone3, ENOSYS) && seccomp_refuse(SYS_clone, EPERM);
}

/* For good; see test_shortage.c for what comes to an end. */
/* K1 K2 */
static void threads_refused_by_a_filter_are_done_without(void **state)
{
	struct workqueue_struct *plain = alloc_workqueue("plain", WQ_PERCPU, 0);
	struct workqueue_struct *reclaim =
		alloc_workqueue("reclaim", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	struct work_struct rescued;
	struct item item;

	INIT_WORK(&rescued, count_rescue);
	item_init(&item);
	assert_true(queue_work_on(allowed_cpu(0), plain, &item.work));
	flush_work(&item.work);
	/* the leak checker of AddressSanitizer is a process of its own */
	if (TESTS_SANITIZED || !refuse_threads())
		skip();
	errno = 0;
	assert_null(alloc_workqueue("none", WQ_PERCPU | WQ_MEM_RECLAIM, 0));
	assert_int_equal(errno, EAGAIN);
	assert_true(IS_ERR(kthread_run(sleep_until_stopped, NULL, "none")));
	assert_true(queue_work(reclaim, &rescued));
	flush_work(&rescued);
	assert_true(queue_work_on(allowed_cpu(0), plain, &item.work));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 2);
	destroy_workqueue(reclaim);
	destroy_workqueue(plain);
}

int main(void)
{
	struct CMUnitTest tests[NR_REFUSED + 1] = {
		[NR_REFUSED] = api_test(threads_refused_by_a_filter_are_done_without),
	};

	for (int i = 0; i < NR_REFUSED; i++)
		tests[i] = (struct CMUnitTest){ refused[i].name,
						program_without_a_system_call_works, begin_without,
						test_end, (void *)&refused[i] };
	return run_in_processes(tests, NR_REFUSED + 1);
}
