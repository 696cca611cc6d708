/* SPDX-License-Identifier: MIT */
/*
 * quota.h - how much CPU time the cgroups of this process give it.
 *
 * Of version 2 (cpu.max) and of version 1 (cpu.cfs_quota_us): the least of what the
 * process' cgroup and those above it have.
 */
#ifndef WQ_BASE_QUOTA_H
#define WQ_BASE_QUOTA_H

#define WQ_QUOTA_PATH 512

/* A hierarchy of cgroups: where it is mounted, and which of its groups is mounted there. */
struct wq_quota_mount {
	char point[WQ_QUOTA_PATH]; /* "": it is not mounted */
	char base[WQ_QUOTA_PATH];
};

struct wq_quota {
	const char *root;
	struct wq_quota_mount v1, v2;
};

/* Find the cgroups that are mounted. Every path, that of /proc too, is below `root`, which stays. */
void wq_quota_find(struct wq_quota *quota, const char *root);

/*
 * As many CPUs as the process may keep busy in the long run, rounded up; 0: there is no such limit,
 * or it is not to be found.
 */
unsigned int wq_quota_cpus(const struct wq_quota *quota);

#endif /* WQ_BASE_QUOTA_H */
