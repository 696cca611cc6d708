/* SPDX-License-Identifier: MIT */
/*
 * syscalls.c - counts the system calls of this process.
 *
 * By the system's own tracepoint at the entry of each call, which needs what perf needs:
 * usually root, outside of a container. A counter for each thread that exists; those made
 * later inherit it. While it is open, system calls of all programs take a slower way: so
 * nothing is timed meanwhile.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

enum { CALIBRATIONS = 10 };

static int *counters;
static size_t nr_counters;
static uint64_t own_calls;
static char why_not[160];

static void note_failure(const char *what)
{
	snprintf(why_not, sizeof(why_not), "%s: %s", what, strerror(errno));
}

/* The number of the tracepoint, different on each kernel. */
static bool find_tracepoint(uint64_t *id)
{
	static const char *const files[] = {
		"/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
		"/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *f = fopen(files[i], "re");
		char line[32] = "";

		if (!f) {
			if (i == 0)
				note_failure(files[i]);
			continue;
		}
		if (fgets(line, sizeof(line), f))
			*id = strtoull(line, NULL, 10);
		fclose(f);
		if (line[0])
			return true;
	}
	return false;
}

static bool add_counter(uint64_t tracepoint, pid_t tid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = tracepoint,
		.inherit = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	int *more;

	if (fd < 0 && errno == ESRCH)
		return true;
	if (fd < 0) {
		note_failure("perf_event_open");
		return false;
	}
	more = realloc(counters, (nr_counters + 1) * sizeof(*counters));
	if (!more)
		err(EXIT_FAILURE, "no memory");
	counters = more;
	counters[nr_counters++] = (int)fd;
	return true;
}

static bool add_all_threads(uint64_t tracepoint)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	bool ok = dir;

	while (ok && (entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0)
			ok = add_counter(tracepoint, tid);
	}
	if (dir)
		closedir(dir);
	return ok;
}

static uint64_t read_counters(void)
{
	uint64_t sum = 0, value;

	for (size_t i = 0; i < nr_counters; i++) {
		if (read(counters[i], &value, sizeof(value)) == sizeof(value))
			sum += value;
	}
	return sum;
}

/* What a pair of readings counts of itself; other threads can only add to it. */
static void calibrate(void)
{
	own_calls = UINT64_MAX;
	for (int i = 0; i < CALIBRATIONS; i++) {
		uint64_t before = read_counters();
		uint64_t calls = read_counters() - before;

		own_calls = calls < own_calls ? calls : own_calls;
	}
}

bool bench_syscalls_open(void)
{
	uint64_t tracepoint = 0;

	if (why_not[0])
		return false;
	if (!find_tracepoint(&tracepoint) || !add_all_threads(tracepoint)) {
		bench_syscalls_close();
		return false;
	}
	calibrate();
	return true;
}

void bench_syscalls_close(void)
{
	for (size_t i = 0; i < nr_counters; i++)
		close(counters[i]);
	free(counters);
	counters = NULL;
	nr_counters = 0;
}

uint64_t bench_syscalls_read(void)
{
	return nr_counters ? read_counters() : 0;
}

uint64_t bench_syscalls_between(uint64_t before, uint64_t after)
{
	uint64_t calls = after - before;

	return calls > own_calls ? calls - own_calls : 0;
}

const char *bench_syscalls_why_not(void)
{
	return why_not[0] ? why_not : NULL;
}
