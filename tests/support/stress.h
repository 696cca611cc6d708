/* SPDX-License-Identifier: MIT */
/*
 * stress.h - frame of the stress programs: options, seeds, verdict.
 *
 *   --seed N     repeat a run's decisions (the interleaving is the machine's)
 *   --ops N      operations of each thread
 *   --threads N  threads
 *
 * WORKQ_STRESS_SCALE multiplies the operations. A program that hangs is ended by
 * SIGUSR2 with its seed on the screen.
 */
#ifndef TESTS_STRESS_H
#define TESTS_STRESS_H

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <workq/workq.h>
#include <workq/workqueue.h>

struct stress {
	const char *name;
	uint64_t seed;
	long ops;
	int threads;
	atomic_int faults;
};

static struct stress stress;

/* ------------------------------------------------------------ random numbers */

struct rng {
	uint64_t state;
};

/* splitmix64: any seed is a good one. */
static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline unsigned int rng_below(struct rng *rng, unsigned int bound)
{
	return (rng_next(rng) >> 33) % bound;
}

/* Of the n-th thread of a kind. */
static inline struct rng rng_of(int kind, int nth)
{
	struct rng rng = { stress.seed ^ (uint64_t)kind << 48 ^ (uint64_t)nth << 32 };

	rng_next(&rng);
	return rng;
}

/* -------------------------------------------------------------------- verdict */

/* A broken law: said, counted, and the run goes on. */
__attribute__((format(printf, 1, 2))) static inline void fault(const char *fmt, ...)
{
	va_list args;

	if (atomic_fetch_add(&stress.faults, 1) > 20)
		return;
	va_start(args, fmt);
	fprintf(stderr, "%s: FAULT (seed %llu): ", stress.name, (unsigned long long)stress.seed);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

#define law(cond, ...)                                                                             \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fault(#cond ": " __VA_ARGS__);                                             \
	} while (0)

static inline int stress_end(void)
{
	int faults = atomic_load(&stress.faults);

	if (faults)
		printf("%s: %d faults, seed %llu\n", stress.name, faults,
		       (unsigned long long)stress.seed);
	else
		printf("%s: ok\n", stress.name);
	return faults ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* -------------------------------------------------------------------- options */

enum {
	STRESS_SECONDS = 1000,
};

static void stress_hangs(int sig)
{
	static const char text[] = "the stress program hangs\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

static inline void stress_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (value && !strcmp(argv[i], "--seed"))
			stress.seed = strtoull(value, NULL, 0);
		else if (value && !strcmp(argv[i], "--ops"))
			stress.ops = strtol(value, NULL, 0);
		else if (value && !strcmp(argv[i], "--threads"))
			stress.threads = atoi(value);
		else
			exit((fprintf(stderr, "usage: %s [--seed N] [--ops N] [--threads N]\n",
				      argv[0]),
			      2));
	}
}

static inline void stress_watchdog(time_t seconds)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct itimerspec when = { .it_value.tv_sec = seconds };
	timer_t timer;

	signal(SIGUSR2, stress_hangs);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &when, NULL))
		perror("timer_create");
}

static inline double stress_scale(void)
{
	const char *text = getenv("WORKQ_STRESS_SCALE");
	double scale = text ? strtod(text, NULL) : 1;

	return scale > 0 ? scale : 1;
}

static inline void stress_begin(const char *name, int argc, char **argv, long ops, int threads)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	stress.name = name;
	stress.seed = (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec;
	stress.seed &= 0xffffffffu;
	stress.ops = ops * stress_scale();
	stress.threads = threads;
	stress_options(argc, argv);
	if (stress.ops < 1)
		stress.ops = 1;
	if (stress.threads < 1)
		stress.threads = 1;
	stress_watchdog(STRESS_SECONDS * (stress_scale() > 1 ? stress_scale() : 1));
	printf("%s: --seed %llu --ops %ld --threads %d\n", name, (unsigned long long)stress.seed,
	       stress.ops, stress.threads);
	fflush(stdout);
}

/* -------------------------------------------------------------------- threads */

/* Run @main in @nr threads, each told its number, and wait for them. */
static inline void stress_threads(int nr, void *(*main)(void *nth))
{
	pthread_t *thread = calloc(nr, sizeof(*thread));

	if (!thread)
		abort();
	for (int i = 0; i < nr; i++)
		if (pthread_create(&thread[i], NULL, main, (void *)(intptr_t)i))
			abort();
	for (int i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	free(thread);
}

#endif /* TESTS_STRESS_H */
