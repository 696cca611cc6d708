/* SPDX-License-Identifier: MIT */
/*
 * turn.h - the two WQ_BH pools of a CPU take turns (M1).
 *
 * A worker has the turn from before it takes an item until that has run; so an
 * item that has started is the only one of its CPU. Turns are taken in the order
 * in which they were asked for.
 */
#ifndef WQ_CORE_TURN_H
#define WQ_CORE_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

struct wq_turn {
	uint32_t next;    /* A: turns asked for, by RMWs */
	uint32_t serving; /* A: turns over; by who has the turn */
} WQ_LINE_ALIGNED;        /* those of all CPUs are in one array */

/* Sleeps until it is the caller's turn. */
void wq_turn_take(struct wq_turn *turn);
void wq_turn_leave(struct wq_turn *turn);
/* It is somebody's turn: does somebody else wait for his? */
bool wq_turn_is_awaited(struct wq_turn *turn);

#endif /* WQ_CORE_TURN_H */
