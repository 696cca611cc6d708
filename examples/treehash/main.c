/* SPDX-License-Identifier: MIT */
/*
 * treehash - the SHA-256 of every file below a directory.
 *
 * Prints what `find DIR -type f -print0 | sort -z | xargs -0 -r sha256sum`
 * prints. Two unbound queues do the work: one reads directories, one hashes
 * files; their max_active bounds what is open and in memory at a time.
 *
 * Exit status: 0; 1 if a file or directory could not be read, or the output
 * not be written; 2 for bad usage; 130 after Ctrl-C, with nothing printed
 * unless printing had begun.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <workq/workq.h>

#include "treehash.h"

enum {
	MAX_ACTIVE_LIMIT = 256, /* two queues' worth of open files stay below the usual 1024 */
	TICK_NS = 100 * 1000 * 1000,
	EXIT_USAGE = 2,
	EXIT_INTERRUPTED = 128 + SIGINT,
};

struct options {
	const char *dir;
	int max_active;
	bool quiet;
};

struct run run;

static volatile sig_atomic_t interrupted;
static atomic_bool finished;
static sem_t event; /* posted when either is set */

/* ----------------------------------------------------------------- options */

static void print_help(void)
{
	puts("Usage: treehash [OPTION]... DIR\n"
	     "Print the SHA-256 of every regular file below DIR, as\n"
	     "`find DIR -type f -print0 | sort -z | xargs -0 -r sha256sum` does.\n"
	     "\n"
	     "  -j, --max-active=N  hash up to N files at once (default: 2 per CPU)\n"
	     "  -q, --quiet         no progress bar\n"
	     "      --help          print this and exit\n"
	     "      --version       print the version and exit");
}

static int bad_usage(void)
{
	fputs("Try 'treehash --help'.\n", stderr);
	return EXIT_USAGE;
}

static int default_max_active(void)
{
	cpu_set_t cpus;
	int nr = 1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		nr = CPU_COUNT(&cpus);
	/* two per CPU: one computes while the other waits for the disk */
	return 2 * nr < MAX_ACTIVE_LIMIT ? 2 * nr : MAX_ACTIVE_LIMIT;
}

static int parse_max_active(const char *text, int *max_active)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < 1 || value > MAX_ACTIVE_LIMIT) {
		fprintf(stderr, "treehash: '%s' is not a number from 1 to %d\n", text,
			MAX_ACTIVE_LIMIT);
		return -1;
	}
	*max_active = (int)value;
	return 0;
}

static int parse_dir(int argc, char **argv, struct options *options)
{
	if (optind == argc) {
		fputs("treehash: DIR is missing\n", stderr);
		return bad_usage();
	}
	if (optind + 1 < argc) {
		fprintf(stderr, "treehash: one DIR only, not also '%s'\n", argv[optind + 1]);
		return bad_usage();
	}
	options->dir = argv[optind];
	return 0;
}

/* Return: 0 to go on, with DIR set, or to exit with success; else the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	enum { HELP = 256, VERSION };
	static const struct option known[] = {
		{ "max-active", required_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, HELP },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "j:q", known, NULL)) != -1) {
		switch (option) {
		case 'j':
			if (parse_max_active(optarg, &options->max_active) < 0)
				return bad_usage();
			break;
		case 'q':
			options->quiet = true;
			break;
		case HELP:
			print_help();
			return 0;
		case VERSION:
			printf("treehash (libworkq %s)\n", workq_version());
			return 0;
		default:
			return bad_usage();
		}
	}
	return parse_dir(argc, argv, options);
}

/* ----------------------------------------------------------------- the run */

static void on_sigint(int sig)
{
	int error = errno;

	(void)sig;
	interrupted = 1;
	atomic_store(&run.stop, true);
	sem_post(&event);
	errno = error;
}

/* A second Ctrl-C ends the process at once. Who started us ignoring it wants it ignored. */
static int catch_sigint(void)
{
	struct sigaction action = { .sa_handler = on_sigint, .sa_flags = (int)SA_RESETHAND };
	struct sigaction old;

	if (sigaction(SIGINT, NULL, &old) < 0)
		return -1;
	if (old.sa_handler == SIG_IGN)
		return 0;
	sigemptyset(&action.sa_mask);
	return sigaction(SIGINT, &action, NULL);
}

/*
 * Waiting is an item as well, on a queue of others, so that the main thread is
 * free for progress and Ctrl-C.
 */
static void finish(struct work_struct *work)
{
	(void)work;
	flush_workqueue(run.hash_wq);
	atomic_store(&finished, true);
	sem_post(&event);
}

static DECLARE_WORK(finish_work, finish);

void all_files_queued(void)
{
	queue_work(system_dfl_long_wq, &finish_work);
}

/* Waits for the event, or the time to draw again; or less: a signal ends it. */
static void wait_for_event(void)
{
	struct timespec until;

	if (!progress_shown()) {
		sem_wait(&event);
		return;
	}
	progress_draw();
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	sem_clockwait(&event, CLOCK_MONOTONIC, &until);
}

static void hash_tree(const char *dir)
{
	bool cancelled = false;

	walk_root(dir);
	while (!atomic_load(&finished)) {
		wait_for_event();
		if (atomic_load(&run.stop) && !cancelled) {
			records_cancel();
			cancelled = true;
		}
	}
	flush_work(&finish_work);
}

static int begin_run(const struct options *options)
{
	int max_active = options->max_active;

	run.walk_wq = alloc_workqueue("treehash-walk", WQ_UNBOUND, max_active);
	run.hash_wq = alloc_workqueue("treehash-hash", WQ_UNBOUND, max_active);
	if (run.walk_wq && run.hash_wq && sem_init(&event, 0, 0) == 0 && catch_sigint() == 0)
		return 0;
	perror("treehash");
	return -1;
}

static void end_run(void)
{
	if (run.walk_wq)
		destroy_workqueue(run.walk_wq);
	if (run.hash_wq)
		destroy_workqueue(run.hash_wq);
	hash_free_buffers();
	records_free();
}

/* ------------------------------------------------------------- the outcome */

static int end_interrupted(void)
{
	fprintf(stderr, "treehash: interrupted: %lu of %lu files done\n", atomic_load(&run.nr_done),
		atomic_load(&run.nr_files));
	return EXIT_INTERRUPTED;
}

/* Closing may be what tells of a full disk. */
static int close_stdout(void)
{
	int failed = ferror(stdout), error = errno;

	if (interrupted) {
		__fpurge(stdout); /* or exit() would wait for a reader once more */
		return end_interrupted();
	}
	if (fclose(stdout)) {
		error = errno;
		failed = 1;
	}
	if (!failed)
		return EXIT_SUCCESS;
	fprintf(stderr, "treehash: write error: %s\n", strerror(error));
	return EXIT_FAILURE;
}

static int print_outcome(void)
{
	unsigned long nr_failures = atomic_load(&run.nr_failures);
	int status;

	if (interrupted)
		return end_interrupted();
	if (!atomic_load(&run.no_memory))
		listing_print();
	status = close_stdout();
	if (nr_failures)
		fprintf(stderr, "treehash: %lu files or directories could not be read\n",
			nr_failures);
	if (status == EXIT_SUCCESS && (nr_failures || atomic_load(&run.no_memory)))
		status = EXIT_FAILURE;
	return status;
}

int main(int argc, char **argv)
{
	struct options options = { .max_active = default_max_active() };
	int status;

	setlocale(LC_ALL, "");
	status = parse_options(argc, argv, &options);
	if (status)
		return status;
	if (!options.dir)
		return close_stdout();

	status = EXIT_FAILURE;
	if (begin_run(&options) == 0) {
		progress_start(!options.quiet);
		hash_tree(options.dir);
		progress_end();
		status = print_outcome();
	}
	end_run();
	return status;
}
