/* SPDX-License-Identifier: MIT */
/*
 * topo.c - the machine's topology (contracts in topo.h).
 *
 * While it is read, a pod is known by a label: any number that no other pod of
 * the scope has, its first CPU or its node's id. Each list puts those CPUs into a
 * pod that are in none yet, so that whatever the files say, the pods are disjoint,
 * and the list of a CPU that has a place need not be read. In the end the labels
 * are replaced by numbers.
 */
#include "base/topo.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"

#define NO_LABEL   UINT16_MAX
/* Of a CPU: twice as many as any has. A tree that was made up need not end. */
#define MAX_CACHES 10u

/* Per CPU, and only its pages with CPUs are ever touched: see wq_os_map(). */
struct place {
	uint16_t pod[WQ_TOPO_NR_SCOPES]; /* while reading: its label */
};

struct wq_topo {
	struct wq_cpuset cpus;
	unsigned int nr_pods[WQ_TOPO_NR_SCOPES];
	struct place of[WQ_MAX_CPUS];
	uint16_t node_of_pod[WQ_MAX_CPUS];
};

struct reader {
	struct wq_topo *topo;
	const char *root;
	struct wq_cpuset list; /* as read last */
	char path[4096];
	char text[4 * WQ_MAX_CPUS]; /* more than any list needs, "0-1,3-4,6-7" the longest */
	uint16_t pod_of_label[WQ_MAX_CPUS];
};

/* --------------------------------------------------------- reading files */

__attribute__((format(printf, 2, 0))) static bool read_path(struct reader *reader,
							    const char *format, va_list args)
{
	size_t size = sizeof(reader->path), len;
	long n;

	len = (size_t)snprintf(reader->path, size, "%s/devices/system/", reader->root);
	if (len >= size)
		return false;
	len += (size_t)vsnprintf(reader->path + len, size - len, format, args);
	if (len >= size)
		return false;
	n = wq_os_read_file(reader->path, reader->text, sizeof(reader->text));
	/* full: perhaps not all of it */
	return n >= 0 && n < (long)sizeof(reader->text) - 1;
}

__attribute__((format(printf, 2, 3))) static bool read_text(struct reader *reader,
							    const char *format, ...)
{
	va_list args;
	bool ok;

	va_start(args, format);
	ok = read_path(reader, format, args);
	va_end(args);
	return ok;
}

#define read_list(reader, ...)                                                                     \
	(read_text((reader), __VA_ARGS__) && wq_cpuset_parse_list(&(reader)->list, (reader)->text))

/* A list that a CPU has of its kin is nonsense without the CPU. */
#define read_list_of(cpu, reader, ...)                                                             \
	(read_list((reader), __VA_ARGS__) && wq_cpuset_has(&(reader)->list, (cpu)))

static bool read_core(struct reader *reader, unsigned int cpu)
{
	return read_list_of(cpu, reader, "cpu/cpu%u/topology/core_cpus_list", cpu) ||
	       read_list_of(cpu, reader, "cpu/cpu%u/topology/thread_siblings_list", cpu);
}

static bool read_package(struct reader *reader, unsigned int cpu)
{
	return read_list_of(cpu, reader, "cpu/cpu%u/topology/package_cpus_list", cpu) ||
	       read_list_of(cpu, reader, "cpu/cpu%u/topology/core_siblings_list", cpu);
}

/* A single digit; 0 if it is none. */
static unsigned int level_in(const char *text)
{
	bool is_level = text[0] >= '1' && text[0] <= '9' && (!text[1] || text[1] == '\n');

	return is_level ? (unsigned int)(text[0] - '0') : 0;
}

static bool is_for_instructions(struct reader *reader, unsigned int cpu, unsigned int index)
{
	return read_text(reader, "cpu/cpu%u/cache/index%u/type", cpu, index) &&
	       strncmp(reader->text, "Instruction", strlen("Instruction")) == 0;
}

/* Who shares the last of its caches that hold data. */
static bool read_cache(struct reader *reader, unsigned int cpu)
{
	unsigned int index, level, highest = 0, last = 0;

	for (index = 0; index < MAX_CACHES; index++) {
		if (!read_text(reader, "cpu/cpu%u/cache/index%u/level", cpu, index))
			break;
		level = level_in(reader->text);
		if (level > highest && !is_for_instructions(reader, cpu, index)) {
			highest = level;
			last = index;
		}
	}
	return highest &&
	       read_list_of(cpu, reader, "cpu/cpu%u/cache/index%u/shared_cpu_list", cpu, last);
}

/* ---------------------------------------------------------------- labels */

static uint16_t label_of(const struct wq_topo *topo, enum wq_topo_scope scope, unsigned int cpu)
{
	return topo->of[cpu].pod[scope];
}

static void set_label(struct wq_topo *topo, enum wq_topo_scope scope, unsigned int cpu,
		      unsigned int label)
{
	topo->of[cpu].pod[scope] = (uint16_t)label;
}

static bool has_label(const struct wq_topo *topo, enum wq_topo_scope scope, unsigned int cpu)
{
	return label_of(topo, scope, cpu) != NO_LABEL;
}

/* Cores are labelled by their first CPU. */
static bool is_first_of_core(const struct wq_topo *topo, unsigned int cpu)
{
	return label_of(topo, WQ_TOPO_SMT, cpu) == cpu;
}

/* Those of the list that have no place in this scope yet. */
static void place_list(struct reader *reader, enum wq_topo_scope scope, unsigned int label)
{
	struct wq_topo *topo = reader->topo;
	unsigned int cpu;

	wq_cpuset_and(&reader->list, &reader->list, &topo->cpus);
	wq_cpuset_for_each(cpu, &reader->list)
	{
		if (!has_label(topo, scope, cpu))
			set_label(topo, scope, cpu, label);
	}
}

/* What was decided for a core's first CPU counts for all of them. */
static void place_siblings(struct wq_topo *topo, enum wq_topo_scope scope)
{
	unsigned int cpu;

	wq_cpuset_for_each(cpu, &topo->cpus) set_label(
		topo, scope, cpu, label_of(topo, scope, label_of(topo, WQ_TOPO_SMT, cpu)));
}

/* ---------------------------------------------------------------- scopes */

static void describe_cpus(struct reader *reader, const struct wq_cpuset *cpus)
{
	struct wq_topo *topo = reader->topo;
	unsigned int cpu;

	topo->cpus = *cpus;
	if (read_list(reader, "cpu/online"))
		wq_cpuset_or(&topo->cpus, &topo->cpus, &reader->list);
	if (wq_cpuset_is_empty(&topo->cpus))
		wq_cpuset_add(&topo->cpus, 0);
	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		memset(&topo->of[cpu], 0xff, sizeof(topo->of[cpu]));
		set_label(topo, WQ_TOPO_CPU, cpu, cpu);
		set_label(topo, WQ_TOPO_SYSTEM, cpu, 0);
	}
}

static void place_cores(struct reader *reader)
{
	struct wq_topo *topo = reader->topo;
	unsigned int cpu;

	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		if (has_label(topo, WQ_TOPO_SMT, cpu))
			continue;
		if (read_core(reader, cpu))
			place_list(reader, WQ_TOPO_SMT, cpu);
		else
			set_label(topo, WQ_TOPO_SMT, cpu, cpu);
	}
}

/* The node of CPUs of which no node knows. */
static unsigned int default_node(const struct wq_topo *topo)
{
	unsigned int cpu;

	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		if (has_label(topo, WQ_TOPO_NUMA, cpu))
			return label_of(topo, WQ_TOPO_NUMA, cpu);
	}
	return 0;
}

static void place_nodes(struct reader *reader)
{
	struct wq_topo *topo = reader->topo;
	unsigned int id, cpu, rest;
	struct wq_cpuset ids;

	/* of ids, not of CPUs, but written alike */
	if (read_list(reader, "node/online") || read_list(reader, "node/possible")) {
		ids = reader->list;
		wq_cpuset_for_each(id, &ids)
		{
			if (read_list(reader, "node/node%u/cpulist", id))
				place_list(reader, WQ_TOPO_NUMA, id);
		}
	}
	rest = default_node(topo);
	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		if (!has_label(topo, WQ_TOPO_NUMA, cpu))
			set_label(topo, WQ_TOPO_NUMA, cpu, rest);
	}
}

static void place_caches_by(struct reader *reader,
			    bool (*read_kin)(struct reader *reader, unsigned int cpu))
{
	struct wq_topo *topo = reader->topo;
	unsigned int cpu;

	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		if (is_first_of_core(topo, cpu) && !has_label(topo, WQ_TOPO_CACHE, cpu) &&
		    read_kin(reader, cpu))
			place_list(reader, WQ_TOPO_CACHE, cpu);
	}
}

/* The first cache of its node; if there is none, one begins with this CPU. */
static unsigned int default_cache(const struct wq_topo *topo, unsigned int cpu)
{
	unsigned int other;

	wq_cpuset_for_each(other, &topo->cpus)
	{
		if (is_first_of_core(topo, other) && has_label(topo, WQ_TOPO_CACHE, other) &&
		    label_of(topo, WQ_TOPO_NUMA, other) == label_of(topo, WQ_TOPO_NUMA, cpu))
			return label_of(topo, WQ_TOPO_CACHE, other);
	}
	return cpu;
}

static void place_caches(struct reader *reader)
{
	struct wq_topo *topo = reader->topo;
	unsigned int cpu;

	place_caches_by(reader, read_cache);
	place_caches_by(reader, read_package);
	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		if (is_first_of_core(topo, cpu) && !has_label(topo, WQ_TOPO_CACHE, cpu))
			set_label(topo, WQ_TOPO_CACHE, cpu, default_cache(topo, cpu));
	}
	place_siblings(topo, WQ_TOPO_CACHE);
}

/* ---------------------------------------------------------- cache shards */

static bool is_core_of_cache(const struct wq_topo *topo, unsigned int cpu, unsigned int cache)
{
	return is_first_of_core(topo, cpu) && label_of(topo, WQ_TOPO_CACHE, cpu) == cache;
}

static unsigned int count_cores(const struct wq_topo *topo, unsigned int cache)
{
	unsigned int cpu, nr = 0;

	wq_cpuset_for_each(cpu, &topo->cpus) nr += is_core_of_cache(topo, cpu, cache);
	return nr;
}

/* Into shards of about eight cores, which differ by one core at most, the larger ones first. */
static void cut_cache(struct wq_topo *topo, unsigned int cache)
{
	unsigned int nr_cores = count_cores(topo, cache), nr_shards = (nr_cores + 4) / 8;
	unsigned int cpu, shard = 0, room = 0, nr_larger;

	if (!nr_shards)
		nr_shards = 1;
	nr_larger = nr_cores % nr_shards;
	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		if (!is_core_of_cache(topo, cpu, cache))
			continue;
		if (!room) {
			shard = cpu;
			room = nr_cores / nr_shards + (nr_larger ? 1 : 0);
			nr_larger -= nr_larger ? 1 : 0;
		}
		set_label(topo, WQ_TOPO_CACHE_SHARD, cpu, shard);
		room--;
	}
}

static void place_shards(struct wq_topo *topo)
{
	unsigned int cpu;

	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		if (is_first_of_core(topo, cpu) && !has_label(topo, WQ_TOPO_CACHE_SHARD, cpu))
			cut_cache(topo, label_of(topo, WQ_TOPO_CACHE, cpu));
	}
	place_siblings(topo, WQ_TOPO_CACHE_SHARD);
}

/* ------------------------------------------------------------------ pods */

/* In place of its labels. */
static void number_pods(struct reader *reader, enum wq_topo_scope scope)
{
	struct wq_topo *topo = reader->topo;
	unsigned int cpu, nr = 0;
	uint16_t label, *pod;

	memset(reader->pod_of_label, 0xff, sizeof(reader->pod_of_label));
	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		label = label_of(topo, scope, cpu);
		pod = &reader->pod_of_label[label];
		if (*pod == NO_LABEL) {
			if (scope == WQ_TOPO_NUMA)
				topo->node_of_pod[nr] = label;
			*pod = (uint16_t)nr++;
		}
		topo->of[cpu].pod[scope] = *pod;
	}
	topo->nr_pods[scope] = nr;
}

static void read_all(struct reader *reader, const struct wq_cpuset *cpus)
{
	unsigned int scope;

	describe_cpus(reader, cpus);
	place_cores(reader);
	place_nodes(reader);
	place_caches(reader);
	place_shards(reader->topo);
	for (scope = WQ_TOPO_CPU; scope < WQ_TOPO_NR_SCOPES; scope++)
		number_pods(reader, scope);
}

/* Not on the stack: some threads' is smaller than this. */
struct wq_topo *wq_topo_read(const char *root, const struct wq_cpuset *cpus)
{
	struct reader *reader = wq_os_map(sizeof(*reader));
	struct wq_topo *topo;

	if (!reader)
		return NULL;
	topo = wq_os_map(sizeof(*topo));
	if (topo) {
		reader->topo = topo;
		reader->root = root;
		read_all(reader, cpus);
	}
	wq_os_unmap(reader, sizeof(*reader));
	return topo;
}

void wq_topo_free(struct wq_topo *topo)
{
	if (topo)
		wq_os_unmap(topo, sizeof(*topo));
}

unsigned int wq_topo_nr_pods(const struct wq_topo *topo, enum wq_topo_scope scope)
{
	return topo->nr_pods[scope];
}

unsigned int wq_topo_pod_of(const struct wq_topo *topo, enum wq_topo_scope scope, unsigned int cpu)
{
	return cpu < WQ_MAX_CPUS ? topo->of[cpu].pod[scope] : 0;
}

void wq_topo_pod_cpus(const struct wq_topo *topo, enum wq_topo_scope scope, unsigned int pod,
		      struct wq_cpuset *cpus)
{
	unsigned int cpu;

	wq_cpuset_clear(cpus);
	wq_cpuset_for_each(cpu, &topo->cpus)
	{
		if (topo->of[cpu].pod[scope] == pod)
			wq_cpuset_add(cpus, cpu);
	}
}

int wq_topo_pod_of_node(const struct wq_topo *topo, int id)
{
	unsigned int pod;

	for (pod = 0; pod < topo->nr_pods[WQ_TOPO_NUMA]; pod++)
		if (topo->node_of_pod[pod] == id)
			return (int)pod;
	return -1;
}

int wq_topo_node_of_pod(const struct wq_topo *topo, unsigned int pod)
{
	return pod < topo->nr_pods[WQ_TOPO_NUMA] ? topo->node_of_pod[pod] : -1;
}
