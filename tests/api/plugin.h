/* SPDX-License-Identifier: MIT */
/*
 * plugin.h - what plugin.c offers to who loads it.
 */
#ifndef TESTS_PLUGIN_H
#define TESTS_PLUGIN_H

/* Runs so many items; how many have run since it was loaded. */
int plugin_run(int nr);

#endif /* TESTS_PLUGIN_H */
