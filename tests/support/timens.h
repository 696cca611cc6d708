/* SPDX-License-Identifier: MIT */
/*
 * timens.h - processes whose CLOCK_MONOTONIC is another one (time namespaces).
 *
 * Needs Linux 5.6, and root or permission to make a user namespace; the clock must stay between
 * 0 and 2^62 ns, by the kernel's rules.
 */
#ifndef TESTS_TIMENS_H
#define TESTS_TIMENS_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* Of this process's children from now on, for good: their clock is so much ahead of ours. */
static inline bool shift_clock_of_children(long long ns)
{
	long long seconds = ns / 1000000000, rest = ns % 1000000000;
	char text[64];
	int len, fd;
	bool ok;

	if (rest < 0) {
		seconds--;
		rest += 1000000000;
	}
	/* who is not root may be so in a user namespace, if the system has not forbidden those */
	if (unshare(CLONE_NEWTIME) && unshare(CLONE_NEWUSER | CLONE_NEWTIME))
		return false;
	len = snprintf(text, sizeof(text), "monotonic %lld %lld\n", seconds, rest);
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	if (fd < 0)
		return false;
	ok = write(fd, text, len) == len;
	close(fd);
	return ok;
}

#endif /* TESTS_TIMENS_H */
