/* SPDX-License-Identifier: MIT */
/*
 * kthread.c - a thread that looks after something until it is stopped, and a kthread_worker
 * that it hands what it finds, one at a time; a delayed work sums up.
 *
 * Unlike a workqueue's items, the works of a kthread_worker always run on the same thread.
 * Prints:
 *	reading 1 logged
 *	reading 2 logged
 *	reading 3 logged
 *	summary: 3 readings
 *	the sampler returned 3
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <workq/kthread.h>

enum {
	NR_READINGS = 3,
	PERIOD_MS = 10,
	QUIET_MS = 60000, /* no reading for so long: sum up */
};

/* ----------------------------------------------- on the worker's thread */

/* Touched by the worker's thread only: so no lock is needed. */
static int nr_logged;

struct reading {
	struct kthread_work work;
	int value;
};

static void log_reading(struct kthread_work *work)
{
	struct reading *reading = container_of(work, struct reading, work);

	printf("reading %d logged\n", reading->value);
	nr_logged++;
	free(reading);
}

static void sum_up(struct kthread_work *work)
{
	(void)work;
	printf("summary: %d readings\n", nr_logged);
}

static DEFINE_KTHREAD_DELAYED_WORK(summary, sum_up);

/* ------------------------------------------------------ a thread of its own */

struct sampler {
	struct kthread_worker *logger;
	int nr_read;
	atomic_bool has_all;
};

static void read_once(struct sampler *sampler)
{
	struct reading *reading = malloc(sizeof(*reading));

	if (!reading)
		return;
	reading->value = ++sampler->nr_read;
	kthread_init_work(&reading->work, log_reading);
	kthread_queue_work(sampler->logger, &reading->work);
	/* each reading postpones it */
	kthread_mod_delayed_work(sampler->logger, &summary, msecs_to_jiffies(QUIET_MS));
}

/* kthread_stop() wakes it from schedule_timeout(), and the state set before it looks. */
static int sample(void *data)
{
	struct sampler *sampler = data;

	for (;;) {
		if (sampler->nr_read < NR_READINGS)
			read_once(sampler);
		else
			atomic_store(&sampler->has_all, true);
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule_timeout(msecs_to_jiffies(PERIOD_MS));
	}
	__set_current_state(TASK_RUNNING);
	return sampler->nr_read;
}

int main(void)
{
	struct sampler sampler = { .logger = kthread_run_worker(0, "logger") };
	struct task_struct *task;
	int nr_read;

	if (IS_ERR(sampler.logger))
		return EXIT_FAILURE;
	task = kthread_run(sample, &sampler, "sampler/%d", 0);
	if (IS_ERR(task))
		return EXIT_FAILURE;
	while (!atomic_load(&sampler.has_all))
		msleep(PERIOD_MS);
	nr_read = kthread_stop(task);

	/* now, instead of in a minute; destroying the worker waits for it */
	kthread_mod_delayed_work(sampler.logger, &summary, 0);
	kthread_destroy_worker(sampler.logger);
	printf("the sampler returned %d\n", nr_read);
	return EXIT_SUCCESS;
}
