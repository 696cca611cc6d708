/* SPDX-License-Identifier: MIT */
/*
 * freeze.c - a checkpoint: stop the world's items, write down its state, go on.
 *
 *	usage: freeze [FILE]
 *
 * Items of a WQ_FREEZABLE queue move money between accounts, each in two steps:
 * taken here, put there a little later. Whoever adds the accounts up at any time
 * finds money missing, but not while the items are frozen: what runs is finished,
 * what is queued waits. The file is replaced as a whole, so that there always is
 * a good one. The expected output is in tests/examples/freeze.out.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <workq/workq.h>

enum {
	NR_ACCOUNTS = 100,
	NR_CLERKS = 8,
	NR_CHECKPOINTS = 3,
	MONEY = 1000, /* on each account */
	AMOUNT = 10,  /* moved at a time */
};

static struct workqueue_struct *wq;
static atomic_long account[NR_ACCOUNTS];
static atomic_long nr_transfers;

/* --------------------------------------------------------------- the items */

/* One of many that move money, again and again. */
struct clerk {
	struct work_struct work;
	unsigned int random;
};

static int next_account(struct clerk *clerk)
{
	clerk->random = clerk->random * 1103515245u + 12345u;
	return (int)((clerk->random >> 16) % NR_ACCOUNTS);
}

static void transfer(struct work_struct *work)
{
	struct clerk *clerk = from_work(clerk, work, work);

	atomic_fetch_sub(&account[next_account(clerk)], AMOUNT);
	usleep(100); /* the money is on its way */
	atomic_fetch_add(&account[next_account(clerk)], AMOUNT);
	atomic_fetch_add(&nr_transfers, 1);
	queue_work(wq, work);
}

/* ---------------------------------------------------------- the checkpoint */

static bool write_state(const char *file)
{
	char new_file[4096];
	bool good = true;
	FILE *f;

	snprintf(new_file, sizeof(new_file), "%s.new", file);
	f = fopen(new_file, "w");
	if (!f)
		return false;
	for (int i = 0; i < NR_ACCOUNTS; i++)
		good &= fprintf(f, "%ld\n", atomic_load(&account[i])) > 0;
	good &= !fflush(f) && !fsync(fileno(f));
	return !fclose(f) && good && !rename(new_file, file);
}

static bool make_checkpoint(const char *file)
{
	bool good;

	freeze_workqueues_begin();
	while (freeze_workqueues_busy())
		usleep(100);
	good = write_state(file);
	thaw_workqueues();
	return good;
}

/* --------------------------------------------------------- trying it out */

/* The money in the file, or -1. */
static long read_state(const char *file)
{
	long sum = 0, money;
	int nr = 0;
	FILE *f = fopen(file, "r");

	if (!f)
		return -1;
	for (; fscanf(f, "%ld", &money) == 1; nr++)
		sum += money;
	fclose(f);
	return nr == NR_ACCOUNTS ? sum : -1;
}

static void wait_for_transfers(void)
{
	long before = atomic_load(&nr_transfers);

	while (atomic_load(&nr_transfers) < before + NR_CLERKS)
		usleep(1000);
}

static bool make_checkpoints(const char *file)
{
	for (int i = 1; i <= NR_CHECKPOINTS; i++) {
		wait_for_transfers();
		if (!make_checkpoint(file))
			return false;
		printf("checkpoint %d: %ld of %d\n", i, read_state(file), NR_ACCOUNTS * MONEY);
	}
	wait_for_transfers();
	puts("the clerks go on");
	return true;
}

static bool run(const char *file)
{
	static struct clerk clerk[NR_CLERKS];
	bool good;

	for (int i = 0; i < NR_ACCOUNTS; i++)
		atomic_init(&account[i], MONEY);
	for (int i = 0; i < NR_CLERKS; i++) {
		clerk[i].random = (unsigned int)i;
		INIT_WORK(&clerk[i].work, transfer);
		queue_work(wq, &clerk[i].work);
	}
	good = make_checkpoints(file);
	for (int i = 0; i < NR_CLERKS; i++)
		cancel_work_sync(&clerk[i].work); /* nor can it queue itself again */
	return good;
}

static bool make_temporary(char *file)
{
	int fd = mkstemp(file);

	return fd >= 0 && !close(fd);
}

int main(int argc, char **argv)
{
	char temporary[] = "/tmp/freeze-XXXXXX";
	const char *file = argc > 1 ? argv[1] : temporary;
	bool good = false;

	wq = alloc_workqueue("clerks", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (wq && (argc > 1 || make_temporary(temporary)))
		good = run(file);
	if (!good)
		perror("freeze");
	if (wq)
		destroy_workqueue(wq);
	if (argc <= 1)
		unlink(temporary);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
