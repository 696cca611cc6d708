/* SPDX-License-Identifier: MIT */
/*
 * test_os_odd.c - what the system seldom answers: calls that are interrupted, that give less than
 * was asked for, and files that say nothing.
 */
#include "unit.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>

#include "answers.h"
#include "base/os.h"

static char path[] = "/tmp/workq-test-XXXXXX";

/* ------------------------------------------------------------ stand-ins */

/* Not under sanitizers: their run-time libraries call these before there is a program. */
#if TESTS_SANITIZED
#define need_stand_ins() exit(EXIT_SKIPPED)
static int key_error, set_error, init_error, affinity_error;
#else
#define need_stand_ins() ((void)0)
static int key_error, set_error, init_error;

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	int (*real)(pthread_key_t *, void (*)(void *));

	*(void **)&real = dlsym(RTLD_NEXT, __func__);
	return key_error ? key_error : real(key, destructor);
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
	int (*real)(pthread_key_t, const void *);

	*(void **)&real = dlsym(RTLD_NEXT, __func__);
	return set_error ? set_error : real(key, value);
}

int pthread_attr_init(pthread_attr_t *attr)
{
	int (*real)(pthread_attr_t *);

	*(void **)&real = dlsym(RTLD_NEXT, __func__);
	return init_error ? init_error : real(attr);
}

#ifdef __GLIBC__
static int affinity_error;

int pthread_attr_setaffinity_np(pthread_attr_t *attr, size_t size, const cpu_set_t *set)
{
	int (*real)(pthread_attr_t *, size_t, const cpu_set_t *);

	*(void **)&real = dlsym(RTLD_NEXT, __func__);
	return affinity_error ? affinity_error : real(attr, size, set);
}
#endif
#endif

/* Who opens that file finds this in it. */
static void put_in_place_of(const char *file, const char *text)
{
	FILE *f = fopen(path, "w");

	must(f && fputs(text, f) >= 0 && fclose(f) == 0);
	file_asked = file;
	file_given = path;
}

static int begin(void **state)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	return fd < 0 || close(fd) ? -1 : unit_begin(state);
}

static int end(void **state)
{
	file_asked = NULL;
	return unlink(path) || unit_end(state) ? -1 : 0;
}

#define odd_test(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

/* ----------------------------------------------------------- interrupted */

static void sleep_interrupted_goes_on(void **state)
{
	answer_next(SYS_clock_nanosleep, -1, EINTR, 2);
	wq_os_sleep_ns(1);
	assert_int_equal(answer[0].times, 0);
}

static void sleep_refused_returns(void **state)
{
	answer_next(SYS_clock_nanosleep, -1, EINVAL, 1);
	wq_os_sleep_ns(1);
	assert_int_equal(answer[0].times, 0);
}

static void timer_wait_interrupted_goes_on(void **state)
{
	int fd = wq_os_timer_create();

	assert_int_equal(wq_os_timer_set(fd, 0), 0);
	answer_next(SYS_read, -1, EINTR, 2);
	assert_int_equal(wq_os_timer_wait(fd), 0);
	assert_int_equal(answer[0].times, 0);
	wq_os_timer_close(fd);
}

static void timer_wait_refused_gives_the_error(void **state)
{
	answer_next(SYS_read, -1, ECANCELED, 1);
	assert_int_equal(wq_os_timer_wait(-1), -ECANCELED);
}

static void timer_wait_on_what_is_no_timer_gives_ebadf(void **state)
{
	answer_next(SYS_read, 4, 0, 1);
	assert_int_equal(wq_os_timer_wait(-1), -EBADF);
}

static void write_error_interrupted_goes_on(void **state)
{
	answer_next(SYS_write, -1, EINTR, 2);
	wq_os_write_error("", 0);
	assert_int_equal(answer[0].times, 0);
}

static void read_file_interrupted_goes_on(void **state)
{
	char text[16];

	put_in_place_of("x", "text");
	answer_next(SYS_read, -1, EINTR, 2);
	assert_int_equal(wq_os_read_file("x", text, sizeof(text)), 4);
	assert_string_equal(text, "text");
}

static void read_file_failing_gives_the_error_and_no_text(void **state)
{
	char text[16] = "before";

	put_in_place_of("x", "text");
	answer_next(SYS_read, -1, EIO, 1);
	assert_int_equal(wq_os_read_file("x", text, sizeof(text)), -EIO);
	assert_string_equal(text, "");
}

/* ---------------------------------------------------------- files say nothing */

#define POSSIBLE "/sys/devices/system/cpu/possible"

static void nr_cpu_ids_unknown_is_one(void **state)
{
	put_in_place_of(POSSIBLE, "");
	assert_int_equal(wq_os_nr_cpu_ids(), 1);
}

static void nr_cpu_ids_without_sense_is_the_most_there_can_be(void **state)
{
	put_in_place_of(POSSIBLE, "all of them\n");
	assert_int_equal(wq_os_nr_cpu_ids(), WQ_MAX_CPUS);
}

/* A list of so many that its end is missing says nothing of the highest one. */
static void nr_cpu_ids_of_a_long_list_is_the_most_there_can_be(void **state)
{
	char text[1200];
	int len = 0;

	for (int cpu = 0; len < 1100; cpu += 2)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%d,", cpu);
	put_in_place_of(POSSIBLE, text);
	assert_int_equal(wq_os_nr_cpu_ids(), WQ_MAX_CPUS);
}

static void state_of_a_thread_without_fields_is_unknown(void **state)
{
	char file[64];

	snprintf(file, sizeof(file), "/proc/self/task/%u/status", wq_os_tid());
	put_in_place_of(file, "Name:\tx\n");
	assert_int_equal(wq_os_thread_state(wq_os_tid()).letter, 0);
	assert_int_equal(wq_os_thread_state(wq_os_tid()).nr_sleeps, 0);
}

static void state_of_a_thread_that_lacks_a_field_says_the_rest(void **state)
{
	char file[64];

	snprintf(file, sizeof(file), "/proc/self/task/%u/status", wq_os_tid());
	put_in_place_of(file, "Name:\tx\nState:\tS (sleeping)\n");
	assert_int_equal(wq_os_thread_state(wq_os_tid()).letter, 'S');
	assert_int_equal(wq_os_thread_state(wq_os_tid()).nr_sleeps, 0);
	put_in_place_of(file, "Name:\tx\nvoluntary_ctxt_switches:\t7\n");
	assert_int_equal(wq_os_thread_state(wq_os_tid()).letter, 0);
	assert_int_equal(wq_os_thread_state(wq_os_tid()).nr_sleeps, 0);
}

/* The count begins or ends anywhere in what is read at once, also in that after it. */
static void state_of_a_thread_in_many_groups_is_read_to_its_end(void **state)
{
	static char groups[2 * 4096], text[sizeof(groups) + 256];
	struct wq_os_thread_state found;
	char file[64];

	snprintf(file, sizeof(file), "/proc/self/task/%u/status", wq_os_tid());
	for (size_t len = 3900; len < sizeof(groups); len += len == 4100 ? 3900 : 1) {
		memset(groups, '7', len);
		groups[len] = '\0';
		snprintf(text, sizeof(text),
			 "Name:\tx\nState:\tS (sleeping)\nGroups:\t%s\n"
			 "voluntary_ctxt_switches:\t123456789\nnonvoluntary_ctxt_switches:\t5\n",
			 groups);
		put_in_place_of(file, text);
		found = wq_os_thread_state(wq_os_tid());
		assert_int_equal(found.letter, 'S');
		assert_int_equal(found.nr_sleeps, 123456789);
	}
}

static void state_of_a_thread_that_cannot_be_read_is_unknown(void **state)
{
	answer_next(SYS_read, -1, ESRCH, 1);
	assert_int_equal(wq_os_thread_state(wq_os_tid()).letter, 0);
	assert_int_equal(answer[0].times, 0);
}

/* ------------------------------------------------------------- no room */

static void descriptor_stays_where_no_higher_one_is_to_be_had(void)
{
	static const struct rlimit few = { 32, 32 };
	int fd = wq_os_timer_create();

	must(fd >= 32);
	must(setrlimit(RLIMIT_NOFILE, &few) == 0);
	fd = wq_os_timer_create();
	must(fd >= 0 && fd < 32);
	must(wq_os_timer_is_open(fd));
}

static void must_be_free(int fd)
{
	must(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
}

/* It is what a program gets next that has closed its standard input. */
static void descriptor_0_is_as_good_as_any_other(void)
{
	char text[64];
	int fd;

	close(0);
	must(wq_os_thread_state(wq_os_tid()).letter == 'R');
	must_be_free(0);
	must(wq_os_read_file("/proc/self/stat", text, sizeof(text)) > 0);
	must_be_free(0);
	fd = wq_os_timer_create();
	must(fd > STDERR_FILENO && wq_os_timer_is_open(fd));
	must_be_free(0);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static void thread_without_memory_for_attributes_gives_enomem(void)
{
	struct wq_cpuset cpus;

	need_stand_ins();
	must(wq_os_allowed_cpus(&cpus) == 0);
	init_error = ENOMEM;
	must(wq_os_thread_create(do_nothing, NULL, &cpus) == -ENOMEM);
	init_error = 0;
#ifdef __GLIBC__
	affinity_error = ENOMEM;
	must(wq_os_thread_create(do_nothing, NULL, &cpus) == -ENOMEM);
#endif
	must(wq_os_thread_create(do_nothing, NULL, NULL) == 0);
}

static void exit_without_keys_gives_the_error(void)
{
	struct wq_os_exit exit_of_thread = { 0 };

	need_stand_ins();
	key_error = EAGAIN;
	must(wq_os_thread_at_exit(&exit_of_thread) == -EAGAIN);
}

/* -------------------------------------------------------------- roster */

static void thread_without_keys_is_not_waited_for(void)
{
	need_stand_ins();
	key_error = EAGAIN;
	wq_os_thread_enlist();
	must(wq_os_threads_are_done());
}

static void thread_without_a_value_is_not_waited_for(void)
{
	need_stand_ins();
	set_error = ENOMEM;
	wq_os_thread_enlist();
	must(wq_os_threads_are_done());
}

static void *enlist_and_end(void *arg)
{
	wq_os_thread_enlist();
	must(!wq_os_threads_are_done());
	set_error = ENOMEM;
	return arg;
}

/* In an earlier round of destructors than it wished. */
static void thread_that_cannot_be_put_off_is_done_all_the_same(void)
{
	pthread_t thread;

	need_stand_ins();
	must(pthread_create(&thread, NULL, enlist_and_end, NULL) == 0);
	pthread_join(thread, NULL);
	must(wq_os_threads_are_done());
}

static void reset_forgets_the_caller_listed_or_not(void)
{
	wq_os_threads_reset();
	must(wq_os_threads_are_done());
	wq_os_thread_enlist();
	must(!wq_os_threads_are_done());
	wq_os_threads_reset();
	must(wq_os_threads_are_done());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		odd_test(sleep_interrupted_goes_on),
		odd_test(sleep_refused_returns),
		odd_test(timer_wait_interrupted_goes_on),
		odd_test(timer_wait_refused_gives_the_error),
		odd_test(timer_wait_on_what_is_no_timer_gives_ebadf),
		odd_test(write_error_interrupted_goes_on),
		odd_test(read_file_interrupted_goes_on),
		odd_test(read_file_failing_gives_the_error_and_no_text),
		odd_test(nr_cpu_ids_unknown_is_one),
		odd_test(nr_cpu_ids_without_sense_is_the_most_there_can_be),
		odd_test(nr_cpu_ids_of_a_long_list_is_the_most_there_can_be),
		odd_test(state_of_a_thread_without_fields_is_unknown),
		odd_test(state_of_a_thread_that_lacks_a_field_says_the_rest),
		odd_test(state_of_a_thread_in_many_groups_is_read_to_its_end),
		odd_test(state_of_a_thread_that_cannot_be_read_is_unknown),
		child_test(descriptor_stays_where_no_higher_one_is_to_be_had),
		child_test(descriptor_0_is_as_good_as_any_other),
		child_test(thread_without_memory_for_attributes_gives_enomem),
		child_test(exit_without_keys_gives_the_error),
		child_test(thread_without_keys_is_not_waited_for),
		child_test(thread_without_a_value_is_not_waited_for),
		child_test(thread_that_cannot_be_put_off_is_done_all_the_same),
		child_test(reset_forgets_the_caller_listed_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
