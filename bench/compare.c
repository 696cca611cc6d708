/* SPDX-License-Identifier: MIT */
/*
 * compare.c - workq-bench compare: this library beside other pools of threads.
 *
 * Chooses systems and workloads and lays out the ratios. What a workload does
 * is said in peers/workload.c, how a pool is used in the file of its own there.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers/workload.h"

/* found: NULL if it was not found at build time; needs: what would have to be there. */
struct system {
	const char *name;
	const struct bench_peer *found;
	const char *needs;
};

/* The first is what all others are divided by. */
static const struct system systems[] = {
	{ "libworkq", &bench_peer_workq, "" },
	{ "libworkq-unbound", &bench_peer_workq_unbound, "" },
	{ "GLib", &bench_peer_glib, "libglib2.0-dev" },
	{ "libuv", &bench_peer_libuv, "libuv1-dev" },
	{ "oneTBB", &bench_peer_onetbb, "C++, libtbb-dev" },
	{ "oneTBB-enqueue", &bench_peer_onetbb_enqueue, "C++, libtbb-dev" },
	{ "Boost.Asio", &bench_peer_asio, "C++, libboost-dev" },
	{ "Taskflow", &bench_peer_taskflow, "C++, taskflow/taskflow.hpp" },
	{ "APR", &bench_peer_apr, "libaprutil1-dev" },
	{ "libgomp", &bench_peer_gomp, "gcc with OpenMP" },
	{ "libdispatch", &bench_peer_dispatch, "dispatch/dispatch.h, libdispatch" },
	{ "mutex-pool", &bench_peer_mutex, "" },
};

/* part: of the burst of --items. */
static const struct workload {
	const char *name;
	const char *unit;
	unsigned int producers;
	bool is_latency;
	double part;
} workloads[] = {
	[PEER_SPRAY_1] = { "spray-1", "ns/item", 1, false, 1 },
	[PEER_SPRAY_2] = { "spray-2", "ns/item", 2, false, 1 },
	[PEER_CHAIN] = { "chain", "ns/hop", 1, false, 2 },
	[PEER_ROUND_TRIP] = { "round-trip", "us", 1, true, 0.02 },
	[PEER_IDLE_WAKE] = { "idle-wake", "us", 1, true, 0.002 },
	[PEER_MEMORY] = { "memory", "bytes", 1, false, 0.1 },
	[PEER_EMBEDDED] = { "embedded", "bytes", 1, false, 0.1 },
};

enum { NR_SYSTEMS = sizeof(systems) / sizeof(systems[0]) };

/* By the options; libworkq takes part anyway. */
static bool system_chosen[NR_SYSTEMS];
static bool workload_chosen[PEER_NR_WORKLOADS];
static int memory_of = -1;

/* ----------------------------------------------------------------- options */

static const char *name_of_system(unsigned int i)
{
	return systems[i].name;
}

static const char *name_of_workload(unsigned int i)
{
	return workloads[i].name;
}

static int find_name(const char *name, const char *(*name_of)(unsigned int i), unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (strcasecmp(name_of(i), name) == 0)
			return (int)i;
	}
	return -1;
}

static unsigned int choose_system(struct argp_state *state, const char *name)
{
	int i = find_name(name, name_of_system, NR_SYSTEMS);

	if (i < 0)
		argp_error(state, "--peers: '%s' is not known", name);
	if (!systems[i].found)
		argp_error(state, "--peers: %s was not found when this was built: it needs %s",
			   systems[i].name, systems[i].needs);
	return (unsigned int)i;
}

static unsigned int choose_workload(struct argp_state *state, const char *name)
{
	int i = find_name(name, name_of_workload, PEER_NR_WORKLOADS);

	if (i < 0)
		argp_error(state, "--workloads: '%s' is not known", name);
	return (unsigned int)i;
}

static void choose(struct argp_state *state, const char *names, bool chosen[],
		   unsigned int (*choose_one)(struct argp_state *state, const char *name))
{
	char *list = strdup(names), *rest = list, *name;

	if (!list)
		err(EXIT_FAILURE, "no memory");
	while ((name = strsep(&rest, ",")))
		chosen[choose_one(state, name)] = true;
	free(list);
}

static bool is_any(const bool chosen[], unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (chosen[i])
			return true;
	}
	return false;
}

static void choose_default(void)
{
	if (!is_any(system_chosen, NR_SYSTEMS))
		memset(system_chosen, true, sizeof(system_chosen));
	if (!is_any(workload_chosen, PEER_NR_WORKLOADS))
		memset(workload_chosen, true, sizeof(workload_chosen));
	system_chosen[0] = true;
}

enum {
	OPT_PEERS = 512,
	OPT_WORKLOADS,
	OPT_MEMORY_OF,
};

static const struct argp_option options[] = {
	{ "peers", OPT_PEERS, "NAME,NAME...", 0, "What to compare with (all that were found)", 0 },
	{ "workloads", OPT_WORKLOADS, "NAME,NAME...", 0,
	  "spray-1, spray-2, chain, round-trip, idle-wake, memory, embedded (all)", 0 },
	{ "memory-of", OPT_MEMORY_OF, "NAME", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_PEERS:
		choose(state, arg, system_chosen, choose_system);
		return 0;
	case OPT_WORKLOADS:
		choose(state, arg, workload_chosen, choose_workload);
		return 0;
	case OPT_MEMORY_OF:
		memory_of = (int)choose_system(state, arg);
		return 0;
	case ARGP_KEY_END:
		choose_default();
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ------------------------------------------------------------------- setup */

/* Why not; NULL if it is possible. */
static const char *find_obstacle(const struct bench_peer *peer, enum peer_workload which)
{
	if (which == PEER_MEMORY && !bench_peer_can_measure_memory())
		return "there is no /proc/self/smaps_rollup";
	return peer->cannot[which];
}

static unsigned long size_of(const struct bench_options *opts, const struct bench_peer *peer,
			     enum peer_workload which)
{
	double size = (double)opts->items * workloads[which].part;

	if (which == PEER_CHAIN && peer->max_hops && size > (double)peer->max_hops)
		return peer->max_hops;
	return size < 1 ? 1 : (unsigned long)size;
}

static struct peer_case *add(struct bench_plan *plan, const struct system *system,
			     enum peer_workload which)
{
	const struct workload *workload = &workloads[which];
	unsigned long items = size_of(plan->opts, system->found, which);
	struct peer_case *part = bench_peer_case_create(system->found, which, items);
	struct bench_case *c =
		bench_plan_add(plan, &(struct bench_case){
					     .system = system->name,
					     .version = system->found->version(),
					     .unit = workload->unit,
					     .items = items,
					     .producers = workload->producers,
					     .producer_cpu = plan->opts->cpu,
					     .target_cpu = -1,
					     .run = bench_peer_run,
					     .fini = bench_peer_case_fini,
					     .data = part,
					     .kept_per_run = workload->is_latency ? items : 0,
				     });

	bench_name(c, "%s", workload->name);
	return part;
}

/* Ours first: the others of the round are divided by it. */
static void add_workload(struct bench_plan *plan, enum peer_workload which)
{
	const struct peer_case *ours = NULL;

	for (unsigned int i = 0; i < NR_SYSTEMS; i++) {
		struct peer_case *part;

		if (!system_chosen[i] || !systems[i].found ||
		    find_obstacle(systems[i].found, which))
			continue;
		part = add(plan, &systems[i], which);
		if (!ours)
			ours = part;
		part->ours = ours;
	}
}

static void print_found(FILE *f)
{
	for (unsigned int i = 1; i < NR_SYSTEMS; i++) {
		const struct system *system = &systems[i];

		if (system->found)
			fprintf(f, "%s: %s\n", system->name, system->found->version());
		else
			fprintf(f, "%s: not found when this was built, needs %s\n", system->name,
				system->needs);
	}
	putc('\n', f);
}

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	if (memory_of >= 0) {
		printf("%f\n", bench_peer_measure_memory(systems[memory_of].found, opts->items));
		return;
	}
	print_found(opts->json ? stderr : stdout);
	for (int which = 0; which < PEER_NR_WORKLOADS; which++) {
		if (workload_chosen[which])
			add_workload(plan, which);
	}
}

/* ------------------------------------------------------------------ ratios */

/* A column of the table: of a latency the median and another for its 99th percentile. */
struct column {
	const char *name;
	enum peer_workload which;
	bool is_p99;
};

static const struct column columns[] = {
	{ "spray-1", PEER_SPRAY_1, false },   { "spray-2", PEER_SPRAY_2, false },
	{ "chain", PEER_CHAIN, false },       { "round-trip", PEER_ROUND_TRIP, false },
	{ ".. p99", PEER_ROUND_TRIP, true },  { "idle-wake", PEER_IDLE_WAKE, false },
	{ ".. p99", PEER_IDLE_WAKE, true },   { "memory", PEER_MEMORY, false },
	{ "embedded", PEER_EMBEDDED, false },
};

enum { NR_COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static const struct bench_case *find_case(const struct bench_plan *plan,
					  const struct system *system, enum peer_workload which)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		const struct bench_case *c = &plan->cases[i];
		const struct peer_case *part = c->data;

		if (part->which == which && c->system == system->name)
			return c;
	}
	return NULL;
}

static double p99(const struct bench_case *c)
{
	return bench_percentile(c->latency.value, c->latency.nr, 99);
}

static bool is_bytes(const struct column *column)
{
	return column->which == PEER_MEMORY || column->which == PEER_EMBEDDED;
}

/* What is in the table; of bytes no ratio, since ours may be none. @c is a case of the column. */
static double figure_of(const struct bench_plan *plan, const struct bench_case *c,
			const struct column *column)
{
	if (is_bytes(column))
		return bench_summarise(c->figures.value, c->figures.nr).median;
	if (column->is_p99)
		return p99(c) / p99(find_case(plan, &systems[0], column->which));
	return bench_summarise(c->ratios.value, c->ratios.nr).median;
}

static bool is_peer(const struct system *system)
{
	return system->found != &bench_peer_workq && system->found != &bench_peer_workq_unbound;
}

static bool is_chosen(const struct column *column)
{
	return workload_chosen[column->which];
}

static void print_heads(void)
{
	printf("\n%-18s", "times libworkq");
	for (int i = 0; i < NR_COLUMNS; i++) {
		if (is_chosen(&columns[i]))
			printf(" %10s", columns[i].name);
	}
	putchar('\n');
}

static void print_row(const struct bench_plan *plan, const struct system *system)
{
	char name[BENCH_NAME_LEN];

	snprintf(name, sizeof(name), "%s%s", system->name, system->found->inline_tasks ? " *" : "");
	printf("%-18s", name);
	for (int i = 0; i < NR_COLUMNS; i++) {
		const struct bench_case *c = find_case(plan, system, columns[i].which);

		if (c)
			printf(" %10.2f", figure_of(plan, c, &columns[i]));
		else if (is_chosen(&columns[i]))
			printf(" %10s", "-");
	}
	putchar('\n');
}

/* The least of the others' figures, -1 if there are none. */
static double find_least(const struct bench_plan *plan, const struct column *column,
			 bool with_inline)
{
	double least = -1;

	for (unsigned int i = 0; i < NR_SYSTEMS; i++) {
		const struct bench_case *c = find_case(plan, &systems[i], column->which);
		double figure;

		if (!c || !is_peer(&systems[i]) || (systems[i].found->inline_tasks && !with_inline))
			continue;
		figure = figure_of(plan, c, column);
		if (least < 0 || figure < least)
			least = figure;
	}
	return least;
}

static void print_best(const struct bench_plan *plan, const char *name, bool with_inline)
{
	printf("%-18s", name);
	for (int i = 0; i < NR_COLUMNS; i++) {
		double least = find_least(plan, &columns[i], with_inline);

		if (!is_chosen(&columns[i]) || is_bytes(&columns[i]))
			continue;
		if (least < 0)
			printf(" %10s", "-");
		else
			printf(" %10.2f", least);
	}
	putchar('\n');
}

static void print_notes_on(const struct system *system)
{
	if (system->found->note)
		printf("%s: %s\n", system->name, system->found->note);
	for (int which = 0; which < PEER_NR_WORKLOADS; which++) {
		const char *why = find_obstacle(system->found, which);

		if (why && workload_chosen[which])
			printf("%s, %s left out: %s\n", system->name, workloads[which].name, why);
	}
}

static bool is_measured(const struct bench_plan *plan, const struct system *system)
{
	for (unsigned int i = 0; i < plan->nr_cases; i++) {
		if (plan->cases[i].system == system->name)
			return true;
	}
	return false;
}

static void print_ratios(const struct bench_plan *plan)
{
	print_heads();
	for (unsigned int i = 0; i < NR_SYSTEMS; i++) {
		if (is_measured(plan, &systems[i]))
			print_row(plan, &systems[i]);
	}
	print_best(plan, "best of others", /* with_inline */ true);
	print_best(plan, ".. without *", /* with_inline */ false);
	puts("\nMedians of the ratios of each round, above 1 where libworkq is faster; p99: of the "
	     "percentiles\nof all rounds; memory and embedded: bytes per queued item, no ratios.\n"
	     "* the thread that waits runs tasks itself");
	for (unsigned int i = 0; i < NR_SYSTEMS; i++) {
		if (is_measured(plan, &systems[i]))
			print_notes_on(&systems[i]);
	}
}

static const struct argp compare_argp = {
	.options = options,
	.parser = parse,
};

static const struct argp_child children[] = {
	{ &compare_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_compare = {
	.name = "compare",
	.summary = "the same workloads on other libraries' pools, and the ratios",
	.doc = "Bursts by one and by two producers, a task that submits itself again, submit and wait, "
	       "waking an idle pool, and the memory of a queued task; on each pool that was found "
	       "when this was built, and on this library. A ratio is a peer's figure divided by "
	       "this library's of the same round. --flags and --max-active do not matter here.\v"
	       "--items is the size of a burst (100000); a chain has twice as many hops, a run "
	       "a 50th of that in round trips and a 500th in wake-ups.",
	.children = children,
	.items = 100000,
	.quick_items = 2000,
	.own_queue = "per-CPU queue; unbound: WQ_UNBOUND",
	.beside = print_ratios,
	.setup = setup,
};
