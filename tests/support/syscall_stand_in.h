/* SPDX-License-Identifier: MIT */
/*
 * syscall_stand_in.h - stands in for libc's syscall(), which the library calls.
 *
 * A test that includes it counts what the library asks the kernel for, or refuses it,
 * without any change to the library. The stand-in hands on everything else.
 */
#ifndef TESTS_SYSCALL_STAND_IN_H
#define TESTS_SYSCALL_STAND_IN_H

#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "written.h"

#ifndef SYSCALL_IS_ANSWERED
/* Asked of the test for each call: true if it is to fail; errno is set. */
static bool syscall_is_refused(long nr);

static inline bool syscall_is_failed(long nr, long *result)
{
	*result = -1;
	return syscall_is_refused(nr);
}

/* A test may answer calls itself: true if it has; it may change the arguments of others. */
#define SYSCALL_IS_ANSWERED(nr, arg, result) syscall_is_failed((nr), (result))
#endif

static long syscall_hand_on(long nr, const long *arg)
{
	static long (*_Atomic libc_syscall)(long nr, ...);
	long (*fn)(long nr, ...) = atomic_load(&libc_syscall);

	if (!fn) {
		*(void **)&fn = dlsym(RTLD_NEXT, "syscall");
		atomic_store(&libc_syscall, fn);
	}
	return tell_written(nr, arg, fn(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]));
}

/* It reads six arguments however many there are, as libc's own does. */
__attribute__((no_sanitize("address"))) long syscall(long nr, ...)
{
	long arg[6], result;
	va_list args;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	return SYSCALL_IS_ANSWERED(nr, arg, &result) ? result : syscall_hand_on(nr, arg);
}

#endif /* TESTS_SYSCALL_STAND_IN_H */
