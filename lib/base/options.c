/* SPDX-License-Identifier: MIT */
/*
 * options.c - the tunables, one table (contracts in options.h).
 */
#include "base/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "base/report.h"

struct wq_options wq_options;

static const struct option {
	const char *name;
	size_t offset;
	uint64_t fallback, min, max;
} table[] = {
	{ "WORKQ_CHECK_ITEMS", offsetof(struct wq_options, check_items), 1, 0, 1 },
	{ "WORKQ_CPU_INTENSIVE_THRESH_US", offsetof(struct wq_options, intensive_us), 10000, 0,
	  60000000 },
	{ "WORKQ_CPU_INTENSIVE_WARNING_THRESH", offsetof(struct wq_options, intensive_warn), 4, 0,
	  1000000 },
	{ "WORKQ_CPU_WATCH_MS", offsetof(struct wq_options, cpu_watch_ms), 100, 0, 86400000 },
	{ "WORKQ_DEFER_MS", offsetof(struct wq_options, defer_ms), 1000, 1, 86400000 },
	{ "WORKQ_IDLE_TIMEOUT_MS", offsetof(struct wq_options, idle_timeout_ms), 300000, 1,
	  86400000 },
	{ "WORKQ_MAX_RUNNING", offsetof(struct wq_options, max_running), 0, 0, 65535 },
	{ "WORKQ_PANIC_ON_STALL", offsetof(struct wq_options, panic_on_stall), 0, 0, 1000000 },
	{ "WORKQ_PANIC_ON_STALL_MS", offsetof(struct wq_options, panic_on_stall_ms), 0, 0,
	  86400000 },
	{ "WORKQ_POWER_EFFICIENT", offsetof(struct wq_options, power_efficient), 0, 0, 1 },
	{ "WORKQ_SAMPLE_US", offsetof(struct wq_options, sample_us), 2000, 100, 60000000 },
	{ "WORKQ_WATCHDOG_THRESH_MS", offsetof(struct wq_options, watchdog_ms), 30000, 0,
	  86400000 },
	{ "WORKQ_WATCH_SWITCHES", offsetof(struct wq_options, watch_switches), 1, 0, 2 },
};

static const struct text_option {
	const char *name;
	size_t offset;
	const char *fallback;
} texts[] = {
	{ "WORKQ_AFFINITY_SCOPE", offsetof(struct wq_options, affinity_scope), "cache_shard" },
	{ "WORKQ_CGROUP_ROOT", offsetof(struct wq_options, cgroup_root), "" },
	{ "WORKQ_CPUS", offsetof(struct wq_options, cpus), "" },
	{ "WORKQ_SYSFS_ROOT", offsetof(struct wq_options, sysfs_root), "/sys" },
	{ "WORKQ_UNBOUND_CPUS", offsetof(struct wq_options, unbound_cpus), "" },
};

#define NR_TEXTS (sizeof(texts) / sizeof(texts[0]))

/* G: their values, where the environment has some; the program may change that at any time */
static char *copies[NR_TEXTS];

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

/* Its value as it is now, or the default. NULL: no memory. */
static const char *text_of(const struct text_option *option, char **copy)
{
	const char *text = wq_os_getenv(option->name);
	size_t size;

	wq_os_free(*copy);
	*copy = NULL;
	if (!text)
		return option->fallback;
	size = strlen(text) + 1;
	*copy = wq_os_alloc(size, /* align */ 1);
	return *copy ? memcpy(*copy, text, size) : NULL;
}

static int read_texts(void)
{
	const char *text;
	size_t i;

	for (i = 0; i < NR_TEXTS; i++) {
		text = text_of(&texts[i], &copies[i]);
		if (!text)
			return -ENOMEM;
		*(const char **)(void *)((char *)&wq_options + texts[i].offset) = text;
	}
	return 0;
}

/* Texts first, so that who tries again for want of memory says nothing twice. */
int wq_options_read(void)
{
	int saved = errno, err = read_texts();
	size_t i;

	for (i = 0; !err && i < sizeof(table) / sizeof(table[0]); i++)
		*(uint64_t *)(void *)((char *)&wq_options + table[i].offset) = value_of(&table[i]);
	errno = saved;
	return err;
}
