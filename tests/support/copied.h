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
#include <stdbool.h>
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

/* Where musl has no .preinit_array a constructor is early enough for programs that are linked statically. */
__attribute__((constructor(101))) static void copied_register(void)
{
	static bool is_registered;

	if (is_registered)
		return;
	is_registered = true;
	if (pthread_atfork(copied_prepare, NULL, NULL))
		abort();
}

/* Before the constructors of libraries: handlers before fork() come in the reverse order. */
__attribute__((section(".preinit_array"),
	       used)) static void (*const copied_registration)(void) = copied_register;

#endif /* TESTS_COPIED_H */
