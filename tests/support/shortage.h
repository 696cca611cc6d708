/* SPDX-License-Identifier: MIT */
/*
 * shortage.h - threads that really cannot be had: no stand-in for anything, the system refuses.
 *
 * By the limit of a cgroup's processes, by the user's, or by that of the process's memory,
 * which then has no room for a stack. Each test has a process of its own, and prepares
 * for its shortage before it uses the library. Where one cannot be arranged its tests are skipped.
 */
#ifndef TESTS_SHORTAGE_H
#define TESTS_SHORTAGE_H

#include <fcntl.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "api.h"

enum shortage {
	SHORT_OF_PIDS,      /* pids.max */
	SHORT_OF_PROCESSES, /* RLIMIT_NPROC */
	SHORT_OF_SPACE,     /* RLIMIT_AS */
	NR_SHORTAGES,
};

enum {
	SPARE_BYTES = 1 << 20, /* for what is not a stack */
	SOME_USER = 54321,     /* has no processes */
};

/* Written at once, as the files of a cgroup want it. */
static inline bool put_into_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* ------------------------------------------------------------------- cgroups */

static char shortage_cgroup[128];

static inline bool cgroup_put(const char *dir, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return put_into_file(path, text);
}

/* Where hierarchies with the pids controller are, mostly: of version 1, and of version 2. */
static const char *const pids_roots[] = { "/sys/fs/cgroup/pids", "/sys/fs/cgroup",
					  "/sys/fs/cgroup/unified" };

static inline bool join_cgroup_below(const char *root, const char *name)
{
	snprintf(shortage_cgroup, sizeof(shortage_cgroup), "%s/%s", root, name);
	if (mkdir(shortage_cgroup, 0700) && errno != EEXIST)
		return false;
	if (cgroup_put(shortage_cgroup, "pids.max", "max") &&
	    cgroup_put(shortage_cgroup, "cgroup.procs", "0"))
		return true;
	rmdir(shortage_cgroup);
	return false;
}

/* Named after the process that runs the tests, whose child this is; see shortage_remove(). */
static inline bool join_cgroup(pid_t owner)
{
	char name[32];

	snprintf(name, sizeof(name), "workq-test.%d", (int)owner);
	for (size_t i = 0; i < sizeof(pids_roots) / sizeof(pids_roots[0]); i++)
		if (join_cgroup_below(pids_roots[i], name))
			return true;
	return false;
}

/* By who ran the tests: their processes are gone. */
static inline void shortage_remove(void)
{
	char path[128];

	for (size_t i = 0; i < sizeof(pids_roots) / sizeof(pids_roots[0]); i++) {
		snprintf(path, sizeof(path), "%s/workq-test.%d", pids_roots[i], (int)getpid());
		rmdir(path);
	}
}

/* -------------------------------------------------------------------- limits */

/* The soft one. */
static inline void set_limit(int resource, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		abort();
	limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
	if (setrlimit(resource, &limit))
		abort();
}

/* The limit of processes does not bind root. */
static inline bool become_some_user(void)
{
	if (geteuid())
		return true;
	/* its files in /proc are to stay its own */
	return !setresgid(SOME_USER, SOME_USER, SOME_USER) &&
	       !setresuid(SOME_USER, SOME_USER, SOME_USER) && !prctl(PR_SET_DUMPABLE, 1);
}

static inline rlim_t address_space_in_use(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu", &pages) != 1)
		abort();
	fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/*
 * Threads that were just made take much, for their memory's sake, and give most of it back: that
 * would be room enough for a stack.
 */
static inline void limit_address_space(void)
{
	rlim_t limit = RLIM_INFINITY, wanted;

	for (int nr_same = 0; nr_same < 20; nr_same++) {
		wanted = address_space_in_use() + SPARE_BYTES;
		if (wanted < limit) {
			limit = wanted;
			set_limit(RLIMIT_AS, limit);
			nr_same = 0;
		}
		nap_us(500);
	}
}

/* Some libc's are so small that there is always room for one more. */
static inline bool is_stack_large(void)
{
	pthread_attr_t attr;
	size_t size = 0;

	if (pthread_attr_init(&attr))
		abort();
	pthread_attr_getstacksize(&attr, &size);
	pthread_attr_destroy(&attr);
	return size > SPARE_BYTES;
}

/* ------------------------------------------------------------------ shortages */

/* False: it cannot be arranged here. */
static inline bool shortage_prepare(enum shortage shortage)
{
	switch (shortage) {
	case SHORT_OF_PIDS:
		return join_cgroup(getppid());
	case SHORT_OF_PROCESSES:
		return become_some_user();
	default:
		/* sanitizers need memory of their own, and qemu-user knows no such limit */
		return !TESTS_SANITIZED && !TESTS_EMULATED && is_stack_large();
	}
}

/* From now on no thread can be made. */
static inline void shortage_begin(enum shortage shortage)
{
	switch (shortage) {
	case SHORT_OF_PIDS:
		if (!cgroup_put(shortage_cgroup, "pids.max", "0"))
			abort();
		break;
	case SHORT_OF_PROCESSES:
		set_limit(RLIMIT_NPROC, 0);
		break;
	default:
		limit_address_space();
	}
}

static inline void shortage_end(enum shortage shortage)
{
	switch (shortage) {
	case SHORT_OF_PIDS:
		if (!cgroup_put(shortage_cgroup, "pids.max", "max"))
			abort();
		break;
	case SHORT_OF_PROCESSES:
		set_limit(RLIMIT_NPROC, RLIM_INFINITY);
		break;
	default:
		set_limit(RLIMIT_AS, RLIM_INFINITY);
	}
}

#endif /* TESTS_SHORTAGE_H */
