/* SPDX-License-Identifier: MIT */
/*
 * delayed.c - items that run later, and what the calls return.
 *
 * An hour stands for "not while this program runs". Each line shows a call
 * and its result; the expected output is in tests/examples/delayed.out.
 */
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <workq/workqueue.h>

#define HOUR       (3600ul * HZ)
#define SHOW(call) printf("%-40s %s\n", #call, (call) ? "true" : "false")

static struct workqueue_struct *wq;
static unsigned long ran_at; /* in jiffies */
static int nr_runs;
static sem_t has_run;

static void run_job(struct work_struct *work)
{
	(void)work;
	ran_at = jiffies;
	nr_runs++;
	sem_post(&has_run);
}

static DECLARE_DELAYED_WORK(job, run_job);

static void wait_until_it_ran(void)
{
	while (sem_wait(&has_run)) /* a signal */
		continue;
	flush_work(&job.work); /* its function has returned, too */
}

static void wait_for_its_time(void)
{
	unsigned long due = jiffies + HZ / 50;

	puts("job runs in 20 ms:");
	SHOW(queue_delayed_work(wq, &job, HZ / 50));
	wait_until_it_ran();
	SHOW(time_before(ran_at, due)); /* never early */
}

static void change_its_time(void)
{
	puts("job waits for its time:");
	SHOW(queue_delayed_work(wq, &job, HOUR));
	SHOW(delayed_work_pending(&job));
	SHOW(queue_delayed_work(wq, &job, 0));      /* pending already: changes nothing */
	SHOW(mod_delayed_work(wq, &job, 2 * HOUR)); /* this does: now in two hours */
	SHOW(mod_delayed_work(wq, &job, 0));        /* now */
	wait_until_it_ran();
}

static void take_it_back(void)
{
	puts("job is taken back:");
	SHOW(mod_delayed_work(wq, &job, HOUR)); /* it was idle, and is armed */
	SHOW(cancel_delayed_work(&job));        /* it will not run */
	SHOW(cancel_delayed_work(&job));        /* nothing left to take back */
}

static void run_it_now(void)
{
	puts("job is not waited for an hour:");
	SHOW(queue_delayed_work(wq, &job, HOUR));
	SHOW(flush_work(&job.work));    /* does not see the timer */
	SHOW(flush_delayed_work(&job)); /* has it run now, and waits */
	SHOW(flush_delayed_work(&job)); /* it is idle */
}

static void disable_and_enable(void)
{
	puts("job is disabled:");
	SHOW(queue_delayed_work(wq, &job, HOUR));
	SHOW(disable_delayed_work(&job));      /* the timer is disarmed */
	SHOW(queue_delayed_work(wq, &job, 0)); /* refused, and forgotten */
	SHOW(mod_delayed_work(wq, &job, 0));   /* refused too: false has two meanings here */
	SHOW(enable_delayed_work(&job));
	SHOW(delayed_work_pending(&job)); /* enabling arms nothing */
}

int main(void)
{
	wq = alloc_workqueue("delayed", WQ_PERCPU, 0);
	if (!wq || sem_init(&has_run, 0, 0)) {
		perror("delayed");
		return EXIT_FAILURE;
	}
	wait_for_its_time();
	change_its_time();
	take_it_back();
	run_it_now();
	disable_and_enable();

	cancel_delayed_work_sync(&job); /* always before: it does not wait for timers */
	destroy_workqueue(wq);
	printf("job ran %d times\n", nr_runs);
	return EXIT_SUCCESS;
}
