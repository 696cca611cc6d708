/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - taking items back, and what the calls return.
 *
 * "busy" holds up an ordered queue until the gate opens; "job" waits behind
 * it. Each line shows a call and its result; the expected output is in
 * tests/examples/cancel.out.
 */
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <workq/workqueue.h>

#define SHOW(call) printf("%-36s %s\n", #call, (call) ? "true" : "false")

static struct workqueue_struct *wq;
static sem_t entered, gate;
static int nr_runs; /* of job; read when the queue is gone */

static void run_busy(struct work_struct *work)
{
	(void)work;
	sem_post(&entered);
	sem_wait(&gate); /* signals do not interrupt it: workers have them blocked */
	puts("  (busy ends)");
}

static void run_job(struct work_struct *work)
{
	(void)work;
	nr_runs++;
}

static DECLARE_WORK(busy, run_busy);
static DECLARE_WORK(job, run_job);

static void take_back_pending(void)
{
	puts("job is pending:");
	SHOW(queue_work(wq, &job));
	SHOW(queue_work(wq, &job)); /* pending already */
	SHOW(cancel_work(&job));    /* it will not run */
	SHOW(cancel_work(&job));    /* nothing left to take back */
}

static void take_back_running(void)
{
	puts("busy is running:");
	SHOW(cancel_work(&busy)); /* does not wait */
	sem_post(&gate);
	SHOW(cancel_work_sync(&busy)); /* waits, but no run was taken back */
}

static void disable_and_enable(void)
{
	puts("job is disabled:");
	SHOW(disable_work(&job));
	SHOW(disable_work_sync(&job));
	SHOW(queue_work(wq, &job)); /* refused, and forgotten */
	SHOW(enable_work(&job));    /* still disabled once */
	SHOW(enable_work(&job));
	SHOW(flush_work(&job)); /* idle: enabling queues nothing */
	disable_work(&job);
	SHOW(enable_and_queue_work(wq, &job));
}

int main(void)
{
	wq = alloc_ordered_workqueue("cancel", 0);
	if (!wq || sem_init(&entered, 0, 0) || sem_init(&gate, 0, 0)) {
		perror("cancel");
		return EXIT_FAILURE;
	}
	queue_work(wq, &busy);
	while (sem_wait(&entered))
		; /* a signal */

	take_back_pending();
	take_back_running();
	disable_and_enable();

	destroy_workqueue(wq);
	printf("job ran %d time\n", nr_runs);
	return EXIT_SUCCESS;
}
