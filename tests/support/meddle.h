/* SPDX-License-Identifier: MIT */
/*
 * meddle.h - somebody else is faster, after any instruction of a call.
 *
 * Of two threads that race, one is the thread that is stepped through (step.h); what the other one
 * does comes as a whole, after each of its instructions in turn. What meddles must not wait for what
 * the call holds.
 */
#ifndef TESTS_MEDDLE_H
#define TESTS_MEDDLE_H

#include "step.h"

static struct {
	void (*other)(void);
	long after;
	bool has_come;
} meddler;

static void meddle_at(long nth)
{
	if (nth != meddler.after)
		return;
	meddler.has_come = true;
	/* what comes after that goes on at its own speed */
	step_end();
	meddler.other();
}

/* Make the call, the other one coming after its nth instruction. False: it has fewer. */
static bool meddle_after(long nth, void (*call)(void), void (*other)(void))
{
	meddler.other = other;
	meddler.after = nth;
	meddler.has_come = false;
	step_begin(meddle_at);
	call();
	step_end();
	return meddler.has_come;
}

#endif /* TESTS_MEDDLE_H */
