/* SPDX-License-Identifier: MIT */
/*
 * exec_self.h - a program that starts itself anew.
 *
 * What the system has as /proc/self/exe of an emulated program is the emulator: it is told the
 * program's name.
 */
#ifndef TESTS_EXEC_SELF_H
#define TESTS_EXEC_SELF_H

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "sanitized.h"

#if TESTS_EMULATED

/* Returns only if it failed. */
static inline void exec_self(char *const *argv)
{
	const char *emulated[32] = { TESTS_EMULATOR };
	const size_t max = sizeof(emulated) / sizeof(emulated[0]) - 1;
	char self[PATH_MAX] = "";
	size_t nr = 0;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return;
	while (emulated[nr])
		nr++;
	emulated[nr++] = self;
	for (size_t i = 1; argv[i]; i++) {
		if (nr == max)
			abort();
		emulated[nr++] = argv[i];
	}
	execvp(emulated[0], (char *const *)(uintptr_t)emulated);
}

#else

static inline void exec_self(char *const *argv)
{
	execv("/proc/self/exe", argv);
}

#endif

#endif /* TESTS_EXEC_SELF_H */
