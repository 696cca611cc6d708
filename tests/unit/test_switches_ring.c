/* SPDX-License-Identifier: MIT */
/*
 * test_switches_ring.c - when a worker's thread opens and closes its ring, and what becomes of a
 * pool that can have none.
 *
 * A file stands in for the system's event: no permission is needed. Each test has a process of its
 * own, and says what the system is to answer before there are threads.
 */
#include "handmade.h"

#include <sys/mman.h>

#include "answers.h"
#include "base/grace.h"
#include "base/options.h"
#include "core/switches.h"

enum { ALWAYS = 2 };

static struct wq_worker *worker;

/* The thread that would hear of the ring is there. */
static void begin(void)
{
	wq_membarrier_init();
	wq_grace_claim();
	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	pool.is_bound = true;
	pool.is_watched = true;
	wq_options.watch_switches = ALWAYS;
	must(wq_os_allowed_cpus(&wq_allowed_cpus) == 0);
	wq_switches_begin();
	wq_pool_lock(&pool);
	worker = new_worker();
	unlock_only();
}

static void must_be_free(struct wq_lock *lock)
{
	must(wq_lock_try(lock));
	wq_lock_release(lock);
}

static void follow(void)
{
	wq_switches_follow_slow(worker);
	must_be_free(&pool.lock);
}

static int file_for_the_event(void)
{
	int fd = memfd_create("event", MFD_CLOEXEC);

	must(fd >= 0 && ftruncate(fd, 2 * sysconf(_SC_PAGESIZE)) == 0);
	return fd;
}

static bool is_mapped(void *page)
{
	return !msync(page, (size_t)sysconf(_SC_PAGESIZE), MS_ASYNC);
}

static void ring_is_opened_and_closed_again(void)
{
	struct wq_ring *ring;

	answer_next(SYS_perf_event_open, file_for_the_event(), 0, 1);
	/* a file cannot be polled */
	answer[1] = (struct answer){ SYS_epoll_ctl, 0, 0, 1 };
	begin();
	follow();
	ring = worker->ring;
	must(ring && is_mapped(ring));
	follow();
	must(!worker->ring && !is_mapped(ring));
}

static bool can_be_watched_again(void)
{
	wq_pool_lock(&pool);
	wq_switches_want_locked(&pool, wq_os_now_ns());
	unlock_only();
	return pool.is_watched;
}

static int refusal;

static void be_refused(void)
{
	answer_next(SYS_perf_event_open, -1, refusal, 1);
	begin();
	follow();
	must(!worker->ring && !pool.is_watched);
}

static void be_refused_for_good(void)
{
	be_refused();
	must(!can_be_watched_again());
}

static void be_refused_for_now(void)
{
	be_refused();
	must(can_be_watched_again());
}

/* It will not change as long as the process lives: nobody asks again. */
static void refusal_that_lasts_is_the_last_one(void)
{
	static const int lasting[] = { EACCES, EPERM, ENOSYS, ENOENT, EBADF };

	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
		refusal = lasting[i];
		must(run_in_child(be_refused_for_good) == 0);
	}
}

static void refusal_for_want_of_something_is_not(void)
{
	static const int passing[] = { EMFILE, ENOMEM, EINVAL };

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		refusal = passing[i];
		must(run_in_child(be_refused_for_now) == 0);
	}
}

/* ----------------------------------------------------- no thread to hear of it */

static int nr_asked(int given)
{
	return given - answer[0].times;
}

/* Who wants it asks for it; it is not tried again and again. */
static void thread_without_descriptors_is_made_when_it_is_wanted_again(void)
{
	answer_next(SYS_epoll_create1, -1, EMFILE, 3);
	begin();
	must(nr_asked(3) == 1);
	follow();
	must(!worker->ring && pool.is_watched);
	wq_switches_serve();
	must(nr_asked(3) == 1);
	for (int i = 2; i <= 3; i++) {
		must(can_be_watched_again());
		wq_switches_serve();
		wq_switches_serve();
		must(nr_asked(3) == i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(ring_is_opened_and_closed_again),
		child_test(refusal_that_lasts_is_the_last_one),
		child_test(refusal_for_want_of_something_is_not),
		child_test(thread_without_descriptors_is_made_when_it_is_wanted_again),
	};

	return cmocka_run_group_tests_name("switches_ring", tests, NULL, NULL);
}
