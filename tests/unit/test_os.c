/* SPDX-License-Identifier: MIT */
/*
 * test_os.c - the door to the operating system: what its contracts promise.
 */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>

#include "base/os.h"

#define MS 1000000ull

static struct wq_cpuset cpus;

/* The nth CPU the calling thread may use, or -1; asked without the library. */
static int nth_cpu(int nth)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && nth-- == 0)
			return cpu;
	return -1;
}

static void only_cpu(int cpu)
{
	wq_cpuset_clear(&cpus);
	wq_cpuset_add(&cpus, (unsigned int)cpu);
}

/* -------------------------------------------------------------------- memory */

static bool is_zero(const unsigned char *mem, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (mem[i])
			return false;
	return true;
}

static void alloc_gives_zeroed_and_aligned_memory(void **state)
{
	static const size_t sizes[] = { 1, 7, 8, 63, 64, 65, 1000, 4097, 100000 };

	for (size_t align = 1; align <= 4096; align *= 4) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			unsigned char *mem = wq_os_alloc(sizes[i], align);

			assert_non_null(mem);
			assert_int_equal((uintptr_t)mem % align, 0);
			assert_true(is_zero(mem, sizes[i]));
			memset(mem, 0xff, sizes[i]); /* for whoever gets it next */
			wq_os_free(mem);
		}
	}
}

static void free_of_nothing_does_nothing(void **state)
{
	wq_os_free(NULL);
}

static void alloc_of_too_much_gives_null(void **state)
{
	if (TESTS_SANITIZED)
		skip(); /* their allocators abort */
	errno = 4711;
	assert_null(wq_os_alloc(SIZE_MAX / 2, 64));
	assert_int_equal(errno, 4711);
}

static void map_gives_zeroed_pages(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *mem = wq_os_map(3 * page);

	assert_non_null(mem);
	assert_int_equal((uintptr_t)mem % page, 0);
	assert_true(is_zero(mem, 3 * page));
	memset(mem, 0xff, 3 * page);
	wq_os_unmap(mem, 3 * page);
}

static void unmapped_pages_are_gone(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *mem = wq_os_map(page);
	unsigned char vec;

	assert_int_equal(mincore(mem, page, &vec), 0);
	wq_os_unmap(mem, page);
	assert_int_equal(mincore(mem, page, &vec), -1);
}

static void map_of_too_much_gives_null(void **state)
{
	errno = 4711;
	assert_null(wq_os_map(SIZE_MAX / 2));
	assert_int_equal(errno, 4711);
}

/* ---------------------------------------------------------------------- time */

static void now_is_the_monotonic_clock(void **state)
{
	uint64_t before = (uint64_t)now_ns(), now = wq_os_now_ns(), after = (uint64_t)now_ns();

	assert_true(before <= now && now <= after);
}

static void sleep_is_never_short(void **state)
{
	for (uint64_t ns = 0; ns < 5 * MS; ns = ns * 5 + 1) {
		uint64_t start = wq_os_now_ns();

		wq_os_sleep_ns(ns);
		assert_true(wq_os_now_ns() - start >= ns);
	}
}

static atomic_int nr_signals;

static void count_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&nr_signals, 1);
}

static long sleep_a_little(void *arg)
{
	uint64_t start = wq_os_now_ns();

	wq_os_sleep_ns(20 * MS);
	return wq_os_now_ns() - start >= 20 * MS;
}

static void sleep_goes_on_after_a_signal(void **state)
{
	struct sigaction action = { .sa_handler = count_signal }; /* no SA_RESTART */
	struct call call;

	sigaction(SIGUSR1, &action, NULL);
	/* it may be back before we come to send the first one */
	do {
		call_start(&call, sleep_a_little, NULL);
		while (!call_is_back(&call)) {
			pthread_kill(call.thread, SIGUSR1);
			nap_us(500);
		}
		assert_true(call_join(&call));
	} while (!atomic_load(&nr_signals));
}

/* ---------------------------------------------------------------------- CPUs */

static bool equals_affinity_of_caller(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned int cpu = 0; cpu < WQ_MAX_CPUS; cpu++)
		if (wq_cpuset_has(&cpus, cpu) != (cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set)))
			return false;
	return wq_cpuset_count(&cpus) > 0;
}

static void allowed_cpus_are_the_affinity(void **state)
{
	memset(&cpus, 0xff, sizeof(cpus));
	assert_int_equal(wq_os_allowed_cpus(&cpus), 0);
	assert_true(equals_affinity_of_caller());
}

static void set_cpus_restricts_the_caller(void)
{
	int cpu = nth_cpu(0);

	only_cpu(cpu);
	must(wq_os_thread_set_cpus(&cpus) == 0);
	wq_cpuset_clear(&cpus);
	must(wq_os_allowed_cpus(&cpus) == 0);
	must(wq_cpuset_count(&cpus) == 1 && wq_cpuset_has(&cpus, (unsigned int)cpu));
	for (int i = 0; i < 1000; i++)
		must(wq_os_cpu() == (unsigned int)cpu);
	/* where the system keeps it for each thread, that is it */
	must(wq_os_rseq_cpu() < 0 || wq_os_rseq_cpu() == cpu);
}

static void caller_is_on_an_allowed_cpu(void **state)
{
	wq_os_allowed_cpus(&cpus);
	for (int i = 0; i < 1000; i++)
		assert_true(wq_cpuset_has(&cpus, wq_os_cpu()));
}

/* The number behind the last '-' or ','. */
static unsigned int last_possible_cpu(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/possible", "r");
	char text[4096], *last = text;

	if (!f || !fgets(text, sizeof(text), f))
		skip();
	fclose(f);
	for (char *c = text; *c; c++)
		if (*c == '-' || *c == ',')
			last = c + 1;
	return (unsigned int)strtoul(last, NULL, 10);
}

static void nr_cpu_ids_is_one_more_than_the_last_possible_cpu(void **state)
{
	unsigned int cpu;

	assert_int_equal(wq_os_nr_cpu_ids(), last_possible_cpu() + 1);
	wq_os_allowed_cpus(&cpus);
	wq_cpuset_for_each(cpu, &cpus) assert_true(cpu < wq_os_nr_cpu_ids());
}

/* ---------------------------------------------------------- creating threads */

/* What a new thread finds. */
struct birth {
	struct gate go; /* waited for before it ends */
	atomic_bool is_seen;
	sigset_t blocked;
	struct wq_cpuset cpus;
	pthread_t thread;
	int policy;
	int detached;
	atomic_int tid;
};

static void birth_main(void *arg)
{
	struct birth *birth = arg;
	pthread_attr_t attr;

	birth->thread = pthread_self();
	pthread_sigmask(SIG_BLOCK, NULL, &birth->blocked);
	wq_os_allowed_cpus(&birth->cpus);
	birth->policy = (int)syscall(SYS_sched_getscheduler, 0);
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getdetachstate(&attr, &birth->detached);
	pthread_attr_destroy(&attr);
	atomic_store(&birth->tid, (int)wq_os_tid());
	atomic_store(&birth->is_seen, true);
	gate_wait(&birth->go);
}

static int birth_on(struct birth *birth, const struct wq_cpuset *where)
{
	int err;

	memset(birth, 0, sizeof(*birth));
	gate_init(&birth->go);
	err = wq_os_thread_create(birth_main, birth, where);
	if (!err)
		wait_until(atomic_load(&birth->is_seen));
	return err;
}

static void birth_end(struct birth *birth)
{
	gate_open(&birth->go);
	wait_until(!wq_os_thread_exists((uint32_t)atomic_load(&birth->tid)));
}

static void new_thread_runs_detached_on_the_given_cpus(void **state)
{
	static struct birth birth[4];

	for (int nth = 0; nth_cpu(nth) >= 0 && nth < 4; nth++) {
		only_cpu(nth_cpu(nth));
		assert_int_equal(birth_on(&birth[nth], &cpus), 0);
		assert_memory_equal(&birth[nth].cpus, &cpus, sizeof(cpus));
		assert_int_equal(birth[nth].detached, PTHREAD_CREATE_DETACHED);
		assert_int_not_equal(atomic_load(&birth[nth].tid), (int)wq_os_tid());
		birth_end(&birth[nth]);
	}
}

static void new_thread_of_a_pinned_one_is_not_pinned(void)
{
	static struct birth birth;
	struct wq_cpuset all;

	wq_os_allowed_cpus(&all);
	only_cpu(nth_cpu(0));
	wq_os_thread_set_cpus(&cpus);
	must(birth_on(&birth, &all) == 0);
	must(memcmp(&birth.cpus, &all, sizeof(all)) == 0);
	birth_end(&birth);
}

static void new_thread_has_default_scheduling(void)
{
	static struct birth birth;
	struct sched_param param = { 0 };

	must(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &param) == 0);
	wq_os_allowed_cpus(&cpus);
	must(birth_on(&birth, &cpus) == 0);
	must(birth.policy == SCHED_OTHER);
	birth_end(&birth);
}

static bool is_synchronous(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL ||
	       sig == SIGTRAP || sig == SIGSYS;
}

/* Not SIGKILL; nor what libc, or an emulator, keeps for itself. */
static sigset_t what_can_be_blocked(void)
{
	sigset_t all, before, blocked;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_sigmask(SIG_SETMASK, &before, &blocked);
	return blocked;
}

static void new_thread_blocks_all_but_synchronous_signals(void **state)
{
	sigset_t can_be_blocked = what_can_be_blocked();
	static struct birth birth;

	wq_os_allowed_cpus(&cpus);
	assert_int_equal(birth_on(&birth, &cpus), 0);
	assert_true(sigismember(&can_be_blocked, SIGUSR1));
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (!is_synchronous(sig))
			assert_int_equal(sigismember(&birth.blocked, sig),
					 sigismember(&can_be_blocked, sig));
		else
			assert_false(sigismember(&birth.blocked, sig));
	}
	birth_end(&birth);
}

static void creator_keeps_its_own_signal_mask(void **state)
{
	static struct birth birth;
	sigset_t mine, after;

	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &mine, NULL);
	wq_os_allowed_cpus(&cpus);
	assert_int_equal(birth_on(&birth, &cpus), 0);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		assert_int_equal(sigismember(&after, sig), sig == SIGUSR2);
	birth_end(&birth);
	sigemptyset(&mine);
	pthread_sigmask(SIG_SETMASK, &mine, NULL);
}

/* P3 */
static void new_thread_whose_cpus_are_gone_runs_elsewhere(void **state)
{
	static struct birth birth;

	wq_cpuset_clear(&cpus);
	wq_cpuset_add(&cpus, WQ_MAX_CPUS - 1);
	assert_int_equal(birth_on(&birth, &cpus), 0);
	wq_os_allowed_cpus(&cpus);
	assert_memory_equal(&birth.cpus, &cpus, sizeof(cpus));
	birth_end(&birth);
}

/* Where it may not be chosen how a thread is scheduled (seccomp), any will do. */
static void new_thread_that_may_not_be_scheduled_runs_all_the_same(void)
{
	static struct birth birth;

	fault_syscall(SYS_sched_setaffinity, EPERM);
	wq_os_allowed_cpus(&cpus);
	must(birth_on(&birth, &cpus) == 0);
	must(birth.detached == PTHREAD_CREATE_DETACHED);
	must(sigismember(&birth.blocked, SIGUSR1));
	birth_end(&birth);
}

static void create_without_room_for_threads_gives_an_error(void)
{
	static struct birth birth;

	fault_syscall(SYS_clone3, EAGAIN);
	fault_syscall(SYS_clone, EAGAIN);
	wq_os_allowed_cpus(&cpus);
	errno = 4711;
	must(birth_on(&birth, &cpus) == -EAGAIN);
	must(errno == 4711);
	_exit(0); /* LeakSanitizer would need a thread, too */
}

/* ---------------------------------------------------------------- attributes */

static bool is_named(const char *expected)
{
	char name[32] = "";

	pthread_getname_np(pthread_self(), name, sizeof(name));
	return strcmp(name, expected) == 0;
}

static void names_are_cut_at_15_bytes(void)
{
	wq_os_thread_set_name("kworker/3:1H");
	must(is_named("kworker/3:1H"));
	wq_os_thread_set_name("123456789012345");
	must(is_named("123456789012345"));
	wq_os_thread_set_name("abcdefghijklmnop");
	must(is_named("abcdefghijklmno"));
	wq_os_thread_set_name("%s%d");
	must(is_named("%s%d"));
}

static long set_nice_of_caller(void *arg)
{
	int wanted = *(int *)arg;

	return wq_os_thread_set_nice(wanted) == 0 &&
	       getpriority(PRIO_PROCESS, wq_os_tid()) == wanted;
}

static void nice_is_set_for_the_calling_thread_only(void **state)
{
	int before = getpriority(PRIO_PROCESS, wq_os_tid());
	int wanted = before > 15 ? before - 3 : before + 3;
	struct call call;

	if (wanted < before && geteuid() != 0)
		skip();
	call_start(&call, set_nice_of_caller, &wanted);
	assert_true(call_join(&call));
	assert_int_equal(getpriority(PRIO_PROCESS, wq_os_tid()), before);
}

static void become_nobody(void)
{
	static const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_NICE, &none) || (geteuid() == 0 && setuid(65534)))
		exit(EXIT_SKIPPED);
}

static void nice_without_permission_gives_an_error(void)
{
	int err;

	become_nobody();
	err = wq_os_thread_set_nice(-20);
	must(err == -EACCES || err == -EPERM);
}

static void set_cpus_to_none_gives_an_error(void **state)
{
	wq_cpuset_clear(&cpus);
	assert_int_equal(wq_os_thread_set_cpus(&cpus), -EINVAL);
}

/* ------------------------------------------------------------- other threads */

static long wait_at_gate(void *arg)
{
	gate_wait((struct gate *)arg);
	return 0;
}

static long spin_at_gate(void *arg)
{
	wq_os_thread_set_name("State:\tS (x");
	gate_spin(arg);
	return 0;
}

static uint32_t tid_of(struct call *call)
{
	wait_until(atomic_load(&call->tid));
	return (uint32_t)atomic_load(&call->tid);
}

static void cpus_of_another_thread_are_set_and_told(void **state)
{
	struct wq_cpuset before, told;
	struct gate gate;
	struct call call;

	gate_init(&gate);
	call_start(&call, wait_at_gate, &gate);
	wq_os_allowed_cpus(&before);
	assert_int_equal(wq_os_thread_cpus_of(tid_of(&call), &told), 0);
	assert_true(wq_cpuset_is_equal(&told, &before));
	only_cpu(nth_cpu(0));
	assert_int_equal(wq_os_thread_set_cpus_of(tid_of(&call), &cpus), 0);
	assert_int_equal(wq_os_thread_cpus_of(tid_of(&call), &told), 0);
	assert_true(wq_cpuset_is_equal(&told, &cpus));
	wq_os_allowed_cpus(&told);
	assert_true(wq_cpuset_is_equal(&told, &before));
	gate_open(&gate);
	call_join(&call);
}

static void cpus_of_a_thread_that_is_gone_give_an_error(void **state)
{
	struct wq_cpuset told;

	only_cpu(nth_cpu(0));
	errno = 4711;
	assert_int_equal(wq_os_thread_set_cpus_of(0x7ffffff0, &cpus), -ESRCH);
	assert_int_equal(wq_os_thread_cpus_of(0x7ffffff0, &told), -ESRCH);
	assert_int_equal(errno, 4711);
}

static char letter_of(uint32_t tid)
{
	return wq_os_thread_state(tid).letter;
}

static void assert_unknown(uint32_t tid)
{
	struct wq_os_thread_state known = wq_os_thread_state(tid);

	assert_int_equal(known.letter, 0);
	assert_int_equal(known.nr_sleeps, 0);
}

static void tid_is_the_kernels(void **state)
{
	struct gate gate;
	struct call call;

	assert_int_equal(wq_os_tid(), getpid());
	gate_init(&gate);
	gate_open(&gate);
	call_start(&call, wait_at_gate, &gate);
	assert_int_not_equal(tid_of(&call), wq_os_tid());
	call_join(&call);
}

static void sleeping_thread_is_seen_to_sleep(void **state)
{
	struct gate gate;
	struct call call;

	gate_init(&gate);
	call_start(&call, wait_at_gate, &gate);
	wait_until(letter_of(tid_of(&call)) == 'S');
	assert_true(call_blocks(&call));
	gate_open(&gate);
	call_join(&call);
}

/* Whatever its name says. */
static void spinning_thread_is_seen_to_run(void **state)
{
	struct gate gate;
	struct call call;

	gate_init(&gate);
	call_start(&call, spin_at_gate, &gate);
	wait_until(letter_of(tid_of(&call)) == 'R');
	gate_open(&gate);
	call_join(&call);
	assert_int_equal(letter_of(wq_os_tid()), 'R');
}

static void sleeps_are_counted(void **state)
{
	uint64_t before = wq_os_thread_state(wq_os_tid()).nr_sleeps, after;

	for (int i = 0; i < 5; i++)
		nap_us(100);
	after = wq_os_thread_state(wq_os_tid()).nr_sleeps;
	assert_true(after >= before + 5);
	assert_true(after < before + 1000);
}

/* Once: who is woken by it sets it anew. */
static void timer_that_is_set_expires_once(void **state)
{
	int fd = wq_os_timer_create();
	struct itimerspec when;

	assert_true(fd >= 0);
	assert_int_equal(wq_os_timer_set(fd, wq_os_now_ns() + 1000000000000u), 0);
	assert_int_equal(timerfd_gettime(fd, &when), 0);
	assert_true(when.it_value.tv_sec > 0);
	assert_int_equal(when.it_interval.tv_sec, 0);
	assert_int_equal(when.it_interval.tv_nsec, 0);
	wq_os_timer_close(fd);
}

static void timer_that_is_set_to_0_expires_at_once(void **state)
{
	struct pollfd alarm = { .fd = wq_os_timer_create(), .events = POLLIN };

	assert_true(alarm.fd >= 0);
	assert_int_equal(wq_os_timer_set(alarm.fd, 0), 0);
	assert_int_equal(poll(&alarm, 1, deadline_s() * 1000), 1);
	wq_os_timer_close(alarm.fd);
}

static uint64_t own_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void cpu_time_of_a_thread_is_what_it_has_computed(void **state)
{
	uint64_t before = own_cpu_ns(), told = wq_os_thread_cpu_ns(wq_os_tid()), after;

	after = own_cpu_ns();
	assert_true(before <= told && told <= after);
	while (own_cpu_ns() < after + 1000)
		;
	assert_true(wq_os_thread_cpu_ns(wq_os_tid()) > after);
}

static void dead_thread_is_seen_to_be_gone(void **state)
{
	struct gate gate;
	struct call call;

	gate_init(&gate);
	call_start(&call, wait_at_gate, &gate);
	assert_true(wq_os_thread_exists(tid_of(&call)));
	gate_open(&gate);
	call_join(&call);
	wait_until(!wq_os_thread_exists(tid_of(&call)));
	assert_unknown(tid_of(&call));
}

static void thread_of_another_process_is_none_of_ours(void **state)
{
	assert_true(wq_os_thread_exists(wq_os_tid()));
	if (getppid() < 1)
		skip();
	assert_false(wq_os_thread_exists((uint32_t)getppid()));
	assert_unknown((uint32_t)getppid());
}

/* --------------------------------------------------------------------- other */

static void write_error_writes_to_standard_error(void **state)
{
	int ends[2], saved = dup(STDERR_FILENO);
	char buf[16];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	wq_os_write_error("hello\n", 5);
	dup2(saved, STDERR_FILENO);
	assert_int_equal(read(ends[0], buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

static void getenv_gives_the_variable_or_null(void **state)
{
	setenv("WORKQ_TEST_OS", "a b", 1);
	assert_string_equal(wq_os_getenv("WORKQ_TEST_OS"), "a b");
	unsetenv("WORKQ_TEST_OS");
	assert_null(wq_os_getenv("WORKQ_TEST_OS"));
}

static void membarrier_refused_is_told(void)
{
	fault_syscall(SYS_membarrier, ENOSYS);
	must(!wq_os_membarrier_register());
	must(!wq_os_membarrier());
}

static void membarrier_registered_for_works(void)
{
	if (!wq_os_membarrier_register())
		exit(EXIT_SKIPPED);
	must(wq_os_membarrier());
}

/* --------------------------------------------------------------------- errno */

static void succeed_at_everything(void)
{
	static struct birth birth;
	void *mem = wq_os_alloc(100, 8);

	wq_os_free(mem);
	wq_os_unmap(wq_os_map(4096), 4096);
	wq_os_now_ns();
	wq_os_sleep_ns(1000);
	wq_os_yield();
	wq_os_cpu();
	wq_os_allowed_cpus(&cpus);
	wq_os_nr_cpu_ids();
	must(birth_on(&birth, &cpus) == 0);
	birth_end(&birth);
	wq_os_thread_set_name("name");
	wq_os_thread_set_nice(getpriority(PRIO_PROCESS, wq_os_tid()));
	wq_os_thread_set_cpus(&cpus);
	wq_os_thread_exists(wq_os_tid());
	wq_os_thread_state(wq_os_tid());
	if (wq_os_membarrier_register())
		wq_os_membarrier();
	wq_os_getenv("PATH");
}

static void errno_is_untouched_by_success(void **state)
{
	errno = 4711;
	succeed_at_everything();
	assert_int_equal(errno, 4711);
}

static void library_symbol_is_found_in_libraries_not_yet_there(void **state)
{
	double (*cosine)(double angle);

	*(void **)&cosine = wq_os_library_symbol("libm.so.6", "cos");
	assert_non_null(cosine);
	assert_true(cosine(0) > 0.99);
}

static void library_symbol_without_library_or_symbol_is_null(void **state)
{
	errno = 4711;
	assert_null(wq_os_library_symbol("libworkq-no-such-library.so", "cos"));
	assert_int_equal(errno, 4711);
	assert_null(wq_os_library_symbol("libm.so.6", "workq_no_such_symbol"));
	assert_int_equal(errno, 4711);
}

static void errno_is_untouched_by_questions_answered_no(void **state)
{
	errno = 4711;
	wq_os_thread_exists(INT32_MAX);
	assert_int_equal(errno, 4711);
	wq_os_thread_state(INT32_MAX);
	assert_int_equal(errno, 4711);
	wq_os_getenv("WORKQ_NO_SUCH_VARIABLE");
	assert_int_equal(errno, 4711);
}

static void errno_is_untouched_by_set_cpus_failing(void **state)
{
	wq_cpuset_clear(&cpus);
	errno = 4711;
	assert_true(wq_os_thread_set_cpus(&cpus) < 0);
	assert_int_equal(errno, 4711);
}

static void errno_is_untouched_by_set_nice_failing(void)
{
	become_nobody();
	errno = 4711;
	must(wq_os_thread_set_nice(-20) < 0);
	must(errno == 4711);
}

static void errno_is_untouched_by_allowed_cpus_failing(void)
{
	fault_syscall(SYS_sched_getaffinity, EPERM);
	errno = 4711;
	must(wq_os_allowed_cpus(&cpus) == -EPERM);
	must(errno == 4711);
}

static void errno_is_untouched_by_membarrier_failing(void)
{
	fault_syscall(SYS_membarrier, ENOSYS);
	errno = 4711;
	wq_os_membarrier_register();
	wq_os_membarrier();
	must(errno == 4711);
}

static void errno_is_untouched_by_writing_failing(void)
{
	close(STDERR_FILENO);
	errno = 4711;
	wq_os_write_error("x", 1);
	if (errno != 4711)
		_exit(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(alloc_gives_zeroed_and_aligned_memory),
		room_test(free_of_nothing_does_nothing),
		room_test(alloc_of_too_much_gives_null),
		room_test(map_gives_zeroed_pages),
		room_test(unmapped_pages_are_gone),
		room_test(map_of_too_much_gives_null),
		room_test(now_is_the_monotonic_clock),
		room_test(sleep_is_never_short),
		room_test(sleep_goes_on_after_a_signal),
		room_test(allowed_cpus_are_the_affinity),
		child_test(set_cpus_restricts_the_caller),
		room_test(caller_is_on_an_allowed_cpu),
		room_test(nr_cpu_ids_is_one_more_than_the_last_possible_cpu),
		room_test(new_thread_runs_detached_on_the_given_cpus),
		child_test(new_thread_of_a_pinned_one_is_not_pinned),
		child_test(new_thread_has_default_scheduling),
		room_test(new_thread_blocks_all_but_synchronous_signals),
		room_test(creator_keeps_its_own_signal_mask),
		room_test(new_thread_whose_cpus_are_gone_runs_elsewhere),
		child_test(new_thread_that_may_not_be_scheduled_runs_all_the_same),
		child_test(create_without_room_for_threads_gives_an_error),
		child_test(names_are_cut_at_15_bytes),
		room_test(nice_is_set_for_the_calling_thread_only),
		child_test(nice_without_permission_gives_an_error),
		room_test(set_cpus_to_none_gives_an_error),
		room_test(cpus_of_another_thread_are_set_and_told),
		room_test(cpus_of_a_thread_that_is_gone_give_an_error),
		room_test(tid_is_the_kernels),
		room_test(sleeping_thread_is_seen_to_sleep),
		room_test(spinning_thread_is_seen_to_run),
		room_test(sleeps_are_counted),
		room_test(timer_that_is_set_expires_once),
		room_test(timer_that_is_set_to_0_expires_at_once),
		room_test(cpu_time_of_a_thread_is_what_it_has_computed),
		room_test(dead_thread_is_seen_to_be_gone),
		room_test(thread_of_another_process_is_none_of_ours),
		room_test(write_error_writes_to_standard_error),
		room_test(getenv_gives_the_variable_or_null),
		room_test(library_symbol_is_found_in_libraries_not_yet_there),
		room_test(library_symbol_without_library_or_symbol_is_null),
		child_test(membarrier_refused_is_told),
		child_test(membarrier_registered_for_works),
		room_test(errno_is_untouched_by_success),
		room_test(errno_is_untouched_by_questions_answered_no),
		room_test(errno_is_untouched_by_set_cpus_failing),
		child_test(errno_is_untouched_by_set_nice_failing),
		child_test(errno_is_untouched_by_allowed_cpus_failing),
		child_test(errno_is_untouched_by_membarrier_failing),
		child_test(errno_is_untouched_by_writing_failing),
	};

	return cmocka_run_group_tests_name("os", tests, NULL, NULL);
}
