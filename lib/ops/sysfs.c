/* SPDX-License-Identifier: MIT */
/*
 * sysfs.c - attributes by name, as text: workq_attr_read(), workq_attr_write(),
 * workqueue_sysfs_register().
 *
 * The names and texts are those of the kernel's sysfs. All under the configuration
 * lock, so that a queue cannot go while it is looked at.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <workq/workq.h>

#include "base/options.h"
#include "base/report.h"
#include "core/affinity.h"
#include "core/wq.h"
#include "ops/attrs.h"
#include "ops/init.h"
#include "ops/limits.h"

/* Longest text: a mask of all CPUs. */
#define MAX_TEXT (WQ_MAX_CPUS / 4 + WQ_MAX_CPUS / 32 + 1)

struct attribute {
	const char *name;
	bool (*exists)(const struct workqueue_struct *wq); /* NULL: for each queue */
	/* `text` has MAX_TEXT bytes; wq is NULL for attributes of the process */
	void (*read)(const struct workqueue_struct *wq, char *text);
	/* 0 or a negative errno; NULL: read only */
	int (*write)(struct workqueue_struct *wq, const char *text);
};

/* ------------------------------------------------------------------- texts */

static void print_number(char *text, long number)
{
	snprintf(text, MAX_TEXT, "%ld", number);
}

static void print_mask(char *text, const struct wq_cpuset *cpus)
{
	wq_cpuset_print_mask(cpus, wq_nr_cpus, text, MAX_TEXT);
}

static int parse_number(const char *text, long min, long max, long *number)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	return end == text || *end || errno || *number < min || *number > max ? -EINVAL : 0;
}

/*
 * What cannot be read back is no mask: without any CPU that this machine can have. The newline that
 * may end it is gone by now.
 */
static int parse_mask(const char *text, struct wq_cpuset *cpus)
{
	if (strchr(text, '\n') || !wq_cpuset_parse_mask(cpus, text))
		return -EINVAL;
	wq_cpuset_truncate(cpus, wq_nr_cpus);
	return wq_cpuset_is_empty(cpus) ? -EINVAL : 0;
}

/* -------------------------------------------------------------- of queues */

static bool is_unbound(const struct workqueue_struct *wq)
{
	return wq->attrs;
}

static void read_per_cpu(const struct workqueue_struct *wq, char *text)
{
	print_number(text, !wq->attrs);
}

static void read_max_active(const struct workqueue_struct *wq, char *text)
{
	print_number(text, wq->max_active);
}

static int write_max_active(struct workqueue_struct *wq, const char *text)
{
	long number;

	if (wq_limits_is_fixed(wq))
		return -EACCES;
	if (parse_number(text, 1, INT32_MAX, &number))
		return -EINVAL;
	wq_limits_set_max(wq, (int)number);
	return 0;
}

static void read_nice(const struct workqueue_struct *wq, char *text)
{
	print_number(text, wq->attrs->nice);
}

static int write_nice(struct workqueue_struct *wq, const char *text)
{
	struct wq_attrs attrs = *wq->attrs;
	long number;

	if (parse_number(text, -20, 19, &number))
		return -EINVAL;
	attrs.nice = (int)number;
	return wq_attrs_apply_locked(wq, &attrs);
}

static void read_queue_mask(const struct workqueue_struct *wq, char *text)
{
	print_mask(text, &wq->attrs->cpus);
}

static int write_queue_mask(struct workqueue_struct *wq, const char *text)
{
	struct wq_attrs attrs = *wq->attrs;

	return parse_mask(text, &attrs.cpus) ? -EINVAL : wq_attrs_apply_locked(wq, &attrs);
}

static void read_scope(const struct workqueue_struct *wq, char *text)
{
	const char *name = wq_affinity_scope_name(wq->attrs->scope);

	if (wq->attrs->scope == WQ_AFFN_DFL)
		snprintf(text, MAX_TEXT, "%s (%s)", name,
			 wq_affinity_scope_name(wq_affinity_default_scope));
	else
		snprintf(text, MAX_TEXT, "%s", name);
}

static int write_scope(struct workqueue_struct *wq, const char *text)
{
	struct wq_attrs attrs = *wq->attrs;
	int scope = wq_affinity_scope_named(text);

	if (scope < 0)
		return -EINVAL;
	attrs.scope = (unsigned int)scope;
	return wq_attrs_apply_locked(wq, &attrs);
}

static void read_strict(const struct workqueue_struct *wq, char *text)
{
	print_number(text, wq->attrs->is_strict);
}

static int write_strict(struct workqueue_struct *wq, const char *text)
{
	struct wq_attrs attrs = *wq->attrs;
	long number;

	if (parse_number(text, 0, 1, &number))
		return -EINVAL;
	attrs.is_strict = number;
	return wq_attrs_apply_locked(wq, &attrs);
}

static const struct attribute of_queue[] = {
	{ "per_cpu", NULL, read_per_cpu, NULL },
	{ "max_active", NULL, read_max_active, write_max_active },
	{ "nice", is_unbound, read_nice, write_nice },
	{ "cpumask", is_unbound, read_queue_mask, write_queue_mask },
	{ "affinity_scope", is_unbound, read_scope, write_scope },
	{ "affinity_strict", is_unbound, read_strict, write_strict },
};

/* ---------------------------------------------------------- of the process */

static void read_mask(const struct workqueue_struct *wq, char *text)
{
	(void)wq;
	print_mask(text, &wq_affinity_cpus.unbound);
}

static int write_mask(struct workqueue_struct *wq, const char *text)
{
	struct wq_cpuset requested;

	(void)wq;
	if (parse_mask(text, &requested))
		return -EINVAL;
	return wq_attrs_set_cpus_locked(&requested, &wq_affinity_cpus.housekeeping);
}

static void read_requested(const struct workqueue_struct *wq, char *text)
{
	(void)wq;
	print_mask(text, &wq_affinity_cpus.requested);
}

/* Allowed, but taken out. */
static void read_isolated(const struct workqueue_struct *wq, char *text)
{
	struct wq_cpuset isolated = wq_allowed_cpus;
	unsigned int cpu;

	(void)wq;
	wq_cpuset_for_each(cpu, &wq_affinity_cpus.housekeeping) wq_cpuset_remove(&isolated, cpu);
	print_mask(text, &isolated);
}

static void read_default_scope(const struct workqueue_struct *wq, char *text)
{
	(void)wq;
	snprintf(text, MAX_TEXT, "%s", wq_affinity_scope_name(wq_affinity_default_scope));
}

static int write_default_scope(struct workqueue_struct *wq, const char *text)
{
	int scope = wq_affinity_scope_named(text);

	(void)wq;
	if (scope <= WQ_AFFN_DFL)
		return -EINVAL;
	return wq_attrs_set_default_scope_locked((unsigned int)scope);
}

static void read_power(const struct workqueue_struct *wq, char *text)
{
	(void)wq;
	print_number(text, (long)wq_options.power_efficient);
}

static const struct attribute of_process[] = {
	{ "cpumask", NULL, read_mask, write_mask },
	{ "cpumask_requested", NULL, read_requested, NULL },
	{ "cpumask_isolated", NULL, read_isolated, NULL },
	{ "parameters/default_affinity_scope", NULL, read_default_scope, write_default_scope },
	{ "parameters/power_efficient", NULL, read_power, NULL },
};

/* ----------------------------------------------------------------- finding */

static bool is_visible(struct workqueue_struct *wq)
{
	return (wq_wq_flags(wq) & (WQ_SYSFS | __WQ_DESTROYING)) == WQ_SYSFS;
}

/* The oldest visible queue whose name is the first `len` bytes of this. */
static struct workqueue_struct *find_queue(const char *name, size_t len)
{
	struct wq_list *node;

	wq_assert_held(&wq_config_lock);
	wq_list_for_each(node, &wq_all) {
		struct workqueue_struct *wq = wq_list_entry(node, struct workqueue_struct, node);

		if (is_visible(wq) && strlen(wq->name) == len && !memcmp(wq->name, name, len))
			return wq;
	}
	return NULL;
}

static const struct attribute *find_in(const struct attribute *table, size_t nr, const char *name,
				       const struct workqueue_struct *wq)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(table[i].name, name) && (!table[i].exists || table[i].exists(wq)))
			return &table[i];
	}
	return NULL;
}

#define FIND_IN(table, name, wq) find_in((table), sizeof(table) / sizeof((table)[0]), (name), (wq))

static const struct attribute *find(const char *path, struct workqueue_struct **wq)
{
	const struct attribute *attribute = FIND_IN(of_process, path, NULL);
	const char *slash = strrchr(path, '/');

	*wq = NULL;
	if (attribute || !slash)
		return attribute;
	*wq = find_queue(path, (size_t)(slash - path));
	return *wq ? FIND_IN(of_queue, slash + 1, *wq) : NULL;
}

/* ------------------------------------------------------------------- calls */

int workq_attr_read(const char *path, char *buf, size_t size)
{
	const struct attribute *attribute;
	struct workqueue_struct *wq;
	char text[MAX_TEXT];

	if (!path || (!buf && size))
		return -EINVAL;
	if (!wq_init_use())
		return -EAGAIN;
	wq_lock_acquire(&wq_config_lock);
	attribute = find(path, &wq);
	if (attribute)
		attribute->read(wq, text);
	wq_lock_release(&wq_config_lock);
	return attribute ? snprintf(buf, size, "%s", text) : -ENOENT;
}

static int write_text(const char *path, const char *text)
{
	const struct attribute *attribute;
	struct workqueue_struct *wq;
	int err = -ENOENT;

	wq_lock_acquire(&wq_config_lock);
	attribute = find(path, &wq);
	if (attribute)
		err = attribute->write ? attribute->write(wq, text) : -EACCES;
	wq_lock_release(&wq_config_lock);
	return err;
}

int workq_attr_write(const char *path, const char *text)
{
	char line[MAX_TEXT];
	size_t len;

	if (!path || !text)
		return -EINVAL;
	if (!wq_init_use())
		return -EAGAIN;
	len = strlen(text);
	if (len && text[len - 1] == '\n')
		len--;
	if (len >= sizeof(line))
		return -EINVAL;
	memcpy(line, text, len);
	line[len] = '\0';
	return write_text(path, line);
}

int workqueue_sysfs_register(struct workqueue_struct *wq)
{
	int err = 0;

	if (!wq) {
		wq_warn("workqueue_sysfs_register() of no queue", "");
		return -EINVAL;
	}
	if (!wq_init_use())
		return -EINVAL;
	wq_lock_acquire(&wq_config_lock);
	if (find_queue(wq->name, strlen(wq->name)))
		err = -EEXIST;
	else
		wq_fetch_or_acq_rel(&wq->flags, (unsigned int)WQ_SYSFS);
	wq_lock_release(&wq_config_lock);
	return err;
}
