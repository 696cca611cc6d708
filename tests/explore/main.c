/* SPDX-License-Identifier: MIT */
/*
 * main.c - explore: two operations on one item at once, in all orders.
 *
 * Runs the library's own code on a machine whose every step is chosen: see README.md.
 */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "search.h"
#include "world.h"

static const char *const situations[NR_SITUATIONS] = { "idle", "pending", "running", "requeues",
						       "armed" };
static const char *const kinds[NR_QUEUE_KINDS] = { "percpu", "unbound", "ordered" };

static const char *const faults[NR_FAULTS] = { "none",     "weak-store", "weak-barrier",
					       "torn-rmw", "lost-wake",  "lost-timer" };

static struct {
	enum machine_fault fault;
	enum queue_kind kind;
	enum situation situation;
	const struct operation *first, *second;
	bool tso, is_list;
	bool is_random;
	const char *plan; /* or NULL */
} wanted = { .kind = NR_QUEUE_KINDS, .situation = NR_SITUATIONS };

/* ------------------------------------------------------------------ options */

static int find(const char *name, const char *const *names, int nr, struct argp_state *state)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return i;
	argp_error(state, "there is no %s", name);
	return 0;
}

static const struct operation *find_operation(const char *name, struct argp_state *state)
{
	for (size_t i = 0; i < nr_operations; i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	argp_error(state, "there is no operation %s", name);
	return NULL;
}

static void set_operation(const char *name, struct argp_state *state)
{
	if (!wanted.first)
		wanted.first = find_operation(name, state);
	else if (!wanted.second)
		wanted.second = find_operation(name, state);
	else
		argp_usage(state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'l':
		wanted.is_list = true;
		break;
	case 'q':
		wanted.kind = (enum queue_kind)find(arg, kinds, NR_QUEUE_KINDS, state);
		break;
	case 's':
		wanted.situation = (enum situation)find(arg, situations, NR_SITUATIONS, state);
		break;
	case 't':
		wanted.tso = true;
		break;
	case 'b':
		search->bound = (unsigned int)atoi(arg);
		break;
	case 'r':
		wanted.is_random = true;
		search->max_runs = strtoull(arg, NULL, 10);
		break;
	case 'e':
		search->seed = strtoull(arg, NULL, 10);
		break;
	case 'd':
		search->depth = (unsigned int)atoi(arg) % 8;
		break;
	case 'm':
		search->max_runs = strtoull(arg, NULL, 10);
		break;
	case 'w':
		search->is_whole = true;
		break;
	case 'p':
		wanted.plan = arg;
		break;
	case 'f':
		wanted.fault = (enum machine_fault)find(arg, faults, NR_FAULTS, state);
		break;
	case ARGP_KEY_ARG:
		set_operation(arg, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option options[] = {
	{ "list", 'l', NULL, 0, "print all scenarios, one a line, as arguments", 0 },
	{ "queue", 'q', "KIND", 0, "percpu, unbound or ordered", 0 },
	{ "situation", 's', "NAME", 0, "of the item: idle, pending, running, requeues or armed",
	  0 },
	{ "tso", 't', NULL, 0, "stores may stay in a buffer", 0 },
	{ "bound", 'b', "N", 0, "all schedules with so many preemptions (2)", 0 },
	{ "random", 'r', "RUNS", 0, "at random, by priorities that change", 0 },
	{ "seed", 'e', "N", 0, "of the first such run (1)", 0 },
	{ "depth", 'd', "N", 0, "how often priorities change in a run (3)", 0 },
	{ "max-runs", 'm', "N", 0, "give up after so many", 0 },
	{ "whole", 'w', NULL, 0,
	  "also schedules that show what another one shows; each from the start", 0 },
	{ "schedule", 'p', "TEXT", 0, "repeat one that was printed", 0 },
	{ "fault", 'f', "NAME", 0,
	  "of the machine: weak-store, weak-barrier, torn-rmw, lost-wake or lost-timer", 0 },
	{ 0 },
};

static const struct argp argp = { options,
				  parse,
				  "OPERATION OPERATION",
				  "Two operations on one item at once, in all orders.",
				  NULL,
				  NULL,
				  NULL };

/* ---------------------------------------------------------------- scenarios */

static bool is_allowed(const struct operation *a, const struct operation *b,
		       enum situation situation)
{
	/* queues are destroyed by one, while nobody else uses them, nor a timer is armed for them; an
	   item that runs elsewhere, too, might queue itself again in them */
	if (a->destroys || b->destroys)
		return !(a->uses_queue && b->uses_queue) && situation != ARMED;
	return true;
}

static void list_all(void)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++)
		for (int situation = 0; situation < NR_SITUATIONS; situation++)
			for (size_t i = 0; i < nr_operations; i++)
				for (size_t j = 0; j <= i; j++)
					if (is_allowed(&operations[i], &operations[j], situation))
						printf("--queue=%s --situation=%s %s %s\n",
						       kinds[kind], situations[situation],
						       operations[i].name, operations[j].name);
}

/* ---------------------------------------------------------------------- run */

static void begin(void *unused)
{
	(void)unused;
	world_begin(wanted.kind);
}

static void arrange(void *unused)
{
	(void)unused;
	world_arrange(wanted.situation);
}

/* What a thread's first call makes for good is made before. */
static void run_operation(void *operation)
{
	world_enter();
	machine_block(NULL, UINT64_MAX);
	((const struct operation *)operation)->fn();
}

/* Up to where it waits. */
static struct fiber *add_operation(const char *name, const struct operation *operation,
				   unsigned int cpu)
{
	int i = machine_add(name, run_operation, (void *)operation, /* is_user */ false, cpu);

	machine_run();
	return &machine.fiber[i];
}

static void let_go(struct fiber *fiber)
{
	fiber->is_user = true;
	machine_let_go(fiber);
}

/* Up to where the two begin, without any choice. */
static void prepare(void)
{
	unsigned int bound = search->bound;
	struct fiber *first, *second;

	search->bound = 0;
	machine_add("main", begin, NULL, true, 0);
	machine_run();
	machine_add("main", arrange, NULL, true, 0);
	machine_run();
	first = add_operation("first", wanted.first, 0);
	second = add_operation("second", wanted.second, 1);
	let_go(first);
	let_go(second);
	machine_add("opener", world_open, NULL, true, 0);
	search->bound = bound;
	machine_fault = wanted.fault;
	machine_save();
}

static void check(void)
{
	search_note_outcome(machine.history);
	world_check();
}

static void run_all(void)
{
	do {
		machine_run_again();
		if (machine.is_cut)
			search->nr_cut++;
		else
			check();
	} while (search_next_run());
}

/* Some runs at random tell what is shared; if more turns out to be, all begins anew. */
static void search_exhaustively(void)
{
	uint64_t max_runs = search->max_runs;

	search->is_random = true;
	search->max_runs = 200;
	run_all();
	search->is_random = false;
	search->max_runs = max_runs;
	do {
		search_learn();
		run_all();
	} while (search->has_grown);
}

/* Schedules, those of them that were cut short, histories, their digest, and of what. */
static void print_result(void)
{
	bool is_incomplete = search->max_runs && search->nr_runs >= search->max_runs;

	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %016" PRIx64 " %s %s %s %s %s%s\n",
	       search->nr_runs, search->nr_cut, search->nr_outcomes, search->outcomes,
	       kinds[wanted.kind], situations[wanted.situation], wanted.first->name,
	       wanted.second->name, wanted.tso ? "tso" : "sc",
	       is_incomplete && !search->is_random ? " INCOMPLETE" : "");
}

int main(int argc, char **argv)
{
	search_init();
	search->bound = 2;
	search->seed = 1;
	search->depth = 3;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return 2;
	if (wanted.is_list) {
		list_all();
		return 0;
	}
	if (!wanted.second || wanted.kind == NR_QUEUE_KINDS || wanted.situation == NR_SITUATIONS) {
		fprintf(stderr, "explore: which queue, situation and operations? --help tells\n");
		return 2;
	}
	machine_init(wanted.tso);
	prepare();
	search->is_random = wanted.is_random;
	if (wanted.plan)
		search_plan(wanted.plan);
	if (search->has_plan || search->is_random)
		run_all();
	else
		search_exhaustively();
	print_result();
	return 0;
}
