/* SPDX-License-Identifier: MIT */
/*
 * report.c - prints what the cases gave: a table for people, JSON for programs.
 *
 * JSON is one object per line, so that several runs can be put into one file.
 */
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <workq/workq.h>

#include "bench.h"

struct percentiles {
	double p50;
	double p90;
	double p99;
	double p99_9;
	double worst;
};

const char *bench_system(const struct bench_case *c)
{
	return c && c->system ? c->system : "libworkq";
}

static struct percentiles get_percentiles(const struct bench_case *c)
{
	double *value = c->latency.value;
	size_t nr = c->latency.nr;

	return (struct percentiles){
		.p50 = bench_percentile(value, nr, 50),
		.p90 = bench_percentile(value, nr, 90),
		.p99 = bench_percentile(value, nr, 99),
		.p99_9 = bench_percentile(value, nr, 99.9),
		.worst = bench_percentile(value, nr, 100),
	};
}

static double per_item(const struct bench_case *c, uint64_t total)
{
	return (double)total / (double)c->usage.items;
}

static double syscalls_per_item(const struct bench_case *c)
{
	return (double)c->counted.syscalls / (double)c->counted.items;
}

/* -------------------------------------------------------------------- JSON */

static json_t *json_config(const struct bench_plan *plan, const struct bench_case *c)
{
	const struct bench_options *opts = plan->opts;
	json_t *config = json_pack("{ss, ss, ss, sI, sI, si, si, si, si, si, sb, ss, ss}",
				   "command", plan->opts->command->name, "version", workq_version(),
				   "flags", opts->kind->name, "items", (json_int_t)c->items,
				   "pending", (json_int_t)c->pending, "producers",
				   (int)c->producers, "producer_cpu", c->producer_cpu, "target_cpu",
				   c->target_cpu, "max_active", opts->max_active, "allowed_cpus",
				   (int)bench_cpus_count(), "quick", opts->quick, "machine",
				   bench_machine(), "date", bench_today());

	if (config && c->version)
		json_object_set_new(config, "system_version", json_string(c->version));
	return config;
}

/* From the shortest on, what part of the single times was no longer than that. */
static json_t *json_cdf(const struct bench_case *c)
{
	static const double tail[] = { 99.5, 99.9, 99.95, 99.99, 99.999 };
	double *value = c->latency.value;
	size_t nr = c->latency.nr;
	json_t *cdf = json_array();

	for (int percent = 0; percent < 100; percent++)
		json_array_append_new(cdf, json_pack("[if]", percent,
						     bench_percentile(value, nr, percent)));
	for (size_t i = 0; i < sizeof(tail) / sizeof(tail[0]); i++) {
		if ((double)nr * (100 - tail[i]) >= 100)
			json_array_append_new(cdf, json_pack("[ff]", tail[i],
							     bench_percentile(value, nr, tail[i])));
	}
	json_array_append_new(cdf, json_pack("[if]", 100, bench_percentile(value, nr, 100)));
	return cdf;
}

static void add_percentiles(json_t *extra, const struct bench_case *c)
{
	struct percentiles p = get_percentiles(c);

	json_object_set_new(extra, "p50", json_real(p.p50));
	json_object_set_new(extra, "p90", json_real(p.p90));
	json_object_set_new(extra, "p99", json_real(p.p99));
	json_object_set_new(extra, "p99_9", json_real(p.p99_9));
	json_object_set_new(extra, "worst", json_real(p.worst));
	json_object_set_new(extra, "cdf", json_cdf(c));
}

static void add_ratios(json_t *extra, const struct bench_case *c)
{
	struct bench_summary s = bench_summarise(c->ratios.value, c->ratios.nr);

	json_object_set_new(extra, "ratio",
			    json_pack("{sf, sf, sf}", "median", s.median, "min", s.min, "max",
				      s.max));
}

static size_t count_early(const struct bench_case *c)
{
	return bench_count_below(c->latency.value, c->latency.nr, 0);
}

static json_t *json_syscalls(const struct bench_case *c)
{
	return c->counted.items ? json_real(syscalls_per_item(c)) : json_null();
}

static json_t *json_extra(const struct bench_case *c)
{
	const struct bench_usage *usage = &c->usage;
	json_t *extra = json_pack("{sf, sf, sf, sf}", "wall_ns_per_item",
				  per_item(c, usage->wall_ns), "cpu_ns_per_item",
				  per_item(c, usage->cpu_ns), "voluntary_switches_per_item",
				  per_item(c, usage->voluntary), "involuntary_switches_per_item",
				  per_item(c, usage->involuntary));

	if (extra)
		json_object_set_new(extra, "system_calls_per_item", json_syscalls(c));
	if (extra && c->latency.nr)
		add_percentiles(extra, c);
	if (extra && c->ratios.nr)
		add_ratios(extra, c);
	if (extra && c->is_lateness) {
		json_object_set_new(extra, "number", json_integer((json_int_t)c->latency.nr));
		json_object_set_new(extra, "early", json_integer((json_int_t)count_early(c)));
	}
	return extra;
}

static void print_json(const struct bench_plan *plan, const struct bench_case *c)
{
	struct bench_summary s = bench_summarise(c->figures.value, c->figures.nr);
	json_t *line = json_pack("{ss, ss, ss, sf, sf, sf, si, so, so}", "workload", c->workload,
				 "system", bench_system(c), "unit", c->unit, "median", s.median,
				 "min", s.min, "max", s.max, "runs", (int)c->figures.nr, "config",
				 json_config(plan, c), "extra", json_extra(c));

	if (!line || json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) != 0)
		errx(EXIT_FAILURE, "cannot print JSON");
	putchar('\n');
	json_decref(line);
}

/* ------------------------------------------------------------------- table */

static void print_head(const struct bench_plan *plan)
{
	const struct bench_options *opts = plan->opts;

	printf("workq-bench %s: %s\n", plan->opts->command->name, plan->opts->command->summary);
	printf("libworkq %s, ", workq_version());
	if (opts->command->own_queue)
		printf("%s", opts->command->own_queue);
	else
		printf("%s queue, items on CPU %d", opts->kind->name, opts->cpu);
	printf(", %u CPUs allowed%s\n", bench_cpus_count(),
	       opts->quick ? "; --quick: these are no figures" : "");
}

/* How many timers are pending tells the cases of such a command apart, not how much they do. */
static bool counts_pending(const struct bench_plan *plan)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		if (plan->cases[i].pending)
			return true;
	}
	return false;
}

static unsigned long size_of(const struct bench_plan *plan, const struct bench_case *c)
{
	return counts_pending(plan) ? c->pending : c->items;
}

static const char *size_name(const struct bench_plan *plan)
{
	return counts_pending(plan) ? "pending" : "items";
}

/* Of a row: the workload, with the system if it is another. */
static const char *row_name(const struct bench_case *c)
{
	static char name[BENCH_NAME_LEN + 16];

	if (!c->system)
		return c->workload;
	snprintf(name, sizeof(name), "%s, %s", c->workload, c->system);
	return name;
}

static void print_figures(const struct bench_plan *plan)
{
	printf("\n%-28s %9s %10s %24s  %5s  %s\n", "workload", size_name(plan), "median",
	       "min .. max", "runs", "unit");
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		struct bench_summary s = bench_summarise(c->figures.value, c->figures.nr);

		printf("%-28s %9lu %10.2f %10.2f .. %10.2f  %5zu  %s\n", row_name(c),
		       size_of(plan, c), s.median, s.min, s.max, c->figures.nr, c->unit);
	}
}

static void say_why_no_syscalls(FILE *f)
{
	if (bench_syscalls_why_not())
		fprintf(f, "system calls are not counted: %s\n", bench_syscalls_why_not());
}

static void print_usage(const struct bench_plan *plan)
{
	printf("\n%-28s %9s %12s %12s %12s %12s %12s\n", "per item, all runs", size_name(plan),
	       "wall ns", "CPU ns", "vol. sw.", "invol. sw.", "sys. calls");
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		const struct bench_usage *usage = &c->usage;

		printf("%-28s %9lu %12.1f %12.1f %12.6f %12.6f", row_name(c), size_of(plan, c),
		       per_item(c, usage->wall_ns), per_item(c, usage->cpu_ns),
		       per_item(c, usage->voluntary), per_item(c, usage->involuntary));
		if (c->counted.items)
			printf(" %12.6f\n", syscalls_per_item(c));
		else
			printf(" %12s\n", "-");
	}
	say_why_no_syscalls(stdout);
}

static bool has_latencies(const struct bench_plan *plan)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		if (plan->cases[i].latency.nr)
			return true;
	}
	return false;
}

static void print_latencies(const struct bench_plan *plan)
{
	bool is_lateness = plan->cases[0].is_lateness;

	if (!has_latencies(plan))
		return;
	printf("\n%-28s %9s %9s %9s %9s %9s %9s %9s  %s%s\n", "single times, all runs",
	       size_name(plan), "number", "p50", "p90", "p99", "p99.9", "worst", "unit",
	       is_lateness ? ", early" : "");
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		struct percentiles p;

		if (!c->latency.nr)
			continue;
		p = get_percentiles(c);
		printf("%-28s %9lu %9zu %9.2f %9.2f %9.2f %9.2f %9.2f  us", row_name(c),
		       size_of(plan, c), c->latency.nr, p.p50, p.p90, p.p99, p.p99_9, p.worst);
		if (is_lateness)
			printf(", %zu", count_early(c));
		putchar('\n');
	}
}

/* ------------------------------------------------- systems beside each other */

/* The same workload with as many timers pending, of another system; NULL if there is none. */
static const struct bench_case *find_peer(const struct bench_plan *plan, const struct bench_case *c,
					  const char *system)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *peer = &plan->cases[i];

		if (peer->pending == c->pending && strcmp(peer->workload, c->workload) == 0 &&
		    strcmp(bench_system(peer), system) == 0)
			return peer;
	}
	return NULL;
}

/* The other systems, in the order of the cases; returns how many. */
static unsigned int list_systems(const struct bench_plan *plan, const char *systems[])
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		unsigned int known = 0;

		while (known < nr && c->system && strcmp(systems[known], c->system) != 0)
			known++;
		if (c->system && known == nr && find_peer(plan, c, bench_system(NULL)))
			systems[nr++] = c->system;
	}
	return nr;
}

static double median(const struct bench_case *c)
{
	return bench_summarise(c->figures.value, c->figures.nr).median;
}

static void print_peer(const struct bench_plan *plan, const struct bench_case *c,
		       const char *system)
{
	const struct bench_case *peer = find_peer(plan, c, system);

	if (peer)
		printf(" %10.2f %7.2f", median(peer), median(peer) / median(c));
	else
		printf(" %10s %7s", "-", "-");
}

static void print_compared(const struct bench_plan *plan, const struct bench_case *c,
			   const char *const systems[], unsigned int nr)
{
	printf("%-28s %9lu %10.2f", c->workload, size_of(plan, c), median(c));
	for (unsigned int i = 0; i < nr; i++)
		print_peer(plan, c, systems[i]);
	printf("  %s\n", c->unit);
}

/* Medians; beside each other system's, how many times ours it is. All rows of a workload together. */
static void print_comparison(const struct bench_plan *plan)
{
	const char *systems[BENCH_MAX_CASES];
	unsigned int nr = list_systems(plan, systems);

	if (!nr)
		return;
	printf("\n%-28s %9s %10s", "medians", size_name(plan), bench_system(NULL));
	for (unsigned int i = 0; i < nr; i++)
		printf(" %10s %7s", systems[i], "times");
	printf("  unit\n");
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		if (plan->cases[i].system || !bench_plan_is_first(plan, i))
			continue;
		for (unsigned int k = i; k < plan->nr_cases; k++) {
			const struct bench_case *c = &plan->cases[k];

			if (!c->system && strcmp(c->workload, plan->cases[i].workload) == 0)
				print_compared(plan, c, systems, nr);
		}
	}
}

static void print_table(const struct bench_plan *plan)
{
	print_head(plan);
	print_figures(plan);
	print_usage(plan);
	print_latencies(plan);
	if (plan->cases[0].is_lateness)
		bench_histogram_print(plan);
	else if (plan->opts->command->beside)
		plan->opts->command->beside(plan);
	else
		print_comparison(plan);
}

void bench_report(const struct bench_plan *plan)
{
	if (!plan->opts->json) {
		print_table(plan);
		return;
	}
	for (unsigned int i = 0; i < plan->nr_cases; i++)
		print_json(plan, &plan->cases[i]);
	say_why_no_syscalls(stderr);
}
