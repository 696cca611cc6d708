/* SPDX-License-Identifier: MIT */
/*
 * fuzz_quota.c - mounts, cgroups and their quotas: a number of CPUs or none, from files that
 * the process asks for below the root only.
 *
 * Input: files (see files.h), such as /proc/self/mountinfo.
 */
#include "files.h"
#include "pages.h"

#include "base/cpuset.h"
#include "base/quota.h"

static unsigned int nr_reads;
static bool has_limit; /* some file was read that could be one */

long __wrap_wq_os_read_file(const char *path, char *buf, size_t size);
long __wrap_wq_os_read_file(const char *path, char *buf, size_t size)
{
	long len;

	must(!strncmp(path, "/r", strlen("/r")));
	nr_reads++;
	len = files_read(path + strlen("/r"), buf, size);
	if (len > 0 && strstr(path, "/cpu."))
		has_limit = true;
	return len;
}

static void check_mount(const struct wq_quota_mount *mount)
{
	must(memchr(mount->point, '\0', sizeof(mount->point)));
	must(memchr(mount->base, '\0', sizeof(mount->base)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	static struct wq_quota quota;
	unsigned int cpus;

	files_fill(&input);
	wq_quota_find(&quota, "/r");
	check_mount(&quota.v1);
	check_mount(&quota.v2);
	has_limit = false;
	nr_reads = 0;
	cpus = wq_quota_cpus(&quota);
	must(cpus < WQ_MAX_CPUS && (!cpus || has_limit));
	must(*quota.v1.point || *quota.v2.point || !nr_reads);
	must(wq_quota_cpus(&quota) == cpus);
	files_empty();
	return 0;
}
