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
	MAX_LINES = 6,
	MAX_VALUE = 64, /* longest text of these attributes and this machine */
};

unsigned int __wrap_wq_os_nr_cpu_ids(void);
unsigned int __wrap_wq_os_nr_cpu_ids(void)
{
	return NR_CPUS;
}

bool __wrap_wq_os_membarrier_register(void);
/* There are fences instead: each change would interrupt all threads, several times. */
bool __wrap_wq_os_membarrier_register(void)
{
	return false;
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

static struct workqueue_struct *unbound, *ordered;

static const struct attribute {
	const char *path;
	enum form form;
	long min, max;                /* of a number */
	struct workqueue_struct **wq; /* apply_workqueue_attrs() sets it, too */
} attribute[] = {
	[CPUMASK] = { "cpumask", MASK, 0, 0, NULL },
	[REQUESTED] = { "cpumask_requested", READ_ONLY, 0, 0, NULL },
	{ "cpumask_isolated", READ_ONLY, 0, 0, NULL },
	{ "parameters/default_affinity_scope", SCOPE, 0, 0, NULL },
	{ "parameters/power_efficient", READ_ONLY, 0, 0, NULL },
	{ "u/per_cpu", READ_ONLY, 0, 0, NULL },
	{ "u/max_active", NUMBER, 1, INT32_MAX, NULL },
	{ "u/nice", NUMBER, -20, 19, &unbound },
	{ "u/cpumask", MASK, 0, 0, &unbound },
	{ "u/affinity_scope", SCOPE, 0, 0, &unbound },
	{ "u/affinity_strict", NUMBER, 0, 1, &unbound },
	{ "p%/per_cpu", READ_ONLY, 0, 0, NULL },
	{ "p%/max_active", NUMBER, 1, INT32_MAX, NULL },
	{ "o/1/per_cpu", READ_ONLY, 0, 0, NULL },
	{ "o/1/max_active", READ_ONLY, 0, 0, NULL },
	{ "o/1/nice", NUMBER, -20, 19, &ordered },
	{ "o/1/cpumask", MASK, 0, 0, &ordered },
	{ "o/1/affinity_scope", SCOPE, 0, 0, &ordered },
	{ "o/1/affinity_strict", NUMBER, 0, 1, &ordered },
};

#define NR_ATTRIBUTES (sizeof(attribute) / sizeof(attribute[0]))

struct values {
	char of[NR_ATTRIBUTES][MAX_VALUE];
};

static struct values first, now;      /* now: as read last, so that nothing changes in between */
static bool was_written, was_refused; /* in this input; since all were read */

static void read_value(size_t i)
{
	int len = workq_attr_read(attribute[i].path, now.of[i], MAX_VALUE);

	must(len > 0 && len < MAX_VALUE && strlen(now.of[i]) == (size_t)len);
}

static void read_values(void)
{
	for (size_t i = 0; i < NR_ATTRIBUTES; i++)
		read_value(i);
	was_refused = false;
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
	struct values before = now;
	size_t i = find(path);
	int err = workq_attr_write(path, text);

	if (!err)
		read_values();
	else if (i < NR_ATTRIBUTES)
		read_value(i);
	was_refused |= err != 0;
	must(!err || err == -ENOENT || err == -EACCES || err == -EINVAL);
	must((i == NR_ATTRIBUTES) == (err == -ENOENT));
	if (i < NR_ATTRIBUTES && attribute[i].form == READ_ONLY)
		must(err == -EACCES);
	if (!err)
		check_written(i, text, now.of[i]);
	was_written |= !err;
	check_others(err ? NR_ATTRIBUTES : i, &before, &now);
	check_read(path, &now, i);
}

/* The other attributes: once for several that were refused. */
static void check_refused(void)
{
	struct values before = now;

	read_values();
	check_others(NR_ATTRIBUTES, &before, &now);
}

/* But for what the default is now: "default (cache)". */
static bool is_changed(size_t i)
{
	size_t len = strcspn(first.of[i], " ");

	return strcspn(now.of[i], " ") != len || memcmp(now.of[i], first.of[i], len) != 0;
}

static bool is_to_restore(size_t i)
{
	/* the CPUs that were asked for, not those that there are of them */
	return attribute[i].form != READ_ONLY && is_changed(i == CPUMASK ? REQUESTED : i);
}

static void restore_attrs(struct workqueue_struct *wq)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();

	must(attrs && !apply_workqueue_attrs(wq, attrs));
	free_workqueue_attrs(attrs);
}

/* For the next input. All attributes of a queue at once: each time it is served anew. */
static void restore(void)
{
	struct workqueue_struct *restored = NULL;

	for (size_t i = 0; i < NR_ATTRIBUTES; i++) {
		if (!is_to_restore(i))
			continue;
		if (!attribute[i].wq) {
			must(!workq_attr_write(attribute[i].path,
					       first.of[i == CPUMASK ? REQUESTED : i]));
		} else if (*attribute[i].wq != restored) {
			restored = *attribute[i].wq;
			restore_attrs(restored);
		}
	}
	read_values();
	check_others(NR_ATTRIBUTES, &first, &now);
	wq_flush_queue(&wq_release_wq);
	was_written = false;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	unbound = alloc_workqueue("%s", WQ_UNBOUND | WQ_SYSFS, 0, "u");
	must(unbound && alloc_workqueue("%s", WQ_PERCPU | WQ_SYSFS, 0, "p%"));
	ordered = alloc_ordered_workqueue("o/%d", 0, 1);
	must(ordered && !workqueue_sysfs_register(ordered));
	/* so that there is somebody who releases what is replaced */
	must(!workq_attr_write("u/nice", "0"));
	read_values();
	first = now;
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
	if (was_refused)
		check_refused();
	if (was_written)
		restore();
	return 0;
}
