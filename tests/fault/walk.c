/* SPDX-License-Identifier: MIT */
/*
 * walk.c - walks every failure point of base/os: the script, in a process of its own for each.
 *
 *   fault_walk [--point NAME] [--span NAME] [--stride N] [--seed N] [--jobs N]
 *   fault_walk --prove
 *
 * For each function, its first call fails in one run of the script, its second in the next, and
 * so on until a run has no such call; then the same for faults that last. Ends with a table.
 * --span: not those that the function's row in points.h names, but one of outage, shortage, late.
 * --stride N takes only every Nth point behind the first few; which, says the seed. --run MEMORY is
 * one run alone, as the environment has it; so many allocations must be all that is left.
 * --prove: does it find seeded faults?
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault/script.h"
#include "support/liburcu_tsan.h"
#include "support/sanitized.h"

/* How often a point is met differs a little from run to run: so many that miss it end its walk. */
enum {
	MAX_JOBS = 16,
	NR_CLEAN_RUNS = 2,
	ENOUGH_MISSES = 4,
	SETTLE_MS = 2000,
	NR_FIRST = 6,
	OUTPUT_MAX = 64 * 1024
};

/* A call that no run comes to. */
#define NEVER UINT_MAX

#define RESULT "result of the run:"

/* ----------------------------------------------------------------- one run */

/* What a run says of itself in the end. */
struct result {
	int memory;
	int descriptors;
	unsigned int calls[NR_FAULT_POINTS];
};

static int nr_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	must(dir != NULL);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/* In the process of the run. What was replaced is released a little later than that. */
static int run_script(int memory)
{
	long long give_up = now_ns() + SETTLE_MS * 1000000LL;

	script_run();
	while (fault_memory_held() > memory && now_ns() < give_up)
		nap_us(1000);
	printf("\n%s %d %d", RESULT, fault_memory_held(), nr_descriptors());
	for (int point = 0; point < NR_FAULT_POINTS; point++)
		printf(" %u", fault_calls((enum fault_point)point));
	printf("\n");
	return 0;
}

/* False: it did not come to its end. */
static bool parse_result(const char *text, struct result *result)
{
	const char *at = strstr(text, RESULT);
	char *rest;

	if (!at)
		return false;
	result->memory = (int)strtol(at + strlen(RESULT), &rest, 10);
	result->descriptors = (int)strtol(rest, &rest, 10);
	for (int point = 0; point < NR_FAULT_POINTS; point++)
		result->calls[point] = (unsigned int)strtoul(rest, &rest, 10);
	return true;
}

/* -------------------------------------------------------------------- runs */

struct run {
	struct fault_plan plan;
	pid_t pid; /* 0: none */
	int output;
};

static struct run runs[MAX_JOBS];
/* Runs mostly wait. */
static unsigned int nr_jobs = 4;

/* Which points are taken. */
static unsigned int stride = 1, seed;

/* Of runs without a fault, the most; of descriptors, the fewest. */
static struct result clean;
static unsigned int nr_failed;

/* As --span has them. */
static const char *const span_names[NR_FAULT_SPANS] = {
	[OUTAGE] = "outage",
	[SHORTAGE] = "shortage",
	[LATE] = "late",
};

static enum fault_span span_named(const char *name)
{
	int span = 0;

	while (span < NR_FAULT_SPANS && (!span_names[span] || strcmp(span_names[span], name)))
		span++;
	return (enum fault_span)span;
}

static const char *plan_text(const struct fault_plan *plan)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s=%s:%u:%d", FAULT_PLAN, fault_points[plan->point].name,
		 plan->nth, (int)plan->span);
	return text;
}

/* Is it about the rings of switches? */
static bool watches(const struct fault_plan *plan)
{
	return !strncmp(fault_points[plan->point].name, "wq_ring_", strlen("wq_ring_"));
}

static void exec_run(const struct run *run)
{
	char memory[16];
	char *const argv[] = { (char *)"fault_walk", (char *)"--run", memory, NULL };

	snprintf(memory, sizeof(memory), "%d", clean.memory);
	putenv((char *)plan_text(&run->plan));
	/* whether somebody is found to wait is a matter of chance */
	setenv("WORKQ_CPU_WATCH_MS", "1", /* overwrite */ 0);
	setenv("WORKQ_WATCH_SWITCHES", watches(&run->plan) ? "2" : "1", /* overwrite */ 0);
	dup2(run->output, STDOUT_FILENO);
	dup2(run->output, STDERR_FILENO);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static void start_run(struct run *run, struct fault_plan plan)
{
	run->plan = plan;
	run->output = memfd_create("output", MFD_CLOEXEC);
	must(run->output >= 0);
	fflush(NULL);
	run->pid = fork();
	must(run->pid >= 0);
	if (run->pid == 0)
		exec_run(run);
}

static void print_output(const char *text)
{
	size_t len = strlen(text), max = 4096;

	fputs(len > max ? text + len - max : text, stderr);
}

static void fail(const struct run *run, const char *what, const char *output)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	fprintf(stderr, "FAILED: %s; to repeat: %s %s --run %d\n", what, plan_text(&run->plan),
		program_invocation_name, clean.memory);
	print_output(output);
	nr_failed++;
}

static bool loses_timerfds(const struct fault_plan *plan)
{
	return plan->point == FAULT_wq_os_timer_set || plan->point == FAULT_wq_os_timer_wait;
}

/*
 * What it does not know of the machine's CPUs changes how many pools it makes. Of many timer
 * threads one after the other, in an outage, the records stay, for threads to come.
 */
static bool keeps_as_much(const struct fault_plan *plan)
{
	if (loses_timerfds(plan) && plan->span == OUTAGE)
		return false;
	return plan->point != FAULT_wq_os_allowed_cpus && plan->point != FAULT_wq_os_nr_cpu_ids &&
	       plan->point != FAULT_wq_os_read_file;
}

/*
 * More descriptors than at least in a run without a fault: one for rings, and the timerfd, which
 * the library takes for closed, and leaves alone: one for each try, in an outage.
 */
static int descriptors_beyond(const struct fault_plan *plan)
{
	if (!loses_timerfds(plan))
		return 1;
	return plan->span == OUTAGE ? INT_MAX / 2 : 2;
}

static void judge(const struct run *run, int status, const char *output,
		  const struct result *result, bool has_result)
{
	if (status || !has_result)
		fail(run, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it did not pass",
		     output);
	else if (run->plan.nth == NEVER)
		return;
	else if (keeps_as_much(&run->plan) && result->memory > clean.memory)
		fail(run, "memory leaks", output);
	else if (result->descriptors > clean.descriptors + descriptors_beyond(&run->plan))
		fail(run, "a descriptor leaks", output);
}

/* The run has ended: was its point there to be met? */
static bool end_run(struct run *run, int status, struct result *result)
{
	static char output[OUTPUT_MAX];
	ssize_t len = pread(run->output, output, sizeof(output) - 1, 0);
	bool has_result;

	output[len > 0 ? len : 0] = '\0';
	memset(result, 0, sizeof(*result));
	has_result = parse_result(output, result);
	judge(run, status, output, result, has_result);
	close(run->output);
	run->pid = 0;
	/* one that failed has met it */
	return !has_result || result->calls[run->plan.point] >= run->plan.nth;
}

/* Wait for any of them. */
static struct run *wait_for_run(int *status)
{
	pid_t pid = wait(status);

	for (unsigned int i = 0; i < nr_jobs; i++)
		if (runs[i].pid == pid)
			return &runs[i];
	must(!"a child of the walker is a run");
	return NULL;
}

static struct run *free_run(void)
{
	for (unsigned int i = 0; i < nr_jobs; i++)
		if (!runs[i].pid)
			return &runs[i];
	return NULL;
}

static bool any_runs(void)
{
	for (unsigned int i = 0; i < nr_jobs; i++)
		if (runs[i].pid)
			return true;
	return false;
}

static void run_alone(struct fault_plan plan, struct result *result)
{
	struct run *run;
	int status;

	start_run(&runs[0], plan);
	run = wait_for_run(&status);
	end_run(run, status, result);
}

/* -------------------------------------------------------------------- walk */

/* The script does a little more for some points: so each is compared with runs that only name it. */
static void measure_clean_runs(enum fault_point point)
{
	const struct fault_plan never = { .point = point, .nth = NEVER, .span = MOMENT };
	struct result result, most = { .descriptors = INT_MAX };

	for (int i = 0; i < NR_CLEAN_RUNS; i++) {
		run_alone(never, &result);
		if (result.memory > most.memory)
			most.memory = result.memory;
		if (result.descriptors < most.descriptors)
			most.descriptors = result.descriptors;
		if (result.calls[point] > most.calls[point])
			most.calls[point] = result.calls[point];
	}
	clean = most;
}

static void end_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static void show_progress(const struct fault_plan *plan)
{
	static const char *const spans[] = { "fails for a moment", "fails for a while",
					     "fails for good", "fails with all that is scarce",
					     "is late" };

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s %s: %u of about %u", fault_points[plan->point].name,
			spans[plan->span], plan->nth, clean.calls[plan->point]);
}

/* The first few, and then every one of a stride that begins as the seed says. */
static unsigned int next_nth(unsigned int nth)
{
	if (nth < NR_FIRST)
		return nth + 1;
	return nth == NR_FIRST ? nth + 1 + seed % stride : nth + stride;
}

/* Let the point fail in its 1st, 2nd ... call, until there is none. */
static unsigned int walk(enum fault_point point, enum fault_span span)
{
	struct fault_plan plan = { .point = point, .nth = 1, .span = span };
	unsigned int nr_met = 0, nr_missed = 0;
	struct result result;
	struct run *run;
	int status;

	while (nr_missed < ENOUGH_MISSES || any_runs()) {
		run = nr_missed < ENOUGH_MISSES ? free_run() : NULL;
		if (run) {
			show_progress(&plan);
			start_run(run, plan);
			plan.nth = next_nth(plan.nth);
			continue;
		}
		run = wait_for_run(&status);
		if (end_run(run, status, &result))
			nr_met++;
		else
			nr_missed++;
	}
	return nr_met;
}

/* The spans that its row names. */
static unsigned int walk_own_spans(enum fault_point point)
{
	static const char *const spans[] = { "", "in an outage", "for good" };
	const struct fault_point_info *info = &fault_points[point];
	unsigned int nr_once, nr_longer = 0;

	measure_clean_runs(point);
	nr_once = walk(point, MOMENT);
	if (info->span != MOMENT)
		nr_longer = walk(point, info->span);
	end_progress();
	printf("| `%s` | %u | %u | %s |\n", info->name, nr_once, nr_longer, spans[info->span]);
	fflush(stdout);
	return nr_once + nr_longer;
}

static unsigned int walk_span(enum fault_point point, enum fault_span span)
{
	unsigned int nr;

	measure_clean_runs(point);
	nr = walk(point, span);
	end_progress();
	printf("| `%s` | %u |\n", fault_points[point].name, nr);
	fflush(stdout);
	return nr;
}

/* Is it worth a walk that the one without --span does not make? */
static bool has_span(enum fault_point point, enum fault_span span)
{
	switch (span) {
	case OUTAGE:
		return fault_points[point].span != OUTAGE && fault_points[point].span != NOTHING;
	case SHORTAGE:
		return fault_is_scarce(point);
	default:
		return span == LATE;
	}
}

static unsigned int walk_point(enum fault_point point, enum fault_span span)
{
	if (span != NOTHING)
		return has_span(point, span) ? walk_span(point, span) : 0;
	return fault_points[point].span != NOTHING ? walk_own_spans(point) : 0;
}

/* @span: NOTHING for those of the rows. */
static int walk_all(const char *only, enum fault_span span)
{
	unsigned int nr = 0;

	if (span == NOTHING)
		printf("| function | for a moment | longer | |\n|---|--:|--:|---|\n");
	else
		printf("| function | %s |\n|---|--:|\n", span_names[span]);
	for (int point = 0; point < NR_FAULT_POINTS; point++)
		if (!only || !strcmp(only, fault_points[point].name))
			nr += walk_point((enum fault_point)point, span);
	printf("\n%u points, %u failed\n", nr, nr_failed);
	return nr_failed || !nr;
}

/* Of a library with that fault. */
static bool is_found(const char *fault, enum fault_span span)
{
	struct fault_plan plan = { .point = FAULT_wq_os_alloc, .nth = 100, .span = span };
	struct result result;
	unsigned int nr_before = nr_failed;

	setenv(FAULT_SEED, fault, /* overwrite */ 1);
	run_alone(plan, &result);
	if (nr_failed == nr_before)
		fprintf(stderr, "not found: a library that %s\n", fault);
	return nr_failed > nr_before;
}

/* Does the walker find what it is there for? Who is late need not say so. */
static int prove(void)
{
	static const enum fault_span spans[] = { MOMENT, OUTAGE, SHORTAGE, LATE };

	measure_clean_runs(FAULT_wq_os_alloc);
	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		for (size_t j = 0; j < ARRAY_LEN(script_seeds) - (spans[i] == LATE); j++)
			if (!is_found(script_seeds[j], spans[i]))
				return 1;
	printf("all are found\n");
	return 0;
}

/* ----------------------------------------------------------------- options */

static const char *only;
static enum fault_span only_span = NOTHING;
static int run_memory = -1;

static bool take_option(const char *name, const char *value)
{
	if (!strcmp(name, "--point"))
		only = value;
	else if (!strcmp(name, "--span"))
		only_span = span_named(value);
	else if (!strcmp(name, "--stride"))
		stride = (unsigned int)atoi(value);
	else if (!strcmp(name, "--seed"))
		seed = (unsigned int)atoi(value);
	else if (!strcmp(name, "--run"))
		run_memory = atoi(value);
	else if (!strcmp(name, "--jobs"))
		nr_jobs = (unsigned int)atoi(value);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	int i = 1;

	if (argc == 2 && !strcmp(argv[1], "--prove"))
		return prove();
	while (i + 1 < argc && take_option(argv[i], argv[i + 1]))
		i += 2;
	if (run_memory >= 0)
		return run_script(run_memory);
	if (i < argc || !stride || !nr_jobs || nr_jobs > MAX_JOBS || only_span == NR_FAULT_SPANS) {
		fprintf(stderr,
			"usage: %s [--point NAME] [--span outage|shortage|late] [--stride N] "
			"[--seed N] [--jobs N]\n",
			argv[0]);
		return 2;
	}
	return walk_all(only, only_span);
}
