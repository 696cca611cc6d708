/* SPDX-License-Identifier: MIT */
/*
 * embed.c - items embedded in objects of yours, each freed by its own handler.
 *
 * Prints:
 *	job 1: 1 squared is 1
 *	job 2: 2 squared is 4
 *	job 3: 3 squared is 9
 */
#include <stdio.h>
#include <stdlib.h>

#include <workq/workqueue.h>

struct job {
	int x;
	struct work_struct work; /* anywhere in the struct: from_work() finds the way back */
};

static void run_job(struct work_struct *work)
{
	struct job *job = from_work(job, work, work);

	printf("job %d: %d squared is %d\n", job->x, job->x, job->x * job->x);
	/* Allowed: the library does not touch an item whose function has been entered. */
	free(job);
}

static int submit(struct workqueue_struct *wq, int x)
{
	struct job *job = malloc(sizeof(*job));

	if (!job) {
		perror("malloc");
		return -1;
	}
	job->x = x;
	INIT_WORK(&job->work, run_job);
	queue_work(wq, &job->work);
	/* From here on the job belongs to its handler and may be gone already. */
	return 0;
}

int main(void)
{
	struct workqueue_struct *wq = create_singlethread_workqueue("my_queue");
	int status = EXIT_SUCCESS;

	if (!wq) {
		perror("create_singlethread_workqueue");
		return EXIT_FAILURE;
	}
	for (int x = 1; x <= 3 && status == EXIT_SUCCESS; x++)
		if (submit(wq, x) < 0)
			status = EXIT_FAILURE;

	destroy_workqueue(wq); /* runs what is still queued, so that nothing leaks */
	return status;
}
