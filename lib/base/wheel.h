/* SPDX-License-Identifier: MIT */
/*
 * wheel.h - a timing wheel: timers by the tick at which they are due.
 *
 * It has no clock, no lock and no thread: the caller tells it the time and
 * excludes others. Adding and removing cost the same however many timers there are;
 * a timer is handed out at its tick exactly, at any distance up to 2^63 - 1
 * ticks, also where the count of ticks wraps around. Zeroed memory is an empty wheel
 * that stands at tick 0.
 *
 * Eleven levels of 64 slots. A timer lies at the level of the highest group of
 * six bits in which its tick differs from the wheel's, in the slot of that group: so
 * everything at one level is due before anything at the next. When the wheel
 * comes to a slot of a higher level its timers move down, a few at a time.
 */
#ifndef WQ_BASE_WHEEL_H
#define WQ_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* The beginning of struct timer_list. On the wheel iff wq_list_is_on(&timer->link). */
struct wq_wheel_timer {
	struct wq_list link;
	unsigned long expires; /* the tick at which it is due; not to be changed on the wheel */
} __attribute__((may_alias));

#define WQ_WHEEL_BITS   6u
#define WQ_WHEEL_SLOTS  (1u << WQ_WHEEL_BITS)
#define WQ_WHEEL_LEVELS 11u /* 66 bits are enough for 64 */

struct wq_wheel_slot {
	struct wq_list timers;  /* meaningless while the slot's bit is clear */
	unsigned long earliest; /* no timer in it is due before this tick */
};

struct wq_wheel {
	unsigned long tick;         /* everything due before it has been handed out */
	unsigned int levels;        /* bit l: level l has timers */
	bool is_sifting;            /* `loose` has timers */
	struct wq_wheel_slot loose; /* taken from a slot the wheel has come to; to be placed */
	uint64_t filled[WQ_WHEEL_LEVELS]; /* bit s: slot s of the level has timers */
	struct wq_wheel_slot slots[WQ_WHEEL_LEVELS][WQ_WHEEL_SLOTS];
};

/* Empty, and at that tick; what was on it is forgotten, and not touched. */
void wq_wheel_reset(struct wq_wheel *wheel, unsigned long tick);

/* Put the timer on the wheel; one that is overdue is handed out next. */
void wq_wheel_add(struct wq_wheel *wheel, struct wq_wheel_timer *timer, unsigned long expires);

void wq_wheel_remove(struct wq_wheel *wheel, struct wq_wheel_timer *timer);

/*
 * For a timer on the wheel: remove it and add it with another tick. Costs next to
 * nothing if that is in the same slot.
 */
void wq_wheel_move(struct wq_wheel *wheel, struct wq_wheel_timer *timer, unsigned long expires);

/*
 * It is `now`, which never goes back. Takes one timer that is due off the wheel,
 * the earliest first; NULL if there is none, or if *budget became 0: each timer
 * handed out or moved down costs 1, so that the caller can let others in.
 */
struct wq_wheel_timer *wq_wheel_expire(struct wq_wheel *wheel, unsigned long now,
				       unsigned int *budget);

/*
 * It is `now`, and nothing needs to be handed out: if nothing is due and nothing
 * has to be moved, let the wheel come to `now`. Timers added afterwards need fewer moves.
 */
void wq_wheel_catch_up(struct wq_wheel *wheel, unsigned long now);

/*
 * When to call wq_wheel_expire() next: false: never, the wheel is empty. Nothing is
 * due before *tick. Something is due then, unless it has been removed since.
 */
bool wq_wheel_next(const struct wq_wheel *wheel, unsigned long *tick);

/* fn(timer, arg) for every timer, in no order; it may remove the timer it is given. */
void wq_wheel_for_each(struct wq_wheel *wheel, void (*fn)(struct wq_wheel_timer *timer, void *arg),
		       void *arg);

/* Does everything agree? Looks at every timer. */
bool wq_wheel_is_valid(const struct wq_wheel *wheel);

#endif /* WQ_BASE_WHEEL_H */
