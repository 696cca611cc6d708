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

#include <workq/workq.h>

#include "bench.h"

struct percentiles {
	double p50;
	double p90;
	double p99;
	double worst;
};

static struct percentiles get_percentiles(const struct bench_case *c)
{
	double *value = c->latency.value;
	size_t nr = c->latency.nr;

	return (struct percentiles){
		.p50 = bench_percentile(value, nr, 50),
		.p90 = bench_percentile(value, nr, 90),
		.p99 = bench_percentile(value, nr, 99),
		.worst = bench_percentile(value, nr, 100),
	};
}

static double per_item(const struct bench_case *c, uint64_t total)
{
	return (double)total / (double)c->usage.items;
}

/* -------------------------------------------------------------------- JSON */

static json_t *json_config(const struct bench_plan *plan, const struct bench_case *c)
{
	const struct bench_options *opts = plan->opts;

	return json_pack("{ss, ss, ss, sI, si, si, si, si, si, sb}", "command",
			 plan->opts->command->name, "version", workq_version(), "flags",
			 opts->kind->name, "items", (json_int_t)c->items, "producers",
			 (int)c->producers, "producer_cpu", c->producer_cpu, "target_cpu",
			 c->target_cpu, "max_active", opts->max_active, "allowed_cpus",
			 (int)bench_cpus_count(), "quick", opts->quick);
}

static json_t *json_extra(const struct bench_case *c)
{
	const struct bench_usage *usage = &c->usage;
	json_t *extra = json_pack("{sf, sf, sf, sf}", "wall_ns_per_item",
				  per_item(c, usage->wall_ns), "cpu_ns_per_item",
				  per_item(c, usage->cpu_ns), "voluntary_switches_per_item",
				  per_item(c, usage->voluntary), "involuntary_switches_per_item",
				  per_item(c, usage->involuntary));

	if (extra && c->latency.nr) {
		struct percentiles p = get_percentiles(c);

		json_object_set_new(extra, "p50", json_real(p.p50));
		json_object_set_new(extra, "p90", json_real(p.p90));
		json_object_set_new(extra, "p99", json_real(p.p99));
		json_object_set_new(extra, "worst", json_real(p.worst));
	}
	return extra;
}

static void print_json(const struct bench_plan *plan, const struct bench_case *c)
{
	struct bench_summary s = bench_summarise(c->figures.value, c->figures.nr);
	json_t *line = json_pack("{ss, ss, ss, sf, sf, sf, si, so, so}", "workload", c->workload,
				 "system", "libworkq", "unit", c->unit, "median", s.median, "min",
				 s.min, "max", s.max, "runs", (int)c->figures.nr, "config",
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
	printf("libworkq %s, %s queue, items on CPU %d, %u CPUs allowed%s\n", workq_version(),
	       opts->kind->name, opts->cpu, bench_cpus_count(),
	       opts->quick ? "; --quick: these are no figures" : "");
}

static void print_figures(const struct bench_plan *plan)
{
	printf("\n%-28s %9s %10s %24s  %5s  %s\n", "workload", "items", "median", "min .. max",
	       "runs", "unit");
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		struct bench_summary s = bench_summarise(c->figures.value, c->figures.nr);

		printf("%-28s %9lu %10.2f %10.2f .. %10.2f  %5zu  %s\n", c->workload, c->items,
		       s.median, s.min, s.max, c->figures.nr, c->unit);
	}
}

static void print_usage(const struct bench_plan *plan)
{
	printf("\n%-28s %9s %12s %12s %12s %12s\n", "per item, all runs", "items", "wall ns",
	       "CPU ns", "vol. sw.", "invol. sw.");
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		const struct bench_usage *usage = &c->usage;

		printf("%-28s %9lu %12.1f %12.1f %12.6f %12.6f\n", c->workload, c->items,
		       per_item(c, usage->wall_ns), per_item(c, usage->cpu_ns),
		       per_item(c, usage->voluntary), per_item(c, usage->involuntary));
	}
}

static void print_latencies(const struct bench_plan *plan)
{
	printf("\n%-28s %9s %9s %9s %9s %9s  %s\n", "single times, all runs", "number", "p50",
	       "p90", "p99", "worst", "unit");
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		struct percentiles p = get_percentiles(c);

		printf("%-28s %9zu %9.2f %9.2f %9.2f %9.2f  %s\n", c->workload, c->latency.nr,
		       p.p50, p.p90, p.p99, p.worst, c->unit);
	}
}

/* Either all cases of a command keep single times, or none does. */
static void print_table(const struct bench_plan *plan)
{
	print_head(plan);
	print_figures(plan);
	print_usage(plan);
	if (plan->cases[0].latency.nr)
		print_latencies(plan);
}

void bench_report(const struct bench_plan *plan)
{
	if (!plan->opts->json) {
		print_table(plan);
		return;
	}
	for (unsigned int i = 0; i < plan->nr_cases; i++)
		print_json(plan, &plan->cases[i]);
}
