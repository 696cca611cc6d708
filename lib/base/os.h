/* SPDX-License-Identifier: MIT */
/*
 * os.h - every call into the operating system but futex (park.h), as contracts.
 *
 * Nothing above lib/base calls libc's threading, time or memory functions:
 * faults and a deterministic scheduler go in behind this door. Failure is a
 * negative errno. None of these changes the caller's errno. [handler] marks
 * what a signal handler may call.
 */
#ifndef WQ_BASE_OS_H
#define WQ_BASE_OS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__) && __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#include "base/atomic.h"
#include "base/cpuset.h"

/* Zeroed memory; align is a power of two; NULL if there is none. */
void *wq_os_alloc(size_t size, size_t align);
void wq_os_free(void *mem);

/* Zeroed pages; NULL if there are none. [handler] */
void *wq_os_map(size_t size);
void wq_os_unmap(void *mem, size_t size);

/* CLOCK_MONOTONIC in nanoseconds. [handler] */
uint64_t wq_os_now_ns(void);
void wq_os_sleep_ns(uint64_t ns);

/*
 * The same file by a high number, if there are so many: programs that close what they did not open,
 * and then open something of their own, get low ones. Closes fd, or returns it.
 */
int wq_os_fd_out_of_the_way(int fd);

/* A timer of the system on CLOCK_MONOTONIC, not set; a descriptor or a negative errno. */
int wq_os_timer_create(void);
/*
 * Set it to this time, in place of the one before; a time that is over counts as now. [handler]
 * 0, or -EBADF if the program has closed what it did not open; so does waiting.
 */
int wq_os_timer_set(int fd, uint64_t deadline_ns);
/* Sleep until the time it is set to, for good while it is not set. */
int wq_os_timer_wait(int fd);
void wq_os_timer_close(int fd);
/* Is it the descriptor of a timer? */
bool wq_os_timer_is_open(int fd);

void wq_os_yield(void);

#if defined(__x86_64__) && __has_include(<sys/rseq.h>)
/* What the system keeps for each thread says it, without a call; negative: it keeps nothing. */
static inline int wq_os_rseq_cpu(void)
{
	int cpu;

	__asm__ __volatile__("movl %%fs:%c2(%1), %0"
			     : "=r"(cpu)
			     : "r"(__rseq_offset), "i"(offsetof(struct rseq, cpu_id)));
	return cpu;
}
#else
static inline int wq_os_rseq_cpu(void)
{
	return -1;
}
#endif

/* The CPU the caller is on, outdated when it arrives; huge if unknown. [handler] */
static inline unsigned int wq_os_cpu(void)
{
#ifdef WORKQ_DEBUG
	/* for tests that stand in for libc */
	return (unsigned int)sched_getcpu();
#else
	int cpu = wq_os_rseq_cpu();

	return (unsigned int)(wq_likely(cpu >= 0) ? cpu : sched_getcpu());
#endif
}
/* CPUs the calling thread may use. */
int wq_os_allowed_cpus(struct wq_cpuset *set);
/*
 * One more than the highest CPU id this machine can ever have: 1 if the system
 * does not say, WQ_MAX_CPUS if what it says is not understood or too high.
 */
unsigned int wq_os_nr_cpu_ids(void);

/*
 * A detached thread that runs fn(arg), with default scheduling, the CPUs of
 * `cpus`, and every signal blocked but the synchronous ones, which stay deadly.
 * 0, -EAGAIN or -ENOMEM.
 */
int wq_os_thread_create(void (*fn)(void *arg), void *arg, const struct wq_cpuset *cpus);
/*
 * In such a thread: if it ends otherwise than by returning from fn, by pthread_exit() or because it
 * was cancelled, have ended_fn() called. Its frames are gone by then, its thread-local data is not.
 */
void wq_os_thread_set_ended_fn(void (*ended_fn)(void));
/*
 * The calling thread is on the list until it ends: until the destructors of its thread-local data
 * have run. Is the list empty; and has the system forgotten those that were on it last? In the
 * child of fork() nobody is on it.
 */
void wq_os_thread_enlist(void);
bool wq_os_threads_are_done(void);
bool wq_os_threads_are_forgotten(void);
void wq_os_threads_reset(void);
/* Of the calling thread; at most 15 bytes count. */
void wq_os_thread_set_name(const char *name);
int wq_os_thread_set_nice(int nice);
/* Restrict the calling thread. */
int wq_os_thread_set_cpus(const struct wq_cpuset *cpus);
/* The same for a thread with this id, and what CPUs it may use. */
int wq_os_thread_set_cpus_of(uint32_t tid, const struct wq_cpuset *cpus);
int wq_os_thread_cpus_of(uint32_t tid, struct wq_cpuset *cpus);

/* Embedded in what a thread leaves behind. */
struct wq_os_exit {
	void (*fn)(struct wq_os_exit *exit);
};
/* Have exit->fn(exit) called as the calling thread ends; one for each thread. */
int wq_os_thread_at_exit(struct wq_os_exit *exit);

/* The calling thread's asynchronous signals: block them, and set the mask that was there before. */
struct wq_os_signals {
	unsigned long bits[16];
};
struct wq_os_signals wq_os_signals_block(void);
void wq_os_signals_restore(const struct wq_os_signals *signals);

/*
 * Around each fork(): prepare before it, then parent or child, by the thread that calls it; the
 * child has no other one. 0 or -ENOMEM.
 */
int wq_os_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

/* The calling thread's id. [handler] */
uint32_t wq_os_tid(void);
/* How long the thread with this id has computed; 0: unknown. [handler] */
uint64_t wq_os_thread_cpu_ns(uint32_t tid);
/* Is there a thread with this id in the process? [handler] */
bool wq_os_thread_exists(uint32_t tid);
/* From /proc: the state letter ('R' runs or could, 'S' 'D' sleeps), and how often it has slept. */
struct wq_os_thread_state {
	char letter; /* 0: unknown, then the other is 0 too */
	uint64_t nr_sleeps;
};
struct wq_os_thread_state wq_os_thread_state(uint32_t tid);

/* Is membarrier(PRIVATE_EXPEDITED) to be had? Registers the process for it. */
bool wq_os_membarrier_register(void);
/*
 * Every thread of the process has executed a full barrier since the call began.
 * False: not so; a seccomp filter came after registering.
 */
bool wq_os_membarrier(void);

void wq_os_abort(void) __attribute__((noreturn));

/* To standard error; what cannot be written is lost. [handler] */
void wq_os_write_error(const char *text, size_t len);

/*
 * The beginning of a file, at most size - 1 bytes, and a NUL behind it in any
 * case. The number of bytes, or a negative errno.
 */
long wq_os_read_file(const char *path, char *buf, size_t size);

const char *wq_os_getenv(const char *name);

/*
 * Where a symbol of a shared library is, which is loaded, for good, if the process does not have
 * it yet. NULL: no such library or symbol; in a program linked statically always.
 */
void *wq_os_library_symbol(const char *library, const char *symbol);

#endif /* WQ_BASE_OS_H */
