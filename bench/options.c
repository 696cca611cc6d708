/* SPDX-License-Identifier: MIT */
/*
 * options.c - the command line: what all subcommands understand.
 *
 * Every error is a message, a hint at --help, and exit status 2. What comes
 * out has been checked: the rest of the program does not look again.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum {
	OPT_JSON = 256,
	OPT_RUNS,
	OPT_QUICK,
	OPT_ITEMS,
	OPT_FLAGS,
	OPT_CPU,
	OPT_MAX_ACTIVE,
	OPT_PRODUCERS,
	OPT_PENDING,
};

enum {
	DEFAULT_RUNS = 21,
	QUICK_RUNS = 3,
	MAX_RUNS = 10000,
	MAX_ITEMS = 100000000,
	MAX_PRODUCERS = 256,
	MAX_PENDING = 100000000,
};

static const struct argp_option options[] = {
	{ "json", OPT_JSON, NULL, 0, "One JSON object per line instead of a table", 0 },
	{ "runs", OPT_RUNS, "N", 0, "Measured repetitions of each workload (21)", 0 },
	{ "quick", OPT_QUICK, NULL, 0, "Few and short runs: shows that it works, nothing else", 0 },
	{ "items", OPT_ITEMS, "N", 0, "Size of a run; see below", 0 },
	{ "flags", OPT_FLAGS, "KIND", 0, "Queue: percpu, unbound, highpri or ordered", 0 },
	{ "cpu", OPT_CPU, "N", 0, "CPU that runs the items (the first allowed one)", 0 },
	{ "max-active", OPT_MAX_ACTIVE, "N", 0, "Limit of active items (0, the library's default)",
	  0 },
	{ 0 },
};

static const struct argp_option producers_options[] = {
	{ "producers", OPT_PRODUCERS, "N", 0, "Threads or chains, each on the next allowed CPU",
	  0 },
	{ 0 },
};

static const struct argp_option producer_list_options[] = {
	{ "producers", OPT_PRODUCERS, "N,N...", 0, "Threads, each on the next allowed CPU", 0 },
	{ 0 },
};

static const struct argp_option pending_options[] = {
	{ "pending", OPT_PENDING, "N,N...", 0, "How many timers are pending; see below", 0 },
	{ 0 },
};

static const struct bench_kind kinds[] = {
	{ "percpu", WQ_PERCPU, false },
	{ "unbound", WQ_UNBOUND, false },
	{ "highpri", WQ_PERCPU | WQ_HIGHPRI, false },
	{ "ordered", 0, true },
};

unsigned long bench_parse_number(struct argp_state *state, const char *option, const char *arg,
				 unsigned long min, unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(arg, &end, 10);
	if (!isdigit((unsigned char)*arg) || *end || errno || value < min || value > max)
		argp_error(state, "--%s: '%s' is not a number from %lu to %lu", option, arg, min,
			   max);
	return value;
}

static const struct bench_kind *parse_kind(struct argp_state *state, const char *arg)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, arg) == 0)
			return &kinds[i];
	}
	argp_error(state, "--flags: '%s' is none of percpu, unbound, highpri, ordered", arg);
	return NULL;
}

static int parse_cpu(struct argp_state *state, const char *arg)
{
	int cpu = (int)bench_parse_number(state, "cpu", arg, 0, WORK_CPU_UNBOUND - 1);

	if (bench_cpus_index(cpu) < 0)
		argp_error(state, "--cpu: this process may not use CPU %d", cpu);
	return cpu;
}

static void give_input_to_children(const struct argp_state *state)
{
	struct bench_options *opts = state->input;
	const struct argp_child *child = opts->command->children;

	for (int i = 0; child && child[i].argp; i++)
		state->child_inputs[i] = opts;
}

static void check(struct argp_state *state, const struct bench_options *opts)
{
	if (opts->kind->ordered && opts->max_active)
		argp_error(state, "--max-active: an ordered queue has no limit to set");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_options *opts = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		give_input_to_children(state);
		return 0;
	case OPT_JSON:
		opts->json = true;
		return 0;
	case OPT_RUNS:
		opts->runs = (unsigned int)bench_parse_number(state, "runs", arg, 1, MAX_RUNS);
		return 0;
	case OPT_QUICK:
		opts->quick = true;
		return 0;
	case OPT_ITEMS:
		opts->items = bench_parse_number(state, "items", arg, 1, MAX_ITEMS);
		opts->items_given = true;
		return 0;
	case OPT_FLAGS:
		opts->kind = parse_kind(state, arg);
		return 0;
	case OPT_CPU:
		opts->cpu = parse_cpu(state, arg);
		return 0;
	case OPT_MAX_ACTIVE:
		opts->max_active =
			(int)bench_parse_number(state, "max-active", arg, 0, WQ_MAX_ACTIVE);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is one argument too many", arg);
		return 0;
	case ARGP_KEY_END:
		check(state, opts);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_producers(int key, char *arg, struct argp_state *state)
{
	struct bench_options *opts = state->input;

	if (key != OPT_PRODUCERS)
		return ARGP_ERR_UNKNOWN;
	opts->producers.nr = 1;
	opts->producers.value[0] = bench_parse_number(state, "producers", arg, 1, MAX_PRODUCERS);
	return 0;
}

const struct argp bench_producers_argp = {
	.options = producers_options,
	.parser = parse_producers,
};

static void parse_list(struct argp_state *state, const char *option, char *list, unsigned long max,
		       struct bench_numbers *numbers)
{
	char *rest = list, *number;

	numbers->nr = 0;
	while ((number = strsep(&rest, ","))) {
		if (numbers->nr == BENCH_MAX_NUMBERS)
			argp_error(state, "--%s: more than %d numbers", option, BENCH_MAX_NUMBERS);
		numbers->value[numbers->nr++] = bench_parse_number(state, option, number, 1, max);
	}
}

void bench_parse_numbers(struct argp_state *state, const char *option, const char *arg,
			 unsigned long max, struct bench_numbers *numbers)
{
	char *list = strdup(arg);

	if (!list)
		err(EXIT_FAILURE, "no memory");
	parse_list(state, option, list, max, numbers);
	free(list);
}

static error_t parse_producer_list(int key, char *arg, struct argp_state *state)
{
	struct bench_options *opts = state->input;

	if (key != OPT_PRODUCERS)
		return ARGP_ERR_UNKNOWN;
	bench_parse_numbers(state, "producers", arg, MAX_PRODUCERS, &opts->producers);
	return 0;
}

const struct argp bench_producer_list_argp = {
	.options = producer_list_options,
	.parser = parse_producer_list,
};

static error_t parse_pending(int key, char *arg, struct argp_state *state)
{
	struct bench_options *opts = state->input;

	if (key != OPT_PENDING)
		return ARGP_ERR_UNKNOWN;
	bench_parse_numbers(state, "pending", arg, MAX_PENDING, &opts->pending);
	return 0;
}

const struct argp bench_pending_argp = {
	.options = pending_options,
	.parser = parse_pending,
};

static unsigned int default_runs(const struct bench_options *opts)
{
	if (opts->quick)
		return QUICK_RUNS;
	return opts->command->runs ? opts->command->runs : DEFAULT_RUNS;
}

void bench_options_parse(const struct bench_command *command, int argc, char **argv,
			 struct bench_options *opts)
{
	struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = command->doc,
		.children = command->children,
	};

	*opts = (struct bench_options){
		.command = command,
		.kind = &kinds[0],
		.cpu = bench_cpus_nth(0),
	};
	argp_parse(&argp, argc, argv, 0, NULL, opts);

	if (!opts->items)
		opts->items = opts->quick ? command->quick_items : command->items;
	if (!opts->runs)
		opts->runs = default_runs(opts);
}

struct workqueue_struct *bench_alloc_queue(const struct bench_options *opts)
{
	struct workqueue_struct *wq;

	if (opts->kind->ordered)
		wq = alloc_ordered_workqueue("bench", 0);
	else
		wq = alloc_workqueue("bench", opts->kind->flags, opts->max_active);
	if (!wq)
		err(EXIT_FAILURE, "cannot make a queue: alloc_workqueue");
	return wq;
}
