/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what a subcommand of workq-bench sees.
 *
 * A subcommand is one file that defines a struct bench_command and one row in
 * main.c. Its setup() adds cases to a plan; run.c runs all cases once, then
 * all of them again, and so on, so that a drift of the machine hits all alike.
 *
 * Everything here belongs to one thread, the driver: it builds the plan, is
 * the first producer, and pins itself anew for every run. Only the functions
 * of team.c and the work functions involve other threads.
 */
#ifndef WORKQ_BENCH_H
#define WORKQ_BENCH_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <workq/workqueue.h>

struct bench_case;
struct bench_options;
struct bench_plan;

/**
 * struct bench_command - a subcommand
 * @name:        what the user types
 * @summary:     one line for --help
 * @doc:         what exactly is measured, for the subcommand's own --help
 * @children:    options beyond those of options.c, ending with a row of zeros, or NULL
 * @items:       default of --items
 * @quick_items: the same with --quick
 * @runs:        default of --runs, 0 for the usual one
 * @one_cpu:     the whole process, library and all, is kept on the CPU of --cpu
 * @own_queue:   said of its queues in place of --flags and --cpu; NULL: those it goes by
 * @beside:      prints a table of the systems beside each other, in place of the usual one; or NULL
 * @prepare:     called before the library starts; may be NULL
 * @setup:       adds the cases
 * @finish:      after the report; may be NULL
 * @main:        of one that measures nothing; the members above from @doc on do not count then
 */
struct bench_command {
	const char *name;
	const char *summary;
	const char *doc;
	const struct argp_child *children;
	unsigned long items;
	unsigned long quick_items;
	unsigned int runs;
	bool one_cpu;
	const char *own_queue;
	void (*beside)(const struct bench_plan *plan);
	void (*prepare)(void);
	void (*setup)(struct bench_plan *plan, const struct bench_options *opts);
	void (*finish)(struct bench_plan *plan);
	int (*main)(int argc, char **argv);
};

/* ----------------------------------------------------------------- options */

/* A value of --flags. */
struct bench_kind {
	const char *name;
	unsigned int flags;
	bool ordered;
};

enum { BENCH_MAX_NUMBERS = 12 };

/* The values of an option such as --pending 1,10,100; nr is 0 if it was not given. */
struct bench_numbers {
	unsigned long value[BENCH_MAX_NUMBERS];
	unsigned int nr;
};

/**
 * struct bench_options - the command line, complete and checked
 * @command:     whose options these are
 * @json:        print JSON instead of a table
 * @quick:       few and short runs: to see that it works, not to get figures
 * @items_given: --items was there
 * @producers:   how many threads queue, the values of --producers
 * @runs:        measured repetitions of each case
 * @items:       burst, hops or round trips, as the command says
 * @cpu:         the CPU whose pool runs the items; an allowed one
 * @max_active:  for alloc_workqueue()
 * @kind:        what queue to make
 * @pending:     how many timers are pending, the values of --pending
 */
struct bench_options {
	const struct bench_command *command;
	bool json;
	bool quick;
	bool items_given;
	struct bench_numbers producers;
	unsigned int runs;
	unsigned long items;
	int cpu;
	int max_active;
	const struct bench_kind *kind;
	struct bench_numbers pending;
};

void bench_options_parse(const struct bench_command *command, int argc, char **argv,
			 struct bench_options *opts);

/* Children of a command that takes --producers: one number, or several. */
extern const struct argp bench_producers_argp, bench_producer_list_argp;
/* Child of a command that takes --pending. */
extern const struct argp bench_pending_argp;

/* For option parsers: the number @arg, or a usage error that names @option. */
unsigned long bench_parse_number(struct argp_state *state, const char *option, const char *arg,
				 unsigned long min, unsigned long max);
/* The same for a list with commas in between. */
void bench_parse_numbers(struct argp_state *state, const char *option, const char *arg,
			 unsigned long max, struct bench_numbers *numbers);

/* A queue as the options say; ends the program if there is none to be had. */
struct workqueue_struct *bench_alloc_queue(const struct bench_options *opts);

/* -------------------------------------------------------------------- cpus */

/* Reads the allowed CPUs; before anybody pins a thread. */
void bench_cpus_init(void);
/*
 * The process may use @cpu only, its libraries included: it begins anew, unless that is so
 * already. Before there are other threads.
 */
void bench_cpus_restrict(int cpu, char **argv);
unsigned int bench_cpus_count(void);
/* The @n-th allowed CPU, beginning again after the last one. */
int bench_cpus_nth(unsigned int n);
/* Position of @cpu among the allowed ones, -1 if it is none. */
int bench_cpus_index(int cpu);
void bench_pin(int cpu);
/* The caller may run on any allowed CPU again. */
void bench_unpin(void);

/* ------------------------------------------------------------------- stats */

struct bench_summary {
	double median;
	double min;
	double max;
};

/* Figures in the order they came. */
struct bench_samples {
	double *value;
	size_t nr;
	size_t max_nr;
};

void bench_samples_init(struct bench_samples *samples, size_t max_nr);
void bench_samples_fini(struct bench_samples *samples);
void bench_samples_add(struct bench_samples *samples, double value);
/* These sort @value[0 .. @nr - 1]; @nr is at least 1. */
struct bench_summary bench_summarise(double *value, size_t nr);
double bench_percentile(double *value, size_t nr, double percent);
/* How many are below @limit; @value has been sorted. */
size_t bench_count_below(const double *value, size_t nr, double limit);

/* -------------------------------------------------------------------- team */

struct bench_team;
typedef void (*bench_member_fn)(void *arg, unsigned int member);

/* The caller is member 0; @size - 1 threads are made and stay until the team is destroyed. */
struct bench_team *bench_team_create(unsigned int size);
void bench_team_destroy(struct bench_team *team);
/* fn(arg, member) in every member at once; returns when all have returned. */
void bench_team_run(struct bench_team *team, bench_member_fn fn, void *arg);

/* --------------------------------------------------------------- plan, run */

/* What the process used during the measured parts of a case, summed up over its runs. */
struct bench_usage {
	uint64_t items;
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t voluntary;
	uint64_t involuntary;
	uint64_t syscalls;
};

enum {
	BENCH_NAME_LEN = 40,
	BENCH_MAX_CASES = 128,
};

/**
 * struct bench_case - one line of the result: a workload with all its settings
 * @workload:      its name, see bench_name()
 * @system:        what is measured; NULL: this library
 * @version:       of @system; NULL if that is not told
 * @unit:          of its figure
 * @items:         burst, hops or round trips
 * @pending:       how many timers are pending meanwhile; 0 if that is not the question
 * @producers:     threads that queue
 * @producer_cpu:  where the first producer runs, -1: anywhere
 * @target_cpu:    whose pool runs the items
 * @wq:            its queue, destroyed with the case; NULL if @system is another, or, while it
 *                 is added, for one as the options say
 * @run:           one repetition; returns its figure
 * @fini:          frees @data, once @wq is gone; may be NULL
 * @data:          the subcommand's own
 * @kept_per_run:  single times that a run adds to @latency
 * @is_lateness:   a single time is how late something was: one below 0 is early, which is counted
 * @latency:       single times of operations, in microseconds
 * @figures:       of the measured runs
 * @ratios:        each to the figure of this library in the same round; none if they were not taken
 * @usage:         see there
 * @counted:       of one more run, whose figures do not count, with the system calls
 * @before:        what the process had used when the measured part began
 */
struct bench_case {
	char workload[BENCH_NAME_LEN];
	const char *system;
	const char *version;
	const char *unit;
	unsigned long items;
	unsigned long pending;
	unsigned int producers;
	int producer_cpu;
	int target_cpu;
	struct workqueue_struct *wq;
	double (*run)(struct bench_case *c);
	void (*fini)(struct bench_case *c);
	void *data;
	unsigned long kept_per_run;
	bool is_lateness;
	struct bench_samples latency;
	struct bench_samples figures;
	struct bench_samples ratios;
	struct bench_usage usage;
	struct bench_usage counted;
	struct bench_usage before;
};

struct bench_plan {
	const struct bench_options *opts;
	unsigned int nr_cases;
	struct bench_case cases[BENCH_MAX_CASES];
};

/* Adds a copy of @like, which has its members up to @is_lateness filled in, and gives it a queue if it has none. */
struct bench_case *bench_plan_add(struct bench_plan *plan, const struct bench_case *like);
/* Two cases, "NAME-same-cpu" and "NAME-other-cpu": one caller, on the items' CPU or not; @make: data. */
void bench_plan_add_latency(struct bench_plan *plan, const char *name,
			    double (*run)(struct bench_case *c), void *(*make)(void));
void bench_name(struct bench_case *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bench_plan_run(struct bench_plan *plan);
/* Is it the first case of its workload? */
bool bench_plan_is_first(const struct bench_plan *plan, unsigned int index);
void bench_plan_fini(struct bench_plan *plan);

/* Around the measured part of a run. */
void bench_measure_begin(struct bench_case *c);
/* @items ran meanwhile; returns the wall time. */
uint64_t bench_measure_end(struct bench_case *c, uint64_t items);

/* A run of @kept_per_run operations, each timed; the figure is their median, in microseconds. */
double bench_run_latency(struct bench_case *c, uint64_t (*operation_ns)(struct bench_case *c));

/* ------------------------------------------------------------ system calls */

/* From now on the calls of all threads are counted; false: they cannot be. */
bool bench_syscalls_open(void);
void bench_syscalls_close(void);
/* How many so far; while none are counted, 0. */
uint64_t bench_syscalls_read(void);
/* How many between two readings, without those that the readings took. */
uint64_t bench_syscalls_between(uint64_t before, uint64_t after);
/* Why none can be counted; NULL if nothing stood against it so far. */
const char *bench_syscalls_why_not(void);

/* ----------------------------------------------------------------- machine */

/* The processor and the system, without the CPUs that are allowed. */
const char *bench_machine(void);
const char *bench_today(void);

/* ------------------------------------------------------------------ report */

void bench_report(const struct bench_plan *plan);
/* What the case measures; NULL: this library. */
const char *bench_system(const struct bench_case *c);

/* --------------------------------------------------------------- histogram */

/* Bars of text, for each case; after the percentiles were asked for. */
void bench_histogram_print(const struct bench_plan *plan);

/* ------------------------------------------------------------------- small */

static inline uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* xorshift64*: the next number; @state is anything but 0. */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}

void bench_sleep_until(uint64_t ns);

/* Zeroed memory on a cache line of its own; ends the program if there is none. */
void *bench_alloc(size_t nr, size_t size);
/* Bytes that can be had without swapping; 0 if the system does not say. */
uint64_t bench_available_memory(void);

#endif /* WORKQ_BENCH_H */
