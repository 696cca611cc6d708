/* SPDX-License-Identifier: MIT */
/*
 * watchdog.h - pools in which work waits and nothing starts are reported (R1).
 */
#ifndef WQ_WATCH_WATCHDOG_H
#define WQ_WATCH_WATCHDOG_H

#include "core/types.h"

/*
 * For the manager's thread, every half threshold: look at each pool, and report those that have
 * not got on for the threshold. True: work waits in some pool, so look again. No lock held.
 */
bool wq_watchdog_look(uint64_t now);

/* The pools of this CPU, or all if it is negative or none, count as if they had just got on. */
void wq_watchdog_touch_pools(int cpu);

#endif /* WQ_WATCH_WATCHDOG_H */
