/* SPDX-License-Identifier: MIT */
/*
 * ordered.c - an ordered queue instead of a mutex: its items never overlap.
 *
 * Several threads log lines. The handlers share the log without any lock, and
 * every thread's lines arrive in the order in which it queued them. Prints:
 *	4 threads logged 4000 lines, 1000 each
 *	lines out of order: 0
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <workq/workqueue.h>

enum {
	NR_THREADS = 4,
	NR_LINES = 1000,
};

/* Touched by write_line() only, which never runs twice at once. */
static struct {
	int nr_lines;
	int nr_disordered;
	int next[NR_THREADS];
} lines;

struct line {
	struct work_struct work;
	int thread;
	int number;
};

static struct workqueue_struct *wq;

static void write_line(struct work_struct *work)
{
	struct line *line = from_work(line, work, work);

	lines.nr_lines++;
	if (line->number != lines.next[line->thread]++)
		lines.nr_disordered++;
	free(line);
}

static void *log_lines(void *arg)
{
	int thread = *(int *)arg;

	for (int i = 0; i < NR_LINES; i++) {
		struct line *line = malloc(sizeof(*line));

		if (!line) {
			perror("malloc");
			break;
		}
		line->thread = thread;
		line->number = i;
		INIT_WORK(&line->work, write_line);
		queue_work(wq, &line->work);
	}
	return NULL;
}

/* Return: how many of the threads could be started; they have ended. */
static int run_threads(void)
{
	pthread_t threads[NR_THREADS];
	int numbers[NR_THREADS];
	int nr, error;

	for (nr = 0; nr < NR_THREADS; nr++) {
		numbers[nr] = nr;
		error = pthread_create(&threads[nr], NULL, log_lines, &numbers[nr]);
		if (error) {
			fprintf(stderr, "pthread_create: %s\n", strerror(error));
			break;
		}
	}
	for (int i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	return nr;
}

int main(void)
{
	int nr_threads;

	wq = alloc_ordered_workqueue("log", 0);
	if (!wq) {
		perror("alloc_ordered_workqueue");
		return EXIT_FAILURE;
	}
	nr_threads = run_threads();
	flush_workqueue(wq); /* all lines are written, and the log is visible here */

	printf("%d threads logged %d lines, %d each\n", nr_threads, lines.nr_lines, NR_LINES);
	printf("lines out of order: %d\n", lines.nr_disordered);
	destroy_workqueue(wq);
	return lines.nr_lines == NR_THREADS * NR_LINES && lines.nr_disordered == 0 ? EXIT_SUCCESS :
										     EXIT_FAILURE;
}
