/* SPDX-License-Identifier: MIT */
/*
 * calls.h - the public calls, counted by kind and answer. Nothing else here calls the library.
 *
 * Each item is a struct delayed_work; one that is not used as such is `plain`, and is only given
 * to the calls for plain ones, by its inner item. Counts are the thread's own.
 */
#ifndef TESTS_ORACLE_CALLS_H
#define TESTS_ORACLE_CALLS_H

#include "oracle/oracle.h"

#define CALLS(C)                                                                                   \
	C(queue_work)                                                                              \
	C(queue_work_on)                                                                           \
	C(queue_delayed_work)                                                                      \
	C(queue_delayed_work_on)                                                                   \
	C(mod_delayed_work)                                                                        \
	C(mod_delayed_work_on)                                                                     \
	C(enable_and_queue_work)                                                                   \
	C(cancel_work)                                                                             \
	C(cancel_work_sync)                                                                        \
	C(cancel_delayed_work)                                                                     \
	C(cancel_delayed_work_sync)                                                                \
	C(disable_work)                                                                            \
	C(disable_work_sync)                                                                       \
	C(disable_delayed_work)                                                                    \
	C(disable_delayed_work_sync)                                                               \
	C(enable_work)                                                                             \
	C(enable_delayed_work)                                                                     \
	C(flush_work)                                                                              \
	C(flush_delayed_work)                                                                      \
	C(flush_workqueue)                                                                         \
	C(drain_workqueue)                                                                         \
	C(alloc_workqueue)                                                                         \
	C(alloc_ordered_workqueue)                                                                 \
	C(destroy_workqueue)                                                                       \
	C(workqueue_set_max_active)                                                                \
	C(workqueue_congested)                                                                     \
	C(work_pending)                                                                            \
	C(delayed_work_pending)                                                                    \
	C(work_busy)                                                                               \
	C(current_work)

#define C(name) CALL_##name,
enum call { CALLS(C) NR_CALLS };
#undef C

/* 0 and 1 are false and true; work_busy() has more, and those without an answer only 0. */
enum { NR_ANSWERS = 4 };

/* Of a thread; kept when it ends. */
struct tally {
	atomic_long calls[NR_CALLS][NR_ANSWERS];
	atomic_long total;
	atomic_long judged[2]; /* shared calls: by bounds, exactly */
	atomic_bool is_client;
	struct tally *next;
};

struct tally *tally_of_thread(void);
void tally_print(void);

/* Of all threads. An estimate while they run. */
long tally_total(bool of_clients);

static inline bool count_call(enum call call, unsigned int answer)
{
	struct tally *tally = tally_of_thread();

	count_own(&tally->calls[call][answer], 1);
	count_own(&tally->total, 1);
	return answer;
}

static inline void count_judged(bool exactly)
{
	count_own(&tally_of_thread()->judged[exactly], 1);
}

/* ------------------------------------------------------------------ queueing */

bool call_queue(const struct place *at, struct work_struct *work);
bool call_arm(const struct place *at, struct delayed_work *dwork, unsigned long delay);
bool call_mod(const struct place *at, struct delayed_work *dwork, unsigned long delay);

/* --------------------------------------------------------- taking back, waiting */

enum take { CANCEL, CANCEL_SYNC, DISABLE, DISABLE_SYNC, NR_TAKES };

static inline bool take_waits(enum take how)
{
	return how == CANCEL_SYNC || how == DISABLE_SYNC;
}

static inline bool take_disables(enum take how)
{
	return how == DISABLE || how == DISABLE_SYNC;
}

bool call_take(enum take how, bool is_plain, struct delayed_work *dwork);
bool call_enable(bool is_plain, struct delayed_work *dwork);
bool call_enable_and_queue(struct workqueue_struct *wq, struct delayed_work *dwork);
bool call_flush(struct work_struct *work);
bool call_flush_delayed(struct delayed_work *dwork);
void call_flush_queue(struct workqueue_struct *wq);

/* ------------------------------------------------------------- queues, looking */

struct workqueue_struct *call_alloc(unsigned int flags, int max_active, const char *name);
struct workqueue_struct *call_alloc_ordered(const char *name);
void call_drain(struct workqueue_struct *wq);
void call_destroy(struct workqueue_struct *wq);
void call_set_max_active(struct workqueue_struct *wq, int max_active);
void call_congested(int cpu, struct workqueue_struct *wq);

bool call_pending(bool is_plain, struct delayed_work *dwork);
unsigned int call_busy(struct work_struct *work);
struct work_struct *call_current(void);

#endif /* TESTS_ORACLE_CALLS_H */
