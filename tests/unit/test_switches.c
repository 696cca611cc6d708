/* SPDX-License-Identifier: MIT */
/*
 * test_switches.c - the thread that hears of workers' waits: when it is made, and what becomes of
 * its descriptors in a child of fork().
 *
 * A pool made by hand, which only asks; there are no workers. Each test has a process of its own.
 */
#include "handmade.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "../support/thread_stand_in.h"
#include "base/grace.h"
#include "base/options.h"
#include "core/switches.h"

static void wait_if_held(long nr, const long *arg);

/* Nothing is refused. */
#define SYSCALL_IS_ANSWERED(nr, arg, result) (wait_if_held((nr), (arg)), (void)(result), false)
#include "../support/syscall_stand_in.h"

enum { ONCE_FOUND = 1, ALWAYS };

/* Who closes this descriptor waits before he does; -1: nobody. */
static atomic_int held_fd = -1;
static struct gate is_closing, may_close;

static void wait_if_held(long nr, const long *arg)
{
	if (nr != SYS_close || arg[0] != atomic_load(&held_fd))
		return;
	atomic_store(&held_fd, -1);
	gate_open(&is_closing);
	gate_wait(&may_close);
}

static void begin(void)
{
	wq_membarrier_init();
	wq_grace_claim();
	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	pool.is_bound = true;
	wq_options.watch_switches = ONCE_FOUND;
	wq_cpuset_fill(&wq_allowed_cpus, 1);
	must(wq_os_allowed_cpus(&wq_allowed_cpus) == 0);
}

/* The epoll instances of the process; the last one's number. */
static int nr_pollers(int *last)
{
	char path[280], link[64];
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int nr = 0;

	must(dir);
	while ((entry = readdir(dir))) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		len = readlink(path, link, sizeof(link) - 1);
		link[len < 0 ? 0 : len] = '\0';
		if (!strstr(link, "eventpoll"))
			continue;
		nr++;
		*last = atoi(entry->d_name);
	}
	closedir(dir);
	return nr;
}

static int nr_pollers_now(void)
{
	int last;

	return nr_pollers(&last);
}

static void want(void)
{
	wq_pool_lock(&pool);
	wq_switches_want_locked(&pool, wq_os_now_ns());
	wq_pool_unlock(&pool);
	must(pool.is_watched);
}

/* As a program does that asks for it from the beginning. */
static void begin_always(void)
{
	wq_options.watch_switches = ALWAYS;
	wq_switches_begin();
	must(nr_pollers_now() == 1);
}

static void thread_is_made_when_a_pool_wants_it(void)
{
	begin();
	wq_switches_serve();
	must(nr_pollers_now() == 0);
	want();
	wq_switches_serve();
	must(nr_pollers_now() == 1);
	wq_switches_serve();
	must(nr_pollers_now() == 1);
}

/* Two have asked; the second one was not heard before it was there. */
static void thread_that_is_there_already_is_not_made_again(void)
{
	begin();
	want();
	begin_always();
	wq_switches_serve();
	must(nr_pollers_now() == 1);
}

/* Its poller must not be taken for one that somebody listens to. */
static void thread_that_cannot_be_made_is_made_when_it_is_wanted_again(void)
{
	begin();
	threads_refuse();
	want();
	wq_switches_serve();
	must(nr_pollers_now() == 0);
	threads_allow();
	want();
	wq_switches_serve();
	must(nr_pollers_now() == 1);
}

static bool is_ended(void)
{
	bool is_gone;

	wq_lock_acquire(&wq_config_lock);
	is_gone = wq_switches_shut_locked();
	wq_lock_release(&wq_config_lock);
	return is_gone;
}

/* Refused since then, it is no more to be made for who had asked before. */
static void thread_that_has_ended_is_not_made_again(void)
{
	begin();
	want();
	begin_always();
	wait_until(is_ended());
	must(nr_pollers_now() == 0);
	wq_switches_serve();
	must(nr_pollers_now() == 0);
}

/* What was closed may be the program's own by the second time. */
static void end_of_the_thread_is_closed_once(void)
{
	int lowest;

	begin();
	begin_always();
	wait_until(is_ended());
	lowest = dup(STDERR_FILENO);
	must(is_ended() && is_ended());
	must(fcntl(STDIN_FILENO, F_GETFD) >= 0 || lowest == STDIN_FILENO);
	must(fcntl(lowest, F_GETFD) >= 0);
}

/* ------------------------------------------------------------- a child of fork() */

static void must_pass(void (*fn)(void))
{
	int status;
	pid_t pid;

	/* it takes what the child does for done beside the parent's threads */
	if (TESTS_THREAD_SANITIZED)
		exit(EXIT_SKIPPED);
	pid = fork();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0);
}

static void reset(void)
{
	wq_switches_reset();
	must(nr_pollers_now() == 0);
	want();
	wq_switches_serve();
	must(nr_pollers_now() == 1);
}

/* U3 */
static void child_lets_the_parents_poller_go(void)
{
	need_threads_after_fork();
	begin();
	begin_always();
	must_pass(reset);
	must(nr_pollers_now() == 1);
}

static int number;

static void reset_without_closing(void)
{
	wq_switches_reset();
	must(fcntl(number, F_GETFD) >= 0);
}

/* U3: the number is the program's own by now. */
static void child_leaves_alone_what_is_no_poller_any_more(void)
{
	begin();
	begin_always();
	nr_pollers(&number);
	must(dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), number) == number);
	must_pass(reset_without_closing);
}

static int nr_descriptors(void)
{
	int nr = 0;

	for (int fd = 0; fd < 1024; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

static int nr_before;

static void reset_all(void)
{
	wq_switches_reset();
	must(nr_descriptors() == nr_before);
}

static void tell_thread_to_end(void)
{
	wq_lock_acquire(&wq_config_lock);
	wq_switches_shut_locked();
	wq_lock_release(&wq_config_lock);
}

static void reset_at_the_end(void)
{
	wq_switches_reset();
	must(fcntl(STDIN_FILENO, F_GETFD) == -1);
}

/* U3: what is to end the thread may have any number. */
static void child_lets_go_what_has_the_lowest_number(void)
{
	begin();
	begin_always();
	close(STDIN_FILENO);
	tell_thread_to_end();
	must(wq_grace_close(WQ_FOREVER));
	must_pass(reset_at_the_end);
	wq_grace_reopen();
	wait_until(is_ended());
	must(fcntl(STDIN_FILENO, F_GETFD) == -1);
}

/* U3: the parent was shutting down, and the thread has heard of it, or not yet. */
static void child_lets_go_what_was_to_end_the_thread(void)
{
	begin();
	nr_before = nr_descriptors();
	begin_always();
	tell_thread_to_end();
	/* as fork() does */
	must(wq_grace_close(WQ_FOREVER));
	must_pass(reset_all);
	wq_grace_reopen();
	wait_until(is_ended());
	must(nr_descriptors() == nr_before);
}

/* U3: the number is forgotten by then; in a section, which is what fork() waits for. */
static void thread_that_closes_its_poller_is_not_forked_beside(void)
{
	begin();
	nr_before = nr_descriptors();
	begin_always();
	nr_pollers(&number);
	gate_init(&is_closing);
	gate_init(&may_close);
	atomic_store(&held_fd, number);
	tell_thread_to_end();
	gate_wait(&is_closing);
	must(!wq_grace_close(wq_os_now_ns()));
	gate_open(&may_close);
	must(wq_grace_close(WQ_FOREVER));
	must_pass(reset_all);
	wq_grace_reopen();
	wait_until(is_ended());
	must(nr_descriptors() == nr_before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(thread_is_made_when_a_pool_wants_it),
		child_test(thread_that_is_there_already_is_not_made_again),
		child_test(thread_that_cannot_be_made_is_made_when_it_is_wanted_again),
		child_test(thread_that_has_ended_is_not_made_again),
		child_test(end_of_the_thread_is_closed_once),
		child_test(child_lets_the_parents_poller_go),
		child_test(child_leaves_alone_what_is_no_poller_any_more),
		child_test(child_lets_go_what_was_to_end_the_thread),
		child_test(thread_that_closes_its_poller_is_not_forked_beside),
		child_test(child_lets_go_what_has_the_lowest_number),
	};

	return cmocka_run_group_tests_name("switches", tests, NULL, NULL);
}
