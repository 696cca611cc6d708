/* SPDX-License-Identifier: MIT */
/*
 * grace.c - sections and grace periods (contracts in grace.h).
 *
 * The table of records is a few chunks, each twice as large as the one before,
 * so that it grows without moving and without a lock. A record whose thread is
 * gone is found by asking the kernel for its thread id, and only when the
 * chunks at hand are full.
 */
#include "base/grace.h"

#include <stddef.h>

#include "base/os.h"

#define FIRST_CHUNK   128u
#define MAX_CHUNKS    16u
/* How many rounds of waiting for a record between questions whether its thread lives. */
#define ROUNDS_TO_ASK 32u

__thread struct wq_record *wq_grace_self __attribute__((tls_model("initial-exec")));

static struct wq_record first_chunk[FIRST_CHUNK];
/* A: set once from NULL, by CAS */
static struct wq_record *chunks[MAX_CHUNKS] = { first_chunk };
/* for threads that found no room */
static struct wq_record shared_record = { .shared = true };

static unsigned int chunk_size(unsigned int chunk)
{
	return FIRST_CHUNK << chunk;
}

static bool take(struct wq_record *record, uint64_t old_owner, uint32_t tid)
{
	uint64_t next = ((old_owner >> 32) + 1) << 32 | tid;

	/* the count of claims tells two threads apart that see the same dead owner */
	if (!wq_cas_acq_rel(&record->owner, &old_owner, next))
		return false;
	wq_store_relaxed(&record->section,
			 wq_load_relaxed(&record->section) & ~(uint64_t)WQ_SECTION_NESTING);
	wq_grace_self = record;
	return true;
}

enum owner { MINE, NOBODY, DEAD };

static bool owner_is(enum owner kind, uint32_t owner, uint32_t tid)
{
	switch (kind) {
	case MINE: /* a dead thread had our id, or we interrupt ourselves claiming */
		return owner == tid;
	case NOBODY:
		return owner == 0;
	default:
		return !wq_os_thread_exists(owner);
	}
}

static unsigned int nr_chunks(void)
{
	unsigned int c = 1;

	while (c < MAX_CHUNKS && wq_load_acquire(&chunks[c]))
		c++;
	return c;
}

static unsigned int nr_records(void)
{
	/* each is twice as large as the one before */
	return chunk_size(nr_chunks()) - FIRST_CHUNK;
}

static struct wq_record *record_at(unsigned int index)
{
	unsigned int c = 0;

	while (index >= chunk_size(c))
		index -= chunk_size(c++);
	return wq_load_acquire(&chunks[c]) + index;
}

/* Take a record with such an owner, if there is one. */
static bool claim_any(uint32_t tid, enum owner kind)
{
	/* A: where the last search ended. Threads come and go: the next one to fit is near */
	static unsigned int hint;
	unsigned int i, index, nr = nr_records(), start = wq_load_relaxed(&hint) % nr;
	struct wq_record *record;
	uint64_t owner;

	for (i = 0; i < nr; i++) {
		index = (start + i) % nr;
		record = record_at(index);
		owner = wq_load_acquire(&record->owner);
		if (owner_is(kind, (uint32_t)owner, tid) && take(record, owner, tid)) {
			wq_store_relaxed(&hint, index);
			return true;
		}
	}
	return false;
}

/*
 * Chunk c, the first that was not there when the caller searched: of many threads that
 * search in vain at the same time, each adding the next, the last would have gigabytes.
 * False: no memory, or no more chunks.
 */
static bool add_chunk(unsigned int c)
{
	struct wq_record *chunk, *none = NULL;
	size_t size;

	if (c == MAX_CHUNKS)
		return false;
	if (wq_load_acquire(&chunks[c]))
		return true;
	size = chunk_size(c) * sizeof(*chunk);
	chunk = wq_os_map(size);
	if (!chunk)
		return false;
	if (!wq_cas_acq_rel(&chunks[c], &none, chunk))
		wq_os_unmap(chunk, size);
	return true;
}

void wq_grace_claim(void)
{
	uint32_t tid = wq_os_tid();
	unsigned int nr = nr_chunks();

	if (claim_any(tid, MINE) || claim_any(tid, NOBODY) || claim_any(tid, DEAD))
		return;
	while (add_chunk(nr)) {
		nr = nr_chunks();
		if (claim_any(tid, NOBODY))
			return;
	}
	wq_grace_self = &shared_record;
}

void wq_grace_enter_shared(struct wq_record *record)
{
	wq_fetch_add_seq_cst(&record->section, 1u);
}

void wq_grace_leave_shared(struct wq_record *record)
{
	/* order: SECTION-LEAVE; counts no finished sections: synchronize waits for nobody inside */
	wq_fetch_sub_seq_cst(&record->section, 1u);
}

/* Killed inside a section, or a thread of the parent's before fork(). */
static bool owner_is_dead(struct wq_record *record)
{
	uint32_t owner = (uint32_t)wq_load_acquire(&record->owner);

	return owner && !wq_os_thread_exists(owner);
}

static void wait_for_record(struct wq_record *record)
{
	struct wq_backoff backoff = { 0 };
	/* order: SYNCHRONIZE's reading of records pairs with SECTION-LEAVE */
	uint64_t now, seen = wq_load_acquire(&record->section);

	if (!(seen & WQ_SECTION_NESTING))
		return;
	do {
		wq_backoff_wait(&backoff);
		now = wq_load_acquire(&record->section);
	} while ((now & WQ_SECTION_NESTING) &&
		 now >> WQ_SECTION_SHIFT == seen >> WQ_SECTION_SHIFT &&
		 (backoff.round % ROUNDS_TO_ASK || !owner_is_dead(record)));
}

void wq_grace_synchronize(void)
{
	struct wq_record *chunk;
	unsigned int c, i;

	/* order: SYNCHRONIZE pairs with SECTION-ENTER (Dekker) */
	wq_heavy_barrier();
	wait_for_record(&shared_record);
	for (c = 0; c < MAX_CHUNKS && (chunk = wq_load_acquire(&chunks[c])); c++) {
		for (i = 0; i < chunk_size(c); i++)
			wait_for_record(&chunk[i]);
	}
}

/* ------------------------------------------------------------- closing */

/* O: the thread that has closed the sections may enter */
static __thread bool is_closer __attribute__((tls_model("initial-exec")));

/* Are they closed, for somebody to whom these flags are as good as open? */
static bool are_closed(uint32_t flags, uint32_t enough)
{
	return (flags & (WQ_BARRIER_CLOSED | enough)) == WQ_BARRIER_CLOSED;
}

static void wait_until_open(uint32_t enough)
{
	uint32_t flags;

	while (are_closed(flags = wq_load_relaxed(&wq_barrier_flags), enough))
		wq_futex_wait(&wq_barrier_flags, flags, WQ_FOREVER);
}

static uint32_t enter_unless_closed(uint32_t enough)
{
	uint32_t flags;

	wq_fence_seq_cst();
	/*
	 * A section within a section, too: a handler may have come before the outer one has looked,
	 * and nobody waits for that one then. If it did get in, closing will be in vain.
	 */
	/* order: DEFER-LOOK pairs with DEFER-LET */
	while (are_closed(flags = wq_load_acquire(&wq_barrier_flags), enough) && !is_closer) {
		wq_grace_leave();
		wait_until_open(enough);
		wq_grace_enter_locked();
	}
	return flags;
}

void wq_grace_enter_slow(void)
{
	enter_unless_closed(0);
}

bool wq_grace_enter_or_defer_slow(void)
{
	return !(enter_unless_closed(WQ_BARRIER_DEFER) & WQ_BARRIER_DEFER);
}

static bool is_inside(const struct wq_record *record)
{
	/* order: SECTIONS-CLOSE, its reading of records, pairs with SECTION-LEAVE */
	return wq_load_acquire(&record->section) & WQ_SECTION_NESTING;
}

static bool wait_until_outside(struct wq_record *record, uint64_t deadline_ns)
{
	struct wq_backoff backoff = { 0 };

	while (is_inside(record)) {
		if (wq_os_now_ns() >= deadline_ns)
			return false;
		wq_backoff_wait(&backoff);
		if (backoff.round % ROUNDS_TO_ASK == 0 && owner_is_dead(record))
			break;
	}
	return true;
}

static bool all_are_outside(uint64_t deadline_ns)
{
	unsigned int i, nr = nr_records();
	struct wq_record *record;

	for (i = 0; i < nr; i++) {
		record = record_at(i);
		if (record != wq_grace_self && !wait_until_outside(record, deadline_ns))
			return false;
	}
	return wait_until_outside(&shared_record, deadline_ns);
}

bool wq_grace_close(uint64_t deadline_ns)
{
	is_closer = true;
	wq_fetch_or_acq_rel(&wq_barrier_flags, WQ_BARRIER_CLOSED);
	/* order: SECTIONS-CLOSE pairs with SECTION-ENTER (Dekker) */
	wq_heavy_barrier();
	if (all_are_outside(deadline_ns))
		return true;
	wq_grace_reopen();
	return false;
}

void wq_grace_let_defer(void)
{
	/* order: DEFER-LET pairs with DEFER-LOOK */
	wq_fetch_or_acq_rel(&wq_barrier_flags, WQ_BARRIER_DEFER);
	wq_futex_wake_all(&wq_barrier_flags);
}

void wq_grace_reopen(void)
{
	wq_fetch_and_acq_rel(&wq_barrier_flags, ~(WQ_BARRIER_CLOSED | WQ_BARRIER_DEFER));
	wq_futex_wake_all(&wq_barrier_flags);
	is_closer = false;
}

/* ------------------------------------------------------------- a child */

void wq_grace_for_each_debt(void (*fn)(void *debt))
{
	unsigned int i, nr = nr_records();

	for (i = 0; i < nr; i++) {
		if (record_at(i)->debt)
			fn(record_at(i)->debt);
	}
}

/* What is as it should be is not written: its page is still the parent's. */
void wq_grace_reset(void)
{
	unsigned int i, nr = nr_records();

	for (i = 0; i < nr; i++) {
		if (record_at(i)->owner)
			*record_at(i) = (struct wq_record){ 0 };
	}
	shared_record.section = 0;
}
