/* SPDX-License-Identifier: MIT */
/*
 * options.c - the tunables, one table (contracts in options.h).
 */
#include "base/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/os.h"
#include "base/report.h"

struct wq_options wq_options;

static const struct option {
	const char *name;
	size_t offset;
	uint64_t fallback, min, max;
} table[] = {
	{ "WORKQ_DEFER_MS", offsetof(struct wq_options, defer_ms), 1000, 1, 86400000 },
	{ "WORKQ_IDLE_TIMEOUT_MS", offsetof(struct wq_options, idle_timeout_ms), 300000, 1,
	  86400000 },
	{ "WORKQ_SAMPLE_US", offsetof(struct wq_options, sample_us), 2000, 100, 1000000 },
};

static void report_bad(const struct option *option, const char *text)
{
	struct wq_msg msg;

	wq_msg_note(&msg, option->name);
	wq_msg_text(&msg, "=");
	wq_msg_text(&msg, text);
	wq_msg_text(&msg, " is not a number from ");
	wq_msg_number(&msg, option->min);
	wq_msg_text(&msg, " to ");
	wq_msg_number(&msg, option->max);
	wq_msg_text(&msg, "; using ");
	wq_msg_number(&msg, option->fallback);
	wq_msg_send(&msg);
}

static uint64_t value_of(const struct option *option)
{
	const char *text = wq_os_getenv(option->name);
	unsigned long long value;
	char *end;

	if (!text)
		return option->fallback;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && value >= option->min &&
	    value <= option->max)
		return value;
	report_bad(option, text);
	return option->fallback;
}

void wq_options_read(void)
{
	int saved = errno;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		*(uint64_t *)(void *)((char *)&wq_options + table[i].offset) = value_of(&table[i]);
	errno = saved;
}
