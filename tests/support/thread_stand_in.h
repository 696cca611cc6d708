/* SPDX-License-Identifier: MIT */
/*
 * thread_stand_in.h - stands in for pthread_create(), by which the library makes its threads.
 *
 * Between threads_refuse() and threads_allow() the library gets none. Threads of the test
 * are always made: they are those without attributes.
 */
#ifndef TESTS_THREAD_STAND_IN_H
#define TESTS_THREAD_STAND_IN_H

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef int (*thread_create_fn)(pthread_t *thread, const pthread_attr_t *attr,
				void *(*main)(void *arg), void *arg);

/* That of a sanitizer that is part of the program: the next one would not know of its threads. */
__attribute__((weak)) int __interceptor_pthread_create(pthread_t *thread,
						       const pthread_attr_t *attr,
						       void *(*main)(void *arg), void *arg);

static atomic_bool threads_are_refused;
static atomic_int nr_threads_refused; /* ever */

/* Asked for each thread of the library; true: it is not made, and pthread_create() says EAGAIN. */
static bool (*_Atomic thread_is_refused_fn)(void);

static inline thread_create_fn thread_create_of_libc(void)
{
	static _Atomic thread_create_fn found;
	thread_create_fn fn = atomic_load(&found);

	if (!fn) {
		fn = __interceptor_pthread_create;
		if (!fn)
			*(void **)&fn = dlsym(RTLD_NEXT, "pthread_create");
		atomic_store(&found, fn);
	}
	return fn;
}

static inline bool thread_is_refused(void)
{
	bool (*fn)(void) = atomic_load(&thread_is_refused_fn);

	return fn ? fn() : atomic_load(&threads_are_refused);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *arg),
		   void *arg)
{
	if (attr && thread_is_refused()) {
		atomic_fetch_add(&nr_threads_refused, 1);
		return EAGAIN;
	}
	return thread_create_of_libc()(thread, attr, main, arg);
}

static inline void threads_refuse(void)
{
	atomic_store(&threads_are_refused, true);
}

static inline void threads_allow(void)
{
	atomic_store(&threads_are_refused, false);
}

#endif /* TESTS_THREAD_STAND_IN_H */
