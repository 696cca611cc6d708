/* SPDX-License-Identifier: MIT */
/*
 * answers.h - system calls that are answered by the test, as kernels seldom do.
 */
#ifndef TESTS_ANSWERS_H
#define TESTS_ANSWERS_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* The next so many calls of this kind have that result. */
static struct answer {
	long nr;
	long result;
	int error;
	int times;
} answer[2];
/* Whoever opens a file of this name gets that one; NULL: nobody does. */
static const char *file_asked, *file_given;

static bool is_answered(long nr, long *arg, long *result);

#define SYSCALL_IS_ANSWERED is_answered
#include "../support/syscall_stand_in.h"

static bool is_answered(long nr, long *arg, long *result)
{
	if (nr == SYS_openat && file_asked && !strcmp((const char *)arg[1], file_asked))
		arg[1] = (long)file_given;
	for (int i = 0; i < 2; i++) {
		if (answer[i].nr != nr || !answer[i].times)
			continue;
		answer[i].times--;
		errno = answer[i].error;
		*result = answer[i].result;
		return true;
	}
	return false;
}

static inline void answer_next(long nr, long result, int error, int times)
{
	answer[0] = (struct answer){ nr, result, error, times };
}

#endif /* TESTS_ANSWERS_H */
