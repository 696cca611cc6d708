/* SPDX-License-Identifier: MIT */
/*
 * main.c - stress with an oracle: see README.md.
 *
 *   oracle [--seed N] [--ops N] [--threads N] [--duration S] [--patience S] [--only SCENE]
 *   oracle_seeded ... --play FAULT      play a fault of the library: must end with 1
 *   oracle_seeded --list                the faults
 *
 * --ops are those of all client threads together; --duration: no epoch begins after S seconds;
 * --patience: nobody has done a call for S seconds, so that this is a hang. Exits 0, or 1
 * at the first answer that the model does not have.
 */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "oracle/calls.h"
#include "support/sanitized.h"

enum {
	EPOCH_OPS = 2000000,
	DEFAULT_OPS = 2000000, /* times WORKQ_STRESS_SCALE */
};

struct oracle oracle = { .clients = 4, .seeded = SEED_NONE };

static long long begun_ns;
static int patience = 120;
static const struct scene *only; /* NULL: all */

static const struct scene *const scenes[] = { &scene_hot,  &scene_held,  &scene_shared,
					      &scene_row,  &scene_limit, &scene_punctual,
					      &scene_story };

enum { NR_SCENES = sizeof(scenes) / sizeof(scenes[0]) };

#define S(name, letter, odds, scene, what) { #name, letter, scene, what },
static const struct {
	const char *name, *letter, *scene, *what;
} seeds[] = { SEEDS(S) };
#undef S

/* -------------------------------------------------------------------- verdict */

static double seconds(void)
{
	return (double)(clock_ns() - begun_ns) / 1e9;
}

static void print_summary(const char *verdict)
{
	long calls = tally_total(false), of_clients = tally_total(true);

	tally_print();
	printf("oracle: %s: %ld operations, %ld by clients, %ld by items, %d epochs, %.0f s, seed "
	       "%llu\n",
	       verdict, calls, of_clients, calls - of_clients, oracle.epoch, seconds(),
	       (unsigned long long)oracle.seed);
	fflush(stdout);
}

void oracle_fault(const char *fmt, ...)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	va_list args;

	while (atomic_flag_test_and_set(&said))
		pause();
	fprintf(stderr, "oracle: FAULT (seed %llu, epoch %d): ", (unsigned long long)oracle.seed,
		oracle.epoch);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	print_summary("FAULT");
	_exit(EXIT_FAILURE);
}

/*
 * Only a drain's refusal is misuse that we mean. That an item of a WQ_BH queue sleeps is told from
 * its thread's state: ours call nothing that may, but a sanitizer's run-time library may make it wait.
 */
static void judge_report(const char *line)
{
	if (strstr(line, "drain") || (TESTS_SANITIZED && strstr(line, "WQ_BH queue sleeps")))
		return;
	if (strstr(line, "WARNING"))
		oracle_fault("the library reports: %s", line);
}

static void *watch(void *unused)
{
	long before = -1;
	int idle = 0;

	for (;;) {
		long now = tally_total(false);

		idle = now == before ? idle + 1 : 0;
		law(idle < patience, "hangs: no call for %d s", patience);
		before = now;
		sleep(1);
	}
	return unused;
}

/* ---------------------------------------------------------------- for all scenes */

void *must_alloc(size_t size)
{
	void *memory = aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);

	if (!memory)
		abort();
	return memset(memory, 0, size);
}

long long clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

long long deadline_from_now(void)
{
	return clock_ns() + (long long)patience * 1000000000;
}

void wait_until_deadline(long long deadline, const char *what)
{
	law(clock_ns() < deadline, "waited %d s for: %s", patience, what);
	usleep(20);
}

struct place make_row(struct rng *rng, const char *name)
{
	struct place at = { NULL, any_cpu(rng) };

	if (rng_below(rng, 2)) {
		at.wq = call_alloc(rng_below(rng, 2) ? WQ_PERCPU : WQ_PERCPU | WQ_HIGHPRI, 1, name);
	} else {
		at.wq = call_alloc_ordered(name);
		at.cpu = rng_below(rng, 2) ? -1 : at.cpu;
	}
	return at;
}

/* --------------------------------------------------------------------- epochs */

static long epoch_ops;

static const struct scene *any_scene(struct rng *rng)
{
	unsigned int sum = 0, dice;

	for (int i = 0; i < NR_SCENES; i++)
		sum += scenes[i]->weight;
	dice = rng_below(rng, sum);
	for (int i = 0;; dice -= scenes[i++]->weight)
		if (dice < scenes[i]->weight)
			return scenes[i];
}

static const struct scene *scene_named(const char *name)
{
	for (int i = 0; i < NR_SCENES; i++)
		if (!strcmp(scenes[i]->name, name))
			return scenes[i];
	fprintf(stderr, "oracle: no scene %s\n", name);
	exit(2);
}

static void *be_client(void *nth)
{
	int client = (int)(intptr_t)nth;
	struct rng rng = rng_of(0, (unsigned int)client);
	struct tally *tally = tally_of_thread();

	atomic_store(&tally->is_client, true);
	while (look_at(&tally->total) < epoch_ops)
		(only ? only : any_scene(&rng))->turn(client, &rng);
	return NULL;
}

/* Of this epoch: what is left, or some. */
static void run_epoch(long ops)
{
	pthread_t thread[MAX_CLIENTS];

	oracle.epoch++;
	epoch_ops = (ops < EPOCH_OPS ? ops : EPOCH_OPS) / oracle.clients + 1;
	for (int i = 0; i < NR_SCENES; i++)
		scenes[i]->begin();
	for (int i = 0; i < oracle.clients; i++)
		if (pthread_create(&thread[i], NULL, be_client, (void *)(intptr_t)i))
			abort();
	for (int i = 0; i < oracle.clients; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < NR_SCENES; i++)
		scenes[i]->end();
}

/* -------------------------------------------------------------------- options */

static enum seed seed_named(const char *name)
{
	for (int seed = 0; seed < NR_SEEDS; seed++)
		if (!strcmp(seeds[seed].name, name))
			return (enum seed)seed;
	fprintf(stderr, "oracle: no fault %s\n", name);
	exit(2);
}

static void list_seeds(void)
{
	for (int seed = 0; seed < NR_SEEDS; seed++)
		printf("%s %s %s %s\n", seeds[seed].name, seeds[seed].letter, seeds[seed].scene,
		       seeds[seed].what);
	exit(0);
}

static bool take_option(const char *name, const char *value)
{
	if (!strcmp(name, "--seed"))
		oracle.seed = strtoull(value, NULL, 0);
	else if (!strcmp(name, "--ops"))
		oracle.ops = (long)strtod(value, NULL);
	else if (!strcmp(name, "--threads"))
		oracle.clients = (int)strtol(value, NULL, 0);
	else if (!strcmp(name, "--duration"))
		oracle.seconds = (int)strtol(value, NULL, 0);
	else if (!strcmp(name, "--patience"))
		patience = (int)strtol(value, NULL, 0);
	else if (!strcmp(name, "--only"))
		only = strcmp(value, "all") ? scene_named(value) : NULL;
	else if (!strcmp(name, "--play"))
		oracle.seeded = seed_named(value);
	else
		return false;
	return true;
}

static void default_ops(void)
{
	const char *text = getenv("WORKQ_STRESS_SCALE");
	double scale = text ? strtod(text, NULL) : 1;

	oracle.ops = (long)(DEFAULT_OPS * (scale > 0 ? scale : 1));
}

static void take_options(int argc, char **argv)
{
	default_ops();
	if (argc == 2 && !strcmp(argv[1], "--list"))
		list_seeds();
	for (int i = 1; i < argc; i += 2)
		if (i + 1 == argc || !take_option(argv[i], argv[i + 1])) {
			fprintf(stderr, "oracle: cannot use %s\n", argv[i]);
			exit(2);
		}
	if (oracle.clients < 1 || oracle.clients > MAX_CLIENTS) {
		fprintf(stderr, "oracle: 1 to %d threads\n", MAX_CLIENTS);
		exit(2);
	}
}

static void look_at_machine(void)
{
	cpu_set_t cpus;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE && oracle.nr_cpus < MAX_CPUS; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			oracle.cpu[oracle.nr_cpus++] = cpu;
	oracle.nr_nodes = access("/sys/devices/system/node/node1", F_OK) ? 1 : 2;
}

int main(int argc, char **argv)
{
	pthread_t watcher;

	begun_ns = clock_ns();
	oracle.seed = (uint64_t)begun_ns % 1000000007;
	take_options(argc, argv);
	look_at_machine();
	printf("oracle: --seed %llu --ops %ld --threads %d\n", (unsigned long long)oracle.seed,
	       oracle.ops, oracle.clients);
	fflush(stdout);
	workq_set_report_fn(judge_report);
	if (pthread_create(&watcher, NULL, watch, NULL))
		abort();
	while (tally_total(true) < oracle.ops && (!oracle.seconds || seconds() < oracle.seconds))
		run_epoch(oracle.ops - tally_total(true));
	print_summary("ok");
	return EXIT_SUCCESS;
}
