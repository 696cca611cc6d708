/* SPDX-License-Identifier: MIT */
/*
 * test_timer.c - the timer thread: when there is one, and how it gets on without what it
 * sleeps on: no timerfd, a timerfd that the program has closed, no thread.
 *
 * The whole library runs here. Each test has a process of its own.
 */
#include <fcntl.h>
#include <sys/timerfd.h>

#include <workq/workq.h>

#include "core/timer.h"
#include "ops/init.h"
#include "fault.h"
#include "lines.h"

static bool is_answered(long nr, const long *arg, long *result);

#define SYSCALL_IS_ANSWERED is_answered
#include "support/syscall_stand_in.h"
#include "../support/delayed.h"

enum {
	ITEMS = 24,
	ARMERS = 4,
	CLOSINGS = 100,
	LASTING_S = 11,
	QUIET_MS = 1000,
	QUIET_CPU_MS = 200, /* a busy loop takes as much as it gets */
};

static struct delayed_item item[ITEMS], far;

static void begin(void)
{
	wq_report_set_fn(lines_catch);
	must(wq_init_library() == 0);
	for (int i = 0; i < ITEMS; i++)
		delayed_init(&item[i]);
	delayed_init(&far);
}

/* What the timerfd was set to first, since this was 0. */
static atomic_llong first_alarm_ns;

static void note_alarm(const struct timespec *at)
{
	long long none = 0;

	atomic_compare_exchange_strong(&first_alarm_ns, &none,
				       (long long)at->tv_sec * 1000000000 + at->tv_nsec);
}

/* A timerfd was opened, as whoever asks next what time it is finds, longer ago than it was. */
static atomic_bool timerfds_are_old;
static _Thread_local bool clock_is_behind;

/* Not under sanitizers: their run-time libraries have one of their own. */
#if !TESTS_SANITIZED
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int result = (int)syscall_hand_on(SYS_clock_gettime, (long[6]){ clock, (long)ts });

	if (clock_is_behind)
		ts->tv_sec -= LASTING_S;
	clock_is_behind = false;
	return result;
}
#endif

/* The timer thread's sleeps, on a timerfd; and how many of those there were. */
static atomic_int nr_reads, nr_opened;

/* Who opens a timerfd next, until he may. */
static atomic_bool opener_is_held;
static _Thread_local bool was_held;
static struct gate is_opening, may_open, has_opened;

static void hold_opener(void)
{
	if (!atomic_exchange(&opener_is_held, false))
		return;
	was_held = true;
	gate_open(&is_opening);
	gate_wait(&may_open);
}

/* A timerfd is descriptor 0: as if it were free, but nothing else gets in between. */
static atomic_bool timerfds_are_0;

static bool is_answered(long nr, const long *arg, long *result)
{
	if (nr == SYS_read)
		atomic_fetch_add(&nr_reads, 1);
	if (nr == SYS_read && was_held)
		gate_open(&has_opened);
	if (nr != SYS_timerfd_create)
		return false;
	atomic_fetch_add(&nr_opened, 1);
	clock_is_behind = atomic_load(&timerfds_are_old);
	hold_opener();
	if (!atomic_load(&timerfds_are_0))
		return false;
	*result = syscall_hand_on(nr, arg);
	must(*result > 0 && dup3((int)*result, STDIN_FILENO, O_CLOEXEC) == STDIN_FILENO);
	close((int)*result);
	*result = STDIN_FILENO;
	return true;
}

static int nr_reports(void)
{
	return atomic_load(&lines_caught);
}

/* I2 */
static void must_have_run(int i, int runs)
{
	wait_until(delayed_runs(&item[i]) == runs);
	must(delayed_was_not_early(&item[i]));
	flush_work(&item[i].dwork.work);
}

static void must_fire(int i, unsigned long delay)
{
	int runs = delayed_runs(&item[i]);

	must(delayed_arm(&item[i], system_percpu_wq, delay));
	must_have_run(i, runs + 1);
}

static void must_fire_all(void)
{
	int runs[ITEMS];

	for (int i = 0; i < ITEMS; i++) {
		runs[i] = delayed_runs(&item[i]);
		must(delayed_arm(&item[i], system_percpu_wq, 1 + (unsigned int)(i * 7 % ITEMS)));
	}
	for (int i = 0; i < ITEMS; i++)
		must_have_run(i, runs[i] + 1);
	for (int i = 0; i < ITEMS; i++)
		must_fire(i, (unsigned int)i % 3);
}

static void arm_far(void)
{
	must(queue_delayed_work(system_percpu_wq, &far.dwork, FAR));
}

/* ------------------------------------------------------------------ threads, idle */

static int nr_timer_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int nr = 0;

	must(dir);
	while ((entry = readdir(dir)))
		nr += atoi(entry->d_name) && is_timer_thread(atoi(entry->d_name));
	closedir(dir);
	return nr;
}

/* -1: it has ended. */
static long voluntary_switches(int tid)
{
	char path[64], line[128];
	long nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (nr < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "voluntary_ctxt_switches: %ld", &nr);
	fclose(f);
	return nr;
}

/* The thread, once it sleeps for good as far as one can see. */
static int sleeping_timer_thread(void)
{
	long long give_up = deadline_ns();
	long seen = -1;
	int tid;

	for (int same = 0; same < 10;) {
		long switches;

		/* whoever looks while one ends may miss another one, or find the one that ends */
		wait_until((tid = timer_thread()));
		switches = voluntary_switches(tid);
		same = switches == seen && thread_state(tid) == 'S' ? same + 1 : 0;
		seen = switches;
		if (now_ns() > give_up)
			missed_deadline(__FILE__, __LINE__, "the timer thread sleeps");
		nap_us(5000);
	}
	return tid;
}

static long cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* It neither wakes up nor spins. */
static void must_be_quiet(void)
{
	int tid = sleeping_timer_thread();
	long switches = voluntary_switches(tid), cpu = cpu_ms();

	nap_us(QUIET_MS * 1000);
	must(voluntary_switches(tid) == switches);
	must(cpu_ms() - cpu < QUIET_CPU_MS);
}

static void thread_is_made_when_the_first_timer_is_armed(void)
{
	begin();
	must(queue_delayed_work(system_percpu_wq, &item[0].dwork, 0));
	flush_delayed_work(&item[0].dwork);
	cancel_delayed_work_sync(&item[0].dwork);
	for (int look = 0; look < 20; look++) {
		must(!wq_timer_wants_thread() && !timer_thread());
		nap_us(1000);
	}
	arm_far();
	wait_until(timer_thread());
	must(!wq_timer_wants_thread());
	must_fire(0, SOON);
	must(nr_timer_threads() == 1);
}

static struct gate go;

static long arm_at_once(void *arg)
{
	struct delayed_item *mine = arg;

	gate_spin(&go);
	return delayed_arm(mine, system_percpu_wq, SOON);
}

static void thread_is_made_once_for_many_who_arm_first(void)
{
	struct call call[ARMERS];

	begin();
	gate_init(&go);
	for (int i = 0; i < ARMERS; i++)
		call_start(&call[i], arm_at_once, &item[i]);
	gate_open(&go);
	for (int i = 0; i < ARMERS; i++)
		must(call_join(&call[i]));
	for (int i = 0; i < ARMERS; i++)
		wait_until(delayed_runs(&item[i]) == 1);
	must(nr_timer_threads() == 1);
}

/* Each one sets the timerfd anew. */
static void arming_ever_earlier_does_not_wake_the_thread(void)
{
	long switches;
	int tid;

	begin();
	arm_far();
	tid = sleeping_timer_thread();
	switches = voluntary_switches(tid);
	for (unsigned long i = 0; i < ITEMS; i++)
		must(queue_delayed_work(system_percpu_wq, &item[i].dwork, FAR - i * HZ));
	must(voluntary_switches(tid) == switches);
	for (int i = 0; i < ITEMS; i++)
		must(cancel_delayed_work_sync(&item[i].dwork));
	must(voluntary_switches(tid) == switches);
	must_fire(0, SOON);
}

/* I2 */
static void alarm_is_set_to_the_end_of_the_jiffy(void)
{
	begin();
	must_fire(0, SOON);
	/* it has nothing to do: whoever arms sets the alarm */
	sleeping_timer_thread();
	atomic_store(&first_alarm_ns, 0);
	must(delayed_arm(&item[1], system_percpu_wq, SOON));
	must(atomic_load(&first_alarm_ns) ==
	     ((long long)item[1].dwork.timer.expires + 1) * JIFFY_NS);
	must_have_run(1, 1);
}

/* The alarm comes when the jiffy is over, not before: else it would look in vain until then. */
static void thread_wakes_up_once_for_a_timer(void)
{
	int reads;

	begin();
	arm_far();
	sleeping_timer_thread();
	reads = atomic_load(&nr_reads);
	must(reads > 0);
	for (int i = 0; i < ITEMS; i++)
		must_fire(i, SOON);
	must(atomic_load(&nr_reads) - reads <= 2 * ITEMS);
}

/* Later than timerfd and futex can tell. */
static void endless_delay_costs_nothing(void)
{
	begin();
	must(queue_delayed_work(system_percpu_wq, &far.dwork, ULONG_MAX));
	must_be_quiet();
	must_fire_all();
	must(delayed_is_pending(&far));
}

/* ---------------------------------------------------------------- without a timerfd */

static void go_without_timerfd(void)
{
	fault_syscall(SYS_timerfd_create, EMFILE);
}

static void timers_without_a_timerfd_fire(void)
{
	go_without_timerfd();
	begin();
	arm_far();
	must_fire_all();
	must(nr_reports() == 1 && strstr(line_kept[0], "no descriptor for a timerfd"));
}

static void thread_without_a_timerfd_is_quiet(void)
{
	go_without_timerfd();
	begin();
	arm_far();
	must_be_quiet();
	/* with something in front of it that is then gone, too */
	must(queue_delayed_work(system_percpu_wq, &item[0].dwork, FAR / 2));
	must(cancel_delayed_work_sync(&item[0].dwork));
	must_fire(0, SOON);
	must_be_quiet();
}

static void endless_delay_without_a_timerfd_costs_nothing(void)
{
	go_without_timerfd();
	endless_delay_costs_nothing();
}

/* The process' only one; -1: there is none. */
static int find_timerfd(void)
{
	char path[64], target[64];

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		if (strstr(target, "timerfd"))
			return fd;
	}
	return -1;
}

static void set_max_files(rlim_t nr)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = nr;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void timerfd_that_can_be_had_later_is_used_then(void)
{
	struct rlimit usual;

	begin();
	getrlimit(RLIMIT_NOFILE, &usual);
	set_max_files(0);
	arm_far();
	must_fire(0, SOON);
	must(find_timerfd() < 0);
	set_max_files(usual.rlim_cur);
	must_fire(0, SOON);
	must_fire(0, SOON);
	wait_until(find_timerfd() >= 0);
	must_fire_all();
	must_be_quiet();
}

static void close_it(int fd)
{
	must(close(fd) == 0);
}

/* It is what a program gets next that has closed its standard input, and may have few. */
static void begin_with_descriptor_0(void)
{
	set_max_files(32);
	atomic_store(&timerfds_are_0, true);
	begin();
	must_fire_all();
	must(find_timerfd() == STDIN_FILENO && atomic_load(&nr_opened) == 1);
	must(nr_reports() == 0);
}

static void timerfd_that_is_descriptor_0_is_as_good_as_any_other(void)
{
	begin_with_descriptor_0();
	arm_far();
	must_be_quiet();
	cancel_delayed_work_sync(&far.dwork);
	must(workq_shutdown(60000) == 0);
	must(find_timerfd() < 0);
}

/* U3 */
static void child_closes_the_timerfd_that_is_descriptor_0(void)
{
	int status;
	pid_t pid;

	need_threads_after_fork();
	/* its run-time library's locks may be held in the child */
	if (TESTS_THREAD_SANITIZED)
		exit(EXIT_SKIPPED);
	begin_with_descriptor_0();
	pid = fork();
	if (pid == 0)
		_exit(find_timerfd() >= 0);
	must(waitpid(pid, &status, 0) == pid && status == 0);
	_exit(0);
}

/* ----------------------------------------------- the program closes the timerfd */

static void (*_Atomic before_set)(void); /* what comes before the timerfd is set next, once */

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	int (*real)(int, int, const struct itimerspec *, struct itimerspec *);
	void (*fn)(void) = atomic_exchange(&before_set, NULL);

	*(void **)&real = dlsym(RTLD_NEXT, __func__);
	if (fn)
		fn();
	note_alarm(&new->it_value);
	return real(fd, flags, new, old);
}

static void arm_another(void)
{
	must(delayed_arm(&item[2], system_percpu_wq, 1));
}

/* And who arms is interrupted by who arms, too. */
static void close_it_for_two(int fd)
{
	close_it(fd);
	before_set = arm_another;
}

/* The number is something else's afterwards. */
static void replace_it(int fd)
{
	must(dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), fd) == fd);
}

/*
 * The thread sleeps in a read of what was closed: the test keeps it open under
 * another number, and ends that read. -> that number
 */
static int lose_it(void (*lose)(int fd))
{
	int fd, copy;

	sleeping_timer_thread();
	fd = find_timerfd();
	must(fd >= 0);
	copy = dup(fd);
	lose(fd);
	return copy;
}

static void end_read(int copy)
{
	static const struct itimerspec at_once = { .it_value.tv_nsec = 1 };

	must(timerfd_settime(copy, 0, &at_once, NULL) == 0);
}

/* Until the read is ended timers may be late. */
static void lose_timerfd(void (*lose)(int fd))
{
	int copy;

	begin();
	arm_far();
	copy = lose_it(lose);
	must(delayed_arm(&item[0], system_percpu_wq, SOON));
	must(delayed_arm(&item[1], system_percpu_wq, 1));
	end_read(copy);
	must_have_run(0, 1);
	must_have_run(1, 1);
	close(copy);
}

static void must_have_recovered(void)
{
	must_fire(0, SOON);
	must_be_quiet();
	must_fire(0, SOON);
	must(find_timerfd() >= 0);
	must(nr_reports() == 1);
	must(strstr(line_kept[0], "note") && strstr(line_kept[0], "closed by the program"));
}

static void closed_timerfd_is_reported_once_and_made_anew(void)
{
	lose_timerfd(close_it);
	must_have_recovered();
}

static void closed_timerfd_is_reported_once_by_two_who_find_out(void)
{
	lose_timerfd(close_it_for_two);
	must_have_run(2, 1);
	must_have_recovered();
}

/* Whichever there is. */
static void close_timerfd(void)
{
	int fd = find_timerfd();

	if (fd >= 0)
		close_it(fd);
}

/* With nothing armed nobody sets it. */
static void thread_that_finds_its_timerfd_closed_opens_another(void)
{
	int copy;

	begin();
	must_fire(0, SOON);
	copy = lose_it(close_it);
	end_read(copy);
	wait_until(nr_reports() == 1);
	close(copy);
	must_have_recovered();
}

static struct gate is_told, may_replace;

static void hold_who_tells(const char *line)
{
	lines_catch(line);
	gate_open(&is_told);
	gate_wait(&may_replace);
}

static long arm_early(void *arg)
{
	return delayed_arm(arg, system_percpu_wq, FAR / 2);
}

static void init_gates(void)
{
	gate_init(&is_told);
	gate_init(&may_replace);
	gate_init(&is_opening);
	gate_init(&may_open);
	gate_init(&has_opened);
}

/* Who finds it closed has not replaced the thread yet when that wakes up, and opens another one. */
static void thread_that_is_replaced_while_it_opens_a_timerfd_closes_that(void)
{
	struct call armer;
	int copy;

	init_gates();
	begin();
	wq_report_set_fn(hold_who_tells);
	arm_far();
	copy = lose_it(close_it);
	atomic_store(&opener_is_held, true);
	call_start(&armer, arm_early, &item[0]);
	gate_wait(&is_told);
	end_read(copy);
	gate_wait(&is_opening);
	gate_open(&may_replace);
	must(call_join(&armer));
	/* by the new thread, which has a timerfd by then */
	must_fire(1, SOON);
	gate_open(&may_open);
	/* it sleeps, by the other one's */
	gate_wait(&has_opened);
	close(copy);
	close_timerfd();
	must(find_timerfd() < 0);
}

/*
 * The first one is replaced at once, others a second after they were lost at the earliest, unless
 * one has lasted for ten: that counts as the first.
 */
static void timerfd_that_is_closed_again_and_again_is_replaced_seldom(void)
{
	long long begun = now_ns();
	int seconds;

	begin();
	arm_far();
	sleeping_timer_thread();
	for (int round = 0; round < CLOSINGS; round++) {
		close_timerfd();
		must_fire(0, 1);
	}
	seconds = (int)((now_ns() - begun) / 1000000000);
	must(atomic_load(&nr_opened) <= 3 + 2 * seconds);
	must(nr_timer_threads() <= 3 + 2 * seconds);
	must(nr_reports() == 1 && strstr(line_kept[0], "closed by the program"));
}

static void timerfd_that_has_lasted_is_replaced_at_once(void)
{
	if (TESTS_SANITIZED)
		exit(EXIT_SKIPPED);
	atomic_store(&timerfds_are_old, true);
	begin();
	arm_far();
	for (int round = 1; round <= 4; round++) {
		sleeping_timer_thread();
		must(atomic_load(&nr_opened) == round);
		close_it(find_timerfd());
		must_fire(0, 1);
	}
	must(atomic_load(&nr_opened) == 5);
}

/* Without one until then, timers fire. */
static void timerfd_that_was_closed_twice_is_replaced_later(void)
{
	begin();
	arm_far();
	sleeping_timer_thread();
	for (int round = 0; round < 2; round++) {
		close_timerfd();
		must_fire(0, 1);
	}
	must_fire_all();
	while (find_timerfd() < 0)
		must_fire(0, SOON);
	must_fire_all();
	must_be_quiet();
}

static void use_timers(void)
{
	must_fire(0, SOON);
}

/* U3 */
static void child_of_who_has_closed_the_timerfd_leaves_its_number_alone(void)
{
	int status, fd;
	pid_t pid;

	need_threads_after_fork();
	/* its run-time library's locks may be held in the child */
	if (TESTS_THREAD_SANITIZED)
		exit(EXIT_SKIPPED);
	begin();
	arm_far();
	sleeping_timer_thread();
	fd = find_timerfd();
	must(fd >= 0);
	replace_it(fd);
	pid = fork();
	if (pid == 0) {
		must(fcntl(fd, F_GETFD) >= 0);
		use_timers();
		must(fcntl(fd, F_GETFD) >= 0);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0);
	_exit(0);
}

static void timerfd_whose_number_is_used_again_is_made_anew(void)
{
	lose_timerfd(replace_it);
	must_have_recovered();
}

/* ------------------------------------------------------------- without a thread */

/* Limits of threads hold for ordinary users only. */
static void become_nobody(void)
{
	if (geteuid() == 0 && setuid(65534))
		exit(EXIT_SKIPPED);
	/* LeakSanitizer looks into the process */
	prctl(PR_SET_DUMPABLE, 1);
}

static void set_max_threads(rlim_t nr)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NPROC, &limit);
	limit.rlim_cur = nr;
	must(setrlimit(RLIMIT_NPROC, &limit) == 0);
}

static void timers_armed_while_no_thread_can_be_made_fire_later(void)
{
	struct rlimit usual;

	become_nobody();
	begin();
	must_fire(0, 0);
	getrlimit(RLIMIT_NPROC, &usual);
	set_max_threads(0);
	must(delayed_arm(&item[0], system_percpu_wq, SOON));
	must(delayed_arm(&item[1], system_percpu_wq, 1));
	wait_until(nr_reports() == 1);
	wait_until(now_ns() > item[0].due_ns);
	must(!delayed_runs(&item[1]) && delayed_runs(&item[0]) == 1);
	must(wq_timer_wants_thread() && !timer_thread());
	set_max_threads(usual.rlim_cur);
	must_have_run(0, 2);
	must_have_run(1, 1);
	must(nr_timer_threads() == 1);
	must(nr_reports() == 1 && strstr(line_kept[0], "no thread"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(thread_is_made_when_the_first_timer_is_armed),
		child_test(thread_is_made_once_for_many_who_arm_first),
		child_test(arming_ever_earlier_does_not_wake_the_thread),
		child_test(alarm_is_set_to_the_end_of_the_jiffy),
		child_test(thread_wakes_up_once_for_a_timer),
		child_test(endless_delay_costs_nothing),
		child_test(timers_without_a_timerfd_fire),
		child_test(thread_without_a_timerfd_is_quiet),
		child_test(endless_delay_without_a_timerfd_costs_nothing),
		child_test(timerfd_that_can_be_had_later_is_used_then),
		child_test(timerfd_that_is_descriptor_0_is_as_good_as_any_other),
		child_test(child_closes_the_timerfd_that_is_descriptor_0),
		child_test(closed_timerfd_is_reported_once_and_made_anew),
		child_test(closed_timerfd_is_reported_once_by_two_who_find_out),
		child_test(thread_that_finds_its_timerfd_closed_opens_another),
		child_test(thread_that_is_replaced_while_it_opens_a_timerfd_closes_that),
		child_test(timerfd_that_is_closed_again_and_again_is_replaced_seldom),
		child_test(timerfd_that_has_lasted_is_replaced_at_once),
		child_test(timerfd_that_was_closed_twice_is_replaced_later),
		child_test(child_of_who_has_closed_the_timerfd_leaves_its_number_alone),
		child_test(timerfd_whose_number_is_used_again_is_made_anew),
		child_test(timers_armed_while_no_thread_can_be_made_fire_later),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
