/* SPDX-License-Identifier: MIT */
/*
 * test_threads_share_a_new_chunk.c - many threads that use the library for the first time at once.
 *
 * When the table of records is full, a thread adds a chunk to it, twice as large as the last
 * one. A thread whose search had failed, and that got there when another one had just
 * added a chunk, did not look into that: it added the next. A hundred threads that began
 * together ended up with ten chunks, where one was enough, that is with 130000 records, and
 * each grace period looked through all of them. Other tests let threads begin one after another;
 * the walk through the failure points saw the memory. Now a thread adds the chunk that was
 * missing when it searched.
 */
#include <sys/mman.h>

#include "support/syscall_stand_in.h"
#include "support/api.h"

enum { MAX_THREADS = 1000 /* more than there are records at first */ };

static struct gate end, is_added, searches;
static atomic_bool must_hold;
static atomic_int nr_there, nr_mapped;
static struct item item;

/* Whether a record's thread lives is asked in the last search: hold who is first in there. */
static bool syscall_is_refused(long nr)
{
	if (nr == SYS_tgkill && atomic_exchange(&must_hold, false)) {
		gate_open(&searches);
		gate_wait(&is_added);
	}
	return false;
}

/* By which the library gets its chunks; libc's own go another way. Sanitizers have one of their own. */
#if !TESTS_SANITIZED
void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	void *(*next)(void *, size_t, int, int, int, off_t);

	*(void **)&next = dlsym(RTLD_NEXT, "mmap");
	atomic_fetch_add(&nr_mapped, 1);
	return next(address, size, protection, flags, fd, offset);
}
#endif

static void *use_and_stay(void *arg)
{
	queue_work(system_dfl_wq, &item.work);
	atomic_fetch_add(&nr_there, 1);
	gate_wait(&end);
	return NULL;
}

static long use_once(void *arg)
{
	return queue_work(system_dfl_wq, &item.work);
}

/* Threads that stay, until one finds no record: it is held. How many there are. */
static int start_until_one_searches(pthread_t thread[MAX_THREADS])
{
	int nr = 0;

	atomic_store(&must_hold, true);
	do {
		assert_true(nr < MAX_THREADS);
		assert_int_equal(pthread_create(&thread[nr], NULL, use_and_stay, NULL), 0);
		nr++;
		wait_until(atomic_load(&nr_there) == nr || gate_is_open(&searches));
	} while (!gate_is_open(&searches));
	return nr;
}

static void queue_work_first_of_two_threads_adds_one_chunk(void **state)
{
	pthread_t thread[MAX_THREADS];
	struct call quick;
	int before, nr;

	if (TESTS_SANITIZED) /* it has an mmap() of its own */
		skip();
	item_init(&item);
	nr = start_until_one_searches(thread);
	before = atomic_load(&nr_mapped);
	call_start(&quick, use_once, NULL);
	call_join(&quick);
	gate_open(&is_added);
	wait_until(atomic_load(&nr_there) == nr);
	assert_int_equal(atomic_load(&nr_mapped), before + 1);
	gate_open(&end);
	for (int i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	flush_work(&item.work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_work_first_of_two_threads_adds_one_chunk),
	};

	gate_init(&end);
	gate_init(&searches);
	gate_init(&is_added);
	/* rings of switches are mapped, too */
	setenv("WORKQ_WATCH_SWITCHES", "0", /* overwrite */ 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
