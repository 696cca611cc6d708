/* SPDX-License-Identifier: MIT */
/*
 * points.h - the calls of base/os and base/ring that can fail, and which of them is to fail.
 *
 * The linker puts a function of points.c in front of each (--wrap). What is added to these headers
 * gets a row in FAULT_POINTS or a word in FAULT_NONE: tools/check-faults.py asks for it.
 * The plan of a process stands in its environment, since the first calls come before main().
 */
#ifndef TESTS_FAULT_POINTS_H
#define TESTS_FAULT_POINTS_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>

#include "base/os.h"
#include "base/ring.h"

/*
 * How long it may fail for, and the library still keeps every promise:
 *
 *   MOMENT   a call at a time
 *   OUTAGE   for a while; what could not be had is there when it ends
 *   FOR_GOOD for ever: it does without
 *
 * Two more spans are nobody's own, but tried as well:
 *
 *   SHORTAGE an outage of all that is scarce at once: memory, threads, descriptors
 *   LATE     nothing fails, but the call begins a millisecond late, and returns another late
 *
 * A point that cannot fail has the latter only: NOTHING.
 *
 * When it must say one of the texts (there are bars between them), unless the call that met the
 * fault returned an error:
 *
 *   SILENT     never: nobody could do anything about it, or a result says all there is
 *   FROM_FIRST if it fails for good, and from the first call on
 *   AGAIN      if it fails again and again
 *   ALWAYS     at once
 */
enum fault_span { MOMENT, OUTAGE, FOR_GOOD, SHORTAGE, LATE, NR_FAULT_SPANS, NOTHING };
enum fault_speech { SILENT, FROM_FIRST, AGAIN, ALWAYS };

/* So often is again and again. A thread that is only for more speed may be done without, once. */
#define FAULT_AGAIN 4

#define NO_THREAD                                                                                  \
	"no thread for a worker or the timers|could not start: no memory or no thread|"            \
	"to follow a change of CPUs|cannot follow a change of CPUs"

/* type, function, parameters, arguments, what a failure gives, span, speech, texts */
#define FAULT_POINTS(P)                                                                            \
	P(void *, wq_os_alloc, (size_t size, size_t align), (count_size(size), align), NULL,       \
	  OUTAGE, ALWAYS, NO_THREAD)                                                               \
	P(void *, wq_os_map, (size_t size), (size), NULL, OUTAGE, SILENT, NO_THREAD)               \
	P(int, wq_os_thread_create,                                                                \
	  (void (*fn)(void *arg), void *arg, const struct wq_cpuset *cpus), (fn, arg, cpus),       \
	  -EAGAIN, OUTAGE, AGAIN, NO_THREAD)                                                       \
	P(int, wq_os_thread_set_nice, (int nice), (nice), -EACCES, FOR_GOOD, FROM_FIRST,           \
	  "no permission for a nice value")                                                        \
	P(int, wq_os_thread_set_cpus, (const struct wq_cpuset *cpus), (cpus), -EINVAL, FOR_GOOD,   \
	  SILENT, "may not use the CPU of a kthread")                                              \
	P(int, wq_os_thread_set_cpus_of, (uint32_t tid, const struct wq_cpuset *cpus),             \
	  (tid, cpus), -EINVAL, FOR_GOOD, SILENT, "")                                              \
	P(int, wq_os_thread_cpus_of, (uint32_t tid, struct wq_cpuset * set), (tid, set),           \
	  (wq_cpuset_clear(set), -ESRCH), FOR_GOOD, SILENT, "")                                    \
	P(int, wq_os_thread_at_exit, (struct wq_os_exit * exit), (exit), -ENOMEM, FOR_GOOD,        \
	  SILENT, "")                                                                              \
	P(int, wq_os_at_fork, (void (*prepare)(void), void (*parent)(void), void (*child)(void)),  \
	  (prepare, parent, child), -ENOMEM, FOR_GOOD, SILENT, "no memory to look after fork()")   \
	P(struct wq_os_thread_state, wq_os_thread_state, (uint32_t tid), (tid),                    \
	  (struct wq_os_thread_state){ 0 }, FOR_GOOD, SILENT, "an item of a WQ_BH queue sleeps")   \
	P(uint64_t, wq_os_thread_cpu_ns, (uint32_t tid), (tid), 0, FOR_GOOD, SILENT, "")           \
	P(int, wq_os_timer_create, (void), (), -EMFILE, FOR_GOOD, ALWAYS,                          \
	  "no descriptor for a timerfd")                                                           \
	P(int, wq_os_timer_set, (int fd, uint64_t deadline_ns), (fd, deadline_ns), -EBADF, MOMENT, \
	  ALWAYS, "the timerfd of the library was closed")                                         \
	P(int, wq_os_timer_wait, (int fd), (fd), -EBADF, MOMENT, ALWAYS,                           \
	  "the timerfd of the library was closed")                                                 \
	P(bool, wq_os_membarrier_register, (void), (), false, FOR_GOOD, SILENT, "")                \
	P(bool, wq_os_membarrier, (void), (), false, FOR_GOOD, ALWAYS,                             \
	  "membarrier() is refused by now")                                                        \
	P(int, wq_os_allowed_cpus, (struct wq_cpuset * set), (set),                                \
	  (wq_cpuset_clear(set), -EINVAL), FOR_GOOD, SILENT, "")                                   \
	P(unsigned int, wq_os_nr_cpu_ids, (void), (), 1, FOR_GOOD, SILENT, "")                     \
	P(long, wq_os_read_file, (const char *path, char *buf, size_t size), (path, buf, size),    \
	  (buf[0] = '\0', -EIO), FOR_GOOD, SILENT, "")                                             \
	P(const char *, wq_os_getenv, (const char *name), (name), NULL, FOR_GOOD, SILENT, "")      \
	P(void *, wq_os_library_symbol, (const char *library, const char *symbol),                 \
	  (library, symbol), NULL, FOR_GOOD, ALWAYS, "queue_rcu_work() queues nothing")            \
	P(struct wq_ring *, wq_ring_open, (int poller, void *data, int *err), (poller, data, err), \
	  (*err = -EMFILE, (struct wq_ring *)NULL), FOR_GOOD, SILENT, "")                          \
	P(int, wq_ring_poller_create, (void), (), -EMFILE, FOR_GOOD, SILENT, "")                   \
	P(int, wq_ring_poller_wait, (int poller, void **data, int max), (poller, data, max),       \
	  -EBADF, FOR_GOOD, SILENT, "")                                                            \
	P(int, wq_ring_poller_end, (int poller), (poller), -EMFILE, OUTAGE, SILENT, "")            \
	P(int, sched_getcpu, (void), (), -1, FOR_GOOD, SILENT, "")

/* Without a failure, or with one that is no news to anybody. */
#define FAULT_NONE(N)                                                                              \
	N(wq_os_fd_out_of_the_way)                                                                 \
	N(wq_os_free) /* late only, as the next one */                                             \
	N(wq_os_unmap)                                                                             \
	N(wq_os_now_ns)                                                                            \
	N(wq_os_sleep_ns)                                                                          \
	N(wq_os_timer_close)                                                                       \
	N(wq_os_timer_is_open) /* in children of fork() only, as its like of rings */              \
	N(wq_os_signals_block)                                                                     \
	N(wq_os_signals_restore)                                                                   \
	N(wq_os_yield)                                                                             \
	N(wq_os_cpu) /* is sched_getcpu() */                                                       \
	N(wq_os_rseq_cpu)                                                                          \
	N(wq_os_thread_set_ended_fn)                                                               \
	N(wq_os_thread_enlist)                                                                     \
	N(wq_os_threads_are_done)                                                                  \
	N(wq_os_threads_are_forgotten)                                                             \
	N(wq_os_threads_reset)                                                                     \
	N(wq_os_thread_set_name)                                                                   \
	N(wq_os_tid)                                                                               \
	N(wq_os_thread_exists)                                                                     \
	N(wq_os_abort)                                                                             \
	N(wq_os_write_error)                                                                       \
	N(wq_ring_close)                                                                           \
	N(wq_ring_poller_is_open)                                                                  \
	N(wq_ring_sleeps)                                                                          \
	N(wq_ring_poller_close)

/*
 * More points. Of park.h and lock.h: a futex wait that ends without reason, as by a signal, and a
 * wake-up, which can only be late. And memory that is given back.
 */
#define FAULT_OTHERS(O)                                                                            \
	O(futex_wait, MOMENT)                                                                      \
	O(futex_wake, NOTHING)                                                                     \
	O(wq_os_free, NOTHING)                                                                     \
	O(wq_os_unmap, NOTHING)

#define FAULT_ID(type, name, ...) FAULT_##name,
#define OTHER_ID(name, span)      FAULT_##name,
enum fault_point { FAULT_POINTS(FAULT_ID) FAULT_OTHERS(OTHER_ID) NR_FAULT_POINTS };
#undef FAULT_ID
#undef OTHER_ID

struct fault_point_info {
	const char *name;
	enum fault_span span;
	enum fault_speech speech;
	const char *texts;
};

extern const struct fault_point_info fault_points[NR_FAULT_POINTS];

/* "POINT:N:SPAN": the N-th call, and those after it as long as the span says. */
#define FAULT_PLAN      "WORKQ_TEST_FAULT"
#define FAULT_OUTAGE_MS 25

struct fault_plan {
	enum fault_point point; /* NR_FAULT_POINTS: none */
	unsigned int nth;
	enum fault_span span;
};

const struct fault_plan *fault_plan(void);

/* How often the point was come by. */
unsigned int fault_calls(enum fault_point point);
/* Is it among what is short in a shortage? */
bool fault_is_scarce(enum fault_point point);
/* How often has the fault struck there? And anywhere? What was only late does not count. */
unsigned int fault_struck(enum fault_point point);
unsigned int fault_nr_struck(void);
/* Was the call late that the plan wants to be? */
bool fault_was_late(void);
/* Has it struck in this thread since the last question? */
bool fault_struck_here(void);
/* An outage that goes on will not end before fault_release(). False: there is none. */
bool fault_hold(void);
void fault_release(void);
/*
 * How many allocations and mappings the library has, without pools, slots of workers,
 * and tasks: it keeps those for ever, and how many it needs is a matter of chance.
 */
int fault_memory_held(void);

#endif /* TESTS_FAULT_POINTS_H */
