/* SPDX-License-Identifier: MIT */
/*
 * test_os_file.c - the door to the operating system: reading files.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#include "base/os.h"

static char path[64], buf[32];

/* A file without a name; its path. */
static const char *file_with(const char *text)
{
	char name[] = "/tmp/workq-file-XXXXXX";
	int fd = mkstemp(name);

	must(fd >= 0 && unlink(name) == 0);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static void close_file(void)
{
	close(atoi(strrchr(path, '/') + 1));
}

static void file_is_read_and_ended(void **state)
{
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(wq_os_read_file(file_with("a\nb\n"), buf, sizeof(buf)), 4);
	assert_string_equal(buf, "a\nb\n");
	close_file();
}

static void empty_file_is_an_empty_text(void **state)
{
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(wq_os_read_file("/dev/null", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
}

static void longer_file_is_cut(void **state)
{
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(wq_os_read_file(file_with("0123456789"), buf, 5), 4);
	assert_memory_equal(buf, "0123\0x", 6);
	assert_int_equal(wq_os_read_file(path, buf, 1), 0);
	assert_memory_equal(buf, "\000123\0x", 6);
	assert_int_equal(wq_os_read_file(path, buf, 11), 10);
	assert_string_equal(buf, "0123456789");
	close_file();
}

/* As sysfs gives out files longer than a page; here packets, which no read joins. */
static void file_given_out_in_parts_is_read_to_its_end(void **state)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_DIRECT), 0);
	must(write(ends[1], "abc", 3) == 3);
	must(write(ends[1], "defg", 4) == 4);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	close(ends[1]);
	assert_int_equal(wq_os_read_file(path, buf, sizeof(buf)), 7);
	assert_string_equal(buf, "abcdefg");
	close(ends[0]);
}

static void missing_file_is_an_error_and_an_empty_text(void **state)
{
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(wq_os_read_file("/nowhere/at/all", buf, sizeof(buf)), -ENOENT);
	assert_string_equal(buf, "");
}

static void directory_is_an_error_and_an_empty_text(void **state)
{
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(wq_os_read_file("/", buf, sizeof(buf)), -EISDIR);
	assert_string_equal(buf, "");
}

static void reading_leaves_no_descriptor_open(void **state)
{
	int before = dup(0), after;

	wq_os_read_file("/dev/null", buf, sizeof(buf));
	wq_os_read_file("/", buf, sizeof(buf));
	wq_os_read_file("/nowhere", buf, sizeof(buf));
	after = dup(0);
	assert_int_equal(after, before + 1);
	close(before);
	close(after);
}

static void errno_is_untouched(void **state)
{
	errno = 4711;
	wq_os_read_file("/dev/null", buf, sizeof(buf));
	assert_int_equal(errno, 4711);
	wq_os_read_file("/nowhere", buf, sizeof(buf));
	assert_int_equal(errno, 4711);
	wq_os_read_file("/", buf, sizeof(buf));
	assert_int_equal(errno, 4711);
}

static void *read_when_cancelled(void *is_through)
{
	pthread_cancel(pthread_self());
	wq_os_read_file("/proc/self/status", buf, sizeof(buf));
	*(bool *)is_through = true;
	pthread_testcancel();
	return NULL;
}

static void reading_is_no_cancellation_point(void **state)
{
	bool is_through = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, read_when_cancelled, &is_through), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(is_through);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(file_is_read_and_ended),
		room_test(empty_file_is_an_empty_text),
		room_test(longer_file_is_cut),
		room_test(file_given_out_in_parts_is_read_to_its_end),
		room_test(missing_file_is_an_error_and_an_empty_text),
		room_test(directory_is_an_error_and_an_empty_text),
		room_test(reading_leaves_no_descriptor_open),
		room_test(errno_is_untouched),
		room_test(reading_is_no_cancellation_point),
	};

	return cmocka_run_group_tests_name("os_file", tests, NULL, NULL);
}
