/* SPDX-License-Identifier: MIT */
/*
 * periodic.c - an item that runs periodically, without drift.
 *
 * The rule: the next due time is the last *due time* plus the period, not the
 * time now plus the period. So lateness does not add up. Periods that are over
 * by then are skipped, and counted. Prints:
 *	it ran 10 times: yes
 *	early runs: 0
 *	the slow run missed some periods: yes
 *	runs and missed periods add up: yes
 *	runs after the cancel: 0
 */
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <workq/workqueue.h>

/* ------------------------------------------------------- to copy: a ticker */

struct ticker {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	unsigned long period;    /* in jiffies */
	unsigned long due;       /* when the present or next run is due */
	unsigned long nr_missed; /* periods skipped */
	void (*fn)(struct ticker *ticker);
};

static void arm_for_next_period(struct ticker *ticker)
{
	unsigned long now = jiffies;
	unsigned long nr = 0;

	ticker->due += ticker->period;
	if (time_before(ticker->due, now))
		nr = (now - ticker->due + ticker->period - 1) / ticker->period;
	ticker->nr_missed += nr;
	ticker->due += nr * ticker->period;
	queue_delayed_work(ticker->wq, &ticker->dwork, ticker->due - now);
}

static void run_ticker(struct work_struct *work)
{
	struct ticker *ticker = from_work(ticker, work, dwork.work);

	ticker->fn(ticker);
	arm_for_next_period(ticker); /* refused while ticker_stop() waits */
}

static void ticker_start(struct ticker *ticker)
{
	INIT_DELAYED_WORK(&ticker->dwork, run_ticker);
	ticker->due = jiffies + ticker->period;
	ticker->nr_missed = 0;
	queue_delayed_work(ticker->wq, &ticker->dwork, ticker->period);
}

/* When it returns the ticker does not run, and will not. */
static void ticker_stop(struct ticker *ticker)
{
	cancel_delayed_work_sync(&ticker->dwork);
}

/* --------------------------------------------------------- trying it out */

enum {
	PERIOD_MS = 20,
	NR_RUNS = 10,
	SLOW_RUN = 3,
};

/* Touched by the ticker's function, and when it has been stopped. */
static struct {
	unsigned long nr_runs;
	unsigned long nr_early;
	unsigned long first_due;
	unsigned long last_due;
	unsigned long last_missed; /* periods missed until the last run */
} seen;

static sem_t enough;

static void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

static void tick(struct ticker *ticker)
{
	seen.nr_runs++;
	if (seen.nr_runs == 1)
		seen.first_due = ticker->due;
	seen.last_due = ticker->due;
	seen.last_missed = ticker->nr_missed;
	if (time_before(jiffies, ticker->due))
		seen.nr_early++;
	if (seen.nr_runs == SLOW_RUN)
		sleep_ms(3 * PERIOD_MS);
	if (seen.nr_runs == NR_RUNS)
		sem_post(&enough);
}

static bool adds_up(const struct ticker *ticker)
{
	unsigned long nr_periods = seen.nr_runs - 1 + seen.last_missed;

	return seen.last_due == seen.first_due + nr_periods * ticker->period;
}

static unsigned long count_later_runs(void)
{
	unsigned long nr_runs = seen.nr_runs;

	sleep_ms(5 * PERIOD_MS);
	return seen.nr_runs - nr_runs;
}

static const char *yes_or_no(bool yes)
{
	return yes ? "yes" : "no";
}

int main(void)
{
	struct ticker ticker = { .period = msecs_to_jiffies(PERIOD_MS), .fn = tick };

	ticker.wq = alloc_workqueue("periodic", WQ_PERCPU, 0);
	if (!ticker.wq || sem_init(&enough, 0, 0)) {
		perror("periodic");
		return EXIT_FAILURE;
	}
	ticker_start(&ticker);
	while (sem_wait(&enough))
		; /* a signal */
	ticker_stop(&ticker);

	printf("it ran %d times: %s\n", NR_RUNS, yes_or_no(seen.nr_runs >= NR_RUNS));
	printf("early runs: %lu\n", seen.nr_early);
	printf("the slow run missed some periods: %s\n", yes_or_no(seen.last_missed >= 2));
	printf("runs and missed periods add up: %s\n", yes_or_no(adds_up(&ticker)));
	printf("runs after the cancel: %lu\n", count_later_runs());
	destroy_workqueue(ticker.wq);
	return EXIT_SUCCESS;
}
