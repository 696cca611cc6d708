/* SPDX-License-Identifier: MIT */
/*
 * timers_wheel.c - for timer.c: the library's timing wheel by itself, single-threaded.
 *
 * No lock, no clock, no thread, nothing to run: what is left between this and
 * the library's figures. Time passes in expire() only, a tick per step.
 */
#include <err.h>
#include <limits.h>
#include <stdlib.h>

#include "base/wheel.h"
#include "timers.h"

/* As large as a delayed item: so many timers fit a cache as there. */
struct item {
	struct wq_wheel_timer timer;
	char rest[sizeof(struct delayed_work) - sizeof(struct wq_wheel_timer)];
};

struct timers {
	struct wq_wheel wheel;
	unsigned long tick;
	struct item *items;
};

enum { FIRST_TICK = 123456789 };

static void *create(unsigned long nr, struct workqueue_struct *wq)
{
	struct timers *timers = bench_alloc(1, sizeof(*timers));

	(void)wq;
	timers->tick = FIRST_TICK;
	wq_wheel_catch_up(&timers->wheel, timers->tick);
	timers->items = bench_alloc(nr, sizeof(*timers->items));
	return timers;
}

static void destroy(void *arg)
{
	struct timers *timers = arg;

	free(timers->items);
	free(timers);
}

static void arm(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++)
		wq_wheel_add(&timers->wheel, &timers->items[ops[i].index].timer,
			     timers->tick + ops[i].delay);
}

static void rearm(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++)
		wq_wheel_move(&timers->wheel, &timers->items[ops[i].index].timer,
			      timers->tick + ops[i].delay);
}

static void rearm_same(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++) {
		struct wq_wheel_timer *timer = &timers->items[ops[i].index].timer;

		wq_wheel_move(&timers->wheel, timer, timer->expires);
	}
}

static void cancel(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++)
		wq_wheel_remove(&timers->wheel, &timers->items[ops[i].index].timer);
}

/* How many it hands out until the tick @last. */
static unsigned long run_until(struct timers *timers, unsigned long last)
{
	unsigned long nr = 0;

	while (timers->tick != last) {
		unsigned int budget = UINT_MAX;

		timers->tick++;
		while (wq_wheel_expire(&timers->wheel, timers->tick, &budget))
			nr++;
	}
	return nr;
}

static uint64_t expire(void *arg, unsigned long nr, uint64_t step_ns, struct bench_case *c)
{
	struct timers *timers = arg;
	unsigned long first = timers->tick + 1;
	unsigned long last = first + nr * step_ns / BENCH_NS_PER_JIFFY;
	uint64_t ns;

	for (unsigned long i = 0; i < nr; i++)
		wq_wheel_add(&timers->wheel, &timers->items[i].timer,
			     first + i * step_ns / BENCH_NS_PER_JIFFY);
	bench_measure_begin(c);
	if (run_until(timers, last) != nr)
		errx(EXIT_FAILURE, "%s: not all came off the wheel", c->workload);
	ns = bench_measure_end(c, nr);
	return ns;
}

const struct bench_timers bench_timers_wheel = {
	.system = "wheel",
	.timer_size = sizeof(struct item),
	.create = create,
	.destroy = destroy,
	.arm = arm,
	.rearm = rearm,
	.rearm_same = rearm_same,
	.cancel = cancel,
	.expire = expire,
};
