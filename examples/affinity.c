/* SPDX-License-Identifier: MIT */
/*
 * affinity.c - where the items of an unbound queue run: attributes, set by the
 * program or, as text, by whoever runs it.
 *
 * The queue is unbound: each item may run on any CPU. First the program says that
 * its items shall stay on the CPU that queues them, on threads that are nice to
 * others. Then they shall all run on one CPU: such text could come from a
 * configuration file. The expected output is in tests/examples/affinity.out.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <workq/workq.h>

static struct workqueue_struct *wq;
static struct cpumask allowed; /* the CPUs that this process may use */

/* ------------------------------------------------------- where an item runs */

struct probe {
	struct work_struct work;
	unsigned int cpu;
	int nice;
};

static void look_around(struct work_struct *work)
{
	struct probe *probe = from_work(probe, work, work);

	probe->cpu = (unsigned int)sched_getcpu();
	probe->nice = getpriority(PRIO_PROCESS, 0); /* of this thread, on Linux */
}

static struct probe probe_from(unsigned int cpu)
{
	struct probe probe;

	INIT_WORK_ONSTACK(&probe.work, look_around);
	queue_work_on((int)cpu, wq, &probe.work);
	flush_work(&probe.work);
	destroy_work_on_stack(&probe.work);
	return probe;
}

/* ---------------------------------------------------------------- by the program */

static int keep_items_where_they_are_queued(void)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();
	int err;

	if (!attrs)
		return -1;
	cpumask_copy(&allowed, attrs->cpumask); /* all of them, to begin with */
	attrs->affn_scope = WQ_AFFN_CPU;
	attrs->affn_strict = true;
	attrs->nice = 19;
	err = apply_workqueue_attrs(wq, attrs);
	free_workqueue_attrs(attrs);
	return err;
}

static void show_that_they_are_kept(void)
{
	bool kept = true, nice = true;
	unsigned int cpu;

	for_each_cpu(cpu, &allowed) {
		struct probe probe = probe_from(cpu);

		kept &= probe.cpu == cpu;
		nice &= probe.nice == 19;
	}
	printf("each item ran where it was queued: %s\n", kept ? "yes" : "no");
	printf("on a thread with nice 19: %s\n", nice ? "yes" : "no");
}

/* ----------------------------------------------------------------------- as text */

static void show_attribute(const char *name)
{
	char text[64];

	if (workq_attr_read(name, text, sizeof(text)) >= 0)
		printf("%s: %s\n", name, text);
}

static bool set_attribute(const char *name, const char *text)
{
	int err = workq_attr_write(name, text);

	if (err)
		fprintf(stderr, "%s: %s\n", name, strerror(-err));
	return !err;
}

/* A mask as the kernel's sysfs has it: hexadecimal, 32 CPUs to a group. */
static void print_mask_of(unsigned int cpu, char *text, size_t size)
{
	int len = snprintf(text, size, "%x", 1u << cpu % 32);

	for (unsigned int group = cpu / 32; group > 0; group--)
		len += snprintf(text + len, size - (size_t)len, ",00000000");
}

static bool send_items_to(unsigned int cpu)
{
	char mask[WORKQ_NR_CPUS / 32 * 9];

	print_mask_of(cpu, mask, sizeof(mask));
	return set_attribute("affinity/cpumask", mask) &&
	       set_attribute("affinity/affinity_scope", "system");
}

static void show_that_they_run_on(unsigned int one_cpu)
{
	bool there = true;
	unsigned int cpu;

	for_each_cpu(cpu, &allowed)
		there &= probe_from(cpu).cpu == one_cpu;
	printf("all items ran on one CPU: %s\n", there ? "yes" : "no");
}

int main(void)
{
	unsigned int cpu;

	wq = alloc_workqueue("affinity", WQ_UNBOUND | WQ_SYSFS, 0);
	if (!wq || keep_items_where_they_are_queued()) {
		perror("affinity");
		return EXIT_FAILURE;
	}
	show_attribute("affinity/affinity_scope");
	show_attribute("affinity/affinity_strict");
	show_attribute("affinity/nice");
	show_that_they_are_kept();

	cpu = cpumask_first(&allowed);
	if (!send_items_to(cpu))
		return EXIT_FAILURE;
	show_attribute("affinity/affinity_scope");
	show_that_they_run_on(cpu);
	destroy_workqueue(wq);
	return EXIT_SUCCESS;
}
