/* SPDX-License-Identifier: MIT */
/*
 * child.h - what tests do in children of fork().
 *
 * A child has none of the parent's other threads, and CMocka's failures mean nothing there: it says
 * what was wrong, and ends with a status that fails the test. It must not wait for anything of its
 * parent's, gates included. One that hangs is ended by SIGALRM, with the name of the hope it had.
 */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "delayed.h"
#include "item.h"
#include "sanitized.h"

enum {
	CHILD_SECONDS = 3 * DEADLINE_S,
};

/*
 * The locks of ThreadSanitizer's runtime (of gcc 12 and clang 14) may be held by other threads while
 * the process forks, and then stay held in the child, which waits for them in its next malloc() or
 * atomic operation. So there it ends at once, by a handler that comes before the library's: what is
 * tested is the parent.
 */
static __thread bool child_is_forked;

__attribute__((no_sanitize("thread"))) static void child_end_at_once(void)
{
	if (TESTS_THREAD_SANITIZED && child_is_forked)
		syscall(SYS_exit_group, EXIT_SUCCESS);
}

static void child_register(void)
{
	if (pthread_atfork(NULL, NULL, child_end_at_once))
		abort();
}

/* Before the constructors of libraries: handlers in the child come in the order of registration. */
__attribute__((section(".preinit_array"),
	       used)) static void (*const child_registration)(void) = child_register;

/* fork(), for a child that is to use the library. */
static inline pid_t child_fork(void)
{
	pid_t pid;

	fflush(NULL);
	child_is_forked = true;
	pid = fork();
	child_is_forked = false;
	return pid;
}

/*
 * LeakSanitizer takes for leaked what only the stacks of the parent's other threads know of. That
 * counts in a child that ends by exit(), such as one whose only thread returns.
 */
static bool child_ends_by_exit;

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return child_ends_by_exit;
}

#define child_must(cond)                                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: in a child: not so: %s\n", __FILE__, __LINE__,     \
				#cond);                                                            \
			_exit(EXIT_FAILURE);                                                       \
		}                                                                                  \
	} while (0)

/* The child does @fn. The parent goes on, and has child_end() wait for it. */
static inline pid_t child_begin(void (*fn)(void))
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	signal(SIGALRM, SIG_DFL);
	alarm(CHILD_SECONDS);
	fn();
	_exit(EXIT_SUCCESS);
}

/* Has it ended well? */
static inline bool child_end(pid_t pid)
{
	int status = -1;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFSIGNALED(status))
		fprintf(stderr, "a child was ended by signal %d\n", WTERMSIG(status));
	return status == 0;
}

static inline bool child_does(void (*fn)(void))
{
	return child_end(child_begin(fn));
}

/* ------------------------------------------------- what a child may expect */

static inline void child_runs_item_on(struct workqueue_struct *wq)
{
	struct item item;

	item_init(&item);
	child_must(queue_work(wq, &item.work));
	flush_work(&item.work);
	child_must(item_runs(&item) == 1);
}

/* The item is idle, and as good as any: runs once for once queued. */
static inline void child_uses_item(struct workqueue_struct *wq, struct item *item)
{
	child_must(!work_pending(&item->work) && !work_busy(&item->work));
	child_must(!cancel_work_sync(&item->work));
	child_must(!flush_work(&item->work));
	item->hold = NULL;
	atomic_store(&item->started, 0);
	child_must(queue_work(wq, &item->work));
	flush_work(&item->work);
	child_must(item_runs(item) == 1);
}

static inline void child_uses_delayed(struct workqueue_struct *wq, struct delayed_item *item)
{
	child_must(!delayed_work_pending(&item->dwork) && !work_busy(&item->dwork.work));
	child_must(!cancel_delayed_work_sync(&item->dwork));
	item->hold = NULL;
	atomic_store(&item->started, 0);
	child_must(queue_delayed_work(wq, &item->dwork, 1));
	wait_until(delayed_runs(item) == 1);
	child_must(!flush_delayed_work(&item->dwork) || delayed_runs(item) == 1);
}

#endif /* TESTS_CHILD_H */
