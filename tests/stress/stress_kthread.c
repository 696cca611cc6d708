/* SPDX-License-Identifier: MIT */
/*
 * stress_kthread.c - many threads on the same few kthread_workers, and threads that wake each
 * other.
 *
 * Threads queue, arm, mod, cancel and flush at random; functions queue themselves again. When
 * all is quiet, what was accepted must have run or been taken back, exactly: queue true + mod
 * false = runs + cancel true. No two works of a worker run at once. Beside it pairs of threads
 * hand a ball to and fro by "condition, wake_up_process()" against "set_current_state(), look,
 * schedule()": a lost wake-up stops them for ever. And kthreads are started, parked, woken and
 * stopped at random.
 */
#include <errno.h>
#include <sched.h>

#include <workq/kthread.h>

#include "support/stress.h"

enum {
	NR_WORKERS = 3,
	NR_WORKS = 9,
	NR_PAIRS = 2,
	FAR = 3600 * HZ, /* not within this run */
};

struct own_work {
	struct kthread_delayed_work dwork;
	struct kthread_worker *worker;
	int nth_worker;
	atomic_long accepted; /* queue_*() said true, mod_*() false */
	atomic_long taken;    /* cancel said true */
	atomic_long runs;
};

static struct kthread_worker *worker[NR_WORKERS];
static atomic_int inside[NR_WORKERS];
static struct own_work work[NR_WORKS];
static atomic_bool stopping;

/* ------------------------------------------------------------------ workers */

static unsigned long any_delay(struct rng *rng)
{
	static const unsigned long delays[] = { 0, 0, 1, 1, 1, 2, 3, FAR };

	return delays[rng_below(rng, 8)];
}

static void queue(struct own_work *any, struct rng *rng)
{
	bool accepted;

	if (rng_below(rng, 3) == 0)
		accepted = kthread_queue_work(any->worker, &any->dwork.work);
	else
		accepted = kthread_queue_delayed_work(any->worker, &any->dwork, any_delay(rng));
	atomic_fetch_add(&any->accepted, accepted);
}

static void mod(struct own_work *any, struct rng *rng)
{
	atomic_fetch_add(&any->accepted,
			 !kthread_mod_delayed_work(any->worker, &any->dwork, any_delay(rng)));
}

static void cancel(struct own_work *any, struct rng *rng)
{
	atomic_fetch_add(&any->taken, rng_below(rng, 4) ?
					      kthread_cancel_delayed_work_sync(&any->dwork) :
					      kthread_cancel_work_sync(&any->dwork.work));
}

static void run(struct kthread_work *own_kthread_work)
{
	struct own_work *own = container_of(own_kthread_work, struct own_work, dwork.work);
	struct rng rng = rng_of(2, (int)atomic_load(&own->runs));

	law(atomic_fetch_add(&inside[own->nth_worker], 1) == 0, "two works of a worker at once");
	atomic_fetch_add(&own->runs, 1);
	if (!atomic_load(&stopping) && rng_below(&rng, 4) == 0)
		rng_below(&rng, 2) ? queue(own, &rng) : mod(own, &rng);
	if (rng_below(&rng, 16) == 0)
		sched_yield();
	atomic_fetch_sub(&inside[own->nth_worker], 1);
}

static void act(struct own_work *any, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 64);

	if (dice < 24)
		queue(any, rng);
	else if (dice < 40)
		mod(any, rng);
	else if (dice < 52)
		cancel(any, rng);
	else if (dice < 58)
		kthread_flush_work(&any->dwork.work);
	else if (dice < 60)
		kthread_flush_worker(any->worker);
	else if (dice < 62)
		wake_up_process(any->worker->task);
	else
		usleep(rng_below(rng, 1500));
}

static void *mix(void *nth)
{
	struct rng rng = rng_of(1, (int)(intptr_t)nth);

	for (long op = 0; op < stress.ops; op++)
		act(&work[rng_below(&rng, NR_WORKS)], &rng);
	return NULL;
}

static void make_workers(void)
{
	for (int i = 0; i < NR_WORKERS; i++) {
		worker[i] = kthread_run_worker(0, "stress/%d", i);
		if (IS_ERR(worker[i]))
			abort();
	}
	for (int i = 0; i < NR_WORKS; i++) {
		kthread_init_delayed_work(&work[i].dwork, run);
		work[i].nth_worker = i % NR_WORKERS;
		work[i].worker = worker[i % NR_WORKERS];
	}
}

static void close_books(void)
{
	struct rng rng = rng_of(3, 0);

	atomic_store(&stopping, true);
	for (int i = 0; i < NR_WORKS; i++)
		cancel(&work[i], &rng);
	for (int i = 0; i < NR_WORKERS; i++)
		kthread_destroy_worker(worker[i]);
	for (int i = 0; i < NR_WORKS; i++) {
		long accepted = atomic_load(&work[i].accepted), taken = atomic_load(&work[i].taken);
		long runs = atomic_load(&work[i].runs);

		law(accepted == runs + taken, "work %d: %ld accepted, %ld runs, %ld taken", i,
		    accepted, runs, taken);
	}
}

/* -------------------------------------------------------------------- wake-ups */

/* The ball is with the side that it names. */
struct pair {
	atomic_int ball;
	_Atomic(struct task_struct *) side[2];
	atomic_long passes;
};

static struct pair pair[NR_PAIRS];

/* Looks for a while before it sleeps: so that the other side's turn falls together with that. */
static void wait_for_ball(struct pair *own, int side, unsigned int looks)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (atomic_load_explicit(&own->ball, memory_order_relaxed) == side)
			break;
		if (looks)
			looks--;
		else
			schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static void play(struct pair *own, int side, long rounds)
{
	struct rng rng = rng_of(5, (int)(own - pair) * 2 + side);

	atomic_store(&own->side[side], workq_current_task());
	while (!atomic_load(&own->side[!side]))
		sched_yield();
	for (long i = 0; i < rounds; i++) {
		wait_for_ball(own, side, rng_below(&rng, 64));
		own->passes++;
		atomic_store_explicit(&own->ball, !side, memory_order_relaxed);
		wake_up_process(own->side[!side]);
	}
}

/* The one side is a kthread, the other one a thread of the program. */
static int play_as_kthread(void *own)
{
	play(own, 1, stress.ops);
	/* stays until the other side does not wake it any more */
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void *play_as_thread(void *nth)
{
	struct pair *own = &pair[(intptr_t)nth];
	struct task_struct *task = kthread_run(play_as_kthread, own, "ball");

	if (IS_ERR(task))
		abort();
	play(own, 0, stress.ops);
	wait_for_ball(own, 0, 0);
	kthread_stop(task);
	law(atomic_load(&own->passes) == 2 * stress.ops, "passes");
	return NULL;
}

/* -------------------------------------------------------- start, park and stop */

struct life {
	atomic_long looks;
	atomic_bool is_parked;
};

static int live(void *data)
{
	struct life *life = data;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		law(!atomic_load(&life->is_parked), "a parked thread runs");
		if (kthread_should_park())
			kthread_parkme();
		else
			schedule();
		atomic_fetch_add(&life->looks, 1);
	}
	__set_current_state(TASK_RUNNING);
	return 77;
}

static void park_for_a_moment(struct task_struct *task, struct life *life)
{
	law(kthread_park(task) == 0, "not parked");
	atomic_store(&life->is_parked, true);
	wake_up_process(task);
	sched_yield();
	atomic_store(&life->is_parked, false);
	kthread_unpark(task);
}

static void *lead_lives(void *nth)
{
	struct rng rng = rng_of(4, (int)(intptr_t)nth);

	for (long i = 0; i < stress.ops / 20 + 1; i++) {
		struct life life = { .is_parked = false };
		struct task_struct *task = kthread_create(live, &life, "life/%ld", i);

		if (IS_ERR(task))
			abort();
		if (rng_below(&rng, 8) == 0) {
			law(kthread_stop(task) == -EINTR, "never started");
			continue;
		}
		wake_up_process(task);
		for (unsigned int j = rng_below(&rng, 12); j; j--)
			rng_below(&rng, 2) ? park_for_a_moment(task, &life) :
					     (void)wake_up_process(task);
		law(kthread_stop(task) == 77, "value");
	}
	return NULL;
}

/* ------------------------------------------------------------------------ all */

static void *any_part(void *nth)
{
	intptr_t n = (intptr_t)nth;

	if (n < NR_PAIRS)
		return play_as_thread(nth);
	return n == NR_PAIRS ? lead_lives(nth) : mix(nth);
}

int main(int argc, char **argv)
{
	stress_begin("stress_kthread", argc, argv, 20000, 4);
	make_workers();
	stress_threads(NR_PAIRS + 1 + stress.threads, any_part);
	close_books();
	return stress_end();
}
