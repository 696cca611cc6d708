/* SPDX-License-Identifier: MIT */
/*
 * fuzz_proc.c - reading a file in pieces, and what is taken out of /proc/self/task/N/status and
 * the list of possible CPUs.
 *
 * Input: a byte that says what the system calls give, two for the size of a buffer, and the
 * content of all files.
 */
#include "fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "base/cpuset.h"
#include "base/os.h"

enum {
	FD = 9,
	TID = 77,
	LIST_SIZE = 1024,
	MAX_ROOM = 2048, /* more than an input has bytes */
	MAX_FIELD = 36,  /* what stands behind a field's name, at most; longer ones are none */
};

/* Of the byte: */
enum {
	PIECE_MASK = 31, /* read() gives so many bytes at a time; 0: all */
	IS_INTERRUPTED = 32,
	CANNOT_OPEN = 64,
	CANNOT_READ = 128,
};

static struct {
	const uint8_t *content;
	size_t size, at;
	unsigned int how;
	bool is_open, was_interrupted;
} file;

/* ---------------------------------------------------------------- system calls */

static long fail_with(int err)
{
	errno = err;
	return -1;
}

static long call_open(void)
{
	must(!file.is_open);
	if (file.how & CANNOT_OPEN)
		return fail_with(EACCES);
	file.is_open = true;
	file.at = 0;
	return FD;
}

static long call_read(void *buf, size_t size)
{
	size_t n = file.size - file.at, piece = file.how & PIECE_MASK;

	must(file.is_open);
	file.was_interrupted = !file.was_interrupted;
	if (file.how & IS_INTERRUPTED && file.was_interrupted)
		return fail_with(EINTR);
	if (file.how & CANNOT_READ && file.at)
		return fail_with(EIO);
	n = n < size ? n : size;
	n = piece && piece < n ? piece : n;
	memcpy(buf, file.content + file.at, n);
	file.at += n;
	return (long)n;
}

/* Those of wq_os_read_file() only. */
long __wrap_syscall(long nr, ...);
long __wrap_syscall(long nr, ...)
{
	va_list args;
	long first, result;
	void *buf;

	va_start(args, nr);
	first = va_arg(args, int);
	buf = va_arg(args, void *);
	if (nr == SYS_openat) {
		result = call_open();
	} else if (nr == SYS_read) {
		must(first == FD);
		result = call_read(buf, va_arg(args, size_t));
	} else {
		must(nr == SYS_close && first == FD && file.is_open);
		file.is_open = false;
		result = 0;
	}
	va_end(args);
	return result;
}

/* ---------------------------------------------------------------------- target */

/* An error behind what there is room for is not met. */
static bool is_readable(size_t size)
{
	if (file.how & CANNOT_OPEN)
		return false;
	return !(file.how & CANNOT_READ) || !file.size || file.size >= size - 1;
}

static void check_read(size_t size)
{
	char *buf = fuzz_alloc(size);
	size_t expected = file.size < size - 1 ? file.size : size - 1;
	long n = wq_os_read_file("/f", buf, size);

	must(!file.is_open);
	if (n < 0) {
		must((n == -EACCES || n == -EIO) && !*buf);
	} else {
		must((size_t)n == expected && !memcmp(buf, file.content, expected));
		must(buf[expected] == '\0');
	}
	must(n < 0 || is_readable(size));
	must(n >= 0 || file.how & (CANNOT_OPEN | CANNOT_READ));
	free(buf);
}

/*
 * Behind the only one of this name, what the line says; NULL: there is none, or several, or no
 * end, or it begins with white space, behind which strtoull() would look in the next line.
 */
static const char *only_field(const char *text, const char *name)
{
	const char *field = strstr(text, name);

	if (!field || strstr(field + 1, name))
		return NULL;
	field += strlen(name);
	if (isspace((unsigned char)*field) || strcspn(field, "\n") >= MAX_FIELD)
		return NULL;
	return strchr(field, '\n') ? field : NULL;
}

/* Of a file as they are, wherever it is cut. */
static void check_fields(const char *text, const struct wq_os_thread_state *state)
{
	const char *letter = only_field(text, "\nState:\t");
	const char *sleeps = only_field(text, "\nvoluntary_ctxt_switches:\t");

	int saved = errno;

	if (!letter || !sleeps || letter > sleeps)
		return;
	must(state->letter == *letter);
	must(state->nr_sleeps == strtoull(sleeps, NULL, 10));
	errno = saved;
}

static void check_state(void)
{
	struct wq_os_thread_state state = wq_os_thread_state(TID);
	char *text = fuzz_alloc(file.size + 1);

	memcpy(text, file.content, file.size);
	text[file.size] = '\0';
	must(!file.is_open);
	must(state.letter || !state.nr_sleeps);
	must(!(file.how & CANNOT_OPEN) || !state.letter);
	/* an error behind what is wanted is not met */
	must(!(file.how & CANNOT_READ) || !state.letter || strstr(text, "\nvoluntary"));
	if (strlen(text) == file.size && !(file.how & (CANNOT_OPEN | CANNOT_READ)))
		check_fields(text, &state);
	free(text);
}

static void check_nr_cpu_ids(void)
{
	unsigned int nr = wq_os_nr_cpu_ids();

	must(!file.is_open);
	must(nr >= 1 && nr <= WQ_MAX_CPUS);
	must(nr == 1 || is_readable(LIST_SIZE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	size_t room;

	file.how = take_byte(&input);
	file.was_interrupted = false;
	room = take_number(&input) % MAX_ROOM + 1;
	file.content = input.at;
	file.size = (size_t)(input.end - input.at);
	errno = ENOTTY;
	check_read(room);
	check_state();
	check_nr_cpu_ids();
	must(errno == ENOTTY);
	return 0;
}
