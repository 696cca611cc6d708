/* SPDX-License-Identifier: MIT */
/*
 * test_cpus_quota.c - quotas of cgroups, as they are followed while the process runs.
 *
 * The cgroup is made up in a temporary directory; of CPUs the system says nothing.
 */
#include "../support/syscall_stand_in.h"
#include "machine.h"

#include <errno.h>
#include <sys/stat.h>

#include "core/cpus.h"

enum {
	MS = 1000000,
};

static uint64_t now = MS;

static bool syscall_is_refused(long nr)
{
	errno = EPERM;
	return nr == SYS_sched_getaffinity;
}

static char root[] = "/tmp/workq-cpus-XXXXXX";

static void put(const char *file, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, file);
	f = fopen(path, "w");
	must(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void make_dir(const char *dir)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, dir);
	must(mkdir(path, 0700) == 0);
}

/* Of the process' cgroup: as many CPUs as that. */
static void have_quota(const char *nr)
{
	char text[64];

	snprintf(text, sizeof(text), "%s00000 100000\n", nr);
	put("cpu.max", text);
}

static void make_cgroup(void)
{
	must(mkdtemp(root));
	make_dir("proc");
	make_dir("proc/self");
	put("proc/self/mountinfo", "30 23 0:26 / / rw shared:9 - cgroup2 cgroup2 rw\n");
	put("proc/self/cgroup", "0::/\n");
}

static void remove_cgroup(void)
{
	static const char *const all[] = {
		"/proc/self/mountinfo", "/proc/self/cgroup", "/proc/self", "/proc", "/cpu.max", ""
	};
	char path[128];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", root, all[i]);
		must(remove(path) == 0);
	}
}

static void begin(void)
{
	start_machine();
	make_cgroup();
	wq_options.cgroup_root = root;
	wq_options.cpu_watch_ms = 100;
}

static void look_later(void)
{
	now += 2000ull * MS;
	wq_cpus_watch(now);
}

static unsigned int max_running(void)
{
	return system_dfl_wq->table->of_cpu[FIRST]->pool->max_running;
}

/* L6 */
static void quota_that_changes_is_followed_as_soon_as_can_be(void)
{
	begin();
	have_quota("2");
	look_later();
	must(max_running() == 2);
	have_quota("1");
	must(wq_lock_try(&wq_config_lock));
	look_later();
	must(max_running() == 2);
	wq_lock_release(&wq_config_lock);
	look_later();
	must(max_running() == 1);
	remove_cgroup();
}

static void turned_off_the_quota_is_read_once(void)
{
	begin();
	wq_options.cpu_watch_ms = 0;
	have_quota("2");
	wq_cpus_watch(now);
	must(max_running() == 2);
	have_quota("1");
	wq_cpus_watch(now + 1000000ull * MS);
	must(max_running() == 2);
	remove_cgroup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(quota_that_changes_is_followed_as_soon_as_can_be),
		child_test(turned_off_the_quota_is_read_once),
	};

	return cmocka_run_group_tests_name("cpus_quota", tests, NULL, NULL);
}
