/* SPDX-License-Identifier: MIT */
/*
 * steps_cpus.c - the script's step with CPUs that go and come back.
 *
 * The process is given one CPU, as by taskset, and then all again.
 */
#include "fault/script.h"

#include <dirent.h>
#include <stdlib.h>

static cpu_set_t all;

static void set_cpus_of_process(const cpu_set_t *cpus)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;

	must(dir != NULL);
	/* threads come and go meanwhile */
	while ((entry = readdir(dir)))
		if (atoi(entry->d_name))
			sched_setaffinity(atoi(entry->d_name), sizeof(*cpus), cpus);
	closedir(dir);
}

static atomic_int nr_each;

static void count_each(struct work_struct *work)
{
	atomic_fetch_add(&nr_each, 1);
}

/* It looks while there is something to do. */
static int nr_known_cpus(void)
{
	atomic_store(&nr_each, 0);
	insist(schedule_on_each_cpu(count_each));
	return atomic_load(&nr_each);
}

/* Who sets them just as the library looks may not be noticed, and does it again. */
static bool is_known(const cpu_set_t *cpus)
{
	if (nr_known_cpus() == CPU_COUNT(cpus))
		return true;
	set_cpus_of_process(cpus);
	return false;
}

/* How many CPUs there are is asked for by these, so that for good it does not know. */
static bool will_know(void)
{
	return fault_plan()->span != FOR_GOOD ||
	       (fault_plan()->point != FAULT_wq_os_allowed_cpus &&
		fault_plan()->point != FAULT_wq_os_thread_set_cpus &&
		fault_plan()->point != FAULT_wq_os_thread_cpus_of &&
		fault_plan()->point != FAULT_wq_os_thread_set_cpus_of);
}

static long return_zero(void *arg)
{
	return 0;
}

static void set_cpus_and_run(const cpu_set_t *cpus)
{
	set_cpus_of_process(cpus);
	script_run_job(script_percpu);
	script_run_job(script_unbound);
	if (will_know())
		wait_until(is_known(cpus));
	must(!work_on_cpu(script_cpu(1), return_zero, NULL));
	script_run_job(script_unbound);
}

/* P1, P2 */
void step_lose_cpus(void)
{
	cpu_set_t one;

	must(!sched_getaffinity(0, sizeof(all), &all));
	CPU_ZERO(&one);
	CPU_SET(script_cpu(0), &one);
	set_cpus_and_run(&one);
	set_cpus_and_run(&all);
}
