/* SPDX-License-Identifier: MIT */
/*
 * waits.h - the ways in which one item waits for another.
 *
 * A baton is passed once; who waits for it sleeps as programs do: in a lock of libc's or
 * a system call, of which the library is not told, in such a call told of, or in
 * the library's own schedule().
 */
#ifndef TESTS_WAITS_H
#define TESTS_WAITS_H

#include <unistd.h>

#include <workq/sched.h>
#include <workq/workq.h>

#include "gate.h"

enum wait_kind {
	WAIT_COND,
	WAIT_READ,
	WAIT_TOLD,
	WAIT_SCHEDULE,
	NR_WAIT_KINDS,
};

struct baton {
	enum wait_kind kind;
	struct gate gate;
	int pipe[2];
	_Atomic(struct task_struct *) waiter;
	atomic_bool is_passed;
};

static inline void baton_init(struct baton *baton, enum wait_kind kind)
{
	baton->kind = kind;
	gate_init(&baton->gate);
	atomic_init(&baton->waiter, NULL);
	atomic_init(&baton->is_passed, false);
	if (pipe(baton->pipe)) {
		perror("pipe");
		abort();
	}
}

static inline void baton_fini(struct baton *baton)
{
	close(baton->pipe[0]);
	close(baton->pipe[1]);
}

/* Wait in read() for one byte; a test that waits for ever is ended by its alarm. */
static inline void wait_in_read(int fd)
{
	ssize_t nr;
	char byte;

	do
		nr = read(fd, &byte, 1);
	while (nr < 0 && errno == EINTR);
	if (nr != 1) {
		perror("read");
		abort();
	}
}

/* Let @nr readers go. */
static inline void let_readers_go(int fd, int nr)
{
	static const char bytes[256];
	ssize_t done;

	for (; nr > 0; nr -= (int)done) {
		done = write(fd, bytes, nr < 256 ? (size_t)nr : 256);
		if (done <= 0) {
			perror("write");
			abort();
		}
	}
}

static inline void wait_in_schedule(struct baton *baton)
{
	atomic_store(&baton->waiter, workq_current_task());
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (atomic_load(&baton->is_passed))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static inline void baton_wait(struct baton *baton)
{
	switch (baton->kind) {
	case WAIT_COND:
		gate_wait_at(&baton->gate, __FILE__, __LINE__, "a baton is passed");
		break;
	case WAIT_TOLD:
		workq_block_begin();
		wait_in_read(baton->pipe[0]);
		workq_block_end();
		break;
	case WAIT_SCHEDULE:
		wait_in_schedule(baton);
		break;
	default:
		wait_in_read(baton->pipe[0]);
	}
}

static inline void baton_pass(struct baton *baton)
{
	struct task_struct *waiter;

	switch (baton->kind) {
	case WAIT_COND:
		gate_open(&baton->gate);
		break;
	case WAIT_SCHEDULE:
		atomic_store(&baton->is_passed, true);
		waiter = atomic_load(&baton->waiter);
		if (waiter)
			wake_up_process(waiter);
		break;
	default:
		let_readers_go(baton->pipe[1], 1);
	}
}

#endif /* TESTS_WAITS_H */
