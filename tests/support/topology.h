/* SPDX-License-Identifier: MIT */
/*
 * topology.h - a made-up topology of two CPUs, and what a test sees of it.
 *
 * The library reads the machine's topology at its first use, below the directory
 * that WORKQ_SYSFS_ROOT names: so a setup function writes a tree of its own, and
 * each test has a process of its own (run_in_processes()). The tree goes when the
 * process ends. Tests count CPUs from 0, as allowed_cpu() does.
 */
#ifndef TESTS_TOPOLOGY_H
#define TESTS_TOPOLOGY_H

#include <ftw.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "api.h"
#include "exec_self.h"

/* ------------------------------------------------------------------- the tree */

struct topology {
	int node[2];    /* ids of the two CPUs' nodes */
	bool one_core;  /* the two are threads of a core */
	bool one_cache; /* they share the last level cache */
	bool unknown;   /* sysfs says nothing at all */
};

static char topology_root[64];
static pid_t topology_owner;

static inline int topology_remove_entry(const char *path, const struct stat *st, int type,
					struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void topology_remove(void)
{
	if (topology_owner == getpid())
		nftw(topology_root, topology_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline FILE *topology_create(char *path)
{
	FILE *f;

	for (char *slash = strchr(path + strlen(topology_root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		abort();
	}
	return f;
}

/* The file devices/system/DIR NR/FILE says TEXT. */
static inline void topology_put(const char *dir, int nr, const char *file, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices/system/%s%d/%s", topology_root, dir, nr, file);
	f = topology_create(path);
	fprintf(f, "%s\n", text);
	fclose(f);
}

static inline void topology_put_online(const char *dir, const char *list)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices/system/%s/online", topology_root, dir);
	f = topology_create(path);
	fprintf(f, "%s\n", list);
	fclose(f);
}

static inline void topology_put_cpus(const struct topology *topology)
{
	char both[32], alone[2][32];

	snprintf(both, sizeof(both), "%d,%d", allowed_cpu(0), allowed_cpu(1));
	topology_put_online("cpu", both);
	for (int i = 0; i < 2; i++) {
		snprintf(alone[i], sizeof(alone[i]), "%d", allowed_cpu(i));
		topology_put("cpu/cpu", allowed_cpu(i), "topology/core_cpus_list",
			     topology->one_core ? both : alone[i]);
		topology_put("cpu/cpu", allowed_cpu(i), "cache/index0/level", "3");
		topology_put("cpu/cpu", allowed_cpu(i), "cache/index0/type", "Unified");
		topology_put("cpu/cpu", allowed_cpu(i), "cache/index0/shared_cpu_list",
			     topology->one_cache ? both : alone[i]);
	}
}

static inline void topology_put_cpu_of_node(int node, int cpu)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", cpu);
	topology_put("node/node", node, "cpulist", text);
}

static inline void topology_put_nodes(const int node[2])
{
	char both[32], text[32];

	snprintf(both, sizeof(both), "%d,%d", allowed_cpu(0), allowed_cpu(1));
	if (node[0] == node[1]) {
		snprintf(text, sizeof(text), "%d", node[0]);
		topology_put("node/node", node[0], "cpulist", both);
	} else {
		snprintf(text, sizeof(text), "%d,%d", node[0], node[1]);
		topology_put_cpu_of_node(node[0], allowed_cpu(0));
		topology_put_cpu_of_node(node[1], allowed_cpu(1));
	}
	topology_put_online("node", text);
}

/* From now on this process has that topology; before the library's first use. */
static inline void topology_fake(const struct topology *topology)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(topology_root, sizeof(topology_root), "%.40s/workq.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(topology_root) || setenv("WORKQ_SYSFS_ROOT", topology_root, 1)) {
		perror(topology_root);
		abort();
	}
	topology_owner = getpid();
	atexit(topology_remove);
	if (topology->unknown)
		return;
	topology_put_cpus(topology);
	topology_put_nodes(topology->node);
}

/* One node, one cache, two cores: for what does not depend on the topology. */
static inline int begin_flat(void **state)
{
	topology_fake(&(struct topology){ .one_cache = true });
	return test_begin(state);
}

static inline int begin_two_nodes(void **state)
{
	topology_fake(&(struct topology){ .node = { 0, 1 } });
	return test_begin(state);
}

#define flat_test(fn)      cmocka_unit_test_setup_teardown(fn, begin_flat, test_end)
#define two_nodes_test(fn) cmocka_unit_test_setup_teardown(fn, begin_two_nodes, test_end)

/*
 * The process has no more than @nr CPUs. The library notes at load time which it may use, so
 * the program begins anew with fewer.
 */
static inline void confine_to_cpus(char **argv, int nr)
{
	cpu_set_t set;

	if (nr_allowed_cpus() <= nr)
		return;
	CPU_ZERO(&set);
	for (int i = 0; i < nr; i++)
		CPU_SET(allowed_cpu(i), &set);
	/* once: where it has no effect it would go on for ever */
	if (!getenv("WORKQ_TEST_CONFINED") && !setenv("WORKQ_TEST_CONFINED", "1", 1) &&
	    !sched_setaffinity(0, sizeof(set), &set))
		exec_self(argv);
	perror("confine_to_cpus");
	abort();
}

/* For programs of which each test needs two CPUs, and nice values from 10 on. */
static inline int run_on_two_cpus(char **argv, const struct CMUnitTest *tests, size_t nr)
{
	if (nr_allowed_cpus() < 2 || (getpriority(PRIO_PROCESS, 0) > 10 && geteuid())) {
		printf("one CPU only, or too nice: nothing is tested\n");
		return 0;
	}
	confine_to_cpus(argv, 2);
	return run_in_processes(tests, nr);
}

/* ---------------------------------------------------------------- attributes */

/* What a test wants of a queue; zero is the default. */
struct wish {
	int nice;
	enum wq_affn_scope scope;
	bool strict;
	unsigned int cpus; /* bit n: the n-th CPU may be used; 0: all may */
};

static inline struct cpumask mask_of(unsigned int cpus)
{
	struct cpumask mask;

	cpumask_clear(&mask);
	for (int i = 0; i < 32; i++)
		if (cpus >> i & 1)
			cpumask_set_cpu(allowed_cpu(i), &mask);
	return mask;
}

static inline int apply_wish(struct workqueue_struct *wq, struct wish wish)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();
	int err;

	if (!attrs)
		abort();
	attrs->nice = wish.nice;
	attrs->affn_scope = wish.scope;
	attrs->affn_strict = wish.strict;
	if (wish.cpus)
		*attrs->cpumask = mask_of(wish.cpus);
	err = apply_workqueue_attrs(wq, attrs);
	free_workqueue_attrs(attrs);
	return err;
}

/* apply(wq, .nice = 5, .strict = true) */
#define apply(wq, ...) apply_wish((wq), (struct wish){ __VA_ARGS__ })

/* The mask of these CPUs, as text. */
static inline const char *mask_text(unsigned int cpus)
{
	static __thread char text[WORKQ_NR_CPUS / 32 * 9 + 1];
	struct cpumask mask = mask_of(cpus);
	int at = 0;

	for (int word = WORKQ_CPUMASK_WORDS - 1; word >= 0; word--)
		if (at || mask.bits[word] || !word)
			at += snprintf(text + at, sizeof(text) - at, "%s%08lx,%08lx", at ? "," : "",
				       mask.bits[word] >> 32, mask.bits[word] & 0xfffffffful);
	return text;
}

static inline int set_unbound_mask(unsigned int cpus)
{
	return workq_attr_write("cpumask", mask_text(cpus));
}

/* ----------------------------------------------------------------- witnesses */

/* An item that notes how it is served. */
struct witness {
	struct item item;
	int tid;
	int nice;
	int pool;          /* that in the name of an unbound worker, or -1 */
	unsigned int cpus; /* bit n: the worker may use the n-th CPU */
};

static inline int pool_of_thread(int tid)
{
	char path[64];
	int pool = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	f = fopen(path, "r");
	if (f && fscanf(f, "kworker/u%d:", &pool) != 1)
		pool = -1;
	if (f)
		fclose(f);
	return pool;
}

static inline unsigned int cpus_of_self(void)
{
	unsigned int cpus = 0;
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < 32 && allowed_cpu(i) >= 0; i++)
		cpus |= (unsigned int)!!CPU_ISSET(allowed_cpu(i), &set) << i;
	return cpus;
}

static inline void witness_fn(struct work_struct *work)
{
	struct witness *witness = container_of(work, struct witness, item.work);

	witness->tid = (int)syscall(SYS_gettid);
	witness->nice = getpriority(PRIO_PROCESS, witness->tid);
	witness->pool = pool_of_thread(witness->tid);
	witness->cpus = cpus_of_self();
	item_fn(work);
}

static inline void witness_init(struct witness *witness, struct gate *hold)
{
	memset(witness, 0, sizeof(*witness));
	item_init_held(&witness->item, hold);
	witness->item.work.func = witness_fn;
}

/* Queued for the n-th CPU, and inside, waiting for the gate. */
static inline void witness_hold_on(struct witness *witness, int nth, struct workqueue_struct *wq,
				   struct gate *gate)
{
	witness_init(witness, gate);
	assert_true(queue_work_on(allowed_cpu(nth), wq, &witness->item.work));
	wait_until(item_is_running(&witness->item));
}

/* How is an item served that is queued for the n-th CPU? */
static inline struct witness witness_on(int nth, struct workqueue_struct *wq)
{
	struct witness witness;

	witness_init(&witness, NULL);
	assert_true(queue_work_on(allowed_cpu(nth), wq, &witness.item.work));
	flush_work(&witness.item.work);
	assert_int_equal(item_runs(&witness.item), 1);
	return witness;
}

static inline bool is_thread_alive(int tid)
{
	return thread_state(tid) != '?';
}

#endif /* TESTS_TOPOLOGY_H */
