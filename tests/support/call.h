/* SPDX-License-Identifier: MIT */
/*
 * call.h - call something in a thread of its own, and see whether it waits.
 *
 * call_blocks() is how a test learns that a call waits: it looks until the
 * thread is asleep, however long that takes, or back. It cannot take a slow
 * call for a waiting one's opposite: "back" is only said when it is.
 */
#ifndef TESTS_CALL_H
#define TESTS_CALL_H

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <workq/workqueue.h>

#include "gate.h"

struct call {
	pthread_t thread;
	long (*fn)(void *arg);
	void *arg;
	long result;
	atomic_int tid;
	atomic_bool back;
};

static inline void *call_main(void *arg)
{
	struct call *call = arg;

	atomic_store(&call->tid, (int)syscall(SYS_gettid));
	call->result = call->fn(call->arg);
	atomic_store(&call->back, true);
	return NULL;
}

static inline void call_start(struct call *call, long (*fn)(void *arg), void *arg)
{
	call->fn = fn;
	call->arg = arg;
	call->result = 0;
	atomic_init(&call->tid, 0);
	atomic_init(&call->back, false);
	if (pthread_create(&call->thread, NULL, call_main, call)) {
		perror("pthread_create");
		abort();
	}
}

static inline bool call_is_back(struct call *call)
{
	return atomic_load(&call->back);
}

/* Wait for its return; @return what it returned. */
static inline long call_join(struct call *call)
{
	wait_until(call_is_back(call));
	pthread_join(call->thread, NULL);
	return call->result;
}

/* State letter of a thread of ours, as in /proc/PID/stat; '?' if it is gone. */
static inline char thread_state(int tid)
{
	char path[64], buf[256] = "";
	char *paren;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return '?';
	if (!fgets(buf, sizeof(buf), f))
		buf[0] = '\0';
	fclose(f);
	paren = strrchr(buf, ')');
	return paren && paren[1] ? paren[2] : '?';
}

enum {
	CALL_LOOKS = 5,
	CALL_LOOKS_LATE = 15,
	CALL_LATE_NS = 5000000,
};

/* A look later; was that late? */
static inline bool call_nap_is_late(void)
{
	long long begin = now_ns();

	nap_us(1000);
	return now_ns() - begin > CALL_LATE_NS;
}

/*
 * Does the call wait? Asleep at some looks in a row counts as waiting. Where looks come late, CPUs
 * are short: it might be asleep for a lock, whose holder waits for a CPU, so there are more of them.
 */
static inline bool call_blocks(struct call *call)
{
	long long give_up = deadline_ns();
	int wanted = CALL_LOOKS;

	wait_until(atomic_load(&call->tid));
	for (int asleep = 0; asleep < wanted && !call_is_back(call);) {
		asleep = thread_state(atomic_load(&call->tid)) == 'S' ? asleep + 1 : 0;
		if (now_ns() > give_up)
			missed_deadline(__FILE__, __LINE__, "the call is back or asleep");
		if (call_nap_is_late())
			wanted = CALL_LOOKS_LATE;
	}
	return !call_is_back(call);
}

/* --------------------------------------------- the calls that tests make so */

static inline long do_flush_work(void *work)
{
	return flush_work(work);
}

static inline long do_cancel_work_sync(void *work)
{
	return cancel_work_sync(work);
}

static inline long do_disable_work_sync(void *work)
{
	return disable_work_sync(work);
}

static inline long do_cancel_work(void *work)
{
	return cancel_work(work);
}

static inline long do_disable_work(void *work)
{
	return disable_work(work);
}

static inline long do_flush_delayed_work(void *dwork)
{
	return flush_delayed_work(dwork);
}

static inline long do_cancel_delayed_work_sync(void *dwork)
{
	return cancel_delayed_work_sync(dwork);
}

static inline long do_disable_delayed_work_sync(void *dwork)
{
	return disable_delayed_work_sync(dwork);
}

static inline long do_timer_delete_sync(void *timer)
{
	return timer_delete_sync(timer);
}

static inline long do_timer_shutdown_sync(void *timer)
{
	return timer_shutdown_sync(timer);
}

static inline long do_flush_workqueue(void *wq)
{
	flush_workqueue(wq);
	return 0;
}

static inline long do_drain_workqueue(void *wq)
{
	drain_workqueue(wq);
	return 0;
}

static inline long do_destroy_workqueue(void *wq)
{
	destroy_workqueue(wq);
	return 0;
}

#endif /* TESTS_CALL_H */
