/* SPDX-License-Identifier: MIT */
/*
 * hello.c - queue one item, wait until it has run, give the queue back.
 *
 * Prints:
 *	main: queued
 *	worker: hello
 *	main: it has run
 */
#include <stdio.h>
#include <stdlib.h>

#include <workq/workqueue.h>

static void say_hello(struct work_struct *work)
{
	(void)work;
	puts("worker: hello");
}

static DECLARE_WORK(hello, say_hello);

int main(void)
{
	struct workqueue_struct *wq = alloc_workqueue("hello", WQ_PERCPU, 0);

	if (!wq) {
		perror("alloc_workqueue");
		return EXIT_FAILURE;
	}

	puts("main: queued");
	queue_work(wq, &hello);
	flush_work(&hello);
	puts("main: it has run");

	destroy_workqueue(wq);
	return EXIT_SUCCESS;
}
