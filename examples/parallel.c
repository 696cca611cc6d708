/* SPDX-License-Identifier: MIT */
/*
 * parallel.c - spread a computation over the CPUs: one item per range.
 *
 * The queue is unbound: a range that computes for long holds nobody off. Each
 * item writes into its own struct; flush_workqueue() makes the results
 * visible, so that there is nothing to lock. Prints:
 *	primes below 1000000: 78498
 *	counted one by one:   78498
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <workq/workqueue.h>

enum {
	LIMIT = 1000000,
	NR_RANGES = 64,
};

struct range {
	struct work_struct work;
	unsigned int begin, end;
	unsigned int nr_primes;
};

static bool is_prime(unsigned int n)
{
	if (n < 4)
		return n >= 2;
	if (n % 2 == 0)
		return false;
	for (unsigned int d = 3; d * d <= n; d += 2)
		if (n % d == 0)
			return false;
	return true;
}

static unsigned int count_primes(unsigned int begin, unsigned int end)
{
	unsigned int nr = 0;

	for (unsigned int n = begin; n < end; n++)
		nr += is_prime(n);
	return nr;
}

static void count_range(struct work_struct *work)
{
	struct range *range = from_work(range, work, work);

	range->nr_primes = count_primes(range->begin, range->end);
}

static unsigned int count_parallel(struct workqueue_struct *wq)
{
	static struct range ranges[NR_RANGES];
	unsigned int nr = 0;

	for (unsigned int i = 0; i < NR_RANGES; i++) {
		ranges[i].begin = LIMIT / NR_RANGES * i;
		ranges[i].end = LIMIT / NR_RANGES * (i + 1);
		INIT_WORK(&ranges[i].work, count_range);
		queue_work(wq, &ranges[i].work);
	}
	flush_workqueue(wq);
	for (unsigned int i = 0; i < NR_RANGES; i++)
		nr += ranges[i].nr_primes;
	return nr;
}

int main(void)
{
	struct workqueue_struct *wq = alloc_workqueue("primes", WQ_UNBOUND, 0);
	unsigned int parallel, sequential;

	if (!wq) {
		perror("alloc_workqueue");
		return EXIT_FAILURE;
	}
	parallel = count_parallel(wq);
	sequential = count_primes(0, LIMIT);
	printf("primes below %d: %u\n", LIMIT, parallel);
	printf("counted one by one:   %u\n", sequential);

	destroy_workqueue(wq);
	return parallel == sequential ? EXIT_SUCCESS : EXIT_FAILURE;
}
