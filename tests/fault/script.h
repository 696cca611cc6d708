/* SPDX-License-Identifier: MIT */
/*
 * script.h - a program that uses the whole API once, and knows what it is owed.
 *
 * Whatever fails, each call does what its documentation says; the items that were
 * accepted are accounted for; and what failed for a moment is had by a second try.
 */
#ifndef TESTS_FAULT_SCRIPT_H
#define TESTS_FAULT_SCRIPT_H

#include <stdatomic.h>

#include <workq/kthread.h>
#include <workq/sched.h>
#include <workq/workq.h>
#include <workq/workqueue.h>

#include "fault/points.h"
#include "support/call.h"
#include "support/gate.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ verdict */

/* Say so, and in which step, and end the process. From any thread. */
void script_die(const char *file, int line, const char *what) __attribute__((noreturn));

#define must(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			script_die(__FILE__, __LINE__, #cond);                                     \
	} while (0)

/* For insist(): a bool result said no, and the reason is in a report. */
#define REFUSED 4096

/*
 * Have a call that may fail. @error is an expression that calls, and is 0 or an errno value,
 * of either sign. What the fault explains is tried again: once after a moment, until it works
 * in an outage. script_has_it() is false only if it fails for good.
 */
#define insist(error)                                                                              \
	do                                                                                         \
		script_begin_try();                                                                \
	while (script_must_retry((error), __FILE__, __LINE__, #error))

void script_begin_try(void);
bool script_must_retry(long error, const char *file, int line, const char *what);
bool script_has_it(void);

/* The result of a call that gives NULL and errno. */
static inline int error_of_null(const void *ptr)
{
	return ptr ? 0 : errno;
}

/* Where reports go. */
void script_report_fn(const char *line);

/* --------------------------------------------------------------- accounting */

/* Items queued: those are run, taken back, or refused by a queue that drains. */
struct account {
	atomic_uint queued, runs, taken, refused;
};

extern struct account script_account;

static inline bool count_queued(bool was_queued)
{
	atomic_fetch_add(&script_account.queued, was_queued);
	return was_queued;
}

static inline bool count_taken(bool was_pending)
{
	atomic_fetch_add(&script_account.taken, was_pending);
	return was_pending;
}

/* An item that counts its runs, and waits inside if it is told to. */
struct job {
	struct work_struct work;
	atomic_uint runs;
	struct gate *hold; /* waited for inside, if not NULL */
	void (*then)(struct job *job);
};

void job_init(struct job *job);
void job_fn(struct work_struct *work);

struct delayed_job {
	struct delayed_work dwork;
	atomic_uint runs;
};

void delayed_job_init(struct delayed_job *job);
void delayed_job_fn(struct work_struct *work);

/* Queued, run and waited for; on such a queue. */
void script_run_job(struct workqueue_struct *wq);

/* An ordered queue whose only place is taken: what is queued there stays pending. */
struct stopper {
	struct workqueue_struct *wq;
	struct job job;
	struct gate go;
};

bool stopper_start(struct stopper *stopper);
void stopper_end(struct stopper *stopper);

/* -------------------------------------------------------------------- steps */

/* For all steps, from the first to the last. */
extern struct workqueue_struct *script_percpu, *script_unbound, *script_reclaim;

/* The nth of the CPUs that the process may use, or the first. */
int script_cpu(unsigned int nth);

void step_start(void);
void step_alloc_each_kind(void);
void step_run_on_system_queues(void);
void step_change_attrs(void);
void step_change_attrs_by_name(void);
void step_change_limits(void);
void step_cancel(void);
void step_drain(void);
void step_freeze(void);
void step_wait_for_each_other(void);
void step_show(void);
void step_many_threads(void);

void step_delay(void);
void step_arm_timers(void);
void step_wait_for_grace_periods(void);
void step_call_on_cpus(void);

void step_lose_cpus(void);

void step_kthreads(void);
void step_sleep(void);
void step_kthread_workers(void);

/*
 * Faults of a library that the script is there to find, by name in its environment: it must
 * fail then.
 */
#define FAULT_SEED "WORKQ_TEST_FAULT_SEED"
extern const char *const script_seeds[3];

/* The whole; the process is what it was, but for what the library keeps for ever. */
void script_run(void);

#endif /* TESTS_FAULT_SCRIPT_H */
