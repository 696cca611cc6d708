/* SPDX-License-Identifier: MIT */
/*
 * map.h - mmap() for who stands in for libc's.
 */
#ifndef TESTS_MAP_H
#define TESTS_MAP_H

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline void *map_by_syscall(void *addr, size_t len, int prot, int flags, int fd,
				   off_t offset)
{
#ifdef __s390x__
	/* here the system looks for them in memory */
	const long args[] = { (long)addr, (long)len, prot, flags, fd, offset };

	return (void *)syscall(SYS_mmap, args);
#else
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
#endif
}

#endif /* TESTS_MAP_H */
