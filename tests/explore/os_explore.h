/* SPDX-License-Identifier: MIT */
/*
 * os_explore.h - what the deterministic back end offers to scenarios.
 */
#ifndef EXPLORE_OS_EXPLORE_H
#define EXPLORE_OS_EXPLORE_H

/* The parts of fork() that the parent sees: all is held while the process is copied by `copy`. */
void explore_fork(void (*copy)(void));
/* For syscall() in the library; sched_getcpu() is explore_cpu(). */
long explore_syscall(long nr, ...);

#endif /* EXPLORE_OS_EXPLORE_H */
