/* SPDX-License-Identifier: MIT */
/*
 * fault.h - system calls that fail on request.
 *
 * A seccomp filter, so that it works under every library and sanitizer. It
 * cannot be taken away: for tests in processes of their own.
 */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "unit.h"

#define FAULT_LOAD(field)                                                                          \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define FAULT_UNLESS(value, skipped)                                                               \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (skipped))
#define FAULT_RETURN(action) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(action))

static inline void fault_install(struct sock_filter *code, size_t len)
{
	struct sock_fprog program = { .len = (unsigned short)len, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(EXIT_SKIPPED);
}

/* From now on this system call gives this error; the process is skipped if that cannot be. */
static inline void fault_syscall(long nr, int error)
{
	struct sock_filter code[] = {
		FAULT_LOAD(nr),
		FAULT_UNLESS(nr, 1),
		FAULT_RETURN(SECCOMP_RET_ERRNO | error),
		FAULT_RETURN(SECCOMP_RET_ALLOW),
	};

	fault_install(code, sizeof(code) / sizeof(code[0]));
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
