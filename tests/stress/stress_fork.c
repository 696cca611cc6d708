/* SPDX-License-Identifier: MIT */
/*
 * stress_fork.c - a process that forks while its threads use the library (U1 to U4, U8).
 *
 * Threads queue, cancel, flush, arm and disable the same items, handlers queue them; one makes
 * and destroys queues and changes attributes. --ops is the number of forks, of which some are done by
 * work functions. In each child all items are idle, and do what items do.
 */
#include <errno.h>
#include <sched.h>
#include <sys/time.h>

#include "support/child.h"
#include "support/stress.h"

enum {
	NR_ITEMS = 24,
	NR_QUEUES = 3,
	ROUND_OPS = 64, /* between two looks whether it is over */
	DEEP = 8,       /* one child in so many uses all */
	INTERRUPT_US = 300,
};

static struct {
	struct delayed_work dwork;
	struct timer_list timer;
	atomic_int runs;
	atomic_bool is_inside;
} items[NR_ITEMS];

static struct workqueue_struct *queues[NR_QUEUES];
static atomic_bool is_over;
static atomic_long nr_forks;

/* The others: only for as long as somebody cancels them. */
static bool is_ever_disabled(int nth)
{
	return nth % 4 == 0;
}

static void count_run(struct work_struct *work)
{
	int nth = (int)(container_of(to_delayed_work(work), typeof(items[0]), dwork) - items);

	law(!atomic_exchange(&items[nth].is_inside, true), "item %d runs twice", nth);
	atomic_fetch_add(&items[nth].runs, 1);
	atomic_store(&items[nth].is_inside, false);
}

static void count_call(struct timer_list *timer)
{
	atomic_fetch_add(&container_of(timer, typeof(items[0]), timer)->runs, 1);
}

/* ------------------------------------------------------------------ the load */

static void act(struct rng *rng)
{
	unsigned int nth = rng_below(rng, NR_ITEMS);
	struct workqueue_struct *wq = queues[nth % NR_QUEUES];
	struct delayed_work *dwork = &items[nth].dwork;

	switch (rng_below(rng, 12)) {
	case 0:
		cancel_delayed_work_sync(dwork);
		break;
	case 1:
		if (!is_ever_disabled((int)nth))
			break;
		disable_delayed_work_sync(dwork);
		enable_delayed_work(dwork);
		break;
	case 2:
		mod_delayed_work(wq, dwork, rng_below(rng, 3));
		break;
	case 3:
		flush_delayed_work(dwork);
		break;
	case 4:
		mod_timer(&items[nth].timer, jiffies + rng_below(rng, 5));
		break;
	case 5:
		timer_delete_sync(&items[nth].timer);
		break;
	case 6:
		flush_workqueue(wq);
		break;
	case 7:
	case 8:
		queue_delayed_work(wq, dwork, 1 + rng_below(rng, 5));
		break;
	default:
		queue_work(wq, &dwork->work);
	}
}

static void *load(void *nth)
{
	struct rng rng = rng_of(1, (int)(intptr_t)nth);

	while (!atomic_load(&is_over)) {
		for (int i = 0; i < ROUND_OPS; i++)
			act(&rng);
	}
	return NULL;
}

static void queue_one(int sig)
{
	static atomic_uint nth;
	int saved = errno;
	unsigned int i = atomic_fetch_add(&nth, 1) % NR_ITEMS;

	(void)sig;
	queue_work(queues[i % NR_QUEUES], &items[i].dwork.work);
	errno = saved;
}

/* Whatever they interrupt: perhaps one who holds a lock of the library's, or of libc's, that is needed to
   fork. */
static void have_handlers_queue(void)
{
	struct sigaction action = { .sa_handler = queue_one, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, INTERRUPT_US }, { 0, INTERRUPT_US } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void *change_queues(void *unused)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();
	struct workqueue_struct *wq;
	struct rng rng = rng_of(2, 0);

	while (!atomic_load(&is_over)) {
		wq = alloc_workqueue("short", WQ_UNBOUND | WQ_MEM_RECLAIM, 2);
		if (wq)
			destroy_workqueue(wq);
		attrs->nice = (int)rng_below(&rng, 3);
		apply_workqueue_attrs(queues[1], attrs);
		workqueue_set_max_active(queues[1], 1 + (int)rng_below(&rng, 4));
	}
	free_workqueue_attrs(attrs);
	return NULL;
}

/* ------------------------------------------------------------------- children */

static void expect_idle(void)
{
	for (int i = 0; i < NR_ITEMS; i++) {
		child_must(!delayed_work_pending(&items[i].dwork));
		child_must(!timer_pending(&items[i].timer));
	}
}

static void ignore_line(const char *line)
{
	(void)line;
}

/* Who has disabled it would enable it, but is in the parent. */
static void enable_all(struct delayed_work *dwork)
{
	workq_set_report_fn(ignore_line);
	while (!enable_delayed_work(dwork))
		;
	workq_set_report_fn(NULL);
}

static void use_item(int nth)
{
	struct delayed_work *dwork = &items[nth].dwork;

	if (is_ever_disabled(nth))
		enable_all(dwork);
	atomic_store(&items[nth].is_inside, false);
	atomic_store(&items[nth].runs, 0);
	child_must(!cancel_delayed_work_sync(dwork));
	child_must(queue_delayed_work(queues[nth % NR_QUEUES], dwork, nth % 3));
	child_must(flush_delayed_work(dwork) || atomic_load(&items[nth].runs));
	child_must(atomic_load(&items[nth].runs) == 1);
}

static void use_all(void)
{
	expect_idle();
	for (int i = 0; i < NR_ITEMS; i++)
		use_item(i);
	mod_timer(&items[0].timer, jiffies);
	wait_until(atomic_load(&items[0].runs) == 2);
	timer_delete_sync(&items[0].timer);
	for (int i = 0; i < NR_QUEUES; i++) {
		drain_workqueue(queues[i]);
		destroy_workqueue(queues[i]);
	}
}

static void fork_one(struct rng *rng)
{
	bool is_deep = rng_below(rng, DEEP) == 0;

	law(child_does(is_deep ? use_all : expect_idle), "fork %ld", atomic_load(&nr_forks));
	atomic_fetch_add(&nr_forks, 1);
}

static void fork_in_item(struct work_struct *work)
{
	struct rng rng = rng_of(3, (int)atomic_load(&nr_forks));

	fork_one(&rng);
}

static DECLARE_WORK(forking, fork_in_item);

static void *fork_often(void *unused)
{
	struct rng rng = rng_of(4, 0);

	while (atomic_load(&nr_forks) < stress.ops) {
		if (rng_below(&rng, 4) == 0)
			queue_work(system_dfl_wq, &forking);
		fork_one(&rng);
	}
	flush_work(&forking);
	atomic_store(&is_over, true);
	return NULL;
}

static void *thread_main(void *nth)
{
	if (!nth)
		return fork_often(nth);
	return (intptr_t)nth == 1 ? change_queues(nth) : load(nth);
}

static void make_all(void)
{
	queues[0] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queues[1] = alloc_workqueue("unbound", WQ_UNBOUND, 2);
	queues[2] = alloc_ordered_workqueue("ordered", 0);
	for (int i = 0; i < NR_ITEMS; i++) {
		INIT_DELAYED_WORK(&items[i].dwork, count_run);
		timer_setup(&items[i].timer, count_call, 0);
	}
}

int main(int argc, char **argv)
{
	stress_begin("stress_fork", argc, argv, 300, 4);
	make_all();
	have_handlers_queue();
	stress_threads(stress.threads + 2, thread_main);
	signal(SIGALRM, SIG_IGN);
	for (int i = 0; i < NR_ITEMS; i++) {
		cancel_delayed_work_sync(&items[i].dwork);
		timer_delete_sync(&items[i].timer);
	}
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(queues[i]);
	return stress_end();
}
