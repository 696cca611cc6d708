/* SPDX-License-Identifier: MIT */
/*
 * test_first_call_of_many_threads.c - what a thread's first queue_work() costs.
 *
 * Each thread that uses the library takes a record of its own, and threads that are gone
 * leave theirs behind. Once the table was full, a new thread walked it from the start
 * and asked the kernel of each owner whether it lives: beside a thousand long-lived
 * threads that were a thousand system calls for each short-lived one. The search now
 * begins where the last one ended, where the one who just died is found at once. Time
 * told nothing on a machine with few threads; here the questions are counted.
 */
#include "support/syscall_stand_in.h"
#include "support/api.h"

enum {
	LIVING = 100, /* of 128 records at first */
	PASSING = 300,
	FEW = 4, /* questions allowed to each, on average */
};

static atomic_long nr_asked;

/* Whether a thread lives is asked by sending it signal 0. */
static bool syscall_is_refused(long nr)
{
	if (nr == SYS_tgkill)
		atomic_fetch_add(&nr_asked, 1);
	return false;
}

static struct item item;
static struct gate end;
static atomic_int nr_living;

static void *live(void *arg)
{
	queue_work(system_dfl_wq, &item.work);
	atomic_fetch_add(&nr_living, 1);
	gate_wait(&end);
	return NULL;
}

static long use_once(void *arg)
{
	queue_work(system_dfl_wq, &item.work);
	return 0;
}

/* It is gone for the kernel, too, when this returns. */
static void pass_by(void)
{
	struct call call;

	call_start(&call, use_once, NULL);
	call_join(&call);
	wait_until(thread_state(atomic_load(&call.tid)) == '?');
}

static void queue_work_first_of_a_thread_asks_after_few_others(void **state)
{
	pthread_t thread[LIVING];

	item_init(&item);
	gate_init(&end);
	for (int i = 0; i < LIVING; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, live, NULL), 0);
	wait_until(atomic_load(&nr_living) == LIVING);
	for (int i = 0; i < PASSING; i++)
		pass_by();
	gate_open(&end);
	for (int i = 0; i < LIVING; i++)
		pthread_join(thread[i], NULL);
	flush_work(&item.work);
	/* none at all would mean that they are asked for by other means */
	assert_in_range(atomic_load(&nr_asked), 1, FEW * PASSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_work_first_of_a_thread_asks_after_few_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
