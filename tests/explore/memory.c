/* SPDX-License-Identifier: MIT */
/*
 * memory.c - memory that is handed out, checked, saved and restored (contracts in memory.h).
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "image.h"
#include "machine.h"
#include "reduce.h"

enum {
	MEMORY_SIZE = 8 << 20,
	MAX_FREED = 128,
	POISON = 0x6b,
	CHECKED = 1024, /* of each freed block */
};

struct freed {
	char *mem;
	size_t size;
};

static struct freed freed[MAX_FREED];
static unsigned int nr_freed;
static char *memory;

extern char __data_start[], _end[];

char *memory_map(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	return mem;
}

/* ------------------------------------------------------------------ memory */

struct block {
	size_t size;
	size_t unused;
};

void *memory_alloc(size_t size, size_t align)
{
	char *mem = machine.brk + sizeof(struct block);

	if (align < 16)
		align = 16;
	mem += -(uintptr_t)mem % align;
	if (mem + size > memory + MEMORY_SIZE)
		machine_fail("no memory left");
	((struct block *)(void *)mem)[-1].size = size;
	machine.brk = mem + size;
	return memset(mem, 0, size);
}

/* It is never handed out again. */
void memory_free(void *mem)
{
	size_t size = ((struct block *)mem)[-1].size;

	if (nr_freed == MAX_FREED)
		machine_fail("too much is freed");
	for (unsigned int i = 0; i < nr_freed; i++)
		if (freed[i].mem == mem)
			machine_fail("%p is freed twice", mem);
	reduce_step((struct step){ mem, ANYTHING });
	freed[nr_freed++] = (struct freed){ mem, size };
	memset(mem, POISON, size);
}

void memory_check(const void *p)
{
	for (unsigned int i = 0; i < nr_freed; i++)
		if ((size_t)((const char *)p - freed[i].mem) < freed[i].size)
			machine_fail("freed memory is touched: byte %zu of %zu",
				     (size_t)((const char *)p - freed[i].mem), freed[i].size);
}

bool memory_freed_is_untouched(void)
{
	for (unsigned int i = 0; i < nr_freed; i++) {
		size_t size = freed[i].size < CHECKED ? freed[i].size : CHECKED;

		if (freed[i].mem[0] != POISON ||
		    memcmp(freed[i].mem, freed[i].mem + 1, size - 1) != 0)
			return false;
	}
	return true;
}

/* --------------------------------------------------------- save and restore */

/*
 * Static variables and memory, of which most is never written again: pages cannot be written to after
 * they were saved, until somebody does; from then on they are restored each time.
 */
struct region {
	char *start, *end, *saved;
	bool *is_written;  /* by page */
	uint16_t *written; /* pages, in the order in which they were first; it only grows */
	size_t nr_written;
};

/* Not saved. */
static struct region *regions;
static const size_t page_size = 4096;

static char *page_of(const struct region *region, size_t page)
{
	return region->start + page * page_size;
}

static void note_written(struct region *region, size_t page)
{
	region->is_written[page] = true;
	region->written[region->nr_written++] = (uint16_t)page;
}

static void save_region(struct region *region, char *start, char *end)
{
	/* whole pages; what is beside static variables is saved with them */
	region->start = start - (uintptr_t)start % page_size;
	region->end = end + -(uintptr_t)end % page_size;
	/* the first page may be the loader's, too */
	note_written(region, 0);
	memcpy(region->saved, region->start, (size_t)(region->end - region->start));
	mprotect(page_of(region, 1), (size_t)(region->end - page_of(region, 1)), PROT_READ);
}

static void copy_region(struct image *image, const struct region *region)
{
	size_t nr = region->nr_written;

	image_copy(image, &nr, sizeof(nr));
	for (size_t i = 0; i < nr; i++)
		image_copy(image, page_of(region, region->written[i]), page_size);
	/* written since then; before, they were as they had been saved first */
	for (size_t i = nr; i < region->nr_written; i++)
		memcpy(page_of(region, region->written[i]),
		       region->saved + region->written[i] * page_size, page_size);
}

/* True: the page may be written to by now. */
bool memory_note_written(char *address)
{
	for (int i = 0; i < 2; i++) {
		struct region *region = &regions[i];
		size_t page = (size_t)(address - region->start) / page_size;

		if (address < region->start || address >= region->end || region->is_written[page])
			continue;
		note_written(region, page);
		mprotect(page_of(region, page), page_size, PROT_READ | PROT_WRITE);
		return true;
	}
	return false;
}

void memory_save(void)
{
	save_region(&regions[1], memory, machine.brk);
	save_region(&regions[0], __data_start, _end);
}

void memory_copy(struct image *image)
{
	/* static variables say how much memory has been handed out */
	copy_region(image, &regions[0]);
	copy_region(image, &regions[1]);
	if (machine.brk > regions[1].end)
		image_copy(image, regions[1].end, (size_t)(machine.brk - regions[1].end));
}

void memory_init(void)
{
	memory = memory_map(MEMORY_SIZE);
	regions = (void *)memory_map(2 * sizeof(*regions));
	for (int i = 0; i < 2; i++) {
		regions[i].saved = memory_map(MEMORY_SIZE);
		regions[i].is_written = (bool *)memory_map(MEMORY_SIZE / page_size);
		regions[i].written = (void *)memory_map(MEMORY_SIZE / page_size * sizeof(uint16_t));
	}
	machine.brk = memory;
}
