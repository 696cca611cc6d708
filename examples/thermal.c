/* SPDX-License-Identifier: MIT */
/*
 * thermal.c - interrupt, work, delayed work: a driver for a slow device.
 *
 *	usage: thermal [-a ANSWER_MS] [-d DELAY_MS]
 *
 * The interrupt may not wait: it queues a work. The work asks the device to
 * lower its clock; the answer takes ANSWER_MS (50). So the work arms a delayed
 * work, which reads the answer DELAY_MS (60) later. A device that takes 80 ms
 * needs another delay and nothing else: thermal -a 80 -d 90. The expected
 * output is in tests/examples/thermal.out.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <workq/workqueue.h>

/* ---------------------------------------------------- the simulated device */

struct device {
	unsigned int answer_ms;
	unsigned long answers_at; /* in jiffies */
};

static void device_lower_clock(struct device *device)
{
	device->answers_at = jiffies + msecs_to_jiffies(device->answer_ms);
}

static bool device_has_answered(const struct device *device)
{
	return time_after_eq(jiffies, device->answers_at);
}

/* -------------------------------------------------------------- the driver */

struct thermal {
	struct workqueue_struct *wq;
	struct work_struct lower_clock;
	struct delayed_work read_answer;
	unsigned int delay_ms;
	struct device device;
	bool has_answer;
	sem_t done;
};

static void thermal_lower_clock(struct work_struct *work)
{
	struct thermal *thermal = from_work(thermal, work, lower_clock);

	printf("work: device, lower your clock; your answer is read in %u ms\n", thermal->delay_ms);
	device_lower_clock(&thermal->device);
	queue_delayed_work(thermal->wq, &thermal->read_answer, msecs_to_jiffies(thermal->delay_ms));
}

static void thermal_read_answer(struct work_struct *work)
{
	struct thermal *thermal = from_work(thermal, work, read_answer.work);

	thermal->has_answer = device_has_answered(&thermal->device);
	printf("delayed work: %s\n", thermal->has_answer ? "the clock is lower" : "no answer yet");
	sem_post(&thermal->done);
}

static void thermal_interrupt(struct thermal *thermal)
{
	puts("interrupt: too hot");
	queue_work(thermal->wq, &thermal->lower_clock);
}

static int thermal_probe(struct thermal *thermal)
{
	INIT_WORK(&thermal->lower_clock, thermal_lower_clock);
	INIT_DELAYED_WORK(&thermal->read_answer, thermal_read_answer);
	thermal->wq = alloc_workqueue("thermal", WQ_PERCPU, 0);
	return thermal->wq && !sem_init(&thermal->done, 0, 0) ? 0 : -1;
}

/* What queues goes first, then what it queues. */
static void thermal_remove(struct thermal *thermal)
{
	cancel_work_sync(&thermal->lower_clock);
	cancel_delayed_work_sync(&thermal->read_answer);
	destroy_workqueue(thermal->wq);
}

/* ------------------------------------------------------------- the machine */

static void *heat_up(void *thermal)
{
	thermal_interrupt(thermal);
	return NULL;
}

static int run(struct thermal *thermal)
{
	pthread_t sensor;
	int error = pthread_create(&sensor, NULL, heat_up, thermal);

	if (error) {
		fprintf(stderr, "pthread_create: %s\n", strerror(error));
		return EXIT_FAILURE;
	}
	while (sem_wait(&thermal->done))
		; /* a signal */
	pthread_join(sensor, NULL);
	return thermal->has_answer ? EXIT_SUCCESS : EXIT_FAILURE;
}

static unsigned int parse_ms(const char *text)
{
	char *end;
	unsigned long ms = strtoul(text, &end, 10);

	if (end == text || *end || ms > 60000) {
		fprintf(stderr, "thermal: '%s' is not a number from 0 to 60000\n", text);
		exit(2);
	}
	return (unsigned int)ms;
}

static void parse_options(int argc, char **argv, struct thermal *thermal)
{
	int option;

	while ((option = getopt(argc, argv, "a:d:")) != -1) {
		if (option == 'a')
			thermal->device.answer_ms = parse_ms(optarg);
		else if (option == 'd')
			thermal->delay_ms = parse_ms(optarg);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct thermal thermal = { .delay_ms = 60, .device.answer_ms = 50 };
	int status;

	parse_options(argc, argv, &thermal);
	if (thermal_probe(&thermal)) {
		perror("thermal");
		return EXIT_FAILURE;
	}
	status = run(&thermal);
	thermal_remove(&thermal);
	return status;
}
