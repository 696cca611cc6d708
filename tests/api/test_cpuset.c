/* SPDX-License-Identifier: MIT */
/*
 * test_cpuset.c - CPUs that really come and go: by a cpuset of the test's own, and, if
 * WORKQ_TEST_HOTPLUG is set, by taking a CPU offline: guarantees P1, P2, P3.
 *
 * The latter disturbs everybody on the machine, and is for a machine of one's own. Both need
 * a user who may do so; otherwise they say so and pass.
 */
#include "support/cpuset_group.h"
#include "support/exec_self.h"
#include "support/thread.h"
#include "support/topology.h"
#include "support/known_cpus.h"

static int stay, away;
static char both[32], one[16];

static int begin(void **state)
{
	setenv("WORKQ_CPU_WATCH_MS", "1", 1);
	return test_begin(state);
}

/* Joins when the library is loaded already. */
static int begin_in_group(void **state)
{
	if (!cpuset_allow(both) || !cpuset_join())
		return -1;
	return begin(state);
}

#define group_test(fn) cmocka_unit_test_setup_teardown(fn, begin_in_group, test_end)
/* In the group from the start, when that has one CPU. */
static int begin_grown(void **state)
{
	return cpuset_allow(one) ? begin(state) : -1;
}

#define grown_test(fn) cmocka_unit_test_setup_teardown(fn, begin_grown, test_end)
#define plug_test(fn)  cmocka_unit_test_setup_teardown(fn, begin, test_end)

/* ---------------------------------------------------------------- what is seen of it */

/* What the system now says of the worker that runs an item for this CPU. */
static bool runs_pinned_to(int cpu)
{
	struct item item;
	cpu_set_t set;
	int err;

	item_init(&item);
	assert_true(queue_work_on(away, system_percpu_wq, &item.work));
	flush_work(&item.work);
	err = pthread_getaffinity_np(item.thread, sizeof(set), &set);
	return !err && CPU_COUNT(&set) == 1 && CPU_ISSET(cpu, &set);
}

static long return_itself(void *arg)
{
	return (long)(intptr_t)arg;
}

/* ------------------------------------------------------------------------- cpusets */

/* P1, P2, P3 */
static void workers_follow_a_cpuset_that_shrinks_and_grows(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		wait_until(runs_pinned_to(away));
		wait_until(nr_known_cpus() == 2);
		assert_true(cpuset_allow(one));
		wait_until(runs_pinned_to(stay));
		wait_until(nr_known_cpus() == 1);
		assert_true(cpuset_allow(both));
	}
}

/* P2: it came back before anybody looked. */
static void pins_are_restored_after_a_short_change(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_true(runs_pinned_to(away) || i);
		assert_true(cpuset_allow(one));
		assert_true(cpuset_allow(both));
		wait_until(runs_pinned_to(away));
	}
}

/* P2: of a CPU that the process has not had before. In a process that began in the group. */
static void queues_take_in_cpus_that_are_new(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("before", WQ_PERCPU | WQ_MEM_RECLAIM, 0);

	(void)state;
	assert_true(runs_pinned_to(stay));
	assert_int_equal(nr_known_cpus(), 1);
	assert_true(cpuset_allow(both));
	wait_until(runs_pinned_to(away));
	wait_until(nr_known_cpus() == 2);
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

/* With something to do on the first CPU, so that the library looks. */
static int nr_workers_of_new_cpu(const char *kind)
{
	work_on_cpu(stay, return_itself, NULL);
	return nr_workers_of(away, kind);
}

/* Q1 P2 */
static void cpu_that_is_new_has_a_worker_before_it_has_work(void **state)
{
	(void)state;
	assert_int_equal(workq_start(), 0);
	assert_int_equal(nr_workers_of_new_cpu(""), 0);
	assert_true(cpuset_allow(both));
	wait_until(nr_workers_of_new_cpu("") == 1);
	wait_until(nr_workers_of_new_cpu("H") == 1);
}

/* ----------------------------------------------------------------- under everybody's feet */

enum {
	THREADS = 4,
	ROUNDS = 1500,
	FLIPS = 60,
};

static atomic_long nr_queued, nr_run;
static atomic_bool is_over;

static void count_run(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_run, 1);
}

static long queue_all_the_time(void *arg)
{
	struct workqueue_struct *of[] = { system_percpu_wq, system_highpri_wq, system_dfl_wq, arg };
	struct delayed_work dwork[THREADS];

	for (int i = 0; i < THREADS; i++)
		INIT_DELAYED_WORK(&dwork[i], count_run);
	for (int i = 0; !atomic_load(&is_over) || i < ROUNDS; i++) {
		struct delayed_work *any = &dwork[i % THREADS];
		int cpu = i % 3 ? WORK_CPU_UNBOUND : away;
		bool queued = i % 7 ? queue_work_on(cpu, of[i % 4], &any->work) :
				      queue_delayed_work_on(cpu, of[i % 4], any, 1);

		atomic_fetch_add(&nr_queued, queued);
		if (i % 16 == 0)
			flush_delayed_work(any);
	}
	for (int i = 0; i < THREADS; i++)
		flush_delayed_work(&dwork[i]);
	return 0;
}

/* P1, A4 */
static void nothing_is_lost_while_a_cpuset_changes(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("row", 0);
	struct call call[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		call_start(&call[i], queue_all_the_time, wq);
	for (int i = 0; i < FLIPS; i++) {
		assert_true(cpuset_allow(i % 2 ? both : one));
		nap_us(2000);
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < THREADS; i++)
		call_join(&call[i]);
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&nr_run), atomic_load(&nr_queued));
	wait_until(runs_pinned_to(away));
}

/* ------------------------------------------------------------------- offline, online */

static char online_path[64];

static bool set_online(bool is_online)
{
	FILE *f = fopen(online_path, "w");

	if (!f)
		return false;
	fputs(is_online ? "1" : "0", f);
	return !fclose(f);
}

static void set_online_again(void)
{
	set_online(true);
}

static void abort_online(int sig)
{
	set_online_again();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Whatever becomes of this process. */
static void restore_at_the_end(void)
{
	static const int deadly[] = { SIGABRT, SIGALRM, SIGTERM, SIGINT, SIGSEGV };

	atexit(set_online_again);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], abort_online);
}

/* P1, P2, P3 */
static void workers_follow_a_cpu_that_goes_offline_and_comes_back(void **state)
{
	(void)state;
	snprintf(online_path, sizeof(online_path), "/sys/devices/system/cpu/cpu%d/online", away);
	restore_at_the_end();
	wait_until(runs_pinned_to(away));
	assert_true(set_online(false));
	wait_until(runs_pinned_to(stay));
	assert_true(set_online(true));
	wait_until(runs_pinned_to(away));
	wait_until(nr_known_cpus() == 2);
}

/* ---------------------------------------------------------------------------- main */

/* The program anew, in the group while that has one CPU. */
static int run_grown(void)
{
	const struct CMUnitTest tests[] = {
		grown_test(cpu_that_is_new_has_a_worker_before_it_has_work),
		grown_test(queues_take_in_cpus_that_are_new),
	};

	snprintf(cpuset_path, sizeof(cpuset_path), "%s", getenv("WORKQ_TEST_GROUP"));
	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}

static int begin_anew_in_group(char **argv)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (cpuset_allow(one) && cpuset_join() &&
		    !setenv("WORKQ_TEST_GROUP", cpuset_path, 1))
			exec_self(argv);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return status;
}

static int run_in_cpuset(char **argv)
{
	const struct CMUnitTest tests[] = {
		group_test(workers_follow_a_cpuset_that_shrinks_and_grows),
		group_test(pins_are_restored_after_a_short_change),
		group_test(nothing_is_lost_while_a_cpuset_changes),
	};

	if (!cpuset_make(both)) {
		printf("no cpuset can be made here: that is not tested\n");
		return 0;
	}
	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0])) +
	       !!begin_anew_in_group(argv);
}

static int run_with_hotplug(void)
{
	const struct CMUnitTest tests[] = {
		plug_test(workers_follow_a_cpu_that_goes_offline_and_comes_back),
	};

	if (!getenv("WORKQ_TEST_HOTPLUG")) {
		printf("WORKQ_TEST_HOTPLUG is not set: no CPU is taken offline\n");
		return 0;
	}
	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}

/* By the environment: in the group the process has one CPU. */
static void name_cpus(void)
{
	const char *cpus = getenv("WORKQ_TEST_CPUS");

	if (!cpus || sscanf(cpus, "%d,%d", &stay, &away) != 2) {
		stay = allowed_cpu(0);
		away = allowed_cpu(1);
	}
	snprintf(both, sizeof(both), "%d,%d", stay, away);
	snprintf(one, sizeof(one), "%d", stay);
	setenv("WORKQ_TEST_CPUS", both, 1);
}

int main(int argc, char **argv)
{
	(void)argc;
	name_cpus();
	if (getenv("WORKQ_TEST_GROUP"))
		return run_grown();
	if (away < 0) {
		printf("one CPU only: nothing is tested\n");
		return 0;
	}
	return run_in_cpuset(argv) + run_with_hotplug();
}
