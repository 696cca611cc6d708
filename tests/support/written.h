/* SPDX-License-Identifier: MIT */
/*
 * written.h - tells MemorySanitizer what system calls write, for it does not know syscall().
 *
 * Of those that the library makes in this way. In other builds: nothing.
 */
#ifndef TESTS_WRITTEN_H
#define TESTS_WRITTEN_H

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define TESTS_TELL_WRITTEN
#endif
#endif

#ifdef TESTS_TELL_WRITTEN
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <sanitizer/msan_interface.h>

/* Returns the result. */
static inline long tell_written(long nr, const long *arg, long result)
{
	if (result <= 0)
		return result;
	if (nr == SYS_read)
		__msan_unpoison((void *)arg[1], (size_t)result);
	else if (nr == SYS_readlinkat || nr == SYS_sched_getaffinity)
		__msan_unpoison((void *)arg[2], (size_t)result);
	else if (nr == SYS_epoll_pwait)
		__msan_unpoison((void *)arg[1], (size_t)result * sizeof(struct epoll_event));
	return result;
}
#else
static inline long tell_written(long nr, const long *arg, long result)
{
	(void)nr;
	(void)arg;
	return result;
}
#endif

#endif /* TESTS_WRITTEN_H */
