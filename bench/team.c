/* SPDX-License-Identifier: MIT */
/*
 * team.c - threads that do the same thing at the same time.
 *
 * They live as long as the team, asleep between two jobs: a thread's first
 * steps in the library and in its stack then fall into an unmeasured run.
 */
#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct member {
	struct bench_team *team;
	unsigned int index;
	pthread_t thread;
};

/* fn and arg are written by member 0 before the barrier, read by the others after it. */
struct bench_team {
	unsigned int size;
	pthread_barrier_t barrier;
	bench_member_fn fn;
	void *arg;
	struct member *members;
};

static void *member_main(void *arg)
{
	struct member *member = arg;
	struct bench_team *team = member->team;

	for (;;) {
		pthread_barrier_wait(&team->barrier);
		if (!team->fn)
			return NULL;
		team->fn(team->arg, member->index);
		pthread_barrier_wait(&team->barrier);
	}
}

struct bench_team *bench_team_create(unsigned int size)
{
	struct bench_team *team = bench_alloc(1, sizeof(*team));

	team->size = size;
	team->members = bench_alloc(size, sizeof(*team->members));
	pthread_barrier_init(&team->barrier, NULL, size);
	for (unsigned int i = 1; i < size; i++) {
		struct member *member = &team->members[i];
		int error;

		member->team = team;
		member->index = i;
		error = pthread_create(&member->thread, NULL, member_main, member);
		if (error)
			errx(EXIT_FAILURE, "cannot create producer %u: %s", i, strerror(error));
	}
	return team;
}

void bench_team_run(struct bench_team *team, bench_member_fn fn, void *arg)
{
	team->fn = fn;
	team->arg = arg;
	pthread_barrier_wait(&team->barrier);
	fn(arg, 0);
	pthread_barrier_wait(&team->barrier);
}

void bench_team_destroy(struct bench_team *team)
{
	team->fn = NULL;
	pthread_barrier_wait(&team->barrier);
	for (unsigned int i = 1; i < team->size; i++)
		pthread_join(team->members[i].thread, NULL);
	pthread_barrier_destroy(&team->barrier);
	free(team->members);
	free(team);
}
