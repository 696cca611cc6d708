/* SPDX-License-Identifier: MIT */
/*
 * seccomp.h - system calls that fail on request.
 *
 * A filter works under every library and sanitizer, and holds for all threads. It cannot
 * be taken away: for tests in processes of their own.
 */
#ifndef TESTS_SECCOMP_H
#define TESTS_SECCOMP_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAULT_LOAD(field)                                                                          \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define FAULT_UNLESS(value, skipped)                                                               \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (skipped))
#define FAULT_RETURN(action) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(action))

/* False: there are no filters to be had. */
static inline bool seccomp_install(struct sock_filter *code, size_t len)
{
	struct sock_fprog program = { .len = (unsigned short)len, .filter = code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

/* From now on this system call gives this error. */
static inline bool seccomp_refuse(long nr, int error)
{
	struct sock_filter code[] = {
		FAULT_LOAD(nr),
		FAULT_UNLESS(nr, 1),
		FAULT_RETURN(SECCOMP_RET_ERRNO | error),
		FAULT_RETURN(SECCOMP_RET_ALLOW),
	};

	return seccomp_install(code, sizeof(code) / sizeof(code[0]));
}

#endif /* TESTS_SECCOMP_H */
