/* SPDX-License-Identifier: MIT */
/*
 * roster.c - the threads of the library, until they are gone (contracts in os.h).
 */
#include "base/os.h"

#include <limits.h>
#include <pthread.h>

#include "base/atomic.h"

/* So many ids of threads that were last on the list. */
#define NR_LEFT 64u

/* A: length of the list */
static unsigned int nr_enlisted;
/* A: counts those that have left it; ids of the last ones */
static unsigned int nr_left;
static uint32_t left[NR_LEFT];
/* C: set once, by make_key() */
static pthread_key_t key;
static int key_error;

/*
 * Put off to the last round of destructors but one, so that those of others come before. In the
 * last one sanitizers give up what they know of the thread.
 */
static void delist(void *round)
{
	uintptr_t next = (uintptr_t)round + 1;
	unsigned int place;

	if (next < PTHREAD_DESTRUCTOR_ITERATIONS && !pthread_setspecific(key, (void *)next))
		return;
	place = wq_fetch_add_seq_cst(&nr_left, 1u) % NR_LEFT;
	wq_store_relaxed(&left[place], wq_os_tid());
	wq_fetch_sub_seq_cst(&nr_enlisted, 1u);
}

static void make_key(void)
{
	key_error = pthread_key_create(&key, delist);
}

void wq_os_thread_enlist(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT; /* C: itself */

	pthread_once(&once, make_key);
	/* who cannot be waited for is not waited for */
	if (key_error || pthread_setspecific(key, (void *)1))
		return;
	wq_fetch_add_seq_cst(&nr_enlisted, 1u);
}

bool wq_os_threads_are_done(void)
{
	return !wq_load_seq_cst(&nr_enlisted);
}

bool wq_os_threads_are_forgotten(void)
{
	uint32_t tid;
	unsigned int i;

	for (i = 0; i < NR_LEFT; i++) {
		tid = wq_load_relaxed(&left[i]);
		if (tid && wq_os_thread_exists(tid))
			return false;
		wq_store_relaxed(&left[i], 0u);
	}
	return true;
}

void wq_os_threads_reset(void)
{
	unsigned int i;

	if (wq_load_relaxed(&nr_enlisted))
		pthread_setspecific(key, NULL);
	wq_store_relaxed(&nr_enlisted, 0u);
	for (i = 0; i < NR_LEFT; i++)
		wq_store_relaxed(&left[i], 0u);
}
