/* SPDX-License-Identifier: MIT */
/*
 * ring.c - a thread's comings to and goings from CPUs (contracts in ring.h).
 *
 * The system writes records of one size, the newest just below data_head, over the
 * oldest. No descriptor is kept: the mapping holds the event, and the poller hears of it.
 * All by syscall(): who watches libc's calls would take a descriptor for open that is not. Its
 * last argument comes by the stack, where the upper half of an int is anything.
 */
#include "base/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/os.h"

/* A record: its header and the time, which only fills it up to a power of two. */
#define RECORD_SIZE 16u
/* In data, above all pointers: it is the poller that was made here, and not an epoll of the program's. */
#define MARK_SHIFT  48
#define MARK        0x7171ull
/* News heard of in one wait, at most. */
#define MAX_NEWS    16

/* The pages of control and of records. */
static size_t map_size(void)
{
	return 2 * (size_t)sysconf(_SC_PAGESIZE);
}

static int open_event(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.exclude_kernel = 1,
		.context_switch = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, /* pid */ 0, /* cpu */ -1,
			    /* group */ -1, PERF_FLAG_FD_CLOEXEC);
}

static int tell_poller(int poller, int fd, void *data)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u64 = (uintptr_t)data | MARK << MARK_SHIFT };

	return (int)syscall(SYS_epoll_ctl, poller, EPOLL_CTL_ADD, fd, &event);
}

/* Without PROT_WRITE the system never waits for a reader. */
static void *map_file(int fd)
{
	const unsigned long args[] = { 0, map_size(), PROT_READ, MAP_SHARED, (unsigned long)fd, 0 };

#ifdef __s390x__
	/* here the system looks for them in memory */
	return (void *)syscall(SYS_mmap, args);
#else
	return (void *)syscall(SYS_mmap, args[0], args[1], args[2], args[3], args[4], args[5]);
#endif
}

static struct wq_ring *map_event(int fd, int poller, void *data)
{
	void *mem = map_file(fd);

	if (mem == MAP_FAILED) {
		/* EPERM is no lack of permission here: others have locked all the memory there is */
		errno = ENOMEM;
		return NULL;
	}
	if (!tell_poller(poller, fd, data))
		return mem;
	syscall(SYS_munmap, mem, map_size());
	return NULL;
}

struct wq_ring *wq_ring_open(int poller, void *data, int *err)
{
	struct wq_ring *ring = NULL;
	int saved = errno, fd = open_event();

	if (fd >= 0)
		ring = map_event(fd, poller, data);
	*err = ring ? 0 : -errno;
	if (fd >= 0)
		syscall(SYS_close, fd);
	errno = saved;
	return ring;
}

void wq_ring_close(struct wq_ring *ring)
{
	int saved = errno;

	syscall(SYS_munmap, ring, map_size());
	errno = saved;
}

bool wq_ring_sleeps(const struct wq_ring *ring)
{
	const struct perf_event_mmap_page *page = (const void *)ring;
	const char *records = (const char *)page + page->data_offset;
	struct perf_event_header newest;
	uint64_t head;

	do {
		head = wq_load_acquire(&page->data_head);
		if (!head)
			return false;
		memcpy(&newest, records + (head - RECORD_SIZE) % page->data_size, sizeof(newest));
		/* overwritten meanwhile, it would not be the newest */
	} while (wq_load_acquire(&page->data_head) != head);
	return newest.type == PERF_RECORD_SWITCH && newest.misc & PERF_RECORD_MISC_SWITCH_OUT &&
	       !(newest.misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT);
}

int wq_ring_poller_create(void)
{
	int saved = errno, fd = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);

	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd < 0 ? fd : wq_os_fd_out_of_the_way(fd);
}

int wq_ring_poller_wait(int poller, void **data, int max)
{
	struct epoll_event news[MAX_NEWS];
	int saved = errno, i;
	long nr;

	do
		nr = syscall(SYS_epoll_pwait, poller, news, max < MAX_NEWS ? max : MAX_NEWS, -1,
			     NULL, 0L);
	while (nr < 0 && errno == EINTR);
	if (nr < 0)
		nr = -errno;
	for (i = 0; i < nr; i++) {
		if (news[i].data.u64 >> MARK_SHIFT != MARK)
			nr = -EBADF;
		else
			data[i] = (void *)(uintptr_t)(news[i].data.u64 ^ MARK << MARK_SHIFT);
	}
	errno = saved;
	return (int)nr;
}

/* Without taking news away from a process that has it as well. */
bool wq_ring_poller_is_open(int fd)
{
	static const char epoll[] = "anon_inode:[eventpoll]";
	char path[32], link[sizeof(epoll)];
	int saved = errno;
	long len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = syscall(SYS_readlinkat, AT_FDCWD, path, link, sizeof(link));
	errno = saved;
	return len == sizeof(epoll) - 1 && !memcmp(link, epoll, (size_t)len);
}

/* A counter that is never read is always news. */
int wq_ring_poller_end(int poller)
{
	int saved = errno, fd = (int)syscall(SYS_eventfd2, 1, EFD_CLOEXEC),
	    err = fd < 0 ? -errno : 0;

	if (!err && tell_poller(poller, fd, NULL)) {
		err = -errno;
		syscall(SYS_close, fd);
	}
	errno = saved;
	return err ? err : fd;
}

void wq_ring_poller_close(int fd)
{
	int saved = errno;

	syscall(SYS_close, fd);
	errno = saved;
}
