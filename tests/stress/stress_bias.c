/* SPDX-License-Identifier: MIT */
/*
 * stress_bias.c - a pool's lock is biased to its worker, and taken away again and again.
 *
 * Items queue themselves on one CPU, so that their worker has the lock biased to it. Meanwhile other
 * threads flush, cancel and queue there, which revokes the bias. The calls by which the library sleeps,
 * wakes and issues barriers are preempted at random, where who announces himself and who looks for him
 * could miss each other.
 */
#include "support/item.h"
#include "support/stress.h"
#include "support/syscall_stand_in.h"

enum {
	NR_CHAINS = 2,
	MAX_THREADS = 16,
	/* one call of so many sleeps before it is made, for so many nanoseconds at most */
	ONE_OF = 8,
	MAX_NAP_NS = 300000,
};

struct own_item {
	struct work_struct work;
	atomic_long queued, taken, runs;
};

static struct workqueue_struct *wq;
static struct own_item chain[NR_CHAINS], item[MAX_THREADS];
static atomic_bool is_over;
static int cpu;

/* Sleeps by a call of another number, so it is handed on without coming back here. */
static bool syscall_is_refused(long nr)
{
	static __thread struct rng rng;
	struct timespec nap = { 0 };

	if (nr != SYS_futex && nr != SYS_membarrier)
		return false;
	if (!rng.state)
		rng = rng_of(1, (int)(intptr_t)&rng);
	if (rng_below(&rng, ONE_OF))
		return false;
	nap.tv_nsec = rng_below(&rng, MAX_NAP_NS);
	syscall_hand_on(SYS_nanosleep, (const long[6]){ (long)&nap });
	return false;
}

static void run_item(struct work_struct *work)
{
	atomic_fetch_add(&container_of(work, struct own_item, work)->runs, 1);
}

static void queue(struct own_item *own)
{
	atomic_fetch_add(&own->queued, queue_work_on(cpu, wq, &own->work));
}

static void run_on(struct work_struct *work)
{
	run_item(work);
	if (!atomic_load(&is_over))
		queue(container_of(work, struct own_item, work));
}

static void act(struct own_item *own, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 64);
	struct own_item *any = &chain[rng_below(rng, NR_CHAINS)];

	queue(own);
	if (dice < 50)
		flush_work(&own->work);
	else if (dice < 56)
		atomic_fetch_add(&own->taken, cancel_work_sync(&own->work));
	else if (dice < 60)
		flush_workqueue(wq);
	else if (dice < 62)
		workqueue_set_max_active(wq, 1 + (int)rng_below(rng, 4));
	else if (cancel_work(&any->work))
		atomic_fetch_add(&any->taken, 1);
	/* those that were cancelled begin anew */
	queue(any);
}

static void *disturb(void *nth)
{
	struct rng rng = rng_of(2, (int)(intptr_t)nth);

	for (long i = 0; i < stress.ops; i++)
		act(&item[(intptr_t)nth], &rng);
	return NULL;
}

static void check(const struct own_item *one, const char *kind, int nth)
{
	law(one->queued == one->runs + one->taken, "%s %d: queued %ld, ran %ld, taken back %ld",
	    kind, nth, one->queued, one->runs, one->taken);
}

int main(int argc, char **argv)
{
	stress_begin("stress_bias", argc, argv, 20000, 1);
	if (stress.threads > MAX_THREADS)
		stress.threads = MAX_THREADS;
	cpu = allowed_cpu(0);
	wq = alloc_workqueue("bias", WQ_PERCPU, 0);
	for (int i = 0; i < MAX_THREADS; i++)
		INIT_WORK(&item[i].work, run_item);
	for (int i = 0; i < NR_CHAINS; i++) {
		INIT_WORK(&chain[i].work, run_on);
		queue(&chain[i]);
	}
	stress_threads(stress.threads, disturb);
	atomic_store(&is_over, true);
	destroy_workqueue(wq);
	for (int i = 0; i < NR_CHAINS; i++)
		check(&chain[i], "chain", i);
	for (int i = 0; i < stress.threads; i++)
		check(&item[i], "item", i);
	printf("%ld hops beside %ld disturbances\n", chain[0].runs + chain[1].runs,
	       stress.threads * stress.ops);
	return stress_end();
}
