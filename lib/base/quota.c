/* SPDX-License-Identifier: MIT */
/*
 * quota.c - how much CPU time the cgroups of this process give it (contracts in quota.h).
 */
#include "base/quota.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"

#define MOUNTS_SIZE 262144u

/* ----------------------------------------------------------------- finding */

/* Is the word one of those between the commas? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (strncmp(list, word, len) != 0 || (list[len] != ',' && list[len])) {
		list = strchr(list, ',');
		if (!list)
			return false;
		list++;
	}
	return true;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* What would end a word, or begin this, is told by three octal digits: \040 is a space. */
static bool is_escape(const char *text)
{
	return text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3]);
}

static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (is_escape(text)) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

_Static_assert(WQ_QUOTA_PATH == 512, "as the formats of this file say");

/* "ID PARENT MAJOR:MINOR BASE POINT OPTIONS ... - TYPE SOURCE OPTIONS" */
static void look_at_mount(struct wq_quota *quota, const char *line)
{
	const char *rest = strstr(line, " - ");
	struct wq_quota_mount mount;
	char type[32], options[256];

	if (!rest || sscanf(rest, " - %31s %*s %255s", type, options) != 2 ||
	    sscanf(line, "%*s %*s %*s %511s %511s", mount.base, mount.point) != 2)
		return;
	unescape(mount.base);
	unescape(mount.point);
	if (*mount.point != '/')
		return;
	/* of several the first one, where everything is */
	if (!strcmp(type, "cgroup2") && !*quota->v2.point)
		quota->v2 = mount;
	if (!strcmp(type, "cgroup") && has_word(options, "cpu") && !*quota->v1.point)
		quota->v1 = mount;
}

/* Cut off the first line of a text, and go on behind it; NULL: that was the last. */
static char *end_line(char *text)
{
	char *end = strchr(text, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	return end + 1;
}

static long read_file(const struct wq_quota *quota, const char *file, char *text, size_t size)
{
	char path[3 * WQ_QUOTA_PATH];
	int len = snprintf(path, sizeof(path), "%s%s", quota->root, file);

	return len < (int)sizeof(path) ? wq_os_read_file(path, text, size) : -1;
}

void wq_quota_find(struct wq_quota *quota, const char *root)
{
	char *text = wq_os_map(MOUNTS_SIZE), *line = text, *next;

	*quota = (struct wq_quota){ .root = root };
	if (!text)
		return;
	if (read_file(quota, "/proc/self/mountinfo", text, MOUNTS_SIZE) > 0) {
		for (; (next = end_line(line)); line = next)
			look_at_mount(quota, line);
	}
	wq_os_unmap(text, MOUNTS_SIZE);
}

/* ----------------------------------------------------------------- reading */

/* The lesser of two limits, of which 0 is none. */
static unsigned int lesser(unsigned int a, unsigned int b)
{
	if (!a || !b)
		return a + b;
	return a < b ? a : b;
}

static unsigned int cpus_of(long long quota, long long period)
{
	if (quota <= 0 || period <= 0)
		return 0;
	quota = (quota - 1) / period + 1;
	return quota < WQ_MAX_CPUS ? (unsigned int)quota : 0;
}

/* At the beginning of the text, which goes on behind it. */
static bool take_number(const char **text, long long *number)
{
	char *end;

	*number = strtoll(*text, &end, 10);
	if (end == *text)
		return false;
	*text = end;
	return true;
}

static bool read_number(const struct wq_quota *quota, const char *dir, const char *name,
			long long *number)
{
	char path[2 * WQ_QUOTA_PATH + 32], text[64];
	const char *at = text;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return read_file(quota, path, text, sizeof(text)) > 0 && take_number(&at, number);
}

static unsigned int v1_limit(const struct wq_quota *quota, const char *dir)
{
	long long time, period;

	if (!read_number(quota, dir, "cpu.cfs_quota_us", &time) ||
	    !read_number(quota, dir, "cpu.cfs_period_us", &period))
		return 0;
	return cpus_of(time, period);
}

/* "max PERIOD" is no limit. */
static unsigned int v2_limit(const struct wq_quota *quota, const char *dir)
{
	char path[2 * WQ_QUOTA_PATH + 32], text[64];
	long long time, period;
	const char *at = text;

	snprintf(path, sizeof(path), "%s/cpu.max", dir);
	if (read_file(quota, path, text, sizeof(text)) <= 0 || !take_number(&at, &time) ||
	    !take_number(&at, &period))
		return 0;
	return cpus_of(time, period);
}

/* What is below the group that is mounted; "" if the group is not: what is mounted must do. */
static const char *path_below(const struct wq_quota_mount *mount, const char *group)
{
	size_t len = strlen(mount->base);

	if (*group != '/' || strstr(group, "/.."))
		return "";
	if (!strcmp(mount->base, "/"))
		return group;
	if (strncmp(group, mount->base, len) != 0 || (group[len] && group[len] != '/'))
		return "";
	return group + len;
}

/* The group and those above it, up to what is mounted. */
static unsigned int
least_limit(const struct wq_quota *quota, const struct wq_quota_mount *mount, const char *group,
	    unsigned int (*limit_of)(const struct wq_quota *quota, const char *dir))
{
	size_t len = strlen(mount->point);
	char dir[2 * WQ_QUOTA_PATH];
	unsigned int cpus;

	if (!len)
		return 0;
	snprintf(dir, sizeof(dir), "%s%s", mount->point, path_below(mount, group));
	for (cpus = limit_of(quota, dir); strlen(dir) > len;
	     cpus = lesser(cpus, limit_of(quota, dir)))
		*strrchr(dir, '/') = '\0';
	return cpus;
}

/* "ID:CONTROLLERS:GROUP"; version 2 has no controllers there. */
static unsigned int limit_by_line(const struct wq_quota *quota, char *line)
{
	char *controllers = strchr(line, ':'), *group;

	group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return 0;
	*group++ = '\0';
	if (!controllers[1])
		return least_limit(quota, &quota->v2, group, v2_limit);
	return has_word(controllers + 1, "cpu") ? least_limit(quota, &quota->v1, group, v1_limit) :
						  0;
}

unsigned int wq_quota_cpus(const struct wq_quota *quota)
{
	char text[8192], *line = text, *next;
	unsigned int cpus = 0;

	if (!*quota->v1.point && !*quota->v2.point)
		return 0;
	if (read_file(quota, "/proc/self/cgroup", text, sizeof(text)) <= 0)
		return 0;
	for (; (next = end_line(line)); line = next)
		cpus = lesser(cpus, limit_by_line(quota, line));
	return cpus;
}
