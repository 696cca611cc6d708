/* SPDX-License-Identifier: MIT */
/*
 * hog.c - functions whose items compute for long are reported (contracts in hog.h).
 */
#include "core/hog.h"

#include <stddef.h>
#include <stdint.h>

#include "base/options.h"
#include "base/report.h"
#include "base/symbol.h"

/* So many functions are told apart; the others are not reported. */
#define MAX_HOGS 128u

/* O: of the manager's thread */
static struct {
	work_func_t func;
	uint64_t nr;
} hogs[MAX_HOGS];

static uint64_t count(work_func_t func)
{
	unsigned int i;

	for (i = 0; i < MAX_HOGS; i++) {
		if (!hogs[i].func)
			hogs[i].func = func;
		if (hogs[i].func == func)
			return ++hogs[i].nr;
	}
	return 0;
}

/* At the threshold, then ever more rarely: 4 5 7 11 19 ... */
static bool is_worth_a_line(uint64_t nr)
{
	uint64_t above = nr + 1 - wq_options.intensive_warn;

	return wq_options.intensive_warn && nr >= wq_options.intensive_warn &&
	       !(above & (above - 1));
}

void wq_hog_note(work_func_t func)
{
	uint64_t nr = count(func);
	struct wq_msg msg;
	char name[96];

	if (!is_worth_a_line(nr))
		return;
	wq_symbol_name((uintptr_t)func, name, sizeof(name));
	wq_msg_note(&msg, name);
	wq_msg_text(&msg, " hogged CPU for >");
	wq_msg_number(&msg, wq_options.intensive_us);
	wq_msg_text(&msg, "us ");
	wq_msg_number(&msg, nr);
	wq_msg_text(&msg, " times, consider switching to WQ_UNBOUND");
	wq_msg_send(&msg);
}
