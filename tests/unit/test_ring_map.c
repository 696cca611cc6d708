/* SPDX-License-Identifier: MIT */
/*
 * test_ring_map.c - the ring is what the system's descriptor holds.
 *
 * Where perf events may not be had, as under emulators, nobody would see that the
 * arguments of a system call are passed otherwise on some processor: a file stands in
 * for the event.
 */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ring.h"

static const char content[] = "what the event has written";

static int file_for_the_event(void)
{
	int fd = memfd_create("event", MFD_CLOEXEC);

	must(fd >= 0);
	must(ftruncate(fd, 2 * sysconf(_SC_PAGESIZE)) == 0);
	must(write(fd, content, sizeof(content)) == sizeof(content));
	return fd;
}

/* It reads six arguments however many there are, as libc's own does. */
__attribute__((no_sanitize("address"))) long syscall(long nr, ...)
{
	long (*next)(long nr, ...);
	long arg[6];
	va_list args;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (nr == SYS_perf_event_open)
		return file_for_the_event();
	/* a file cannot be polled */
	if (nr == SYS_epoll_ctl)
		return 0;
	*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	return next(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

static void ring_shows_what_the_event_writes(void **state)
{
	int err, poller = wq_ring_poller_create();
	struct wq_ring *ring = wq_ring_open(poller, NULL, &err);

	assert_int_equal(err, 0);
	assert_non_null(ring);
	assert_memory_equal(ring, content, sizeof(content));
	wq_ring_close(ring);
	wq_ring_poller_close(poller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_shows_what_the_event_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
