/* SPDX-License-Identifier: MIT */
/*
 * os.c - the deterministic back end of lib/base/os.c and roster.c, and of futex.
 *
 * Threads are the machine's, time is virtual and passes only when nobody can go on, memory comes
 * from where it can be restored. Nothing fails.
 */
#include "base/os.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/park.h"
#include "machine.h"
#include "memory.h"
#include "os_explore.h"
#include "reduce.h"
#include "stores.h"

/* ------------------------------------------------------------------- futex */

/* What lib/base/park.c calls for syscall(). */
long explore_syscall(long nr, ...)
{
	uint32_t *word, value;
	struct timespec *timeout;
	va_list args;
	int op;

	va_start(args, nr);
	word = va_arg(args, uint32_t *);
	op = va_arg(args, int);
	value = va_arg(args, uint32_t);
	timeout = va_arg(args, struct timespec *);
	va_end(args);
	if (nr != SYS_futex)
		machine_fail("system call %ld", nr);
	machine_point(word, op == FUTEX_WAKE_PRIVATE ? WRITES : UPDATES);
	if (op == FUTEX_WAKE_PRIVATE) {
		machine_wake(word, (int)value);
		return 0;
	}
	memory_check(word);
	/* into the kernel: what was stored is seen */
	stores_flush_self();
	if (stores_visible(word, sizeof(*word)) == value)
		machine_block(word, timeout ? (uint64_t)timeout->tv_sec * 1000000000ull +
						      (uint64_t)timeout->tv_nsec :
					      WQ_FOREVER);
	return 0;
}

/* ------------------------------------------------------------------ memory */

void *wq_os_alloc(size_t size, size_t align)
{
	return memory_alloc(size, align);
}

void wq_os_free(void *mem)
{
	if (mem)
		memory_free(mem);
}

void *wq_os_map(size_t size)
{
	return memory_alloc(size, WQ_CACHE_LINE);
}

void wq_os_unmap(void *mem, size_t size)
{
	(void)size;
	memory_free(mem);
}

/* -------------------------------------------------------------------- time */

uint64_t wq_os_now_ns(void)
{
	return machine.now;
}

void wq_os_sleep_ns(uint64_t ns)
{
	machine_block(NULL, machine.now + ns);
}

void wq_os_yield(void)
{
	machine_yield();
}

static struct {
	uint64_t deadline; /* WQ_FOREVER: not set */
	struct fiber *waiter;
} timer = { .deadline = WQ_FOREVER };

int wq_os_timer_create(void)
{
	return 3;
}

int wq_os_timer_set(int fd, uint64_t deadline_ns)
{
	(void)fd;
	machine_point(&timer, UPDATES);
	stores_flush_self();
	if (machine_fault == LOST_TIMER && timer.waiter)
		return 0;
	timer.deadline = deadline_ns;
	if (timer.waiter)
		timer.waiter->deadline = deadline_ns;
	if (timer.waiter && deadline_ns <= machine.now)
		machine_let_go(timer.waiter);
	return 0;
}

int wq_os_timer_wait(int fd)
{
	(void)fd;
	machine_point(&timer, UPDATES);
	stores_flush_self();
	while (timer.deadline > machine.now) {
		timer.waiter = machine_self();
		machine_block(NULL, timer.deadline);
		timer.waiter = NULL;
	}
	timer.deadline = WQ_FOREVER;
	return 0;
}

void wq_os_timer_close(int fd)
{
	(void)fd;
}

bool wq_os_timer_is_open(int fd)
{
	return fd == 3;
}

int wq_os_fd_out_of_the_way(int fd)
{
	return fd;
}

/* -------------------------------------------------------------------- CPUs */

int explore_cpu(void)
{
	return (int)machine_self()->cpu;
}

static void fill(struct wq_cpuset *set)
{
	wq_cpuset_fill(set, NR_CPUS);
}

int wq_os_allowed_cpus(struct wq_cpuset *set)
{
	fill(set);
	return 0;
}

unsigned int wq_os_nr_cpu_ids(void)
{
	return NR_CPUS;
}

static unsigned int first_cpu(const struct wq_cpuset *cpus)
{
	return wq_cpuset_has(cpus, 0) ? 0 : 1;
}

int wq_os_thread_set_cpus(const struct wq_cpuset *cpus)
{
	machine_self()->cpu = first_cpu(cpus);
	return 0;
}

int wq_os_thread_set_cpus_of(uint32_t tid, const struct wq_cpuset *cpus)
{
	reduce_step((struct step){ NULL, ANYTHING });
	machine.fiber[tid - 1].cpu = first_cpu(cpus);
	return 0;
}

int wq_os_thread_cpus_of(uint32_t tid, struct wq_cpuset *cpus)
{
	(void)tid;
	fill(cpus);
	return 0;
}

/* ----------------------------------------------------------------- threads */

int wq_os_thread_create(void (*fn)(void *arg), void *arg, const struct wq_cpuset *cpus)
{
	machine_point(NULL, ANYTHING);
	stores_flush_self();
	machine_add("thread", fn, arg, /* is_user */ false, first_cpu(cpus));
	return 0;
}

void wq_os_thread_set_ended_fn(void (*ended_fn)(void))
{
	(void)ended_fn;
}

void wq_os_thread_enlist(void)
{
}

bool wq_os_threads_are_done(void)
{
	return true;
}

bool wq_os_threads_are_forgotten(void)
{
	return true;
}

void wq_os_threads_reset(void)
{
}

void wq_os_thread_set_name(const char *name)
{
	(void)name;
}

int wq_os_thread_set_nice(int nice)
{
	(void)nice;
	return 0;
}

int wq_os_thread_at_exit(struct wq_os_exit *exit)
{
	(void)exit;
	return 0;
}

struct wq_os_signals wq_os_signals_block(void)
{
	return (struct wq_os_signals){ { 0 } };
}

void wq_os_signals_restore(const struct wq_os_signals *signals)
{
	(void)signals;
}

static void (*fork_prepare)(void), (*fork_parent)(void);

int wq_os_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	(void)child;
	fork_prepare = prepare;
	fork_parent = parent;
	return 0;
}

static void (*copy_process)(void);
static uint32_t is_copied;

static void copy_main(void *unused)
{
	(void)unused;
	copy_process();
	is_copied = 1;
	machine_wake(&is_copied, MAX_FIBERS);
}

void explore_fork(void (*copy)(void))
{
	fork_prepare();
	copy_process = copy;
	is_copied = 0;
	stores_flush_self();
	/* a fiber of its own: beside the others, at any moment */
	machine_add("the copying", copy_main, NULL, /* is_user */ false, 0);
	while (!is_copied)
		machine_block(&is_copied, WQ_FOREVER);
	fork_parent();
}

uint32_t wq_os_tid(void)
{
	return (uint32_t)machine.running + 1;
}

uint64_t wq_os_thread_cpu_ns(uint32_t tid)
{
	(void)tid;
	return 1;
}

bool wq_os_thread_exists(uint32_t tid)
{
	reduce_keep();
	return tid <= MAX_FIBERS && machine.fiber[tid - 1].state != UNUSED &&
	       machine.fiber[tid - 1].state != ENDED;
}

struct wq_os_thread_state wq_os_thread_state(uint32_t tid)
{
	reduce_keep();
	return (struct wq_os_thread_state){
		.letter = machine.fiber[tid - 1].state == BLOCKED ? 'S' : 'R',
		.nr_sleeps = 1,
	};
}

/* -------------------------------------------------------------------- rest */

bool wq_os_membarrier_register(void)
{
	return true;
}

bool wq_os_membarrier(void)
{
	machine_point(NULL, ANYTHING);
	stores_flush_all();
	return true;
}

void wq_os_abort(void)
{
	machine_fail("the library aborts");
}

static char last_report[512];

void wq_os_write_error(const char *text, size_t len)
{
	snprintf(last_report, sizeof(last_report), "%.*s", (int)len, text);
	if (strstr(last_report, "BUG"))
		fputs(last_report, stderr);
}

long wq_os_read_file(const char *path, char *buf, size_t size)
{
	(void)path;
	buf[0] = '\0';
	(void)size;
	return -ENOENT;
}

/* No source but what is told, and nothing periodic: a lost wake-up stays lost. */
const char *wq_os_getenv(const char *name)
{
	static const char *const options[][2] = {
		{ "WORKQ_CHECK_ITEMS", "0" },      { "WORKQ_CPU_INTENSIVE_THRESH_US", "0" },
		{ "WORKQ_CPU_WATCH_MS", "0" },     { "WORKQ_IDLE_TIMEOUT_MS", "86400000" },
		{ "WORKQ_SAMPLE_US", "60000000" }, { "WORKQ_WATCHDOG_THRESH_MS", "0" },
		{ "WORKQ_WATCH_SWITCHES", "0" },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(options[i][0], name))
			return options[i][1];
	return NULL;
}

void *wq_os_library_symbol(const char *library, const char *symbol)
{
	(void)library;
	(void)symbol;
	return NULL;
}
