/* SPDX-License-Identifier: MIT */
/*
 * spawn.c - workq-bench spawn: what it costs to make things.
 *
 * Queues that are made and destroyed, items from the heap that free themselves
 * when they have run, a tree of items that queue their children, and the start
 * of the library, which only a fresh process can show.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <workq/workq.h>

#include "bench.h"

enum {
	DEFAULT_DEPTH = 15,
	QUICK_DEPTH = 5,
	MAX_DEPTH = 24,
	ITEMS_PER_QUEUE = 1000,
	ITEMS_PER_PROCESS = 5000,
};

static unsigned int depth;

/* ------------------------------------------------------------------ queues */

struct kind {
	const char *name;
	unsigned int flags;
	bool ordered;
};

static const struct kind kinds[] = {
	{ "percpu", WQ_PERCPU, false },
	{ "unbound", WQ_UNBOUND, false },
	{ "ordered", 0, true },
	{ "reclaim", WQ_PERCPU | WQ_MEM_RECLAIM, false },
};

static uint64_t make_queue_ns(struct bench_case *c)
{
	const struct kind *kind = c->data;
	uint64_t start_ns = bench_now_ns();
	struct workqueue_struct *wq;

	if (kind->ordered)
		wq = alloc_ordered_workqueue("bench_spawn", kind->flags);
	else
		wq = alloc_workqueue("bench_spawn", kind->flags, 0);
	if (!wq)
		err(EXIT_FAILURE, "%s: alloc_workqueue", c->workload);
	destroy_workqueue(wq);
	return bench_now_ns() - start_ns;
}

static double run_queues(struct bench_case *c)
{
	return bench_run_latency(c, make_queue_ns);
}

/* At least one, however few items there are. */
static unsigned long share_of(const struct bench_options *opts, unsigned long items_per)
{
	return opts->items < items_per ? 1 : opts->items / items_per;
}

static void add_queues(struct bench_plan *plan)
{
	struct bench_case like = {
		.unit = "us",
		.items = share_of(plan->opts, ITEMS_PER_QUEUE),
		.producers = 1,
		.producer_cpu = plan->opts->cpu,
		.target_cpu = plan->opts->cpu,
		.run = run_queues,
	};

	like.kept_per_run = like.items;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		like.data = (void *)&kinds[i];
		bench_name(bench_plan_add(plan, &like), "spawn-queue-%s", kinds[i].name);
	}
}

/* ------------------------------------------------------------------- items */

/* Freed by its own function; as large as the items of workq-bench queue. */
struct one_shot {
	struct work_struct work;
	atomic_ulong *nr_runs;
	char payload[24];
};

static void count_and_free(struct work_struct *work)
{
	struct one_shot *shot = from_work(shot, work, work);

	atomic_fetch_add_explicit(shot->nr_runs, 1, memory_order_relaxed);
	free(shot);
}

static struct one_shot *make_one_shot(atomic_ulong *nr_runs)
{
	struct one_shot *shot = malloc(sizeof(*shot));

	if (!shot)
		err(EXIT_FAILURE, "no memory for an item");
	INIT_WORK(&shot->work, count_and_free);
	shot->nr_runs = nr_runs;
	return shot;
}

static double run_items(struct bench_case *c)
{
	atomic_ulong *nr_runs = c->data;
	uint64_t ns;

	atomic_store(nr_runs, 0);
	bench_measure_begin(c);
	for (unsigned long i = 0; i < c->items; i++)
		queue_work_on(c->target_cpu, c->wq, &make_one_shot(nr_runs)->work);
	flush_workqueue(c->wq);
	ns = bench_measure_end(c, c->items);
	if (atomic_load(nr_runs) != c->items)
		errx(EXIT_FAILURE, "%s: %lu of %lu items ran", c->workload, atomic_load(nr_runs),
		     c->items);
	return (double)ns / (double)c->items;
}

/* The share of the heap: the same memory, taken and given back by the producer. */
static double run_heap(struct bench_case *c)
{
	atomic_ulong *nr_runs = c->data;
	struct one_shot **shots = bench_alloc(c->items, sizeof(struct one_shot *));
	uint64_t ns;

	bench_measure_begin(c);
	for (unsigned long i = 0; i < c->items; i++)
		shots[i] = make_one_shot(nr_runs);
	for (unsigned long i = 0; i < c->items; i++)
		count_and_free(&shots[i]->work);
	ns = bench_measure_end(c, c->items);
	free(shots);
	return (double)ns / (double)c->items;
}

static void free_count(struct bench_case *c)
{
	free(c->data);
}

static void add_items(struct bench_plan *plan)
{
	int cpu = plan->opts->cpu;
	int other = bench_cpus_nth((unsigned int)bench_cpus_index(cpu) + 1);
	struct bench_case like = {
		.unit = "ns/item",
		.items = plan->opts->items,
		.producers = 1,
		.producer_cpu = cpu,
		.target_cpu = cpu,
		.run = run_items,
		.fini = free_count,
	};

	like.data = bench_alloc(1, sizeof(atomic_ulong));
	bench_name(bench_plan_add(plan, &like), "spawn-item-same-cpu");
	if (other != cpu) {
		like.producer_cpu = other;
		like.data = bench_alloc(1, sizeof(atomic_ulong));
		bench_name(bench_plan_add(plan, &like), "spawn-item-other-cpu");
		like.producer_cpu = cpu;
	}
	like.system = "libc";
	like.run = run_heap;
	like.data = bench_alloc(1, sizeof(atomic_ulong));
	bench_name(bench_plan_add(plan, &like), "spawn-heap");
}

/* -------------------------------------------------------------------- tree */

struct tree {
	struct workqueue_struct *wq;
	atomic_ulong nr_nodes;
	sem_t is_done;
};

/* Lives until its subtree has run; nr_children counts those of which that is not so yet. */
struct node {
	struct work_struct work;
	struct tree *tree;
	struct node *parent;
	unsigned int height;
	atomic_uint nr_children;
};

static void grow(struct work_struct *work);

static void plant(struct tree *tree, struct node *parent, unsigned int height)
{
	struct node *node = malloc(sizeof(*node));

	if (!node)
		err(EXIT_FAILURE, "no memory for an item");
	INIT_WORK(&node->work, grow);
	node->tree = tree;
	node->parent = parent;
	node->height = height;
	atomic_init(&node->nr_children, 2);
	queue_work(tree->wq, &node->work);
}

/* The last of two children ends its parent, and so on upwards. */
static void end_subtree(struct node *node)
{
	struct tree *tree = node->tree;

	while (node) {
		struct node *parent = node->parent;

		free(node);
		if (parent &&
		    atomic_fetch_sub_explicit(&parent->nr_children, 1, memory_order_acq_rel) != 1)
			return;
		node = parent;
	}
	sem_post(&tree->is_done);
}

static void grow(struct work_struct *work)
{
	struct node *node = from_work(node, work, work);

	atomic_fetch_add_explicit(&node->tree->nr_nodes, 1, memory_order_relaxed);
	if (!node->height) {
		end_subtree(node);
		return;
	}
	for (int i = 0; i < 2; i++)
		plant(node->tree, node, node->height - 1);
}

static double run_tree(struct bench_case *c)
{
	struct tree *tree = c->data;
	uint64_t ns;

	tree->wq = c->wq;
	atomic_store(&tree->nr_nodes, 0);
	bench_measure_begin(c);
	plant(tree, NULL, depth);
	while (sem_wait(&tree->is_done) != 0)
		;
	ns = bench_measure_end(c, c->items);
	if (atomic_load(&tree->nr_nodes) != c->items)
		errx(EXIT_FAILURE, "%s: %lu of %lu items ran", c->workload,
		     atomic_load(&tree->nr_nodes), c->items);
	return (double)ns / (double)c->items;
}

static void fini_tree(struct bench_case *c)
{
	struct tree *tree = c->data;

	sem_destroy(&tree->is_done);
	free(tree);
}

static void add_tree(struct bench_plan *plan, const char *name, unsigned int flags)
{
	struct tree *tree = bench_alloc(1, sizeof(*tree));
	struct bench_case like = {
		.unit = "ns/item",
		.items = (2ul << depth) - 1,
		.producers = 1,
		.producer_cpu = -1,
		.target_cpu = -1,
		.wq = alloc_workqueue("bench_tree", flags, plan->opts->max_active),
		.run = run_tree,
		.fini = fini_tree,
		.data = tree,
	};

	if (!like.wq)
		err(EXIT_FAILURE, "alloc_workqueue");
	sem_init(&tree->is_done, 0, 0);
	bench_name(bench_plan_add(plan, &like), "spawn-tree-%s", name);
}

/* ------------------------------------------------------------------- start */

enum {
	OPT_DEPTH = 512,
	OPT_FRESH,
};

/* A new process of this program, which measures one thing and writes it to @fd. */
static pid_t start_process(const char *what, int fd)
{
	const char *const argv[] = { "workq-bench", "spawn", "--fresh", what, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	errno = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, (char **)argv, environ);
	if (errno)
		err(EXIT_FAILURE, "posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static uint64_t fresh_ns(struct bench_case *c)
{
	char text[32] = "";
	int pipe_fds[2];
	int status;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		err(EXIT_FAILURE, "pipe");
	pid = start_process(c->data, pipe_fds[1]);
	close(pipe_fds[1]);
	if (waitpid(pid, &status, 0) != pid || status != 0 ||
	    read(pipe_fds[0], text, sizeof(text) - 1) <= 0)
		errx(EXIT_FAILURE, "%s: the fresh process failed", c->workload);
	close(pipe_fds[0]);
	return strtoull(text, NULL, 10);
}

static double run_fresh(struct bench_case *c)
{
	return bench_run_latency(c, fresh_ns);
}

static void add_fresh(struct bench_plan *plan, const char *what)
{
	struct bench_case like = {
		.unit = "us",
		.items = share_of(plan->opts, ITEMS_PER_PROCESS),
		.producers = 1,
		.producer_cpu = -1,
		.target_cpu = -1,
		.run = run_fresh,
		.data = (void *)what,
	};

	like.kept_per_run = like.items;
	bench_name(bench_plan_add(plan, &like), "spawn-fresh-%s", what);
}

static void do_nothing(struct work_struct *work)
{
	(void)work;
}

/* In the fresh process, in which the library has not been used yet. */
static void measure_fresh(struct argp_state *state, const char *what)
{
	static DECLARE_WORK(work, do_nothing);
	uint64_t start_ns = bench_now_ns();

	if (strcmp(what, "start") == 0) {
		if (workq_start() != 0)
			errx(EXIT_FAILURE, "workq_start");
	} else if (strcmp(what, "item") == 0) {
		schedule_work(&work);
		flush_work(&work);
	} else {
		argp_error(state, "--fresh: '%s' is none of start, item", what);
	}
	printf("%llu\n", (unsigned long long)(bench_now_ns() - start_ns));
	exit(EXIT_SUCCESS);
}

/* ------------------------------------------------------------------- setup */

static void setup(struct bench_plan *plan, const struct bench_options *opts)
{
	if (!depth)
		depth = opts->quick ? QUICK_DEPTH : DEFAULT_DEPTH;
	add_queues(plan);
	add_items(plan);
	add_tree(plan, "unbound", WQ_UNBOUND);
	add_tree(plan, "percpu", WQ_PERCPU);
	add_fresh(plan, "start");
	add_fresh(plan, "item");
}

static const struct argp_option options[] = {
	{ "depth", OPT_DEPTH, "N", 0, "The tree has 2^(N+1)-1 items (15)", 0 },
	{ "fresh", OPT_FRESH, "WHAT", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_DEPTH:
		depth = (unsigned int)bench_parse_number(state, "depth", arg, 1, MAX_DEPTH);
		return 0;
	case OPT_FRESH:
		measure_fresh(state, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp spawn_argp = {
	.options = options,
	.parser = parse,
};

static const struct argp_child children[] = {
	{ &spawn_argp, 0, NULL, 0 },
	{ 0 },
};

const struct bench_command bench_spawn = {
	.name = "spawn",
	.summary = "queues, items from the heap, a tree of items, the library: cost of making them",
	.doc = "alloc_workqueue() and destroy_workqueue() of idle queues; items that are allocated, "
	       "queued once, and free themselves; a tree in which each item queues two more, on an "
	       "unbound and on a per-CPU queue; workq_start(), and the first item, in a fresh "
	       "process.\v"
	       "--items is the number of items in a run (100000); there are a 1000th as many queues "
	       "and a 5000th as many processes.",
	.children = children,
	.items = 100000,
	.quick_items = 1000,
	.own_queue = "queues of its own",
	.setup = setup,
};
