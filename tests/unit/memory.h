/* SPDX-License-Identifier: MIT */
/*
 * memory.h - memory that comes to an end after so many allocations.
 *
 * Stands in for libc's aligned_alloc(), by which all of the library's comes; not where a
 * sanitizer does. For tests in processes of their own.
 */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <dlfcn.h>
#include <errno.h>

#include "unit.h"

static int allocs_left = -1; /* -1: no end */

#if !TESTS_SANITIZED
/* That of musl is built on aligned_alloc(). */
static inline void *aligned_alloc_of_libc(size_t align, size_t size)
{
#ifdef __GLIBC__
	void *mem = NULL;

	return posix_memalign(&mem, align, size) ? NULL : mem;
#else
	void *(*fn)(size_t align, size_t size);

	*(void **)&fn = dlsym(RTLD_NEXT, "aligned_alloc");
	return fn(align, size);
#endif
}

void *aligned_alloc(size_t align, size_t size)
{
	if (allocs_left == 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (allocs_left > 0)
		allocs_left--;
	return aligned_alloc_of_libc(align, size);
}
#endif

static inline void need_end_of_memory(void)
{
	if (TESTS_SANITIZED)
		exit(EXIT_SKIPPED);
}

#endif /* TESTS_MEMORY_H */
