/* SPDX-License-Identifier: MIT */
/*
 * must.h - what holds, in any thread and any process of a test: else it ends there.
 */
#ifndef TESTS_SUPPORT_MUST_H
#define TESTS_SUPPORT_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define must(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif /* TESTS_SUPPORT_MUST_H */
