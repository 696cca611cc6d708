/* SPDX-License-Identifier: MIT */
/*
 * report.h - catches what the library reports.
 *
 * Warnings speak of misuse, notes of what is worth knowing. The function that
 * catches them is async-signal-safe: it copies the line into a fixed place and
 * counts. report_take() gives the number of warnings and begins anew; a test
 * that takes nothing promises that there were none (see api.h).
 */
#ifndef TESTS_REPORT_H
#define TESTS_REPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <workq/workq.h>

enum {
	REPORTS_KEPT = 16,
	REPORT_LEN = 512,
};

static char report_line[REPORTS_KEPT][REPORT_LEN];
static atomic_bool report_is_kept[REPORTS_KEPT]; /* the line may be read */
static atomic_int reports_begun;
static atomic_int warnings_seen;
static atomic_int notes_seen;
static atomic_int reports_malformed;

static inline bool report_begins(const char *line, const char *prefix)
{
	while (*prefix)
		if (*line++ != *prefix++)
			return false;
	return true;
}

static inline void report_keep(const char *line)
{
	int at = atomic_fetch_add(&reports_begun, 1);

	for (int i = 0; at < REPORTS_KEPT && i < REPORT_LEN - 1; i++) {
		report_line[at][i] = line[i];
		if (!line[i])
			break;
	}
	if (at < REPORTS_KEPT)
		atomic_store(&report_is_kept[at], true);
}

static inline void report_catch(const char *line)
{
	report_keep(line);
	for (const char *c = line; *c; c++)
		if (*c == '\n')
			atomic_fetch_add(&reports_malformed, 1);
	if (report_begins(line, "workq: WARNING: "))
		atomic_fetch_add(&warnings_seen, 1);
	else if (report_begins(line, "workq: note: "))
		atomic_fetch_add(&notes_seen, 1);
	else
		atomic_fetch_add(&reports_malformed, 1);
}

static inline int report_count(void)
{
	return atomic_load(&warnings_seen);
}

static inline int note_count(void)
{
	return atomic_load(&notes_seen);
}

/* Is each report one line, and says what it is? */
static inline bool reports_are_well_formed(void)
{
	return atomic_load(&reports_malformed) == 0;
}

static inline int report_take(void)
{
	int seen = report_count();

	for (int i = 0; i < REPORTS_KEPT; i++)
		atomic_store(&report_is_kept[i], false);
	memset(report_line, 0, sizeof(report_line));
	atomic_store(&reports_begun, 0);
	atomic_store(&warnings_seen, 0);
	atomic_store(&notes_seen, 0);
	atomic_store(&reports_malformed, 0);
	return seen;
}

/* Is the text in one of the lines since the last look? */
static inline bool report_says(const char *text)
{
	for (int i = 0; i < REPORTS_KEPT; i++)
		if (atomic_load(&report_is_kept[i]) && strstr(report_line[i], text))
			return true;
	return false;
}

static inline void report_print(void)
{
	for (int i = 0; i < atomic_load(&reports_begun) && i < REPORTS_KEPT; i++)
		fprintf(stderr, "reported: %s\n", report_line[i]);
}

#endif /* TESTS_REPORT_H */
