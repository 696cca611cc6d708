/* SPDX-License-Identifier: MIT */
/*
 * fuzz_topo.c - topologies: whatever sysfs says, the pods are partitions of the CPUs that nest
 * as promised.
 *
 * Input: files below devices/system (see files.h). What takes long and shows no more is left
 * out: more than MAX_CPUS CPUs or nodes at once, with any ids. So many cores have five shards.
 */
#include "files.h"
#include "pages.h"

#include "base/cpuset.h"
#include "base/topo.h"

#define ROOT "/s/devices/system/"

enum {
	MAX_CPUS = 40,
	NR_ADDED = 2,    /* that are not online */
	MAX_CACHES = 10, /* of a CPU are looked at */
};

/* ------------------------------------------------------- instead of the system */

/* A tree may have a file for each of "{0-99999999}". */
static bool is_far_cache(const char *path)
{
	const char *index = strstr(path, "/index");

	return index && strtoul(index + strlen("/index"), NULL, 10) >= MAX_CACHES;
}

long __wrap_wq_os_read_file(const char *path, char *buf, size_t size);
long __wrap_wq_os_read_file(const char *path, char *buf, size_t size)
{
	must(!strncmp(path, ROOT, strlen(ROOT)));
	must(!is_far_cache(path));
	return files_read(path + strlen(ROOT), buf, size);
}

/* ---------------------------------------------------------------- what must hold */

static struct wq_cpuset all;
/* By what each CPU's is said to be; empty in between. */
static struct wq_cpuset expected[MAX_CPUS + NR_ADDED];

/* Those that are listed are in it, and no others. */
static void check_pod(const struct wq_topo *topo, enum wq_topo_scope scope, unsigned int pod)
{
	struct wq_cpuset cpus;

	wq_topo_pod_cpus(topo, scope, pod, &cpus);
	must(wq_cpuset_is_equal(&cpus, &expected[pod]));
	wq_cpuset_clear(&expected[pod]);
}

/* Each CPU is in one pod, and pods are numbered by their first CPUs. */
static void check_partition(const struct wq_topo *topo, enum wq_topo_scope scope)
{
	unsigned int nr = wq_topo_nr_pods(topo, scope), nr_seen = 0, cpu, pod;
	struct wq_cpuset cpus;

	must(nr && nr <= wq_cpuset_count(&all));
	wq_cpuset_for_each(cpu, &all)
	{
		pod = wq_topo_pod_of(topo, scope, cpu);
		must(pod <= nr_seen);
		nr_seen += pod == nr_seen;
		wq_cpuset_add(&expected[pod], cpu);
	}
	must(nr_seen == nr);
	for (pod = 0; pod < nr; pod++)
		check_pod(topo, scope, pod);
	wq_topo_pod_cpus(topo, scope, nr, &cpus);
	must(wq_cpuset_is_empty(&cpus));
	must(!wq_topo_pod_of(topo, scope, WQ_MAX_CPUS));
}

/* CPUs of one inner pod are in one outer pod. */
static void check_nests(const struct wq_topo *topo, enum wq_topo_scope inner,
			enum wq_topo_scope outer)
{
	static unsigned int around[WQ_MAX_CPUS];
	unsigned int nr = 0, cpu, pod;

	wq_cpuset_for_each(cpu, &all)
	{
		pod = wq_topo_pod_of(topo, inner, cpu);
		if (pod == nr)
			around[nr++] = wq_topo_pod_of(topo, outer, cpu);
		must(around[pod] == wq_topo_pod_of(topo, outer, cpu));
	}
}

/* O4 */
static void check_shards(const struct wq_topo *topo)
{
	static unsigned int nr_cores[WQ_MAX_CPUS];
	unsigned int nr = 0, cpu, core;

	memset(nr_cores, 0, sizeof(nr_cores));
	wq_cpuset_for_each(cpu, &all)
	{
		core = wq_topo_pod_of(topo, WQ_TOPO_SMT, cpu);
		if (core == nr) {
			nr++;
			nr_cores[wq_topo_pod_of(topo, WQ_TOPO_CACHE_SHARD, cpu)]++;
		}
	}
	for (cpu = 0; cpu < wq_topo_nr_pods(topo, WQ_TOPO_CACHE_SHARD); cpu++)
		must(nr_cores[cpu] >= 1 && nr_cores[cpu] <= 11);
}

static void check_nodes(const struct wq_topo *topo)
{
	int nr = (int)wq_topo_nr_pods(topo, WQ_TOPO_NUMA);

	for (int pod = 0; pod < nr; pod++)
		must(wq_topo_pod_of_node(topo, wq_topo_node_of_pod(topo, (unsigned int)pod)) ==
		     pod);
	must(wq_topo_node_of_pod(topo, (unsigned int)nr) == -1);
	must(wq_topo_pod_of_node(topo, -1) == -1 && wq_topo_pod_of_node(topo, WQ_MAX_CPUS) == -1);
}

static void check(const struct wq_topo *topo)
{
	for (unsigned int scope = WQ_TOPO_CPU; scope < WQ_TOPO_NR_SCOPES; scope++)
		check_partition(topo, scope);
	must(wq_topo_nr_pods(topo, WQ_TOPO_CPU) == wq_cpuset_count(&all));
	must(wq_topo_nr_pods(topo, WQ_TOPO_SYSTEM) == 1);
	check_nests(topo, WQ_TOPO_SMT, WQ_TOPO_CACHE_SHARD);
	check_nests(topo, WQ_TOPO_CACHE_SHARD, WQ_TOPO_CACHE);
	check_shards(topo);
	check_nodes(topo);
}

/* ---------------------------------------------------------------------- target */

/* Empty if there is no such list. */
static struct wq_cpuset list_in(const char *path)
{
	static char text[4 * WQ_MAX_CPUS];
	struct wq_cpuset set;

	if (files_read(path, text, sizeof(text)) < 0 || !wq_cpuset_parse_list(&set, text))
		wq_cpuset_clear(&set);
	return set;
}

static bool is_small(const char *path)
{
	struct wq_cpuset set = list_in(path);

	return wq_cpuset_count(&set) <= MAX_CPUS;
}

/* CPUs 3 and 70 besides those that are online. */
static void read_topology(void)
{
	struct wq_cpuset wanted;
	struct wq_topo *topo;

	wq_cpuset_clear(&wanted);
	wq_cpuset_add(&wanted, 3);
	wq_cpuset_add(&wanted, 70);
	topo = wq_topo_read("/s", &wanted);
	must(topo);
	all = list_in("cpu/online");
	wq_cpuset_or(&all, &all, &wanted);
	check(topo);
	wq_topo_free(topo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	bool is_wanted;

	files_fill(&input);
	is_wanted = is_small("cpu/online") && is_small("node/online") && is_small("node/possible");
	if (is_wanted)
		read_topology();
	files_empty();
	return is_wanted ? 0 : -1;
}
