/* SPDX-License-Identifier: MIT */
/*
 * test_no_cost.c - a burst costs no allocation and no system call per item.
 *
 * Allocations are counted by standing in for malloc() and its kin. System calls
 * are counted by a tracer, in a child: ptrace() needs no privilege and no
 * support of the machine's. The child says where to count by calls of
 * getpgid() with numbers that are no process's.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/ptrace.h>

#include "support/api.h"
#include "support/map.h"

enum {
	BURST = 10000,
	TRIES = 5,
	/* system calls allowed to a whole burst: the pool is woken, or contended on a busy machine */
	FEW = BURST / 20,
};

/* ------------------------------------------------------------- allocations */

static __thread long allocations_here;
static atomic_long allocations;

/* glibc's own go by another name as well. */
#if !TESTS_SANITIZED && defined(__GLIBC__)
#define ALLOCATIONS_ARE_COUNTED 1
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void count_allocation(void)
{
	allocations_here++;
	atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
	count_allocation();
	return __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	count_allocation();
	return __libc_calloc(nr, size);
}

void *realloc(void *old, size_t size)
{
	count_allocation();
	return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
	count_allocation();
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	*memory = memalign(alignment, size);
	return *memory ? 0 : ENOMEM;
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	count_allocation();
	return map_by_syscall(addr, len, prot, flags, fd, offset);
}
#else
#define ALLOCATIONS_ARE_COUNTED 0
#endif

/* --------------------------------------------------------------- the burst */

static struct item burst[BURST];
static struct workqueue_struct *burst_wq;
static struct blocker computing;
static int burst_cpu;

/* A computing item holds its CPU, so that nothing has to be woken. */
static void burst_prepare(void)
{
	burst_cpu = allowed_cpu(nr_allowed_cpus() - 1);
	for (int i = 0; i < BURST; i++)
		item_init(&burst[i]);
	/* the first use of thread and queue may cost */
	queue_work_on(burst_cpu, burst_wq, &burst[0].work);
	flush_work(&burst[0].work);
	blocker_spin_on(&computing, burst_cpu, burst_wq);
}

static int burst_queue(void)
{
	int queued = 0;

	for (int i = 0; i < BURST; i++)
		queued += queue_work_on(burst_cpu, burst_wq, &burst[i].work);
	return queued;
}

static void burst_finish(void)
{
	blocker_release(&computing);
	flush_workqueue(burst_wq);
}

static void burst_of_items_allocates_nothing(void **state)
{
	long here, all;

	(void)state;
	if (!ALLOCATIONS_ARE_COUNTED)
		skip();
	burst_wq = alloc_workqueue("burst", WQ_PERCPU, WQ_MAX_ACTIVE);
	burst_prepare();
	here = allocations_here;
	all = atomic_load(&allocations);
	assert_int_equal(burst_queue(), BURST);
	assert_int_equal(allocations_here, here);
	burst_finish();
	/* nobody else's either; the pool may have made a worker meanwhile */
	assert_true(atomic_load(&allocations) - all < 100);
	destroy_workqueue(burst_wq);
}

/* ------------------------------------------------------- a burst of delayed items */

static struct delayed_work armed[BURST], armed_first;

static void never_run(struct work_struct *work)
{
	(void)work;
	abort();
}

/* All later than the first one, which is what the timer thread sleeps until. */
static void armed_prepare(void)
{
	INIT_DELAYED_WORK(&armed_first, never_run);
	schedule_delayed_work(&armed_first, 1800 * HZ);
	for (int i = 0; i < BURST; i++)
		INIT_DELAYED_WORK(&armed[i], never_run);
}

/* How many of them answered as they should? */
static int armed_burst(void)
{
	int good = 0;

	for (int i = 0; i < BURST; i++)
		good += schedule_delayed_work(&armed[i], 3600 * HZ + i);
	for (int i = 0; i < BURST; i++)
		good += mod_delayed_work(system_percpu_wq, &armed[i], 3600 * HZ + 2 * i);
	for (int i = 0; i < BURST; i++)
		good += cancel_delayed_work(&armed[i]);
	return good;
}

static void arming_moving_and_disarming_allocates_nothing(void **state)
{
	long here, all;

	(void)state;
	if (!ALLOCATIONS_ARE_COUNTED)
		skip();
	armed_prepare();
	here = allocations_here;
	all = atomic_load(&allocations);
	assert_int_equal(armed_burst(), 3 * BURST);
	assert_int_equal(allocations_here, here);
	/* the timer thread may have been made meanwhile */
	assert_true(atomic_load(&allocations) - all < 100);
	cancel_delayed_work_sync(&armed_first);
}

static void allocations_are_counted(void **state)
{
	long before = allocations_here;
	void *volatile memory;

	(void)state;
	if (!ALLOCATIONS_ARE_COUNTED)
		skip();
	memory = malloc(1);
	free(memory);
	memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(memory, 4096);
	assert_int_equal(allocations_here, before + 2);
	/* the library's own are seen too */
	destroy_workqueue(alloc_workqueue("counted", WQ_PERCPU, 0));
	assert_true(allocations_here > before + 2);
}

/* ------------------------------------------------------------ system calls */

/* Arguments of getpgid() by which the traced process speaks. */
enum {
	SAY_BEGIN = 0x40000001,
	SAY_END = 0x40000002,
	MAX_THREADS = 64,
};

struct traced {
	pid_t tid;
	long calls;
	long at_begin; /* -1: not counting */
};

struct tracer {
	struct traced thread[MAX_THREADS];
	int nr_threads;
	long fewest; /* calls between SAY_BEGIN and SAY_END of one thread; -1: none yet */
};

static struct traced *find_traced(struct tracer *tracer, pid_t tid)
{
	struct traced *thread = tracer->thread;

	for (int i = 0; i < tracer->nr_threads; i++, thread++)
		if (thread->tid == tid)
			return thread;
	assert_true(tracer->nr_threads < MAX_THREADS);
	*thread = (struct traced){ .tid = tid, .at_begin = -1 };
	tracer->nr_threads++;
	return thread;
}

static void count_call(struct tracer *tracer, pid_t tid, unsigned long nr, unsigned long arg)
{
	struct traced *thread = find_traced(tracer, tid);
	long calls;

	thread->calls++;
	if (nr != SYS_getpgid)
		return;
	if (arg == SAY_BEGIN)
		thread->at_begin = thread->calls;
	if (arg != SAY_END || thread->at_begin < 0)
		return;
	calls = thread->calls - thread->at_begin - 1;
	if (tracer->fewest < 0 || calls < tracer->fewest)
		tracer->fewest = calls;
	thread->at_begin = -1;
}

/* A stop at a system call; false if the kernel cannot tell which. */
static bool see_call(struct tracer *tracer, pid_t tid)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
		return false;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		count_call(tracer, tid, info.entry.nr, info.entry.args[0]);
	return true;
}

/* Signals are passed on; stops of the tracing itself are not signals. */
static int signal_to_pass(int status)
{
	int sig = WSTOPSIG(status);

	if (status >> 16 || sig == (SIGTRAP | 0x80) || sig == SIGSTOP || sig == SIGTRAP)
		return 0;
	return sig;
}

/* Follow the child and its threads to the end; @return its exit status, or -1. */
static int trace(struct tracer *tracer, pid_t child)
{
	int status;

	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0)
			return -1;
		if (WIFSTOPPED(status)) {
			if (WSTOPSIG(status) == (SIGTRAP | 0x80) && !see_call(tracer, tid))
				return -1;
			ptrace(PTRACE_SYSCALL, tid, 0, signal_to_pass(status));
		} else if (tid == child) {
			return status;
		}
	}
}

/* Run @body in a traced child; false if the machine does not let us. */
static bool count_calls(struct tracer *tracer, void (*body)(void))
{
	static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
	pid_t child = fork();
	int status = 0;

	memset(tracer, 0, sizeof(*tracer));
	tracer->fewest = -1;
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(77);
		raise(SIGSTOP);
		body();
		_exit(0);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	if (!WIFSTOPPED(status))
		return false;
	if (ptrace(PTRACE_SETOPTIONS, child, 0, options) == 0 &&
	    ptrace(PTRACE_SYSCALL, child, 0, 0) == 0 && trace(tracer, child) == 0)
		return true;
	kill(child, SIGKILL);
	waitpid(child, &status, __WALL);
	return false;
}

static void say(int what)
{
	syscall(SYS_getpgid, what);
}

/* The tracer must be able to fail: three calls are three. */
static void make_three_calls(void)
{
	say(SAY_BEGIN);
	for (int i = 0; i < 3; i++)
		syscall(SYS_getppid);
	say(SAY_END);
}

static void system_calls_are_counted(void **state)
{
	struct tracer tracer = { 0 };

	(void)state;
	if (!count_calls(&tracer, make_three_calls))
		skip();
	assert_int_equal(tracer.fewest, 3);
}

/*
 * Several tries, of which the best counts: a producer held up for long finds the
 * computing item no longer trusted, and has a worker woken.
 */
static void queue_bursts(void)
{
	burst_wq = alloc_workqueue("burst", WQ_PERCPU, WQ_MAX_ACTIVE);
	for (int i = 0; i < TRIES; i++) {
		burst_prepare();
		say(SAY_BEGIN);
		burst_queue();
		say(SAY_END);
		burst_finish();
	}
}

static void burst_of_items_makes_no_system_calls(void **state)
{
	struct tracer tracer = { 0 };

	(void)state;
	if (TESTS_SANITIZED)
		skip();
	if (!count_calls(&tracer, queue_bursts))
		skip();
	assert_in_range(tracer.fewest, 0, FEW);
}

static void say_begin(struct work_struct *work)
{
	(void)work;
	say(SAY_BEGIN);
}

static void say_end(struct work_struct *work)
{
	(void)work;
	say(SAY_END);
}

static void do_nothing(struct work_struct *work)
{
	(void)work;
}

/* The worker's side: first and last item of the burst speak on its thread. */
static void run_bursts(void)
{
	burst_wq = alloc_workqueue("burst", WQ_PERCPU, WQ_MAX_ACTIVE);
	for (int i = 0; i < TRIES; i++) {
		burst_prepare();
		for (int j = 0; j < BURST; j++)
			INIT_WORK(&burst[j].work, do_nothing);
		burst[0].work.func = say_begin;
		burst[BURST - 1].work.func = say_end;
		burst_queue();
		burst_finish();
	}
}

static void burst_of_items_makes_no_system_calls_in_the_worker(void **state)
{
	struct tracer tracer = { 0 };

	(void)state;
	if (TESTS_SANITIZED)
		skip();
	if (!count_calls(&tracer, run_bursts))
		skip();
	assert_in_range(tracer.fewest, 0, FEW);
}

static void arm_bursts(void)
{
	for (int i = 0; i < TRIES; i++) {
		armed_prepare();
		say(SAY_BEGIN);
		armed_burst();
		say(SAY_END);
		cancel_delayed_work_sync(&armed_first);
	}
}

static void arming_moving_and_disarming_makes_no_system_calls(void **state)
{
	struct tracer tracer = { 0 };

	(void)state;
	if (TESTS_SANITIZED)
		skip();
	if (!count_calls(&tracer, arm_bursts))
		skip();
	assert_in_range(tracer.fewest, 0, FEW);
}

int main(void)
{
	/* traced first: the children must find a process of one thread */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(system_calls_are_counted),
		cmocka_unit_test(burst_of_items_makes_no_system_calls),
		cmocka_unit_test(burst_of_items_makes_no_system_calls_in_the_worker),
		cmocka_unit_test(arming_moving_and_disarming_makes_no_system_calls),
		api_test(allocations_are_counted),
		api_test(burst_of_items_allocates_nothing),
		api_test(arming_moving_and_disarming_allocates_nothing),
	};

	/* a library that checks itself would ask the system what items leave behind */
	setenv("WORKQ_CHECK_ITEMS", "0", /* overwrite */ 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
