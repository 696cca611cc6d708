/* SPDX-License-Identifier: MIT */
/*
 * child.h - what a child of fork() would find, if the process were copied now.
 */
#ifndef EXPLORE_CHILD_H
#define EXPLORE_CHILD_H

#include <stdbool.h>

#include <workq/workqueue.h>

/* Is the item idle there, by its word, or since it is found in a list? All is locked. */
bool child_finds_idle(struct delayed_work *item);

#endif /* EXPLORE_CHILD_H */
