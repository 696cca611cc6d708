/* SPDX-License-Identifier: MIT */
/*
 * main.c - workq-bench: finds the subcommand, runs its cases, prints the result.
 *
 * The work is done on a thread of its own, the driver: it pins itself here and
 * there, while the first thread keeps the affinity that the program was given,
 * which is what the library goes by.
 */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <workq/workq.h>

#include "bench.h"

extern const struct bench_command bench_queue, bench_chain, bench_flush, bench_wake, bench_timer,
	bench_lateness, bench_scope, bench_replace, bench_spawn, bench_cancel, bench_mix,
	bench_compare, bench_plot, bench_scale, bench_memory;

static const struct bench_command *const commands[] = {
	&bench_queue,   &bench_chain, &bench_spawn,    &bench_flush,   &bench_wake,
	&bench_cancel,  &bench_timer, &bench_lateness, &bench_scope,   &bench_mix,
	&bench_replace, &bench_scale, &bench_memory,   &bench_compare, &bench_plot,
};

enum { NR_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct bench_command *find_command(const char *name)
{
	for (int i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

static void print_version(FILE *stream, struct argp_state *state)
{
	(void)state;
	fprintf(stream, "workq-bench (libworkq) %s\n", workq_version());
}

/* What --help says at the end: the table of commands. */
static char *list_commands(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t size;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&list, &size);
	if (!f)
		err(EXIT_FAILURE, "open_memstream");
	fputs("Commands:\n", f);
	for (int i = 0; i < NR_COMMANDS; i++)
		fprintf(f, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n'workq-bench COMMAND --help' shows its options.", f);
	fclose(f);
	return list;
}

struct choice {
	const struct bench_command *command;
	int at;
};

/* Stops at the first argument that is no option: the rest belongs to the command. */
static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		choice->command = find_command(arg);
		if (!choice->command)
			argp_error(state, "there is no command '%s'", arg);
		choice->at = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void parse(int argc, char **argv, struct bench_options *opts)
{
	static const struct argp top = {
		.parser = parse_top,
		.args_doc = "COMMAND [OPTION...]",
		.doc = "Measures libworkq on this machine.",
		.help_filter = list_commands,
	};
	static char name[64];
	struct choice choice = { 0 };
	char *word;

	argp_err_exit_status = 2;
	argp_program_version_hook = print_version;
	argp_parse(&top, argc, argv, ARGP_IN_ORDER, NULL, &choice);

	snprintf(name, sizeof(name), "workq-bench %s", choice.command->name);
	word = argv[choice.at];
	argv[choice.at] = name;
	if (choice.command->main)
		exit(choice.command->main(argc - choice.at, argv + choice.at));
	bench_options_parse(choice.command, argc - choice.at, argv + choice.at, opts);
	argv[choice.at] = word;
}

static void *drive(void *arg)
{
	struct bench_plan *plan = arg;

	plan->opts->command->setup(plan, plan->opts);
	bench_plan_run(plan);
	bench_report(plan);
	if (plan->opts->command->finish)
		plan->opts->command->finish(plan);
	bench_plan_fini(plan);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct bench_options opts;
	static struct bench_plan plan = { .opts = &opts };
	pthread_t driver;
	int error;

	bench_cpus_init();
	parse(argc, argv, &opts);
	if (opts.command->one_cpu)
		bench_cpus_restrict(opts.cpu, argv);

	if (opts.command->prepare)
		opts.command->prepare();
	error = workq_start();
	if (error)
		errx(EXIT_FAILURE, "workq_start: %s", strerror(-error));
	error = pthread_create(&driver, NULL, drive, &plan);
	if (error)
		errx(EXIT_FAILURE, "pthread_create: %s", strerror(error));
	pthread_join(driver, NULL);
	if (fflush(stdout) != 0 || ferror(stdout))
		err(EXIT_FAILURE, "standard output");
	return EXIT_SUCCESS;
}
