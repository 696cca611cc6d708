/* SPDX-License-Identifier: MIT */
/*
 * thread.h - what the system says of a thread.
 */
#ifndef TESTS_THREAD_H
#define TESTS_THREAD_H

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

#endif /* TESTS_THREAD_H */
