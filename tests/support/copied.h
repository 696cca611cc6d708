/* SPDX-License-Identifier: MIT */
/*
 * copied.h - what others do while the process is copied by fork().
 *
 * While the library stands still, libc's fork() waits for locks of libc's. A handler that comes after
 * the library's stands for that: it was registered before. A program includes this once.
 */
#ifndef TESTS_COPIED_H
#define TESTS_COPIED_H

#include <pthread.h>
#include <stdlib.h>

/* Called by the next fork(), once, with all locks of the library held: wait there for others. */
static void (*while_copied)(void);

static void copied_prepare(void)
{
	void (*fn)(void) = while_copied;

	while_copied = NULL;
	if (fn)
		fn();
}

static void copied_register(void)
{
	if (pthread_atfork(copied_prepare, NULL, NULL))
		abort();
}

/* Before the constructors of libraries: handlers before fork() come in the reverse order. */
#ifdef __GLIBC__
__attribute__((section(".preinit_array"),
	       used)) static void (*const copied_registration)(void) = copied_register;
#else /* musl has none; programs are linked statically there, so that a constructor is early enough */
__attribute__((constructor(101))) static void copied_construct(void)
{
	copied_register();
}
#endif

#endif /* TESTS_COPIED_H */
