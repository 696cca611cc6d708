/* SPDX-License-Identifier: MIT */
/*
 * test_quota.c - how many CPUs the cgroups of a process leave it, from files made up in a
 * temporary directory.
 */
#include "unit.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#include "base/quota.h"
#include "fault.h"

/* As quota.c has it: room for the list of mounts. */
#define MOUNTS_SIZE 262144u

static char root[64];

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int begin(void **state)
{
	strcpy(root, "/tmp/workq-quota-XXXXXX");
	return mkdtemp(root) ? unit_begin(state) : -1;
}

static int end(void **state)
{
	int err = nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);

	return unit_end(state) || err ? -1 : 0;
}

#define quota_test(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

static void put(const char *file, const char *text)
{
	char path[2048];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", root, file);
	for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		must(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(path, "w");
	must(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static unsigned int cpus(void)
{
	struct wq_quota quota;

	wq_quota_find(&quota, root);
	return wq_quota_cpus(&quota);
}

#define V2_MOUNT   "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define ROOT_MOUNT "23 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define V1_MOUNTS                                                                                  \
	"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"                               \
	"32 31 0:29 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"               \
	"33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"

static void begin_v2(const char *group)
{
	char line[256];

	put("/proc/self/mountinfo", ROOT_MOUNT V2_MOUNT);
	snprintf(line, sizeof(line), "0::%s\n", group);
	put("/proc/self/cgroup", line);
}

static void begin_v1(const char *group)
{
	char lines[512];

	put("/proc/self/mountinfo", ROOT_MOUNT V1_MOUNTS);
	snprintf(lines, sizeof(lines), "5:cpuset:/elsewhere\n4:cpu,cpuacct:%s\n0::/\n", group);
	put("/proc/self/cgroup", lines);
}

/* A path of so many names, as long as names can be; shorter by cut. */
static const char *long_path(char *path, size_t nr, size_t cut)
{
	memset(path, 'x', nr * 256);
	for (size_t i = 0; i < nr; i++)
		path[i * 256] = '/';
	path[nr * 256 - cut] = '\0';
	return path;
}

/* ------------------------------------------------------------------- version 2 */

static void quota_is_rounded_up_to_cpus(void **state)
{
	static const struct {
		const char *max;
		unsigned int cpus;
	} of[] = {
		{ "200000 100000\n", 2 },
		{ "200001 100000\n", 3 },
		{ "0200001 100000\n", 3 },
		{ "50000 100000\n", 1 },
		{ "1000 1000000\n", 1 },
		{ "1 100000\n", 1 },
		{ "3 1\n", 3 },
		{ "1600000 100000\n", 16 },
		{ "max 100000\n", 0 },
		{ "", 0 },
		{ "x 1\n", 0 },
		{ "5\n", 0 },
		{ "100000 0\n", 0 },
		{ "99999999999999 1\n", 0 },
		{ "-1 100000\n", 0 },
	};

	begin_v2("/a");
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		put("/sys/fs/cgroup/a/cpu.max", of[i].max);
		if (cpus() != of[i].cpus)
			fail_msg("%s means %u CPUs", of[i].max, cpus());
	}
}

/* What looks like a mount or a group, and has no path: such a text once crashed. */
static void groups_and_mounts_without_a_path_have_no_quota(void **state)
{
	put("/cpu.max", "100000 100000\n");
	put("/proc/self/mountinfo", "22 ! 8: / rw,reld:9 - cgroup2 cgroup2 rw\n");
	put("/proc/self/cgroup", "0::a\n");
	assert_int_equal(cpus(), 0);
	begin_v2("a");
	assert_int_equal(cpus(), 0);
	begin_v2("");
	put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
	assert_int_equal(cpus(), 3);
}

static void least_quota_of_the_groups_above_counts(void **state)
{
	begin_v2("/a/b/c");
	put("/sys/fs/cgroup/a/b/c/cpu.max", "700000 100000\n");
	assert_int_equal(cpus(), 7);
	put("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
	assert_int_equal(cpus(), 3);
	put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	assert_int_equal(cpus(), 3);
	put("/sys/fs/cgroup/a/b/c/cpu.max", "100000 50000\n");
	assert_int_equal(cpus(), 2);
}

/* With a namespace of its own: what it sees as the root has a limit. */
static void group_of_the_mount_itself_counts(void **state)
{
	begin_v2("/");
	put("/sys/fs/cgroup/cpu.max", "400000 100000\n");
	assert_int_equal(cpus(), 4);
	begin_v2("/../other");
	assert_int_equal(cpus(), 4);
}

/* Without such a namespace, in a container: its group is mounted as the root. */
static void base_of_the_mount_is_cut_off_the_group(void **state)
{
	put("/proc/self/mountinfo", "30 23 0:26 /docker/1234 /cg rw - cgroup2 cgroup rw\n"
				    "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
	put("/cg/cpu.max", "600000 100000\n");
	put("/cg/sub/cpu.max", "500000 100000\n");
	put("/proc/self/cgroup", "0::/docker/1234/sub\n");
	assert_int_equal(cpus(), 5);
	put("/proc/self/cgroup", "0::/docker/1234\n");
	assert_int_equal(cpus(), 6);
	put("/proc/self/cgroup", "0::/docker/12345/sub\n");
	assert_int_equal(cpus(), 6);
}

/* As the kernel writes spaces, tabs, newlines and backslashes; anything else means itself. */
static void escapes_in_mounts_are_what_they_stand_for(void **state)
{
	put("/proc/self/mountinfo",
	    "30 23 0:26 /a\\134b\\011c /c\\040g/\\08\\1x\\y\\0z1\\12 rw - cgroup2 cgroup rw\n");
	put("/c g/\\08\\1x\\y\\0z1\\12/cpu.max", "600000 100000\n");
	put("/c g/\\08\\1x\\y\\0z1\\12/sub/cpu.max", "500000 100000\n");
	put("/proc/self/cgroup", "0::/elsewhere/sub\n");
	assert_int_equal(cpus(), 6);
	put("/proc/self/cgroup", "0::/a\\b\tc/sub\n");
	assert_int_equal(cpus(), 5);
}

static void change_is_seen_by_the_next_look(void **state)
{
	struct wq_quota quota;

	begin_v2("/a");
	wq_quota_find(&quota, root);
	assert_int_equal(wq_quota_cpus(&quota), 0);
	put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
	assert_int_equal(wq_quota_cpus(&quota), 2);
	put("/proc/self/cgroup", "0::/b\n");
	assert_int_equal(wq_quota_cpus(&quota), 0);
}

/* ------------------------------------------------------------------- version 1 */

/* The longest that there is room for: a mount of 511 characters, and a group of 512 below. */
static void longest_path_is_read(void **state)
{
	char point[513], group[513], text[2048];

	long_path(point, 2, 1);
	long_path(group, 2, 0);
	snprintf(
		text, sizeof(text),
		"30 23 0:26 / %s rw - cgroup2 cgroup2 rw\n33 31 0:30 / %s rw - cgroup cgroup rw,cpu\n",
		point, point);
	put("/proc/self/mountinfo", text);
	snprintf(text, sizeof(text), "0::%s\n", group);
	put("/proc/self/cgroup", text);
	snprintf(text, sizeof(text), "%s%s/cpu.max", point, group);
	put(text, "300000 100000\n");
	assert_int_equal(cpus(), 3);
	snprintf(text, sizeof(text), "4:cpu:%s\n", group);
	put("/proc/self/cgroup", text);
	snprintf(text, sizeof(text), "%s%s/cpu.cfs_quota_us", point, group);
	put(text, "400000\n");
	snprintf(text, sizeof(text), "%s%s/cpu.cfs_period_us", point, group);
	put(text, "200000\n");
	assert_int_equal(cpus(), 2);
}

static void put_v1(const char *group, const char *time, const char *period)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_quota_us", group);
	put(path, time);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_period_us", group);
	put(path, period);
}

static void quota_of_version_1_counts(void **state)
{
	begin_v1("/a/b");
	assert_int_equal(cpus(), 0);
	put_v1("/a/b", "-1\n", "100000\n");
	assert_int_equal(cpus(), 0);
	put_v1("/a/b", "150000\n", "100000\n");
	assert_int_equal(cpus(), 2);
	put_v1("/a", "50000\n", "50000\n");
	assert_int_equal(cpus(), 1);
}

static void both_versions_count(void **state)
{
	put("/proc/self/mountinfo",
	    V1_MOUNTS "38 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	put("/proc/self/cgroup", "4:cpu,cpuacct:/a\n0::/b\n");
	put_v1("/a", "300000\n", "100000\n");
	assert_int_equal(cpus(), 3);
	put("/sys/fs/cgroup/unified/b/cpu.max", "200000 100000\n");
	assert_int_equal(cpus(), 2);
}

/* ---------------------------------------------------------------------- nothing */

static void what_is_missing_or_no_sense_is_no_limit(void **state)
{
	assert_int_equal(cpus(), 0);
	put("/proc/self/mountinfo", "");
	assert_int_equal(cpus(), 0);
	put("/proc/self/mountinfo", "\n - \n - cgroup2\n1 2 3 - cgroup2 a rw\nno end");
	assert_int_equal(cpus(), 0);
	put("/proc/self/mountinfo", V2_MOUNT);
	assert_int_equal(cpus(), 0);
	put("/proc/self/cgroup", "\n:\n::\n0::\n0:cpu\nno end");
	assert_int_equal(cpus(), 0);
	put("/proc/self/cgroup", "0::nonsense\n0::/a\n");
	put("/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
	assert_int_equal(cpus(), 1);
}

static void mounts_that_say_too_little_do_not_count(void **state)
{
	begin_v2("/a");
	put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
	put("/proc/self/mountinfo", " - cgroup2 a b\n - cgroup2 a\n" V2_MOUNT);
	assert_int_equal(cpus(), 2);
}

static void first_mount_of_several_counts(void **state)
{
	begin_v1("/a");
	put_v1("/a", "300000\n", "100000\n");
	put("/proc/self/mountinfo",
	    V1_MOUNTS "34 31 0:30 / /elsewhere rw - cgroup cgroup rw,cpu,cpuacct\n");
	assert_int_equal(cpus(), 3);
}

static void group_outside_of_the_mount_has_the_limit_of_the_mount(void **state)
{
	put("/proc/self/mountinfo", "30 23 0:26 /a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put("/sys/fs/cgroup/cpu.max", "400000 100000\n");
	put("/sys/fs/cgroup/c/cpu.max", "100000 100000\n");
	put("/proc/self/cgroup", "0::/b/c\n");
	assert_int_equal(cpus(), 4);
	put("/proc/self/cgroup", "0::/a\n");
	assert_int_equal(cpus(), 4);
	put("/proc/self/cgroup", "0::/a/c\n");
	assert_int_equal(cpus(), 1);
}

static void quota_of_version_1_without_numbers_is_none(void **state)
{
	begin_v1("/a");
	put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "100000\n");
	assert_int_equal(cpus(), 0);
	put_v1("/a", "100000\n", "none\n");
	assert_int_equal(cpus(), 0);
	put_v1("/a", "none\n", "100000\n");
	assert_int_equal(cpus(), 0);
}

static void root_that_is_too_long_has_no_limits(void **state)
{
	struct wq_quota quota;
	char *long_root = malloc(4000);

	assert_non_null(long_root);
	memset(long_root, '/', 3999);
	long_root[3999] = '\0';
	wq_quota_find(&quota, long_root);
	assert_int_equal(wq_quota_cpus(&quota), 0);
	free(long_root);
}

static void without_memory_there_is_no_limit(void)
{
	struct wq_quota quota;

	fault_mmap_of(MOUNTS_SIZE);
	wq_quota_find(&quota, "");
	must(wq_quota_cpus(&quota) == 0);
}

static void real_machine_is_understood(void **state)
{
	struct wq_quota quota;

	wq_quota_find(&quota, "");
	assert_true(wq_quota_cpus(&quota) < 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		quota_test(quota_is_rounded_up_to_cpus),
		quota_test(groups_and_mounts_without_a_path_have_no_quota),
		quota_test(least_quota_of_the_groups_above_counts),
		quota_test(group_of_the_mount_itself_counts),
		quota_test(base_of_the_mount_is_cut_off_the_group),
		quota_test(escapes_in_mounts_are_what_they_stand_for),
		quota_test(change_is_seen_by_the_next_look),
		quota_test(quota_of_version_1_counts),
		quota_test(longest_path_is_read),
		quota_test(both_versions_count),
		quota_test(what_is_missing_or_no_sense_is_no_limit),
		quota_test(mounts_that_say_too_little_do_not_count),
		quota_test(first_mount_of_several_counts),
		quota_test(group_outside_of_the_mount_has_the_limit_of_the_mount),
		quota_test(quota_of_version_1_without_numbers_is_none),
		quota_test(root_that_is_too_long_has_no_limits),
		child_test(without_memory_there_is_no_limit),
		quota_test(real_machine_is_understood),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
