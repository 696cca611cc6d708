/* SPDX-License-Identifier: MIT */
/*
 * run.c - runs the cases of a plan, in turns, and keeps their figures.
 *
 * First every case once to warm up, then run 1 of every case, run 2 of every
 * case, and so on: whatever the machine does meanwhile, it does to all of them.
 * At last one more of each, in which system calls are counted and nothing else.
 */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

struct bench_case *bench_plan_add(struct bench_plan *plan, const struct bench_case *like)
{
	struct bench_case *c;

	if (plan->nr_cases == BENCH_MAX_CASES)
		errx(EXIT_FAILURE, "more than %d workloads", BENCH_MAX_CASES);
	c = &plan->cases[plan->nr_cases++];
	*c = *like;
	if (!c->system && !c->wq)
		c->wq = bench_alloc_queue(plan->opts);
	bench_samples_init(&c->figures, plan->opts->runs);
	bench_samples_init(&c->ratios, plan->opts->runs);
	if (c->kept_per_run)
		bench_samples_init(&c->latency, c->kept_per_run * (plan->opts->runs + 1));
	return c;
}

bool bench_plan_is_first(const struct bench_plan *plan, unsigned int index)
{
	for (unsigned int i = 0; i < index; i++) {
		if (strcmp(plan->cases[i].workload, plan->cases[index].workload) == 0)
			return false;
	}
	return true;
}

static void free_data(struct bench_case *c)
{
	free(c->data);
}

void bench_name(struct bench_case *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->workload, sizeof(c->workload), fmt, args);
	va_end(args);
}

void bench_plan_add_latency(struct bench_plan *plan, const char *name,
			    double (*run)(struct bench_case *c), void *(*make)(void))
{
	const struct bench_options *opts = plan->opts;
	int other = bench_cpus_nth((unsigned int)bench_cpus_index(opts->cpu) + 1);
	struct bench_case like = {
		.unit = "us",
		.items = opts->items,
		.producers = 1,
		.target_cpu = opts->cpu,
		.run = run,
		.fini = free_data,
		.kept_per_run = opts->items,
	};

	like.producer_cpu = opts->cpu;
	like.data = make();
	bench_name(bench_plan_add(plan, &like), "%s-same-cpu", name);
	if (other == opts->cpu)
		return;
	like.producer_cpu = other;
	like.data = make();
	bench_name(bench_plan_add(plan, &like), "%s-other-cpu", name);
}

/* To a terminal only; a line that is written over and at last wiped out. */
static void show_progress(const char *text, unsigned int run, unsigned int runs)
{
	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	if (text && run == 0)
		fprintf(stderr, "warming up: %s", text);
	else if (text && run > runs)
		fprintf(stderr, "counting system calls: %s", text);
	else if (text)
		fprintf(stderr, "run %u of %u: %s", run, runs, text);
}

static double run_once(struct bench_case *c)
{
	if (c->producer_cpu >= 0)
		bench_pin(c->producer_cpu);
	else
		bench_unpin();
	return c->run(c);
}

static void forget_warm_up(struct bench_case *c)
{
	c->figures.nr = 0;
	c->ratios.nr = 0;
	c->latency.nr = 0;
	memset(&c->usage, 0, sizeof(c->usage));
}

/* Its figures and times are slower than the others': they are dropped. */
static void count_syscalls(struct bench_case *c)
{
	size_t nr_latencies = c->latency.nr;
	struct bench_usage usage = c->usage;

	memset(&c->usage, 0, sizeof(c->usage));
	run_once(c);
	c->counted = c->usage;
	c->usage = usage;
	c->latency.nr = nr_latencies;
}

static void count_all_syscalls(struct bench_plan *plan)
{
	unsigned int runs = plan->opts->runs;

	if (!bench_syscalls_open())
		return;
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		show_progress(plan->cases[i].workload, runs + 1, runs);
		count_syscalls(&plan->cases[i]);
	}
	bench_syscalls_close();
}

void bench_plan_run(struct bench_plan *plan)
{
	unsigned int runs = plan->opts->runs;

	/* Run 0 is the warm-up. */
	for (unsigned int run = 0; run <= runs; run++) {
		for (unsigned int i = 0; i < plan->nr_cases; i++) {
			struct bench_case *c = &plan->cases[i];

			show_progress(c->workload, run, runs);
			bench_samples_add(&c->figures, run_once(c));
			if (run == 0)
				forget_warm_up(c);
		}
	}
	count_all_syscalls(plan);
	show_progress(NULL, 0, 0);
}

void bench_plan_fini(struct bench_plan *plan)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		struct bench_case *c = &plan->cases[i];

		if (c->wq)
			destroy_workqueue(c->wq);
		if (c->fini)
			c->fini(c);
		bench_samples_fini(&c->figures);
		bench_samples_fini(&c->ratios);
		bench_samples_fini(&c->latency);
	}
	plan->nr_cases = 0;
}

static uint64_t timeval_ns(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000000u + (uint64_t)tv.tv_usec * 1000u;
}

static void read_usage(struct bench_usage *usage)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	usage->cpu_ns = timeval_ns(ru.ru_utime) + timeval_ns(ru.ru_stime);
	usage->voluntary = (uint64_t)ru.ru_nvcsw;
	usage->involuntary = (uint64_t)ru.ru_nivcsw;
}

/* The clock is read last here and first at the end: the other readings stay outside. */
void bench_measure_begin(struct bench_case *c)
{
	read_usage(&c->before);
	c->before.syscalls = bench_syscalls_read();
	c->before.wall_ns = bench_now_ns();
}

uint64_t bench_measure_end(struct bench_case *c, uint64_t items)
{
	struct bench_usage after = { .wall_ns = bench_now_ns() };
	uint64_t wall_ns = after.wall_ns - c->before.wall_ns;

	after.syscalls = bench_syscalls_read();
	read_usage(&after);
	c->usage.items += items;
	c->usage.wall_ns += wall_ns;
	c->usage.cpu_ns += after.cpu_ns - c->before.cpu_ns;
	c->usage.voluntary += after.voluntary - c->before.voluntary;
	c->usage.involuntary += after.involuntary - c->before.involuntary;
	c->usage.syscalls += bench_syscalls_between(c->before.syscalls, after.syscalls);
	return wall_ns;
}

void bench_sleep_until(uint64_t ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

double bench_run_latency(struct bench_case *c, uint64_t (*operation_ns)(struct bench_case *c))
{
	double *mine = c->latency.value + c->latency.nr;
	unsigned long nr = c->kept_per_run;

	/* The case before this one left threads and caches elsewhere. */
	for (unsigned long i = 0; i < nr / 10 + 1; i++)
		operation_ns(c);

	bench_measure_begin(c);
	for (unsigned long i = 0; i < nr; i++)
		bench_samples_add(&c->latency, (double)operation_ns(c) / 1000);
	bench_measure_end(c, nr);
	return bench_percentile(mine, nr, 50);
}
