/* SPDX-License-Identifier: MIT */
/*
 * pages.h - stands in for wq_os_map(): memory of just the size, which is kept for the next
 * input, and whose use in between AddressSanitizer reports.
 */
#ifndef TESTS_FUZZ_PAGES_H
#define TESTS_FUZZ_PAGES_H

#include "fuzz.h"

#include <sanitizer/asan_interface.h>

enum {
	MAX_PAGES = 4,
};

static struct {
	void *mem;
	size_t size;
	bool is_used;
} pages[MAX_PAGES];

void *__wrap_wq_os_map(size_t size);
void *__wrap_wq_os_map(size_t size)
{
	int i = 0;

	while (pages[i].mem && (pages[i].is_used || pages[i].size != size))
		must(++i < MAX_PAGES);
	if (!pages[i].mem)
		pages[i].mem = fuzz_alloc(size);
	pages[i].size = size;
	pages[i].is_used = true;
	ASAN_UNPOISON_MEMORY_REGION(pages[i].mem, size);
	return memset(pages[i].mem, 0, size);
}

void __wrap_wq_os_unmap(void *mem, size_t size);
void __wrap_wq_os_unmap(void *mem, size_t size)
{
	int i = 0;

	while (pages[i].mem != mem)
		must(++i < MAX_PAGES);
	must(pages[i].is_used && pages[i].size == size);
	pages[i].is_used = false;
	ASAN_POISON_MEMORY_REGION(mem, size);
}

#endif /* TESTS_FUZZ_PAGES_H */
