/* SPDX-License-Identifier: MIT */
/*
 * thread.h - what the system says of threads.
 */
#ifndef TESTS_THREAD_H
#define TESTS_THREAD_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often it has slept; -1: there is no such thread. */
static inline long thread_sleeps(int tid)
{
	static const char name[] = "voluntary_ctxt_switches:";
	char path[64], line[128];
	long sleeps = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, sizeof(name) - 1))
			sleeps = atol(line + sizeof(name) - 1);
	fclose(f);
	return sleeps;
}

/* The name of a thread of this process, as /proc/self/task has its id; false: it is gone. */
static inline bool thread_name_of(const char *id, char name[32])
{
	char path[300];
	bool found;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", id);
	f = fopen(path, "r");
	if (!f)
		return false;
	found = fgets(name, 32, f);
	fclose(f);
	return found;
}

static inline int count_threads_once(bool (*is_one)(const char *name, const void *arg),
				     const void *arg)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	char name[32];
	int nr = 0;

	while (dir && (entry = readdir(dir)))
		nr += thread_name_of(entry->d_name, name) && is_one(name, arg);
	if (dir)
		closedir(dir);
	return nr;
}

/*
 * How many threads of this process have names, ended by a newline, of which that is so? A list
 * that is read while a thread ends may end with that one.
 */
static inline int nr_threads_that(bool (*is_one)(const char *name, const void *arg),
				  const void *arg)
{
	int nr = -1, before;

	do {
		before = nr;
		nr = count_threads_once(is_one, arg);
	} while (nr != before);
	return nr;
}

static inline bool name_begins(const char *name, const void *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static inline int nr_threads_named(const char *prefix)
{
	return nr_threads_that(name_begins, prefix);
}

struct pool_name {
	int cpu;
	const char *kind; /* "", "H", "B" or "BH" */
};

static inline bool name_is_of_pool(const char *name, const void *arg)
{
	const struct pool_name *pool = arg;
	char kind[8] = "";
	unsigned int nth;
	int cpu;

	return sscanf(name, "kworker/%d:%u%7s", &cpu, &nth, kind) >= 2 && cpu == pool->cpu &&
	       !strcmp(kind, pool->kind);
}

/* Workers of a CPU's pool, by their names. */
static inline int nr_workers_of(int cpu, const char *kind)
{
	const struct pool_name pool = { cpu, kind };

	return nr_threads_that(name_is_of_pool, &pool);
}

#endif /* TESTS_THREAD_H */
