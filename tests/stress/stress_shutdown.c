/* SPDX-License-Identifier: MIT */
/*
 * stress_shutdown.c - workq_shutdown() in the middle of everything.
 *
 * Each operation is a process: threads queue, arm, cancel, flush, make and destroy queues,
 * items queue themselves and end their threads, and at some moment it is shut down, by one
 * or two, with some or no time. In the end no thread is left, nothing is pending or runs, and
 * no item ran more often than it was queued (T4, T5).
 */
#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

#include <workq/timer.h>

#include "support/stress.h"

enum {
	NR_QUEUES = 4,
	PER_QUEUE = 6,
	NR_ITEMS = NR_QUEUES * PER_QUEUE,
	NR_USERS = 3,
	CHILD_SECONDS = 180,
	LATEST_US = 20000, /* of the shutdown */
	LONGEST_MS = 30,
	LONG_MS = 20000,
};

struct item {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	atomic_int inside;
	atomic_long queued, runs;
};

static struct workqueue_struct *queue[NR_QUEUES];
static struct item item[NR_ITEMS];
static struct timer_list timer;
static atomic_bool is_over;
static struct rng child_rng;

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(to_delayed_work(work), struct item, dwork);
	long runs = atomic_fetch_add(&own->runs, 1);

	law(atomic_fetch_add(&own->inside, 1) == 0, "an item runs twice at once");
	if (runs % 8 == 3)
		usleep(500);
	if (runs % 4 == 1)
		atomic_fetch_add(&own->queued, queue_work(own->wq, work));
	atomic_fetch_sub(&own->inside, 1);
	if (runs % 64 == 7)
		pthread_exit(NULL);
}

static void fire(struct timer_list *unused)
{
	(void)unused;
	queue_work(queue[0], &item[0].dwork.work);
	mod_timer(&timer, jiffies + 1);
}

/* ---------------------------------------------------------------------- users */

static void come_and_go(void)
{
	struct workqueue_struct *wq = alloc_workqueue("visited", WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	struct item own = { .wq = wq };

	/* not after the shutdown */
	if (!wq)
		return;
	INIT_DELAYED_WORK(&own.dwork, run_item);
	queue_work(wq, &own.dwork.work);
	destroy_workqueue(wq);
	cancel_work_sync(&own.dwork.work);
}

static void act(struct rng *rng)
{
	struct item *any = &item[1 + rng_below(rng, NR_ITEMS - 1)];
	unsigned int dice = rng_below(rng, 100);

	/* counted before: it may have run by then */
	atomic_fetch_add(&any->queued, 1);
	if (dice < 50 && queue_work(any->wq, &any->dwork.work))
		return;
	if (dice >= 50 && dice < 70 && queue_delayed_work(any->wq, &any->dwork, rng_below(rng, 3)))
		return;
	atomic_fetch_sub(&any->queued, 1);
	if (dice >= 70 && dice < 80)
		cancel_delayed_work_sync(&any->dwork);
	else if (dice >= 80 && dice < 90)
		flush_work(&any->dwork.work);
	else if (dice >= 90 && dice < 94)
		drain_workqueue(any->wq);
	else if (dice >= 94 && dice < 97)
		flush_workqueue(any->wq);
	else if (dice >= 97)
		come_and_go();
}

static void *use(void *nth)
{
	struct rng rng = rng_of(3, (int)(intptr_t)nth);

	while (!atomic_load(&is_over))
		act(&rng);
	return NULL;
}

/* ------------------------------------------------------------------ one process */

static void make_queues(void)
{
	queue[0] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[1] = alloc_workqueue("unbound", WQ_UNBOUND | WQ_MEM_RECLAIM, 2);
	queue[2] = alloc_ordered_workqueue("ordered", 0);
	queue[3] = alloc_workqueue("bh", WQ_BH, 0);
	for (int i = 0; i < NR_ITEMS; i++) {
		item[i].wq = queue[i / PER_QUEUE];
		INIT_DELAYED_WORK(&item[i].dwork, run_item);
	}
	timer_setup(&timer, fire, 0);
	mod_timer(&timer, jiffies);
}

static int nr_workers(void)
{
	char path[300], name[32];
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	int nr = 0;
	FILE *f;

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		f = fopen(path, "r");
		nr += f && fgets(name, sizeof(name), f) && !strncmp(name, "kworker/", 8);
		if (f)
			fclose(f);
	}
	closedir(dir);
	return nr;
}

static void *shut_down(void *timeout_ms)
{
	int err = workq_shutdown((unsigned long)(uintptr_t)timeout_ms);

	law(!err || err == -ETIMEDOUT, "workq_shutdown() said %d", err);
	return NULL;
}

static void shut_down_at_random(void)
{
	uintptr_t timeout_ms = rng_below(&child_rng, 2) ? rng_below(&child_rng, LONGEST_MS) : 0;
	pthread_t other;
	bool has_other = rng_below(&child_rng, 2);

	usleep(rng_below(&child_rng, LATEST_US));
	if (has_other)
		pthread_create(&other, NULL, shut_down, (void *)(timeout_ms / 2));
	shut_down((void *)timeout_ms);
	if (has_other)
		pthread_join(other, NULL);
	law(workq_shutdown(LONG_MS) == 0, "it does not end");
	law(nr_workers() == 0, "%d threads are left", nr_workers());
}

static void judge_items(void)
{
	long sum = 0;

	for (int i = 0; i < NR_ITEMS; i++) {
		cancel_delayed_work_sync(&item[i].dwork);
		law(!work_busy(&item[i].dwork.work) && !item[i].inside, "item %d is busy", i);
		law(!i || item[i].runs <= item[i].queued, "item %d: queued %ld, ran %ld", i,
		    item[i].queued, item[i].runs);
		sum += item[i].runs;
	}
	usleep(1000);
	for (int i = 0; i < NR_ITEMS; i++)
		sum -= item[i].runs;
	law(!sum, "something ran afterwards");
}

static void swallow(const char *line)
{
	(void)line;
}

static void live_and_end(long nth)
{
	pthread_t users[NR_USERS];

	alarm(CHILD_SECONDS);
	stress.faults = 0;
	workq_set_report_fn(swallow);
	child_rng = rng_of(4, (int)nth);
	make_queues();
	for (int i = 0; i < NR_USERS; i++)
		pthread_create(&users[i], NULL, use, (void *)(intptr_t)(nth * NR_USERS + i));
	shut_down_at_random();
	atomic_store(&is_over, true);
	for (int i = 0; i < NR_USERS; i++)
		pthread_join(users[i], NULL);
	timer_shutdown_sync(&timer);
	judge_items();
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(queue[i]);
	_exit(stress.faults ? EXIT_FAILURE : EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	stress_begin("stress_shutdown", argc, argv, 60, 1);
	for (long nth = 0; nth < stress.ops; nth++) {
		int status = -1;
		pid_t pid;

		fflush(NULL);
		pid = fork();
		if (pid == 0)
			live_and_end(nth);
		law(pid > 0 && waitpid(pid, &status, 0) == pid && !status, "process %ld: status %d",
		    nth, status);
	}
	printf("%ld processes\n", stress.ops);
	return stress_end();
}
