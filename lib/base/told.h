/* SPDX-License-Identifier: MIT */
/*
 * told.h - what users' functions were reported for: each of them once.
 */
#ifndef WQ_BASE_TOLD_H
#define WQ_BASE_TOLD_H

#include <stdbool.h>
#include <stdint.h>

/* Functions that were told of, in a static variable; when it is full no more are. */
#define WQ_MAX_TOLD 32u
struct wq_told {
	uintptr_t functions[WQ_MAX_TOLD]; /* A: set once from 0, by CAS */
};

/* Is it the first time for this function? */
bool wq_told_is_first(struct wq_told *told, uintptr_t function);

/* The first time, warns "TEXT: FUNCTION". Not a signal handler. */
void wq_told_warn(struct wq_told *told, const char *text, uintptr_t function);

#endif /* WQ_BASE_TOLD_H */
