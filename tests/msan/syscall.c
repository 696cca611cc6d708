/* SPDX-License-Identifier: MIT */
/*
 * syscall.c - stands in for libc's syscall() under MemorySanitizer (see support/written.h).
 *
 * Linked to every unit test of that build, weak: those that have a stand-in of their own keep it.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/written.h"

typedef long (*syscall_fn)(long nr, ...);

static syscall_fn libc_syscall(void)
{
	static _Atomic(syscall_fn) found;
	syscall_fn fn = atomic_load(&found);

	if (!fn) {
		*(void **)&fn = dlsym(RTLD_NEXT, "syscall");
		atomic_store(&found, fn);
	}
	return fn;
}

/* It reads six arguments however many there are, as libc's own does. */
__attribute__((weak, no_sanitize("memory"))) long syscall(long nr, ...)
{
	long arg[6];
	va_list args;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	return tell_written(nr, arg,
			    libc_syscall()(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]));
}
