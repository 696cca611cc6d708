/* SPDX-License-Identifier: MIT */
/*
 * calls.c - see calls.h: calls the library, counts, and plays the seeded fault.
 *
 * Threads of the library do calls too, and end when they like: a tally is made with a thread's
 * first call and stays in the list.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "oracle/calls.h"

/* -------------------------------------------------------------------- tallies */

static _Atomic(struct tally *) tallies;
static _Thread_local struct tally *own_tally;

struct tally *tally_of_thread(void)
{
	struct tally *tally = own_tally;

	if (tally)
		return tally;
	tally = own_tally = must_alloc(sizeof(*tally));
	tally->next = atomic_load(&tallies);
	while (!atomic_compare_exchange_weak(&tallies, &tally->next, tally))
		;
	return tally;
}

long tally_total(bool of_clients)
{
	long total = 0;

	for (struct tally *tally = atomic_load(&tallies); tally; tally = tally->next)
		if (tally->is_client || !of_clients)
			total += count_of(&tally->total);
	return total;
}

static long sum_of(enum call call, int answer)
{
	long sum = 0;

	for (struct tally *tally = atomic_load(&tallies); tally; tally = tally->next)
		sum += count_of(&tally->calls[call][answer]);
	return sum;
}

static long sum_judged(bool exactly)
{
	long sum = 0;

	for (struct tally *tally = atomic_load(&tallies); tally; tally = tally->next)
		sum += count_of(&tally->judged[exactly]);
	return sum;
}

void tally_print(void)
{
#define C(name) #name,
	static const char *const names[] = { CALLS(C) };
#undef C

	printf("%-28s %12s %12s %12s %12s\n", "call", "0, false", "1, true", "2", "3");
	for (int call = 0; call < NR_CALLS; call++) {
		printf("%-28s", names[call]);
		for (int answer = 0; answer < NR_ANSWERS; answer++)
			printf(" %12ld", sum_of((enum call)call, answer));
		printf("\n");
	}
	printf("calls that can change shared items: %ld judged exactly, %ld by bounds\n",
	       sum_judged(true), sum_judged(false));
}

/* ---------------------------------------------------------------------- seeds */

#ifdef ORACLE_SEEDED
#define S(name, letter, odds, scene, what) odds,
static const unsigned int odds_of[] = { SEEDS(S) };
#undef S

bool seeded(enum seed seed)
{
	static _Thread_local struct rng rng;

	if (oracle.seeded != seed)
		return false;
	if (!rng.state)
		rng.state = oracle.seed + (uint64_t)(uintptr_t)&rng;
	return rng_below(&rng, odds_of[seed]) == 0;
}
#endif

/* What the thread queued last; only seeded faults ask. */
static _Thread_local struct work_struct *last_queued;

/* ------------------------------------------------------------------- queueing */

static bool queue_at(const struct place *at, struct work_struct *work)
{
	if (at->cpu < 0)
		return count_call(CALL_queue_work, queue_work(at->wq, work));
	return count_call(CALL_queue_work_on, queue_work_on(at->cpu, at->wq, work));
}

/* The one before is taken back and queued again, behind this one. */
static bool queue_and_overtake(const struct place *at, struct work_struct *work)
{
	static _Thread_local struct place last_at;
	struct work_struct *before = last_queued;
	bool answer = queue_at(at, work);

	if (answer && before && before != work && last_at.wq == at->wq &&
	    seeded(SEED_QUEUE_OVERTAKES) && cancel_work(before))
		queue_at(&last_at, before);
	last_queued = answer ? work : NULL;
	last_at = *at;
	return answer;
}

static bool play_answer(const struct place *at, struct work_struct *work, bool answer)
{
	if (answer)
		return !seeded(SEED_QUEUE_SAYS_FALSE);
	if (work_pending(work))
		return seeded(SEED_QUEUE_SAYS_TRUE);
	if (!seeded(SEED_QUEUE_DISABLED))
		return false;
	enable_work(work);
	return queue_work(at->wq, work);
}

bool call_queue(const struct place *at, struct work_struct *work)
{
	struct place elsewhere = { system_dfl_wq, -1 };

	if (oracle.seeded == SEED_NONE)
		return queue_at(at, work);
	if (oracle.seeded == SEED_QUEUE_OVERTAKES)
		return queue_and_overtake(at, work);
	last_queued = work;
	if (seeded(SEED_QUEUE_LOSES))
		return !work_pending(work);
	if (seeded(SEED_QUEUE_ELSEWHERE))
		return queue_at(&elsewhere, work);
	return play_answer(at, work, queue_at(at, work));
}

static unsigned long play_delay(unsigned long delay)
{
	if (delay == 0)
		return seeded(SEED_DELAY_ZERO_ARMS);
	return delay < FAR ? delay - seeded(SEED_DELAY_IS_SHORT) : delay;
}

bool call_arm(const struct place *at, struct delayed_work *dwork, unsigned long delay)
{
	delay = play_delay(delay);
	if (at->cpu < 0)
		return count_call(CALL_queue_delayed_work,
				  queue_delayed_work(at->wq, dwork, delay));
	return count_call(CALL_queue_delayed_work_on,
			  queue_delayed_work_on(at->cpu, at->wq, dwork, delay));
}

static bool mod_at(const struct place *at, struct delayed_work *dwork, unsigned long delay)
{
	if (at->cpu < 0)
		return count_call(CALL_mod_delayed_work, mod_delayed_work(at->wq, dwork, delay));
	return count_call(CALL_mod_delayed_work_on,
			  mod_delayed_work_on(at->cpu, at->wq, dwork, delay));
}

bool call_mod(const struct place *at, struct delayed_work *dwork, unsigned long delay)
{
	bool answer;

	delay = play_delay(delay);
	if (delayed_work_pending(dwork) && seeded(SEED_MOD_LEAVES))
		return true;
	answer = mod_at(at, dwork, delay);
	if (!answer && !delayed_work_pending(dwork) && seeded(SEED_MOD_DISABLED)) {
		enable_delayed_work(dwork);
		return mod_at(at, dwork, delay);
	}
	return answer || seeded(SEED_MOD_SAYS_TRUE);
}

/* ---------------------------------------------------------------- taking back */

static bool take_plain(enum take how, struct work_struct *work)
{
	switch (how) {
	case CANCEL:
		return count_call(CALL_cancel_work, cancel_work(work));
	case CANCEL_SYNC:
		return count_call(CALL_cancel_work_sync, cancel_work_sync(work));
	case DISABLE:
		return count_call(CALL_disable_work, disable_work(work));
	default:
		return count_call(CALL_disable_work_sync, disable_work_sync(work));
	}
}

static bool take_delayed(enum take how, struct delayed_work *dwork)
{
	switch (how) {
	case CANCEL:
		return count_call(CALL_cancel_delayed_work, cancel_delayed_work(dwork));
	case CANCEL_SYNC:
		return count_call(CALL_cancel_delayed_work_sync, cancel_delayed_work_sync(dwork));
	case DISABLE:
		return count_call(CALL_disable_delayed_work, disable_delayed_work(dwork));
	default:
		return count_call(CALL_disable_delayed_work_sync, disable_delayed_work_sync(dwork));
	}
}

static bool take_item(enum take how, bool is_plain, struct delayed_work *dwork)
{
	return is_plain ? take_plain(how, &dwork->work) : take_delayed(how, dwork);
}

static bool cancel_until_idle(bool is_plain, struct delayed_work *dwork)
{
	bool answer = false;

	while (work_busy(&dwork->work))
		answer |= take_item(CANCEL, is_plain, dwork);
	return answer;
}

bool call_take(enum take how, bool is_plain, struct delayed_work *dwork)
{
	bool answer;

	if (oracle.seeded == SEED_NONE)
		return take_item(how, is_plain, dwork);
	if (how == CANCEL && work_pending(&dwork->work) && seeded(SEED_CANCEL_LEAVES))
		return true;
	if (how == CANCEL_SYNC && seeded(SEED_CANCEL_STAYS_ON))
		return cancel_until_idle(is_plain, dwork);
	if (how == CANCEL_SYNC && seeded(SEED_CANCEL_STAYS_OFF))
		how = DISABLE_SYNC;
	if (take_waits(how) && seeded(SEED_CANCEL_NO_WAIT))
		how--;
	answer = take_item(how, is_plain, dwork);
	if (how == DISABLE && seeded(SEED_DISABLE_COUNTS_ONCE) && !enable_work(&dwork->work))
		return answer;
	if (how == DISABLE && oracle.seeded == SEED_DISABLE_COUNTS_ONCE)
		return answer;
	return (answer && !seeded(SEED_CANCEL_SAYS_FALSE)) ||
	       (!answer && seeded(SEED_CANCEL_SAYS_TRUE));
}

static bool enable_item(bool is_plain, struct delayed_work *dwork)
{
	if (is_plain)
		return count_call(CALL_enable_work, enable_work(&dwork->work));
	return count_call(CALL_enable_delayed_work, enable_delayed_work(dwork));
}

bool call_enable(bool is_plain, struct delayed_work *dwork)
{
	bool answer = enable_item(is_plain, dwork);

	if (answer && seeded(SEED_ENABLE_QUEUES))
		queue_work(system_dfl_wq, &dwork->work);
	return answer || seeded(SEED_ENABLE_SAYS_TRUE);
}

bool call_enable_and_queue(struct workqueue_struct *wq, struct delayed_work *dwork)
{
	return count_call(CALL_enable_and_queue_work, enable_and_queue_work(wq, &dwork->work));
}

/* -------------------------------------------------------------------- waiting */

bool call_flush(struct work_struct *work)
{
	bool answer;

	if (seeded(SEED_FLUSH_NO_WAIT))
		return count_call(CALL_flush_work, work_pending(work));
	answer = flush_work(work);
	return count_call(CALL_flush_work, answer || seeded(SEED_FLUSH_SAYS_TRUE));
}

bool call_flush_delayed(struct delayed_work *dwork)
{
	if (seeded(SEED_FLUSH_TIMER_STAYS))
		return flush_work(&dwork->work);
	return count_call(CALL_flush_delayed_work, flush_delayed_work(dwork));
}

void call_flush_queue(struct workqueue_struct *wq)
{
	if (!seeded(SEED_FLUSH_QUEUE_NO_WAIT))
		flush_workqueue(wq);
	count_call(CALL_flush_workqueue, 0);
}

/* --------------------------------------------------------------------- queues */

struct workqueue_struct *call_alloc(unsigned int flags, int max_active, const char *name)
{
	struct workqueue_struct *wq;

	if (max_active && seeded(SEED_LIMIT_IGNORED))
		max_active++;
	wq = alloc_workqueue("%s", flags, max_active, name);
	law(wq, "no queue");
	count_call(CALL_alloc_workqueue, 1);
	return wq;
}

struct workqueue_struct *call_alloc_ordered(const char *name)
{
	struct workqueue_struct *wq;

	if (seeded(SEED_LIMIT_IGNORED))
		return alloc_workqueue("%s", WQ_UNBOUND, 2, name);
	wq = alloc_ordered_workqueue("%s", 0, name);
	law(wq, "no queue");
	count_call(CALL_alloc_ordered_workqueue, 1);
	return wq;
}

void call_drain(struct workqueue_struct *wq)
{
	if (seeded(SEED_DRAIN_REFUSES_NOBODY))
		flush_workqueue(wq);
	else if (!seeded(SEED_DRAIN_NO_WAIT))
		drain_workqueue(wq);
	count_call(CALL_drain_workqueue, 0);
}

void call_destroy(struct workqueue_struct *wq)
{
	if (last_queued && seeded(SEED_DESTROY_DROPS))
		cancel_work(last_queued);
	destroy_workqueue(wq);
	count_call(CALL_destroy_workqueue, 0);
}

void call_set_max_active(struct workqueue_struct *wq, int max_active)
{
	if (!seeded(SEED_RAISE_IGNORED))
		workqueue_set_max_active(wq, max_active);
	count_call(CALL_workqueue_set_max_active, 0);
}

void call_congested(int cpu, struct workqueue_struct *wq)
{
	count_call(CALL_workqueue_congested, workqueue_congested(cpu, wq));
}

/* -------------------------------------------------------------------- looking */

bool call_pending(bool is_plain, struct delayed_work *dwork)
{
	bool answer;

	if (current_work() == &dwork->work && seeded(SEED_RUN_PENDING))
		return true;
	if (is_plain)
		return count_call(CALL_work_pending, work_pending(&dwork->work));
	answer = delayed_work_pending(dwork) && !seeded(SEED_PENDING_FORGETS_TIMER);
	return count_call(CALL_delayed_work_pending, answer);
}

unsigned int call_busy(struct work_struct *work)
{
	unsigned int answer = work_busy(work);

	if (seeded(SEED_BUSY_FORGETS_RUN))
		answer &= WORK_BUSY_PENDING;
	count_call(CALL_work_busy, answer & 3);
	return answer;
}

struct work_struct *call_current(void)
{
	struct work_struct *work = current_work();

	count_call(CALL_current_work, work != NULL);
	return work;
}
