/* SPDX-License-Identifier: MIT */
/*
 * options.h - the tunables, one table.
 *
 * Each has a default, bounds, and an environment variable WORKQ_* that is read
 * once, when the library starts. A bad value is reported and the default kept.
 */
#ifndef WQ_BASE_OPTIONS_H
#define WQ_BASE_OPTIONS_H

#include <stdint.h>

struct wq_options {
	uint64_t idle_timeout_ms;   /* how long a surplus idle worker is kept (Q4) */
	uint64_t sample_us;         /* how often running workers are looked at while work waits */
	uint64_t defer_ms;          /* by how much a deferrable timer may be late */
	uint64_t power_efficient;   /* does WQ_POWER_EFFICIENT make a queue unbound? */
	uint64_t panic_on_stall;    /* at which report of a stall the process ends; 0: never */
	uint64_t panic_on_stall_ms; /* at a report of how long a stall; 0: never */
	uint64_t watch_switches;    /* rings for workers, see core/switches.h: 0 never, 1 once one
				    was found to wait, 2 always */
	uint64_t intensive_us;      /* an item computing for longer holds nobody off; 0: no limit */
	uint64_t intensive_warn;    /* how often before it is reported; 0: never */
	uint64_t check_items;       /* debug builds: what do items leave of their thread changed? */
	uint64_t watchdog_ms;  /* after how long without progress a pool is reported; 0: never */
	uint64_t cpu_watch_ms; /* how often, at most, it is asked which CPUs there are; 0: never */
	uint64_t max_running;  /* of an unbound pool; 0: by its CPUs and the quota */
	/* texts, copies of the library's, looked at by who uses them: */
	const char *affinity_scope; /* what WQ_AFFN_DFL stands for */
	const char *cgroup_root;    /* where /proc and the mounts of cgroups are found */
	const char *cpus;           /* of those that the process may use only these; "": all */
	const char *unbound_cpus;   /* a list such as "0-3,8"; "": all */
	const char *sysfs_root;     /* where the topology is read */
};

/* const after wq_options_read() */
extern struct wq_options wq_options;

/* 0, or -ENOMEM: to be called again. Later changes of the environment are not seen. */
int wq_options_read(void);

#endif /* WQ_BASE_OPTIONS_H */
