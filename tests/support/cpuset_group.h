/* SPDX-License-Identifier: MIT */
/*
 * cpuset_group.h - a cpuset of the test's own, as the system has them, where it may make one.
 *
 * It is a cgroup of version 1 or 2 below the one that the test is in. The first process makes
 * it, and removes it when it ends; processes that join it end before. Changes are real.
 */
#ifndef TESTS_CPUSET_GROUP_H
#define TESTS_CPUSET_GROUP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CPUSET_PATH = 512,
};

static char cpuset_path[CPUSET_PATH];
static pid_t cpuset_owner;

static inline bool cpuset_write(const char *dir, const char *file, const char *text)
{
	char path[CPUSET_PATH + 64];
	FILE *f;
	int bad;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "w");
	if (!f)
		return false;
	bad = fputs(text, f) < 0;
	return !fclose(f) && !bad;
}

static inline bool cpuset_read(const char *dir, const char *file, char *text, int size)
{
	char path[CPUSET_PATH + 64];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "r");
	if (!f)
		return false;
	ok = fgets(text, size, f);
	fclose(f);
	return ok;
}

static inline void cpuset_remove(void)
{
	if (cpuset_owner == getpid())
		rmdir(cpuset_path);
}

/* Which CPUs those in it may use: "1", "0,2". */
static inline bool cpuset_allow(const char *list)
{
	return cpuset_write(cpuset_path, "cpuset.cpus", list);
}

/* The process moves there, with all its threads. */
static inline bool cpuset_join(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	return cpuset_write(cpuset_path, "cgroup.procs", pid);
}

/* In the group that is `parent`. */
static inline bool cpuset_make_in(const char *parent, const char *list)
{
	char mems[256];

	snprintf(cpuset_path, sizeof(cpuset_path), "%.400s/workq-test-%d", parent, (int)getpid());
	if (mkdir(cpuset_path, 0755))
		return false;
	cpuset_owner = getpid();
	/* version 1 has no memory there at first */
	if (cpuset_read(parent, "cpuset.mems", mems, sizeof(mems)))
		cpuset_write(cpuset_path, "cpuset.mems", mems);
	if (cpuset_allow(list))
		return true;
	rmdir(cpuset_path);
	return false;
}

/* Where the line of the process that begins so ends: "/a/b"; "" is the root. */
static inline bool cpuset_own_group(const char *controller, char *group, int size)
{
	char line[CPUSET_PATH], *at = NULL;
	FILE *f = fopen("/proc/self/cgroup", "r");

	while (f && !at && fgets(line, sizeof(line), f)) {
		at = strchr(line, ':');
		at = at && !strncmp(at, controller, strlen(controller)) ? at : NULL;
	}
	if (f)
		fclose(f);
	if (!at)
		return false;
	at[strcspn(at, "\n")] = '\0';
	snprintf(group, size, "%s", at + strlen(controller));
	if (!strcmp(group, "/"))
		*group = '\0';
	return true;
}

/* False: not on this machine, or not by this user. */
static inline bool cpuset_make(const char *list)
{
	char parent[CPUSET_PATH + 64], group[CPUSET_PATH];

	atexit(cpuset_remove);
	if (cpuset_own_group(":cpuset:", group, sizeof(group))) {
		snprintf(parent, sizeof(parent), "/sys/fs/cgroup/cpuset%s", group);
		return cpuset_make_in(parent, list);
	}
	/* of version 2: beside the process' own group, which may not have processes and children */
	return cpuset_make_in("/sys/fs/cgroup", list);
}

#endif /* TESTS_CPUSET_GROUP_H */
