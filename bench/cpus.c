/* SPDX-License-Identifier: MIT */
/*
 * cpus.c - the CPUs this process may use, and pinning to them.
 *
 * Their ids may have gaps, so everybody counts positions in this list.
 */
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { MAX_CPUS = WORK_CPU_UNBOUND };

static int cpus[MAX_CPUS];
static unsigned int nr_cpus;

void bench_cpus_init(void)
{
	size_t size = CPU_ALLOC_SIZE(MAX_CPUS);
	cpu_set_t *set = CPU_ALLOC(MAX_CPUS);

	if (!set || sched_getaffinity(0, size, set) != 0)
		err(EXIT_FAILURE, "cannot read the allowed CPUs");
	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (CPU_ISSET_S((size_t)cpu, size, set))
			cpus[nr_cpus++] = cpu;
	}
	CPU_FREE(set);
}

unsigned int bench_cpus_count(void)
{
	return nr_cpus;
}

int bench_cpus_nth(unsigned int n)
{
	return cpus[n % nr_cpus];
}

int bench_cpus_index(int cpu)
{
	for (unsigned int i = 0; i < nr_cpus; i++) {
		if (cpus[i] == cpu)
			return (int)i;
	}
	return -1;
}

/* The library reads at load time what is allowed: later is too late. */
void bench_cpus_restrict(int cpu, char **argv)
{
	if (nr_cpus == 1)
		return;
	bench_pin(cpu);
	execv("/proc/self/exe", argv);
	err(EXIT_FAILURE, "cannot begin anew on one CPU");
}

static void bind_to(const int *ids, unsigned int nr)
{
	size_t size = CPU_ALLOC_SIZE(MAX_CPUS);
	cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
	int error;

	if (!set)
		err(EXIT_FAILURE, "cannot pin a thread");
	CPU_ZERO_S(size, set);
	for (unsigned int i = 0; i < nr; i++)
		CPU_SET_S((size_t)ids[i], size, set);
	error = pthread_setaffinity_np(pthread_self(), size, set);
	if (error)
		errx(EXIT_FAILURE, "cannot bind a thread to CPU %d: %s", ids[0], strerror(error));
	CPU_FREE(set);
}

void bench_pin(int cpu)
{
	bind_to(&cpu, 1);
}

void bench_unpin(void)
{
	bind_to(cpus, nr_cpus);
}
