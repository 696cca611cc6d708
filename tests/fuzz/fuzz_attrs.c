/* SPDX-License-Identifier: MIT */
/*
 * fuzz_attrs.c - attributes by name: a write that is refused changes none, one that is accepted
 * reads back, and changes nothing that does not follow from it.
 *
 * Input: lines PATH=TEXT; "\n" in a text is a newline. The machine has NR_CPUS possible CPUs.
 */
#include "fuzz.h"

#include <errno.h>

#include <workq/workq.h>

#include "base/cpuset.h"
#include "core/retire.h"
#include "ops/flush.h"

enum {
	NR_CPUS = 70,
	MAX_LINES = 16,
	MAX_VALUE = 64, /* longest text of these attributes and this machine */
};

unsigned int __wrap_wq_os_nr_cpu_ids(void);
unsigned int __wrap_wq_os_nr_cpu_ids(void)
{
	return NR_CPUS;
}

/* --------------------------------------------------------------------- all of them */

enum form {
	READ_ONLY,
	NUMBER,
	MASK,
	SCOPE,
};

enum {
	CPUMASK,
	REQUESTED,
};

static const struct attribute {
	const char *path;
	enum form form;
	long min, max; /* of a number */
} attribute[] = {
	[CPUMASK] = { "cpumask", MASK, 0, 0 },
	[REQUESTED] = { "cpumask_requested", READ_ONLY, 0, 0 },
	{ "cpumask_isolated", READ_ONLY, 0, 0 },
	{ "parameters/default_affinity_scope", SCOPE, 0, 0 },
	{ "parameters/power_efficient", READ_ONLY, 0, 0 },
	{ "u/per_cpu", READ_ONLY, 0, 0 },
	{ "u/max_active", NUMBER, 1, INT32_MAX },
	{ "u/nice", NUMBER, -20, 19 },
	{ "u/cpumask", MASK, 0, 0 },
	{ "u/affinity_scope", SCOPE, 0, 0 },
	{ "u/affinity_strict", NUMBER, 0, 1 },
	{ "p%/per_cpu", READ_ONLY, 0, 0 },
	{ "p%/max_active", NUMBER, 1, INT32_MAX },
	{ "o/1/max_active", READ_ONLY, 0, 0 },
	{ "o/1/nice", NUMBER, -20, 19 },
	{ "o/1/cpumask", MASK, 0, 0 },
	{ "o/1/affinity_scope", SCOPE, 0, 0 },
	{ "o/1/affinity_strict", NUMBER, 0, 1 },
};

#define NR_ATTRIBUTES (sizeof(attribute) / sizeof(attribute[0]))

struct values {
	char of[NR_ATTRIBUTES][MAX_VALUE];
};

static struct values first;

static void read_values(struct values *values)
{
	int len;

	for (size_t i = 0; i < NR_ATTRIBUTES; i++) {
		len = workq_attr_read(attribute[i].path, values->of[i], MAX_VALUE);
		must(len > 0 && len < MAX_VALUE && strlen(values->of[i]) == (size_t)len);
	}
}

static size_t find(const char *path)
{
	size_t i = 0;

	while (i < NR_ATTRIBUTES && strcmp(attribute[i].path, path) != 0)
		i++;
	return i;
}

/* ------------------------------------------------------------------- what follows */

static bool changes_with(size_t i, size_t written)
{
	const char *path = attribute[written].path;

	if (!strcmp(path, "cpumask"))
		return !strcmp(attribute[i].path, "cpumask_requested");
	/* "default (cache)" */
	return !strcmp(path, "parameters/default_affinity_scope") && attribute[i].form == SCOPE;
}

static void check_others(size_t written, const struct values *before, const struct values *after)
{
	for (size_t i = 0; i < NR_ATTRIBUTES; i++)
		if (written == NR_ATTRIBUTES || (i != written && !changes_with(i, written)))
			must(!strcmp(before->of[i], after->of[i]));
}

static void check_number(const struct attribute *attr, const char *text, const char *value)
{
	long number = strtol(text, NULL, 10);
	char again[MAX_VALUE];

	must(number >= attr->min && number <= attr->max);
	snprintf(again, sizeof(again), "%ld", number);
	/* max_active is clamped */
	must(!strcmp(again, value) || (number > 2048 && !strcmp(value, "2048")));
}

/* What is written of CPUs that there cannot be is left out; the process' attribute tells what is used. */
static void check_mask(const struct attribute *attr, const char *text, const char *value)
{
	struct wq_cpuset wanted, found;

	must(wq_cpuset_parse_mask(&wanted, text) && wq_cpuset_parse_mask(&found, value));
	wq_cpuset_truncate(&wanted, NR_CPUS);
	must(!wq_cpuset_is_empty(&found));
	if (strcmp(attr->path, "cpumask") != 0)
		must(wq_cpuset_is_equal(&wanted, &found));
	must(wq_cpuset_is_subset(&found, &wanted));
}

static void check_scope(const char *text, const char *value)
{
	size_t len = strcspn(text, "\n");

	must(len && !strncmp(text, value, len) && (!value[len] || value[len] == ' '));
}

static void check_written(size_t i, const char *text, const char *value)
{
	must(i < NR_ATTRIBUTES && attribute[i].form != READ_ONLY);
	if (attribute[i].form == NUMBER)
		check_number(&attribute[i], text, value);
	else if (attribute[i].form == MASK)
		check_mask(&attribute[i], text, value);
	else
		check_scope(text, value);
}

/* ------------------------------------------------------------------------- target */

/* A buffer of any size gets the beginning. */
static void check_read(const char *path, const struct values *values, size_t i)
{
	size_t size = strlen(path) % 7;
	char *buf = fuzz_alloc(size + 1);
	int len = workq_attr_read(path, buf, size);

	must(i < NR_ATTRIBUTES ? len == (int)strlen(values->of[i]) : len != 0);
	if (i < NR_ATTRIBUTES && size)
		must(!strncmp(buf, values->of[i], size - 1) && strlen(buf) < size);
	free(buf);
}

static void unescape(char *text)
{
	for (; (text = strstr(text, "\\n")); text++) {
		*text = '\n';
		memmove(text + 1, text + 2, strlen(text + 2) + 1);
	}
}

static void write_one(const char *path, const char *text)
{
	struct values before, after;
	size_t i = find(path);
	int err;

	read_values(&before);
	err = workq_attr_write(path, text);
	read_values(&after);
	must(!err || err == -ENOENT || err == -EACCES || err == -EINVAL);
	must((i == NR_ATTRIBUTES) == (err == -ENOENT));
	if (i < NR_ATTRIBUTES && attribute[i].form == READ_ONLY)
		must(err == -EACCES);
	if (i < NR_ATTRIBUTES && !err)
		check_written(i, text, after.of[i]);
	check_others(err ? NR_ATTRIBUTES : i, &before, &after);
	check_read(path, &after, i);
}

/* What has to be written so that it reads as at first; NULL: it does already. */
static const char *text_for(size_t i, const struct values *now)
{
	/* the CPUs that were asked for, not those that there are of them */
	if (i == CPUMASK)
		return strcmp(now->of[REQUESTED], first.of[REQUESTED]) != 0 ? first.of[REQUESTED] :
									      NULL;
	if (attribute[i].form == READ_ONLY || !strcmp(now->of[i], first.of[i]))
		return NULL;
	return strchr(first.of[i], ' ') ? "default" : first.of[i];
}

/* For the next input. */
static void restore(void)
{
	struct values now;
	const char *text;

	read_values(&now);
	for (size_t i = 0; i < NR_ATTRIBUTES; i++) {
		text = text_for(i, &now);
		must(!text || !workq_attr_write(attribute[i].path, text));
	}
	read_values(&now);
	check_others(NR_ATTRIBUTES, &first, &now);
	wq_flush_queue(&wq_release_wq);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct workqueue_struct *ordered;

	(void)argc;
	(void)argv;
	must(alloc_workqueue("%s", WQ_UNBOUND | WQ_SYSFS, 0, "u"));
	must(alloc_workqueue("%s", WQ_PERCPU | WQ_SYSFS, 0, "p%"));
	ordered = alloc_ordered_workqueue("o/%d", 0, 1);
	must(ordered && !workqueue_sysfs_register(ordered));
	/* so that there is somebody who releases what is replaced */
	must(!workq_attr_write("u/nice", "0"));
	read_values(&first);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	char *line, *sign;

	for (int i = 0; i < MAX_LINES && (line = take_line(&input)); i++) {
		sign = strchr(line, '=');
		if (sign) {
			*sign = '\0';
			unescape(sign + 1);
		}
		write_one(line, sign ? sign + 1 : "");
		free(line);
	}
	restore();
	return 0;
}
