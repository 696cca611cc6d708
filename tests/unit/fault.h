/* SPDX-License-Identifier: MIT */
/*
 * fault.h - system calls that fail on request (support/seccomp.h), in child tests.
 */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <stdint.h>
#include <sys/syscall.h>

#include "../support/seccomp.h"
#include "unit.h"

static inline void fault_install(struct sock_filter *code, size_t len)
{
	if (!seccomp_install(code, len))
		exit(EXIT_SKIPPED);
}

/* From now on this system call gives this error; the process is skipped if that cannot be. */
static inline void fault_syscall(long nr, int error)
{
	if (!seccomp_refuse(nr, error))
		exit(EXIT_SKIPPED);
}

/* mmap() of exactly this many bytes finds no memory. */
static inline void fault_mmap_of(uint32_t size)
{
	struct sock_filter code[] = {
		FAULT_LOAD(nr),
		FAULT_UNLESS(SYS_mmap, 3),
		FAULT_LOAD(args[1]), /* the lower half: little endian */
		FAULT_UNLESS(size, 1),
		FAULT_RETURN(SECCOMP_RET_ERRNO | ENOMEM),
		FAULT_RETURN(SECCOMP_RET_ALLOW),
	};

	fault_install(code, sizeof(code) / sizeof(code[0]));
}

/* ------------------------------------------ tests where there is no membarrier */

static void (*fault_then)(void);

static inline void go_without_membarrier(void)
{
	fault_syscall(SYS_membarrier, ENOSYS);
	fault_then();
}

static inline void run_child_without_membarrier(void **state)
{
	fault_then = (void (*)(void)) * state;
	assert_child_passes(go_without_membarrier);
}

#define heavy_test(fn)                                                                             \
	{                                                                                          \
#fn "_without_membarrier", run_child_without_membarrier, unit_begin, unit_end,     \
			(void *)(fn)                                                               \
	}

#endif /* TESTS_FAULT_H */
