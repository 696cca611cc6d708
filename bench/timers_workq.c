/* SPDX-License-Identifier: MIT */
/*
 * timers_workq.c - for timer.c: delayed items of this library.
 */
#include <err.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "timers.h"

enum { MAX_LOOKS_NS = 10000 };

struct timers {
	struct workqueue_struct *wq;
	struct delayed_work *dworks;
};

/* Of the one expiry that goes on. */
static atomic_ulong left;
static uint64_t end_ns;
static sem_t done;

static void count_run(struct work_struct *work)
{
	(void)work;
	if (atomic_fetch_sub_explicit(&left, 1, memory_order_relaxed) != 1)
		return;
	end_ns = bench_now_ns();
	sem_post(&done);
}

static void *create(unsigned long nr, struct workqueue_struct *wq)
{
	struct timers *timers = bench_alloc(1, sizeof(*timers));

	timers->wq = wq;
	timers->dworks = bench_alloc(nr, sizeof(*timers->dworks));
	for (unsigned long i = 0; i < nr; i++)
		INIT_DELAYED_WORK(&timers->dworks[i], count_run);
	return timers;
}

static void destroy(void *arg)
{
	struct timers *timers = arg;

	free(timers->dworks);
	free(timers);
}

static void arm(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	const struct timers *timers = arg;
	bool all = true;

	for (unsigned long i = 0; i < nr; i++)
		all &= queue_delayed_work(timers->wq, &timers->dworks[ops[i].index], ops[i].delay);
	if (!all)
		errx(EXIT_FAILURE, "an idle delayed item was not taken");
}

static void rearm(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	const struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++)
		mod_delayed_work(timers->wq, &timers->dworks[ops[i].index], ops[i].delay);
}

static unsigned long delay_to(unsigned long expires, unsigned long now)
{
	return time_after(expires, now) ? expires - now : 1;
}

static void rearm_same(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	const struct timers *timers = arg;
	unsigned long now = jiffies;

	for (unsigned long i = 0; i < nr; i++) {
		struct delayed_work *dwork = &timers->dworks[ops[i].index];

		mod_delayed_work(timers->wq, dwork, delay_to(dwork->timer.expires, now));
	}
}

static void cancel(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	const struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++)
		cancel_delayed_work(&timers->dworks[ops[i].index]);
}

static void settle(void *arg)
{
	const struct timers *timers = arg;

	flush_workqueue(timers->wq);
}

/* One jiffy ended between two looks that were not interrupted: right to a few looks. */
static uint64_t end_of_jiffy(unsigned long jiffy)
{
	unsigned long before, after = jiffies;
	uint64_t older_ns, old_ns = 0, ns = 0;

	do {
		before = after;
		older_ns = old_ns;
		old_ns = ns;
		after = jiffies;
		ns = bench_now_ns();
	} while (after == before || ns - older_ns > MAX_LOOKS_NS);
	return older_ns + (jiffy - before) * BENCH_NS_PER_JIFFY;
}

/* Returns when the first is due: a delay ends when its last jiffy is over. */
static uint64_t arm_all(const struct timers *timers, unsigned long nr, uint64_t step_ns)
{
	unsigned long first = jiffies + bench_arming_ns(nr) / BENCH_NS_PER_JIFFY;
	bool all = true;

	for (unsigned long i = 0; i < nr; i++) {
		unsigned long expires = first + i * step_ns / BENCH_NS_PER_JIFFY;

		all &= queue_delayed_work(timers->wq, &timers->dworks[i],
					  delay_to(expires, jiffies));
	}
	if (!all)
		errx(EXIT_FAILURE, "an idle delayed item was not taken");
	return end_of_jiffy(first);
}

static uint64_t expire(void *arg, unsigned long nr, uint64_t step_ns, struct bench_case *c)
{
	struct timers *timers = arg;
	uint64_t first_ns;

	sem_init(&done, 0, 0);
	atomic_store(&left, nr);
	first_ns = arm_all(timers, nr, step_ns);
	bench_expire_begin(c, first_ns);
	while (sem_wait(&done) != 0)
		;
	bench_expire_end(c, first_ns);
	settle(timers);
	sem_destroy(&done);
	return end_ns - first_ns;
}

const struct bench_timers bench_timers_workq = {
	.timer_size = sizeof(struct delayed_work),
	.create = create,
	.destroy = destroy,
	.arm = arm,
	.rearm = rearm,
	.rearm_same = rearm_same,
	.cancel = cancel,
	.settle = settle,
	.expire = expire,
};
