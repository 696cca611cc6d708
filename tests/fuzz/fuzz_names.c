/* SPDX-License-Identifier: MIT */
/*
 * fuzz_names.c - names of queues and descriptions of workers: any bytes, cut where they must
 * be, found as attributes, and shown in lines of which each is one.
 *
 * Input: the first line is a format with "%s", or that and "%d", or neither; the second one what
 * "%s" stands for; the rest a description.
 */
#include "fuzz.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <workq/workq.h>

#include "base/symbol.h"

enum {
	MAX_LINE = 240,
};

static struct {
	struct work_struct work;
	struct workqueue_struct *wq;
	const char *text; /* for the description */
	char expected[WORKER_DESC_LEN];
} item;

static atomic_uint nr_lines;

/* ------------------------------------------------------ the name of a function */

static char item_name[64];

void __real_wq_symbol_name(uintptr_t function, char *name, size_t size);
void __wrap_wq_symbol_name(uintptr_t function, char *name, size_t size);
/* It goes over all symbols of this program, only to find the same each time. */
void __wrap_wq_symbol_name(uintptr_t function, char *name, size_t size)
{
	if (function == (uintptr_t)item.work.func)
		snprintf(name, size, "%s", item_name);
	else
		__real_wq_symbol_name(function, name, size);
}

/* ---------------------------------------------------------------------- reports */

static void check_line(const char *line)
{
	atomic_fetch_add(&nr_lines, 1);
	must(strlen(line) < MAX_LINE && !strncmp(line, "workq: ", strlen("workq: ")));
	for (; *line; line++)
		must((unsigned char)*line >= ' ' && *line != 0x7f);
}

static void item_fn(struct work_struct *work)
{
	char comm[96];
	int tid = (int)syscall(SYS_gettid);
	unsigned int before = atomic_load(&nr_lines);
	const char *desc;

	(void)work;
	set_worker_desc("%s", item.text);
	must(workq_worker_comm(tid, comm, sizeof(comm)));
	desc = strchr(comm, '+');
	must(*item.expected ? desc && !strcmp(desc + 1, item.expected) : !desc);
	print_worker_info(item.text, tid);
	show_one_workqueue(item.wq);
	must(atomic_load(&nr_lines) > before);
}

/* ----------------------------------------------------------------------- formats */

/* "%s" once, perhaps "%d" once behind it: others take arguments that there are not. */
static bool is_format(const char *text)
{
	int nr_texts = 0, nr_numbers = 0;

	for (; (text = strchr(text, '%')); text += 2) {
		nr_texts += text[1] == 's';
		nr_numbers += text[1] == 'd';
		if (!strchr("sd%", text[1]) || !text[1] || nr_texts > 1 || nr_numbers > nr_texts)
			return false;
	}
	return true;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static struct workqueue_struct *alloc_named(const char *format, const char *text, char *name)
{
	struct workqueue_struct *wq = alloc_workqueue(format, WQ_UNBOUND | WQ_SYSFS, 0, text, 4711);

	snprintf(name, WQ_NAME_LEN, format, text, 4711);
	must(wq);
	return wq;
}

/* ------------------------------------------------------------------------ target */

/* By its name, if no process attribute and no other queue has it. */
static void check_attribute(const char *name)
{
	char path[WQ_NAME_LEN + 16], value[16];

	snprintf(path, sizeof(path), "%s/max_active", name);
	must(!workq_attr_write(path, "7"));
	must(workq_attr_read(path, value, sizeof(value)) == 1 && !strcmp(value, "7"));
}

/* Without a description it is the queue's name. */
static void run_item(struct workqueue_struct *wq, const char *name, const char *text)
{
	item.wq = wq;
	item.text = text;
	snprintf(item.expected, sizeof(item.expected), "%s", *text ? text : name);
	queue_work(wq, &item.work);
	flush_work(&item.work);
}

static void check(const char *format, const char *text, const char *desc)
{
	char name[WQ_NAME_LEN];
	struct workqueue_struct *wq = alloc_named(format, text, name);

	check_attribute(name);
	run_item(wq, name, desc);
	destroy_workqueue(wq);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	workq_set_report_fn(check_line);
	INIT_WORK(&item.work, item_fn);
	__real_wq_symbol_name((uintptr_t)item_fn, item_name, sizeof(item_name));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	char *format = take_line(&input), *text = take_line(&input), *desc = take_rest(&input);
	bool is_wanted = format && is_format(format);

	if (is_wanted)
		check(format, text ? text : "", desc);
	free(format);
	free(text);
	free(desc);
	return is_wanted ? 0 : -1;
}
