/* SPDX-License-Identifier: MIT */
/*
 * ring.h - a thread's comings to and goings from CPUs, written down by the system.
 *
 * A ring of perf events in mapped memory: to be had without privileges where
 * kernel.perf_event_paranoid is 2 or less. Reading it is no system call, but each
 * switch of the thread costs about a microsecond more. Failure is a negative errno.
 */
#ifndef WQ_BASE_RING_H
#define WQ_BASE_RING_H

#include <stdbool.h>

struct wq_ring;

/* The calling thread's; the poller hears of each switch, with `data`. NULL, and why in *err. */
struct wq_ring *wq_ring_open(int poller, void *data, int *err);
/* From any thread. */
void wq_ring_close(struct wq_ring *ring);

/* Has the thread left its CPU to wait for something? Not if it had to make way for another. */
bool wq_ring_sleeps(const struct wq_ring *ring);

/* A descriptor that hears of rings. */
int wq_ring_poller_create(void);
/* Sleeps until there is news of some; their data, at most so many. */
int wq_ring_poller_wait(int poller, void **data, int max);
/* From here on waits end at once, with the data NULL. A descriptor that keeps it so while open. */
int wq_ring_poller_end(int poller);
/* Is it one that hears of rings? */
bool wq_ring_poller_is_open(int fd);
/* Closes a descriptor. */
void wq_ring_poller_close(int fd);

#endif /* WQ_BASE_RING_H */
