/* SPDX-License-Identifier: MIT */
/*
 * flush.c - what a process has covered is written down however it ends.
 *
 * gcov writes when exit() is called. Children of tests end by _exit() and abort() too, and in those
 * runs what the tests were made for: the library at the end of a process, in children of fork(), and
 * after a broken invariant.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);
void __gcov_lock(void);
void __gcov_unlock(void);
pid_t __gcov_fork(void);
pid_t fork_of_libc(void) __asm__("fork");

/*
 * What gcov calls in place of fork(). Its own forgets, in the child, what the library's handler has
 * just done there. Under gcov's lock, so that no thread that is left behind has it.
 */
pid_t __gcov_fork(void)
{
	pid_t pid;

	__gcov_dump();
	__gcov_reset();
	__gcov_lock();
	pid = fork_of_libc();
	__gcov_unlock();
	return pid;
}

/* In place of libc's. */
void _exit(int status)
{
	__gcov_dump();
	for (;;)
		syscall(SYS_exit_group, status);
}

/* The same; tests decide what becomes of the signal. */
void abort(void)
{
	void (*abort_of_libc)(void);

	__gcov_dump();
	*(void **)&abort_of_libc = dlsym(RTLD_NEXT, "abort");
	abort_of_libc();
	__builtin_unreachable();
}
