/* SPDX-License-Identifier: MIT */
/*
 * stress_timer_sleep.c - arming just as the timer thread goes to sleep.
 *
 * In each round one item becomes due, and a thread that watches it arms another
 * one some microseconds later: at about the time when the timer thread has
 * looked at everything and goes to sleep. Nothing else happens then, so that an
 * item that it overlooked would stay armed for ever.
 */
#include <sched.h>

#include "support/stress.h"

enum {
	LATEST_NS = 12000, /* of arming, after the first item left its timer */
	PATIENCE_S = 20,
	FAR = 3600 * HZ, /* not within this run */
};

struct item {
	struct delayed_work dwork;
	atomic_long runs;
};

static struct workqueue_struct *wq;
static struct item first, second, far;

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(to_delayed_work(work), struct item, dwork);

	atomic_fetch_add(&own->runs, 1);
}

static long long clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void spin_ns(long ns)
{
	long long until = clock_ns() + ns;

	while (clock_ns() < until)
		;
}

static long long deadline_ns(void)
{
	return clock_ns() + PATIENCE_S * 1000000000LL;
}

/* To be there when it happens. */
static void watch_timer_of(struct item *any)
{
	long long give_up = deadline_ns();

	while (timer_pending(&any->dwork.timer) && clock_ns() < give_up)
		;
}

static bool has_run(struct item *any, long times)
{
	long long give_up = deadline_ns();

	while (atomic_load(&any->runs) < times && clock_ns() < give_up)
		usleep(50);
	return atomic_load(&any->runs) == times;
}

/* To sleep for long, or for ever: with and without something that is far away. */
static void arm_something_far(struct rng *rng)
{
	if (rng_below(rng, 2))
		mod_delayed_work(wq, &far.dwork, FAR - rng_below(rng, HZ));
	else
		cancel_delayed_work(&far.dwork);
}

static bool round_is_good(long round, struct rng *rng)
{
	long pause = rng_below(rng, LATEST_NS);

	arm_something_far(rng);
	law(queue_delayed_work(wq, &first.dwork, 1), "an idle item was not accepted");
	watch_timer_of(&first);
	spin_ns(pause);
	law(queue_delayed_work(wq, &second.dwork, 1), "an idle item was not accepted");
	law(has_run(&first, round), "round %ld, %ld ns: the first item is lost", round, pause);
	law(has_run(&second, round), "round %ld, %ld ns: the second item is lost", round, pause);
	flush_work(&first.dwork.work);
	flush_work(&second.dwork.work);
	return !atomic_load(&stress.faults);
}

static void *arm_all_rounds(void *nth)
{
	struct rng rng = rng_of(1, (int)(intptr_t)nth);

	for (long round = 1; round <= stress.ops && round_is_good(round, &rng); round++)
		;
	return NULL;
}

int main(int argc, char **argv)
{
	stress_begin("stress_timer_sleep", argc, argv, 2000, 1);
	wq = alloc_workqueue("sleep", WQ_UNBOUND, 0);
	INIT_DELAYED_WORK(&first.dwork, run_item);
	INIT_DELAYED_WORK(&second.dwork, run_item);
	INIT_DELAYED_WORK(&far.dwork, run_item);
	stress_threads(1, arm_all_rounds);
	cancel_delayed_work_sync(&first.dwork);
	cancel_delayed_work_sync(&second.dwork);
	cancel_delayed_work_sync(&far.dwork);
	destroy_workqueue(wq);
	return stress_end();
}
