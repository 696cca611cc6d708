/* SPDX-License-Identifier: MIT */
/*
 * report.c - one line to the user, from any context (contracts in report.h).
 */
#include "base/report.h"

#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/os.h"

/* A: where reports go; NULL: standard error */
static wq_report_fn report_fn;

static void begin(struct wq_msg *msg, const char *prefix, const char *text)
{
	msg->len = 0;
	wq_msg_text(msg, prefix);
	wq_msg_text(msg, text);
}

void wq_msg_warning(struct wq_msg *msg, const char *text)
{
	begin(msg, "workq: WARNING: ", text);
}

void wq_msg_note(struct wq_msg *msg, const char *text)
{
	begin(msg, "workq: note: ", text);
}

void wq_msg_bug(struct wq_msg *msg, const char *text)
{
	begin(msg, "workq: BUG: ", text);
}

void wq_msg_info(struct wq_msg *msg, const char *text)
{
	begin(msg, "workq: ", text);
}

/* A line stays one, and does nothing to a terminal, whatever names are made of. */
static char printable(char c)
{
	return (unsigned char)c < ' ' || c == '\x7f' ? '?' : c;
}

void wq_msg_text(struct wq_msg *msg, const char *text)
{
	/* room for the newline and the NUL that sending adds */
	while (*text && msg->len < sizeof(msg->text) - 2)
		msg->text[msg->len++] = printable(*text++);
}

static void put_digits(struct wq_msg *msg, uint64_t number, unsigned int base)
{
	char digits[24];
	size_t i = sizeof(digits);

	digits[--i] = '\0';
	do
		digits[--i] = "0123456789abcdef"[number % base];
	while ((number /= base));
	wq_msg_text(msg, digits + i);
}

void wq_msg_number(struct wq_msg *msg, uint64_t number)
{
	put_digits(msg, number, 10);
}

void wq_msg_pointer(struct wq_msg *msg, uintptr_t pointer)
{
	wq_msg_text(msg, "0x");
	put_digits(msg, pointer, 16);
}

void wq_msg_send(struct wq_msg *msg)
{
	wq_report_fn fn = wq_load_acquire(&report_fn);

	msg->text[msg->len] = '\0';
	if (fn) {
		fn(msg->text);
		return;
	}
	msg->text[msg->len] = '\n';
	wq_os_write_error(msg->text, msg->len + 1);
}

wq_report_fn wq_report_set_fn(wq_report_fn fn)
{
	return wq_xchg_acq_rel(&report_fn, fn);
}

bool wq_report_is_first(uint32_t *once)
{
	return !wq_load_relaxed(once) && !wq_xchg_acq_rel(once, 1u);
}

void wq_warn(const char *text, const char *name)
{
	struct wq_msg msg;

	wq_msg_warning(&msg, text);
	wq_msg_text(&msg, name);
	wq_msg_send(&msg);
}

void wq_warn_once(uint32_t *once, const char *text, const char *name)
{
	if (wq_report_is_first(once))
		wq_warn(text, name);
}

void wq_note(const char *text, const char *name)
{
	struct wq_msg msg;

	wq_msg_note(&msg, text);
	wq_msg_text(&msg, name);
	wq_msg_send(&msg);
}

void wq_note_once(uint32_t *once, const char *text, const char *name)
{
	if (wq_report_is_first(once))
		wq_note(text, name);
}

const char *wq_error_name(int err)
{
	return err == -EAGAIN ? "EAGAIN" : "ENOMEM";
}

void wq_bug(const char *what, const void *where)
{
	struct wq_msg msg;

	wq_msg_warning(&msg, "BUG in libworkq: ");
	wq_msg_text(&msg, what);
	wq_msg_text(&msg, " at ");
	wq_msg_pointer(&msg, (uintptr_t)where);
	wq_msg_send(&msg);
	abort();
}
