/* SPDX-License-Identifier: MIT */
/*
 * test_ring.c - a thread's switches, as the system writes them down.
 *
 * Where there is no permission for perf events only the refusal is tested.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ring.h"

static int poller;
static _Atomic(struct wq_ring *) ring;
static atomic_int error;
static struct gate opened, go;

static int ring_begin(void **state)
{
	poller = wq_ring_poller_create();
	gate_init(&opened);
	gate_init(&go);
	return poller < 0;
}

static int ring_end(void **state)
{
	if (ring)
		wq_ring_close(ring);
	ring = NULL;
	wq_ring_poller_close(poller);
	return 0;
}

static void open_own(void *data)
{
	int err;

	atomic_store(&ring, wq_ring_open(poller, data, &err));
	atomic_store(&error, err);
}

static long sleep_watched(void *data)
{
	open_own(data);
	gate_open(&opened);
	gate_wait(&go);
	return 0;
}

static long spin_watched(void *data)
{
	open_own(data);
	nap_us(1000);
	gate_open(&opened);
	gate_spin(&go);
	return 0;
}

static bool is_to_be_had(void)
{
	return atomic_load(&ring) != NULL;
}

static void refusal_says_why(void **state)
{
	int err = 0;
	struct wq_ring *refused = wq_ring_open(/* poller */ -1, NULL, &err);

	assert_null(refused);
	assert_true(err < 0);
	assert_int_equal(wq_ring_poller_wait(-1, NULL, 1), -EBADF);
}

/* It is what a program gets next that has closed its standard input. */
static void descriptor_0_is_as_good_as_any_other(void)
{
	int err;

	close(0);
	errno = EBADF; /* an error that is none of its own */
	poller = wq_ring_poller_create();
	must(poller > STDERR_FILENO);
	must(fcntl(0, F_GETFD) < 0 && errno == EBADF);
	must(!wq_ring_open(poller, NULL, &err) == (err < 0));
	must(fcntl(0, F_GETFD) < 0 && errno == EBADF);
}

static void thread_that_waits_sleeps_and_one_that_computes_does_not(void **state)
{
	long (*const fn[])(void *arg) = { sleep_watched, spin_watched };
	struct call call;

	for (int i = 0; i < 2; i++) {
		gate_init(&opened);
		gate_init(&go);
		call_start(&call, fn[i], NULL);
		gate_wait(&opened);
		if (is_to_be_had())
			wait_until(wq_ring_sleeps(ring) == (i == 0));
		gate_open(&go);
		call_join(&call);
		if (is_to_be_had())
			wq_ring_close(ring);
		atomic_store(&ring, NULL);
	}
}

static void thread_that_never_left_its_cpu_does_not_sleep(void **state)
{
	open_own(NULL);
	if (is_to_be_had())
		assert_false(wq_ring_sleeps(ring));
}

static void poller_hears_of_whose_ring_it_is(void **state)
{
	struct call call;
	void *data[4] = { NULL };
	int here;

	call_start(&call, sleep_watched, &here);
	gate_wait(&opened);
	if (is_to_be_had()) {
		assert_int_equal(wq_ring_poller_wait(poller, data, 4), 1);
		assert_ptr_equal(data[0], &here);
	}
	gate_open(&go);
	call_join(&call);
}

static long wait_for_news(void *arg)
{
	void *data = arg;

	return wq_ring_poller_wait(poller, &data, 1) == 1 && !data;
}

static void ended_poller_says_so(void **state)
{
	struct call call;
	int fd;

	call_start(&call, wait_for_news, &call);
	assert_true(call_blocks(&call));
	fd = wq_ring_poller_end(poller);
	assert_true(fd >= 0);
	assert_true(call_join(&call));
	wq_ring_poller_close(fd);
}

/* As in a child of fork(), which has the poller as well. */
static void asking_whether_it_is_open_takes_no_news_away(void **state)
{
	struct call call;
	void *data[4];

	call_start(&call, sleep_watched, NULL);
	gate_wait(&opened);
	wait_until(!is_to_be_had() || wq_ring_sleeps(ring));
	assert_true(wq_ring_poller_is_open(poller));
	if (is_to_be_had())
		assert_int_equal(wq_ring_poller_wait(poller, data, 4), 1);
	gate_open(&go);
	call_join(&call);
	assert_false(wq_ring_poller_is_open(-1));
	assert_false(wq_ring_poller_is_open(STDERR_FILENO));
}

/* The program has closed the poller, and has one of its own there. */
static void foreign_poller_is_not_taken_for_the_own_one(void **state)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &event };
	int foreign = epoll_create1(0), fd = eventfd(1, 0);
	void *data[4];

	assert_int_equal(epoll_ctl(foreign, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(wq_ring_poller_wait(foreign, data, 4), -EBADF);
	close(fd);
	close(foreign);
}

/* More switches than the ring has room for. */
static void newest_record_is_found_after_many(void **state)
{
	open_own(NULL);
	if (!is_to_be_had())
		return;
	for (int i = 0; i < 600; i++) {
		nap_us(1);
		assert_false(wq_ring_sleeps(ring));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refusal_says_why, ring_begin, ring_end),
		child_test(descriptor_0_is_as_good_as_any_other),
		cmocka_unit_test_setup_teardown(
			thread_that_waits_sleeps_and_one_that_computes_does_not, ring_begin,
			ring_end),
		cmocka_unit_test_setup_teardown(thread_that_never_left_its_cpu_does_not_sleep,
						ring_begin, ring_end),
		cmocka_unit_test_setup_teardown(poller_hears_of_whose_ring_it_is, ring_begin,
						ring_end),
		cmocka_unit_test_setup_teardown(ended_poller_says_so, ring_begin, ring_end),
		cmocka_unit_test_setup_teardown(asking_whether_it_is_open_takes_no_news_away,
						ring_begin, ring_end),
		cmocka_unit_test_setup_teardown(foreign_poller_is_not_taken_for_the_own_one,
						ring_begin, ring_end),
		cmocka_unit_test_setup_teardown(newest_record_is_found_after_many, ring_begin,
						ring_end),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
