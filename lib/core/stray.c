/* SPDX-License-Identifier: MIT */
/*
 * stray.c - items that do not return to the worker that called them (contracts in stray.h).
 */
#include "core/stray.h"

#include "base/told.h"
#include "core/callback.h"

static bool is_runner(const struct wq_worker *worker)
{
	return worker->func == wq_callback_run;
}

/* What the user knows it by. */
static uintptr_t function_of(const struct wq_worker *worker)
{
	return is_runner(worker) ? wq_callback_function(worker->work) : (uintptr_t)worker->func;
}

void wq_stray_end(struct wq_worker *worker)
{
	static struct wq_told told; /* A: reported */

	wq_told_warn(&told,
		     is_runner(worker) ? "a timer's function ended its worker's thread" :
					 "an item ended its worker's thread",
		     function_of(worker));
	if (is_runner(worker))
		wq_callback_abandon(worker->work);
}

void wq_stray_report_jump(const struct wq_worker *worker)
{
	static struct wq_told told; /* A: reported */

	wq_told_warn(&told, "an item was left by longjmp() into a frame that was gone",
		     function_of(worker));
}
