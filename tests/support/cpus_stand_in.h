/* SPDX-License-Identifier: MIT */
/*
 * cpus_stand_in.h - a machine whose CPUs come and go at the test's word.
 *
 * Stands in for the calls by which the library asks for CPUs and chooses them. As when a CPU
 * goes offline: masks do not show it, threads that had no other one may run anywhere, and
 * when it is back their masks stay so. In truth it is still there, and threads that may run
 * anywhere also run there. When cpusets change the system may lift all pins:
 * system_lifts_pins().
 */
#ifndef TESTS_CPUS_STAND_IN_H
#define TESTS_CPUS_STAND_IN_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The machine's CPUs; there are no others once cpus_begin() was called. */
static atomic_ulong cpus_present;
static atomic_bool cpus_are_played;

static inline bool cpu_is_present(size_t cpu)
{
	return cpu < 64 && atomic_load(&cpus_present) >> cpu & 1;
}

typedef long (*syscall_fn)(long nr, ...);
typedef int (*setaffinity_fn)(pid_t pid, size_t size, const cpu_set_t *set);

static inline void *libc_function(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static inline syscall_fn syscall_of_libc(void)
{
	static _Atomic syscall_fn found;
	syscall_fn fn = atomic_load(&found);

	if (!fn) {
		*(void **)&fn = libc_function("syscall");
		atomic_store(&found, fn);
	}
	return fn;
}

static inline setaffinity_fn setaffinity_of_libc(void)
{
	static _Atomic setaffinity_fn found;
	setaffinity_fn fn = atomic_load(&found);

	if (!fn) {
		*(void **)&fn = libc_function("sched_setaffinity");
		atomic_store(&found, fn);
	}
	return fn;
}

/* Take out what is gone; false: nothing is left. */
static inline bool cpus_leave_present(unsigned long *bits, size_t bytes)
{
	if (!atomic_load(&cpus_are_played))
		return true;
	memset(bits + 1, 0, bytes - sizeof(*bits));
	return bits[0] &= atomic_load(&cpus_present);
}

/* The mask of a thread, of whose CPUs some may be gone: if all are, the rest of the machine. */
static inline long getaffinity_of_present(const long *arg)
{
	unsigned long *bits = (unsigned long *)arg[2]; // NOLINT(performance-no-int-to-ptr)
	long n = syscall_of_libc()(SYS_sched_getaffinity, arg[0], arg[1], arg[2]);

	if (n > 0 && !cpus_leave_present(bits, (size_t)n))
		bits[0] = atomic_load(&cpus_present);
	return n;
}

/* It reads six arguments however many there are, as libc's own does. */
__attribute__((no_sanitize("address"))) long syscall(long nr, ...)
{
	long arg[6];
	va_list args;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (nr == SYS_sched_getaffinity)
		return getaffinity_of_present(arg);
	return syscall_of_libc()(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* What is not present is kept for when it comes. */
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	union {
		unsigned long bits[1024 / sizeof(unsigned long)];
		cpu_set_t set;
	} copy = { 0 };

	memcpy(&copy, set, size < sizeof(copy) ? size : sizeof(copy));
	if (!cpus_leave_present(copy.bits, sizeof(copy))) {
		errno = EINVAL;
		return -1;
	}
	return setaffinity_of_libc()(pid, size, set);
}

/* ----------------------------------------------------------- what befalls threads */

/* But the first one: by its mask tests know the machine's CPUs. */
static inline void for_each_thread(void (*fn)(pid_t tid, const cpu_set_t *set),
				   const cpu_set_t *set)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != getpid())
			fn(atoi(entry->d_name), set);
	if (dir)
		closedir(dir);
}

static inline void set_cpus_of(pid_t tid, const cpu_set_t *set)
{
	/* it may have ended */
	(void)!sched_setaffinity(tid, sizeof(*set), set);
}

/* As taskset --all-tasks does, or the system, when a cpuset changes. */
static inline void set_cpus_of_all(const cpu_set_t *set)
{
	for_each_thread(set_cpus_of, set);
}

static inline void free_if_gone(pid_t tid, const cpu_set_t *set)
{
	cpu_set_t own;

	if (sched_getaffinity(tid, sizeof(own), &own))
		return;
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &own) && cpu_is_present(cpu))
			return;
	set_cpus_of(tid, set);
}

static inline cpu_set_t all_cpus(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	return all;
}

static inline void cpu_leaves(int cpu)
{
	cpu_set_t all = all_cpus();

	atomic_fetch_and(&cpus_present, ~(1ul << cpu));
	for_each_thread(free_if_gone, &all);
}

static inline void cpu_comes_back(int cpu)
{
	atomic_fetch_or(&cpus_present, 1ul << cpu);
}

static inline void system_lifts_pins(void)
{
	cpu_set_t all = all_cpus();

	set_cpus_of_all(&all);
}

/*
 * From now on the machine has no other CPUs than the first thread may use. False: their ids are too
 * large to be played.
 */
static inline bool cpus_begin(void)
{
	union {
		unsigned long bits[1024 / sizeof(unsigned long)];
		cpu_set_t set;
	} own = { 0 };

	if (sched_getaffinity(getpid(), sizeof(own), &own.set) ||
	    CPU_COUNT_S(sizeof(own), &own.set) != __builtin_popcountl(own.bits[0]))
		return false;
	atomic_store(&cpus_present, own.bits[0]);
	atomic_store(&cpus_are_played, true);
	return true;
}

#endif /* TESTS_CPUS_STAND_IN_H */
