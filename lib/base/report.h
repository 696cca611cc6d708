/* SPDX-License-Identifier: MIT */
/*
 * report.h - one line to the user, from any context.
 *
 * Lines are put together without stdio, so that a signal handler may report.
 */
#ifndef WQ_BASE_REPORT_H
#define WQ_BASE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*wq_report_fn)(const char *line);

struct wq_msg {
	size_t len;
	char text[240]; /* what does not fit is cut */
};

/* "workq: WARNING: TEXT": misuse that the kernel WARNs about. */
void wq_msg_warning(struct wq_msg *msg, const char *text);
/* "workq: note: TEXT": what else is worth knowing. */
void wq_msg_note(struct wq_msg *msg, const char *text);
/* "workq: BUG: TEXT": the program does not get on. */
void wq_msg_bug(struct wq_msg *msg, const char *text);
/* "workq: TEXT": what somebody asked for. */
void wq_msg_info(struct wq_msg *msg, const char *text);
/* With a '?' for each control character. */
void wq_msg_text(struct wq_msg *msg, const char *text);
void wq_msg_number(struct wq_msg *msg, uint64_t number);
void wq_msg_pointer(struct wq_msg *msg, uintptr_t pointer);

/* Hands the line to the user's function, or writes it to standard error. */
void wq_msg_send(struct wq_msg *msg);

/* Returns the function it replaces; NULL stands for standard error. */
wq_report_fn wq_report_set_fn(wq_report_fn fn);

/* True for the first caller of each flag only: misuse is reported once per kind. */
bool wq_report_is_first(uint32_t *once);

/* The common case: the text, and a name right behind it; each time, or once. */
void wq_warn(const char *text, const char *name);
void wq_note(const char *text, const char *name);
void wq_warn_once(uint32_t *once, const char *text, const char *name);
void wq_note_once(uint32_t *once, const char *text, const char *name);

/* Of what there was not enough of: -EAGAIN or -ENOMEM. */
const char *wq_error_name(int err);

/* A broken invariant of our own, in debug builds: says so and aborts. */
void wq_bug(const char *what, const void *where) __attribute__((noreturn));

#ifdef WORKQ_DEBUG
#define wq_assert(cond)                                                                            \
	do {                                                                                       \
		if (!(cond))                                                                       \
			wq_bug(#cond, (const void *)__func__);                                     \
	} while (0)
#else
#define wq_assert(cond) ((void)sizeof(cond))
#endif

#endif /* WQ_BASE_REPORT_H */
