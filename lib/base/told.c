/* SPDX-License-Identifier: MIT */
/*
 * told.c - what users' functions were reported for (contracts in told.h).
 */
#include "base/told.h"

#include "base/atomic.h"
#include "base/report.h"
#include "base/symbol.h"

bool wq_told_is_first(struct wq_told *told, uintptr_t function)
{
	uintptr_t found;
	unsigned int i;

	for (i = 0; i < WQ_MAX_TOLD; i++) {
		found = wq_load_relaxed(&told->functions[i]);
		if (!found && wq_cas_acq_rel(&told->functions[i], &found, function))
			return true;
		if (found == function)
			return false;
	}
	return false;
}

void wq_told_warn(struct wq_told *told, const char *text, uintptr_t function)
{
	struct wq_msg msg;
	char name[96];

	if (!wq_told_is_first(told, function))
		return;
	wq_symbol_name(function, name, sizeof(name));
	wq_msg_warning(&msg, text);
	wq_msg_text(&msg, ": ");
	wq_msg_text(&msg, name);
	wq_msg_send(&msg);
}
