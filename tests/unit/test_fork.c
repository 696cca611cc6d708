/* SPDX-License-Identifier: MIT */
/*
 * test_fork.c - who forks has to wait for locks, and lets go what he has, again and again.
 */
#include "unit.h"

#include <workq/workqueue.h>

#include "base/grace.h"
#include "base/os.h"
#include "core/pool.h"
#include "core/pools.h"

enum {
	/* Twice in each round; his patience doubles until it is a tenth of a second. */
	MANY_SLEEPS = 24,
};

static void count_run(struct work_struct *work)
{
	(void)work;
}

static DECLARE_WORK(work, count_run);

static long fork_once(void *unused)
{
	int status = -1;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
	return status;
}

/*
 * The manager holds the configuration lock, which who forks needs for good, while it waits for a
 * pool: when it finds other CPUs, other affinities, or a quota. Here it does not look.
 */
static void begin_without_looks_at_cpus(void)
{
	setenv("WORKQ_CPU_WATCH_MS", "0", /* overwrite */ 1);
	setenv("WORKQ_CGROUP_ROOT", "/nowhere", /* overwrite */ 1);
	must(queue_work(system_percpu_wq, &work));
	flush_work(&work);
}

/* Returns when it has waited for long. */
static void fork_that_waits(struct call *call)
{
	uint64_t before;
	uint32_t tid;

	call_start(call, fork_once, NULL);
	wait_until(atomic_load(&call->tid));
	tid = (uint32_t)atomic_load(&call->tid);
	before = wq_os_thread_state(tid).nr_sleeps;
	wait_until(wq_os_thread_state(tid).nr_sleeps >= before + MANY_SLEEPS);
	must(!call_is_back(call));
}

/* U3 */
static void fork_waits_for_a_pool_that_is_locked_for_long(void)
{
	struct call call;

	begin_without_looks_at_cpus();
	wq_pool_lock(wq_pools[1]);
	fork_that_waits(&call);
	wq_pool_unlock(wq_pools[1]);
	must(call_join(&call) == 0);
	must(queue_work(system_percpu_wq, &work));
	flush_work(&work);
}

static struct gate may_leave;
static atomic_bool is_inside;

static long stay_inside(void *unused)
{
	(void)unused;
	wq_grace_claim();
	wq_grace_enter();
	atomic_store(&is_inside, true);
	gate_wait(&may_leave);
	wq_grace_leave();
	return 0;
}

/* U3 */
static void fork_waits_for_a_section_that_lasts_for_long(void)
{
	struct call inside, call;

	begin_without_looks_at_cpus();
	gate_init(&may_leave);
	call_start(&inside, stay_inside, NULL);
	wait_until(atomic_load(&is_inside));
	fork_that_waits(&call);
	gate_open(&may_leave);
	must(call_join(&call) == 0);
	call_join(&inside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(fork_waits_for_a_pool_that_is_locked_for_long),
		child_test(fork_waits_for_a_section_that_lasts_for_long),
	};

	return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
