/* SPDX-License-Identifier: MIT */
/*
 * timers_libuv.c - for timer.c: libuv's timers, single-threaded; left out without libuv.
 *
 * Its loop takes the time once per round, so that arming reads no clock. The
 * loop runs in expire() only: meanwhile no time passes for it.
 */
#include <err.h>
#include <stdlib.h>

#include <uv.h>

#include "timers.h"

struct timers {
	uv_loop_t loop;
	uv_timer_t *timers;
	unsigned long nr;
};

static unsigned long left;
static uint64_t end_ns;

static void count_run(uv_timer_t *timer)
{
	(void)timer;
	if (--left == 0)
		end_ns = bench_now_ns();
}

static void *create(unsigned long nr, struct workqueue_struct *wq)
{
	struct timers *timers = bench_alloc(1, sizeof(*timers));
	int error = uv_loop_init(&timers->loop);

	(void)wq;
	if (error)
		errx(EXIT_FAILURE, "uv_loop_init: %s", uv_strerror(error));
	timers->nr = nr;
	timers->timers = bench_alloc(nr, sizeof(*timers->timers));
	for (unsigned long i = 0; i < nr; i++)
		uv_timer_init(&timers->loop, &timers->timers[i]);
	return timers;
}

static void destroy(void *arg)
{
	struct timers *timers = arg;

	for (unsigned long i = 0; i < timers->nr; i++)
		uv_close((uv_handle_t *)&timers->timers[i], NULL);
	uv_run(&timers->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&timers->loop) != 0)
		errx(EXIT_FAILURE, "uv_loop_close: something is left");
	free(timers->timers);
	free(timers);
}

/* The delay is the period too: that is what uv_timer_again() goes by. */
static void start(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++)
		uv_timer_start(&timers->timers[ops[i].index], count_run, ops[i].delay,
			       ops[i].delay);
}

static void again(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++)
		uv_timer_again(&timers->timers[ops[i].index]);
}

static void stop(void *arg, const struct bench_timer_op *ops, unsigned long nr)
{
	struct timers *timers = arg;

	for (unsigned long i = 0; i < nr; i++)
		uv_timer_stop(&timers->timers[ops[i].index]);
}

static uint64_t expire(void *arg, unsigned long nr, uint64_t step_ns, struct bench_case *c)
{
	struct timers *timers = arg;
	uint64_t delay = bench_arming_ns(nr) / BENCH_NS_PER_JIFFY + 1;
	uint64_t first_ns;

	left = nr;
	uv_update_time(&timers->loop);
	first_ns = (uv_now(&timers->loop) + delay) * BENCH_NS_PER_JIFFY;
	for (unsigned long i = 0; i < nr; i++)
		uv_timer_start(&timers->timers[i], count_run,
			       delay + i * step_ns / BENCH_NS_PER_JIFFY, 0);
	bench_expire_begin(c, first_ns);
	uv_run(&timers->loop, UV_RUN_DEFAULT);
	bench_expire_end(c, first_ns);
	if (left)
		errx(EXIT_FAILURE, "%s: %lu timers of libuv did not fire", c->workload, left);
	return end_ns - first_ns;
}

const struct bench_timers bench_timers_libuv = {
	.system = "libuv",
	.timer_size = sizeof(uv_timer_t),
	.create = create,
	.destroy = destroy,
	.arm = start,
	.rearm = start,
	.rearm_same = again,
	.cancel = stop,
	.expire = expire,
};
