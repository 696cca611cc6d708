/* SPDX-License-Identifier: MIT */
/*
 * mutex.c - for workq-bench compare: a pool as anyone would write it.
 *
 * A linked queue under one mutex, a condition variable on which the threads
 * wait for tasks, and another for who waits until there is none left. Each
 * task has a node from malloc(), and the mutex is held as shortly as that allows.
 */
#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

struct task {
	struct task *next;
	struct peer_item *item;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t has_task;
	pthread_cond_t is_idle;
	struct task *first;
	struct task **last;
	unsigned long nr_unfinished;
	bool stopping;
	unsigned int nr_threads;
	pthread_t *threads;
} pool = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.has_task = PTHREAD_COND_INITIALIZER,
	.is_idle = PTHREAD_COND_INITIALIZER,
	.last = &pool.first,
};

static struct task *take_locked(void)
{
	struct task *task = pool.first;

	pool.first = task->next;
	if (!pool.first)
		pool.last = &pool.first;
	return task;
}

static void finish_locked(void)
{
	if (--pool.nr_unfinished == 0)
		pthread_cond_broadcast(&pool.is_idle);
}

static void *run_tasks(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		struct task *task;

		while (!pool.first && !pool.stopping)
			pthread_cond_wait(&pool.has_task, &pool.lock);
		if (!pool.first)
			break;
		task = take_locked();
		pthread_mutex_unlock(&pool.lock);
		task->item->fn(task->item);
		free(task);
		pthread_mutex_lock(&pool.lock);
		finish_locked();
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

static void start(unsigned int threads)
{
	pool.stopping = false;
	pool.nr_threads = threads;
	pool.threads = calloc(threads, sizeof(*pool.threads));
	if (!pool.threads)
		err(EXIT_FAILURE, "no memory");
	for (unsigned int i = 0; i < threads; i++) {
		int error = pthread_create(&pool.threads[i], NULL, run_tasks, NULL);

		if (error)
			errx(EXIT_FAILURE, "pthread_create: %s", strerror(error));
	}
}

static void stop(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	pthread_cond_broadcast(&pool.has_task);
	pthread_mutex_unlock(&pool.lock);
	for (unsigned int i = 0; i < pool.nr_threads; i++)
		pthread_join(pool.threads[i], NULL);
	free(pool.threads);
}

/* Signals without the lock: the thread that wakes finds it free. */
static void submit(struct peer_item *item)
{
	struct task *task = malloc(sizeof(*task));

	if (!task)
		err(EXIT_FAILURE, "no memory");
	task->next = NULL;
	task->item = item;
	pthread_mutex_lock(&pool.lock);
	*pool.last = task;
	pool.last = &task->next;
	pool.nr_unfinished++;
	pthread_mutex_unlock(&pool.lock);
	pthread_cond_signal(&pool.has_task);
}

static void spray(void *items, size_t stride, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		submit(peer_item_at(items, stride, i));
}

static void wait_all(void)
{
	pthread_mutex_lock(&pool.lock);
	while (pool.nr_unfinished)
		pthread_cond_wait(&pool.is_idle, &pool.lock);
	pthread_mutex_unlock(&pool.lock);
}

static const char *version(void)
{
	return "of our own";
}

const struct bench_peer bench_peer_mutex = {
	.version = version,
	.start = start,
	.stop = stop,
	.submit = submit,
	.resubmit = submit,
	.spray = spray,
	.wait_all = wait_all,
};
