/* SPDX-License-Identifier: MIT */
/*
 * consumer.c - a program somewhere else that uses the installed library.
 *
 * It queues an item, waits for it, and goes on using a flush_work() of its own,
 * which stands in own_flush.c and is no business of the library's.
 */
#include <stdio.h>
#include <string.h>

#include <workq/workq.h>
#include <workq/workqueue.h>

int call_own_flush(int value);

struct job {
	struct work_struct work;
	int result;
};

static void run(struct work_struct *work)
{
	struct job *job = from_work(job, work, work);

	job->result = call_own_flush(41);
}

int main(void)
{
	struct workqueue_struct *wq = alloc_workqueue("consumer", WQ_PERCPU, 0);
	struct job job = { .result = 0 };

	if (!wq)
		return 1;
	INIT_WORK(&job.work, run);
	if (!queue_work(wq, &job.work))
		return 2;
	flush_work(&job.work);
	destroy_workqueue(wq);
	if (job.result != 42 || work_pending(&job.work))
		return 3;
	if (strcmp(workq_version(), WORKQ_VERSION) != 0)
		return 4;
	printf("consumer: ok with libworkq %s\n", workq_version());
	return 0;
}
