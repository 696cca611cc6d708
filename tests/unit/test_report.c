/* SPDX-License-Identifier: MIT */
/*
 * test_report.c - lines to the user.
 */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>

#define PREFIX "workq: WARNING: "
#define NOTE   "workq: note: "

/* ------------------------------------------------------------------ messages */

static void message_starts_with_its_prefix(void **state)
{
	struct wq_msg msg;

	memset(&msg, 0xff, sizeof(msg));
	wq_msg_warning(&msg, "something");
	wq_msg_send(&msg);
	assert_string_equal(line_take(), PREFIX "something");
	memset(&msg, 0xff, sizeof(msg));
	wq_msg_note(&msg, "something");
	wq_msg_send(&msg);
	assert_string_equal(line_take(), NOTE "something");
	memset(&msg, 0xff, sizeof(msg));
	wq_msg_bug(&msg, "something");
	wq_msg_send(&msg);
	assert_string_equal(line_take(), "workq: BUG: something");
	memset(&msg, 0xff, sizeof(msg));
	wq_msg_info(&msg, "something");
	wq_msg_send(&msg);
	assert_string_equal(line_take(), "workq: something");
}

static void message_holds_its_parts_in_order(void **state)
{
	struct wq_msg msg;

	wq_msg_warning(&msg, "a ");
	wq_msg_number(&msg, 12);
	wq_msg_text(&msg, " ");
	wq_msg_pointer(&msg, 0xabc);
	wq_msg_text(&msg, "");
	wq_msg_text(&msg, ".");
	wq_msg_send(&msg);
	assert_string_equal(line_take(), PREFIX "a 12 0xabc.");
}

static void numbers_are_written_in_full(void **state)
{
	static const uint64_t numbers[] = { 0, 9, 10, 1000000, UINT64_MAX };
	struct wq_msg msg;
	char expected[128];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		wq_msg_warning(&msg, "");
		wq_msg_number(&msg, numbers[i]);
		wq_msg_text(&msg, " ");
		wq_msg_pointer(&msg, numbers[i]);
		wq_msg_send(&msg);
		snprintf(expected, sizeof(expected), PREFIX "%llu 0x%llx",
			 (unsigned long long)numbers[i], (unsigned long long)numbers[i]);
		assert_string_equal(line_take(), expected);
	}
}

static void overlong_message_is_cut(void **state)
{
	struct wq_msg msg;
	char text[600];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	wq_msg_warning(&msg, text);
	wq_msg_text(&msg, text);
	wq_msg_number(&msg, UINT64_MAX);
	wq_msg_send(&msg);
	assert_true(msg.len < sizeof(msg.text));
	assert_int_equal(strlen(line_take()), msg.len);
	assert_int_equal(strncmp(msg.text + sizeof(PREFIX) - 1, text, 200), 0);
}

/* A name with a newline once made two lines of one. */
static void control_characters_become_question_marks(void **state)
{
	struct wq_msg msg;

	wq_msg_warning(&msg, "a\nb\033[1m");
	wq_msg_text(&msg, "\x7f\t~ \xc3\xa4");
	wq_msg_send(&msg);
	assert_string_equal(line_take(), PREFIX "a?b?[1m??~ \xc3\xa4");
}

/* One text after the other until nothing fits, at every offset. */
static void message_ends_at_its_buffer_wherever_it_is_cut(void **state)
{
	struct {
		struct wq_msg msg;
		char behind[8];
	} guarded;

	memset(guarded.behind, 0x5a, sizeof(guarded.behind));
	for (size_t piece = 1; piece < 40; piece++) {
		char text[40] = "";

		memset(text, 'y', piece);
		wq_msg_warning(&guarded.msg, "");
		for (int i = 0; i < 300; i++)
			wq_msg_text(&guarded.msg, text);
		wq_msg_send(&guarded.msg);
		assert_true(strlen(line_take()) < sizeof(guarded.msg.text));
		for (size_t i = 0; i < sizeof(guarded.behind); i++)
			assert_int_equal(guarded.behind[i], 0x5a);
	}
}

/* ------------------------------------------------------------- where they go */

/* What is written to standard error by sending; -1: nothing. */
static ssize_t send_to_pipe(struct wq_msg *msg, char *buf, size_t size)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	wq_msg_send(msg);
	dup2(saved, STDERR_FILENO);
	n = read(ends[0], buf, size);
	close(ends[0]);
	close(ends[1]);
	close(saved);
	return n;
}

static void line_goes_to_standard_error_by_default(void **state)
{
	struct wq_msg msg;
	char buf[512];
	ssize_t n;

	wq_report_set_fn(NULL);
	wq_msg_warning(&msg, "hello");
	n = send_to_pipe(&msg, buf, sizeof(buf));
	assert_int_equal(n, sizeof(PREFIX "hello\n") - 1);
	assert_memory_equal(buf, PREFIX "hello\n", (size_t)n);
	assert_int_equal(lines_take(), 0);
}

static void overlong_line_to_standard_error_still_ends(void **state)
{
	struct wq_msg msg;
	char buf[512];
	ssize_t n;

	wq_report_set_fn(NULL);
	wq_msg_warning(&msg, "");
	for (int i = 0; i < 100; i++)
		wq_msg_text(&msg, "0123456789");
	n = send_to_pipe(&msg, buf, sizeof(buf));
	assert_true(n > 200 && n <= (ssize_t)sizeof(msg.text));
	assert_int_equal(buf[n - 1], '\n');
	assert_null(memchr(buf, '\n', (size_t)n - 1));
	assert_null(memchr(buf, '\0', (size_t)n));
}

static void line_goes_to_the_function_only(void **state)
{
	struct wq_msg msg;
	char buf[512];

	wq_msg_warning(&msg, "hello");
	assert_int_equal(send_to_pipe(&msg, buf, sizeof(buf)), -1);
	assert_string_equal(line_take(), PREFIX "hello");
}

static void ignore_line(const char *line)
{
	(void)line;
}

static void set_fn_returns_the_one_it_replaces(void **state)
{
	assert_ptr_equal(wq_report_set_fn(ignore_line), lines_catch);
	assert_ptr_equal(wq_report_set_fn(NULL), ignore_line);
	assert_ptr_equal(wq_report_set_fn(lines_catch), NULL);
}

static void send_in_handler(int sig)
{
	static uint32_t once;

	(void)sig;
	wq_warn_once(&once, "in a ", "handler");
}

static void handler_may_report(void **state)
{
	signal(SIGUSR1, send_in_handler);
	raise(SIGUSR1);
	assert_string_equal(line_take(), PREFIX "in a handler");
}

static void errno_is_untouched_even_if_nothing_can_be_written(void **state)
{
	int saved = dup(STDERR_FILENO);
	struct wq_msg msg;
	int seen;

	wq_report_set_fn(NULL);
	wq_msg_warning(&msg, "nobody reads this");
	close(STDERR_FILENO);
	errno = 4711;
	wq_msg_send(&msg);
	seen = errno;
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(seen, 4711);
}

/* ---------------------------------------------------------------------- once */

static void warning_is_sent_once_for_each_flag(void **state)
{
	uint32_t first = 0, second = 0;

	for (int i = 0; i < 3; i++)
		wq_warn_once(&first, "queue ", "a");
	assert_string_equal(line_take(), PREFIX "queue a");
	wq_warn_once(&second, "queue ", "b");
	assert_string_equal(line_take(), PREFIX "queue b");
	wq_warn_once(&second, "queue ", "c");
	assert_int_equal(lines_take(), 0);
}

static void note_is_sent_once_for_each_flag(void **state)
{
	uint32_t first = 0, second = 0;

	for (int i = 0; i < 3; i++)
		wq_note_once(&first, "by the way, ", "a");
	assert_string_equal(line_take(), NOTE "by the way, a");
	wq_note_once(&second, "by the way", "");
	assert_string_equal(line_take(), NOTE "by the way");
}

static void plain_warning_is_sent_each_time(void **state)
{
	for (int i = 0; i < 3; i++) {
		wq_warn("again ", "a");
		assert_string_equal(line_take(), PREFIX "again a");
	}
}

enum {
	FLAGS = 20000,
};

static struct {
	uint32_t once[FLAGS];
	struct duel duel;
} race;

static atomic_int nr_firsts;

static long be_first(int who)
{
	int i = 0;

	duel_take_place(&race.duel, who);
	for (; i < FLAGS && meet(&race.duel, who, i + 1); i++) {
		bool is_first;

		dawdle(who ? 64 : race.duel.delay);
		is_first = wq_report_is_first(&race.once[i]);
		atomic_fetch_add(&nr_firsts, is_first);
		if (who == 0)
			close_in(&race.duel, /* was_too_early */ is_first);
	}
	return i;
}

static long be_first_too(void *arg)
{
	return be_first(1);
}

static void one_of_racing_callers_is_first(void)
{
	struct call call;
	long rounds;

	duel_begin(&race.duel);
	call_start(&call, be_first_too, NULL);
	rounds = be_first(0);
	must(call_join(&call) == rounds);
	must(atomic_load(&nr_firsts) == rounds);
}

/* ---------------------------------------------------------------------- bugs */

static void have_a_bug(void)
{
	wq_bug("two and two", &race);
}

static void bug_is_reported_and_aborts(void **state)
{
	assert_true(aborts(have_a_bug, "two and two at 0x"));
}

static void assert_something_false(void)
{
	wq_assert(1 + 1 == 3);
}

static void false_assertion_aborts_in_debug_builds(void **state)
{
	assert_aborts(assert_something_false, "1 + 1 == 3");
}

static void true_assertion_does_nothing(void **state)
{
	int calls = 0;

	wq_assert(++calls == 1);
	assert_int_equal(calls, TESTS_DEBUG);
	assert_int_equal(lines_take(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lines_test(message_starts_with_its_prefix),
		lines_test(message_holds_its_parts_in_order),
		lines_test(numbers_are_written_in_full),
		lines_test(control_characters_become_question_marks),
		lines_test(overlong_message_is_cut),
		lines_test(message_ends_at_its_buffer_wherever_it_is_cut),
		lines_test(line_goes_to_standard_error_by_default),
		lines_test(overlong_line_to_standard_error_still_ends),
		lines_test(line_goes_to_the_function_only),
		lines_test(set_fn_returns_the_one_it_replaces),
		lines_test(handler_may_report),
		lines_test(errno_is_untouched_even_if_nothing_can_be_written),
		lines_test(warning_is_sent_once_for_each_flag),
		lines_test(note_is_sent_once_for_each_flag),
		lines_test(plain_warning_is_sent_each_time),
		child_test(one_of_racing_callers_is_first),
		lines_test(bug_is_reported_and_aborts),
		lines_test(false_assertion_aborts_in_debug_builds),
		lines_test(true_assertion_does_nothing),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
