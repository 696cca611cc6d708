/* SPDX-License-Identifier: MIT */
/*
 * test_ring_odd.c - what a system seldom answers to who watches switches, with the test in its place:
 * it needs no permission.
 */
#include "unit.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/eventfd.h>

#include "answers.h"
#include "base/ring.h"

static int poller;

static int begin(void **state)
{
	poller = wq_ring_poller_create();
	return poller < 0 || unit_begin(state) ? -1 : 0;
}

static int end(void **state)
{
	memset(answer, 0, sizeof(answer));
	wq_ring_poller_close(poller);
	return unit_end(state);
}

#define odd_test(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

static void poller_wait_interrupted_goes_on(void **state)
{
	int fd = wq_ring_poller_end(poller);
	void *data = &fd;

	assert_true(fd >= 0);
	answer_next(SYS_epoll_pwait, -1, EINTR, 2);
	assert_int_equal(wq_ring_poller_wait(poller, &data, 1), 1);
	assert_null(data);
	assert_int_equal(answer[0].times, 0);
	wq_ring_poller_close(fd);
}

static void poller_end_without_descriptors_gives_the_error(void **state)
{
	answer_next(SYS_eventfd2, -1, EMFILE, 1);
	assert_int_equal(wq_ring_poller_end(poller), -EMFILE);
}

static void poller_end_without_room_gives_the_error_and_closes_its_descriptor(void **state)
{
	int fd = dup(poller);

	close(fd);
	answer_next(SYS_epoll_ctl, -1, ENOSPC, 1);
	assert_int_equal(wq_ring_poller_end(poller), -ENOSPC);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void ring_without_memory_gives_enomem(void **state)
{
	int err = 0;

	answer_next(SYS_perf_event_open, eventfd(0, EFD_CLOEXEC), 0, 1);
	answer[1] = (struct answer){ SYS_mmap, -1, EPERM, 1 };
	assert_null(wq_ring_open(poller, &err, &err));
	assert_int_equal(err, -ENOMEM);
}

static void file_whose_name_is_as_long_is_no_poller(void **state)
{
	char path[] = "/tmp/workq-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(strlen(path), strlen("anon_inode:[eventpoll]"));
	assert_false(wq_ring_poller_is_open(fd));
	assert_true(wq_ring_poller_is_open(poller));
	close(fd);
	unlink(path);
}

/* Others than switches are written down where the system lost some. */
static void record_of_another_kind_says_nothing_of_sleep(void **state)
{
	static union {
		struct perf_event_mmap_page page;
		char bytes[8192];
	} ring = { .page = { .data_offset = 4096, .data_size = 4096, .data_head = 64 } };
	struct perf_event_header lost = { .type = PERF_RECORD_LOST,
					  .misc = PERF_RECORD_MISC_SWITCH_OUT };

	for (size_t at = 0; at < 64; at += sizeof(lost))
		memcpy(ring.bytes + 4096 + at, &lost, sizeof(lost));
	assert_false(wq_ring_sleeps((const struct wq_ring *)&ring));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		odd_test(poller_wait_interrupted_goes_on),
		odd_test(poller_end_without_descriptors_gives_the_error),
		odd_test(poller_end_without_room_gives_the_error_and_closes_its_descriptor),
		odd_test(ring_without_memory_gives_enomem),
		odd_test(file_whose_name_is_as_long_is_no_poller),
		odd_test(record_of_another_kind_says_nothing_of_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
