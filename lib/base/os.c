/* SPDX-License-Identifier: MIT */
/*
 * os.c - the door to the operating system (contracts in os.h).
 */
#include "base/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC 1000000000ull

/* 0, or the system call's error, which must not stay in errno. */
static int error_of(long result, int saved_errno)
{
	int err = result < 0 ? -errno : 0;

	errno = saved_errno;
	return err;
}

/* -------------------------------------------------------------- memory */

void *wq_os_alloc(size_t size, size_t align)
{
	int saved = errno;
	void *mem;

	if (align < sizeof(void *))
		align = sizeof(void *);
	size = (size + align - 1) & ~(align - 1);
	mem = aligned_alloc(align, size);
	if (mem)
		memset(mem, 0, size);
	errno = saved;
	return mem;
}

void wq_os_free(void *mem)
{
	free(mem);
}

void *wq_os_map(size_t size)
{
	int saved = errno;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = saved;
	return mem == MAP_FAILED ? NULL : mem;
}

void wq_os_unmap(void *mem, size_t size)
{
	int saved = errno;

	munmap(mem, size);
	errno = saved;
}

/* ---------------------------------------------------------------- time */

uint64_t wq_os_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* By syscall(): clock_nanosleep() and write() of libc are cancellation points. */
void wq_os_sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / NS_PER_SEC),
			       .tv_nsec = (long)(ns % NS_PER_SEC) };
	int saved = errno;

	while (syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, &ts) && errno == EINTR)
		;
	errno = saved;
}

int wq_os_fd_out_of_the_way(int fd)
{
	/* from 64 on the table must grow, which in a process with threads takes some 10 ms */
	enum { HIGH_FD = 48 };
	int saved = errno, high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

	if (high >= 0)
		syscall(SYS_close, fd);
	errno = saved;
	return high >= 0 ? high : fd;
}

/* By syscall(), as it is closed: who watches libc's calls would take it for open for ever. */
int wq_os_timer_create(void)
{
	int saved = errno, fd = (int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd < 0 ? fd : wq_os_fd_out_of_the_way(fd);
}

int wq_os_timer_set(int fd, uint64_t deadline_ns)
{
	struct itimerspec when = { 0 };
	int saved = errno;

	when.it_value.tv_sec = (time_t)(deadline_ns / NS_PER_SEC);
	when.it_value.tv_nsec = (long)(deadline_ns % NS_PER_SEC);
	/* all 0 would stop it */
	if (!deadline_ns)
		when.it_value.tv_nsec = 1;
	return error_of(timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL), saved);
}

/* By syscall(): read() of libc is a cancellation point. */
int wq_os_timer_wait(int fd)
{
	int saved = errno;
	uint64_t count;
	long n;

	do
		n = syscall(SYS_read, fd, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
	/* somebody closed it, and the number is something else's by now */
	if (n >= 0 && n != sizeof(count))
		return -EBADF;
	return error_of(n, saved);
}

void wq_os_timer_close(int fd)
{
	int saved = errno;

	/* by syscall(): close() of libc is a cancellation point */
	syscall(SYS_close, fd);
	errno = saved;
}

bool wq_os_timer_is_open(int fd)
{
	struct itimerspec when;
	int saved = errno;

	return error_of(timerfd_gettime(fd, &when), saved) == 0;
}

void wq_os_yield(void)
{
	sched_yield();
}

/* ---------------------------------------------------------------- CPUs */

int wq_os_allowed_cpus(struct wq_cpuset *set)
{
	return wq_os_thread_cpus_of(/* the caller */ 0, set);
}

unsigned int wq_os_nr_cpu_ids(void)
{
	struct wq_cpuset possible;
	unsigned int cpu, nr = 1;
	char text[1024];
	long len = wq_os_read_file("/sys/devices/system/cpu/possible", text, sizeof(text));

	if (len <= 0)
		return 1;
	/* the highest id stands at the end */
	if (len == sizeof(text) - 1 || !wq_cpuset_parse_list(&possible, text))
		return WQ_MAX_CPUS;
	wq_cpuset_for_each(cpu, &possible) nr = cpu + 1;
	return nr;
}

/* ------------------------------------------------------------- threads */

struct start {
	void (*fn)(void *arg);
	void *arg;
	struct wq_cpuset cpus; /* where the thread is to go itself, if it must */
};

#ifdef __GLIBC__
static int set_cpus(pthread_attr_t *attr, struct start *start, const struct wq_cpuset *cpus)
{
	(void)start;
	return pthread_attr_setaffinity_np(attr, sizeof(cpus->bits), (const cpu_set_t *)cpus->bits);
}

static void go_there(const struct wq_cpuset *cpus)
{
	(void)cpus;
}
#else
/* Other libcs have no such attribute: the thread goes there itself, or stays where it is (P3). */
static int set_cpus(pthread_attr_t *attr, struct start *start, const struct wq_cpuset *cpus)
{
	(void)attr;
	start->cpus = *cpus;
	return 0;
}

static void go_there(const struct wq_cpuset *cpus)
{
	if (!wq_cpuset_is_empty(cpus))
		wq_os_thread_set_cpus(cpus);
}
#endif

/* O: the thread's own */
static __thread void (*thread_ended_fn)(void);

void wq_os_thread_set_ended_fn(void (*ended_fn)(void))
{
	thread_ended_fn = ended_fn;
}

static void call_ended_fn(void *unused)
{
	(void)unused;
	if (thread_ended_fn)
		thread_ended_fn();
}

static void *thread_main(void *p)
{
	struct start start = *(struct start *)p;

	wq_os_free(p);
	go_there(&start.cpus);
	pthread_cleanup_push(call_ended_fn, NULL);
	start.fn(start.arg);
	pthread_cleanup_pop(/* execute */ 0);
	return NULL;
}

/* Everything but what a fault in the thread itself raises. */
static void block_async_signals(sigset_t *old)
{
	static const int synchronous[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
	sigset_t set;
	size_t i;

	sigfillset(&set);
	for (i = 0; i < sizeof(synchronous) / sizeof(synchronous[0]); i++)
		sigdelset(&set, synchronous[i]);
	pthread_sigmask(SIG_SETMASK, &set, old);
}

/* Where and how the thread is to be scheduled. */
static int set_scheduling(pthread_attr_t *attr, struct start *start, const struct wq_cpuset *cpus)
{
	struct sched_param param = { .sched_priority = 0 };

	pthread_attr_setinheritsched(attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(attr, SCHED_OTHER);
	pthread_attr_setschedparam(attr, &param);
	return set_cpus(attr, start, cpus);
}

/* `cpus` may be NULL: scheduled as the creator is. */
static int create(struct start *start, const struct wq_cpuset *cpus)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t old;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (cpus)
		err = set_scheduling(&attr, start, cpus);
	block_async_signals(&old);
	if (!err)
		err = pthread_create(&thread, &attr, thread_main, start);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

int wq_os_thread_create(void (*fn)(void *arg), void *arg, const struct wq_cpuset *cpus)
{
	struct start *start = wq_os_alloc(sizeof(*start), sizeof(void *));
	int saved = errno, err;

	if (!start)
		return -ENOMEM;
	start->fn = fn;
	start->arg = arg;
	err = create(start, cpus);
	/* these CPUs are gone, or we may not choose: better somewhere than not at all (P3) */
	if (err == -EINVAL || err == -EPERM)
		err = create(start, NULL);
	if (err)
		wq_os_free(start);
	/* whoever forbids it: there is no thread for now */
	if (err && err != -ENOMEM)
		err = -EAGAIN;
	errno = saved;
	return err;
}

void wq_os_thread_set_name(const char *name)
{
	char cut[16];

	snprintf(cut, sizeof(cut), "%s", name);
	pthread_setname_np(pthread_self(), cut);
}

int wq_os_thread_set_nice(int nice)
{
	int saved = errno;

	return error_of(setpriority(PRIO_PROCESS, wq_os_tid(), nice), saved);
}

int wq_os_thread_set_cpus(const struct wq_cpuset *cpus)
{
	return wq_os_thread_set_cpus_of(/* the caller */ 0, cpus);
}

int wq_os_thread_set_cpus_of(uint32_t tid, const struct wq_cpuset *cpus)
{
	int saved = errno;

	return error_of(sched_setaffinity((pid_t)tid, sizeof(cpus->bits),
					  (const cpu_set_t *)cpus->bits),
			saved);
}

int wq_os_thread_cpus_of(uint32_t tid, struct wq_cpuset *cpus)
{
	int saved = errno;

	wq_cpuset_clear(cpus);
	return error_of(syscall(SYS_sched_getaffinity, tid, sizeof(cpus->bits), cpus->bits), saved);
}

/* C: set once, by make_exit_key() */
static pthread_key_t exit_key;
static int exit_key_error;

static void call_exit_fn(void *p)
{
	struct wq_os_exit *exit = p;

	exit->fn(exit);
}

static void make_exit_key(void)
{
	exit_key_error = pthread_key_create(&exit_key, call_exit_fn);
}

int wq_os_thread_at_exit(struct wq_os_exit *exit)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT; /* C: itself */

	pthread_once(&once, make_exit_key);
	return exit_key_error ? -exit_key_error : -pthread_setspecific(exit_key, exit);
}

_Static_assert(sizeof(struct wq_os_signals) == sizeof(sigset_t), "a mask of signals");

struct wq_os_signals wq_os_signals_block(void)
{
	struct wq_os_signals signals;

	block_async_signals((sigset_t *)&signals);
	return signals;
}

void wq_os_signals_restore(const struct wq_os_signals *signals)
{
	pthread_sigmask(SIG_SETMASK, (const sigset_t *)signals, NULL);
}

int wq_os_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	return -pthread_atfork(prepare, parent, child);
}

uint32_t wq_os_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

/* The clock of a thread of any process: what pthread_getcpuclockid() gives for a pthread_t. */
static clockid_t cpu_clock_of(uint32_t tid)
{
	enum { SCHED = 2, OF_THREAD = 4 };

	return (clockid_t)(~tid << 3 | OF_THREAD | SCHED);
}

uint64_t wq_os_thread_cpu_ns(uint32_t tid)
{
	struct timespec ts = { 0 };
	int saved = errno;

	clock_gettime(cpu_clock_of(tid), &ts);
	errno = saved;
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

bool wq_os_thread_exists(uint32_t tid)
{
	int saved = errno;
	bool gone = syscall(SYS_tgkill, getpid(), tid, 0) && errno == ESRCH;

	errno = saved;
	return !gone;
}

/* --------------------------------------------------------------- files */

/* By syscall(): open(), read() and close() of libc are cancellation points. */
static int open_file(const char *path)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static long read_some(int fd, char *buf, size_t size)
{
	long n;

	do
		n = syscall(SYS_read, fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* All of a file takes several calls: sysfs gives no more than a page in one. */
static long read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	long n;

	do {
		n = read_some(fd, buf + len, size - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size);
	return n < 0 ? n : (long)len;
}

long wq_os_read_file(const char *path, char *buf, size_t size)
{
	int saved = errno, fd = open_file(path);
	long n = fd < 0 ? fd : read_all(fd, buf, size - 1);

	if (fd >= 0)
		syscall(SYS_close, fd);
	buf[n > 0 ? n : 0] = '\0';
	errno = saved;
	return n;
}

/* What stands behind "\nNAME:\t" in a status file; NULL if not all of the line is there. */
static const char *status_field(const char *text, const char *name)
{
	const char *field = strstr(text, name);

	if (!field)
		return NULL;
	field += strlen(name);
	return strchr(field, '\n') ? field : NULL;
}

/* The count stands behind the letter, and is the last that is wanted: has it been found? */
static bool take_fields(const char *text, struct wq_os_thread_state *state)
{
	const char *letter = status_field(text, "\nState:\t");
	const char *sleeps = status_field(text, "\nvoluntary_ctxt_switches:\t");

	if (letter)
		state->letter = *letter;
	if (state->letter && sleeps)
		state->nr_sleeps = strtoull(sleeps, NULL, 10);
	return sleeps;
}

/* Between the two stand the process' groups, perhaps by the thousand. */
static long read_status(int fd, struct wq_os_thread_state *state)
{
	enum { LONGEST_LINE = 64 }; /* of those that are wanted */
	char text[4096];
	size_t len = 0, kept;
	long n;

	while ((n = read_some(fd, text + len, sizeof(text) - 1 - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		if (take_fields(text, state))
			break;
		kept = len < LONGEST_LINE ? len : LONGEST_LINE;
		memmove(text, text + len - kept, kept);
		len = kept;
	}
	return n;
}

struct wq_os_thread_state wq_os_thread_state(uint32_t tid)
{
	static const struct wq_os_thread_state unknown;
	struct wq_os_thread_state state = unknown;
	int saved = errno, fd;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%u/status", tid);
	fd = open_file(path);
	if (fd >= 0) {
		if (read_status(fd, &state) < 0)
			state = unknown;
		syscall(SYS_close, fd);
	}
	errno = saved;
	return state;
}

/* --------------------------------------------------------------- other */

bool wq_os_membarrier_register(void)
{
	int saved = errno;
	bool ok = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;

	errno = saved;
	return ok;
}

bool wq_os_membarrier(void)
{
	int saved = errno;

	return error_of(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), saved) ==
	       0;
}

void wq_os_abort(void)
{
	abort();
}

void wq_os_write_error(const char *text, size_t len)
{
	int saved = errno;
	long n;

	do
		n = syscall(SYS_write, STDERR_FILENO, text, len);
	while (n < 0 && errno == EINTR);
	errno = saved;
}

const char *wq_os_getenv(const char *name)
{
	return secure_getenv(name);
}

/* dlopen() by its name: where it is linked statically, the linker warns of it. */
void *wq_os_library_symbol(const char *library, const char *symbol)
{
	void *(*open_library)(const char *library, int flags);
	void *handle, *address;
	int saved = errno;

	*(void **)&open_library = dlsym(RTLD_DEFAULT, "dlopen");
	handle = open_library ? open_library(library, RTLD_NOW | RTLD_LOCAL) : NULL;
	address = handle ? dlsym(handle, symbol) : NULL;
	errno = saved;
	return address;
}
