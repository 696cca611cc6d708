/* SPDX-License-Identifier: MIT */
/*
 * test_grace_full.c - a table of records that is as large as it gets, and all of them taken.
 *
 * That takes eight million threads. Here all chunks but the first are the same two megabytes,
 * mapped again and again, and one thread owns what is in them.
 */
#include "../support/map.h"
#include "unit.h"

#include "base/grace.h"
#include "base/os.h"

enum {
	FIRST_CHUNK = 128,
	NR_CHUNKS = 16,
	WINDOW = 2 << 20,
};

static int window = -1;
static int nr_chunks_mapped;

/* What comes, once, while a chunk is mapped; and which that is, and what was unmapped last. */
static void (*meanwhile)(void);
static void *overtaken, *unmapped;

#if TESTS_SANITIZED
#define need_windows() exit(EXIT_SKIPPED)
#else
#define need_windows() ((void)0)

static void overtake(void *chunk)
{
	void (*fn)(void) = meanwhile;

	meanwhile = NULL;
	overtaken = chunk;
	fn();
}

/* Chunks are larger than anything else that the library maps here. */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	char *mem = map_by_syscall(addr, len, prot, flags, fd, offset);

	if (fd >= 0 || len < 2 * FIRST_CHUNK * sizeof(struct wq_record))
		return mem;
	if (meanwhile)
		overtake(mem);
	if (window < 0)
		return mem;
	nr_chunks_mapped++;
	for (size_t at = 0; at < len; at += WINDOW)
		map_by_syscall(mem + at, len - at < WINDOW ? len - at : WINDOW,
			       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, window, 0);
	return mem;
}

int munmap(void *addr, size_t len)
{
	unmapped = addr;
	return (int)syscall(SYS_munmap, addr, len);
}
#endif

static struct gate end;

static long live(void *unused)
{
	(void)unused;
	gate_wait(&end);
	return 0;
}

static void fill(struct wq_record *record, size_t nr, uint64_t owner)
{
	for (size_t i = 0; i < nr; i++)
		record[i].owner = owner;
}

/* Whoever owns all records of the first chunk but the caller's: who that is. */
static uint64_t fill_first_chunk(struct call *other)
{
	uint64_t owner;

	gate_init(&end);
	call_start(other, live, NULL);
	wait_until(atomic_load(&other->tid));
	owner = (uint64_t)atomic_load(&other->tid);
	/* the program's first thread has the first record */
	fill(wq_grace_self + 1, FIRST_CHUNK - 1, owner);
	return owner;
}

/* Those of the further chunks, too. */
static void fill_table(struct call *other)
{
	uint64_t owner = fill_first_chunk(other);
	struct wq_record *records;

	window = memfd_create("records", 0);
	must(window >= 0 && ftruncate(window, WINDOW) == 0);
	records = map_by_syscall(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, window, 0);
	must(records != MAP_FAILED);
	fill(records, WINDOW / sizeof(*records), owner);
}

static long claim(void *result)
{
	wq_grace_claim();
	*(struct wq_record **)result = wq_grace_self;
	wq_grace_enter();
	wq_grace_leave();
	wq_grace_enter_locked();
	wq_grace_leave();
	return 0;
}

static void thread_without_a_record_of_its_own_shares_one(void)
{
	struct wq_record *shared = NULL;
	struct call other, late;

	need_windows();
	wq_membarrier_init();
	wq_grace_claim();
	fill_table(&other);
	call_start(&late, claim, &shared);
	call_join(&late);
	must(nr_chunks_mapped == NR_CHUNKS - 1);
	must(shared && shared->shared && !shared->section);
	/* looks at all of them, finds nobody inside, and no further chunk */
	wq_grace_synchronize();
	gate_open(&end);
	call_join(&other);
}

static struct call first, second;
static struct wq_record *of_first, *of_second;

static void claim_first(void)
{
	call_start(&first, claim, &of_first);
	call_join(&first);
}

static void chunk_of_who_was_overtaken_is_unmapped(void)
{
	struct call other;

	need_windows();
	wq_membarrier_init();
	wq_grace_claim();
	fill_first_chunk(&other);
	meanwhile = claim_first;
	call_start(&second, claim, &of_second);
	call_join(&second);
	must(overtaken && unmapped == overtaken);
	must(of_first && !of_first->shared && of_second && !of_second->shared);
	gate_open(&end);
	call_join(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(chunk_of_who_was_overtaken_is_unmapped),
		child_test(thread_without_a_record_of_its_own_shares_one),
	};

	return cmocka_run_group_tests_name("grace_full", tests, NULL, NULL);
}
