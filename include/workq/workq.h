/* SPDX-License-Identifier: MIT */
/*
 * workq.h - what libworkq adds to the kernel's API. All names begin with workq_.
 */
#ifndef WORKQ_WORKQ_H
#define WORKQ_WORKQ_H

#include <workq/workqueue.h>

#define WORKQ_FUNCTION(ret) WORKQ_EXTERN_C __attribute__((visibility("default"))) ret

/**
 * workq_start - start the library now instead of at its first use
 *
 * Needed before queue_work() may be called from a signal handler; any earlier
 * use of the library from a thread has the same effect. Makes the pools of the
 * CPUs that the process might use when the library was loaded, and the manager
 * thread. Workers start when there is work.
 *
 * Context: any thread; not a signal handler. Return: 0, also if started already, or
 *   -ENOMEM  no memory
 *   -EAGAIN  the manager thread could not be created; may be tried again
 */
WORKQ_FUNCTION(int) workq_start(void);

/**
 * workq_block_begin - a work function is about to wait for something
 *
 * Around a blocking call, tells the pool at once that its CPU is free for the
 * next item; without it the pool finds out by itself, some milliseconds later.
 * Nests. Outside of a work function it does nothing. The library's own waits
 * (flush_work(), cancel_work_sync(), ...) do it themselves.
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_FUNCTION(void) workq_block_begin(void);

/**
 * workq_block_end - the wait announced by workq_block_begin() is over
 *
 * Context: any thread; not a signal handler.
 */
WORKQ_FUNCTION(void) workq_block_end(void);

/**
 * typedef workq_report_fn - receives the library's reports
 * @line: one line without newline, such as
 *        "workq: WARNING: work disable count underflowed"
 *
 * Context: whatever thread, or signal handler, was at fault: async-signal-safe
 * functions only, and none of this library's that may sleep.
 */
typedef void (*workq_report_fn)(const char *line);

/**
 * workq_set_report_fn - where reports of misuse go
 * @fn: the function, or NULL for the default: the line on standard error
 *
 * Misuse the kernel WARNs about is reported as "workq: WARNING: ...", each time
 * or, where the kernel does so, once; then the documented result follows. What else is worth
 * knowing (a value that was clamped, a thread that could not be made) comes as
 * "workq: note: ...".
 *
 * Context: any thread, signal handler. Return: the function it replaces.
 */
WORKQ_FUNCTION(workq_report_fn) workq_set_report_fn(workq_report_fn fn);

/**
 * workq_version - the version of the library that is linked
 *
 * Return: a string such as "0.1.0"; compare with WORKQ_VERSION of the header.
 */
WORKQ_FUNCTION(const char *) workq_version(void);

#endif /* WORKQ_WORKQ_H */
