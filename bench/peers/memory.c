/* SPDX-License-Identifier: MIT */
/*
 * memory.c - for workq-bench compare: what a pool allocates for a queued task.
 *
 * All threads of the pool are held up, many tasks are submitted, and the growth
 * of the process's anonymous memory is divided by their number: that sees every
 * allocator, also those that keep slabs of their own. Each time in a new process,
 * in which nothing has been freed yet that could be used again.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

static const char rollup[] = "/proc/self/smaps_rollup";

/* started: posted by each task that holds up its thread; gate: for which it waits. */
static sem_t started, gate, done;
static _Atomic unsigned long nr_unfinished;

enum { DEADLINE_S = 60 };

/* ------------------------------------------------------ in the new process */

bool bench_peer_can_measure_memory(void)
{
	return access(rollup, R_OK) == 0;
}

/* Allocates nothing. */
static double anonymous_bytes(void)
{
	static char text[4096];
	int fd = open(rollup, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *line;

	if (size < 0)
		err(EXIT_FAILURE, "%s", rollup);
	close(fd);
	text[size] = '\0';
	line = strstr(text, "\nAnonymous:");
	if (!line)
		errx(EXIT_FAILURE, "%s does not tell anonymous memory", rollup);
	return (double)strtoul(line + strlen("\nAnonymous:"), NULL, 10) * 1024;
}

static void wait_for_sem(sem_t *sem)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += DEADLINE_S;
	while (sem_clockwait(sem, CLOCK_MONOTONIC, &until) != 0) {
		if (errno != EINTR)
			errx(EXIT_FAILURE, "a task has not run for %d s", DEADLINE_S);
	}
}

static void finish(struct peer_item *item)
{
	item->nr_runs++;
	if (atomic_fetch_sub(&nr_unfinished, 1) == 1)
		sem_post(&done);
}

static void hold_up(struct peer_item *item)
{
	sem_post(&started);
	wait_for_sem(&gate);
	finish(item);
}

static void submit_all(const struct bench_peer *peer, struct peer_item *first, unsigned long nr)
{
	size_t stride = bench_peer_stride(peer);

	for (unsigned long i = 0; i < nr; i++)
		peer->submit(peer_item_at(first, stride, i));
}

/* The first @nr_held hold up a thread each. */
static void *make_items(const struct bench_peer *peer, unsigned long nr, unsigned long nr_held)
{
	size_t stride = bench_peer_stride(peer);
	void *items = bench_alloc(nr, stride);

	for (unsigned long i = 0; i < nr; i++) {
		struct peer_item *item = peer_item_at(items, stride, i);

		item->fn = i < nr_held ? hold_up : finish;
		if (peer->init_item)
			peer->init_item(item);
	}
	return items;
}

static void check_all_ran(const struct bench_peer *peer, void *items, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		unsigned long times = peer_item_at(items, bench_peer_stride(peer), i)->nr_runs;

		if (times != 1)
			errx(EXIT_FAILURE, "memory: task %lu ran %lu times", i, times);
	}
}

static void release(unsigned long nr_held)
{
	for (unsigned long i = 0; i < nr_held; i++)
		sem_post(&gate);
}

/* Without huge pages, which would come and go in lumps. */
double bench_peer_measure_memory(const struct bench_peer *peer, unsigned long nr)
{
	unsigned int nr_threads = bench_cpus_count();
	unsigned long nr_held = peer->inline_tasks ? nr_threads - 1 : nr_threads;
	void *items = make_items(peer, nr + nr_held, nr_held);
	double before, after;

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	sem_init(&started, 0, 0);
	sem_init(&gate, 0, 0);
	sem_init(&done, 0, 0);
	nr_unfinished = nr + nr_held;
	peer->start(nr_threads);
	submit_all(peer, items, nr_held);
	for (unsigned long i = 0; i < nr_held; i++)
		wait_for_sem(&started);

	/* The first time brings its own page. */
	anonymous_bytes();
	before = anonymous_bytes();
	submit_all(peer, peer_item_at(items, bench_peer_stride(peer), nr_held), nr);
	after = anonymous_bytes();

	release(nr_held);
	if (peer->attend)
		peer->attend();
	wait_for_sem(&done);
	peer->stop();
	check_all_ran(peer, items, nr + nr_held);
	free(items);
	return after > before ? (after - before) / (double)nr : 0;
}

/* --------------------------------------------------- who asks for the figure */

static pid_t spawn(const char *system, unsigned long nr, int out)
{
	char number[32];
	const char *argv[] = { "workq-bench", "compare",     "--json", "--items",
			       number,        "--memory-of", system,   NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int error;

	snprintf(number, sizeof(number), "%lu", nr);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	error = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, (char **)argv, environ);
	if (error)
		errx(EXIT_FAILURE, "cannot start a process: %s", strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

double bench_peer_spawn_memory(const char *system, unsigned long nr)
{
	double bytes = 0;
	int fd[2], status;
	pid_t pid;
	FILE *f;

	if (pipe2(fd, O_CLOEXEC) != 0)
		err(EXIT_FAILURE, "pipe");
	pid = spawn(system, nr, fd[1]);
	close(fd[1]);
	f = fdopen(fd[0], "r");
	if (!f || fscanf(f, "%lf", &bytes) != 1)
		errx(EXIT_FAILURE, "memory, %s: no figure", system);
	fclose(f);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		errx(EXIT_FAILURE, "memory, %s: the process failed", system);
	return bytes;
}
