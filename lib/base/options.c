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
	{ "WORKQ_PANIC_ON_STALL", offsetof(struct wq_options, panic_on_stall), 0, 0, 1000000 },
	{ "WORKQ_PANIC_ON_STALL_MS", offsetof(struct wq_options, panic_on_stall_ms), 0, 0,
	  86400000 },
	{ "WORKQ_POWER_EFFICIENT", offsetof(struct wq_options, power_efficient), 0, 0, 1 },
	{ "WORKQ_SAMPLE_US", offsetof(struct wq_options, sample_us), 2000, 100, 1000000 },
	{ "WORKQ_WATCHDOG_THRESH_MS", offsetof(struct wq_options, watchdog_ms), 30000, 0,
	  86400000 },
};

static const struct text_option {
	const char *name;
	size_t offset;
	const char *fallback;
} texts[] = {
	{ "WORKQ_AFFINITY_SCOPE", offsetof(struct wq_options, affinity_scope), "cache_shard" },
	{ "WORKQ_SYSFS_ROOT", offsetof(struct wq_options, sysfs_root), "/sys" },
	{ "WORKQ_UNBOUND_CPUS", offsetof(struct wq_options, unbound_cpus), "" },
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

static const char *text_of(const struct text_option *option)
{
	const char *text = wq_os_getenv(option->name);

	return text ? text : option->fallback;
}

void wq_options_read(void)
{
	int saved = errno;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		*(uint64_t *)(void *)((char *)&wq_options + table[i].offset) = value_of(&table[i]);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*(const char **)(void *)((char *)&wq_options + texts[i].offset) =
			text_of(&texts[i]);
	errno = saved;
}
