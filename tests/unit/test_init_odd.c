/* SPDX-License-Identifier: MIT */
/*
 * test_init_odd.c - how the library starts where the system says too little, or the program asks for
 * more than usual.
 *
 * Each test has a process of its own, and says what the system is to answer before there are threads.
 */
#include "unit.h"

#include <sched.h>

#include "answers.h"
#include "../support/thread.h"
#include "base/cpuset.h"
#include "core/cpus.h"
#include "ops/init.h"

/* Those that the process may use. */
static void cpus_that_the_system_does_not_name_have_ids(void)
{
	char path[] = "/tmp/workq-test-XXXXXX";
	int fd = mkstemp(path);
	unsigned int cpu;

	must(fd >= 0 && write(fd, "0\n", 2) == 2);
	file_asked = "/sys/devices/system/cpu/possible";
	file_given = path;
	must(wq_init_library() == 0);
	unlink(path);
	wq_cpuset_for_each(cpu, &wq_allowed_cpus) must(cpu < wq_nr_cpus);
}

/* WORKQ_WATCH_SWITCHES=2: not only once somebody has waited. */
static void watch_is_kept_from_the_beginning_if_it_is_asked_for(void)
{
	setenv("WORKQ_WATCH_SWITCHES", "2", /* overwrite */ 1);
	must(wq_init_library() == 0);
	wait_until(nr_threads_named("kworker/watch") == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(cpus_that_the_system_does_not_name_have_ids),
		child_test(watch_is_kept_from_the_beginning_if_it_is_asked_for),
	};

	return cmocka_run_group_tests_name("init_odd", tests, NULL, NULL);
}
