/* SPDX-License-Identifier: MIT */
/*
 * grace.h - sections and grace periods.
 *
 * Producers hold no lock. Whoever frees or decides under them first makes his
 * decision visible, then calls wq_grace_synchronize(): every section that may
 * not have seen it is over when it returns. Entering costs a plain store, the
 * writer pays with a membarrier. Sections nest, also by signal handlers.
 *
 * Sections can be closed for a moment: then nobody is inside, and who wants to enter waits, or defers
 * what he would do. Each
 * thread has a record in a table that only grows. It also holds the thread's park:
 * records are never freed, so a late waker does no harm.
 */
#ifndef WQ_BASE_GRACE_H
#define WQ_BASE_GRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/membarrier.h"
#include "base/park.h"

struct wq_record {
	/* sections finished << WQ_SECTION_SHIFT | nesting; written by its thread only */
	uint64_t section;
	bool shared;         /* by the threads that found no room: written by RMWs */
	struct wq_park park; /* for the thread's own waits; not of the shared record */
	uint64_t owner;      /* claims << 32 | thread id, by CAS; thread id 0: free */
	void *debt;          /* what its thread will undo; by its thread, in a section */
} WQ_LINE_ALIGNED;

#define WQ_SECTION_SHIFT   16
#define WQ_SECTION_NESTING ((1ull << WQ_SECTION_SHIFT) - 1)

/* The calling thread's record; NULL until wq_grace_claim(). */
extern __thread struct wq_record *wq_grace_self __attribute__((tls_model("initial-exec")));

/* Give the calling thread a record. Signal handlers may. */
void wq_grace_claim(void);

void wq_grace_enter_shared(struct wq_record *record);
void wq_grace_leave_shared(struct wq_record *record);

/* Flags are set, the caller has entered: sections may be closed. Then leaves, waits, enters. */
void wq_grace_enter_slow(void);
/* The same, but as soon as who queues may defer: false, in a section as by wq_grace_enter_locked(). */
bool wq_grace_enter_or_defer_slow(void);

static WQ_INLINE void wq_grace_say_inside(void)
{
	struct wq_record *record = wq_grace_self;

	if (wq_unlikely(record->shared))
		wq_grace_enter_shared(record);
	else
		wq_store_relaxed(&record->section, wq_load_relaxed(&record->section) + 1);
}

static inline void wq_grace_enter(void)
{
	wq_grace_say_inside();
	/* order: SECTION-ENTER pairs with SYNCHRONIZE, and with SECTIONS-CLOSE (Dekker) */
	wq_compiler_barrier();
	if (wq_unlikely(wq_load_relaxed(&wq_barrier_flags)))
		wq_grace_enter_slow();
}

/*
 * For who queues, and must not wait for who has closed them for long. False: they are closed, and he
 * is in a section all the same: he must change nothing that is copied, but defer (ops/defer.h).
 */
static WQ_INLINE bool wq_grace_enter_or_defer(void)
{
	wq_grace_say_inside();
	/* order: SECTION-ENTER pairs with SYNCHRONIZE, and with SECTIONS-CLOSE (Dekker) */
	wq_compiler_barrier();
	return wq_likely(!wq_load_relaxed(&wq_barrier_flags)) || wq_grace_enter_or_defer_slow();
}

/*
 * For who holds a pool's or a shard's lock, or only looks: also where they are closed. Who closes
 * them takes those locks afterwards.
 */
static inline void wq_grace_enter_locked(void)
{
	wq_grace_say_inside();
	/* order: SECTION-ENTER pairs with SYNCHRONIZE */
	wq_light_barrier();
}

/* The outermost leave counts a finished section: 1 << SHIFT, less the nesting of 1. */
static inline uint64_t wq_section_after_leave(uint64_t section)
{
	return (section & WQ_SECTION_NESTING) == 1 ? section + WQ_SECTION_NESTING : section - 1;
}

static inline void wq_grace_leave(void)
{
	struct wq_record *record = wq_grace_self;

	if (wq_unlikely(record->shared)) {
		wq_grace_leave_shared(record);
		return;
	}
	/* order: SECTION-LEAVE pairs with the reading of records in SYNCHRONIZE and SECTIONS-CLOSE */
	wq_store_release(&record->section,
			 wq_section_after_leave(wq_load_relaxed(&record->section)));
}

/* For assertions: is the caller in a section? Who shares a record: is anybody who shares it? */
static inline bool wq_grace_is_inside(void)
{
	return wq_load_relaxed(&wq_grace_self->section) & WQ_SECTION_NESTING;
}

/* Wait until every section that began before the call is over. May sleep; not inside a section. */
void wq_grace_synchronize(void);

/*
 * Close sections: true: nobody is inside, and who wants to enter waits, but for the calling thread.
 * False: somebody was still inside at that time, perhaps since he waits himself, in a section within
 * a section, and they are open: let others run, and try again. One thread at a time.
 */
bool wq_grace_close(uint64_t deadline_ns);
/* They are closed, and will be for long: who waits to queue, or will, defers. Until they are open. */
void wq_grace_let_defer(void);
void wq_grace_reopen(void);

/* In the child of fork(), where nobody else is: what the threads owed; then all records are free. */
void wq_grace_for_each_debt(void (*fn)(void *debt));
void wq_grace_reset(void);

#endif /* WQ_BASE_GRACE_H */
