/* SPDX-License-Identifier: MIT */
/*
 * lines.h - catches the lines that the library reports; async-signal-safe.
 */
#ifndef TESTS_LINES_H
#define TESTS_LINES_H

#include "unit.h"

enum {
	LINES_KEPT = 4,
	LINE_LEN = 512,
};

static char line_kept[LINES_KEPT][LINE_LEN];
static atomic_int lines_caught;

static inline void lines_catch(const char *line)
{
	int at = atomic_fetch_add(&lines_caught, 1);

	for (int i = 0; at < LINES_KEPT && i < LINE_LEN - 1; i++) {
		line_kept[at][i] = line[i];
		if (!line[i])
			break;
	}
}

/* How many since the last look; begins anew. */
static inline int lines_take(void)
{
	memset(line_kept, 0, sizeof(line_kept));
	return atomic_exchange(&lines_caught, 0);
}

/* The only line since the last look. */
static inline const char *line_take(void)
{
	static char line[LINE_LEN];

	memcpy(line, line_kept[0], sizeof(line));
	assert_int_equal(lines_take(), 1);
	return line;
}

static inline int lines_begin(void **state)
{
	lines_take();
	wq_report_set_fn(lines_catch);
	return unit_begin(state);
}

static inline int lines_end(void **state)
{
	wq_report_set_fn(NULL);
	return unit_end(state);
}

#define lines_test(fn) cmocka_unit_test_setup_teardown(fn, lines_begin, lines_end)

#endif /* TESTS_LINES_H */
