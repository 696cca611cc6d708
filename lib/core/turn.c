/* SPDX-License-Identifier: MIT */
/*
 * turn.c - the two WQ_BH pools of a CPU take turns (contracts in turn.h).
 */
#include "core/turn.h"

#include "base/atomic.h"
#include "base/park.h"

void wq_turn_take(struct wq_turn *turn)
{
	/* order: TURN-ASK pairs with TURN-LOOK (Dekker: `serving` is looked at next) */
	uint32_t mine = wq_fetch_add_seq_cst(&turn->next, 1u), serving;

	/* order: TURN-TAKE pairs with TURN-LEAVE */
	while ((serving = wq_load_seq_cst(&turn->serving)) != mine)
		wq_futex_wait(&turn->serving, serving, WQ_FOREVER);
}

void wq_turn_leave(struct wq_turn *turn)
{
	uint32_t next = wq_load_relaxed(&turn->serving) + 1;

	/* order: TURN-LEAVE pairs with TURN-TAKE */
	wq_store_seq_cst(&turn->serving, next);
	/* order: TURN-LOOK pairs with TURN-ASK */
	if (wq_load_seq_cst(&turn->next) != next)
		wq_futex_wake_all(&turn->serving);
}

bool wq_turn_is_awaited(struct wq_turn *turn)
{
	return wq_load_relaxed(&turn->next) - wq_load_relaxed(&turn->serving) > 1;
}
