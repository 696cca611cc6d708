/* SPDX-License-Identifier: MIT */
/*
 * points.c - calls of base/os that fail as planned (contracts in points.h).
 *
 * Async-signal-safe, as those that they stand in front of.
 */
#include "fault/points.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/types.h"
#include "ops/task.h"
#include "support/gate.h"

#define INFO(type, name, params, args, failure, span, speech, texts) { #name, span, speech, texts },
#define OTHER_INFO(name, span)                                       { #name, span, SILENT, "" },
const struct fault_point_info fault_points[NR_FAULT_POINTS] = { FAULT_POINTS(INFO) /**/
								FAULT_OTHERS(OTHER_INFO) };

static atomic_uint calls[NR_FAULT_POINTS];
static atomic_uint nr_struck[NR_FAULT_POINTS];
static atomic_uint nr_freed;
static atomic_uint nr_kept;
static __thread bool struck_here;

/* Of an outage: when it ends by itself; 0: it has not begun; -1: it is over. */
static atomic_llong outage_end_ns;
static atomic_bool is_held;

/* Each side of a call that is late: so long that all the others come to their ends meanwhile. */
enum { LATE_US = 1000 };

/* -------------------------------------------------------------------- plan */

static struct fault_plan plan = { .point = NR_FAULT_POINTS };

static enum fault_point point_named(const char *name, size_t len)
{
	int point = 0;

	while (point < NR_FAULT_POINTS && (strlen(fault_points[point].name) != len ||
					   memcmp(fault_points[point].name, name, len)))
		point++;
	return point;
}

/* Before the constructors of the library, which call base/os. */
__attribute__((constructor(101))) static void read_plan(void)
{
	const char *text = getenv(FAULT_PLAN);
	char *rest;

	if (!text)
		return;
	plan.point = point_named(text, strcspn(text, ":"));
	text += strcspn(text, ":");
	plan.nth = (unsigned int)strtoul(*text ? text + 1 : text, &rest, 10);
	plan.span = (enum fault_span)strtoul(*rest ? rest + 1 : rest, NULL, 10);
	if (plan.point == NR_FAULT_POINTS || !plan.nth)
		abort();
}

const struct fault_plan *fault_plan(void)
{
	return &plan;
}

/* ------------------------------------------------------------------ strike */

/* The outage begins with its first failure. */
static bool is_in_outage(void)
{
	long long now = now_ns(), end = 0;

	if (atomic_compare_exchange_strong(&outage_end_ns, &end, now + FAULT_OUTAGE_MS * 1000000LL))
		return true;
	if (end < 0)
		return false;
	if (now < end || atomic_load(&is_held))
		return true;
	atomic_store(&outage_end_ns, -1);
	return false;
}

bool fault_is_scarce(enum fault_point point)
{
	switch (point) {
	case FAULT_wq_os_alloc:
	case FAULT_wq_os_map:
	case FAULT_wq_os_thread_create:
	case FAULT_wq_os_thread_at_exit:
	case FAULT_wq_os_timer_create:
	case FAULT_wq_ring_open:
	case FAULT_wq_ring_poller_create:
	case FAULT_wq_ring_poller_end:
		return true;
	default:
		return false;
	}
}

/* The shortage begins at its point, and is of all then. */
static bool is_short(enum fault_point point, unsigned int nth)
{
	bool has_begun = atomic_load(&outage_end_ns) || (point == plan.point && nth >= plan.nth);

	return has_begun && fault_is_scarce(point) && is_in_outage();
}

static bool fails(enum fault_point point, unsigned int nth)
{
	if (plan.span == SHORTAGE)
		return is_short(point, nth);
	if (point != plan.point || nth < plan.nth)
		return false;
	switch (plan.span) {
	case MOMENT:
		return nth == plan.nth;
	case OUTAGE:
		return is_in_outage();
	default:
		return plan.span == FOR_GOOD;
	}
}

enum stroke { NONE, FAILS, IS_LATE };

static void be_late(void)
{
	int err = errno;

	nap_us(LATE_US);
	errno = err;
}

static enum stroke stroke_at(enum fault_point point)
{
	unsigned int nth = atomic_fetch_add(&calls[point], 1) + 1;

	if (plan.span == LATE && point == plan.point && nth == plan.nth) {
		be_late();
		return IS_LATE;
	}
	if (!fails(point, nth))
		return NONE;
	struck_here = true;
	atomic_fetch_add(&nr_struck[point], 1);
	return FAILS;
}

/* The call has returned. */
static void linger(enum stroke stroke)
{
	if (stroke == IS_LATE)
		be_late();
}

unsigned int fault_calls(enum fault_point point)
{
	return atomic_load(&calls[point]);
}

unsigned int fault_struck(enum fault_point point)
{
	return atomic_load(&nr_struck[point]);
}

unsigned int fault_nr_struck(void)
{
	unsigned int nr = 0;

	for (int point = 0; point < NR_FAULT_POINTS; point++)
		nr += fault_struck((enum fault_point)point);
	return nr;
}

bool fault_was_late(void)
{
	return plan.span == LATE && fault_calls(plan.point) >= plan.nth;
}

bool fault_struck_here(void)
{
	bool struck = struck_here;

	struck_here = false;
	return struck;
}

bool fault_hold(void)
{
	long long end = atomic_load(&outage_end_ns);

	atomic_store(&is_held, true);
	/* it may have ended just before */
	if (end > 0 && atomic_load(&outage_end_ns) > 0 && now_ns() < end)
		return true;
	atomic_store(&is_held, false);
	return false;
}

void fault_release(void)
{
	atomic_store(&is_held, false);
}

static unsigned int given(enum fault_point point)
{
	return fault_calls(point) - fault_struck(point);
}

int fault_memory_held(void)
{
	return (int)(given(FAULT_wq_os_alloc) + given(FAULT_wq_os_map) - atomic_load(&nr_freed) -
		     atomic_load(&nr_kept));
}

static bool is_chunk_of_slots(size_t size)
{
	return !(size % sizeof(struct wq_worker)) &&
	       !(size / sizeof(struct wq_worker) % WQ_SLOT_CHUNK);
}

static size_t count_size(size_t size)
{
	if (is_chunk_of_slots(size) || size == sizeof(struct wq_pool) ||
	    size == sizeof(struct task_struct))
		atomic_fetch_add(&nr_kept, 1);
	return size;
}

/* ------------------------------------------------------------------- calls */

#define WRAP(type, name, params, args, failure, ...)                                               \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		enum stroke stroke = stroke_at(FAULT_##name);                                      \
		type result = stroke == FAILS ? failure : __real_##name args;                      \
                                                                                                   \
		linger(stroke);                                                                    \
		return result;                                                                     \
	}
FAULT_POINTS(WRAP)

void __real_wq_os_free(void *mem);
void __wrap_wq_os_free(void *mem);
void __wrap_wq_os_free(void *mem)
{
	enum stroke stroke = stroke_at(FAULT_wq_os_free);

	atomic_fetch_add(&nr_freed, mem != NULL);
	__real_wq_os_free(mem);
	linger(stroke);
}

void __real_wq_os_unmap(void *mem, size_t size);
void __wrap_wq_os_unmap(void *mem, size_t size);
void __wrap_wq_os_unmap(void *mem, size_t size)
{
	enum stroke stroke = stroke_at(FAULT_wq_os_unmap);

	atomic_fetch_add(&nr_freed, 1);
	__real_wq_os_unmap(mem, size);
	linger(stroke);
}

/* The library has none of these but through os.h, park.h and grace.h. */
long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f);

static enum stroke stroke_at_futex(long nr, long operation)
{
	if (nr != SYS_futex)
		return NONE;
	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAIT_BITSET:
		return stroke_at(FAULT_futex_wait);
	case FUTEX_WAKE:
		return stroke_at(FAULT_futex_wake);
	default:
		return NONE;
	}
}

long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	enum stroke stroke = stroke_at_futex(nr, b);
	long result;

	if (stroke == FAILS) {
		errno = EINTR;
		return -1;
	}
	result = __real_syscall(nr, a, b, c, d, e, f);
	linger(stroke);
	return result;
}
