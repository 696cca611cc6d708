/* SPDX-License-Identifier: MIT */
/*
 * shown.h - catches the lines of show_all_workqueues() and its kin.
 *
 * Warnings and notes go where they always go: see report.h.
 */
#ifndef TESTS_SHOWN_H
#define TESTS_SHOWN_H

#include "report.h"

enum {
	SHOWN_KEPT = 256,
};

static char shown_line[SHOWN_KEPT][REPORT_LEN];
static atomic_int nr_shown;

static inline void shown_catch(const char *line)
{
	int at;

	if (report_begins(line, "workq: WARNING: ") || report_begins(line, "workq: note: ")) {
		report_catch(line);
		return;
	}
	at = atomic_load(&nr_shown);
	if (at < SHOWN_KEPT)
		snprintf(shown_line[at], REPORT_LEN, "%s", line);
	atomic_store(&nr_shown, at + 1);
}

static inline void shown_begin(void)
{
	atomic_store(&nr_shown, 0);
	workq_set_report_fn(shown_catch);
}

/* The first line from this one on that has the text in it; -1: none. */
static inline int shown_after(int from, const char *text)
{
	for (int i = from; i < atomic_load(&nr_shown) && i < SHOWN_KEPT; i++)
		if (strstr(shown_line[i], text))
			return i;
	return -1;
}

static inline bool shown(const char *text)
{
	return shown_after(0, text) >= 0;
}

static inline void shown_print(void)
{
	for (int i = 0; i < atomic_load(&nr_shown) && i < SHOWN_KEPT; i++)
		fprintf(stderr, "shown: %s\n", shown_line[i]);
}

#define assert_shown(text)                                                                         \
	do {                                                                                       \
		if (!shown(text))                                                                  \
			shown_print();                                                             \
		assert_true(shown(text));                                                          \
	} while (0)

#endif /* TESTS_SHOWN_H */
