/* SPDX-License-Identifier: MIT */
/*
 * stress_signal.c - queue_work() in signal handlers.
 *
 * Each thread is interrupted by two timers, whose handlers may also interrupt
 * each other, and which queue items wherever they find the thread: in a
 * queue_work(), a cancel, a flush, a malloc(). Timers are set anew for each
 * operation, since periodic ones may leave a slow machine no time to go on. When
 * all is quiet, what was accepted must have run or been taken back (A4), and
 * errno must have survived.
 */
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

#include "support/stress.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	NR_QUEUES = 4,
	PER_QUEUE = 8,
	NR_ITEMS = NR_QUEUES * PER_QUEUE,
	CPUS = 8,
	LATEST_US = 30, /* of an operation's interruption, after its beginning */
	STRANGE_ERRNO = 4711,
};

struct item {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int inside;
	atomic_long queued, taken, runs;
};

static struct workqueue_struct *queue[NR_QUEUES];
static struct item item[NR_ITEMS];
static atomic_long signals, queued_by_handlers, nested;
static __thread struct rng handler_rng;
static __thread volatile sig_atomic_t depth;

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(work, struct item, work);

	law(atomic_fetch_add(&own->inside, 1) == 0, "an item runs twice at once");
	atomic_fetch_add(&own->runs, 1);
	atomic_fetch_sub(&own->inside, 1);
}

/* -------------------------------------------------------------- interrupting */

static bool queue_any(struct rng *rng)
{
	struct item *any = &item[rng_below(rng, NR_ITEMS)];
	bool queued;

	if (rng_below(rng, 2))
		queued = queue_work(any->wq, &any->work);
	else
		queued = queue_work_on(rng_below(rng, CPUS), any->wq, &any->work);
	atomic_fetch_add(&any->queued, queued);
	return queued;
}

static void on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	atomic_fetch_add(&signals, 1);
	atomic_fetch_add(&nested, depth++ > 0);
	errno = STRANGE_ERRNO;
	for (int i = 0; i < 2; i++)
		atomic_fetch_add(&queued_by_handlers, queue_any(&handler_rng));
	if (errno != STRANGE_ERRNO)
		atomic_fetch_add(&stress.faults, 1);
	depth--;
	errno = saved;
}

static timer_t make_timer(int sig)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig };
	timer_t timer;

	event.sigev_notify_thread_id = syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer)) {
		perror("timer_create");
		exit(EXIT_FAILURE);
	}
	return timer;
}

static void interrupt_soon(timer_t timer, struct rng *rng)
{
	struct itimerspec when = { 0 };

	when.it_value.tv_nsec = 1 + rng_below(rng, LATEST_US * 1000);
	timer_settime(timer, 0, &when, NULL);
}

/* ---------------------------------------------------------- being interrupted */

static void take_any(struct rng *rng, bool (*take)(struct work_struct *work))
{
	struct item *any = &item[rng_below(rng, NR_ITEMS)];

	atomic_fetch_add(&any->taken, take(&any->work));
}

static void disable_and_enable(struct rng *rng)
{
	struct item *any = &item[rng_below(rng, NR_ITEMS)];

	atomic_fetch_add(&any->taken, rng_below(rng, 2) ? disable_work_sync(&any->work) :
							  disable_work(&any->work));
	enable_work(&any->work);
}

/* Its pools are those that the handlers use. */
static void come_and_go(struct rng *rng)
{
	struct workqueue_struct *wq =
		alloc_workqueue("visited", rng_below(rng, 2) ? WQ_PERCPU : WQ_UNBOUND, 1);
	struct item own = { .wq = wq };

	INIT_WORK(&own.work, run_item);
	law(queue_work(wq, &own.work), "an idle item was not queued");
	destroy_workqueue(wq);
	law(own.runs == 1, "destroyed with an item left");
}

static void act(struct rng *rng)
{
	unsigned int dice = rng_below(rng, 256);

	if (dice < 150)
		queue_any(rng);
	else if (dice < 180)
		take_any(rng, cancel_work);
	else if (dice < 200)
		take_any(rng, cancel_work_sync);
	else if (dice < 220)
		flush_work(&item[rng_below(rng, NR_ITEMS)].work);
	else if (dice < 232)
		disable_and_enable(rng);
	else if (dice < 240)
		flush_workqueue(queue[rng_below(rng, NR_QUEUES)]);
	else if (dice < 252)
		free(malloc(1 + rng_below(rng, 5000)));
	else if (dice < 254)
		workqueue_set_max_active(queue[0], 1 + rng_below(rng, 9));
	else
		come_and_go(rng);
}

static void *be_interrupted(void *nth)
{
	struct rng rng = rng_of(1, (int)(intptr_t)nth);
	timer_t alarm_timer = make_timer(SIGALRM);
	timer_t other_timer = make_timer(SIGUSR1);

	handler_rng = rng_of(2, (int)(intptr_t)nth);
	for (long op = 0; op < stress.ops; op++) {
		interrupt_soon(alarm_timer, &rng);
		if (rng_below(&rng, 4) == 0)
			interrupt_soon(other_timer, &rng);
		act(&rng);
	}
	timer_delete(alarm_timer);
	timer_delete(other_timer);
	return NULL;
}

/* -------------------------------------------------------------------- the run */

static void judge_report(const char *line)
{
	static const char begin[] = "unexpected report: ";

	if (!strstr(line, "WARNING"))
		return;
	atomic_fetch_add(&stress.faults, 1);
	(void)!write(STDERR_FILENO, begin, sizeof(begin) - 1);
	(void)!write(STDERR_FILENO, line, strlen(line));
	(void)!write(STDERR_FILENO, "\n", 1);
}

static void make_queues(void)
{
	queue[0] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[1] = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	queue[2] = alloc_ordered_workqueue("ordered", 0);
	queue[3] = alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 1);
	for (int i = 0; i < NR_ITEMS; i++) {
		item[i].wq = queue[i / PER_QUEUE];
		INIT_WORK(&item[i].work, run_item);
	}
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

int main(int argc, char **argv)
{
	stress_begin("stress_signal", argc, argv, 100000, 2);
	workq_set_report_fn(judge_report);
	make_queues();
	catch_signals();
	stress_threads(stress.threads, be_interrupted);
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(queue[i]);
	for (int i = 0; i < NR_ITEMS; i++)
		law(item[i].queued == item[i].runs + item[i].taken,
		    "item %d: queued %ld, ran %ld, taken back %ld", i, item[i].queued, item[i].runs,
		    item[i].taken);
	law(signals > 0, "no signal came");
	printf("%ld signals (%ld within another) queued %ld items\n", signals, nested,
	       queued_by_handlers);
	return stress_end();
}
