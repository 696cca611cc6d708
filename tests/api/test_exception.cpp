/* SPDX-License-Identifier: MIT */
/*
 * test_exception.cpp - work functions in C++: what leaves them otherwise than by return.
 *
 * An exception that nobody catches ends the process where it is thrown, as in any thread:
 * so the child that throws has its say in the handler, with the frames still there. What
 * ends a thread by force destroys the objects of the frames that it leaves.
 */
#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <cmocka.h>
}

#include <workq/workq.h>
#include <workq/workqueue.h>

namespace
{
constexpr int deadline_s = 180;

struct guard {
	std::atomic<int> &alive;

	explicit guard(std::atomic<int> &count) : alive(count)
	{
		alive++;
	}
	~guard()
	{
		alive--;
	}
	guard(const guard &) = delete;
	guard &operator=(const guard &) = delete;
};

std::atomic<int> alive, caught;

/* ------------------------------------------------------------- exceptions */

void throw_and_catch(work_struct *)
{
	try {
		guard inside(alive);

		throw std::runtime_error("caught");
	} catch (const std::exception &) {
		caught++;
	}
}

/* T2 */
void exception_caught_in_the_item_is_fine(void **)
{
	work_struct work;

	INIT_WORK(&work, throw_and_catch);
	queue_work(system_percpu_wq, &work);
	flush_work(&work);
	assert_int_equal(caught.load(), 1);
	assert_int_equal(alive.load(), 0);
}

[[noreturn]] void throw_out(work_struct *)
{
	guard inside(alive);

	throw std::runtime_error("thrown out of an item");
}

/* The frames of the item have not been left: its object is there. */
[[noreturn]] void tell()
{
	try {
		std::rethrow_exception(std::current_exception());
	} catch (const std::exception &exception) {
		std::fprintf(stderr, "%s, %d alive\n", exception.what(), alive.load());
	}
	std::abort();
}

[[noreturn]] void be_thrown_through(int output)
{
	static const struct rlimit no_core = { 0, 0 };
	work_struct work;

	setrlimit(RLIMIT_CORE, &no_core);
	dup2(output, STDERR_FILENO);
	alarm(deadline_s);
	std::set_terminate(tell);
	INIT_WORK(&work, throw_out);
	queue_work(system_dfl_wq, &work);
	flush_work(&work);
	_exit(EXIT_FAILURE);
}

/* T2 */
void exception_out_of_an_item_ends_the_process_where_it_is_thrown(void **)
{
	char text[4096] = "";
	int pipes[2], status = 0;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0)
		be_thrown_through(pipes[1]);
	close(pipes[1]);
	while ((n = read(pipes[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += static_cast<size_t>(n);
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(std::strstr(text, "thrown out of an item, 1 alive"));
}

/* ------------------------------------------------------- the thread is ended */

std::atomic<int> nr_reports;

void count_report(const char *)
{
	nr_reports++;
}

void end_thread(work_struct *)
{
	guard inside(alive);

	pthread_exit(nullptr);
}

/* T1 */
void pthread_exit_destroys_the_objects_of_the_item(void **)
{
	work_struct work;

	workq_set_report_fn(count_report);
	INIT_WORK(&work, end_thread);
	queue_work(system_percpu_wq, &work);
	flush_work(&work);
	workq_set_report_fn(nullptr);
	assert_int_equal(alive.load(), 0);
	assert_int_equal(nr_reports.load(), 1);
}
} // namespace

int main()
{
	const CMUnitTest tests[] = {
		/* the first one has no threads yet: it forks */
		cmocka_unit_test(exception_out_of_an_item_ends_the_process_where_it_is_thrown),
		cmocka_unit_test(exception_caught_in_the_item_is_fine),
		cmocka_unit_test(pthread_exit_destroys_the_objects_of_the_item),
	};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
